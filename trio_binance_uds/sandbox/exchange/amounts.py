"""Turns amounts and times into the shapes that Binance writes: eight decimals, whole milliseconds."""

from __future__ import annotations

from decimal import Decimal

ZERO = Decimal(0)
UNIT = Decimal("0.00000001")
"""The finest amount of any asset. Every amount in the exchange is a multiple of it, so that sums stay exact."""


def wire_amount(amount: Decimal) -> str:
    """Write an amount with exactly eight decimals."""
    return format(amount, ".8f")


def milliseconds(microseconds: int) -> int:
    """Convert the exchange's clock to the unit of the wire; the fraction is cut off, not rounded."""
    return microseconds // 1000


def floor_to(amount: Decimal, step: Decimal) -> Decimal:
    """Return the largest multiple of ``step`` that is not above ``amount``."""
    return (amount // step) * step


def decimal_places(amount: Decimal) -> int:
    """Count the decimals that matter: trailing zeros do not."""
    exponent = amount.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
