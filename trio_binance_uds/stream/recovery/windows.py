"""Times as parameters, and the windows of time in which a history is asked for.

By which of its times a thing is listed, and in which order a page is cut, is often not documented. So a window that
holds more than its page shows is halved. The last window ends in the future: what changes just now must not fall out
of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from trio_binance_uds.stream.recovery.reading import Unreadable

DAY_MS = 86_400_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Window = tuple[int, int]
"""The first and the last epoch millisecond that are asked for."""


def to_ms(at: datetime) -> int:
    """Return a time as the epoch milliseconds of a parameter, rounded down."""
    return (at - EPOCH) // timedelta(milliseconds=1)


def windows(since: int, until: int, days: int) -> Iterator[Window]:
    """Yield the windows of so many days that hold all between two times; the last one is as long as the others."""
    step = days * DAY_MS
    for start in range(since, until + 1, step):
        yield start, start + step - 1


def halves(page: Sequence[object], limit: int, window: Window, until: int) -> Sequence[Window]:
    """Return the halves of a window that may hold more than its page shows; ``until``: nothing is newer than this.

    Raises:
        Unreadable: a single millisecond holds more.
    """
    if len(page) < limit:
        return ()
    start, end = window
    middle = (start + min(end, max(until, start + 1))) // 2
    if middle >= end:
        raise Unreadable(f"there are more than {limit} in one millisecond")
    return (start, middle), (middle + 1, end)
