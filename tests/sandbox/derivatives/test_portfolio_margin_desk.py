"""The desks of Portfolio Margin and Portfolio Margin Pro: three sides with one margin and one stream."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from desk_scene import ALICE, BOB, DAY, SECOND, START, told

from samples import Samples, compare
from trio_binance_uds.events import UndecodableEvent, UnknownEvent
from trio_binance_uds.products import PORTFOLIO_MARGIN, PORTFOLIO_MARGIN_PRO
from trio_binance_uds.sandbox.derivatives import DeskTrader, PortfolioMarginDesk, PortfolioMarginProDesk
from trio_binance_uds.sandbox.exchange import Exchange, Refusal
from trio_binance_uds.sandbox.exchange.refusals import InsufficientFunds, UnknownMethod
from trio_binance_uds.wire.decode import decode_frame

SOMETIMES = {"activatePrice", "priceRate", "AP", "cr", "M", "rm", "st", "si", "N", "n", "i", "S"}


class Scene:
    def __init__(self) -> None:
        self.time = START
        self.exchange = Exchange.default(lambda: self.time, 7)
        self.desk = PortfolioMarginDesk(lambda: self.time, 7, self.exchange)
        for uid in (ALICE, BOB):
            self.desk.open_account(uid, {"USDT": "100000", "BTC": "2"})
        self.exchange.symbols["BTCUSDT"].last_price = self.exchange.symbols["BTCUSDT"].tick_size * 2_000_000
        self.mark = 0

    def call(self, what: str, uid: int = ALICE, **params: Any) -> Any:
        verb, path = what.split()
        version = "" if path.startswith("/v2") else "/v1"
        return self.desk.call(uid, verb, f"/papi{version}{path}", params)

    def refuse(self, what: str, uid: int = ALICE, **params: Any) -> int:
        before = len(self.desk.journal)
        with pytest.raises(Refusal) as refused:
            self.call(what, uid, **params)
        assert len(self.desk.journal) == before
        return refused.value.code

    def place(
        self, side: str, quantity: str, price: str | None = None, uid: int = ALICE, unit: str = "um", **more: Any
    ):
        symbol = {"um": "BTCUSDT", "cm": "BTCUSD_PERP", "margin": "BTCUSDT"}[unit]
        params = {"symbol": symbol, "side": side, "type": "MARKET", "quantity": quantity}
        if price is not None:
            params |= {"type": "LIMIT", "timeInForce": "GTC", "price": price}
        return self.call(f"POST /{unit}/order", uid, **params, **more)

    def forget(self) -> None:
        self.mark = len(self.desk.journal)

    def events(self, uid: int = ALICE) -> list[dict[str, Any]]:
        return self.desk.journal.events(uid, self.mark)

    def story(self, uid: int = ALICE) -> list[str]:
        return [told(event) for event in self.events(uid)]


def busy() -> Scene:
    scene = Scene()
    desk = scene.desk
    desk.transfer(ALICE, "UM", "USDT", "100")
    desk.transfer(ALICE, "CM", "BTC", "0.5")
    desk.transfer(ALICE, "MARGIN", "USDT", "10")
    desk.transfer(ALICE, "MARGIN", "USDT", "-5")
    for unit, some in (("um", "0.1"), ("cm", "10"), ("margin", "0.1")):
        scene.place("SELL", some, "20000", uid=BOB, unit=unit)
        scene.place("BUY", some, unit=unit)
        scene.place("BUY", some, "15000", unit=unit)
        gone = scene.place("BUY", some, "14000", unit=unit)
        scene.call(f"DELETE /{unit}/order", symbol=gone["symbol"], orderId=gone["orderId"])
    for unit, symbol in (("um", "BTCUSDT"), ("cm", "BTCUSD_PERP")):
        scene.call(f"POST /{unit}/leverage", symbol=symbol, leverage=10)
    stop = {"side": "SELL", "timeInForce": "GTC"}
    um = stop | {"symbol": "BTCUSDT", "quantity": "0.01", "algoType": "CONDITIONAL"}
    scene.call("POST /um/algo/order", **um, type="STOP", triggerPrice="19000", price="18000")
    gone = scene.call("POST /um/algo/order", **um, type="STOP_MARKET", triggerPrice="18000")
    scene.call("DELETE /um/algo/order", algoId=gone["algoId"])
    cm = stop | {"symbol": "BTCUSD_PERP", "quantity": "2"}
    scene.call("POST /cm/conditional/order", **cm, strategyType="TRAILING_STOP_MARKET", callbackRate="1",
               activationPrice="21000")  # fmt: skip
    scene.call("POST /cm/conditional/order", **cm, strategyType="STOP", stopPrice="15000", price="14900")
    by_mark = {"strategyType": "STOP_MARKET", "stopPrice": "17000", "workingType": "MARK_PRICE"}
    scene.call("POST /cm/conditional/order", **cm, **by_mark)
    scene.place("BUY", "2", "16900", uid=BOB, unit="cm")
    desk.set_mark_price("BTCUSD_PERP", "16950")
    desk.um.fund("BTCUSDT", "0.0001")
    scene.call("POST /marginLoan", asset="USDT", amount="1000")
    desk.accrue_interest(ALICE, "USDT", "1.5")
    scene.call("POST /repayLoan", asset="USDT", amount="501.5")
    desk.report_open_order_loss(ALICE, {"USDT": "-1.25"})
    scene.exchange.lock_externally(desk.margin_account(ALICE), "USDT", "1")
    return scene


def test_a_fill_of_each_side_is_told_in_its_own_way() -> None:
    scene = Scene()
    for unit, some in (("um", "0.1"), ("cm", "10"), ("margin", "0.1")):
        scene.place("SELL", some, "20000", uid=BOB, unit=unit)
        scene.forget()
        scene.place("BUY", some, unit=unit)
        kinds = [(event["e"], event.get("fs")) for event in scene.events()]
        if unit == "margin":
            assert kinds == [("executionReport", None), ("executionReport", None), ("outboundAccountPosition", None)]
            assert all("M" not in event for event in scene.events() if event["e"] == "executionReport")
        else:
            name = unit.upper()
            assert kinds == [("ORDER_TRADE_UPDATE", name), ("ORDER_TRADE_UPDATE", name), ("ACCOUNT_UPDATE", name)]
            assert scene.events()[0]["i"] == ("" if unit == "um" else scene.desk.cm.accounts[ALICE].alias)
            placed, filled = (event["o"] for event in scene.events()[:2])
            assert ("n" in placed, "n" in filled) == (False, True)


def test_the_whole_account_is_the_margin_of_each_side() -> None:
    scene = Scene()
    # 100000 USDT and 2 BTC at 20000 are worth 140000; leverage is 20.
    assert scene.call("GET /account")["accountEquity"] == "140000.00000000"
    scene.place("BUY", "100", "20000")
    assert scene.call("GET /account")["accountInitialMargin"] == "100000.00000000"
    assert scene.refuse("POST /um/order", symbol="BTCUSDT", side="BUY", type="LIMIT", timeInForce="GTC", quantity="50",
                        price="20000") == -2019  # fmt: skip
    assert scene.refuse("POST /cm/order", symbol="BTCUSD_PERP", side="BUY", type="LIMIT", timeInForce="GTC",
                        quantity="9000", price="20000") == -2019  # fmt: skip
    scene.place("BUY", "1000", "20000", unit="cm")
    assert scene.call("GET /account")["accountInitialMargin"] == "105000.00000000"
    scene.call("DELETE /um/allOpenOrders", symbol="BTCUSDT")
    scene.desk.transfer(ALICE, "UM", "USDT", "50")
    with pytest.raises(InsufficientFunds):
        scene.desk.transfer(ALICE, "UM", "USDT", "-51")


def test_assets_without_a_price_count_for_nothing() -> None:
    scene = Scene()
    assert [scene.desk.price_of(asset) for asset in ("USDC", "BNB", "DOGE")] == [1, 0, 0]
    scene.desk.cm.set_mark_price("ETHUSD_PERP", "1500")
    assert scene.desk.price_of("ETH") == 1500
    scene.desk.cm.contracts["ETHUSD_PERP"].mark_price = None
    order = {"symbol": "ETHUSD_PERP", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1"}
    assert scene.call("POST /cm/order", **order, price="1500")["status"] == "NEW"


def test_danger_is_told_as_it_grows_and_ends_in_liquidation() -> None:
    scene = Scene()
    scene.desk.transfer(BOB, "UM", "USDT", "5000000")
    scene.place("SELL", "130", "20000", uid=BOB)
    scene.place("BUY", "130", "20000")
    scene.desk.set_mark_price("BTCUSDT", "20000")
    scene.forget()
    for price in ("19030", "19029", "19020", "19018", "19005"):
        scene.desk.set_mark_price("BTCUSDT", price)
    levels = [event["s"] for event in scene.events() if event["e"] == "riskLevelChange"]
    assert levels == ["MARGIN_CALL", "REDUCE_ONLY", "FORCE_LIQUIDATION"]
    assert "MARGIN_CALL" not in {event["e"] for event in scene.events()}
    assert [order["clientOrderId"][:9] for order in scene.call("GET /um/forceOrders")] == ["autoclose"]
    held = {row["symbol"]: row["positionAmt"] for row in scene.call("GET /um/positionRisk")}
    assert held == {"BTCUSDT": "0", "ETHUSDT": "0"}
    assert scene.call("GET /account")["accountStatus"] == "NORMAL"
    first = next(event for event in scene.events() if event["e"] == "riskLevelChange")
    assert first.keys() == {"e", "E", "u", "s", "eq", "ae", "m"}


def test_conditional_orders_of_both_futures_have_their_own_words() -> None:
    scene = busy()
    stories = scene.story()
    assert [story for story in stories if story.startswith("strategy")] == [
        "strategy TRAILING_STOP_MARKET NEW",
        "strategy STOP NEW",
        "strategy STOP_MARKET NEW",
        "strategy STOP_MARKET TRIGGERED",
        "strategy STOP_MARKET TRIGGERED",
        "strategy STOP_MARKET FINISHED",
    ]
    assert [story for story in stories if story.startswith("algo")] == [
        "algo STOP NEW", "algo STOP_MARKET NEW", "algo STOP_MARKET CANCELED",
    ]  # fmt: skip
    born = [event for event in scene.events() if event["e"] == "ORDER_TRADE_UPDATE" and "st" in event["o"]]
    rows = scene.call("GET /cm/conditional/allOrders", symbol="BTCUSD_PERP")
    assert {(event["o"]["st"], event["o"]["si"]) for event in born} == {("C_STOP_MARKET", rows[-1]["strategyId"])}
    assert rows[-1]["orderId"] == born[0]["o"]["i"]


def test_a_strategy_is_found_and_canceled_under_its_names() -> None:
    scene = busy()
    cm = {"symbol": "BTCUSD_PERP"}
    waiting, other = scene.call("GET /cm/conditional/openOrders", **cm)
    assert waiting["activatePrice"] == "21000"
    assert scene.call("GET /cm/conditional/openOrders") == [waiting, other]
    assert scene.call("GET /cm/conditional/openOrder", **cm, strategyId=waiting["strategyId"]) == waiting
    assert scene.refuse("DELETE /cm/conditional/order", symbol="ETHUSD_PERP", strategyId=waiting["strategyId"]) == -2011
    ended = scene.call("DELETE /cm/conditional/order", **cm, newClientStrategyId=waiting["newClientStrategyId"])
    assert ended["strategyStatus"] == "CANCELED"
    assert scene.refuse("GET /cm/conditional/openOrder", **cm, strategyId=waiting["strategyId"]) == -2013
    assert scene.call("GET /cm/conditional/orderHistory", **cm, strategyId=waiting["strategyId"]) == ended
    scene.call("DELETE /cm/conditional/allOpenOrders", **cm)
    assert scene.call("GET /cm/conditional/openOrders") == []


def test_loans_are_told_with_their_interest_and_paid_back() -> None:
    scene = Scene()
    tran = scene.call("POST /marginLoan", asset="USDT", amount="1000")["tranId"]
    scene.desk.accrue_interest(ALICE, "USDT", "2")
    scene.call("POST /repayLoan", asset="USDT", amount="500")
    changes = [event for event in scene.events() if event["e"] == "liabilityChange"]
    assert [(event["t"], event["p"], event["i"], event["l"]) for event in changes] == [
        ("BORROW", "1000.00000000", "0.00000000", "1000.00000000"),
        ("INTEREST", "1000.00000000", "2.00000000", "1002.00000000"),
        ("REPAY", "502.00000000", "0.00000000", "502.00000000"),
    ]
    assert changes[0].keys() == {"e", "E", "a", "t", "T", "p", "i", "l"}
    assert changes[0]["T"] == tran > 2**53
    assert scene.call("GET /balance", asset="USDT")["crossMarginFree"] == "100500.00000000"
    assert scene.call("GET /account")["accountEquity"] == "139998.00000000"
    page = scene.call("GET /margin/repayLoan", asset="USDT", startTime=START // 1000, endTime=START // 1000, size=1)
    assert (page["total"], page["rows"][0]["interest"]) == (1, "2.00000000")
    assert scene.call("GET /margin/marginLoan", txId=tran + 1)["rows"] == []
    assert scene.call("GET /margin/marginLoan", startTime=START // 1000 + 1)["total"] == 0
    assert scene.call("GET /margin/marginLoan", endTime=START // 1000 - 1)["total"] == 0
    assert scene.call("GET /margin/marginLoan", current=2)["rows"] == []
    assert scene.refuse("POST /repayLoan", asset="USDT", amount="503") == -3015
    assert scene.refuse("POST /marginLoan", asset="USDT", amount="200000") == -3006
    scene.desk.transfer(ALICE, "MARGIN", "USDT", "-100400")
    assert scene.refuse("POST /repayLoan", asset="USDT", amount="400") == -3041


def test_interest_without_a_debt_has_no_rate() -> None:
    scene = Scene()
    scene.desk.accrue_interest(ALICE, "BTC", "0.1")
    assert scene.call("GET /margin/marginInterestHistory")["rows"][0]["interestRate"] == "0.00000000"


def test_margin_orders_are_those_of_the_exchange_in_other_words() -> None:
    scene = Scene()
    placed = scene.place("BUY", "0.1", "15000", unit="margin", sideEffectType="NO_SIDE_EFFECT")
    (listed,) = scene.call("GET /margin/openOrders", symbol="BTCUSDT")
    assert listed["accountId"] == scene.desk.margin_account(ALICE).uid
    assert scene.call("GET /margin/order", symbol="BTCUSDT", orderId=placed["orderId"]) == listed
    oco = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.1", "price": "25000", "stopPrice": "15000"}
    made = scene.call("POST /margin/order/oco", **oco)
    assert [row["orderListId"] for row in scene.call("GET /margin/openOrderList")] == [made["orderListId"]]
    assert "listStatus" in {event["e"] for event in scene.events()}
    scene.call("DELETE /margin/orderList", symbol="BTCUSDT", orderListId=made["orderListId"])
    assert len(scene.call("DELETE /margin/allOpenOrders", symbol="BTCUSDT")) == 1
    assert scene.refuse("GET /margin/openOrders") == -1102
    assert scene.refuse("POST /margin/order", symbol="BTCUSDT", sideEffectType="MARGIN_BUY") == -1130
    assert scene.call("GET /margin/forceOrders") == {"rows": [], "total": 0}


def test_queries_of_both_futures_answer_as_of_the_lag() -> None:
    scene = Scene()
    scene.desk.lag = 5
    assert scene.desk.lag == 5
    scene.time += 10 * SECOND
    scene.place("SELL", "0.1", "20000", uid=BOB)
    scene.place("BUY", "0.1", "20000")
    scene.desk.tick()
    assert scene.call("GET /um/userTrades", symbol="BTCUSDT") == []
    scene.time += 6 * SECOND
    assert len(scene.call("GET /um/userTrades", symbol="BTCUSDT")) == 1


def test_cm_fills_are_listed_for_a_day_at_most() -> None:
    scene = busy()
    now = scene.time // 1000
    assert len(scene.call("GET /cm/userTrades", symbol="BTCUSD_PERP")) == 2
    window = {"symbol": "BTCUSD_PERP", "startTime": now - 2 * DAY // 1000, "endTime": now}
    assert scene.refuse("GET /cm/userTrades", **window) == -1127
    assert scene.refuse("GET /cm/userTrades", pair="BTCUSD", symbol="BTCUSD_PERP") == -1128


def test_strangers_and_unknown_routes_are_turned_away() -> None:
    scene = Scene()
    assert (scene.desk.has(ALICE), scene.desk.has(99)) == (True, False)
    assert scene.refuse("GET /account", 99) == -21001
    with pytest.raises(UnknownMethod):
        scene.call("GET /nothing")
    with pytest.raises(ValueError, match="already"):
        scene.desk.open_account(ALICE, {})


def test_a_watcher_hears_all_sides_in_order() -> None:
    scene = Scene()
    heard: list[dict[str, Any]] = []
    unwatch = scene.desk.watch(ALICE, heard.append)
    for unit, some in (("um", "0.1"), ("cm", "10"), ("margin", "0.1")):
        scene.place("BUY", some, "15000", unit=unit)
    scene.desk.emit(ALICE, {"e": "openOrderLoss", "E": 1, "O": []})
    assert heard == scene.events()
    unwatch()
    scene.place("BUY", "0.1", "15000")
    assert len(heard) < len(scene.events())


def test_every_event_decodes_into_a_typed_one() -> None:
    scene = busy()
    kinds: Counter[str] = Counter()
    for entry in scene.desk.journal.entries():
        event = decode_frame(json.dumps(entry.event), PORTFOLIO_MARGIN)
        assert not isinstance(event, UnknownEvent | UndecodableEvent), event
        kinds[entry.event["e"]] += 1
    assert set(kinds) == {
        "ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE", "ALGO_UPDATE",
        "CONDITIONAL_ORDER_TRADE_UPDATE", "executionReport", "outboundAccountPosition", "balanceUpdate",
        "liabilityChange", "openOrderLoss",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE", "ALGO_UPDATE", "CONDITIONAL_ORDER_TRADE_UPDATE",
     "outboundAccountPosition", "balanceUpdate", "openOrderLoss"],
)  # fmt: skip
def test_events_have_the_members_of_the_sample(samples: Samples, name: str) -> None:
    scene = busy()
    sample = samples.sample("portfolio-margin", name)
    events = [event for event in scene.events() if event["e"] == name]
    if name == "ACCOUNT_UPDATE":
        events = [event for event in events if event["a"]["P"]]
    assert events
    for event in events:
        compare(event, sample, lacking=SOMETIMES | {"ap", "aq", "act"})


ANSWERS = [
    ("account", {}),
    ("balance", {}),
    ("balance.asset", {"asset": "USDT"}),
    ("cm.account", {}),
    ("cm.allOrders", {"symbol": "BTCUSD_PERP"}),
    ("cm.conditional.openOrders", {}),
    ("cm.income", {}),
    ("cm.openOrders", {}),
    ("cm.order", {"symbol": "BTCUSD_PERP", "orderId": 8_000_000_002}),
    ("cm.positionRisk.one-way", {}),
    ("cm.userTrades", {"symbol": "BTCUSD_PERP"}),
    ("margin.allOrders", {"symbol": "BTCUSDT"}),
    ("margin.marginInterestHistory", {}),
    ("margin.marginLoan", {}),
    ("margin.myTrades", {"symbol": "BTCUSDT"}),
    ("margin.openOrders", {"symbol": "BTCUSDT"}),
    ("margin.order", {"symbol": "BTCUSDT", "orderId": 5_000_000_002}),
    ("margin.repayLoan", {}),
    ("um.account", {}),
    ("um.accountConfig", {}),
    ("um.algo.algoOrder", {"algoId": 2_150_001}),
    ("um.algo.allAlgoOrders", {"symbol": "BTCUSDT"}),
    ("um.algo.openAlgoOrders", {}),
    ("um.allOrders", {"symbol": "BTCUSDT"}),
    ("um.income", {}),
    ("um.openOrders", {}),
    ("um.order", {"symbol": "BTCUSDT", "orderId": 8_000_000_002}),
    ("um.positionRisk.one-way", {}),
    ("um.positionSide.dual", {}),
    ("um.symbolConfig", {"symbol": "BTCUSDT"}),
    ("um.userTrades", {"symbol": "BTCUSDT"}),
]


@pytest.mark.parametrize(("name", "params"), ANSWERS)
def test_answers_have_the_members_of_the_sample(samples: Samples, name: str, params: dict[str, Any]) -> None:
    sample = samples.sample("portfolio-margin", f"rest.GET.papi.v1.{name}")
    path = name.removesuffix(".one-way").removesuffix(".asset").replace(".", "/")
    added = {"quoteQty", "crossMarginAsset", "time", "cmUnrealizedPNL"}
    compare(busy().call(f"GET /{path}", **params), sample, lacking=SOMETIMES, added=added)


def test_the_newer_um_account_lists_what_is_held() -> None:
    answer = busy().call("GET /v2/um/account")
    assert [row["symbol"] for row in answer["positions"]] == ["BTCUSDT"]


def test_the_newer_um_account_has_the_members_of_the_sample(samples: Samples) -> None:
    answer = busy().call("GET /v2/um/account")
    compare(answer, samples.sample("portfolio-margin", "rest.GET.papi.v2.um.account"))


def liquidated(unit: str) -> Any:
    """Return what an account that was liquidated is told of it."""
    scene = Scene()
    scene.place("SELL", "10", "20000", uid=BOB, unit=unit)
    scene.place("BUY", "10", "20000", unit=unit)
    (scene.desk.um if unit == "um" else scene.desk.cm).liquidate(ALICE)
    return scene.call(f"GET /{unit}/forceOrders")


@pytest.mark.parametrize("unit", ["um", "cm"])
def test_liquidations_are_listed(unit: str) -> None:
    (row,) = liquidated(unit)
    assert (row["side"], row["origQty"], row["status"]) == ("SELL", "10", "FILLED")


@pytest.mark.parametrize("unit", ["um", "cm"])
def test_liquidations_have_the_members_of_the_sample(samples: Samples, unit: str) -> None:
    compare(liquidated(unit), samples.sample("portfolio-margin", f"rest.GET.papi.v1.{unit}.forceOrders"))


def test_a_busy_account_of_all_sides_keeps_its_books() -> None:
    scene = Scene()
    desk = scene.desk
    traders = [DeskTrader(desk, ALICE, symbol, "20000", 4) for symbol in ("BTCUSDT", "BTCUSD_PERP")]
    for number in range(200):
        scene.time += SECOND
        traders[number % 2].act()
        scene.place("BUY" if number % 2 else "SELL", "0.001", "20000", unit="margin")
        scene.place("SELL" if number % 2 else "BUY", "0.001", "20000", uid=BOB, unit="margin")
    for side in (desk.um, desk.cm):
        accounts = [*side.accounts.values(), side.insurance_fund]
        positions = [held for account in accounts for held in account.positions.values()]
        assert sum(held.amount for held in positions) == 0
        assert sum(held.realized - held.cost for held in positions) == 0
        for asset in ("USDT", "BTC"):
            realized = sum(held.realized for held in positions if held.contract.margin_asset == asset)
            wallets = sum(account.balance(asset) for account in accounts)
            assert wallets + side.ledger.kept.get(asset, 0) == realized
    units = Counter(event.get("fs", "MARGIN") for event in scene.events())
    assert all(units[unit] > 50 for unit in ("UM", "CM", "MARGIN"))
    balances = {row["asset"]: row for row in scene.call("GET /balance")}
    assert balances["USDT"]["umWalletBalance"] == format(desk.um.accounts[ALICE].balance("USDT"), ".8f")


class ProScene:
    def __init__(self) -> None:
        self.time = START
        self.desk = PortfolioMarginProDesk(lambda: self.time)
        self.desk.open_account(ALICE, {"USDT": "122607", "BTC": "1"})

    def call(self, what: str, uid: int = ALICE, **params: Any) -> Any:
        verb, path = what.split()
        return self.desk.call(uid, verb, f"/sapi/v1/portfolio{path}", params)


def test_pro_accounts_are_told_their_totals_every_five_seconds() -> None:
    scene = ProScene()
    for _ in range(12):
        scene.desk.tick()
        scene.time += SECOND
    events = scene.desk.journal.events(ALICE)
    assert [event["E"] - START // 1000 for event in events] == [0, 5000, 10000]


def test_pro_accounts_are_told_every_change_of_their_risk_level() -> None:
    scene = ProScene()
    heard: list[dict[str, Any]] = []
    scene.desk.watch(ALICE, heard.append)
    for equity in ("1400", "1300", "1100", "1000", "5000", "6000"):
        scene.desk.set_standing(ALICE, equity=equity, initial_margin="1000", maintenance_margin="1000")
    assert [event["s"] for event in heard] == ["MARGIN_CALL", "REDUCE_ONLY", "FORCE_LIQUIDATION", "NORMAL"]
    scene.desk.report(ALICE)
    for event in heard:
        decoded = decode_frame(json.dumps(event), PORTFOLIO_MARGIN_PRO)
        assert not isinstance(decoded, UnknownEvent | UndecodableEvent), decoded


def test_pro_events_have_the_members_of_the_sample(samples: Samples) -> None:
    scene = ProScene()
    scene.desk.tick()
    scene.desk.set_standing(ALICE, equity="1400", initial_margin="1000", maintenance_margin="1000")
    by_type = {event["e"]: event for event in scene.desk.journal.events(ALICE)}
    for name in ("PM_PRO_ACCOUNT_UPDATE", "riskLevelChange"):
        compare(by_type[name], samples.sample("portfolio-margin-pro", name))


def with_a_call_level() -> ProScene:
    scene = ProScene()
    assert scene.call("GET /margin-call-level") == {}
    scene.call("POST /margin-call-level", marginCallLevel="1.67")
    return scene


def test_pro_answers_tell_the_level_at_which_to_call() -> None:
    scene = with_a_call_level()
    assert "1.67" in json.dumps(scene.call("GET /margin-call-level"))
    assert {name: bool(scene.call(f"GET /{name}")) for name in ("account", "balance", "pmLoan")} == {
        "account": True, "balance": True, "pmLoan": True,
    }  # fmt: skip


@pytest.mark.parametrize("name", ["account", "balance", "margin-call-level", "pmLoan"])
def test_pro_answers_have_the_members_of_the_sample(samples: Samples, name: str) -> None:
    scene = with_a_call_level()
    compare(scene.call(f"GET /{name}"), samples.sample("portfolio-margin-pro", f"rest.GET.sapi.v1.portfolio.{name}"))


def test_pro_answers_tell_what_was_set() -> None:
    scene = ProScene()
    scene.desk.set_standing(ALICE, equity="130000.5", initial_margin="100")
    answer = scene.call("GET /account")
    assert (answer["accountEquity"], answer["totalAvailableBalance"]) == ("130000.50000000", "129,900.50000000")
    assert [row["asset"] for row in scene.call("GET /balance", asset="BTC")] == ["BTC"]
    assert scene.call("GET /interest-history") == []


def test_pro_turns_strangers_and_nonsense_away() -> None:
    scene = ProScene()
    assert (scene.desk.has(ALICE), scene.desk.has(BOB)) == (True, False)
    assert ("GET", "/sapi/v1/portfolio/account") in scene.desk.routes
    with pytest.raises(UnknownMethod):
        scene.call("GET /nothing")
    with pytest.raises(ValueError, match="already"):
        scene.desk.open_account(ALICE, {})
    for uid, what, code in ((BOB, "GET /account", -21001), (ALICE, "POST /margin-call-level", -1130)):
        with pytest.raises(Refusal) as refused:
            scene.call(what, uid, **({"marginCallLevel": "3"} if uid == ALICE else {}))
        assert refused.value.code == code
