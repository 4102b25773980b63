"""What happened to one order between what was told of it and what the answers show: the reports that were missed.

An order's life is a row of steps: placed, modified, filled, ended. The answers give each step its time, and going
through them in order gives each report its running figures. Steps that no answer shows are not made up.

Within one millisecond a modification comes before fills: one that moves the price across the book fills at once. Of the
fill of a maker that is a guess.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, Literal

import attrs

from trio_binance_uds.events import FuturesExecutionType, OrderStatus, OrderTradeUpdate
from trio_binance_uds.stream.recovery.fill_sums import FillSums
from trio_binance_uds.stream.recovery.futures.answers import ZERO, AmendmentAnswer, FillAnswer, OrderAnswer
from trio_binance_uds.stream.recovery.futures.dialect import Dialect
from trio_binance_uds.stream.recovery.futures.reports import report_of

_DIGITS = Decimal("0.00000001")
# Orders of the venue that begin with their fill.
UNANNOUNCED = "settlement_autoclose-"


class Rank(IntEnum):
    """In which order things that share a millisecond are told."""

    CONDITIONAL = 0
    NEW = 1
    CHANGE = 2
    FILL = 3
    END = 4
    CONDITIONAL_END = 5


Place = tuple[datetime, Rank, int]
"""Where an event stands among the recovered ones: time, rank, and a number that rises."""


@attrs.frozen(kw_only=True)
class OrderFacts(FillSums[OrderAnswer, FillAnswer]):
    """What is known of an order; the fills and amendments are those that were not delivered.

    Attributes:
        told: what was told of it, or ``None``.
    """

    told: OrderAnswer | None
    amendments: list[AmendmentAnswer] = attrs.Factory(list)

    @property
    def delivered_filled(self) -> Decimal | None:
        """How much of it was delivered as filled; ``None``: nothing was delivered of it."""
        return None if self.told is None else self.told.executed

    def first_terms(self) -> tuple[Decimal, Decimal]:
        """Return quantity and price as they were before what was missed."""
        if self.told is not None:
            return self.told.terms
        return self.amendments[0].old if self.amendments else self.order.terms

    def has_missing_amendment(self) -> bool:
        """Whether quantity or price were modified in a way that is not listed."""
        terms = self.first_terms()
        for change in self.amendments:
            if change.old != terms:
                return True
            terms = change.new
        return terms != self.order.terms

    def unknown_turns(self) -> list[datetime]:
        """Return the milliseconds in which a modification and a fill met, and no answer says which of them came first.

        An order that fills as taker has been moved across the book just before.
        """
        made = {fill.time for fill in self.fills if fill.is_maker}
        return list(dict.fromkeys(change.time for change in self.amendments if change.time in made))


_Step = AmendmentAnswer | FillAnswer | Literal["born", "ended"]


def reports_of(facts: OrderFacts, dialect: Dialect, alias: str) -> list[tuple[Place, OrderTradeUpdate]]:
    """Return the reports that were missed, in order."""
    return list(_Life(facts, dialect, alias).reports())


class _Life:
    """The running figures of an order."""

    def __init__(self, facts: OrderFacts, dialect: Dialect, alias: str) -> None:
        self._facts = facts
        self._dialect = dialect
        self._alias = alias
        self._terms = facts.first_terms()
        self._filled = facts.filled_before
        self._lost = facts.lost_before()
        # Quantities at prices so far; what was filled before has one price, the average.
        self._parts: list[tuple[Decimal, Decimal]] = []
        if facts.told is not None and facts.told.executed:
            self._parts.append((facts.told.executed, facts.told.average_price))
        self._ended = False

    def reports(self) -> Iterator[tuple[Place, OrderTradeUpdate]]:
        reached: Place | None = None
        for place, step in self._steps():
            if self._ended:
                return
            report = self._take(place[0], step)
            if report is not None:
                reached = place if reached is None else max(reached, place)
                yield reached, report

    def _steps(self) -> list[tuple[Place, _Step]]:
        facts, order = self._facts, self._facts.order
        steps: list[tuple[Place, _Step]] = []
        if facts.is_born and order.status != "REJECTED" and not order.client_order_id.startswith(UNANNOUNCED):
            assert order.created is not None
            steps.append(((order.created, Rank.NEW, 0), "born"))
        steps += [((change.time, Rank.CHANGE, change.amendment_id), change) for change in facts.amendments]
        steps += [((fill.time, Rank.FILL, fill.trade_id), fill) for fill in facts.fills]
        steps.sort(key=lambda step: step[0])
        if order.is_final:
            steps.append(((order.updated, Rank.END, 0), "ended"))
        return steps

    def _take(self, at: datetime, step: _Step) -> OrderTradeUpdate | None:
        match step:
            case FillAnswer():
                return self._on_fill(at, step)
            case AmendmentAnswer():
                self._terms = step.new
                return self._report(FuturesExecutionType.AMENDMENT, at, raw={"amendment": step.raw})
            case "born":
                return self._report(FuturesExecutionType.NEW, at)
            case _:
                return self._on_end(at)

    def _on_fill(self, at: datetime, fill: FillAnswer) -> OrderTradeUpdate:
        order = self._facts.order
        self._filled, self._lost = self._filled + self._lost + fill.quantity, ZERO
        self._parts.append((fill.quantity, fill.price))
        self._ended = order.status == "FILLED" and self._filled == order.executed
        if self._ended:
            self._terms = order.terms  # the answer's word, also where a modification is missing
        return self._report(
            FuturesExecutionType.TRADE,
            at,
            status=OrderStatus.FILLED if self._ended else None,
            raw={"trade": fill.raw},
            last_filled_quantity=fill.quantity,
            last_filled_price=fill.price,
            commission_asset=fill.commission_asset,
            commission=fill.commission,
            trade_id=fill.trade_id,
            is_maker=fill.is_maker,
            realized_profit=fill.realized_profit,
        )

    def _on_end(self, at: datetime) -> OrderTradeUpdate | None:
        order = self._facts.order
        if order.status in ("FILLED", "REJECTED"):
            return None  # The fill that would say so is not known; and of a refused order no stream tells.
        self._ended = True
        # What is said of the end is the answer's word, also where fills or modifications are missing.
        self._filled, self._terms = order.executed, order.terms
        is_canceled = order.status == "CANCELED"
        kind = FuturesExecutionType.CANCELED if is_canceled else FuturesExecutionType.EXPIRED
        return self._report(kind, at, status=order.state["order_status"])

    def _average_price(self) -> Decimal:
        order = self._facts.order
        if self._filled == order.executed:
            return order.average_price
        # A price of 0 is none, as an answer of the venue can have it: then nobody knows the average.
        is_known = bool(self._parts) and all(quantity and price for quantity, price in self._parts)
        return self._dialect.average(self._parts).quantize(_DIGITS) if is_known else ZERO

    def _report(
        self,
        kind: FuturesExecutionType,
        at: datetime,
        *,
        status: OrderStatus | str | None = None,
        raw: dict[str, Any] | None = None,
        **details: Any,
    ) -> OrderTradeUpdate:
        if status is None:
            status = OrderStatus.PARTIALLY_FILLED if self._filled else OrderStatus.NEW
        return report_of(
            self._facts.order,
            self._dialect,
            self._alias,
            raw=raw,
            **{
                "execution_type": kind,
                "order_status": status,
                "order_trade_time": at,
                "original_quantity": self._terms[0],
                "original_price": self._terms[1],
                "filled_accumulated_quantity": self._filled,
                "average_price": self._average_price(),
                **details,
            },
        )
