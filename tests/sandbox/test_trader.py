"""The scripted trader: bounded, deterministic, and busy with everything an order can go through."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import trio
from trio.testing import MockClock

from support.raw_client import RawClient, subscribe
from trio_binance_uds.sandbox import Clock, Sandbox, TraderReport, open_sandbox, run_trader

FUNDS = {"USDT": "100000", "BTC": "10"}
START = datetime(2026, 7, 21, tzinfo=UTC)


async def _trade(seed: int, *, amends: bool = True) -> tuple[TraderReport, list[object]]:
    async with open_sandbox(in_memory=True, clock=Clock(START)) as sandbox:
        account = sandbox.add_account(balances=FUNDS)
        report = await run_trader(sandbox, account, seed=seed, events=500, rate=10, amends=amends)
        return report, list(sandbox.exchange.journal.events(account.exchange_account))


async def test_the_same_seed_does_the_same(autojump_clock: MockClock) -> None:
    first, again, another = [await _trade(seed) for seed in (1, 1, 2)]
    assert first == again
    assert first[1] != another[1]


async def test_it_does_everything_that_happens_to_orders(autojump_clock: MockClock) -> None:
    report, events = await _trade(3)
    assert {"place", "fill", "take", "amend", "cancel"} <= report.actions.keys()
    assert len(events) == report.events >= 500
    executions = {event["x"] for event in events if isinstance(event, dict) and event["e"] == "executionReport"}
    assert {"NEW", "TRADE", "CANCELED", "REPLACED"} <= executions


async def test_it_can_leave_amendments_out(autojump_clock: MockClock) -> None:
    report, _ = await _trade(3, amends=False)
    assert {"place", "fill", "take", "cancel"} <= report.actions.keys()
    assert "amend" not in report.actions


async def test_a_duration_ends_it(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances=FUNDS)
        start = trio.current_time()
        report = await run_trader(sandbox, account, duration=60, rate=2)
        assert trio.current_time() - start == pytest.approx(60)
        assert sum(report.actions.values()) == 120


async def test_an_empty_purse_does_not_make_it_run_for_ever() -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        report = await run_trader(sandbox, sandbox.add_account(), events=10)
    assert report == TraderReport(actions={"refused": 300}, events=0)


async def test_what_it_cannot_pay_for_leaves_nothing_behind(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"BTC": "10"})
        report = await run_trader(sandbox, account, seed=1, events=200)
        assert report.actions["refused"] > 0
        mine = {order["orderId"] for order in account.call("openOrders.status")}
        book = sandbox.exchange.call(None, "depth", {"symbol": "BTCUSDT"})
        assert len(book["bids"]) + len(book["asks"]) <= len(mine)


async def test_it_must_be_told_when_to_stop() -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account()
        with pytest.raises(ValueError, match="when to stop"):
            await run_trader(sandbox, account)
        with pytest.raises(ValueError, match="when to stop"):
            await run_trader(sandbox, account, duration=5)


async def _hear(sandbox: Sandbox, client: RawClient, events: int) -> list[object]:
    return [(await client.event())["event"] for _ in range(events)]


async def test_ten_thousand_events_arrive_in_the_order_of_the_journal() -> None:
    with trio.fail_after(60):
        async with open_sandbox() as sandbox:
            account = sandbox.add_account(balances=FUNDS)
            async with await RawClient.connect(sandbox) as client, trio.open_nursery() as nursery:
                await subscribe(client, sandbox, account)
                report: list[TraderReport] = []

                async def trade() -> None:
                    report.append(await run_trader(sandbox, account, events=10_000))

                nursery.start_soon(trade)
                heard = await _hear(sandbox, client, 10_000)
            assert heard == sandbox.exchange.journal.events(account.exchange_account)[:10_000]
