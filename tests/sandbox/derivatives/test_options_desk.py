"""The options desk: trading, positions, expiry, the events that come with time, and its queries."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from desk_scene import ALICE, BOB, DAY, SECOND, START
from hypothesis import given, settings
from hypothesis import strategies as st

from samples import Samples, compare
from trio_binance_uds.events import UndecodableEvent, UnknownEvent
from trio_binance_uds.products import OPTIONS
from trio_binance_uds.sandbox.derivatives import OptionsDesk
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.exchange.refusals import InsufficientFunds
from trio_binance_uds.wire.decode import decode_frame

CALL, PUT = "BTC-261225-100000-C", "BTC-261225-100000-P"
FIRST = 4_611_875_134_427_365_377


class Scene:
    def __init__(self) -> None:
        self.time = START
        self.desk = OptionsDesk(lambda: self.time, 7)
        for uid in (ALICE, BOB):
            self.desk.open_account(uid, {"USDT": "100000"})
        self.mark = 0

    def call(self, what: str, uid: int = ALICE, **params: Any) -> Any:
        verb, path = what.split()
        return self.desk.call(uid, verb, f"/eapi{path}", params)

    def refuse(self, what: str, uid: int = ALICE, **params: Any) -> int:
        before = len(self.desk.journal), self.call("GET /v1/openOrders", uid)
        with pytest.raises(Refusal) as refused:
            self.call(what, uid, **params)
        assert before == (len(self.desk.journal), self.call("GET /v1/openOrders", uid))
        return refused.value.code

    def place(self, side: str, quantity: str, price: str, uid: int = ALICE, symbol: str = CALL, **more: Any) -> Any:
        params = {"symbol": symbol, "side": side, "type": "LIMIT", "quantity": quantity, "price": price}
        return self.call("POST /v1/order", uid, **params, **more)

    def forget(self) -> None:
        self.mark = len(self.desk.journal)

    def events(self, uid: int = ALICE) -> list[dict[str, Any]]:
        return self.desk.journal.events(uid, self.mark)

    def kinds(self, uid: int = ALICE) -> list[str]:
        return [
            f"{event['o']['x']} {event['o']['X']}" if event["e"] == "ORDER_TRADE_UPDATE" else event["e"]
            for event in self.events(uid)
        ]


def busy() -> Scene:
    scene = Scene()
    scene.desk.transfer(ALICE, "USDT", "50")
    scene.desk.transfer(ALICE, "USDT", "-20")
    scene.place("SELL", "0.3", "1200", uid=BOB)
    scene.place("BUY", "0.2", "1200", clientOrderId="taker")
    scene.desk.set_mark_price(CALL, "1250")
    scene.place("BUY", "0.1", "1100", clientOrderId="resting")
    scene.place("BUY", "0.1", "1000", clientOrderId="gone")
    scene.call("DELETE /v1/order", symbol=CALL, clientOrderId="gone")
    scene.place("BUY", "0.1", "1300", timeInForce="FOK", uid=BOB, selfTradePreventionMode="EXPIRE_TAKER")
    scene.place("SELL", "0.1", "800", symbol=PUT)
    scene.place("BUY", "0.1", "800", symbol=PUT, uid=BOB)
    scene.desk.expire(PUT, "99000")
    scene.time += 11 * SECOND
    scene.desk.tick()
    return scene


def test_a_fill_is_told_by_the_order_the_position_the_totals_and_the_greeks() -> None:
    scene = Scene()
    scene.place("SELL", "0.3", "1200", uid=BOB)
    assert scene.kinds(BOB) == ["NEW NEW"]
    scene.forget()
    answer = scene.place("BUY", "0.2", "1200")
    assert (answer["status"], answer["executedQty"]) == ("NEW", "0")
    after = ["BALANCE_POSITION_UPDATE", "ACCOUNT_UPDATE", "GREEK_UPDATE"]
    assert scene.kinds() == ["NEW NEW", "TRADE FILLED", *after]
    assert scene.kinds(BOB) == ["TRADE PARTIALLY_FILLED", *after]
    order, update, totals, _ = scene.events()[1:]
    # The fee of 0.03 percent of 240 is paid, so it is negative.
    assert (order["o"]["n"], order["o"]["rp"], order["o"]["i"] > 2**53) == ("-0.07200000", "0.00000000", True)
    assert update["B"] == [{"a": "USDT", "b": "99759.92800000", "bc": "0"}]
    assert update["P"] == [{"s": CALL, "c": "0.2", "p": "240.00000000", "a": "1200"}]
    assert (totals["eq"], totals["m"]) == ("99999.92800000", "240.00000000")


def test_closing_realizes_the_profit_and_moves_the_price() -> None:
    scene = Scene()
    scene.place("SELL", "0.2", "1200", uid=BOB)
    scene.place("BUY", "0.2", "1200")
    scene.place("BUY", "0.1", "1300", uid=BOB)
    scene.forget()
    result = scene.place("SELL", "0.1", "1300", newOrderRespType="RESULT", reduceOnly="true")
    assert (result["status"], result["avgPrice"]) == ("FILLED", "1300")
    assert scene.events()[1]["o"]["rp"] == "10.00000000"
    bills = [(row["type"], row["amount"]) for row in scene.call("GET /v1/bill", currency="USDT")]
    assert bills == [("FEE", "-0.072"), ("CONTRACT", "-240"), ("FEE", "-0.039"), ("CONTRACT", "130")]
    reducing = {"symbol": PUT, "side": "SELL", "type": "LIMIT", "quantity": "1", "price": "5", "reduceOnly": "true"}
    assert scene.refuse("POST /v1/order", **reducing) == -2022


def test_totals_and_greeks_come_every_ten_seconds_while_a_position_is_open() -> None:
    scene = Scene()
    scene.desk.tick()
    scene.time += 60 * SECOND
    scene.desk.tick()
    assert scene.kinds() == []
    scene.place("SELL", "0.2", "1200", uid=BOB)
    scene.place("BUY", "0.2", "1200")
    scene.forget()
    for _ in range(20):
        scene.time += SECOND
        scene.desk.tick()
    assert scene.kinds() == ["ACCOUNT_UPDATE", "GREEK_UPDATE"] * 2


def test_an_option_that_ends_expires_orders_and_settles_positions() -> None:
    scene = Scene()
    scene.place("SELL", "0.5", "1200", uid=BOB)
    scene.place("BUY", "0.2", "1200")
    scene.forget()
    scene.desk.expire(CALL, "101000")
    assert scene.kinds(BOB)[0] == "EXPIRED EXPIRED"
    assert scene.kinds() == ["BALANCE_POSITION_UPDATE", "ACCOUNT_UPDATE", "GREEK_UPDATE"]
    assert scene.events()[0]["P"] == [{"s": CALL, "c": "0", "p": "0.00000000", "a": "0"}]
    (mine,), (theirs,) = scene.call("GET /v1/exerciseRecord"), scene.call("GET /v1/exerciseRecord", BOB, symbol=CALL)
    assert (mine["amount"], mine["positionSide"]) == ("200.00000000", "LONG")
    assert (theirs["amount"], theirs["positionSide"]) == ("-200.00000000", "SHORT")
    assert scene.call("GET /v1/exerciseRecord", symbol=PUT) == []
    assert scene.call("GET /v1/position") == []


def test_who_is_told_of_risk_is_told_when_it_changes() -> None:
    scene = Scene()
    scene.desk.accounts[BOB].hears_of_risk = True
    scene.place("SELL", "1", "1200", uid=BOB)
    scene.place("BUY", "1", "1200")
    scene.forget()
    scene.desk.set_index_price("BTCUSDT", "1900000")
    scene.desk.transfer(BOB, "USDT", "1")
    scene.desk.transfer(BOB, "USDT", "1")
    assert [event["s"] for event in scene.events(BOB) if event["e"] == "RISK_LEVEL_CHANGE"] == []
    scene.desk.set_index_price("BTCUSDT", "1990000")
    scene.desk.transfer(BOB, "USDT", "1")
    assert [event["s"] for event in scene.events(BOB) if event["e"] == "RISK_LEVEL_CHANGE"] == ["REDUCE_ONLY"]
    assert scene.call("GET /v1/marginAccount", BOB)["reduceOnly"] is True
    scene.desk.accounts[BOB].hears_of_risk = False
    scene.desk.set_index_price("BTCUSDT", "100000")
    told = len(scene.events(BOB))
    scene.desk.transfer(BOB, "USDT", "1")
    assert scene.call("GET /v1/marginAccount", BOB)["reduceOnly"] is False
    assert len(scene.events(BOB)) == told + 2
    changed = next(event for event in scene.events(BOB) if event["e"] == "RISK_LEVEL_CHANGE")
    assert changed.keys() == {"e", "E", "s", "mb", "mm"}


def test_orders_of_one_owner_do_not_meet_and_what_cannot_be_expires() -> None:
    scene = Scene()
    scene.place("BUY", "0.1", "1000")
    scene.forget()
    scene.place("SELL", "0.1", "1000")
    scene.place("SELL", "0.1", "1000", timeInForce="IOC")
    scene.place("SELL", "0.1", "1000", postOnly="true")
    scene.place("SELL", "0.1", "900", timeInForce="FOK")
    assert scene.kinds() == [
        "NEW NEW", "EXPIRED EXPIRED_IN_MATCH", "NEW NEW", "EXPIRED EXPIRED", "NEW NEW", "NEW NEW", "EXPIRED EXPIRED",
    ]  # fmt: skip


def test_all_orders_of_a_symbol_are_canceled_at_once() -> None:
    scene = Scene()
    for price in ("900", "905"):
        scene.place("BUY", "0.1", price)
    scene.place("BUY", "0.1", "900", symbol=PUT)
    assert scene.call("DELETE /v1/allOpenOrders", symbol=CALL) == {"code": 0, "msg": "success"}
    assert [row["symbol"] for row in scene.call("GET /v1/openOrders")] == [PUT]
    assert scene.call("GET /v1/openOrders", symbol=CALL) == []


def test_refusals_change_nothing_and_have_the_documented_codes() -> None:
    scene = Scene()
    order = {"symbol": CALL, "side": "BUY", "type": "LIMIT", "quantity": "0.1", "price": "1000"}
    place = "POST /v1/order"
    assert scene.refuse(place, **order | {"symbol": "BTC-1"}) == -1121
    assert scene.refuse(place, **order | {"type": "MARKET"}) == -1116
    assert scene.refuse(place, **order | {"timeInForce": "GTD"}) == -1115
    assert scene.refuse(place, **order | {"price": "1001"}) == -4014
    assert scene.refuse(place, **order | {"quantity": "500"}) == -2027
    assert scene.refuse(place, **order | {"side": "SELL", "quantity": "20"}) == -2027
    assert scene.refuse("DELETE /v1/order", symbol=CALL, orderId=1) == -6063
    assert scene.refuse("GET /v1/order", symbol=CALL, orderId=1) == -2013
    assert scene.refuse("GET /v1/order", symbol=CALL) == -1102
    assert scene.refuse("GET /v1/bill") == -1102
    assert scene.refuse("GET /v1/historyOrders") == -1102
    with pytest.raises(Refusal) as refused:
        scene.call("GET /v1/position", 99)
    assert refused.value.code == -5002
    with pytest.raises(InsufficientFunds):
        scene.desk.transfer(ALICE, "USDT", "-100001")
    for name in (CALL, "BTC-261225-100000-X"):
        with pytest.raises(ValueError, match="BTC"):
            scene.desk.add_option(name, 100_000)


def test_history_holds_what_has_ended_in_the_last_five_days() -> None:
    scene = busy()
    assert [row["clientOrderId"] for row in scene.call("GET /v1/historyOrders", symbol=CALL)] == ["taker", "gone"]
    later = scene.call("GET /v1/order", symbol=CALL, clientOrderId="gone")["orderId"]
    rows = scene.call("GET /v1/historyOrders", symbol=CALL, orderId=later)
    assert [row["clientOrderId"] for row in rows] == ["gone"]
    assert scene.call("GET /v1/historyOrders", symbol=CALL, orderId=later + 99) == []
    scene.time += 4 * DAY
    assert [row["clientOrderId"] for row in scene.call("GET /v1/historyOrders", symbol=CALL)] == ["taker"]
    assert scene.refuse("GET /v1/order", symbol=CALL, clientOrderId="gone") == -2013
    scene.time += DAY
    assert scene.call("GET /v1/historyOrders", symbol=CALL) == []


def test_fills_and_bills_are_listed_from_an_id_on() -> None:
    scene = busy()
    (fill,) = scene.call("GET /v1/userTrades", symbol=CALL)
    assert scene.call("GET /v1/userTrades", symbol=CALL, fromId=fill["id"]) == [fill]
    assert scene.call("GET /v1/userTrades", symbol=CALL, fromId=fill["id"] + 1) == []
    bills = scene.call("GET /v1/bill", currency="USDT")
    assert [row["type"] for row in bills][:2] == ["TRANSFER", "TRANSFER"]
    assert scene.call("GET /v1/bill", currency="USDT", recordId=bills[2]["id"]) == bills[2:]
    assert scene.call("GET /v1/bill", currency="USDT", recordId=bills[-1]["id"] + 1) == []
    assert scene.call("GET /v1/bill", currency="BTC") == []


def test_queries_answer_as_of_the_lag() -> None:
    scene = Scene()
    scene.desk.lag = 5
    scene.time += 10 * SECOND
    scene.place("SELL", "0.1", "1200", uid=BOB)
    scene.time += SECOND
    scene.place("BUY", "0.1", "1200")
    scene.time += SECOND
    for path in ("userTrades", "historyOrders"):
        assert scene.call(f"GET /v1/{path}", symbol=CALL) == []
    assert scene.call("GET /v1/position") == []
    assert scene.call("GET /v1/marginAccount")["asset"][0]["marginBalance"] == "100000.00000000"
    scene.time += 5 * SECOND
    for path in ("userTrades", "historyOrders", "position"):
        assert len(scene.call(f"GET /v1/{path}", symbol=CALL)) == 1


def test_every_event_decodes_into_a_typed_one() -> None:
    scene = with_all_events()
    kinds = set()
    for entry in scene.desk.journal.entries():
        event = decode_frame(json.dumps(entry.event), OPTIONS)
        assert not isinstance(event, UnknownEvent | UndecodableEvent), event
        kinds.add(entry.event["e"])
    assert kinds == {
        "ORDER_TRADE_UPDATE", "BALANCE_POSITION_UPDATE", "ACCOUNT_UPDATE", "GREEK_UPDATE", "RISK_LEVEL_CHANGE",
    }  # fmt: skip


def with_all_events() -> Scene:
    scene = busy()
    scene.desk.emit(ALICE, {"e": "RISK_LEVEL_CHANGE", "E": START // 1000, "s": "NORMAL", "mb": "1", "mm": "0"})
    return scene


def test_every_event_has_the_members_of_the_sample(samples: Samples) -> None:
    for event in with_all_events().events():
        if event["e"] != "BALANCE_POSITION_UPDATE" or event["P"]:
            name = "ORDER_TRADE_UPDATE.filled" if event["e"] == "ORDER_TRADE_UPDATE" else event["e"]
            compare(event, samples.sample("options", name))


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("bill", {"currency": "USDT"}),
        ("exerciseRecord", {}),
        ("historyOrders", {"symbol": CALL}),
        ("marginAccount", {}),
        ("openOrders", {}),
        ("order", {"symbol": CALL, "orderId": FIRST + 1}),
        ("position", {}),
        ("userTrades", {"symbol": CALL}),
    ],
)
def test_answers_have_the_members_of_the_sample(samples: Samples, name: str, params: dict[str, Any]) -> None:
    sample = samples.sample("options", f"rest.GET.eapi.v1.{name}")
    compare(busy().call(f"GET /v1/{name}", **params), sample, added={"selfTradePreventionMode"})


def test_answers_to_actions_have_the_members_of_the_sample(samples: Samples) -> None:
    scene = Scene()
    placed = scene.place("BUY", "0.1", "1000")
    compare(placed, samples.sample("options", "rest.POST.eapi.v1.order"))
    canceled = scene.call("DELETE /v1/order", symbol=CALL, orderId=placed["orderId"])
    compare(canceled, samples.sample("options", "rest.DELETE.eapi.v1.order"))


actions = st.tuples(
    st.sampled_from([ALICE, BOB, 13]),
    st.sampled_from([CALL, PUT]),
    st.sampled_from(["BUY", "SELL"]),
    st.integers(1, 20),
    st.integers(190, 210),
    st.sampled_from(["GTC", "GTC", "IOC", "FOK", "GTX"]),
    st.booleans(),
)


@settings(max_examples=30, deadline=None, derandomize=True)
@given(st.lists(actions, min_size=5, max_size=40))
def test_money_is_conserved_and_positions_cancel_out(script: list[Any]) -> None:
    scene = Scene()
    scene.desk.open_account(13, {"USDT": "1000"})
    for uid, symbol, side, quantity, price, time_in_force, only_reduces in script:
        scene.time += SECOND
        more = {"timeInForce": time_in_force} | ({"reduceOnly": "true"} if only_reduces else {})
        try:
            scene.place(side, str(Decimal(quantity) / 100), str(price * 5), uid=uid, symbol=symbol, **more)
        except Refusal:
            continue
    assert_books_balance(scene, "201000")
    scene.desk.expire(CALL, "103000")
    scene.desk.expire(PUT, "98500")
    assert_books_balance(scene, "201000")
    assert all(not account.has_positions() for account in scene.desk.accounts.values())


def assert_books_balance(scene: Scene, deposited: str) -> None:
    accounts = scene.desk.accounts.values()
    wallets = sum((account.balance("USDT") for account in accounts), Decimal(0))
    assert wallets + scene.desk.ledger.kept.get("USDT", Decimal(0)) == Decimal(deposited)
    for contract in scene.desk.contracts.values():
        assert sum(held.amount for account in accounts for held in account.positions_of(contract)) == 0
