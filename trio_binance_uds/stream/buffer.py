"""The bounded buffer between the links and the user: never grows, never blocks the producer, never loses in silence.

The producer is synchronous. What it puts is handed over in batches, through a memory channel, so that the
scheduler is paid for a batch and not for an event. One slot is kept for a :class:`Gap`: when the buffer is full,
the place is marked exactly after the last event that found room, and everything that follows is shed. When the
consumer has read as far as the mark, the producer is told; it resumes, and puts the gap.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime

import attrs
import trio

from trio_binance_uds.errors import StreamFailed
from trio_binance_uds.events import Event, Gap, GapCause, Notice

log: logging.Logger = logging.getLogger(__name__)

# So many events are given to a consumer before other tasks are let in: about half a millisecond of work.
_EVENTS_PER_TURN = 64


@attrs.define(eq=False)
class Mark:
    """Where the buffer was full: since when, and how many events were shed so far."""

    since: datetime
    shed: int = 0


class EventBuffer:
    """What was accepted and not yet read, in order. One producer; any number of consumers."""

    def __init__(self, size: int, now: Callable[[], datetime], on_caught_up: Callable[[Mark], None]) -> None:
        if size < 2:
            raise ValueError(f"max_buffer must be at least 2, one event and one gap, got {size}")
        self._size = size
        self._now = now
        self._on_caught_up = on_caught_up
        # The bound is in events and kept by _held; batches are not bounded on their own.
        self._send, self._receive = trio.open_memory_channel[list[Event | Notice | Mark]](float("inf"))
        self._batch: list[Event | Notice | Mark] = []
        self._reading: deque[Event | Notice | Mark] = deque()
        self._turn = trio.Lock()
        self._until_yield = _EVENTS_PER_TURN
        # When the batches in the channel were handed over, and the one that is being read.
        self._flushed_at: deque[float] = deque()
        self._reading_from = 0.0
        self._held = 0
        self._mark: Mark | None = None
        # How old what is put now can be, where that is not "just now": a gap, or what waited behind one.
        self.dating_from: datetime | None = None
        self._error: StreamFailed | None = None
        self._closed = False
        self._finished = False
        self.delivered: int = 0
        self.shed: int = 0
        self.recovered: int = 0

    @property
    def size(self) -> int:
        """How many events and notices may wait."""
        return self._size

    @property
    def held(self) -> int:
        """How many events and notices wait for the consumer."""
        return self._held

    @property
    def lag(self) -> float:
        """For how many seconds the oldest item has been waiting for the consumer."""
        if self._reading:
            return trio.current_time() - self._reading_from
        return trio.current_time() - self._flushed_at[0] if self._flushed_at else 0.0

    # The producer's side, all of it synchronous.

    def put(self, item: Event | Notice) -> bool:
        """Accept an event or notice, or shed it where there is no room; :meth:`flush` hands it over.

        Returns whether it was accepted. A notice is shed like an event: the gap that comes instead covers what
        it would have said. An event that was recovered finds room beyond the bound: it is in memory in any case, and
        to shed it would mean to ask for it again and again, at the cost of the venue's limits.
        """
        if self._mark is None:
            if self._held < self._size - 1 or (isinstance(item, Event) and item.recovered):
                self._batch.append(item)
                self._held += 1
                return True
            self._mark = Mark(self.dating_from or self._now())
            self._batch.append(self._mark)
            self._held += 1
            log.warning("the consumer is %d events behind; events are shed until it has caught up", self._held - 1)
        if isinstance(item, Event):
            self._mark.shed += 1
            self.shed += 1
        return False

    def resume(self) -> None:
        """Accept again, after the consumer has caught up."""
        assert self._mark is not None, "nothing was shed"
        behind = (self._now() - self._mark.since).total_seconds()
        log.warning("the consumer was behind for %.3f s; %d events were shed", behind, self._mark.shed)
        self._mark = None

    def flush(self) -> None:
        """Hand over what was put since the last time."""
        if self._batch:
            batch, self._batch = self._batch, []
            self._flushed_at.append(trio.current_time())
            try:
                self._send.send_nowait(batch)
            except trio.BrokenResourceError:
                self._held = 0  # The consumer has closed its end: nobody reads this any more.

    def finish(self, error: StreamFailed) -> None:
        """Accept nothing more; after what is buffered, the consumer gets this error."""
        self.flush()
        self._finished = True
        self._error = error
        self._send.close()

    # The consumer's side.

    async def receive(self) -> Event | Notice:
        """Return the next item; see :meth:`UserDataStream.receive`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        if self._reading:
            self._until_yield -= 1
            if self._until_yield <= 0:
                self._until_yield = _EVENTS_PER_TURN
                # Before an item is taken: cancelled here, nothing is lost.
                await trio.lowlevel.checkpoint()
        while True:
            if self._closed:
                raise trio.ClosedResourceError
            if self._reading:
                item = self._take()
                if item is not None:
                    return item
            else:
                await self._fetch()

    async def _fetch(self) -> None:
        # Only one task at a time stands between channel and deque: otherwise batches could overtake each other.
        async with self._turn:
            if self._reading or self._closed:
                return
            self._until_yield = _EVENTS_PER_TURN
            try:
                self._reading.extend(await self._receive.receive())
                self._reading_from = self._flushed_at.popleft()
            except trio.EndOfChannel:
                assert self._error is not None, "only the end of the stream ends the channel"
                # A new one for each call: several tasks may come here, again and again.
                raise StreamFailed(*self._error.args) from self._error.__cause__

    def close(self) -> None:
        """Discard what is buffered and accept nothing more; who is waiting gets ``ClosedResourceError``."""
        self._closed = True
        self._reading.clear()
        self._held = 0
        self._receive.close()

    def _take(self) -> Event | Notice | None:
        item = self._reading.popleft()
        self._held -= 1
        if isinstance(item, Mark):
            if not self._finished:
                self._on_caught_up(item)
                return None
            # Nobody will put a gap any more, and the loss must be told.
            item = Gap(
                cause=GapCause.CONSUMER_TOO_SLOW,
                since=item.since,
                until=max(item.since, self._now()),
                shed=item.shed,
                detail="the stream ended before the consumer had caught up",
            )
        if isinstance(item, Event):
            self.delivered += 1
            self.recovered += item.recovered
        return item
