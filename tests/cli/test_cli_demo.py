"""The demo, in memory and on virtual time: it shows what it promises, and says so when it does not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from trio_binance_uds import SPOT, TESTNET, Network, TransportKind
from trio_binance_uds.cli import demo
from trio_binance_uds.cli.arguments import WatchOptions
from trio_binance_uds.cli.failures import DemoFailed
from trio_binance_uds.cli.output import Screen
from trio_binance_uds.cli.script import Stage
from trio_binance_uds.cli.viewer import Viewer
from trio_binance_uds.sandbox import Sandbox, open_sandbox

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


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True) as opened:
        yield opened


async def show(sandbox: Sandbox, options: WatchOptions = OPTIONS) -> Viewer:
    viewer = Viewer(output=Screen(color=False), duration=options.duration)
    await demo.show_in(sandbox, options, viewer)
    return viewer


@pytest.mark.parametrize("transport", list(TransportKind))
async def test_the_demo_shows_orders_an_outage_and_a_summary(
    autojump_clock: MockClock, sandbox: Sandbox, capsys: pytest.CaptureFixture[str], transport: TransportKind
) -> None:
    start = trio.current_time()
    viewer = await show(sandbox, attrs.evolve(OPTIONS, transport=transport))
    assert trio.current_time() - start < 20
    lines = capsys.readouterr().out.splitlines()
    wanted = ["NEW", "PARTIAL", "FILLED", "CANCELED", "EXPIRED", "OCO", "transfer", "loyaltyPoints"]
    for word in [*wanted, "━━ DISCONNECTED", "━━ GAP", "━━ SUMMARY", "balances"]:
        assert any(word in line for line in lines), word
    assert viewer.tally.kinds["Gap"] == 1


async def test_as_much_as_there_is_time_for_is_enough(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    viewer = await show(sandbox, attrs.evolve(OPTIONS, duration=3.0))
    assert viewer.tally.kinds["ExecutionReport"]
    assert not viewer.tally.kinds["Gap"]


async def test_the_demo_brings_its_own_sandbox(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[Sandbox] = []

    async def look(sandbox: Sandbox, options: WatchOptions, viewer: Viewer) -> None:
        shown.append(sandbox)

    monkeypatch.setattr(demo, "show_in", look)
    await demo.show_demo(OPTIONS, Viewer(output=Screen(color=False)))
    assert shown


async def test_a_demo_that_shows_nothing_has_failed(
    autojump_clock: MockClock, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def idle(stage: Stage) -> None:
        stage.sandbox.faults.fail_next("account.status", times=9)

    monkeypatch.setattr(demo, "play", idle)
    with pytest.raises(DemoFailed) as caught:
        await show(sandbox)
    for problem in ("FILLED was not seen", "one gap", "3 connections, not 1", "balances could not be asked for"):
        assert problem in str(caught.value)


async def test_balances_that_are_not_the_exchanges_are_a_failure(
    autojump_clock: MockClock, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(stream: Any) -> list[Any]:
        return []

    monkeypatch.setattr(demo, "_balances", nothing)
    with pytest.raises(DemoFailed, match=r"^the balances are not those of the exchange$"):
        await show(sandbox)
