"""The command as a user runs it: a process with pipes and signals, over real sockets."""

from __future__ import annotations

import errno
import io
import json
import os
import runpy
import shlex
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from trio_binance_uds import AuthenticationFailed, ConnectFailed
from trio_binance_uds.cli import arguments, main, run

COMMAND = [sys.executable, "-m", "trio_binance_uds.cli"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("BINANCE_")}
KEY = {"BINANCE_API_KEY": "TestApiKey" * 6, "BINANCE_API_SECRET": "TestSecret" * 6}


@pytest.fixture(autouse=True)
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in set(os.environ) - set(ENVIRONMENT):
        monkeypatch.delenv(name)


def start(*argv: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *argv], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


@pytest.mark.long
def test_the_demo_ends_by_itself_with_everything_shown() -> None:
    # The one test that lets real time pass, because this is what a new user runs first.
    done = subprocess.run(
        [*COMMAND, "watch", "--sandbox", "--json"], env=ENVIRONMENT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    items = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [item["type"] for item in items]
    assert kinds.index("Disconnected") < kinds.index("Gap") < len(kinds) - 1
    statuses = {item.get("order_status") for item in items}
    assert {"NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED"} <= statuses
    assert "Summary" in {json.loads(line)["type"] for line in done.stderr.splitlines()}
    for text in (done.stdout, done.stderr):
        assert "PRIVATE KEY" not in text


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["nonsense"], "there is no product 'nonsense'; there are spot, "),
        (["isolated-margin"], "isolated-margin:SYMBOL"),
        (["isolated-margin:btcusdt"], "in upper case"),
        (["portfolio-margin", "--environment", "testnet"], "the testnet environment has no portfolio_margin_stream"),
        (["isolated-margin:DOGEUSDT", "--sandbox"], "the demo has no pair DOGEUSDT; it has BTCUSDT, "),
    ],
)
def test_what_cannot_be_watched_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], argv: list[str], said: str
) -> None:
    assert main(["watch", *argv]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert said in output.err


@pytest.mark.long
def test_ctrl_c_ends_it_with_a_summary() -> None:
    with start("watch", "--sandbox") as process:
        assert process.stdout is not None
        assert "Watching" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "SUMMARY" in out
    assert err == ""


@pytest.mark.long
def test_a_reader_that_has_enough_ends_it_quietly() -> None:
    with start("watch", "--sandbox", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        err = process.stderr.read()
        assert process.wait(timeout=20) == 0
    assert "Traceback" not in err
    assert "SUMMARY" not in err


@pytest.mark.long
@pytest.mark.parametrize("missing", ["rich", "hypercorn", "trustme"])
def test_a_missing_extra_is_named(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from trio_binance_uds.cli import main; sys.exit(main())"
    done = subprocess.run(
        [sys.executable, "-c", program, "watch", "--sandbox"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert missing in done.stderr
    assert "install trio-binance-uds[cli]" in done.stderr


def one_line_of(capsys: pytest.CaptureFixture[str]) -> str:
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("trio-binance-uds: ")
    return said.err


def test_a_missing_key_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch"]) == 2
    assert "BINANCE_API_KEY" in one_line_of(capsys)


def test_an_unreadable_key_file_is_one_line_and_status_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("BINANCE_API_KEY", KEY["BINANCE_API_KEY"])
    monkeypatch.setenv("BINANCE_PRIVATE_KEY_FILE", str(tmp_path / "missing.pem"))
    assert main(["watch"]) == 2
    assert "missing.pem' does not exist" in one_line_of(capsys)


def test_a_refused_connection_is_one_line_and_status_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert main(["watch", "--url", f"ws://127.0.0.1:{port}/ws-api/v3"]) == 1
    line = one_line_of(capsys)
    assert f"127.0.0.1:{port}" in line
    assert KEY["BINANCE_API_SECRET"] not in line


def test_a_port_in_use_is_one_line_and_status_2(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["sandbox", "--ws-port", str(taken.getsockname()[1])]) == 2
    assert "in use" in one_line_of(capsys)


def test_ctrl_c_before_it_is_listened_for_is_told_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupted(options: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(run, "watch", interrupted)
    assert main(["watch"]) == 130


def test_ctrl_c_while_it_is_loaded_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(argv: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(arguments, "parse", interrupted)
    assert main(["watch"]) == 130


def test_a_broken_pipe_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(options: object) -> int:
        raise BrokenPipeError

    monkeypatch.setattr(run, "watch", broken)
    assert main(["watch"]) == 0


class Unwritable(io.StringIO):
    """What takes everything and cannot be flushed."""

    def __init__(self, error: OSError | None) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        if self.error is not None:
            raise self.error


@pytest.mark.parametrize(
    ("error", "status"), [(BrokenPipeError(), 0), (OSError(errno.ENOSPC, "No space left on device"), 1), (None, 0)]
)
def test_what_cannot_be_written_at_the_end_is_told_unless_nobody_reads(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: OSError | None, status: int
) -> None:
    async def done(options: object) -> int:
        return 0

    monkeypatch.setattr(run, "watch", done)
    monkeypatch.setattr(sys, "stdout", Unwritable(error))
    assert main(["watch"]) == status
    assert capsys.readouterr().err.count("\n") == status


def test_a_failure_is_an_object_where_programs_read(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refused(options: object) -> int:
        raise AuthenticationFailed(method="session.logon", status=401, code=-2015, msg="Invalid API-key, or so.")

    monkeypatch.setattr(run, "watch", refused)
    assert main(["watch", "--json"]) == 1
    said = json.loads(capsys.readouterr().err)
    assert (said["type"], said["status"], said["error"], said["code"]) == ("Failure", 1, "AuthenticationFailed", -2015)
    assert "is it a key of this environment" in said["text"]


def test_what_goes_wrong_later_has_its_time(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def broken(options: object) -> int:
        raise ConnectFailed("no way")

    monkeypatch.setattr(run, "watch", broken)
    assert main(["watch"]) == 1
    when, _, text = one_line_of(capsys).removeprefix("trio-binance-uds: ").strip().partition("  ")
    assert datetime.fromisoformat(when).tzinfo is UTC
    assert text == "no way"


@pytest.mark.long
@pytest.mark.parametrize("command", [["watch", "--sandbox"], ["watch", "--sandbox", "--json"], ["sandbox"]])
@pytest.mark.parametrize("where", [">&-", "> /dev/full"])
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no file here that is always full")
def test_an_output_that_takes_nothing_ends_it_in_one_line(command: list[str], where: str) -> None:
    shell = f"exec {shlex.join([*COMMAND, *command])} {where}"
    done = subprocess.run(["sh", "-c", shell], env=ENVIRONMENT, capture_output=True, text=True, timeout=60)
    failures = [line for line in done.stderr.splitlines() if "Message" not in line and "Summary" not in line]
    assert (done.returncode, len(failures)) == (1, 1), done.stderr
    assert "output" in failures[0]


@pytest.mark.parametrize(("missing", "said"), [("rich.console", True), ("something.else", False)])
def test_only_the_extras_are_offered_for_installation(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, missing: str, said: bool
) -> None:
    class Finder:
        def find_spec(self, name: str, *args: object) -> None:
            if name == "trio_binance_uds.cli.run":
                raise ModuleNotFoundError(name=missing)

    monkeypatch.delitem(sys.modules, "trio_binance_uds.cli.run")
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    if said:
        assert main(["watch"]) == 2
        assert "rich.console is not installed" in one_line_of(capsys)
    else:
        with pytest.raises(ModuleNotFoundError):
            main(["watch"])


def test_the_package_is_the_command_as_well(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["trio-binance-uds", "--version"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("trio_binance_uds.cli", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("trio-binance-uds ")
