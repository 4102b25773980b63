"""Is the desk of USD-M futures: linear contracts, margined in USDT."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.derivatives.dialects import USDM
from trio_binance_uds.sandbox.derivatives.futures import FIRST_ORDER_ID, FuturesDesk
from trio_binance_uds.sandbox.derivatives.operations import USDM_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable


def list_usdm(desk: FuturesDesk) -> None:
    """List a few linear contracts."""
    for base, tick_size, step_size in (("BTC", "0.1", "0.001"), ("ETH", "0.01", "0.001")):
        desk.add_contract(
            f"{base}USDT",
            f"{base}USDT",
            base,
            "USDT",
            tick_size=Decimal(tick_size),
            step_size=Decimal(step_size),
            min_notional=Decimal(5),
        )


class UsdmDesk(FuturesDesk):
    """A USD-M futures exchange in memory, with BTCUSDT and ETHUSDT; see :class:`FuturesDesk`."""

    def __init__(self, now: Callable[[], int], seed: int = 0, *, first_order_id: int = FIRST_ORDER_ID) -> None:
        super().__init__(now, seed, dialect=USDM, operations=USDM_OPERATIONS, first_order_id=first_order_id)
        list_usdm(self)
