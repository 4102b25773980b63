"""The oracle: what a user was told, held against the venue's own journal.

Every fact reaches the user exactly once, in order per symbol, live or recovered, or lies inside a gap that says
``complete=False``. At the end, what was told last of every wallet, position and level is what there is.

Five things are weaker, and said so: a level that came and went in a gap is told by no query; where databases lag, the
last moments of a gap can be missed unnoticed; when the API key is gone for good, what was told is all that happened up
to some moment; where single frames were never sent on a connection that was well, what is missing is known only from
the next report of the same order, so that fills are in order within their orders and not within their symbols; and a
level whose very frame was never sent, nothing shows at all, nor on stocks a fill that the next one includes. Nor does
anything show an order without a fill, or on stocks with one, of which every frame was never sent, or fell into a gap
where the history goes by when an order was placed, and that was long before.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from datetime import datetime, timedelta

import trio_binance_uds as uds
from simulation.facts import Fact, facts_of, order_of, states_of
from simulation.places import check_places
from simulation.story import Outcome

# A gap's ends are known as well as the venue's clock is: half a round trip, and what was on the way.
SLACK = timedelta(seconds=10)
# A recovery finds what was placed so long before its gap and has ended in it, although its placement was never sent.
LOOKED_BACK = timedelta(minutes=8)


def judge(
    outcome: Outcome,
    truth: Sequence[uds.Event],
    items: Sequence[uds.Event | uds.Notice],
    never_sent: Sequence[uds.Event] = (),
) -> None:
    """Add to the outcome what was told, and what was wrong with that."""
    told_events = [item for item in items if isinstance(item, uds.Event)]
    happened = {fact.name: fact for event in truth for fact in facts_of(event)}
    told = [fact for event in told_events for fact in facts_of(event)]
    gaps = Gaps([item for item in items if isinstance(item, uds.Gap)], timedelta(seconds=outcome.story.lag))
    outcome.happened = len(truth)
    outcome.facts = len(happened)
    outcome.fills = sum(fact.kind == "fill" for fact in happened.values())
    outcome.live = sum(not event.recovered for event in told_events)
    outcome.recovered = sum(event.recovered for event in told_events)
    outcome.digest = hashlib.sha256("\n".join(map(repr, items)).encode()).hexdigest()

    outcome.proven_missing = sum(gap.cause is uds.GapCause.REPORT_MISSING for gap in gaps.notices)
    _no_false_alarm(outcome, gaps.notices)
    _once_and_known(outcome, told, happened.keys())
    # What a gap left out can still come, with a later gap, and then after what was live meanwhile.
    in_time = [fact for fact in told if not gaps.are_in_doubt_at(fact.at) and not gaps.are_behind_at(fact.at)]
    _in_order(outcome, in_time, by_order=outcome.faults["frames never sent"] > 0)
    missed = [happened[name] for name in happened.keys() - {fact.name for fact in told}]
    # A stream that has failed for good has told everything up to some moment.
    moment = max((fact.at for fact in told), default=None) if outcome.story.revoked else None
    unsent = _shown_by_nothing(gaps, truth, never_sent, told_events)
    _missed(outcome, gaps, [fact for fact in missed if moment is None or fact.at < moment], unsent)
    # Where a fill of an order is missing, the running figures of the others are as far as is known.
    in_doubt = {fact.order for fact in missed} | {fact.order for fact in told if gaps.are_in_doubt_at(fact.at)}
    for fact in told:
        true = happened.get(fact.name)
        is_in_doubt = gaps.are_in_doubt_at(fact.at) if fact.order is None else fact.order in in_doubt
        if true is not None and not is_in_doubt and fact.figures != true.figures:
            outcome.violations.append(f"a {fact.kind} with other figures: {fact.figures} for {true.figures}")
    check_places(outcome, truth, items, never_sent)
    if not outcome.story.revoked:
        _true_at_the_end(outcome, gaps, truth, told_events)


class Gaps:
    """The gaps of a story: where something may be missing."""

    def __init__(self, gaps: Sequence[uds.Gap], lag: timedelta) -> None:
        self._lag = lag
        self.notices: Sequence[uds.Gap] = gaps
        self._all = [(gap.since - SLACK, gap.until + SLACK) for gap in gaps]
        self._incomplete = [(gap.since - SLACK, gap.until + SLACK) for gap in gaps if not gap.complete]

    def are_in_doubt_at(self, at: datetime) -> bool:
        """Whether it lies in a gap that says that it is not complete."""
        return any(since <= at <= until for since, until in self._incomplete)

    def are_blind_at(self, at: datetime) -> bool:
        """Whether it lies in any gap."""
        return any(since <= at <= until for since, until in self._all)

    def are_long_after(self, first: datetime, at: datetime) -> bool:
        """Whether the later time lies in a gap that has begun long after the first one."""
        return any(since <= at <= until and since - first > LOOKED_BACK for since, until in self._all)

    def is_one_between(self, first: datetime, last: datetime) -> bool:
        """Whether all of a gap lies between these times."""
        return any(first < gap.since and gap.until < last for gap in self.notices)

    def are_behind_at(self, at: datetime) -> bool:
        """Whether it lies in the last moments of a gap, which a database that lags does not have yet."""
        return bool(self._lag) and any(until - self._lag - 2 * SLACK <= at <= until for _, until in self._all)


def _no_false_alarm(outcome: Outcome, gaps: Sequence[uds.Gap]) -> None:
    """Reports prove that others are missing only where frames were never sent, or a gap left something out before.

    A list of what is open can show besides that a line is dead where nobody knows that yet. Then something comes late.
    """
    for gap in gaps:
        if "is not open or filled as it was delivered" in gap.detail and gap.recovered:
            continue
        if not gap.complete or outcome.faults["frames never sent"]:
            return
        if gap.cause is uds.GapCause.REPORT_MISSING:
            outcome.violations.append(f"nothing was missing, and a gap says so: {gap.detail}")


def _once_and_known(outcome: Outcome, told: Sequence[Fact], happened: Iterable[Hashable]) -> None:
    counts = Counter(fact.name for fact in told)
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        outcome.violations.append(f"{len(twice)} times the same again, such as {twice[0]}")
    invented = sorted(counts.keys() - set(happened), key=str)
    if invented:
        outcome.violations.append(f"{len(invented)} times what never happened, such as {invented[0]}")


def _in_order(outcome: Outcome, told: Iterable[Fact], *, by_order: bool) -> None:
    rows: dict[Hashable, list[int]] = {}
    for fact in told:
        if fact.order is not None and fact.trade is not None:
            rows.setdefault(fact.order if by_order else fact.order[:-1], []).append(fact.trade)
    for what, trades in rows.items():
        if trades != sorted(trades):
            outcome.violations.append(f"the fills of {what} are not in order")


def _shown_by_nothing(
    gaps: Gaps, truth: Iterable[uds.Event], never_sent: Sequence[uds.Event], told_events: Iterable[uds.Event]
) -> set[Hashable]:
    """Return the facts which nothing shows because frames were never sent."""
    found = {fact.name for event in never_sent for fact in facts_of(event) if fact.passes or fact.is_swallowed}
    unsent = list(never_sent)
    known = {order_of(event) for event in told_events}
    histories: dict[Hashable, list[uds.Event]] = {}
    for event in truth:
        if (order := order_of(event)) is not None and order not in known:
            histories.setdefault(order, []).append(event)
    for history in histories.values():
        facts = [fact for event in history for fact in facts_of(event)]
        is_filled = any(fact.kind == "fill" and not fact.is_swallowed for fact in facts)
        times = [event.event_time for event in history if event.event_time is not None]
        is_unseen = all(
            event in unsent or (event.event_time is not None and gaps.are_long_after(min(times), event.event_time))
            for event in history
        )
        if is_unseen and not is_filled and not gaps.is_one_between(min(times), max(times)):
            found.update(fact.name for fact in facts)
    return found


def _missed(outcome: Outcome, gaps: Gaps, missed: Iterable[Fact], unsent: Collection[Hashable]) -> None:
    for fact in missed:
        if gaps.are_in_doubt_at(fact.at):
            outcome.in_incomplete_gaps += 1
        elif fact.passes and gaps.are_blind_at(fact.at):
            outcome.passed += 1
        elif fact.name in unsent:
            outcome.unseen += 1
        elif gaps.are_behind_at(fact.at):
            outcome.in_lag += 1
        else:
            outcome.violations.append(f"missed without a word: {fact.kind} {fact.key} at {fact.at}")


def _true_at_the_end(
    outcome: Outcome, gaps: Gaps, truth: Sequence[uds.Event], told_events: Sequence[uds.Event]
) -> None:
    true: dict[Hashable, tuple[Hashable, datetime | None]] = {}
    for event in truth:
        true.update({what: (value, event.event_time) for what, value in states_of(event).items()})
    told: dict[Hashable, Hashable] = {}
    for event in told_events:
        told.update(states_of(event))
    for what, (value, at) in true.items():
        if told.get(what) != value and (at is None or not gaps.are_in_doubt_at(at)):
            outcome.violations.append(f"at the end {what} is {value} since {at}, and was told as {told.get(what)}")
