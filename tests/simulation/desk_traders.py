"""What keeps the accounts of the desks busy, by a seed: each is called, and does one thing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

from trio_binance_uds.sandbox import StocksTrader
from trio_binance_uds.sandbox.derivatives import DeskTrader
from trio_binance_uds.sandbox.exchange import Refusal

Act = Callable[[], object]


def desk_trader(desk: Any, uid: int, symbol: str, price: str, seed: int) -> Act:
    """Return what trades a contract."""
    return DeskTrader(desk, uid, symbol, price, seed).act


def stocks_trader(desk: Any, uid: int, symbol: str, price: str, seed: int) -> Act:
    """Return what trades a stock."""
    return StocksTrader(desk, uid, symbol, price, seed).act


class Borrower:
    """Borrows and repays on a cross-margin account while the price of what it owns wanders; no amount comes twice."""

    def __init__(self, desk: Any, uid: int, symbol: str, price: str, seed: int) -> None:
        self._desk = desk
        self._uid = uid
        self._symbol = symbol
        self._price = Decimal(price)
        self._random = Random(seed)
        self._done = 0
        self._show(self._price)

    def __call__(self) -> None:
        random = self._random
        self._done += 1
        self._show(self._price * random.randint(90, 110) / 100)
        kind, asset = random.choice(["BORROW", "BORROW", "REPAY", "REPAY", "REPAY"]), random.choice(["USDT", "BTC"])
        most = 20_000 if asset == "USDT" else 1
        # The last digits are the number of the loan.
        amount = Decimal(most * random.randint(1, 100)) / 100 + Decimal(self._done).scaleb(-8)
        with suppress(Refusal):  # More than is owed cannot be repaid, nor more lent than the account is good for.
            params = {"type": kind, "asset": asset, "amount": str(amount)}
            self._desk.call(self._uid, "POST", "/sapi/v1/margin/borrow-repay", params)

    def _show(self, price: Decimal) -> None:
        self._desk.exchange.symbols[self._symbol].last_price = price


class Fortune:
    """Lets the worth of a Portfolio Margin Pro account rise and fall across its levels."""

    def __init__(self, desk: Any, uid: int, name: str, worth: str, seed: int) -> None:
        self._desk = desk
        self._uid = uid
        self._worth = Decimal(worth)
        self._random = Random(seed)

    def __call__(self) -> None:
        equity = self._worth * self._random.randint(100, 240) / 100
        self._desk.set_standing(
            self._uid, equity=equity, initial_margin=2 * self._worth, maintenance_margin=self._worth
        )
