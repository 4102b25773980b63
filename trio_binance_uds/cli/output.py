"""Writes to the screen or as JSON lines, without ever holding up the stream that it writes about."""

from __future__ import annotations

import io
import os
import stat
import sys
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import TextIO

import trio
from rich.console import Console, RenderableType
from rich.text import Text

from trio_binance_uds import Event, Notice, event_to_json
from trio_binance_uds.cli.pretty import render


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave the error to us: rich would end the process here and now."""
        raise BrokenPipeError


def make_console(file: TextIO, *, color: bool) -> Console:
    """Return a console that prints what it is given: it folds, highlights and interprets nothing."""
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
        messages: the console for what concerns neither: warnings and errors.
        closed: whether nobody reads any more; then nothing is said any more either.
    """

    def __init__(self, *, color: bool) -> None:
        self.messages: Console = make_console(sys.stderr, color=color)
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

    def say(self, content: RenderableType) -> None:
        """Print what is no event: a greeting, what the trader does, the summary."""
        if not self.closed:
            self._aside.print(content, soft_wrap=isinstance(content, Text))

    @property
    def width(self) -> int | None:
        """How wide the place is where things are said, or ``None`` if it is no terminal."""
        return self._aside.width if self._aside.is_terminal else None

    @property
    @abstractmethod
    def _aside(self) -> Console: ...

    @abstractmethod
    def _write(self, item: Event | Notice) -> None: ...


class Screen(Output):
    """For people: everything on stdout; each event with the name of its account where there are several."""

    def __init__(self, *, color: bool, accounts: Sequence[str] = ()) -> None:
        super().__init__(color=color)
        self._accounts = accounts
        self._console = make_console(sys.stdout, color=color)

    @property
    def _aside(self) -> Console:
        return self._console

    def _write(self, item: Event | Notice) -> None:
        self._console.print(render(item, self.width, self._accounts), soft_wrap=True)


class JsonLines(Output):
    """For programs: one object per event on stdout, and all else on stderr."""

    @property
    def _aside(self) -> Console:
        return self.messages

    def _write(self, item: Event | Notice) -> None:
        sys.stdout.write(f"{event_to_json(item)}\n")
        sys.stdout.flush()


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


def forget_stdout() -> None:
    """Let the interpreter's own last flush go nowhere, after a reader has gone."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)
