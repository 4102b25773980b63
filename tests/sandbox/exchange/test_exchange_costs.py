"""Costs stay flat: no call takes more steps because a lot has happened before."""

from __future__ import annotations

import gc
import sys
from types import FrameType
from typing import Any

import pytest
from exchange_scene import Scene


def calls_of(work: Any) -> int:
    """Count the Python and C calls that a piece of work makes: a measure of its cost that is the same each time.

    Garbage is not collected meanwhile. When that happens depends on all that the process has done before, and
    whoever watches it (hypothesis does) would be counted here.
    """
    count = 0

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    former, collects = sys.getprofile(), gc.isenabled()
    gc.disable()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(former)
        if collects:
            gc.enable()
    return count


def work_a_while(scene: Scene, rounds: int) -> None:
    """Place and cancel, place and fill, start and cancel an order list, many times."""
    for number in range(rounds):
        scene.tick()
        scene.place(scene.alice, "BUY", "0.01", str(15_000 + number % 100), newClientOrderId="again")
        scene.call(scene.alice, "order.cancel", symbol="BTCUSDT", origClientOrderId="again")
        scene.place(scene.alice, "BUY", "0.001", "20000")
        scene.place(scene.bob, "SELL", "0.001", "20000")


OCO = {
    "symbol": "BTCUSDT",
    "side": "SELL",
    "quantity": "0.1",
    "aboveType": "LIMIT_MAKER",
    "abovePrice": "21000",
    "belowType": "STOP_LOSS",
    "belowStopPrice": "18000",
    "listClientOrderId": "oco",
}


def one_of_each(scene: Scene) -> dict[str, int]:
    """Measure one call of each kind."""
    alice, call = scene.alice, scene.exchange.call
    start = scene.now
    scene.tick()
    costs = {
        "place": calls_of(lambda: scene.place(alice, "BUY", "0.01", "19000", newClientOrderId="measured")),
        "status": calls_of(lambda: call(alice, "order.status", {"symbol": "BTCUSDT", "origClientOrderId": "measured"})),
        "open": calls_of(lambda: call(alice, "openOrders.status", {"symbol": "BTCUSDT"})),
        "fill": calls_of(lambda: scene.place(scene.bob, "SELL", "0.01", "19000")),
        "oco": calls_of(lambda: call(alice, "orderList.place.oco", OCO)),
        "cancel": calls_of(lambda: call(alice, "order.cancel", {"symbol": "BTCUSDT", "orderId": newest_open(scene)})),
        "account": calls_of(lambda: call(alice, "account.status", {})),
        "lists": calls_of(lambda: call(alice, "openOrderLists.status", {})),
    }
    for name, params in (
        ("newest", {"limit": 1}),
        ("since", {"startTime": start, "limit": 1}),
        ("until", {"endTime": scene.now, "limit": 1}),
    ):
        query = {"symbol": "BTCUSDT", **params}
        costs[f"orders {name}"] = calls_of(lambda query=query: call(alice, "allOrders", query))
        costs[f"trades {name}"] = calls_of(lambda query=query: call(alice, "myTrades", query))
    return costs


def newest_open(scene: Scene) -> int:
    found: int = next(reversed(scene.alice.records_of("BTCUSDT").open))
    return found


def test_measure_is_the_same_however_often_garbage_is_collected_and_whoever_watches() -> None:
    def work() -> None:
        for _ in range(100):
            itself: list[Any] = []
            itself.append(itself)

    def watch(phase: str, info: dict[str, int]) -> None:
        phase.upper()

    undisturbed = calls_of(work)
    thresholds = gc.get_threshold()
    gc.callbacks.append(watch)
    gc.set_threshold(1)
    try:
        assert calls_of(work) == undisturbed
    finally:
        gc.set_threshold(*thresholds)
        gc.callbacks.remove(watch)
    assert calls_of(lambda: (work(), work())) > 2 * undisturbed - 10


def test_no_call_takes_more_steps_after_thousands_of_orders() -> None:
    scene = Scene()
    work_a_while(scene, 20)
    young = one_of_each(scene)
    work_a_while(scene, 1500)
    old = one_of_each(scene)
    # Searching a sorted history that is 76 times as long takes six steps more.
    assert {name: cost for name, cost in old.items() if cost > young[name] + 12} == {}


@pytest.mark.parametrize("waiting", [10, 400])
def test_trade_does_not_look_at_stop_orders_that_it_does_not_reach(waiting: int) -> None:
    scene = Scene()
    scene.trade_at("20000")
    for number in range(waiting):
        scene.call(
            scene.alice,
            "order.place",
            symbol="BTCUSDT",
            side="SELL",
            type="STOP_LOSS",
            quantity="0.001",
            stopPrice=str(10_000 + number),
        )
    scene.place(scene.bob, "SELL", "0.01", "20000")
    assert calls_of(lambda: scene.place(scene.alice, "BUY", "0.01", "20000")) < 700
