"""The events of a COIN-M futures user data stream.

There is no short report of fills here, and no rejection of triggered orders. An algo update is not documented, but
read if it comes.

Source: Binance COIN-M Futures, "User Data Streams" (2026-05-28), with the change log up to 2026-08-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

import attrs
from attrs import field

from trio_binance_uds.events.base import KnownEvent
from trio_binance_uds.events.fields import amount, text
from trio_binance_uds.events.futures import AccountConfigUpdate, AccountUpdate, MarginCall, OrderTradeUpdate
from trio_binance_uds.events.spot import ListenKeyExpired
from trio_binance_uds.events.strategies import AlgoUpdate, GridUpdate, StrategyUpdate


@attrs.frozen(kw_only=True, weakref_slot=False)
class CoinmOrderTradeUpdate(OrderTradeUpdate):
    """A COIN-M order was accepted, filled, modified, or has ended; quantities are contracts.

    Source: Binance COIN-M Futures, "Event: Order Update" (2026-05-28), with the change log of 2026-07-28.
    """

    account_alias: str | None = field(metadata=text("i", "The account's alias."))
    margin_asset: str | None = field(metadata=text("o.ma", "The asset of the margin."))
    bid_quantity: Decimal | None = field(
        metadata=amount(
            "o.b",
            "The quantity of all open bids of the account on the symbol, in base asset; None when recovered.",
        )
    )
    ask_quantity: Decimal | None = field(
        metadata=amount(
            "o.a",
            "The quantity of all open asks of the account on the symbol, in base asset; None when recovered.",
        )
    )


COINM_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {
        "ORDER_TRADE_UPDATE": CoinmOrderTradeUpdate,
        "ACCOUNT_UPDATE": AccountUpdate,
        "ACCOUNT_CONFIG_UPDATE": AccountConfigUpdate,
        "MARGIN_CALL": MarginCall,
        "ALGO_UPDATE": AlgoUpdate,
        "STRATEGY_UPDATE": StrategyUpdate,
        "GRID_UPDATE": GridUpdate,
        "listenKeyExpired": ListenKeyExpired,
    }
)
"""The typed event for each value of the wire's ``e``."""
