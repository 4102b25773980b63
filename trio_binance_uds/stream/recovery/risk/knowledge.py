"""What the user of a risk stream has been told: the changes of the debt of late, and the status of the margin level.

The events have no number: a row of the venue's books counts as told by an event of the same asset, kind and amount at
about its time, one event for one row. The amount is the principal, or for interest the interest: what the other one is
then is not documented.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from datetime import datetime, timedelta

from trio_binance_uds.events import Event, MarginLevelStatusChange, UserLiabilityChange
from trio_binance_uds.stream.recovery.risk.answers import (
    BORROW,
    INTEREST,
    REPAY,
    DebtAnswer,
    DebtChange,
)

# Loans are told at once, but booked to the second; when interest that accrues by the hour is told is not documented.
NEAR = timedelta(seconds=5)
NEAR_INTEREST = timedelta(minutes=29)
_KEPT = timedelta(hours=2)
_KEPT_AT_MOST = 20_000


class RiskKnowledge:
    """What has been told.

    Attributes:
        status: the last status of the margin level that was told, or before that the one of the baseline.
        began: when the stream began at the latest; what was before is none of its business.
    """

    def __init__(self) -> None:
        self.changes: deque[UserLiabilityChange] = deque(maxlen=_KEPT_AT_MOST)
        self.status: str | None = None
        self.began: datetime | None = None
        self._anchors: list[DebtAnswer] = []

    def begin(self, at: datetime) -> None:
        """Note that the stream began at this time at the latest; the books are kept by the second."""
        at = at.replace(microsecond=0)
        if self.began is None or at < self.began:
            self.began = at

    def note_debts(self, answer: DebtAnswer) -> None:
        """Remember what was owed, as what the changes after it are counted from."""
        self._anchors.append(answer)

    @property
    def has_anchor(self) -> bool:
        """Whether it is known what was owed at some time."""
        return bool(self._anchors)

    def anchor(self, since: datetime) -> DebtAnswer | None:
        """Return what was owed when last it was asked for before this time, until which everything was told.

        Later answers are of recoveries that were not delivered, or they would not be asked for again.
        """
        earlier = [answer for answer in self._anchors if answer.answered <= since]
        self._anchors = earlier[-1:] + [answer for answer in self._anchors if answer.answered > since][-1:]
        return earlier[-1] if earlier else None

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        if isinstance(event, UserLiabilityChange):
            changes = self.changes
            changes.append(event)
            while _apart(event, changes[0].event_time) > _KEPT:
                changes.popleft()
        elif isinstance(event, MarginLevelStatusChange):
            self.status = self.status if event.margin_level_status is None else str(event.margin_level_status)

    def untold(self, rows: Iterable[DebtChange]) -> list[DebtChange]:
        """Return the rows that no event has told."""
        return pair(rows, self.changes)


def pair(rows: Iterable[DebtChange], told: Iterable[UserLiabilityChange]) -> list[DebtChange]:
    """Return the rows that are left when each event has taken the one that it tells."""
    left = list(rows)
    for event in told:
        if (row := row_of(event, left)) is not None:
            left.remove(row)
    return left


def row_of(event: UserLiabilityChange, rows: Iterable[DebtChange]) -> DebtChange | None:
    """Return the row that an event tells: of those that it may be, the nearest."""
    found = [row for row in rows if tells(event, row)]
    return min(found, key=lambda row: _apart(event, row.time), default=None)


def tells(event: UserLiabilityChange, row: DebtChange) -> bool:
    """Whether an event may be that of a row."""
    word = str(event.liability_type)
    # The words of the others are not documented.
    kinds = (word,) if word in (BORROW, REPAY, INTEREST) else (REPAY, INTEREST)
    if event.asset != row.asset or row.kind not in kinds:
        return False
    if row.kind == INTEREST:
        return event.interest == row.interest and _apart(event, row.time) <= NEAR_INTEREST
    return event.principal == row.principal and _apart(event, row.time) <= NEAR


def _apart(event: UserLiabilityChange, at: datetime | None) -> timedelta:
    """Return how far an event is from a time; one that came without its time may be of any."""
    return timedelta() if event.event_time is None or at is None else abs(event.event_time - at)
