"""What goes on at a served sandbox where somebody trades: something on every market, as long as it is wanted."""

from __future__ import annotations

from datetime import UTC, datetime

import trio
from trio.testing import MockClock

from trio_binance_uds.cli.business import WALLETS, keep_busy
from trio_binance_uds.sandbox import Clock, Sandbox, SandboxAccount, open_sandbox

# Interest is charged at every full hour: these stories must not pass one by chance.
START = datetime(2031, 3, 1, 12, 10, tzinfo=UTC)


async def live(sandbox: Sandbox, seed: int, *, seconds: float) -> SandboxAccount:
    account = sandbox.add_account(**WALLETS)
    with trio.move_on_after(seconds):
        await keep_busy(sandbox, account, seed)
    return account


def counted(sandbox: Sandbox, account: SandboxAccount) -> dict[str, int]:
    """Return how many events each of the account's products has had."""
    exchange = sandbox.exchange.journal
    owners = {
        "spot": account.exchange_account,
        "cross margin": sandbox.margin.account(account.uid),
        "isolated margin": sandbox.margin.account(account.uid, "BTCUSDT"),
    }
    return {
        **{name: len(exchange.events(owner)) for name, owner in owners.items()},
        **{name: len(desk.journal.events(account.uid)) for name, desk in sandbox.desks.items()},
    }


async def test_every_product_of_the_account_has_something_to_tell(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True, clock=Clock(START)) as sandbox:
        account = await live(sandbox, 1, seconds=100)
        events = counted(sandbox, account)
        # Loans are taken and paid back more seldom, and totals come every five seconds.
        least = {"margin": 10, "portfolio_margin_pro": 15}
        assert {name: count for name, count in events.items() if count < least.get(name, 50)} == {}
        units = {event.get("fs") for event in sandbox.desks["portfolio_margin"].journal.events(account.uid)}
        assert {"UM", "CM"} <= units
        kinds = {event["t"] for event in sandbox.margin.journal.events(account.uid) if "t" in event}
        assert kinds == {"BORROW", "REPAY"}


async def test_the_same_seed_does_the_same(autojump_clock: MockClock) -> None:
    told = []
    for seed in (1, 1, 2):
        async with open_sandbox(in_memory=True, clock=Clock(START)) as sandbox:
            told.append(counted(sandbox, await live(sandbox, seed, seconds=30)))
    assert told[0] == told[1] != told[2]
