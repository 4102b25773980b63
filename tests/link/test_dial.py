"""How a connection comes about or fails to: URLs, TCP, proxies, TLS, handshakes; and what the errors say and hide."""

from __future__ import annotations

import ssl
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import pytest
import trio
import trio.testing

from support.peer import Authority, Peer, Wire, memory_wire, socket_wire, text
from support.steps import cancel_at_every_step
from trio_binance_uds.errors import ConnectFailed, HandshakeRejected
from trio_binance_uds.link.network import Network, ProxyAddress
from trio_binance_uds.link.transport import Transport, TransportKind, open_transport
from trio_binance_uds.link.transport.address import Address
from trio_binance_uds.link.transport.dial import close_now
from trio_binance_uds.link.transport.plain_http import read_answer

SECRET = "lstnky"
SECRET_URL = f"ws://peer.test/ws/{SECRET}?listenKey={SECRET}"


@pytest.fixture(params=list(TransportKind), ids=str)
def kind(request: pytest.FixtureRequest) -> TransportKind:
    return request.param


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create()


@asynccontextmanager
async def opened(
    wire: Wire, kind: TransportKind = TransportKind.WEBSOCKETS, *, connect_timeout: float = 10
) -> AsyncIterator[Transport]:
    async with open_transport(
        kind, wire.url, wire.network, connect_timeout=connect_timeout, close_timeout=0.01
    ) as transport:
        yield transport


async def failing(
    wire: Wire,
    serve: Callable[[], Awaitable[object]],
    kind: TransportKind = TransportKind.WEBSOCKETS,
    *,
    connect_timeout: float = 10,
) -> ConnectFailed:
    """Connect while ``serve`` plays the other side, and return how that failed; nothing may be left open."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        with pytest.raises(ConnectFailed) as caught:
            async with opened(wire, kind, connect_timeout=connect_timeout):
                raise AssertionError("it must not open")
    assert all(stream.closed for stream in wire.opened)
    assert str(caught.value).isprintable()
    return caught.value


def everything_shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


# URLs


@pytest.mark.parametrize(
    ("url", "shown", "resource", "host_header"),
    [
        ("wss://a.test/ws-api/v3", "wss://a.test:443/ws-api/v3", "/ws-api/v3", "a.test"),
        ("wss://a.test:443", "wss://a.test:443/", "/", "a.test"),
        ("ws://a.test:9443/x?y=z", "ws://a.test:9443/x", "/x?y=z", "a.test:9443"),
        ("ws://A.test:80/x", "ws://a.test:80/x", "/x", "a.test"),
        ("wss://a.test/ws/lstnky", "wss://a.test:443/ws/***", "/ws/lstnky", "a.test"),
        ("wss://a.test/private/ws/lstnky?b=c", "wss://a.test:443/private/ws/***", "/private/ws/lstnky?b=c", "a.test"),
        ("ws://[::1]:9/", "ws://[::1]:9/", "/", "[::1]:9"),
        ("wss://[::1]/", "wss://[::1]:443/", "/", "[::1]"),
    ],
)
def test_a_url_is_shown_without_what_may_be_secret(url: str, shown: str, resource: str, host_header: str) -> None:
    address = Address.parse(url)
    assert (str(address), address.resource, address.host_header) == (shown, resource, host_header)
    assert "lstnky" not in repr(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://a.test/s3cret",
        "wss:///s3cret",
        "s3cret",
        "wss://a.test:s3cret/",
        "wss://[s3cret/",
        "wss://user:s3cret@a.test/",
        "wss://a.test/#s3cret",
        "wss://a.test/s3crét",
        "wss://a.test/s3 cret",
        "wss://a.test/s3cret\r\nX: y",
    ],
)
async def test_a_url_that_is_none_is_refused_before_anything_is_opened(kind: TransportKind, url: str) -> None:
    wire = memory_wire(url)
    with pytest.raises(ValueError, match="WebSocket URL") as caught:
        async with opened(wire, kind):
            pass
    assert "s3cret" not in str(caught.value)
    assert not wire.opened


# Network and proxy addresses


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://p.test:3128", ("p.test", 3128, False, None)),
        ("http://p.test", ("p.test", 80, False, None)),
        ("https://p.test/", ("p.test", 443, True, None)),
        ("http://u:p%40ss@p.test:1", ("p.test", 1, False, "Basic dTpwQHNz")),
        ("http://u@p.test:1", ("p.test", 1, False, "Basic dTo=")),
    ],
)
def test_a_proxy_is_taken_apart(url: str, expected: tuple[object, ...]) -> None:
    proxy = Network(proxy=url).proxy_address
    assert proxy is not None
    assert (proxy.host, proxy.port, proxy.secure, proxy.authorization) == expected
    assert "Basic" not in repr(proxy)


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "socks4"])
def test_socks_is_refused_with_a_way_out(scheme: str) -> None:
    with pytest.raises(ValueError, match=r"SOCKS proxies are not supported.*open_stream"):
        Network(proxy=f"{scheme}://p.test:1080")


@pytest.mark.parametrize(
    "proxy", ["p.test:3128", "ftp://p.test", "http://", "http://u:s3cret/x@p.test", "http://p.test/path", "http://[::1"]
)
def test_what_is_no_proxy_is_refused_and_not_quoted(proxy: str) -> None:
    with pytest.raises(ValueError, match="the proxy must look like") as caught:
        Network(proxy=proxy)
    assert "s3cret" not in everything_shown(caught.value)


def test_a_network_does_not_show_the_proxys_password() -> None:
    network = Network(proxy="http://user:s3cret@p.test:3128")
    assert "s3cret" not in repr(network)
    assert "p.test:3128" in repr(network)
    assert repr(Network(proxy="https://[::1]:3128")).count("'https://[::1]:3128'") == 1
    assert "proxy=None" in repr(Network())


# TCP


@pytest.mark.parametrize("error", [OSError("no route"), trio.BrokenResourceError(), UnicodeError("label too long")])
async def test_a_stream_that_cannot_be_opened_is_told_with_its_cause(kind: TransportKind, error: Exception) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        assert (host, port) == ("peer.test", 9443)
        raise error

    with pytest.raises(ConnectFailed, match=r"peer\.test:9443") as caught:
        async with opened(Wire("wss://peer.test:9443", Network(open_stream=open_stream), None), kind):
            pass
    assert caught.value.__cause__ is error
    assert (str(error) or type(error).__name__) in str(caught.value)


async def test_a_refused_connection_is_told_with_its_cause(kind: TransportKind) -> None:
    async with socket_wire(network=Network()) as wire:
        url = wire.url
    with pytest.raises(ConnectFailed, match=r"cannot connect to ws://127\.0\.0\.1") as caught:
        async with opened(Wire(url, Network(), None), kind):
            pass
    assert isinstance(caught.value.__cause__, OSError)


async def test_another_exception_of_the_users_function_stays_itself(kind: TransportKind) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        raise KeyError("a bug of the user")

    with pytest.raises(KeyError):
        async with opened(Wire("ws://peer.test", Network(open_stream=open_stream), None), kind):
            pass


async def test_closing_a_broken_stream_raises_nothing_even_when_cancelled() -> None:
    class Broken(trio.abc.AsyncResource):
        async def aclose(self) -> None:
            raise trio.BrokenResourceError

    with trio.CancelScope() as scope:
        scope.cancel()
        await close_now(Broken())


# The handshake


def answer(status: str, *headers: str, body: str = "") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body.encode())}", "", body]
    return "\r\n".join(lines).encode()


REJECTIONS: dict[str, tuple[bytes, tuple[int, float | None, int | None], list[str]]] = {
    "json": (
        answer("429 Too Many", "Retry-After: 30", body='{"code":-1003,"msg":"Way too many requests"}'),
        (429, 30.0, -1003),
        ["HTTP 429", "code -1003", "Way too many requests"],
    ),
    "websocket api error": (
        answer("400 Bad", body='{"status":400,"error":{"code":-1194,"msg":"Bad time\\nunit."}}'),
        (400, None, -1194),
        ["code -1194", "Bad time?unit"],
    ),
    "html": (
        answer("403 Forbidden", "Content-Type: text/html; charset=utf-8", body="s3cret"),
        (403, None, None),
        ["HTTP 403", "an HTML page"],
    ),
    "html by its looks": (answer("503 Busy", body=" <html>s3cret</html>"), (503, None, None), ["an HTML page"]),
    "no body": (answer("418 Teapot", "retry-after: 259200 "), (418, 259200.0, None), ["HTTP 418"]),
    "a date": (answer("503 B", "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT"), (503, None, None), ["HTTP 503"]),
    "a body to the end of the stream": (
        b'HTTP/1.1 410 Gone\r\nConnection: close\r\n\r\n{"code":-1,"msg":"gone"}',
        (410, None, -1),
        ["code -1: gone"],
    ),
    "chunked": (
        b'HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{"code":-2015   \r\n1\r\n}\r\n0\r\n\r\n',
        (401, None, -2015),
        ["code -2015"],
    ),
    "json of another kind": (answer("400 Bad", body='{"code":true,"msg":"s3cret"}'), (400, None, None), ["HTTP 400"]),
    "a redirect": (
        answer("302 Found", f"Location: wss://other.test/ws/{SECRET}"),
        (302, None, None),
        ["a redirect to other.test", "not followed"],
    ),
    "a redirect to itself": (answer("308 Found", "Location: /ws"), (308, None, None), ["a redirect to the same host"]),
    "a redirect nobody can read": (answer("301 Moved", "Location: wss://[x/"), (301, None, None), ["a redirect"]),
    "ok": (answer("200 OK", body="hi"), (200, None, None), ["HTTP 200"]),
}


@pytest.mark.parametrize("case", REJECTIONS)
async def test_a_rejection_says_status_code_and_when_to_come_back(kind: TransportKind, case: str) -> None:
    raw, expected, fragments = REJECTIONS[case]
    wire = memory_wire(SECRET_URL)

    async def serve() -> None:
        peer = await wire.peer()
        await peer.answer_http(raw)
        await peer.stream.aclose()

    error = await failing(wire, serve, kind)
    assert isinstance(error, HandshakeRejected)
    assert (error.status, error.retry_after, error.code) == expected
    assert "ws://peer.test:80/ws/***" in str(error)
    assert [fragment for fragment in fragments if fragment not in str(error)] == []
    assert "s3cret" not in str(error)
    assert SECRET not in everything_shown(error)


async def test_a_long_message_is_cut() -> None:
    wire = memory_wire()
    body = b'{"code":-1,"msg":"%s"}' % (b"x" * 5000)

    async def serve() -> None:
        await (await wire.peer()).answer_http(b"HTTP/1.1 400 B\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    assert len(str(await failing(wire, serve))) < 300


_NO_HANDSHAKES = {
    "garbage": b"SSH-2.0-OpenSSH_9.6\r\n\r\n\x00\x01",
    "not http/1.1": b"HTTP/9.9 101 Switching\r\n\r\n",
    "wrong accept": b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: wrong\r\n\r\n",
    "no accept": b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "no upgrade": b"HTTP/1.1 101 S\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    "an extension nobody asked for": b"HTTP/1.1 101 S\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: x\r\n\r\n",
    "a header too long": b"HTTP/1.1 101 S\r\nX: " + b"x" * 200_000 + b"\r\n\r\n",
    "an endless status line": b"HTTP/1.1 101 " + b"x" * 200_000,
    "too many headers": b"HTTP/1.1 101 S\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
}


@pytest.mark.parametrize("case", _NO_HANDSHAKES)
async def test_an_answer_that_is_no_handshake_is_refused(kind: TransportKind, case: str) -> None:
    wire = memory_wire(SECRET_URL)

    async def serve() -> None:
        peer = await wire.peer()
        await peer.answer_http(_NO_HANDSHAKES[case])

    error = await failing(wire, serve, kind)
    assert not isinstance(error, HandshakeRejected)
    assert "ws://peer.test:80/ws/*** did not answer with a WebSocket handshake" in str(error)
    assert error.__cause__ is None, "the library's exception would quote the answer"
    assert len(str(error)) < 300
    assert SECRET not in everything_shown(error)


@pytest.mark.parametrize("before", [b"", b"HTTP/1.1 1", b"HTTP/1.1 101 S\r\nUpgrade: webso"])
async def test_an_end_during_the_handshake_is_told(kind: TransportKind, before: bytes) -> None:
    wire = memory_wire(SECRET_URL)

    async def serve() -> None:
        peer = await wire.peer()
        await peer.answer_http(before)
        await peer.stream.aclose()

    error = await failing(wire, serve, kind)
    assert "closed the connection during the WebSocket handshake" in str(error)
    assert SECRET not in everything_shown(error)


async def test_a_reset_during_the_handshake_is_told_with_its_cause(kind: TransportKind) -> None:
    async with socket_wire(network=Network()) as wire:

        async def serve() -> None:
            peer = await wire.peer()
            await peer.read_request()
            await peer.reset()

        error = await failing(wire, serve, kind)
        assert "broke the connection off during the WebSocket handshake" in str(error)
        assert isinstance(error.__cause__, OSError)


async def test_a_stream_that_breaks_under_the_request_is_told(kind: TransportKind) -> None:
    wire = memory_wire()
    open_stream = wire.network.open_stream
    assert open_stream is not None

    async def broken(host: str, port: int) -> trio.abc.Stream:
        stream = await open_stream(host, port)
        await trio.aclose_forcefully(await wire.stream())
        return stream

    wire.network = Network(open_stream=broken)
    error = await failing(wire, trio.lowlevel.checkpoint, kind)
    assert "broke the connection off" in str(error)


# Timeouts and cancellation


async def _never(*_: object) -> trio.abc.Stream:
    await trio.sleep_forever()
    raise AssertionError


async def test_a_timeout_names_tcp(kind: TransportKind, autojump_clock: trio.testing.MockClock) -> None:
    wire = Wire("ws://peer.test", Network(open_stream=_never), None)
    error = await failing(wire, trio.lowlevel.checkpoint, kind, connect_timeout=7)
    assert str(error) == "cannot connect to ws://peer.test:80/: the TCP connection took more than 7 s"
    assert trio.current_time() >= 7


async def test_a_timeout_names_tls(kind: TransportKind, autojump_clock: trio.testing.MockClock) -> None:
    wire = memory_wire("wss://peer.test")
    error = await failing(wire, trio.lowlevel.checkpoint, kind)
    assert "the TLS handshake took more than 10 s" in str(error)


async def test_a_timeout_names_the_handshake_however_the_answer_drips(
    kind: TransportKind, autojump_clock: trio.testing.MockClock
) -> None:
    wire = memory_wire(SECRET_URL)

    async def serve() -> None:
        peer = await wire.peer()
        await peer.read_request()
        with suppress(trio.BrokenResourceError):
            for byte in b"HTTP/1.1 101 Switching Protocols\r\nX: y\r\n":
                await trio.sleep(1)
                await peer.send(bytes([byte]))

    error = await failing(wire, serve, kind)
    assert "the WebSocket handshake took more than 10 s" in str(error)
    assert SECRET not in everything_shown(error)


@pytest.mark.parametrize("after", ["tcp", "handshake"])
async def test_a_cancellation_from_outside_stays_one(
    kind: TransportKind, after: str, autojump_clock: trio.testing.MockClock
) -> None:
    wire = memory_wire()
    if after == "tcp":
        wire.network = Network(open_stream=_never)
    with trio.move_on_after(1) as scope:
        async with opened(wire, kind):
            raise AssertionError("it must not open")
    assert scope.cancelled_caught
    assert all(stream.closed for stream in wire.opened)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_cancelled_at_any_step_of_a_failing_attempt_nothing_is_left(kind: TransportKind, scheme: str) -> None:
    wires: list[Wire] = []
    authority = Authority.create()

    async def serve(wire: Wire) -> None:
        stream = await wire.stream()
        if scheme == "wss":
            stream = authority.wrap(stream)
        await Peer(stream).answer_http(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")

    async def scenario() -> None:
        wires.append(wire := memory_wire(f"{scheme}://localhost"))
        wire.network = Network(open_stream=wire.network.open_stream, ssl_context=authority.client)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve, wire)
            with pytest.raises(HandshakeRejected):
                async with opened(wire, kind):
                    raise AssertionError("it must not open")

    def check() -> None:
        assert all(stream.closed for stream in wires.pop().opened)

    assert cancel_at_every_step(scenario, check=check, seeds=range(2)) > 20


# TLS


async def test_an_unknown_authority_is_told_in_clear_words(kind: TransportKind, authority: Authority) -> None:
    async with socket_wire(wrap=authority.wrap, scheme="wss", network=Network()) as wire:

        async def serve() -> None:
            await (await wire.peer()).read_to_end()

        error = await failing(wire, serve, kind)
        assert "the certificate was not accepted: " in str(error)
        assert "wss://127.0.0.1" in str(error)
        assert isinstance(error.__cause__, ssl.SSLCertVerificationError)


async def _tls_failure(authority: Authority, url: str, reply: bytes | None) -> ConnectFailed:
    wire = memory_wire(url)
    wire.network = Network(open_stream=wire.network.open_stream, ssl_context=authority.client)

    async def serve() -> None:
        stream = await wire.stream()
        if reply is None:
            await Peer(authority.wrap(stream)).read_to_end()
        else:
            await stream.receive_some()
            await stream.send_all(reply)
            await stream.aclose()

    return await failing(wire, serve)


async def test_a_certificate_of_another_host_is_refused(authority: Authority) -> None:
    error = await _tls_failure(authority, "wss://other.test", None)
    assert "not valid for 'other.test'" in str(error)


async def test_a_server_without_tls_is_told(authority: Authority) -> None:
    error = await _tls_failure(authority, "wss://localhost", b"HTTP/1.1 400 Bad Request\r\n\r\n")
    assert "the TLS handshake with wss://localhost:443/ failed: wrong version number" in str(error)


async def test_an_end_during_the_tls_handshake_is_told(authority: Authority) -> None:
    error = await _tls_failure(authority, "wss://localhost", b"")
    assert "the connection was closed during the handshake" in str(error)


async def test_a_context_that_cannot_be_a_client_is_told(authority: Authority) -> None:
    wire = memory_wire("wss://localhost")
    wire.network = Network(open_stream=wire.network.open_stream, ssl_context=authority.server)
    assert "the TLS handshake" in str(await failing(wire, trio.lowlevel.checkpoint))


async def test_a_reset_during_the_tls_handshake_is_told(authority: Authority) -> None:
    async with socket_wire(scheme="wss", network=Network(ssl_context=authority.client)) as wire:

        async def serve() -> None:
            peer = await wire.peer()
            await peer.stream.receive_some()
            await peer.reset()

        error = await failing(wire, serve)
        assert isinstance(error.__cause__, OSError)
        assert "the TLS handshake with" in str(error)


async def test_tls_works_over_a_stream_of_the_users(kind: TransportKind, authority: Authority) -> None:
    wire = memory_wire("wss://localhost")
    wire.network = Network(open_stream=wire.network.open_stream, ssl_context=authority.client)

    async def serve() -> None:
        await Peer(authority.wrap(await wire.stream())).accept(with_it=text("hello"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with opened(wire, kind) as transport:
            assert [bytes(str(item), "ascii") if isinstance(item, str) else item for item in await transport.receive()]


# Proxies


def _through_proxy(url: str, proxy: str, authority: Authority | None = None) -> tuple[Wire, list[tuple[str, int]]]:
    """Return a wire through a proxy, and the addresses that are dialed."""
    wire = memory_wire(url)
    dialed: list[tuple[str, int]] = []
    open_stream = wire.network.open_stream
    assert open_stream is not None

    async def note(host: str, port: int) -> trio.abc.Stream:
        dialed.append((host, port))
        return await open_stream(host, port)

    wire.network = Network(open_stream=note, proxy=proxy, ssl_context=authority.client if authority else None)
    return wire, dialed


async def _read_connect(stream: trio.abc.Stream) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += await stream.receive_some(1)
    return head


_REPLIES = [
    b"HTTP/1.1 200 OK\r\n\r\n",
    b"HTTP/1.0 200 Connected\r\nVia: x\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
]
_TUNNELS = [("http://u:p@proxy.test:3128", "ws"), ("http://proxy.test", "wss"), ("https://localhost:3128", "wss")]


@pytest.mark.parametrize(("proxy", "scheme"), _TUNNELS, ids=["plain", "tls inside", "tls in tls"])
@pytest.mark.parametrize("reply", _REPLIES, ids=["1.1", "1.0", "100 first"])
async def test_a_tunnel_leads_to_the_server(
    kind: TransportKind, authority: Authority, proxy: str, scheme: str, reply: bytes
) -> None:
    wire, dialed = _through_proxy(f"{scheme}://localhost:9443/ws-api/v3", proxy, authority)
    requests: list[bytes] = []

    async def serve() -> None:
        stream = await wire.stream()
        if proxy.startswith("https"):
            stream = authority.wrap(stream)
        requests.append(await _read_connect(stream))
        for byte in reply:  # as slowly as can be
            await stream.send_all(bytes([byte]))
        if scheme == "wss":
            stream = authority.wrap(stream)
        await Peer(stream).accept(with_it=text("through"))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        async with opened(wire, kind) as transport:
            assert len(await transport.receive()) == 1
    expected = ProxyAddress.parse(proxy)
    assert dialed == [(expected.host, expected.port)]
    head = requests[0].decode().split("\r\n")
    assert head[0] == "CONNECT localhost:9443 HTTP/1.1"
    assert "Host: localhost:9443" in head
    assert ("Proxy-Authorization: Basic dTpw" in head) == ("@" in proxy)


_REFUSED_TUNNELS = {
    "407": (b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n", "HTTP 407: it wants a user name and password"),
    "502": (b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>", "refused a tunnel to ws://peer.test:80/ws/*** with HTTP 502"),
    "garbage": (b"220 smtp ready\r\n\r\n", "did not answer CONNECT as an HTTP proxy does"),
    "end": (b"", "did not answer CONNECT as an HTTP proxy does"),
    "end in the middle": (b"HTTP/1.1 200 O", "did not answer CONNECT as an HTTP proxy does"),
    "endless": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "did not answer CONNECT as an HTTP proxy does"),
    "data at once": (b"HTTP/1.1 200 OK\r\n\r\nhello", "sent data before the tunnel to"),
}


@pytest.mark.parametrize("case", _REFUSED_TUNNELS)
async def test_a_proxy_that_does_not_tunnel_is_told_without_the_password(kind: TransportKind, case: str) -> None:
    reply, fragment = _REFUSED_TUNNELS[case]
    wire, _ = _through_proxy(SECRET_URL, "http://user:s3cret@proxy.test:3128")

    async def serve() -> None:
        stream = await wire.stream()
        await _read_connect(stream)
        await stream.send_all(reply)
        await stream.aclose()

    error = await failing(wire, serve, kind)
    assert fragment in str(error)
    assert "the proxy proxy.test:3128" in str(error)
    shown = everything_shown(error)
    assert "s3cret" not in shown
    assert "dXNlcjp" not in shown
    assert SECRET not in shown


async def test_a_proxy_that_breaks_off_is_told() -> None:
    wire, _ = _through_proxy("ws://peer.test", "http://[::1]:3128")

    async def serve() -> None:
        await trio.aclose_forcefully(await wire.stream())

    assert "the proxy [::1]:3128 did not answer CONNECT" in str(await failing(wire, serve))


async def test_a_proxy_that_cannot_be_reached_is_told(kind: TransportKind) -> None:
    async def open_stream(host: str, port: int) -> trio.abc.Stream:
        raise OSError("no route")

    network = Network(open_stream=open_stream, proxy="http://proxy.test:3128")
    error = await failing(Wire("wss://peer.test", network, None), trio.lowlevel.checkpoint, kind)
    assert str(error) == "cannot reach the proxy proxy.test:3128 on the way to wss://peer.test:443/: no route"


@pytest.mark.parametrize(
    ("proxy", "step"),
    [("http://proxy.test", "the proxy's answer"), ("https://proxy.test", "the TLS handshake with the proxy")],
)
async def test_a_timeout_names_the_proxy(proxy: str, step: str, autojump_clock: trio.testing.MockClock) -> None:
    wire, _ = _through_proxy("wss://peer.test", proxy)
    assert f"{step} took more than 10 s" in str(await failing(wire, trio.lowlevel.checkpoint))


async def test_a_timeout_names_the_way_to_the_proxy(autojump_clock: trio.testing.MockClock) -> None:
    wire = Wire("wss://peer.test", Network(open_stream=_never, proxy="http://proxy.test"), None)
    error = await failing(wire, trio.lowlevel.checkpoint)
    assert "the TCP connection to the proxy took more than 10 s" in str(error)


async def test_a_proxy_whose_answer_drips_runs_into_the_timeout(autojump_clock: trio.testing.MockClock) -> None:
    wire, _ = _through_proxy("wss://peer.test", "http://proxy.test")

    async def serve() -> None:
        stream = await wire.stream()
        await _read_connect(stream)
        with suppress(trio.BrokenResourceError):
            for byte in b"HTTP/1.1 200 Connection established":
                await trio.sleep(1)
                await stream.send_all(bytes([byte]))

    assert "the proxy's answer took more than 10 s" in str(await failing(wire, serve))


# Answers read after the fact


@pytest.mark.parametrize(
    ("received", "status", "body"),
    [
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 B\r\n\r\nbusy", 503, b"busy"),
        (b"HTTP/1.1 503 B\r\nContent-Length: 100\r\n\r\nbu", 503, b"bu"),
        (b"HTTP/1.1 503 B\r\nContent-Length: 2\r\n\r\nbu", 503, b"bu"),
    ],
)
def test_as_much_of_an_answer_as_came_is_read(received: bytes, status: int, body: bytes) -> None:
    read = read_answer(received)
    assert read is not None
    assert (read.status, read.body) == (status, body)


@pytest.mark.parametrize("received", [b"", b"HTTP/1.1 50", b"no HTTP\r\n\r\n"])
def test_what_is_no_answer_is_none(received: bytes) -> None:
    assert read_answer(received) is None


async def test_a_port_where_nobody_listens_is_told_in_the_systems_own_words() -> None:
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listener.socket.getsockname()[1]
    await listener.aclose()
    opening = open_transport(
        TransportKind.WEBSOCKETS, f"ws://127.0.0.1:{port}/", Network(), connect_timeout=5, close_timeout=1
    )
    with pytest.raises(ConnectFailed, match="Connection refused"):
        await opening.__aenter__()
