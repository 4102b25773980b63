"""A venue in memory for every product: REST, stream sockets and the WebSocket API, behind one dialler.

It knows no product. It makes keys and tokens at whichever host and path is called, notes every call, and sends what a
test says to the sockets that a live key or subscription has. What it should do otherwise stands in its attributes.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from email.utils import formatdate
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import h11
import trio
import trio.testing
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from support.peer import Counted
from trio_binance_uds.link.network import Network
from trio_binance_uds.nurseries import open_bare_nursery

START_MS = 1_900_000_000_000


@attrs.frozen
class Call:
    """A REST request as it arrived."""

    host: str
    verb: str
    path: str
    params: dict[str, str]
    headers: dict[str, str]

    @property
    def route(self) -> str:
        return f"{self.verb} {self.path}"

    @property
    def place(self) -> tuple[str, str, str]:
        return self.host, self.verb, self.path


@attrs.frozen
class Reply:
    """What the venue answers."""

    status: int = 200
    body: Any = attrs.field(factory=dict)
    headers: dict[str, str] = attrs.field(factory=dict)

    def encoded(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Hangs(Exception):
    """Raised instead of an answer: none comes."""


class Cut(Exception):
    """Raised instead of an answer: the connection is closed."""


@attrs.define(eq=False)
class Key:
    """The one listen key of an account at a host and path."""

    text: str
    ends_at: float


@attrs.define(eq=False)
class Socket:
    """One WebSocket: of a stream, with its URL, or of the WebSocket API, with its subscriptions."""

    host: str
    path: str
    query: dict[str, str]
    protocol: ServerProtocol
    stream: trio.abc.Stream
    subscriptions: dict[int, str] = attrs.field(factory=dict)
    ids: Any = attrs.field(factory=count)
    open: bool = True
    # The listen key that it has subscribed with.
    subscribed: str = ""
    # The venue's own task and a test's may write at the same time.
    writing: trio.Lock = attrs.field(factory=trio.Lock)

    @property
    def key(self) -> str:
        return self.subscribed or self.query.get("listenKey") or self.path.rpartition("/")[2]

    async def send(self, message: Any) -> None:
        self.protocol.send_text(json.dumps(message).encode())
        await self.flush()

    async def flush(self) -> None:
        async with self.writing:
            for data in self.protocol.data_to_send():
                if data:
                    await self.stream.send_all(data)

    async def drop(self) -> None:
        self.open = False
        await trio.aclose_forcefully(self.stream)


class Venue:
    """See the module. ``key_life`` and ``token_life`` are in seconds."""

    def __init__(self, *, key_life: float = 3600.0, token_life: float = 86_400.0) -> None:
        self.network = Network(open_stream=self._open_stream)
        self.key_life = key_life
        self.token_life = token_life
        self.calls: list[Call] = []
        self.dialled: list[tuple[str, int]] = []
        self.sockets: list[Socket] = []
        # The client's ends.
        self.streams: list[Counted] = []
        self.keys: dict[tuple[str, str], Key] = {}
        # Tokens and whose they are.
        self.tokens: dict[str, tuple[str, float]] = {}
        # What to answer instead, once each, to a route: a Reply, or an exception.
        self.instead: dict[str, deque[Reply | Exception]] = {}
        # How PUT answers: with the key, or with nothing.
        self.put_tells_key = True
        self.expiration_member = False
        self.sends_date = True
        # What every HTTP answer has besides.
        self.more_headers: dict[str, str] = {}
        # What a second subscription of an account gets: "same" id, "new" id, or "refused".
        self.second_subscription = "same"
        self.ws_instead: dict[str, deque[Any]] = {}
        self.ws_calls: list[tuple[str, dict[str, Any]]] = []
        self.past: Callable[[Call], Reply] = lambda call: Reply(404, {"code": -1000, "msg": "no such route"})
        self.skew = 0.0
        self._serial = count(1)
        self._nursery: trio.Nursery | None = None

    async def __aenter__(self) -> Venue:
        self._manager = open_bare_nursery()
        self._nursery = await self._manager.__aenter__()
        self._zero = trio.current_time()
        return self

    async def __aexit__(self, *error: Any) -> Any:
        assert self._nursery is not None
        self._nursery.cancel_scope.cancel()
        return await self._manager.__aexit__(*error)

    # What tests ask for.

    def now_ms(self) -> int:
        return START_MS + round(1000 * (trio.current_time() - self._zero + self.skew))

    def answer_instead(self, route: str, *replies: Reply | Exception) -> None:
        self.instead.setdefault(route, deque()).extend(replies)

    def answer_method_instead(self, method: str, *answers: Any) -> None:
        """Each is a pair of status and body, or an exception."""
        self.ws_instead.setdefault(method, deque()).extend(answers)

    def places(self) -> list[tuple[str, str, str]]:
        return [call.place for call in self.calls]

    def open_streams(self) -> int:
        return sum(not stream.closed for stream in self.streams)

    def live_sockets(self) -> list[Socket]:
        return [socket for socket in self.sockets if socket.open]

    async def tell(self, event: dict[str, Any], *, account: str | None = None) -> None:
        """Send an event by every stream that has a live key, and by every subscription of the account."""
        event = {"E": self.now_ms(), **event}
        for socket in self.live_sockets():
            if socket.path.startswith("/ws-api"):
                for number, whose in list(socket.subscriptions.items()):
                    if account is None or whose == account:
                        await socket.send({"subscriptionId": number, "event": event})
            elif any(key.text == socket.key and self.is_live(key) for key in self.keys.values()):
                await socket.send(event)

    def is_live(self, key: Key) -> bool:
        return trio.current_time() < key.ends_at

    async def expire_keys(self, *, silently: bool = False, member: bool = True) -> None:
        """End every key, as if its time were up, or as if another process had deleted it."""
        keys, self.keys = self.keys, {}
        if not silently:
            for socket in self.live_sockets():
                if any(key.text == socket.key for key in keys.values()):
                    told = {"listenKey": socket.key} if member else {}
                    await socket.send({"e": "listenKeyExpired", "E": self.now_ms(), **told})

    async def end_subscription(self, account: str, *, silently: bool = False) -> None:
        for socket in self.live_sockets():
            for number, whose in list(socket.subscriptions.items()):
                if whose == account:
                    del socket.subscriptions[number]
                    if not silently:
                        ended = {"e": "eventStreamTerminated", "E": self.now_ms()}
                        await socket.send({"subscriptionId": number, "event": ended})

    # Connections.

    async def _open_stream(self, host: str, port: int) -> trio.abc.Stream:
        await trio.lowlevel.checkpoint()
        self.dialled.append((host, port))
        ours, theirs = trio.testing.memory_stream_pair()
        assert self._nursery is not None
        self._nursery.start_soon(self._serve, host, theirs)
        self.streams.append(Counted(ours))
        return self.streams[-1]

    async def _serve(self, host: str, stream: trio.abc.Stream) -> None:
        try:
            head = b""
            while b"\r\n\r\n" not in head:
                data = await stream.receive_some(65536)
                if not data:
                    return
                head += data
            if b"upgrade: websocket" in head.lower():
                await self._serve_socket(host, stream, head)
            else:
                await self._serve_http(host, stream, head)
        except (trio.BrokenResourceError, trio.ClosedResourceError, Cut):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _serve_http(self, host: str, stream: trio.abc.Stream, data: bytes) -> None:
        core = h11.Connection(h11.SERVER)
        core.receive_data(data)
        while True:
            event = core.next_event()
            if event is h11.NEED_DATA:
                received = await stream.receive_some(65536)
                core.receive_data(bytes(received))
            elif isinstance(event, h11.Request):
                request = event
            elif isinstance(event, h11.EndOfMessage):
                await stream.send_all(await self._http_answer(host, core, request))
                core.start_next_cycle()
            elif isinstance(event, h11.ConnectionClosed):
                return

    async def _http_answer(self, host: str, core: h11.Connection, request: h11.Request) -> bytes:
        url = urlsplit(request.target.decode())
        headers = {name.decode(): value.decode() for name, value in request.headers}
        call = Call(host, request.method.decode(), url.path, dict(parse_qsl(url.query)), headers)
        self.calls.append(call)
        reply = await self._reply(call)
        body = reply.encoded()
        told = {
            "content-type": "application/json",
            "content-length": str(len(body)),
            **self.more_headers,
            **reply.headers,
        }
        if self.sends_date:
            told.setdefault("date", formatdate(self.now_ms() / 1000, usegmt=True))
        answer = core.send(h11.Response(status_code=reply.status, headers=list(told.items()))) or b""
        answer += core.send(h11.Data(data=body)) or b""
        return answer + (core.send(h11.EndOfMessage()) or b"")

    async def _reply(self, call: Call) -> Reply:
        waiting = self.instead.get(call.route)
        if waiting:
            reply = waiting.popleft()
            if isinstance(reply, Hangs):
                await trio.sleep_forever()
            if isinstance(reply, Exception):
                raise reply
            return reply
        if call.path.endswith("/time"):
            return Reply(body={"serverTime": self.now_ms()})
        if call.path.lower().endswith(("listenkey", "listen-key")):
            return self._on_key(call)
        if call.path.endswith("userListenToken"):
            return self._on_token(call)
        return self.past(call)

    def _on_key(self, call: Call) -> Reply:
        place = call.host, call.path
        key = self.keys.get(place)
        if key is not None and not self.is_live(key):
            key = None
        if call.verb == "POST":
            if key is None:
                key = self.keys[place] = Key(f"key{next(self._serial):061d}", 0)
        elif key is None or call.params.get("listenKey", key.text) != key.text:
            return Reply(400, {"code": -1125, "msg": "This listenKey does not exist."})
        if call.verb == "DELETE":
            del self.keys[place]
            return Reply()
        key.ends_at = trio.current_time() + self.key_life
        body: dict[str, Any] = {"listenKey": key.text}
        if call.verb == "PUT" and not self.put_tells_key:
            body = {}
        elif self.expiration_member and call.verb == "POST":
            body["expiration"] = self.now_ms() + round(1000 * self.key_life)
        return Reply(body=body)

    def _on_token(self, call: Call) -> Reply:
        whose = call.params.get("symbol", "cross") if call.params.get("isIsolated") == "true" else "cross"
        token = f"token+/{next(self._serial)}"
        life = int(call.params.get("validity", round(1000 * self.token_life))) / 1000
        self.tokens[token] = whose, trio.current_time() + life
        return Reply(body={"token": token, "expirationTime": self.now_ms() + round(1000 * life)})

    # WebSockets.

    async def _serve_socket(self, host: str, stream: trio.abc.Stream, data: bytes) -> None:
        core = ServerProtocol(max_size=2**25)
        socket: Socket | None = None
        try:
            while True:
                core.receive_data(data)
                for event in core.events_received():
                    if isinstance(event, Request):
                        core.send_response(core.accept(event))
                        url = urlsplit(event.path)
                        socket = Socket(host, url.path, dict(parse_qsl(url.query)), core, stream)
                        self.sockets.append(socket)
                    elif isinstance(event, Frame) and event.opcode is Opcode.TEXT:
                        assert socket is not None
                        await self._on_text(socket, json.loads(event.data))
                assert socket is not None
                await socket.flush()
                if core.close_expected():
                    return
                data = bytes(await stream.receive_some(65536))
                if not data:
                    return
        finally:
            if socket is not None:
                socket.open = False

    async def _on_text(self, socket: Socket, request: dict[str, Any]) -> None:
        method, params = request["method"], request.get("params", {})
        self.ws_calls.append((method, params))
        waiting = self.ws_instead.get(method)
        instead = waiting.popleft() if waiting else None
        if isinstance(instead, Hangs):
            return
        if callable(instead):
            instead = await instead(socket, params)
        status, body = instead if instead is not None else await self._result(socket, method, params)
        member = "result" if status == 200 else "error"
        await socket.send({"id": request["id"], "status": status, member: body})

    async def _result(self, socket: Socket, method: str, params: Any) -> tuple[int, Any]:
        match method:
            case "time":
                return 200, {"serverTime": self.now_ms()}
            case "SUBSCRIBE":
                socket.subscribed = params[0].partition("@")[0]
                return 200, None
            case "LIST_SUBSCRIPTIONS":
                in_path = unquote(socket.path.rpartition("/")[2])
                return 200, [socket.subscribed or socket.query.get("listenKey") or in_path]
            case "session.subscriptions":
                return 200, [{"subscriptionId": number} for number in socket.subscriptions]
            case "userDataStream.subscribe.listenToken":
                return self.subscribe(socket, params["listenToken"])
            case "userDataStream.unsubscribe":
                if socket.subscriptions.pop(params["subscriptionId"], None) is None:
                    return 400, {"code": -2036, "msg": "There is no such subscription."}
                ended = {"e": "eventStreamTerminated", "E": self.now_ms()}
                await socket.send({"subscriptionId": params["subscriptionId"], "event": ended})
                return 200, {}
            case _:
                return 200, {"method": method}

    def subscribe(self, socket: Socket, token: str) -> tuple[int, Any]:
        whose, ends_at = self.tokens.get(token, ("", 0.0))
        if trio.current_time() >= ends_at:
            return 400, {"code": -1209, "msg": "The listen token is not valid."}
        number = next((number for number, name in socket.subscriptions.items() if name == whose), None)
        if number is not None and self.second_subscription == "refused":
            return 400, {"code": -2035, "msg": "The account is subscribed already."}
        if number is None or self.second_subscription == "new":
            number = next(socket.ids)
            socket.subscriptions[number] = whose
        ends = self.now_ms() + round(1000 * (ends_at - trio.current_time()))
        return 200, {"subscriptionId": number, "expirationTime": 1000 * ends}
