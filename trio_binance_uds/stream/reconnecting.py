"""The attempts to connect: how many failed, why the last one did, and which failures are worth a notice.

An outage can last for days, with an attempt each minute. Its first failed attempt is a notice; after it a failure is
one only when so much time has passed since the last notice that the interval doubles, up to an hour. A wait that is
longer than the present interval is a notice as well, since nothing else would say for so long that it is waited.
"""

from __future__ import annotations

from datetime import datetime

from trio_binance_uds.events import ReconnectFailed

_FIRST_INTERVAL_SECONDS = 30.0
_LONGEST_INTERVAL_SECONDS = 3600.0


class Reconnecting:
    """The failed attempts of one stream, over all and in the running outage."""

    def __init__(self) -> None:
        self.attempts_failed: int = 0
        self.last_failure: str | None = None
        self.last_failure_at: datetime | None = None
        # The moment of trio's clock at which the next attempt begins, while one is waited for.
        self.next_attempt_at: float | None = None
        self._failed_in_outage = 0
        self._is_outage = False
        self._interval = _FIRST_INTERVAL_SECONDS
        self._noticed_at = float("-inf")

    @property
    def failed_in_outage(self) -> int:
        """How many attempts have failed since the active link was lost."""
        return self._failed_in_outage

    def note_lost(self) -> None:
        """Begin an outage: there is no active link any more."""
        self._is_outage = True
        self._failed_in_outage = 0
        self._interval = _FIRST_INTERVAL_SECONDS
        self._noticed_at = float("-inf")

    def note_up(self) -> None:
        """End the outage: a link is active again."""
        self._is_outage = False

    def note_failure(
        self, now: float, at: datetime, why: str, retry_at: datetime, wait: float
    ) -> ReconnectFailed | None:
        """Record a failed attempt; return the notice of it, if one is due."""
        self.attempts_failed += 1
        self.last_failure, self.last_failure_at = why, at
        if not self._is_outage:
            return None
        self._failed_in_outage += 1
        if now - self._noticed_at < self._interval and wait < self._interval:
            return None
        if self._failed_in_outage > 1:
            self._interval = min(2 * self._interval, _LONGEST_INTERVAL_SECONDS)
        self._noticed_at = now
        return ReconnectFailed(at=at, attempts=self._failed_in_outage, next_attempt_at=retry_at, detail=why)
