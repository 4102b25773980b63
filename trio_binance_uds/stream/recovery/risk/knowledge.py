"""What the user of a risk stream has been told: the changes of the debt of late, and the status of the margin level.

The events have no number: a row of the venue's books counts as told by an event of the same asset, kind and amount at
about its time, one event for one row. The amount is the principal, or for interest the interest: what the other one is
then is not documented.

Nothing that is sent later shows that one such event never was. So the books are read from where they were last read to
their end, and a row of that time that no event has told is told late.
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
# Of what is older than a gap, an event that is farther from a row than that is still more likely to be the row's own
# than to be about nothing: as each event is of one row only, it hides no other one.
_FAR = timedelta(minutes=5)
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
        # Of these answers the books were read, from the time of one to that of the next.
        self._read: list[DebtAnswer] = []

    def begin(self, at: datetime) -> None:
        """Note that the stream began at this time at the latest; the books are kept by the second."""
        at = at.replace(microsecond=0)
        if self.began is None or at < self.began:
            self.began = at

    def note_debts(self, answer: DebtAnswer, *, are_books_read: bool = True) -> None:
        """Remember what was owed, as what the changes after it are counted from.

        ``are_books_read`` says whether all that was booked before is known, or is older than the stream.
        """
        self._anchors.append(answer)
        if are_books_read:
            self._read.append(answer)

    @property
    def has_anchor(self) -> bool:
        """Whether it is known what was owed at some time."""
        return bool(self._anchors)

    def anchor(self, since: datetime) -> DebtAnswer | None:
        """Return what was owed when last it was asked for before this time, until which everything was told.

        Later answers are of recoveries that were not delivered, or they would not be asked for again.
        """
        self._anchors, anchor = _latest(self._anchors, since)
        return anchor

    def read_until(self, since: datetime) -> datetime:
        """Return until when the books had been read to their end before this time; what was told before is forgotten.

        Where more was told since then than is remembered, it is the time that the memory reaches back to.
        """
        assert self.began is not None
        self._read, read = _latest(self._read, since)
        until = self.began if read is None else max(self.began, read.asked)
        changes = self.changes
        while changes and _apart(changes[0], until) > _KEPT and not _is_after(changes[0], until):
            changes.popleft()
        if len(changes) == changes.maxlen and (first := changes[0].event_time) is not None:
            until = max(until, first + _FAR)
        return until

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        if isinstance(event, UserLiabilityChange):
            self.changes.append(event)
        elif isinstance(event, MarginLevelStatusChange):
            self.status = self.status if event.margin_level_status is None else str(event.margin_level_status)

    def untold(self, rows: Iterable[DebtChange], since: datetime) -> list[DebtChange]:
        """Return the rows that no event has told; those from before this time are compared less strictly."""
        left, spare = _paired(rows, self.changes, NEAR)
        older, _ = _paired([row for row in left if row.time < since], spare, _FAR)
        return [row for row in left if row.time >= since or row in older]


def _latest(answers: list[DebtAnswer], since: datetime) -> tuple[list[DebtAnswer], DebtAnswer | None]:
    """Return the answers that are still needed, and of those until then the last."""
    earlier = [answer for answer in answers if answer.answered <= since]
    later = [answer for answer in answers if answer.answered > since]
    return earlier[-1:] + later[-1:], earlier[-1] if earlier else None


def _is_after(event: UserLiabilityChange, at: datetime) -> bool:
    return event.event_time is not None and event.event_time > at


def pair(rows: Iterable[DebtChange], told: Iterable[UserLiabilityChange]) -> list[DebtChange]:
    """Return the rows that are left when each event has taken the one that it tells."""
    return _paired(rows, told, NEAR)[0]


def _paired(
    rows: Iterable[DebtChange], told: Iterable[UserLiabilityChange], near: timedelta
) -> tuple[list[DebtChange], list[UserLiabilityChange]]:
    """Return the rows and the events that are left when each event has taken the row that it tells."""
    left, spare = list(rows), list[UserLiabilityChange]()
    for event in told:
        if (row := row_of(event, left, near)) is not None:
            left.remove(row)
        else:
            spare.append(event)
    return left, spare


def row_of(event: UserLiabilityChange, rows: Iterable[DebtChange], near: timedelta = NEAR) -> DebtChange | None:
    """Return the row that an event tells: of those that it may be, the nearest."""
    found = [row for row in rows if tells(event, row, near)]
    return min(found, key=lambda row: _apart(event, row.time), default=None)


def tells(event: UserLiabilityChange, row: DebtChange, near: timedelta = NEAR) -> bool:
    """Whether an event may be that of a row, if a loan is not farther from it than that."""
    word = str(event.liability_type)
    # The words of the others are not documented.
    kinds = (word,) if word in (BORROW, REPAY, INTEREST) else (REPAY, INTEREST)
    if event.asset != row.asset or row.kind not in kinds:
        return False
    if row.kind == INTEREST:
        return event.interest == row.interest and _apart(event, row.time) <= NEAR_INTEREST
    return event.principal == row.principal and _apart(event, row.time) <= near


def _apart(event: UserLiabilityChange, at: datetime | None) -> timedelta:
    """Return how far an event is from a time; one that came without its time may be of any."""
    return timedelta() if event.event_time is None or at is None else abs(event.event_time - at)
