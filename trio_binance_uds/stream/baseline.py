"""Whether it is known what was there before the stream began, when that is asked again, and what is said about it.

Without this baseline no gap can be proven complete. Entering the block waits for it, within a bound, so in a healthy
stream nothing has to be said. Where it does not stand by then, :class:`BaselineMissing` says so, it is asked again at
growing intervals, and :class:`BaselineKnown` follows. A recovery can bring it too.
"""

from __future__ import annotations

from datetime import datetime

from trio_binance_uds.events import BaselineKnown, BaselineMissing
from trio_binance_uds.stream.recovery import Recoverer

# To ask costs up to 106 in weight: of what the venue allows an address in a minute, a small part.
_FIRST_INTERVAL_SECONDS = 15.0
_LONGEST_INTERVAL_SECONDS = 900.0


class Baseline:
    """The baseline of one stream."""

    def __init__(self, recoverer: Recoverer) -> None:
        self._recoverer = recoverer
        self._is_said_to_be_missing = False
        self._interval = _FIRST_INTERVAL_SECONDS

    @property
    def is_known(self) -> bool:
        """Whether it stands."""
        return self._recoverer.no_baseline_because == ""

    @property
    def is_wanted(self) -> bool:
        """Whether it has to be asked for again; without recovery, there is none."""
        return bool(self._recoverer.no_baseline_because)

    def news(self, at: datetime) -> BaselineMissing | BaselineKnown | None:
        """Return what is to be said, each once; to be called when it has been asked for, or has taken too long."""
        if self.is_wanted and not self._is_said_to_be_missing:
            self._is_said_to_be_missing = True
            return BaselineMissing(at=at, detail=self._recoverer.no_baseline_because or "")
        if self.is_known and self._is_said_to_be_missing:
            self._is_said_to_be_missing = False
            return BaselineKnown(at=at)
        return None

    def next_interval(self) -> float:
        """Return in how many seconds to ask again."""
        interval, self._interval = self._interval, min(2 * self._interval, _LONGEST_INTERVAL_SECONDS)
        return interval
