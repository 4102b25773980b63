"""Margin accounts at the sandbox's own desk: with loans and repayments by orders, gaps are made good all the same."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from decimal import Decimal
from random import Random
from typing import Any

import attrs
import pytest
import trio
from recovery_desk_scene import DeskStream, HandClock, Scene, decoded
from recovery_margin_scene import BOTH, CROSS, ISOLATED
from recovery_scene import balances, by_order, fills
from test_recovery_random import check_sane, deterministic

from trio_binance_uds.events import Event
from trio_binance_uds.sandbox.agenda import Agenda
from trio_binance_uds.sandbox.exchange import Exchange, Refusal
from trio_binance_uds.sandbox.margin.desk import MarginDesk
from trio_binance_uds.stream.recovery import Recovery

__all__ = ["deterministic"]


class MarginDeskScene(Scene):
    """An owner with a cross and an isolated account, and a market to trade with."""

    product = BOTH
    desk: MarginDesk

    def __init__(self) -> None:
        super().__init__()
        self.clock = HandClock()
        self.exchange = Exchange.default(self.clock.now, 3)
        self.agenda = Agenda(self.clock)
        self.desk = MarginDesk(self.exchange, self.agenda)
        self.uid = self.exchange.add_account({"USDT": "100000"}).uid
        self.desk.open_account(self.uid, {"USDT": "100000", "BTC": "1"})
        self.desk.open_isolated(self.uid, "BTCUSDT", {"USDT": "100000", "BTC": "1"})
        self.maker = self.exchange.add_account({"BTC": "10000", "USDT": "100000000"})
        self.exchange.seed_book("BTCUSDT", "20000", 40, self.maker, quantity="2")
        self.accounts = {
            self.desk.account(self.uid).uid: CROSS,
            self.desk.account(self.uid, "BTCUSDT").uid: ISOLATED,
        }

    def moved(self) -> None:
        self.agenda.catch_up()

    def sent(self, since: int = 0) -> list[Event]:
        return [
            attrs.evolve(decoded(entry.event, self.product), account=self.accounts[entry.uid])
            for entry in self.exchange.journal.entries()
            if entry.uid in self.accounts
        ][since:]

    def call(self, what: str, name: str, **params: Any) -> Any:
        verb, path = what.split()
        where = {"symbol": "BTCUSDT", "isIsolated": "TRUE" if name == ISOLATED else "FALSE"}
        return self.desk.call(self.uid, verb, f"/sapi/v1/margin/{path}", {**where, **params})

    def held(self, name: str) -> dict[str, tuple[Decimal, Decimal]]:
        account = self.desk.account(self.uid, None if name == CROSS else "BTCUSDT")
        return {asset: (balance.free, balance.locked) for asset, balance in account.balances.items()}


class Trader:
    """Trades on both accounts with loans and repayments, at random, but the same way for the same seed."""

    def __init__(self, scene: MarginDeskScene, seed: int) -> None:
        self.scene = scene
        self.random = Random(seed)

    def steps(self, count: int) -> None:
        for _ in range(count):
            random, scene = self.random, self.scene
            scene.tick(random.choice([0, 0.0004, 0.02, 1, 5]))
            name = random.choice([CROSS, ISOLATED])
            with suppress(Refusal):
                random.choice([self._order, self._order, self._market, self._cancel])(name)

    def _order(self, name: str) -> None:
        side = self.random.choice(["BUY", "SELL"])
        away = self.random.randint(-2, 6) * (-10 if side == "BUY" else 10)
        self._place(name, side, type="LIMIT", timeInForce="GTC", price=str(20000 + away))

    def _market(self, name: str) -> None:
        self._place(name, self.random.choice(["BUY", "SELL"]), type="MARKET")

    def _place(self, name: str, side: str, **params: Any) -> None:
        effect = self.random.choice(["NO_SIDE_EFFECT", "MARGIN_BUY", "AUTO_REPAY", "AUTO_BORROW_REPAY"])
        quantity = str(Decimal(self.random.randint(1, 200)) / 100)
        self.scene.call("POST order", name, side=side, quantity=quantity, sideEffectType=effect, **params)

    def _cancel(self, name: str) -> None:
        if found := self.scene.call("GET openOrders", name):
            self.scene.call("DELETE order", name, orderId=self.random.choice(found)["orderId"])


@pytest.mark.parametrize("seed", range(25))
async def test_loans_and_repayments_by_orders_leave_gaps_complete(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    scene = MarginDeskScene()
    trader = Trader(scene, seed)
    trader.steps(10)
    scene.tick(5)
    # There are orders already, which nobody asks for who does not know their symbol.
    stream = DeskStream(scene, Recovery(symbols=("BTCUSDT",)))
    first = stream.position
    await stream.start()
    for _ in range(3):
        scene.tick(5)
        trader.steps(random.randint(0, 20))
        stream.deliver(random.randint(0, len(scene.sent(stream.position))))
        trader.steps(random.randint(0, 20))
        result = await stream.recover(late=random.choice([0, 0, 1, 2]))
        assert result.complete, result.detail
    stream.deliver()
    sent = scene.sent(first)
    assert Counter(fills(stream.told)) == Counter(fills(sent))
    assert by_order(stream.told).keys() == by_order(sent).keys()
    for name in (CROSS, ISOLATED):
        told = [event for event in stream.told if event.account == name]
        check_sane([event for event in sent if event.account == name], told)
        held = scene.held(name)
        assert {asset: held[asset] for asset in balances(told)} == balances(told)
