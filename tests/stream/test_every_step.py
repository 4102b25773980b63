"""Cancelled at every scheduler step: nothing runs, nothing is open, and what was delivered is a prefix."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
import trio

import trio_binance_uds as uds
from support.steps import cancel_at_every_step
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox

pytestmark = pytest.mark.long


@attrs.define
class Run:
    """What one run of a scenario leaves to be checked."""

    sandbox: Sandbox | None = None
    account: SandboxAccount | None = None
    items: list[Any] = attrs.field(factory=list)

    def check(self) -> None:
        if self.sandbox is None or self.account is None:
            return
        journal = self.sandbox.exchange.journal.events(self.account.exchange_account)
        sent = [(event["i"], event["x"], event["X"]) for event in journal if event["e"] == "executionReport"]
        reports = [item for item in self.items if isinstance(item, uds.ExecutionReport)]
        got = [(report.order_id, report.execution_type, report.order_status) for report in reports]
        assert got == sent[: len(got)], "live or recovered, what was delivered is a prefix of what happened"
        gaps = [item for item in self.items if isinstance(item, uds.Gap)]
        assert all(gap.complete for gap in gaps) or len(gaps) == 1


async def trade(account: SandboxAccount, count: int) -> None:
    for _ in range(count):
        # What happens in one millisecond has no order that a query could tell.
        await trio.sleep(0.01)
        order = account.call(
            "order.place",
            symbol="BTCUSDT",
            side="BUY",
            type="LIMIT",
            timeInForce="GTC",
            quantity="0.001",
            price="20000",
        )
        await trio.sleep(0.01)
        account.call("order.cancel", symbol="BTCUSDT", orderId=order["orderId"])


@pytest.mark.parametrize(
    ("key", "transport"),
    [
        ("ed25519", uds.TransportKind.WEBSOCKETS),
        ("hmac", uds.TransportKind.WEBSOCKETS),
        ("hmac", uds.TransportKind.TRIO_WEBSOCKET),
    ],
)
@pytest.mark.parametrize("story", ["quiet", "lost", "rollover", "requests", "refused"])
def test_nothing_is_left_behind_wherever_it_is_cancelled(key: str, transport: uds.TransportKind, story: str) -> None:
    run = Run()

    async def live(sandbox: Sandbox, stream: uds.UserDataStream, account: SandboxAccount) -> None:
        await trade(account, 1)
        if story == "lost":
            sandbox.faults.cut()
        elif story == "rollover":
            sandbox.faults.server_shutdown(grace=3)
        elif story == "requests":
            async with trio.open_nursery() as nursery:
                for _ in range(3):
                    nursery.start_soon(stream.request, "account.status")
        await trio.sleep(5)
        await trade(account, 1)
        await trio.sleep(1)

    async def read(stream: uds.UserDataStream) -> None:
        async for item in stream:
            run.items.append(item)

    async def scenario() -> None:
        run.items, run.sandbox, run.account = [], None, None
        try:
            async with open_sandbox(in_memory=True) as sandbox:
                account = sandbox.add_account(balances={"USDT": "10000"}, key=key)
                run.sandbox, run.account = sandbox, account
                if story == "refused":
                    sandbox.revoke(account)
                async with (
                    uds.open_user_data_stream(
                        account.credentials,
                        uds.SPOT,
                        environment=sandbox.environment,
                        network=sandbox.network,
                        transport=transport,
                        seed=2,
                    ) as stream,
                    trio.open_nursery() as nursery,
                ):
                    nursery.start_soon(read, stream)
                    await live(sandbox, stream, account)
                    nursery.cancel_scope.cancel()
        except uds.AuthenticationFailed:
            assert story == "refused"
        finally:
            if run.sandbox is not None:
                assert run.sandbox.connections == () or trio.current_effective_deadline() == float("-inf")

    # A rollover has two links' worth of steps.
    runs = cancel_at_every_step(scenario, check=run.check, seeds=range(1 if story == "rollover" else 2))
    assert runs > 100
