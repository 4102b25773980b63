"""The WebSocket fronts: the HTTP upgrade, and the connections that come of it, whatever is spoken on them.

Source: Binance Spot, WebSocket API, "General API Information" and "Rate limits" (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from types import MappingProxyType
from typing import Protocol

import attrs
import trio

from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.fault_state import Door
from trio_binance_uds.sandbox.framing import Framing, Item, Upgrade
from trio_binance_uds.sandbox.port import AnySession, Port
from trio_binance_uds.sandbox.venue import Venue, retry_after_seconds
from trio_binance_uds.sandbox.ws_connection import Connection, Timing
from trio_binance_uds.wire.json_text import dumps

_READ_SIZE = 65_536


@attrs.frozen(kw_only=True)
class Admission:
    """What becomes of an upgrade that was let in.

    Attributes:
        path: what was asked for, without anything that is secret.
        headers: what goes with the 101.
    """

    path: str
    open_session: Callable[[Port], AnySession]
    timing: Timing
    headers: Mapping[str, str] = MappingProxyType({})


class Entrance(Protocol):
    """Decides about upgrades."""

    def admit(self, target: str, ip: str) -> Admission:
        """Let a request in, by the target of it: its path with the query string.

        Raises:
            Refusal: the upgrade is to be answered with that.
        """
        ...


class Connections:
    """The live connections of all fronts of a sandbox."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._live: dict[int, Connection] = {}

    @property
    def live(self) -> tuple[Connection, ...]:
        """Those that nothing has ended yet, oldest first."""
        return tuple(connection for connection in self._live.values() if connection.is_live)

    def next_id(self) -> int:
        """Return a number for a connection."""
        return next(self._ids)

    def add(self, connection: Connection) -> None:
        """Take a connection in."""
        self._live[connection.id] = connection

    def remove(self, connection: Connection) -> None:
        """Forget a connection."""
        del self._live[connection.id]


class WsFront:
    """Everything behind one port: the upgrades, and the connections that come of them."""

    def __init__(self, venue: Venue, connections: Connections, entrance: Entrance, timing: Timing) -> None:
        self._venue = venue
        self._connections = connections
        self._entrance = entrance
        self._timing = timing

    async def serve(self, stream: trio.abc.Stream, ip: str = "127.0.0.1") -> None:
        """Serve one client from its first byte to the end; the stream is closed afterwards."""
        try:
            door = self._venue.faults.door()
            if door is not None and door.status is None:
                return
            framing = Framing()
            items: Sequence[Item] = ()
            with trio.move_on_after(self._timing.handshake):
                items = await self._receive_request(stream, framing)
            connection = self._shake_hands(stream, framing, ip, door, items)
            if connection is not None:
                try:
                    await connection.run(items[1:])
                finally:
                    self._connections.remove(connection)
                return
            with trio.move_on_after(self._timing.close):
                await stream.send_all(b"".join(data or b"" for data in framing.output()))
                # Whoever hangs up first has read the refusal; closing earlier could destroy it on its way.
                while await stream.receive_some(_READ_SIZE):
                    pass
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            pass
        finally:
            await trio.aclose_forcefully(stream)

    async def _receive_request(self, stream: trio.abc.Stream, framing: Framing) -> Sequence[Item]:
        """Return the request and what came right behind it; nothing when there was no good one."""
        while not framing.is_hopeless:
            data = await stream.receive_some(_READ_SIZE)
            if not data:
                break
            items = framing.receive(bytes(data))
            if items:
                return items
        return ()

    def _shake_hands(
        self,
        stream: trio.abc.Stream,
        framing: Framing,
        ip: str,
        door: Door | None,
        items: Sequence[Item],
    ) -> Connection | None:
        """Decide about a request; return the connection if it is one now. What to send is in the framing's output."""
        if not items:
            return None
        request = items[0]
        assert isinstance(request, Upgrade), "a server's first item is the request"
        wait = None
        try:
            if door is not None and door.status is not None:
                wait = door.retry_after
                raise Refusal(door.code, door.msg, status=door.status)
            admission = self._entrance.admit(request.target, ip)
        except Refusal as refusal:
            headers = {"Content-Type": "application/json;charset=UTF-8"}
            wait = retry_after_seconds(refusal.data) or wait
            if wait is not None:
                headers["Retry-After"] = str(wait)
            framing.reject(refusal.status, headers, dumps({"code": refusal.code, "msg": refusal.msg}).encode())
            return None
        if not framing.accept(admission.headers):
            return None
        # Live before the client has read the 101, so that a test which has read it finds the connection.
        connection = Connection(
            stream,
            framing,
            id=self._connections.next_id(),
            ip=ip,
            path=admission.path,
            venue=self._venue,
            timing=admission.timing,
            open_session=admission.open_session,
        )
        self._connections.add(connection)
        return connection
