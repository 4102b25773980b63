"""What margin accounts are worth, and how their level stands: assets over debts, at the last prices.

An asset without a price counts nothing. Where the statuses begin is documented for two of them, by the bars of
``tradeCoeff``; that whoever is above the highest bar is ``EXCESSIVE`` is inferred, and when ``PRE_LIQUIDATION`` is told
is not known, so that it never is.

Source: Binance Margin Trading, "Get Summary of Margin account" and "Risk Data Stream" (2026-01-15).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from trio_binance_uds.sandbox.exchange import Symbol
from trio_binance_uds.sandbox.exchange.amounts import ZERO
from trio_binance_uds.sandbox.margin.accounts import MarginAccount

MONEY = "USDT"
COIN = "BTC"
NO_DEBT = Decimal(999)
NORMAL_BAR = Decimal("1.5")
MARGIN_CALL_BAR = Decimal("1.3")
FORCE_LIQUIDATION_BAR = Decimal("1.1")
_STATUSES = (
    (NORMAL_BAR, "EXCESSIVE"),
    (MARGIN_CALL_BAR, "NORMAL"),
    (FORCE_LIQUIDATION_BAR, "MARGIN_CALL"),
)


class Prices:
    """The last prices of an exchange, in US dollars."""

    def __init__(self, symbols: Mapping[str, Symbol]) -> None:
        self._symbols = symbols

    def last(self, symbol: str) -> Decimal:
        """Return the last price of a symbol, or nothing."""
        found = self._symbols.get(symbol)
        return ZERO if found is None or found.last_price is None else found.last_price

    def of(self, asset: str) -> Decimal:
        """Return what one of an asset is worth, by itself or by way of bitcoin."""
        if asset == MONEY:
            return Decimal(1)
        direct = self.last(asset + MONEY)
        return direct or self.last(asset + COIN) * self.last(COIN + MONEY)


def assets_of(account: MarginAccount, price: Callable[[str], Decimal]) -> Decimal:
    """Return what the balances are worth."""
    return sum(
        ((held.free + held.locked) * price(asset) for asset, held in account.account.balances.items()), start=ZERO
    )


def debts_of(account: MarginAccount, price: Callable[[str], Decimal]) -> Decimal:
    """Return what the debts are worth."""
    return sum((debt.total * price(asset) for asset, debt in account.debts.items()), start=ZERO)


def level_of(account: MarginAccount, price: Callable[[str], Decimal]) -> Decimal:
    """Return the margin level: assets over debts, and 999 without debts."""
    debts = debts_of(account, price)
    return assets_of(account, price) / debts if debts else NO_DEBT


def status_at(level: Decimal) -> str:
    """Return the status that a margin level has."""
    return next((status for bar, status in _STATUSES if level > bar), "FORCE_LIQUIDATION")
