"""Positions and money: profit, both position modes, isolated margin, leverage, funding, transfers, liquidation."""

from __future__ import annotations

from typing import Any

import pytest
from desk_scene import ALICE, BOB, START, Scene

from trio_binance_uds.sandbox.exchange.refusals import InsufficientFunds, UnknownMethod


def held(scene: Scene, uid: int = ALICE, side: str = "BOTH") -> dict[str, Any]:
    """Return a position as the account's newest event of it tells it."""
    rows = [
        row
        for event in scene.desk.journal.events(uid)
        if event["e"] == "ACCOUNT_UPDATE"
        for row in event["a"]["P"]
        if row["ps"] == side
    ]
    return rows[-1]


def test_a_long_position_gains_when_it_is_sold_for_more() -> None:
    scene = Scene()
    scene.trade("BUY", "0.2", "20000")
    scene.trade("BUY", "0.1", "20300")
    assert (held(scene)["ep"], held(scene)["pa"]) == ("20100", "0.3")
    # Opening cost 0.04 percent of 6030, so that much more must come back.
    assert held(scene)["bep"] == "20108.04"
    scene.trade("SELL", "0.1", "20400")
    sold = [event["o"] for event in scene.events() if event["e"] == "ORDER_TRADE_UPDATE"][-1]
    assert sold["rp"] == "30.00000000"
    assert (held(scene)["cr"], held(scene)["ep"], held(scene)["up"]) == ("30.00000000", "20100", "60.00000000")
    kinds = [(row["incomeType"], row["income"]) for row in scene.call("GET /v1/income", symbol="BTCUSDT")]
    assert kinds[-2:] == [("COMMISSION", "-0.81600000"), ("REALIZED_PNL", "30.00000000")]


def test_a_short_position_of_coins_gains_when_it_is_bought_for_less() -> None:
    scene = Scene("coinm")
    scene.trade("SELL", "100", "20000")
    scene.trade("BUY", "100", "16000")
    bought = [event["o"] for event in scene.events() if event["e"] == "ORDER_TRADE_UPDATE"][-1]
    # 10000 USD are 0.5 coins at 20000 and 0.625 at 16000.
    assert bought["rp"] == "0.12500000"
    assert held(scene)["bep"] == held(scene)["ep"] == "0"


def test_breaking_even_of_a_short_position_lies_below_its_entry() -> None:
    scene = Scene()
    scene.trade("SELL", "0.1", "20000")
    assert (held(scene)["ep"], held(scene)["bep"]) == ("20000", "19992")


def test_a_trade_can_turn_a_position_around() -> None:
    scene = Scene()
    scene.trade("BUY", "0.1", "20000")
    scene.trade("SELL", "0.3", "21000")
    position = held(scene)
    assert (position["pa"], position["ep"], position["cr"]) == ("-0.2", "21000", "100.00000000")


def test_in_hedge_mode_long_and_short_stand_side_by_side() -> None:
    scene = Scene()
    for uid in (ALICE, BOB):
        scene.call("POST /v1/positionSide/dual", uid, dualSidePosition="true")
    scene.trade("BUY", "0.2", "20000", positionSide="LONG")
    scene.trade("SELL", "0.1", "20000", positionSide="SHORT")
    assert (held(scene, side="LONG")["pa"], held(scene, side="SHORT")["pa"]) == ("0.2", "-0.1")
    rows = scene.call("GET /v2/positionRisk", symbol="BTCUSDT")
    assert [(row["positionSide"], row["positionAmt"]) for row in rows] == [
        ("BOTH", "0"), ("LONG", "0.2"), ("SHORT", "-0.1"),
    ]  # fmt: skip
    scene.trade("SELL", "0.1", "20000", positionSide="LONG")
    assert held(scene, side="LONG")["pa"] == "0.1"
    place = "POST /v1/order"
    assert scene.refuse(place, **scene.order("BUY", "0.1")) == -4061
    assert scene.refuse(place, **scene.order("SELL", "0.1", positionSide="LONG", reduceOnly="true")) == -1106
    assert scene.refuse(place, **scene.order("BUY", "0.1", positionSide="SHORT") | {"symbol": "ETHUSDT"}) == -2022


def test_the_position_mode_changes_only_while_nothing_is_open() -> None:
    scene = Scene()
    mode = "POST /v1/positionSide/dual"
    assert scene.refuse(mode, dualSidePosition="false") == -4059
    assert scene.refuse(mode) == -1102
    placed = scene.place("BUY", "0.1", "19000")
    assert scene.refuse(mode, dualSidePosition="true") == -4067
    scene.call("DELETE /v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
    scene.trade("BUY", "0.1", "20000")
    assert scene.refuse(mode, dualSidePosition="true") == -4068
    scene.trade("SELL", "0.1", "20000")
    scene.forget()
    scene.call(mode, dualSidePosition="true")
    assert scene.call("GET /v1/positionSide/dual") == {"dualSidePosition": True}
    assert scene.events() == []
    assert scene.refuse("POST /v1/order", **scene.order("BUY", "0.1", "19000")) == -4061


def test_isolated_margin_has_a_wallet_of_its_own() -> None:
    scene = Scene()
    scene.call("POST /v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    scene.call("POST /v1/leverage", symbol="BTCUSDT", leverage=10)
    scene.trade("BUY", "0.2", "20000")
    position = held(scene)
    assert (position["mt"], position["iw"]) == ("isolated", "400.00000000")
    balance = scene.events()[-1]["a"]["B"][0]
    assert (balance["wb"], balance["cw"]) == ("99998.40000000", "99598.40000000")
    scene.trade("SELL", "0.1", "20000")
    assert held(scene)["iw"] == "200.00000000"
    assert scene.refuse("POST /v1/leverage", symbol="BTCUSDT", leverage=5) == -4161
    assert scene.call("POST /v1/leverage", symbol="BTCUSDT", leverage=20)["leverage"] == 20
    (config,) = scene.call("GET /v1/symbolConfig", symbol="BTCUSDT")
    assert (config["marginType"], config["leverage"]) == ("ISOLATED", 20)
    assert len(scene.call("GET /v1/symbolConfig")) == 2


def test_the_margin_type_changes_only_while_nothing_is_open() -> None:
    scene = Scene()
    kind = "POST /v1/marginType"
    assert scene.refuse(kind, symbol="BTCUSDT", marginType="CROSSED") == -4046
    placed = scene.place("BUY", "0.1", "19000")
    assert scene.refuse(kind, symbol="BTCUSDT", marginType="ISOLATED") == -4047
    scene.call("DELETE /v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
    stop = {"symbol": "BTCUSDT", "algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.1"}
    waiting = scene.call("POST /v1/algoOrder", **stop, triggerPrice="19000")
    assert scene.refuse(kind, symbol="BTCUSDT", marginType="ISOLATED") == -4047
    scene.call("DELETE /v1/algoOrder", algoId=waiting["algoId"])
    scene.trade("BUY", "0.1", "20000")
    assert scene.refuse(kind, symbol="BTCUSDT", marginType="ISOLATED") == -4048
    scene.call(kind, symbol="ETHUSDT", marginType="ISOLATED")
    assert scene.refuse("POST /v1/multiAssetsMargin", multiAssetsMargin="true") == -4167


def test_all_assets_together_are_margin_in_multi_assets_mode() -> None:
    scene = Scene()
    scene.desk.open_account(21, {"USDT": "100", "USDC": "900"})
    order = scene.order("BUY", "0.2", "20000")
    assert scene.refuse("POST /v1/order", 21, **order) == -2019
    scene.call("POST /v1/multiAssetsMargin", 21, multiAssetsMargin="true")
    assert scene.desk.journal.events(21)[-1]["ai"] == {"j": True}
    assert scene.call("POST /v1/order", 21, **order)["status"] == "NEW"
    assert scene.call("GET /v1/multiAssetsMargin", 21) == {"multiAssetsMargin": True}
    assert scene.call("GET /v3/account", 21)["totalWalletBalance"] == "1000.00000000"
    assert scene.refuse("POST /v1/marginType", 21, symbol="ETHUSDT", marginType="ISOLATED") == -4168


def test_leverage_is_told_and_kept_in_bounds() -> None:
    scene = Scene()
    answer = scene.call("POST /v1/leverage", symbol="BTCUSDT", leverage=25)
    assert answer == {"leverage": 25, "maxNotionalValue": "1000000", "symbol": "BTCUSDT"}
    assert scene.events()[-1]["ac"] == {"s": "BTCUSDT", "l": 25}
    for leverage in (0, 126):
        assert scene.refuse("POST /v1/leverage", symbol="BTCUSDT", leverage=leverage) == -4028
    scene.trade("BUY", "50", "20000", uid=ALICE)
    assert scene.refuse("POST /v1/leverage", symbol="BTCUSDT", leverage=1) == -2028
    assert scene.call("GET /v1/symbolConfig", symbol="BTCUSDT")[0]["leverage"] == 25


def test_orders_need_margin_beyond_that_of_the_position() -> None:
    scene = Scene()
    place = "POST /v1/order"
    # At leverage 20 there is margin for 2 million.
    assert scene.refuse(place, **scene.order("BUY", "101", "20000")) == -2019
    scene.trade("BUY", "90", "20000")
    assert scene.refuse(place, **scene.order("BUY", "20", "20000")) == -2019
    # Selling reduces first and opens only then.
    assert scene.place("SELL", "180", "20001")["status"] == "NEW"
    assert scene.refuse(place, **scene.order("SELL", "20", "20001")) == -2019


def test_a_market_order_is_margined_at_what_it_will_pay() -> None:
    scene = Scene()
    scene.place("SELL", "1", "20000", uid=BOB)
    scene.place("SELL", "60", "30000", uid=BOB)
    assert scene.refuse("POST /v1/order", **scene.order("BUY", "90")) == -2019
    assert scene.place("BUY", "50", newOrderRespType="RESULT")["status"] == "FILLED"


def test_cross_funding_is_told_without_the_position_and_isolated_with_it() -> None:
    scene = Scene()
    scene.call("POST /v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    scene.trade("BUY", "0.2", "20000")
    scene.forget()
    scene.desk.fund("BTCUSDT", "0.001")
    (mine,), (theirs,) = scene.events(ALICE), scene.events(BOB)
    assert mine["a"]["S"] == theirs["a"]["S"] == "BTCUSDT"
    assert [row["bc"] for row in mine["a"]["B"]] == ["-4.00000000"]
    assert [(row["pa"], row["iw"]) for row in mine["a"]["P"]] == [("0.2", "196.00000000")]
    assert ([row["bc"] for row in theirs["a"]["B"]], theirs["a"]["P"]) == (["4.00000000"], [])
    (row,) = scene.call("GET /v1/income", incomeType="FUNDING_FEE")
    assert (row["income"], row["symbol"]) == ("-4.00000000", "BTCUSDT")


def test_funding_passes_by_who_holds_nothing() -> None:
    scene = Scene()
    scene.trade("BUY", "0.2", "20000")
    scene.trade("SELL", "0.2", "20000")
    scene.forget()
    scene.desk.fund("BTCUSDT", "0.001")
    assert scene.events() == []


def test_transfers_are_told_and_cannot_take_what_is_needed() -> None:
    scene = Scene()
    scene.desk.transfer(ALICE, "USDT", "10.5")
    scene.desk.transfer(ALICE, "USDT", "-0.5")
    scene.desk.transfer(ALICE, "BNB", "1", "ASSET_TRANSFER")
    told = [(event["a"]["m"], event["a"]["B"][0]["bc"]) for event in scene.events()]
    assert told == [("DEPOSIT", "10.50000000"), ("WITHDRAW", "-0.50000000"), ("ASSET_TRANSFER", "1.00000000")]
    scene.trade("BUY", "90", "20000")
    with pytest.raises(InsufficientFunds, match="USDT"):
        scene.desk.transfer(ALICE, "USDT", "-11000")
    rows = scene.call("GET /v1/income", incomeType="TRANSFER")
    assert [(row["income"], row["symbol"], row["tradeId"]) for row in rows][:2] == [
        ("10.50000000", "", ""), ("-0.50000000", "", ""),
    ]  # fmt: skip


def test_a_margin_call_comes_once_until_the_danger_is_over() -> None:
    scene = Scene()
    for uid in (ALICE, BOB):
        scene.call("POST /v1/leverage", uid, symbol="BTCUSDT", leverage=125)
    scene.trade("BUY", "100", "20000")
    scene.forget()
    for price in ("19100", "19099", "20000", "19100"):
        scene.desk.set_mark_price("BTCUSDT", price)
    assert scene.story() == ["MARGIN_CALL", "MARGIN_CALL"]
    assert scene.events()[0]["cw"] == "99200.00000000"


def test_liquidation_closes_against_the_book_first_and_the_fund_takes_the_rest() -> None:
    scene = Scene()
    for uid in (ALICE, BOB):
        scene.call("POST /v1/leverage", uid, symbol="BTCUSDT", leverage=125)
    scene.trade("BUY", "100", "20000")
    scene.place("SELL", "1", "25000")
    stop = {"symbol": "BTCUSDT", "algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "quantity": "0.1"}
    scene.call("POST /v1/algoOrder", **stop, triggerPrice="15000")
    scene.call("POST /v1/algoOrder", **stop | {"symbol": "ETHUSDT"}, triggerPrice="15")
    scene.place("BUY", "40", "18990", uid=BOB)
    scene.forget()
    scene.desk.set_mark_price("BTCUSDT", "18980.55")
    assert scene.story() == [
        "MARGIN_CALL",
        "LIMIT EXPIRED EXPIRED er 5",
        "algo STOP_MARKET EXPIRED",
        "LIQUIDATION NEW NEW",
        "lite 40@18990", "LIQUIDATION TRADE PARTIALLY_FILLED 40@18990", "account ORDER BTCUSDT BOTH 60",
        "lite 60@18980.5", "LIQUIDATION CALCULATED FILLED 60@18980.5", "account ORDER BTCUSDT BOTH 0",
        "account INSURANCE_CLEAR",
    ]  # fmt: skip
    assert scene.balance() == "0.00000000"
    (row,) = scene.call("GET /v1/forceOrders")
    assert (row["clientOrderId"][:10], row["type"], row["time"]) == ("autoclose-", "LIMIT", START // 1000)
    assert scene.call("GET /v1/forceOrders", autoCloseType="ADL") == []
    assert scene.call("GET /v1/forceOrders", symbol="ETHUSDT", autoCloseType="LIQUIDATION") == []
    assert scene.desk.insurance_fund.positions["BTCUSDT", "BOTH"].amount == 60


def test_an_isolated_liquidation_costs_no_more_than_its_wallet() -> None:
    scene = Scene()
    scene.call("POST /v1/marginType", symbol="BTCUSDT", marginType="ISOLATED")
    scene.call("POST /v1/leverage", symbol="BTCUSDT", leverage=100)
    scene.trade("SELL", "1", "20000")
    before = scene.events()[-1]["a"]["B"][0]
    scene.forget()
    scene.desk.set_mark_price("BTCUSDT", "21000")
    call = scene.events()[0]
    assert ("cw" in call, call["p"][0]["mt"], call["p"][0]["iw"]) == (False, "ISOLATED", "200.00000000")
    assert scene.story()[-1] == "account INSURANCE_CLEAR"
    assert scene.events()[-1]["a"]["B"][0]["cw"] == before["cw"]


def test_a_liquidation_that_pays_for_itself_needs_no_insurance() -> None:
    scene = Scene()
    scene.trade("BUY", "1", "20000")
    scene.call("POST /v1/order", **scene.order("BUY", "1", "1000") | {"symbol": "ETHUSDT"})
    scene.place("BUY", "1", "20000", uid=BOB)
    scene.desk.liquidate(ALICE)
    assert scene.story()[-1] == "account ORDER BTCUSDT BOTH 0"
    assert scene.balance() == "99984.00000000"


def test_the_liquidation_price_is_where_the_liquidation_comes() -> None:
    scene = Scene()
    scene.trade("BUY", "40", "20000")
    (row,) = scene.call("GET /v3/positionRisk")
    price = row["liquidationPrice"]
    scene.desk.set_mark_price("BTCUSDT", str(float(price) + 0.5))
    assert scene.call("GET /v3/positionRisk", symbol="BTCUSDT")[0]["positionAmt"] == "40"
    scene.desk.set_mark_price("BTCUSDT", str(float(price) - 0.5))
    assert scene.call("GET /v3/positionRisk", symbol="BTCUSDT") == []


def test_an_event_of_any_kind_can_be_sent_by_hand() -> None:
    scene = Scene()
    heard: list[dict[str, Any]] = []
    unwatch = scene.desk.watch(ALICE, heard.append)
    event = {"e": "STRATEGY_UPDATE", "T": START // 1000, "E": START // 1000, "su": {}}
    scene.desk.emit(ALICE, event)
    unwatch()
    unwatch()
    scene.desk.emit(ALICE, event)
    assert heard == [event]
    assert scene.events() == [event, event]


def test_strangers_unknown_routes_and_second_accounts_are_turned_away() -> None:
    scene = Scene()
    assert (scene.desk.has(ALICE), scene.desk.has(99)) == (True, False)
    assert scene.refuse("GET /v1/openOrders", 99) == -4109
    with pytest.raises(UnknownMethod):
        scene.call("GET /v1/nothing")
    for uid in (ALICE, 0):
        with pytest.raises(ValueError, match="already"):
            scene.desk.open_account(uid, {})
    with pytest.raises(ValueError, match="not an amount"):
        scene.desk.open_account(98, {"USDT": "-1"})
    with pytest.raises(ValueError, match="listed already"):
        scene.desk.add_contract("BTCUSDT", "BTCUSDT", "BTC", "USDT")
