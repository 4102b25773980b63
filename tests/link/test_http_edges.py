"""What a server sends is taken for the answer to a request only where it can be nothing else."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing

from support.peer import Authority, Counted, memory_wire, socket_wire
from trio_binance_uds.credentials import Credentials
from trio_binance_uds.errors import ConnectFailed, HandshakeRejected, OutcomeUnknown
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.rest.client import Rest, RestClient
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import TransportKind, open_transport
from trio_binance_uds.link.transport.plain_http import is_quiet
from trio_binance_uds.products import Environment, Host

CREDENTIALS = Credentials.from_secret("a" * 64, "s" * 64)


class Server:
    """Serves each connection with a list of raw answers, one for each request."""

    def __init__(self, *connections: Sequence[bytes]) -> None:
        self._connections = list(connections)
        self.requests: list[list[bytes]] = []

    async def serve(self, stream: trio.abc.Stream) -> None:
        answers = self._connections.pop(0)
        seen: list[bytes] = []
        self.requests.append(seen)
        try:
            for answer in answers:
                data = b""
                while b"\r\n\r\n" not in data:
                    received = bytes(await stream.receive_some(65536))
                    if not received:
                        return
                    data += received
                seen.append(data)
                await stream.send_all(answer)
            await stream.receive_some(1)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(stream)


def ok(body: bytes, *headers: bytes) -> bytes:
    lines = [b"HTTP/1.1 200 OK", b"content-length: %d" % len(body), *headers]
    return b"\r\n".join([*lines, b"", body])


@asynccontextmanager
async def client_of(server: Server, timeouts: Timeouts | None = None) -> AsyncIterator[RestClient]:
    async with trio.open_nursery() as nursery:

        async def open_stream(host: str, port: int) -> trio.abc.Stream:
            await trio.lowlevel.checkpoint()
            ours, theirs = trio.testing.memory_stream_pair()
            nursery.start_soon(server.serve, theirs)
            return ours

        environment = Environment("edges", {Host.USDM_REST: "http://rest.test"})
        network = Network(open_stream=open_stream)
        rest = Rest(environment, network, CREDENTIALS, ServerClock(), timeouts or Timeouts())
        yield rest.at(Host.USDM_REST)
        await rest.aclose()
        nursery.cancel_scope.cancel()


async def test_a_request_asks_for_no_compression(autojump_clock: trio.testing.MockClock) -> None:
    server = Server([ok(b"{}")])
    async with client_of(server) as client:
        assert await client.public("GET /x") == {}
    assert b"\r\naccept-encoding: identity\r\n" in server.requests[0][0].lower()


@pytest.mark.parametrize("encoding", [b"gzip", b"GZIP", b"deflate", b"br", b"zstd", b"identity, gzip", b"x"])
@pytest.mark.parametrize("body", [gzip.compress(b'{"listenKey":"k"}'), b"broken"], ids=["whole", "broken"])
async def test_a_compressed_answer_says_nothing_and_the_next_one_does(
    autojump_clock: trio.testing.MockClock, encoding: bytes, body: bytes
) -> None:
    server = Server([ok(body, b"Content-Encoding: " + encoding)], [ok(b'{"a":1}', b"content-encoding: identity")])
    async with client_of(server) as client:
        with pytest.raises(OutcomeUnknown, match="compressed"):
            await client.keyed("POST /x")
        assert await client.keyed("POST /x") == {"a": 1}
    assert len(server.requests) == 2, "the connection was closed"


async def test_an_encoded_transfer_says_nothing(autojump_clock: trio.testing.MockClock) -> None:
    answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n"
    async with client_of(Server([answer])) as client:
        with pytest.raises(OutcomeUnknown):
            await client.public("GET /x")


@pytest.mark.parametrize(
    "behind",
    [
        b"x",
        b"\r\n",
        ok(b'{"listenKey":"foreign"}'),
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\n\r\n",
    ],
    ids=["byte", "line", "answer", "in advance", "timeout"],
)
@pytest.mark.parametrize(
    "answer",
    [
        ok(b'{"a":1}'),
        b'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n7\r\n{"a":1}\r\n0\r\n\r\n',
    ],
    ids=["length", "chunked"],
)
async def test_bytes_behind_an_answer_are_never_taken_for_the_next(
    autojump_clock: trio.testing.MockClock, answer: bytes, behind: bytes
) -> None:
    server = Server([answer + behind, ok(b'{"b":2}')], [ok(b'{"b":2}')])
    async with client_of(server) as client:
        assert await client.public("GET /one") == {"a": 1}
        assert await client.public("GET /two") == {"b": 2}
    assert [len(seen) for seen in server.requests] == [1, 1]


async def test_a_body_where_none_can_be_is_not_the_next_answer(autojump_clock: trio.testing.MockClock) -> None:
    server = Server([b"HTTP/1.1 204 No Content\r\n\r\n" + ok(b'{"listenKey":"foreign"}')], [ok(b"{}")])
    async with client_of(server) as client:
        assert await client.public("GET /one") is None
        assert await client.public("GET /two") == {}


async def test_an_answer_of_two_lengths_is_the_last_of_its_connection(autojump_clock: trio.testing.MockClock) -> None:
    both = b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
    server = Server([both, ok(b"1")], [ok(b"2")])
    async with client_of(server) as client:
        assert await client.public("GET /one") == {}
        assert await client.public("GET /two") == 2


@pytest.mark.parametrize("kind", ["memory", "tcp", "tls"])
async def test_what_comes_while_nobody_asks_is_never_taken_for_an_answer(kind: str) -> None:
    authority = Authority.create()
    async with trio.open_nursery() as nursery:
        if kind == "memory":
            wire = memory_wire("ws://rest.test/ws-api/v3")
        else:
            wrap: Callable[[trio.SocketStream], trio.abc.Stream] = (
                authority.wrap if kind == "tls" else (lambda stream: stream)
            )
            network = Network(ssl_context=authority.client)
            manager = socket_wire(scheme="wss" if kind == "tls" else "ws", network=network, wrap=wrap)
            wire = await manager.__aenter__()
        url = wire.url.replace("ws", "http", 1).removesuffix("/ws-api/v3")
        rest = Rest(Environment("x", {Host.USDM_REST: url}), wire.network, CREDENTIALS, ServerClock(), Timeouts())
        client = rest.at(Host.USDM_REST)
        late = trio.Event()
        sent = trio.Event()

        async def serve() -> None:
            first = await wire.stream()
            await first.receive_some(65536)
            await first.send_all(ok(b'"one"'))
            await late.wait()
            await first.send_all(ok(b'"foreign"'))
            sent.set()
            second = await wire.stream()
            await second.receive_some(65536)
            await second.send_all(ok(b'"two"'))

        nursery.start_soon(serve)
        assert await client.public("GET /one") == "one"
        late.set()
        await sent.wait()
        await trio.testing.wait_all_tasks_blocked(0.01)
        assert await client.public("GET /two") == "two"
        await rest.aclose()
        if kind != "memory":
            await manager.__aexit__(None, None, None)


async def test_a_stream_that_breaks_while_nobody_asks_is_not_quiet() -> None:
    class Breaking(Counted):
        async def receive_some(self, max_bytes: int | None = None) -> bytes:
            await trio.lowlevel.checkpoint()
            raise trio.BrokenResourceError

    ours, _theirs = trio.testing.memory_stream_pair()
    assert await is_quiet(ours)
    assert not await is_quiet(Breaking(ours))


async def test_answers_in_advance_are_bounded(autojump_clock: trio.testing.MockClock) -> None:
    advance = b"HTTP/1.1 103 Early Hints\r\n\r\n"
    server = Server([2 * advance + ok(b'{"a":1}')], [100_000 * advance])
    async with client_of(server) as client:
        assert await client.public("GET /x") == {"a": 1}
        await trio.sleep(10)
        with pytest.raises(OutcomeUnknown, match="in advance"):
            await client.public("GET /x")


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000,
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    ],
    ids=["101", "lengths that differ", "endless header", "negative length"],
)
async def test_what_is_no_proper_answer_says_nothing(autojump_clock: trio.testing.MockClock, answer: bytes) -> None:
    async with client_of(Server([answer])) as client:
        with pytest.raises(OutcomeUnknown):
            await client.public("GET /x")


async def test_a_server_that_goes_without_an_answer_says_nothing(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:

        async def open_stream(host: str, port: int) -> trio.abc.Stream:
            ours, theirs = trio.testing.memory_stream_pair()

            async def leave() -> None:
                await theirs.receive_some()
                await theirs.aclose()

            nursery.start_soon(leave)
            return ours

        environment = Environment("edges", {Host.USDM_REST: "http://rest.test"})
        rest = Rest(environment, Network(open_stream=open_stream), CREDENTIALS, ServerClock(), Timeouts())
        with pytest.raises(OutcomeUnknown, match="without an answer"):
            await rest.at(Host.USDM_REST).public("GET /x")


async def test_an_answer_that_drips_is_given_up(autojump_clock: trio.testing.MockClock) -> None:
    async with trio.open_nursery() as nursery:

        async def open_stream(host: str, port: int) -> trio.abc.Stream:
            ours, theirs = trio.testing.memory_stream_pair()

            async def drip() -> None:
                await theirs.receive_some()
                with suppress(trio.BrokenResourceError):  # The client has given up.
                    for byte in b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100:
                        await trio.sleep(1)
                        await theirs.send_all(bytes([byte]))

            nursery.start_soon(drip)
            return ours

        environment = Environment("edges", {Host.USDM_REST: "http://rest.test"})
        rest = Rest(environment, Network(open_stream=open_stream), CREDENTIALS, ServerClock(), Timeouts(answer=3))
        began = trio.current_time()
        with pytest.raises(OutcomeUnknown, match="within 3 s"):
            await rest.at(Host.USDM_REST).public("GET /x")
        assert trio.current_time() - began < 3.1
        nursery.cancel_scope.cancel()


async def test_headers_are_read_whatever_their_case(autojump_clock: trio.testing.MockClock) -> None:
    server = Server([ok(b"{}", b"X-MBX-USED-WEIGHT-1M: 5")])
    async with client_of(server) as client:
        await client.public("GET /x")
        assert client.used_weights == {"x-mbx-used-weight-1m": 5}


# The handshake of a WebSocket.


@pytest.mark.parametrize("kind", list(TransportKind), ids=str)
@pytest.mark.parametrize(
    "header",
    [
        b"Sec-WebSocket-Extensions: permessage-deflate",
        b"Sec-WebSocket-Extensions: x-webkit-deflate-frame",
        b"Sec-WebSocket-Protocol: binance",
    ],
    ids=["deflate", "other extension", "subprotocol"],
)
async def test_a_handshake_that_forces_what_was_not_offered_is_refused(kind: TransportKind, header: bytes) -> None:
    wire = memory_wire()

    async def serve() -> None:
        peer = await wire.peer()
        request = await peer.read_request()
        answer = peer.core.accept(request)
        name, _, value = header.decode().partition(": ")
        answer.headers[name] = value
        await peer.stream.send_all(answer.serialize())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(ConnectFailed, match="did not answer with a WebSocket handshake"):
            async with open_transport(kind, wire.url, wire.network, connect_timeout=5, close_timeout=1):
                pytest.fail("it is open")


@pytest.mark.parametrize("kind", list(TransportKind), ids=str)
async def test_the_page_of_a_refusal_is_bounded(kind: TransportKind, autojump_clock: trio.testing.MockClock) -> None:
    wire = memory_wire()
    sent = 0

    async def serve() -> None:
        nonlocal sent
        peer = await wire.peer()
        await peer.answer_http(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 999999999\r\n\r\n")
        while True:
            try:
                await peer.stream.send_all(b"<" * 65536)
            except trio.BrokenResourceError:
                return
            sent += 65536
            await trio.sleep(0.001)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises((HandshakeRejected, ConnectFailed)):
            async with open_transport(kind, wire.url, wire.network, connect_timeout=5, close_timeout=1):
                pytest.fail("it is open")
    assert sent < 3 * 2**20
