"""The entrance to a stream host: which session a URL asks for, and with which listen keys.

Nobody is turned away for the key: one that is unknown, has expired or belongs elsewhere gives a connection on which
nothing ever comes.

Source: Binance Derivatives, "User Data Streams Connect" of each product (2026-05-28), and "Important WebSocket Change
Notice" (2026-03-05); Binance Margin Trading, "Risk Data Stream" (2023-12-22). For the close after too many messages
"Websocket Market Streams" (2026-05-28).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlsplit

import attrs

from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.listen_keys import KeySpace
from trio_binance_uds.sandbox.port import Port
from trio_binance_uds.sandbox.stream_paths import STREAM_PATHS, StreamHost, StreamPath
from trio_binance_uds.sandbox.stream_session import Named, StreamSession
from trio_binance_uds.sandbox.venue import Venue
from trio_binance_uds.sandbox.ws_connection import Timing
from trio_binance_uds.sandbox.ws_front import Admission

_PATH = re.compile(r"(?P<before>.*?)/(?P<kind>ws|stream)(?:(?<=/ws)/(?P<key>[^/]*))?")


class StreamFront:
    """Lets connections into one stream host."""

    def __init__(self, venue: Venue, host: StreamHost) -> None:
        self._venue = venue
        self._paths = STREAM_PATHS[host]
        behaviour = venue.behaviour
        self.timing: Timing = Timing(
            lifetime=behaviour.stream_lifetime,
            ping_interval=behaviour.stream_ping_interval,
            pong_timeout=behaviour.stream_pong_timeout,
            messages_per_second=behaviour.stream_messages_per_second,
        )
        # Two products share a host, and its pings are those of the one whose key it was opened with.
        self._timings = {
            KeySpace.OPTIONS: attrs.evolve(
                self.timing,
                ping_interval=behaviour.options_ping_interval,
                pong_timeout=behaviour.options_pong_timeout,
            )
        }

    def admit(self, target: str, ip: str) -> Admission:
        """Decide about the target of an upgrade.

        Raises:
            Refusal: 404 for a path that is not here, 418 for an address that is banned.
        """
        self._venue.limiter.check_ban(ip)
        parts = urlsplit(target)
        prefix, kind, key = _split(parts.path)
        path = self._paths.get(prefix)
        if path is None or (kind == "stream" and not path.combined):
            raise Refusal(-1000, "Not found.", status=404)
        named = [Named(text=key)] if key else []
        named += _in_query(parts.query, path, kind)
        venue = self._venue
        feeds = {space: venue.desks[name] for space, name in path.desks.items() if name in venue.desks}

        def open_session(port: Port) -> StreamSession:
            return StreamSession(
                port, venue.listen_keys, feeds, topic=path.topic, combined=kind == "stream", named=named
            )

        keys = [venue.listen_keys.find(one.text) for one in named]
        space = keys[0].space if len(keys) == 1 and keys[0] is not None else None
        timing = self.timing if space is None else self._timings.get(space, self.timing)
        return Admission(path=f"{prefix}/{kind}", open_session=open_session, timing=timing)


def _split(path: str) -> tuple[str, str, str]:
    """Return what stands before ``/ws`` or ``/stream``, which of the two it is, and the key in the path."""
    found = _PATH.fullmatch(path)
    if found is None:
        raise Refusal(-1000, "Not found.", status=404)
    return found["before"], found["kind"], found["key"] or ""


def _in_query(query: str, path: StreamPath, kind: str) -> Iterator[Named]:
    """Yield the keys of a query string; a list of events belongs to the key that stands before it."""
    pairs = parse_qsl(query, keep_blank_values=True)
    for position, (name, value) in enumerate(pairs):
        if name == "listenKey" and path.query and value:
            following = pairs[position + 1 : position + 2]
            events = [text for other, text in following if other == "events" and text]
            yield Named(text=value, events=frozenset(events[0].split("/")) if events else None)
        elif name == "streams" and kind == "stream":
            yield from (Named(text=key) for key in value.split("/") if key)
