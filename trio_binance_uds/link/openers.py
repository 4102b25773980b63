"""How a fresh WebSocket API connection becomes a live subscription, one opener for each way.

Source: Binance Spot, WebSocket API, "Session authentication" and "User Data Stream requests" (2026-07-21).
"""

from __future__ import annotations

from typing import Any

from trio_binance_uds.credentials import Credentials, KeyKind
from trio_binance_uds.errors import OutcomeUnknown
from trio_binance_uds.link.connection import Connection


async def subscribe_by_logon(connection: Connection) -> int:
    """Log the session on with an Ed25519 key, subscribe, and return the subscription's id.

    Requests on this connection need no signature from here on.
    """
    await connection.signed_request("session.logon")
    connection.logged_on = True
    return _subscription_id(await connection.request("userDataStream.subscribe"), "userDataStream.subscribe")


async def subscribe_by_signature(connection: Connection) -> int:
    """Subscribe with a signature, which works with a key of any kind, and return the subscription's id."""
    method = "userDataStream.subscribe.signature"
    return _subscription_id(await connection.signed_request(method), method)


async def unsubscribe(connection: Connection, subscription_id: int) -> None:
    """End one subscription; the connection stays open."""
    await connection.request("userDataStream.unsubscribe", {"subscriptionId": subscription_id})


async def active_subscriptions(connection: Connection) -> frozenset[int]:
    """Return the ids of the connection's subscriptions as the venue sees them."""
    method = "session.subscriptions"
    result = await connection.request(method)
    if not isinstance(result, list):
        raise _unusable(method)
    return frozenset(_subscription_id(entry, method) for entry in result)


def wants_logon(credentials: Credentials, logon: bool | None) -> bool:
    """Decide between the two openers: a logon where the key can, unless the caller said.

    Raises:
        CredentialsError: a logon was asked for and the key is not an Ed25519 key.
    """
    if logon:
        credentials.require(KeyKind.ED25519, "session.logon")
    return credentials.kind is KeyKind.ED25519 if logon is None else logon


def _subscription_id(result: Any, method: str) -> int:
    # The id 0 is the normal first one: it is never tested for truth.
    number = result.get("subscriptionId") if isinstance(result, dict) else None
    if type(number) is not int:
        raise _unusable(method)
    return number


def _unusable(method: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"the answer to {method} has no usable subscriptionId", method=method)
