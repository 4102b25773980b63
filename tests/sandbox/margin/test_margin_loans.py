"""Loans of margin accounts: borrowing, interest, repaying, transfers, their histories, and the risk stream."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
import trio
from margin_scene import Scene
from trio.testing import MockClock

from samples import Samples, compare
from support.raw_client import RawClient
from support.rest_client import RestClient
from trio_binance_uds.products import MARGIN_RISK, Host
from trio_binance_uds.sandbox import Refusal, open_sandbox

ISOLATED = {"isIsolated": "TRUE", "symbol": "BTCUSDT"}


def code_of(scene: Scene, route: str, **params: Any) -> int:
    with pytest.raises(Refusal) as caught:
        scene.call(route, **params)
    return caught.value.code


# Borrowing and repaying


async def test_a_loan_is_money_debt_interest_and_an_event(scene: Scene, autojump_clock: MockClock) -> None:
    tran_id = scene.borrow("BTC", "0.1")["tranId"]
    assert scene.held("BTC") == {
        "asset": "BTC",
        "borrowed": "0.10000000",
        "free": "0.10000000",
        "interest": "0.00000100",
        "locked": "0.00000000",
        "netAsset": "-0.00000100",
    }
    (event,) = scene.risk()
    now = scene.sandbox.clock.now_ms()
    assert event == {
        "e": "USER_LIABILITY_CHANGE",
        "E": now,
        "a": "BTC",
        "t": "BORROW",
        "p": "0.10000000",
        "i": "0.00000100",
    }
    assert scene.events(scene.cross) == ["outboundAccountPosition"]
    (row,) = scene.call("GET borrow-repay", type="BORROW", asset="BTC", txId=tran_id)["rows"]
    assert (row["type"], row["principal"], row["status"], row["txId"]) == ("MANUAL", "0.10000000", "CONFIRMED", tran_id)
    (first,) = scene.call("GET interestHistory")["rows"]
    assert (first["type"], first["interest"]) == ("ON_BORROW", "0.00000100")


async def test_a_repayment_pays_interest_first(scene: Scene, autojump_clock: MockClock) -> None:
    scene.borrow("BTC", "0.1")
    scene.repay("BTC", "0.0000005")
    assert (scene.held("BTC")["interest"], scene.held("BTC")["borrowed"]) == ("0.00000050", "0.10000000")
    scene.repay("BTC", "0.05")
    assert (scene.held("BTC")["interest"], scene.held("BTC")["borrowed"]) == ("0.00000000", "0.05000050")
    repaid = [(event["p"], event["i"]) for event in scene.risk() if event["t"] == "REPAY"]
    assert repaid == [("0.00000000", "0.00000050"), ("0.04999950", "0.00000050")]
    rows = scene.call("GET borrow-repay", type="REPAY")["rows"]
    assert [row["amount"] for row in rows] == ["0.05000000", "0.00000050"]


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"type": "BORROW", "asset": "USDT", "amount": "20001"}, -3006),
        ({"type": "BORROW", "asset": "DOGE", "amount": "1"}, -3027),
        ({"type": "BORROW", "asset": "ETH", "amount": "1", **ISOLATED}, -3027),
        ({"type": "BORROW", "asset": "USDT", "amount": "2001", **ISOLATED}, -3006),
        ({"type": "LEND", "asset": "USDT", "amount": "1"}, -1130),
        ({"type": "BORROW", "asset": "USDT"}, -1102),
        ({"type": "BORROW", "asset": "USDT", "amount": "1", "isIsolated": "TRUE"}, -1102),
        ({"type": "REPAY", "asset": "USDT", "amount": "1"}, -3015),
        ({"type": "REPAY", "asset": "DOGE", "amount": "1"}, -3027),
    ],
)
async def test_loans_that_cannot_be_are_refused(
    scene: Scene, autojump_clock: MockClock, params: dict[str, Any], code: int
) -> None:
    assert code_of(scene, "POST borrow-repay", **params) == code
    assert scene.risk() == []


async def test_what_was_spent_cannot_be_repaid(scene: Scene, autojump_clock: MockClock) -> None:
    scene.borrow("BTC", "0.1")
    scene.call("POST order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.1")
    assert code_of(scene, "POST borrow-repay", type="REPAY", asset="BTC", amount="0.05") == -3041


async def test_isolated_debts_have_no_risk_stream(scene: Scene, autojump_clock: MockClock) -> None:
    scene.borrow("USDT", "500", **ISOLATED)
    assert scene.risk() == []
    (pair,) = scene.call("GET isolated/account", symbols="BTCUSDT")["assets"]
    assert pair["quoteAsset"]["borrowed"] == "500.00000000"
    assert pair["marginLevelStatus"] == "EXCESSIVE"
    assert scene.call("GET borrow-repay", type="BORROW")["total"] == 0
    (row,) = scene.call("GET borrow-repay", type="BORROW", isolatedSymbol="BTCUSDT")["rows"]
    assert row["isolatedSymbol"] == "BTCUSDT"
    (interest,) = scene.call("GET interestHistory", isolatedSymbol="BTCUSDT", asset="USDT")["rows"]
    assert interest["isolatedSymbol"] == "BTCUSDT"


async def test_interest_is_charged_at_every_full_hour(autojump_clock: MockClock, scene: Scene) -> None:
    scene.borrow("BTC", "0.1")
    scene.borrow("USDT", "0.0001", **ISOLATED)
    await trio.sleep(15 * 60 - 1)
    assert len(scene.risk()) == 1
    await trio.sleep(2)
    await trio.sleep(3600)
    charged = [event for event in scene.risk() if event["t"] == "INTEREST"]
    assert [(event["a"], event["p"], event["i"]) for event in charged] == [("BTC", "0.00000000", "0.00000100")] * 2
    rows = scene.call("GET interestHistory", asset="BTC")["rows"]
    assert [row["type"] for row in rows] == ["PERIODIC", "PERIODIC", "ON_BORROW"]
    assert rows[0]["interestAccuredTime"] % 3_600_000 == 0
    scene.transfer("MAIN_MARGIN", "USDT", "1")
    scene.call("POST order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.001")
    scene.repay_all("BTC")
    scene.repay("USDT", "0.0001", **ISOLATED)
    before = len(scene.risk())
    await trio.sleep(7200)
    assert len(scene.risk()) == before


# Levels


async def test_the_status_is_told_when_the_level_crosses_a_bar(scene: Scene, autojump_clock: MockClock) -> None:
    scene.borrow("USDT", "19000")
    scene.call("POST order", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.5")
    assert [event["e"] for event in scene.risk()] == ["USER_LIABILITY_CHANGE"]
    told: list[tuple[str, str]] = []
    for price in ("45000", "38000", "30000", "31000", "50000"):
        scene.crash(price)
        events = [event for event in scene.risk() if event["e"] == "MARGIN_LEVEL_STATUS_CHANGE"]
        if len(events) > len(told):
            told.append((price, events[-1]["s"]))
            assert events[-1]["l"] == scene.call("GET account")["marginLevel"]
    assert told == [
        ("45000", "NORMAL"),
        ("38000", "MARGIN_CALL"),
        ("30000", "FORCE_LIQUIDATION"),
        ("50000", "EXCESSIVE"),
    ]


async def test_without_debts_the_level_is_as_high_as_can_be(scene: Scene, autojump_clock: MockClock) -> None:
    account = scene.call("GET account")
    assert (account["marginLevel"], account["accountType"]) == ("999.00000000", "MARGIN_1")
    assert account["totalAssetOfBtc"] == "0.20000000"
    assert {row["asset"] for row in account["userAssets"]} >= {"BTC", "ETH", "USDT", "BNB"}
    scene.borrow("USDT", "19000")
    scene.crash("50000")
    scene.repay_all("USDT")
    assert scene.call("GET account")["marginLevel"] == "999.00000000"
    assert scene.call("GET tradeCoeff") == {
        "normalBar": "1.5",
        "marginCallBar": "1.3",
        "forceLiquidationBar": "1.1",
    }


async def test_isolated_pairs_are_told_with_totals_or_by_name(scene: Scene, autojump_clock: MockClock) -> None:
    every = scene.call("GET isolated/account")
    assert every["totalAssetOfBtc"] == "0.02000000"
    assert [row["symbol"] for row in every["assets"]] == ["BTCUSDT"]
    assert set(scene.call("GET isolated/account", symbols="BTCUSDT")) == {"assets"}
    assert code_of(scene, "GET isolated/account", symbols="A,B,C,D,E,F") == -1130
    assert code_of(scene, "GET isolated/account", symbols="ETHUSDT") == -3003
    scene.borrow("USDT", "1900", **ISOLATED)
    scene.call("POST order", side="BUY", type="MARKET", quantity="0.05", **ISOLATED)
    (pair,) = scene.call("GET isolated/account", symbols="BTCUSDT")["assets"]
    at_that = Decimal(pair["liquidatePrice"])
    base = Decimal(pair["baseAsset"]["totalAsset"])
    quote = Decimal(pair["quoteAsset"]["totalAsset"])
    assert (base * at_that + quote) / Decimal("1900.019") == pytest.approx(Decimal("1.1"))


async def test_what_has_no_price_counts_nothing() -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(cross_margin={"USDT": "100", "456": "1000", "BNB": "5"})
        answer = account.call("GET /sapi/v1/margin/account")
        assert answer["TotalCollateralValueInUSDT"] == "100.00000000"
        assert answer["totalAssetOfBtc"] == "0.00000000"
        sandbox.exchange.symbols["ETHBTC"].last_price = Decimal("0.05")
        sandbox.exchange.symbols["BTCUSDT"].last_price = Decimal(50000)
        assert sandbox.margin.prices.of("ETH") == 2500


# Transfers


async def test_transfers_are_told_on_both_sides_and_recorded(scene: Scene, autojump_clock: MockClock) -> None:
    scene.transfer("MAIN_MARGIN", "USDT", "100")
    scene.transfer("MARGIN_ISOLATEDMARGIN", "USDT", "30", toSymbol="BTCUSDT")
    scene.transfer("ISOLATED_MARGIN_MAIN", "USDT", "10", fromSymbol="BTCUSDT")
    scene.call("POST transfer", type=2, asset="USDT", amount="5")
    assert scene.held("USDT")["free"] == "10065.00000000"
    assert scene.owner.balances()["USDT"]["free"] == "4915.00000000"
    assert scene.events(scene.cross) == ["balanceUpdate", "outboundAccountPosition"] * 3
    flows = scene.call("GET capital-flow")
    assert [(row["type"], row["amount"]) for row in flows] == [
        ("TRANSFER", "-5.00000000"),
        ("TRANSFER", "-30.00000000"),
        ("TRANSFER", "100.00000000"),
    ]
    assert "symbol" not in flows[0]
    of_pair = scene.call("GET capital-flow", symbol="BTCUSDT", asset="USDT", type="TRANSFER")
    assert [(row["symbol"], row["amount"]) for row in of_pair] == [
        ("BTCUSDT", "-10.00000000"),
        ("BTCUSDT", "30.00000000"),
    ]
    forward = scene.call("GET capital-flow", fromId=flows[1]["id"], limit=1)
    assert [row["id"] for row in forward] == [flows[1]["id"]]
    assert scene.call("GET capital-flow", type="BORROW") == scene.call("GET capital-flow", asset="BTC") == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"type": "MAIN_MARGIN", "asset": "USDT", "amount": "5001"}, -3041),
        ({"type": "MAIN_MARGIN", "asset": "DOGE", "amount": "1"}, -3027),
        ({"type": "MAIN_ISOLATED_MARGIN", "asset": "USDT", "amount": "1"}, -1102),
        ({"type": "ISOLATED_MARGIN_MAIN", "asset": "USDT", "amount": "1", "fromSymbol": "ETHUSDT"}, -3003),
        ({"type": "ELSEWHERE", "asset": "USDT", "amount": "1"}, -1130),
    ],
)
async def test_transfers_that_cannot_be_are_refused(
    scene: Scene, autojump_clock: MockClock, params: dict[str, Any], code: int
) -> None:
    with pytest.raises(Refusal) as caught:
        scene.owner.call("POST /sapi/v1/asset/transfer", params)
    assert caught.value.code == code
    assert code_of(scene, "POST transfer", type=3, asset="USDT", amount="1") == -1130


async def test_collateral_cannot_leave(scene: Scene, autojump_clock: MockClock) -> None:
    scene.borrow("USDT", "9000")
    with pytest.raises(Refusal) as caught:
        scene.transfer("MARGIN_MAIN", "USDT", "1001")
    assert caught.value.code == -3020
    scene.transfer("MARGIN_MAIN", "USDT", "900")


# Histories


async def test_histories_are_told_in_pages_and_for_a_time(autojump_clock: MockClock, scene: Scene) -> None:
    start = scene.sandbox.clock.now_ms()
    for _ in range(12):
        scene.borrow("USDT", "1")
        await trio.sleep(1)
    page = scene.call("GET borrow-repay", type="BORROW")
    assert (len(page["rows"]), page["total"]) == (10, 12)
    assert len(scene.call("GET borrow-repay", type="BORROW", current=2)["rows"]) == 2
    assert len(scene.call("GET borrow-repay", type="BORROW", size=100)["rows"]) == 12
    times = {"startTime": start + 3000, "endTime": start + 5000}
    assert scene.call("GET borrow-repay", type="BORROW", **times)["total"] == 3
    assert scene.call("GET interestHistory", endTime=start + 2000)["total"] == 3
    day = 86_400_000
    assert code_of(scene, "GET capital-flow", startTime=start - 7 * day - 1, endTime=start) == -1127
    assert code_of(scene, "GET interestHistory", startTime=start - 30 * day - 1, endTime=start) == -1127
    assert code_of(scene, "GET borrow-repay", startTime=start) == -1102
    # What is not asked for by time is of the last seven days.
    await trio.sleep(8 * 86_400)
    assert scene.call("GET borrow-repay", type="BORROW")["total"] == 0
    assert scene.call("GET borrow-repay", type="BORROW", startTime=start)["total"] == 12


# Behind the fronts


async def test_the_risk_stream_is_opened_with_its_own_key(autojump_clock: MockClock, scene: Scene) -> None:
    async with RestClient(scene.sandbox, Host.SPOT_REST, scene.owner) as rest:
        route = "/sapi/v1/margin/listen-key"
        made = await rest.plain("POST", route)
        key = made.json()["listenKey"]
        assert (await rest.plain("POST", "/sapi/v2/margin/listen-key")).json()["listenKey"] != key
        assert made.headers["x-sapi-used-uid-weight-1m"] == "1"
        async with await RawClient.connect(scene.sandbox, f"/{key}", host=Host.MARGIN_STREAM) as client:
            scene.borrow("BTC", "0.1")
            assert (await client.event())["e"] == "USER_LIABILITY_CHANGE"
            assert (await rest.plain("PUT", route)).json()["code"] == -1102
            wrong = await rest.plain("PUT", route, listenKey="of somebody else")
            assert (wrong.status_code, wrong.json()) == (400, {"code": -3038, "msg": "Listen key not found."})
            assert (await rest.plain("PUT", route, listenKey=key)).json() == {}
            scene.sandbox.faults.expire_listen_key(scene.owner, MARGIN_RISK)
            ended = await client.event()
            assert ended == {"e": "listenKeyExpired", "E": str(scene.sandbox.clock.now_ms()), "listenKey": key}
            assert (await rest.plain("PUT", route, listenKey=key)).json()["code"] == -3038
        await rest.plain("POST", route)
        gone = await rest.plain("DELETE", route)
        assert gone.json() == {}
        assert gone.headers["x-sapi-used-uid-weight-1m"] == "3000"


async def test_margin_routes_are_behind_the_signed_front(autojump_clock: MockClock, scene: Scene) -> None:
    async with RestClient(scene.sandbox, Host.SPOT_REST, scene.owner) as rest:
        answer = await rest.signed("GET", "/sapi/v1/margin/account")
        assert answer.json()["userAssets"]
        assert answer.headers["x-sapi-used-ip-weight-1m"] == "10"
        order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
        placed = await rest.signed("POST", "/sapi/v1/margin/order", **order)
        assert placed.headers["x-mbx-order-count-10s"] == "1"
        count = await rest.signed("GET", "/sapi/v1/margin/rateLimit/order", isIsolated="FALSE")
        assert [row["count"] for row in count.json()] == [1, 1]
        assert (await rest.plain("POST", "/sapi/v1/userDataStream")).status_code == 410
    async with RestClient(scene.sandbox, Host.SPOT_REST, scene.sandbox.add_account()) as rest:
        assert (await rest.signed("GET", "/sapi/v1/margin/account")).json()["code"] == -3003


async def test_an_account_is_opened_once_and_for_pairs_that_exist(scene: Scene, autojump_clock: MockClock) -> None:
    margin, uid = scene.sandbox.margin, scene.owner.uid
    for open_it in (
        lambda: margin.open_account(uid, {}),
        lambda: margin.open_isolated(uid, "BTCUSDT", {}),
    ):
        with pytest.raises(ValueError, match="already"):
            open_it()
    for symbol, balances in (("NOTHING", {}), ("ETHUSDT", {"BTC": "1"})):
        with pytest.raises(ValueError, match="no isolated margin account"):
            margin.open_isolated(uid, symbol, balances)


# Shapes


@pytest.mark.parametrize(
    ("sample", "route", "params"),
    [
        ("account", "account", {}),
        ("isolated.account", "isolated/account", {}),
        ("tradeCoeff", "tradeCoeff", {}),
        ("order", "order", {"symbol": "BTCUSDT", "orderId": 5_000_000_011}),
        ("openOrders", "openOrders", {}),
        ("allOrders", "allOrders", {"symbol": "BTCUSDT"}),
        ("myTrades", "myTrades", {"symbol": "BTCUSDT"}),
        ("openOrderList", "openOrderList", {}),
        ("allOrderList", "allOrderList", {}),
        ("borrow-repay", "borrow-repay", {"type": "BORROW", "isolatedSymbol": "BTCUSDT"}),
        ("interestHistory", "interestHistory", {"isolatedSymbol": "BTCUSDT"}),
        ("capital-flow", "capital-flow", {"symbol": "BTCUSDT"}),
        ("forceLiquidationRec", "forceLiquidationRec", {}),
    ],
)
async def test_an_answer_has_the_members_and_types_of_the_sample(
    samples: Samples, scene: Scene, autojump_clock: MockClock, sample: str, route: str, params: dict[str, Any]
) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "quantity": "0.01"}
    scene.call("POST order", **order, type="LIMIT", timeInForce="GTC", price="40000")
    scene.call("POST order", **order, type="MARKET")
    scene.call(
        "POST order/oco",
        **order,
        price="40000",
        stopPrice="60000",
        stopLimitPrice="61000",
        stopLimitTimeInForce="GTC",
    )
    scene.borrow("USDT", "100", **ISOLATED)
    scene.sandbox.margin.force_liquidation(scene.owner.uid, symbol="BTCUSDT", side="SELL", quantity="0.005")
    # Only institutional loans have a note.
    theirs = samples.sample("margin", f"rest.GET.sapi.v1.margin.{sample}")
    compare(scene.call(f"GET {route}", **params), theirs, lacking={"note"})
