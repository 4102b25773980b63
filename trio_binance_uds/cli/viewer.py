"""Follows one stream to its end: shows what comes, counts it, and sums it up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import attrs
import trio
from rich.text import Text

from trio_binance_uds import Balance, Event, Notice, UserDataStream
from trio_binance_uds.cli.output import Output
from trio_binance_uds.cli.plain import printable
from trio_binance_uds.cli.summary import heading, summary
from trio_binance_uds.cli.tally import Tally


def _ignore(item: Event | Notice) -> None:
    pass


@attrs.define(kw_only=True)
class Viewer:
    """What happens to the events of a stream.

    Attributes:
        output: where they are shown.
        duration: how many seconds to follow; for ever by default.
        tally: what has been seen.
        on_item: called with each, after it has been shown.
        balances: the account's balances as the venue itself gave them, if it was asked.
    """

    output: Output
    duration: float | None = None
    tally: Tally = attrs.field(factory=Tally)
    on_item: Callable[[Event | Notice], None] = _ignore
    balances: Iterable[Balance] | None = None

    async def follow(self, stream: UserDataStream) -> None:
        """Show everything that comes until the time is up.

        Raises:
            StreamFailed: the stream has ended for good.
            BrokenPipeError: nobody reads the output any more.
        """
        with trio.move_on_after(float("inf") if self.duration is None else self.duration):
            async for item in stream:
                self.tally.add(item)
                await self.output.show(item)
                self.on_item(item)

    @contextmanager
    def summing_up(self, stream: UserDataStream) -> Iterator[None]:
        """Print the summary when the block is left, in whichever way."""
        start = trio.current_time()
        try:
            yield
        finally:
            table = summary(
                self.tally,
                links_opened=stream.statistics().links_opened,
                seconds=trio.current_time() - start,
                now=datetime.now(UTC),
                balances=self.balances,
            )
            self.output.say(Text())
            self.output.say(heading(self.output.width))
            self.output.say(table)


class _Aside(logging.Handler):
    """Shows the library's warnings, such as when it is going to connect again, beside the events."""

    def __init__(self, output: Output) -> None:
        super().__init__(logging.WARNING)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        # What is worse than a warning reaches us as an exception, and is told once.
        if record.levelno == logging.WARNING and not self._output.closed:
            text = Text(f"   {printable(record.getMessage())}", style="dim")
            self._output.messages.print(text, soft_wrap=True)


@contextmanager
def library_warnings(output: Output) -> Iterator[None]:
    """Show the library's own warnings while the block runs."""
    logger, handler = logging.getLogger("trio_binance_uds"), _Aside(output)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
