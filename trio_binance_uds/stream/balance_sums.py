"""What the balances of spot and margin accounts say of fills that no report of an order has told.

Each position names what there is of some assets, free and locked together. That is what there was before, and what the
delivered fills, their fees, and what came or went from outside have changed since. If it is more of one asset and less
of another one, the two were exchanged, and the report of a fill was never sent.

More or less of one asset alone proves nothing: on margin loans and interest change it without a word, and whether
everything does say a word on spot is not known. But the same fill can show in two positions, since each names the
assets of one symbol: so what is left over of one asset is remembered for a minute.

Nearly always the fills of a position have come before it, and explain it at once. Where they do not, it is judged when
they have had time to come. At which of several fills of about one moment a position was made is not promised, so it is
explained if it is at any of them.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.events import BalanceUpdate, OutboundAccountPosition

_ZERO = Decimal(0)
# How far the times of a fill and of the balances that it has changed may lie apart; they are documented to be the same.
_SAME_TIME = timedelta(seconds=2)
# What is left over of two assets within this time may be of one fill.
_OF_ONE_FILL = timedelta(seconds=60)
_CHANGES_AT_MOST = 1000
_WAITING_AT_MOST = 100

Changes = Mapping[str, Decimal]


@attrs.frozen
class Exchange:
    """Assets that were exchanged for each other: since when that is known, and which fell and rose."""

    since: datetime
    fallen: str
    risen: str


@attrs.define(eq=False)
class _Total:
    """How much there should be of an asset, and when a position named it last."""

    amount: Decimal
    at: datetime


@attrs.frozen
class _Left:
    """What nothing has explained of an asset, and between which times that happened."""

    amount: Decimal
    since: datetime
    at: datetime


class BalanceSums:
    """The balances of one account, as delivered."""

    def __init__(self) -> None:
        self._totals: dict[str, _Total] = {}
        self._left: dict[str, _Left] = {}
        # What was delivered, and no position that was looked at can hold yet.
        self._changes: deque[Any] = deque()
        # Positions that were not explained when they came, by their time.
        self._waiting: dict[datetime, dict[str, Decimal]] = {}
        self._pairs: dict[str, tuple[str, str] | None] = {}

    def clear(self) -> None:
        """Begin anew."""
        self._totals.clear()
        self._left.clear()
        self._changes.clear()
        self._waiting.clear()

    def add(self, event: Any) -> None:
        """Add a report of a fill, or a ``balanceUpdate``, that was delivered."""
        self._changes.append(event)
        if len(self._changes) > _CHANGES_AT_MOST:
            self.clear()

    def begin_with(self, position: OutboundAccountPosition) -> None:
        """Take a position as it is: what it holds may have been delivered before."""
        at = position.last_account_update
        self._changes = deque([event for event in self._changes if _time_of(event) > at])
        self._totals |= {row.asset: _Total(row.free + row.locked, at) for row in position.balances}

    def observe(self, position: OutboundAccountPosition) -> bool:
        """Add a position; return whether it is to be judged in a while."""
        at, named = position.last_account_update, {row.asset: row.free + row.locked for row in position.balances}
        changes = [event for event in self._changes if _time_of(event) <= at]
        expected = self._expected(named, changes)
        if expected is None or all(named[asset] == amount for asset, amount in expected.items()):
            self._settle(at, named, changes)
            return False
        if len(self._waiting) >= _WAITING_AT_MOST:
            self.clear()
            return False
        self._waiting[at] = {**self._waiting.get(at, {}), **named}
        return True

    def judge(self, at: datetime) -> Exchange | None:
        """Return which assets were exchanged by a position of this time, as far as nothing explains it by now."""
        named = self._waiting.get(at)
        if named is None:
            return None  # A later one was explained, and so was this.
        changes = sorted(self._changes, key=_time_of)
        certain = sum(_time_of(event) < at - _SAME_TIME for event in changes)
        most = sum(_time_of(event) <= at + _SAME_TIME for event in changes)
        cuts = [changes[:count] for count in range(certain, most + 1)]
        then = [event for event in changes if _time_of(event) <= at]
        for cut in (then, *cuts):
            expected = self._expected(named, cut)
            if expected is None or all(named[asset] == amount for asset, amount in expected.items()):
                self._settle(at, named, cut)
                return None
        expected = self._expected(named, then) or {}
        left = {asset: named[asset] - amount for asset, amount in expected.items() if named[asset] != amount}
        for asset, amount in left.items():
            self._left[asset] = _Left(amount, self._totals[asset].at, at)
        self._settle(at, named, then)
        return self._exchange(left, at)

    def _exchange(self, left: Changes, at: datetime) -> Exchange | None:
        """Return an asset of which there is more, and one of which there is less, if there are both."""
        known = {asset: one for asset, one in self._left.items() if one.at >= at - _OF_ONE_FILL}
        fallen = [asset for asset, one in known.items() if one.amount < 0]
        risen = [asset for asset, one in known.items() if one.amount > 0]
        if not fallen or not risen:
            self._left = known
            return None
        self._left.clear()
        return Exchange(min(known[asset].since for asset in (*fallen, *risen)), fallen[0], risen[0])

    def _settle(self, at: datetime, named: Changes, changes: Sequence[Any]) -> None:
        """Count from a position on, which holds these changes."""
        for asset, change in self._sum(changes, named).items():
            if asset in self._totals:
                self._totals[asset].amount += change
        self._totals |= {asset: _Total(amount, at) for asset, amount in named.items()}
        held = set(map(id, changes))
        self._changes = deque([event for event in self._changes if id(event) not in held])
        for time in [time for time in self._waiting if time <= at]:
            del self._waiting[time]

    def _expected(self, named: Changes, changes: Sequence[Any]) -> Changes | None:
        """Return what there should be after these changes; ``None``: it is not known what they have changed."""
        if any(self._pair(event, named) is None for event in changes):
            return None
        found = self._sum(changes, named)
        totals = self._totals
        return {asset: totals[asset].amount + found.get(asset, _ZERO) for asset in named if asset in totals}

    def _sum(self, changes: Sequence[Any], named: Changes) -> Changes:
        found: dict[str, Decimal] = {}
        for event in changes:
            for asset, change in self._changes_of(event, named):
                found[asset] = found.get(asset, _ZERO) + change
        return found

    def _changes_of(self, event: Any, named: Changes) -> Iterator[tuple[str, Decimal]]:
        if isinstance(event, BalanceUpdate):
            yield event.asset, event.balance_delta
        elif (pair := self._pair(event, named)) is not None:
            sign = 1 if event.side == "BUY" else -1
            yield pair[0], sign * event.last_executed_quantity
            yield pair[1], -sign * event.last_quote_quantity
            if event.commission_asset is not None and event.commission_amount is not None:
                yield event.commission_asset, -event.commission_amount

    def _pair(self, event: Any, named: Changes) -> tuple[str, str] | None:
        """Return the assets of which a fill has changed a known amount; ``None``: that is not certain."""
        if isinstance(event, BalanceUpdate):
            return event.asset, ""
        if event.last_quote_quantity is None:
            return None
        symbol = event.symbol
        if (pair := self._pairs.get(symbol)) is None:
            assets = self._totals.keys() | named.keys()
            cuts = [(symbol[:cut], symbol[cut:]) for cut in range(1, len(symbol))]
            pairs = [one for one in cuts if assets.issuperset(one)]
            if len(pairs) == 1:
                pair = self._pairs[symbol] = pairs[0]
        return pair


def _time_of(event: Any) -> datetime:
    at: datetime = event.clear_time if isinstance(event, BalanceUpdate) else event.transaction_time
    return at
