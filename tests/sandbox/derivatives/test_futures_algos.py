"""Conditional orders: what sets them off, what becomes of them, and what their owner is told."""

from __future__ import annotations

from typing import Any

import pytest
from desk_scene import ALICE, BOB, SECOND, Scene


def algo(scene: Scene, side: str, kind: str, uid: int = ALICE, **more: Any) -> Any:
    params = {"symbol": scene.symbol, "algoType": "CONDITIONAL", "side": side, "type": kind, "quantity": "0.1"}
    return scene.call("POST /v1/algoOrder", uid, **params | more)


def close(scene: Scene, side: str, kind: str, trigger_price: str) -> Any:
    params = {"symbol": scene.symbol, "algoType": "CONDITIONAL", "side": side, "type": kind}
    return scene.call("POST /v1/algoOrder", **params, closePosition="true", triggerPrice=trigger_price)


@pytest.fixture
def scene() -> Scene:
    """A market at 20000, and somebody to trade with on both sides."""
    made = Scene()
    made.trade("BUY", "0.1", "20000")
    made.place("BUY", "9", "10000", uid=BOB)
    made.place("SELL", "9", "30000", uid=BOB)
    made.forget()
    return made


def last_at(scene: Scene, price: str) -> None:
    """Let a trade of two others make the last price."""
    third = 99
    if not scene.desk.has(third):
        scene.desk.open_account(third, {"USDT": "1000000"})
    scene.place("SELL", "0.001", price, uid=BOB, selfTradePreventionMode="NONE")
    scene.place("BUY", "0.001", price, uid=third)


@pytest.mark.parametrize(
    ("side", "kind", "trigger", "stays", "fires"),
    [
        ("SELL", "STOP_MARKET", "19000", "19001", "19000"),
        ("BUY", "STOP_MARKET", "21000", "20999", "21000"),
        ("SELL", "TAKE_PROFIT_MARKET", "21000", "20999", "21500"),
        ("BUY", "TAKE_PROFIT_MARKET", "19000", "19001", "18000"),
    ],
)
def test_an_order_goes_off_when_the_price_reaches_it(
    scene: Scene, side: str, kind: str, trigger: str, stays: str, fires: str
) -> None:
    algo(scene, side, kind, triggerPrice=trigger)
    last_at(scene, stays)
    assert scene.story() == [f"algo {kind} NEW"]
    last_at(scene, fires)
    assert [story for story in scene.story() if "account" not in story and "lite" not in story] == [
        f"algo {kind} NEW", f"algo {kind} TRIGGERING", "MARKET NEW NEW", f"algo {kind} TRIGGERED",
        f"MARKET TRADE FILLED 0.1@{'10000' if side == 'SELL' else '30000'}", f"algo {kind} FINISHED",
    ]  # fmt: skip
    finished = scene.events()[-1]["o"]
    real = next(event["o"] for event in scene.events() if event["e"] == "ORDER_TRADE_UPDATE")
    assert (finished["ai"], finished["act"], finished["aq"]) == (str(real["i"]), "MARKET", "0.10000")
    assert real["ot"] == kind


def test_the_mark_price_sets_off_what_waits_for_it_and_nothing_else(scene: Scene) -> None:
    algo(scene, "SELL", "STOP_MARKET", triggerPrice="19000", workingType="MARK_PRICE")
    algo(scene, "SELL", "STOP_MARKET", triggerPrice="19000")
    last = algo(scene, "SELL", "STOP", triggerPrice="18000", price="25000", timeInForce="GTC", workingType="MARK_PRICE")
    scene.desk.set_mark_price("BTCUSDT", "18500")
    waiting = scene.call("GET /v1/openAlgoOrders", symbol="BTCUSDT")
    # What went off has traded at 10000, which the other one has been waiting for.
    assert [row["algoId"] for row in waiting] == [last["algoId"]]


def test_a_limit_order_that_goes_off_rests_and_is_finished_when_it_ends(scene: Scene) -> None:
    made = algo(scene, "SELL", "STOP", triggerPrice="19000", price="22000", timeInForce="GTC")
    last_at(scene, "19000")
    assert scene.story()[-1] == "algo STOP TRIGGERED"
    (resting,) = scene.call("GET /v1/openOrders", symbol="BTCUSDT")
    assert (resting["origType"], resting["stopPrice"], resting["price"]) == ("STOP", "19000", "22000")
    queried = scene.call("GET /v1/algoOrder", algoId=made["algoId"])
    assert (queried["algoStatus"], queried["actualOrderId"]) == ("TRIGGERED", str(resting["orderId"]))
    assert scene.refuse("DELETE /v1/algoOrder", algoId=made["algoId"]) == -2011
    scene.call("DELETE /v1/order", symbol="BTCUSDT", orderId=resting["orderId"])
    assert scene.story()[-1] == "algo STOP FINISHED"


def test_a_trailing_order_becomes_active_and_follows_the_market(scene: Scene) -> None:
    algo(scene, "SELL", "TRAILING_STOP_MARKET", callbackRate="1", activatePrice="21000")
    assert scene.events()[-1]["o"]["ia"] is False
    for price in ("20900", "21000", "22000", "21790"):
        last_at(scene, price)
    assert scene.story() == ["algo TRAILING_STOP_MARKET NEW", "algo TRAILING_STOP_MARKET NEW active"]
    last_at(scene, "21780")
    assert "algo TRAILING_STOP_MARKET TRIGGERED active" in scene.story()
    real = next(event["o"] for event in scene.events() if event["e"] == "ORDER_TRADE_UPDATE")
    assert (real["AP"], real["cr"]) == ("21000", "1")
    row = scene.call("GET /v1/allOrders", symbol="BTCUSDT")[-1]
    assert (row["activatePrice"], row["priceRate"]) == ("21000", "1")


def test_a_trailing_buy_is_active_at_once_and_follows_the_market_down(scene: Scene) -> None:
    algo(scene, "BUY", "TRAILING_STOP_MARKET", callbackRate="1")
    for price in ("19000", "18000", "18100"):
        last_at(scene, price)
    assert scene.story() == ["algo TRAILING_STOP_MARKET NEW", "algo TRAILING_STOP_MARKET NEW active"]
    last_at(scene, "18200")
    assert "algo TRAILING_STOP_MARKET FINISHED active" in scene.story()


def test_a_trailing_buy_waits_for_a_fall_and_one_without_a_price_for_the_first(scene: Scene) -> None:
    algo(scene, "BUY", "TRAILING_STOP_MARKET", callbackRate="1", activatePrice="19000")
    last_at(scene, "19500")
    assert len(scene.events()) == 1
    last_at(scene, "18900")
    assert scene.story()[-1] == "algo TRAILING_STOP_MARKET NEW active"
    fresh = Scene()
    algo(fresh, "BUY", "TRAILING_STOP_MARKET", callbackRate="1")
    assert fresh.events()[-1]["o"]["ia"] is False
    fresh.desk.set_mark_price("BTCUSDT", "20000")
    last_at(fresh, "20000")
    assert fresh.events()[-1]["o"]["ia"] is True


def test_closing_takes_the_whole_position_or_expires(scene: Scene) -> None:
    close(scene, "SELL", "STOP_MARKET", "19000")
    close(scene, "BUY", "TAKE_PROFIT_MARKET", "19000")
    last_at(scene, "19000")
    stories = scene.story()
    assert "MARKET TRADE FILLED 0.1@10000" in stories
    assert stories[-1] == "algo TAKE_PROFIT_MARKET EXPIRED"
    real = next(event["o"] for event in scene.events() if event["e"] == "ORDER_TRADE_UPDATE")
    assert (real["cp"], real["R"], real["q"]) == (True, True, "0.1")
    assert scene.events()[-1]["o"]["rm"] == "There is no position to close."


def test_what_the_engine_refuses_is_rejected_and_says_why(scene: Scene) -> None:
    made = algo(scene, "BUY", "STOP_MARKET", triggerPrice="21000", quantity="90")
    last_at(scene, "21000")
    assert scene.story()[-2:] == ["algo STOP_MARKET TRIGGERING", "algo STOP_MARKET REJECTED"]
    assert scene.events()[-1]["o"]["rm"] == "Margin is insufficient."
    assert scene.call("GET /v1/algoOrder", algoId=made["algoId"])["algoStatus"] == "REJECTED"


def test_orders_that_go_off_may_set_off_others(scene: Scene) -> None:
    algo(scene, "SELL", "STOP_MARKET", triggerPrice="19000")
    algo(scene, "SELL", "STOP_MARKET", triggerPrice="12000")
    last_at(scene, "19000")
    statuses = [story.split()[-1] for story in scene.story() if story.startswith("algo")]
    assert statuses == ["NEW", "NEW", "TRIGGERING", "TRIGGERED", "FINISHED", "TRIGGERING", "TRIGGERED", "FINISHED"]


def test_waiting_orders_are_canceled_alone_or_together(scene: Scene) -> None:
    first = algo(scene, "SELL", "STOP_MARKET", triggerPrice="19000", clientAlgoId="mine")
    algo(scene, "SELL", "TRAILING_STOP_MARKET", callbackRate="1", activatePrice="21000")
    algo(scene, "BUY", "STOP_MARKET", triggerPrice="21000")
    algo(scene, "SELL", "STOP_MARKET", symbol="ETHUSDT", triggerPrice="1000")
    assert scene.call("GET /v1/openAlgoOrders", algoId=first["algoId"])[0]["clientAlgoId"] == "mine"
    scene.call("DELETE /v1/algoOrder", clientAlgoId="mine")
    assert scene.story()[-1] == "algo STOP_MARKET CANCELED"
    scene.call("DELETE /v1/algoOpenOrders", symbol="BTCUSDT")
    assert [row["symbol"] for row in scene.call("GET /v1/openAlgoOrders")] == ["ETHUSDT"]
    scene.forget()
    last_at(scene, "12000")
    assert scene.story() == []


def test_an_order_with_a_date_expires_unless_it_has_gone_off(scene: Scene) -> None:
    dated = {"timeInForce": "GTD", "goodTillDate": scene.now + 700_000}
    algo(scene, "SELL", "STOP", triggerPrice="19000", price="18000", **dated)
    gone = algo(scene, "SELL", "STOP", triggerPrice="18000", price="18000", **dated)
    scene.call("DELETE /v1/algoOrder", algoId=gone["algoId"])
    scene.forget()
    scene.tick(701 * SECOND)
    scene.desk.tick()
    assert scene.story() == ["algo STOP EXPIRED"]


def test_history_is_listed_by_times_and_from_an_id_on(scene: Scene) -> None:
    ids = [algo(scene, "SELL", "STOP_MARKET", triggerPrice=price)["algoId"] for price in ("19000", "18000", "17000")]
    rows = scene.call("GET /v1/allAlgoOrders", symbol="BTCUSDT", algoId=ids[1])
    assert [row["algoId"] for row in rows] == ids[1:]
    assert [row["algoId"] for row in scene.call("GET /v1/allAlgoOrders", symbol="BTCUSDT", limit=1)] == ids[2:]
    scene.call("DELETE /v1/algoOrder", algoId=ids[0])
    scene.tick(4 * 86_400 * SECOND)
    assert [row["algoId"] for row in scene.call("GET /v1/allAlgoOrders", symbol="BTCUSDT")] == ids[1:]
    assert scene.refuse("GET /v1/algoOrder", algoId=ids[0]) == -2013
    assert scene.call("GET /v1/allAlgoOrders", symbol="ETHUSDT") == []


def test_refusals_have_the_documented_codes(scene: Scene) -> None:
    route = "POST /v1/algoOrder"
    stop = {"symbol": "BTCUSDT", "algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.1"}
    assert scene.refuse(route, **stop) == -1102
    assert scene.refuse(route, **stop, triggerPrice="20000") == -2021
    assert scene.refuse(route, **stop | {"side": "BUY"}, triggerPrice="20000") == -2021
    assert scene.refuse(route, **stop | {"type": "LIMIT"}, triggerPrice="1") == -1116
    assert scene.refuse(route, **stop | {"algoType": "VP"}, triggerPrice="1") == -1130
    assert scene.refuse(route, **stop, triggerPrice="19000", callbackRate="1") == -1106
    assert scene.refuse(route, **stop, triggerPrice="19000", closePosition="true") == -1106
    trailing = stop | {"type": "TRAILING_STOP_MARKET"}
    assert scene.refuse(route, **trailing) == -1102
    assert scene.refuse(route, **trailing, callbackRate="11") == -2007
    assert scene.refuse(route, **trailing, callbackRate="1", closePosition="true") == -1128
    algo(scene, "SELL", "STOP_MARKET", triggerPrice="19000", clientAlgoId="mine")
    assert scene.refuse(route, **stop, triggerPrice="19000", clientAlgoId="mine") == -4116
    assert scene.refuse("DELETE /v1/algoOrder") == -1102
    assert scene.refuse("DELETE /v1/algoOrder", algoId=1) == -2011
    assert scene.refuse("GET /v1/algoOrder") == -1102
    for _ in range(199):
        algo(scene, "SELL", "STOP_MARKET", triggerPrice="19000")
    assert scene.refuse(route, **stop, triggerPrice="19000") == -4045


def test_conditional_types_have_no_place_on_the_plain_route(scene: Scene) -> None:
    for kind in ("STOP", "STOP_MARKET", "TAKE_PROFIT", "TAKE_PROFIT_MARKET", "TRAILING_STOP_MARKET"):
        assert scene.refuse("POST /v1/order", **scene.order("SELL", "0.1") | {"type": kind}) == -4120


def test_history_lags_as_all_history_does() -> None:
    scene = Scene()
    scene.desk.lag = 5
    made = algo(scene, "SELL", "STOP_MARKET", triggerPrice="19000")
    assert scene.call("GET /v1/allAlgoOrders", symbol="BTCUSDT") == []
    scene.tick(6 * SECOND)
    scene.call("DELETE /v1/algoOrder", algoId=made["algoId"])
    scene.tick()
    assert [row["algoStatus"] for row in scene.call("GET /v1/allAlgoOrders", symbol="BTCUSDT")] == ["NEW"]
    assert scene.call("GET /v1/algoOrder", algoId=made["algoId"])["algoStatus"] == "CANCELED"
