"""The trader of the desks: busy, by its seed, and never in its own way."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from desk_scene import ALICE, SECOND, START

from trio_binance_uds.sandbox.derivatives import (
    CoinmDesk,
    DeskTrader,
    OptionsDesk,
    PortfolioMarginDesk,
    PortfolioMarginProDesk,
    UsdmDesk,
)
from trio_binance_uds.sandbox.exchange import Exchange

FUTURES = {"place", "take", "fill", "modify", "cancel", "place algo", "trigger algo", "cancel algo"}
PLACES = {
    "usdm": ("BTCUSDT", "20000", {"USDT": "1000000"}, FUTURES),
    "coinm": ("BTCUSD_PERP", "20000", {"BTC": "100"}, FUTURES),
    "um": ("ETHUSDT", "1500", {"USDT": "1000000"}, FUTURES),
    "cm": ("ETHUSD_PERP", "1500", {"USDT": "1000000"}, FUTURES),
    "options": ("BTC-261225-100000-C", "1200", {"USDT": "1000000"}, {"place", "take", "fill", "cancel"}),
}


class World:
    """A desk and its trader, on a clock that moves a second per action."""

    def __init__(self, kind: str, seed: int, funds: dict[str, str] | None = None) -> None:
        self.time = START
        now = self.now
        symbol, price, purse, _ = PLACES[kind]
        self.desk: Any = {
            "usdm": lambda: UsdmDesk(now, 1),
            "coinm": lambda: CoinmDesk(now, 1),
            "options": lambda: OptionsDesk(now, 1),
        }.get(kind, lambda: PortfolioMarginDesk(now, 1, Exchange.default(now)))()
        self.desk.open_account(ALICE, purse if funds is None else funds)
        self.trader = DeskTrader(self.desk, ALICE, symbol, price, seed)

    def now(self) -> int:
        return self.time

    def run(self, actions: int) -> Counter[str]:
        done: Counter[str] = Counter()
        for _ in range(actions):
            self.time += SECOND
            done[self.trader.act()] += 1
        return done


@pytest.mark.parametrize("kind", PLACES)
def test_it_does_everything_that_its_desk_offers_and_is_rarely_refused(kind: str) -> None:
    world = World(kind, seed=3)
    done = world.run(300)
    assert set(done) - {"refused"} == PLACES[kind][3]
    assert done["refused"] < 30
    assert len(world.desk.journal.events(ALICE)) > 300


@pytest.mark.parametrize("kind", PLACES)
def test_the_same_seed_does_the_same(kind: str) -> None:
    runs = []
    for seed in (5, 5, 6):
        world = World(kind, seed)
        world.run(60)
        runs.append(world.desk.journal.events(ALICE))
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("kind", PLACES)
def test_it_keeps_going_without_money(kind: str) -> None:
    world = World(kind, seed=1, funds={})
    assert set(world.run(60)) <= {"refused", "place algo", "trigger algo", "cancel algo"}


def test_two_traders_have_two_makers() -> None:
    world = World("usdm", seed=1)
    DeskTrader(world.desk, ALICE, "ETHUSDT", "1500")
    assert len(world.desk.accounts) == 3


def test_a_desk_without_the_contract_is_told_apart() -> None:
    world = World("usdm", seed=1)
    with pytest.raises(ValueError, match="no NOTHING"):
        DeskTrader(world.desk, ALICE, "NOTHING", "1")


def test_a_desk_without_orders_cannot_be_traded_on() -> None:
    desk: Any = PortfolioMarginProDesk(lambda: START)
    desk.find_contract = World("usdm", seed=1).desk.find_contract
    with pytest.raises(ValueError, match="no way to trade BTCUSDT"):
        DeskTrader(desk, ALICE, "BTCUSDT", "1")
