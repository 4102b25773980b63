"""One session on a stream host without its socket: control messages go in, replies and events come out.

Rules of the machine:

* A session has an entry for each listen key that was named, in the URL or by ``SUBSCRIBE``. Nobody is told that a key
  is unknown, has expired, or is of a kind that has no events here: nothing ever comes of it.
* An entry with a list of event types lets those through and nothing else; the names are not checked.
* When its key ends an entry is told so, if its list has ``listenKeyExpired``, and is silent from then on. The
  connection does not end.

Source: Binance Derivatives, "Websocket Market Streams", "Live Subscribing/Unsubscribing to streams" (2026-05-28), and
"Important WebSocket Change Notice" (2026-03-05). Which entries are silent, and that every ``SUBSCRIBE`` is answered as
if it were good, has been observed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import attrs

from trio_binance_uds.sandbox.desk import Desk
from trio_binance_uds.sandbox.keys import ApiKey
from trio_binance_uds.sandbox.listen_keys import KeySpace, ListenKey, ListenKeys
from trio_binance_uds.sandbox.port import Kind, Port
from trio_binance_uds.wire.json_text import dumps

_METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_EXPECTED = ", ".join(f"`{name}`" for name in _METHODS)
_MOST_STREAMS = 1024


class ControlError(Exception):
    """A control message that cannot be obeyed."""

    def __init__(self, code: int, msg: str) -> None:
        super().__init__(code, msg)
        self.code = code
        self.msg = msg


def _invalid(what: str) -> ControlError:
    return ControlError(2, f"Invalid request: {what}")


@attrs.frozen(kw_only=True)
class Named:
    """A listen key as it was named, and the types of events that are wanted of it; ``None`` are all."""

    text: str = attrs.field(repr=False)
    events: Collection[str] | None = None


@attrs.define(eq=False, kw_only=True)
class _Entry:
    named: Named
    number: int
    key: ListenKey | None = None
    endings: list[Callable[[], None]] = attrs.field(factory=list)

    def detach(self) -> None:
        """Be silent from now on."""
        self.key = None
        for end in self.endings:
            end()
        self.endings.clear()


class StreamSession:
    """The state of one connection to a stream host.

    Args:
        feeds: the desk whose events a listen key of each kind brings here.
        topic: what the name of a stream has behind the listen key; see :class:`StreamPath`.
        combined: whether events are wrapped with the name of their stream.
        named: the listen keys that the URL names.
    """

    api_key = None

    def __init__(
        self,
        port: Port,
        listen_keys: ListenKeys,
        feeds: Mapping[KeySpace, Desk],
        *,
        topic: str = "",
        combined: bool,
        named: Iterable[Named],
    ) -> None:
        self._port = port
        self._listen_keys = listen_keys
        self._feeds = feeds
        self._topic = topic
        self._combined = combined
        self._entries: dict[str, _Entry] = {}
        self._numbers = 0
        for one in named:
            self._subscribe(one)

    @property
    def watched(self) -> Mapping[int, int]:
        """The uid of the owner behind each entry that events may still come of."""
        return {entry.number: entry.key.owner for entry in self._entries.values() if entry.key is not None}

    # Control messages

    def receive(self, text: str | bytes) -> None:
        """Deal with one control message."""
        try:
            reply: Any = self._obey(text)
        except ControlError as error:
            reply = {"code": error.code, "msg": error.msg}
        self._port.emit(dumps(reply), Kind.ANSWER, 0.0)

    def _obey(self, text: str | bytes) -> dict[str, Any]:
        try:
            if isinstance(text, bytes):
                raise ValueError("control messages are text")
            message = json.loads(text)
        except (ValueError, RecursionError):
            raise ControlError(3, "Invalid JSON: expected value at line 1 column 1") from None
        if not isinstance(message, dict) or "method" not in message:
            raise _invalid(f"missing field `method` at line 1 column {len(text)}")
        method, id, params = message["method"], message.get("id"), message.get("params", [])
        if method not in _METHODS:
            raise _invalid(f"unknown variant `{method}`, expected one of {_EXPECTED} at line 1 column {len(text)}")
        if not isinstance(id, int) or isinstance(id, bool) or id < 0:
            raise _invalid("request ID must be an unsigned integer")
        if not isinstance(params, list):
            raise _invalid("params must be a list")
        return {"result": self._result(method, params), "id": id}

    def _result(self, method: str, params: list[Any]) -> Any:
        match method:
            case "LIST_SUBSCRIPTIONS":
                return list(self._entries)
            case "GET_PROPERTY":
                self._check_property(params, 1)
                return self._combined
            case "SET_PROPERTY":
                self._check_property(params, 2)
                if len(params) < 2 or not isinstance(params[1], bool):
                    raise ControlError(1, "Invalid value type: expected Boolean")
                self._combined = params[1]
                return None
        names = [name for name in params if isinstance(name, str)]
        if len(names) < len(params):
            raise _invalid("stream names must be strings")
        if len(self._entries) + len(names) > _MOST_STREAMS and method == "SUBSCRIBE":
            raise _invalid("too many parameters")
        for name in names:
            if method == "SUBSCRIBE":
                self._subscribe(Named(text=name))
            else:
                self._forget(name)
        return None

    @staticmethod
    def _check_property(params: list[Any], most: int) -> None:
        if not params or not isinstance(params[0], str):
            raise _invalid("property name must be a string")
        if params[0] != "combined":
            raise ControlError(0, "Unknown property")
        if len(params) > most:
            raise _invalid("too many parameters")

    # Entries

    def _subscribe(self, named: Named) -> None:
        if named.text in self._entries:
            return
        entry = self._entries[named.text] = _Entry(named=named, number=self._numbers)
        self._numbers += 1
        text, _, topic = named.text.partition("@")
        key = self._listen_keys.find(text) if topic == self._topic else None
        desk = None if key is None else self._feeds.get(key.space)
        if key is None or desk is None or not desk.has(key.owner):
            return
        entry.key = key
        entry.endings = [
            desk.watch(key.owner, lambda event: self._deliver(entry, event)),
            key.ending.listen(lambda event: self._end(entry, event)),
        ]

    def _forget(self, name: str) -> None:
        entry = self._entries.pop(name, None)
        if entry is not None:
            entry.detach()

    def _end(self, entry: _Entry, event: Mapping[str, Any] | None) -> None:
        # A stream of one topic has no events of other types.
        if event is not None and not self._topic:
            self._deliver(entry, event)
        entry.detach()

    def _deliver(self, entry: _Entry, event: Mapping[str, Any]) -> None:
        events = entry.named.events
        # One of the events before, in the same delivery, may have ended it.
        if entry.key is not None and (events is None or event.get("e") in events):
            frame = {"stream": entry.named.text, "data": event} if self._combined else event
            self._port.emit(dumps(frame), Kind.EVENT, 0.0)

    # What the faults and the connection do

    def _live(self, number: int | None) -> list[_Entry]:
        return [entry for entry in self._entries.values() if entry.key is not None and number in (None, entry.number)]

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Send an event to every entry that is not silent, and whose list has its type."""
        for entry in self._live(None):
            self._deliver(entry, event)

    def announce_shutdown(self) -> None:
        """Say nothing: that streams announce it is not documented."""

    def vanish(self, subscription_id: int | None) -> None:
        """Forget an entry, or all, without a word: it is not listed any more either."""
        forgotten = self._live(subscription_id)
        for entry in forgotten:
            entry.detach()
        self._entries = {name: entry for name, entry in self._entries.items() if entry not in forgotten}

    def terminate(self, subscription_id: int | None) -> None:
        """Say of an entry's key, or of all, that it has expired, and be silent; the key itself lives on."""
        for entry in self._live(subscription_id):
            assert entry.key is not None, "what is silent is not in the list"
            self._end(entry, self._listen_keys.expiry(entry.key))

    def end_subscriptions(self, key: ApiKey, *, silently: bool) -> None:
        """Do nothing: what was made with an API key here is a listen key, which has ended with it."""
