"""What happened to one order between what was told of it and what the answers show: the reports that were missed.

An order's life is a row of steps: born, working (a contingent order was triggered, a pending one was placed), fills,
changes (amended, made smaller by self-trade prevention), end. The answers give each step its time, and going through
them in order gives each report its running figures. Steps that no answer shows are not made up.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from typing import Any, Literal

import attrs

from trio_binance_uds.events import ExecutionReport, ExecutionType, OrderStatus
from trio_binance_uds.stream.recovery.spot.answers import (
    CONTINGENT_TYPES,
    AmendmentAnswer,
    FillAnswer,
    OrderAnswer,
    PreventionAnswer,
)
from trio_binance_uds.stream.recovery.spot.reports import ZERO, report_of

_RESTING_TYPES = frozenset({"LIMIT", "LIMIT_MAKER", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"})


class Rank(IntEnum):
    """In which order things that share a millisecond are told."""

    LIST_STARTED = 0
    NEW = 1
    FILL = 2
    CHANGE = 3
    END = 4
    LIST_DONE = 5


Place = tuple[datetime, Rank, int]
"""Where an event stands among the recovered ones: time, rank, and a number that rises."""


@attrs.frozen(kw_only=True)
class OrderFacts:
    """What is known of an order.

    Attributes:
        order: the newest answer.
        told: the last report that was told of it, or ``None``.
        is_born: whether it was placed in the gap, so that its beginning must be told.
        since: for an order that is neither told nor born, when the stream began: what was before is none of its
            business.
        is_pending_leg: whether it had to wait for the working order of its list.
        activated_at: when the working order of its list was filled, if it waited for that.
        first_client_order_id: the client order id that it was placed with, where it is known from its list.
        fills, amendments, preventions: those that were not told.
        is_sparse: whether the answer does not say what self-trade prevention took off the order.
    """

    order: OrderAnswer
    told: ExecutionReport | None
    is_born: bool
    since: datetime | None = None
    is_pending_leg: bool = False
    activated_at: datetime | None = None
    first_client_order_id: str | None = None
    fills: list[FillAnswer] = attrs.Factory(list)
    amendments: list[AmendmentAnswer] = attrs.Factory(list)
    preventions: list[PreventionAnswer] = attrs.Factory(list)
    is_sparse: bool = False

    @property
    def filled_before(self) -> Decimal:
        """How much of it was filled before what was missed."""
        if self.told is not None:
            return self.told.cumulative_filled_quantity
        return ZERO if self.is_born else self.order.executed - sum((fill.quantity for fill in self.fills), ZERO)

    def missing_quantity(self) -> Decimal:
        """How much the order says is filled beyond the fills that are there; negative: there are too many."""
        known = sum((fill.quantity for fill in self.fills if fill.time <= self.order.updated), ZERO)
        return self.order.executed - self.filled_before - known

    def has_missing_amendment(self) -> bool:
        """Whether the order was made smaller by an amendment that is not there."""
        last = self.amendments[-1].new_quantity if self.amendments else None
        if last is None:
            last = self.order.quantity if self.told is None else self.told.order_quantity
        return last != self.order.quantity and self.order.state["quote_order_quantity"] == 0

    def lost_before(self) -> Decimal:
        """How much was filled before the fills that are there, and is not among them.

        Where the newest fill is there, it is older ones that are lacking: they were lost in an earlier gap.
        """
        has_newest = bool(self.fills) and self.fills[-1].time == self.order.updated
        return max(ZERO, self.missing_quantity()) if has_newest else ZERO

    def missing_prevention(self) -> Decimal:
        """How much the order says self-trade prevention took off beyond the prevented matches that are there."""
        if self.told is None and not self.is_born:
            return ZERO  # Nobody knows what it was before.
        before = ZERO if self.told is None else self.told.prevented_quantity or ZERO
        return self.order.prevented - before - sum((m.taken_from(self.order.order_id) for m in self.preventions), ZERO)

    def has_hidden_prevention(self) -> bool:
        """Whether self-trade prevention must have come upon the order, and where is not there."""
        order = self.order
        if not self.is_sparse:
            return False
        match order.status:
            case "EXPIRED_IN_MATCH":
                return not self.preventions
            case _ if self.told is None and not self.is_born:
                return False  # Nobody knows what it was before.
            case "FILLED":
                return order.executed + order.prevented < order.quantity
        return not order.is_final and order.updated not in self._times()

    def may_hide_prevention(self, *, decrements: bool) -> bool:
        """Whether it is to be asked if self-trade prevention came upon the order, if there are orders that decrement.

        Only these can make an order smaller without a trace in what it says of itself.
        """
        is_news = self.is_born if self.told is None else self.order.updated > self.told.transaction_time
        return self.has_hidden_prevention() or (self.is_sparse and decrements and is_news)

    def has_hidden_trigger(self) -> bool:
        """Whether the order was triggered, and nobody knows when."""
        order = self.order
        was_working = self.told is not None and _works(self.told)
        is_working = order.type in CONTINGENT_TYPES and order.state["is_on_book"]
        return is_working and not was_working and order.working_since is None

    # What shares a millisecond.

    def is_end(self, step: _Step) -> bool:
        """Whether an order has ended by this fill or by this prevented match, so that nothing follows it."""
        if self.order.status == "FILLED":
            return bool(self.fills) and step is self.fills[-1]
        return self.order.status == "EXPIRED_IN_MATCH" and bool(self.preventions) and step is self.preventions[-1]

    def turn_of(self, place: Place, step: _Step) -> tuple[datetime, Rank, bool, Decimal, Rank, int]:
        """Return where a step comes in the life of the order: what it takes when it arrives comes before what it makes.

        And what it takes, it takes at the best price first.
        """
        at, rank, number = place
        if not isinstance(step, FillAnswer | PreventionAnswer):
            return (at, rank, False, ZERO, rank, number)
        is_maker, price = self._meeting(step)
        if self.is_end(step):
            return (at, Rank.END, is_maker, price, rank, number)
        return (at, Rank.FILL, is_maker, price, rank, number)

    def _meeting(self, step: FillAnswer | PreventionAnswer) -> tuple[bool, Decimal]:
        """Return whether the order was the maker, and for a taker the price, lower the better it was."""
        is_maker = step.is_maker if isinstance(step, FillAnswer) else step.maker_order_id == self.order.order_id
        return is_maker, ZERO if is_maker else step.price if self.order.state["side"] == "BUY" else -step.price

    def unknown_turns(self) -> list[datetime]:
        """Return the milliseconds in which a change and a fill met, and no answer says which of them came first."""
        changes: list[AmendmentAnswer | PreventionAnswer] = [*self.amendments, *self.preventions]
        found = dict.fromkeys(
            fill.time
            for fill in self.fills
            for change in changes
            if fill.time == change.time
            and not self.is_end(fill)
            and not self.is_end(change)
            and (fill.is_maker if isinstance(change, AmendmentAnswer) else self._meeting(fill) == self._meeting(change))
        )
        return list(found)

    def _times(self) -> set[datetime]:
        """When the order is known to have changed."""
        known = {self.order.created, *[fill.time for fill in self.fills], *[match.time for match in self.preventions]}
        if self.told is not None:
            known.add(self.told.transaction_time)
        return known | {time for time in (self.order.working_since, self.activated_at) if time is not None}


_Step = AmendmentAnswer | FillAnswer | PreventionAnswer | Literal["born", "placed", "triggered", "ended"]


def _works(told: ExecutionReport) -> bool:
    """Whether an order was told to be working; where an answer has told it, since when may be unknown."""
    return told.working_time is not None or bool(told.is_on_book)


def reports_of(facts: OrderFacts) -> list[tuple[Place, ExecutionReport]]:
    """Return the reports that were missed, in order."""
    return list(_Life(facts).reports())


class _Life:
    """The running figures of an order."""

    def __init__(self, facts: OrderFacts) -> None:
        self._facts = facts
        order, told = facts.order, facts.told
        first = facts.amendments[0] if facts.amendments else None
        self._quantity = order.quantity if first is None else first.old_quantity
        self._client_order_id: str = facts.first_client_order_id or order.state["client_order_id"]
        # Of an order that is canceled, the answer names the cancellation and not the order.
        placed = facts.first_client_order_id
        if placed is None and order.status != "CANCELED":
            placed = self._client_order_id
        if first is not None:
            self._client_order_id = placed = first.old_client_order_id
        self._filled = facts.filled_before
        self._lost = facts.lost_before()
        self._quote = order.quote_executed - sum((fill.quote_quantity for fill in facts.fills), ZERO)
        self._prevented = order.prevented - sum((p.taken_from(order.order_id) for p in facts.preventions), ZERO)
        self._prevented_match_id: int | None = None
        waits = order.type in CONTINGENT_TYPES or facts.is_pending_leg
        self._working_since = None if waits and not self._is_past(order.working_since) else order.working_since
        self._works = self._working_since is not None
        starts = (facts.activated_at, order.working_since)
        self._pending = facts.is_pending_leg and not any(self._is_past(start) for start in starts)
        self._ended = False
        if facts.is_born:
            self._quote = self._prevented = ZERO
        if told is not None:
            self._quantity = told.order_quantity
            self._client_order_id = told.client_order_id or self._client_order_id
            placed = told.placed_client_order_id
            if told.cumulative_quote_quantity is not None:
                self._quote = told.cumulative_quote_quantity
            self._prevented = told.prevented_quantity or ZERO
            self._prevented_match_id = told.prevented_match_id
            self._working_since = told.working_time
            self._works = _works(told)
            self._pending = told.order_status == "PENDING_NEW"

        self._placed_client_order_id = placed

    def _is_past(self, at: datetime | None) -> bool:
        return at is not None and self._facts.since is not None and at < self._facts.since

    def reports(self) -> Iterator[tuple[Place, ExecutionReport]]:
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
        if facts.is_born and order.status != "REJECTED":
            steps.append(((order.created, Rank.NEW, 0), "born"))
        steps += self._later_starts()
        steps += [((change.time, Rank.CHANGE, change.execution_id), change) for change in facts.amendments]
        steps += [((match.time, Rank.CHANGE, match.match_id), match) for match in facts.preventions]
        changed_at = {place[0] for place, _ in steps if place[1] is Rank.CHANGE}
        for fill in facts.fills:
            ends = fill.time in changed_at and facts.is_end(fill)
            steps.append(((fill.time, Rank.END if ends else Rank.FILL, fill.number), fill))
        steps.sort(key=lambda step: facts.turn_of(*step))
        if order.is_final:
            steps.append(((order.updated, Rank.END, 0), "ended"))
        return steps

    def _later_starts(self) -> Iterator[tuple[Place, _Step]]:
        """A pending order is placed when the working order of its list is filled, a contingent one is triggered."""
        order, is_contingent = self._facts.order, self._facts.order.type in CONTINGENT_TYPES
        triggered_at = order.working_since if is_contingent else None
        if self._pending:
            placed_at = self._facts.activated_at if is_contingent else order.working_since
            if placed_at is not None and not self._was_refused(placed_at):
                yield (placed_at, Rank.NEW, 1), "placed"
        if triggered_at is not None and not self._works:
            yield (triggered_at, Rank.NEW, 2), "triggered"

    def _was_refused(self, at: datetime) -> bool:
        """Whether the order could not be placed: it then expires at that very moment. Without a reason nobody knows."""
        order = self._facts.order
        is_refusal = order.state.get("expiry_reason") == "REJECTED" or "expiry_reason" in order.untold
        return order.status == "EXPIRED" and is_refusal and order.updated == at

    def _take(self, at: datetime, step: _Step) -> ExecutionReport | None:
        match step:
            case FillAnswer():
                return self._on_fill(at, step)
            case AmendmentAnswer():
                return self._on_amendment(at, step)
            case PreventionAnswer():
                return self._on_prevention(at, step)
            case "born":
                return self._report(ExecutionType.NEW, at)
            case "placed" | "triggered":
                self._pending = False
                if step == "triggered" or self._facts.order.type not in CONTINGENT_TYPES:
                    self._working_since = self._facts.order.working_since
                    self._works = self._working_since is not None
                return self._report(ExecutionType.NEW, at)
            case _:
                return self._on_end(at)

    def _on_fill(self, at: datetime, fill: FillAnswer) -> ExecutionReport:
        self._pending, self._works = False, True
        order = self._facts.order
        if self._lost:
            self._filled, self._lost = self._filled + self._lost, ZERO
            self._quote = order.quote_executed - sum((known.quote_quantity for known in self._facts.fills), ZERO)
        self._filled += fill.quantity
        self._quote += fill.quote_quantity
        if self._filled > order.executed:  # The answer is older than this fill.
            self._ended = self._filled >= self._quantity - self._prevented
        else:
            self._ended = order.status == "FILLED" and self._filled == order.executed
            if self._ended:
                self._quantity = order.quantity  # the answer's word, also where an amendment is missing
        sor = {} if fill.allocation_id is None else {"allocation_id": fill.allocation_id}
        return self._report(
            ExecutionType.TRADE,
            at,
            status=OrderStatus.FILLED if self._ended else None,
            raw={"trade" if fill.allocation_id is None else "allocation": fill.raw},
            last_executed_quantity=fill.quantity,
            last_executed_price=fill.price,
            last_quote_quantity=fill.quote_quantity,
            commission_amount=ZERO if fill.commission is None else fill.commission,
            commission_asset=fill.commission_asset,
            trade_id=fill.trade_id,
            is_maker=fill.is_maker,
            is_best_match=fill.is_best_match,
            **sor,
        )

    def _on_amendment(self, at: datetime, change: AmendmentAnswer) -> ExecutionReport:
        self._quantity = change.new_quantity
        self._client_order_id = change.new_client_order_id
        details: dict[str, Any] = {
            "raw": {"amendment": change.raw},
            "execution_id": change.execution_id,
            "original_client_order_id": change.old_client_order_id,
        }
        order = self._facts.order
        if order.status != "EXPIRED" or change.new_quantity > order.executed + order.prevented:
            return self._report(ExecutionType.REPLACED, at, **details)
        # Made as small as what is filled, it ends.
        self._ended = True
        self._take_final_figures()
        details["expiry_reason"] = self._facts.order.state.get("expiry_reason")
        return self._report(ExecutionType.EXPIRED, at, status=OrderStatus.EXPIRED, **details)

    def _on_prevention(self, at: datetime, match: PreventionAnswer) -> ExecutionReport:
        order_id = self._facts.order.order_id
        taken = match.taken_from(order_id)
        self._prevented += taken
        self._prevented_match_id = match.match_id
        order = self._facts.order
        self._ended = order.status == "EXPIRED_IN_MATCH" and match is self._facts.preventions[-1]
        if self._ended:
            self._take_final_figures()
        return self._report(
            ExecutionType.TRADE_PREVENTION,
            at,
            status=OrderStatus.EXPIRED_IN_MATCH if self._ended else None,
            raw={"preventedMatch": match.raw},
            last_prevented_quantity=taken,
            trade_group_id=match.trade_group_id,
            counter_order_id=match.counterpart_of(order_id),
            counter_symbol=match.maker_symbol,
            prevented_execution_price=match.price,
        )

    def _on_end(self, at: datetime) -> ExecutionReport | None:
        order = self._facts.order
        if order.status == "FILLED":
            return None  # The fill that would say so is not known.
        self._ended = True
        self._take_final_figures()
        former, self._client_order_id = self._client_order_id, order.state["client_order_id"]
        is_renamed = order.status == "CANCELED" and former != self._client_order_id
        kinds = {"EXPIRED_IN_MATCH": ExecutionType.TRADE_PREVENTION}
        return self._report(
            kinds.get(order.status) or ExecutionType(order.status),
            at,
            status=order.state["order_status"],
            original_client_order_id=former if is_renamed else "",
            prevented_match_id=order.state.get("prevented_match_id"),
            expiry_reason=order.state.get("expiry_reason"),
        )

    def _take_final_figures(self) -> None:
        """What is said of the end is the answer's word, also where fills or amendments are missing."""
        order = self._facts.order
        self._quantity = order.quantity
        self._filled, self._quote, self._prevented = order.executed, order.quote_executed, order.prevented

    def _report(
        self,
        execution_type: ExecutionType,
        at: datetime,
        *,
        status: OrderStatus | str | None = None,
        raw: dict[str, Any] | None = None,
        **details: Any,
    ) -> ExecutionReport:
        order = self._facts.order
        is_open = not self._ended
        if status is None:
            status = (
                OrderStatus.PENDING_NEW
                if self._pending
                else OrderStatus.PARTIALLY_FILLED
                if self._filled
                else OrderStatus.NEW
            )
        # A limit order is on the book until it ends, a market order only when it begins.
        rests = order.type in _RESTING_TYPES or execution_type is ExecutionType.NEW
        trailing_time = order.state.get("trailing_time")
        return report_of(
            order,
            execution_type,
            raw=raw,
            **{
                "transaction_time": at,
                "order_status": status,
                "order_quantity": self._quantity,
                "client_order_id": self._client_order_id,
                "placed_client_order_id": self._placed_client_order_id,
                "cumulative_filled_quantity": self._filled,
                "cumulative_quote_quantity": self._quote,
                "is_on_book": is_open and self._works and rests,
                "working_time": self._working_since,
                "trailing_time": trailing_time if trailing_time is not None and trailing_time <= at else None,
                "prevented_match_id": self._prevented_match_id,
                "prevented_quantity": self._prevented if self._prevented else None,
                "expiry_reason": None,
                **details,
            },
        )
