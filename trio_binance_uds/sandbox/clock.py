"""The clock of a sandbox: what time the server believes it is, in microseconds since the epoch."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import trio

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _wall() -> int:
    return time.time_ns() // 1000


def _nothing() -> None:
    pass


class Clock:
    """A server's clock that can be wrong on purpose.

    It runs with trio's clock, from ``start`` on, or from the machine's time when it is first read. Timeouts and
    timestamps then agree, also on :class:`trio.testing.MockClock`, where thirty days pass in no time.
    """

    def __init__(self, start: datetime | None = None) -> None:
        if start is not None and start.tzinfo is None:
            raise ValueError(
                "the start of a clock must be an aware datetime, such as datetime(2026, 7, 21, tzinfo=UTC)"
            )
        self._start = start
        self._skew = 0
        self._source: Callable[[], int] | None = None
        self.on_change: Callable[[], None] = _nothing
        """Called when the clock was moved; whoever waits for a time of it has to wait anew."""

    @classmethod
    def wall(cls) -> Clock:
        """Return a clock that follows the machine's time instead of trio's."""
        clock = cls()
        clock._source = _wall
        return clock

    def _anchor(self) -> Callable[[], int]:
        # Not in __init__: a clock may be made before trio runs, and must start counting when trio does.
        begin = _wall() if self._start is None else (self._start - _EPOCH) // timedelta(microseconds=1)
        zero = trio.current_time()
        return lambda: begin + round((trio.current_time() - zero) * 1_000_000)

    def now(self) -> int:
        """Return the server's time in microseconds since the epoch, with its skew."""
        if self._source is None:
            self._source = self._anchor()
        return self._source() + self._skew

    def now_ms(self) -> int:
        """Return the server's time in whole milliseconds since the epoch."""
        return self.now() // 1000

    def datetime(self) -> datetime:
        """Return the server's time as an aware UTC ``datetime``."""
        return _EPOCH + timedelta(microseconds=self.now())

    @property
    def skew(self) -> float:
        """By how many seconds the clock is ahead of the true time; negative when it is behind."""
        return self._skew / 1_000_000

    @skew.setter
    def skew(self, seconds: float) -> None:
        self._skew = round(seconds * 1_000_000)
        self.on_change()

    def jump(self, seconds: float) -> None:
        """Move the clock at once, forward or, with a negative number, back."""
        self.skew = self.skew + seconds
