"""Subscriptions on a WebSocket API connection: by a logon of the session, or by a signature.

Source: Binance Spot, WebSocket API, "Session authentication" and "User Data Stream requests" (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import trio

from trio_binance_uds.credentials import Credentials, KeyKind
from trio_binance_uds.errors import OutcomeUnknown, Retired
from trio_binance_uds.events import Event, EventStreamTerminated
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.intake import Intake, Route, SubscriptionEnded
from trio_binance_uds.link.lease import Lease
from trio_binance_uds.link.openers.contract import Opener, Subscription, look_at_the_clock
from trio_binance_uds.wire.methods import is_retired

# So many checks of the subscription may in a row get no usable answer before the connection is given up.
_CHECKS_WITHOUT_ANSWER = 3


class WsApiOpener(Opener):
    """Subscribes with the account's key, on the connection that takes the user's requests too."""

    is_signed = True

    def __init__(self, url: str, *, by_logon: bool) -> None:
        self._url = url
        self._subscribe = subscribe_by_logon if by_logon else subscribe_by_signature

    def new_subscription(self, at_risk: Callable[[Lease, str], None]) -> Subscription:
        """Return the subscription of a new link; there is no lease to be at risk."""
        return _WsApiSubscription(self._url, self._subscribe)

    def check_request(self, method: str) -> None:
        """Let every request pass that there still is: the connection is the account's own."""
        check_not_retired(method)


class ListedSubscription(Subscription):
    """A subscription that is alive as long as ``session.subscriptions`` lists it.

    Where it is asked for on the connection of the subscription itself, a venue that does not answer has as likely
    stopped sending events.

    Source: Binance Spot, WebSocket API, "Listing all subscriptions" (2026-07-21).
    """

    def __init__(self) -> None:
        self._without_answer = 0
        self._numbers: set[int] = set()

    async def is_alive(self, connection: Connection) -> bool:
        """Ask whether it is listed."""
        return self._numbers <= await self._list(connection)

    async def _list(self, connection: Connection) -> frozenset[int]:
        try:
            listed = await active_subscriptions(connection)
        except OutcomeUnknown as error:
            self._without_answer += 1
            if self._without_answer >= _CHECKS_WITHOUT_ANSWER:
                why = f"{self._without_answer} checks in a row brought no answer"
                raise SubscriptionEnded(why) from error
            raise
        self._without_answer = 0
        return listed

    def end_told_by(self, event: Event) -> str | None:
        """Return that the venue has ended it, if it says so."""
        return "the venue ended the subscription" if isinstance(event, EventStreamTerminated) else None

    async def leave(self, connection: Connection) -> None:
        """Unsubscribe."""
        for number in sorted(self._numbers):
            await unsubscribe(connection, number)


class _WsApiSubscription(ListedSubscription):
    def __init__(self, url: str, subscribe: Callable[[Connection], Awaitable[int]]) -> None:
        super().__init__()
        self._url = url
        self._subscribe = subscribe

    async def prepare(self) -> str:
        """Return the URL: there is nothing to do before it."""
        await trio.lowlevel.checkpoint()
        return self._url

    async def subscribe(self, connection: Connection, intake: Intake) -> float:
        """Look at the venue's clock, for the signature, and subscribe."""
        await look_at_the_clock(connection.measure_clock)
        number = await self._subscribe(connection)
        self._numbers = {number}
        route = Route()
        intake.open({number: route, None: route})
        return trio.current_time()


async def subscribe_by_logon(connection: Connection) -> int:
    """Log the session on with an Ed25519 key, subscribe, and return the subscription's id.

    Requests on this connection need no signature from here on.
    """
    await connection.signed_request("session.logon")
    connection.logged_on = True
    return subscription_id_in(await connection.request("userDataStream.subscribe"), "userDataStream.subscribe")


async def subscribe_by_signature(connection: Connection) -> int:
    """Subscribe with a signature, which works with a key of any kind, and return the subscription's id."""
    method = "userDataStream.subscribe.signature"
    return subscription_id_in(await connection.signed_request(method), method)


async def unsubscribe(connection: Connection, subscription_id: int) -> None:
    """End one subscription; the connection stays open."""
    await connection.request("userDataStream.unsubscribe", {"subscriptionId": subscription_id})


async def active_subscriptions(connection: Connection) -> frozenset[int]:
    """Return the ids of the connection's subscriptions as the venue sees them."""
    method = "session.subscriptions"
    result = await connection.ask(method)
    if not isinstance(result, list):
        raise _unusable(method)
    return frozenset(subscription_id_in(entry, method) for entry in result)


def wants_logon(credentials: Credentials, logon: bool | None) -> bool:
    """Decide between the two openers: a logon where the key can, unless the caller said.

    Raises:
        CredentialsError: a logon was asked for and the key is not an Ed25519 key.
    """
    if logon:
        credentials.require(KeyKind.ED25519, "session.logon")
    return credentials.kind is KeyKind.ED25519 if logon is None else logon


def check_not_retired(method: str) -> None:
    """Let a method of spot's WebSocket API pass, unless the venue has taken it away.

    Raises:
        Retired: it has; nothing was sent.

    Source: Binance Spot, change log, 2026-02-20.
    """
    if is_retired(method):
        raise Retired(
            method=method,
            status=410,
            code=0,
            msg="it was not sent",
            what="listen keys of spot",
            since=date(2026, 2, 20),
            replaced_by="the subscription that this stream keeps by itself, with userDataStream.subscribe and its like",
        )


def subscription_id_in(result: Any, method: str) -> int:
    """Return the id that a result tells.

    Raises:
        OutcomeUnknown: it tells none.
    """
    # The id 0 is the normal first one: it is never tested for truth.
    number = result.get("subscriptionId") if isinstance(result, dict) else None
    if type(number) is not int:
        raise _unusable(method)
    return number


def _unusable(method: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"the answer to {method} has no usable subscriptionId", method=method)
