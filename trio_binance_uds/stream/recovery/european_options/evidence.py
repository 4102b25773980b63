"""What the venue has answered so far in one recovery of an options stream, and which of it was not told before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from trio_binance_uds.events import OptionsOrderTradeUpdate
from trio_binance_uds.stream.recovery.european_options.answers import (
    ZERO,
    AccountAnswer,
    AssetAnswer,
    ExerciseAnswer,
    Key,
    OrderAnswer,
    PositionAnswer,
    Totals,
    TradeAnswer,
)
from trio_binance_uds.stream.recovery.european_options.knowledge import BaselineAnswers, Knowledge
from trio_binance_uds.stream.recovery.fill_sums import FillSums
from trio_binance_uds.stream.recovery.lag import placed_since, unlisted
from trio_binance_uds.stream.recovery.timing import BETWEEN_SERVERS


@attrs.frozen(kw_only=True)
class OrderFacts(FillSums[OrderAnswer, TradeAnswer]):
    """What is known of an order of which something may not have been delivered.

    Attributes:
        told: the last update that was told of it, or ``None``.
    """

    told: OptionsOrderTradeUpdate | None

    @property
    def delivered_filled(self) -> Decimal | None:
        """How much of it was delivered as filled; ``None``: nothing was delivered of it."""
        return None if self.told is None else self.told.filled_accumulated_quantity

    @property
    def told_at(self) -> datetime:
        """Until when all that happened to it was told."""
        return self.order.created if self.told is None else self.told.transaction_time


@attrs.frozen
class Taken:
    """The earliest and the latest time that something can be as of: when it was asked for and answered."""

    asked: datetime
    answered: datetime


class Evidence:
    """The answers of one recovery beside what was told.

    Of two answers about one order the one that shows more progress stands, and an answer that is behind what was told
    stands for nothing.

    Attributes:
        positions: the positions that are open; ``None`` before they were asked for.
        open_orders: the orders that were open when they were asked for; ``None`` before that.
        not_found: orders that the venue says it does not know.
        asked_for_status: orders that ``order`` has answered for.
    """

    def __init__(self, knowledge: Knowledge, since: datetime) -> None:
        assert knowledge.began is not None, "what was before is none of the stream's business"
        self._knowledge = knowledge
        self._since = since
        self._began = knowledge.began
        self.account: AccountAnswer | None = None
        self.account_taken: Taken | None = None
        self.positions: Mapping[str, PositionAnswer] | None = None
        self.positions_taken: Taken | None = None
        self.open_orders: frozenset[Key] | None = None
        self.orders: dict[Key, OrderAnswer] = {}
        self.not_found: set[Key] = set()
        self.asked_for_status: set[Key] = set()
        self.exercises: dict[str, ExerciseAnswer] = {}
        self._trades: dict[tuple[str, int, int], TradeAnswer] = {}
        self._listed: set[Key] = set()
        self._listed_symbols: set[str] = set()

    # What comes in.

    def add_orders(self, orders: Iterable[OrderAnswer]) -> None:
        for order in orders:
            known = self.orders.get(order.key)
            if known is None or order.progress >= known.progress:
                self.orders[order.key] = order
            self.not_found.discard(order.key)

    def add_open_orders(self, orders: list[OrderAnswer]) -> None:
        self.open_orders = frozenset([order.key for order in orders])
        self.add_orders(orders)

    def add_history(self, symbol: str, orders: list[OrderAnswer]) -> None:
        """Add orders that have ended, as the database lists them."""
        self._listed_symbols.add(symbol)
        self._listed.update([order.key for order in orders if order.is_final])
        self.add_orders(orders)

    def add_status(self, order: OrderAnswer) -> None:
        self.asked_for_status.add(order.key)
        self.add_orders([order])

    def add_trades(self, trades: Iterable[TradeAnswer]) -> None:
        self._trades.update({trade.identity: trade for trade in trades})

    def add_positions(self, positions: Iterable[PositionAnswer], taken: Taken) -> None:
        self.positions = {position.symbol: position for position in positions}
        self.positions_taken = taken

    def add_account(self, account: AccountAnswer, taken: Taken) -> None:
        self.account, self.account_taken = account, taken

    def add_exercises(self, exercises: Iterable[ExerciseAnswer]) -> None:
        self.exercises.update({exercise.symbol: exercise for exercise in exercises})

    # Whether the database is up to date.

    def lagging_symbols(self) -> list[str]:
        """Return the symbols whose history lacks orders that were delivered as placed and as ended since then."""
        finished = self._knowledge.finished
        must = [key for key in placed_since(self._knowledge.placed, self._since) if key in finished]
        return list(dict.fromkeys(unlisted(must, self._listed, self._listed_symbols.__contains__)))

    # What is new in it.

    def untold_fills(self) -> list[TradeAnswer]:
        """Return the fills that were not told, as they happened."""
        knowledge = self._knowledge
        return sorted(
            [
                trade
                for trade in self._trades.values()
                if trade.time >= self._began
                and not any(map(knowledge.is_fill_told, (trade.identity, trade.but_for_its_number)))
                and trade.key not in knowledge.finished
                # What is older than the last report of its order is in that report's figures.
                and ((told := knowledge.orders.get(trade.key)) is None or trade.time >= told.transaction_time)
            ],
            key=lambda trade: (trade.time, trade.trade_id),
        )

    def newest(self, key: Key) -> OrderAnswer | None:
        """Return the newest state of an order, from the answers or from what was told; ``None``: it is no news."""
        told, answer = self._knowledge.orders.get(key), self.orders.get(key)
        if told is None:
            if answer is None or self._knowledge.finished.is_told(key, answer.updated):
                return None
            return answer if answer.updated >= self._began else None
        known = OrderAnswer.of_update(told)
        return known if answer is None or answer.progress < known.progress else answer

    def is_gone(self, key: Key) -> bool:
        """Whether an order was not among the open ones when these were asked for."""
        return self.open_orders is not None and key not in self.open_orders

    def facts(self) -> list[OrderFacts]:
        """Return what is known of each order of which something may be untold."""
        fills: dict[Key, list[TradeAnswer]] = {}
        for fill in self.untold_fills():
            fills.setdefault(fill.key, []).append(fill)
        found = []
        for key in dict.fromkeys([*self._knowledge.orders, *self.orders]):
            order, told = self.newest(key), self._knowledge.orders.get(key)
            if order is not None:
                is_born = told is None and order.created >= self._began
                known = [fill for fill in fills.get(key, []) if fill.time <= order.updated]
                found.append(OrderFacts(order=order, told=told, is_born=is_born, fills=known))
        return found

    def strangers(self) -> list[Key]:
        """Return the orders that have traded and are in no answer."""
        keys = dict.fromkeys([fill.key for fill in self.untold_fills()])
        return [key for key in keys if self.newest(key) is None]

    # What there is now.

    def main_asset(self) -> AssetAnswer | None:
        """Return the asset that the totals of the account are in."""
        assets = self.account.assets if self.account is not None else ()
        return next((row for row in assets if row.asset == "USDT"), assets[0] if assets else None)

    def wallets(self) -> dict[str, Decimal] | None:
        """Return the wallets, which no answer tells: the equity less what the positions are worth.

        That is what was paid for them and the profit not realised, which comes with the equity: the mark prices of
        the positions are those of another moment.
        """
        if self.account is None or self.positions is None:
            return None
        return {
            row.asset: row.equity - row.unrealized_pnl - self._total(row.asset, "cost") for row in self.account.assets
        }

    def wallet_error(self, asset: str) -> Decimal:
        """Return by how much that can be wrong."""
        return self._total(asset, "cost_error")

    def totals(self, wallet: Decimal | None) -> Totals | None:
        """Return the figures of an account update with this wallet; ``None`` where an answer lacks one."""
        asset = self.main_asset()
        if asset is None or wallet is None or asset.adjusted_equity is None:
            return None
        return (
            asset.equity,
            asset.adjusted_equity,
            wallet,
            asset.equity - wallet,
            asset.unrealized_pnl,
            asset.initial_margin,
            asset.maintenance_margin,
        )

    def _total(self, asset: str, what: str) -> Decimal:
        positions = (self.positions or {}).values()
        return sum((getattr(position, what) for position in positions if position.quote_asset == asset), ZERO)

    def baseline(self) -> BaselineAnswers | None:
        """Return what is there now, if all of it was answered."""
        wallets = self.wallets()
        if wallets is None or self.open_orders is None or self.account is None or self.positions is None:
            return None
        assert self.positions_taken is not None, "they come together"
        assert self.account_taken is not None, "they come together"
        main = self.main_asset()
        return BaselineAnswers(
            orders=tuple([self.orders[key] for key in self.open_orders]),
            wallets=wallets,
            positions={symbol: position.quantity for symbol, position in self.positions.items()},
            totals=None if main is None else self.totals(wallets[main.asset]),
            greeks=self.account.greeks,
            risk_level=self.risk_level(self.account),
            until=max(self.account_taken.answered, self.positions_taken.answered) + BETWEEN_SERVERS,
        )

    @staticmethod
    def risk_level(account: AccountAnswer) -> str:
        """Return the level of risk that an account has."""
        return "REDUCE_ONLY" if account.is_reduce_only else "NORMAL"
