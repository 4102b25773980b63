"""The events of margin accounts: of their account stream, which are those of spot, and of the cross-margin risk stream.

Borrowed amounts and interest are in none of the account events. The risk stream tells them for cross margin; those of
an isolated pair must be asked for.

Source: Binance Margin Trading, "Trade Data Stream" (2026-01-15) and "Risk Data Stream" (2023-12-22 and later).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import unique
from types import MappingProxyType
from typing import Literal, TypeAlias

import attrs
from attrs import field

from trio_binance_uds.events.base import KnownEvent
from trio_binance_uds.events.fields import amount, choice, text
from trio_binance_uds.events.spot import (
    BalanceUpdate,
    EventStreamTerminated,
    ExecutionReport,
    ListenKeyExpired,
    ListStatus,
    OutboundAccountPosition,
    ServerShutdown,
)
from trio_binance_uds.events.words import OpenEnum


@unique
class MarginLevelStatus(OpenEnum):
    """How close a cross-margin account is to liquidation; documented is ``MARGIN_CALL``, libraries have the others."""

    EXCESSIVE = "EXCESSIVE"
    NORMAL = "NORMAL"
    MARGIN_CALL = "MARGIN_CALL"
    PRE_LIQUIDATION = "PRE_LIQUIDATION"
    FORCE_LIQUIDATION = "FORCE_LIQUIDATION"


MarginLevelStatusWord: TypeAlias = Literal[
    "EXCESSIVE",
    "NORMAL",
    "MARGIN_CALL",
    "PRE_LIQUIDATION",
    "FORCE_LIQUIDATION",
]


@unique
class LiabilityType(OpenEnum):
    """Why a debt changed. Only this word is documented: those of repayments and interest are not public."""

    BORROW = "BORROW"


LiabilityTypeWord: TypeAlias = Literal["BORROW",]


@attrs.frozen(kw_only=True, weakref_slot=False)
class MarginLevelStatusChange(KnownEvent):
    """The margin level of the cross-margin account crossed a threshold.

    Source: Binance Margin Trading, "Event: Margin Level Status Change" (2023-12-22).
    """

    margin_level: Decimal | None = field(metadata=amount("l", "The margin level."))
    margin_level_status: MarginLevelStatus | MarginLevelStatusWord | None = field(
        metadata=choice(MarginLevelStatus, "s", "What that level means.")
    )


@attrs.frozen(kw_only=True, weakref_slot=False)
class UserLiabilityChange(KnownEvent):
    """The debt of the cross-margin account changed: something was borrowed or repaid, or interest was charged.

    The amounts are presumably those of the change, which Binance does not say: ask for the account to know the debt.
    Nothing in the event tells two equal changes apart.

    Source: Binance Margin Trading, "Event: User Liability Change" (2023-12-22).
    """

    asset: str = field(metadata=text("a", "The asset.", core=True))
    liability_type: LiabilityType | LiabilityTypeWord = field(
        metadata=choice(LiabilityType, "t", "Why it changed.", core=True)
    )
    principal: Decimal = field(metadata=amount("p", "The principal.", core=True))
    interest: Decimal | None = field(
        metadata=amount("i", "The interest; None when recovered while its book did not answer.")
    )


MARGIN_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {
        "executionReport": ExecutionReport,
        "outboundAccountPosition": OutboundAccountPosition,
        "balanceUpdate": BalanceUpdate,
        "listStatus": ListStatus,
        "eventStreamTerminated": EventStreamTerminated,
        "serverShutdown": ServerShutdown,
    }
)
"""The typed event for each value of the wire's ``e``, on the account stream of cross or isolated margin."""

MARGIN_RISK_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {
        "MARGIN_LEVEL_STATUS_CHANGE": MarginLevelStatusChange,
        "USER_LIABILITY_CHANGE": UserLiabilityChange,
        "listenKeyExpired": ListenKeyExpired,
    }
)
"""The typed event for each value of the wire's ``e``, on the risk stream of cross margin."""
