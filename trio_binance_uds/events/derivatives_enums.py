"""The words that Binance's derivatives use in their events, as open enums.

What they share with spot is in :mod:`trio_binance_uds.events.enums`: sides, the states of an order, and the modes of
self-trade prevention.

Source: Binance Derivatives, "Common Definition" and "User Data Streams" of each product (2026-05-28), with the change
log up to 2026-08-21.
"""

from __future__ import annotations

from enum import unique
from typing import Literal, TypeAlias

from trio_binance_uds.events.words import OpenEnum


@unique
class BusinessUnit(OpenEnum):
    """Which futures an event of a Portfolio Margin account is about."""

    UM = "UM"  #: USD-M
    CM = "CM"  #: COIN-M


BusinessUnitWord: TypeAlias = Literal[
    "UM",
    "CM",
]


@unique
class PositionSide(OpenEnum):
    """Which position of a symbol: the only one in one-way mode, or one of the two in hedge mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


PositionSideWord: TypeAlias = Literal[
    "BOTH",
    "LONG",
    "SHORT",
]


@unique
class MarginType(OpenEnum):
    """How a position is margined, as an account update writes it; a margin call has words of its own."""

    CROSS = "cross"
    ISOLATED = "isolated"


MarginTypeWord: TypeAlias = Literal[
    "cross",
    "isolated",
]


@unique
class MarginCallMarginType(OpenEnum):
    """How a position is margined, as a margin call writes it."""

    CROSSED = "CROSSED"
    ISOLATED = "ISOLATED"


MarginCallMarginTypeWord: TypeAlias = Literal[
    "CROSSED",
    "ISOLATED",
]


@unique
class FuturesOrderType(OpenEnum):
    """The type of an order."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"
    LIQUIDATION = "LIQUIDATION"  #: placed by the venue


FuturesOrderTypeWord: TypeAlias = Literal[
    "LIMIT", "MARKET", "STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET", "LIQUIDATION"
]


@unique
class FuturesTimeInForce(OpenEnum):
    """How long an order stays."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"  #: post only
    GTD = "GTD"  #: until its auto-cancel time
    RPI = "RPI"  #: retail price improvement
    GTE_GTC = "GTE_GTC"  #: as long as the position that it closes; met on the wire, and not listed


FuturesTimeInForceWord: TypeAlias = Literal[
    "GTC",
    "IOC",
    "FOK",
    "GTX",
    "GTD",
    "RPI",
    "GTE_GTC",
]


@unique
class FuturesExecutionType(OpenEnum):
    """What has just happened to an order; one that is refused is reported nowhere but in the answer to its request."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    CALCULATED = "CALCULATED"  #: the venue liquidates
    EXPIRED = "EXPIRED"
    TRADE = "TRADE"
    AMENDMENT = "AMENDMENT"  #: modified


FuturesExecutionTypeWord: TypeAlias = Literal[
    "NEW",
    "CANCELED",
    "CALCULATED",
    "EXPIRED",
    "TRADE",
    "AMENDMENT",
]


@unique
class FuturesExpiryReason(OpenEnum):
    """Why an order expired; the wire has the number, as a text."""

    NONE = "0"
    SELF_TRADE_PREVENTION = "1"
    UNFILLED_IOC = "2"  #: the rest of an IOC order
    UNFILLED_IOC_SELF_TRADE_PREVENTION = "3"  #: the rest of an IOC order, by self-trade prevention
    REDUCE_ONLY_DISPLACED = "4"  #: another reduce-only order had priority, or the position flipped
    LIQUIDATION = "5"
    GTE_CONDITION = "6"  #: the condition of a GTE order no longer holds
    SYMBOL_DELISTED = "7"
    STOP_TRIGGERED = "8"  #: the order that it hung on expired when the stop was triggered
    UNFILLED_MARKET = "9"  #: the rest of a market order
    UNFILLED_FOK = "10"  #: it could not be filled whole; only on COIN-M
    POST_ONLY = "11"  #: it would have taken liquidity; only on COIN-M


FuturesExpiryReasonWord: TypeAlias = Literal[
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "10",
    "11",
]


@unique
class WorkingType(OpenEnum):
    """Which price triggers a conditional order."""

    MARK_PRICE = "MARK_PRICE"
    CONTRACT_PRICE = "CONTRACT_PRICE"


WorkingTypeWord: TypeAlias = Literal[
    "MARK_PRICE",
    "CONTRACT_PRICE",
]


@unique
class PriceMatchMode(OpenEnum):
    """Which price of the book an order took for its own; the numbers are levels away from the best."""

    NONE = "NONE"
    OPPONENT = "OPPONENT"
    OPPONENT_5 = "OPPONENT_5"
    OPPONENT_10 = "OPPONENT_10"
    OPPONENT_20 = "OPPONENT_20"
    QUEUE = "QUEUE"
    QUEUE_5 = "QUEUE_5"
    QUEUE_10 = "QUEUE_10"
    QUEUE_20 = "QUEUE_20"


PriceMatchModeWord: TypeAlias = Literal[
    "NONE", "OPPONENT", "OPPONENT_5", "OPPONENT_10", "OPPONENT_20", "QUEUE", "QUEUE_5", "QUEUE_10", "QUEUE_20"
]


@unique
class AccountUpdateReason(OpenEnum):
    """Why balances or positions changed; not every product uses every word."""

    DEPOSIT = "DEPOSIT"
    WITHDRAW = "WITHDRAW"
    ORDER = "ORDER"
    FUNDING_FEE = "FUNDING_FEE"
    WITHDRAW_REJECT = "WITHDRAW_REJECT"
    ADJUSTMENT = "ADJUSTMENT"
    INSURANCE_CLEAR = "INSURANCE_CLEAR"
    ADMIN_DEPOSIT = "ADMIN_DEPOSIT"
    ADMIN_WITHDRAW = "ADMIN_WITHDRAW"
    MARGIN_TRANSFER = "MARGIN_TRANSFER"
    MARGIN_TYPE_CHANGE = "MARGIN_TYPE_CHANGE"
    ASSET_TRANSFER = "ASSET_TRANSFER"
    OPTIONS_PREMIUM_FEE = "OPTIONS_PREMIUM_FEE"
    OPTIONS_SETTLE_PROFIT = "OPTIONS_SETTLE_PROFIT"
    AUTO_EXCHANGE = "AUTO_EXCHANGE"
    COIN_SWAP_DEPOSIT = "COIN_SWAP_DEPOSIT"
    COIN_SWAP_WITHDRAW = "COIN_SWAP_WITHDRAW"


AccountUpdateReasonWord: TypeAlias = Literal[
    "DEPOSIT",
    "WITHDRAW",
    "ORDER",
    "FUNDING_FEE",
    "WITHDRAW_REJECT",
    "ADJUSTMENT",
    "INSURANCE_CLEAR",
    "ADMIN_DEPOSIT",
    "ADMIN_WITHDRAW",
    "MARGIN_TRANSFER",
    "MARGIN_TYPE_CHANGE",
    "ASSET_TRANSFER",
    "OPTIONS_PREMIUM_FEE",
    "OPTIONS_SETTLE_PROFIT",
    "AUTO_EXCHANGE",
    "COIN_SWAP_DEPOSIT",
    "COIN_SWAP_WITHDRAW",
]


@unique
class AlgoType(OpenEnum):
    """The kind of an algo order."""

    CONDITIONAL = "CONDITIONAL"


AlgoTypeWord: TypeAlias = Literal["CONDITIONAL",]


@unique
class AlgoStatus(OpenEnum):
    """The state of an algo order: ``NEW``, ``TRIGGERING``, ``TRIGGERED``, ``FINISHED``, or one of the other ends."""

    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"  #: the real order is in the matching engine
    FINISHED = "FINISHED"  #: the real order was filled or canceled
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"  #: by the system
    REJECTED = "REJECTED"  #: the real order was refused by the matching engine


AlgoStatusWord: TypeAlias = Literal[
    "NEW",
    "TRIGGERING",
    "TRIGGERED",
    "FINISHED",
    "CANCELED",
    "EXPIRED",
    "REJECTED",
]


@unique
class ConditionalOrderStatus(OpenEnum):
    """The state of a conditional order of a Portfolio Margin account."""

    NEW = "NEW"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"


ConditionalOrderStatusWord: TypeAlias = Literal[
    "NEW",
    "CANCELED",
    "EXPIRED",
    "TRIGGERED",
    "FINISHED",
]


@unique
class StrategyStatus(OpenEnum):
    """The state of a strategy."""

    NEW = "NEW"
    WORKING = "WORKING"
    CANCELLED = "CANCELLED"
    EXPIRED = "EXPIRED"


StrategyStatusWord: TypeAlias = Literal[
    "NEW",
    "WORKING",
    "CANCELLED",
    "EXPIRED",
]


@unique
class RiskLevel(OpenEnum):
    """How close an account is to liquidation; options know ``NORMAL`` and ``REDUCE_ONLY`` only."""

    NORMAL = "NORMAL"
    MARGIN_CALL = "MARGIN_CALL"
    REDUCE_ONLY = "REDUCE_ONLY"
    FORCE_LIQUIDATION = "FORCE_LIQUIDATION"


RiskLevelWord: TypeAlias = Literal[
    "NORMAL",
    "MARGIN_CALL",
    "REDUCE_ONLY",
    "FORCE_LIQUIDATION",
]
