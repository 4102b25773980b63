"""Puts the REST front behind byte streams, by way of Hypercorn's trio worker.

Hypercorn's own ``serve`` is not used: it shields what it sends from cancellation, so that a client which does not
read would keep a sandbox from ending, and it does not tell which streams it has. Here they are ours, and closed.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable
from typing import Any, cast

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

from trio_binance_uds.sandbox.rest_front import CUT, Receive, Scope, Send

Address = tuple[str, int]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Config(Config):
    """A quiet configuration: no greeting, no access log, and no date, which is the application's to tell."""

    include_date_header = False

    errorlog = None
    accesslog = None
    include_server_header = False


class _MemorySocket:
    """What Hypercorn asks of a socket."""

    family = socket.AF_INET

    def getpeername(self) -> Address:
        return "127.0.0.1", 0

    def getsockname(self) -> Address:
        return "127.0.0.1", 0


class MemoryEnd(trio.abc.HalfCloseableStream):
    """The server's end of a pipe in memory, with a socket in name only."""

    def __init__(self, pipe: trio.abc.HalfCloseableStream) -> None:
        self.socket: _MemorySocket = _MemorySocket()
        self._pipe = pipe

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._pipe.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._pipe.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        return await self._pipe.receive_some(max_bytes)

    async def send_eof(self) -> None:
        await self._pipe.send_eof()

    async def aclose(self) -> None:
        await self._pipe.aclose()


class RestServer:
    """Serves the REST front to whoever has a stream."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self._config = _Config()
        self._context = WorkerContext(None)
        self._streams: set[trio.abc.Stream] = set()

    async def serve(self, stream: trio.abc.Stream, ip: str = "127.0.0.1") -> None:
        """Serve one client until it leaves; the address of one on a socket is read there."""
        self._streams.add(stream)
        app = ASGIWrapper(cast("Any", self._with_cut(stream)))
        try:
            # Hypercorn names the one kind of stream that it expects most, and takes any.
            await TCPServer(app, self._config, self._context, ConnectionState({}), cast("Any", stream))
        except* (OSError, trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            self._streams.discard(stream)
            await trio.aclose_forcefully(stream)

    async def close(self) -> None:
        """Close every stream under its server, which ends it also where it is shielded."""
        # Shielded, since it is called on the way out; closing by force does not wait for anybody.
        with trio.CancelScope(shield=True):
            for stream in tuple(self._streams):
                await _close_under(stream)

    def _with_cut(self, stream: trio.abc.Stream) -> Application:
        """Return the application, with a way for it to end the connection."""

        async def cut() -> None:
            await _close_under(stream)

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope["extensions"] = {**(scope.get("extensions") or {}), CUT: cut}
            await self._app(scope, receive, send)

        return app


async def _close_under(stream: trio.abc.Stream) -> None:
    """Close the transport under whoever uses a stream."""
    await trio.aclose_forcefully(stream.transport_stream if isinstance(stream, trio.SSLStream) else stream)
