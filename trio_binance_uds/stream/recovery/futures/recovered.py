"""What a recovery has brought, and how it is joined with the live events so that each thing is told once.

The rules:

* From the moment of the subscription on everything comes live, and the live event is the better one. So what the
  parked events of an order, of a conditional order, of an asset or of a position begin with ends what is recovered
  of it.
* Where parked events take up an order, they must take it up where the recovered ones leave it. That is a proof, one
  way or the other.
* After the cut a live event may still come whose answer has overtaken it. It is an echo if it says what was
  recovered, or something older: state never goes backwards. A fill is an echo only if that very fill was recovered.
* A ``TradeLite`` that comes after its fill was recovered is an echo too: what it announces has been told in full. One
  that came before, or that is parked, is an event of its own beside the recovered report: their ``fill_key`` is one.

A report's place in the life of its order is compared by time, filled quantity, kind, and number; a conditional
order's by the rung of its life.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.events import AccountConfigUpdate, AccountUpdate, Event, OrderTradeUpdate, TradeLite
from trio_binance_uds.stream.recovery.futures.answers import BalanceAnswer, Key, PositionAnswer, PositionKey, time_of
from trio_binance_uds.stream.recovery.futures.conditional import ConditionalPlace, place_of
from trio_binance_uds.stream.recovery.futures.life import UNANNOUNCED, Rank
from trio_binance_uds.stream.recovery.futures.reconstruct import Doubt
from trio_binance_uds.stream.recovery.futures.states import BalanceState, PositionState, key_of
from trio_binance_uds.stream.recovery.futures.units import is_of_unit
from trio_binance_uds.stream.recovery.symbols import listed

_RANKS: Mapping[str, Rank] = {"NEW": Rank.NEW, "AMENDMENT": Rank.CHANGE, "TRADE": Rank.FILL, "CALCULATED": Rank.FILL}

_ReportPlace = tuple[datetime, Decimal, Rank, int]


@attrs.frozen(kw_only=True)
class Basis:
    """What a recovery's verdict rests on.

    Attributes:
        reasons: why it is incomplete whatever else arrives.
        doubts: what live events may still dispel.
        told_filled: how much of each open order had been told as filled before.
        told_conditionals: the conditional orders that had been told as open before.
        balances, positions: what is now, as it was answered.
        unit: which part of a Portfolio Margin account it is about.
        remarks: what else there is to say.
    """

    reasons: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    told_filled: Mapping[Key, Decimal] = attrs.Factory(dict)
    told_conditionals: frozenset[int] = frozenset()
    balances: Mapping[str, BalanceAnswer] = attrs.Factory(dict)
    positions: Mapping[PositionKey, PositionAnswer] = attrs.Factory(dict)
    unit: str | None = None
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
    _basis: Basis = attrs.field(factory=Basis, eq=False, repr=False)

    @classmethod
    def judged(cls, events: Iterable[Event], basis: Basis) -> Recovered:
        """Return the events with the verdict that follows from the basis."""
        problems = [*basis.reasons, *[doubt.text for doubt in basis.doubts]]
        return cls(tuple(events), not problems, listed([*problems, *basis.remarks]), basis)

    @property
    def basis(self) -> Basis:
        """What the verdict rests on."""
        return self._basis

    def echoes(self) -> Echoes:
        """Return what to look out for while a live event can still repeat one of these."""
        return Echoes(self)

    def without(self, parked: Iterable[Event]) -> Recovered:
        """Return what remains to be told beside the events that the new link has brought meanwhile.

        They can dispel a doubt, and raise one.
        """
        live = _Parked(parked, self._basis.unit)
        kept = [left for event in self.events if (left := live.rest_of(event)) is not None]
        doubts = [doubt for doubt in self._basis.doubts if not live.dispels(doubt, self._basis)]
        filled = dict(self._basis.told_filled)
        filled.update(
            {_key(event): event.filled_accumulated_quantity for event in kept if isinstance(event, OrderTradeUpdate)}
        )
        found, continued = live.continuity(filled)
        begun = {place.number for event in kept if (place := place_of(event)) is not None}
        found += live.strangers(begun | self._basis.told_conditionals)
        doubts = [doubt for doubt in doubts if doubt.is_change or doubt.key not in continued] + found
        return Recovered.judged(kept, live.left_of(attrs.evolve(self._basis, doubts=tuple(doubts))))


class _Parked:
    """The events that wait to be delivered behind the recovered ones."""

    def __init__(self, events: Iterable[Event], unit: str | None) -> None:
        self._first_reports: dict[Key, OrderTradeUpdate] = {}
        self._first_places: dict[int, ConditionalPlace] = {}
        self._updates: list[AccountUpdate] = []
        self._settings: set[str | None] = set()
        self._assets: set[str] = set()
        self._positions: set[PositionKey] = set()
        for event in events:
            if getattr(event, "business_unit", None) == unit or is_of_unit(event, unit):
                self._take(event)

    def _take(self, event: Event) -> None:
        if isinstance(event, OrderTradeUpdate):
            self._first_reports.setdefault(_key(event), event)
        elif isinstance(event, AccountUpdate):
            self._updates.append(event)
            self._assets.update([balance.asset for balance in event.balances])
            self._positions.update([key_of(one) for one in event.positions])
        elif isinstance(event, AccountConfigUpdate):
            self._settings.add(event.symbol)
        elif (place := place_of(event)) is not None:
            self._first_places.setdefault(place.number, place)

    def rest_of(self, event: Event) -> Event | None:
        """Return what of a recovered event the parked ones do not say."""
        if isinstance(event, OrderTradeUpdate):
            first = self._first_reports.get(_key(event))
            return event if first is None or _place(event) < _place(first) else None
        if isinstance(event, AccountUpdate):
            balances = tuple([one for one in event.balances if one.asset not in self._assets])
            positions = tuple([one for one in event.positions if key_of(one) not in self._positions])
            return attrs.evolve(event, balances=balances, positions=positions) if balances or positions else None
        if isinstance(event, AccountConfigUpdate):
            return None if event.symbol in self._settings else event
        place = place_of(event)
        assert place is not None, "nothing else is recovered"
        begin = self._first_places.get(place.number)
        return event if begin is None or place.rung < begin.rung else None

    def left_of(self, basis: Basis) -> Basis:
        """Return a basis without the balances and positions that are left to the live events."""
        balances = {asset: row for asset, row in basis.balances.items() if asset not in self._assets}
        positions = {key: row for key, row in basis.positions.items() if key not in self._positions}
        return attrs.evolve(basis, balances=balances, positions=positions)

    def dispels(self, doubt: Doubt, basis: Basis) -> bool:
        """Whether a doubt is only about what the parked events tell."""
        if doubt.conditional is not None:
            return doubt.conditional in self._first_places
        if doubt.asset is None or (now := basis.balances[doubt.asset]).updated is None:
            return False
        # The income can lag behind a transfer that the stream has told already.
        moved = [
            balance.balance_change
            for update in self._updates
            for balance in update.balances
            if balance.asset == doubt.asset and balance.balance_change and update.transaction_time <= now.updated
        ]
        return sum(moved, Decimal(0)) in doubt.amounts

    def strangers(self, begun: AbstractSet[int]) -> list[Doubt]:
        """Return doubts about conditional orders of whose beginning neither these nor the recovered events tell."""
        return [
            Doubt(text=f"conditional order {number} appears without its beginning", conditional=number)
            for number, first in self._first_places.items()
            if first.rung > 0 and number not in begun
        ]

    def continuity(self, filled: Mapping[Key, Decimal]) -> tuple[list[Doubt], set[Key]]:
        """Return doubts about orders that the parked events do not take up where they were left, and the others."""
        found: list[Doubt] = []
        continued: set[Key] = set()
        for key, first in self._first_reports.items():
            before = first.filled_accumulated_quantity - first.last_filled_quantity
            name = f"order {key[1]} of {key[0]}"
            if key not in filled:
                is_announced = not (first.client_order_id or "").startswith(UNANNOUNCED)
                if before or (first.execution_type != "NEW" and is_announced):
                    found.append(Doubt(text=f"{name} appears without its beginning", key=key))
            elif filled[key] == before:
                continued.add(key)
            else:
                missing = before - filled[key]
                text = f"{name} had been filled by {missing.normalize():f} more when it appeared again"
                found.append(Doubt(text=text, key=key))
        return found, continued


class Echoes:
    """Recognises live events that repeat what was recovered, or are older; each repetition once."""

    def __init__(self, recovered: Recovered) -> None:
        self._unit = recovered.basis.unit
        self._balances = dict(recovered.basis.balances)
        self._positions = dict(recovered.basis.positions)
        self._fills: Counter[tuple[Key, int | None]] = Counter()
        self._short_fills: Counter[tuple[Key, int | None]] = Counter()
        self._last: dict[Key, _ReportPlace] = {}
        self._rungs: dict[int, int] = {}
        self._exact: Counter[Hashable] = Counter()
        self._settings: dict[str | None, datetime] = {}
        self._tells_account = False
        for event in recovered.events:
            self._expect(event)

    def _expect(self, event: Event) -> None:
        if isinstance(event, OrderTradeUpdate):
            if event.fill_key is not None:
                self._fills[_key(event), event.trade_id] += 1
                self._short_fills[_key(event), event.trade_id] += 1
            self._last[_key(event)] = _place(event)
            self._exact[_key(event), _place(event)] += 1
        elif isinstance(event, AccountUpdate):
            self._tells_account = True
        elif isinstance(event, AccountConfigUpdate):
            self._settings[event.symbol] = event.transaction_time
        else:
            place = place_of(event)
            assert place is not None, "nothing else is recovered"
            self._rungs[place.number] = place.rung

    def is_echo(self, event: Event) -> bool:
        """Whether a live event is not to be told because what was recovered has told it, or something newer."""
        if getattr(event, "business_unit", None) != self._unit and not is_of_unit(event, self._unit):
            return False
        if isinstance(event, OrderTradeUpdate):
            if event.fill_key is not None:
                return _take(self._fills, (_key(event), event.trade_id))
            return self._is_old_report(event)
        if isinstance(event, TradeLite):
            return _take(self._short_fills, ((event.symbol, event.order_id), event.trade_id))
        if isinstance(event, AccountUpdate):
            return self._tells_account and self._is_old_update(event)
        if isinstance(event, AccountConfigUpdate):
            found_at = self._settings.get(event.symbol)
            return found_at is not None and event.transaction_time <= found_at
        place = place_of(event)
        return place is not None and place.rung <= self._rungs.get(place.number, -1)

    def _is_old_report(self, report: OrderTradeUpdate) -> bool:
        place, last = _place(report), self._last.get(_key(report))
        if last is None or place > last:
            return False
        return place < last or _take(self._exact, (_key(report), place))

    def _is_old_update(self, update: AccountUpdate) -> bool:
        """What was answered is all of the account; of one and the same time it is what says the same.

        Once something is told of an asset or a position, all that follows is newer.
        """
        at = update.transaction_time
        is_old = all(
            (now := self._balances.get(one.asset)) is not None
            and _is_as_old(at, now.updated, BalanceState.of_answer(now) == BalanceState.of_event(one))
            for one in update.balances
        ) and all(
            (held := self._positions.get(key_of(one))) is not None
            and _is_as_old(at, held.updated, PositionState.of_answer(held) == PositionState.of_event(one))
            for one in update.positions
        )
        if not is_old:
            for balance in update.balances:
                self._balances.pop(balance.asset, None)
            for position in update.positions:
                self._positions.pop(key_of(position), None)
        return is_old


def _is_as_old(at: datetime, updated: datetime | None, says_the_same: bool) -> bool:
    return updated is not None and (at < updated or (at == updated and says_the_same))


def _take(expected: Counter[Any], key: Hashable) -> bool:
    if expected[key] <= 0:
        return False
    expected[key] -= 1
    return True


def _key(report: OrderTradeUpdate) -> Key:
    return (report.symbol, report.order_id)


def _place(report: OrderTradeUpdate) -> _ReportPlace:
    """Where a report stands in the life of its order."""
    rank = _RANKS.get(str(report.execution_type), Rank.END)
    return (time_of(report), report.filled_accumulated_quantity, rank, report.trade_id or 0)
