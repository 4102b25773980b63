"""A trader that keeps a stocks account busy, by a seed: it does one thing after the other, and never waits."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from trio_binance_uds.sandbox.stocks.desk import StocksDesk

_ROOT = "/sapi/v1/equity/order"
_MOST_OPEN = 6


class StocksTrader:
    """Places, fills and cancels orders for one stock. The same seed does the same on a desk in the same state."""

    def __init__(self, desk: StocksDesk, uid: int, symbol: str, price: str | Decimal, seed: int = 0) -> None:
        self._desk = desk
        self._uid = uid
        self._symbol = symbol
        self._random = Random(seed)
        desk.set_price(symbol, Decimal(price))

    def act(self) -> str:
        """Do one thing and return what it was."""
        orders = [order for order in self._desk.orders_of(self._uid) if order.is_open and order.symbol == self._symbol]
        weights = {
            self._place: 6 if len(orders) < _MOST_OPEN else 0,
            self._take: 2,
            self._fill: 4 if orders else 0,
            self._cancel: 2 if orders else 0,
        }
        action = self._random.choices(list(weights), list(weights.values()))[0]
        return action(orders)

    def _order(self, **terms: Any) -> None:
        order = {"symbol": self._symbol, **terms}
        self._desk.call(self._uid, "POST", f"{_ROOT}/place", order)

    def _place(self, orders: list[Any]) -> str:
        side = self._random.choice(["BUY", "SELL"])
        away = Decimal(self._random.randint(500, 900)) / 100
        price = self._desk.prices[self._symbol] + (-away if side == "BUY" else away)
        quantity = Decimal(self._random.randint(4, 80)) / 4
        self._order(side=side, orderType="LIMIT", price=str(price), quantity=str(quantity), tradingSession="24H")
        return "place"

    def _take(self, orders: list[Any]) -> str:
        if self._random.random() < 0.5:
            self._order(side="BUY", orderType="MARKET", notional=str(self._random.randint(10, 900)))
        else:
            self._order(side="SELL", orderType="MARKET", quantity=str(self._random.randint(1, 9)))
        return "take"

    def _fill(self, orders: list[Any]) -> str:
        order = self._random.choice(orders)
        left = order.left_at(order.price)
        part = self._random.choice([left, left / 2]).quantize(Decimal("0.000001"))
        self._desk.fill(self._uid, order.id, part or left)
        return "fill"

    def _cancel(self, orders: list[Any]) -> str:
        order = self._random.choice(orders)
        self._desk.call(self._uid, "POST", f"{_ROOT}/cancel", {"orderId": order.id})
        return "cancel"
