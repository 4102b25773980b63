"""What a recovery of the risk stream has brought, joined with the live events so that each thing is told once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import attrs

from trio_binance_uds.events import Event, LiabilityType, MarginLevelStatusChange, UserLiabilityChange
from trio_binance_uds.stream.recovery.risk.answers import BORROW, DebtChange
from trio_binance_uds.stream.recovery.risk.knowledge import pair, row_of
from trio_binance_uds.stream.recovery.told_states import WordEcho
from trio_binance_uds.wire.values import vocabulary


@attrs.frozen
class RiskRecovered:
    """What was missed: the changes of the debt as the books have them, and the status of the margin level.

    Attributes:
        account: what the events are marked with.
        level: the event that tells the status of now.
        answered: when that was answered; ``None`` where it was not.
        knows_interest: whether the book of interest was read, which alone has what a loan costs at once.
    """

    account: str
    changes: tuple[DebtChange, ...] = ()
    level: MarginLevelStatusChange | None = None
    answered: datetime | None = None
    detail: str = ""
    knows_interest: bool = True

    @property
    def complete(self) -> bool:
        return not self.detail

    @property
    def events(self) -> tuple[Event, ...]:
        """The changes by time, and at last the status of now."""
        told: list[Event] = [self._told(change) for change in self.changes]
        return (*told, self.level) if self.level is not None else tuple(told)

    def _told(self, change: DebtChange) -> UserLiabilityChange:
        is_known = self.knows_interest or change.kind != BORROW
        return UserLiabilityChange(
            event_type="USER_LIABILITY_CHANGE",
            event_time=change.time,
            account=self.account,
            recovered=True,
            raw={"row": change.raw},
            asset=change.asset,
            liability_type=vocabulary(LiabilityType)["BORROW" if change.kind == BORROW else change.kind],
            principal=change.principal,
            interest=change.interest if is_known else None,
        )

    def without(self, parked: Iterable[Event]) -> RiskRecovered:
        """Return what the live events do not tell."""
        waiting = list(parked)
        has_level = any(isinstance(event, MarginLevelStatusChange) for event in waiting)
        return attrs.evolve(
            self,
            changes=tuple(pair(self.changes, [event for event in waiting if isinstance(event, UserLiabilityChange)])),
            level=None if has_level else self.level,
        )

    def echoes(self) -> RiskEchoes:
        """Return what to look out for."""
        return RiskEchoes(self)


class RiskEchoes:
    """Recognises live events that repeat what was recovered, each once."""

    def __init__(self, recovered: RiskRecovered) -> None:
        self._left = list(recovered.changes)
        self._level = WordEcho(
            None if recovered.level is None else recovered.level.margin_level_status, recovered.answered
        )

    def is_echo(self, event: Event) -> bool:
        """Whether a live event is not to be told because a recovered one has told it."""
        if isinstance(event, MarginLevelStatusChange):
            return self._level.is_echo(event.margin_level_status, event.event_time)
        if not isinstance(event, UserLiabilityChange):
            return False
        row = row_of(event, self._left)
        if row is not None:
            self._left.remove(row)
        return row is not None
