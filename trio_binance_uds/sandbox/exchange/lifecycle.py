"""Lets orders rest and end, and applies the rules that tie the orders of a list together.

Whoever changes an order's status to a final one calls :func:`end`; nobody else takes an order out of the book,
the waiting orders and the open ones, so they cannot disagree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_binance_uds.sandbox.exchange.amounts import ZERO

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.order_lists import OrderList
    from trio_binance_uds.sandbox.exchange.orders import Order
    from trio_binance_uds.sandbox.exchange.transaction import Transaction


def rest(order: Order) -> None:
    """Leave the open part of a limit order in the book."""
    order.symbol.book.own_side(order.side).add(order)


def end(order: Order, status: str) -> None:
    """Give an order its final status and take it out of wherever it stood. Does not report it."""
    order.status = status
    order.symbol.book.own_side(order.side).remove(order)
    order.symbol.triggers.remove(order)
    order.account.records_of(order.symbol.name).close(order)
    reservation = order.reservation
    if reservation is None:
        return
    order_list = order.order_list
    heirs = [] if order_list is None else order_list.rivals(order)
    reservation.trim_to(max((heir.needs() for heir in heirs if heir.reservation is reservation), default=ZERO))


def expire(tx: Transaction, order: Order, reason: str | None, *, alone: bool = False) -> None:
    """End an order by rule, report it, and let its list follow; ``alone``: whoever calls sees to its rivals."""
    order.expiry_reason = reason
    end(order, "EXPIRED")
    tx.report(order, "EXPIRED")
    has_ended(tx, order, alone=alone)


def expire_rivals(tx: Transaction, order: Order) -> None:
    """Expire the other leg of an OCO because this one starts to execute or has ended."""
    if order.order_list is not None:
        for rival in order.order_list.rivals(order):
            expire(tx, rival, "OCO_TRIGGER", alone=True)


def has_ended(tx: Transaction, order: Order, *, alone: bool = False) -> None:
    """Let an order's list react to its end, which has been reported."""
    order_list = order.order_list
    if order_list is None:
        return
    if not alone:
        if order is not order_list.working:
            expire_rivals(tx, order)
        elif order.status == "FILLED":
            tx.activations.append(order_list)
        else:
            for pending in order_list.alternatives:
                if pending.is_open:
                    expire(tx, pending, "OTO_PHASE_ONE_EXPIRED", alone=True)
    close_list(tx, order_list)


def close_list(tx: Transaction, order_list: OrderList) -> None:
    """End a list, once, when its last order has ended."""
    if not order_list.is_open or any(order.is_open for order in order_list.orders):
        return
    order_list.status_type = order_list.order_status = "ALL_DONE"
    del order_list.orders[0].account.open_lists[order_list.list_id]
    tx.report_list(order_list, "ALL_DONE")
