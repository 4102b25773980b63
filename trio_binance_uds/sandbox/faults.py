"""Faults on purpose: what can go wrong between a client and Binance, at the moment that you choose.

Every fault takes ``connection`` (a live connection or its id; without it all live ones) and ``after`` (seconds from
now; without it at once). The same calls at the same times give the same frames.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, Protocol

import attrs
import trio

from trio_binance_uds.products import Product
from trio_binance_uds.sandbox.clock import Clock
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.fault_state import Door, How, Line, Script, Target, Which, id_of
from trio_binance_uds.sandbox.keys import ApiKey
from trio_binance_uds.sandbox.limits import Limiter
from trio_binance_uds.sandbox.listen_keys import KeySpace, ListenKeys, key_space
from trio_binance_uds.sandbox.listen_tokens import ListenTokens


class Owner(Protocol):
    """Whose listen key or token it is: an account of the sandbox."""

    @property
    def uid(self) -> int: ...


class Faults:
    """The switchboard of a sandbox's faults."""

    def __init__(
        self,
        *,
        clock: Clock,
        limiter: Limiter,
        random: Random,
        live: Callable[[], Sequence[Target]],
        start_soon: Callable[..., None],
        listen_keys: ListenKeys,
        listen_tokens: ListenTokens,
    ) -> None:
        self.random = random
        self.terminated_first = False
        """Whether ``eventStreamTerminated`` comes before the answer to what caused it, instead of after."""
        self.never_sent: list[str | bytes] = []
        """The messages that :meth:`drop` has swallowed, oldest first."""
        self._clock = clock
        self._limiter = limiter
        self._live = live
        self._start_soon = start_soon
        self._listen_keys = listen_keys
        self._listen_tokens = listen_tokens
        self._future = Line()
        self._scripts: list[Script] = []
        self._door: Door | None = None
        self._door_left: int | None = None
        self._door_until: float | None = None

    # What goes wrong with a line

    def cut(self, connection: Which = None, *, how: How | str = How.RESET, after: float = 0.0) -> None:
        """Break the connection, without a close frame. In memory both kinds look like an end of file."""
        self._each(connection, after, lambda target: target.cut(How(how)))

    def close(
        self, connection: Which = None, *, code: int = 1008, reason: str = "disconnected", after: float = 0.0
    ) -> None:
        """Close the connection with a close frame."""
        self._each(connection, after, lambda target: target.close(code, reason))

    def half_open(self, connection: Which = None, *, after: float = 0.0) -> None:
        """Fall silent and keep the socket: no events, no pongs, no answers, until :meth:`heal`."""
        self._set(connection, after, silent=True)

    def tear_frame(self, connection: Which = None, *, after: float = 0.0) -> None:
        """Send only half of the next message, then cut."""
        self._set(connection, after, tear=True)

    def delay(self, seconds: float, connection: Which = None, *, after: float = 0.0) -> None:
        """Hold every outgoing frame up, in order; without ``connection`` on future connections too."""
        self._set(connection, after, lasting=True, delay=seconds)

    def drop(self, count: int = 1, connection: Which = None, *, after: float = 0.0) -> None:
        """Swallow the next outgoing messages: events and answers alike."""
        self._set(connection, after, drop=count)

    def duplicate(self, count: int = 1, connection: Which = None, *, after: float = 0.0) -> None:
        """Send each of the next events twice."""
        self._set(connection, after, duplicate=count)

    def events_first(self, on: bool = True, connection: Which = None, *, after: float = 0.0) -> None:
        """Send the events that a request causes before its answer; without ``connection`` also on future ones."""
        self._set(connection, after, lasting=True, events_first=on)

    def stop_pongs(self, connection: Which = None, *, after: float = 0.0) -> None:
        """No longer answer the client's pings; without ``connection`` also on future connections."""
        self._set(connection, after, lasting=True, answer_pings=False)

    def stop_pings(self, connection: Which = None, *, after: float = 0.0) -> None:
        """No longer send pings; without ``connection`` also on future connections."""
        self._set(connection, after, lasting=True, send_pings=False)

    def heal(self, connection: Which = None, *, after: float = 0.0) -> None:
        """Undo what the methods above have set; without ``connection`` open the door and forget scripts as well."""

        def action(target: Target) -> None:
            target.line = Line()

        self._each(connection, after, action)
        if connection is None:
            self._later(after, self._forget)

    def _forget(self) -> None:
        self._future = Line()
        self._scripts.clear()
        self._door = None

    # What the server says that nobody asked for

    def send_raw(self, data: str | bytes, connection: Which = None, *, after: float = 0.0) -> None:
        """Send a text frame, or with ``bytes`` a binary frame, of any content."""
        self._each(connection, after, lambda target: target.send_raw(data))

    def send_event(self, event: dict[str, Any], connection: Which = None, *, after: float = 0.0) -> None:
        """Send an event to every subscription of the connection: an unknown type, a mangled one, ..."""
        self._each(connection, after, lambda target: target.send_event(event))

    def server_shutdown(self, connection: Which = None, *, grace: float = 10.0, after: float = 0.0) -> None:
        """Send ``serverShutdown``, and close the same connections ``grace`` seconds later.

        The streams of listen keys close without the announcement.
        """

        def action(target: Target) -> None:
            target.announce_shutdown()
            self.close(target, code=1001, reason="server shutdown", after=grace)

        self._each(connection, after, action)

    def vanish_subscription(
        self, connection: Which = None, *, subscription_id: int | None = None, after: float = 0.0
    ) -> None:
        """Forget a subscription, or all of the connection, without a word.

        On the stream of listen keys those are numbered from 0, in the order in which they were named.
        """
        self._each(connection, after, lambda target: target.vanish(subscription_id))

    def terminate_subscription(
        self, connection: Which = None, *, subscription_id: int | None = None, after: float = 0.0
    ) -> None:
        """End a subscription, or all of the connection, with ``eventStreamTerminated``.

        On the stream of listen keys that is ``listenKeyExpired``; the key itself lives on.
        """
        self._each(connection, after, lambda target: target.terminate(subscription_id))

    def revoke(self, key: ApiKey, *, silently: bool = True, after: float = 0.0) -> None:
        """Delete an API key: requests with it are refused, and a session that is logged on hears so at its next one.

        What becomes of subscriptions is not documented: they vanish, or with ``silently`` off end with
        ``eventStreamTerminated``. So it is with the listen keys and listen tokens that the key has asked for.
        """

        def action() -> None:
            key.revoked = True
            self._listen_keys.revoke(key, silently=silently)
            self._listen_tokens.revoke(key, silently=silently)
            for target in self._live():
                target.end_subscriptions(key, silently=silently)

        self._later(after, action)

    def expire_listen_key(
        self, account: Owner, product: Product | KeySpace | str, *, silently: bool = False, after: float = 0.0
    ) -> None:
        """End an account's listen key for a product before its time; if there is none, nothing happens.

        It is named by the product, or by the name of its :class:`KeySpace`. ``silently`` nobody is told.

        Raises:
            ValueError: the product has no listen key.
        """
        space = key_space(product)
        self._later(after, lambda: self._listen_keys.expire(account.uid, space, silently=silently))

    def delete_listen_key(self, account: Owner, product: Product | KeySpace | str, *, after: float = 0.0) -> None:
        """End it as another process of the account's does with a ``DELETE``, which looks the same."""
        self.expire_listen_key(account, product, after=after)

    def expire_listen_token(self, account: Owner, symbol: str | None = None, *, after: float = 0.0) -> None:
        """End the listen tokens of an account's cross margin, or of an isolated pair, before their time."""
        self._later(after, lambda: self._listen_tokens.expire(account.uid, symbol))

    # What becomes of requests

    def fail_next(
        self,
        method: str | None = None,
        *,
        status: int = 503,
        code: int = -1000,
        msg: str = "An unknown error occurred while processing the request.",
        data: Any = None,
        executed: bool = False,
        times: int = 1,
        connection: Which = None,
        after: float = 0.0,
    ) -> None:
        """Answer the next requests for a method, or any method, with an error; ``executed`` ones have been done.

        A method is named as on the WebSocket API, also for its route of ``/api``; the routes of the other products
        are named like ``PUT /fapi/v1/listenKey``.
        """
        error = Refusal(code, msg, status=status, data=data)
        self._script(
            after, Script(method=method, connection=id_of(connection), times=times, execute=executed, error=error)
        )

    def lose_answer(
        self, method: str | None = None, *, times: int = 1, connection: Which = None, after: float = 0.0
    ) -> None:
        """Do what the next requests ask for, and never answer them."""
        self._script(after, Script(method=method, connection=id_of(connection), times=times, lost=True))

    def delay_answer(
        self,
        seconds: float,
        method: str | None = None,
        *,
        times: int = 1,
        connection: Which = None,
        after: float = 0.0,
    ) -> None:
        """Answer the next requests late; their events, and other answers, overtake them."""
        self._script(after, Script(method=method, connection=id_of(connection), times=times, delay=seconds))

    def html_answer(
        self,
        method: str | None = None,
        *,
        status: int = 502,
        title: str = "502 Bad Gateway",
        executed: bool = False,
        times: int = 1,
        after: float = 0.0,
    ) -> None:
        """Answer the next REST requests with a page of HTML, as a server that stands before the venue does."""
        error = Refusal(-1000, title, status=status)
        self._script(after, Script(method=method, times=times, execute=executed, error=error, page=title))

    def cut_answer(
        self, method: str | None = None, *, executed: bool = True, times: int = 1, after: float = 0.0
    ) -> None:
        """End the connections of the next REST requests in place of their answers."""
        self._script(after, Script(method=method, times=times, execute=executed, cut=True))

    def _script(self, after: float, script: Script) -> None:
        self._later(after, lambda: self._scripts.append(script))

    def script_for(self, method: str, connection: int | None) -> Script | None:
        """Return what is to become of this request, and count it; the fronts call this."""
        for script in self._scripts:
            if script.method in (None, method) and script.connection in (None, connection):
                script.times -= 1
                if script.times <= 0:
                    self._scripts.remove(script)
                return script
        return None

    # What becomes of connection attempts, and of everybody

    def refuse_connections(
        self,
        *,
        status: int | None = None,
        retry_after: int | None = None,
        code: int = -1003,
        msg: str = "Service unavailable.",
        count: int | None = None,
        seconds: float | None = None,
        after: float = 0.0,
    ) -> None:
        """Turn connections away: ``count`` of them, or for so many seconds, or until :meth:`heal`.

        With ``status`` (403, 418, 429, 503) the upgrade is answered with that; without it the server hangs up at once.
        All WebSocket fronts are meant, and they alone; :meth:`fail_next` and its like are for REST.
        """

        def action() -> None:
            self._door = Door(status=status, retry_after=retry_after, code=code, msg=msg)
            self._door_left = count
            self._door_until = None if seconds is None else trio.current_time() + seconds

        self._later(after, action)

    def door(self) -> Door | None:
        """Return how this attempt is turned away, and count it, or ``None``; the front calls this."""
        if self._door is None:
            return None
        if self._door_until is not None and trio.current_time() >= self._door_until:
            self._door = None
            return None
        door = self._door
        if self._door_left is not None:
            self._door_left -= 1
            if self._door_left <= 0:
                self._door = None
        return door

    def ban(self, seconds: float = 120.0, *, after: float = 0.0) -> None:
        """Ban every address: requests and upgrades get 418, and a live connection is closed with its first one."""

        def action() -> None:
            for ip in {*self._limiter.addresses(), *(target.ip for target in self._live())}:
                self._limiter.ban(ip, seconds)

        self._later(after, action)

    def skew_clock(self, seconds: float, *, after: float = 0.0) -> None:
        """Set the server's clock so many seconds ahead of the true time, or behind."""

        def action() -> None:
            self._clock.skew = seconds

        self._later(after, action)

    async def storm(
        self, duration: float, *, mean: float = 5.0, kinds: Iterable[str] = ("cut", "half_open", "tear_frame")
    ) -> None:
        """Let faults of these kinds, by name, hit one connection each at random times, for ``duration`` seconds."""
        names = tuple(kinds)
        end = trio.current_time() + duration
        while True:
            pause = self.random.expovariate(1 / mean)
            if trio.current_time() + pause >= end:
                break
            await trio.sleep(pause)
            live = self._live()
            if live:
                getattr(self, self.random.choice(names))(self.random.choice(live))
        await trio.sleep_until(end)

    # How it is done

    def new_line(self) -> Line:
        """Return the state of a connection that is just being opened; the front calls this."""
        return attrs.evolve(self._future)

    def _set(self, connection: Which, after: float, *, lasting: bool = False, **changes: Any) -> None:
        def action(target: Target) -> None:
            target.line = attrs.evolve(target.line, **changes)

        def future() -> None:
            self._future = attrs.evolve(self._future, **changes)

        self._each(connection, after, action)
        if lasting and connection is None:
            self._later(after, future)

    def _each(self, connection: Which, after: float, action: Callable[[Target], None]) -> None:
        def on_all() -> None:
            wanted = id_of(connection)
            # A list of its own: a cut takes the connection out of the live ones.
            for target in list(self._live()):
                if wanted is None or target.id == wanted:
                    action(target)

        self._later(after, on_all)

    def _later(self, after: float, action: Callable[[], None]) -> None:
        if after <= 0:
            action()
        else:
            self._start_soon(self._sleep_then, after, action)

    async def _sleep_then(self, after: float, action: Callable[[], None]) -> None:
        await trio.sleep(after)
        action()
