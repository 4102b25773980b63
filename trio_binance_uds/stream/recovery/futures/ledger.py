"""Whether balances and positions are explained: what was last told, and what has happened since, must give what is now.

A position changes by fills alone. A wallet changes by the profit and the commission of fills, and by what the income
lists beside them: funding, transfers, and the rest. What is not explained was not seen.

Times are the venue's, but in the very millisecond of what was told or of what is now, some fills count and some do
not, and an income can be dated up to a minute before the wallet has it. So of the changes of one kind, which happen in
their order, the first may have been told and the last may be yet to come; one of the sums that are possible must fit.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import accumulate, chain
from operator import attrgetter
from typing import TypeVar

import attrs

from trio_binance_uds.stream.recovery.futures.answers import (
    ZERO,
    BalanceAnswer,
    FillAnswer,
    PositionAnswer,
    PositionKey,
)
from trio_binance_uds.stream.recovery.futures.dialect import margin_asset_of
from trio_binance_uds.stream.recovery.futures.evidence import Evidence
from trio_binance_uds.stream.recovery.futures.knowledge import Knowledge, Told
from trio_binance_uds.stream.recovery.futures.states import BalanceState, PositionState

_StateT = TypeVar("_StateT")

_INCOME_IS_EARLY_BY = timedelta(seconds=60)
# Profit and commission are told to eight digits, and so is the wallet.
_ROUNDING = Decimal("0.00000001")
_SUMS_AT_MOST = 4096


@attrs.frozen
class Span:
    """From what was last told to what is now; ``None``: until an unknown time.

    Attributes:
        early: how long before its effect a change may be dated.
    """

    start: datetime
    end: datetime | None
    early: timedelta = timedelta(0)

    def sums(self, changes: Iterable[tuple[Hashable, datetime, Decimal]]) -> set[Decimal]:
        """Return what the changes may add up to: by group, in the order in which they happened.

        Nothing is returned where there are too many possibilities.
        """
        groups: dict[Hashable, list[tuple[datetime, Decimal]]] = {}
        for group, at, change in changes:
            if at >= self.start - self.early and (self.end is None or at <= self.end):
                groups.setdefault(group, []).append((at, change))
        sums = {ZERO}
        for some in groups.values():
            sums = {one + other for one in sums for other in self._sums_of_group(some)}
            if len(sums) > _SUMS_AT_MOST:
                return set()
        return sums

    def _sums_of_group(self, changes: list[tuple[datetime, Decimal]]) -> set[Decimal]:
        may_be_told = sum(at <= self.start for at, _ in changes)
        certain = sum(self.end is not None and at < self.end - self.early for at, _ in changes)
        totals = list(accumulate([change for _, change in changes], initial=ZERO))
        return {
            totals[until] - totals[first]
            for first in range(may_be_told + 1)
            for until in range(max(first, certain), len(totals))
        }


class Ledger:
    """Compares what is now with what was told, in one recovery.

    Attributes:
        unknown_assets: symbols whose profit is in an asset that is not known, so that the balances prove nothing.
    """

    def __init__(self, knowledge: Knowledge, evidence: Evidence) -> None:
        self._knowledge = knowledge
        self._evidence = evidence
        told = [FillAnswer.of_report(report) for report in knowledge.unsettled]
        missed = chain.from_iterable(evidence.untold_fills().values())
        self._fills = sorted([*told, *missed], key=attrgetter("time", "trade_id"))
        # What is no newer than the wallets that were told can be in them: should it not be, they will not add up.
        wallets_at = knowledge.balances_at
        self.unknown_assets: list[str] = sorted(
            {
                fill.symbol
                for fill in self._fills
                if fill.realized_profit
                and (wallets_at is None or fill.time > wallets_at)
                and margin_asset_of(fill, knowledge.margin_assets) is None
            }
        )

    # Positions.

    def positions_now(self) -> dict[PositionKey, PositionAnswer]:
        """Return the positions that are answered, and those that are not listed since there is nothing of them now."""
        answered = self._evidence.positions
        if answered is None:
            return {}
        held = [key for key, told in self._knowledge.positions.items() if told.state.amount]
        gone: dict[PositionKey, PositionAnswer] = {}
        for key in dict.fromkeys([*held, *[fill.position for fill in self._fills]]):
            told = self._knowledge.told_position(key)
            if told is not None and key not in answered:
                gone[key] = _no_position(key, self._gone_at(key, told))
        return {**answered, **gone}

    def _gone_at(self, key: PositionKey, told: Told[PositionState]) -> datetime:
        """Return when a position that is not listed any more was closed, as far as the fills tell."""
        fills = [fill for fill in self._fills if fill.position == key and fill.time >= told.at]
        gone_at = told.at
        for first in range(sum(fill.time == told.at for fill in fills) + 1):
            amounts = accumulate([fill.signed_quantity for fill in fills[first:]], initial=told.state.amount)
            closed = [fill.time for fill, amount in zip(fills[first:], list(amounts)[1:], strict=True) if not amount]
            gone_at = max([gone_at, *closed])
        return gone_at

    def stale_positions(self) -> list[PositionKey]:
        """Return the positions whose answer is older than what was told."""
        told = self._knowledge.positions
        return [
            key
            for key, now in self.positions_now().items()
            if key in told and _is_stale(told[key], PositionState.of_answer(now), now.updated)
        ]

    def unexplained_positions(self) -> dict[PositionKey, Decimal]:
        """Return the positions that are not what they should be, and by how much they have changed."""
        found: dict[PositionKey, Decimal] = {}
        answered = self._evidence.positions or {}
        for key, now in self.positions_now().items():
            told = self._knowledge.told_position(key)
            if told is None:
                continue
            span = _span(told.at, now.updated) if key in answered else Span(told.at, None)
            fills = [fill for fill in self._fills if fill.position == key]
            difference = now.amount - told.state.amount
            if difference not in span.sums((fill.symbol, fill.time, fill.signed_quantity) for fill in fills):
                found[key] = difference
        return found

    def changed_positions(self) -> list[PositionAnswer]:
        """Return the positions that are not as they were last told."""
        changed = []
        for key, now in sorted(self.positions_now().items()):
            told = self._knowledge.told_position(key)
            state = PositionState.of_answer(now)
            if (told is None and state != PositionState.nothing()) or (told is not None and told.state != state):
                changed.append(now)
        return changed

    # Balances.

    def balances_now(self) -> Mapping[str, BalanceAnswer]:
        """Return the balances that are answered."""
        return self._evidence.balances or {}

    def stale_balances(self) -> list[str]:
        """Return the assets whose answer is older than what was told."""
        told = self._knowledge.balances
        return [
            asset
            for asset, now in self.balances_now().items()
            if asset in told and _is_stale(told[asset], BalanceState.of_answer(now), now.updated)
        ]

    def unexplained_balances(self) -> dict[str, tuple[Decimal, frozenset[Decimal]]]:
        """Return the assets whose wallet is not what it should be: how it has changed, and what may be unexplained."""
        found: dict[str, tuple[Decimal, frozenset[Decimal]]] = {}
        for asset, now in self.balances_now().items():
            told = self._knowledge.told_balance(asset)
            if told is not None and not self._explanations(asset, told, now):
                difference = now.wallet - told.state.wallet
                of_trades, others, _ = self._possible_sums(asset, told, now)
                found[asset] = (
                    difference,
                    frozenset(difference - one - other for one in of_trades for other in others),
                )
        return found

    def changed_balances(self) -> list[tuple[BalanceAnswer, Decimal | None]]:
        """Return the balances that are not as they were last told, and by how much they changed apart from trades."""
        changed: list[tuple[BalanceAnswer, Decimal | None]] = []
        for asset, now in sorted(self.balances_now().items()):
            told = self._knowledge.told_balance(asset)
            state = BalanceState.of_answer(now)
            if told is None:
                if state != BalanceState.nothing():
                    changed.append((now, None))
            elif told.state != state:
                apart = self._explanations(asset, told, now)
                changed.append((now, apart.pop() if len(apart) == 1 else None))
        return changed

    def _explanations(self, asset: str, told: Told[BalanceState], now: BalanceAnswer) -> set[Decimal]:
        """Return how much of the change can be apart from trades; nothing: it cannot be explained."""
        of_trades, others, tolerance = self._possible_sums(asset, told, now)
        difference = now.wallet - told.state.wallet
        return {other for other in others for one in of_trades if abs(difference - other - one) <= tolerance}

    def _possible_sums(
        self, asset: str, told: Told[BalanceState], now: BalanceAnswer
    ) -> tuple[set[Decimal], set[Decimal], Decimal]:
        """Return what trades, and what else, may add up to, and how exact that is; nothing: there is too much."""
        span = _span(told.at, now.updated)
        trades = list(self._trade_changes(asset))
        others = attrs.evolve(span, early=_INCOME_IS_EARLY_BY).sums(self._other_changes(asset))
        return span.sums(trades), others, _ROUNDING * len(trades)

    def _trade_changes(self, asset: str) -> Iterator[tuple[Hashable, datetime, Decimal]]:
        for fill in self._fills:
            change = ZERO
            if fill.realized_profit and margin_asset_of(fill, self._knowledge.margin_assets) == asset:
                change += fill.realized_profit
            if fill.commission_asset == asset:
                change -= fill.commission
            if change:
                yield fill.symbol, fill.time, change

    def _other_changes(self, asset: str) -> Iterator[tuple[Hashable, datetime, Decimal]]:
        incomes = [one for one in self._evidence.incomes.values() if one.asset == asset and not one.is_of_trade]
        for income in sorted(incomes, key=attrgetter("time", "transaction_id")):
            yield income.kind, income.time, income.amount


def _span(start: datetime, end: datetime | None) -> Span:
    """What was told can be newer than when a row last changed: then nothing has happened to it since."""
    return Span(start, start if end is None else max(start, end))


def _is_stale(told: Told[_StateT], now: _StateT, updated: datetime | None) -> bool:
    return now != told.state and (updated is None or updated < told.at)


def _no_position(key: PositionKey, at: datetime) -> PositionAnswer:
    """A position that is not listed: there is none any more."""
    return PositionAnswer(
        raw={},
        symbol=key[0],
        side=key[1],
        amount=ZERO,
        entry_price=ZERO,
        breakeven_price=ZERO,
        unrealized_pnl=ZERO,
        margin_type=None,
        isolated_wallet=None,
        margin_asset=None,
        leverage=None,
        updated=at,
    )
