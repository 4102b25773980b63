"""The two commands of the README: what they are, and that CI runs the same."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from trio_binance_uds.cli.arguments import parse

ROOT = Path(__file__).parents[1]
BOOTSTRAP = "python3 -m venv .venv && .venv/bin/pip install nox && "


def commands(path: Path) -> list[str]:
    text = path.read_text("utf-8").replace("\\\n", "")  # a line that goes on
    blocks = re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def readme_commands() -> list[str]:
    return [line for line in commands(ROOT / "README.md") if line.startswith("python3 -m venv")]


def test_the_readme_has_two_commands_and_each_needs_only_python() -> None:
    assert readme_commands() == [f"{BOOTSTRAP}.venv/bin/nox -s demo", f"{BOOTSTRAP}.venv/bin/nox"]


def run_ci(folder: Path, *readme: str) -> subprocess.CompletedProcess[str]:
    """Run CI's script in a project of which there is no more than this README."""
    project = folder / "project"
    (project / ".ci").mkdir(parents=True)
    shutil.copy(ROOT / ".ci" / "run", project / ".ci" / "run")
    (project / "README.md").write_text("\n".join(readme), "utf-8")
    git = ["git", "-C", str(project), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    for action in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "x"]):
        subprocess.run([*git, *action], check=True)
    return subprocess.run(["bash", str(project / ".ci" / "run")], capture_output=True, text=True)


def test_ci_runs_the_commands_of_the_readme_in_a_clone_with_nothing_beside_it(tmp_path: Path) -> None:
    ran = run_ci(tmp_path, "$ pwd && ls -A ..", "not this", "$ echo second", "$ test ! -e ../../project")
    assert ran.returncode == 0, ran.stderr
    shown = ran.stdout.splitlines()
    assert shown[2:4] == ["clone", "README: echo second"]
    assert not Path(shown[1]).exists()  # it has cleaned up
    assert not Path(shown[1]).is_relative_to(tmp_path)


def test_ci_fails_where_a_command_of_the_readme_fails_or_there_is_none(tmp_path: Path) -> None:
    failed = run_ci(tmp_path / "failing", "$ echo first", "$ false", "$ echo third")
    assert failed.returncode != 0
    assert "third" not in failed.stdout
    assert run_ci(tmp_path / "piped", "$ echo first", "$ false | cat").returncode != 0
    assert run_ci(tmp_path / "empty", "no commands").returncode != 0


OWN_COMMANDS = sorted(
    {line for path in (ROOT / "docs").rglob("*.md") for line in commands(path) if line.startswith("trio-binance-uds ")}
)


@pytest.mark.parametrize("line", OWN_COMMANDS)
def test_the_command_takes_what_the_documentation_gives_it(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BINANCE_API_KEY", "a" * 64)
    monkeypatch.setenv("BINANCE_API_SECRET", "s" * 64)
    assert parse(shlex.split(line)[1:])


def test_the_documentation_shows_the_command() -> None:
    assert "trio-binance-uds watch --sandbox" in OWN_COMMANDS
