"""One WebSocket API session without its socket: request texts go in, answers and events come out.

Rules of the machine:

* A request is dealt with at once, in one piece: nothing else happens between a request and its answer.
* The events that a request causes on its own connection follow its answer, unless the faults say otherwise.
  Those for other connections have left by then.
* A session is logged on with one key or none. Subscriptions do not depend on that, but for the one that the logon has
  made.

Source: Binance Spot, WebSocket API: "Request format", "Response format", "Session Authentication", "User Data
Stream requests" (2026-07-21). What the documents leave open is marked where it is decided.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from trio_binance_uds.sandbox.auth import WireDecimal, authenticate_ws, bad_key, missing
from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.keys import ApiKey, KeyType
from trio_binance_uds.sandbox.port import Kind, Port
from trio_binance_uds.sandbox.subscriptions import Subscriptions
from trio_binance_uds.sandbox.timeunit import in_microseconds
from trio_binance_uds.sandbox.venue import Answer, Venue
from trio_binance_uds.wire.json_text import dumps

_ID = re.compile(r"[a-zA-Z0-9-_]{1,36}")
_ID_RULE = "expected an integer, a string matching '^[a-zA-Z0-9-_]{1,36}$', or null."
_BAD_ID = f"Invalid 'id' in JSON request; {_ID_RULE}"
_INT64 = range(-(2**63), 2**63)
_RETIRED = ("userDataStream.start", "userDataStream.ping", "userDataStream.stop")
_DISTRUST = (-1022, -2014, -2015)
_WEIGHT = 2


def _refuse_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")


class Session:
    """The state of one connection to the WebSocket API."""

    def __init__(
        self, venue: Venue, port: Port, *, return_rate_limits: bool = True, microseconds: bool = False
    ) -> None:
        self._venue = venue
        self._port = port
        self._return_rate_limits = return_rate_limits
        self._microseconds = microseconds
        self._connected_since = venue.clock.now()
        self._key: ApiKey | None = None
        self._authorized_since: int | None = None
        self._subscriptions = Subscriptions(venue, self._event, microseconds=microseconds)
        self._invalid = 0
        # While a request is being dealt with, its connection's events wait here for the answer.
        self._held: list[str] | None = None
        self._methods: dict[str, Callable[[Mapping[str, Any]], Any]] = {
            "session.logon": self._logon,
            "session.status": lambda params: self._status(),
            "session.logout": self._logout,
            "session.subscriptions": lambda params: self._subscriptions.listed(),
            "userDataStream.subscribe": self._subscribe,
            "userDataStream.subscribe.signature": self._subscribe_signature,
            "userDataStream.subscribe.listenToken": self._subscriptions.open_with_token,
            "userDataStream.unsubscribe": self._subscriptions.unsubscribe,
        }

    @property
    def watched(self) -> Mapping[int, int]:
        """The uid of the account behind each active subscription."""
        return self._subscriptions.watched

    @property
    def api_key(self) -> str | None:
        """The key that the session is logged on with."""
        return None if self._key is None else self._key.api_key

    def receive(self, text: str | bytes) -> None:
        """Deal with one incoming frame; ``bytes`` are a binary one, which no request may be."""
        try:
            if isinstance(text, bytes):
                raise ValueError("requests are text")
            request = json.loads(text, parse_float=WireDecimal, parse_constant=_refuse_number)
            if not isinstance(request, dict):
                raise ValueError("requests are objects")
        except (ValueError, ArithmeticError, RecursionError):
            # What a server answers to these is not documented.
            self._fault(None, Refusal(-1135, "Invalid JSON request; expected an object."))
            return
        id = request.get("id", ())
        if not _valid_id(id):
            self._fault(None, Refusal(-1135, _BAD_ID))
            return
        method, params = request.get("method"), request.get("params", {})
        if not isinstance(method, str) or not method:
            self._fault(id, Refusal(-1135, "Invalid 'method' in JSON request; expected a string."))
            return
        if not isinstance(params, dict):
            self._fault(id, Refusal(-1135, "Invalid 'params' in JSON request; expected an object."))
            return
        if self._key is not None and not self._key.usable:
            # Said once, in reaction to a request, and without its id; the request itself stays unanswered.
            self._key = self._authorized_since = None
            self._send({"id": None, "status": 401, "error": {"code": bad_key().code, "msg": bad_key().msg}})
            return
        self._request(id, method.removeprefix("v3/"), params)

    def _request(self, id: Any, method: str, params: Mapping[str, Any]) -> None:
        held = self._held = []
        try:
            answer = self._answer(method, params)
        finally:
            self._held = None
        rows = params.get("returnRateLimits", self._return_rate_limits)
        frame = {"id": id, "status": answer.status}
        frame.update({"result": self._times(answer.result)} if answer.error is None else {"error": answer.error})
        if answer.rate_limits and rows:
            frame["rateLimits"] = answer.rate_limits
        first = self._port.line.events_first
        if first:
            self._flush(held)
        if not answer.lost:
            self._send(frame, answer.delay)
        if not first:
            self._flush(held)
        self._judge(answer)

    def _flush(self, held: list[str]) -> None:
        for text in held:
            self._port.emit(text, Kind.EVENT, 0.0)

    def _answer(self, method: str, params: Mapping[str, Any]) -> Answer:
        venue, port = self._venue, self._port
        if method in _RETIRED:
            # What the server says since 2026-02-20 is not documented, only that it is an error.
            return Answer(status=400, error={"code": -1020, "msg": f"{method} was retired on 2026-02-20."})
        own = self._methods.get(method)
        if own is not None:
            return venue.run(port.ip, method, _WEIGHT, lambda: own(params), connection=port.id)
        return venue.answer(
            port.ip, method, params, lambda permission: self._authenticate(params, permission), connection=port.id
        )

    def _judge(self, answer: Answer) -> None:
        """Close the connection of a client that is banned, or that keeps getting it wrong."""
        code = None if answer.error is None else answer.error["code"]
        self._invalid = self._invalid + 1 if code in _DISTRUST else 0
        if answer.status == 418 or self._invalid >= self._venue.limiter.limits.invalid_requests:
            self._port.close(1008, "disconnected")

    def _fault(self, id: Any, refusal: Refusal) -> None:
        self._send({"id": id, "status": refusal.status, "error": {"code": refusal.code, "msg": refusal.msg}})
        self._invalid += 1
        if self._invalid >= self._venue.limiter.limits.invalid_requests:
            self._port.close(1008, "disconnected")

    def _send(self, frame: Mapping[str, Any], delay: float = 0.0) -> None:
        self._port.emit(dumps(frame), Kind.ANSWER, delay)

    def _times(self, value: Any) -> Any:
        return in_microseconds(value) if self._microseconds else value

    def _time(self, microseconds: int) -> int:
        return microseconds if self._microseconds else microseconds // 1000

    # Logging on and off

    def _authenticate(self, params: Mapping[str, Any], permission: Permission | None) -> ApiKey:
        return authenticate_ws(self._venue.keys, params, self._venue.clock.now(), permission, self._key)

    def _logon(self, params: Mapping[str, Any]) -> Any:
        known = self._venue.keys.get(params.get("apiKey", ""))
        if known is not None and known.usable and known.type is not KeyType.ED25519:
            # Not documented, and measured on spot (2026-07-31). Whether the signature is looked at before is not known.
            raise Refusal(-1193, "This API key type is not supported.")
        key = authenticate_ws(self._venue.keys, params, self._venue.clock.now(), None)
        self._key, self._authorized_since = key, self._venue.clock.now()
        return self._status()

    def _logout(self, params: Mapping[str, Any]) -> Any:
        self._key = self._authorized_since = None
        self._subscriptions.log_out()
        return self._status()

    def _status(self) -> Any:
        since = self._authorized_since
        return {
            "apiKey": self.api_key,
            "authorizedSince": None if since is None else self._time(since),
            "connectedSince": self._time(self._connected_since),
            "returnRateLimits": self._return_rate_limits,
            "serverTime": self._time(self._venue.clock.now()),
            "userDataStream": bool(self._subscriptions),
        }

    # Subscriptions

    def _subscribe(self, params: Mapping[str, Any]) -> Any:
        stray = len(params.keys() - {"returnRateLimits"})
        if stray:
            raise Refusal(-1104, f"Not all sent parameters were read; read '0' parameter(s) but was sent '{stray}'.")
        if self._key is None or not self._key.allows(Permission.USER_STREAM):
            raise bad_key()
        return self._subscriptions.open(self._key, by_logon=True)

    def _subscribe_signature(self, params: Mapping[str, Any]) -> Any:
        if "apiKey" not in params:
            # A logged-on session is no substitute: this method always brings its own key.
            raise missing("apiKey")
        return self._subscriptions.open(self._authenticate(params, Permission.USER_STREAM), by_logon=False)

    def _event(self, frame: Mapping[str, Any], *, may_lead: bool = False) -> None:
        text = dumps(frame)
        if self._held is None or may_lead:
            self._port.emit(text, Kind.EVENT, 0.0)
        else:
            self._held.append(text)

    # What the faults and the connection do

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Send an event to every subscription."""
        self._subscriptions.send_event(event)

    def announce_shutdown(self) -> None:
        """Send ``serverShutdown``, which belongs to no subscription."""
        event = {"e": "serverShutdown", "E": self._time(self._venue.clock.now())}
        self._event({"event": event}, may_lead=True)

    def vanish(self, subscription_id: int | None) -> None:
        """Forget a subscription, or all, without a word; also the end of every session."""
        self._subscriptions.vanish(subscription_id)

    def terminate(self, subscription_id: int | None) -> None:
        """End a subscription, or all, each with ``eventStreamTerminated``."""
        self._subscriptions.terminate(subscription_id)

    def end_subscriptions(self, key: ApiKey, *, silently: bool) -> None:
        """End the subscriptions that were made with an API key."""
        self._subscriptions.end_with(key, silently=silently)


def _valid_id(id: Any) -> bool:
    if id is None:
        return True
    if isinstance(id, str):
        return _ID.fullmatch(id) is not None
    return isinstance(id, int) and not isinstance(id, bool) and id in _INT64
