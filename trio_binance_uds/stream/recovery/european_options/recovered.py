"""What a recovery of an options stream has brought, joined with the live events so that each thing is told once.

From the moment of the subscription on everything comes live, and the live event is the better one: what the parked
events of an order begin with ends what is recovered of that order. After the cut, a fill is an echo only if that very
fill was recovered; another update is one if it says what was recovered, or something older.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.events import (
    BalancePositionUpdate,
    Event,
    GreekUpdate,
    OptionsAccountUpdate,
    OptionsOrderTradeUpdate,
    OptionsRiskLevelChange,
)
from trio_binance_uds.stream.recovery.european_options.answers import ZERO, Key
from trio_binance_uds.stream.recovery.european_options.reconstruct import Doubt, Rank
from trio_binance_uds.stream.recovery.european_options.reports import plain
from trio_binance_uds.stream.recovery.symbols import listed
from trio_binance_uds.stream.recovery.told_states import SnapshotEchoes, WordEcho

_RANKS: Mapping[str, Rank] = {"NEW": Rank.NEW, "TRADE": Rank.FILL}

_Place = tuple[datetime, Decimal, Rank, int]


@attrs.frozen(kw_only=True)
class OptionsRecovered:
    """What a recovery has brought.

    Attributes:
        reasons: why it is incomplete whatever else arrives.
        doubts: what live events may still dispel.
        told_filled: how much of each open order had been told as filled before.
        remarks: what else there is to say.
    """

    events: tuple[Event, ...] = ()
    reasons: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    told_filled: Mapping[Key, Decimal] = attrs.field(factory=dict, repr=False)
    is_left_to_live: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return not self.reasons and not self.doubts

    @property
    def detail(self) -> str:
        return listed([*self.reasons, *[doubt.text for doubt in self.doubts], *self.remarks])

    def without(self, parked: Iterable[Event]) -> OptionsRecovered:
        """Return what remains to be told beside the live events; they can dispel a doubt, and raise one."""
        live = _Parked(parked)
        kept = [left for event in self.events if (left := live.rest_of(event)) is not None]
        filled = dict(self.told_filled)
        filled |= {
            _key(event): event.filled_accumulated_quantity
            for event in kept
            if isinstance(event, OptionsOrderTradeUpdate)
        }
        found, continued = live.continuity(filled)
        doubts = [doubt for doubt in self.doubts if doubt.key is None or doubt.key not in continued]
        return attrs.evolve(self, events=tuple(kept), doubts=(*doubts, *found), is_left_to_live=live.has_holdings)

    def echoes(self) -> OptionsEchoes:
        """Return what to look out for while a live event can still repeat one of these."""
        return OptionsEchoes(self)


class _Parked:
    """The events that wait to be delivered behind the recovered ones."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._first: dict[Key, OptionsOrderTradeUpdate] = {}
        self._assets: set[str] = set()
        self._symbols: set[str] = set()
        self._kinds: set[type[Event]] = set()
        for event in events:
            self._kinds.add(type(event))
            if isinstance(event, OptionsOrderTradeUpdate):
                self._first.setdefault(_key(event), event)
            elif isinstance(event, BalancePositionUpdate):
                self._assets.update([balance.asset for balance in event.balances])
                self._symbols.update([position.symbol for position in event.positions])

    @property
    def has_holdings(self) -> bool:
        """Whether some balances or positions come live."""
        return bool(self._assets or self._symbols)

    def rest_of(self, event: Event) -> Event | None:
        """Return what of a recovered event the parked ones do not say."""
        if isinstance(event, OptionsOrderTradeUpdate):
            first = self._first.get(_key(event))
            return event if first is None or _place(event) < _place(first) else None
        if isinstance(event, BalancePositionUpdate):
            balances = tuple([row for row in event.balances if row.asset not in self._assets])
            positions = tuple([row for row in event.positions if row.symbol not in self._symbols])
            left = attrs.evolve(event, balances=balances, positions=positions)
            return left if balances or positions else None
        return None if type(event) in self._kinds else event

    def continuity(self, filled: Mapping[Key, Decimal]) -> tuple[list[Doubt], set[Key]]:
        """Return doubts about orders that the parked events do not take up where they were left, and the others."""
        found: list[Doubt] = []
        continued: set[Key] = set()
        for key, first in self._first.items():
            before = first.filled_accumulated_quantity - first.last_filled_quantity
            name = f"order {key[1]} of {key[0]}"
            if key not in filled:
                if before or first.execution_type != "NEW":
                    found.append(Doubt(text=f"{name} appears without its beginning", key=key))
            elif filled[key] == before:
                continued.add(key)
            else:
                missing = plain(before - filled[key])
                text = f"{name} had been filled by {missing} more when it appeared again"
                found.append(Doubt(text=text, key=key))
        return found, continued


class OptionsEchoes:
    """Recognises live events that repeat what was recovered, or are older; each repetition once."""

    def __init__(self, recovered: OptionsRecovered) -> None:
        self._fills: Counter[tuple[Key, int | None]] = Counter()
        self._last: dict[Key, _Place] = {}
        self._exact: Counter[tuple[Key, _Place]] = Counter()
        self._holdings: BalancePositionUpdate | None = None
        snapshots: list[tuple[type[Event], datetime]] = []
        level, answered = None, None
        for event in recovered.events:
            if isinstance(event, OptionsOrderTradeUpdate):
                if event.execution_type == "TRADE":
                    self._fills[_key(event), event.trade_id] += 1
                self._last[_key(event)] = _place(event)
                self._exact[_key(event), _place(event)] += 1
            elif isinstance(event, BalancePositionUpdate):
                self._holdings = None if recovered.is_left_to_live else event
            elif isinstance(event, OptionsAccountUpdate | GreekUpdate):
                snapshots.append((type(event), event.transaction_time))
            else:
                assert isinstance(event, OptionsRiskLevelChange)
                level, answered = event.risk_level, event.event_time  # The venue says of when its answer is.
        self._snapshots = SnapshotEchoes(snapshots)
        self._level = WordEcho(level, answered)

    def is_echo(self, event: Event) -> bool:
        """Whether a live event is not to be told because what was recovered has told it, or something newer."""
        if isinstance(event, OptionsOrderTradeUpdate):
            return self._is_old(event)
        if isinstance(event, BalancePositionUpdate):
            return self._is_held(event)
        if isinstance(event, OptionsAccountUpdate | GreekUpdate):
            return self._snapshots.is_echo(event, event.transaction_time)
        return isinstance(event, OptionsRiskLevelChange) and self._level.is_echo(event.risk_level, event.event_time)

    def _is_old(self, update: OptionsOrderTradeUpdate) -> bool:
        key, place = _key(update), _place(update)
        if update.execution_type == "TRADE":
            return _take(self._fills, (key, update.trade_id))
        last = self._last.get(key)
        if last is None or place > last:
            return False
        return place < last or _take(self._exact, (key, place))

    def _is_held(self, update: BalancePositionUpdate) -> bool:
        """The recovered ones are those of the whole account at about one time."""
        held = self._holdings
        if held is None:
            return False
        if update.transaction_time != held.transaction_time:
            return update.transaction_time < held.transaction_time
        balances = {row.asset: row.balance for row in held.balances}
        positions = {row.symbol: row.quantity for row in held.positions}
        return all(balances.get(row.asset) == row.balance for row in update.balances) and all(
            positions.get(row.symbol, ZERO) == row.quantity for row in update.positions
        )


def _take(expected: Counter[Any], key: object) -> bool:
    if expected[key] <= 0:
        return False
    expected[key] -= 1
    return True


def _key(update: OptionsOrderTradeUpdate) -> Key:
    return (update.symbol, update.order_id)


def _place(update: OptionsOrderTradeUpdate) -> _Place:
    """Where an update stands in the life of its order."""
    rank = _RANKS.get(str(update.execution_type), Rank.END)
    return (update.transaction_time, update.filled_accumulated_quantity, rank, update.trade_id or 0)
