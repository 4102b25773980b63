"""Watching accounts, the journal, and the movements of money from outside."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from exchange_scene import START_MS, Scene, fingerprint

from trio_binance_uds.sandbox.exchange import Exchange, InsufficientFunds, UnknownMethod
from trio_binance_uds.sandbox.exchange.accounts import LedgerBroken


def test_watcher_gets_the_events_of_its_account_in_order_until_it_stops() -> None:
    scene = Scene()
    seen: list[dict[str, Any]] = []
    unwatch = scene.exchange.watch(scene.alice, seen.append)
    scene.place(scene.alice, "BUY", "0.1", "20000")
    scene.place(scene.bob, "SELL", "0.1", "20000")
    scene.place(scene.bob, "SELL", "0.1", "20000")
    assert seen == scene.events()
    unwatch()
    unwatch()
    scene.place(scene.alice, "BUY", "0.1", "20000")
    assert len(seen) < len(scene.events())


def test_each_watch_of_one_sink_ends_on_its_own() -> None:
    scene = Scene()
    seen: list[dict[str, Any]] = []
    first = scene.exchange.watch(scene.alice, seen.append)
    scene.exchange.watch(scene.alice, seen.append)
    first()
    scene.exchange.deposit(scene.alice, "BTC", "1")
    assert seen == scene.events()


def test_watcher_that_trades_gets_its_events_behind_those_of_the_first_call() -> None:
    scene = Scene()
    seen: list[dict[str, Any]] = []

    def react(event: dict[str, Any]) -> None:
        seen.append(event)
        if event.get("x") == "NEW" and event["S"] == "BUY":
            scene.place(scene.alice, "SELL", "0.1", "21000")
            # What a watcher sees of the exchange is never half done.
            assert len(scene.call(scene.alice, "openOrders.status")) == 2

    scene.exchange.watch(scene.alice, react)
    scene.place(scene.alice, "BUY", "0.1", "20000")
    assert seen == scene.events()
    assert scene.story() == ["LIMIT NEW NEW on book", "balances"] * 2


def test_events_are_out_before_the_call_returns_an_error_with_half_of_it_done() -> None:
    scene = Scene()
    scene.place(scene.alice, "BUY", "0.1", "20000", newClientOrderId="a")
    seen: list[dict[str, Any]] = []
    scene.exchange.watch(scene.alice, seen.append)
    refusal = scene.refuse(
        scene.alice,
        "order.cancelReplace",
        symbol="BTCUSDT",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrigClientOrderId="a",
        side="SELL",
        type="MARKET",
        quantity="100",
    )
    assert refusal.status == 409
    assert [event.get("x") for event in seen] == ["CANCELED", "REJECTED", None]


def test_journal_numbers_all_events_and_gives_each_account_its_own() -> None:
    scene = Scene()
    scene.place(scene.alice, "BUY", "0.1", "20000")
    middle = len(scene.exchange.journal)
    scene.place(scene.bob, "SELL", "0.1", "20000")
    journal = scene.exchange.journal
    assert [entry.seq for entry in journal.entries()] == list(range(len(journal)))
    of_alice = list(journal.entries(scene.alice))
    assert {entry.uid for entry in of_alice} == {scene.alice.uid}
    assert [entry.seq for entry in journal.entries(scene.alice, since=middle)] == [
        entry.seq for entry in of_alice if entry.seq >= middle
    ]
    assert all(entry.time == scene.time for entry in of_alice)


def test_deposit_and_withdrawal_send_their_delta_and_then_the_balance() -> None:
    scene = Scene()
    scene.exchange.deposit(scene.alice, "BTC", "2.5")
    scene.exchange.withdraw(scene.alice, "BTC", "1")
    deposit, _, withdrawal, position = scene.events()
    assert deposit == {"e": "balanceUpdate", "E": START_MS, "a": "BTC", "d": "2.50000000", "T": START_MS}
    assert withdrawal["d"] == "-1.00000000"
    assert position["B"] == [{"a": "BTC", "f": "11.50000000", "l": "0.00000000"}]


def test_an_adjustment_tells_the_new_balance_only() -> None:
    scene = Scene()
    for amount in ("5", "-2"):
        scene.exchange.adjust(scene.alice, "USDT", amount)
    told = scene.events(scene.alice)
    assert [event["e"] for event in told] == ["outboundAccountPosition"] * 2
    assert told[-1]["B"] == [{"a": "USDT", "f": "100003.00000000", "l": "0.00000000"}]
    with pytest.raises(InsufficientFunds, match="less than 100004 USDT is free"):
        scene.exchange.adjust(scene.alice, "USDT", "-100004")


def test_an_observer_is_called_behind_every_step() -> None:
    scene = Scene()
    seen: list[int] = []
    scene.exchange.observe(lambda: seen.append(len(scene.exchange.journal)))
    scene.place(scene.bob, "SELL", "0.01", "50000")
    scene.place(scene.alice, "BUY", "0.01", "50000")
    assert seen == [2, len(scene.exchange.journal)]


def test_external_lock_moves_free_to_locked_and_back() -> None:
    scene = Scene()
    scene.exchange.lock_externally(scene.alice, "BTC", "4")
    assert scene.balance(scene.alice, "BTC") == ("6.00000000", "4.00000000")
    scene.exchange.unlock_externally(scene.alice, "BTC", "1")
    assert scene.balance(scene.alice, "BTC") == ("7.00000000", "3.00000000")
    assert [event["d"] for event in scene.events() if "d" in event] == ["4.00000000", "-1.00000000"]
    assert scene.refuse(scene.alice, "order.place", **sell("7.1")).code == -2010
    scene.exchange.call(scene.alice, "order.place", sell("7"))
    assert scene.balance(scene.alice, "BTC") == ("0.00000000", "10.00000000")


def test_more_than_there_is_cannot_be_moved() -> None:
    scene = Scene()
    scene.place(scene.alice, "SELL", "9", "20000")
    before = fingerprint(scene.exchange)
    for move, asset, amount in (
        (scene.exchange.withdraw, "BTC", "1.5"),
        (scene.exchange.withdraw, "DOGE", "1"),
        (scene.exchange.lock_externally, "BTC", "1.5"),
        (scene.exchange.unlock_externally, "BTC", "1"),
        (scene.exchange.unlock_externally, "DOGE", "1"),
    ):
        with pytest.raises(InsufficientFunds):
            move(scene.alice, asset, amount)
    for amount in ("-1", "0.000000001"):
        with pytest.raises(ValueError, match="not an amount"):
            scene.exchange.deposit(scene.alice, "BTC", amount)
    assert fingerprint(scene.exchange) == before


def test_clock_that_goes_back_does_not_take_the_exchange_with_it() -> None:
    scene = Scene()
    scene.exchange.deposit(scene.alice, "BTC", "1")
    scene.tick(-5_000_000)
    scene.exchange.deposit(scene.alice, "BTC", "1")
    assert {event["E"] for event in scene.events()} == {START_MS}


def test_same_seed_makes_the_same_client_ids() -> None:
    scenes = Scene(), Scene()
    first, second = (scene.place(scene.alice, "BUY", "1", "20000")["clientOrderId"] for scene in scenes)
    assert first == second


def test_symbol_whose_amounts_would_need_rounding_is_not_listed() -> None:
    scene = Scene()
    with pytest.raises(ValueError, match="multiple of"):
        scene.exchange.add_symbol("AAABBB", "AAA", "BBB", tick_size="0.00001", step_size="0.0001")
    with pytest.raises(ValueError, match="above zero"):
        scene.exchange.add_symbol("AAABBB", "AAA", "BBB", tick_size="0")
    with pytest.raises(ValueError, match="already"):
        scene.exchange.add_symbol("BTCUSDT", "BTC", "USDT")


@pytest.mark.parametrize(
    ("method", "params", "weight"),
    [
        ("ping", {}, 1),
        ("openOrders.status", {}, 80),
        ("openOrders.status", {"symbol": "BTCUSDT"}, 6),
        ("myTrades", {"symbol": "BTCUSDT"}, 20),
        ("myTrades", {"symbol": "BTCUSDT", "orderId": 1}, 5),
        ("ticker.price", {}, 4),
        ("ticker.book", {"symbol": "BTCUSDT"}, 2),
        ("depth", {"limit": 100}, 5),
        ("depth", {"limit": 101}, 25),
        ("depth", {"limit": 501}, 50),
        ("depth", {"limit": 5000}, 250),
        ("order.test", {}, 1),
        ("order.test", {"computeCommissionRates": True}, 20),
        ("myPreventedMatches", {"orderId": 1}, 20),
        ("myPreventedMatches", {"preventedMatchId": 1}, 2),
        ("order.place", {}, 1),
        ("order.amend.keepPriority", {}, 4),
    ],
)
def test_weights_are_the_published_ones(method: str, params: dict[str, Any], weight: int) -> None:
    assert Scene().exchange.method_weight(method, params) == weight


def test_trading_call_that_succeeded_costs_nothing() -> None:
    exchange = Scene().exchange
    assert exchange.method_weight("order.place", {}, succeeded=True) == 0
    assert exchange.method_weight("account.status", {}, succeeded=True) == 20
    assert exchange.unfilled_order_count("orderList.place.otoco") == 3
    for method in exchange.methods:
        assert exchange.method_weight(method, {}) > 0


def test_weight_of_an_unknown_method_is_not_guessed() -> None:
    with pytest.raises(UnknownMethod):
        Scene().exchange.method_weight("order.pluck", {})


def test_balance_that_would_become_negative_is_a_bug_that_shows() -> None:
    scene = Scene()
    with pytest.raises(LedgerBroken):
        scene.alice.change("BTC", free=Decimal(-11))
    assert scene.balance(scene.alice, "BTC") == ("10.00000000", "0.00000000")


def sell(quantity: str) -> dict[str, str]:
    order = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": "30000"}
    return order | {"quantity": quantity}


def test_what_needs_no_account_is_among_the_methods() -> None:
    exchange = Exchange.default(lambda: 1_900_000_000_000_000)
    assert "time" in exchange.public_methods < exchange.methods
    assert "account.status" not in exchange.public_methods
