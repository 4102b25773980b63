"""The server's side of the WebSocket protocol as values; the only module here that knows which library speaks it.

Bytes go in and messages come out; what is to be sent comes back as bytes. Nothing is compressed.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import attrs
from websockets.datastructures import Headers
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import State
from websockets.server import ServerProtocol

_MAX_MESSAGE = 2**20
_PONG = 0x0A


@attrs.frozen
class Upgrade:
    """The client's HTTP request; ``target`` is its path with the query string."""

    target: str


@attrs.frozen
class Message:
    """A whole message: ``str`` from text frames, ``bytes`` from binary ones."""

    data: str | bytes


@attrs.frozen
class PingReceived:
    """A ping, to be answered in its turn, behind the answers to the requests before it."""

    payload: bytes


@attrs.frozen
class PongReceived:
    """A pong, asked for or not."""

    payload: bytes


Item = Upgrade | Message | PingReceived | PongReceived


class Framing:
    """One connection's protocol state."""

    def __init__(self) -> None:
        self._protocol = ServerProtocol(max_size=_MAX_MESSAGE)
        self._request: Request | None = None
        self._fragments: list[bytes] = []
        self._is_text = True

    @property
    def is_open(self) -> bool:
        """Whether messages may be sent: after the upgrade, and before anybody said goodbye."""
        return self._protocol.state is State.OPEN

    @property
    def is_hopeless(self) -> bool:
        """Whether what came is no HTTP request; there may be an answer to send before hanging up."""
        return self._protocol.handshake_exc is not None

    def receive(self, data: bytes) -> list[Item]:
        """Take in bytes and return what they completed. Afterwards there may be output, such as a close frame."""
        self._protocol.receive_data(data)
        found: list[Item] = []
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._request = event
                found.append(Upgrade(event.path))
            else:
                assert isinstance(event, Frame), "a server receives no response"
                found.extend(self._frame(event))
        return found

    def _frame(self, frame: Frame) -> list[Item]:
        if frame.opcode is Opcode.PING:
            return [PingReceived(bytes(frame.data))]
        if frame.opcode is Opcode.PONG:
            return [PongReceived(bytes(frame.data))]
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return []
        if frame.opcode is not Opcode.CONT:
            self._fragments = []
            self._is_text = frame.opcode is Opcode.TEXT
        self._fragments.append(bytes(frame.data))
        if not frame.fin:
            return []
        data = b"".join(self._fragments)
        if not self._is_text:
            return [Message(data)]
        try:
            return [Message(data.decode())]
        except UnicodeDecodeError:
            self._protocol.fail(CloseCode.INVALID_DATA, "invalid UTF-8")
            return []

    def accept(self, headers: Mapping[str, str]) -> bool:
        """Answer the request with an upgrade; say whether it was fit for one. Other headers go with the 101 only."""
        assert self._request is not None, "there is nothing to accept before the request"
        response = self._protocol.accept(self._request)
        if response.status_code == 101:
            response.headers.update(headers)
        self._protocol.send_response(response)
        return self.is_open

    def reject(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Answer the request with an HTTP error."""
        every = Headers({**headers, "Content-Length": str(len(body)), "Connection": "close"})
        self._protocol.send_response(Response(status, HTTPStatus(status).phrase, every, body))

    def text(self, payload: bytes) -> bytes:
        """Return the frame of a text message."""
        self._protocol.send_text(payload)
        return b"".join(self._protocol.data_to_send())

    def binary(self, payload: bytes) -> bytes:
        """Return the frame of a binary message."""
        self._protocol.send_binary(payload)
        return b"".join(self._protocol.data_to_send())

    def ping(self, payload: bytes) -> bytes:
        """Return the frame of a ping."""
        self._protocol.send_ping(payload)
        return b"".join(self._protocol.data_to_send())

    def pong(self, payload: bytes) -> bytes:
        """Return the frame of a pong."""
        self._protocol.send_pong(payload)
        return b"".join(self._protocol.data_to_send())

    def close(self, code: int, reason: str) -> bytes:
        """Return a close frame; no message can be sent after it."""
        self._protocol.send_close(code, reason)
        return b"".join(self._protocol.data_to_send())

    def output(self) -> list[bytes | None]:
        """Return what the protocol itself has to say; ``None`` means: hang up now.

        Its pongs are left out. They would be ahead of the answers to what came before the ping.
        """
        return [data or None for data in self._protocol.data_to_send() if not data or data[0] & 0x0F != _PONG]
