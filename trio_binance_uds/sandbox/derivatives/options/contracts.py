"""Describes an option: what it is on, when it ends, and what it is then worth."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import ZERO
from trio_binance_uds.sandbox.derivatives.contracts import Contract

EXPIRY_HOUR = 8


@attrs.define(eq=False, kw_only=True)
class OptionContract(Contract):
    """A European option of one unit of its underlying. Made by ``OptionsDesk.add_option``."""

    underlying: str
    strike: Decimal
    is_call: bool
    expiry: int
    """When it ends, in epoch milliseconds."""
    index_price: Decimal

    @property
    def option_side(self) -> str:
        return "CALL" if self.is_call else "PUT"

    def worth_at(self, index_price: Decimal) -> Decimal:
        """Return what exercising one is worth at a price of the underlying."""
        gain = index_price - self.strike
        return max(ZERO, gain if self.is_call else -gain)


def read_name(name: str) -> tuple[str, int, Decimal, bool]:
    """Return what a name such as ``BTC-261225-100000-C`` says: base asset, expiry, strike, and whether it is a call.

    Raises:
        ValueError: it is no such name.
    """
    base, date, strike, side = name.split("-")
    if side not in ("C", "P"):
        raise ValueError(f"{name} is neither a call nor a put")
    day = datetime.strptime(date, "%y%m%d").replace(hour=EXPIRY_HOUR, tzinfo=UTC)
    return base, int(day.timestamp() * 1000), Decimal(strike), side == "C"
