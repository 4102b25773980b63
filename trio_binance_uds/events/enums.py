"""The words that Binance Spot uses in its events, as open enums.

Open means that a field holds a plain ``str`` when the venue uses a word that is not listed here, so that a new word
never loses an event. Members are strings: compare them with ``==`` or in a ``case``. Beside each enum stand its words,
for annotations: see :mod:`words`.

Source: Binance Spot, "ENUM Definitions" and "User Data Streams", with the CHANGELOG up to 2026-07-17 (2026-07-21).
"""

from __future__ import annotations

from enum import unique
from typing import Literal, TypeAlias

from trio_binance_uds.events.words import OpenEnum


@unique
class Side(OpenEnum):
    """Which side of the book an order is on."""

    BUY = "BUY"
    SELL = "SELL"


SideWord: TypeAlias = Literal[
    "BUY",
    "SELL",
]


@unique
class OrderType(OpenEnum):
    """The type of an order."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP_LOSS = "STOP_LOSS"
    STOP_LOSS_LIMIT = "STOP_LOSS_LIMIT"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_LIMIT = "TAKE_PROFIT_LIMIT"
    LIMIT_MAKER = "LIMIT_MAKER"


OrderTypeWord: TypeAlias = Literal[
    "LIMIT", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT", "LIMIT_MAKER"
]


@unique
class TimeInForce(OpenEnum):
    """How long an order stays: until canceled, what fills at once, all at once or nothing."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"


TimeInForceWord: TypeAlias = Literal[
    "GTC",
    "IOC",
    "FOK",
]


@unique
class ExecutionType(OpenEnum):
    """What has just happened to an order."""

    NEW = "NEW"  #: accepted; once more when a contingent order is triggered
    CANCELED = "CANCELED"  #: by the user
    REPLACED = "REPLACED"  #: amended
    REJECTED = "REJECTED"
    TRADE = "TRADE"  #: filled, in part or wholly
    EXPIRED = "EXPIRED"  #: by its own rules or by the exchange; fills may have come before
    TRADE_PREVENTION = "TRADE_PREVENTION"  #: self-trade prevention


ExecutionTypeWord: TypeAlias = Literal[
    "NEW", "CANCELED", "REPLACED", "REJECTED", "TRADE", "EXPIRED", "TRADE_PREVENTION"
]


@unique
class OrderStatus(OpenEnum):
    """The state of an order after the report.

    Final are ``FILLED``, ``CANCELED``, ``REJECTED``, ``EXPIRED`` and ``EXPIRED_IN_MATCH``.
    """

    NEW = "NEW"
    PENDING_NEW = "PENDING_NEW"  #: waits for the working order of its list
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    PENDING_CANCEL = "PENDING_CANCEL"  #: listed by Binance as unused
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"  #: by self-trade prevention


OrderStatusWord: TypeAlias = Literal[
    "NEW",
    "PENDING_NEW",
    "PARTIALLY_FILLED",
    "FILLED",
    "CANCELED",
    "PENDING_CANCEL",
    "REJECTED",
    "EXPIRED",
    "EXPIRED_IN_MATCH",
]


@unique
class RejectReason(OpenEnum):
    """Why an order was rejected."""

    NONE = "NONE"  #: it was not
    INSUFFICIENT_BALANCES = "INSUFFICIENT_BALANCES"
    STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY = "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY"
    WOULD_MATCH_IMMEDIATELY = "WOULD_MATCH_IMMEDIATELY"
    OCO_BAD_PRICES = "OCO_BAD_PRICES"


RejectReasonWord: TypeAlias = Literal[
    "NONE", "INSUFFICIENT_BALANCES", "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY", "WOULD_MATCH_IMMEDIATELY", "OCO_BAD_PRICES"
]


@unique
class ExpiryReason(OpenEnum):
    """Why an order expired."""

    NONE = "NONE"
    REJECTED = "REJECTED"  #: refused when it was to enter the book, for want of funds or by a filter
    EXCHANGE_CANCELED = "EXCHANGE_CANCELED"
    OCO_TRIGGER = "OCO_TRIGGER"  #: the other leg started, or the whole list expired
    OTO_PHASE_ONE_EXPIRED = "OTO_PHASE_ONE_EXPIRED"  #: the working order expired, and the list with it
    UNFILLED_IOC_QUANTITY_EXPIRED = "UNFILLED_IOC_QUANTITY_EXPIRED"
    UNFILLED_FOK_ORDER_EXPIRED = "UNFILLED_FOK_ORDER_EXPIRED"
    INSUFFICIENT_LIQUIDITY = "INSUFFICIENT_LIQUIDITY"
    EXECUTION_RULE_PRICE_RANGE_EXCEEDED = "EXECUTION_RULE_PRICE_RANGE_EXCEEDED"


ExpiryReasonWord: TypeAlias = Literal[
    "NONE",
    "REJECTED",
    "EXCHANGE_CANCELED",
    "OCO_TRIGGER",
    "OTO_PHASE_ONE_EXPIRED",
    "UNFILLED_IOC_QUANTITY_EXPIRED",
    "UNFILLED_FOK_ORDER_EXPIRED",
    "INSUFFICIENT_LIQUIDITY",
    "EXECUTION_RULE_PRICE_RANGE_EXCEEDED",
]


@unique
class SelfTradePreventionMode(OpenEnum):
    """What happens when an order would meet another one of the same trade group."""

    NONE = "NONE"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"
    DECREMENT = "DECREMENT"
    TRANSFER = "TRANSFER"  #: moves balances between the accounts, without a trade


SelfTradePreventionModeWord: TypeAlias = Literal[
    "NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"
]


@unique
class MatchType(OpenEnum):
    """How an allocation came about."""

    ONE_PARTY_TRADE_REPORT = "ONE_PARTY_TRADE_REPORT"
    AUTO_MATCH = "AUTO_MATCH"  #: known from the SBE schema only


MatchTypeWord: TypeAlias = Literal[
    "ONE_PARTY_TRADE_REPORT",
    "AUTO_MATCH",
]


@unique
class WorkingFloor(OpenEnum):
    """Where an order is working."""

    EXCHANGE = "EXCHANGE"
    SOR = "SOR"  #: smart order routing
    BROKER = "BROKER"  #: known from the SBE schema only


WorkingFloorWord: TypeAlias = Literal[
    "EXCHANGE",
    "SOR",
    "BROKER",
]


@unique
class PegPriceType(OpenEnum):
    """Which price of the book a pegged order follows."""

    PRIMARY_PEG = "PRIMARY_PEG"  #: the best price on its own side
    MARKET_PEG = "MARKET_PEG"  #: the best price on the other side


PegPriceTypeWord: TypeAlias = Literal[
    "PRIMARY_PEG",
    "MARKET_PEG",
]


@unique
class PegOffsetType(OpenEnum):
    """What the offset of a pegged order counts."""

    PRICE_LEVEL = "PRICE_LEVEL"


PegOffsetTypeWord: TypeAlias = Literal["PRICE_LEVEL",]


@unique
class ContingencyType(OpenEnum):
    """How the orders of a list depend on each other; OTOCO, OPO and OPOCO lists report ``OTO``."""

    OCO = "OCO"
    OTO = "OTO"


ContingencyTypeWord: TypeAlias = Literal[
    "OCO",
    "OTO",
]


@unique
class ListStatusType(OpenEnum):
    """What has just happened to an order list."""

    RESPONSE = "RESPONSE"  #: the answer to a failed action
    EXEC_STARTED = "EXEC_STARTED"
    UPDATED = "UPDATED"  #: the client order id of a leg has changed
    ALL_DONE = "ALL_DONE"


ListStatusTypeWord: TypeAlias = Literal[
    "RESPONSE",
    "EXEC_STARTED",
    "UPDATED",
    "ALL_DONE",
]


@unique
class ListOrderStatus(OpenEnum):
    """The state of an order list."""

    EXECUTING = "EXECUTING"
    ALL_DONE = "ALL_DONE"
    REJECT = "REJECT"
    CANCELING = "CANCELING"  #: known from the SBE schema only


ListOrderStatusWord: TypeAlias = Literal[
    "EXECUTING",
    "ALL_DONE",
    "REJECT",
    "CANCELING",
]
