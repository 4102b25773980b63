"""Stop, take profit and trailing orders: when they go off, and what they send when they do."""

from __future__ import annotations

import pytest
from exchange_scene import Scene


def conditional(order_type: str, side: str, stop: str, **more: str) -> dict[str, str]:
    params = {"symbol": "BTCUSDT", "side": side, "type": order_type, "quantity": "0.1", "stopPrice": stop}
    if order_type.endswith("LIMIT"):
        params |= {"price": stop, "timeInForce": "GTC"}
    return params | more


def test_triggered_stop_limit_reports_new_twice_and_then_trades() -> None:
    scene = Scene()
    scene.trade_at("20000")
    placed = scene.exchange.call(scene.alice, "order.place", conditional("STOP_LOSS_LIMIT", "BUY", "20100"))
    assert set(placed) == {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}  # ACK by default
    scene.place(scene.bob, "SELL", "0.04", "20100")
    scene.tick()
    scene.trade_at("20100")
    assert scene.story() == [
        "STOP_LOSS_LIMIT NEW NEW off book",
        "balances",
        "STOP_LOSS_LIMIT NEW NEW on book",
        "STOP_LOSS_LIMIT TRADE PARTIALLY_FILLED 0.03@20100 on book",
        "STOP_LOSS_LIMIT TRADE PARTIALLY_FILLED 0.01@20100 on book",
        "balances",
    ]
    first, _, second, trade, *_ = scene.events()
    assert "W" not in first
    assert second["i"] == first["i"]
    assert (second["O"], second["W"], second["T"], trade["T"]) == (first["O"], *[scene.now] * 3)
    assert second["I"] > first["I"]


@pytest.mark.parametrize(
    ("order_type", "side", "stop", "holds", "triggers"),
    [
        ("STOP_LOSS_LIMIT", "BUY", "20100", "20099.99", "20100"),
        ("STOP_LOSS_LIMIT", "SELL", "19900", "19900.01", "19900"),
        ("TAKE_PROFIT_LIMIT", "BUY", "19900", "19900.01", "19900"),
        ("TAKE_PROFIT_LIMIT", "SELL", "20100", "20099.99", "20100"),
        ("STOP_LOSS", "BUY", "20100", "20099.99", "20150"),
        ("TAKE_PROFIT", "SELL", "20100", "20099.99", "20150"),
    ],
)
def test_order_goes_off_at_its_stop_price_and_not_before(
    order_type: str, side: str, stop: str, holds: str, triggers: str
) -> None:
    scene = Scene()
    scene.trade_at("20000")
    scene.exchange.call(scene.alice, "order.place", conditional(order_type, side, stop))
    scene.forget()
    scene.trade_at(holds)
    assert scene.story() == []
    scene.trade_at(triggers)
    assert scene.story()[0] == f"{order_type} NEW NEW on book"


@pytest.mark.parametrize(
    ("order_type", "side", "stop"),
    [
        ("STOP_LOSS", "BUY", "20000"),
        ("STOP_LOSS_LIMIT", "SELL", "20000"),
        ("TAKE_PROFIT", "SELL", "19999.99"),
        ("TAKE_PROFIT_LIMIT", "BUY", "20000.01"),
    ],
)
def test_stop_that_is_already_passed_is_refused(order_type: str, side: str, stop: str) -> None:
    scene = Scene()
    scene.trade_at("20000")
    refusal = scene.refuse(scene.alice, "order.place", **conditional(order_type, side, stop))
    assert (refusal.code, refusal.msg) == (-2010, "Stop price would trigger immediately.")


def test_triggered_stop_market_order_trades_off_the_book_and_gives_back_what_it_did_not_need() -> None:
    scene = Scene()
    scene.trade_at("20000")
    scene.exchange.call(scene.alice, "order.place", conditional("STOP_LOSS", "BUY", "20100"))
    assert scene.balance(scene.alice, "USDT") == ("97990.00000000", "2010.00000000")
    scene.place(scene.bob, "SELL", "1", "20110")
    scene.forget()
    scene.trade_at("20100")
    assert scene.story() == [
        "STOP_LOSS NEW NEW on book",
        "STOP_LOSS TRADE FILLED 0.1@20110 off book",
        "balances",
    ]
    assert scene.balance(scene.alice, "USDT") == ("97989.00000000", "0.00000000")


def test_stop_that_cannot_be_paid_when_it_goes_off_expires_as_rejected() -> None:
    scene = Scene()
    scene.trade_at("20000")
    scene.exchange.call(scene.alice, "order.place", conditional("STOP_LOSS", "BUY", "20100"))
    scene.exchange.withdraw(scene.alice, "USDT", "97990")
    scene.place(scene.bob, "SELL", "1", "30000")
    scene.forget()
    scene.trade_at("20100")
    assert scene.story() == ["STOP_LOSS EXPIRED EXPIRED REJECTED off book", "balances"]
    assert scene.balance(scene.alice, "USDT") == ("2010.00000000", "0.00000000")


def test_one_trade_can_set_off_a_chain() -> None:
    scene = Scene()
    scene.trade_at("20000")
    scene.place(scene.bob, "BUY", "0.1", "19000")
    scene.exchange.call(scene.alice, "order.place", conditional("STOP_LOSS", "SELL", "19900"))
    scene.exchange.call(scene.alice, "order.place", conditional("STOP_LOSS_LIMIT", "SELL", "19500"))
    scene.forget()
    scene.trade_at("19900")
    assert scene.story() == [
        "STOP_LOSS NEW NEW on book",
        "STOP_LOSS TRADE FILLED 0.1@19000 off book",
        "STOP_LOSS_LIMIT NEW NEW on book",
        "balances",
    ]


def test_canceled_stop_no_longer_goes_off() -> None:
    scene = Scene()
    scene.trade_at("20000")
    placed = scene.exchange.call(scene.alice, "order.place", conditional("STOP_LOSS", "SELL", "19900"))
    scene.call(scene.alice, "order.cancel", symbol="BTCUSDT", orderId=placed["orderId"])
    scene.forget()
    scene.trade_at("19000")
    assert scene.story() == []


def test_trailing_stop_follows_the_highest_price() -> None:
    scene = Scene()
    scene.trade_at("20000")
    scene.exchange.call(
        scene.alice,
        "order.place",
        {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "0.1", "trailingDelta": 100},
    )
    report = scene.events()[0]
    assert (report["d"], report["D"], report["P"]) == (100, scene.now, "0.00000000")
    scene.forget()
    for price in ("20500", "20300", "21000", "20800"):
        scene.trade_at(price)
    assert scene.story() == []
    scene.trade_at("20790")  # one percent below 21000
    assert scene.story()[0] == "STOP_LOSS NEW NEW on book"


def test_trailing_stop_with_a_stop_price_becomes_active_there() -> None:
    scene = Scene()
    scene.trade_at("20000")
    placed = scene.exchange.call(
        scene.alice, "order.place", conditional("TAKE_PROFIT_LIMIT", "SELL", "20500", trailingDelta="100")
    )
    assert "D" not in scene.events()[0]
    status = {"symbol": "BTCUSDT", "orderId": placed["orderId"]}
    assert scene.exchange.call(scene.alice, "order.status", status)["trailingTime"] == -1
    scene.tick()
    scene.trade_at("20600")
    assert scene.exchange.call(scene.alice, "order.status", status)["trailingTime"] == scene.now
    scene.forget()
    scene.trade_at("20400")
    scene.trade_at("20604")  # one percent above the lowest price since then
    assert scene.story()[0] == "TAKE_PROFIT_LIMIT NEW NEW on book"
    assert scene.events()[0]["D"] == scene.now


def test_trailing_stop_before_the_first_trade_is_measured_from_that_trade() -> None:
    scene = Scene()
    order = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "0.1", "trailingDelta": 100}
    scene.exchange.call(scene.alice, "order.place", order)
    scene.trade_at("20000")
    scene.forget()
    scene.trade_at("19801")
    assert scene.story() == []
    scene.trade_at("19800")
    assert scene.story()[0] == "STOP_LOSS NEW NEW on book"


def test_canceled_trailing_stop_no_longer_follows() -> None:
    scene = Scene()
    scene.trade_at("20000")
    order = {"symbol": "BTCUSDT", "side": "SELL", "type": "STOP_LOSS", "quantity": "0.1", "trailingDelta": 100}
    placed = scene.exchange.call(scene.alice, "order.place", order)
    scene.call(scene.alice, "order.cancel", symbol="BTCUSDT", orderId=placed["orderId"])
    scene.forget()
    scene.trade_at("19000")
    assert scene.story() == []
