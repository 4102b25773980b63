"""Writes the events of the risk stream as Binance does.

What ``p`` and ``i`` of a repayment or of interest are is inferred: the amounts of the change.

Source: Binance Margin Trading, "Risk Data Stream" (2023-12-22).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from trio_binance_uds.sandbox.exchange.amounts import milliseconds, wire_amount


def liability_change(time: int, asset: str, kind: str, principal: Decimal, interest: Decimal) -> dict[str, Any]:
    """Tell by how much a debt has changed."""
    return {
        "e": "USER_LIABILITY_CHANGE",
        "E": milliseconds(time),
        "a": asset,
        "t": kind,
        "p": wire_amount(principal),
        "i": wire_amount(interest),
    }


def level_status_change(time: int, level: Decimal, status: str) -> dict[str, Any]:
    """Tell that the margin level stands otherwise now."""
    return {"e": "MARGIN_LEVEL_STATUS_CHANGE", "E": milliseconds(time), "l": wire_amount(level), "s": status}
