"""Orders of margin accounts: on spot's own books, by margin's own rules, told in margin's own words."""

from __future__ import annotations

from typing import Any

import pytest
from margin_scene import LIMIT, Scene
from trio.testing import MockClock

from support.raw_client import RawClient
from trio_binance_uds.products import Host
from trio_binance_uds.sandbox import Refusal

ORDER = {**LIMIT, "side": "BUY", "quantity": "0.01", "price": "40000"}
ISOLATED = {"isIsolated": "TRUE"}
OCO = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "quantity": "0.01",
    "price": "40000",
    "stopPrice": "60000",
    "stopLimitPrice": "61000",
    "stopLimitTimeInForce": "GTC",
}


def code_of(scene: Scene, route: str, **params: Any) -> int:
    with pytest.raises(Refusal) as caught:
        scene.call(route, **params)
    return caught.value.code


async def test_an_order_of_a_margin_account_trades_with_those_of_spot(scene: Scene, autojump_clock: MockClock) -> None:
    placed = scene.call("POST order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
    assert (placed["status"], placed["isIsolated"]) == ("FILLED", False)
    assert len(placed["fills"]) == 1
    assert not {"orderListId", "workingTime", "origQuoteOrderQty"} & placed.keys()
    assert scene.events(scene.cross) == ["executionReport"] * 2 + ["outboundAccountPosition"]
    (trade,) = scene.call("GET myTrades", symbol="BTCUSDT")
    assert (trade["qty"], trade["isIsolated"]) == ("0.10000000", False)
    assert "quoteQty" not in trade
    assert scene.held("BTC")["free"] == "0.09990000"
    # Neither the owner's spot account nor the isolated one has anything to do with it.
    assert scene.owner.balances()["USDT"]["free"] == "5000.00000000"
    assert scene.call("GET myTrades", symbol="BTCUSDT", **ISOLATED) == []


async def test_orders_are_found_in_their_own_account_only(scene: Scene, autojump_clock: MockClock) -> None:
    in_cross = scene.call("POST order", **ORDER)
    in_isolated = scene.call("POST order", **ORDER, **ISOLATED)
    assert in_isolated["isIsolated"] is True
    assert scene.owner.call("openOrders.status") == []
    for where, placed in (({}, in_cross), (ISOLATED, in_isolated)):
        (listed,) = scene.call("GET openOrders", symbol="BTCUSDT", **where)
        assert listed["orderId"] == placed["orderId"]
        assert listed["isIsolated"] is bool(where)
        assert scene.call("GET order", symbol="BTCUSDT", orderId=placed["orderId"], **where) == listed
        assert scene.call("GET allOrders", symbol="BTCUSDT", **where) == [listed]
    assert scene.call("GET openOrders") == scene.call("GET openOrders", symbol="BTCUSDT", isIsolated="FALSE")
    assert code_of(scene, "GET order", symbol="BTCUSDT", orderId=in_cross["orderId"], **ISOLATED) == -2013
    canceled = scene.call("DELETE order", symbol="BTCUSDT", orderId=in_cross["orderId"])
    assert (canceled["status"], canceled["isIsolated"]) == ("CANCELED", False)
    (gone,) = scene.call("DELETE openOrders", symbol="BTCUSDT", **ISOLATED)
    assert (gone["orderId"], gone["isIsolated"]) == (in_isolated["orderId"], True)
    assert scene.call("GET openOrders") == []


async def test_lists_are_placed_queried_and_canceled(scene: Scene, autojump_clock: MockClock) -> None:
    placed = scene.call("POST order/oco", **OCO)
    assert (placed["contingencyType"], placed["isIsolated"]) == ("OCO", False)
    assert [report["isIsolated"] for report in placed["orderReports"]] == [False, False]
    id = placed["orderListId"]
    assert [row["orderListId"] for row in scene.call("GET openOrderList")] == [id]
    assert scene.call("GET orderList", orderListId=id)["listOrderStatus"] == "EXECUTING"
    assert [row["isIsolated"] for row in scene.call("GET allOrderList", isIsolated="FALSE")] == [False]
    assert scene.call("GET openOrderList", symbol="BTCUSDT", **ISOLATED) == []
    assert "listStatus" in scene.events(scene.cross)
    canceled = scene.call("DELETE orderList", symbol="BTCUSDT", orderListId=id)
    assert canceled["listOrderStatus"] == "ALL_DONE"
    isolated = scene.call("POST order/oco", **{**OCO, "quantity": "0.001"}, **ISOLATED)
    first = isolated["orderReports"][0]["orderId"]
    # An order of a list takes the list with it.
    answer = scene.call("DELETE order", symbol="BTCUSDT", orderId=first, **ISOLATED)
    assert (answer["listOrderStatus"], answer["isIsolated"]) == ("ALL_DONE", True)


async def test_prevented_matches_are_told(scene: Scene, autojump_clock: MockClock) -> None:
    scene.borrow("BTC", "0.01")
    maker = scene.call("POST order", **{**ORDER, "price": "49990"})
    taker = scene.call("POST order", **{**ORDER, "side": "SELL", "price": "49990"})
    (match,) = scene.call("GET myPreventedMatches", symbol="BTCUSDT", orderId=taker["orderId"])
    assert (match["makerOrderId"], match["takerOrderId"]) == (maker["orderId"], taker["orderId"])
    assert match["makerPreventedQuantity"] == "0.01000000"


@pytest.mark.parametrize(
    ("route", "params", "code"),
    [
        ("GET allOrders", {}, -1102),
        ("GET openOrders", {"isIsolated": "TRUE"}, -1102),
        ("GET openOrderList", {"isIsolated": "TRUE"}, -1102),
        ("GET openOrders", {"isIsolated": "true"}, -1130),
        ("GET openOrders", {"isIsolated": "TRUE", "symbol": "ETHUSDT"}, -3003),
        ("GET allOrders", {"symbol": "NOTHING"}, -1121),
        ("GET allOrders", {"symbol": "BTCUSDT", "startTime": 1, "endTime": 86_400_002}, -1127),
        ("GET myTrades", {"symbol": "BTCUSDT", "startTime": 1, "endTime": 86_400_002}, -1127),
        ("POST order", {**ORDER, "sideEffectType": "MAGIC"}, -1130),
        ("POST order/oco", {**OCO, "sideEffectType": "MAGIC"}, -1130),
        ("POST order", {**ORDER, "quantity": "1"}, -2010),
        ("POST order", {**ORDER, "isIsolated": "TRUE", "quantity": "1"}, -2010),
        ("POST order", {**ORDER, "unheardOf": "1"}, -1104),
    ],
)
async def test_what_is_asked_wrongly_is_refused(
    scene: Scene, autojump_clock: MockClock, route: str, params: dict[str, Any], code: int
) -> None:
    assert code_of(scene, route, **params) == code
    assert scene.events(scene.cross) == scene.events(scene.isolated) == []


async def test_histories_of_orders_have_at_most_500(scene: Scene, autojump_clock: MockClock) -> None:
    exchange = scene.sandbox.exchange
    for _ in range(502):
        placed = exchange.call(scene.cross, "order.place", ORDER | {"quantity": "0.001"})
        exchange.call(scene.cross, "order.cancel", {"symbol": "BTCUSDT", "orderId": placed["orderId"]})
    for limit in ({}, {"limit": "1000"}):
        assert len(scene.call("GET allOrders", symbol="BTCUSDT", **limit)) == 500
    assert len(scene.call("GET allOrders", symbol="BTCUSDT", limit="3")) == 3


# Orders that borrow and repay


async def test_an_order_can_borrow_what_it_lacks(scene: Scene, autojump_clock: MockClock) -> None:
    placed = scene.call("POST order", **{**ORDER, "quantity": "0.3"}, sideEffectType="MARGIN_BUY")
    assert (placed["status"], placed["marginBuyBorrowAsset"], placed["marginBuyBorrowAmount"]) == (
        "NEW",
        "USDT",
        "2000.00000000",
    )
    assert scene.held("USDT")["borrowed"] == "2000.00000000"
    # No balanceUpdate: that is for transfers.
    assert scene.events(scene.cross) == ["outboundAccountPosition", "executionReport", "outboundAccountPosition"]
    (row,) = scene.call("GET borrow-repay", type="BORROW")["rows"]
    assert (row["type"], row["amount"]) == ("AUTO", "2000.00000000")
    enough = scene.call("POST order", **{**ORDER, "quantity": "0.001"}, sideEffectType="MARGIN_BUY")
    assert enough["marginBuyBorrowAmount"] == "40.00000000"


async def test_an_order_that_needs_no_loan_borrows_nothing(scene: Scene, autojump_clock: MockClock) -> None:
    placed = scene.call("POST order", **ORDER, sideEffectType="MARGIN_BUY")
    assert "marginBuyBorrowAmount" not in placed
    assert scene.risk() == []


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"quantity": "5"}, -3006),
        ({"quantity": "0.3", "type": "LIMIT_MAKER", "timeInForce": None, "price": "60000"}, -2010),
    ],
)
async def test_nothing_is_borrowed_for_an_order_that_is_refused(
    scene: Scene, autojump_clock: MockClock, order: dict[str, Any], code: int
) -> None:
    params = {name: value for name, value in {**ORDER, **order}.items() if value is not None}
    assert code_of(scene, "POST order", **params, sideEffectType="MARGIN_BUY") == code
    assert scene.risk() == []


async def test_an_order_can_repay_with_what_it_brings_at_once(scene: Scene, autojump_clock: MockClock) -> None:
    scene.borrow("BTC", "0.1")
    scene.call("POST order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.1")
    scene.call("POST order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.05", sideEffectType="AUTO_REPAY")
    btc = scene.held("BTC")
    assert (btc["free"], btc["borrowed"], btc["interest"]) == ("0.00000000", "0.05005100", "0.00000000")
    repaid = [event for event in scene.risk() if event.get("t") == "REPAY"]
    assert [(event["p"], event["i"]) for event in repaid] == [("0.04994900", "0.00000100")]


async def test_an_order_can_repay_with_what_it_brings_later(scene: Scene, autojump_clock: MockClock) -> None:
    scene.borrow("BTC", "0.05")
    scene.call("POST order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.05")
    resting = {**ORDER, "price": "49980", "quantity": "0.04", "sideEffectType": "AUTO_BORROW_REPAY"}
    first = scene.call("POST order", **resting)
    second = scene.call("POST order", **resting)
    before = scene.held("BTC")["borrowed"]
    for _ in range(2):
        sell = {**LIMIT, "side": "SELL", "price": "49980", "quantity": "0.02"}
        scene.sandbox.exchange.call(scene.maker, "order.place", sell)
    scene.call("DELETE order", symbol="BTCUSDT", orderId=second["orderId"])
    assert scene.call("GET order", symbol="BTCUSDT", orderId=first["orderId"])["status"] == "FILLED"
    assert float(before) - float(scene.held("BTC")["borrowed"]) == pytest.approx(0.04 * 0.999, abs=1e-6)
    assert [row["type"] for row in scene.call("GET borrow-repay", type="REPAY")["rows"]] == ["AUTO", "AUTO"]
    # What trades by itself afterwards repays nothing.
    scene.call("POST order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
    assert scene.call("GET borrow-repay", type="REPAY")["total"] == 2


async def test_a_liquidation_is_an_order_that_the_client_never_sent(scene: Scene, autojump_clock: MockClock) -> None:
    scene.borrow("USDT", "1000")
    scene.call("POST order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.1")
    record = scene.sandbox.margin.force_liquidation(scene.owner.uid, symbol="BTCUSDT", side="SELL", quantity="0.05")
    assert record["side"] == "SELL"
    assert scene.held("USDT")["borrowed"] == "0.00000000"
    listed = scene.call("GET forceLiquidationRec")
    assert listed["total"] == 1
    assert listed["rows"][0]["orderId"] == record["orderId"]
    assert listed["rows"][0]["isIsolated"] is False
    assert scene.call("GET order", symbol="BTCUSDT", orderId=record["orderId"])["status"] == "FILLED"
    isolated = scene.sandbox.margin.force_liquidation(
        scene.owner.uid, symbol="BTCUSDT", side="BUY", quantity="0.01", isolated=True
    )
    (row,) = scene.call("GET forceLiquidationRec", isolatedSymbol="BTCUSDT")["rows"]
    assert (row["orderId"], row["isIsolated"]) == (isolated["orderId"], True)
    scene.sandbox.exchange.call(scene.maker, "openOrders.cancelAll", {"symbol": "BTCUSDT"})
    with pytest.raises(Refusal):
        scene.sandbox.margin.force_liquidation(scene.owner.uid, symbol="BTCUSDT", side="SELL", quantity="0.01")


async def test_a_margin_account_is_never_locked_from_outside(autojump_clock: MockClock, scene: Scene) -> None:
    async with await RawClient.connect(scene.sandbox, host=Host.SPOT_WS_API) as client:
        token = scene.owner.call("POST /sapi/v1/userListenToken")["token"]
        await client.call("userDataStream.subscribe.listenToken", {"listenToken": token})
        scene.call("POST order", **ORDER)
        scene.transfer("MAIN_MARGIN", "USDT", "5")
        events = [(await client.event())["event"]["e"] for _ in range(4)]
    assert events == ["executionReport", "outboundAccountPosition", "balanceUpdate", "outboundAccountPosition"]
