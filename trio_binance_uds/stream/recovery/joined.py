"""Joins the recoveries of several accounts of one stream: their events in the order of time, and one verdict."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from heapq import merge

from trio_binance_uds.events import Event
from trio_binance_uds.stream.recovery.contract import Echoes, Recovered

_BEGINNING = datetime.min.replace(tzinfo=UTC)


def joined_reasons(reasons: Mapping[str, str]) -> str:
    """Return those that are not empty, each with the name that it is of."""
    return "; ".join(f"{name}: {reason}" for name, reason in reasons.items() if reason)


class JoinedRecovered:
    """What the recoveries have brought, each by the name of the account that its events are marked with.

    It is complete if all are; the events of an account stay in their order.
    """

    def __init__(self, parts: Mapping[str, Recovered]) -> None:
        self._parts = dict(parts)
        self.events: tuple[Event, ...] = in_order_of_time([part.events for part in self._parts.values()])
        self.complete: bool = all(part.complete for part in self._parts.values())
        self.detail: str = "; ".join(f"{name}: {part.detail}" for name, part in self._parts.items() if part.detail)

    def without(self, parked: Iterable[Event]) -> JoinedRecovered:
        """Return what remains to be told of each account beside its own live events."""
        waiting = list(parked)
        return JoinedRecovered(
            {
                name: part.without([event for event in waiting if event.account == name])
                for name, part in self._parts.items()
            }
        )

    def echoes(self) -> Echoes:
        """Return what to look out for, on each account by itself."""
        return _JoinedEchoes({name: part.echoes() for name, part in self._parts.items()})


class _JoinedEchoes:
    def __init__(self, parts: Mapping[str, Echoes]) -> None:
        self._parts = parts

    def is_echo(self, event: Event) -> bool:
        part = self._parts.get(event.account or "")
        return part is not None and part.is_echo(event)


def in_order_of_time(several: Iterable[tuple[Event, ...]]) -> tuple[Event, ...]:
    """Return events that are in order each as one sequence in the order of time."""
    return tuple(merge(*several, key=_time_of))


def _time_of(event: Event) -> datetime:
    return event.event_time or _BEGINNING
