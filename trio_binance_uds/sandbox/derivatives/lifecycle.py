"""Lets futures orders rest and end.

Whoever changes an order's status to a final one calls :func:`end`; nobody else takes an order out of the book and the
open ones, so they cannot disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.derivatives.amounts import ZERO

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.orders import Order
    from trio_binance_uds.sandbox.derivatives.step import Step


def admit(step: Step, order: Order) -> None:
    """Put an order among the open ones, and report it."""
    order.account.records_of(order.contract.name).add(order)
    order.account.open_by_client_id[order.client_order_id] = order
    if order.only_reduces:
        order.position.reducing[order.order_id] = order
    step.report(order, "NEW")


def expose(order: Order) -> None:
    """Let its position know what is open of an order now."""
    worth = order.reserve_price and order.contract.value(order.reserve_price, order.open_quantity)
    value, quantity = (worth, order.open_quantity) if order.is_open else (ZERO, ZERO)
    position = order.position
    if order.is_buy:
        position.bids += value - order.exposed
        position.bid_quantity += quantity - order.exposed_quantity
    else:
        position.asks += value - order.exposed
        position.ask_quantity += quantity - order.exposed_quantity
    order.exposed, order.exposed_quantity = value, quantity


def rest(order: Order) -> None:
    """Leave the open part of a limit order in the book."""
    order.contract.book.own_side(order.side).add(order)


def end(order: Order, status: str) -> None:
    """Give an order its final status and take it out of wherever it stood. Does not report it."""
    order.status = status
    expose(order)
    order.contract.book.own_side(order.side).remove(order)
    order.position.reducing.pop(order.order_id, None)
    del order.account.records_of(order.contract.name).open[order.order_id]
    del order.account.open_by_client_id[order.client_order_id]


def expire(step: Step, order: Order, reason: str, *, status: str = "EXPIRED") -> None:
    """End an order by rule, and report it."""
    order.expiry_reason = reason
    end(order, status)
    step.report(order, "EXPIRED")
    has_ended(step, order)


def has_ended(step: Step, order: Order) -> None:
    """Let the conditional order that an order was born from follow its end, which has been reported."""
    algo = order.algo
    if algo is None:
        return
    algo.status = "FINISHED"
    step.report_algo(algo)
