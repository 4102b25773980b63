"""When the venue is asked whether what is open is what was delivered: after something has come, once it is quiet.

What comes later shows what has never come. After the last event of an order nothing need come for hours: so when
something has come, and then nothing for a while, the open orders are listed once. While much comes they are not, as the
list and the events could not be told apart by time, and what is missing shows by itself.
"""

from __future__ import annotations

import math
from datetime import datetime

import trio

# So long nothing has come that tells of orders, balances or positions.
QUIET_SECONDS = 30.0
# So much time lies between two lists at least, as one can cost 80 in weight.
BETWEEN_SECONDS = 300.0


class Quiet:
    """The silence after events.

    Attributes:
        last_event_at: when something came that no list was compared with yet; ``None``: there is nothing to compare.
        checked_until: until when a list has shown that nothing is missing; ``None`` before the first.
        difference: how the last list that differed did.
        is_settled: whether the answers of a recovery have shown since that nothing is missing all the same.
    """

    def __init__(self) -> None:
        self.last_event_at: float | None = None
        self.checked_until: datetime | None = None
        self.difference: str = ""
        self.is_settled: bool = False
        self._asked_at = -math.inf
        self._something_came = trio.Event()

    def note_event(self, now: float) -> None:
        """Note that something has come."""
        self.last_event_at = now
        self._something_came.set()

    def note_checked(self, until: datetime) -> None:
        """Note that all that has come until then was compared with a list."""
        self.last_event_at, self.checked_until = None, until
        self._something_came = trio.Event()

    def note_asked(self) -> None:
        """Note that a list is asked for now, whatever comes of it."""
        self._asked_at = trio.current_time()

    def is_new(self, difference: str) -> bool:
        """Whether a list differs, and not in a way of which it is known that it means nothing."""
        return bool(difference) and not (self.is_settled and difference == self.difference)

    async def wait(self) -> None:
        """Wait until something has come, and then nothing for a while."""
        while True:
            await self._something_came.wait()
            assert self.last_event_at is not None, "it is noted with the event"
            due = max(self.last_event_at + QUIET_SECONDS, self._asked_at + BETWEEN_SECONDS)
            if trio.current_time() >= due:
                return
            await trio.sleep_until(due)
