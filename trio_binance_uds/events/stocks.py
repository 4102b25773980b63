"""The event of a stocks account: the report of an order for US equities.

Everything here is known from clients' code only, and no sample of a frame is public. So only what an order is about
must be in a frame; every other member may be missing.

Source: Binance's own connector for stocks, ``binance-sdk-stocks`` 1.6.0 (2026-10), "Order Report Stream".
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import unique
from types import MappingProxyType
from typing import ClassVar, Literal, TypeAlias

import attrs
from attrs import field

from trio_binance_uds.events.base import KnownEvent
from trio_binance_uds.events.fields import choice, number, text, time
from trio_binance_uds.events.spot import ListenKeyExpired
from trio_binance_uds.events.words import OpenEnum

_PREFIX = "EQ_"


@unique
class StockExecutionType(OpenEnum):
    """Whether an order is still open."""

    ORDER_UPDATE = "ORDER_UPDATE"
    ORDER_TERMINAL = "ORDER_TERMINAL"


StockExecutionTypeWord: TypeAlias = Literal[
    "ORDER_UPDATE",
    "ORDER_TERMINAL",
]


@unique
class StockSide(OpenEnum):
    """Which way an order trades; in lower case, unlike in the answers of the REST API."""

    BUY = "buy"
    SELL = "sell"


StockSideWord: TypeAlias = Literal[
    "buy",
    "sell",
]


@unique
class StockOrderType(OpenEnum):
    """The kind of an order. Only market and limit orders can be placed through the API."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"
    STOP_LIMIT = "stop_limit"
    TRAILING_STOP = "trailing_stop"


StockOrderTypeWord: TypeAlias = Literal[
    "market",
    "limit",
    "stop",
    "stop_limit",
    "trailing_stop",
]


@unique
class StockOrderStatus(OpenEnum):
    """How an order stands: the statuses of the REST API, in lower case as the stream writes them."""

    NEW = "new"
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


StockOrderStatusWord: TypeAlias = Literal[
    "new", "accepted", "partially_filled", "filled", "canceled", "expired", "rejected"
]


@attrs.frozen(kw_only=True, weakref_slot=False)
class OrderReport(KnownEvent):
    """An order for stocks was accepted or filled, or has ended.

    What it says of fills is cumulative: a fill has no id here, and two fills between two reports are one change. In a
    recovered report of a fill the ids are in ``raw``.

    Source: ``binance-sdk-stocks`` 1.6.0 (2026-10), "Order Report Stream"; no page or sample was seen.
    """

    is_told_once: ClassVar[bool] = True

    execution_type: StockExecutionType | StockExecutionTypeWord | None = field(
        metadata=choice(StockExecutionType, "x", "Whether the order is still open.")
    )
    order_id: str = field(metadata=text("i", "The venue's id of the order, a UUID.", core=True))
    base_asset: str = field(
        metadata=text("b", "The stock, by its name inside the venue, such as ``EQ_AAPL``.", core=True)
    )
    side: StockSide | StockSideWord = field(metadata=choice(StockSide, "S", "Buy or sell.", core=True))
    order_type: StockOrderType | StockOrderTypeWord | None = field(
        metadata=choice(StockOrderType, "o", "The kind of the order.")
    )
    filled_quantity: Decimal | None = field(
        metadata=number("fq", "How many shares are filled so far; null before the first.", nullable=True, core=True)
    )
    order_status: StockOrderStatus | StockOrderStatusWord = field(
        metadata=choice(StockOrderStatus, "s", "How the order stands now.", core=True)
    )
    update_time: datetime = field(metadata=time("U", "When the order last changed.", core=True))
    asset_id: str | None = field(
        default=None, metadata=text("ai", "The venue's own id of the stock; None when recovered.", optional=True)
    )
    quote_asset: str | None = field(default=None, metadata=text("q", "What is paid with, such as USDC.", optional=True))
    price: Decimal | None = field(
        default=None, metadata=number("p", "The limit price; null for market orders.", optional=True)
    )
    quantity: Decimal | None = field(
        default=None, metadata=number("Q", "The shares ordered; 0 for an order by notional.", optional=True)
    )
    notional: Decimal | None = field(
        default=None, metadata=number("N", "The notional ordered; null for an order by quantity.", optional=True)
    )
    filled_notional: Decimal | None = field(
        default=None, metadata=number("FN", "What the filled shares are worth, at their prices.", optional=True)
    )
    total_cost: Decimal | None = field(
        default=None,
        metadata=number("tc", "What it has cost so far, with the commission; None when recovered.", optional=True),
    )
    fill_progress: Decimal | None = field(
        default=None,
        metadata=number("Z", "How much is filled, in percent from 0 to 100; None when recovered.", optional=True),
    )
    session: str | None = field(
        default=None,
        metadata=text("n", "The trading session; a recovered report has the REST API's word for it.", optional=True),
    )
    order_creation_time: datetime | None = field(
        default=None, metadata=time("T", "When the order was placed.", optional=True)
    )

    @property
    def symbol(self) -> str:
        """The stock as the REST API names it, such as ``AAPL``."""
        return self.base_asset.removeprefix(_PREFIX)

    @property
    def identity(self) -> tuple[Hashable, ...]:
        """The order, when it last changed, how much is filled, and how it stands."""
        return (self.event_type, self.order_id, self.update_time, self.filled_quantity, str(self.order_status))


STOCKS_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {
        "orderReport": OrderReport,
        "listenKeyExpired": ListenKeyExpired,  # nobody has seen it here, but other products send it when a key ends
    }
)
"""The typed event for each value of the wire's ``e``, on the stream of a stocks account."""
