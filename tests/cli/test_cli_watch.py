"""Watching an account: what is shown, how it ends, and what is never shown."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator

import attrs
import pytest
import trio
from rich.text import Text
from trio.testing import MockClock

from trio_binance_uds import (
    PORTFOLIO_MARGIN,
    SPOT,
    TESTNET,
    USDM_FUTURES,
    AuthenticationFailed,
    NotOffered,
    StreamFailed,
    TransportKind,
    find_product,
)
from trio_binance_uds.cli.arguments import WatchOptions
from trio_binance_uds.cli.failures import WrongUsage
from trio_binance_uds.cli.output import Screen
from trio_binance_uds.cli.viewer import Viewer
from trio_binance_uds.cli.watch import watch
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.sandbox.stream_session import StreamSession


@attrs.frozen
class Place:
    """A sandbox in memory, an account whose key is in the environment, and what it takes to watch it."""

    sandbox: Sandbox
    account: SandboxAccount
    options: WatchOptions


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "10000"}, key="hmac")
        for name in ("PRIVATE_KEY", "PRIVATE_KEY_FILE", "PRIVATE_KEY_PASSPHRASE"):
            monkeypatch.delenv(f"BINANCE_{name}", raising=False)
        monkeypatch.setenv("BINANCE_API_KEY", account.api_key)
        monkeypatch.setenv("BINANCE_API_SECRET", account.secret)
        options = WatchOptions(
            product=SPOT,
            environment=sandbox.environment,
            network=sandbox.network,
            transport=TransportKind.WEBSOCKETS,
            json=False,
            sandbox=False,
            color=False,
            duration=30.0,
        )
        yield Place(sandbox, account, options)


async def a_day_of(place: Place) -> None:
    """Place an order, break the connection, and place another."""
    await trio.sleep(1)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    place.account.call("order.place", order, price="50000")
    await trio.sleep(1)
    place.sandbox.faults.cut()
    await trio.sleep(20)
    place.account.call("order.place", order, price="51000")


async def test_people_see_orders_losses_and_a_summary(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a_day_of, place)
        assert await watch(place.options) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[0].startswith("Watching spot at ws://")
    first, lost, gap, second = (
        next(n for n, line in enumerate(lines) if word in line)
        for word in ("@ 50000", "━━ DISCONNECTED", "━━ GAP", "@ 51000")
    )
    assert first < lost < gap < second
    assert "watched   30.0 s over 2 connections" in [line.rstrip() for line in lines]
    assert re.search(r"^   \d{4}-\d\d-\d\dT[\d:.]{15}Z  .*the next attempt is in", said.err, re.MULTILINE)


async def test_programs_get_a_line_for_each(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a_day_of, place)
        assert await watch(attrs.evolve(place.options, json=True)) == 0
    said = capsys.readouterr()
    kinds = [json.loads(line)["type"] for line in said.out.splitlines()]
    pair = ["ExecutionReport", "OutboundAccountPosition"]
    assert [kind for kind in kinds if kind in ("Disconnected", "Gap")] == ["Disconnected", "Gap"]
    assert kinds[:3] == [*pair, "Disconnected"]
    assert kinds[-2:] == pair
    others = [json.loads(line) for line in said.err.splitlines()]
    assert [line["type"] for line in others] == ["Message", "Message", "Warning", "Summary"]
    assert others[-1]["events"] == {"order": 2, "balance": 2, "disconnected": 1, "gap": 1}


@pytest.mark.parametrize("as_json", [True, False])
async def test_secrets_are_not_shown(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a_day_of, place)
        await watch(attrs.evolve(place.options, json=as_json))
    said = "".join(capsys.readouterr())
    assert place.account.secret not in said
    assert place.account.api_key not in said


async def test_a_key_that_is_revoked_ends_it_with_its_summary(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    async def revoke() -> None:
        await trio.sleep(1)
        place.sandbox.faults.revoke(place.account.key, silently=False)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(revoke)
        with pytest.raises(StreamFailed) as caught:
            await watch(attrs.evolve(place.options, duration=1000.0))
    assert isinstance(caught.value.__cause__, AuthenticationFailed)
    out = capsys.readouterr().out
    assert "DISCONNECTED" in out
    assert "blind at the end" in out


async def test_a_key_that_was_never_good_is_told_before_anything_is_shown(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BINANCE_API_SECRET", "not-the-secret")
    with pytest.raises(AuthenticationFailed):
        await watch(place.options)
    assert capsys.readouterr() == ("", "")


async def test_without_a_key_the_way_out_is_named(
    autojump_clock: MockClock, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BINANCE_API_KEY")
    with pytest.raises(WrongUsage, match=r"BINANCE_API_KEY; or try watch --sandbox"):
        await watch(place.options)


async def test_where_a_product_is_not_offered_is_told_even_without_a_key(
    autojump_clock: MockClock, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("BINANCE_API_KEY")
    options = attrs.evolve(place.options, product=PORTFOLIO_MARGIN, environment=TESTNET)
    with pytest.raises(NotOffered, match=r"^the testnet environment has no portfolio_margin_stream"):
        await watch(options)


async def test_the_accounts_of_a_stream_are_told_apart(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = place.sandbox.add_account(cross_margin={}, isolated_margin={"BTCUSDT": {}}, key="hmac")
    monkeypatch.setenv("BINANCE_API_KEY", account.api_key)
    monkeypatch.setenv("BINANCE_API_SECRET", account.secret)
    product = find_product("cross-margin+isolated-margin:BTCUSDT")

    async def deposit() -> None:
        await trio.sleep(1)
        for pair in (None, "BTCUSDT"):
            owner = place.sandbox.margin.account(account.uid, pair)
            place.sandbox.exchange.deposit(owner, "USDT", "5")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(deposit)
        assert await watch(attrs.evolve(place.options, product=product)) == 0
    lines = [line[14:] for line in capsys.readouterr().out.splitlines() if "transfer  " in line]
    assert lines == [
        "cross-margin             transfer  USDT       +5",
        "isolated-margin:BTCUSDT  transfer  USDT       +5",
    ]


async def test_a_quiet_account_is_said_to_be_alive_ever_less_often(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await watch(attrs.evolve(place.options, duration=2.5 * 3600)) == 0
    lines = capsys.readouterr().out.splitlines()
    said = [
        match
        for line in lines
        if (match := re.match(r"   (?:nothing new for (\d+) s|subscribed); proven alive at \d\d:", line))
    ]
    waits = [int(match[1] or 0) for match in said]
    assert waits == [0, 60, 120, 240, 480, 960, 1920, 3840, 7440]
    assert any(line.startswith("alive    proven at ") for line in lines)


async def test_the_time_without_events_begins_anew_with_each(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    async def deposit() -> None:
        await trio.sleep(100)
        place.sandbox.exchange.deposit(place.account.key.account, "USDT", "5")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(deposit)
        assert await watch(attrs.evolve(place.options, duration=200.0)) == 0
    lines = [line.split(";")[0] for line in capsys.readouterr().out.splitlines() if "nothing new" in line]
    assert lines == ["   nothing new for 60 s"] * 2


async def test_a_terminal_shows_at_its_bottom_how_the_stream_is(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []

    async def show_status(self: Screen, line: Text) -> None:
        shown.append(line.plain)

    monkeypatch.setattr(Screen, "has_status_line", property(lambda self: True, lambda self, value: None))
    monkeypatch.setattr(Screen, "show_status", show_status)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(a_day_of, place)
        assert await watch(place.options) == 0
    assert len(shown) == 30
    assert re.match(r"   nothing new for 0 s; proven alive at \d\d:", shown[0])
    assert [line for line in shown if re.match(r"   blind since [\d:.]{12}, link lost: ", line)]


async def test_a_stream_that_nothing_proves_is_not_called_alive(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    account = place.sandbox.add_account(usdm={"USDT": "100"}, key="hmac")
    monkeypatch.setenv("BINANCE_API_KEY", account.api_key)
    monkeypatch.setenv("BINANCE_API_SECRET", account.secret)
    monkeypatch.setattr(StreamSession, "_obey", lambda self, text: {"id": json.loads(text)["id"], "result": []})
    assert await watch(attrs.evolve(place.options, product=USDM_FUTURES)) == 0
    assert "   subscribed, and not proven to be alive until the first event comes" in capsys.readouterr().out


@pytest.mark.parametrize("as_json", [True, False])
async def test_it_does_not_end_well_when_it_ends_blind(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str], as_json: bool
) -> None:
    async def break_off() -> None:
        await trio.sleep(1)
        place.sandbox.faults.refuse_connections()
        place.sandbox.faults.cut()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(break_off)
        assert await watch(attrs.evolve(place.options, json=as_json)) == 3
    said = capsys.readouterr()
    if as_json:
        assert json.loads(said.err.splitlines()[-1])["blind_since"] is not None
    else:
        assert "blind at the end" in said.out


async def test_the_demo_is_shown_if_so_asked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[WatchOptions] = []

    async def demo(options: WatchOptions, viewer: Viewer) -> None:
        asked.append(options)

    monkeypatch.setattr("trio_binance_uds.cli.watch.show_demo", demo)
    options = attrs.evolve(place.options, sandbox=True)
    assert await watch(options) == 0
    assert asked == [options]


async def test_it_ends_when_nobody_reads_any_more(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone() -> None:
        await trio.sleep(5)

    monkeypatch.setattr("trio_binance_uds.cli.watch.wait_reader_gone", gone)
    start = trio.current_time()
    assert await watch(attrs.evolve(place.options, duration=None)) == 0
    assert trio.current_time() - start == pytest.approx(5, abs=0.1)
    assert "SUMMARY" not in capsys.readouterr().out
