"""Costs stay flat: no call of a desk takes more steps because a lot has happened before."""

from __future__ import annotations

import gc
import sys
from types import FrameType
from typing import Any

import pytest
from desk_scene import ALICE, BOB, Scene

from trio_binance_uds.sandbox.derivatives import OptionsDesk


def calls_of(work: Any) -> int:
    """Count the Python and C calls that a piece of work makes: a measure of its cost that is the same each time."""
    count = 0

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    gc.disable()  # a collection in between would call whatever finalizers others have left behind
    former = sys.getprofile()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(former)
        gc.enable()
    return count


def work_a_while(scene: Scene, some: str, rounds: int) -> None:
    """Place, modify and cancel, place and fill, start and cancel a conditional order, pay funding, many times."""
    stop = {"symbol": scene.symbol, "algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "quantity": some}
    for number in range(rounds):
        scene.tick()
        scene.place("BUY", some, str(15_000 + number % 100), newClientOrderId="again")
        scene.call("DELETE /v1/order", symbol=scene.symbol, origClientOrderId="again")
        scene.call("POST /v1/algoOrder", **stop, triggerPrice="9000", clientAlgoId="again")
        scene.call("DELETE /v1/algoOrder", clientAlgoId="again")
        scene.trade("BUY", some, "20000")
        scene.trade("SELL", some, "20000")
        scene.desk.fund(scene.symbol, "0.0001")


def one_of_each(scene: Scene, some: str) -> dict[str, int]:
    """Measure one call of each kind."""
    symbol = {"symbol": scene.symbol}
    start = scene.now
    scene.tick()

    def ask(path: str, **params: Any) -> int:
        return calls_of(lambda: scene.call(f"GET {path}", **params))

    stop = {**symbol, "algoType": "CONDITIONAL", "side": "SELL", "type": "STOP_MARKET", "quantity": some}
    place = {"newClientOrderId": "measured"}
    costs = {
        "place": calls_of(lambda: scene.place("BUY", some, "19000", **place)),
        "order": ask("/v1/order", **symbol, origClientOrderId="measured"),
        "open": ask("/v1/openOrders"),
        "cancel": calls_of(lambda: scene.call("DELETE /v1/order", **symbol, origClientOrderId="measured")),
        "algo": calls_of(lambda: scene.call("POST /v1/algoOrder", **stop, triggerPrice="9000", clientAlgoId="m")),
        "algo order": ask("/v1/algoOrder", clientAlgoId="m"),
        "open algos": ask("/v1/openAlgoOrders"),
        "cancel algo": calls_of(lambda: scene.call("DELETE /v1/algoOrder", clientAlgoId="m")),
        "trade": calls_of(lambda: scene.trade("BUY", some, "20000")),
        "fund": calls_of(lambda: scene.desk.fund(scene.symbol, "0.0001")),
        "mark": calls_of(lambda: scene.desk.set_mark_price(scene.symbol, "20000")),
        "transfer": calls_of(lambda: scene.desk.transfer(ALICE, scene.asset, "1")),
    }
    for path in ("allOrders", "userTrades", "allAlgoOrders", "forceOrders"):
        costs[path] = ask(f"/v1/{path}", **symbol, startTime=start + 1000)
        costs[f"newest {path}"] = ask(f"/v1/{path}", **symbol, limit=1)
    costs["income"] = ask("/v1/income", startTime=start + 1000)
    costs["income of a kind"] = ask("/v1/income", incomeType="TRANSFER", limit=1)
    costs["trades from an id"] = ask("/v1/userTrades", **symbol, fromId=2**62)
    costs["orders from an id"] = ask("/v1/allOrders", **symbol, orderId=2**62)
    scene.trade("SELL", some, "20000")
    return costs


@pytest.mark.parametrize(("kind", "some"), [("usdm", "0.1"), ("coinm", "10")])
def test_no_call_costs_more_after_a_long_history(kind: str, some: str) -> None:
    scene = Scene(kind)
    work_a_while(scene, some, 20)
    early = one_of_each(scene, some)
    work_a_while(scene, some, 600)
    late = one_of_each(scene, some)
    # Looking something up in a sorted list takes a few steps more when the list is longer.
    assert {name: cost for name, cost in late.items() if cost > early[name] + 40} == {}


def test_no_call_of_the_options_desk_costs_more_after_a_long_history() -> None:
    time = 1_790_000_000_000_000
    desk = OptionsDesk(lambda: time)
    symbol = {"symbol": "BTC-261225-100000-C"}
    for uid in (ALICE, BOB):
        desk.open_account(uid, {"USDT": "1000000"})

    def call(uid: int, verb: str, path: str, **params: Any) -> Any:
        return desk.call(uid, verb, f"/eapi/v1/{path}", symbol | params)

    def round_trip() -> None:
        nonlocal time
        time += 1_000_000
        order = {"type": "LIMIT", "quantity": "0.1", "price": "1000"}
        for buyer, seller in ((ALICE, BOB), (BOB, ALICE)):
            call(seller, "POST", "order", **order, side="SELL")
            call(buyer, "POST", "order", **order, side="BUY")

    def costs() -> list[int]:
        asked = [
            calls_of(lambda path=path: call(ALICE, "GET", path, startTime=time // 1000 - 1500))
            for path in ("historyOrders", "userTrades", "exerciseRecord")
        ]
        return [*asked, calls_of(lambda: desk.call(ALICE, "GET", "/eapi/v1/marginAccount", {}))]

    for _ in range(30):
        round_trip()
    early = costs()
    for _ in range(500):
        round_trip()
    assert all(late <= before + 40 for before, late in zip(early, costs(), strict=True))
