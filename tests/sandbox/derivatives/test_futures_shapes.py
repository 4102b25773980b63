"""Field sets: every answer and event of the futures desks has the members and types that Binance publishes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from desk_scene import ALICE, BOB, Scene

from samples import Samples, compare
from trio_binance_uds.events import UndecodableEvent, UnknownEvent
from trio_binance_uds.products import COINM_FUTURES, USDM_FUTURES
from trio_binance_uds.wire.decode import decode_frame

PRODUCTS = {"usdm": USDM_FUTURES, "coinm": COINM_FUTURES}
FOLDERS = {"usdm": "usdm-futures", "coinm": "coinm-futures"}
# What the samples have that depends on the order, and what they are too old to have.
SOMETIMES = {"activatePrice", "priceRate", "AP", "cr", "M", "er", "rm", "ia", "ap", "aq", "act"}
NEWER = {
    "pair", "cumBase", "cumQuote", "goodTillDate", "marginAsset", "baseQty", "quoteQty", "priceMatch",
    "selfTradePreventionMode", "ma",
}  # fmt: skip


def busy(kind: str) -> Scene:
    """A desk on which everything has happened that it can do."""
    scene = Scene(kind)
    desk, symbol = scene.desk, scene.symbol
    some, more = ("0.1", "0.3") if kind == "usdm" else ("10", "30")
    desk.transfer(ALICE, scene.asset, "1")
    desk.transfer(ALICE, scene.asset, "-0.5")
    scene.trade("BUY", more, "20000")
    desk.set_mark_price(symbol, "20010")
    scene.call("POST /v1/leverage", symbol=symbol, leverage=50)
    scene.place("SELL", some, "20100", newClientOrderId="resting")
    scene.call(
        "PUT /v1/order", symbol=symbol, origClientOrderId="resting", side="SELL", quantity=more, price="20200",
        modifyId="mine",
    )  # fmt: skip
    scene.place("BUY", some, "20200", uid=BOB)
    scene.place("BUY", some, "20200", selfTradePreventionMode="EXPIRE_BOTH")
    scene.place("BUY", some, "20000", timeInForce="IOC")
    scene.place("BUY", some)
    scene.place("BUY", some, "15000", newClientOrderId="low")
    canceled = scene.place("BUY", some, "15000")
    scene.call("DELETE /v1/order", symbol=symbol, orderId=canceled["orderId"])
    stop = {"symbol": symbol, "algoType": "CONDITIONAL", "side": "SELL", "quantity": some}
    scene.call("POST /v1/algoOrder", **stop, type="STOP", triggerPrice="19000", price="18000", timeInForce="GTC")
    scene.call("POST /v1/algoOrder", **stop, type="TRAILING_STOP_MARKET", callbackRate="1", activatePrice="20300")
    scene.call("POST /v1/algoOrder", **stop, type="STOP_MARKET", triggerPrice="19500", workingType="MARK_PRICE")
    scene.place("BUY", more, "19600", uid=BOB)
    desk.set_mark_price(symbol, "19400")
    desk.fund(symbol, "0.0001")
    return scene


@pytest.fixture(params=["usdm", "coinm"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return busy(request.param)


def test_every_event_decodes_into_a_typed_one(scene: Scene) -> None:
    kinds = set()
    for entry in scene.desk.journal.entries():
        event: Any = decode_frame(json.dumps(entry.event), PRODUCTS[scene.kind])
        assert not isinstance(event, UnknownEvent | UndecodableEvent), event
        kinds.add(entry.event["e"])
        for name in ("order_status", "execution_type", "order_type", "expiry_reason", "algo_status", "time_in_force"):
            value = getattr(event, name, None)
            assert type(value) is not str, f"{name} is {value!r}, which is not among the known ones"
    lite = {"TRADE_LITE"} if scene.kind == "usdm" else set()
    assert kinds == {"ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE", "ALGO_UPDATE"} | lite


@pytest.mark.parametrize("name", ["ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ACCOUNT_CONFIG_UPDATE"])
def test_every_event_has_the_members_of_the_sample(samples: Samples, scene: Scene, name: str) -> None:
    found = {"ACCOUNT_CONFIG_UPDATE": "ACCOUNT_CONFIG_UPDATE.leverage"} if scene.kind == "usdm" else {}
    sample = samples.sample(FOLDERS[scene.kind], found.get(name, name))
    events = [event for event in scene.events() if event["e"] == name]
    assert events
    for event in events:
        if name == "ACCOUNT_UPDATE" and (event["a"]["m"] == "FUNDING_FEE" or not event["a"]["P"]):
            continue
        compare(event, sample, lacking=SOMETIMES, added={"ma", "M"})


def test_events_of_usdm_alone_have_the_members_of_the_sample(samples: Samples) -> None:
    scene = busy("usdm")

    def sample(name: str) -> Any:
        return samples.sample("usdm-futures", name)

    last = {event["e"]: event for event in scene.events()}
    compare(last["TRADE_LITE"], sample("TRADE_LITE"))
    funded = [event for event in scene.events() if event["e"] == "ACCOUNT_UPDATE" and event["a"]["m"] == "FUNDING_FEE"]
    compare(funded[-1], sample("ACCOUNT_UPDATE.funding-fee-cross"))
    algos = [event for event in scene.events() if event["e"] == "ALGO_UPDATE"]
    trailing = next(event for event in algos if event["o"]["o"] == "TRAILING_STOP_MARKET")
    compare(trailing, sample("ALGO_UPDATE.trailing-new"))
    finished = next(event for event in algos if event["o"]["X"] == "FINISHED")
    compare(finished, sample("ALGO_UPDATE.finished"))
    amended = next(e for e in scene.events() if e["e"] == "ORDER_TRADE_UPDATE" and e["o"]["x"] == "AMENDMENT")
    compare(amended, sample("ORDER_TRADE_UPDATE.amendment"))
    scene.call("POST /v1/multiAssetsMargin", multiAssetsMargin="true")
    compare(scene.events()[-1], sample("ACCOUNT_CONFIG_UPDATE.multi-assets"))


USDM_ANSWERS = [
    ("GET /v1/accountConfig", "accountConfig", {}),
    ("GET /v1/algoOrder", "algoOrder", {"algoId": 2150001}),
    ("GET /v1/allAlgoOrders", "allAlgoOrders", {"symbol": "BTCUSDT"}),
    ("GET /v1/allOrders", "allOrders", {"symbol": "BTCUSDT"}),
    ("GET /v1/income", "income", {}),
    ("GET /v1/multiAssetsMargin", "multiAssetsMargin", {}),
    ("GET /v1/openAlgoOrders", "openAlgoOrders", {}),
    ("GET /v1/openOrder", "openOrder", {"symbol": "BTCUSDT", "origClientOrderId": "low"}),
    ("GET /v1/openOrders", "openOrders", {}),
    ("GET /v1/order", "order", {"symbol": "BTCUSDT", "orderId": 8_000_000_002}),
    ("GET /v1/orderAmendment", "orderAmendment", {"symbol": "BTCUSDT", "origClientOrderId": "resting"}),
    ("GET /v1/positionSide/dual", "positionSide.dual", {}),
    ("GET /v1/symbolConfig", "symbolConfig", {}),
    ("GET /v1/userTrades", "userTrades", {"symbol": "BTCUSDT"}),
]
COINM_ANSWERS = [
    (what, name, {key: "BTCUSD_PERP" if key == "symbol" else value for key, value in params.items()})
    for what, name, params in USDM_ANSWERS
    if name in ("income", "openOrder", "openOrders", "order", "orderAmendment", "positionSide.dual", "userTrades")
]


@pytest.mark.parametrize(("what", "name", "params"), USDM_ANSWERS)
def test_usdm_answers_have_the_members_of_the_sample(
    samples: Samples, what: str, name: str, params: dict[str, Any]
) -> None:
    sample = samples.sample("usdm-futures", f"rest.GET.fapi.v1.{name}")
    compare(busy("usdm").call(what, **params), sample, lacking=SOMETIMES, added=NEWER)


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("GET /v2/account", "v2.account.single-asset"),
        ("GET /v3/account", "v3.account.single-asset"),
        ("GET /v2/balance", "v2.balance"),
        ("GET /v3/balance", "v3.balance"),
        ("GET /v2/positionRisk", "v2.positionRisk.one-way"),
        ("GET /v3/positionRisk", "v3.positionRisk.one-way"),
    ],
)
def test_usdm_holdings_have_the_members_of_the_sample(samples: Samples, what: str, name: str) -> None:
    sample = samples.sample("usdm-futures", f"rest.GET.fapi.{name}")
    compare(busy("usdm").call(what), sample, added={"canTrade", "updateTime"})


@pytest.mark.parametrize(("what", "name", "params"), COINM_ANSWERS)
def test_coinm_answers_have_the_members_of_the_sample(
    samples: Samples, what: str, name: str, params: dict[str, Any]
) -> None:
    sample = samples.sample("coinm-futures", f"rest.GET.dapi.v1.{name}")
    compare(busy("coinm").call(what, **params), sample, lacking=SOMETIMES, added=NEWER)


@pytest.mark.parametrize("name", ["account", "balance", "positionRisk"])
def test_coinm_holdings_have_the_members_of_the_sample(samples: Samples, name: str) -> None:
    sample = samples.sample("coinm-futures", f"rest.GET.dapi.v1.{name}")
    compare(busy("coinm").call(f"GET /v1/{name}"), sample, added={"notionalValue"})


def test_answers_to_actions_have_the_members_of_the_sample(samples: Samples) -> None:
    scene = Scene()

    def sample(name: str) -> Any:
        return samples.sample("usdm-futures", f"rest.{name}")

    placed = scene.place("BUY", "0.1", "20000", timeInForce="GTD", goodTillDate=scene.now + 700_000)
    compare(placed, sample("POST.fapi.v1.order"))
    canceled = scene.call("DELETE /v1/order", symbol="BTCUSDT", orderId=placed["orderId"])
    compare(canceled, sample("DELETE.fapi.v1.order"), lacking=SOMETIMES)
    stop = {"symbol": "BTCUSDT", "algoType": "CONDITIONAL", "side": "SELL", "quantity": "0.1", "type": "STOP_MARKET"}
    algo = scene.call("POST /v1/algoOrder", **stop, triggerPrice="19000")
    compare(algo, sample("POST.fapi.v1.algoOrder"))
    ended = scene.call("DELETE /v1/algoOrder", algoId=algo["algoId"])
    compare(ended, sample("DELETE.fapi.v1.algoOrder"))


def liquidated(kind: str) -> Scene:
    """A desk on which an account has just been liquidated, with the events of that alone."""
    scene = Scene(kind)
    for uid in (ALICE, BOB):
        scene.call("POST /v1/leverage", uid, symbol=scene.symbol, leverage=125)
    scene.trade("BUY", "100" if kind == "usdm" else "90000", "20000")
    scene.forget()
    scene.desk.set_mark_price(scene.symbol, "19100" if kind == "usdm" else "19670")
    scene.desk.set_mark_price(scene.symbol, "18000" if kind == "usdm" else "19000")
    return scene


@pytest.mark.parametrize("kind", ["usdm", "coinm"])
def test_a_liquidation_is_announced_carried_out_and_listed(kind: str) -> None:
    scene = liquidated(kind)
    called, placed, *_ = scene.events()
    assert called["e"] == "MARGIN_CALL"
    assert placed["o"]["o"] == "LIQUIDATION"
    assert scene.call("GET /v1/forceOrders")


@pytest.mark.parametrize("kind", ["usdm", "coinm"])
def test_a_liquidation_has_the_members_of_the_sample(samples: Samples, kind: str) -> None:
    scene = liquidated(kind)
    called, placed, *_ = scene.events()
    compare(called, samples.sample(FOLDERS[kind], "MARGIN_CALL"))
    prefix = scene.prefix.strip("/")
    compare(scene.call("GET /v1/forceOrders"), samples.sample(FOLDERS[kind], f"rest.GET.{prefix}.v1.forceOrders"))
    if kind == "usdm":
        compare(placed, samples.sample("usdm-futures", "ORDER_TRADE_UPDATE.liquidation"))
