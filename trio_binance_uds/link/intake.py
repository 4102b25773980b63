"""Sorts a link's events: those of its subscriptions, those about the link itself, and strays.

The rules:

* A subscription is known by its id on the connection; an event without an id is for whatever is subscribed there.
* Whether events may overtake the acknowledgement of their subscription is not documented. While one is being asked for,
  events whose id is not known wait; at all other times they are *strays*, told as unknown events.
* An account has one subscription. Only while its token is renewed it can have two, which bring the same: *twins*. What
  either brings is counted for the other, by the event's identity, and dropped when that brings it too.

All of it is synchronous.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import trio

from trio_binance_uds.events import Event, ServerShutdown, UnknownEvent, UntypedEvent
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.transport import TransportClosed

# So many frames in a row may be neither events nor answers, those of one read after the last event not counted.
_MOST_UNREADABLE = 1000
# How many events may come before the acknowledgement of their subscription.
_MAX_EARLY = 10_000
# How long after the end of a twin the other may still repeat what it has brought.
_SETTLE_SECONDS = 60.0
# In place of the id of a twin that has been asked for and is not known yet; the venue's begin at 0.
_PENDING = -1


class SubscriptionEnded(Exception):
    """The subscription is gone although nobody of ours ended it."""


class Route:
    """Where the events of one account go, by whichever of its subscriptions they come.

    ``account`` is what they are marked with, or ``None`` where they are marked already.
    """

    def __init__(self, account: str | None = None) -> None:
        self.account = account
        # While there are twins, or may be: by id, what the one has yet to bring of what the other has brought.
        self._owed: dict[int, Counter[Hashable]] = {}
        self._settled_at = float("inf")

    def admits(self, event: Event) -> bool:
        """Mark an event with its account; return whether it is to be told, and not an echo of a twin's."""
        if self._owed and self._is_echo(event):
            return False
        if self.account is not None:
            # Frozen for everybody else; nobody has seen it yet.
            object.__setattr__(event, "account", self.account)
        return True

    def expect_twin(self, number: int) -> None:
        """Count what the subscription with this id brings from now on."""
        self._owed.setdefault(number, Counter())
        self._owed[_PENDING] = Counter()
        self._settled_at = float("inf")

    def add_twin(self, number: int) -> None:
        """Take in the id of the twin."""
        self._owed[number] = self._owed.pop(_PENDING)

    def no_twin(self) -> None:
        """Take in that there is none."""
        del self._owed[_PENDING]
        if len(self._owed) == 1:
            self._owed = {}

    def lose_twin(self, number: int) -> None:
        """Take in that one of the twins has ended."""
        self._owed.pop(number, None)
        if len(self._owed) == 1:
            self._settled_at = trio.current_time() + _SETTLE_SECONDS

    def _is_echo(self, event: Event) -> bool:
        if trio.current_time() >= self._settled_at:
            self._owed = {}
            return False
        identity = event.identity
        brought_by = event.subscription_id
        mine = None if brought_by is None else self._owed.get(brought_by)
        if mine is not None and mine[identity] > 0:
            mine[identity] -= 1
            return True
        for number, owed in self._owed.items():
            if number != brought_by:
                owed[identity] += 1
        return False


class Intake:
    """The one place that a link's events pass."""

    def __init__(
        self,
        *,
        accept: Callable[[Event], None],
        about_the_link: Callable[[Event], bool],
        proven: Callable[[Event, float], None],
        on_batch_end: Callable[[float], None],
        masker: Masker | None = None,
    ) -> None:
        self._masker = masker or Masker()
        self._accept = accept
        self._about_the_link = about_the_link
        self._proven = proven
        self._on_batch_end = on_batch_end
        self._routes: dict[int | None, Route] = {}
        # Subscriptions that a twin takes the place of, and whose end is expected.
        self._leaving: set[int] = set()
        self._asking = True
        self._early: list[Event] = []
        # The newest event of this batch that can be read.
        self._newest: Event | None = None
        self._unreadable = 0

    # What the opener says.

    @property
    def leaving(self) -> frozenset[int]:
        """The subscriptions that a twin takes the place of and that have not ended yet."""
        return frozenset(self._leaving)

    @property
    def known(self) -> frozenset[int]:
        """The ids of all subscriptions that have not ended."""
        return frozenset(number for number in self._routes if number is not None)

    def open(self, routes: Mapping[int | None, Route]) -> None:
        """Take in whose subscriptions these are, and let in what waited for them."""
        self._routes.update(routes)
        self._asking = False
        early, self._early = self._early, []
        for event in early:
            self.on_event(event)

    def expect_twin(self, number: int) -> None:
        """Take in that a second subscription is being asked for, of the account that has the one with this id."""
        self._routes[number].expect_twin(number)
        self._asking = True

    def no_twin(self, number: int) -> None:
        """Take in that there is none after all."""
        self._routes[number].no_twin()
        self.open({})

    def add_twin(self, number: int, twin: int, *, leaving: int) -> None:
        """Take in that there is one, and which of the two is about to end."""
        route = self._routes[number]
        route.add_twin(twin)
        self._leaving.add(leaving)
        self.open({twin: route})

    def forget(self, number: int) -> None:
        """Take in that a subscription which was about to end has ended."""
        self._leaving.discard(number)
        self._routes.pop(number).lose_twin(number)

    # What the connection says.

    def on_event(self, event: Event) -> None:
        """Sort one event."""
        route = self._routes.get(event.subscription_id)
        if route is None:
            self._on_unrouted(event)
        elif event.is_about_the_link and self._is_taken(event):
            pass
        elif route.admits(event):
            if isinstance(event, UntypedEvent):
                # What nobody can read may come from anywhere, and have anything in it.
                object.__setattr__(event, "raw", self._masker.raw(event.raw))
                if event.event_type is None:
                    self._note_unreadable()
            else:
                self._newest = event
            self._accept(event)

    def on_batch_end(self, now: float) -> None:
        """Note that events arrived which can be read, and pass the end of the batch on."""
        if self._newest is not None:
            newest, self._newest = self._newest, None
            self._unreadable = 0
            self._proven(newest, now)
        self._on_batch_end(now)

    def _note_unreadable(self) -> None:
        """Count a frame that is neither an event nor an answer, and give the connection up where there are only such.

        Each is delivered. A flood of them would fill the buffer, and with it full, the next good event would be shed
        until the venue may be asked for it. A new connection brings it within a second or so.
        """
        self._unreadable += 1
        if self._unreadable > _MOST_UNREADABLE:
            raise TransportClosed(None, f"{_MOST_UNREADABLE} frames in a row were neither events nor answers")

    def _is_taken(self, event: Event) -> bool:
        if event.subscription_id in self._leaving:
            self.forget(event.subscription_id)
            return True
        return self._about_the_link(event)

    def _on_unrouted(self, event: Event) -> None:
        if isinstance(event, ServerShutdown) and self._about_the_link(event):
            # It is about the connection, whatever subscription its frame names.
            return
        if not self._asking:
            self._accept(_stray(event, self._masker.raw(event.raw)))
            return
        if len(self._early) >= _MAX_EARLY:
            raise SubscriptionEnded(f"{_MAX_EARLY} events came before the subscription was acknowledged")
        self._early.append(event)


def _stray(event: Event, raw: Any) -> UnknownEvent:
    return UnknownEvent(
        stream=event.stream,
        account=event.account,
        raw=raw,
        problem=f"it came for subscription {event.subscription_id}, which is not this stream's",
        event_type=event.event_type,
        subscription_id=event.subscription_id,
    )
