"""Streams whose URL holds a listen key, which REST makes and keeps alive.

The rules:

* Each link asks for the key anew and opens a socket of its own with it: a key that has changed can never leave a socket
  of the old one in use. The venue accepts a dead key in the URL and then stays silent, so the key is proven again when
  the socket is open.
* Prolonging the key and proving it are one call. ``PUT`` is about the account's live key, whichever that is: only where
  it names the key, or tells it, does its answer say that the key is *ours*. Elsewhere a ``POST`` follows, which tells
  the live key and prolongs it too. Where the route has ``POST`` alone, that is all.
* Where the key stands in no URL, the open socket subscribes with it. The venue must acknowledge that.
* That the key lives does not say that the socket listens to it. So the socket is asked for its streams when it has been
  opened. If the key is among them, they are asked for at each proof, and one that is missing has ended. If there are
  others only, or the answer is that of a WebSocket API, then the URL is not that of this product's events: the link
  fails. If there is none, or no list, nothing follows: no page says which hosts list a key that stands in the URL. The
  link is up then, and unproven until the first event comes.
* The key ends with ``listenKeyExpired``, if that event arrives; with -1125 or -3038, or another key in an answer; or
  when it could not be prolonged for all of its life. The socket says nothing by itself: it stays open.
* All processes of an account share one key. It is deleted only where the user asked for that.

Source: Binance Derivatives, "User Data Streams" of each product (2026-05-28); Binance Margin Trading, "Risk Data
Stream" (2023-12-22); Binance USD-M Futures, "Live Subscribing/Unsubscribing to streams" (2026-05-28).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import trio

from trio_binance_uds.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectFailed,
    NotOffered,
    OutcomeUnknown,
    RequestError,
    UserDataStreamError,
)
from trio_binance_uds.events import Event, ListenKeyExpired
from trio_binance_uds.link.clock import ServerClock, venue_seconds
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.intake import Intake, Route, SubscriptionEnded
from trio_binance_uds.link.lease import Lease
from trio_binance_uds.link.openers.contract import Opener, Subscription, look_at_the_clock
from trio_binance_uds.link.openers.urls import extended
from trio_binance_uds.link.outcomes import unknown
from trio_binance_uds.link.rest.client import RestClient
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.products import KeyPlace, ListenKeyStream

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

# There is no live key, or not this one.
# Source: Binance Derivatives, "Error Codes" (2026-05-28); Binance Margin Trading, "Error Codes".
_NO_SUCH_KEY = frozenset({-1125, -3038})
# A network that has failed once has often recovered a moment later.
_WAITS = (1.0, 2.0)
# Characters of a key; those of the venue have 60 to 70.
_LONGEST_KEY = 1024
# At least so many times in its life the key is prolonged.
_PROOFS_IN_A_LIFE = 3
_DELETE_SECONDS = 5.0
# How long a socket is waited for that is asked for its streams.
_LISTING_SECONDS = 3.0


class ListenKeyOpener(Opener):
    """Makes a key, and a socket with it, for each link."""

    def __init__(
        self,
        account: str,
        mechanism: ListenKeyStream,
        stream_url: str,
        rest: RestClient,
        clock: ServerClock,
        *,
        delete_on_exit: bool,
    ) -> None:
        self.account = account
        self.mechanism = mechanism
        self.stream_url = stream_url
        self.rest = rest
        self.clock = clock
        self._delete_on_exit = delete_on_exit

    def new_subscription(self, at_risk: Callable[[Lease, str], None]) -> Subscription:
        """Return the subscription of a new link."""
        return _ListenKeySubscription(self, at_risk)

    def check_request(self, method: str) -> None:
        """Refuse it."""
        raise NotOffered(f"{method} was not sent: the socket of {self.account} only tells events and takes no requests")

    async def call(self, verb: str, **params: str) -> dict[str, Any]:
        """Call the route of the key, and return the answer, or an empty one."""
        answer = await self.rest.keyed(f"{verb} {self.mechanism.path}", params)
        return answer if isinstance(answer, dict) else {}

    async def make_key(self) -> dict[str, Any]:
        """Make the account's key, or have the live one prolonged; return the answer, which has it.

        Raises:
            OutcomeUnknown: it has none that can be used.
        """
        answer = await self.call("POST")
        key = answer.get("listenKey")
        if not isinstance(key, str) or not _is_usable(key):
            raise unknown(f"POST {self.mechanism.path}", None, "the answer has no listenKey that can be used")
        self.rest.masker.add(key)
        return answer

    async def finish(self) -> None:
        """Delete the key, if that was asked for."""
        if not self._delete_on_exit:
            return
        with trio.move_on_after(_DELETE_SECONDS, shield=True) as in_time:
            try:
                await self.call("DELETE")
            except UserDataStreamError as error:
                log.warning("the listen key of %s could not be deleted: %s", self.account, error)
        if in_time.cancelled_caught:
            log.warning("the listen key of %s was not deleted within %g s", self.account, _DELETE_SECONDS)


class _ListenKeySubscription(Subscription):
    def __init__(self, opener: ListenKeyOpener, at_risk: Callable[[Lease, str], None]) -> None:
        self._opener = opener
        self._at_risk = at_risk
        self._warned_of: Lease | None = None
        self._key = ""
        self._lease: Lease | None = None
        # The streams that the socket had when it was opened, where the venue tells: listen keys, so never shown.
        self._listed: frozenset[str] = frozenset()

    @property
    def leases(self) -> tuple[Lease, ...]:
        """The key's life."""
        return () if self._lease is None else (self._lease,)

    def check_interval(self, wanted: float) -> float:
        """Return an interval that lies well inside the key's life."""
        return min(wanted, self._opener.mechanism.life / _PROOFS_IN_A_LIFE)

    async def prepare(self) -> str:
        """Make the key and return the URL that it opens. What tells the venue's time is looked at too."""
        asked_at = trio.current_time()
        answer = await self._opener.make_key()
        self._key = answer["listenKey"]
        await look_at_the_clock(self._opener.rest.measure_clock)
        self._prolong(asked_at, answer)
        mechanism, url, key = self._opener.mechanism, self._opener.stream_url, quote(self._key, safe="")
        if mechanism.place is KeyPlace.PATH:
            return extended(url, path=f"/{key}")
        if mechanism.place is KeyPlace.SUBSCRIPTION:
            return url
        events = f"&events={'/'.join(mechanism.events)}" if mechanism.events else ""
        return extended(url, query=f"listenKey={key}{events}")

    async def measure_clock(self, connection: Connection) -> None:
        """Ask for the venue's time by REST: the socket takes no requests."""
        await self._opener.rest.measure_clock()

    async def subscribe(self, connection: Connection, intake: Intake) -> float:
        """Prove the key: the venue acknowledges a socket with any."""
        intake.open({None: Route()})
        topics = self._opener.mechanism.topics
        try:
            if topics:
                await connection.control("SUBSCRIBE", *[f"{self._key}@{topic}" for topic in topics])
            asked_at = trio.current_time()
            # Before the proof: what is forgotten while that takes its time is missing then.
            self._listed = self._checked(await self._streams_of(connection))
        except ApiError as error:
            raise self._wrong_url(
                f"it answers as a WebSocket API does (status {error.status}, code {error.code})"
            ) from None
        if not await self.is_alive(connection):
            raise SubscriptionEnded("the listen key had ended when its stream was open")
        return asked_at

    async def is_alive(self, connection: Connection) -> bool:
        """Prolong the key, and so ask whether it is the live one; what the network loses is asked again, quickly."""
        waits = iter(_WAITS)
        while True:
            try:
                return await self._prove() and await self._is_listed(connection)
            except RequestError as error:
                wait = next(waits, None)
                if wait is None or not _is_worth_repeating(error):
                    self._look_at_what_is_left(error)
                    raise
            await trio.sleep(wait)

    def end_told_by(self, event: Event) -> str | None:
        """Return why the key has ended; one that says so of another key is an event like any other."""
        if isinstance(event, ListenKeyExpired) and event.listen_key and event.listen_key != self._key:
            return None
        return "the venue says that the listen key has expired"

    def _checked(self, streams: frozenset[str] | None) -> frozenset[str]:
        """Return the streams if the key is among them, and nothing if they prove nothing.

        Raises:
            ConnectFailed: the socket has other streams only.
        """
        if streams and any(self._key in name for name in streams):
            return streams
        if streams is not None and not streams and self._opener.mechanism.topics:
            raise SubscriptionEnded("the socket lists no stream, although it has acknowledged one")
        if streams:
            raise self._wrong_url(f"its socket lists {len(streams)} streams, and the listen key is not among them")
        what = "did not list its streams" if streams is None else "lists no stream"
        url = self._opener.stream_url
        self.unproven = f"the socket at {url} {what} when it was asked for them: only an event can prove the URL"
        return frozenset()

    def _wrong_url(self, why: str) -> ConnectFailed:
        url, account = self._opener.stream_url, self._opener.account
        return ConnectFailed(f"{url} is not where events of {account} come: {why}; check the URL given with override()")

    async def _is_listed(self, connection: Connection) -> bool:
        """Whether the socket still has the streams that it began with, where the venue has told them before.

        Raises:
            OutcomeUnknown: it has told them before, and does not now. That is no reason to doubt the socket, and no
                proof of it either: the key is proven by another way, and pongs come from a socket that forgot it too.
        """
        if not self._listed:
            return True
        streams = await self._streams_of(connection)
        if streams is None:
            raise OutcomeUnknown(
                "LIST_SUBSCRIPTIONS has not been answered, though it was before", method="LIST_SUBSCRIPTIONS"
            )
        return self._listed <= streams

    async def _streams_of(self, connection: Connection) -> frozenset[str] | None:
        """Return the streams that the socket has, or ``None`` where the venue does not tell."""
        streams = None
        with trio.move_on_after(_LISTING_SECONDS), suppress(OutcomeUnknown):
            streams = await connection.control("LIST_SUBSCRIPTIONS")
        return frozenset(name for name in streams if type(name) is str) if isinstance(streams, list) else None

    async def _prove(self) -> bool:
        mechanism, asked_at = self._opener.mechanism, trio.current_time()
        named = {"listenKey": self._key} if mechanism.put_names_key else {}
        try:
            if mechanism.has_only_post:
                answer = await self._opener.make_key()
            else:
                answer = await self._opener.call("PUT", **named)
        except ApiError as error:
            if error.code in _NO_SUCH_KEY:
                return False
            raise
        if not mechanism.put_names_key and "listenKey" not in answer:
            answer = await self._opener.make_key()
        if answer.get("listenKey", self._key) != self._key:
            return False
        self._prolong(asked_at, answer)
        return True

    def _prolong(self, asked_at: float, answer: Mapping[str, Any]) -> None:
        until = asked_at + self._opener.mechanism.life
        ends = venue_seconds(answer.get("expiration"))  # options state it
        if ends is not None and asked_at < (moment := self._opener.clock.moment_of(ends)) < until:
            until = moment
        self._lease = Lease(account=self._opener.account, since=asked_at, until=until)

    def _look_at_what_is_left(self, error: RequestError) -> None:
        lease, now = self._lease, trio.current_time()
        assert lease is not None, "there is a key since it was made"
        if now >= lease.until:
            raise SubscriptionEnded("the listen key has run out, because it could not be prolonged") from error
        if now >= lease.alarm_at and lease is not self._warned_of:
            self._warned_of = lease
            self._at_risk(lease, str(error))


def _is_usable(key: str) -> bool:
    # One segment of a path, whatever else is in it, is encoded. Dots are not: they would lead to another path.
    return 0 < len(key) <= _LONGEST_KEY and key.isascii() and key.isprintable() and key not in (".", "..")


def _is_worth_repeating(error: RequestError) -> bool:
    # A key that is refused for a moment only must not end the stream; any other refusal would be the same again.
    return not isinstance(error, ApiError) or isinstance(error, AuthenticationFailed)
