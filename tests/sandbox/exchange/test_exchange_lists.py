"""Order lists: what ties their orders together, what they send, and how they share their money."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_scene import Scene

SELL_OCO = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "1",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "21000",
    "aboveClientOrderId": "take",
    "belowType": "STOP_LOSS_LIMIT",
    "belowStopPrice": "19000",
    "belowPrice": "18900",
    "belowTimeInForce": "GTC",
    "belowClientOrderId": "stop",
    "listClientOrderId": "list",
}
OTO = {
    "symbol": "BTCUSDT",
    "workingType": "LIMIT",
    "workingSide": "BUY",
    "workingPrice": "19500",
    "workingQuantity": "0.5",
    "workingTimeInForce": "GTC",
    "pendingType": "LIMIT",
    "pendingSide": "SELL",
    "pendingPrice": "20500",
    "pendingQuantity": "0.4",
    "pendingTimeInForce": "GTC",
}
OTOCO = {key: value for key, value in OTO.items() if not key.startswith("pending")} | {
    "pendingSide": "SELL",
    "pendingQuantity": "0.4",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": "21000",
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "19000",
}


@pytest.fixture
def scene() -> Scene:
    scene = Scene()
    scene.trade_at("20000")
    return scene


def place(scene: Scene, kind: str, params: dict[str, str]) -> Any:
    return scene.exchange.call(scene.alice, f"orderList.place.{kind}", params)


def test_oco_starts_with_its_list_status_and_locks_once(scene: Scene) -> None:
    answer = place(scene, "oco", SELL_OCO)
    assert scene.story() == [
        "list OCO EXEC_STARTED EXECUTING",
        "STOP_LOSS_LIMIT NEW NEW off book",
        "LIMIT_MAKER NEW NEW on book",
        "balances",
    ]
    stop, take = answer["orders"]
    assert scene.events()[0] == {
        "e": "listStatus",
        "E": scene.now,
        "s": "BTCUSDT",
        "g": answer["orderListId"],
        "c": "OCO",
        "l": "EXEC_STARTED",
        "L": "EXECUTING",
        "r": "NONE",
        "C": "list",
        "T": scene.now,
        "O": [
            {"s": "BTCUSDT", "i": stop["orderId"], "c": "stop"},
            {"s": "BTCUSDT", "i": take["orderId"], "c": "take"},
        ],
    }
    assert all(event["g"] == answer["orderListId"] for event in scene.events()[1:3])
    assert [report["workingTime"] for report in answer["orderReports"]] == [-1, scene.now]
    assert scene.balance(scene.alice, "BTC") == ("9.00000000", "1.00000000")


def test_first_fill_of_one_leg_expires_the_other(scene: Scene) -> None:
    place(scene, "oco", SELL_OCO)
    scene.forget()
    scene.place(scene.bob, "BUY", "0.4", "21000")
    assert scene.story() == [
        "STOP_LOSS_LIMIT EXPIRED EXPIRED OCO_TRIGGER off book",
        "LIMIT_MAKER TRADE PARTIALLY_FILLED 0.4@21000 on book",
        "balances",
    ]
    scene.forget()
    scene.place(scene.bob, "BUY", "0.6", "21000")
    assert scene.story() == [
        "LIMIT_MAKER TRADE FILLED 0.6@21000 off book",
        "list OCO ALL_DONE ALL_DONE",
        "balances",
    ]
    assert scene.balance(scene.alice, "BTC") == ("9.00000000", "0.00000000")
    assert scene.call(scene.alice, "openOrderLists.status") == []


def test_trigger_of_the_stop_expires_the_limit_leg_first(scene: Scene) -> None:
    place(scene, "oco", SELL_OCO)
    scene.forget()
    scene.trade_at("19000")
    assert scene.story() == [
        "LIMIT_MAKER EXPIRED EXPIRED OCO_TRIGGER off book",
        "STOP_LOSS_LIMIT NEW NEW on book",
        "balances",
    ]
    assert scene.balance(scene.alice, "BTC") == ("9.00000000", "1.00000000")
    assert len(scene.call(scene.alice, "openOrderLists.status")) == 1


def test_buy_oco_locks_for_its_dearer_leg_and_frees_the_difference(scene: Scene) -> None:
    params = SELL_OCO | {
        "side": "BUY",
        "aboveType": "STOP_LOSS_LIMIT",
        "aboveStopPrice": "21000",
        "abovePrice": "22000",
        "aboveTimeInForce": "GTC",
        "belowType": "LIMIT_MAKER",
        "belowPrice": "19000",
    }
    del params["belowStopPrice"], params["belowTimeInForce"]
    place(scene, "oco", params)
    assert scene.balance(scene.alice, "USDT") == ("78000.00000000", "22000.00000000")
    scene.place(scene.bob, "SELL", "0.5", "19000")
    assert scene.balance(scene.alice, "USDT") == ("81000.00000000", "9500.00000000")


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("order.cancel", {"origClientOrderId": "take"}),
        ("order.cancel", {"origClientOrderId": "stop"}),
        ("orderList.cancel", {"listClientOrderId": "list"}),
        ("orderList.cancel", {"orderListId": 0}),
        ("openOrders.cancelAll", {}),
    ],
)
def test_cancelling_any_leg_or_the_list_cancels_all_of_it(scene: Scene, method: str, params: dict[str, Any]) -> None:
    placed = place(scene, "oco", SELL_OCO)
    scene.forget()
    answer = scene.call(scene.alice, method, symbol="BTCUSDT", **params)
    assert scene.story() == [
        "STOP_LOSS_LIMIT CANCELED CANCELED off book",
        "LIMIT_MAKER CANCELED CANCELED off book",
        "list OCO ALL_DONE ALL_DONE",
        "balances",
    ]
    answer = answer[0] if isinstance(answer, list) else answer
    assert answer["listOrderStatus"] == "ALL_DONE"
    assert answer["orders"] == placed["orders"]
    assert [report["origClientOrderId"] for report in answer["orderReports"]] == ["stop", "take"]
    assert scene.balance(scene.alice, "BTC") == ("10.00000000", "0.00000000")
    assert scene.refuse(scene.alice, "orderList.cancel", symbol="BTCUSDT", orderListId=0).code == -2011


def test_deprecated_form_makes_the_same_oco(scene: Scene) -> None:
    answer = scene.call(
        scene.alice,
        "orderList.place",
        symbol="BTCUSDT",
        side="SELL",
        quantity="1",
        price="21000",
        stopPrice="19000",
        stopLimitPrice="18900",
        stopLimitTimeInForce="GTC",
    )
    kinds = [(report["type"], report["price"]) for report in answer["orderReports"]]
    assert kinds == [("STOP_LOSS_LIMIT", "18900.00000000"), ("LIMIT_MAKER", "21000.00000000")]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"abovePrice": "19999"}, -2010),
        ({"belowStopPrice": "20001"}, -2010),
        ({"aboveType": "STOP_LOSS", "abovePrice": None, "aboveStopPrice": "21000"}, -1197),
        ({"belowType": "TAKE_PROFIT_LIMIT"}, -1199),
        ({"belowType": "LIMIT_MAKER", "belowStopPrice": None, "belowTimeInForce": None}, -1168),
        ({"aboveType": "LIMIT", "aboveTimeInForce": "GTC"}, -1158),
        ({"aboveClientOrderId": "stop"}, -2010),
        ({"quantity": "11"}, -2010),
        ({"abovePrice": None}, -1102),
        ({"pendingPrice": "1"}, -1104),
    ],
)
def test_oco_that_makes_no_sense_is_refused(scene: Scene, changed: dict[str, str | None], code: int) -> None:
    params = {key: value for key, value in (SELL_OCO | changed).items() if value is not None}
    assert scene.refuse(scene.alice, "orderList.place.oco", **params).code == code
    assert scene.story() == []
    assert scene.balance(scene.alice, "BTC") == ("10.00000000", "0.00000000")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"stopPrice": None}, -1102),
        ({"stopLimitTimeInForce": None}, -1102),
        ({"stopLimitTimeInForce": "GTX"}, -1115),
        ({"price": "19999"}, -2010),
        ({"stopPrice": "19000.001"}, -1013),
    ],
)
def test_deprecated_form_that_makes_no_sense_is_refused(
    scene: Scene, changed: dict[str, str | None], code: int
) -> None:
    params = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "quantity": "1",
        "price": "21000",
        "stopPrice": "19000",
        "stopLimitPrice": "18900",
        "stopLimitTimeInForce": "GTC",
    }
    sent = {key: value for key, value in (params | changed).items() if value is not None}
    assert scene.refuse(scene.alice, "orderList.place", **sent).code == code


def test_amending_one_leg_of_an_oco_changes_both(scene: Scene) -> None:
    place(scene, "oco", SELL_OCO)
    scene.forget()
    answer = scene.call(
        scene.alice, "order.amend.keepPriority", symbol="BTCUSDT", origClientOrderId="take", newQty="0.6"
    )
    assert scene.story() == [
        "LIMIT_MAKER REPLACED NEW on book",
        "STOP_LOSS_LIMIT REPLACED NEW off book",
        "list OCO UPDATED EXECUTING",
        "balances",
    ]
    assert {event["q"] for event in scene.events()[:2]} == {"0.60000000"}
    assert scene.balance(scene.alice, "BTC") == ("9.40000000", "0.60000000")
    assert set(answer["listStatus"]) == {
        "orderListId",
        "contingencyType",
        "listOrderStatus",
        "listClientOrderId",
        "symbol",
        "orders",
    }


def test_pending_order_enters_the_market_when_the_working_one_is_filled(scene: Scene) -> None:
    answer = place(scene, "oto", OTO)
    assert scene.story() == [
        "list OTO EXEC_STARTED EXECUTING",
        "LIMIT NEW NEW on book",
        "LIMIT NEW PENDING_NEW off book",
        "balances",
    ]
    assert [report["status"] for report in answer["orderReports"]] == ["NEW", "PENDING_NEW"]
    assert scene.balance(scene.alice, "BTC")[1] == "0.00000000"
    scene.forget()
    scene.place(scene.bob, "SELL", "0.2", "19500")
    assert scene.story() == ["LIMIT TRADE PARTIALLY_FILLED 0.2@19500 on book", "balances"]
    scene.forget()
    scene.place(scene.bob, "SELL", "0.3", "19500")
    assert scene.story() == ["LIMIT TRADE FILLED 0.3@19500 off book", "LIMIT NEW NEW on book", "balances"]
    assert scene.balance(scene.alice, "BTC")[1] == "0.40000000"
    scene.forget()
    scene.place(scene.bob, "BUY", "0.4", "20500")
    assert scene.story()[1] == "list OTO ALL_DONE ALL_DONE"


def test_pending_orders_expire_with_a_working_order_that_expires(scene: Scene) -> None:
    place(scene, "oto", OTO | {"workingTimeInForce": "IOC"})
    assert scene.story() == [
        "list OTO EXEC_STARTED EXECUTING",
        "LIMIT NEW NEW on book",
        "LIMIT NEW PENDING_NEW off book",
        "LIMIT EXPIRED EXPIRED UNFILLED_IOC_QUANTITY_EXPIRED off book",
        "LIMIT EXPIRED EXPIRED OTO_PHASE_ONE_EXPIRED off book",
        "list OTO ALL_DONE ALL_DONE",
        "balances",
    ]


def test_pending_order_that_cannot_be_paid_expires_as_rejected(scene: Scene) -> None:
    place(scene, "oto", OTO | {"pendingQuantity": "11"})
    scene.forget()
    scene.place(scene.bob, "SELL", "0.5", "19500")
    assert scene.story() == [
        "LIMIT TRADE FILLED 0.5@19500 off book",
        "LIMIT EXPIRED EXPIRED REJECTED off book",
        "list OTO ALL_DONE ALL_DONE",
        "balances",
    ]


def test_otoco_places_two_alternatives_that_share_their_money(scene: Scene) -> None:
    place(scene, "otoco", OTOCO)
    scene.forget()
    scene.place(scene.bob, "SELL", "0.5", "19500")
    assert scene.story() == [
        "LIMIT TRADE FILLED 0.5@19500 off book",
        "STOP_LOSS NEW NEW off book",
        "LIMIT_MAKER NEW NEW on book",
        "balances",
    ]
    assert scene.balance(scene.alice, "BTC")[1] == "0.40000000"
    scene.forget()
    scene.trade_at("19000")
    assert scene.story()[:2] == ["LIMIT_MAKER EXPIRED EXPIRED OCO_TRIGGER off book", "STOP_LOSS NEW NEW on book"]


def test_opo_sells_what_its_working_order_bought(scene: Scene) -> None:
    params = {key: value for key, value in OTO.items() if key != "pendingQuantity"}
    answer = place(scene, "opo", params)
    assert "origQty" not in answer["orderReports"][1]
    scene.forget()
    scene.place(scene.bob, "SELL", "0.5", "19500")
    pending = scene.events()[1]
    assert (pending["x"], pending["X"], pending["q"]) == ("NEW", "NEW", "0.49950000")  # less the commission


def test_opoco_is_an_opo_with_two_pending_orders(scene: Scene) -> None:
    params = {key: value for key, value in OTOCO.items() if key != "pendingQuantity"}
    place(scene, "opoco", params)
    scene.forget()
    scene.place(scene.bob, "SELL", "0.5", "19500")
    assert [event["q"] for event in scene.events()[1:3]] == ["0.49950000", "0.49950000"]
    for changed, code in (({"workingSide": "SELL"}, -1222), ({"pendingSide": "BUY"}, -1223)):
        assert scene.refuse(scene.alice, "orderList.place.opoco", **params | changed).code == code


def test_amending_a_working_order_down_to_its_fills_ends_the_list(scene: Scene) -> None:
    answer = place(scene, "oto", OTO)
    scene.place(scene.bob, "SELL", "0.2", "19500")
    scene.forget()
    working = answer["orders"][0]["orderId"]
    scene.call(scene.alice, "order.amend.keepPriority", symbol="BTCUSDT", orderId=working, newQty="0.2")
    assert scene.story() == [
        "LIMIT EXPIRED EXPIRED off book",
        "LIMIT EXPIRED EXPIRED OTO_PHASE_ONE_EXPIRED off book",
        "list OTO ALL_DONE ALL_DONE",
        "balances",
    ]


def test_amending_a_pending_order_of_an_opo_is_refused(scene: Scene) -> None:
    answer = place(scene, "opo", {key: value for key, value in OTO.items() if key != "pendingQuantity"})
    amend = {"symbol": "BTCUSDT", "orderId": answer["orders"][1]["orderId"], "newQty": "0.1"}
    refusal = scene.refuse(scene.alice, "order.amend.keepPriority", **amend)
    assert (refusal.code, refusal.msg) == (-2038, "Order amend (pending OPO order) is not supported.")


@pytest.mark.parametrize("fills", [True, False])
def test_working_order_goes_on_alone_after_the_exchange_took_the_pending_one(scene: Scene, fills: bool) -> None:
    working, pending = place(scene, "oto", OTO)["orders"]
    scene.exchange.exchange_cancel(scene.alice, "BTCUSDT", pending["orderId"])
    scene.forget()
    if fills:
        scene.place(scene.bob, "SELL", "0.5", "19500")
        assert scene.story() == ["LIMIT TRADE FILLED 0.5@19500 off book", "list OTO ALL_DONE ALL_DONE", "balances"]
    else:
        scene.exchange.exchange_cancel(scene.alice, "BTCUSDT", working["orderId"])
        assert scene.story() == [
            "LIMIT EXPIRED EXPIRED EXCHANGE_CANCELED off book",
            "list OTO ALL_DONE ALL_DONE",
            "balances",
        ]


def test_leg_whose_rival_was_triggered_first_stays_expired(scene: Scene) -> None:
    """One trade sets off a market buy and the stop loss; the buy trades high and so sets off the take profit."""
    scene.call(
        scene.bob,
        "order.place",
        symbol="BTCUSDT",
        side="BUY",
        type="TAKE_PROFIT",
        quantity="0.1",
        stopPrice="19000",
        selfTradePreventionMode="NONE",
    )
    scene.place(scene.bob, "SELL", "0.1", "22000")
    oco = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "1", "aboveType": "TAKE_PROFIT", "aboveStopPrice": "21000"}
    place(scene, "oco", oco | {"belowType": "STOP_LOSS", "belowStopPrice": "19000"})
    scene.forget()
    scene.trade_at("19000")
    assert scene.story() == [
        "TAKE_PROFIT EXPIRED EXPIRED OCO_TRIGGER off book",
        "STOP_LOSS NEW NEW on book",
        "STOP_LOSS EXPIRED EXPIRED INSUFFICIENT_LIQUIDITY off book",
        "list OCO ALL_DONE ALL_DONE",
        "balances",
    ]


def test_cancelling_a_partly_filled_working_order_cancels_the_list(scene: Scene) -> None:
    answer = place(scene, "oto", OTO)
    scene.place(scene.bob, "SELL", "0.2", "19500")
    scene.forget()
    scene.call(scene.alice, "order.cancel", symbol="BTCUSDT", orderId=answer["orders"][0]["orderId"])
    assert scene.story() == [
        "LIMIT CANCELED CANCELED off book",
        "LIMIT CANCELED CANCELED off book",
        "list OTO ALL_DONE ALL_DONE",
        "balances",
    ]
    assert scene.call(scene.alice, "openOrders.status") == []
