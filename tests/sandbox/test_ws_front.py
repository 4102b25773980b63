"""The WebSocket front: the upgrade, the pings, the ends of a connection."""

from __future__ import annotations

import json
import socket
from collections.abc import AsyncIterator

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked
from websockets.frames import Frame

from support.raw_client import RawClient, Rejected, dial, subscribe
from trio_binance_uds.sandbox import Limits, Sandbox, open_sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(in_memory=True) as sandbox:
        yield sandbox


# The upgrade


async def test_the_upgrade_costs_two_weight_and_says_how_much_is_used(
    autojump_clock: MockClock,
    sandbox: Sandbox,
) -> None:
    for used in ("2", "4"):
        client = await RawClient.connect(sandbox)
        assert client.handshake is not None
        assert client.handshake.headers["x-mbx-used-weight"] == used
        assert client.handshake.headers["x-mbx-used-weight-1m"] == used


@pytest.mark.parametrize(
    "query",
    [
        "?returnRateLimits=true",
        "?returnRateLimits=false",
        "?timeUnit=MILLISECOND",
        "?timeUnit=millisecond",
        "?timeUnit=microsecond",
        "?responseFormat=json",
        "?somethingElse=7",
    ],
)
async def test_good_url_parameters_are_accepted(autojump_clock: MockClock, sandbox: Sandbox, query: str) -> None:
    client = await RawClient.connect(sandbox, query)
    assert (await client.call("ping"))["status"] == 200


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?returnRateLimits=yes", -1130),
        ("?timeUnit=SECOND", -1194),
        ("?timeUnit=", -1194),
        ("?responseFormat=xml", -1130),
        ("?responseFormat=json&responseFormat=sbe", -1101),
        ("?responseFormat=sbe", -1152),
        ("?responseFormat=sbe&sbeSchemaId=3&sbeSchemaVersion=x", -1152),
        ("?responseFormat=sbe&sbeSchemaId=3&sbeSchemaVersion=5", -1155),
    ],
)
async def test_bad_url_parameters_are_answered_with_400_and_json(
    autojump_clock: MockClock, sandbox: Sandbox, query: str, code: int
) -> None:
    with pytest.raises(Rejected) as caught:
        await RawClient.connect(sandbox, query)
    assert caught.value.status == 400
    assert caught.value.headers["Content-Type"] == "application/json;charset=UTF-8"
    assert json.loads(caught.value.body)["code"] == code


@pytest.mark.parametrize("path", ["/", "/ws-api", "/ws-api/v3/", "/ws/listenKey"])
async def test_other_paths_are_not_found(autojump_clock: MockClock, sandbox: Sandbox, path: str) -> None:
    with pytest.raises(Rejected) as caught:
        await RawClient.connect(sandbox, path=path)
    assert caught.value.status == 404


async def test_a_plain_get_is_told_to_upgrade(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    stream = await dial(sandbox)
    await stream.send_all(b"GET /ws-api/v3 HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b"".join([bytes(part) async for part in stream])
    assert answer.startswith(b"HTTP/1.1 426 ")


async def test_what_is_no_http_is_hung_up_on(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    stream = await dial(sandbox)
    await stream.send_all(b"\x16\x03\x01 hello\r\n\r\n")
    assert await stream.receive_some() == b""


async def test_a_client_that_hangs_up_before_its_request_disturbs_nobody(
    autojump_clock: MockClock,
    sandbox: Sandbox,
) -> None:
    stream = await dial(sandbox)
    await stream.send_all(b"GET /ws-api/v3 HTTP/1.1\r\n")
    await stream.aclose()
    await wait_all_tasks_blocked()
    assert (await (await RawClient.connect(sandbox)).call("ping"))["status"] == 200


async def test_a_request_that_does_not_come_is_not_waited_for(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    stream = await dial(sandbox)
    start = trio.current_time()
    assert await stream.receive_some() == b""
    assert trio.current_time() - start == pytest.approx(12)


async def test_a_refused_client_that_stays_is_hung_up_on(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    stream = await dial(sandbox)
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    await wait_all_tasks_blocked()
    await stream.send_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    answer = b"".join([bytes(part) async for part in stream])
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.endswith(b'{"code":-1000,"msg":"Not found."}')


async def test_frames_right_behind_the_request_are_served(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    stream = await dial(sandbox)
    request = (
        b"GET /ws-api/v3 HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    text = b'{"id":7,"method":"ping"}'
    await stream.send_all(request + b"\x81" + bytes([0x80 | len(text)]) + b"\0\0\0\0" + text)
    seen = b""
    while b'"id":7' not in seen:
        seen += await stream.receive_some()
    assert seen.startswith(b"HTTP/1.1 101 ")


async def test_connections_are_limited_per_five_minutes(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True, limits=Limits(connections=3)) as sandbox:
        for _ in range(3):
            await RawClient.connect(sandbox)
        with pytest.raises(Rejected) as caught:
            await RawClient.connect(sandbox)
        assert caught.value.status == 429
        wait = int(caught.value.headers["Retry-After"])
        assert 0 < wait <= 300
        await trio.sleep(wait)
        await RawClient.connect(sandbox)


# Messages


async def test_a_message_in_fragments_is_one_message(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    client.protocol.send_text(b'{"id":1,', fin=False)
    client.protocol.send_ping(b"between")
    client.protocol.send_continuation(b'"method":', fin=False)
    client.protocol.send_continuation(b'"ping"}', fin=True)
    await client.flush()
    assert (await client.answer())["id"] == 1
    assert client.pongs == [b"between"]


async def test_text_that_is_not_utf8_closes_with_1007(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    client.protocol.send_text(b"\xff")
    await client.flush()
    assert (await client.wait_gone()).code == 1007


async def test_a_broken_frame_closes_with_1002(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    await client.stream.send_all(b"\xf7\x80\0\0\0\0")
    assert (await client.wait_gone()).code == 1002


async def test_a_close_is_answered(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    client.protocol.send_close(1000, "bye")
    await client.flush()
    assert (await client.wait_gone()).code == 1000
    await wait_all_tasks_blocked()
    assert sandbox.connections == ()


async def test_a_client_that_vanishes_is_forgotten(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    account = sandbox.add_account()
    await subscribe(client, sandbox, account)
    await trio.aclose_forcefully(client.stream)
    await wait_all_tasks_blocked()
    assert sandbox.connections == ()
    sandbox.exchange.deposit(account.exchange_account, "BTC", "1")


# Pings and lifetimes


async def test_the_server_pings_every_20_seconds_with_a_payload(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    start = trio.current_time()
    with trio.move_on_after(2 * 3600 - 1):
        await client.frame()
    assert trio.current_time() - start == pytest.approx(2 * 3600 - 1)
    assert len(client.pings) == (2 * 3600 - 1) // 20
    assert all(client.pings)
    assert len(set(client.pings)) == len(client.pings)
    assert len(sandbox.connections) == 1


async def test_without_a_pong_for_60_seconds_the_connection_is_closed(
    autojump_clock: MockClock, sandbox: Sandbox
) -> None:
    client = await RawClient.connect(sandbox)
    client.answers_pings = False
    start = trio.current_time()
    gone = await client.wait_gone()
    assert (gone.code, gone.reason) == (1008, "Pong timeout")
    # The first ping comes after 20 s, and its pong may take 60.
    assert trio.current_time() - start == pytest.approx(80)


@pytest.mark.parametrize("payload", [b"", b"17"])
async def test_an_unsolicited_pong_does_not_count(autojump_clock: MockClock, sandbox: Sandbox, payload: bytes) -> None:
    client = await RawClient.connect(sandbox)
    client.answers_pings = False
    start = trio.current_time()

    async def pong() -> None:
        while True:
            await trio.sleep(5)
            client.protocol.send_pong(payload)
            data = b"".join(client.protocol.data_to_send())
            await client.stream.send_all(data)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(pong)
        gone = await client.wait_gone()
        nursery.cancel_scope.cancel()
    assert gone.code == 1008
    assert trio.current_time() - start == pytest.approx(80)


async def test_a_late_pong_answers_the_pings_before_it_too(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    client.answers_pings = False
    with trio.move_on_after(70):
        await client.frame()
    client.protocol.send_pong(client.pings[-1])
    await client.stream.send_all(b"".join(client.protocol.data_to_send()))
    with trio.move_on_after(60):
        await client.frame()
    assert len(sandbox.connections) == 1
    assert (await client.wait_gone()).code == 1008


async def test_a_client_ping_is_answered(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    client.protocol.send_ping(b"are you there")
    await client.call("ping")
    assert client.pongs == [b"are you there"]


async def test_a_pong_comes_behind_the_answers_to_what_came_before_its_ping(
    autojump_clock: MockClock, sandbox: Sandbox
) -> None:
    client = await RawClient.connect(sandbox)
    for _ in range(3):
        client.protocol.send_text(b'{"id":1,"method":"ping"}')
    client.protocol.send_ping(b"barrier")
    client.protocol.send_text(b'{"id":2,"method":"ping"}')
    client.protocol.send_ping(b"")
    client.protocol.send_close(1000)
    await client.stream.send_all(b"".join(client.protocol.data_to_send()[:-1]))
    await wait_all_tasks_blocked()
    received = bytes(await client.stream.receive_some())
    client.protocol.receive_data(received)
    kinds = [frame.opcode.name for frame in client.protocol.events_received() if isinstance(frame, Frame)]
    assert kinds == ["TEXT", "TEXT", "TEXT", "PONG", "TEXT", "PONG"]


async def test_what_comes_with_a_close_is_not_answered_any_more(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    client.protocol.send_text(b'{"id":1,"method":"ping"}')
    client.protocol.send_ping(b"?")
    client.protocol.send_close(1000)
    await client.stream.send_all(b"".join(client.protocol.data_to_send()))
    assert (await client.wait_gone()).code == 1000
    assert not client.answers
    assert not client.pongs


async def test_a_connection_lives_24_hours(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    client = await RawClient.connect(sandbox)
    start = trio.current_time()
    assert (await client.wait_gone()).code is not None
    assert trio.current_time() - start == pytest.approx(24 * 3600)


async def test_lifetime_and_pings_can_be_scaled(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True, lifetime=10, ping_interval=1, pong_timeout=2) as sandbox:
        client = await RawClient.connect(sandbox)
        start = trio.current_time()
        await client.wait_gone()
        assert trio.current_time() - start == pytest.approx(10)
        assert len(client.pings) in (9, 10)
        client = await RawClient.connect(sandbox)
        client.answers_pings = False
        start = trio.current_time()
        await client.wait_gone()
        assert trio.current_time() - start == pytest.approx(3)


async def test_pings_rarer_than_the_patience_do_not_end_a_connection_that_answers(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True, ping_interval=100, pong_timeout=10) as sandbox:
        client = await RawClient.connect(sandbox)
        with trio.move_on_after(1000):
            await client.frame()
        assert len(sandbox.connections) == 1


async def test_a_close_that_the_client_does_not_answer_ends_all_the_same(
    autojump_clock: MockClock, sandbox: Sandbox
) -> None:
    client = await RawClient.connect(sandbox)
    connection = sandbox.connections[0]
    connection.close(1008, "disconnected")
    connection.close(1008, "twice is once")
    await trio.sleep(2)
    await wait_all_tasks_blocked()
    assert sandbox.connections == ()
    assert (await client.wait_gone()).reason == "disconnected"


# Slow clients


async def test_a_client_that_does_not_read_delays_nobody_and_is_cut_at_the_bound() -> None:
    async with open_sandbox(limits=Limits(outgoing=50_000)) as sandbox:
        account = sandbox.add_account()
        reader = await RawClient.connect(sandbox)
        await subscribe(reader, sandbox, account)
        slow = await RawClient.connect(sandbox)
        await subscribe(slow, sandbox, account)
        assert isinstance(slow.stream, trio.SocketStream)
        slow.stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with trio.fail_after(30):
            while len(sandbox.connections) == 2:
                since = len(sandbox.exchange.journal)
                for _ in range(50):
                    sandbox.exchange.deposit(account.exchange_account, "BTC", "1")
                for _ in range(len(sandbox.exchange.journal) - since):
                    await reader.event()
        assert [connection.id for connection in sandbox.connections] == [1]
        await trio.aclose_forcefully(slow.stream)
        await trio.aclose_forcefully(reader.stream)


async def test_queued_frames_leave_in_one_write(autojump_clock: MockClock, sandbox: Sandbox) -> None:
    account = sandbox.add_account()
    client = await RawClient.connect(sandbox)
    await subscribe(client, sandbox, account)
    for _ in range(500):
        sandbox.exchange.deposit(account.exchange_account, "BTC", "1")
    await wait_all_tasks_blocked()
    received = await client.stream.receive_some(10_000_000)
    client.protocol.receive_data(bytes(received))
    assert len(client.protocol.events_received()) == 1000
