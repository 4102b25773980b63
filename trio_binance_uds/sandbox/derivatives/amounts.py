"""Writes amounts as the derivatives do: money with eight decimals, prices and quantities with as many as they need."""

from __future__ import annotations

from decimal import Decimal

from trio_binance_uds.sandbox.exchange.amounts import UNIT, ZERO, decimal_places, floor_to, milliseconds, wire_amount

__all__ = [
    "UNIT",
    "ZERO",
    "average_of",
    "decimal_places",
    "floor_to",
    "milliseconds",
    "plain",
    "to_unit",
    "wire_amount",
]

AVERAGE = Decimal("0.00001")
"""The precision of average prices, in events and answers alike."""


def plain(amount: Decimal) -> str:
    """Write an amount without the zeros that say nothing: ``7100``, ``0.004``, ``0``."""
    text = format(amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_unit(amount: Decimal) -> Decimal:
    """Cut an amount to what can be paid."""
    return amount.quantize(UNIT, rounding="ROUND_DOWN")


def average_of(price: Decimal) -> Decimal:
    """Round an average price as it is shown."""
    return price.quantize(AVERAGE)
