"""Follows one stream to its end: shows what comes, counts it, and sums it up."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial

import attrs
import trio

from trio_binance_uds import Balance, Event, Notice, UserDataStream
from trio_binance_uds.cli.attended import run_beside
from trio_binance_uds.cli.output import Output
from trio_binance_uds.cli.plain import command_words, printable
from trio_binance_uds.cli.quiet import say_alive
from trio_binance_uds.cli.summary import Summary
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
        is_blind: whether events may be missing at its end.
    """

    output: Output
    duration: float | None = None
    tally: Tally = attrs.field(factory=Tally)
    on_item: Callable[[Event | Notice], None] = _ignore
    balances: Iterable[Balance] | None = None
    is_blind: bool = False
    _shown_at: float = attrs.field(factory=trio.current_time)

    async def follow(self, stream: UserDataStream) -> None:
        """Show everything that comes until the time is up, and while nothing comes that the stream is alive.

        Raises:
            StreamFailed: the stream has ended for good.
            BrokenPipeError: nobody reads the output any more.
        """
        alive = partial(say_alive, stream, self.output, self._last_shown_at)
        try:
            with trio.move_on_after(float("inf") if self.duration is None else self.duration):
                await run_beside(partial(self._show, stream), alive)
        finally:
            self.output.hide_status()

    async def _show(self, stream: UserDataStream) -> None:
        async for item in stream:
            self.tally.add(item)
            await self.output.show(item)
            self._shown_at = trio.current_time()
            self.on_item(item)

    def _last_shown_at(self) -> float:
        return self._shown_at

    @contextmanager
    def summing_up(self, stream: UserDataStream) -> Iterator[None]:
        """Print the summary when the block is left, in whichever way."""
        start = trio.current_time()
        try:
            yield
        finally:
            statistics = stream.statistics()
            # What has not been shown yet is missing on the screen as well.
            blind_since = self.tally.blind_since or stream.blind_since
            self.is_blind = blind_since is not None
            self.output.sum_up(
                Summary(
                    tally=self.tally,
                    links_opened=statistics.links_opened,
                    seconds=trio.current_time() - start,
                    now=datetime.now(UTC),
                    proven_at=statistics.proven_at,
                    blind_since=blind_since,
                    balances=self.balances,
                )
            )


class _Aside(logging.Handler):
    """Shows the library's warnings, such as when it is going to connect again, beside the events."""

    def __init__(self, output: Output) -> None:
        super().__init__(logging.WARNING)
        self._output = output

    def emit(self, record: logging.LogRecord) -> None:
        # What is worse than a warning reaches us as an exception, and is told once.
        if record.levelno == logging.WARNING:
            self._output.warn(printable(command_words(record.getMessage())))


@contextmanager
def library_warnings(output: Output) -> Iterator[None]:
    """Show the library's own warnings while the block runs."""
    logger, handler = logging.getLogger("trio_binance_uds"), _Aside(output)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
