"""What reaches the user, and in which order: events through the handover, and around every blindness the gap.

It knows nothing of sockets and runs no task. The supervisor tells it what happens to the links; it decides what is
put into the buffer. After a blindness a link's events stay parked until :meth:`Delivery.resume_from`, which puts, in
one synchronous go, the gap, what was recovered, and what waited.

Two things inside the events themselves start a blindness too. A report of an order that does not continue what was
delivered of it (:mod:`order_sums`) proves that one before it is missing: it is held back, with all that follows, until
what is missing has been asked for, so that the gap and what was recovered stand before it. And what came but could not
be read (:mod:`unreadable`) is delivered as it is; the gap follows when the venue has been asked what it changed.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import attrs
import trio

from trio_binance_uds.events import (
    CredentialsRefused,
    DisconnectCause,
    Disconnected,
    Event,
    ExecutionReport,
    Gap,
    GapCause,
    KnownEvent,
    LeaseAtRisk,
    UndecodableEvent,
)
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.account_sums import EXPLAINED_BY_FILLS
from trio_binance_uds.stream.buffer import EventBuffer
from trio_binance_uds.stream.handover import Handover
from trio_binance_uds.stream.order_sums import Discrepancy, Found, OrderSums
from trio_binance_uds.stream.placed_names import PlacedNames
from trio_binance_uds.stream.record import StreamRecord
from trio_binance_uds.stream.recovery import Echoes, NothingRecovered, Recovered, Recoverer
from trio_binance_uds.stream.recovery.own_reports import OrderName, Searched
from trio_binance_uds.stream.repetitions import Repetitions
from trio_binance_uds.stream.unreadable import Unreadable

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

# How many live events may wait for a recovery or for a handover, however small the buffer of the user is: a buffer
# sheds what is too much for it and goes on, but a link that could not even wait would start over and over.
_MAY_WAIT_AT_LEAST = 20_000
_NOTHING: Searched = {}
_NOTHING_FOUND = Found()
_UNASKED = NothingRecovered("the venue is not asked again so soon")
# How far back the venue is asked where a report proves that another of its order is missing. The order may not have
# changed for weeks, and to ask for all that happened in these would cost more than is allowed.
_ASKED_BACK = timedelta(days=1)


@attrs.frozen
class Blindness:
    """Since when, and why, events may have been missed.

    ``since`` is the last proof that the subscription was alive. A pong is none: it tells of the wire only, and a
    subscription can vanish without a word while the wire is fine. ``in_question`` says what may have happened that no
    answer can show, so that nothing proves the gap complete. ``ask_since`` is later than ``since`` where only one order
    is in question for the time between: its fills are asked for by their ids, and its sums say whether that is all.
    ``lacks_fill``: only a fill explains it, so that without one nothing proves the gap complete.

    ``noted_at`` is the moment of trio's clock at which that was noted: the venue's clock may be known better since.
    """

    since: datetime
    cause: GapCause
    detail: str
    shed: int = 0
    in_question: str = ""
    ask_since: datetime | None = None
    lacks_fill: bool = False
    noted_at: float = attrs.field(factory=trio.current_time)


@attrs.frozen
class _Way:
    """What happens to the events of one class on their way; found once for each class, as every event asks for it.

    Attributes:
        is_told_once: whether one that comes again is a repetition.
        check: what holds it against the sums, if it is a report of an order.
        complete: what writes the client order id under which its order was placed into it, where that can be another.
        is_explained: whether fills explain it, or it explains in their place what was moved.
        is_unreadable: whether nobody can tell what it has changed.
    """

    is_told_once: bool
    check: Callable[[Any], Discrepancy | None] | None
    complete: Callable[[Any], Event] | None
    is_explained: bool
    is_unreadable: bool


class Delivery:
    """The way from the links to the buffer."""

    def __init__(
        self,
        buffer: EventBuffer,
        recoverer: Recoverer,
        record: StreamRecord,
        *,
        may_look_into: Callable[[], bool] = lambda: True,
        tells_fills: bool = True,
    ) -> None:
        self._buffer = buffer
        self._recoverer = recoverer
        self._record = record
        self._may_look_into = may_look_into
        self._sums = OrderSums()
        self._account = self._sums.account
        # Without the reports of orders nothing else can be explained by them.
        self._explained = EXPLAINED_BY_FILLS if tells_fills else frozenset[str]()
        self._has_begun = False
        self._held: Event | None = None
        # What is wrong with the event that is held back, until somebody has begun to look into it.
        self.discrepancy: Discrepancy | None = None
        self.unreadable: Unreadable = Unreadable()
        # Whether something has come about orders or what they move, since the supervisor has looked.
        self.has_news: bool = False
        self._recovery_echoes: list[Echoes] = []
        self.handover: Handover = Handover(self._deliver, max_parked=max(buffer.size, _MAY_WAIT_AT_LEAST))
        self._repetitions = Repetitions(record)
        self._placed = PlacedNames()
        self._ways: dict[type[Event], _Way] = {}
        self.blindness: Blindness | None = None

    @property
    def echoes(self) -> int:
        """How many events were dropped because they had been delivered already."""
        return self.handover.echoes + self._record.recovery_echoes

    def tell_disconnected(self, at: datetime, cause: DisconnectCause, detail: str) -> None:
        """Warn the user that nothing can arrive for now."""
        self._buffer.put_notice(Disconnected(at=at, cause=cause, detail=detail))

    def tell_lease_at_risk(self, at: datetime, expires_at: datetime, account: str, detail: str) -> None:
        """Warn the user that what the stream lives by is about to end."""
        self._buffer.put_notice(LeaseAtRisk(at=at, expires_at=expires_at, account=account, detail=detail))

    def tell_credentials_refused(self, at: datetime, method: str, detail: str) -> None:
        """Warn the user that a question of the stream's own was refused for the key or its signature."""
        self._buffer.put_notice(CredentialsRefused(at=at, method=method, detail=detail))

    def note_blindness(self, blindness: Blindness) -> None:
        """Add to what may have been missed since delivery was last complete; the first cause stands."""
        first = self.blindness
        if first is None:
            self.blindness = blindness
        else:
            questions = (first.in_question, blindness.in_question)
            self.blindness = attrs.evolve(
                first,
                since=min(first.since, blindness.since),
                shed=first.shed + blindness.shed,
                in_question="; ".join(question for question in questions if question),
                ask_since=min(first.ask_since or first.since, blindness.ask_since or blindness.since),
                lacks_fill=first.lacks_fill or blindness.lacks_fill,
            )

    def note_discrepancy(self, now: datetime) -> None:
        """Add what the event that is held back has shown to what may have been missed."""
        found, self.discrepancy = self.discrepancy, None
        assert found is not None, "nothing is held back"
        blindness = Blindness(found.since, GapCause.REPORT_MISSING, found.detail)
        self.note_blindness(attrs.evolve(blindness, ask_since=max(found.since, now - _ASKED_BACK)))

    def note_unreadable(self, arrived_at: datetime) -> None:
        """Add what could not be read, since this time at the latest, to what may have been missed."""
        unreadable, self.unreadable = self.unreadable, Unreadable()
        since = min(arrived_at, unreadable.since or arrived_at)
        detail, question = unreadable.detail(), unreadable.in_question()
        self.note_blindness(Blindness(since, GapCause.EVENT_UNREADABLE, detail, in_question=question))

    @property
    def has_unexplained(self) -> bool:
        """Whether something is to be judged in a while, when the fills that explain it have had time to come."""
        return self._account.is_waiting

    def judge(self, now: datetime) -> bool:
        """Add to what may have been missed what no fill explains; return whether there was anything.

        Where nobody may be asked, the gap is delivered at once.
        """
        found = self._account.judge()
        if found is None:
            return False
        blindness = Blindness(found.since, GapCause.REPORT_MISSING, found.detail, lacks_fill=found.is_by_a_fill)
        if self._may_look_into():
            self.note_blindness(attrs.evolve(blindness, ask_since=max(found.since, now - _ASKED_BACK)))
            return True
        self._tell_gap(blindness, max(now, found.since), _UNASKED)
        return False

    def note_difference(self, since: datetime, now: datetime, detail: str) -> None:
        """Add what the venue's list of open orders shows to what may have been missed since the last list."""
        blindness = Blindness(since, GapCause.REPORT_MISSING, detail)
        self.note_blindness(attrs.evolve(blindness, ask_since=max(since, now - _ASKED_BACK)))

    def next_lacking(self) -> list[OrderName]:
        """Return orders whose delivered reports do not add up, which the venue is to be asked about."""
        return self._sums.next_lacking()

    def resume_from(
        self, link: int, until: datetime, recovered: Recovered, searched: Searched = _NOTHING
    ) -> Echoes | None:
        """Deliver from a parked link; after a blindness with the gap and what was recovered first.

        The answers can tell of what happened after the newest of the events that waited, where the new link has gone
        blind in its turn. That is told behind them, so that nothing newer comes before something older. What was
        ``searched`` for is older than all of it.

        Returns what to look out for, as a live event can still repeat what was recovered; :meth:`forget` ends that.
        """
        echoes = None
        behind: Sequence[Event] = ()
        blindness, self.blindness = self.blindness, None
        if blindness is not None:
            waiting = self.handover.waiting(link)
            # Should the buffer be full, what finds no room is as old as the gap, and not just now.
            self._buffer.dating_from = blindness.since
            if self._buffer.has_room():
                recovered = _beside(recovered, waiting)
                before, behind = _around(waiting, recovered.events)
                found = self._sums.settle(searched)
                self._add_up(waiting, recovered)
                if blindness.lacks_fill and not any(map(_is_fill, (*waiting, *recovered.events, *found.reports))):
                    questions = (blindness.in_question, "no fill was found that explains it")
                    blindness = attrs.evolve(blindness, in_question="; ".join(filter(None, questions)))
                self._tell_gap(blindness, max(blindness.since, until), recovered, found)
                # All of this is in memory in any case. To shed it would mean to ask for it again and again.
                self._buffer.has_room_for_all = True
                self._tell_found(found.reports)
                self._tell_recovered(before)
                if recovered.events:
                    echoes = recovered.echoes()
                    self._recovery_echoes.append(echoes)
            else:
                # The gap is shed with all that follows it, and that is asked for again: nothing of it has been found.
                recovered, self._held = NothingRecovered(), None
                self._tell_gap(blindness, max(blindness.since, until), recovered)
        if blindness is not None or not self._has_begun:
            self._has_begun = True
            # What was recovered can be newer than the new subscription, and takes the place of live reports.
            known = [event.event_time for event in recovered.events if event.event_time is not None]
            self._account.begin(max([until, *known]))
        self.handover.cut(link)
        self._tell_recovered(behind)
        self._buffer.dating_from, self._buffer.has_room_for_all = None, False
        return echoes

    def tell_shed(self, now: datetime) -> None:
        """Deliver the gap of events that were shed and are still asked for, as the stream ends."""
        blindness = self.blindness
        if blindness is not None and blindness.shed:
            self.blindness = None
            ended = NothingRecovered("the stream has ended before the venue had answered")
            self._tell_gap(blindness, max(blindness.since, now), ended)

    def forget(self, echoes: Echoes) -> None:
        """Stop looking out for what a recovery has delivered."""
        self._recovery_echoes.remove(echoes)

    def _add_up(self, waiting: Sequence[Event], recovered: Recovered) -> None:
        """Add what was recovered to the sums of the orders, and see whether the event that was held back fits now."""
        for event in recovered.events:
            self._sums.add_recovered(event)
        held, self._held = self._held, None
        # Where its link has ended meanwhile, it is lost like all that waited there, and asked for with that.
        if held is not None and waiting and waiting[0] is held and self._sums.check(held) is not None:
            self._sums.concede(held)

    def _tell_gap(
        self, blindness: Blindness, until: datetime, recovered: Recovered, found: Found = _NOTHING_FOUND
    ) -> None:
        doubts = [blindness.in_question, *found.reasons, self._sums.open_questions()]
        complete = recovered.complete and not any(doubts)
        gap = Gap(
            cause=blindness.cause,
            since=blindness.since,
            until=until,
            recovered=len(found.reports) + len(recovered.events),
            complete=complete,
            shed=blindness.shed,
            detail="; ".join(part for part in (blindness.detail, recovered.detail, *doubts, *found.remarks) if part),
        )
        if not self._buffer.put_notice(gap):
            self.note_blindness(blindness)
            return
        self._record.gap(blindness.cause, blindness.since, until, complete=complete)
        if isinstance(recovered, NothingRecovered):
            self._recoverer.abandon()  # An answer may have come, and is not what is delivered.
        self._recoverer.note_gap(blindness.since, until, complete=complete)

    def _tell_found(self, reports: Sequence[Event]) -> None:
        """Deliver reports that later ones of their orders include: these tell nothing new to the recovery."""
        for report in reports:
            if isinstance(report, ExecutionReport):
                report = self._placed.completed(report)
            self._buffer.put_recovered(report)

    def _tell_recovered(self, events: Sequence[Event]) -> None:
        for event in events:
            if isinstance(event, ExecutionReport):
                event = self._placed.completed(event)
            # It has been in memory anyway, and always finds room.
            self._buffer.put_recovered(event)
            self._recoverer.observe(event)

    def _deliver(self, event: Event) -> bool:
        """Accept an event, or hold it back; return whether it is held back."""
        way = self._ways.get(type(event)) or self._way_of(event)
        if way.is_told_once:
            self.has_news = True
            # What comes again is in the sums already: of an order that has ended, it would count as another one.
            if self._repetitions.is_repeated(event):
                return False
            # What is shed is not delivered, and asked for later: it must not count in the sums.
            if way.check is not None and self._buffer.has_room():
                found = way.check(event)
                if found is not None and self._is_held(event, found):
                    return True
        elif way.is_unreadable:
            assert isinstance(event, UndecodableEvent)
            self.unreadable.add(event)
        if self._recovery_echoes and self._is_recovery_echo(event):
            return False
        if way.complete is not None:
            event = way.complete(event)
        # What is shed has not been told: it stays unknown, so that recovery finds it.
        if self._buffer.put(event):
            if event.faults:
                self._record.faulty(event)
            self._recoverer.observe(event)
            if way.is_explained:
                self._account.observe(event)
        return False

    def _way_of(self, event: Event) -> _Way:
        cls = type(event)
        way = self._ways[cls] = _Way(
            is_told_once=cls.is_told_once,
            check=self._sums.check_of(cls),
            complete=self._placed.completed if issubclass(cls, ExecutionReport) else None,
            # A class is of one type, but for those of what could not be read.
            is_explained=issubclass(cls, KnownEvent) and event.event_type in self._explained,
            is_unreadable=issubclass(cls, UndecodableEvent),
        )
        return way

    def _is_recovery_echo(self, event: Event) -> bool:
        """Count an event that a recovery has delivered; return whether it is one."""
        is_echo = any(echoes.is_echo(event) for echoes in self._recovery_echoes)
        self._record.recovery_echoes += is_echo
        return is_echo

    def _is_held(self, report: Event, found: Discrepancy) -> bool:
        """Hold back a report before which one is missing; or, where nobody may be asked, deliver the gap before it."""
        if found.may_ask and self.handover.may_hold and self._may_look_into():
            self.discrepancy, self._held = found, report
            self._repetitions.forget(report)  # It comes here again, when its link is cut to.
            self.handover.hold(report)
            return True
        self._sums.concede(report)
        self._tell_gap(Blindness(found.since, GapCause.REPORT_MISSING, found.detail), found.until, _UNASKED)
        return False


def _beside(recovered: Recovered, waiting: Sequence[Event]) -> Recovered:
    """Return what remains of what was recovered beside the events that wait."""
    try:
        return recovered.without(waiting)
    except ArithmeticError as error:
        # A number of the venue's that nothing can be computed with must not end the stream.
        log.exception("what was recovered cannot be compared with the events that came meanwhile")
        return NothingRecovered(f"the venue's answers cannot be computed with ({type(error).__name__})")


def _is_fill(event: Event) -> bool:
    """Whether an event is the report of a fill of a derivative."""
    # By the member: to import the events of all products would cost those who use one.
    return bool(getattr(event, "last_filled_quantity", None))


def _around(waiting: Sequence[Event], recovered: Sequence[Event]) -> tuple[Sequence[Event], Sequence[Event]]:
    """Return what of the recovered events belongs before the waiting ones, and what behind them."""
    newest = max([event.event_time for event in waiting if event.event_time is not None], default=None)
    if newest is None:
        return recovered, ()
    is_newer = (event.event_time is not None and event.event_time > newest for event in recovered)
    count = next((index for index, newer in enumerate(is_newer) if newer), len(recovered))
    return recovered[:count], recovered[count:]
