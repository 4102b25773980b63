"""Opens a sandbox: the exchange, its two fronts on sockets or in memory, and the way for a client to reach them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from random import Random
from typing import Any

import attrs
import trio
import trio.testing
import trustme

from trio_binance_uds.link.network import Network
from trio_binance_uds.nurseries import open_bare_nursery
from trio_binance_uds.products import Environment, Host
from trio_binance_uds.sandbox.accounts import SandboxAccount
from trio_binance_uds.sandbox.catalogue import ALL_PERMISSIONS
from trio_binance_uds.sandbox.clock import Clock
from trio_binance_uds.sandbox.exchange import Exchange
from trio_binance_uds.sandbox.faults import Faults
from trio_binance_uds.sandbox.keys import KeyRing, KeyType
from trio_binance_uds.sandbox.limits import Limiter, Limits
from trio_binance_uds.sandbox.rest_front import RestFront
from trio_binance_uds.sandbox.rest_server import MemoryEnd, RestServer
from trio_binance_uds.sandbox.venue import Venue
from trio_binance_uds.sandbox.ws_connection import Connection, Timing
from trio_binance_uds.sandbox.ws_front import PATH, WsFront

_MEMORY_WS_PORT = 9443
_MEMORY_REST_PORT = 8443


class Sandbox:
    """A running local Binance; made by :func:`open_sandbox`.

    Attributes:
        environment: where a client finds it.
        network: how a client reaches it: what to trust, and what to dial with in memory.
        exchange: the accounts, the order books, and the journal of every event.
        clock: what time the server believes it is.
        faults: what goes wrong, on purpose.
        keys: all API keys.
        rest_app: the REST front as an ASGI application, for ``httpx.ASGITransport``.
        ca_pem: the certificate to trust when ``tls`` is on, else empty.
    """

    def __init__(
        self,
        *,
        venue: Venue,
        ws_front: WsFront,
        rest_front: RestFront,
        environment: Environment,
        network: Network,
        ca_pem: bytes,
    ) -> None:
        self.environment = environment
        self.network = network
        self.exchange: Exchange = venue.exchange
        self.clock: Clock = venue.clock
        self.faults: Faults = venue.faults
        self.keys: KeyRing = venue.keys
        self.rest_app = rest_front
        self.ca_pem = ca_pem
        self._ws_front = ws_front

    def __repr__(self) -> str:
        return f"<Sandbox {self.environment.url(Host.SPOT_WS_API)}>"

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The live WebSocket connections, oldest first."""
        return self._ws_front.connections

    def add_account(
        self,
        *,
        balances: Mapping[str, str] | None = None,
        key: KeyType | str = KeyType.ED25519,
        permissions: Iterable[str] = ALL_PERMISSIONS,
        **options: Any,
    ) -> SandboxAccount:
        """Open an account with an API key; ``options`` go to the exchange's own ``add_account``."""
        account = self.exchange.add_account(balances or {}, **options)
        return SandboxAccount(self.exchange, account, self.keys.create(account, key, permissions))

    def add_key(
        self,
        account: SandboxAccount,
        *,
        key: KeyType | str = KeyType.ED25519,
        permissions: Iterable[str] = ALL_PERMISSIONS,
    ) -> SandboxAccount:
        """Give an account another API key; returned is the same account with that key."""
        created = self.keys.create(account.exchange_account, key, permissions)
        return SandboxAccount(self.exchange, account.exchange_account, created)

    def revoke(self, account: SandboxAccount) -> None:
        """Delete the account's API key; :meth:`Faults.revoke` can do it later, or audibly."""
        self.faults.revoke(account.key)


def _tls(host: str) -> tuple[ssl.SSLContext, ssl.SSLContext, bytes]:
    authority = trustme.CA()
    certificate = authority.issue_cert(host)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client, authority.cert_pem.bytes()


@asynccontextmanager
async def open_sandbox(
    *,
    tls: bool = False,
    in_memory: bool = False,
    seed: int = 0,
    clock: Clock | None = None,
    limits: Limits | None = None,
    lifetime: float = 86_400.0,
    ping_interval: float = 20.0,
    pong_timeout: float = 60.0,
    host: str = "127.0.0.1",
    ws_port: int = 0,
    rest_port: int = 0,
) -> AsyncIterator[Sandbox]:
    """Run a local Binance for as long as the block runs.

    Args:
        tls: whether both fronts speak TLS; :attr:`Sandbox.network` trusts them.
        in_memory: whether to do without sockets. Clients dial with :attr:`Sandbox.network`, whose streams work with
            :class:`trio.testing.MockClock`. REST is there too, and as :attr:`Sandbox.rest_app`.
        seed: decides everything that is random: keys (RSA's excepted), ids, the storms of the faults.
        clock: the server's; by default one that runs with trio's from the machine's present time on.
        limits: the limits of production by default.
        lifetime, ping_interval, pong_timeout: seconds, of every WebSocket connection.
        host, ws_port, rest_port: where to listen; port 0 is any free one.

    When the block is left, every connection is cut off and nothing is listening any more.
    """
    clock = clock or Clock()
    random = Random(seed)
    limiter = Limiter(limits or Limits(), clock.now)
    timing = Timing(lifetime=lifetime, ping_interval=ping_interval, pong_timeout=pong_timeout)
    server_tls: ssl.SSLContext | None = None
    client_tls: ssl.SSLContext | None = None
    ca_pem = b""
    if tls:
        server_tls, client_tls, ca_pem = _tls(host)
    async with open_bare_nursery() as nursery:
        faults = Faults(
            clock=clock,
            limiter=limiter,
            random=Random(random.random()),
            live=lambda: ws_front.connections,
            start_soon=nursery.start_soon,
        )
        exchange = Exchange.default(clock.now, seed)
        exchange.rate_limits = limiter.published()
        venue = Venue(
            clock=clock,
            exchange=exchange,
            keys=KeyRing(Random(random.random())),
            limiter=limiter,
            faults=faults,
        )
        ws_front = WsFront(venue, timing)
        rest_front = RestFront(venue)
        rest_server = RestServer(rest_front)
        network = Network(ssl_context=client_tls)
        try:
            if in_memory:
                ws_port, rest_port = _MEMORY_WS_PORT, _MEMORY_REST_PORT
                dial = partial(_dial, nursery, ws_front, rest_server, server_tls)
                network = attrs.evolve(network, open_stream=dial)
            else:
                ws_port = await _listen(nursery, partial(_serve_ws, ws_front, server_tls), host, ws_port)
                rest_port = await _listen(nursery, partial(_serve_rest, rest_server, server_tls), host, rest_port)
            yield Sandbox(
                venue=venue,
                ws_front=ws_front,
                rest_front=rest_front,
                environment=_environment(host, ws_port, rest_port, secure=tls),
                network=network,
                ca_pem=ca_pem,
            )
        finally:
            nursery.cancel_scope.cancel()
            await rest_server.close()


async def _listen(
    nursery: trio.Nursery, serve: Callable[[trio.SocketStream], Awaitable[None]], host: str, port: int
) -> int:
    """Start to listen and return the port."""
    listeners = await trio.open_tcp_listeners(port, host=host)
    chosen: int = listeners[0].socket.getsockname()[1]
    await nursery.start(trio.serve_listeners, serve, listeners)
    return chosen


def _environment(host: str, ws_port: int, rest_port: int, *, secure: bool) -> Environment:
    s = "s" if secure else ""
    at = f"[{host}]" if ":" in host else host
    return Environment(
        "sandbox",
        {Host.SPOT_WS_API: f"ws{s}://{at}:{ws_port}{PATH}", Host.SPOT_REST: f"http{s}://{at}:{rest_port}"},
    )


async def _serve_ws(ws_front: WsFront, tls: ssl.SSLContext | None, stream: trio.SocketStream) -> None:
    try:
        ip: str = stream.socket.getpeername()[0]
    except OSError:
        # The client is gone already.
        await trio.aclose_forcefully(stream)
        return
    await ws_front.serve(_secured(stream, tls), ip)


async def _serve_rest(rest_server: RestServer, tls: ssl.SSLContext | None, stream: trio.SocketStream) -> None:
    await rest_server.serve(_secured(stream, tls))


async def _dial(
    nursery: trio.Nursery,
    ws_front: WsFront,
    rest_server: RestServer,
    tls: ssl.SSLContext | None,
    host: str,
    port: int,
) -> trio.abc.Stream:
    """Stand in for ``trio.open_tcp_stream``, with the server's end of the pipe in its own task."""
    await trio.lowlevel.checkpoint()
    serve = {_MEMORY_WS_PORT: ws_front.serve, _MEMORY_REST_PORT: rest_server.serve}.get(port)
    if serve is None or nursery.cancel_scope.cancel_called:
        raise ConnectionRefusedError(f"nothing listens on {host}:{port} in this sandbox")
    client, server = trio.testing.memory_stream_pair()
    nursery.start_soon(serve, _secured(MemoryEnd(server), tls))
    return client


def _secured(stream: trio.abc.Stream, tls: ssl.SSLContext | None) -> trio.abc.Stream:
    return stream if tls is None else trio.SSLStream(stream, tls, server_side=True)
