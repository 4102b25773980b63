"""A WebSocket client that knows nothing of this library: what it sees is what is on the wire."""

from __future__ import annotations

import contextlib
import json
from collections import deque
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import trio
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Response
from websockets.uri import parse_uri

from trio_binance_uds.products import Host
from trio_binance_uds.sandbox import Sandbox, SandboxAccount
from trio_binance_uds.wire.requests import ws_signing_text

PATIENCE = 2000


class Rejected(Exception):
    """The upgrade was answered with something else than 101."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"{response.status_code} {bytes(response.body or b'')!r}")
        self.status = response.status_code
        self.headers = response.headers
        self.body = bytes(response.body or b"")


class Gone(Exception):
    """The connection ended; ``code`` is the close frame's, or ``None`` when there was none."""

    def __init__(self, code: int | None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


async def dial(sandbox: Sandbox, host: Host = Host.SPOT_WS_API) -> trio.abc.Stream:
    """Open the byte stream to one of the sandbox's ports, TLS included."""
    url = urlsplit(sandbox.environment.url(host))
    assert url.hostname is not None
    assert url.port is not None
    if sandbox.network.open_stream is None:
        stream: trio.abc.Stream = await trio.open_tcp_stream(url.hostname, url.port)
    else:
        stream = await sandbox.network.open_stream(url.hostname, url.port)
    if url.scheme in ("wss", "https"):
        assert sandbox.network.ssl_context is not None
        stream = trio.SSLStream(stream, sandbox.network.ssl_context, server_hostname=url.hostname)
    return stream


class RawClient:
    """One connection. Reading answers the server's pings, unless ``answers_pings`` is off."""

    def __init__(self, stream: trio.abc.Stream, protocol: ClientProtocol) -> None:
        self.stream = stream
        self.protocol = protocol
        self.answers_pings = True
        self.pings: list[bytes] = []
        self.pongs: list[bytes] = []
        self.events: deque[dict[str, Any]] = deque()
        self.answers: deque[dict[str, Any]] = deque()
        self.order: list[str] = []
        self.handshake: Response | None = None
        self._frames: deque[Frame] = deque()
        self._ids = count(1)

    @classmethod
    async def connect(
        cls, sandbox: Sandbox, query: str = "", *, path: str | None = None, host: Host = Host.SPOT_WS_API
    ) -> RawClient:
        """Upgrade, with a query string such as ``?timeUnit=MICROSECOND``, at the host's own path or another."""
        stream = await dial(sandbox, host)
        url = sandbox.environment.url(host)
        if path is not None:
            url = url.removesuffix(urlsplit(url).path) + path
        client = cls(stream, ClientProtocol(parse_uri(url + query)))
        try:
            client.protocol.send_request(client.protocol.connect())
            await client.flush()
            while client.handshake is None:
                await client._receive()
            if client.handshake.status_code != 101:
                raise Rejected(client.handshake)
        except BaseException:
            await trio.aclose_forcefully(stream)
            raise
        return client

    async def __aenter__(self) -> RawClient:
        return self

    async def __aexit__(self, *args: object) -> None:
        await trio.aclose_forcefully(self.stream)

    async def flush(self) -> None:
        """Send what the protocol has to say."""
        for data in self.protocol.data_to_send():
            if data and (self.answers_pings or data[0] & 0x0F != Opcode.PONG):
                await self.stream.send_all(data)

    async def _receive(self) -> None:
        try:
            with trio.fail_after(PATIENCE):
                data = await self.stream.receive_some(65_536)
        except trio.BrokenResourceError:
            data = b""
        if data:
            self.protocol.receive_data(bytes(data))
        else:
            self.protocol.receive_eof()
        for event in self.protocol.events_received():
            if isinstance(event, Response):
                self.handshake = event
            elif isinstance(event, Frame):
                self._take(event)
        if not data and not self._frames:
            closed = self.protocol.close_rcvd
            raise Gone(*((closed.code, closed.reason) if closed else (None,)))
        with contextlib.suppress(trio.BrokenResourceError):
            # The server may be gone already; what it sent before is worth reading all the same.
            await self.flush()

    def _take(self, frame: Frame) -> None:
        if frame.opcode is Opcode.PING:
            self.pings.append(bytes(frame.data))
        elif frame.opcode is Opcode.PONG:
            self.pongs.append(bytes(frame.data))
        elif frame.opcode in (Opcode.TEXT, Opcode.BINARY):
            self._frames.append(frame)

    async def frame(self) -> str | bytes:
        """Return the next message, whatever it says."""
        while not self._frames:
            await self._receive()
        frame = self._frames.popleft()
        return bytes(frame.data).decode() if frame.opcode is Opcode.TEXT else bytes(frame.data)

    async def _sort(self) -> None:
        message = json.loads(await self.frame())
        if "event" in message or "data" in message or "e" in message:
            self.events.append(message)
            self.order.append("event")
        else:
            self.answers.append(message)
            self.order.append("answer")

    async def event(self) -> dict[str, Any]:
        """Return the next event, with its wrapping; answers wait in ``answers``."""
        while not self.events:
            await self._sort()
        return self.events.popleft()

    async def answer(self) -> dict[str, Any]:
        """Return the next answer; events wait in ``events``."""
        while not self.answers:
            await self._sort()
        return self.answers.popleft()

    async def send(self, data: str | bytes) -> None:
        """Send one message."""
        if isinstance(data, str):
            self.protocol.send_text(data.encode())
        else:
            self.protocol.send_binary(data)
        await self.flush()

    async def ask(self, method: str, params: Any = None, **envelope: Any) -> int:
        """Send a request without waiting for its answer; return its id."""
        request = {"id": next(self._ids), "method": method, **({} if params is None else {"params": params})}
        await self.send(json.dumps({**request, **envelope}))
        id: int = request["id"]
        return id

    async def call(self, method: str, params: Any = None, **envelope: Any) -> dict[str, Any]:
        """Send a request and return the next answer."""
        await self.ask(method, params, **envelope)
        return await self.answer()

    async def wait_gone(self) -> Gone:
        """Read until the connection ends, and return how it did."""
        while True:
            try:
                await self._sort()
            except Gone as gone:
                return gone


def signed(sandbox: Sandbox, account: SandboxAccount, **params: Any) -> dict[str, Any]:
    """Return parameters with ``apiKey``, ``timestamp`` and ``signature``; those given are kept."""
    params = {"apiKey": account.api_key, "timestamp": sandbox.clock.now_ms(), **params}
    return {"signature": account.credentials.sign(ws_signing_text(params)), **params}


async def subscribe(client: RawClient, sandbox: Sandbox, account: SandboxAccount) -> int:
    """Subscribe by signature and return the subscription id."""
    answer = await client.call("userDataStream.subscribe.signature", signed(sandbox, account))
    assert answer["status"] == 200, answer
    id: int = answer["result"]["subscriptionId"]
    return id
