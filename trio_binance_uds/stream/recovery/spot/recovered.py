"""What a recovery has brought, and how it is joined with the live events so that each thing is told once.

The rules:

* From the moment of the subscription on everything comes live, and the live event is the better one. So what the
  parked events of an order begin with ends what is recovered of that order.
* Where parked events take up an order, they must take it up where the recovered ones leave it. That is a proof, one
  way or the other.
* After the cut a live event may still come whose answer has overtaken it. It is an echo if it says what was
  recovered, or something older: state never goes backwards. A fill is an echo only if that very fill was recovered.

A report's place in the life of its order is compared by time, filled quantity, kind, and number.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.events import (
    BalanceUpdate,
    Event,
    ExecutionReport,
    ExternalLockUpdate,
    ListStatus,
    OutboundAccountPosition,
)
from trio_binance_uds.stream.recovery.spot.answers import AccountAnswer, Key
from trio_binance_uds.stream.recovery.spot.life import Rank
from trio_binance_uds.stream.recovery.spot.reconstruct import Doubt
from trio_binance_uds.stream.recovery.symbols import listed

_RANKS: Mapping[str, Rank] = {
    "NEW": Rank.NEW,
    "TRADE": Rank.FILL,
    "REPLACED": Rank.CHANGE,
    "TRADE_PREVENTION": Rank.CHANGE,
}
_LAST_MATCH = 2**63

_ReportPlace = tuple[datetime, Decimal, Rank, int]


@attrs.frozen(kw_only=True)
class Basis:
    """What a recovery's verdict rests on.

    Attributes:
        reasons: why it is incomplete whatever else arrives.
        doubts: what live events may still dispel.
        told_filled: how much of each open order had been told as filled before.
        account: the balances that were recovered.
        remarks: what else there is to say.
    """

    reasons: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    told_filled: Mapping[Key, Decimal] = attrs.Factory(dict)
    account: AccountAnswer | None = None
    remarks: tuple[str, ...] = ()


@attrs.frozen
class Recovered:
    """What a recovery has brought.

    Attributes:
        events: what was missed, in the exchange's order, each with ``recovered=True``.
        complete: whether it is proven that this is all of it.
        detail: why not, for people.
    """

    events: tuple[Event, ...] = ()
    complete: bool = False
    detail: str = ""
    _basis: Basis | None = attrs.field(default=None, eq=False, repr=False)
    _live_assets: frozenset[str] = attrs.field(default=frozenset(), eq=False, repr=False)

    @classmethod
    def judged(cls, events: Iterable[Event], basis: Basis, live_assets: frozenset[str] = frozenset()) -> Recovered:
        """Return the events with the verdict that follows from the basis."""
        problems = [*basis.reasons, *[doubt.text for doubt in basis.doubts]]
        detail = listed([*problems, *basis.remarks])
        return cls(tuple(events), not problems, detail, basis, live_assets)

    @property
    def account(self) -> AccountAnswer | None:
        """The balances that were recovered, if they were."""
        return None if self._basis is None else self._basis.account

    @property
    def live_assets(self) -> frozenset[str]:
        """The assets whose balances are left to the live events."""
        return self._live_assets

    def echoes(self) -> Echoes:
        """Return what to look out for while a live event can still repeat one of these."""
        return Echoes(self)

    def without(self, parked: Iterable[Event]) -> Recovered:
        """Return what remains to be told beside the events that the new link has brought meanwhile.

        They can dispel a doubt, and raise one.
        """
        if self._basis is None:
            return self
        live = _Parked(parked)
        kept = [left for event in self.events if (left := live.rest_of(event)) is not None]
        doubts = [doubt for doubt in self._basis.doubts if not live.dispels(doubt, self._basis)]
        filled = dict(self._basis.told_filled)
        filled.update(
            {_key(event): event.cumulative_filled_quantity for event in kept if isinstance(event, ExecutionReport)}
        )
        found, continued = live.continuity(filled)
        doubts = [doubt for doubt in doubts if doubt.is_change or doubt.key not in continued] + found
        return Recovered.judged(kept, attrs.evolve(self._basis, doubts=tuple(doubts)), frozenset(live.assets))


class _Parked:
    """The events that wait to be delivered behind the recovered ones."""

    def __init__(self, events: Iterable[Event]) -> None:
        self.assets: set[str] = set()
        self._first_reports: dict[Key, ExecutionReport] = {}
        self._first_lists: dict[int, ListStatus] = {}
        self._moved: list[BalanceUpdate] = []
        self._times: set[datetime] = set()
        for event in events:
            if isinstance(event, ExecutionReport):
                self._first_reports.setdefault(_key(event), event)
                self._times.add(event.transaction_time)
            elif isinstance(event, OutboundAccountPosition):
                self.assets.update([balance.asset for balance in event.balances])
                self._times.add(event.last_account_update)
            elif isinstance(event, ListStatus):
                self._first_lists.setdefault(event.order_list_id, event)
            elif isinstance(event, BalanceUpdate):
                self._moved.append(event)
                self._times.add(event.clear_time)
            elif isinstance(event, ExternalLockUpdate):
                self._times.add(event.transaction_time)

    def rest_of(self, event: Event) -> Event | None:
        """Return what of a recovered event (a report, a list status or a position) the parked ones do not say."""
        if isinstance(event, ExecutionReport):
            first = self._first_reports.get(_key(event))
            return event if first is None or _place(event) < _place(first) else None
        if isinstance(event, ListStatus):
            begin = self._first_lists.get(event.order_list_id)
            return event if begin is None or _list_place(event) < _list_place(begin) else None
        assert isinstance(event, OutboundAccountPosition)
        left = tuple([balance for balance in event.balances if balance.asset not in self.assets])
        return attrs.evolve(event, balances=left) if left else None

    def dispels(self, doubt: Doubt, basis: Basis) -> bool:
        """Whether a doubt is only about what the parked events tell."""
        if doubt.list_id is not None:
            return doubt.list_id in self._first_lists
        if doubt.asset is not None and basis.account is not None:
            moved = [
                event.balance_delta
                for event in self._moved
                if event.asset == doubt.asset and event.clear_time <= basis.account.latest
            ]
            return sum(moved, Decimal(0)) == doubt.amount
        return doubt.changed_at in self._times

    def continuity(self, filled: Mapping[Key, Decimal]) -> tuple[list[Doubt], set[Key]]:
        """Return doubts about orders that the parked events do not take up where they were left, and the others."""
        found: list[Doubt] = []
        continued: set[Key] = set()
        for key, first in self._first_reports.items():
            before = first.cumulative_filled_quantity - first.last_executed_quantity
            name = f"order {key[1]} of {key[0]}"
            if key not in filled:
                if before or first.execution_type not in ("NEW", "REJECTED"):
                    found.append(Doubt(text=f"{name} appears without its beginning", key=key))
            elif filled[key] == before:
                continued.add(key)
            else:
                missing = before - filled[key]
                found.append(
                    Doubt(
                        text=f"{name} had been filled by {missing.normalize():f} more when it appeared again", key=key
                    )
                )
        return found, continued


class Echoes:
    """Recognises live events that repeat what was recovered, or are older; each repetition once."""

    def __init__(self, recovered: Recovered) -> None:
        self._fills: Counter[tuple[Key, int | None, int | None]] = Counter()
        self._last: dict[Key, _ReportPlace] = {}
        self._last_lists: dict[int, tuple[datetime, bool]] = {}
        self._exact: Counter[object] = Counter()
        self._position: OutboundAccountPosition | None = None
        self._account = recovered.account
        self._live_assets = recovered.live_assets
        for event in recovered.events:
            self._expect(event)

    def _expect(self, event: Event) -> None:
        if isinstance(event, ExecutionReport):
            if event.execution_type == "TRADE":
                self._fills[_fill_key(event)] += 1
            self._last[_key(event)] = _place(event)
            self._exact[_key(event), _place(event)] += 1
        elif isinstance(event, ListStatus):
            self._last_lists[event.order_list_id] = _list_place(event)
            self._exact[event.order_list_id, _list_place(event)] += 1
        else:
            assert isinstance(event, OutboundAccountPosition)
            self._position = event

    def is_echo(self, event: Event) -> bool:
        """Whether a live event is not to be told because what was recovered has told it, or something newer."""
        if isinstance(event, ExecutionReport):
            if event.execution_type == "TRADE":
                return self._take(self._fills, _fill_key(event))
            key = _key(event)
            return self._is_old(_place(event), self._last.get(key), (key, _place(event)))
        if isinstance(event, ListStatus):
            place = _list_place(event)
            return self._is_old(place, self._last_lists.get(event.order_list_id), (event.order_list_id, place))
        return isinstance(event, OutboundAccountPosition) and self._is_old_position(event)

    def _is_old(self, place: tuple[object, ...], last: tuple[object, ...] | None, exact: object) -> bool:
        if last is None or place > last:
            return False
        return place < last or self._take(self._exact, exact)

    @staticmethod
    def _take(expected: Counter[Any], key: object) -> bool:
        if expected[key] <= 0:
            return False
        expected[key] -= 1
        return True

    def _is_old_position(self, position: OutboundAccountPosition) -> bool:
        """The recovered balances are those of the whole account at one time."""
        if self._position is None or self._account is None:
            return False
        if any(balance.asset in self._live_assets for balance in position.balances):
            return False
        recovered_at = self._position.last_account_update
        if position.last_account_update != recovered_at:
            return position.last_account_update < recovered_at
        nothing = (Decimal(0), Decimal(0))
        return all(
            (balance.free, balance.locked) == self._account.balances.get(balance.asset, nothing)
            for balance in position.balances
        )


def _key(report: ExecutionReport) -> Key:
    return (report.symbol, report.order_id)


def _fill_key(report: ExecutionReport) -> tuple[Key, int | None, int | None]:
    return (_key(report), report.trade_id, report.allocation_id)


def _place(report: ExecutionReport) -> _ReportPlace:
    """Where a report stands in the life of its order."""
    rank = _RANKS.get(str(report.execution_type), Rank.END)
    number = -1 if report.trade_id is None else report.trade_id
    if rank is Rank.NEW:
        # A contingent order that is triggered at once begins twice in one millisecond.
        number = 0 if report.working_time is None else 1
    elif rank is Rank.FILL and report.allocation_id is not None:
        number = report.allocation_id
    elif report.execution_type == "TRADE_PREVENTION":
        # Several can share a millisecond; one that nobody knows the match of is the last one.
        number = _LAST_MATCH if report.prevented_match_id is None else report.prevented_match_id
    return (report.transaction_time, report.cumulative_filled_quantity, rank, number)


def _list_place(status: ListStatus) -> tuple[datetime, bool]:
    return (status.transaction_time, status.list_order_status != "EXECUTING")
