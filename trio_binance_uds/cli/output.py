"""Writes to the screen or as JSON lines, without ever holding up the stream that it writes about."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import trio
from rich.console import Console
from rich.live import Live
from rich.text import Text

from trio_binance_uds import Event, Notice, event_to_json
from trio_binance_uds.cli.failures import OutputFailed
from trio_binance_uds.cli.plain import iso
from trio_binance_uds.cli.pretty import render
from trio_binance_uds.cli.summary import Summary


@contextmanager
def writing() -> Iterator[None]:
    """Let a reader that has gone be a ``BrokenPipeError``, and all else that keeps us from writing one of ours."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(f"cannot write the output: {error.strerror or error}") from None


class _Console(Console):
    def print(self, *objects: Any, **options: Any) -> None:
        """Print, and say what is wrong where that fails."""
        with writing():
            super().print(*objects, **options)

    def on_broken_pipe(self) -> None:
        """Leave the error to us: rich would end the process here and now."""
        raise BrokenPipeError


def make_console(file: TextIO | None, *, color: bool) -> Console:
    """Return a console that prints what it is given: it folds, highlights and interprets nothing.

    Raises:
        OutputFailed: there is no such file, as the command was started with it closed.
    """
    if file is None:
        raise OutputFailed("the output is closed")
    if isinstance(file, io.TextIOWrapper):
        # A terminal that cannot show a letter gets a question mark, and the stream goes on.
        file.reconfigure(errors="replace")
    # Where there is no terminal there is no width to keep to; rich would keep to 80.
    width = None if file.isatty() else 120
    # Only True and None: no colour if so asked, else what rich finds out about the terminal and NO_COLOR.
    no_color = None if color else True
    return _Console(file=file, width=width, no_color=no_color, highlight=False, markup=False, emoji=False)


class Output(ABC):
    """Where events go, and what is said beside them.

    Attributes:
        closed: whether nobody reads any more; then nothing is said any more either.
        has_status_line: whether there is a line below all others that can be written anew.
    """

    has_status_line: bool = False

    def __init__(self) -> None:
        self.closed: bool = False

    async def show(self, item: Event | Notice) -> None:
        """Print an event or a notice; wait, without holding up anything else, while the reader is not reading.

        Raises:
            BrokenPipeError: nobody reads any more.
        """
        await _wait_writable(sys.stdout)
        try:
            self._write(item)
        except BrokenPipeError:
            self.closed = True
            raise

    @abstractmethod
    async def show_status(self, line: Text) -> None:
        """Write the line below all others anew."""

    @abstractmethod
    def hide_status(self) -> None:
        """Take that line away, if there is one."""

    @abstractmethod
    def say(self, text: Text) -> None:
        """Print what is no event: a greeting, or what the trader does."""

    @abstractmethod
    def warn(self, text: str) -> None:
        """Print a warning on stderr, with the time."""

    @abstractmethod
    def sum_up(self, summary: Summary) -> None:
        """Print the summary."""

    @abstractmethod
    def _write(self, item: Event | Notice) -> None: ...


class Screen(Output):
    """For people: everything on stdout; each event with the name of its account where there are several."""

    def __init__(self, *, color: bool, accounts: Sequence[str] = ()) -> None:
        super().__init__()
        self._accounts = accounts
        self._console = make_console(sys.stdout, color=color)
        self._color = color
        self.has_status_line: bool = self._console.is_terminal and not self._console.is_dumb_terminal
        # It refreshes itself by a thread, unless told otherwise.
        self._live = Live(
            console=self._console, auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )

    async def show_status(self, line: Text) -> None:
        """Write the line below all others anew."""
        await _wait_writable(sys.stdout)
        line.no_wrap, line.overflow = True, "ellipsis"
        with writing():
            self._live.start()
            self._live.update(line, refresh=True)

    def hide_status(self) -> None:
        """Take that line away, if there is one."""
        with suppress(BrokenPipeError, OutputFailed), writing():
            self._live.stop()

    def say(self, text: Text) -> None:
        """Print it on stdout."""
        if not self.closed:
            self._console.print(text, soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print it on stderr; where both are one terminal, above the status line."""
        if not self.closed:
            line = Text(f"   {iso(datetime.now(UTC))}  {text}", style="dim")
            if self.has_status_line and sys.stderr is not None and sys.stderr.isatty():
                self._console.print(line, soft_wrap=True)
            else:
                print_to_stderr(line, color=self._color)

    def sum_up(self, summary: Summary) -> None:
        """Print it as a table."""
        self.say(Text())
        self.say(summary.heading(self.width))
        if not self.closed:
            self._console.print(summary.table())

    @property
    def width(self) -> int | None:
        """How wide the terminal is, or ``None`` if it is none."""
        return self._console.width if self._console.is_terminal else None

    def _write(self, item: Event | Notice) -> None:
        self._console.print(render(item, self.width, self._accounts), soft_wrap=True)


class JsonLines(Output):
    """For programs: one object per event on stdout, and one for all else on stderr."""

    def __init__(self) -> None:
        super().__init__()
        if sys.stdout is None:
            raise OutputFailed("the output is closed")

    async def show_status(self, line: Text) -> None:
        """Print nothing: programs know from the summary, and from what comes, how the stream is."""
        await trio.lowlevel.checkpoint()

    def hide_status(self) -> None:
        """Do nothing: there is no such line."""

    def say(self, text: Text) -> None:
        """Print it on stderr."""
        self._print("Message", {"text": text.plain.strip()})

    def warn(self, text: str) -> None:
        """Print it on stderr."""
        self._print("Warning", {"text": text})

    def sum_up(self, summary: Summary) -> None:
        """Print it on stderr."""
        self._print("Summary", summary.members())

    def _print(self, kind: str, members: Mapping[str, object]) -> None:
        if not self.closed:
            print_json_to_stderr(kind, members)

    def _write(self, item: Event | Notice) -> None:
        with writing():
            sys.stdout.write(f"{event_to_json(item)}\n")
            sys.stdout.flush()


def print_to_stderr(text: Text, *, color: bool) -> None:
    """Print a line there, if anybody can see it: what it says is beside the point of the command."""
    with suppress(BrokenPipeError, OutputFailed):
        make_console(sys.stderr, color=color).print(text, soft_wrap=True)


def print_json_to_stderr(kind: str, members: Mapping[str, object]) -> None:
    """Print an object as one line there, with what it is and the time, if anybody can see it."""
    line = json.dumps({"type": kind, "at": iso(datetime.now(UTC)), **members})
    print_to_stderr(Text(line), color=False)


async def _wait_writable(file: TextIO) -> None:
    """Wait until something can be written to a file without blocking; at once where that cannot be known.

    A write to a stopped terminal (Ctrl-S) or a pager that is not paged would block all of trio, and with it the
    answers to the venue's pings: the connection would be cut off after a minute.
    """
    try:
        await trio.lowlevel.wait_writable(file.fileno())
    except (OSError, ValueError):
        # A regular file, which never blocks, or nothing that has a descriptor.
        await trio.lowlevel.checkpoint()


async def wait_reader_gone() -> None:
    """Wait until nobody reads the pipe on stdout any more; for ever if it is no pipe.

    A quiet stream writes nothing, and so would not notice that ``| head`` has had enough.
    """
    descriptor = _pipe_on_stdout()
    if descriptor is None:
        await trio.sleep_forever()
    else:
        # The writing end is never readable, but on Linux an error on it wakes whoever waits for that.
        await trio.lowlevel.wait_readable(descriptor)


def _pipe_on_stdout() -> int | None:
    try:
        descriptor = sys.stdout.fileno()
        is_pipe = stat.S_ISFIFO(os.fstat(descriptor).st_mode)
    except (OSError, ValueError):
        return None
    return descriptor if is_pipe and sys.platform == "linux" else None


def finish_stdout() -> None:
    """Write what is left in stdout's buffer; where that cannot be, let the interpreter's own last flush go nowhere.

    Raises:
        OutputFailed: it could not be written.
        BrokenPipeError: nobody reads it any more.
    """
    if sys.stdout is None:
        return
    try:
        with writing():
            sys.stdout.flush()
    except (BrokenPipeError, OutputFailed):
        _forget_stdout()
        raise


def _forget_stdout() -> None:
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
