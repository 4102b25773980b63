"""Holds what a futures desk knows of a conditional order, which Binance calls an algo order.

It lives in one of these states; everything right of the bar is final::

    NEW -> TRIGGERING -> TRIGGERED | FINISHED CANCELED EXPIRED REJECTED

Once triggered, a real order of another id lives its own life; when that ends, the algo order is finished.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives.amounts import ZERO

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.orders import Order

LIMIT_TYPES = frozenset({"STOP", "TAKE_PROFIT"})
MARKET_TYPES = frozenset({"STOP_MARKET", "TAKE_PROFIT_MARKET"})
TRAILING = "TRAILING_STOP_MARKET"
ALGO_TYPES = LIMIT_TYPES | MARKET_TYPES | {TRAILING}
OPEN_STATUSES = frozenset({"NEW", "TRIGGERING", "TRIGGERED"})


@attrs.frozen(kw_only=True)
class AlgoRequest:
    """What a caller asked for, read and checked against the rules of its type."""

    side: str
    type: str
    time_in_force: str
    quantity: Decimal
    price: Decimal = ZERO
    trigger_price: Decimal = ZERO
    activation_price: Decimal = ZERO
    callback_rate: Decimal | None = None
    position_side: str = "BOTH"
    reduce_only: bool = False
    close_position: bool = False
    client_id: str | None = None
    stp_mode: str = "EXPIRE_MAKER"
    price_match: str = "NONE"
    good_till: int = 0
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False

    @property
    def rises(self) -> bool:
        """Whether it waits for the price to rise; else it waits for it to fall."""
        return self.type.startswith("STOP") == (self.side == "BUY")


@attrs.define(eq=False, kw_only=True)
class AlgoOrder:
    """A conditional order that the desk has given an id. Times are epoch microseconds."""

    account: FuturesAccount
    contract: Contract
    request: AlgoRequest
    algo_id: int
    client_algo_id: str
    created: int
    updated: int
    status: str = "NEW"
    is_activated: bool = False
    """Of trailing orders: whether they follow the market."""
    extreme: Decimal = ZERO
    """Of active trailing orders: the lowest or highest price since."""
    order: Order | None = None
    """The real order, once triggered."""
    triggered: int | None = None
    failure: str | None = None
    versions: list[AlgoOrder] = attrs.field(factory=list, repr=False)

    @property
    def trails(self) -> bool:
        return self.request.type == TRAILING

    @property
    def is_open(self) -> bool:
        return self.status in OPEN_STATUSES

    @property
    def waits(self) -> bool:
        """Whether it has not gone off yet, so that it can be canceled."""
        return self.status == "NEW"
