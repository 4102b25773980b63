"""A recovery whose findings are never delivered leaves nothing behind: the next one finds all of it again.

The link can be lost after the last answer has come. What was answered is then in no event that anybody was given.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import attrs
import pytest
from futures_scene import COINM, USDM, Kind
from futures_scene import Link as FuturesLink
from futures_scene import Market as FuturesMarket
from recovery_desk_scene import DeskStream, OptionsScene, ProScene, RiskScene, Scene
from recovery_margin_scene import MarginMarket, MarginStream
from recovery_scene import Link as SpotLink
from recovery_scene import Market as SpotMarket
from test_stocks_recovery import Scene as StocksScene
from trio.testing import MockClock

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError
from trio_binance_uds.events import GapCause
from trio_binance_uds.products import PORTFOLIO_MARGIN, SPOT, margin_listen_key
from trio_binance_uds.stream.buffer import EventBuffer
from trio_binance_uds.stream.delivery import Blindness, Delivery
from trio_binance_uds.stream.record import StreamRecord
from trio_binance_uds.stream.recovery import NothingRecovered, Recovered, Recoverer, Recovery, recoverer_for
from trio_binance_uds.stream.recovery.contract import NoRecovery
from trio_binance_uds.stream.recovery.learned import Learned
from trio_binance_uds.stream.recovery.margin.recoverer import MarginRecoverer
from trio_binance_uds.stream.recovery.portfolio.recoverer import PortfolioRecoverer
from trio_binance_uds.stream.recovery.risk.recoverer import RiskRecoverer
from trio_binance_uds.stream.recovery.stocks.recovered import StocksRecovered

START = datetime(2031, 5, 4, 12, tzinfo=UTC)
Request = Callable[..., Awaitable[Any]]


@attrs.define
class Account:
    """An account of one product: what asks the venue about it, and something that can happen to it unnoticed."""

    recoverer: Recoverer
    request: Request
    now: Callable[[], datetime]
    happens: Callable[[], object]
    later: Callable[[float], object]
    is_refused: bool = False

    async def ask(self, method: str, params: Any = None) -> Any:
        if self.is_refused:
            raise ApiError(method=method, status=400, code=-1003, msg="Too many requests")
        return await self.request(method, params)

    async def begin(self) -> None:
        await self.recoverer.take_baseline(self.ask, ExactClock(self.now))
        self.later(60)

    async def recover(self, since: datetime) -> Recovered:
        return await self.recoverer.recover(self.ask, since, ExactClock(self.now))

    def deliver(self, found: Recovered, since: datetime) -> None:
        self.recoverer.note_gap(since, self.now(), complete=found.complete)
        for event in found.events:
            self.recoverer.observe(event)
        self.later(60)


def spot() -> Account:
    market = SpotMarket()
    return Account(
        recoverer_for(SPOT, Recovery()),
        SpotLink(market).request,
        market.now,
        lambda: market.limit("SELL", "1", "20000"),
        market.tick,
    )


def margin() -> Account:
    market = MarginMarket()
    return Account(
        recoverer_for(market.product, Recovery()),
        MarginStream(market).link.request,
        market.now,
        lambda: market.limit("SELL", "1", "20000"),
        market.tick,
    )


def futures(kind: Kind) -> Account:
    market = FuturesMarket(kind)
    return Account(
        recoverer_for(market.kind.product, Recovery(symbols=(market.symbol,))),
        FuturesLink(market).request,
        market.now,
        lambda: market.limit("SELL", "1", "20000"),
        market.tick,
    )


def desk(scene: Scene, happens: Callable[[], object]) -> Account:
    return Account(
        recoverer_for(scene.product, Recovery()), DeskStream(scene).link.request, scene.now, happens, scene.tick
    )


def options() -> Account:
    scene = OptionsScene()
    return desk(scene, lambda: scene.place("SELL", "1", "1300"))


def risk() -> Account:
    scene = RiskScene()
    return desk(scene, lambda: scene.loan("BORROW", "USDT", "1000"))


def pro() -> Account:
    scene = ProScene()
    return desk(scene, lambda: scene.stand("1030.5"))


def stocks() -> Account:
    scene = StocksScene()
    return Account(scene.recoverer, scene.request, scene.now, scene.place, scene.later)


ACCOUNTS: dict[str, Callable[[], Account]] = {
    "spot": spot,
    "margin": margin,
    "usdm": lambda: futures(USDM),
    "coinm": lambda: futures(COINM),
    "options": options,
    "risk": risk,
    "pro": pro,
    "stocks": stocks,
}


def what(found: Recovered) -> list[str]:
    """What happened, without the moment at which an answer of now was asked for."""
    return [re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.]+\S*", "", str(event)) for event in found.events]


@pytest.mark.parametrize("product", ACCOUNTS)
async def test_what_was_found_and_not_delivered_is_found_again(product: str, autojump_clock: MockClock) -> None:
    account = ACCOUNTS[product]()
    await account.begin()
    since = account.now()
    account.happens()
    account.later(5)
    first = await account.recover(since)
    assert first.events
    account.later(5)
    second = await account.recover(since)
    assert what(second) == what(first)
    assert second.complete, second.detail


@pytest.mark.parametrize("given_up", ["asked again", "abandoned"])
@pytest.mark.parametrize("product", ACCOUNTS)
async def test_answers_are_no_baseline_until_what_was_found_is_delivered(
    product: str, given_up: str, autojump_clock: MockClock
) -> None:
    account = ACCOUNTS[product]()
    account.is_refused = True
    await account.begin()
    account.is_refused = False
    assert account.recoverer.no_baseline_because
    since = account.now()
    account.happens()
    account.later(5)
    first = await account.recover(since)
    assert not first.complete
    if given_up == "abandoned":
        account.recoverer.abandon()
        account.recoverer.note_gap(since, account.now(), complete=False)
    assert account.recoverer.no_baseline_because, "nobody was given what was answered"
    second = await account.recover(since)
    assert what(second) == what(first)
    assert not second.complete
    account.deliver(second, since)
    assert not account.recoverer.no_baseline_because
    third = await account.recover(account.now())
    assert third.complete, third.detail


def test_the_parts_of_an_account_abandon_together(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    whole = recoverer_for(PORTFOLIO_MARGIN, Recovery())
    assert isinstance(whole, PortfolioRecoverer)
    for name, part in whole.parts.items():
        part.knowledge.learned.add(partial(heard.append, name))
    whole.abandon()
    whole.note_gap(START, START, complete=False)
    assert heard == []
    for kind in (MarginRecoverer, RiskRecoverer):
        monkeypatch.setattr(kind, "abandon", lambda self: heard.append(type(self).__name__))
    recoverer_for(margin_listen_key("cross-margin"), Recovery()).abandon()
    assert heard == ["MarginRecoverer", "RiskRecoverer"]


def test_what_is_learned_is_recorded_once_and_in_its_order() -> None:
    recorded: list[int] = []
    learned = Learned()
    learned.add(partial(recorded.append, 1))
    learned.forget()
    learned.add(partial(recorded.append, 2))
    learned.add(partial(recorded.append, 3))
    learned.record()
    learned.record()
    assert recorded == [2, 3]


class Listening(NoRecovery):
    """A recoverer that notes what it is told of its last recovery."""

    def __init__(self) -> None:
        super().__init__("")
        self.heard: list[str] = []

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        self.heard.append("gap")

    def abandon(self) -> None:
        self.heard.append("abandon")


@pytest.mark.parametrize(
    ("found", "heard"), [(NothingRecovered("too many events"), ["abandon", "gap"]), (StocksRecovered(), ["gap"])]
)
async def test_an_answer_that_comes_too_late_to_be_delivered_is_not_recorded(
    found: Recovered, heard: list[str]
) -> None:
    recoverer = Listening()
    buffer = EventBuffer(10, lambda: START, on_caught_up=lambda mark: None)
    delivery = Delivery(buffer, recoverer, StreamRecord())
    delivery.handover.park(1)
    delivery.note_blindness(Blindness(START, GapCause.LINK_LOST, ""))
    delivery.resume_from(1, START, found)
    assert recoverer.heard == heard
