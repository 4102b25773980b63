"""The events of Portfolio Margin accounts, which hold futures and cross margin together, and of Portfolio Margin Pro.

One stream carries futures events, whose ``business_unit`` tells USD-M from COIN-M, and margin events like those of
spot. An order id is unique within its business unit (or margin) and symbol.

The events of a Pro account come by the streams of its products; the Pro stream only adds a few. Its ``uniMMRDrop``,
opt-in since 2026-10-29, has no published fields: it comes as an unknown event.

Source: Binance Portfolio Margin and Portfolio Margin Pro, "User Data Streams" (2026-05-28), with the change log up to
2026-08-21.
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
    BusinessUnit,
    BusinessUnitWord,
    ConditionalOrderStatus,
    ConditionalOrderStatusWord,
    FuturesOrderType,
    FuturesOrderTypeWord,
    FuturesTimeInForce,
    FuturesTimeInForceWord,
    PositionSide,
    PositionSideWord,
    RiskLevel,
    RiskLevelWord,
    WorkingType,
    WorkingTypeWord,
)
from trio_binance_uds.events.enums import SelfTradePreventionMode, SelfTradePreventionModeWord, Side, SideWord
from trio_binance_uds.events.fields import amount, choice, flag, integer, items, text, time
from trio_binance_uds.events.futures import AccountConfigUpdate, AccountUpdate, OrderTradeUpdate
from trio_binance_uds.events.margin import LiabilityType, LiabilityTypeWord
from trio_binance_uds.events.spot import (
    BalanceUpdate,
    ExecutionReport,
    ListenKeyExpired,
    ListStatus,
    OutboundAccountPosition,
)
from trio_binance_uds.events.strategies import AlgoUpdate
from trio_binance_uds.events.unified_margin import UnifiedLiabilityChange


@attrs.frozen(kw_only=True, weakref_slot=False)
class PortfolioMarginOrderTradeUpdate(OrderTradeUpdate):
    """A futures order of a Portfolio Margin account was accepted, filled, modified, or has ended.

    Quantities are those of the product: of the base asset for UM, contracts for CM.

    Source: Binance Portfolio Margin, "Event: Futures Order update" (2026-05-28), with the change log of 2026-07-28.
    """

    business_unit: BusinessUnit | BusinessUnitWord | None = field(metadata=choice(BusinessUnit, "fs", "Which futures."))
    account_alias: str | None = field(
        default=None, metadata=text("i", "The account's alias; empty for UM.", optional=True)
    )
    bids_notional: Decimal | None = field(
        metadata=amount(
            "o.b",
            "The notional of all open bids on the symbol, as documented; CM may mean a quantity. None when recovered.",
        )
    )
    ask_notional: Decimal | None = field(
        metadata=amount(
            "o.a",
            "The notional of all open asks on the symbol, as documented; CM may mean a quantity. None when recovered.",
        )
    )
    strategy_type: str | None = field(
        default=None,
        metadata=text(
            "o.st", "What it was, such as C_TAKE_PROFIT; only if born from a conditional order.", optional=True
        ),
    )
    strategy_id: int | None = field(
        default=None,
        metadata=integer("o.si", "The conditional order; only if born from one.", optional=True),
    )
    good_till_date: datetime | None = field(
        default=None,
        metadata=time("o.gtd", "When it will be canceled; 0 on the wire for never.", optional=True, none=0),
    )

    @property
    def identity(self) -> tuple[Hashable, ...]:
        return (*super().identity, self.business_unit)


@attrs.frozen(kw_only=True, weakref_slot=False)
class ConditionalOrderTradeUpdate(KnownEvent):
    """A conditional order of the account was placed, triggered, or has ended: CM ones, and UM ones until 2026-04-28.

    Source: Binance Portfolio Margin, "Event: Conditional Order Trade Update" (2026-05-28).
    """

    is_told_once: ClassVar[bool] = True

    transaction_time: datetime = field(metadata=time("T", "When it was done.", core=True))
    business_unit: BusinessUnit | BusinessUnitWord | None = field(metadata=choice(BusinessUnit, "fs", "Which futures."))
    symbol: str = field(metadata=text("so.s", "The symbol.", core=True))
    strategy_client_id: str | None = field(
        metadata=text("so.c", "The client's id of the conditional order.", takes_number=True)
    )
    strategy_id: int = field(metadata=integer("so.si", "The venue's id of the conditional order.", core=True))
    side: Side | SideWord = field(metadata=choice(Side, "so.S", "Buy or sell.", core=True))
    strategy_type: FuturesOrderType | FuturesOrderTypeWord | None = field(
        metadata=choice(FuturesOrderType, "so.st", "The type of the order.")
    )
    time_in_force: FuturesTimeInForce | FuturesTimeInForceWord | None = field(
        metadata=choice(FuturesTimeInForce, "so.f", "How long the order stays.")
    )
    quantity: Decimal = field(metadata=amount("so.q", "The quantity ordered.", core=True))
    price: Decimal = field(metadata=amount("so.p", "The limit price; 0 for market orders.", core=True))
    stop_price: Decimal = field(
        metadata=amount("so.sp", "The trigger price; without meaning on trailing stops.", core=True)
    )
    order_status: ConditionalOrderStatus | ConditionalOrderStatusWord = field(
        metadata=choice(ConditionalOrderStatus, "so.os", "The state of the conditional order now.", core=True)
    )
    book_time: datetime | None = field(metadata=time("so.T", "When it was placed."))
    update_time: datetime | None = field(metadata=time("so.ut", "When it last changed."))
    is_reduce_only: bool | None = field(metadata=flag("so.R", "Whether it may only reduce a position."))
    stop_price_working_type: WorkingType | WorkingTypeWord | None = field(
        metadata=choice(WorkingType, "so.wt", "Which price triggers it; can be None when recovered.")
    )
    position_side: PositionSide | PositionSideWord | None = field(
        metadata=choice(PositionSide, "so.ps", "The position that it is for.")
    )
    is_close_all: bool | None = field(
        default=None, metadata=flag("so.cp", "Whether it closes the whole position.", optional=True)
    )
    activation_price: Decimal | None = field(
        default=None, metadata=amount("so.AP", "Where trailing starts; only on trailing stops.", optional=True)
    )
    callback_rate: Decimal | None = field(
        default=None, metadata=amount("so.cr", "The distance in percent; only on trailing stops.", optional=True)
    )
    order_id: int | None = field(
        default=None, metadata=integer("so.i", "The real order; only once triggered.", optional=True)
    )
    self_trade_prevention_mode: SelfTradePreventionMode | SelfTradePreventionModeWord | None = field(
        metadata=choice(
            SelfTradePreventionMode,
            "so.V",
            "What happens if it would meet an order of its own group; can be None when recovered.",
        )
    )
    good_till_date: datetime | None = field(
        default=None,
        metadata=time("so.gtd", "When it will be canceled; 0 on the wire for never.", optional=True, none=0),
    )

    @property
    def placed_client_order_id(self) -> str | None:
        """The client's id under which the conditional order was placed."""
        return self.strategy_client_id


@attrs.frozen(kw_only=True, weakref_slot=False)
class PortfolioMarginExecutionReport(ExecutionReport):
    """A margin order of a Portfolio Margin account was accepted, filled, canceled, rejected, or has expired.

    It is the report of spot and margin but for ``is_best_match``, which is not sent and always ``None``.

    Source: Binance Portfolio Margin, "Event: Margin Order Update" (2026-05-28), with the change log of 2026-04-09.
    """

    is_best_match: bool | None = field(
        default=None, metadata=flag("M", "Not sent under Portfolio Margin.", optional=True)
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class PortfolioMarginOutboundAccountPosition(OutboundAccountPosition):
    """Margin balances of a Portfolio Margin account changed.

    Source: Binance Portfolio Margin, "Event: Margin Account Update" (2026-05-28).
    """

    update_id: int | None = field(metadata=integer("U", "The update; None when recovered."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class PortfolioMarginBalanceUpdate(BalanceUpdate):
    """A transfer into or out of the margin wallet of a Portfolio Margin account.

    Source: Binance Portfolio Margin, "Event: Margin Balance Update" (2026-05-28).
    """

    update_id: int | None = field(metadata=integer("U", "The update."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class LiabilityChange(KnownEvent):
    """The margin debt of the account changed.

    An event of the same name that lists assets is a :class:`UnifiedLiabilityChange`.

    Source: Binance Portfolio Margin, "Event: Liability Update" (2026-05-28).
    """

    is_told_once: ClassVar[bool] = True
    other_shapes: ClassVar[Mapping[str, type[KnownEvent]]] = MappingProxyType({"L": UnifiedLiabilityChange})

    asset: str = field(metadata=text("a", "The asset.", core=True))
    liability_type: LiabilityType | LiabilityTypeWord = field(
        metadata=choice(LiabilityType, "t", "Why it changed.", core=True)
    )
    transaction_id: int | None = field(
        metadata=integer("T", "The transaction, which the interest history calls txId; no time, in spite of its key.")
    )
    principal: Decimal = field(metadata=amount("p", "The principal.", core=True))
    interest: Decimal | None = field(metadata=amount("i", "The interest."))
    total_liability: Decimal | None = field(metadata=amount("l", "The debt after the change."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class OpenOrderLossAsset(Shown):
    """One asset of an :class:`OpenOrderLoss`."""

    asset: str = field(metadata=text("a", "The asset.", core=True))
    loss_amount: Decimal = field(metadata=amount("o", "What is reserved; negative.", core=True))


@attrs.frozen(kw_only=True, weakref_slot=False)
class OpenOrderLoss(KnownEvent):
    """What is reserved for losses by open margin orders changed.

    Source: Binance Portfolio Margin, "Event: Open Order Loss Update" (2026-05-28).
    """

    losses: tuple[OpenOrderLossAsset, ...] = field(
        metadata=items(OpenOrderLossAsset, "O", "What is reserved in each asset.", core=True)
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class RiskLevelChange(KnownEvent):
    """The risk level of a Portfolio Margin or Portfolio Margin Pro account changed. It is a hint only.

    Source: Binance Portfolio Margin and Portfolio Margin Pro, "Event: Risk Level Change" (2026-05-28).
    """

    uni_mmr: Decimal | None = field(metadata=amount("u", "The account's maintenance margin rate, uniMMR."))
    risk_level: RiskLevel | RiskLevelWord | None = field(
        metadata=choice(RiskLevel, "s", "The level now; Pro accounts know NORMAL too.")
    )
    account_equity: Decimal | None = field(metadata=amount("eq", "The equity in USD."))
    actual_equity: Decimal | None = field(metadata=amount("ae", "The equity in USD without the collateral rate."))
    maintenance_margin: Decimal | None = field(metadata=amount("m", "The total maintenance margin in USD."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class PmProAccountUpdate(KnownEvent):
    """The totals of a Portfolio Margin Pro account in USD, every 5 s.

    Source: Binance Portfolio Margin Pro, "Event: PM Pro Account Update", and the change log of 2026-04-17 (2026-05-28).
    """

    uni_mmr: Decimal = field(metadata=amount("u", "The account's maintenance margin rate, uniMMR.", core=True))
    account_equity: Decimal | None = field(metadata=amount("eq", "The equity."))
    actual_equity: Decimal | None = field(metadata=amount("ae", "The equity without the collateral rate."))
    initial_margin: Decimal | None = field(metadata=amount("im", "The initial margin."))
    maintenance_margin: Decimal | None = field(metadata=amount("mm", "The maintenance margin."))
    available_balance: Decimal | None = field(metadata=amount("avb", "The available balance."))
    virtual_max_withdraw: Decimal | None = field(
        metadata=amount("vmw", "The most that could be withdrawn; can be None when recovered.")
    )


PORTFOLIO_MARGIN_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {
        "ORDER_TRADE_UPDATE": PortfolioMarginOrderTradeUpdate,
        "ACCOUNT_UPDATE": AccountUpdate,
        "ACCOUNT_CONFIG_UPDATE": AccountConfigUpdate,
        "ALGO_UPDATE": AlgoUpdate,
        "CONDITIONAL_ORDER_TRADE_UPDATE": ConditionalOrderTradeUpdate,
        "executionReport": PortfolioMarginExecutionReport,
        "listStatus": ListStatus,  # not documented here, but margin order lists exist
        "outboundAccountPosition": PortfolioMarginOutboundAccountPosition,
        "balanceUpdate": PortfolioMarginBalanceUpdate,
        "liabilityChange": LiabilityChange,
        "openOrderLoss": OpenOrderLoss,
        "riskLevelChange": RiskLevelChange,
        "listenKeyExpired": ListenKeyExpired,
    }
)
"""The typed event for each value of the wire's ``e``, on the stream of a Portfolio Margin account."""

PORTFOLIO_MARGIN_PRO_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {
        "PM_PRO_ACCOUNT_UPDATE": PmProAccountUpdate,
        "riskLevelChange": RiskLevelChange,
        "listenKeyExpired": ListenKeyExpired,
    }
)
"""The typed event for each value of the wire's ``e``, on the additional stream of a Portfolio Margin Pro account."""
