"""Holds what the exchange knows of an order, and of what happened to it: trades, prevented matches, amendments.

An order lives in one of these states; everything right of the bar is final::

    PENDING_NEW -> NEW -> PARTIALLY_FILLED | FILLED CANCELED REJECTED EXPIRED EXPIRED_IN_MATCH
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.exchange.amounts import ZERO

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.accounts import Account, Reservation
    from trio_binance_uds.sandbox.exchange.order_lists import OrderList
    from trio_binance_uds.sandbox.exchange.symbols import Symbol

LIMIT_TYPES = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})
STOP_TYPES = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})
ORDER_TYPES = LIMIT_TYPES | STOP_TYPES | {"MARKET"}
OPEN_STATUSES = frozenset({"PENDING_NEW", "NEW", "PARTIALLY_FILLED"})


@attrs.frozen(kw_only=True)
class OrderRequest:
    """What a caller asked for, read and checked against the rules of its type, not yet against the market."""

    side: str
    type: str
    time_in_force: str
    price: Decimal = ZERO
    quantity: Decimal | None = None
    """``None``: by ``quote_quantity``, or (pending order of an OPO) not known yet."""
    quote_quantity: Decimal = ZERO
    stop_price: Decimal = ZERO
    trailing_delta: int | None = None
    iceberg_quantity: Decimal = ZERO
    client_order_id: str | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    stp_mode: str = "EXPIRE_MAKER"

    @property
    def rises(self) -> bool:
        """Whether a contingent order waits for the price to rise; else it waits for it to fall."""
        return self.type.startswith("STOP_LOSS") == (self.side == "BUY")


@attrs.frozen(kw_only=True, eq=False)
class Trade:
    """One side of a trade, as ``myTrades`` lists it."""

    id: int
    order: Order
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str
    time: int
    is_maker: bool

    @property
    def quote_quantity(self) -> Decimal:
        return self.price * self.quantity


@attrs.frozen(kw_only=True, eq=False)
class PreventedMatch:
    """Two orders of one owner that met, and what self-trade prevention took from each."""

    id: int
    symbol: str
    taker_order_id: int
    maker_order_id: int
    trade_group_id: int
    mode: str
    price: Decimal
    taker_quantity: Decimal | None
    maker_quantity: Decimal | None
    executable: Decimal
    """The quantity that would have traded."""
    time: int


@attrs.frozen(kw_only=True)
class Amendment:
    """One change of an order's quantity that kept its place in the book."""

    execution_id: int
    old_client_order_id: str
    new_client_order_id: str
    old_quantity: Decimal
    new_quantity: Decimal
    time: int


@attrs.define(eq=False, kw_only=True)
class Order:
    """An order that the exchange has given an id. Times are epoch microseconds."""

    account: Account
    symbol: Symbol
    request: OrderRequest
    order_id: int
    client_order_id: str
    created: int
    updated: int
    quantity: Decimal
    reserve_price: Decimal
    """What a buy is reserved at: its limit, else its stop, else (trailing) the last price at placement."""
    status: str = "NEW"
    executed: Decimal = ZERO
    quote_executed: Decimal = ZERO
    prevented: Decimal = ZERO
    prevented_match_id: int | None = None
    working_since: int | None = None
    trailing_since: int | None = None
    trailing_extreme: Decimal = ZERO
    expiry_reason: str | None = None
    order_list: OrderList | None = None
    reservation: Reservation | None = None
    trades: list[Trade] = attrs.field(factory=list, repr=False)
    prevented_matches: list[PreventedMatch] = attrs.field(factory=list, repr=False)
    amendments: list[Amendment] = attrs.field(factory=list, repr=False)
    versions: list[Order] = attrs.field(factory=list, repr=False)
    """Former states, oldest first; kept only while the exchange's database lags."""
    log_position: int = -1
    """Where the newest entry of this order stands in its update log."""

    @property
    def side(self) -> str:
        return self.request.side

    @property
    def type(self) -> str:
        return self.request.type

    @property
    def price(self) -> Decimal:
        return self.request.price

    @property
    def is_buy(self) -> bool:
        return self.request.side == "BUY"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def is_limit(self) -> bool:
        """Whether it has a limit price, and so can rest in the book."""
        return self.request.type in LIMIT_TYPES

    @property
    def awaits_trigger(self) -> bool:
        return self.request.type in STOP_TYPES and self.working_since is None

    @property
    def open_quantity(self) -> Decimal:
        return self.quantity - self.executed - self.prevented

    @property
    def shown_quantity(self) -> Decimal:
        """How much of it the market may see: of an iceberg its visible part."""
        iceberg = self.request.iceberg_quantity
        return min(self.open_quantity, iceberg) if iceberg else self.open_quantity

    def needs(self) -> Decimal:
        """How much of the asset it pays with must stay reserved for what is open of it."""
        return self.reserve_price * self.open_quantity if self.is_buy else self.open_quantity

    def is_own(self, other: Order) -> bool:
        """Whether self-trade prevention must keep the two apart."""
        mine, theirs = self.account, other.account
        return mine is theirs or (mine.trade_group_id != -1 and mine.trade_group_id == theirs.trade_group_id)
