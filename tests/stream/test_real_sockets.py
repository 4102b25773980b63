"""Over real sockets on the loopback, plain and TLS: what happens arrives once, in order, typed."""

from __future__ import annotations

import pytest
import trio

import trio_binance_uds as uds
from trio_binance_uds.sandbox import open_sandbox, run_trader
from trio_binance_uds.sandbox.derivatives import DeskTrader, UsdmDesk

pytestmark = pytest.mark.long

EVENTS = 10_000


@pytest.mark.parametrize("transport", list(uds.TransportKind))
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_ten_thousand_events_arrive_once_and_in_order_though_the_consumer_is_slow_for_a_while(
    tls: bool, transport: uds.TransportKind
) -> None:
    got: list[uds.Event] = []
    async with open_sandbox(tls=tls, seed=5) as sandbox:
        account = sandbox.add_account(balances={"USDT": "10000000", "BTC": "1000"})
        async with uds.open_user_data_stream(
            account.credentials,
            uds.SPOT,
            environment=sandbox.environment,
            network=sandbox.network,
            transport=transport,
        ) as stream:
            journal = sandbox.exchange.journal
            begin = len(journal)
            everything_sent = trio.Event()

            async def trade() -> None:
                await run_trader(sandbox, account, seed=5, events=EVENTS)
                everything_sent.set()

            async with trio.open_nursery() as nursery:
                nursery.start_soon(trade)
                while len(got) < EVENTS:
                    item = await stream.receive()
                    assert isinstance(item, uds.KnownEvent)
                    got.append(item)
                    if len(got) == EVENTS // 10:
                        await everything_sent.wait()  # All the rest piles up meanwhile.
            sent = journal.events(account.exchange_account, begin)
            while len(got) < len(sent):
                item = await stream.receive()
                assert isinstance(item, uds.KnownEvent)
                got.append(item)
            assert stream.statistics().events_shed == 0
    assert [event.raw for event in got] == sent


async def test_ten_thousand_events_of_a_listen_key_arrive_so_too() -> None:
    got: list[uds.Event] = []
    async with open_sandbox(seed=7) as sandbox:
        account = sandbox.add_account(usdm={"USDT": "10000000"})
        desk = sandbox.desks["usdm"]
        assert isinstance(desk, UsdmDesk)
        trader = DeskTrader(desk, account.uid, "BTCUSDT", "50000", seed=7)
        async with uds.open_user_data_stream(
            account.credentials, uds.USDM_FUTURES, environment=sandbox.environment, network=sandbox.network
        ) as stream:
            everything_sent = trio.Event()

            async def trade() -> None:
                while len(desk.journal.events(account.uid)) < EVENTS:
                    for _ in range(50):
                        trader.act()
                    await trio.lowlevel.checkpoint()
                everything_sent.set()

            async def receive() -> None:
                item = await stream.receive()
                assert isinstance(item, uds.KnownEvent)
                got.append(item)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(trade)
                while len(got) < EVENTS // 10:
                    await receive()
                await everything_sent.wait()  # All the rest piles up meanwhile.
            sent = desk.journal.events(account.uid)
            while len(got) < len(sent):
                await receive()
            assert stream.statistics().events_shed == 0
    assert [event.raw for event in got] == sent


async def test_a_connection_that_the_server_replaces_every_two_seconds_costs_nothing() -> None:
    got: list[int] = []
    async with open_sandbox(lifetime=2.0, seed=6) as sandbox:
        account = sandbox.add_account(balances={"USDT": "10000000", "BTC": "1000"})
        async with uds.open_user_data_stream(
            account.credentials,
            uds.SPOT,
            environment=sandbox.environment,
            network=sandbox.network,
            rollover=uds.Rollover(lifetime=2.0, lead=0.8, jitter=0.2),
        ) as stream:
            begin = len(sandbox.exchange.journal)

            async def read() -> None:
                async for item in stream:
                    assert not isinstance(item, uds.Notice)
                    if isinstance(item, uds.ExecutionReport):
                        got.append(item.execution_id or 0)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                await run_trader(sandbox, account, seed=6, duration=8, rate=300)
                sent = [
                    event["I"]
                    for event in sandbox.exchange.journal.events(account.exchange_account, begin)
                    if event["e"] == "executionReport"
                ]
                with trio.fail_after(5):
                    while len(got) < len(sent):
                        await trio.lowlevel.checkpoint()
                nursery.cancel_scope.cancel()
            assert stream.statistics().links_opened >= 5
    assert got == sent
