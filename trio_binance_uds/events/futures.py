"""The events that USD-M, COIN-M and Portfolio Margin have in common.

An event has one class for all three where they mean the same by it: fields that only one of them sends are ``None``
elsewhere. The order reports differ in what their numbers count, so that each has a class of its own, below
:class:`OrderTradeUpdate`. Options use some of the same names for other things: their events are all their own.

Source: Binance Derivatives, "User Data Streams" of the three products (2026-05-28), with the change log up to
2026-08-21.
"""

from __future__ import annotations

from collections.abc import Hashable
from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import attrs
from attrs import field

from trio_binance_uds.events.base import KnownEvent, Shown
from trio_binance_uds.events.derivatives_enums import (
    AccountUpdateReason,
    AccountUpdateReasonWord,
    BusinessUnit,
    BusinessUnitWord,
    FuturesExecutionType,
    FuturesExecutionTypeWord,
    FuturesExpiryReason,
    FuturesExpiryReasonWord,
    FuturesOrderType,
    FuturesOrderTypeWord,
    FuturesTimeInForce,
    FuturesTimeInForceWord,
    MarginCallMarginType,
    MarginCallMarginTypeWord,
    MarginType,
    MarginTypeWord,
    PositionSide,
    PositionSideWord,
    PriceMatchMode,
    PriceMatchModeWord,
    WorkingType,
    WorkingTypeWord,
)
from trio_binance_uds.events.enums import (
    OrderStatus,
    OrderStatusWord,
    SelfTradePreventionMode,
    SelfTradePreventionModeWord,
    Side,
    SideWord,
)
from trio_binance_uds.events.fields import amount, choice, flag, integer, items, text, time
from trio_binance_uds.events.order_ids import is_of_the_venue


@attrs.frozen(kw_only=True, weakref_slot=False)
class OrderTradeUpdate(KnownEvent):
    """What the order reports of all futures have in common: an order was accepted, filled, modified, or has ended.

    No event of its own: match it to handle the orders of every futures product alike, and its subclasses where it
    matters whether quantities are of the base asset (USD-M) or contracts (COIN-M).

    A refused order is not reported. Of the venue's own orders ``is_venue_order`` is true. Their client order ids start
    with ``autoclose-`` (liquidation) or ``settlement_autoclose-`` (settlement), or are ``adl_autoclose``
    (deleveraging).
    """

    is_told_once: ClassVar[bool] = True

    transaction_time: datetime = field(metadata=time("T", "When the matching engine did it.", core=True))
    symbol: str = field(metadata=text("o.s", "The symbol.", core=True))
    client_order_id: str | None = field(
        metadata=text("o.c", "The client order id; some prefixes tell orders of the venue.", takes_number=True)
    )
    side: Side | SideWord = field(metadata=choice(Side, "o.S", "Buy or sell.", core=True))
    order_type: FuturesOrderType | FuturesOrderTypeWord | None = field(
        metadata=choice(FuturesOrderType, "o.o", "The type of the order now.")
    )
    time_in_force: FuturesTimeInForce | FuturesTimeInForceWord | None = field(
        metadata=choice(FuturesTimeInForce, "o.f", "How long the order stays.")
    )
    original_quantity: Decimal = field(
        metadata=amount("o.q", "The quantity ordered; a modification changes it.", core=True)
    )
    original_price: Decimal = field(metadata=amount("o.p", "The limit price; 0 for market orders.", core=True))
    average_price: Decimal | None = field(
        metadata=amount("o.ap", "The average price of its fills so far; 0 without any.")
    )
    stop_price: Decimal | None = field(metadata=amount("o.sp", "The trigger price; without meaning on trailing stops."))
    execution_type: FuturesExecutionType | FuturesExecutionTypeWord = field(
        metadata=choice(FuturesExecutionType, "o.x", "What has just happened.", core=True)
    )
    order_status: OrderStatus | OrderStatusWord = field(
        metadata=choice(OrderStatus, "o.X", "The state of the order now.", core=True)
    )
    order_id: int = field(metadata=integer("o.i", "The venue's order id, unique within its symbol.", core=True))
    last_filled_quantity: Decimal = field(
        metadata=amount("o.l", "The quantity of this fill; 0 unless a trade.", core=True)
    )
    filled_accumulated_quantity: Decimal = field(metadata=amount("o.z", "The quantity filled so far.", core=True))
    last_filled_price: Decimal = field(metadata=amount("o.L", "The price of this fill; 0 unless a trade.", core=True))
    commission_asset: str | None = field(
        default=None, metadata=text("o.N", "The asset of the commission; may lack without one.", optional=True)
    )
    commission: Decimal | None = field(
        default=None, metadata=amount("o.n", "The commission on this fill; may lack without one.", optional=True)
    )
    order_trade_time: datetime | None = field(metadata=time("o.T", "When the order traded or changed."))
    trade_id: int | None = field(metadata=integer("o.t", "The trade; 0 unless a trade."))
    is_maker: bool | None = field(metadata=flag("o.m", "Whether this fill was on the maker side."))
    is_reduce_only: bool | None = field(metadata=flag("o.R", "Whether it may only reduce a position."))
    stop_price_working_type: WorkingType | WorkingTypeWord | None = field(
        default=None,
        metadata=choice(WorkingType, "o.wt", "Which price triggers it; not under Portfolio Margin.", optional=True),
    )
    original_order_type: FuturesOrderType | FuturesOrderTypeWord | None = field(
        default=None,
        metadata=choice(
            FuturesOrderType, "o.ot", "The type that it was placed with; not under Portfolio Margin.", optional=True
        ),
    )
    position_side: PositionSide | PositionSideWord | None = field(
        metadata=choice(PositionSide, "o.ps", "The position that it is for.")
    )
    is_close_all: bool | None = field(
        default=None,
        metadata=flag(
            "o.cp",
            "Whether it closes the whole position; on conditional orders, not under Portfolio Margin.",
            optional=True,
        ),
    )
    activation_price: Decimal | None = field(
        default=None,
        metadata=amount("o.AP", "Where trailing starts; on trailing stops, not under Portfolio Margin.", optional=True),
    )
    callback_rate: Decimal | None = field(
        default=None,
        metadata=amount(
            "o.cr", "The distance in percent; on trailing stops, not under Portfolio Margin.", optional=True
        ),
    )
    is_price_protected: bool | None = field(
        default=None,
        metadata=flag("o.pP", "Whether price protection is on; not under Portfolio Margin.", optional=True),
    )
    realized_profit: Decimal | None = field(metadata=amount("o.rp", "The profit that this trade realised."))
    self_trade_prevention_mode: SelfTradePreventionMode | SelfTradePreventionModeWord | None = field(
        metadata=choice(
            SelfTradePreventionMode,
            "o.V",
            "What happens if it would meet an order of its own group; can be None when recovered.",
        )
    )
    price_match_mode: PriceMatchMode | PriceMatchModeWord | None = field(
        default=None,
        metadata=choice(PriceMatchMode, "o.pm", "Which price it took; not under Portfolio Margin.", optional=True),
    )
    expiry_reason: FuturesExpiryReason | FuturesExpiryReasonWord | None = field(
        default=None,
        metadata=choice(
            FuturesExpiryReason, "o.er", "Why it expired; not under Portfolio Margin, nor before 2025.", optional=True
        ),
    )
    modify_id: str | None = field(
        default=None,
        metadata=text(
            "o.M",
            "The user's id of the modification; only on amendments that were sent one.",
            optional=True,
            takes_number=True,
        ),
    )

    @property
    def placed_client_order_id(self) -> str | None:
        """The client order id under which the order was placed: no later report of it has another one."""
        return self.client_order_id

    @property
    def is_venue_order(self) -> bool:
        """Whether it is an order of the venue itself: a liquidation, a deleveraging, or a settlement.

        It is right for recovered reports too, in which the venue's answer says ``LIMIT`` of a liquidation.
        """
        return self.order_type == FuturesOrderType.LIQUIDATION or is_of_the_venue(self.client_order_id)

    @property
    def fill_key(self) -> tuple[str, int] | None:
        """The symbol and the trade, which every report of this fill has in common; ``None`` when it is no fill, or
        where the trade is not known.

        Both orders of an account that trades with itself have it: the order id tells them apart.
        """
        trade_id = self.trade_id
        return None if trade_id is None or trade_id <= 0 else (self.symbol, trade_id)

    @property
    def identity(self) -> tuple[Hashable, ...]:
        # Futures number the trades only, so what has happened must tell the reports of an order apart.
        return (
            "ORDER_TRADE_UPDATE",
            self.symbol,
            self.order_id,
            self.trade_id,
            self.execution_type,
            self.order_status,
            self.transaction_time,
            self.filled_accumulated_quantity,
            self.original_quantity,
            self.original_price,
            self.modify_id,
        )


@attrs.frozen(kw_only=True, weakref_slot=False)
class AccountUpdateBalance(Shown):
    """One asset of an :class:`AccountUpdate`; all but ``balance_change`` are absolute.

    When recovered, ``balance_change`` is since the balance that was last told, and ``None`` where that is not known.
    """

    asset: str = field(metadata=text("a", "The asset.", core=True))
    wallet_balance: Decimal = field(metadata=amount("wb", "The wallet's balance.", core=True))
    cross_wallet_balance: Decimal | None = field(metadata=amount("cw", "The part of it that backs cross positions."))
    balance_change: Decimal | None = field(
        metadata=amount("bc", "The change, apart from profit, loss and commission; can be None when recovered.")
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class AccountUpdatePosition(Shown):
    """One position of an :class:`AccountUpdate`, in absolute amounts."""

    symbol: str = field(metadata=text("s", "The symbol.", core=True))
    position_amount: Decimal = field(metadata=amount("pa", "The size; negative when short.", core=True))
    entry_price: Decimal | None = field(metadata=amount("ep", "The average entry price."))
    breakeven_price: Decimal | None = field(
        metadata=amount("bep", "The price at which closing it costs nothing; can be None when recovered.")
    )
    accumulated_realized: Decimal | None = field(
        metadata=amount("cr", "The profit realised so far, before fees; None when recovered.")
    )
    unrealized_pnl: Decimal | None = field(metadata=amount("up", "The profit not realised, as of this event."))
    margin_type: MarginType | MarginTypeWord | None = field(
        default=None,
        metadata=choice(MarginType, "mt", "How it is margined; not under Portfolio Margin.", optional=True),
    )
    isolated_wallet: Decimal | None = field(
        default=None,
        metadata=amount("iw", "The isolated wallet; not under Portfolio Margin, 0 when cross.", optional=True),
    )
    position_side: PositionSide | PositionSideWord | None = field(
        metadata=choice(PositionSide, "ps", "Which position of the symbol.")
    )
    margin_asset: str | None = field(
        default=None,
        metadata=text("ma", "The asset of its margin; met on the wire, and not documented.", optional=True),
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class AccountUpdate(KnownEvent):
    """Balances or positions of a futures account changed; orders that merely open or end change neither.

    Only what changed is listed, so merge it by asset, and by symbol and position side: what is missing is as it was.
    Funding of a cross position lists no position. Unrealised profit is not sent again when the mark price moves. Under
    Portfolio Margin the balances are those of the one wallet that ``business_unit`` names.

    A recovered one tells what there is now of what has changed in a gap, whatever the reasons were: its
    ``event_reason_type`` is ``"RECOVERED"``, which is no word of Binance's.

    Source: Binance USD-M and COIN-M Futures, "Event: Balance and Position Update", and Portfolio Margin, "Event:
    Futures Balance and Position Update" (2026-05-28).
    """

    is_told_once: ClassVar[bool] = True

    transaction_time: datetime = field(metadata=time("T", "When the matching engine did it.", core=True))
    event_reason_type: AccountUpdateReason | AccountUpdateReasonWord | None = field(
        metadata=choice(AccountUpdateReason, "a.m", "Why something changed.")
    )
    funding_symbol: str | None = field(
        default=None, metadata=text("a.S", "The symbol of the funding; only for FUNDING_FEE.", optional=True)
    )
    balances: tuple[AccountUpdateBalance, ...] = field(
        default=(), metadata=items(AccountUpdateBalance, "a.B", "The balances that changed.", optional=True, core=True)
    )
    positions: tuple[AccountUpdatePosition, ...] = field(
        default=(),
        metadata=items(AccountUpdatePosition, "a.P", "The positions that changed.", optional=True, core=True),
    )
    account_alias: str | None = field(
        default=None,
        metadata=text(
            "i", "The account's alias; COIN-M and Portfolio Margin, where UM has an empty one.", optional=True
        ),
    )
    business_unit: BusinessUnit | BusinessUnitWord | None = field(
        default=None, metadata=choice(BusinessUnit, "fs", "Which futures; only under Portfolio Margin.", optional=True)
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class AccountConfigUpdate(KnownEvent):
    """The leverage of a symbol, or the multi-assets mode of a USD-M account, was changed; one event tells one of both.

    Source: Binance USD-M and COIN-M Futures, "Event: Account Configuration Update", and Portfolio Margin, "Event:
    Futures Account Configuration Update" (2026-05-28).
    """

    transaction_time: datetime = field(metadata=time("T", "When it was changed.", core=True))
    symbol: str | None = field(
        default=None, metadata=text("ac.s", "The symbol; only when a leverage was changed.", within=True, core=True)
    )
    leverage: int | None = field(
        default=None,
        metadata=integer("ac.l", "Its leverage now; only when a leverage was changed.", within=True, core=True),
    )
    is_multi_assets_mode: bool | None = field(
        default=None, metadata=flag("ai.j", "Whether it is on; only when it was changed.", within=True, core=True)
    )
    business_unit: BusinessUnit | BusinessUnitWord | None = field(
        default=None, metadata=choice(BusinessUnit, "fs", "Which futures; only under Portfolio Margin.", optional=True)
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class MarginCallPosition(Shown):
    """One position of a :class:`MarginCall`."""

    symbol: str | None = field(metadata=text("s", "The symbol."))
    position_side: PositionSide | PositionSideWord | None = field(
        metadata=choice(PositionSide, "ps", "Which position of the symbol.")
    )
    position_amount: Decimal | None = field(metadata=amount("pa", "The size; negative when short."))
    margin_type: MarginCallMarginType | MarginCallMarginTypeWord | None = field(
        metadata=choice(
            MarginCallMarginType, "mt", "How it is margined, in other words than those of an account update."
        )
    )
    isolated_wallet: Decimal | None = field(
        default=None, metadata=amount("iw", "The isolated wallet; 0 or absent when cross.", optional=True)
    )
    mark_price: Decimal | None = field(metadata=amount("mp", "The mark price."))
    unrealized_pnl: Decimal | None = field(metadata=amount("up", "The profit not realised."))
    maintenance_margin_required: Decimal | None = field(metadata=amount("mm", "The maintenance margin that it needs."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class MarginCall(KnownEvent):
    """Positions are close to liquidation. It is a hint only, and may come after the liquidation.

    Source: Binance USD-M and COIN-M Futures, "Event: Margin Call" (2026-05-28).
    """

    cross_wallet_balance: Decimal | None = field(
        default=None, metadata=amount("cw", "The cross wallet's balance; only for cross positions.", optional=True)
    )
    positions: tuple[MarginCallPosition, ...] = field(
        metadata=items(MarginCallPosition, "p", "The positions that are called.")
    )
    account_alias: str | None = field(
        default=None, metadata=text("i", "The account's alias; only on COIN-M.", optional=True)
    )
