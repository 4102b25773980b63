"""The subscriptions of one WebSocket API connection: by logon, by signature and by listen token, side by side.

Rules of the machine:

* A subscription is to one account, spot or margin, and an account has one here, whoever asked for it; only a second
  listen token may make another, if the sandbox is told to behave like that.
* One that was made with a listen token ends with the token; the next token of its account prolongs it.
* A logout ends the one that was made with ``userDataStream.subscribe``, and no other.

Source: Binance Spot, WebSocket API, "User Data Stream requests" (2026-07-21); Binance Margin Trading, "Trade Data
Stream" (2026-01-15). What the documents leave open is marked where it is decided.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs

from trio_binance_uds.sandbox.auth import missing
from trio_binance_uds.sandbox.behaviour import SecondToken
from trio_binance_uds.sandbox.exchange import Account, Refusal
from trio_binance_uds.sandbox.keys import ApiKey
from trio_binance_uds.sandbox.listen_tokens import ListenToken
from trio_binance_uds.sandbox.timeunit import in_microseconds
from trio_binance_uds.sandbox.venue import Venue


class SendEvent(Protocol):
    """Takes a frame with an event; one that ``may_lead`` does not wait for the answer to what caused it."""

    def __call__(self, frame: Mapping[str, Any], *, may_lead: bool = False) -> None: ...


@attrs.define(kw_only=True, eq=False)
class Subscription:
    """One account's events on one connection."""

    id: int
    key: ApiKey
    account: Account
    by_logon: bool
    unwatch: Callable[[], None]
    token: ListenToken | None = None
    forget_token: Callable[[], None] | None = None

    def end(self) -> None:
        """Watch nothing any more."""
        self.unwatch()
        if self.forget_token is not None:
            self.forget_token()


class Subscriptions:
    """What one connection is subscribed to, by the ids that count up from 0."""

    def __init__(self, venue: Venue, send: SendEvent, *, microseconds: bool) -> None:
        self._venue = venue
        self._send = send
        self._microseconds = microseconds
        self._active: dict[int, Subscription] = {}
        self._next_id = 0

    def __bool__(self) -> bool:
        """Whether there is any."""
        return bool(self._active)

    @property
    def watched(self) -> Mapping[int, int]:
        """The uid of the account behind each subscription."""
        return {id: subscription.account.uid for id, subscription in self._active.items()}

    # What the methods do

    def listed(self) -> list[dict[str, int]]:
        """Return the result of ``session.subscriptions``."""
        return [{"subscriptionId": id} for id in self._active]

    def open(self, key: ApiKey, *, by_logon: bool) -> dict[str, Any]:
        """Subscribe to the spot account of a key, and return the result.

        Raises:
            Refusal: -2035, -1191 or -2042.
        """
        if self._of(key.account):
            raise _already()
        return {"subscriptionId": self._add(key, key.account, by_logon=by_logon).id}

    def open_with_token(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Subscribe to the account of a listen token, or prolong that, and return the result.

        Raises:
            Refusal: -1102, -1209, -2035, -1191 or -2042.
        """
        if params.get("listenToken") in (None, ""):
            raise missing("listenToken")
        token = self._venue.listen_tokens.find(params["listenToken"])
        if token is None:
            raise Refusal(-1209, "Invalid listenToken.")
        behaviour = self._venue.behaviour
        same = self._of(token.account)
        if same and behaviour.second_token is SecondToken.REFUSED:
            raise _already()
        if same and behaviour.second_token is SecondToken.SAME_ID:
            subscription = same[0]
        else:
            subscription = self._add(token.made_with, token.account, by_logon=False)
        self._follow(subscription, token)
        expiry = token.expires // 1000 if behaviour.token_expiry_in_milliseconds else token.expires
        return {"subscriptionId": subscription.id, "expirationTime": expiry}

    def unsubscribe(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """End one subscription, or all when none is named, and return the result.

        Raises:
            Refusal: -1102 or -2036.
        """
        if "subscriptionId" not in params:
            self.terminate(None)
            return {}
        id = params["subscriptionId"]
        if not isinstance(id, int) or isinstance(id, bool):
            raise missing("subscriptionId")
        if id not in self._active:
            raise Refusal(-2036, "There is no such active subscription on this connection.")
        self.terminate(id)
        return {}

    def log_out(self) -> None:
        """End what was subscribed to by the logon."""
        for subscription in [one for one in self._active.values() if one.by_logon]:
            self.terminate(subscription.id)

    # How it is done

    def _of(self, account: Account) -> list[Subscription]:
        return [subscription for subscription in self._active.values() if subscription.account is account]

    def _add(self, key: ApiKey, account: Account, *, by_logon: bool) -> Subscription:
        limits = self._venue.limiter.limits
        if len(self._active) >= limits.active_subscriptions:
            # The code is documented for another protocol only.
            raise Refusal(-1191, "Too many subscriptions on this connection.")
        if self._next_id >= limits.subscription_ids:
            raise Refusal(-2042, "This connection has used up its subscription ids.")
        id = self._next_id
        self._next_id += 1
        unwatch = self._venue.exchange.watch(account, lambda event: self._deliver(id, event))
        made = self._active[id] = Subscription(id=id, key=key, account=account, by_logon=by_logon, unwatch=unwatch)
        return made

    def _follow(self, subscription: Subscription, token: ListenToken) -> None:
        """Let a subscription end with this token, and with no other."""

        def ended(silently: bool) -> None:
            (self.vanish if silently else self.terminate)(subscription.id)

        if subscription.forget_token is not None:
            subscription.forget_token()
        subscription.token, subscription.key = token, token.made_with
        subscription.forget_token = token.ending.listen(ended)

    def _deliver(self, subscription_id: int, event: Mapping[str, Any]) -> None:
        # One of the events before, in the same delivery, may have ended the subscription.
        if subscription_id in self._active:
            times = in_microseconds(event) if self._microseconds else event
            self._send({"subscriptionId": subscription_id, "event": times})

    # What the faults and the connection do

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Send an event to every subscription."""
        for id in self._active:
            self._deliver(id, event)

    def vanish(self, subscription_id: int | None) -> None:
        """Forget a subscription, or all, without a word."""
        for id in [id for id in self._active if subscription_id in (None, id)]:
            self._active.pop(id).end()

    def terminate(self, subscription_id: int | None) -> None:
        """End a subscription, or all, each with ``eventStreamTerminated``."""
        lead = self._venue.faults.terminated_first
        for id in [id for id in self._active if subscription_id in (None, id)]:
            self.vanish(id)
            now = self._venue.clock.now()
            event = {"e": "eventStreamTerminated", "E": now if self._microseconds else now // 1000}
            self._send({"subscriptionId": id, "event": event}, may_lead=lead)

    def end_with(self, key: ApiKey, *, silently: bool) -> None:
        """End the subscriptions that were made with an API key."""
        for id in [id for id, subscription in self._active.items() if subscription.key is key]:
            (self.vanish if silently else self.terminate)(id)


def _already() -> Refusal:
    return Refusal(-2035, "The user data stream of this account is already subscribed on this connection.")
