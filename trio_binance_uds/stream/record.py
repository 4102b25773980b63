"""What has happened to a stream so far: its links, and when it was blind."""

from __future__ import annotations

from collections import Counter, deque
from datetime import datetime, timedelta

import attrs

from trio_binance_uds.events import Event, GapCause, UndecodableEvent

_LINKS_KEPT = 100


@attrs.frozen(kw_only=True)
class LinkRecord:
    """One subscription that the venue acknowledged.

    Attributes:
        number: its place among all attempts to connect, which failed ones are counted in.
        up_since: when the venue acknowledged it.
        ended_at, ended_by: when and why it ended; ``None`` while it lives, ``"retired"`` after a rollover.
    """

    number: int
    up_since: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None


class StreamRecord:
    """The history of one stream; of its links, the last hundred."""

    def __init__(self) -> None:
        self._links: deque[LinkRecord] = deque(maxlen=_LINKS_KEPT)
        self.links_up: int = 0
        self.recovery_echoes: int = 0
        self.repeated: int = 0
        self.renumbered: int = 0
        self.with_faults: int = 0
        self.undecodable: int = 0
        self.gaps_complete: int = 0
        self.gaps_incomplete: int = 0
        self.gaps_by_cause: Counter[GapCause] = Counter()
        self.recoveries: int = 0
        self.recovery_seconds: float = 0.0
        self.last_recovery_seconds: float | None = None
        self.blind: timedelta = timedelta()
        # When the venue sent the newest event of the last read, and when that came, in seconds since the epoch.
        self.newest: tuple[datetime, float] | None = None

    @property
    def links(self) -> tuple[LinkRecord, ...]:
        """The links, oldest first."""
        return tuple(self._links)

    def faulty(self, event: Event) -> None:
        """Count an event that had faults and is about to be delivered."""
        if isinstance(event, UndecodableEvent):
            self.undecodable += 1
        else:
            self.with_faults += 1

    def link_up(self, number: int, at: datetime) -> None:
        """Take in that a link's subscription was acknowledged."""
        self.links_up += 1
        self._links.append(LinkRecord(number=number, up_since=at))

    def link_ended(self, number: int, at: datetime, why: str) -> None:
        """Take in that a link has ended; one that never was up is not recorded."""
        for index, link in enumerate(self._links):
            if link.number == number:
                self._links[index] = attrs.evolve(link, ended_at=at, ended_by=why)

    def recovery_over(self, seconds: float) -> None:
        """Record that what was missed has been asked for, and how long that took."""
        self.recoveries += 1
        self.recovery_seconds += seconds
        self.last_recovery_seconds = seconds

    def gap(self, cause: GapCause, since: datetime, until: datetime, *, complete: bool) -> None:
        """Record that a gap was delivered."""
        self.blind += until - since
        self.gaps_by_cause[cause] += 1
        if complete:
            self.gaps_complete += 1
        else:
            self.gaps_incomplete += 1
