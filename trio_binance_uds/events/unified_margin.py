"""The events of margin under a unified account, and those of the margin listen key of version 2.

Both are known second hand: the streams exist since October 2026, and no sample of a frame is public.

Source: Binance Margin Trading, change log of 2026-09-25, as others report it.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import unique
from types import MappingProxyType
from typing import Literal, TypeAlias

import attrs
from attrs import field

from trio_binance_uds.events.base import KnownEvent, Shown
from trio_binance_uds.events.fields import amount, choice, items, text
from trio_binance_uds.events.margin import MARGIN_EVENTS, MARGIN_RISK_EVENTS, MarginLevelStatusChange
from trio_binance_uds.events.words import OpenEnum


@unique
class UnifiedLiabilityType(OpenEnum):
    """Why the debt of a unified account changed."""

    BORROW = "BORROW"
    REPAY = "REPAY"
    INTEREST = "INTEREST"
    DEBT_CHANGE = "DEBT_CHANGE"


UnifiedLiabilityTypeWord: TypeAlias = Literal[
    "BORROW",
    "REPAY",
    "INTEREST",
    "DEBT_CHANGE",
]


@attrs.frozen(kw_only=True, weakref_slot=False)
class MarginLevelChange(MarginLevelStatusChange):
    """The margin level of a unified account crossed a threshold.

    Source: Binance Margin Trading, change log of 2026-09-25, second hand.
    """


@attrs.frozen(kw_only=True, weakref_slot=False)
class UnifiedLiability(Shown):
    """One asset of a :class:`UnifiedLiabilityChange`."""

    asset: str = field(metadata=text("a", "The asset.", core=True))
    principal: Decimal = field(metadata=amount("p", "The principal.", core=True))
    interest: Decimal | None = field(metadata=amount("i", "The interest."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class UnifiedLiabilityChange(KnownEvent):
    """The debt of a unified account changed.

    On the wire it has the name of Portfolio Margin's event and another shape: it lists assets. Whether the amounts are
    those of the change or what is owed then is not known.

    Source: Binance Margin Trading, change log of 2026-09-25, second hand.
    """

    liability_type: UnifiedLiabilityType | UnifiedLiabilityTypeWord = field(
        metadata=choice(UnifiedLiabilityType, "t", "Why it changed.", core=True)
    )
    liabilities: tuple[UnifiedLiability, ...] = field(
        metadata=items(UnifiedLiability, "L", "The assets whose debt changed.", core=True)
    )


_UNIFIED: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {"marginLevelChange": MarginLevelChange, "liabilityChange": UnifiedLiabilityChange}
)

MARGIN_LISTEN_KEY_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {**MARGIN_EVENTS, **MARGIN_RISK_EVENTS, **_UNIFIED}
)
"""The typed event for each value of the wire's ``e``, on a stream of account and risk events with one listen key."""
