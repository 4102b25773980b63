"""Plain futures orders: matching, order of events, times in force, self-trades, reduce-only, modification."""

from __future__ import annotations

import pytest
from desk_scene import ALICE, BOB, SECOND, Scene

from trio_binance_uds.sandbox.derivatives import CoinmDesk, UsdmDesk
from trio_binance_uds.sandbox.desk import Desk


def test_a_fill_is_told_in_short_then_by_the_order_then_by_the_account() -> None:
    scene = Scene()
    scene.place("SELL", "0.3", "20000", uid=BOB)
    assert scene.story(BOB) == ["LIMIT NEW NEW"]
    scene.forget()
    scene.place("BUY", "0.1")
    assert scene.story() == [
        "MARKET NEW NEW", "lite 0.1@20000", "MARKET TRADE FILLED 0.1@20000", "account ORDER BTCUSDT BOTH 0.1",
    ]  # fmt: skip
    assert scene.story(BOB) == [
        "lite 0.1@20000", "LIMIT TRADE PARTIALLY_FILLED 0.1@20000", "account ORDER BTCUSDT BOTH -0.1",
    ]  # fmt: skip
    _, _, order, account = scene.events()
    # The taker's fee of 0.04 percent of 2000.
    assert (order["o"]["n"], order["o"]["N"]) == ("0.80000000", "USDT")
    assert account["a"]["B"] == [{"a": "USDT", "wb": "99999.20000000", "cw": "99999.20000000", "bc": "0"}]


def test_coinm_has_no_short_report_and_tells_the_alias() -> None:
    scene = Scene("coinm")
    scene.trade("BUY", "10", "20000")
    assert scene.story() == [
        "LIMIT NEW NEW", "LIMIT TRADE FILLED 10@20000", "account ORDER BTCUSD_PERP BOTH 10",
    ]  # fmt: skip
    assert {event["i"] for event in scene.events()} == {scene.desk.accounts[ALICE].alias}
    # 10 contracts of 100 USD are 0.05 BTC at 20000.
    assert scene.events()[1]["o"]["n"] == "0.00002000"


def test_the_book_goes_by_price_then_by_time() -> None:
    scene = Scene()
    for name, price in (("late", "20010"), ("first", "20000"), ("second", "20000")):
        scene.place("SELL", "0.1", price, uid=BOB, newClientOrderId=name)
    scene.forget()
    result = scene.place("BUY", "0.25", "20010", newOrderRespType="RESULT")
    assert (result["status"], result["avgPrice"], result["executedQty"]) == ("FILLED", "20002.00000", "0.25")
    names = [event["o"]["c"] for event in scene.events(BOB) if event["e"] == "ORDER_TRADE_UPDATE"]
    assert names == ["first", "second", "late"]


def test_a_placement_is_acknowledged_as_new_unless_the_result_is_asked_for() -> None:
    scene = Scene()
    scene.place("SELL", "0.1", "20000", uid=BOB)
    answer = scene.place("BUY", "0.1")
    assert (answer["status"], answer["executedQty"]) == ("NEW", "0")


@pytest.mark.parametrize(
    ("time_in_force", "ending"),
    [("IOC", "LIMIT EXPIRED EXPIRED er 2"), ("FOK", "LIMIT EXPIRED EXPIRED er 10"),
     ("GTX", "LIMIT EXPIRED EXPIRED er 11")],
)  # fmt: skip
def test_what_cannot_be_filled_as_asked_expires_on_coinm(time_in_force: str, ending: str) -> None:
    scene = Scene("coinm")
    scene.place("SELL", "1", "20000", uid=BOB)
    scene.place("BUY", "2", "20000", timeInForce=time_in_force)
    assert scene.story()[-1] == ending


def test_what_cannot_be_filled_as_asked_is_refused_on_usdm() -> None:
    scene = Scene()
    scene.place("SELL", "0.1", "20000", uid=BOB)
    assert scene.refuse("POST /v1/order", **scene.order("BUY", "0.2", "20000", timeInForce="FOK")) == -5021
    assert scene.refuse("POST /v1/order", **scene.order("BUY", "0.1", "20000", timeInForce="GTX")) == -5022
    assert scene.place("BUY", "0.1", "19999", timeInForce="GTX")["status"] == "NEW"
    scene.place("SELL", "0.1", "20010", uid=BOB)
    filled = scene.place("BUY", "0.2", "20010", timeInForce="FOK", newOrderRespType="RESULT")
    assert filled["status"] == "FILLED"


def test_the_rest_of_a_market_order_expires() -> None:
    scene = Scene()
    scene.place("SELL", "0.1", "20000", uid=BOB)
    scene.place("BUY", "0.3")
    assert scene.story()[-1] == "MARKET EXPIRED EXPIRED er 9"


@pytest.mark.parametrize(
    ("mode", "story"),
    [
        ("EXPIRE_MAKER", ["maker EXPIRED_IN_MATCH 1", "taker PARTIALLY_FILLED 0", "taker EXPIRED 3"]),
        ("EXPIRE_TAKER", ["taker EXPIRED_IN_MATCH 1"]),
        ("EXPIRE_BOTH", ["taker EXPIRED_IN_MATCH 1", "maker EXPIRED_IN_MATCH 1"]),
        ("NONE", ["taker PARTIALLY_FILLED 0", "maker FILLED 0", "taker PARTIALLY_FILLED 0", "taker EXPIRED 2"]),
    ],
)
def test_orders_of_one_account_meet_as_the_taker_has_it(mode: str, story: list[str]) -> None:
    scene = Scene()
    scene.place("SELL", "0.1", "20000", newClientOrderId="maker")
    scene.place("SELL", "0.1", "20000", uid=BOB)
    scene.forget()
    scene.place(
        "BUY", "0.3", "20000", newClientOrderId="taker", timeInForce="IOC", selfTradePreventionMode=mode
    )  # fmt: skip
    orders = [event["o"] for event in scene.events() if event["e"] == "ORDER_TRADE_UPDATE"]
    assert [f"{o['c']} {o['X']} {o['er']}" for o in orders if o["x"] != "NEW"] == story


def test_fok_counts_only_what_it_may_meet() -> None:
    scene = Scene()
    scene.place("SELL", "0.1", "20000")
    scene.place("SELL", "0.2", "20010", uid=BOB)
    taker = scene.order("BUY", "0.2", "20010", timeInForce="FOK")
    assert scene.refuse("POST /v1/order", **taker, selfTradePreventionMode="EXPIRE_TAKER") == -5021
    assert scene.call("POST /v1/order", **taker, newOrderRespType="RESULT")["status"] == "FILLED"


def test_a_reduce_only_order_trades_no_more_than_there_is_and_then_expires() -> None:
    scene = Scene()
    scene.trade("BUY", "0.1", "20000")
    scene.place("BUY", "0.5", "19990", uid=BOB)
    scene.forget()
    scene.place("SELL", "0.3", "19990", reduceOnly="true")
    assert scene.story() == [
        "LIMIT NEW NEW", "lite 0.1@19990", "LIMIT TRADE PARTIALLY_FILLED 0.1@19990",
        "account ORDER BTCUSDT BOTH 0", "LIMIT EXPIRED EXPIRED er 4",
    ]  # fmt: skip
    assert scene.refuse("POST /v1/order", **scene.order("SELL", "0.1", reduceOnly="true")) == -2022


def test_resting_reduce_only_orders_expire_when_nothing_is_left_to_reduce() -> None:
    scene = Scene()
    scene.trade("BUY", "0.1", "20000")
    scene.place("SELL", "0.1", "21000", reduceOnly="true")
    scene.forget()
    scene.trade("SELL", "0.05", "20000")
    assert scene.story()[-1] == "account ORDER BTCUSDT BOTH 0.05"
    scene.trade("SELL", "0.15", "20000")
    assert scene.story()[-1] == "LIMIT EXPIRED EXPIRED er 4"
    assert scene.call("GET /v3/positionRisk")[0]["positionAmt"] == "-0.1"


def test_an_order_with_a_date_expires_when_it_has_come() -> None:
    scene = Scene()
    later = scene.now + 700_999
    placed = scene.place("BUY", "0.1", "19000", timeInForce="GTD", goodTillDate=later)
    assert placed["goodTillDate"] == later // 1000 * 1000
    gone = scene.place("BUY", "0.1", "18000", timeInForce="GTD", goodTillDate=later)
    scene.call("DELETE /v1/order", symbol="BTCUSDT", orderId=gone["orderId"])
    scene.forget()
    scene.tick(699 * SECOND)
    scene.desk.tick()
    assert scene.story() == []
    scene.tick(2 * SECOND)
    assert scene.call("GET /v1/openOrders") == []
    assert scene.story() == ["LIMIT EXPIRED EXPIRED"]


def test_orders_may_take_their_price_from_the_book() -> None:
    scene = Scene()
    for level in range(5):
        scene.place("SELL", "0.1", str(20_000 + level), uid=BOB)
        scene.place("BUY", "0.1", str(19_000 - level), uid=BOB)
    order = {"symbol": "BTCUSDT", "type": "LIMIT", "timeInForce": "GTC", "side": "BUY", "quantity": "0.01"}
    prices = [
        scene.call("POST /v1/order", **order, priceMatch=match)["price"]
        for match in ("QUEUE", "QUEUE_5", "OPPONENT", "OPPONENT_5")
    ]
    assert prices == ["19000", "18996", "20000", "20004"]
    assert scene.refuse("POST /v1/order", **order, priceMatch="QUEUE_10") == -5041
    assert scene.refuse("POST /v1/order", **order, priceMatch="QUEUE", price="1") == -1106
    assert scene.refuse("POST /v1/order", **order, priceMatch="BEST") == -5037


def test_less_at_the_same_price_keeps_its_place_and_anything_else_goes_behind() -> None:
    scene = Scene()
    for name in ("a", "b", "c"):
        scene.place("SELL", "0.2", "20000", newClientOrderId=name)
    modify = {"symbol": "BTCUSDT", "side": "SELL", "price": "20000"}
    scene.call("PUT /v1/order", **modify, origClientOrderId="a", quantity="0.1")
    scene.call("PUT /v1/order", **modify, origClientOrderId="b", quantity="0.3")
    scene.forget()
    scene.place("BUY", "0.3", "20000", uid=BOB)
    names = [event["o"]["c"] for event in scene.events() if event["e"] == "ORDER_TRADE_UPDATE"]
    assert names == ["a", "c"]


def test_a_modification_is_told_with_its_id_and_may_trade_at_once() -> None:
    scene = Scene()
    scene.place("SELL", "0.1", "20000", uid=BOB)
    placed = scene.place("BUY", "0.1", "19000")
    scene.forget()
    modify = {"symbol": "BTCUSDT", "orderId": placed["orderId"], "side": "BUY", "quantity": "0.2"}
    answer = scene.call("PUT /v1/order", **modify, price="20000", modifyId="mine", positionSide="BOTH")
    assert (answer["status"], answer["price"], answer["origQty"]) == ("PARTIALLY_FILLED", "20000", "0.2")
    assert scene.story() == [
        "LIMIT AMENDMENT NEW", "lite 0.1@20000", "LIMIT TRADE PARTIALLY_FILLED 0.1@20000",
        "account ORDER BTCUSDT BOTH 0.1",
    ]  # fmt: skip
    assert scene.events()[0]["o"]["M"] == "mine"
    scene.forget()
    scene.call("PUT /v1/order", **modify | {"quantity": "0.3"}, price="19500")
    assert "M" not in scene.events()[0]["o"]
    scene.place("SELL", "0.2", "20000", uid=BOB)
    filled = scene.call("PUT /v1/order", **modify | {"quantity": "0.3"}, price="20000")
    assert filled["status"] == "FILLED"
    rows = scene.call("GET /v1/orderAmendment", symbol="BTCUSDT", orderId=placed["orderId"])
    counts = [row["amendment"]["count"] for row in rows]
    assert counts == [3, 2, 1]


def test_a_modification_that_ends_the_order_cancels_it() -> None:
    scene = Scene()
    scene.place("SELL", "0.2", "20000", newClientOrderId="part")
    scene.place("BUY", "0.1", "20000", uid=BOB)
    scene.place("BUY", "0.1", "19000", uid=BOB)
    scene.place("SELL", "0.1", "21000", newClientOrderId="maker", timeInForce="GTX")
    modify = {"symbol": "BTCUSDT", "side": "SELL"}
    for name, quantity, price in (("part", "0.1", "20500"), ("maker", "0.1", "19000")):
        answer = scene.call("PUT /v1/order", **modify, origClientOrderId=name, quantity=quantity, price=price)
        assert answer["status"] == "CANCELED"


def test_modifications_are_refused_without_a_trace() -> None:
    scene = Scene()
    placed = scene.place("BUY", "0.1", "20000")
    modify = {"symbol": "BTCUSDT", "orderId": placed["orderId"], "side": "BUY", "quantity": "0.1", "price": "20000"}
    assert scene.refuse("PUT /v1/order", **modify) == -5027
    assert scene.refuse("PUT /v1/order", **modify | {"quantity": "500"}) == -2019
    assert scene.refuse("PUT /v1/order", **modify | {"side": "SELL", "quantity": "1"}) == -1130
    assert scene.refuse("PUT /v1/order", **modify | {"orderId": 1}) == -2013
    assert scene.refuse("PUT /v1/order", **{k: v for k, v in modify.items() if k != "price"}) == -1102
    assert scene.call("GET /v1/orderAmendment", symbol="BTCUSDT", orderId=placed["orderId"]) == []


def test_orders_are_canceled_one_by_one_or_all_of_a_symbol() -> None:
    scene = Scene()
    for name in ("a", "b", "c"):
        scene.place("BUY", "0.1", "19000", newClientOrderId=name)
    answer = scene.call("DELETE /v1/order", symbol="BTCUSDT", origClientOrderId="b")
    assert (answer["status"], answer["clientOrderId"]) == ("CANCELED", "b")
    assert scene.refuse("DELETE /v1/order", symbol="BTCUSDT", origClientOrderId="b") == -2011
    assert scene.refuse("DELETE /v1/order", symbol="ETHUSDT", origClientOrderId="a") == -2011
    assert scene.refuse("DELETE /v1/order", symbol="BTCUSDT") == -1102
    scene.forget()
    assert scene.call("DELETE /v1/allOpenOrders", symbol="BTCUSDT")["code"] == 200
    assert scene.story() == ["LIMIT CANCELED CANCELED"] * 2


def test_open_notionals_of_the_symbol_are_told_with_every_report() -> None:
    scene = Scene()
    scene.place("BUY", "0.1", "19000")
    scene.place("SELL", "0.2", "21000")
    assert [(event["o"]["b"], event["o"]["a"]) for event in scene.events()] == [("1900", "0"), ("1900", "4200")]
    scene.place("BUY", "0.1", "21000", uid=BOB)
    assert scene.events()[-2]["o"]["a"] == "2100"


def test_client_ids_are_unique_among_open_orders_and_made_up_when_missing() -> None:
    scene = Scene()
    scene.place("BUY", "0.1", "19000", newClientOrderId="mine")
    assert scene.refuse("POST /v1/order", **scene.order("BUY", "0.1", "18000", newClientOrderId="mine")) == -4116
    scene.call("DELETE /v1/order", symbol="BTCUSDT", origClientOrderId="mine")
    scene.place("BUY", "0.1", "19000", newClientOrderId="mine")
    assert len(scene.place("BUY", "0.1", "19000")["clientOrderId"]) == 22


@pytest.mark.parametrize("make", [UsdmDesk, CoinmDesk])
def test_order_ids_can_exceed_what_a_floating_point_number_holds(make: type[UsdmDesk]) -> None:
    desk = make(lambda: 1_790_000_000_000_000, 1, first_order_id=2**53 + 1)
    satisfied: Desk = desk
    satisfied.open_account(ALICE, {"USDT": "1000", "BTC": "1"})
    symbol, path = ("BTCUSDT", "/fapi") if make is UsdmDesk else ("BTCUSD_PERP", "/dapi")
    order = {"symbol": symbol, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "100"}
    answer = satisfied.call(ALICE, "POST", f"{path}/v1/order", order)
    assert answer["orderId"] == 2**53 + 1 != float(answer["orderId"])
