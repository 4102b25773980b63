"""The venue's time as a recovery needs it, and what else a window of time must allow for.

A time of ours is the venue's to within the uncertainty of the clock. So a window that must hold something begins that
much earlier and ends that much later. What a window must allow for besides has nothing to do with our clock, and has a
name of its own here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

# How long after it happened an event may still be on its way. A window that is too wide costs weight; one that is too
# narrow loses events.
UNDER_WAY = timedelta(seconds=30)
# By how much the times of two of the venue's own servers may differ, such as that of an account and that of a trade.
BETWEEN_SERVERS = timedelta(milliseconds=500)
# How far answers that do not say as of when they are may lag behind.
ANSWERS_LAG = timedelta(seconds=30)


class VenueClock(Protocol):
    """What time it is at the venue, and how certain that is."""

    def now(self) -> datetime:
        """Return the venue's time."""
        ...

    @property
    def uncertainty(self) -> timedelta:
        """By how much it may be wrong, at most, to either side."""
        ...

    def corrected_since(self, moment: float) -> timedelta:
        """Return by how much the clock was corrected since a moment of trio's clock."""
        ...


def earliest(clock: VenueClock) -> datetime:
    """Return the earliest time that it can be at the venue."""
    return clock.now() - clock.uncertainty


def latest(clock: VenueClock) -> datetime:
    """Return the latest time that it can be at the venue."""
    return clock.now() + clock.uncertainty
