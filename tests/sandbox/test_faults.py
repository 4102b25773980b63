"""The faults on purpose: each does what it says, to whom it says, when it says."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from support.raw_client import Gone, RawClient, Rejected, dial, signed, subscribe
from trio_binance_uds.sandbox import How, Sandbox, SandboxAccount, open_sandbox

ORDER = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.001",
    "price": "20000",
}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True) as sandbox:
        yield sandbox


@pytest.fixture
def account(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(balances={"USDT": "10000"})


@pytest.fixture
async def client(sandbox: Sandbox, account: SandboxAccount) -> RawClient:
    client = await RawClient.connect(sandbox)
    await subscribe(client, sandbox, account)
    return client


@pytest.fixture
async def other(sandbox: Sandbox, account: SandboxAccount, client: RawClient) -> RawClient:
    other = await RawClient.connect(sandbox)
    await subscribe(other, sandbox, account)
    return other


def bump(sandbox: Sandbox, account: SandboxAccount) -> int:
    """Cause events, and return how many."""
    before = len(sandbox.exchange.journal)
    sandbox.exchange.deposit(account.exchange_account, "BTC", "1")
    return len(sandbox.exchange.journal) - before


# Lines


@pytest.mark.parametrize("how", [*How, "reset"])
async def test_a_cut_ends_the_connection_without_a_close_frame(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient, other: RawClient, how: How | str
) -> None:
    sandbox.faults.cut(sandbox.connections[0], how=how)
    assert [connection.id for connection in sandbox.connections] == [2]
    assert (await client.wait_gone()).code is None
    assert (await other.call("ping"))["status"] == 200


async def test_a_fault_can_name_the_connection_by_its_id(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient, other: RawClient
) -> None:
    sandbox.faults.close(2, code=1001, reason="by id")
    assert (await other.wait_gone()).reason == "by id"
    assert (await client.call("ping"))["status"] == 200


async def test_a_fault_can_be_scheduled(autojump_clock: MockClock, sandbox: Sandbox, client: RawClient) -> None:
    start = trio.current_time()
    sandbox.faults.cut(after=33)
    await client.wait_gone()
    assert trio.current_time() - start == pytest.approx(33)


async def test_a_half_open_connection_is_silent_and_stays(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.half_open()
    bump(sandbox, account)
    await client.ask("ping")
    client.protocol.send_ping(b"?")
    await client.flush()
    with trio.move_on_after(3 * 3600) as nothing:
        await client.stream.receive_some()
    assert nothing.cancelled_caught
    assert len(sandbox.connections) == 1


async def test_a_half_open_connection_does_not_answer_a_close_but_notices_the_end(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    sandbox.faults.half_open()
    client.protocol.send_close(1000)
    await client.flush()
    with trio.move_on_after(100) as nothing:
        await client.stream.receive_some()
    assert nothing.cancelled_caught
    await client.stream.aclose()
    await wait_all_tasks_blocked()
    assert sandbox.connections == ()


async def test_a_healed_line_goes_on(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.half_open()
    await client.ask("ping")
    bump(sandbox, account)
    await wait_all_tasks_blocked()
    sandbox.faults.heal(1)
    assert (await client.call("time"))["result"]
    assert not client.events


async def test_a_torn_frame_is_half_a_frame(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.tear_frame()
    bump(sandbox, account)
    data = b""
    while part := await client.stream.receive_some():
        data += part
    assert b"subscriptionId" in data
    client.protocol.receive_data(data)
    assert client.protocol.events_received() == []
    assert sandbox.connections == ()


async def test_delayed_frames_keep_their_order(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.delay(3)
    start = trio.current_time()
    await client.ask("ping")
    for _ in range(3):
        bump(sandbox, account)
    await client.ask("time")
    await wait_all_tasks_blocked()
    # What is sent after the delay has gone does not overtake what is still waiting.
    sandbox.faults.delay(0)
    await client.ask("session.status")
    assert [(await client.answer())["id"] for _ in range(3)] == [2, 3, 4]
    assert trio.current_time() - start == pytest.approx(3)


async def test_a_delay_for_all_is_for_those_to_come_too(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    sandbox.faults.delay(2)
    start = trio.current_time()
    await RawClient.connect(sandbox)
    assert trio.current_time() - start == pytest.approx(2)
    sandbox.faults.delay(9, client_id := sandbox.connections[0].id)
    await RawClient.connect(sandbox)
    assert trio.current_time() - start == pytest.approx(4)
    assert client_id == 1


async def test_dropped_messages_are_never_seen(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    many = bump(sandbox, account)
    for _ in range(many):
        await client.event()
    sandbox.faults.drop(2)
    await client.ask("ping")
    await client.ask("ping")
    assert (await client.call("ping"))["id"] == 4
    assert [json.loads(message)["id"] for message in sandbox.faults.never_sent] == [2, 3]


async def test_duplicated_events_come_twice(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.duplicate(1)
    many = bump(sandbox, account)
    events = [await client.event() for _ in range(many + 1)]
    assert events[0] == events[1]
    assert events[1] != events[2]


async def test_events_can_come_before_the_answer(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.events_first()
    client.order.clear()
    await client.ask("order.place", signed(sandbox, account, **ORDER))
    await client.answer()
    assert client.order == ["event", "event", "answer"]
    sandbox.faults.events_first(False)
    client.events.clear()
    client.order.clear()
    await client.ask("order.place", signed(sandbox, account, **ORDER))
    await client.event()
    assert client.order == ["answer", "event"]


async def test_the_server_can_stop_answering_pings(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    sandbox.faults.stop_pongs()
    for one in (client, await RawClient.connect(sandbox)):
        one.protocol.send_ping(b"?")
        assert (await one.call("ping"))["status"] == 200
        assert one.pongs == []


async def test_the_server_can_stop_pinging(autojump_clock: MockClock, sandbox: Sandbox, client: RawClient) -> None:
    sandbox.faults.stop_pings()
    with trio.move_on_after(3600):
        await client.stream.receive_some()
    assert client.pings == []
    assert len(sandbox.connections) == 1


# What nobody asked for


@pytest.mark.parametrize("data", ["not json", '{"id":null,"status":500}', b"\x00\x01", ""])
async def test_any_frame_can_be_sent(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient, data: str | bytes
) -> None:
    sandbox.faults.send_raw(data)
    assert await client.frame() == data


async def test_an_event_of_any_type_can_be_sent(autojump_clock: MockClock, sandbox: Sandbox, client: RawClient) -> None:
    await subscribe(client, sandbox, sandbox.add_account())
    sandbox.faults.send_event({"e": "neverHeardOf", "E": 5})
    assert [await client.event() for _ in range(2)] == [
        {"subscriptionId": id, "event": {"e": "neverHeardOf", "E": 5}} for id in (0, 1)
    ]


async def test_a_shutdown_is_announced_without_a_subscription_id(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient, other: RawClient
) -> None:
    start = trio.current_time()
    sandbox.faults.server_shutdown(1, grace=30)
    event = await client.event()
    assert event == {"event": {"e": "serverShutdown", "E": sandbox.clock.now_ms()}}
    assert (await client.call("ping"))["status"] == 200
    assert (await client.wait_gone()).code == 1001
    assert trio.current_time() - start == pytest.approx(30)
    assert [connection.id for connection in sandbox.connections] == [2]


async def test_a_vanished_subscription_is_silent_and_not_listed(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    await subscribe(client, sandbox, sandbox.add_account())
    sandbox.faults.vanish_subscription(subscription_id=0)
    bump(sandbox, account)
    assert (await client.call("session.subscriptions"))["result"] == [{"subscriptionId": 1}]
    assert not client.events
    sandbox.faults.vanish_subscription()
    assert (await client.call("session.subscriptions"))["result"] == []


async def test_a_terminated_subscription_says_so(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    sandbox.faults.terminate_subscription(subscription_id=7)
    sandbox.faults.terminate_subscription()
    event = await client.event()
    assert (event["subscriptionId"], event["event"]["e"]) == (0, "eventStreamTerminated")
    assert (await client.call("session.subscriptions"))["result"] == []


async def test_a_revocation_can_be_scheduled(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.revoke(account.key, after=10)
    assert not account.key.revoked
    await trio.sleep(11)
    assert account.key.revoked
    assert (await client.call("session.subscriptions"))["result"] == []


async def test_an_event_does_not_follow_the_end_of_its_subscription(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    # Whoever watches the exchange may end the subscription in the middle of a delivery, behind or ahead of it.
    unwatch = sandbox.exchange.watch(account.exchange_account, lambda event: sandbox.faults.terminate_subscription())
    assert bump(sandbox, account) == 2
    unwatch()
    assert (await client.event())["event"]["e"] != "eventStreamTerminated"
    assert (await client.event())["event"]["e"] == "eventStreamTerminated"
    await client.call("ping")
    assert not client.events
    unwatch = sandbox.exchange.watch(account.exchange_account, lambda event: sandbox.faults.vanish_subscription())
    assert await subscribe(client, sandbox, account) == 1
    bump(sandbox, account)
    unwatch()
    await client.call("ping")
    assert not client.events


# Requests


async def test_a_scripted_error_answers_the_next_request_only(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    sandbox.faults.fail_next("ping", status=503, code=-1008, msg="Server busy.", data={"serverTime": 5})
    assert (await client.call("time"))["status"] == 200
    answer = await client.call("ping")
    assert (answer["status"], answer["error"]) == (
        503,
        {"code": -1008, "msg": "Server busy.", "data": {"serverTime": 5}},
    )
    assert (await client.call("ping"))["status"] == 200


@pytest.mark.parametrize(("executed", "orders"), [(True, 1), (False, 0)])
async def test_a_request_can_fail_after_or_before_it_was_executed(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient, executed: bool, orders: int
) -> None:
    sandbox.faults.fail_next("order.place", status=504, code=-1007, executed=executed)
    answer = await client.call("order.place", signed(sandbox, account, **ORDER))
    assert (answer["status"], answer["error"]["code"]) == (504, -1007)
    assert len(account.call("openOrders.status")) == orders


async def test_an_answer_can_be_lost(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.lose_answer("order.place", times=2)
    for _ in range(2):
        await client.ask("order.place", signed(sandbox, account, **ORDER))
    assert (await client.call("ping"))["id"] == 4
    assert len(account.call("openOrders.status")) == 2
    assert (await client.call("order.place", signed(sandbox, account, **ORDER)))["status"] == 200


async def test_answers_can_be_out_of_order(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient
) -> None:
    sandbox.faults.delay_answer(5, "order.place")
    start = trio.current_time()
    await client.ask("order.place", signed(sandbox, account, **ORDER))
    await client.ask("ping")
    assert (await client.event())["event"]["e"] == "executionReport"
    assert (await client.answer())["id"] == 3
    assert trio.current_time() == start
    assert (await client.answer())["id"] == 2
    assert trio.current_time() - start == pytest.approx(5)


async def test_a_script_can_be_for_one_connection(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient, other: RawClient
) -> None:
    sandbox.faults.fail_next(connection=2)
    assert (await client.call("ping"))["status"] == 200
    assert (await other.call("ping"))["status"] == 503


async def test_healing_all_forgets_scripts_and_the_door(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    sandbox.faults.fail_next()
    sandbox.faults.refuse_connections(status=503)
    sandbox.faults.delay(5)
    sandbox.faults.heal()
    assert (await client.call("ping"))["status"] == 200
    start = trio.current_time()
    await RawClient.connect(sandbox)
    assert trio.current_time() == start


# The door, and everybody


@pytest.mark.parametrize(("status", "retry_after"), [(403, None), (418, 120), (429, 7), (503, None)])
async def test_upgrades_can_be_refused_with_a_status(
    autojump_clock: MockClock, sandbox: Sandbox, status: int, retry_after: int | None
) -> None:
    sandbox.faults.refuse_connections(status=status, retry_after=retry_after, code=-1003, msg="no", count=2)
    for _ in range(2):
        with pytest.raises(Rejected) as caught:
            await RawClient.connect(sandbox)
        assert caught.value.status == status
        assert caught.value.headers.get("Retry-After") == (None if retry_after is None else str(retry_after))
        assert json.loads(caught.value.body) == {"code": -1003, "msg": "no"}
    await RawClient.connect(sandbox)


async def test_connections_can_be_hung_up_on_for_a_time(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    sandbox.faults.refuse_connections(seconds=10)
    for _ in range(3):
        with pytest.raises(Gone):
            await RawClient.connect(sandbox)
    await trio.sleep(10)
    await RawClient.connect(sandbox)


async def test_in_memory_nothing_else_listens(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    assert sandbox.network.open_stream is not None
    with pytest.raises(ConnectionRefusedError):
        await sandbox.network.open_stream("127.0.0.1", 1)
    await (await dial(sandbox)).aclose()


async def test_a_ban_closes_with_the_next_request_and_refuses_upgrades(
    autojump_clock: MockClock, sandbox: Sandbox, client: RawClient
) -> None:
    sandbox.faults.ban(60)
    answer = await client.call("ping")
    assert (answer["status"], answer["error"]["code"]) == (418, -1003)
    data = answer["error"]["data"]
    assert data["retryAfter"] - data["serverTime"] == 60_000
    assert (await client.wait_gone()).code == 1008
    with pytest.raises(Rejected) as caught:
        await RawClient.connect(sandbox)
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (418, "60")
    await trio.sleep(60)
    await RawClient.connect(sandbox)


async def test_the_same_event_goes_to_both_connections_of_a_rollover(
    autojump_clock: MockClock, sandbox: Sandbox, account: SandboxAccount, client: RawClient, other: RawClient
) -> None:
    many = bump(sandbox, account)
    for _ in range(many):
        assert await client.event() == await other.event()


async def _storm(seed: int) -> list[float]:
    """Return when a client that always comes back was cut off."""
    moments: list[float] = []
    async with open_sandbox(in_memory=True, seed=seed) as sandbox, trio.open_nursery() as nursery:

        async def keep_connecting() -> None:
            while True:
                await (await RawClient.connect(sandbox)).wait_gone()
                moments.append(trio.current_time() - start)

        start = trio.current_time()
        nursery.start_soon(keep_connecting)
        await sandbox.faults.storm(300, mean=10, kinds=("cut", "close"))
        assert trio.current_time() - start == pytest.approx(300)
        nursery.cancel_scope.cancel()
    return moments


async def test_a_storm_is_the_same_for_the_same_seed(autojump_clock: MockClock) -> None:
    first, again, another = [await _storm(seed) for seed in (1, 1, 2)]
    assert len(first) > 10
    assert again == pytest.approx(first)
    assert another[:10] != pytest.approx(first[:10])


async def test_a_storm_without_connections_passes(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    await sandbox.faults.storm(100)
