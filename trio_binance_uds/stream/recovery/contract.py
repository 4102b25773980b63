"""What the stream asks of a recovery, whatever the product: to know what was told, and to bring what was missed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol

import attrs

from trio_binance_uds.events import Event
from trio_binance_uds.stream.recovery.inquiry import Request
from trio_binance_uds.stream.recovery.timing import VenueClock

NEVER_ASKED = "it was never asked for"
LOST_MEANWHILE = "the stream was lost while it was still asked what was there before"


class Echoes(Protocol):
    """Looks out for live events that repeat what a recovery has told."""

    def is_echo(self, event: Event) -> bool:
        """Whether a live event is not to be told because a recovered one has told it, or something newer."""
        ...


class Recovered(Protocol):
    """What a recovery has brought."""

    @property
    def events(self) -> tuple[Event, ...]:
        """What was missed, in the exchange's order, each with ``recovered=True``."""
        ...

    @property
    def complete(self) -> bool:
        """Whether it is proven that this is all of it."""
        ...

    @property
    def detail(self) -> str:
        """Why not, for people."""
        ...

    def without(self, parked: Iterable[Event]) -> Recovered:
        """Return what remains to be told beside the events that a new link has brought meanwhile, in their order.

        What those tell, or begin with, need not be told by a recovered event; they can dispel a doubt, and raise one.
        """
        ...

    def echoes(self) -> Echoes:
        """Return what to look out for while a live event can still repeat one of these."""
        ...


class Recoverer(Protocol):
    """The recovery of one stream: it belongs to the supervisor, which calls nothing of it twice at a time.

    ``request`` asks the venue, by a method of the WebSocket API (``"openOrders.status"``) or by a route of the REST
    API (``"GET /fapi/v1/openOrders"``), whichever the product's history has.
    """

    def observe(self, event: Event, /) -> None:
        """Take in an event that was accepted for delivery. Synchronous, and cheap: it is called for every event."""
        ...

    @property
    def no_baseline_because(self) -> str | None:
        """Why it is not known what was there before the stream began; empty where it is, ``None`` where it never is."""
        ...

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Ask what was there before the stream began. It raises no ordinary exception."""
        ...

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> Recovered:
        """Ask for what was missed since then, while the events of a new link are parked.

        ``since`` is a time of the clock's, so it may be wrong by the clock's uncertainty.

        It raises no ordinary exception: what stays unknown makes the result incomplete. Cancelled, it leaves nothing
        behind.
        """
        ...

    def note_gap(self, since: datetime, until: datetime, /, *, complete: bool) -> None:
        """Take in that the gap between these times has been told, after what was recovered of it was judged.

        What the last recovery has learned is recorded only now, as only now its events are delivered.
        """
        ...

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        ...


@attrs.frozen
class NothingRecovered:
    """The result of not asking."""

    detail: str = ""
    events: tuple[Event, ...] = ()
    complete: bool = False

    def without(self, parked: Iterable[Event]) -> NothingRecovered:
        """Return the same: nothing is nothing."""
        return self

    def echoes(self) -> Echoes:
        """Return what finds nothing repeated."""
        return _NoEchoes()


class _NoEchoes:
    def is_echo(self, event: Event) -> bool:
        return False


class NoRecovery:
    """The recoverer of a stream that is not to recover, or that has nothing to ask."""

    def __init__(self, why: str) -> None:
        self._why = why

    def observe(self, event: Event) -> None:
        """Do nothing."""

    @property
    def no_baseline_because(self) -> None:
        """Nothing: it is not asked for."""

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Do nothing."""

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> Recovered:
        """Return nothing, and why."""
        return NothingRecovered(self._why)

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Do nothing."""

    def abandon(self) -> None:
        """Do nothing."""
