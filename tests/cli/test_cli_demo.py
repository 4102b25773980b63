"""The demos, in memory and on virtual time: each shows what it promises, and says so when it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from trio_binance_uds import (
    PRODUCTS,
    SPOT,
    TESTNET,
    USDM_FUTURES,
    Balance,
    Host,
    ListenKeyStream,
    Network,
    Product,
    TransportKind,
    find_product,
)
from trio_binance_uds.cli import demo
from trio_binance_uds.cli.arguments import WatchOptions
from trio_binance_uds.cli.failures import DemoFailed, WrongUsage
from trio_binance_uds.cli.output import Screen
from trio_binance_uds.cli.plays import play_for
from trio_binance_uds.cli.script import Play, Stage
from trio_binance_uds.cli.viewer import Viewer
from trio_binance_uds.sandbox import Clock, Sandbox, open_sandbox

OPTIONS = WatchOptions(
    product=SPOT,
    environment=TESTNET,
    network=Network(),
    transport=TransportKind.WEBSOCKETS,
    json=False,
    sandbox=True,
    color=False,
    duration=None,
)
# Words that each of the demos has to show, besides what all of them do.
WORDS = {
    "spot": ["OCO", "PARTIAL", "EXPIRED", "transfer", "+0.3 @ 59990"],
    "cross-margin": ["PARTIAL", "CANCELED", "transfer"],
    "isolated-margin:BNBUSDT": ["BNBUSDT", "PARTIAL", "CANCELED"],
    "cross-margin+isolated-margin:ETHUSDT": ["cross-margin  ", "isolated-margin:ETHUSDT  fill"],
    "margin-risk": ["MARGIN CALL", "EXCESSIVE", "borrow", "repay"],
    "cross-margin@listen-key": ["PARTIAL", "CANCELED", "transfer", "borrow", "repay"],
    "isolated-margin:ETHUSDT@listen-key": ["ETHUSDT", "PARTIAL", "CANCELED", "transfer", "borrow", "repay"],
    "unified-margin": ["debt", "MARGIN CALL", "EXCESSIVE", "balance", "fill"],
    "stocks": ["AAPL", "PARTIAL", "CANCELED", "worth "],
    "usdm-futures": ["lite", "TRIGGERED", "FINISHED", "funding fee BTCUSDT", "leverage 10", "profit -"],
    "coinm-futures": ["BTCUSD_PERP", "TRIGGERED", "FINISHED", "funding fee"],
    "options": ["BTC-261225-100000-C", "greeks", "totals"],
    "portfolio-margin": ["  UM  ", "  CM  ", "  margin  ", "debt", "TRIGGERED"],
    "portfolio-margin-pro": ["totals", "MARGIN CALL", "REDUCE ONLY", "NORMAL"],
}


# Far enough from the machine's own time that every client goes by the venue's, where virtual time passes.
START = datetime(2031, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True, clock=Clock(START)) as opened:
        yield opened


async def show(sandbox: Sandbox, options: WatchOptions = OPTIONS, play: Play | None = None) -> Viewer:
    output = Screen(color=False, accounts=options.product.accounts)
    viewer = Viewer(output=output, duration=options.duration)
    await demo.show_in(sandbox, options, play or play_for(options.product), viewer)
    return viewer


def test_every_product_has_a_demo() -> None:
    assert PRODUCTS.keys() <= WORDS.keys()


@pytest.mark.parametrize("name", WORDS)
async def test_a_demo_shows_what_its_product_has_to_tell_and_an_outage_that_heals(
    autojump_clock: MockClock, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    start = trio.current_time()
    viewer = await show(sandbox, attrs.evolve(OPTIONS, product=find_product(name)))
    assert 5 < trio.current_time() - start < 25
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"Watching {name} on a sandbox at ws://")
    for word in [*WORDS[name], "loyaltyPoints", "━━ DISCONNECTED", "━━ GAP", "━━ SUMMARY"]:
        assert any(word in line for line in lines), word
    (gap,) = viewer.tally.gaps
    if find_product(name).history is None:
        assert (gap.complete, viewer.tally.recovered) == (False, 0)
        return
    assert any(" *" in line for line in lines)
    assert gap.complete
    assert viewer.tally.recovered >= 2


@pytest.mark.parametrize("transport", list(TransportKind))
@pytest.mark.parametrize("product", [SPOT, USDM_FUTURES], ids=lambda product: product.name)
async def test_a_demo_runs_on_every_websocket_library(
    autojump_clock: MockClock, sandbox: Sandbox, transport: TransportKind, product: Product
) -> None:
    viewer = await show(sandbox, attrs.evolve(OPTIONS, transport=transport, product=product))
    assert viewer.tally.kinds["gap"] == 1


async def test_as_much_as_there_is_time_for_is_enough(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    viewer = await show(sandbox, attrs.evolve(OPTIONS, duration=3.0))
    assert viewer.tally.kinds["order"]
    assert not viewer.tally.kinds["gap"]


async def test_the_demo_brings_its_own_sandbox(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Sandbox] = []

    async def look(sandbox: Sandbox, options: WatchOptions, play: Play, viewer: Viewer) -> None:
        shown.append(sandbox)

    monkeypatch.setattr(demo, "show_in", look)
    await demo.show_demo(OPTIONS, Viewer(output=Screen(color=False)))
    assert shown


async def test_a_demo_that_shows_nothing_has_failed(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async def idle(stage: Stage) -> None:
        stage.sandbox.faults.fail_next("account.status", times=9)

    with pytest.raises(DemoFailed) as caught:
        await show(sandbox, play=attrs.evolve(play_for(SPOT), perform=idle))
    for problem in ("FILLED was not seen", "one gap", "3 connections, not 1", "balances could not be asked for"):
        assert problem in str(caught.value)


async def test_balances_that_are_not_the_exchanges_are_a_failure(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    async def nothing(stream: Any) -> list[Balance]:
        return []

    with pytest.raises(DemoFailed, match=r"^the balances are not those of the exchange$"):
        await show(sandbox, play=attrs.evolve(play_for(SPOT), ask_balances=nothing))


async def test_fills_and_holdings_that_are_not_the_venues_are_a_failure(
    autojump_clock: MockClock, sandbox: Sandbox
) -> None:
    play = play_for(USDM_FUTURES)
    with pytest.raises(DemoFailed) as caught:
        await show(
            sandbox,
            attrs.evolve(OPTIONS, product=USDM_FUTURES),
            attrs.evolve(play, journals=lambda sandbox, account: {}),
        )
    said = str(caught.value)
    assert said.startswith("the fills are not those of the venue: {'BTCUSDT': 4, 'ETHUSDT': 2}, not {}; ")
    assert "the balances are not those of the venue" in said
    assert "the positions are not those of the venue" in said


def test_a_pair_that_nobody_trades_in_the_demo_is_told() -> None:
    with pytest.raises(WrongUsage, match=r"^the demo has no pair DOGEUSDT; it has BTCUSDT, ETHUSDT, BNBUSDT$"):
        play_for(find_product("cross-margin+isolated-margin:DOGEUSDT"))


def test_a_product_that_is_streamed_in_a_new_way_has_no_demo() -> None:
    mechanism = ListenKeyStream(rest=Host.SPOT_REST, path="/new/listenKey", stream=Host.SPOT_WS_API)
    with pytest.raises(WrongUsage, match=r"^there is no demo of novelty$"):
        play_for(Product("novelty", mechanism, {}))


def test_a_made_up_product_with_a_known_mechanism_has_the_demo_of_that() -> None:
    twin = attrs.evolve(USDM_FUTURES, name="usdm-twin")
    assert play_for(twin).wallets == play_for(USDM_FUTURES).wallets
