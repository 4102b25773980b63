"""The questions that a futures desk answers: what they need, how far they reach, and in which order they list."""

from __future__ import annotations

from typing import Any

import pytest
from desk_scene import ALICE, BOB, DAY, SECOND, START, START_MS, Scene

SYMBOL = {"symbol": "BTCUSDT"}


def ids(rows: list[dict[str, Any]]) -> list[int]:
    return [row["orderId"] for row in rows]


def traded(days: int = 0) -> Scene:
    """Three fills and an order without one, a day apart."""
    scene = Scene()
    for _ in range(3):
        scene.trade("BUY", "0.1", "20000")
        scene.tick(DAY)
    scene.place("BUY", "0.1", "15000", newClientOrderId="resting")
    scene.tick(days * DAY)
    return scene


def test_an_order_is_found_by_its_id_or_by_its_client_id() -> None:
    scene = Scene()
    placed = scene.place("BUY", "0.1", "19000", newClientOrderId="mine")
    by_id = scene.call("GET /v1/order", **SYMBOL, orderId=placed["orderId"])
    assert scene.call("GET /v1/order", **SYMBOL, origClientOrderId="mine") == by_id
    assert scene.call("GET /v1/openOrder", **SYMBOL, orderId=placed["orderId"]) == by_id
    assert scene.refuse("GET /v1/order", **SYMBOL) == -1102
    assert scene.refuse("GET /v1/order", **SYMBOL, orderId=1) == -2013
    assert scene.refuse("GET /v1/order", symbol="NOTHING", orderId=1) == -1121
    scene.call("DELETE /v1/order", **SYMBOL, orderId=placed["orderId"])
    assert scene.refuse("GET /v1/openOrder", **SYMBOL, orderId=placed["orderId"]) == -2013
    newer = scene.place("BUY", "0.1", "19000", newClientOrderId="mine")
    assert scene.call("GET /v1/order", **SYMBOL, origClientOrderId="mine")["orderId"] == newer["orderId"]


def test_orders_that_ended_unfilled_are_gone_after_three_days_and_all_after_ninety() -> None:
    scene = traded()
    filled = scene.call("GET /v1/userTrades", **SYMBOL)[0]["orderId"]
    resting = scene.call("GET /v1/openOrders", **SYMBOL)[0]["orderId"]
    gone = scene.place("BUY", "0.1", "14000")["orderId"]
    scene.call("DELETE /v1/order", **SYMBOL, orderId=gone)
    scene.tick(3 * DAY)
    assert gone in ids(scene.call("GET /v1/allOrders", **SYMBOL))
    scene.tick()
    assert scene.refuse("GET /v1/order", **SYMBOL, orderId=gone) == -2013
    assert gone not in ids(scene.call("GET /v1/allOrders", **SYMBOL, orderId=filled))
    assert scene.call("GET /v1/order", **SYMBOL, orderId=resting)["status"] == "NEW"
    scene.tick(88 * DAY)
    assert scene.refuse("GET /v1/order", **SYMBOL, orderId=filled) == -2013


def test_open_orders_are_those_of_a_symbol_or_of_all() -> None:
    scene = traded()
    scene.call("POST /v1/order", **scene.order("BUY", "0.1", "1000") | {"symbol": "ETHUSDT"})
    assert len(scene.call("GET /v1/openOrders", **SYMBOL)) == 1
    assert len(scene.call("GET /v1/openOrders")) == 2
    assert scene.refuse("GET /v1/openOrders", symbol="NOTHING") == -1121


def test_all_orders_go_by_times_of_placement_or_from_an_id_on() -> None:
    scene = traded()
    everything = scene.call("GET /v1/allOrders", **SYMBOL)
    assert [row["time"] for row in everything] == [START_MS + day * DAY // 1000 for day in range(4)]
    first, second, third, fourth = ids(everything)
    assert ids(scene.call("GET /v1/allOrders", **SYMBOL, limit=2)) == [third, fourth]
    assert ids(scene.call("GET /v1/allOrders", **SYMBOL, startTime=START_MS + 1, limit=2)) == [second, third]
    until = START_MS + DAY // 1000
    assert ids(scene.call("GET /v1/allOrders", **SYMBOL, startTime=START_MS, endTime=until)) == [first, second]
    assert ids(scene.call("GET /v1/allOrders", **SYMBOL, endTime=until)) == [first, second]
    assert ids(scene.call("GET /v1/allOrders", **SYMBOL, orderId=second, limit=2)) == [second, third]


def test_all_orders_of_all_symbols_come_in_one_list() -> None:
    scene = traded()
    scene.tick()
    scene.call("POST /v1/order", **scene.order("BUY", "0.1", "1000") | {"symbol": "ETHUSDT"})
    rows = scene.call("GET /v1/allOrders")
    assert [row["symbol"] for row in rows] == ["BTCUSDT"] * 4 + ["ETHUSDT"]
    assert scene.call("GET /v1/allOrders", limit=2) == rows[-2:]
    assert scene.refuse("GET /v1/allOrders", orderId=1) == -1128


def test_windows_are_seven_days_at_most() -> None:
    scene = traded(days=10)
    assert scene.call("GET /v1/allOrders", **SYMBOL) == []
    week = {"startTime": START_MS, "endTime": START_MS + 7 * DAY // 1000}
    assert len(scene.call("GET /v1/allOrders", **SYMBOL, **week)) == 4
    for path in ("allOrders", "userTrades", "allAlgoOrders"):
        assert scene.refuse(f"GET /v1/{path}", **SYMBOL, **week | {"startTime": START_MS - 1}) == -1127
        assert scene.refuse(f"GET /v1/{path}", **SYMBOL, startTime=2, endTime=1) == -1023


def test_fills_are_listed_from_an_id_on_by_order_or_by_times() -> None:
    scene = traded()
    first, second, third = scene.call("GET /v1/userTrades", **SYMBOL)
    assert scene.call("GET /v1/userTrades", **SYMBOL, limit=1) == [third]
    assert scene.call("GET /v1/userTrades", **SYMBOL, fromId=second["id"]) == [second, third]
    assert scene.call("GET /v1/userTrades", **SYMBOL, fromId=first["id"], limit=2) == [first, second]
    assert scene.call("GET /v1/userTrades", **SYMBOL, startTime=second["time"], limit=1) == [second]
    assert scene.call("GET /v1/userTrades", **SYMBOL, orderId=second["orderId"]) == [second]
    assert scene.call("GET /v1/userTrades", **SYMBOL, orderId=1) == []
    assert scene.refuse("GET /v1/userTrades") == -1102
    assert scene.refuse("GET /v1/userTrades", **SYMBOL, fromId=1, startTime=1) == -1128
    scene.tick(30 * DAY)
    assert scene.call("GET /v1/userTrades", **SYMBOL) == []
    assert scene.call("GET /v1/userTrades", **SYMBOL, fromId=0) == [first, second, third]
    assert scene.call("GET /v1/userTrades", **SYMBOL, orderId=second["orderId"]) == [second]
    scene.tick(61 * DAY)
    assert scene.call("GET /v1/userTrades", **SYMBOL, fromId=0) == [third]


def test_coinm_lists_by_symbol_or_by_pair() -> None:
    scene = Scene("coinm")
    scene.trade("BUY", "10", "20000")
    scene.place("BUY", "10", "19000")
    for path in ("openOrders", "allOrders", "userTrades"):
        by_symbol = scene.call(f"GET /v1/{path}", symbol="BTCUSD_PERP")
        assert by_symbol
        assert scene.call(f"GET /v1/{path}", pair="BTCUSD") == by_symbol
        assert scene.call(f"GET /v1/{path}", pair="ETHUSD") == []
        assert scene.refuse(f"GET /v1/{path}", pair="NOTHING") == -1121
        assert scene.refuse(f"GET /v1/{path}", pair="BTCUSD", symbol="BTCUSD_PERP") == -1128
    for path in ("allOrders", "userTrades"):
        assert scene.refuse(f"GET /v1/{path}") == -1102
    assert scene.refuse("GET /v1/userTrades", pair="BTCUSD", orderId=1) == -1128
    assert [row["symbol"] for row in scene.call("GET /v1/positionRisk", pair="ETHUSD")] == ["ETHUSD_PERP"]
    assert [row["symbol"] for row in scene.call("GET /v1/positionRisk", marginAsset="BTC")] == ["BTCUSD_PERP"]
    assert scene.refuse("GET /v1/positionRisk", pair="NOTHING") == -1121


def test_coinm_lists_fifty_by_default_and_a_hundred_orders_at_most() -> None:
    scene = Scene("coinm")
    for _ in range(120):
        scene.place("BUY", "1", "10000")
    for limit, count in ((None, 50), (100, 100), (1000, 100)):
        more = {} if limit is None else {"limit": limit}
        assert len(scene.call("GET /v1/allOrders", symbol="BTCUSD_PERP", **more)) == count


def test_a_pair_of_several_contracts_is_listed_as_one() -> None:
    scene = Scene("coinm")
    desk = scene.desk
    options = {
        name: getattr(desk.contracts["BTCUSD_PERP"], name) for name in ("tick_size", "step_size", "contract_size")
    }
    desk.add_contract("BTCUSD_270326", "BTCUSD", "BTC", "USD", **options)
    for symbol in ("BTCUSD_PERP", "BTCUSD_270326", "BTCUSD_PERP"):
        scene.tick()
        scene.place("SELL", "1", "20000", uid=BOB, symbol=symbol)
        scene.place("BUY", "1", "20000", symbol=symbol)
    rows = scene.call("GET /v1/userTrades", pair="BTCUSD")
    assert [row["symbol"] for row in rows] == ["BTCUSD_PERP", "BTCUSD_270326", "BTCUSD_PERP"]
    assert scene.call("GET /v1/userTrades", pair="BTCUSD", limit=2) == rows[1:]
    assert scene.call("GET /v1/userTrades", pair="BTCUSD", startTime=rows[0]["time"], limit=2) == rows[:2]
    assert scene.refuse("GET /v1/userTrades", pair="BTCUSD", fromId=1) == -1128
    # Its events list all open positions, those that have not changed as well.
    update = [event for event in scene.events() if event["e"] == "ACCOUNT_UPDATE"][-1]
    assert [(row["s"], row["pa"]) for row in update["a"]["P"]] == [("BTCUSD_PERP", "2"), ("BTCUSD_270326", "1")]


def test_income_is_listed_by_symbol_by_kind_and_by_times() -> None:
    scene = traded()
    scene.desk.transfer(ALICE, "USDT", "5")
    rows = scene.call("GET /v1/income")
    assert [row["incomeType"] for row in rows] == ["COMMISSION"] * 3 + ["TRANSFER"]
    assert len({row["tranId"] for row in rows}) == 4
    assert scene.call("GET /v1/income", incomeType="TRANSFER") == rows[3:]
    assert scene.call("GET /v1/income", **SYMBOL) == rows[:3]
    assert scene.call("GET /v1/income", **SYMBOL, incomeType="TRANSFER") == []
    assert scene.call("GET /v1/income", startTime=rows[1]["time"], limit=2) == rows[1:3]
    assert scene.call("GET /v1/income", limit=1) == rows[3:]
    assert scene.refuse("GET /v1/income", symbol="NOTHING") == -1121
    assert scene.refuse("GET /v1/income", page=1) == -1104


def test_amendments_are_listed_newest_first() -> None:
    scene = Scene()
    placed = scene.place("BUY", "0.1", "19000")
    modify = {**SYMBOL, "orderId": placed["orderId"], "side": "BUY", "quantity": "0.1"}
    for price in ("19001", "19002"):
        scene.tick()
        scene.call("PUT /v1/order", **modify, price=price)
    newest, oldest = scene.call("GET /v1/orderAmendment", **SYMBOL, orderId=placed["orderId"])
    assert newest["amendment"]["price"] == {"before": "19001", "after": "19002"}
    since = {"startTime": oldest["time"], "endTime": oldest["time"]}
    assert scene.call("GET /v1/orderAmendment", **SYMBOL, orderId=placed["orderId"], **since) == [oldest]
    assert scene.call("GET /v1/orderAmendment", **SYMBOL, orderId=1) == []
    assert scene.refuse("GET /v1/orderAmendment", **SYMBOL) == -1102


def test_a_symbol_with_only_a_resting_order_is_listed_with_nothing_held() -> None:
    scene = Scene()
    assert scene.call("GET /v3/positionRisk") == []
    scene.place("BUY", "0.1", "19000")
    (row,) = scene.call("GET /v3/positionRisk")
    assert (row["positionAmt"], row["bidNotional"], row["openOrderInitialMargin"]) == ("0", "1900", "95.00000000")
    assert [row["symbol"] for row in scene.call("GET /v2/positionRisk")] == ["BTCUSDT", "ETHUSDT"]
    assert scene.refuse("GET /v2/positionRisk", symbol="NOTHING") == -1121


def test_what_is_locked_as_margin_is_not_available() -> None:
    scene = Scene()
    scene.place("BUY", "10", "19000")
    (balance,) = scene.call("GET /v3/balance")
    assert (balance["balance"], balance["availableBalance"]) == ("100000.00000000", "90500.00000000")
    assert scene.call("GET /v1/commissionRate", **SYMBOL)["takerCommissionRate"] == "0.00040000"


def test_a_reader_of_the_database_sees_the_past() -> None:
    scene = Scene()
    scene.desk.lag = 5
    scene.tick(10 * SECOND)
    scene.place("SELL", "0.2", "20000", newClientOrderId="mine")
    scene.tick(2 * SECOND)
    scene.place("BUY", "0.1", "20000", uid=BOB)
    scene.desk.transfer(ALICE, "USDT", "5")
    (order,) = scene.call("GET /v1/openOrders", **SYMBOL)
    assert order["executedQty"] == "0.1"
    assert scene.call("GET /v1/allOrders", **SYMBOL) == []
    assert scene.call("GET /v1/allOrders", **SYMBOL, orderId=order["orderId"]) == []
    assert scene.call("GET /v3/balance")[0]["balance"] == "100000.00000000"
    scene.tick(4 * SECOND)
    # Six seconds after the placement, four after the fill.
    assert scene.call("GET /v1/allOrders", **SYMBOL)[0]["executedQty"] == "0"
    assert (scene.call("GET /v1/userTrades", **SYMBOL), scene.call("GET /v1/income")) == ([], [])
    assert scene.call("GET /v3/positionRisk") == []
    scene.tick(SECOND)
    assert scene.call("GET /v1/allOrders", **SYMBOL)[0]["executedQty"] == "0.1"
    assert len(scene.call("GET /v1/userTrades", **SYMBOL, fromId=0)) == 1
    assert scene.call("GET /v3/positionRisk")[0]["positionAmt"] == "-0.1"
    assert scene.call("GET /v3/account")["assets"][0]["walletBalance"] == scene.balance()


def test_a_clock_that_goes_back_is_held() -> None:
    scene = Scene()
    scene.place("BUY", "0.1", "19000")
    scene.time = START - SECOND
    scene.place("BUY", "0.1", "19000")
    assert {event["E"] for event in scene.events()} == {START_MS}


@pytest.mark.parametrize(
    ("path", "params", "weight"),
    [
        ("openOrders", SYMBOL, 1), ("openOrders", {}, 40), ("openAlgoOrders", {}, 40), ("forceOrders", {}, 50),
        ("forceOrders", SYMBOL, 20), ("allOrders", SYMBOL, 5), ("income", {}, 30), ("positionSide/dual", {}, 30),
    ],
)  # fmt: skip
def test_routes_cost_what_is_documented(path: str, params: dict[str, str], weight: int) -> None:
    assert Scene().desk.routes["GET", f"/fapi/v1/{path}"].weight(params) == weight


def test_orders_count_as_orders_and_need_the_right_to_trade() -> None:
    routes = Scene().desk.routes
    for path in ("order", "algoOrder"):
        route = routes["POST", f"/fapi/v1/{path}"]
        assert (route.permission, route.weight({}), route.orders) == ("TRADE", 0, 1)
    assert routes["GET", "/fapi/v1/order"].permission == "USER_DATA"
