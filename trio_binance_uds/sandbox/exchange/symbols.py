"""Describes a traded pair: its assets, its filters, its counters, its book and its waiting orders.

Source: Binance Spot, "Filters" (2026-07-21).
"""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import attrs

from trio_binance_uds.sandbox.exchange.amounts import UNIT, wire_amount
from trio_binance_uds.sandbox.exchange.book import Book
from trio_binance_uds.sandbox.exchange.refusals import filter_failure, rejected
from trio_binance_uds.sandbox.exchange.triggers import Triggers

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.orders import Order, OrderRequest, Trade

STP_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER")
TRAILING_DELTA_RANGE = (10, 2000)

# Every symbol counts from the same numbers, beyond 32 bits: whoever forgets that ids are unique per symbol
# only, or keeps one in 32 bits, notices here and not in production.
FIRST_ORDER_ID = 5_000_000_001
FIRST_EXECUTION_ID = 9_000_000_001
FIRST_TRADE_ID = 6_000_000_001
RECENT_TRADES = 1000


@attrs.define(eq=False, kw_only=True)
class Symbol:
    """A pair on the exchange. Made by ``Exchange.add_symbol``."""

    name: str
    base: str
    quote: str
    tick_size: Decimal
    step_size: Decimal
    min_notional: Decimal
    max_price: Decimal = Decimal(1_000_000)
    max_quantity: Decimal = Decimal(1_000_000)
    max_open_orders: int = 10_000
    default_stp_mode: str = "EXPIRE_MAKER"
    status: str = "TRADING"
    last_price: Decimal | None = None
    book: Book[Order] = attrs.field(factory=lambda: Book(), repr=False)
    triggers: Triggers = attrs.field(factory=Triggers, repr=False)
    recent: deque[Trade] = attrs.field(factory=lambda: deque(maxlen=RECENT_TRADES), repr=False)
    """The newest trades, seen from their taker."""
    updates: int = 0
    _order_id: int = FIRST_ORDER_ID - 1
    _execution_id: int = FIRST_EXECUTION_ID - 1
    _trade_id: int = FIRST_TRADE_ID - 1
    _prevented_match_id: int = -1

    def __attrs_post_init__(self) -> None:
        if self.tick_size <= 0 or self.step_size <= 0:
            raise ValueError("tick_size and step_size must be above zero")
        if (self.tick_size * self.step_size) % UNIT:
            # Otherwise price times quantity would have to be rounded, and rounding makes or destroys money.
            raise ValueError("tick_size times step_size must be a multiple of 0.00000001")

    def next_order_id(self) -> int:
        self._order_id += 1
        return self._order_id

    def next_execution_id(self) -> int:
        self._execution_id += 1
        self.updates += 1
        return self._execution_id

    def next_trade_id(self) -> int:
        self._trade_id += 1
        return self._trade_id

    def next_prevented_match_id(self) -> int:
        self._prevented_match_id += 1
        return self._prevented_match_id

    def paid_with(self, side: str) -> str:
        """Return the asset that an order of this side pays with."""
        return self.quote if side == "BUY" else self.base

    def check(self, request: OrderRequest) -> None:
        """Hold a request against the filters.

        Raises:
            Refusal: the symbol does not trade, or a filter fails.
        """
        if self.status != "TRADING":
            raise rejected("Market is closed.")
        for price in (request.price, request.stop_price):
            if price and (not self.tick_size <= price <= self.max_price or price % self.tick_size):
                raise filter_failure("PRICE_FILTER")
        if request.trailing_delta is not None:
            lowest, highest = TRAILING_DELTA_RANGE
            if not lowest <= request.trailing_delta <= highest:
                raise filter_failure("TRAILING_DELTA")
        if request.quantity is not None:
            self.check_quantity(request.quantity)
        if request.iceberg_quantity % self.step_size:
            raise filter_failure("LOT_SIZE")
        if request.quote_quantity:
            notional = request.quote_quantity
        elif request.quantity is not None:
            measure = request.price or request.stop_price or self.last_price
            if measure is None:
                return  # A market order before the first trade: there is nothing to measure it with.
            notional = measure * request.quantity
        else:
            return
        if notional < self.min_notional:
            raise filter_failure("MIN_NOTIONAL")

    def check_quantity(self, quantity: Decimal) -> None:
        """Hold a quantity against the lot size."""
        if not self.step_size <= quantity <= self.max_quantity or quantity % self.step_size:
            raise filter_failure("LOT_SIZE")

    def info(self) -> dict[str, Any]:
        """Describe the symbol as ``exchangeInfo`` does."""
        return {
            "symbol": self.name,
            "status": self.status,
            "baseAsset": self.base,
            "baseAssetPrecision": 8,
            "quoteAsset": self.quote,
            "quotePrecision": 8,
            "quoteAssetPrecision": 8,
            "baseCommissionPrecision": 8,
            "quoteCommissionPrecision": 8,
            "orderTypes": [
                "LIMIT",
                "LIMIT_MAKER",
                "MARKET",
                "STOP_LOSS",
                "STOP_LOSS_LIMIT",
                "TAKE_PROFIT",
                "TAKE_PROFIT_LIMIT",
            ],
            "icebergAllowed": True,
            "ocoAllowed": True,
            "otoAllowed": True,
            "opoAllowed": True,
            "quoteOrderQtyMarketAllowed": True,
            "allowTrailingStop": True,
            "cancelReplaceAllowed": True,
            "amendAllowed": True,
            "pegInstructionsAllowed": False,
            "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False,
            "filters": self.filters(),
            "permissions": [],
            "permissionSets": [["SPOT"]],
            "defaultSelfTradePreventionMode": self.default_stp_mode,
            "allowedSelfTradePreventionModes": list(STP_MODES),
        }

    def filters(self) -> list[dict[str, Any]]:
        """Describe the filters that this exchange really applies."""
        lowest, highest = TRAILING_DELTA_RANGE
        return [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": wire_amount(self.tick_size),
                "maxPrice": wire_amount(self.max_price),
                "tickSize": wire_amount(self.tick_size),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": wire_amount(self.step_size),
                "maxQty": wire_amount(self.max_quantity),
                "stepSize": wire_amount(self.step_size),
            },
            {
                "filterType": "MIN_NOTIONAL",
                "minNotional": wire_amount(self.min_notional),
                "applyToMarket": True,
                "avgPriceMins": 0,
            },
            {
                "filterType": "TRAILING_DELTA",
                "minTrailingAboveDelta": lowest,
                "maxTrailingAboveDelta": highest,
                "minTrailingBelowDelta": lowest,
                "maxTrailingBelowDelta": highest,
            },
            {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": self.max_open_orders},
        ]
