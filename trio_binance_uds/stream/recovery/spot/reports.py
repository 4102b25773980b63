"""Writes events from the venue's answers: the fields that an answer has, and ``None`` or nothing for what it has not.

What no query tells: the execution id (``None``), the reason of a rejection (``NONE``), when the venue sent the event
(the time of what happened stands for it).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from trio_binance_uds.events import (
    Balance,
    ExecutionReport,
    ExecutionType,
    ListOrderStatus,
    ListStatus,
    ListStatusOrder,
    ListStatusType,
    OutboundAccountPosition,
    RejectReason,
)
from trio_binance_uds.stream.recovery.spot.answers import ListAnswer, OrderAnswer

ZERO = Decimal("0.00000000")  # with the digits that the venue sends

_UNTRADED: Mapping[str, Any] = {
    "last_executed_quantity": ZERO,
    "last_executed_price": ZERO,
    "last_quote_quantity": ZERO,
    "commission_amount": ZERO,
    "commission_asset": None,
    "trade_id": -1,
    "is_maker": False,
    "is_best_match": False,
}


def report_of(
    order: OrderAnswer,
    execution_type: ExecutionType = ExecutionType.NEW,
    *,
    raw: Mapping[str, Any] | None = None,
    **changes: Any,
) -> ExecutionReport:
    """Return a report of an order as the answer has it, with some fields changed."""
    fields = {
        "original_client_order_id": "",
        "reject_reason": RejectReason.NONE,
        "execution_id": None,
        "order_creation_time": order.created,
        **_UNTRADED,
        **order.state,
        "execution_type": execution_type,
        **changes,
    }
    fields.setdefault("event_time", fields["transaction_time"])
    return ExecutionReport(
        event_type="executionReport", recovered=True, raw={"order": order.raw, **(raw or {})}, **fields
    )


def list_status_of(order_list: ListAnswer, **changes: Any) -> ListStatus:
    """Return a status of an order list as the answer has it, with some fields changed."""
    fields: dict[str, Any] = {
        "symbol": order_list.symbol,
        "order_list_id": order_list.list_id,
        "contingency_type": order_list.contingency_type,
        "list_status_type": order_list.status_type,
        "list_order_status": order_list.order_status,
        "list_reject_reason": RejectReason.NONE,
        "list_client_order_id": order_list.client_order_id,
        "transaction_time": order_list.time,
        "orders": tuple(
            [
                ListStatusOrder(symbol=symbol, order_id=order_id, client_order_id=client_order_id)
                for symbol, order_id, client_order_id in order_list.orders
            ]
        ),
        **changes,
    }
    return ListStatus(
        event_type="listStatus",
        event_time=fields["transaction_time"],
        recovered=True,
        raw={"orderList": order_list.raw},
        **fields,
    )


def started(order_list: ListAnswer, at: datetime) -> ListStatus:
    """Return what was said when the list was placed."""
    return list_status_of(
        order_list,
        list_status_type=ListStatusType.EXEC_STARTED,
        list_order_status=ListOrderStatus.EXECUTING,
        transaction_time=at,
    )


def position_of(
    updated: datetime, balances: Iterable[tuple[str, tuple[Decimal, Decimal]]], raw: Mapping[str, Any]
) -> OutboundAccountPosition:
    """Return a position of these assets: free and locked."""
    return OutboundAccountPosition(
        event_type="outboundAccountPosition",
        event_time=updated,
        recovered=True,
        raw={"account": raw},
        last_account_update=updated,
        balances=tuple([Balance(asset=asset, free=free, locked=locked) for asset, (free, locked) in balances]),
    )
