"""The server that every client is measured against: one process, one loop, and frames that were built beforehand.

It is told what to do by lines of JSON on its standard input and answers by lines on its standard output. Bursts leave
in pieces of many frames; paced events are stamped one by one at the moment of sending. It checks no signature.

Run as ``python -m benchmarks.server DIRECTORY EVENTS``: the certificate for clients to trust is left in the
directory, and that many different events are prepared for each envelope that is asked for.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import itertools
import json
import os
import select
import socket
import ssl
import sys
import time
from collections import Counter, deque
from functools import cache
from pathlib import Path
from typing import Any

import attrs
import trustme

from benchmarks.answers import Session, answer
from benchmarks.frames import Envelope, FrameReader, event_frames, frame, stamped

_ACCEPT_KEY = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PIECE = 256 * 1024
_READ = 256 * 1024


@attrs.define(eq=False)
class Connection:
    """One client's connection: what has to leave, and what is known of it."""

    socket: socket.socket
    is_open: bool = False  # the WebSocket handshake is over
    envelope: Envelope = Envelope.WS_API
    session: Session = attrs.field(factory=Session)
    reader: FrameReader = attrs.field(factory=FrameReader)
    request: bytes = b""
    leaving: deque[memoryview] = attrs.field(factory=deque)

    @property
    def is_subscribed(self) -> bool:
        return self.is_open and (bool(self.session.subscriptions) or self.envelope is Envelope.COMBINED)

    def send(self, data: bytes) -> None:
        """Send what can be sent now, and keep the rest."""
        self.leaving.append(memoryview(data))
        self.flush()

    def flush(self) -> None:
        """Send what has to leave, as far as the socket takes it."""
        while self.leaving:
            data = self.leaving[0]
            try:
                sent = self.socket.send(data[:_PIECE])
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return
            if sent == len(data):
                self.leaving.popleft()
            else:
                self.leaving[0] = data[sent:]

    def receive(self) -> bytes | None:
        """Return what has arrived, which can be nothing; ``None`` at the end."""
        pieces: list[bytes] = []
        while True:
            try:
                data = self.socket.recv(_READ)
            except (BlockingIOError, ssl.SSLWantReadError):
                break
            if not data:
                return b"".join(pieces) or None
            pieces.append(data)
            if not isinstance(self.socket, ssl.SSLSocket):
                break  # What is left wakes the loop again; only TLS can hide it.
        return b"".join(pieces)


@attrs.define
class Pacing:
    """Events that are still to be sent, one at a time."""

    frames: list[bytes]
    interval: float
    due: float
    sent: int = 0


@cache
def prepared(count: int, envelope: Envelope) -> list[bytes]:
    """Return the frames of that many events."""
    return event_frames(count, envelope)


class Server:
    """The loop; see the module."""

    def __init__(self, directory: Path, events: int) -> None:
        self._events = events
        self._context = _certified(directory)
        self._plain, self._tls = _listener(), _listener()
        self._connections: dict[socket.socket, Connection] = {}
        self._commands = b""
        self._pacing: Pacing | None = None
        self._burst_of: Connection | None = None
        self._methods: Counter[str] = Counter()
        self._ended = False
        # Each burst goes on where the last one ended, so that execution ids do not come again.
        self._position = 0

    def run(self) -> None:
        """Serve until told to quit."""
        os.set_blocking(sys.stdin.fileno(), False)
        prepared(self._events, Envelope.WS_API)
        _say(listening={"plain": self._plain.getsockname()[1], "tls": self._tls.getsockname()[1]})
        while not self._ended:
            self._turn()

    def _turn(self) -> None:
        wait = None
        if self._pacing is not None:
            wait = max(0.0, self._pacing.due - time.monotonic())
        writing = [each.socket for each in self._connections.values() if each.leaving]
        # select and not epoll: its timeout is not rounded up to a whole millisecond.
        readable, writable, _ = select.select(
            [sys.stdin, self._plain, self._tls, *self._connections], writing, [], wait
        )
        if self._pacing is not None:
            self._send_paced(self._pacing)
        for each in writable:
            self._guarded(each, Connection.flush)
        if self._burst_of is not None and not self._burst_of.leaving:
            self._burst_of = None
            _say(sent_at=time.monotonic_ns())
        for ready in readable:
            if ready is sys.stdin:
                self._take_commands()
            elif ready is self._plain or ready is self._tls:
                self._accept(ready)
            elif isinstance(ready, socket.socket):
                self._guarded(ready, self._read)

    def _guarded(self, which: socket.socket, work: Any) -> None:
        connection = self._connections.get(which)
        if connection is None:
            return
        try:
            work(connection)
        except OSError:
            self._drop(connection)

    def _drop(self, connection: Connection) -> None:
        self._connections.pop(connection.socket, None)
        connection.socket.close()
        if connection is self._burst_of:
            self._burst_of = None
            _say(cut_off=True)

    # Connections.

    def _accept(self, listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if listener is self._tls:
            accepted.settimeout(5)
            try:
                accepted = self._context.wrap_socket(accepted, server_side=True)
            except OSError as error:
                print(f"TLS handshake: {error}", file=sys.stderr, flush=True)
                return
        accepted.setblocking(False)
        self._connections[accepted] = Connection(accepted)

    def _read(self, connection: Connection) -> None:
        data = connection.receive()
        if data is None:
            self._drop(connection)
        elif connection.is_open:
            self._frames(connection, data)
        else:
            connection.request += data
            head, end, rest = connection.request.partition(b"\r\n\r\n")
            if end:
                connection.request = b""
                connection.send(self._greeting(connection, head))
                self._frames(connection, rest)

    def _greeting(self, connection: Connection, head: bytes) -> bytes:
        first, *lines = head.split(b"\r\n")
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        if b"sec-websocket-key" not in headers:
            body = b"{}"
            return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (
                len(body),
                body,
            )
        connection.is_open = True
        if b"/stream" in first:
            connection.envelope = Envelope.COMBINED
        accept = base64.b64encode(hashlib.sha1(headers[b"sec-websocket-key"] + _ACCEPT_KEY).digest())
        return (
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: %s\r\n\r\n" % accept
        )

    def _frames(self, connection: Connection, data: bytes) -> None:
        answers = []
        for opcode, payload in connection.reader.feed(data):
            if opcode in (1, 2):
                method, text = answer(payload, connection.session)
                self._methods[method] += 1
                answers.append(frame(text))
            elif opcode == 9:
                answers.append(frame(payload, 10))
            elif opcode == 8:
                answers.append(frame(payload, 8))
        if answers:
            connection.send(b"".join(answers))

    # Commands.

    def _take_commands(self) -> None:
        data = os.read(sys.stdin.fileno(), 65536)
        if not data:
            self._ended = True  # whoever started this has gone
            return
        *lines, self._commands = (self._commands + data).split(b"\n")
        for line in lines:
            command = json.loads(line)
            getattr(self, f"_do_{command.pop('do')}")(**command)

    def _subscribed(self) -> Connection | None:
        return next((each for each in self._connections.values() if each.is_subscribed), None)

    def _next_frames(self, count: int, envelope: Envelope) -> list[bytes]:
        frames = prepared(self._events, envelope)
        start, self._position = self._position, (self._position + count) % len(frames)
        return list(itertools.islice(itertools.cycle(frames), start, start + count))

    def _do_burst(self, count: int) -> None:
        connection = self._subscribed()
        if connection is None:
            _say(problem="nobody has subscribed")
            return
        data = b"".join(self._next_frames(count, connection.envelope))
        self._burst_of = connection
        _say(sending_at=time.monotonic_ns(), bytes=len(data))
        connection.leaving.append(memoryview(data))
        connection.flush()

    def _do_pace(self, count: int, rate: float) -> None:
        connection = self._subscribed()
        if connection is None:
            _say(problem="nobody has subscribed")
            return
        frames = self._next_frames(count, connection.envelope)
        _say(sending_at=time.monotonic_ns(), bytes=sum(map(len, frames)))
        self._pacing = Pacing(frames, 1 / rate, time.monotonic())

    def _send_paced(self, pacing: Pacing) -> None:
        connection = self._subscribed()
        while connection is not None and pacing.sent < len(pacing.frames) and pacing.due <= time.monotonic():
            with contextlib.suppress(OSError):
                connection.send(stamped(pacing.frames[pacing.sent], time.monotonic_ns()))
            pacing.sent += 1
            pacing.due += pacing.interval
        if connection is None or pacing.sent == len(pacing.frames):
            self._pacing = None
            _say(sent_at=time.monotonic_ns())

    def _do_reset(self) -> None:
        """Drop everybody, and say what they have asked for."""
        self._pacing = self._burst_of = None
        for connection in list(self._connections.values()):
            self._drop(connection)
        _say(reset=True, methods=dict(self._methods))
        self._methods.clear()

    def _do_quit(self) -> None:
        self._ended = True


def _say(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def _listener() -> socket.socket:
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    listener.setblocking(False)
    return listener


def _certified(directory: Path) -> ssl.SSLContext:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(directory / "authority.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
    return context


if __name__ == "__main__":
    Server(Path(sys.argv[1]), int(sys.argv[2])).run()
