"""The ways in which a subscription comes about and stays alive, as values.

A mechanism says what is called where. How it is done is the business of the link that is opened by it: one opener
for each class here.
"""

from __future__ import annotations

from enum import StrEnum, unique
from typing import TypeAlias

import attrs

from trio_binance_uds.products.environments import Host


@attrs.frozen
class WsApiSubscription:
    """Events arrive on a WebSocket API connection that subscribed with a key's signature or after a logon.

    Source: Binance Spot, WebSocket API, "User Data Stream requests" (2026-07-21).
    """

    ws_api: Host

    @property
    def connects_to(self) -> Host:
        """Where the socket of a subscription goes."""
        return self.ws_api


@attrs.frozen(kw_only=True)
class MarginAccount:
    """A margin account that a listen token can be made for: the cross one, or that of one isolated pair.

    Attributes:
        name: what its events are marked with.
        symbol: the isolated pair; ``None`` is the cross account.
    """

    name: str
    symbol: str | None = None


@attrs.frozen(kw_only=True)
class ListenTokenSubscription:
    """Events arrive on a WebSocket API connection that subscribed with a listen token for each account.

    The token is fetched by REST and lives for ``validity`` seconds at most; before that a second subscription with a
    new token, on the same connection, prolongs the first.

    Attributes:
        accounts: one subscription each, all on one connection.
        path: where a token is made, by ``POST``.
        validity: seconds to ask for; ``None`` is the venue's default, 24 hours, which is also the most.

    Source: Binance Margin Trading, "Trade Data Stream" (2026-01-15).
    """

    ws_api: Host
    rest: Host
    accounts: tuple[MarginAccount, ...]
    path: str = "/sapi/v1/userListenToken"
    validity: float | None = None

    @property
    def connects_to(self) -> Host:
        """Where the socket of a subscription goes."""
        return self.ws_api


@unique
class KeyPlace(StrEnum):
    """Where the listen key is named when a stream is opened."""

    PATH = "path"  #: ``.../ws/<listenKey>``
    QUERY = "query"  #: ``.../ws?listenKey=<listenKey>``
    SUBSCRIPTION = "subscription"  #: in no URL: the open socket subscribes to ``<listenKey>@<topic>``


@attrs.frozen(kw_only=True)
class ListenKeyStream:
    """Events arrive on a socket whose URL holds a listen key, which REST makes and keeps alive.

    An account has one key for all of its processes. ``POST`` makes it, or returns the live one and prolongs it;
    ``PUT`` prolongs it; ``DELETE`` ends it for everybody. Some routes have ``POST`` alone.

    Attributes:
        rest: where the key is made.
        path: the route of the key's ``POST``, ``PUT`` and ``DELETE``.
        stream: where the events are.
        place: where the key is named: in the stream's URL, or in a subscription on the open socket.
        topics: what the socket subscribes to with the key, where that is the place: ``<listenKey>@<topic>`` for each.
        events: the types of events to ask for; empty is all. ``listenKeyExpired`` is then asked for too, since what is
            not listed never comes.
        life: seconds that the key lives after its last ``POST`` or ``PUT``.
        put_names_key: whether ``PUT`` must name the key. Its answer is then about that key.
        put_tells_key: whether the answer to ``PUT`` says which key it has prolonged.
        has_only_post: whether ``POST`` is the only verb of the route: it prolongs the key too, and nothing deletes it.
        time_path: the REST route that tells the venue's time; ``None`` where there is none.

    Source: Binance Derivatives, "User Data Streams" of each product (2026-05-28); Binance Margin Trading, "Risk Data
    Stream" (2023-12-22). The subscription with a key, and a route with ``POST`` alone, are those of stocks, which are
    known from clients' code only.
    """

    rest: Host
    path: str
    stream: Host
    place: KeyPlace = KeyPlace.PATH
    topics: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    life: float = 3600.0
    put_names_key: bool = False
    put_tells_key: bool = False
    has_only_post: bool = False
    time_path: str | None = None

    def __attrs_post_init__(self) -> None:
        # Binance documents the choice for that form of the URL alone.
        if self.events and self.place is not KeyPlace.QUERY:
            raise ValueError("events can be chosen only where the key stands in the query of the stream's URL")
        if bool(self.topics) is not (self.place is KeyPlace.SUBSCRIPTION):
            raise ValueError("topics are given where a socket subscribes with the key, and nowhere else")
        if self.has_only_post and (self.put_names_key or self.put_tells_key):
            raise ValueError("a route that has only POST has no PUT that names or tells the key")

    @property
    def connects_to(self) -> Host:
        """Where the socket of a subscription goes."""
        return self.stream


Mechanism: TypeAlias = WsApiSubscription | ListenTokenSubscription | ListenKeyStream
