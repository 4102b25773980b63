"""Keeps an options account: what it is worth, and what its margin allows.

The wallet pays the price of what is bought and gets that of what is sold. Bought options need no margin; sold ones need
a share of what they are on, beside their own value. The real venue's margin formula is finer than that.
"""

from __future__ import annotations

from decimal import Decimal

import attrs

from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
from trio_binance_uds.sandbox.derivatives.amounts import ZERO, to_unit
from trio_binance_uds.sandbox.derivatives.options.contracts import OptionContract
from trio_binance_uds.sandbox.derivatives.positions import Position

INITIAL_SHARE = Decimal("0.1")
MAINTENANCE_SHARE = Decimal("0.05")


@attrs.define(eq=False, kw_only=True)
class OptionsAccount(FuturesAccount):
    """An options account. Made by ``open_account`` of the desk."""

    hears_of_risk: bool = False
    """Whether it is one of those that are told their risk level: VIPs and market makers."""
    risk_level: str = "NORMAL"

    def available(self, asset: str) -> Decimal:
        """Return what new orders may use; it can be negative."""
        bound = sum((held.bids + _margin(held, INITIAL_SHARE, orders=True) for held in self.positions.values()), ZERO)
        return self.balance(asset) - bound

    def withdrawable(self, asset: str) -> Decimal:
        return max(ZERO, self.available(asset))

    @property
    def position_value(self) -> Decimal:
        """What closing everything at mark prices would bring."""
        return sum((held.notional for held in self.positions.values()), ZERO)

    @property
    def unrealized_profit(self) -> Decimal:
        return sum((held.profit for held in self.positions.values()), ZERO)

    @property
    def initial_margin(self) -> Decimal:
        return sum((_margin(held, INITIAL_SHARE, orders=True) for held in self.positions.values()), ZERO)

    @property
    def maintenance_margin(self) -> Decimal:
        return sum((_margin(held, MAINTENANCE_SHARE, orders=False) for held in self.positions.values()), ZERO)

    def equity(self, asset: str) -> Decimal:
        return self.balance(asset) + self.position_value

    def adjusted_equity(self, asset: str) -> Decimal:
        """Return the equity without what sold options are worth."""
        return self.balance(asset) + sum((max(ZERO, held.notional) for held in self.positions.values()), ZERO)

    def has_positions(self) -> bool:
        return any(held.amount for held in self.positions.values())


def _margin(held: Position, share: Decimal, *, orders: bool) -> Decimal:
    """Return what the sold options of a position need; ``orders``: as if its open sells had been filled."""
    contract = held.contract
    assert isinstance(contract, OptionContract)
    sold = max(ZERO, (held.ask_quantity if orders else ZERO) - held.amount)
    return to_unit(sold * contract.index_price * share) + contract.marked_value(sold)
