"""The stocks desk: orders by quantity and by notional, fills, histories, and a stream that must be subscribed to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from support.raw_client import RawClient
from support.rest_client import RestClient
from trio_binance_uds.products import STOCKS, Host
from trio_binance_uds.sandbox import Refusal, Sandbox, SandboxAccount, StocksDesk, StocksTrader, open_sandbox

ROOT = "/sapi/v1/equity"
LIMIT = {"symbol": "AAPL", "side": "BUY", "orderType": "LIMIT", "price": "195.5", "quantity": "10"}
LIMIT |= {"tradingSession": "24H"}
MARKET = {"symbol": "MSFT", "orderType": "MARKET"}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True) as opened:
        yield opened


@pytest.fixture
async def account(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(stocks={})


@pytest.fixture
async def desk(sandbox: Sandbox) -> StocksDesk:
    desk = sandbox.desks["stocks"]
    assert isinstance(desk, StocksDesk)
    return desk


def place(account: SandboxAccount, **terms: Any) -> str:
    answer = account.call(f"POST {ROOT}/order/place", terms)
    assert answer["status"] == "S"
    order_id: str = answer["orderId"]
    return order_id


def told(desk: StocksDesk, account: SandboxAccount) -> list[tuple[Any, ...]]:
    return [
        (entry.event["x"], entry.event["s"], entry.event["fq"], entry.event["Z"])
        for entry in desk.journal.entries(account.uid)
    ]


async def test_an_order_is_filled_in_parts_and_each_is_told_as_a_sum(
    autojump_clock: MockClock, desk: StocksDesk, account: SandboxAccount
) -> None:
    order_id = place(account, **LIMIT)
    desk.fill(account.uid, order_id, "2.5")
    desk.fill(account.uid, order_id, "7.5", "195")
    assert told(desk, account) == [
        ("ORDER_UPDATE", "new", 0, 0),
        ("ORDER_UPDATE", "accepted", 0, 0),
        ("ORDER_UPDATE", "partially_filled", 2.5, 25),
        ("ORDER_TERMINAL", "filled", 10, 100),
    ]
    *_, last = desk.journal.events(account.uid)
    assert (last["p"], last["Q"], last["N"], last["FN"]) == (195.5, 10, None, 1951.25)
    assert last["tc"] > last["FN"]
    assert (last["b"], last["S"], last["o"], last["n"]) == ("EQ_AAPL", "buy", "limit", "24 Hours Trading")
    detail = account.call(f"GET {ROOT}/order/detail", orderId=order_id)
    assert (detail["status"], detail["filledQty"], detail["avgFilledPrice"]) == ("FILLED", "10", "195.12")
    assert [trade["qty"] for trade in detail["trades"]] == ["7.5", "2.5"], "the newest first"
    with pytest.raises(ValueError, match="cannot be filled that is FILLED"):
        desk.fill(account.uid, order_id, "1")


async def test_a_market_order_that_buys_is_by_notional(
    autojump_clock: MockClock, desk: StocksDesk, account: SandboxAccount
) -> None:
    place(account, **MARKET, side="BUY", notional="500")
    *_, last = desk.journal.events(account.uid)
    assert (last["Q"], last["N"], last["fq"], last["FN"], last["s"]) == (0, 500, 1.25, 500, "filled")
    assert last["p"] is None
    (row,) = account.call(f"GET {ROOT}/order/history", startTime=0, endTime=2**45)["rows"]
    assert (row["qty"], row["notional"], row["filledTotal"]) == (None, "500", "500")
    place(account, **MARKET, side="SELL", quantity="2")
    *_, last = desk.journal.events(account.uid)
    assert (last["S"], last["fq"], last["N"]) == ("sell", 2, None)


async def test_orders_meet_the_price_and_end_in_other_ways(
    autojump_clock: MockClock, desk: StocksDesk, account: SandboxAccount
) -> None:
    first = place(account, **LIMIT)
    sale = place(account, **{**LIMIT, "side": "SELL", "price": "210"})
    third = place(account, **{**LIMIT, "price": "150"}, clientOrderId="mine-" + "7" * 30)
    desk.set_price("AAPL", 195)
    assert account.call(f"GET {ROOT}/order/detail", orderId=first)["status"] == "FILLED"
    desk.set_price("AAPL", "211.5")
    assert account.call(f"GET {ROOT}/order/detail", orderId=sale)["status"] == "FILLED"
    assert [row["orderId"] for row in account.call(f"GET {ROOT}/order/open-orders")] == [third]
    found = account.call(f"GET {ROOT}/order/detail", clientOrderId="mine-" + "7" * 30)
    assert (found["orderId"], found["trades"]) == (third, [])
    desk.expire(account.uid, third)
    fourth = place(account, **{**LIMIT, "price": "100"})
    assert account.call(f"POST {ROOT}/order/cancel", orderId=fourth) == {"orderId": fourth, "status": "S"}
    assert account.call(f"POST {ROOT}/order/cancel", orderId=fourth) == {"orderId": fourth, "status": "F"}
    place(account, **{**LIMIT, "price": "100"})
    assert account.call(f"POST {ROOT}/order/cancel-all") == {"success": True}
    assert account.call(f"GET {ROOT}/order/open-orders") == []
    ends = [entry["s"] for entry in desk.journal.events(account.uid) if entry["x"] == "ORDER_TERMINAL"]
    assert ends == ["filled", "filled", "expired", "canceled", "canceled"]


async def test_the_histories_have_pages_and_filters(
    autojump_clock: MockClock, sandbox: Sandbox, desk: StocksDesk, account: SandboxAccount
) -> None:
    window = {"startTime": sandbox.clock.now_ms()}
    ids = []
    for _ in range(3):
        ids.append(place(account, **MARKET, side="SELL", quantity="2"))
        await trio.sleep(1)
    open_one = place(account, **LIMIT)
    window["endTime"] = sandbox.clock.now_ms()
    history = account.call(f"GET {ROOT}/order/history", window, size=2)
    assert (history["total"], history["page"], history["size"]) == (3, 1, 2)
    assert [row["orderId"] for row in history["rows"]] == [ids[2], ids[1]]
    second = account.call(f"GET {ROOT}/order/history", window, size=2, current=2)
    assert [row["orderId"] for row in second["rows"]] == [ids[0]]
    trades = account.call(f"GET {ROOT}/trade/history", window, orderId=ids[1])
    assert [(row["orderId"], row["qty"], row["total"]) for row in trades["rows"]] == [(ids[1], "2", "800")]
    assert account.call(f"GET {ROOT}/order/history", window, symbol="AAPL")["rows"] == []
    assert account.call(f"GET {ROOT}/order/history", window, orderStatus="CANCELED,EXPIRED")["rows"] == []
    # By which time the history goes is not known.
    await trio.sleep(1)
    desk.fill(account.uid, open_one, "1")
    assert account.call(f"GET {ROOT}/order/history", window)["total"] == 4
    desk.lists_by_update = True
    assert account.call(f"GET {ROOT}/order/history", window)["total"] == 3


@pytest.mark.parametrize(
    ("route", "params", "code"),
    [
        ("POST order/place", {**LIMIT, "notional": "5"}, -1106),
        ("POST order/place", {key: value for key, value in LIMIT.items() if key != "tradingSession"}, -1102),
        ("POST order/place", {**MARKET, "side": "BUY", "quantity": "1"}, -1106),
        ("POST order/place", {**LIMIT, "symbol": "TSLA"}, -1130),
        ("POST order/cancel", {"orderId": "another"}, -2013),
        ("GET order/detail", {"orderId": "another"}, -2013),
        ("GET order/detail", {}, -1102),
        ("GET order/history", {"startTime": 1}, -1102),
        ("GET order/history", {"startTime": 1, "endTime": 2, "orderStatus": "NEW"}, -1130),
        ("GET order/history", {"startTime": 1, "endTime": 2, "size": 101}, -1130),
    ],
)
async def test_what_makes_no_sense_is_refused(
    autojump_clock: MockClock, account: SandboxAccount, route: str, params: dict[str, Any], code: int
) -> None:
    verb, path = route.split()
    with pytest.raises(Refusal) as caught:
        account.call(f"{verb} {ROOT}/{path}", params)
    assert caught.value.code == code


async def test_an_owner_has_one_account(autojump_clock: MockClock, desk: StocksDesk, account: SandboxAccount) -> None:
    assert desk.has(account.uid)
    with pytest.raises(ValueError, match="already"):
        desk.open_account(account.uid, {})


async def test_the_key_has_post_alone_and_the_stream_a_topic(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount
) -> None:
    async with RestClient(sandbox, Host.SPOT_REST, account) as rest:
        key = (await rest.plain("POST", f"{ROOT}/listenKey")).json()["listenKey"]
        assert (await rest.plain("POST", f"{ROOT}/listenKey")).json() == {"listenKey": key}
        for verb in ("PUT", "DELETE"):
            assert (await rest.plain(verb, f"{ROOT}/listenKey")).status_code == 404
    async with await RawClient.connect(sandbox, "", host=Host.STOCKS_STREAM) as client:
        for name in (key, f"{key}@trade", "unknown@orderReport"):
            assert (await client.call("SUBSCRIBE", [name]))["result"] is None
        place(account, **LIMIT)
        assert (await client.call("SUBSCRIBE", [f"{key}@orderReport"]))["result"] is None
        order_id = place(account, **MARKET, side="BUY", notional="10")
        assert (await client.event())["i"] == order_id, "and nothing came of the other names"
        for _ in range(2):
            await client.event()
        sandbox.faults.expire_listen_key(account, STOCKS)
        place(account, **LIMIT)
        await client.call("LIST_SUBSCRIPTIONS")
        assert not client.events, "it ends without a word"


async def test_a_trader_does_the_same_for_the_same_seed(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    desk = sandbox.desks["stocks"]
    assert isinstance(desk, StocksDesk)
    runs = []
    for _ in range(2):
        account = sandbox.add_account(stocks={})
        trader = StocksTrader(desk, account.uid, "AAPL", Decimal(200), seed=3)
        runs.append([trader.act() for _ in range(80)])
        statuses = {event["s"] for event in desk.journal.events(account.uid)}
        assert statuses >= {"new", "accepted", "partially_filled", "filled", "canceled"}
    assert runs[0] == runs[1]
    assert set(runs[0]) == {"place", "take", "fill", "cancel"}
