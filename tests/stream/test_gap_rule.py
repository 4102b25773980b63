"""The rule of "React to a Gap", played: whatever kind of gap, the bot's open orders are the venue's in the end."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.lowlevel
import trio.testing

import trio_binance_uds as uds
from support import product_payloads as payloads
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "react-to-a-gap.md"
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "20000"}


def the_page() -> dict[str, Any]:
    """Return what the page defines."""
    namespace: dict[str, Any] = {}
    code = PAGE.read_text("utf-8").split("```python\n")[1].partition("```")[0]
    exec(compile(code, str(PAGE), "exec"), namespace)
    return namespace


@attrs.define
class Stage:
    sandbox: Sandbox
    account: SandboxAccount
    other: SandboxAccount
    stream: uds.UserDataStream
    bot: Any
    gaps: list[uds.Gap] = attrs.field(factory=list)
    reads: trio.Event = attrs.field(factory=trio.Event)
    _orders: dict[str, Any] = attrs.field(factory=dict)

    async def follow(self) -> None:
        async for item in self.stream:
            await self.reads.wait()
            if isinstance(item, uds.Gap):
                self.gaps.append(item)
            await self.bot.take(self.stream, item)

    def place(self, name: str, **more: Any) -> None:
        self._orders[name] = self.account.call("order.place", {**LIMIT, "newClientOrderId": name, **more})

    def cancel(self, name: str) -> None:
        self.account.call("order.cancel", symbol="BTCUSDT", orderId=self._orders[name]["orderId"])

    def fill(self, quantity: str) -> None:
        self.other.call("order.place", symbol="BTCUSDT", side="SELL", type="MARKET", quantity=quantity)

    def happen(self) -> None:
        """Let everything happen that a phantom can come of."""
        self.cancel("seen")
        self.fill("0.4")  # of what was partly filled before
        self.place("born", price="18000")
        self.place("gone", price="17000")
        self.cancel("gone")

    def venue(self) -> dict[tuple[str, int], Decimal]:
        orders = self.account.call("openOrders.status")
        return {(order["symbol"], order["orderId"]): Decimal(order["executedQty"]) for order in orders}


@asynccontextmanager
async def staged(**options: Any) -> AsyncIterator[Stage]:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "10000000"})
        other = sandbox.add_account(balances={"BTC": "1000"})
        async with uds.open_user_data_stream(
            account.credentials,
            uds.SPOT,
            environment=sandbox.environment,
            network=sandbox.network,
            seed=1,
            **options,
        ) as stream:
            stage = Stage(sandbox, account, other, stream, the_page()["OpenOrders"]())
            stage.reads.set()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(stage.follow)
                await trio.sleep(2)
                stage.place("seen", price="19000")
                stage.place("partly", price="20000")
                stage.fill("0.1")
                await trio.sleep(2)
                assert stage.bot.filled == stage.venue()
                yield stage
                await trio.sleep(200)
                assert stage.bot.filled == stage.venue()
                nursery.cancel_scope.cancel()


def _unanswered(stage: Stage) -> None:
    """Leave the recovery without the ends of orders, and with what it knows of their beginnings."""
    for method in ("allOrders", "order.status", "myTrades"):
        for _ in range(20):
            stage.sandbox.faults.fail_next(method, status=400, code=-1100, msg="not now")


NO_RECOVERY = uds.Recovery(enabled=False)


@pytest.mark.parametrize("hinder", [None, _unanswered], ids=["healed", "hindered"])
@pytest.mark.parametrize("recovery", [uds.Recovery(), NO_RECOVERY], ids=["recovery", "none"])
@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("cut", uds.GapCause.LINK_LOST),
        ("vanish_subscription", uds.GapCause.SUBSCRIPTION_LOST),
        ("half_open", uds.GapCause.LINK_LOST),
    ],
)
async def test_after_a_loss_the_open_orders_are_the_venues(
    autojump_clock: trio.testing.MockClock,
    fault: str,
    cause: uds.GapCause,
    recovery: uds.Recovery,
    hinder: Callable[[Stage], None] | None,
) -> None:
    async with staged(recovery=recovery) as stage:
        getattr(stage.sandbox.faults, fault)()
        stage.happen()
        if hinder is not None:
            hinder(stage)
        await trio.sleep(120)
        stage.fill("0.1")
    assert stage.gaps[0].cause is cause
    assert stage.gaps[0].complete == (recovery.enabled and hinder is None)


@pytest.mark.parametrize("recovery", [uds.Recovery(), NO_RECOVERY], ids=["recovery", "none"])
async def test_after_a_handover_that_proves_nothing_the_open_orders_are_the_venues(
    autojump_clock: trio.testing.MockClock, recovery: uds.Recovery
) -> None:
    async with staged(recovery=recovery, rollover=uds.Rollover(lifetime=100, lead=50, jitter=0)) as stage:
        await trio.sleep(44)
        stage.sandbox.faults.half_open()
        stage.happen()
        await trio.sleep(20)
        stage.fill("0.1")
    assert stage.gaps[0].cause is uds.GapCause.HANDOVER_UNPROVEN


@pytest.mark.parametrize("hinder", [None, _unanswered], ids=["healed", "hindered"])
@pytest.mark.parametrize("recovery", [uds.Recovery(), NO_RECOVERY], ids=["recovery", "none"])
async def test_after_a_nap_of_the_consumer_the_open_orders_are_the_venues(
    autojump_clock: trio.testing.MockClock, recovery: uds.Recovery, hinder: Callable[[Stage], None] | None
) -> None:
    async with staged(recovery=recovery, max_buffer=5) as stage:
        stage.reads = trio.Event()
        stage.happen()
        for number in range(10):
            stage.place(f"more-{number}", price=f"{1000 + number}")
        if hinder is not None:
            hinder(stage)
        await trio.sleep(10)
        stage.reads.set()
        await trio.sleep(100)
        stage.cancel("more-3")
    assert stage.gaps[0].cause is uds.GapCause.CONSUMER_TOO_SLOW


async def test_a_report_that_never_came_leaves_the_open_orders_the_venues(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staged() as stage:
        stage.sandbox.faults.drop(1)
        stage.fill("0.1")
        await trio.sleep(1)
        stage.fill("0.1")
        await trio.sleep(60)
        stage.happen()
    assert stage.gaps[0].cause is uds.GapCause.REPORT_MISSING


async def test_after_an_event_that_cannot_be_read_the_open_orders_are_the_venues(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staged() as stage:
        stage.sandbox.faults.send_event({"e": "executionReport", "E": 1_700_000_000_000, "s": 7})
        stage.happen()
        await trio.sleep(60)
        stage.fill("0.1")
    assert stage.gaps[0].cause is uds.GapCause.EVENT_UNREADABLE


async def test_a_second_loss_while_what_was_recovered_is_read_and_before_the_query(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with staged(recovery=uds.Recovery(max_weight=1)) as stage:
        for number in range(3):
            stage.reads = trio.Event()
            stage.sandbox.faults.cut()
            await trio.sleep(20)
            stage.place(f"order-{number}", price=f"{2000 + number}")
            stage.sandbox.faults.cut()
            stage.reads.set()
            await trio.lowlevel.checkpoint()
            stage.cancel(f"order-{number}")
            await trio.sleep(60)
    assert len(stage.gaps) >= 6


async def test_what_recovery_brings_after_the_query_would_leave_a_phantom(
    autojump_clock: trio.testing.MockClock,
) -> None:
    """The rule that the page had before: query on reading the gap."""
    page = the_page()
    bot, stream = page["OpenOrders"](), FakeVenue()
    at = stream.report("NEW", 1).transaction_time
    gap = uds.Gap(cause=uds.GapCause.LINK_LOST, since=at, until=at, recovered=1, complete=False)
    await bot.take(stream, gap)
    assert stream.asked == 0, "the recovered events come first"
    await bot.take(stream, stream.report("NEW", 1, recovered=True))
    assert stream.asked == 1
    assert bot.filled == {}, "the venue says that the order is not open"
    await bot.take(stream, stream.report("NEW", 2))
    await bot.take(stream, stream.report("CANCELED", 2, later=5))
    await bot.take(stream, stream.report("NEW", 2, recovered=True))
    assert bot.filled == {}, "an end is never undone by something older"


class FakeVenue:
    """A stream that is asked for open orders, of which there are none."""

    def __init__(self) -> None:
        self.asked = 0

    async def request(self, method: str) -> list[Any]:
        self.asked += 1
        return []

    def report(self, status: str, order_id: int, *, later: int = 0, recovered: bool = False) -> uds.ExecutionReport:
        changes = {"X": status, "i": order_id, "T": 1_700_000_000_000 + later}
        event = uds.decode_frame(json.dumps({**payloads.MARGIN["executionReport"], **changes}), uds.SPOT)
        assert isinstance(event, uds.ExecutionReport)
        return attrs.evolve(event, recovered=recovered)
