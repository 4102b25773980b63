"""Works out commissions.

A commission is a share of what is received, in the asset received. An account that pays with BNB pays a
discounted one in BNB, converted at last prices, as long as there is a price and enough free BNB.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.exchange.amounts import UNIT, floor_to
from trio_binance_uds.sandbox.exchange.transaction import FEE_ASSET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio_binance_uds.sandbox.exchange.orders import Order
    from trio_binance_uds.sandbox.exchange.symbols import Symbol

DISCOUNT = Decimal("0.75")
"""What remains of a commission that is paid in BNB."""


def commission(
    order: Order, price: Decimal, quantity: Decimal, *, is_maker: bool, symbols: Mapping[tuple[str, str], Symbol]
) -> tuple[Decimal, str]:
    """Return the amount and the asset of the commission that an order owes for one trade.

    ``symbols`` finds a symbol by its base and quote asset.
    """
    account, symbol = order.account, order.symbol
    rate = account.maker_commission if is_maker else account.taker_commission
    received, asset = (quantity, symbol.base) if order.is_buy else (price * quantity, symbol.quote)
    if account.uses_bnb:
        # The base asset may have no market with BNB, so go by the quote amount unless BNB itself is the base.
        if symbol.base == FEE_ASSET:
            value: Decimal | None = quantity
        else:
            value = _in_bnb(price * quantity, symbol.quote, symbols)
        if value is not None:
            owed = floor_to(value * rate * DISCOUNT, UNIT)
            if owed <= account.free(FEE_ASSET):
                return owed, FEE_ASSET
    return floor_to(received * rate, UNIT), asset


def _in_bnb(amount: Decimal, asset: str, symbols: Mapping[tuple[str, str], Symbol]) -> Decimal | None:
    if asset == FEE_ASSET:
        return amount
    symbol = symbols.get((FEE_ASSET, asset))
    if symbol is not None and symbol.last_price:
        return amount / symbol.last_price
    symbol = symbols.get((asset, FEE_ASSET))
    if symbol is not None and symbol.last_price:
        return amount * symbol.last_price
    return None
