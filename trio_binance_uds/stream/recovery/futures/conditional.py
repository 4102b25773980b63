"""Conditional orders: what a query tells of one, where it stands in its life, and its reports that were missed.

They live apart from the orders that they become: in the algo service, and under Portfolio Margin on COIN-M still in
that of strategies. Their life is a ladder: new, triggering, triggered, finished, or another end; a live report and an
answer are compared by the rung that they stand on, as their times need not agree.

Recovered are the rungs whose time an answer tells: when it was placed, triggered, and when it ended. ``TRIGGERING`` is
passed in a moment, and that a trailing stop was activated is in no answer; so neither is recovered, nor why it failed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import attrs

from trio_binance_uds.events import AlgoUpdate, BusinessUnit, ConditionalOrderTradeUpdate, Event
from trio_binance_uds.events.fields import Kind
from trio_binance_uds.stream.recovery.futures.answers import OrderAnswer, moment_or_none, readers
from trio_binance_uds.stream.recovery.reading import member, moment
from trio_binance_uds.wire.values import converter

_RUNGS: Mapping[str, int] = {"NEW": 0, "TRIGGERING": 2, "TRIGGERED": 3}
ACTIVATED_RUNG = 1
TRIGGERED_RUNG = _RUNGS["TRIGGERED"]
END_RUNG = 4

_ALGO = {
    "clientAlgoId": "client_algo_id",
    "algoId": "algo_id",
    "algoType": "algo_type",
    "orderType": "order_type",
    "symbol": "symbol",
    "side": "side",
    "positionSide": "position_side",
    "timeInForce": "time_in_force",
    "quantity": "quantity",
    "algoStatus": "algo_status",
    "triggerPrice": "trigger_price",
    "price": "price",
    "selfTradePreventionMode": "self_trade_prevention_mode",
    "workingType": "working_type",
    "priceMatch": "price_match_mode",
    "closePosition": "is_close_all",
    "priceProtect": "is_price_protected",
    "reduceOnly": "is_reduce_only",
}
_STRATEGY = {
    "newClientStrategyId": "strategy_client_id",
    "strategyId": "strategy_id",
    "symbol": "symbol",
    "side": "side",
    "positionSide": "position_side",
    "strategyType": "strategy_type",
    "timeInForce": "time_in_force",
    "origQty": "quantity",
    "price": "price",
    "stopPrice": "stop_price",
    "strategyStatus": "order_status",
    "reduceOnly": "is_reduce_only",
}
_STRATEGY_SOMETIMES = {
    "activatePrice": "activation_price",
    "priceRate": "callback_rate",
    "workingType": "stop_price_working_type",
    "selfTradePreventionMode": "self_trade_prevention_mode",
}
_READ_ALGO = readers(AlgoUpdate, _ALGO)
_READ_STRATEGY = readers(ConditionalOrderTradeUpdate, _STRATEGY)
_READ_STRATEGY_SOMETIMES = readers(ConditionalOrderTradeUpdate, _STRATEGY_SOMETIMES)
_order_id_or_none: Callable[[Any], Any] = converter(Kind.INTEGER, None, can_be_none=True, none="")


def rung_of(status: str) -> int:
    """Return how far a conditional order of this status has come; what is not known is an end."""
    return _RUNGS.get(status, END_RUNG)


@attrs.frozen(kw_only=True)
class ConditionalAnswer:
    """A conditional order as a query told it.

    Attributes:
        state: the fields of its event that the answer has, by their names there.
        order_id: the order that it became.
    """

    state: Mapping[str, Any] = attrs.field(repr=False)
    raw: Mapping[str, Any] = attrs.field(repr=False)
    symbol: str
    number: int
    status: str
    created: datetime
    updated: datetime
    triggered: datetime | None
    order_id: int | None

    @property
    def rung(self) -> int:
        return rung_of(self.status)

    @property
    def is_final(self) -> bool:
        return self.rung == END_RUNG

    @classmethod
    def read_algo(cls, raw: Any) -> ConditionalAnswer:
        """Read an order of the algo service."""
        state = {name: member(raw, query, convert) for query, (name, convert) in _READ_ALGO.items()}
        state["good_till_date"] = member(raw, "goodTillDate", moment_or_none)
        return cls(
            state=state,
            raw=raw,
            symbol=state["symbol"],
            number=state["algo_id"],
            status=state["algo_status"],
            created=member(raw, "createTime", moment),
            updated=member(raw, "updateTime", moment),
            triggered=member(raw, "triggerTime", moment_or_none),
            order_id=member(raw, "actualOrderId", _order_id_or_none),
        )

    @classmethod
    def read_strategy(cls, raw: Any) -> ConditionalAnswer:
        """Read an order of the conditional routes of Portfolio Margin."""
        state = {name: member(raw, query, convert) for query, (name, convert) in _READ_STRATEGY.items()}
        for name, _ in _READ_STRATEGY_SOMETIMES.values():
            state.setdefault(name, None)
        for query, (name, convert) in _READ_STRATEGY_SOMETIMES.items():
            if raw.get(query) is not None:
                state[name] = member(raw, query, convert)
        return cls(
            state=state,
            raw=raw,
            symbol=state["symbol"],
            number=state["strategy_id"],
            status=state["order_status"],
            created=member(raw, "bookTime", moment),
            updated=member(raw, "updateTime", moment),
            triggered=member(raw, "triggerTime", moment_or_none) if raw.get("triggerTime") else None,
            order_id=member(raw, "orderId", _order_id_or_none) if raw.get("orderId") else None,
        )


@attrs.frozen
class ConditionalPlace:
    """Where a live report says that a conditional order stands."""

    number: int
    symbol: str
    rung: int
    at: datetime


def place_of(event: Event) -> ConditionalPlace | None:
    """Return what an event says of a conditional order; ``None``: it is about none."""
    if isinstance(event, AlgoUpdate):
        rung = rung_of(str(event.algo_status))
        if rung == 0 and event.is_activated and event.order_type == "TRAILING_STOP_MARKET":
            rung = ACTIVATED_RUNG
        return ConditionalPlace(event.algo_id, event.symbol, rung, event.transaction_time)
    if isinstance(event, ConditionalOrderTradeUpdate):
        return ConditionalPlace(
            event.strategy_id, event.symbol, rung_of(str(event.order_status)), event.transaction_time
        )
    return None


Writer = Callable[[ConditionalAnswer, str, datetime, OrderAnswer | None], Event]
"""Writes the report of a conditional order: the answer, the status then, when, and the order that it became."""


def reports_of(
    answer: ConditionalAnswer, told: int | None, since: datetime | None, order: OrderAnswer | None, write: Writer
) -> Iterator[tuple[datetime, Event]]:
    """Return the reports that were missed.

    ``told`` is the rung that was told last, or ``None`` where nothing was; then what was before ``since``, when the
    stream began, is none of its business.
    """
    reached = -1 if told is None else told
    steps = [(0, "NEW", answer.created)]
    if answer.order_id is not None and answer.rung >= TRIGGERED_RUNG:
        steps.append((TRIGGERED_RUNG, "TRIGGERED", answer.triggered or answer.updated))
    if answer.is_final:
        steps.append((END_RUNG, answer.status, answer.updated))
    for rung, status, at in steps:
        if rung > reached and (told is not None or since is None or at >= since):
            yield at, write(answer, status, at, order)


def write_algo(
    answer: ConditionalAnswer,
    status: str,
    at: datetime,
    order: OrderAnswer | None,
    unit: BusinessUnit | None = None,
) -> Event:
    """Write the event of the algo service; under Portfolio Margin it names its unit."""
    is_triggered = rung_of(status) >= TRIGGERED_RUNG and answer.order_id is not None
    shown = order if is_triggered else None
    # At its trigger nothing of the order is filled yet.
    is_over = shown is not None and rung_of(status) == END_RUNG
    return AlgoUpdate(
        event_type="ALGO_UPDATE",
        event_time=at,
        transaction_time=at,
        recovered=True,
        raw={"algoOrder": answer.raw, **({} if shown is None else {"order": shown.raw})},
        order_id=answer.order_id if is_triggered else None,
        average_price=shown.average_price if shown is not None and is_over else None,
        executed_quantity=shown.executed if shown is not None and is_over else None,
        actual_order_type=None if shown is None else shown.state["order_type"],
        trigger_time=answer.triggered if is_triggered else None,
        business_unit=unit,
        **{**answer.state, "algo_status": status},
    )


def write_strategy(answer: ConditionalAnswer, status: str, at: datetime, order: OrderAnswer | None) -> Event:
    """Write the event of the conditional orders of Portfolio Margin on COIN-M."""
    return ConditionalOrderTradeUpdate(
        event_type="CONDITIONAL_ORDER_TRADE_UPDATE",
        event_time=at,
        transaction_time=at,
        recovered=True,
        raw={"conditionalOrder": answer.raw},
        business_unit=BusinessUnit.CM,
        book_time=answer.created,
        update_time=at,
        order_id=answer.order_id if rung_of(status) >= TRIGGERED_RUNG else None,
        **{**answer.state, "order_status": status},
    )
