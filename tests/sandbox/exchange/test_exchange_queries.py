"""Queries: which rows they choose, in which order, and how far behind a lagging database is."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_scene import SECOND, START_MS, Scene

DAY = 86_400


@pytest.fixture
def scene() -> Scene:
    """Six orders of Alice, one each second from second 1; Bob fills o5, o4 and o3 in seconds 101, 102 and 103."""
    scene = Scene()
    for number in range(6):
        scene.tick()
        scene.place(scene.alice, "BUY", "0.01", str(20000 + number), newClientOrderId=f"o{number}")
    scene.tick(95 * SECOND)
    for _ in range(3):  # the highest bid is filled first
        scene.place(scene.bob, "SELL", "0.01")
        scene.tick()
    return scene


def at(second: int) -> int:
    return START_MS + second * 1000


def names(rows: list[dict[str, Any]]) -> list[str]:
    return [row["clientOrderId"] for row in rows]


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, "o0 o1 o2 o3 o4 o5"),
        ({"limit": 2}, "o4 o5"),
        ({"orderId": 5_000_000_003}, "o2 o3 o4 o5"),
        ({"orderId": 5_000_000_003, "limit": 2}, "o2 o3"),
        ({"startTime": at(1)}, "o0 o1 o2 o5 o4 o3"),
        ({"startTime": at(2), "limit": 3}, "o1 o2 o5"),
        ({"startTime": at(2), "endTime": at(3)}, "o1 o2"),
        ({"startTime": at(2) * 1000, "endTime": at(3) * 1000}, "o1 o2"),
        ({"endTime": at(102), "limit": 2}, "o5 o4"),
        ({"endTime": at(104)}, "o0 o1 o2 o5 o4 o3"),
        ({"endTime": at(0)}, ""),
        ({"startTime": at(2), "endTime": at(3), "orderId": 5_000_000_006}, "o1 o2"),
        ({"limit": 5000}, "o0 o1 o2 o3 o4 o5"),
    ],
)
def test_all_orders_chooses_by_last_update_or_by_id(scene: Scene, params: dict[str, int], expected: str) -> None:
    assert names(scene.call(scene.alice, "allOrders", symbol="BTCUSDT", **params)) == expected.split()


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, [1, 2, 3]),
        ({"limit": 2}, [2, 3]),
        ({"fromId": 6_000_000_002}, [2, 3]),
        ({"fromId": 6_000_000_001, "limit": 2}, [1, 2]),
        ({"startTime": at(102)}, [2, 3]),
        ({"startTime": at(101), "limit": 1}, [1]),
        ({"endTime": at(102)}, [1, 2]),
        ({"endTime": at(102), "limit": 1}, [2]),
        ({"startTime": at(102), "endTime": at(102)}, [2]),
        ({"orderId": 5_000_000_006}, [1]),
        ({"orderId": 5_000_000_006, "fromId": 6_000_000_002}, []),
        ({"orderId": 77}, []),
    ],
)
def test_my_trades_chooses_by_id_time_or_order(scene: Scene, params: dict[str, int], expected: list[int]) -> None:
    rows = scene.call(scene.alice, "myTrades", symbol="BTCUSDT", **params)
    assert [row["id"] - 6_000_000_000 for row in rows] == expected


@pytest.mark.parametrize(
    ("method", "params", "code"),
    [
        ("myTrades", {"symbol": "BTCUSDT", "orderId": 1, "startTime": 1}, -1128),
        ("myTrades", {"symbol": "BTCUSDT", "fromId": 1, "endTime": 1}, -1128),
        ("myTrades", {"symbol": "BTCUSDT", "startTime": at(0), "endTime": at(DAY + 1)}, -1127),
        ("allOrders", {"symbol": "BTCUSDT", "startTime": at(0), "endTime": at(DAY + 1)}, -1127),
        ("allOrderLists", {"startTime": at(0), "endTime": at(DAY + 1)}, -1127),
        ("myAllocations", {"symbol": "BTCUSDT", "startTime": at(0), "endTime": at(DAY + 1)}, -1127),
        ("allOrders", {}, -1102),
        ("myTrades", {}, -1102),
        ("allOrders", {"symbol": "NOPE"}, -1121),
        ("allOrders", {"symbol": "BTCUSDT", "limit": 0}, -1130),
        ("allOrders", {"symbol": "BTCUSDT", "limit": "many"}, -1100),
        ("allOrders", {"symbol": "BTCUSDT", "page": 2}, -1104),
        ("order.status", {"symbol": "BTCUSDT"}, -1102),
        ("order.status", {"symbol": "BTCUSDT", "orderId": 1}, -2013),
        ("order.status", {"symbol": "BTCUSDT", "origClientOrderId": "nobody"}, -2013),
        ("order.status", {"symbol": "BTCUSDT", "orderId": 5_000_000_001, "origClientOrderId": "o1"}, -2039),
        ("orderList.status", {}, -1102),
        ("orderList.status", {"orderListId": 3}, -2013),
        ("myPreventedMatches", {"symbol": "BTCUSDT"}, -1128),
        ("order.amendments", {"symbol": "BTCUSDT"}, -1102),
        ("ticker.price", {"symbol": "BTCUSDT", "symbols": ["ETHUSDT"]}, -1128),
        ("ticker.price", {"symbols": 5}, -1130),
        ("account.status", {"omitZeroBalances": "perhaps"}, -1130),
    ],
)
def test_query_that_breaks_a_rule_is_refused(scene: Scene, method: str, params: dict[str, Any], code: int) -> None:
    assert scene.refuse(scene.alice, method, **params).code == code


def test_a_window_of_exactly_one_day_is_allowed(scene: Scene) -> None:
    params = {"symbol": "BTCUSDT", "startTime": at(0), "endTime": at(DAY)}
    assert len(scene.call(scene.alice, "allOrders", **params)) == 6
    assert len(scene.call(scene.alice, "myTrades", **params)) == 3


def test_pages_of_my_trades_meet_without_hole_or_overlap(scene: Scene) -> None:
    ids: list[int] = []
    from_id = 0
    while rows := scene.call(scene.alice, "myTrades", symbol="BTCUSDT", fromId=from_id, limit=2):
        ids += [row["id"] for row in rows]
        from_id = ids[-1] + 1
    assert ids == [row["id"] for row in scene.call(scene.alice, "myTrades", symbol="BTCUSDT")]


def test_unfilled_order_is_archived_after_ninety_days(scene: Scene) -> None:
    scene.call(scene.alice, "order.cancel", symbol="BTCUSDT", orderId=5_000_000_001)
    scene.tick(91 * DAY * SECOND)
    assert scene.refuse(scene.alice, "order.status", symbol="BTCUSDT", orderId=5_000_000_001).code == -2026
    assert scene.call(scene.alice, "order.status", symbol="BTCUSDT", orderId=5_000_000_002)["status"] == "NEW"
    assert scene.call(scene.alice, "order.status", symbol="BTCUSDT", orderId=5_000_000_006)["status"] == "FILLED"


def test_nobody_sees_the_orders_of_others(scene: Scene) -> None:
    assert scene.refuse(scene.bob, "order.status", symbol="BTCUSDT", orderId=5_000_000_001).code == -2013
    assert scene.refuse(scene.bob, "order.cancel", symbol="BTCUSDT", orderId=5_000_000_001).code == -2011
    assert names(scene.call(scene.bob, "openOrders.status")) == []


def test_open_orders_come_for_one_symbol_or_all(scene: Scene) -> None:
    scene.exchange.deposit(scene.alice, "ETH", "1")
    eth = {"symbol": "ETHUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": "3000", "quantity": "1"}
    scene.call(scene.alice, "order.place", **eth, newClientOrderId="eth")
    assert names(scene.call(scene.alice, "openOrders.status", symbol="BTCUSDT")) == ["o0", "o1", "o2"]
    assert names(scene.call(scene.alice, "openOrders.status")) == ["o0", "o1", "o2", "eth"]


def test_client_id_finds_the_open_order_before_a_canceled_one(scene: Scene) -> None:
    for number, other in ((1, "o0"), (2, "o1")):
        order_id = 5_000_000_001 + number
        scene.call(scene.alice, "order.cancel", symbol="BTCUSDT", orderId=order_id, newClientOrderId=other)
    found = scene.call(scene.alice, "order.status", symbol="BTCUSDT", origClientOrderId="o0")
    assert (found["orderId"], found["status"]) == (5_000_000_001, "NEW")
    found = scene.call(scene.alice, "order.status", symbol="BTCUSDT", origClientOrderId="o1")
    assert (found["orderId"], found["status"]) == (5_000_000_003, "CANCELED")


def test_amendments_of_an_unknown_order_are_none(scene: Scene) -> None:
    assert scene.call(scene.alice, "order.amendments", symbol="BTCUSDT", orderId=1) == []


def test_zero_balances_can_be_left_out(scene: Scene) -> None:
    scene.exchange.deposit(scene.alice, "DOGE", "1")
    scene.exchange.withdraw(scene.alice, "DOGE", "1")
    assert {row["asset"] for row in scene.call(scene.alice, "account.status")["balances"]} == {"BTC", "DOGE", "USDT"}
    left = scene.call(scene.alice, "account.status", omitZeroBalances="true")["balances"]
    assert {row["asset"] for row in left} == {"BTC", "USDT"}


def lagging() -> Scene:
    scene = Scene()
    scene.exchange.database_lag = 5 * SECOND
    return scene


def test_lagging_database_shows_orders_as_they_were() -> None:
    scene = lagging()
    placed = scene.place(scene.alice, "BUY", "0.02", "20000", newClientOrderId="o")
    scene.tick(2 * SECOND)
    scene.place(scene.bob, "SELL", "0.01", "20000")
    scene.tick(2 * SECOND)
    query = {"symbol": "BTCUSDT"}

    def seen(**params: int) -> list[tuple[str, str]]:
        rows = scene.call(scene.alice, "allOrders", **query, **params)
        return [(row["status"], row["executedQty"]) for row in rows]

    current = scene.call(scene.alice, "order.status", symbol="BTCUSDT", orderId=placed["orderId"])
    assert current["status"] == "PARTIALLY_FILLED"  # this one is answered from memory
    assert seen() == seen(orderId=0) == seen(startTime=at(0)) == []
    assert scene.call(scene.alice, "myTrades", **query) == []
    scene.tick(2 * SECOND)
    assert seen() == seen(orderId=0) == seen(startTime=at(0)) == [("NEW", "0.00000000")]
    assert seen(startTime=at(1)) == []
    assert scene.call(scene.alice, "myTrades", **query) == []
    scene.tick(2 * SECOND)
    assert seen() == seen(endTime=at(2)) == [("PARTIALLY_FILLED", "0.01000000")]
    assert seen(endTime=at(1)) == []
    assert len(scene.call(scene.alice, "myTrades", **query)) == 1


def test_lagging_database_shows_lists_and_amendments_late() -> None:
    scene = lagging()
    scene.trade_at("20000")
    placed = scene.call(
        scene.alice,
        "orderList.place.oco",
        symbol="BTCUSDT",
        side="SELL",
        quantity="1",
        aboveType="LIMIT_MAKER",
        abovePrice="21000",
        belowType="STOP_LOSS",
        belowStopPrice="19000",
    )
    order = scene.place(scene.alice, "BUY", "0.2", "19500")
    scene.call(scene.alice, "order.amend.keepPriority", symbol="BTCUSDT", orderId=order["orderId"], newQty="0.1")
    amended = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
    assert scene.call(scene.alice, "allOrderLists") == []
    assert scene.refuse(scene.alice, "orderList.status", orderListId=0).code == -2013
    assert scene.call(scene.alice, "order.amendments", **amended) == []
    assert len(scene.call(scene.alice, "openOrderLists.status")) == 1  # from memory
    scene.tick(4 * SECOND)
    scene.call(scene.alice, "orderList.cancel", symbol="BTCUSDT", orderListId=placed["orderListId"])
    scene.tick(2 * SECOND)
    assert scene.call(scene.alice, "allOrderLists")[0]["listOrderStatus"] == "EXECUTING"
    assert len(scene.call(scene.alice, "order.amendments", **amended)) == 1
    scene.tick(4 * SECOND)
    assert scene.call(scene.alice, "orderList.status", orderListId=0)["listOrderStatus"] == "ALL_DONE"


def test_all_order_lists_pages_by_id_and_by_time() -> None:
    scene = Scene()
    scene.trade_at("20000")
    for _ in range(4):
        scene.tick()
        scene.call(
            scene.alice,
            "orderList.place.oco",
            symbol="BTCUSDT",
            side="SELL",
            quantity="1",
            aboveType="LIMIT_MAKER",
            abovePrice="21000",
            belowType="STOP_LOSS",
            belowStopPrice="19000",
        )

    def ids(**params: int) -> list[int]:
        return [row["orderListId"] for row in scene.call(scene.alice, "allOrderLists", **params)]

    assert ids() == ids(fromId=0) == [0, 1, 2, 3]
    assert ids(fromId=2) == ids(startTime=at(3)) == [2, 3]
    assert ids(limit=1) == [3]
    assert ids(startTime=at(1), limit=1) == [0]
    assert ids(endTime=at(2)) == [0, 1]


def test_market_data_shows_the_book_and_the_last_price(scene: Scene) -> None:
    ask = scene.exchange.call
    assert ask(None, "ticker.price", {"symbol": "BTCUSDT"}) == {"symbol": "BTCUSDT", "price": "20003.00000000"}
    assert ask(None, "ticker.book", {"symbol": "BTCUSDT"})["bidPrice"] == "20002.00000000"
    assert len(ask(None, "ticker.book", {"symbols": '["BTCUSDT","ETHUSDT"]'})) == 2
    assert ask(None, "depth", {"symbol": "BTCUSDT", "limit": 1})["bids"] == [["20002.00000000", "0.01000000"]]
    assert [row["price"] for row in ask(None, "trades.recent", {"symbol": "BTCUSDT", "limit": 1})] == ["20003.00000000"]
    assert ask(None, "trades.recent", {"symbol": "BTCUSDT"})[0]["isBuyerMaker"] is True
    assert ask(None, "avgPrice", {"symbol": "BTCUSDT"})["price"] == "20003.00000000"
    assert ask(None, "time", {}) == {"serverTime": scene.now}
    info = ask(None, "exchangeInfo", {"symbols": ["这是测试币456"]})
    assert [row["baseAsset"] for row in info["symbols"]] == ["这是测试币"]
    assert len(ask(None, "exchangeInfo", {})["symbols"]) == 5
