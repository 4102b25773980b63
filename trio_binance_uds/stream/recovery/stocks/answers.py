"""The answers of the stocks routes: an order, with its fills where they are listed.

Words are in upper case here and in lower case on the stream; amounts are texts here and numbers there.

Source: ``binance-sdk-stocks`` 1.6.0 (2026-10), the models of the REST API; no page was seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import accumulate
from typing import Any, TypeAlias

import attrs

from trio_binance_uds.events import OrderReport, StockExecutionType, StockOrderStatus
from trio_binance_uds.stream.recovery.reading import Unreadable, amount, each, member, moment, text, whole

_RANKS: Mapping[str, int] = {"new": 0, "accepted": 1, "partially_filled": 2}
_ENDS = frozenset(status.value for status in StockOrderStatus) - _RANKS.keys()
_FINAL = 3
_ZERO = Decimal(0)

Progress: TypeAlias = tuple[Decimal, int]
"""How far an order has come: what is filled, and the rank of its status. It never becomes less."""


def is_final(status: str) -> bool:
    """Whether an order with this status, as the stream writes it, has ended; of an unknown status, that it has not."""
    return status in _ENDS


def has_ended(progress: Progress) -> bool:
    """Whether an order that has come so far can come no further."""
    return progress[1] == _FINAL


def progress_of(event: OrderReport) -> Progress:
    """Return how far the order of a report has come."""
    status = str(event.order_status)
    ended = event.execution_type == StockExecutionType.ORDER_TERMINAL or is_final(status)
    return event.filled_quantity or _ZERO, _FINAL if ended else _RANKS.get(status, 1)


@attrs.frozen(kw_only=True)
class FillAnswer:
    """One execution of an order."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    id: str
    price: Decimal
    quantity: Decimal
    time: datetime

    @classmethod
    def read(cls, raw: Any) -> FillAnswer:
        return cls(
            raw=raw,
            id=member(raw, "executionId", text),
            price=member(raw, "price", amount),
            quantity=member(raw, "qty", amount),
            time=member(raw, "executionAt", moment),
        )


@attrs.frozen(kw_only=True)
class OrderAnswer:
    """An order as a query returns it; ``status``, ``side`` and ``kind`` are in lower case, as on the stream.

    Attributes:
        fills: oldest first; empty where they are not listed.
    """

    raw: Mapping[str, Any] = attrs.field(repr=False)
    id: str
    symbol: str
    quote: str | None
    side: str
    kind: str
    price: Decimal | None
    quantity: Decimal | None
    notional: Decimal | None
    filled: Decimal
    session: str | None
    status: str
    created: datetime
    updated: datetime
    fills: tuple[FillAnswer, ...] = ()

    @classmethod
    def read(cls, raw: Any) -> OrderAnswer:
        """Read an order of ``open-orders``, ``history`` or ``detail``.

        Raises:
            Unreadable: it is none.
        """
        filled = _maybe(raw, "filledQty", amount)
        listed = [FillAnswer.read(fill) for fill in each(raw.get("trades") or [])]
        listed.reverse()  # They are listed with the newest first, those of one millisecond too.
        return cls(
            raw=raw,
            id=member(raw, "orderId", text),
            symbol=member(raw, "symbol", text),
            quote=_maybe(raw, "quote", text),
            side=member(raw, "side", text).lower(),
            kind=member(raw, "orderType", text).lower(),
            price=_maybe(raw, "limitPrice", amount),
            quantity=_maybe(raw, "qty", amount),
            notional=_maybe(raw, "notional", amount),
            filled=_ZERO if filled is None else filled,
            session=_maybe(raw, "session", text),
            status=member(raw, "status", text).lower(),
            created=member(raw, "createdAt", moment),
            updated=member(raw, "updatedAt", moment),
            fills=tuple(sorted(listed, key=lambda fill: fill.time)),
        )

    @property
    def is_open(self) -> bool:
        """Whether it has not ended, as far as its status is known to say so."""
        return not is_final(self.status)

    @property
    def progress(self) -> Progress:
        """How far it has come."""
        return self.filled, _FINAL if not self.is_open else _RANKS.get(self.status, 1)

    @property
    def filled_at(self) -> frozenset[Decimal]:
        """What was filled of it after each of its fills."""
        return frozenset(accumulate(fill.quantity for fill in self.fills))

    @property
    def adds_up(self) -> bool:
        """Whether its fills make up what is filled of it."""
        return sum((fill.quantity for fill in self.fills), _ZERO) == self.filled


def rows_of(raw: Any) -> list[Any]:
    """Return the rows on a page of a history."""
    return each(member(raw, "rows", whole))


def _maybe(raw: Any, name: str, convert: Any) -> Any:
    if type(raw) is not dict:
        raise Unreadable("an object was expected")
    return None if raw.get(name) is None else member(raw, name, convert)
