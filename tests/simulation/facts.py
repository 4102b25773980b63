"""What an event says that a trader lives on: a fill, or the end of an order; whatever the product."""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from typing import Any

import attrs

import trio_binance_uds as uds

FINAL = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})

OrderKey = tuple[Hashable, ...]


@attrs.frozen(kw_only=True)
class Report:
    """What the report of an order says.

    Attributes:
        order: whose order: account, business unit, symbol, id.
        trade_id: of a fill, else ``None``.
        figures: of a fill: quantity, price, commission and its asset, filled so far, maker or taker, profit.
    """

    order: OrderKey
    status: str
    at: datetime
    recovered: bool
    trade_id: int | None
    figures: tuple[Any, ...]

    @property
    def fill(self) -> tuple[OrderKey, int | None]:
        """The key of the fill."""
        return (self.order, self.trade_id)

    @property
    def end(self) -> tuple[OrderKey, str]:
        """The key of the order's end."""
        return (self.order, self.status)

    @property
    def is_end(self) -> bool:
        return self.status in FINAL


def report_of(event: object) -> Report | None:
    """Return what an event says about an order, or ``None``."""
    if isinstance(event, uds.ExecutionReport):
        figures: tuple[Any, ...] = (
            event.last_executed_quantity,
            event.last_executed_price,
            event.commission_amount,
            event.commission_asset,
            event.cumulative_filled_quantity,
            event.is_maker,
        )
        at = event.transaction_time
    elif isinstance(event, uds.OrderTradeUpdate | uds.OptionsOrderTradeUpdate):
        figures = (
            event.last_filled_quantity,
            event.last_filled_price,
            event.commission,
            event.commission_asset,
            event.filled_accumulated_quantity,
            event.is_maker,
            event.realized_profit,
        )
        at = event.transaction_time
    else:
        return None
    unit = getattr(event, "business_unit", None)
    return Report(
        order=(event.account, unit and str(unit), event.symbol, event.order_id),
        status=str(event.order_status),
        at=at,
        recovered=event.recovered,
        trade_id=event.trade_id if event.execution_type == "TRADE" else None,
        figures=figures,
    )
