"""The WebSocket front: the HTTP upgrade at ``/ws-api/v3``, and the connections that come of it.

Source: Binance Spot, WebSocket API, "General API Information" and "Rate limits"; SBE FAQ for the errors of an upgrade
(2026-07-21). SBE itself is not offered here: asking for it is answered as by a server that has it switched off.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from urllib.parse import parse_qsl, urlsplit

import trio

from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.fault_state import Door
from trio_binance_uds.sandbox.framing import Framing, Item, Upgrade
from trio_binance_uds.sandbox.venue import Venue, retry_after_seconds
from trio_binance_uds.sandbox.ws_connection import Connection, Timing
from trio_binance_uds.wire.json_text import dumps

PATH = "/ws-api/v3"
_WEIGHT = 2
_READ_SIZE = 65_536
_TIME_UNITS = {"MILLISECOND": False, "millisecond": False, "MICROSECOND": True, "microsecond": True}
_BOOLEANS = {"true": True, "false": False}


def session_options(query: str) -> dict[str, bool]:
    """Return what the parameters of a connection URL say about the session.

    Raises:
        Refusal: one of the five has a value that it cannot have, or is given twice.
    """
    options: dict[str, bool] = {}
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    for name in ("returnRateLimits", "timeUnit", "responseFormat", "sbeSchemaId", "sbeSchemaVersion"):
        if sum(1 for key, _ in pairs if key == name) > 1:
            raise Refusal(-1101, f"Duplicate values for parameter '{name}' detected.")
    if "returnRateLimits" in given:
        if given["returnRateLimits"] not in _BOOLEANS:
            raise Refusal(-1130, "Data sent for parameter 'returnRateLimits' is not valid.")
        options["return_rate_limits"] = _BOOLEANS[given["returnRateLimits"]]
    if "timeUnit" in given:
        if given["timeUnit"] not in _TIME_UNITS:
            raise Refusal(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
        options["microseconds"] = _TIME_UNITS[given["timeUnit"]]
    for name in ("sbeSchemaId", "sbeSchemaVersion"):
        if name in given and not (given[name].isascii() and given[name].isdigit()):
            raise Refusal(-1152, f"Invalid '{name}'; expected an integer.")
    match given.get("responseFormat", "json"):
        case "json":
            pass
        case "sbe" if "sbeSchemaId" in given and "sbeSchemaVersion" in given:
            raise Refusal(-1155, "SBE is not enabled.")
        case "sbe":
            raise Refusal(-1152, "SBE needs 'sbeSchemaId' and 'sbeSchemaVersion'.")
        case _:
            raise Refusal(-1130, "Data sent for parameter 'responseFormat' is not valid.")
    return options


class WsFront:
    """Everything behind the port of the WebSocket API."""

    def __init__(self, venue: Venue, timing: Timing) -> None:
        self._venue = venue
        self._timing = timing
        self._ids = count(1)
        self._live: dict[int, Connection] = {}

    @property
    def connections(self) -> tuple[Connection, ...]:
        """The live connections, oldest first."""
        return tuple(connection for connection in self._live.values() if connection.is_live)

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
                    del self._live[connection.id]
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
        parts = urlsplit(request.target)
        wait = None
        try:
            if door is not None and door.status is not None:
                wait = door.retry_after
                raise Refusal(door.code, door.msg, status=door.status)
            if parts.path != PATH:
                raise Refusal(-1000, "Not found.", status=404)
            self._venue.limiter.connect(ip, _WEIGHT)
            options = session_options(parts.query)
        except Refusal as refusal:
            headers = {"Content-Type": "application/json;charset=UTF-8"}
            wait = retry_after_seconds(refusal.data) or wait
            if wait is not None:
                headers["Retry-After"] = str(wait)
            framing.reject(refusal.status, headers, dumps({"code": refusal.code, "msg": refusal.msg}).encode())
            return None
        used = str(self._venue.limiter.weight_used(ip))
        if not framing.accept({"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used}):
            return None
        # Live before the client has read the 101, so that a test which has read it finds the connection.
        connection = Connection(
            stream, framing, id=next(self._ids), ip=ip, venue=self._venue, timing=self._timing, **options
        )
        self._live[connection.id] = connection
        return connection
