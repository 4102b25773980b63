"""The two commands of the README: what they are, and that CI runs the same."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from trio_binance_uds.cli.arguments import parse

ROOT = Path(__file__).parents[1]
BOOTSTRAP = "python3 -m venv .venv && .venv/bin/pip install nox && "


def commands(path: Path) -> list[str]:
    blocks = re.findall(r"^```console\n(.*?)^```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


def readme_commands() -> list[str]:
    return [line for line in commands(ROOT / "README.md") if line.startswith("python3 -m venv")]


def test_the_readme_has_two_commands_and_each_needs_only_python() -> None:
    assert readme_commands() == [f"{BOOTSTRAP}.venv/bin/nox -s demo", f"{BOOTSTRAP}.venv/bin/nox"]


def test_ci_runs_the_readmes_test_command() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8").splitlines()
    assert script[-1] == readme_commands()[1]
    assert "set -euo pipefail" in script


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
