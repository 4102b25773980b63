"""Holds what a futures desk knows of an order, and of what happened to it: fills and modifications.

An order lives in one of these states; everything right of the bar is final::

    NEW -> PARTIALLY_FILLED | FILLED CANCELED EXPIRED EXPIRED_IN_MATCH
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import ZERO, average_of

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.algos import AlgoOrder
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.positions import Position

OPEN_STATUSES = frozenset({"NEW", "PARTIALLY_FILLED"})
STP_MODES = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH")
REASONS = {
    "nothing": "0",
    "self-trade": "1",
    "ioc": "2",
    "ioc after self-trade": "3",
    "reduce-only": "4",
    "liquidation": "5",
    "market": "9",
    "fok": "10",
    "post-only": "11",
}
"""Why an order expired, and how ``er`` says it."""


@attrs.frozen(kw_only=True)
class OrderRequest:
    """What a caller asked for, read and checked against the rules of its type, not yet against the market."""

    side: str
    type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal = ZERO
    position_side: str = "BOTH"
    reduce_only: bool = False
    close_position: bool = False
    client_order_id: str | None = None
    stp_mode: str = "EXPIRE_MAKER"
    price_match: str = "NONE"
    good_till: int = 0
    """When it expires, in epoch milliseconds as on the wire; 0 for never."""
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False


@attrs.frozen(kw_only=True, eq=False)
class Fill:
    """One side of a trade, as ``userTrades`` lists it."""

    id: int
    """The trade, which both its sides have in common."""
    serial: int
    """Unique among all sides of all trades, and rising."""
    order: Order
    price: Decimal
    quantity: Decimal
    value: Decimal
    """In the margin asset, as all money here."""
    commission: Decimal
    realized: Decimal
    time: int
    is_maker: bool


@attrs.frozen(kw_only=True)
class Amendment:
    """One modification of an order."""

    id: int
    count: int
    time: int
    old_price: Decimal
    price: Decimal
    old_quantity: Decimal
    quantity: Decimal


@attrs.define(eq=False, kw_only=True)
class Order:
    """An order that the desk has given an id. Times are epoch microseconds."""

    account: FuturesAccount
    contract: Contract
    position: Position
    request: OrderRequest
    order_id: int
    client_order_id: str
    created: int
    updated: int
    quantity: Decimal
    price: Decimal
    reserve_price: Decimal
    """What it is margined at: its limit, or about what a market order will pay."""
    algo: AlgoOrder | None = None
    """The conditional order that it was born from."""
    status: str = "NEW"
    executed: Decimal = ZERO
    executed_value: Decimal = ZERO
    exposed: Decimal = ZERO
    """What it adds to its position's open bids or asks."""
    exposed_quantity: Decimal = ZERO
    met_itself: bool = False
    """Whether self-trade prevention has kept it from a match."""
    expiry_reason: str = "nothing"
    amendments: list[Amendment] = attrs.field(factory=list, repr=False)
    versions: list[Order] = attrs.field(factory=list, repr=False)
    """Former states, oldest first; kept only while the desk's database lags."""

    @property
    def side(self) -> str:
        return self.request.side

    @property
    def type(self) -> str:
        return self.request.type

    @property
    def is_buy(self) -> bool:
        return self.request.side == "BUY"

    @property
    def sign(self) -> int:
        """1 for a buy, -1 for a sell."""
        return 1 if self.is_buy else -1

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def is_limit(self) -> bool:
        """Whether it has a limit price."""
        return self.price > 0

    @property
    def open_quantity(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def shown_quantity(self) -> Decimal:
        return self.open_quantity

    @property
    def average_price(self) -> Decimal:
        """The average price of its fills, rounded as it is shown; 0 without any."""
        if not self.executed:
            return ZERO
        return average_of(self.contract.price_of(self.executed_value, self.executed))

    @property
    def only_reduces(self) -> bool:
        """Whether it must never open or enlarge a position."""
        return self.request.reduce_only or self.request.position_side == ("SHORT" if self.is_buy else "LONG")

    def capacity(self) -> Decimal:
        """Return how much it may trade now: its open quantity, or less if it only reduces."""
        if not self.only_reduces:
            return self.open_quantity
        return max(ZERO, min(self.open_quantity, -self.sign * self.position.amount))
