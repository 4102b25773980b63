"""Remembers for a while what has ended, so that it is not told again: what has been told as final stays final.

It is forgotten by time, and by number where there is very much of it; what did not last change after what was
forgotten counts as told.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Iterator
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from trio_binance_uds.events.words import OpenEnum

# How long, and how much of it, is remembered. Queries go back to half a minute before the last sign of life, so this
# is ample.
KEPT = timedelta(minutes=10)
KEPT_AT_MOST = 20_000

_KeyT = TypeVar("_KeyT", bound=Hashable)


class Finished(OrderedDict[_KeyT, tuple[datetime, OpenEnum | str]], Generic[_KeyT]):
    """What has ended lately, by its key: when that was, and how it ended; the oldest first.

    A dictionary, as each event asks whether its order is in it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.forgotten_until: datetime | None = None
        # Until when there is nothing to forget.
        self._due: datetime | None = None

    def newest_first(self) -> Iterator[tuple[_KeyT, tuple[datetime, OpenEnum | str]]]:
        """Go through what is remembered, beginning with what was told last."""
        return iter(reversed(self.items()))

    def add(self, key: _KeyT, at: datetime, how: OpenEnum | str) -> None:
        """Add what has just ended, and forget what ended too long ago."""
        self[key] = (at, how)
        if self._due is None or at > self._due or len(self) > KEPT_AT_MOST:
            self._forget(at)

    def _forget(self, now: datetime) -> None:
        oldest, _ = next(iter(self.values()))
        while now - oldest > KEPT or len(self) > KEPT_AT_MOST:
            self.popitem(last=False)
            self.forgotten_until = max(oldest, self.forgotten_until or oldest)
            oldest, _ = next(iter(self.values()))
        self._due = oldest + KEPT

    def is_told(self, key: _KeyT, at: datetime) -> bool:
        """Whether the end of this at this time was told, as far as anybody remembers."""
        return key in self or (self.forgotten_until is not None and at <= self.forgotten_until)
