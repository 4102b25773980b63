"""Writing without holding up the stream, and to readers that have gone."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import attrs
import cli_samples as samples
import pytest
import trio
import trio.testing
from rich.text import Text

from trio_binance_uds.cli.failures import OutputFailed
from trio_binance_uds.cli.output import (
    JsonLines,
    Output,
    Screen,
    finish_stdout,
    make_console,
    print_to_stderr,
    wait_reader_gone,
)
from trio_binance_uds.cli.viewer import library_warnings

outputs = pytest.mark.parametrize("make", [partial(Screen, color=False), JsonLines], ids=["Screen", "JsonLines"])


class Gone(io.StringIO):
    """What nobody reads any more."""

    def write(self, text: str) -> int:
        raise BrokenPipeError


class Terminal(io.StringIO):
    """A terminal that is 80 columns wide."""

    def isatty(self) -> bool:
        return True


@contextmanager
def piped_stdout() -> Iterator[int]:
    """Make stdout the writing end of a pipe, and give its reading end.

    No fixture: between setting up and calling a test, pytest puts its own stdout back.
    """
    reading, writing = os.pipe()
    with os.fdopen(writing, "w", encoding="utf-8") as file, pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", file)
        yield reading


async def test_people_get_everything_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    output = Screen(color=True)
    await output.show(samples.transfer("1"))
    output.say(Text("something"))
    assert capsys.readouterr() == ("05:06:07.089  transfer  USDT       +1\nsomething\n", "")
    assert output.width is None


async def test_people_see_whose_event_it_is_where_there_are_several(capsys: pytest.CaptureFixture[str]) -> None:
    output = Screen(color=True, accounts=("cross-margin", "isolated-margin:BTCUSDT"))
    await output.show(attrs.evolve(samples.transfer("1"), account="cross-margin"))
    assert "  cross-margin             transfer  " in capsys.readouterr().out


async def test_programs_get_only_events_on_stdout(capsys: pytest.CaptureFixture[str]) -> None:
    output = JsonLines()
    await output.show(samples.disconnected())
    await output.show_status(Text("alive"))
    output.hide_status()
    output.say(Text("  something"))
    said = capsys.readouterr()
    assert said.out.startswith('{"type":"Disconnected"')
    assert said.out.count("\n") == 1
    message = json.loads(said.err)
    assert (message["type"], message["text"]) == ("Message", "something")
    assert message["at"].endswith("Z")


@pytest.mark.parametrize(("color", "escapes"), [(True, True), (False, False)])
async def test_only_a_terminal_is_coloured_and_only_if_wanted(
    monkeypatch: pytest.MonkeyPatch, color: bool, escapes: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "80")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    output = Screen(color=color)
    await output.show(samples.disconnected())
    assert output.width == 80
    assert ("\x1b[1;31m" in terminal.getvalue()) is escapes


@outputs
async def test_a_reader_that_has_gone_is_told_once(make: Callable[[], Output], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Gone())
    monkeypatch.setattr(sys, "stderr", Gone())
    output = make()
    with pytest.raises(BrokenPipeError):
        await output.show(samples.transfer("1"))
    output.say(Text("nothing more"))
    output.warn("nothing more")


def fill(descriptor: int) -> int:
    """Write to a pipe until it takes no more, and return how much it took."""
    os.set_blocking(descriptor, False)
    filled = 0
    try:
        # Bounded, should it be no pipe.
        while filled < 2**24:
            filled += os.write(descriptor, b"x" * 4096)
    except BlockingIOError:
        os.set_blocking(descriptor, True)
        return filled
    raise AssertionError("it takes everything")


@outputs
async def test_a_reader_that_does_not_read_holds_nothing_up(make: Callable[[], Output]) -> None:
    shown = False

    async def show(output: Output) -> None:
        nonlocal shown
        await output.show(samples.transfer("1"))
        shown = True

    with piped_stdout() as reading:
        filled = fill(sys.stdout.fileno())
        async with trio.open_nursery() as nursery:
            nursery.start_soon(show, make())
            await trio.testing.wait_all_tasks_blocked()
            assert not shown
            while filled:
                filled -= len(os.read(reading, filled))
        os.close(reading)
    assert shown


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next event finds it out")
async def test_a_quiet_stream_notices_that_the_reader_has_gone() -> None:
    with piped_stdout() as reading, trio.fail_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_reader_gone)
            await trio.testing.wait_all_tasks_blocked()
            assert nursery.child_tasks
            os.close(reading)


async def test_what_is_no_pipe_has_a_reader_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    for stdout in (io.StringIO(), sys.__stderr__):
        monkeypatch.setattr(sys, "stdout", stdout)
        monkeypatch.setattr("trio_binance_uds.cli.output.stat.S_ISFIFO", lambda mode: False)
        with trio.move_on_after(0) as scope:
            await wait_reader_gone()
        assert scope.cancelled_caught


def test_the_last_flush_goes_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with piped_stdout() as reading:
        os.close(reading)
        sys.stdout.write("unread")
        with pytest.raises(BrokenPipeError):
            finish_stdout()
        finish_stdout()
        sys.stdout.write("more")
    for stdout in (Gone(), None):
        monkeypatch.setattr(sys, "stdout", stdout)
        finish_stdout()


class Full(io.StringIO):
    """A file on a disk that is full."""

    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@outputs
async def test_what_cannot_be_written_is_a_failure_that_says_why(
    make: Callable[[], Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(OutputFailed, match=r"^cannot write the output: No space left on device$"):
        await make().show(samples.transfer("1"))


@outputs
def test_an_output_that_is_closed_from_the_start_is_a_failure(
    make: Callable[[], Output], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputFailed, match=r"^the output is closed$"):
        make()


@pytest.mark.parametrize("stderr", [None, Gone(), Full()])
def test_what_nobody_can_see_on_stderr_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, stderr: io.StringIO | None
) -> None:
    monkeypatch.setattr(sys, "stderr", stderr)
    print_to_stderr(Text("something"), color=True)


async def test_a_terminal_has_a_status_line_below_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "40")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", terminal)
    output = Screen(color=False)
    assert output.has_status_line
    await output.show_status(Text("proven alive at 05:06:07 " * 3))
    output.warn("about to break")
    await output.show(samples.transfer("1"))
    output.hide_status()
    assert "proven alive at 05:06:07 proven alive a…" in terminal.getvalue()
    assert "about to break" in terminal.getvalue()
    assert terminal.getvalue().rpartition("\x1b[?25")[2].startswith("h"), "the cursor is there again"


async def test_a_terminal_that_cannot_move_the_cursor_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert not Screen(color=False).has_status_line


def test_a_letter_that_the_terminal_lacks_becomes_a_question_mark() -> None:
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    make_console(file, color=False).print(Text("a ━ b"))
    file.seek(0)
    assert file.read() == "a ? b\n"


def test_warnings_of_the_library_are_shown_beside_the_events(capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("trio_binance_uds.anything")
    output = Screen(color=False)
    with library_warnings(output):
        log.warning("the next attempt is in %.1f s\x1b; check the URL given with override()", 0.5)
        log.error("told as an exception")
        output.closed = True
        log.warning("unread")
    log.handlers.clear()
    said = capsys.readouterr()
    assert said.out == ""
    when, _, text = said.err.strip().partition("  ")
    assert datetime.fromisoformat(when).tzinfo is UTC
    assert text == "the next attempt is in 0.5 s\\x1b; check the URL given with --url"
