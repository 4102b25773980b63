"""Everything that can come out of a stream: the venue's events, typed, and the library's own notices.

The events of the Spot API are imported with this package. Those of the other products are when one of their names is
first asked for, as to make all these classes takes as long as to import trio.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trio_binance_uds.events.base import Event, KnownEvent, UndecodableEvent, UnknownEvent, UntypedEvent
from trio_binance_uds.events.enums import (
    ContingencyType,
    ExecutionType,
    ExpiryReason,
    ListOrderStatus,
    ListStatusType,
    MatchType,
    OrderStatus,
    OrderType,
    PegOffsetType,
    PegPriceType,
    RejectReason,
    SelfTradePreventionMode,
    Side,
    TimeInForce,
    WorkingFloor,
)
from trio_binance_uds.events.fields import Fault
from trio_binance_uds.events.notices import (
    BaselineKnown,
    BaselineMissing,
    CredentialsRefused,
    DisconnectCause,
    Disconnected,
    Gap,
    GapCause,
    LeaseAtRisk,
    Notice,
    Proven,
    ReconnectFailed,
    Shedding,
    Unproven,
)
from trio_binance_uds.events.spot import (
    SPOT_EVENTS,
    Balance,
    BalanceUpdate,
    EventStreamTerminated,
    ExecutionReport,
    ExternalLockUpdate,
    ListenKeyExpired,
    ListStatus,
    ListStatusOrder,
    OutboundAccountPosition,
    ServerShutdown,
)
from trio_binance_uds.events.words import OpenEnum

if TYPE_CHECKING:
    from trio_binance_uds.events.coinm import COINM_EVENTS, CoinmOrderTradeUpdate
    from trio_binance_uds.events.derivatives_enums import (
        AccountUpdateReason,
        AlgoStatus,
        AlgoType,
        BusinessUnit,
        ConditionalOrderStatus,
        FuturesExecutionType,
        FuturesExpiryReason,
        FuturesOrderType,
        FuturesTimeInForce,
        MarginCallMarginType,
        MarginType,
        PositionSide,
        PriceMatchMode,
        RiskLevel,
        StrategyStatus,
        WorkingType,
    )
    from trio_binance_uds.events.futures import (
        AccountConfigUpdate,
        AccountUpdate,
        AccountUpdateBalance,
        AccountUpdatePosition,
        MarginCall,
        MarginCallPosition,
        OrderTradeUpdate,
    )
    from trio_binance_uds.events.margin import (
        MARGIN_EVENTS,
        MARGIN_RISK_EVENTS,
        LiabilityType,
        MarginLevelStatus,
        MarginLevelStatusChange,
        UserLiabilityChange,
    )
    from trio_binance_uds.events.options import (
        OPTIONS_EVENTS,
        BalancePositionUpdate,
        Greek,
        GreekUpdate,
        OptionsAccountUpdate,
        OptionsBalance,
        OptionsOrderTradeUpdate,
        OptionsPosition,
        OptionsRiskLevelChange,
    )
    from trio_binance_uds.events.portfolio_margin import (
        PORTFOLIO_MARGIN_EVENTS,
        PORTFOLIO_MARGIN_PRO_EVENTS,
        ConditionalOrderTradeUpdate,
        LiabilityChange,
        OpenOrderLoss,
        OpenOrderLossAsset,
        PmProAccountUpdate,
        PortfolioMarginBalanceUpdate,
        PortfolioMarginExecutionReport,
        PortfolioMarginOrderTradeUpdate,
        PortfolioMarginOutboundAccountPosition,
        RiskLevelChange,
    )
    from trio_binance_uds.events.stocks import (
        STOCKS_EVENTS,
        OrderReport,
        StockExecutionType,
        StockOrderStatus,
        StockOrderType,
        StockSide,
    )
    from trio_binance_uds.events.strategies import AlgoUpdate, GridUpdate, StrategyUpdate
    from trio_binance_uds.events.unified_margin import (
        MARGIN_LISTEN_KEY_EVENTS,
        MarginLevelChange,
        UnifiedLiability,
        UnifiedLiabilityChange,
        UnifiedLiabilityType,
    )
    from trio_binance_uds.events.usdm import USDM_EVENTS, ConditionalOrderTriggerReject, TradeLite, UsdmOrderTradeUpdate

__all__ = [
    "COINM_EVENTS",
    "MARGIN_EVENTS",
    "MARGIN_LISTEN_KEY_EVENTS",
    "MARGIN_RISK_EVENTS",
    "OPTIONS_EVENTS",
    "PORTFOLIO_MARGIN_EVENTS",
    "PORTFOLIO_MARGIN_PRO_EVENTS",
    "SPOT_EVENTS",
    "STOCKS_EVENTS",
    "USDM_EVENTS",
    "AccountConfigUpdate",
    "AccountUpdate",
    "AccountUpdateBalance",
    "AccountUpdatePosition",
    "AccountUpdateReason",
    "AlgoStatus",
    "AlgoType",
    "AlgoUpdate",
    "Balance",
    "BalancePositionUpdate",
    "BalanceUpdate",
    "BaselineKnown",
    "BaselineMissing",
    "BusinessUnit",
    "CoinmOrderTradeUpdate",
    "ConditionalOrderStatus",
    "ConditionalOrderTradeUpdate",
    "ConditionalOrderTriggerReject",
    "ContingencyType",
    "CredentialsRefused",
    "DisconnectCause",
    "Disconnected",
    "Event",
    "EventStreamTerminated",
    "ExecutionReport",
    "ExecutionType",
    "ExpiryReason",
    "ExternalLockUpdate",
    "Fault",
    "FuturesExecutionType",
    "FuturesExpiryReason",
    "FuturesOrderType",
    "FuturesTimeInForce",
    "Gap",
    "GapCause",
    "Greek",
    "GreekUpdate",
    "GridUpdate",
    "KnownEvent",
    "LeaseAtRisk",
    "LiabilityChange",
    "LiabilityType",
    "ListOrderStatus",
    "ListStatus",
    "ListStatusOrder",
    "ListStatusType",
    "ListenKeyExpired",
    "MarginCall",
    "MarginCallMarginType",
    "MarginCallPosition",
    "MarginLevelChange",
    "MarginLevelStatus",
    "MarginLevelStatusChange",
    "MarginType",
    "MatchType",
    "Notice",
    "OpenEnum",
    "OpenOrderLoss",
    "OpenOrderLossAsset",
    "OptionsAccountUpdate",
    "OptionsBalance",
    "OptionsOrderTradeUpdate",
    "OptionsPosition",
    "OptionsRiskLevelChange",
    "OrderReport",
    "OrderStatus",
    "OrderTradeUpdate",
    "OrderType",
    "OutboundAccountPosition",
    "PegOffsetType",
    "PegPriceType",
    "PmProAccountUpdate",
    "PortfolioMarginBalanceUpdate",
    "PortfolioMarginExecutionReport",
    "PortfolioMarginOrderTradeUpdate",
    "PortfolioMarginOutboundAccountPosition",
    "PositionSide",
    "PriceMatchMode",
    "Proven",
    "ReconnectFailed",
    "RejectReason",
    "RiskLevel",
    "RiskLevelChange",
    "SelfTradePreventionMode",
    "ServerShutdown",
    "Shedding",
    "Side",
    "StockExecutionType",
    "StockOrderStatus",
    "StockOrderType",
    "StockSide",
    "StrategyStatus",
    "StrategyUpdate",
    "TimeInForce",
    "TradeLite",
    "UndecodableEvent",
    "UnifiedLiability",
    "UnifiedLiabilityChange",
    "UnifiedLiabilityType",
    "UnknownEvent",
    "Unproven",
    "UntypedEvent",
    "UsdmOrderTradeUpdate",
    "UserLiabilityChange",
    "WorkingFloor",
    "WorkingType",
]

# In this order they are looked through: a module behind those that it imports.
_LATER = (
    "margin",
    "derivatives_enums",
    "strategies",
    "futures",
    "usdm",
    "coinm",
    "options",
    "unified_margin",
    "portfolio_margin",
    "stocks",
)


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    modules = (vars(import_module(f"{__name__}.{module}")) for module in _LATER)
    value = globals()[name] = next(members[name] for members in modules if name in members)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
