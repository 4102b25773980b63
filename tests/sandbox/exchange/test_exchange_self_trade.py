"""Self-trade prevention: who expires, what is reported, and what the queries say about it."""

from __future__ import annotations

import pytest
from exchange_scene import Scene

STP_FIELDS = ("v", "A", "B", "u", "U", "Cs", "pl", "pL", "pY")


@pytest.mark.parametrize(
    ("mode", "story", "maker", "taker"),
    [
        (
            "EXPIRE_MAKER",
            [
                "LIMIT NEW NEW on book",
                "LIMIT TRADE_PREVENTION EXPIRED_IN_MATCH off book",
                "balances",
            ],
            ("EXPIRED_IN_MATCH", "1.00000000"),
            ("NEW", None),
        ),
        (
            "EXPIRE_TAKER",
            ["LIMIT NEW NEW on book", "LIMIT TRADE_PREVENTION EXPIRED_IN_MATCH off book", "balances"],
            ("NEW", None),
            ("EXPIRED_IN_MATCH", "3.00000000"),
        ),
        (
            "EXPIRE_BOTH",
            [
                "LIMIT NEW NEW on book",
                "LIMIT TRADE_PREVENTION EXPIRED_IN_MATCH off book",
                "LIMIT TRADE_PREVENTION EXPIRED_IN_MATCH off book",
                "balances",
            ],
            ("EXPIRED_IN_MATCH", "1.00000000"),
            ("EXPIRED_IN_MATCH", "3.00000000"),
        ),
        (
            "DECREMENT",
            [
                "LIMIT NEW NEW on book",
                "LIMIT TRADE_PREVENTION NEW on book",
                "LIMIT TRADE_PREVENTION EXPIRED_IN_MATCH off book",
                "balances",
            ],
            ("EXPIRED_IN_MATCH", "1.00000000"),
            ("NEW", "1.00000000"),
        ),
    ],
)
def test_each_mode_expires_whom_it_names(
    mode: str, story: list[str], maker: tuple[str, str | None], taker: tuple[str, str | None]
) -> None:
    scene = Scene()
    bought = scene.place(scene.alice, "BUY", "1", "20000")
    scene.forget()
    sold = scene.place(scene.alice, "SELL", "3", "19900", selfTradePreventionMode=mode)
    assert scene.story() == story
    for placed, expected in ((bought, maker), (sold, taker)):
        found = scene.call(scene.alice, "order.status", symbol="BTCUSDT", orderId=placed["orderId"])
        assert (found["status"], found.get("preventedQuantity")) == expected
    match = sold["preventedMatches"][0]
    assert match["makerOrderId"] == bought["orderId"]
    assert match.get("makerPreventedQuantity") == maker[1]
    assert match.get("takerPreventedQuantity") == taker[1]
    listed = scene.call(scene.alice, "myPreventedMatches", symbol="BTCUSDT", orderId=bought["orderId"])
    assert listed == scene.call(scene.alice, "myPreventedMatches", symbol="BTCUSDT", preventedMatchId=0)
    assert listed[0]["selfTradePreventionMode"] == mode
    assert scene.call(scene.alice, "myTrades", symbol="BTCUSDT") == []


def test_prevention_report_carries_its_own_fields_and_no_fill() -> None:
    scene = Scene()
    bought = scene.place(scene.alice, "BUY", "1", "20000")
    scene.forget()
    sold = scene.place(scene.alice, "SELL", "3", "19900", selfTradePreventionMode="EXPIRE_BOTH")
    _, taker, maker, _ = scene.events()
    assert [taker[field] for field in STP_FIELDS] == [
        0,
        "3.00000000",
        "3.00000000",
        -1,
        bought["orderId"],
        "BTCUSDT",
        "1.00000000",
        "20000.00000000",
        "20000.00000000",
    ]
    assert (maker["U"], maker["A"], maker["B"]) == (sold["orderId"], "1.00000000", "1.00000000")
    for report in (taker, maker):
        assert (report["l"], report["L"], report["Y"], report["t"]) == ("0.00000000",) * 3 + (-1,)


def test_mode_none_lets_an_account_trade_with_itself() -> None:
    scene = Scene()
    scene.place(scene.alice, "BUY", "1", "20000")
    scene.forget()
    scene.place(scene.alice, "SELL", "1", "20000", selfTradePreventionMode="NONE")
    assert scene.story() == [
        "LIMIT NEW NEW on book",
        "LIMIT TRADE FILLED 1@20000 off book",
        "LIMIT TRADE FILLED 1@20000 off book",
        "balances",
    ]
    trades = scene.call(scene.alice, "myTrades", symbol="BTCUSDT")
    assert [(row["isBuyer"], row["isMaker"]) for row in trades] == [(False, False), (True, True)]
    assert trades[0]["id"] == trades[1]["id"]


def test_taker_goes_on_to_others_behind_an_expired_maker() -> None:
    scene = Scene()
    scene.place(scene.alice, "BUY", "1", "20000")
    scene.place(scene.bob, "BUY", "1", "19950")
    scene.forget()
    answer = scene.place(scene.alice, "SELL", "1", selfTradePreventionMode="EXPIRE_MAKER")
    assert answer["status"] == "FILLED"
    assert [fill["price"] for fill in answer["fills"]] == ["19950.00000000"]


def test_market_order_goes_on_with_what_decrementing_left_of_it() -> None:
    scene = Scene()
    scene.place(scene.alice, "BUY", "1", "20000")
    scene.place(scene.bob, "BUY", "1", "19950")
    answer = scene.place(scene.alice, "SELL", "1.5", selfTradePreventionMode="DECREMENT")
    assert (answer["status"], answer["executedQty"], answer["preventedQuantity"]) == (
        "FILLED",
        "0.50000000",
        "1.00000000",
    )
    assert scene.balance(scene.alice, "BTC") == ("9.50000000", "0.00000000")


def test_fill_or_kill_does_not_count_what_prevention_would_withhold() -> None:
    scene = Scene()
    scene.place(scene.bob, "BUY", "1", "20000")
    scene.place(scene.alice, "BUY", "1", "19950")
    for mode in ("EXPIRE_TAKER", "EXPIRE_BOTH", "EXPIRE_MAKER", "DECREMENT", "TRANSFER"):
        answer = scene.place(scene.alice, "SELL", "2", "19900", timeInForce="FOK", selfTradePreventionMode=mode)
        assert (answer["status"], answer["executedQty"]) == ("EXPIRED", "0.00000000")


def test_accounts_of_one_trade_group_count_as_one_owner() -> None:
    scene = Scene(trade_group_id=4)
    twin = scene.exchange.add_account({"BTC": "5", "USDT": "5"}, trade_group_id=4)
    scene.place(scene.alice, "BUY", "1", "20000")
    answer = scene.place(twin, "SELL", "1", "20000", selfTradePreventionMode="EXPIRE_TAKER")
    assert (answer["status"], answer["tradeGroupId"]) == ("EXPIRED_IN_MATCH", 4)


def test_a_market_order_reserves_for_what_a_twin_account_offers_too() -> None:
    scene = Scene(trade_group_id=4)
    twin = scene.exchange.add_account({"BTC": "5"}, trade_group_id=4)
    scene.place(twin, "SELL", "1", "20000", selfTradePreventionMode="DECREMENT")
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "1"}
    answer = scene.call(scene.alice, "order.place", **params, selfTradePreventionMode="DECREMENT")
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED_IN_MATCH", "0.00000000")


def test_transfer_moves_the_money_without_a_trade() -> None:
    scene = Scene(trade_group_id=4)
    twin = scene.exchange.add_account({"BTC": "5"}, trade_group_id=4)
    scene.place(scene.alice, "BUY", "3", "20000", selfTradePreventionMode="TRANSFER")
    answer = scene.place(twin, "SELL", "1", "20000", selfTradePreventionMode="TRANSFER")
    assert (answer["status"], answer["executedQty"]) == ("EXPIRED_IN_MATCH", "0.00000000")
    assert scene.balance(twin, "USDT") == ("20000.00000000", "0.00000000")
    assert scene.balance(scene.alice, "BTC") == ("11.00000000", "0.00000000")
    assert scene.balance(scene.alice, "USDT") == ("40000.00000000", "40000.00000000")
    assert scene.story()[-2:] == ["LIMIT TRADE_PREVENTION NEW on book", "balances"]


def test_prevented_leg_takes_its_oco_along() -> None:
    scene = Scene()
    scene.trade_at("20000")
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
    scene.forget()
    scene.place(scene.alice, "BUY", "1", "21000", selfTradePreventionMode="EXPIRE_MAKER")
    assert scene.story() == [
        "LIMIT NEW NEW on book",
        "STOP_LOSS EXPIRED EXPIRED OCO_TRIGGER off book",
        "LIMIT_MAKER TRADE_PREVENTION EXPIRED_IN_MATCH off book",
        "list OCO ALL_DONE ALL_DONE",
        "balances",
    ]
    assert scene.balance(scene.alice, "BTC") == ("10.00000000", "0.00000000")
