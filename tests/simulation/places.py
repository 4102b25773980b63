"""Where live events and notices stand: each event as often and in the order in which the venue sent it, and no hole.

The facts that an oracle holds against the journal are the fills and the ends. Here it is every event: a placement, a
balance, a change of money. What the venue sent between two live events that follow one another stands in a gap between
them, within its times, or was recovered; nothing live stands between a lost connection and its gap.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence
from datetime import timedelta

import trio_binance_uds as uds
from simulation.facts import facts_of
from simulation.story import Outcome

# A gap's ends are times of our clock, and those of events are the venue's, to the millisecond.
_TOLERANCE = timedelta(milliseconds=600)


def check_places(
    outcome: Outcome,
    truth: Sequence[uds.Event],
    items: Sequence[uds.Event | uds.Notice],
    never_sent: Sequence[uds.Event],
) -> None:
    """Add to the outcome what does not stand where it must."""
    walk = _Walk(outcome, [event for event in truth if event not in never_sent])
    for item in items:
        walk.take(item)


def _may_come_again(event: uds.Event) -> bool:
    """Whether the venue can repeat an event unnoticed: one with a change alone, or with absolute amounts alone."""
    if isinstance(event, uds.AccountUpdate | uds.BalancePositionUpdate):
        return not any(balance.balance_change for balance in event.balances)
    return not type(event).is_told_once


def _name(event: uds.Event) -> Hashable:
    return (event.account, event.identity, event.event_time)


class _Walk:
    """A walk through what was delivered, beside what was sent to each account."""

    def __init__(self, outcome: Outcome, truth: Sequence[uds.Event]) -> None:
        self._outcome = outcome
        self._sent: dict[str | None, list[uds.Event]] = defaultdict(list)
        self._places: dict[Hashable, list[int]] = defaultdict(list)
        for event in truth:
            row = self._sent[event.account]
            self._places[_name(event)].append(len(row))
            row.append(event)
        self._counts: Counter[Hashable] = Counter()
        # Of each account the place of its last live event, and the gaps since then.
        self._reached: dict[str | None, int] = {}
        self._gaps: dict[str | None, list[uds.Gap]] = defaultdict(list)
        self._told: set[Hashable] = set()
        self._is_lost = False

    def take(self, item: uds.Event | uds.Notice) -> None:
        """Look at the next item."""
        if isinstance(item, uds.Disconnected):
            self._is_lost = True
        elif isinstance(item, uds.Gap):
            self._is_lost = False
            if item.since > item.until:
                self._say(f"a gap ends before it begins: {item}")
            for account in self._sent:
                self._gaps[account].append(item)
        elif isinstance(item, uds.Event):
            if self._is_lost:
                self._say(f"{type(item).__name__} stands between a lost connection and its gap")
            if not item.recovered and not isinstance(item, uds.UnknownEvent | uds.UndecodableEvent):
                self._take_live(item)
            self._told.update([fact.name for fact in facts_of(item)])

    def _take_live(self, event: uds.Event) -> None:
        name, account = _name(event), event.account
        self._counts[name] += 1
        places = self._places.get(name, [])
        if self._counts[name] > len(places):
            if not (self._outcome.faults["duplicate"] and _may_come_again(event)):
                self._say(f"{type(event).__name__} came {self._counts[name]} times, and was sent {len(places)} times")
            return
        place = places[self._counts[name] - 1]
        reached = self._reached.get(account)
        if reached is not None and place < reached:
            self._say(f"{type(event).__name__} of {event.event_time} came after later events")
            return
        if reached is not None:
            for skipped in self._sent[account][reached + 1 : place]:
                for problem in self._problems_with(skipped, self._gaps[account]):
                    self._say(problem)
        self._reached[account] = place
        self._gaps[account] = []

    def _problems_with(self, skipped: uds.Event, gaps: Sequence[uds.Gap]) -> Iterator[str]:
        """Say what is wrong with that an event was not live."""
        facts = list(facts_of(skipped))
        at = skipped.event_time
        if not facts or at is None or all(fact.name in self._told for fact in facts):
            return  # It was recovered, or is a state, and what was told last of that is looked at in the end.
        if not gaps:
            yield f"{type(skipped).__name__} of {at} was skipped without a gap"
        elif not self._outcome.faults["clock jump"]:
            first, last = min(gap.since for gap in gaps), max(gap.until for gap in gaps)
            if not first - _TOLERANCE <= at <= last + _TOLERANCE:
                yield f"{type(skipped).__name__} of {at} was skipped, and the gap is from {first} to {last}"

    def _say(self, what: str) -> None:
        self._outcome.violations.append(what)
