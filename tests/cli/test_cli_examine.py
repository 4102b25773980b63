"""The command ``doctor``: what is printed, and the exit status."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import AsyncIterator

import attrs
import pytest
from trio.testing import MockClock

from support.one_time import with_one_time
from trio_binance_uds import PRODUCTION, SPOT, TESTNET, USDM_FUTURES, Host, Network, TransportKind, TrialOrder
from trio_binance_uds.cli import main
from trio_binance_uds.cli.arguments import DoctorOptions, parse
from trio_binance_uds.cli.examine import examine
from trio_binance_uds.cli.failures import OutputFailed, WrongUsage
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox


def asked(*argv: str) -> DoctorOptions:
    options = parse(["doctor", *argv])
    assert isinstance(options, DoctorOptions)
    return options


def test_it_takes_all_it_is_given() -> None:
    assert asked().products == (SPOT,)
    assert (asked().environment, asked().order, asked().json, asked().color) == (PRODUCTION, None, False, True)
    more = ["--json", "--no-color", "--transport", "trio-websocket", "--order", "BTCUSDT", "0.001", "30000"]
    options = asked("spot", "usdm-futures", "--environment", "testnet", "--proxy", "http://127.0.0.1:3128", *more)
    assert options == DoctorOptions(
        products=(SPOT, USDM_FUTURES),
        environment=TESTNET,
        network=Network(proxy="http://127.0.0.1:3128"),
        transport=TransportKind.TRIO_WEBSOCKET,
        order=TrialOrder(symbol="BTCUSDT", quantity="0.001", price="30000"),
        json=True,
        color=False,
    )


def test_it_takes_a_url_that_never_brings_events_since_that_is_what_it_looks_for() -> None:
    url = "wss://fstream.binance.com/public/ws"
    assert asked("usdm-futures", "--url", url).environment.url(Host.USDM_STREAM) == url


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["nonsense"], "there is no product 'nonsense'; there are spot, "),
        (["--url", "http://127.0.0.1"], "must start with wss:// or ws://"),
        (["--order", "btcusdt", "1", "1"], "argument --order: symbol must be a symbol in upper case"),
        (["--order", "BTCUSDT", "much", "1"], "argument --order: quantity and price must be positive numbers"),
    ],
)
def test_a_wrong_command_line_is_one_line(capsys: pytest.CaptureFixture[str], argv: list[str], complaint: str) -> None:
    assert main(["doctor", *argv]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert complaint in said.err


@attrs.frozen
class Place:
    """A sandbox in memory, an account whose key is in the environment, and what it takes to examine it."""

    sandbox: Sandbox
    account: SandboxAccount
    options: DoctorOptions


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Place]:
    async with open_sandbox(in_memory=True, clock=with_one_time(monkeypatch)) as sandbox:
        account = sandbox.add_account(balances={"USDT": "10000"}, usdm={}, key="hmac")
        for name in ("PRIVATE_KEY", "PRIVATE_KEY_FILE", "PRIVATE_KEY_PASSPHRASE"):
            monkeypatch.delenv(f"BINANCE_{name}", raising=False)
        monkeypatch.setenv("BINANCE_API_KEY", account.api_key)
        monkeypatch.setenv("BINANCE_API_SECRET", account.secret)
        options = DoctorOptions(
            products=(SPOT,),
            environment=sandbox.environment,
            network=sandbox.network,
            transport=TransportKind.WEBSOCKETS,
            order=TrialOrder(symbol="BTCUSDT", quantity="0.001", price="30000"),
            json=False,
            color=False,
        )
        yield Place(sandbox, account, options)


async def test_people_get_a_line_for_each_step(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await examine(place.options) == 0
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert (lines[0], lines[-1]) == ("spot, sandbox", "  nothing is wrong")
    assert len(lines) == 15
    assert all(line.startswith("  ok      ") for line in lines[1:-1])
    assert said.err == "", "the connection was closed on purpose, and that is no warning"
    assert not logging.getLogger("trio_binance_uds").handlers


async def test_what_is_wrong_is_told_with_what_to_do(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BINANCE_API_SECRET", "x" * 64)
    assert await examine(attrs.evolve(place.options, products=(SPOT, USDM_FUTURES), order=None)) == 1
    out = capsys.readouterr().out
    assert out.count("  wrong: signature\n") == 2
    assert out.count("  failed  signature") == 2
    assert out.count("→ the secret is not the one of this key") == 2
    assert "x" * 64 not in out
    assert place.account.api_key not in out


async def test_programs_get_an_object_for_each(
    autojump_clock: MockClock, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.sandbox.faults.skew_clock(40)
    assert await examine(attrs.evolve(place.options, json=True)) == 1
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [each["type"] for each in objects] == [*["Finding"] * 13, "Diagnosis"]
    assert {each["product"] for each in objects} == {"spot"}
    assert (objects[2]["step"], objects[2]["result"], "NTP" in objects[2]["advice"]) == ("clock", "failed", True)
    assert (objects[-1]["is_healthy"], objects[-1]["failed"]) == (False, ["clock"])


async def test_it_needs_a_key_and_an_order_needs_play_money(
    autojump_clock: MockClock, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WrongUsage, match="on a testnet or a sandbox only"):
        await examine(attrs.evolve(place.options, environment=PRODUCTION))
    monkeypatch.delenv("BINANCE_API_KEY")
    with pytest.raises(WrongUsage, match="BINANCE_API_KEY"):
        await examine(place.options)


@pytest.mark.parametrize("as_json", [True, False])
async def test_an_output_that_is_closed_is_a_failure(
    autojump_clock: MockClock, place: Place, monkeypatch: pytest.MonkeyPatch, as_json: bool
) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputFailed):
        await examine(attrs.evolve(place.options, json=as_json))


def test_it_runs_as_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    async def done(options: object) -> int:
        return 1

    monkeypatch.setattr("trio_binance_uds.cli.run.examine", done)
    assert main(["doctor"]) == 1
