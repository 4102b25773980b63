"""Answers and events written by hand, for the tests of what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from trio_binance_uds.events import Event, ExecutionReport, ListStatus
from trio_binance_uds.products import SPOT
from trio_binance_uds.stream.recovery.spot.answers import (
    AccountAnswer,
    AmendmentAnswer,
    FillAnswer,
    ListAnswer,
    OrderAnswer,
    PreventionAnswer,
)
from trio_binance_uds.stream.recovery.spot.evidence import Evidence
from trio_binance_uds.stream.recovery.spot.knowledge import BaselineAnswers, Knowledge
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.json_text import dumps

T0 = 1_790_000_000_000


def at(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=T0 + ms)


def order(order_id: int = 1, **changes: Any) -> OrderAnswer:
    """A limit order to sell 1 at 100, placed a second after the stream began; times count from there."""
    created = changes.pop("created", 1000)
    raw: dict[str, Any] = {
        "symbol": "AAABBB",
        "orderId": order_id,
        "orderListId": -1,
        "clientOrderId": f"mine-{order_id}",
        "price": "100.00",
        "origQty": "1.00",
        "executedQty": "0.00",
        "cummulativeQuoteQty": "0.00",
        "status": "NEW",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "SELL",
        "stopPrice": "0.00",
        "icebergQty": "0.00",
        "time": T0 + created,
        "updateTime": T0 + changes.pop("updated", created),
        "isWorking": True,
        "workingTime": T0 + created,
        "origQuoteOrderQty": "0.00",
        "selfTradePreventionMode": "NONE",
    }
    return OrderAnswer.read(raw | changes)


def trade(trade_id: int, when: int, quantity: str, order_id: int = 1, **changes: Any) -> FillAnswer:
    raw = {
        "symbol": "AAABBB",
        "id": trade_id,
        "orderId": order_id,
        "orderListId": -1,
        "price": "100.00",
        "qty": quantity,
        "quoteQty": str(Decimal(quantity) * 100),
        "commission": "0.10",
        "commissionAsset": "BBB",
        "time": T0 + when,
        "isBuyer": False,
        "isMaker": True,
        "isBestMatch": True,
    }
    return FillAnswer.read_trade(raw | changes)


def allocation(allocation_id: int, when: int, quantity: str, order_id: int = 1) -> FillAnswer:
    raw = dict(trade(0, when, quantity, order_id).raw)
    del raw["id"], raw["isBestMatch"]
    return FillAnswer.read_allocation(
        raw | {"allocationId": allocation_id, "allocationType": "SOR", "isAllocator": False}
    )


def amendment(execution_id: int, when: int, before: str, after: str, order_id: int = 1) -> AmendmentAnswer:
    return AmendmentAnswer.read(
        {
            "symbol": "AAABBB",
            "orderId": order_id,
            "executionId": execution_id,
            "origClientOrderId": f"mine-{order_id}",
            "newClientOrderId": f"amended-{execution_id}",
            "origQty": before,
            "newQty": after,
            "time": T0 + when,
        }
    )


def prevention(match_id: int, when: int, taken: str, order_id: int = 1, **changes: Any) -> PreventionAnswer:
    return PreventionAnswer.read(
        {
            "symbol": "AAABBB",
            "preventedMatchId": match_id,
            "takerOrderId": 99,
            "makerSymbol": "AAABBB",
            "makerOrderId": order_id,
            "tradeGroupId": 7,
            "selfTradePreventionMode": "EXPIRE_MAKER",
            "price": "100.00",
            "makerPreventedQuantity": taken,
            "takerPreventedQuantity": taken,
            "transactTime": T0 + when,
            **changes,
        }
    )


def order_list(status: str, when: int, *order_ids: int, contingency: str = "OCO") -> ListAnswer:
    return ListAnswer.read(
        {
            "orderListId": 5,
            "contingencyType": contingency,
            "listStatusType": status,
            "listOrderStatus": "ALL_DONE" if status == "ALL_DONE" else "EXECUTING",
            "listClientOrderId": "my-list",
            "transactionTime": T0 + when,
            "symbol": "AAABBB",
            "orders": [{"symbol": "AAABBB", "orderId": n, "clientOrderId": f"leg-{n}"} for n in order_ids],
        }
    )


def account(when: int, **free: str) -> AccountAnswer:
    return AccountAnswer.read(
        {
            "updateTime": T0 + when,
            "balances": [{"asset": asset, "free": amount, "locked": "0.00"} for asset, amount in free.items()],
        }
    )


def event(**fields: Any) -> Event:
    found = decode_frame(dumps({"subscriptionId": 0, "event": fields}), SPOT)
    assert isinstance(found, Event)
    return found


def report(kind: str, status: str, when: int, order_id: int = 1, **changes: Any) -> ExecutionReport:
    """A live report of the order of :func:`order`."""
    time = T0 + when
    fields = {
        "e": "executionReport",
        "E": time,
        "s": "AAABBB",
        "c": f"mine-{order_id}",
        "S": "SELL",
        "o": "LIMIT",
        "f": "GTC",
        "q": "1.00",
        "p": "100.00",
        "P": "0.00",
        "F": "0.00",
        "g": -1,
        "C": "",
        "x": kind,
        "X": status,
        "r": "NONE",
        "i": order_id,
        "l": "0.00",
        "z": "0.00",
        "L": "0.00",
        "n": "0",
        "N": None,
        "T": time,
        "t": -1,
        "I": 1000 + when,
        "w": True,
        "m": False,
        "M": False,
        "O": T0 + 1000,
        "Z": "0.00",
        "Y": "0.00",
        "Q": "0.00",
        "V": "NONE",
        "W": T0 + 1000,
    }
    found = event(**fields | changes)
    assert isinstance(found, ExecutionReport)
    return found


def fill(trade_id: int, when: int, quantity: str, filled: str, order_id: int = 1, **changes: Any) -> ExecutionReport:
    """A live report of a trade."""
    status = "FILLED" if Decimal(filled) == 1 else "PARTIALLY_FILLED"
    quote = {"Y": str(100 * Decimal(quantity)), "Z": str(100 * Decimal(filled))}
    more: dict[str, Any] = {
        "l": quantity,
        "z": filled,
        "L": "100.00",
        "n": "0.10",
        "N": "BBB",
        "t": trade_id,
        "m": True,
        "M": True,
    }
    return report("TRADE", status, when, order_id, **more | quote | changes)


def list_status(status: str, when: int, list_id: int = 5) -> ListStatus:
    time = T0 + when
    found = event(
        e="listStatus",
        E=time,
        s="AAABBB",
        g=list_id,
        c="OCO",
        l=status,
        L="ALL_DONE" if status == "ALL_DONE" else "EXECUTING",
        r="NONE",
        C="my-list",
        T=time,
        O=[],
    )
    assert isinstance(found, ListStatus)
    return found


def position(when: int, **free: str) -> Event:
    rows = [{"a": asset, "f": amount, "l": "0.00"} for asset, amount in free.items()]
    return event(e="outboundAccountPosition", E=T0 + when, u=T0 + when, B=rows)


def knowing(*events: Event) -> Knowledge:
    """What is known after a baseline of 10 AAA and 1000 BBB, and these events."""
    knowledge = Knowledge()
    knowledge.begin(at(0))
    knowledge.take_baseline(BaselineAnswers(account(-5, AAA="10.00", BBB="1000.00"), (), ()), at(0))
    knowledge.learn_assets([("AAABBB", ("AAA", "BBB"))])
    for one in events:
        knowledge.observe(one)
    return knowledge


def answers(
    knowledge: Knowledge,
    *history: OrderAnswer,
    fills: tuple[FillAnswer, ...] = (),
    still_open: tuple[OrderAnswer, ...] | None = None,
    balances: AccountAnswer | None = None,
    lists: tuple[ListAnswer, ...] = (),
) -> Evidence:
    evidence = Evidence(knowledge, at(0))
    evidence.account = balances
    is_open = [one for one in history if not one.is_final] if still_open is None else list(still_open)
    evidence.add_open_orders(is_open)
    evidence.add_open_lists([one for one in lists if not one.is_done])
    evidence.add_lists(lists)
    evidence.add_history("AAABBB", list(history))
    evidence.add_fills(fills)
    return evidence
