"""The bounded buffer between the links and the user: never grows, never blocks the producer, never loses in silence.

The producer is synchronous. It puts what arrived together and then wakes the consumer once: the scheduler is paid for
a batch and not for an event, and no task stands between the receive loop and the user's. One slot is kept for a mark:
when the buffer is full, the place is marked exactly after the last event that found room, and everything that follows
is shed. A consumer that reads as far as the mark gets a :class:`Shedding` for it, so that it knows at once that it is
blind, and the producer learns that it may resume: it puts the gap. The notice is made of the mark when that is read. So
it needs no slot of its own, and always finds room.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs
import trio

from trio_binance_uds.errors import StreamFailed
from trio_binance_uds.events import Event, Gap, GapCause, Notice, Shedding
from trio_binance_uds.logs import stream_logger

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

EVENTS_PER_TURN = 64
"""How many events are given to a consumer before other tasks are let in: about half a millisecond of work."""


# So many flushes are remembered one by one; with more, neighbours are joined. The consumer's lag is then exact to a
# five-hundredth of what it has been at most, and a million flushes do not take 88 MB.
_MOST_FLUSHES = 1024


@attrs.define(eq=False)
class Mark:
    """Where the buffer was full: since when, how many events were shed so far, and when the consumer came to it.

    ``began`` and ``read_at`` are moments of trio's clock. What passed between them is the consumer's delay; what
    passes after ``read_at`` is ours.
    """

    since: datetime
    began: float
    shed: int = 0
    read_at: float | None = None

    @property
    def behind_seconds(self) -> float:
        """For how long the consumer was behind, or has been so far."""
        return (trio.current_time() if self.read_at is None else self.read_at) - self.began


DEFAULT_MAX_BYTES = 64 * 2**20
"""What may wait for the consumer, in bytes of its frames: far more than 20,000 events of any usual size."""


class EventBuffer:
    """What was accepted and not yet read, in order. One producer; any number of consumers."""

    def __init__(
        self,
        size: int,
        now: Callable[[], datetime],
        on_caught_up: Callable[[Mark], None],
        stream: str | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        if size < 2:
            raise ValueError(f"max_buffer must be at least 2, one event and one gap, got {size}")
        self._size = size
        self._max_bytes = max_bytes
        # How many items may wait before the next one is shed: none, where what waits is too big.
        self._room = size - 1
        self._stream = stream
        self._now = now
        self._on_caught_up = on_caught_up
        self._items: deque[Event | Notice | Mark] = deque()
        self._consumers = trio.lowlevel.ParkingLot()
        self._until_yield = 0
        # How many items were put until each flush, and when that was: of the flushes with unread items. See _forget().
        self._put = 0
        self._flushes: deque[tuple[int, float, int]] = deque()
        # How big all frames were so far; of those up to here, what was put has been read.
        self._received = 0
        self._released = 0
        self._mark: Mark | None = None
        # How old what is put now can be, where that is not "just now": a gap, or what waited behind one.
        self.dating_from: datetime | None = None
        # While what is put has been in memory anyway: then it finds room beyond the bound.
        self.has_room_for_all: bool = False
        # The moment of trio's clock before which what was shed cannot be asked for.
        self.resumes_from: float = 0.0
        self._error: StreamFailed | None = None
        self._closed = False
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
        return len(self._items)

    @property
    def max_bytes(self) -> int:
        """How big what waits may be, in bytes of its frames."""
        return self._max_bytes

    @property
    def held_bytes(self) -> int:
        """How big the frames are of what waits for the consumer."""
        self._forget_flushes()
        return self._flushes[-1][2] - self._released if self._flushes else 0

    @property
    def pending_bytes(self) -> int:
        """How big the frames are of what has arrived and was not put: it waits on a parked link."""
        return self._received - (self._flushes[-1][2] if self._flushes else self._released)

    @property
    def mark(self) -> Mark | None:
        """Where the buffer was full, while events are shed."""
        return self._mark

    @property
    def lag(self) -> float:
        """For how many seconds the oldest item has been waiting for the consumer."""
        self._forget_flushes()
        return trio.current_time() - self._flushes[0][1] if self._flushes else 0.0

    # The producer's side, all of it synchronous.

    def has_room(self) -> bool:
        """Whether the next event will be accepted."""
        return self._mark is None and (len(self._items) < self._room or self.has_room_for_all or self._has_room_again())

    def put(self, item: Event | Notice) -> bool:
        """Accept an event or notice, or shed it where there is no room; :meth:`flush` wakes who waits for it.

        Returns whether it was accepted. A notice is shed like an event: the gap that comes instead covers what
        it would have said.
        """
        if self._mark is None:
            if len(self._items) < self._room or self.has_room_for_all or self._has_room_again():
                self._items.append(item)
                self._put += 1
                return True
            self._mark = Mark(self.dating_from or self._now(), trio.current_time())
            self._items.append(self._mark)
            self._put += 1
            log.warning(
                "the consumer is %d events (%d bytes) behind; events are shed until it has caught up",
                len(self._items) - 1,
                self.held_bytes,
            )
        if isinstance(item, Event):
            self._mark.shed += 1
            self.shed += 1
        return False

    def _has_room_again(self) -> bool:
        """Whether what was too big has been read meanwhile."""
        if self._room or self.held_bytes > self._max_bytes:
            return False
        self._room = self._size - 1
        return len(self._items) < self._room

    def add_bytes(self, size: int) -> None:
        """Note how big the events are that have just arrived; to be called before the flush that follows them."""
        self._received += size

    def forget_pending(self) -> None:
        """Note that what has arrived since the last flush and was not put waits nowhere: it was shed or an echo."""
        self._received -= self.pending_bytes

    def put_notice(self, notice: Notice) -> bool:
        """Accept a notice as :meth:`put` does, with the name of the stream written in it."""
        return self.put(attrs.evolve(notice, stream=self._stream))

    def put_recovered(self, event: Event) -> bool:
        """Accept an event that a query has brought as :meth:`put` does, with the name of the stream written in it."""
        return self.put(attrs.evolve(event, stream=self._stream))

    def resume(self) -> None:
        """Accept again, after the consumer has caught up."""
        assert self._mark is not None, "nothing was shed"
        mark, self._mark = self._mark, None
        assert mark.read_at is not None, "nobody resumes before the consumer has caught up"
        waited = trio.current_time() - mark.read_at
        log.warning(
            "%d events were shed: the consumer was behind for %.3f s, and %.3f s later they can be asked for",
            mark.shed,
            mark.behind_seconds,
            waited,
        )

    def put_latest(self, notice: Notice) -> None:
        """Put a notice in place of an older one of its kind, where that waits as the last; else behind everything."""
        if self._mark is None and self._items and type(self._items[-1]) is type(notice):
            self._items[-1] = attrs.evolve(notice, stream=self._stream)
        else:
            self.put_notice(notice)

    def flush(self, now: float) -> None:
        """Hand over what was put since the last time; it is that time by trio's clock."""
        if self._closed:
            self._items.clear()  # Nobody reads this any more.
        elif self._items:
            self._forget_flushes()
            flushes = self._flushes
            if not flushes or flushes[-1][0] < self._put:
                flushes.append((self._put, now, self._received))
                if self._received - self._released > self._max_bytes:
                    self._room = 0
                if len(flushes) > _MOST_FLUSHES:
                    self._join_flushes()
            if self._consumers:
                self._consumers.unpark(count=len(self._items))

    def _forget_flushes(self) -> None:
        """Drop the flushes of which everything was read. Done here, so that the consumer need not at each event."""
        flushes, read = self._flushes, self._put - len(self._items)
        while flushes and flushes[0][0] <= read:
            self._released = flushes.popleft()[2]

    def _join_flushes(self) -> None:
        """Join neighbours that lie close together in time: what was put in all of them counts as put in the first."""
        step = (self._flushes[-1][1] - self._flushes[0][1]) * 2 / _MOST_FLUSHES
        joined: deque[tuple[int, float, int]] = deque()
        for put, at, received in self._flushes:
            if joined and at - joined[-1][1] <= step:
                joined[-1] = (put, joined[-1][1], received)
            else:
                joined.append((put, at, received))
        self._flushes = joined

    def finish(self, error: StreamFailed) -> None:
        """Accept nothing more; after what is buffered, the consumer gets this error."""
        self._error = error
        if self._mark is not None and self._mark.read_at is not None:
            # It waits for a gap that nobody puts any more.
            self._items.append(self._last_gap(self._mark))
            self._put += 1
        self._consumers.unpark_all()

    # The consumer's side.

    async def receive(self) -> Event | Notice:
        """Return the next item; see :meth:`UserDataStream.receive`."""
        await trio.lowlevel.checkpoint_if_cancelled()
        self._until_yield -= 1
        if self._until_yield <= 0:
            self._until_yield = EVENTS_PER_TURN
            # Before an item is taken: cancelled here, nothing is lost.
            await trio.lowlevel.checkpoint()
        while True:
            while not self._items:
                self._raise_if_over()
                await self._consumers.park()
                self._until_yield = EVENTS_PER_TURN
            # From here to the return there is no checkpoint.
            item = self._items.popleft()
            if isinstance(item, Event):
                self.delivered += 1
                if item.recovered:
                    self.recovered += 1
                return item
            if isinstance(item, Notice):
                return item
            if self._error is not None:
                return self._last_gap(item)
            item.read_at = trio.current_time()
            self._on_caught_up(item)
            return self._shedding(item)

    def _raise_if_over(self) -> None:
        if self._closed:
            raise trio.ClosedResourceError
        if self._error is not None:
            # A new one for each call: several tasks may come here, again and again.
            raise StreamFailed(*self._error.args) from self._error.__cause__

    def _shedding(self, mark: Mark) -> Shedding:
        wait = max(0.0, self.resumes_from - trio.current_time())
        behind = mark.behind_seconds
        return Shedding(
            stream=self._stream,
            at=mark.since,
            shed=mark.shed,
            behind_seconds=round(behind, 6),
            resumes_at=self._now() + timedelta(seconds=wait),
            detail=f"the consumer was behind for {behind:.3f} s, and {mark.shed} events were discarded so far; "
            f"the venue can be asked for them in {wait:.1f} s",
        )

    def _last_gap(self, mark: Mark) -> Gap:
        """Return the gap that nobody will put any more: the loss must be told."""
        return Gap(
            stream=self._stream,
            cause=GapCause.CONSUMER_TOO_SLOW,
            since=mark.since,
            until=max(mark.since, self._now()),
            shed=mark.shed,
            detail="the stream ended before the consumer had caught up",
        )

    def close(self) -> None:
        """Discard what is buffered and accept nothing more; who is waiting gets ``ClosedResourceError``."""
        self._closed = True
        self._items.clear()
        self._consumers.unpark_all()
