"""The venue's time, told from trio's clock."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import trio

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ServerClock:
    """What time it is at the venue.

    Once it has heard the server's time it goes on from there with trio's clock: a wrong, drifting or stepped
    wall clock of this machine then matters to nobody. Before that it tells the wall clock's time.
    """

    def __init__(self) -> None:
        self._epoch_at_zero: float | None = None

    def learn(self, asked_at: float, heard_at: float, server_ms: float) -> None:
        """Take in the server's time (epoch milliseconds), asked for and heard at these times of trio's clock.

        The middle of the round trip is taken for the moment at which the server looked at its clock.
        """
        self._epoch_at_zero = server_ms / 1000 - (asked_at + heard_at) / 2

    def hold(self) -> None:
        """Take in that the time it tells is right, and go on from there with trio's clock."""
        if self._epoch_at_zero is None:
            now = trio.current_time()
            self._epoch_at_zero = self.seconds(now) - now

    def epoch_ms(self) -> int:
        """Return the venue's time as epoch milliseconds, for a ``timestamp`` parameter."""
        return round(self.seconds(trio.current_time()) * 1000)

    def now(self) -> datetime:
        """Return the venue's time."""
        return self.at(trio.current_time())

    def at(self, moment: float) -> datetime:
        """Return the venue's time at a moment of trio's clock."""
        return _EPOCH + timedelta(microseconds=round(self.seconds(moment) * 1_000_000))

    def moment_of(self, epoch_ms: int) -> float:
        """Return the moment of trio's clock at which it is that time at the venue."""
        now = trio.current_time()
        return now + epoch_ms / 1000 - self.seconds(now)

    def seconds(self, moment: float) -> float:
        """Return the venue's time at a moment of trio's clock, in seconds since the epoch."""
        if self._epoch_at_zero is None:
            return time.time() - (trio.current_time() - moment)
        return self._epoch_at_zero + moment
