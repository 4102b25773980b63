"""Is the desk of COIN-M futures: inverse contracts, each margined in its own coin."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.derivatives.dialects import COINM
from trio_binance_uds.sandbox.derivatives.futures import FIRST_ORDER_ID, FuturesDesk
from trio_binance_uds.sandbox.derivatives.operations import COINM_OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Callable


def list_coinm(desk: FuturesDesk) -> None:
    """List a few inverse contracts."""
    for base, tick_size, contract_size in (("BTC", "0.1", 100), ("ETH", "0.01", 10)):
        desk.add_contract(
            f"{base}USD_PERP",
            f"{base}USD",
            base,
            "USD",
            tick_size=Decimal(tick_size),
            step_size=Decimal(1),
            contract_size=Decimal(contract_size),
        )


class CoinmDesk(FuturesDesk):
    """A COIN-M futures exchange in memory, with BTCUSD_PERP and ETHUSD_PERP; see :class:`FuturesDesk`."""

    def __init__(self, now: Callable[[], int], seed: int = 0, *, first_order_id: int = FIRST_ORDER_ID) -> None:
        super().__init__(now, seed, dialect=COINM, operations=COINM_OPERATIONS, first_order_id=first_order_id)
        list_coinm(self)
