"""The events of a European options user data stream.

Names that futures use too mean other things here: an account update tells totals in USDT, and a commission is negative
when it was paid. All classes whose names are also those of futures events start with ``Options``.

The events are those of the system of 2025-11; what was sent before had other fields under the same names.

Source: Binance Options Trading, "User Data Streams" (2026-05-28), with the change log up to 2026-04.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import ClassVar

import attrs
from attrs import field

from trio_binance_uds.events.base import KnownEvent, Shown
from trio_binance_uds.events.derivatives_enums import (
    AccountUpdateReason,
    AccountUpdateReasonWord,
    FuturesExecutionType,
    FuturesExecutionTypeWord,
    FuturesOrderType,
    FuturesOrderTypeWord,
    FuturesTimeInForce,
    FuturesTimeInForceWord,
    RiskLevel,
    RiskLevelWord,
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
from trio_binance_uds.events.spot import ListenKeyExpired


@attrs.frozen(kw_only=True, weakref_slot=False)
class OptionsAccountUpdate(KnownEvent):
    """The totals of the options account in USDT: when something changed, and every 10 s while a position is open.

    Source: Binance Options Trading, "Event: Account data" (2026-05-28).
    """

    transaction_time: datetime = field(metadata=time("T", "When it was so.", core=True))
    equity: Decimal | None = field(metadata=amount("eq", "The equity."))
    adjusted_equity: Decimal | None = field(metadata=amount("aeq", "The adjusted equity."))
    wallet_balance: Decimal = field(metadata=amount("b", "The wallet's balance.", core=True))
    position_value: Decimal | None = field(metadata=amount("m", "The value of the positions."))
    unrealized_pnl: Decimal | None = field(metadata=amount("u", "The profit not realised."))
    initial_margin: Decimal | None = field(metadata=amount("i", "The initial margin."))
    maintenance_margin: Decimal | None = field(metadata=amount("M", "The maintenance margin."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class OptionsBalance(Shown):
    """One asset of a :class:`BalancePositionUpdate`.

    When recovered, ``balance_change`` is what premiums and commissions since the balance that was last told do not
    explain, and ``None`` where that is not known.
    """

    asset: str = field(metadata=text("a", "The asset.", core=True))
    balance: Decimal = field(metadata=amount("b", "The balance.", core=True))
    balance_change: Decimal | None = field(
        metadata=amount("bc", "The change, apart from profit, loss and commission; can be None when recovered.")
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class OptionsPosition(Shown):
    """One position of a :class:`BalancePositionUpdate`, in absolute amounts."""

    symbol: str = field(metadata=text("s", "The symbol.", core=True))
    quantity: Decimal = field(metadata=amount("c", "The size; negative when short.", core=True))
    position_value: Decimal | None = field(metadata=amount("p", "The value; negative when short."))
    average_entry_price: Decimal | None = field(metadata=amount("a", "The average entry price."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class BalancePositionUpdate(KnownEvent):
    """Balances or positions of the options account changed; only the symbols that did are listed.

    A recovered one tells what there is now of what has changed in a gap, whatever the reasons were: its
    ``event_reason_type`` is ``"RECOVERED"``, which is no word of Binance's.

    Source: Binance Options Trading, "Event: Balance and Position Update" (2026-05-28).
    """

    is_told_once: ClassVar[bool] = True

    transaction_time: datetime = field(metadata=time("T", "When the matching engine did it.", core=True))
    event_reason_type: AccountUpdateReason | AccountUpdateReasonWord | None = field(
        metadata=choice(AccountUpdateReason, "m", "Why something changed: DEPOSIT, WITHDRAW or ORDER.")
    )
    balances: tuple[OptionsBalance, ...] = field(
        default=(), metadata=items(OptionsBalance, "B", "The balances that changed.", optional=True, core=True)
    )
    positions: tuple[OptionsPosition, ...] = field(
        default=(), metadata=items(OptionsPosition, "P", "The positions that changed.", optional=True, core=True)
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class Greek(Shown):
    """The greeks of one underlying, in a :class:`GreekUpdate`."""

    underlying: str = field(metadata=text("u", "The underlying.", core=True))
    delta: Decimal | None = field(metadata=amount("d", "Delta."))
    gamma: Decimal | None = field(metadata=amount("g", "Gamma."))
    theta: Decimal | None = field(metadata=amount("t", "Theta."))
    vega: Decimal | None = field(metadata=amount("v", "Vega."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class GreekUpdate(KnownEvent):
    """The greeks of the account: when a position changed, and every 10 s while one is open.

    Source: Binance Options Trading, "Event: Greek Update" (2026-05-28).
    """

    transaction_time: datetime = field(metadata=time("T", "When it was so.", core=True))
    greeks: tuple[Greek, ...] = field(metadata=items(Greek, "G", "One for each underlying.", core=True))


@attrs.frozen(kw_only=True, weakref_slot=False)
class OptionsOrderTradeUpdate(KnownEvent):
    """An options order was accepted, filled, or has ended.

    It is no :class:`OrderTradeUpdate`: there is no position side, and a commission has the other sign.

    Source: Binance Options Trading, "Event: Order update" (2026-05-28), with the change log of 2026-03-19.
    """

    is_told_once: ClassVar[bool] = True

    transaction_time: datetime = field(metadata=time("T", "When the matching engine did it.", core=True))
    symbol: str = field(metadata=text("o.s", "The symbol.", core=True))
    client_order_id: str | None = field(metadata=text("o.c", "The client order id.", takes_number=True))
    side: Side | SideWord = field(metadata=choice(Side, "o.S", "Buy or sell.", core=True))
    order_type: FuturesOrderType | FuturesOrderTypeWord | None = field(
        metadata=choice(FuturesOrderType, "o.o", "The type: LIMIT.")
    )
    time_in_force: FuturesTimeInForce | FuturesTimeInForceWord | None = field(
        metadata=choice(FuturesTimeInForce, "o.f", "How long the order stays.")
    )
    original_quantity: Decimal = field(metadata=amount("o.q", "The quantity ordered.", core=True))
    original_price: Decimal = field(metadata=amount("o.p", "The limit price.", core=True))
    average_price: Decimal | None = field(
        metadata=amount("o.ap", "The average price of its fills so far; 0 without any.")
    )
    execution_type: FuturesExecutionType | FuturesExecutionTypeWord = field(
        metadata=choice(FuturesExecutionType, "o.x", "What has just happened.", core=True)
    )
    order_status: OrderStatus | OrderStatusWord = field(
        metadata=choice(OrderStatus, "o.X", "The state of the order now.", core=True)
    )
    order_id: int = field(metadata=integer("o.i", "The venue's order id; it needs all 64 bits.", core=True))
    last_filled_quantity: Decimal = field(
        metadata=amount("o.l", "The quantity of this fill; 0 unless a trade.", core=True)
    )
    filled_accumulated_quantity: Decimal = field(metadata=amount("o.z", "The quantity filled so far.", core=True))
    last_filled_price: Decimal = field(metadata=amount("o.L", "The price of this fill; 0 unless a trade.", core=True))
    commission_asset: str | None = field(
        default=None, metadata=text("o.N", "The asset of the commission; may lack without one.", optional=True)
    )
    commission: Decimal | None = field(
        default=None, metadata=amount("o.n", "The commission: negative when paid; may lack without one.", optional=True)
    )
    order_trade_time: datetime | None = field(metadata=time("o.T", "When the order traded or changed."))
    trade_id: int | None = field(metadata=integer("o.t", "The trade; 0 unless a trade."))
    bid_quantity: Decimal | None = field(
        metadata=amount("o.b", "The quantity of all open bids of the account on the symbol; None when recovered.")
    )
    ask_quantity: Decimal | None = field(
        metadata=amount("o.a", "The quantity of all open asks of the account on the symbol; None when recovered.")
    )
    is_maker: bool | None = field(metadata=flag("o.m", "Whether this fill was on the maker side."))
    is_reduce_only: bool | None = field(metadata=flag("o.R", "Whether it may only reduce a position."))
    original_order_type: FuturesOrderType | FuturesOrderTypeWord | None = field(
        metadata=choice(FuturesOrderType, "o.ot", "The type that it was placed with.")
    )
    realized_profit: Decimal | None = field(metadata=amount("o.rp", "The profit that this trade realised."))
    self_trade_prevention_mode: SelfTradePreventionMode | SelfTradePreventionModeWord | None = field(
        default=None,
        metadata=choice(
            SelfTradePreventionMode,
            "o.V",
            "What happens if it would meet an order of its own group; not before 2026-03-19.",
            optional=True,
        ),
    )

    @property
    def placed_client_order_id(self) -> str | None:
        """The client order id under which the order was placed: no later report of it has another one."""
        return self.client_order_id

    @property
    def is_venue_order(self) -> bool:
        """Whether its client order id is one that the venue gives to orders of its own.

        Binance documents these ids for futures; for options it documents none.
        """
        return is_of_the_venue(self.client_order_id)

    @property
    def fill_key(self) -> tuple[str, int] | None:
        """The symbol and the trade; ``None`` when it is no fill, or the trade is not known.

        Both orders of an account that trades with itself have it: the order id tells them apart.
        """
        trade_id = self.trade_id
        return None if trade_id is None or trade_id <= 0 else (self.symbol, trade_id)

    @property
    def identity(self) -> tuple[Hashable, ...]:
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
        )


@attrs.frozen(kw_only=True, weakref_slot=False)
class OptionsRiskLevelChange(KnownEvent):
    """The risk level of the options account changed; only accounts of VIPs and market makers get it.

    Source: Binance Options Trading, "Event: Risk level change" (2026-05-28).
    """

    risk_level: RiskLevel | RiskLevelWord | None = field(
        metadata=choice(RiskLevel, "s", "The level now: NORMAL or REDUCE_ONLY.")
    )
    margin_balance: Decimal | None = field(metadata=amount("mb", "The margin balance."))
    maintenance_margin: Decimal | None = field(metadata=amount("mm", "The maintenance margin."))


OPTIONS_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {
        "ACCOUNT_UPDATE": OptionsAccountUpdate,
        "BALANCE_POSITION_UPDATE": BalancePositionUpdate,
        "GREEK_UPDATE": GreekUpdate,
        "ORDER_TRADE_UPDATE": OptionsOrderTradeUpdate,
        "RISK_LEVEL_CHANGE": OptionsRiskLevelChange,
        "listenKeyExpired": ListenKeyExpired,
    }
)
"""The typed event for each value of the wire's ``e``."""
