"""Subscriptions with a listen token, one for each margin account, all on one WebSocket API connection.

The rules:

* Each link fetches fresh tokens. One that is refused all the same is fetched anew, once.
* At half of its life a token is renewed: a new one is fetched, and subscribed with on the same connection. What the
  venue then answers is not documented, and all of it is good: the same id; another id, whose subscription is then a
  twin of the first until that has been given up; or -2035, that the account is subscribed. It is tried again until it
  works, and who reads the stream is warned when little of the life is left. The subscription that stands is never given
  up for it: if it ends, the venue says so.
* The end of one account's subscription ends the link, and so becomes a gap that heals for all of them.

Source: Binance Margin Trading, "Trade Data Stream" (2026-01-15).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import attrs
import trio

from trio_binance_uds.errors import ApiError, NotOffered, RequestError
from trio_binance_uds.link.clock import ServerClock, venue_seconds
from trio_binance_uds.link.connection import Connection
from trio_binance_uds.link.intake import Intake, Route
from trio_binance_uds.link.lease import Lease
from trio_binance_uds.link.openers.contract import Opener, Subscription, look_at_the_clock
from trio_binance_uds.link.openers.ws_api import (
    ListedSubscription,
    active_subscriptions,
    check_not_retired,
    subscription_id_in,
    unsubscribe,
)
from trio_binance_uds.link.outcomes import unknown
from trio_binance_uds.link.rest.client import RestClient
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.products import ListenTokenSubscription, MarginAccount
from trio_binance_uds.wire.methods import is_signed

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_SUBSCRIBE = "userDataStream.subscribe.listenToken"
_LONGEST_VALIDITY = 86_400.0
# Source: Binance Spot, errors.md (2026-07-21); the name of the first is not published.
_TOKEN_REFUSED = -1209
_SUBSCRIBED_ALREADY = -2035
_LONGEST_TOKEN = 16_384  # characters
_FIRST_WAIT = 1.0
# Between two renewals of a token lie at least so many seconds, and twice as many each time that the venue names an end
# that lies within them: an end that is about to come would otherwise be answered by renewing as fast as the venue can.
# Where tokens are asked for that live shorter, it is a quarter of their life: they are renewed at half of it.
_LEAST_LIFE = 5.0
_LARGEST_LEAST_LIFE = 60.0
# Of what is left of its life a failed renewal waits at most so much before the next.
_LARGEST_WAIT = 1 / 20


@attrs.frozen
class _Token:
    """A listen token, and what was said of its life."""

    text: str = attrs.field(repr=False)
    asked_at: float
    expiration_time: Any


class ListenTokenOpener(Opener):
    """Subscribes with a token for each of the accounts."""

    def __init__(self, mechanism: ListenTokenSubscription, url: str, rest: RestClient, clock: ServerClock) -> None:
        self.mechanism = mechanism
        self.url = url
        self._rest = rest
        self._clock = clock

    @property
    def least_life(self) -> float:
        """How many seconds lie between two renewals at least."""
        return min(_LEAST_LIFE, (self.mechanism.validity or _LONGEST_VALIDITY) / 4)

    def new_subscription(self, at_risk: Callable[[Lease, str], None]) -> Subscription:
        """Return the subscription of a new link."""
        return _ListenTokenSubscription(self, at_risk)

    def check_request(self, method: str) -> None:
        """Let what needs no key pass: the rest would act on the spot account of the same key."""
        check_not_retired(method)
        if is_signed(method):
            raise NotOffered(
                f"{method} was not sent: on this connection, which is spot's, it would act on the spot account and not "
                "on a margin account; margin is traded over REST"
            )

    async def fetch_token(self, account: MarginAccount) -> _Token:
        """Make a new token for an account; those made before live on."""
        validity = self.mechanism.validity
        params: dict[str, Any] = {} if account.symbol is None else {"isIsolated": True, "symbol": account.symbol}
        if validity is not None:
            params["validity"] = round(1000 * validity)
        asked_at = trio.current_time()
        route = f"POST {self.mechanism.path}"
        answer = await self._rest.keyed(route, params)
        token = answer.get("token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not 0 < len(token) <= _LONGEST_TOKEN:
            raise unknown(route, None, "the answer has no token that can be used")
        self._rest.masker.add(token)
        return _Token(token, asked_at, answer.get("expirationTime"))

    def lease_of(self, account: MarginAccount, token: _Token, subscribed: Any) -> Lease:
        """Return the life of a subscription, by the earliest end that the venue has named, if it has.

        Which unit it names an end in depends on where it does.
        """
        named = [venue_seconds(token.expiration_time)]
        if isinstance(subscribed, dict):
            named.append(venue_seconds(subscribed.get("expirationTime")))
        longest = token.asked_at + (self.mechanism.validity or _LONGEST_VALIDITY)
        moments = [self._clock.moment_of(end) for end in named if end is not None]
        # What lies in the past is no end that can be planned with.
        until = min([longest, *(moment for moment in moments if moment > trio.current_time())])
        return Lease(account=account.name, since=token.asked_at, until=until)


@attrs.define(eq=False)
class _Membership:
    """An account on this connection: its subscription, and when that is to be renewed."""

    account: MarginAccount
    route: Route
    token: _Token
    floor: float
    number: int = -1
    lease: Lease | None = None
    due_at: float = 0.0
    wait: float = 0.0
    least: float = attrs.field(default=attrs.Factory(lambda self: self.floor, takes_self=True))
    warned: bool = False

    def take(self, lease: Lease) -> None:
        """Begin another life."""
        earliest = trio.current_time() + self.least
        is_short = lease.renew_at < earliest
        self.lease = lease
        self.due_at = max(lease.renew_at, earliest)
        self.least = min(2 * self.least, _LARGEST_LEAST_LIFE) if is_short else self.floor
        self.wait = 0.0
        self.warned = False

    def postpone(self) -> None:
        """Wait for a while, longer each time, before the next attempt to renew."""
        assert self.lease is not None
        life = self.lease.until - self.lease.since
        self.wait = min(max(_FIRST_WAIT, 2 * self.wait), max(_FIRST_WAIT, life * _LARGEST_WAIT))
        self.due_at = trio.current_time() + self.wait


class _ListenTokenSubscription(ListedSubscription):
    def __init__(self, opener: ListenTokenOpener, at_risk: Callable[[Lease, str], None]) -> None:
        super().__init__()
        self._opener = opener
        self._at_risk = at_risk
        self._shared = len(opener.mechanism.accounts) > 1
        self._memberships: list[_Membership] = []
        self._intake: Intake | None = None
        self.events_prove = not self._shared

    @property
    def leases(self) -> tuple[Lease, ...]:
        """The lives of the tokens."""
        return tuple([membership.lease for membership in self._memberships if membership.lease is not None])

    async def prepare(self) -> str:
        """Fetch a token for each account, and return the URL."""
        for account in self._opener.mechanism.accounts:
            route = Route(account.name if self._shared else None)
            token = await self._opener.fetch_token(account)
            self._memberships.append(_Membership(account, route, token, self._opener.least_life))
        return self._opener.url

    async def subscribe(self, connection: Connection, intake: Intake) -> float:
        """Look at the venue's clock, which the lives are told by, and subscribe for each account."""
        await look_at_the_clock(connection.measure_clock)
        routes: dict[int | None, Route] = {None: Route()}
        asked_at = trio.current_time()
        for member in self._memberships:
            try:
                result = await _subscribe(connection, member.token)
            except ApiError as error:
                if error.code != _TOKEN_REFUSED:
                    raise
                member.token = await self._opener.fetch_token(member.account)
                result = await _subscribe(connection, member.token)
            member.number = subscription_id_in(result, _SUBSCRIBE)
            if member.number in routes:
                raise unknown(_SUBSCRIBE, None, f"two accounts got the subscriptionId {member.number}")
            routes[member.number] = member.route
            member.take(self._opener.lease_of(member.account, member.token, result))
        self._note_numbers()
        self._intake = intake
        intake.open(routes)
        return asked_at

    async def is_alive(self, connection: Connection) -> bool:
        """Ask whether all accounts are subscribed, and clear away what a renewal has left."""
        listed = await self._list(connection)
        assert self._intake is not None
        for number in self._intake.leaving:
            if number in listed:
                await _give_up(connection, number)
            else:
                self._intake.forget(number)
        return self._numbers <= listed

    async def maintain(self, connection: Connection) -> None:
        """Renew the tokens, one at a time: what comes by an unknown id meanwhile must then be of that account."""
        while True:
            member = min(self._memberships, key=lambda member: member.due_at)
            await trio.sleep_until(member.due_at)
            try:
                await self._renew(connection, member)
            except RequestError as error:
                self._on_failed(member, error)

    async def _renew(self, connection: Connection, member: _Membership) -> None:
        token = await self._opener.fetch_token(member.account)
        intake = self._intake
        assert intake is not None
        intake.expect_twin(member.number)
        result = None
        try:
            result = await _subscribe(connection, token)
            number = subscription_id_in(result, _SUBSCRIBE)
            if number != member.number and number in intake.known:
                # Its events would be delivered as those of another account.
                raise unknown(_SUBSCRIBE, None, f"the subscriptionId {number} of the answer is in use already")
        except ApiError as error:
            intake.no_twin(member.number)
            if error.code != _SUBSCRIBED_ALREADY:
                raise
        except RequestError:
            await self._look_for_orphan(connection, member.number)
            raise
        else:
            if number == member.number:
                intake.no_twin(number)
            else:
                old, member.number = member.number, number
                self._note_numbers()
                intake.add_twin(old, number, leaving=old)
                await _give_up(connection, old)
        member.token = token
        member.take(self._opener.lease_of(member.account, token, result))
        log.info("the listen token of %s was renewed", member.account.name)

    async def _look_for_orphan(self, connection: Connection, number: int) -> None:
        """Find out whether there is a twin although nothing was heard of it, and give it up."""
        assert self._intake is not None
        orphans: frozenset[int] = frozenset()
        with suppress(RequestError):
            orphans = await active_subscriptions(connection) - self._intake.known
        if not orphans:
            self._intake.no_twin(number)
            return
        orphan = min(orphans)
        self._intake.add_twin(number, orphan, leaving=orphan)
        await _give_up(connection, orphan)

    def _on_failed(self, member: _Membership, error: RequestError) -> None:
        log.warning("the listen token of %s could not be renewed: %s", member.account.name, error)
        member.postpone()
        lease = member.lease
        assert lease is not None
        if trio.current_time() >= lease.alarm_at and not member.warned:
            member.warned = True
            self._at_risk(lease, str(error))

    def _note_numbers(self) -> None:
        self._numbers = {member.number for member in self._memberships}


async def _subscribe(connection: Connection, token: _Token) -> Any:
    return await connection.ask(_SUBSCRIBE, {"listenToken": token.text})


async def _give_up(connection: Connection, number: int) -> None:
    try:
        await unsubscribe(connection, number)
    except RequestError as error:
        log.debug("subscription %d, which was replaced, was not given up: %s", number, error)
