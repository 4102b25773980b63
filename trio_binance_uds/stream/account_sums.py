"""What positions, balances and early reports say of fills that no report of an order has told yet.

The last fill of an order may never be told, and then no other report of the order follows that would prove it. But the
fill is in other frames: it moves a position, or it is told early by a ``TRADE_LITE``. Which frame comes first is not
promised, so nothing here is judged when it comes. It is judged when nothing more has come about it for a while.

* USD-M, COIN-M, Portfolio Margin, options: the size of a position less all fills that were delivered is always the
  same. Fills alone move a position where the reason of an update is ``ORDER``; another reason starts anew, and so does
  a gap. As long as there was none, an update by an order of a position of which no fill was delivered lacks that fill.
* USD-M: every ``TRADE_LITE`` has an order report, which tells the same trade.
* Spot and margin: of two assets of which there is more and less than the fills say, the one was exchanged for the other
  by a fill (:mod:`balance_sums`).

More is not concluded, as the venue does not promise it. The wallet of futures is not held against profits and
commissions: how these are rounded, and in which of several updates of one moment they are, is not documented. The
balance of one asset alone is not held against anything: on margin loans and interest change it without a word, and
whether everything does say a word on spot (conversions, rebates) is not known. All of it is looked at by a recovery.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.events import OutboundAccountPosition
from trio_binance_uds.stream.balance_sums import BalanceSums

EXPLAINED_BY_FILLS = frozenset(
    {"ACCOUNT_UPDATE", "BALANCE_POSITION_UPDATE", "TRADE_LITE", "outboundAccountPosition", "balanceUpdate"}
)
"""The types of events that fills explain, or that explain in their place what was moved."""

_ZERO = Decimal(0)
# Frames of one moment can lie on both sides of the beginning, or of a gap.
_SETTLES = timedelta(seconds=2)
_PENDING_AT_MOST = 1000
_POSITIONS_AT_MOST = 10_000

_EXCHANGED = "exchanged"

Key = tuple[Any, ...]


@attrs.define(eq=False)
class _Position:
    """One position as it was delivered.

    Attributes:
        amount: its size by the last update; ``None`` before the first.
        filled: the sum of the fills, as they change it.
        base: what the size is without these, once that is known.
        at: when that was last found to be so.
        has_fills, has_updates: whether fills, and updates by orders, have come since.
    """

    filled: Decimal = _ZERO
    amount: Decimal | None = None
    base: Decimal | None = None
    at: datetime | None = None
    changed_at: datetime | None = None
    has_fills: bool = False
    has_updates: bool = False


@attrs.frozen
class Unexplained:
    """Something that no delivered report of a fill explains: since when, and what, for people.

    ``is_by_a_fill``: only a fill explains it. Assets of a margin account can be exchanged by a loan and a repayment.
    """

    since: datetime
    detail: str
    is_by_a_fill: bool = True


class AccountSums:
    """What is to be explained by fills, of all accounts of a stream."""

    def __init__(self) -> None:
        # What was made before this time may have been told before the stream, or by what was recovered.
        self._from: datetime | None = None
        self._has_gaps = False
        self._trades: dict[Key, None] = {}
        self._positions: dict[Key, _Position] = {}
        # What is to be judged, and how often something has come about it.
        self._pending: dict[Key, int] = {}
        self._judged: dict[Key, int] = {}
        self._early: dict[Key, datetime] = {}
        # Of spot and margin accounts, by their names.
        self._balances: dict[str | None, BalanceSums] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether there is something to be judged in a while."""
        return bool(self._pending)

    def add_fill(self, report: Any) -> None:
        """Add the report of a fill of a derivative that is delivered for the first time."""
        self._trades[report.symbol, report.order_id, report.trade_id] = None
        if len(self._trades) > _PENDING_AT_MOST:
            del self._trades[next(iter(self._trades))]
        if (key := _position_key(report, report)) is None:
            return
        position = self._position(key)
        part = report.last_filled_quantity
        position.filled += part if report.side == "BUY" else -part
        position.has_fills = True
        position.changed_at = report.transaction_time
        self._wait(key)

    def add_spot_fill(self, report: Any) -> None:
        """Add the report of a fill of spot or margin that is delivered for the first time."""
        self._balances_of(report).add(report)

    def forget_balances(self, report: Any) -> None:
        """Begin anew with the balances of an account, as something is known to be missing."""
        self._balances_of(report).clear()

    def observe(self, event: Any) -> None:
        """Add an event that was delivered and could be read, of one of the types in :data:`EXPLAINED_BY_FILLS`."""
        match event.event_type:
            case "ACCOUNT_UPDATE" | "BALANCE_POSITION_UPDATE":
                for row in getattr(event, "positions", ()):
                    if (key := _position_key(event, row)) is not None:
                        self._update(key, event, row)
            case "TRADE_LITE":
                trade = (event.symbol, event.order_id, event.trade_id)
                if self._is_ours(event.transaction_time) and trade not in self._trades:
                    self._early[trade] = event.transaction_time
                    self._wait(trade)
            case "outboundAccountPosition":
                self._observe_balances(event)
            case _:  # A ``balanceUpdate``: what moves balances from outside.
                self._balances_of(event).add(event)

    def begin(self, at: datetime) -> None:
        """Begin, or begin anew at the end of a gap: what is missing before that, the gap says."""
        self._has_gaps = self._from is not None
        self._from = at + _SETTLES
        self._positions.clear()
        self._balances.clear()
        self._pending.clear()
        self._judged.clear()
        self._early.clear()

    def judge(self) -> Unexplained | None:
        """Return what is not explained, of all of which nothing has come since this was last called."""
        found: Unexplained | None = None
        for key, count in list(self._pending.items()):
            if self._judged.get(key) != count:
                self._judged[key] = count
                continue
            del self._pending[key], self._judged[key]
            found = self._judge(key) or found
        return found

    def _judge(self, key: Key) -> Unexplained | None:
        if key in self._early:
            at, (symbol, order_id, trade_id) = self._early.pop(key), key
            text = f"trade {trade_id} of {symbol} was told early, and no report of order {order_id} tells it"
            return None if key in self._trades else Unexplained(at, text)
        if key[0] == _EXCHANGED:
            exchange = self._balances[key[1]].judge(key[2])
            if exchange is None:
                return None
            text = f"{exchange.fallen} and {exchange.risen} were exchanged, and no report tells a fill of then"
            return Unexplained(exchange.since, text, is_by_a_fill=False)
        return self._judge_position(key, self._positions[key])

    def _judge_position(self, key: Key, position: _Position) -> Unexplained | None:
        found: Unexplained | None = None
        if position.amount is not None and position.changed_at is not None:
            base = position.amount - position.filled
            since, name = position.at or position.changed_at, key[2]
            if position.base is not None and base != position.base:
                moved = _plain(base - position.base)
                found = Unexplained(since, f"the position of {name} has moved by {moved} more than the fills say")
            elif position.base is None and position.has_updates and not position.has_fills and not self._has_gaps:
                found = Unexplained(since, f"the position of {name} was moved by an order, and no report tells a fill")
            position.base, position.at = base, position.changed_at
        position.has_fills = position.has_updates = False
        return found

    def _update(self, key: Key, event: Any, row: Any) -> None:
        position = self._position(key)
        amount = row.position_amount if hasattr(type(row), "position_amount") else row.quantity
        if event.event_reason_type == "ORDER":
            position.has_updates |= self._is_ours(event.transaction_time)
        elif amount != position.amount:
            position.base = None
        position.amount, position.changed_at = amount, event.transaction_time
        self._wait(key)

    def _observe_balances(self, event: OutboundAccountPosition) -> None:
        balances, at = self._balances_of(event), event.last_account_update
        if not self._is_ours(at):
            balances.begin_with(event)
        elif balances.observe(event):
            self._wait((_EXCHANGED, event.account, at))

    def _balances_of(self, event: Any) -> BalanceSums:
        found = self._balances.get(event.account)
        if found is None:
            found = self._balances[event.account] = BalanceSums()
        return found

    def _is_ours(self, at: datetime) -> bool:
        return self._from is None or at > self._from

    def _position(self, key: Key) -> _Position:
        position = self._positions.get(key)
        if position is None:
            if len(self._positions) >= _POSITIONS_AT_MOST:
                self._positions.clear()
                self._pending.clear()
                self._judged.clear()
            position = self._positions[key] = _Position()
        return position

    def _wait(self, key: Key) -> None:
        if len(self._pending) >= _PENDING_AT_MOST and key not in self._pending:
            return
        self._pending[key] = self._pending.get(key, 0) + 1


def _position_key(event: Any, row: Any) -> Key | None:
    """Return what a position and the fills that move it have in common; ``None`` if that is not said."""
    side = row.position_side if hasattr(type(row), "position_side") else ""
    if side is None:
        return None
    unit = event.business_unit if hasattr(type(event), "business_unit") else None
    return (event.account, unit, row.symbol, side)


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"
