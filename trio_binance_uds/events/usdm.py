"""The events of a USD-M futures user data stream.

A fill is told twice: at once by a :class:`TradeLite`, and in full by a :class:`UsdmOrderTradeUpdate`. They are two
events, and their ``fill_key`` tells that they are one fill.

Source: Binance USD-M Futures, "User Data Streams" (2026-05-28), with the change log up to 2026-08-21.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import ClassVar

import attrs
from attrs import field

from trio_binance_uds.events.base import KnownEvent
from trio_binance_uds.events.enums import Side, SideWord
from trio_binance_uds.events.fields import amount, choice, flag, integer, text, time
from trio_binance_uds.events.futures import AccountConfigUpdate, AccountUpdate, MarginCall, OrderTradeUpdate
from trio_binance_uds.events.order_ids import is_of_the_venue
from trio_binance_uds.events.spot import ListenKeyExpired
from trio_binance_uds.events.strategies import AlgoUpdate, GridUpdate, StrategyUpdate


@attrs.frozen(kw_only=True, weakref_slot=False)
class UsdmOrderTradeUpdate(OrderTradeUpdate):
    """A USD-M order was accepted, filled, modified, or has ended; quantities are of the base asset.

    Source: Binance USD-M Futures, "Event: Order Update" (2026-05-28), with the change log of 2026-07-28.
    """

    bids_notional: Decimal | None = field(
        metadata=amount("o.b", "The notional of all open bids of the account on the symbol; None when recovered.")
    )
    ask_notional: Decimal | None = field(
        metadata=amount("o.a", "The notional of all open asks of the account on the symbol; None when recovered.")
    )
    ignored_si: int | None = field(
        default=None, metadata=integer("o.si", "Documented as to be ignored.", optional=True)
    )
    ignored_ss: int | None = field(
        default=None, metadata=integer("o.ss", "Documented as to be ignored.", optional=True)
    )
    good_till_date: datetime | None = field(
        metadata=time("o.gtd", "When it will be canceled; 0 on the wire for never.", nullable=True, none=0)
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class TradeLite(KnownEvent):
    """An order was filled: the short and early report of a fill that an order report tells in full.

    Count the fill once, by its ``fill_key``. The transaction time can lie after the event time.

    Source: Binance USD-M Futures, "Event: Trade Lite" (2026-05-28).
    """

    is_told_once: ClassVar[bool] = True

    transaction_time: datetime = field(metadata=time("T", "When the matching engine did it.", core=True))
    symbol: str = field(metadata=text("s", "The symbol.", core=True))
    original_quantity: Decimal | None = field(metadata=amount("q", "The quantity ordered."))
    original_price: Decimal | None = field(metadata=amount("p", "The limit price; 0 for market orders."))
    is_maker: bool | None = field(metadata=flag("m", "Whether this fill was on the maker side."))
    client_order_id: str | None = field(
        metadata=text("c", "The client order id; some prefixes tell orders of the venue.", takes_number=True)
    )
    side: Side | SideWord = field(metadata=choice(Side, "S", "Buy or sell.", core=True))
    last_filled_price: Decimal = field(metadata=amount("L", "The price of this fill.", core=True))
    last_filled_quantity: Decimal = field(metadata=amount("l", "The quantity of this fill.", core=True))
    trade_id: int = field(metadata=integer("t", "The trade.", core=True))
    order_id: int = field(metadata=integer("i", "The venue's order id, unique within its symbol.", core=True))

    @property
    def placed_client_order_id(self) -> str | None:
        """The client order id under which the order was placed: no later report of it has another one."""
        return self.client_order_id

    @property
    def is_venue_order(self) -> bool:
        """Whether it is an order of the venue itself: a liquidation, a deleveraging, or a settlement."""
        return is_of_the_venue(self.client_order_id)

    @property
    def fill_key(self) -> tuple[str, int] | None:
        """The symbol and the trade, which the order report of this fill has in common with this event.

        Both orders of an account that trades with itself have it: the order id tells them apart.
        """
        return (self.symbol, self.trade_id) if self.trade_id > 0 else None

    @property
    def identity(self) -> tuple[Hashable, ...]:
        return ("TRADE_LITE", self.symbol, self.order_id, self.trade_id)


@attrs.frozen(kw_only=True, weakref_slot=False)
class ConditionalOrderTriggerReject(KnownEvent):
    """A conditional order was triggered, and the order that it became was refused.

    Deprecated since 2025-12-15: an :class:`AlgoUpdate` tells the reason now.

    Source: Binance USD-M Futures, "Event: Conditional Order Trigger Reject" (2026-05-28).
    """

    transaction_time: datetime = field(metadata=time("T", "When it was refused.", core=True))
    symbol: str = field(metadata=text("or.s", "The symbol.", core=True))
    order_id: int = field(metadata=integer("or.i", "The venue's order id.", core=True))
    reject_reason: str | None = field(metadata=text("or.r", "Why, in a sentence."))


USDM_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {
        "ORDER_TRADE_UPDATE": UsdmOrderTradeUpdate,
        "TRADE_LITE": TradeLite,
        "ACCOUNT_UPDATE": AccountUpdate,
        "ACCOUNT_CONFIG_UPDATE": AccountConfigUpdate,
        "MARGIN_CALL": MarginCall,
        "ALGO_UPDATE": AlgoUpdate,
        "CONDITIONAL_ORDER_TRIGGER_REJECT": ConditionalOrderTriggerReject,
        "STRATEGY_UPDATE": StrategyUpdate,
        "GRID_UPDATE": GridUpdate,
        "listenKeyExpired": ListenKeyExpired,
    }
)
"""The typed event for each value of the wire's ``e``."""
