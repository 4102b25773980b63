"""Knows when a Portfolio Margin account is in danger, and tells the levels of it.

Source: Binance Portfolio Margin and Portfolio Margin Pro, "Event: Risk Level Change" (2026-05-28); the thresholds of
uniMMR are those of its FAQ.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import milliseconds, wire_amount

SAFE = Decimal(999)
"""The uniMMR of an account that needs no margin."""
LEVELS = (
    (Decimal("1.05"), "FORCE_LIQUIDATION"),
    (Decimal("1.2"), "REDUCE_ONLY"),
    (Decimal("1.5"), "MARGIN_CALL"),
)


@attrs.frozen(kw_only=True)
class Standing:
    """What an account is worth in USD, and what it needs."""

    equity: Decimal
    actual_equity: Decimal
    """Without the collateral rate."""
    initial_margin: Decimal
    maintenance_margin: Decimal

    @property
    def uni_mmr(self) -> Decimal:
        return self.equity / self.maintenance_margin if self.maintenance_margin else SAFE

    @property
    def level(self) -> str:
        uni_mmr = self.uni_mmr
        return next((level for bound, level in LEVELS if uni_mmr <= bound), "NORMAL")

    @property
    def free(self) -> Decimal:
        """What new orders may use; it can be negative."""
        return self.equity - self.initial_margin


def risk_level_change(standing: Standing, time: int) -> dict[str, Any]:
    """Tell a changed risk level."""
    return {
        "e": "riskLevelChange",
        "E": milliseconds(time),
        "u": wire_amount(standing.uni_mmr),
        "s": standing.level,
        "eq": wire_amount(standing.equity),
        "ae": wire_amount(standing.actual_equity),
        "m": wire_amount(standing.maintenance_margin),
    }
