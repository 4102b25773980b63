"""The ports of a sandbox, on sockets or in memory, and the environment that says which of them plays which role."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

import trio
import trio.testing
import trustme

from trio_binance_uds.products import Environment, Host
from trio_binance_uds.sandbox.rest_server import MemoryEnd
from trio_binance_uds.sandbox.stream_paths import StreamHost
from trio_binance_uds.sandbox.ws_api import PATH

WS_API = "ws_api"
REST_HOSTS = tuple(host for host in Host if host.schemes[0] == "https")
# Which port plays each role, and the path that its URL has.
ROLES: Mapping[Host, tuple[str, str]] = MappingProxyType(
    {
        Host.SPOT_WS_API: (WS_API, PATH),
        Host.MARGIN_STREAM: (StreamHost.MARGIN_STREAM, "/ws"),
        Host.MARGIN_LISTEN_KEY_STREAM: (StreamHost.MARGIN_STREAM, "/ws"),
        Host.UNIFIED_MARGIN_STREAM: (StreamHost.FSTREAM, "/private/ws"),
        Host.USDM_STREAM: (StreamHost.FSTREAM, "/private/ws"),
        Host.COINM_STREAM: (StreamHost.DSTREAM, "/ws"),
        Host.OPTIONS_STREAM: (StreamHost.FSTREAM, "/private/ws"),
        Host.PORTFOLIO_MARGIN_STREAM: (StreamHost.FSTREAM, "/pm/ws"),
        Host.PORTFOLIO_MARGIN_PRO_STREAM: (StreamHost.FSTREAM, "/pm-classic/ws"),
        Host.STOCKS_STREAM: (StreamHost.NBSTREAM, "/equity/ws"),
        **{host: (host, "") for host in REST_HOSTS},
    }
)
_FIRST_MEMORY_PORT = 8443

Serve = Callable[[trio.abc.Stream, str], Awaitable[None]]
"""Serves one client on a stream, who comes from an address."""


def make_tls(host: str) -> tuple[ssl.SSLContext, ssl.SSLContext, bytes]:
    """Return what a server and a client of it need for TLS, and the certificate of the authority behind that."""
    authority = trustme.CA()
    certificate = authority.issue_cert(host)
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)
    return server, client, authority.cert_pem.bytes()


def environment(host: str, ports: Mapping[str, int], *, secure: bool) -> Environment:
    """Return the environment of a sandbox whose ports are these."""
    at = f"[{host}]" if ":" in host else host
    urls = {
        role: f"{role.schemes[0 if secure else 1]}://{at}:{ports[name]}{path}" for role, (name, path) in ROLES.items()
    }
    return Environment("sandbox", urls)


async def listen(
    nursery: trio.Nursery,
    servers: Mapping[str, Serve],
    tls: ssl.SSLContext | None,
    host: str,
    wanted: Mapping[str, int],
) -> dict[str, int]:
    """Start to listen for each server, on the port that is wanted for it or on any; return the ports.

    Raises:
        OSError: one of the ports cannot be had.
    """
    ports: dict[str, int] = {}
    for name, serve in servers.items():
        listeners = await trio.open_tcp_listeners(wanted.get(name, 0), host=host)
        ports[name] = listeners[0].socket.getsockname()[1]
        await nursery.start(trio.serve_listeners, partial(_serve_socket, serve, tls), listeners)
    return ports


async def _serve_socket(serve: Serve, tls: ssl.SSLContext | None, stream: trio.SocketStream) -> None:
    try:
        ip: str = stream.socket.getpeername()[0]
    except OSError:
        # The client is gone already.
        await trio.aclose_forcefully(stream)
        return
    await serve(_secured(stream, tls), ip)


class MemoryPorts:
    """Ports that exist in memory only; :meth:`dial` stands in for ``trio.open_tcp_stream``."""

    def __init__(self, nursery: trio.Nursery, servers: Mapping[str, Serve], tls: ssl.SSLContext | None) -> None:
        self._nursery = nursery
        self._tls = tls
        self._servers = dict(enumerate(servers.values(), _FIRST_MEMORY_PORT))
        self.ports: dict[str, int] = dict(zip(servers, self._servers, strict=True))

    async def dial(self, host: str, port: int) -> trio.abc.Stream:
        """Return the client's end of a pipe; the server has its end in a task of its own."""
        await trio.lowlevel.checkpoint()
        serve = self._servers.get(port)
        if serve is None or self._nursery.cancel_scope.cancel_called:
            raise ConnectionRefusedError(f"nothing listens on {host}:{port} in this sandbox")
        client, server = trio.testing.memory_stream_pair()
        self._nursery.start_soon(serve, _secured(MemoryEnd(server), self._tls), "127.0.0.1")
        return client


def _secured(stream: trio.abc.Stream, tls: ssl.SSLContext | None) -> trio.abc.Stream:
    return stream if tls is None else trio.SSLStream(stream, tls, server_side=True)
