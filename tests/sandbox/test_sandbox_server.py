"""The sandbox as a whole: on real sockets, with TLS, in memory, and how it ends."""

from __future__ import annotations

import logging
import signal
import socket
import ssl
import struct
from urllib.parse import urlsplit

import httpx
import pytest
import trio
from trio.testing import MockClock

from support.raw_client import Gone, RawClient, dial, subscribe
from trio_binance_uds.products import Host
from trio_binance_uds.sandbox import KeyType, open_sandbox
from trio_binance_uds.sandbox.rest_server import MemoryEnd, RestServer

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("tls", [False, True])
async def test_both_fronts_listen_on_loopback(tls: bool) -> None:
    with trio.fail_after(20):
        async with open_sandbox(tls=tls) as sandbox:
            assert sandbox.environment.name == "sandbox"
            assert sandbox.environment.url(Host.SPOT_WS_API).startswith(
                "wss://127.0.0.1:" if tls else "ws://127.0.0.1:"
            )
            assert (b"BEGIN CERTIFICATE" in sandbox.ca_pem) is tls
            account = sandbox.add_account(balances={"USDT": "100"}, key="hmac")
            async with await RawClient.connect(sandbox) as client:
                assert await subscribe(client, sandbox, account) == 0
                sandbox.exchange.deposit(account.exchange_account, "USDT", "1")
                assert (await client.event())["event"]["e"] == "balanceUpdate"
                assert [c.ip for c in sandbox.connections] == ["127.0.0.1"]
            verify = sandbox.network.ssl_context or True
            async with httpx.AsyncClient(base_url=sandbox.environment.url(Host.SPOT_REST), verify=verify) as http:
                answer = await http.get("/api/v3/time")
                assert answer.status_code == 200
                assert abs(answer.json()["serverTime"] - sandbox.clock.now_ms()) < 5000
                # One address, one count, whichever front.
                assert int(answer.headers["x-mbx-used-weight-1m"]) == 5
                assert (await http.post("/api/v3/userDataStream")).status_code == 410


async def test_tls_is_not_trusted_by_everybody() -> None:
    with trio.fail_after(20):
        async with open_sandbox(tls=True) as sandbox:
            url = urlsplit(sandbox.environment.url(Host.SPOT_WS_API))
            assert url.port is not None
            stream = trio.SSLStream(
                await trio.open_tcp_stream("127.0.0.1", url.port),
                ssl.create_default_context(),
                server_hostname="127.0.0.1",
            )
            with pytest.raises(trio.BrokenResourceError):
                await stream.do_handshake()
            await trio.aclose_forcefully(stream)
            # Neither is a client that speaks no TLS at all any trouble.
            plain = await trio.open_tcp_stream("127.0.0.1", url.port)
            await plain.send_all(b"GET / HTTP/1.1\r\n\r\n" * 10)
            await trio.aclose_forcefully(plain)
            async with await RawClient.connect(sandbox) as client:
                assert (await client.call("ping"))["status"] == 200


@pytest.mark.parametrize("tls", [False, True])
async def test_in_memory_needs_no_socket(autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, tls: bool) -> None:
    def no_socket(*args: object, **kwargs: object) -> socket.socket:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(trio.socket, "socket", no_socket)
    async with open_sandbox(in_memory=True, tls=tls) as sandbox:
        account = sandbox.add_account()
        async with await RawClient.connect(sandbox) as client:
            await subscribe(client, sandbox, account)
            assert sandbox.connections[0].accounts == (account.uid,)
            assert sandbox.connections[0].opened_at == sandbox.clock.datetime()
            sandbox.faults.close(code=1001, reason="bye")
            assert (await client.wait_gone()).code == 1001


@pytest.mark.parametrize("tls", [False, True])
async def test_rest_is_there_in_memory_too(autojump_clock: MockClock, tls: bool) -> None:
    async with open_sandbox(in_memory=True, tls=tls) as sandbox:
        stream = await dial(sandbox, Host.SPOT_REST)
        await stream.send_all(b"GET /api/v3/ping HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b""
        while part := await stream.receive_some():
            answer += part
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(b"\r\n\r\n{}")


@pytest.mark.parametrize("how", ["reset", "eof"])
@pytest.mark.parametrize("tls", [False, True])
async def test_a_cut_on_a_socket_is_a_reset_or_an_end_of_file(how: str, tls: bool) -> None:
    with trio.fail_after(20):
        async with open_sandbox(tls=tls) as sandbox, await RawClient.connect(sandbox) as client:
            sandbox.faults.cut(how=how)
            if how == "eof" and not tls:
                assert await client.stream.receive_some() == b""
            else:
                # For TLS an end of file without its goodbye is an error too.
                with pytest.raises(trio.BrokenResourceError):
                    await client.stream.receive_some()


async def test_hanging_up_at_the_door_happens_on_sockets_too() -> None:
    with trio.fail_after(20):
        async with open_sandbox() as sandbox:
            sandbox.faults.refuse_connections(count=1)
            with pytest.raises(Gone):
                await RawClient.connect(sandbox)
            async with await RawClient.connect(sandbox):
                pass


async def test_a_client_that_is_gone_before_it_is_accepted_is_no_trouble() -> None:
    with trio.fail_after(20):
        async with open_sandbox() as sandbox:
            for host in Host:
                url = urlsplit(sandbox.environment.url(host))
                # Without a checkpoint in between: the server has not accepted yet when the reset arrives.
                with socket.create_connection(("127.0.0.1", url.port or 0)) as hasty:
                    hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            async with await RawClient.connect(sandbox) as client:
                assert (await client.call("ping"))["status"] == 200


class _Broken(MemoryEnd):
    """A stream that is closed under its server in the middle of the TLS handshake."""

    async def do_handshake(self) -> None:
        raise trio.ClosedResourceError


async def test_a_stream_that_breaks_ends_its_client_only() -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        server = RestServer(sandbox.rest_app)
        ours, theirs = trio.testing.memory_stream_pair()
        broken = _Broken(theirs)
        await broken.wait_send_all_might_not_block()
        await server.serve(broken)
        assert await ours.receive_some() == b""


# How it ends


@pytest.mark.parametrize("tls", [False, True])
async def test_leaving_the_block_closes_everything_at_once(tls: bool) -> None:
    with trio.fail_after(20):
        async with open_sandbox(tls=tls) as sandbox:
            client = await RawClient.connect(sandbox)
            silent = await RawClient.connect(sandbox)
            half = await dial(sandbox)
            idle = await dial(sandbox, Host.SPOT_REST)
            http = httpx.AsyncClient(
                base_url=sandbox.environment.url(Host.SPOT_REST), verify=sandbox.network.ssl_context or True
            )
            assert (await http.get("/api/v3/ping")).status_code == 200
            sandbox.faults.half_open(2)
            start = trio.current_time()
        assert trio.current_time() - start < 5
        assert sandbox.connections == ()
        for one in (client, silent):
            assert (await one.wait_gone()).code is None
        for host in Host:
            with pytest.raises(OSError, match="connect"):
                await dial(sandbox, host)
        await http.aclose()
        for stream in (client.stream, silent.stream, half, idle):
            await trio.aclose_forcefully(stream)


async def test_a_rest_client_that_does_not_read_does_not_hold_up_the_end() -> None:
    with trio.fail_after(20):
        async with open_sandbox() as sandbox:
            stream = await dial(sandbox, Host.SPOT_REST)
            assert isinstance(stream, trio.SocketStream)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            request = b"GET /api/v3/exchangeInfo HTTP/1.1\r\nHost: x\r\n\r\n"
            with trio.move_on_after(0.2):
                while True:
                    await stream.send_all(request * 100)
            start = trio.current_time()
        assert trio.current_time() - start < 10
        await trio.aclose_forcefully(stream)


async def test_cancelling_ends_it_too() -> None:
    with trio.fail_after(20):
        with trio.move_on_after(0.2) as scope:
            async with open_sandbox() as sandbox:
                client = await RawClient.connect(sandbox)
                await trio.sleep_forever()
        assert scope.cancelled_caught
        assert (await client.wait_gone()).code is None
        await trio.aclose_forcefully(client.stream)


@pytest.mark.parametrize("in_memory", [False, True])
async def test_an_exception_leaves_the_block_as_itself(in_memory: bool) -> None:
    error = KeyError("mine")
    with pytest.raises(KeyError) as caught:
        async with open_sandbox(in_memory=in_memory) as sandbox, await RawClient.connect(sandbox):
            raise error
    assert caught.value is error


async def test_a_port_in_use_is_reported() -> None:
    with trio.fail_after(20):
        async with open_sandbox() as sandbox:
            for option, host in (("ws_port", Host.SPOT_WS_API), ("rest_port", Host.SPOT_REST)):
                port = urlsplit(sandbox.environment.url(host)).port
                assert port is not None
                with pytest.raises(OSError, match="in use"):
                    async with open_sandbox(**{option: port}):  # type: ignore[arg-type]
                        pass


async def test_after_the_end_nothing_can_be_dialed_in_memory() -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        pass
    with pytest.raises(ConnectionRefusedError):
        await dial(sandbox)


async def test_signals_and_logging_are_left_alone(capfd: pytest.CaptureFixture[str]) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    handlers = list(logging.getLogger().handlers)
    with trio.fail_after(20):
        async with open_sandbox() as sandbox:
            async with httpx.AsyncClient(base_url=sandbox.environment.url(Host.SPOT_REST)) as http:
                await http.get("/api/v3/ping")
            assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert logging.getLogger().handlers == handlers
    assert capfd.readouterr() == ("", "")


# Accounts


async def test_an_account_hands_out_what_other_clients_want() -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        for type in KeyType:
            account = sandbox.add_account(balances={"BTC": "2"}, key=type)
            assert account.credentials.api_key == account.api_key
            assert account.credentials.kind.name == type.name
            assert account.balances()["BTC"] == {"free": "2.00000000", "locked": "0.00000000"}
            assert account.secret not in repr(account)
            if type is KeyType.HMAC:
                assert len(account.secret) == 64
                with pytest.raises(ValueError, match="HMAC"):
                    _ = account.private_key_pem
            else:
                assert account.private_key_pem.startswith("-----BEGIN PRIVATE KEY-----")
        assert "127.0.0.1" in repr(sandbox)


async def test_the_same_seed_gives_the_same_keys() -> None:
    keys = []
    for seed in (1, 1, 2):
        async with open_sandbox(in_memory=True, seed=seed) as sandbox:
            keys.append(sandbox.add_account().api_key)
    assert keys[0] == keys[1] != keys[2]
