"""What the margin routes say of a cross-margin account's debt: its changes, what it is, and the margin level.

Source: Binance Margin Trading, "Borrow and Repay", "Account" (2026-01-15).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import attrs

from trio_binance_uds.stream.recovery.reading import Unreadable, amount, each, member, moment, text, whole

BORROW = "BORROW"
REPAY = "REPAY"
INTEREST = "INTEREST"
ON_BORROW = "ON_BORROW"

_ZERO = Decimal(0)


@attrs.frozen(kw_only=True)
class DebtChange:
    """Something borrowed, repaid, or charged as interest.

    Attributes:
        kind: BORROW, REPAY or INTEREST; or ON_BORROW, the interest that a loan costs at once, which the event of the
            loan tells.
        number: the transaction.
        principal, interest: the amounts of the change, not negative; of ON_BORROW the principal is the loan's.
    """

    raw: Mapping[str, Any] = attrs.field(repr=False)
    kind: str
    number: int | str
    asset: str
    principal: Decimal
    interest: Decimal
    time: datetime

    @property
    def delta(self) -> tuple[Decimal, Decimal]:
        """By how much the principal and the interest that are owed have changed."""
        match self.kind:
            case "BORROW":
                return self.principal, _ZERO
            case "REPAY":
                return -self.principal, -self.interest
            case _:
                return _ZERO, self.interest


def read_loan(raw: Any, kind: str, symbol: str | None = None) -> DebtChange | None:
    """Read a row of ``borrow-repay``; ``None``: it is another margin account's, or has not succeeded."""
    if member(raw, "status", text) != "CONFIRMED" or (raw.get("isolatedSymbol") or None) != symbol:
        return None
    return DebtChange(
        raw=raw,
        kind=kind,
        number=member(raw, "txId", _number),
        asset=member(raw, "asset", text),
        principal=member(raw, "principal", amount),
        interest=member(raw, "interest", amount),
        time=member(raw, "timestamp", moment),
    )


def read_interest(raw: Any, symbol: str | None = None) -> DebtChange | None:
    """Read a row of ``interestHistory``; ``None``: it is another margin account's."""
    number, asset = member(raw, "txId", _number), member(raw, "asset", text)
    interest, time = member(raw, "interest", amount), member(raw, "interestAccuredTime", moment)
    is_first = member(raw, "type", text) == ON_BORROW
    principal = member(raw, "principal", amount) if is_first else _ZERO
    if (raw.get("isolatedSymbol") or None) != symbol:
        return None
    return DebtChange(
        raw=raw,
        kind=ON_BORROW if is_first else INTEREST,
        number=number,
        asset=asset,
        principal=principal,
        interest=interest,
        time=time,
    )


def _number(value: Any) -> int | str:
    if type(value) is int or type(value) is str:
        return value
    raise ValueError("is neither a number nor a text")


@attrs.frozen(kw_only=True)
class DebtAnswer:
    """The margin level and what is owed, by asset: principal and interest.

    Attributes:
        asked, answered: between these it was so.
        status: what the margin level means, where the answer says so: of an isolated pair.
    """

    raw: Mapping[str, Any] = attrs.field(repr=False)
    level: Decimal
    debts: Mapping[str, tuple[Decimal, Decimal]]
    asked: datetime
    answered: datetime
    status: str | None = None

    @classmethod
    def read(cls, raw: Any, asked: datetime, answered: datetime) -> DebtAnswer:
        rows = each(member(raw, "userAssets", whole))
        return cls(
            raw=raw,
            level=member(raw, "marginLevel", amount),
            debts={
                member(row, "asset", text): (member(row, "borrowed", amount), member(row, "interest", amount))
                for row in rows
            },
            asked=asked,
            answered=answered,
        )

    @classmethod
    def read_isolated(cls, raw: Any, asked: datetime, answered: datetime) -> DebtAnswer:
        """Read ``isolated/account``, asked for one pair.

        Raises:
            Unreadable: it is not one pair.
        """
        pairs = each(member(raw, "assets", whole))
        if len(pairs) != 1:
            raise Unreadable(f"one isolated pair was expected, not {len(pairs)}")
        (pair,) = pairs
        sides = [member(pair, name, whole) for name in ("baseAsset", "quoteAsset")]
        return attrs.evolve(
            cls.read({"marginLevel": pair.get("marginLevel"), "userAssets": sides}, asked, answered),
            raw=raw,
            status=member(pair, "marginLevelStatus", text),
        )

    def owed(self, asset: str) -> tuple[Decimal, Decimal]:
        """Return principal and interest that are owed in an asset."""
        return self.debts.get(asset, (_ZERO, _ZERO))


@attrs.frozen
class Bars:
    """Between which margin levels an account is called for margin.

    Which words the stream uses on either side is documented for the call alone: a level of 1.1 is MARGIN_CALL. The
    others are those that libraries know.
    """

    margin_call: Decimal
    liquidation: Decimal

    @classmethod
    def read(cls, raw: Any) -> Bars:
        """Read ``tradeCoeff``.

        Raises:
            Unreadable: the bars do not follow each other.
        """
        bars = cls(member(raw, "marginCallBar", amount), member(raw, "forceLiquidationBar", amount))
        if bars.liquidation > bars.margin_call:
            raise Unreadable("the bar of liquidation is above that of the margin call")
        return bars

    def words(self, level: Decimal) -> tuple[str, ...]:
        """Return the statuses that a margin level may have, the likeliest first."""
        if level > self.margin_call:
            return ("NORMAL", "EXCESSIVE")
        return ("MARGIN_CALL", "PRE_LIQUIDATION") if level >= self.liquidation else ("FORCE_LIQUIDATION",)
