"""Field sets: every result and event has the fields that Binance documents, no less and no more.

Source: Binance Spot, WebSocket API and "User data stream" (2026-07-21).
"""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from exchange_scene import Scene

from samples import Samples
from trio_binance_uds.events import UndecodableEvent, UnknownEvent
from trio_binance_uds.products import SPOT
from trio_binance_uds.sandbox.exchange import Account
from trio_binance_uds.wire.decode import decode_frame


def words(text: str) -> set[str]:
    return set(text.split())


ORDER = words(
    """symbol orderId orderListId clientOrderId price origQty executedQty cummulativeQuoteQty status timeInForce type
    side stopPrice icebergQty time updateTime isWorking workingTime origQuoteOrderQty selfTradePreventionMode"""
)
ORDER_SOMETIMES = words(
    "trailingDelta trailingTime strategyId strategyType preventedMatchId preventedQuantity expiryReason"
)
PLACED = ORDER - words("stopPrice icebergQty time updateTime isWorking") | {"transactTime"}
TRADE = words(
    "symbol id orderId orderListId price qty quoteQty commission commissionAsset time isBuyer isMaker isBestMatch"
)
LIST = words(
    "orderListId contingencyType listStatusType listOrderStatus listClientOrderId transactionTime symbol orders"
)
ACCOUNT = words(
    """makerCommission takerCommission buyerCommission sellerCommission commissionRates canTrade canWithdraw canDeposit
    brokered requireSelfTradePrevention preventSor updateTime accountType balances permissions uid"""
)
COMMISSION = words("symbol standardCommission specialCommission taxCommission discount")
REPORT = words("e E s c S o f q p P F g C x X r i l z L n N T t I w m M O Z Y Q V")
REPORT_SOMETIMES = words("W d D j J v A B u U Cs pl pL pY eR")
EVENTS = {
    "outboundAccountPosition": words("e E u B"),
    "balanceUpdate": words("e E a d T"),
    "externalLockUpdate": words("e E a d T"),
    "listStatus": words("e E s g c l L r C T O"),
}
AMOUNT = re.compile(r"-?[0-9]+\.[0-9]{8}")


@pytest.fixture
def busy() -> Scene:
    """An exchange on which everything has happened that the sandbox can do."""
    scene = Scene()
    alice = scene.alice
    scene.trade_at("20000")
    scene.exchange.deposit(alice, "BNB", "5")
    scene.exchange.withdraw(alice, "BNB", "1")
    scene.exchange.lock_externally(alice, "BNB", "2")
    scene.exchange.unlock_externally(alice, "BNB", "1")
    scene.place(scene.bob, "SELL", "0.1", "20010")
    scene.place(alice, "BUY", "0.05", "20010", strategyId=7, strategyType=1_000_001)
    scene.place(alice, "BUY", "1", "19990", icebergQty="0.1", newClientOrderId="ice")
    scene.call(alice, "order.amend.keepPriority", symbol="BTCUSDT", origClientOrderId="ice", newQty="0.9")
    scene.place(alice, "SELL", "0.2", "19990", selfTradePreventionMode="DECREMENT")
    scene.place(alice, "BUY", "1", "19000", timeInForce="IOC")
    stop = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.1"}
    scene.exchange.call(alice, "order.place", stop | {"type": "STOP_LOSS", "trailingDelta": 200})
    scene.exchange.call(alice, "order.place", stop | {"type": "STOP_LOSS", "stopPrice": "19500"})
    oco = {"aboveType": "LIMIT_MAKER", "abovePrice": "21000", "belowType": "STOP_LOSS", "belowStopPrice": "19000"}
    scene.exchange.call(alice, "orderList.place.oco", stop | oco)
    canceled = scene.place(alice, "BUY", "0.1", "19000")
    scene.call(alice, "order.cancel", symbol="BTCUSDT", orderId=canceled["orderId"])
    scene.trade_at("19500")
    return scene


def amounts(value: Any) -> list[str]:
    """Return every text in a payload that looks like a number."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in amounts(item)]
    if isinstance(value, list):
        return [text for item in value for text in amounts(item)]
    return [value] if isinstance(value, str) and re.fullmatch(r"-?[0-9.]+", value) else []


def test_queries_answer_with_the_documented_fields(busy: Scene) -> None:
    ask = busy.exchange.call
    for order in ask(busy.alice, "allOrders", {"symbol": "BTCUSDT"}):
        assert set(order) - ORDER_SOMETIMES == ORDER
        assert ask(busy.alice, "order.status", {"symbol": "BTCUSDT", "orderId": order["orderId"]}) == order
    for trade in ask(busy.alice, "myTrades", {"symbol": "BTCUSDT"}):
        assert set(trade) == TRADE
    for method in ("openOrderLists.status", "allOrderLists"):
        assert [set(row) for row in ask(busy.alice, method, {})] == [LIST]
    assert set(ask(busy.alice, "account.status", {})) == ACCOUNT
    assert set(ask(busy.alice, "account.commission", {"symbol": "BTCUSDT"})) == COMMISSION
    assert ask(busy.alice, "myAllocations", {"symbol": "BTCUSDT"}) == []


@pytest.mark.parametrize("response_type", ["ACK", "RESULT", "FULL", None])
def test_placement_answers_in_the_form_that_was_asked_for(response_type: str | None) -> None:
    scene = Scene()
    more = {} if response_type is None else {"newOrderRespType": response_type}
    answer = scene.place(scene.alice, "BUY", "0.1", "20000", **more)
    acknowledged = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    expected = {"ACK": acknowledged, "RESULT": PLACED}.get(response_type or "FULL", PLACED | {"fills"})
    assert set(answer) == expected


def test_every_event_has_the_documented_fields_and_amounts_have_eight_decimals(busy: Scene) -> None:
    seen = set()
    for event in (entry.event for entry in busy.exchange.journal.entries()):
        seen.add(event["e"])
        if event["e"] == "executionReport":
            assert set(event) - REPORT_SOMETIMES == REPORT
            assert event["C"] == "" or event["x"] in ("CANCELED", "REPLACED")
        else:
            assert set(event) == EVENTS[event["e"]]
        texts = [text for key, value in event.items() if key not in "cCn" for text in amounts(value)]
        assert all(AMOUNT.fullmatch(text) for text in texts), event
    assert seen == {"executionReport", *EVENTS}


def test_every_event_decodes_into_a_typed_one(busy: Scene) -> None:
    for entry in busy.exchange.journal.entries():
        event: Any = decode_frame(json.dumps({"subscriptionId": 0, "event": entry.event}), SPOT)
        assert not isinstance(event, UnknownEvent | UndecodableEvent), event
        assert event.event_type == entry.event["e"]
        for name in ("order_status", "execution_type", "expiry_reason", "reject_reason", "order_type"):
            value = getattr(event, name, None)
            assert type(value) is not str, f"{name} is {value!r}, which is not among the known ones"


@pytest.mark.parametrize(
    ("sample", "method", "params"),
    [
        ("account.status", "account.status", {}),
        ("allOrders", "allOrders", {"symbol": "BTCUSDT"}),
        ("myTrades", "myTrades", {"symbol": "BTCUSDT"}),
        ("openOrders.status", "openOrders.status", {}),
        ("allOrderLists", "allOrderLists", {}),
        ("order.amendments", "order.amendments", {"symbol": "BTCUSDT", "orderId": 5_000_000_005}),
        ("account.commission", "account.commission", {"symbol": "BTCUSDT"}),
        ("exchangeInfo", "exchangeInfo", {"symbol": "BTCUSDT"}),
        ("ticker.price", "ticker.price", {"symbol": "BTCUSDT"}),
        ("ticker.book", "ticker.book", {"symbol": "BTCUSDT"}),
        ("depth", "depth", {"symbol": "BTCUSDT"}),
        ("avgPrice", "avgPrice", {"symbol": "BTCUSDT"}),
        ("trades.recent", "trades.recent", {"symbol": "BTCUSDT"}),
        ("time", "time", {}),
        ("ping", "ping", {}),
    ],
)
def test_result_has_the_fields_and_types_of_the_sample(
    samples: Samples, busy: Scene, sample: str, method: str, params: dict[str, Any]
) -> None:
    theirs = samples.sample("spot", f"{sample}.response")["result"]
    account: Account | None = None if method in busy.exchange.public_methods else busy.alice
    ours = busy.exchange.call(account, method, params)
    if isinstance(theirs, list):
        assert ours, "nothing to compare"
        theirs, ours = theirs[0], ours[0]
    for key in theirs.keys() - ORDER_SOMETIMES:
        assert type(ours[key]) is type(theirs[key]), key
    assert ours.keys() - theirs.keys() <= ORDER_SOMETIMES
