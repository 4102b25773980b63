"""The only task that starts, promotes and retires links.

Links report to it through one inbox, and so do its own timers and helpers. It takes the reports one at a time, and
what it does about each is synchronous: which links there are, and which of them delivers, has one owner, and there
is no interleaving to reason about.

======================  =================================================================================
report                  what is done
======================  =================================================================================
successor up            without an active link: promote it. Otherwise: have the active one prove itself
proof of the old link   it is subscribed, and all that it was sent has arrived: promote, drain it, let it leave
no proof                what it still had for us is not known: retire it, and promote as after a loss
active link ended       tell; promote a successor that is up, otherwise bring one up after a wait
successor ended         bring up the next one after a wait
rollover due, shutdown  bring up a successor while the active link goes on delivering
lease endangered        tell
credentials denied      on entering: give up. Later: tell, once until they are accepted again
consumer caught up      after shedding: park the active link, and resume as after a loss
events unreadable       park the active link, and resume as after a loss; so many seconds apart
open orders differ      the same; they are listed when something has come and then nothing for a while
======================  =================================================================================

To *promote* a link is to use it for requests at once, and to resume delivery from it: at once if nothing can have
been missed; otherwise its events wait until what was missed has been asked for, then come the gap, what was
recovered, and what waited. So it is where a report proves that one before it is missing: the delivery holds it back,
which parks the active link, and what was missed is asked for.
"""

from __future__ import annotations

import decimal
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from functools import partial

import trio

from trio_binance_uds.errors import AuthenticationFailed, ConnectFailed, StreamFailed, UserDataStreamError
from trio_binance_uds.events import Event, GapCause, Proven, Unproven
from trio_binance_uds.link.link import (
    CredentialsDenied,
    LeaseEndangered,
    Link,
    LinkEnded,
    LinkUp,
    Report,
    ShutdownAnnounced,
    run_link,
)
from trio_binance_uds.link.plan import LinkPlan
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.nurseries import start
from trio_binance_uds.products import ListenKeyStream, Product
from trio_binance_uds.stream.acceptance import Acceptance
from trio_binance_uds.stream.allowance import Allowance
from trio_binance_uds.stream.asking import Asker, Replied
from trio_binance_uds.stream.backoff import Attempts, Backoff
from trio_binance_uds.stream.baseline import Baseline
from trio_binance_uds.stream.blind import Blind, BlindReason
from trio_binance_uds.stream.buffer import EventBuffer, Mark
from trio_binance_uds.stream.delivery import Blindness, Delivery
from trio_binance_uds.stream.handover import ParkedTooMuch
from trio_binance_uds.stream.inbox import (
    Answered,
    AskForBaseline,
    BarrierPassed,
    BaselineAsked,
    BringUp,
    Crashed,
    JudgementDue,
    Message,
    OpenDiffers,
    OpeningOver,
    Resumption,
    RolloverDue,
    Settled,
    UnreadableDue,
)
from trio_binance_uds.stream.quiet import Quiet
from trio_binance_uds.stream.reconnecting import Reconnecting
from trio_binance_uds.stream.record import StreamRecord
from trio_binance_uds.stream.recovery import NothingRecovered, Recovered, Recoverer
from trio_binance_uds.stream.recovery.open_check import Checks
from trio_binance_uds.stream.recovery.own_reports import Searched, Searches
from trio_binance_uds.stream.rollover import Rollover
from trio_binance_uds.stream.verdict import disconnect_cause, gap_cause, is_fatal
from trio_binance_uds.tracebacks import forget_locals

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

# How long after a handover or a recovery a live event may still repeat what was delivered already.
SETTLE_SECONDS = 60.0
_AGAIN_SECONDS = 1.0
# How much later than its pongs the events of a connection may leave the venue.
_LATE_SECONDS = 1.5
_NOTHING: Searched = {}
# A recovery asks much of the limits that the venue sets to an address. A slow consumer waits so long for the next one,
# at most: otherwise it would soon get the address banned, with all else that is traded from there.
_BETWEEN_RECOVERIES_SECONDS = 30.0
# So long entering waits at most for what tells what was there before, which is the first signed question as well.
_BASELINE_SECONDS = 5.0
_PROOF_SECONDS = 0.25
# What a report proves to be missing is asked for at once, but not more often than so many times in so long: each time
# costs the same, and all that comes waits for the answers.
_LOOKS_AT_MOST = 3
_LOOKS_WITHIN_SECONDS = 90.0
# Frames of one fill come together. When nothing has come about a position for so long, none is on its way any more.
_JUDGED_AFTER_SECONDS = 5.0


class Supervisor:
    """Keeps one link active for as long as it runs."""

    def __init__(
        self,
        plan: LinkPlan,
        *,
        max_buffer: int,
        max_buffer_bytes: int,
        backoff: Backoff,
        rollover: Rollover,
        recoverer: Recoverer,
        rng: random.Random,
    ) -> None:
        self._plan = plan
        self._to_inbox, self._inbox = trio.open_memory_channel[Message](float("inf"))
        self.record: StreamRecord = StreamRecord()
        self.buffer: EventBuffer = EventBuffer(
            max_buffer,
            plan.clock.now,
            on_caught_up=self._to_inbox.send_nowait,
            stream=plan.name,
            max_bytes=max_buffer_bytes,
        )
        self._looks = Allowance(_LOOKS_AT_MOST, _LOOKS_WITHIN_SECONDS)
        self.delivery: Delivery = Delivery(
            self.buffer,
            recoverer,
            self.record,
            may_look_into=self._looks.is_left,
            tells_fills=_tells_fills(plan.product),
        )
        self._handover = self.delivery.handover
        self._attempts = Attempts(backoff, rng)
        self.reconnecting: Reconnecting = Reconnecting()
        self._acceptance = Acceptance(backoff)
        self._rollover = rollover
        self._recoverer = recoverer
        self._rng = rng
        self._nursery: trio.Nursery | None = None
        self._links_started = 0
        self._successor: Link | None = None
        self._bring_up_scheduled = False
        # Links whose connections the venue has announced to close.
        self._doomed: set[int] = set()
        self._resumption: Resumption | None = None
        # Around the timers of the active link, and around what lists the open orders on it.
        self._timers = trio.CancelScope()
        self._checks = trio.CancelScope()
        self._quiet = Quiet()
        # An old link that has shown that all it was sent has arrived, and its successor.
        self._shown_whole: tuple[Link, Link] | None = None
        self._lost_by: Blindness | None = None
        self._ended: Blind | None = None
        self.baseline: Baseline = Baseline(recoverer)
        self._has_begun = False
        # The link on which the baseline is asked for, while it is.
        self._asked_for_baseline: Link | None = None
        self._baseline_scope = trio.CancelScope()
        self._failed: StreamFailed | None = None
        self._closed = False
        # When the first of the events came that could not be read and that nobody has asked about yet.
        self._unreadable_at: datetime | None = None
        self._is_judgement_due = False
        self._baseline_over = trio.Event()
        self._newest: Event | None = None
        self.active: Link | None = None
        # The link that is active, or was the last to be.
        self._last_active: Link | None = None
        # Why nothing has shown so far that the socket is the right one; it is said once, until an event shows it.
        self._unproven = ""
        self._was_proven = False
        # Set when the first link is active, or when it is certain that none will be; then ``failure`` says why.
        self.settled: trio.Event = trio.Event()
        self.failure: Exception | None = None

    async def run(self) -> None:
        """Supervise until cancelled or until it is hopeless. No ordinary exception leaves this."""
        # Tasks inherit the user's decimal context, which may round or trap. Ours hold sums against one another.
        decimal.setcontext(decimal.Context(prec=100))
        async with trio.open_nursery() as nursery:
            self._nursery = nursery
            try:
                cause = await self._supervise()
            except Exception as bug:
                cause = bug
            nursery.cancel_scope.cancel()
        self._ended = Blind(since=self._blind_since(), reason=BlindReason.ENDED, detail=str(cause))
        self.active = None
        self._finish(cause)

    # What can be asked at any time.

    @property
    def attempts(self) -> int:
        """How many attempts to connect there were, the first included."""
        return self._links_started

    @property
    def proven_at(self) -> datetime | None:
        """When the subscription was last shown to be alive; ``None`` while nothing has shown that."""
        return None if self._last_active is None or self._unproven else self._plan.clock.at(self._last_active.proven_at)

    @property
    def blind(self) -> Blind | None:
        """Since when nothing can be delivered, and why; ``None`` while events are delivered."""
        mark = self.buffer.mark
        if self._ended is not None:
            return self._ended
        if self.active is None and self._lost_by is not None:
            is_lost = self._lost_by.cause is GapCause.SUBSCRIPTION_LOST
            reason = BlindReason.SUBSCRIPTION_LOST if is_lost else BlindReason.LINK_LOST
            return Blind(since=self._blind_since(), reason=reason, detail=self._outage_in_words(self._lost_by.detail))
        if mark is not None:
            return Blind(since=self._blind_since(), reason=BlindReason.SHEDDING, detail=self._shedding_in_words(mark))
        if self._resumption is not None:
            detail = "" if self.delivery.blindness is None else self.delivery.blindness.detail
            return Blind(since=self._blind_since(), reason=BlindReason.RECOVERING, detail=detail)
        return None

    @property
    def blind_seconds(self) -> float:
        """For how long events may have been missed, the running blindness included."""
        total = self.record.blind.total_seconds()
        if self.blind is None:
            return total
        until = self._plan.clock.now() if self._resumption is None else self._resumption.until
        return total + max(0.0, (until - self._blind_since()).total_seconds())

    def _blind_since(self) -> datetime:
        known = [place.since for place in (self.delivery.blindness, self.buffer.mark) if place is not None]
        return min(known, default=self.proven_at or self._plan.clock.now())

    def _outage_in_words(self, why: str) -> str:
        tries = self.reconnecting
        if not tries.failed_in_outage:
            return why
        return f"{why}; {tries.failed_in_outage} attempts to connect have failed since, the last: {tries.last_failure}"

    def _shedding_in_words(self, mark: Mark) -> str:
        if mark.read_at is None:
            return f"the consumer has been behind for {mark.behind_seconds:.3f} s; {mark.shed} events were shed so far"
        wait = max(0.0, self.buffer.resumes_from - trio.current_time())
        return f"{mark.shed} events were shed so far; the venue can be asked for them in {wait:.1f} s"

    async def _supervise(self) -> Exception:
        self._start_link()
        while True:
            message = await self._inbox.receive()
            cause = self._take(message)
            self.buffer.flush(trio.current_time())
            if cause is not None:
                return cause

    def _finish(self, cause: Exception) -> None:
        if not self.settled.is_set():
            self.failure = cause
            if not isinstance(cause, UserDataStreamError) and not is_fatal(cause):
                self.failure = ConnectFailed(f"the connection ended before the subscription was acknowledged: {cause}")
                self.failure.__cause__ = cause
            self.settled.set()
        log.error("the stream has ended for good: %s", cause)
        failed = StreamFailed(f"the user data stream has ended and will not come back: {cause}")
        failed.__cause__ = cause
        self._failed = failed
        forget_locals(failed)
        self.delivery.tell_shed(self._plan.clock.now())
        self.buffer.finish(failed)

    def close(self) -> None:
        """End what the user can do with the stream, as its block is left."""
        self._closed = True
        self.buffer.close()

    def check_open(self) -> None:
        """Return if there is a connection, or can be one again.

        Raises:
            StreamFailed: there will be none.
            trio.ClosedResourceError: the block of the stream has been left.
        """
        if self._closed:
            raise trio.ClosedResourceError("the block of the stream has been left")
        if self._failed is not None:
            # A new one for each call: an exception that is raised again collects tracebacks.
            raise StreamFailed(*self._failed.args) from self._failed.__cause__

    # One report at a time. A returned exception ends the stream.

    def _take(self, message: Message) -> Exception | None:
        match message:
            case LinkUp(link):
                self._on_up(link)
            case LinkEnded(link, cause):
                return self._on_ended(link, cause)
            case ShutdownAnnounced(link):
                self._on_shutdown(link)
            case LeaseEndangered(lease=lease, why=why):
                clock = self._plan.clock
                self.delivery.tell_lease_at_risk(clock.now(), clock.at(lease.until), lease.account, why)
            case CredentialsDenied(error):
                return self._on_denied(error)
            case Replied(method):
                self._acceptance.note_answered(method)
            case OpeningOver():
                self._on_opening_over()
            case BaselineAsked():
                self._on_opening_over()
                if self.baseline.is_wanted:
                    self._spawn(self._after, self.baseline.next_interval(), AskForBaseline())
            case AskForBaseline():
                self._ask_for_baseline()
            case RolloverDue(link):
                if link is self.active:
                    self._bring_up(0.0)
            case BringUp():
                self._on_time_to_bring_up(message)
            case BarrierPassed():
                self._on_barrier(message)
            case Mark():
                self._on_caught_up(message)
            case Answered(resumption, recovered, searched):
                if resumption is self._resumption:
                    self._deliver_from(resumption.link, resumption.until, recovered, searched)
                    self._say_news_of_the_baseline()
            case UnreadableDue():
                self._on_unreadable()
            case OpenDiffers():
                self._on_open_differs(message)
            case JudgementDue():
                self._is_judgement_due = False
                self._judge()
            case Settled(of):
                if isinstance(of, Link):
                    self._handover.settle(of.number)
                else:
                    self.delivery.forget(of)
            case _:
                return message.bug  # A task of ours has crashed.
        return None

    def _on_opening_over(self) -> None:
        self._say_news_of_the_baseline()
        self.settled.set()

    def _say_news_of_the_baseline(self) -> None:
        news = self.baseline.news(self._plan.clock.now())
        if news is not None:
            self.buffer.put_notice(news)

    def _on_denied(self, error: AuthenticationFailed) -> Exception | None:
        if not self.settled.is_set():
            return error
        if self._acceptance.note_refused_question(error):
            log.warning("the venue refuses the credentials: %s", error)
            self.delivery.tell_credentials_refused(self._plan.clock.now(), error.method, str(error))
        return None

    def _on_up(self, link: Link) -> None:
        self._acceptance.note_link_up()
        self.record.link_up(link.number, self._plan.clock.now())
        if self.active is not None:
            self._spawn(self._barrier, self.active, link)
        else:
            self._promote(link)

    def _on_barrier(self, passed: BarrierPassed) -> None:
        if passed.old is not self.active or passed.new is not self._successor:
            return  # One of them has ended meanwhile, and that was reported too.
        if self._resumption is not None:
            # The old link's events wait for a recovery: it must deliver them before it can go.
            self._spawn(self._after, _AGAIN_SECONDS, passed)
        elif passed.clean:
            self._promote_whole(passed.new)
            self._spawn(self._drain, passed.old)
        else:
            detail = "the old connection did not answer before the handover"
            self.delivery.note_blindness(self._blindness_of(passed.old, GapCause.HANDOVER_UNPROVEN, detail))
            self._handover.drop(passed.old.number)
            passed.old.retire()
            self._promote(passed.new)

    def _promote_whole(self, link: Link) -> None:
        """Promote a successor whose forerunner has delivered all that it was sent."""
        self._promote(link)
        if self._resumption is None:
            # Both were subscribed for a while: what the new one repeats from before that has come, and was let out.
            self._handover.forget_unsure(link.number)

    def _on_shutdown(self, link: Link) -> None:
        log.info("the venue is about to close the connection of link %d", link.number)
        self._doomed.add(link.number)
        if link is self.active:
            self._replace_doomed(link)

    def _replace_doomed(self, link: Link) -> None:
        # At once, unless links have been failing: a server that keeps announcing must not make the loop hot.
        wait = 0.0 if self._attempts.failed == 0 else self._next_wait(None)
        self._attempts.note_end(self._lived(link))
        self._bring_up(wait)

    def _on_ended(self, link: Link, cause: Exception | None) -> Exception | None:
        self._handover.drop(link.number)
        self._doomed.discard(link.number)
        self.record.link_ended(link.number, self._plan.clock.now(), "retired" if cause is None else str(cause))
        if link is not self.active and link is not self._successor:
            return None
        self._attempts.note_end(self._lived(link))
        assert cause is not None, "only a link that is neither is retired"
        if link is self._successor:
            self._successor = None
            if self.active is None and (self._is_hopeless(cause) or not self.settled.is_set()):
                return cause
        elif self._shown_whole == (link, self._successor) and self._resumption is None:
            # It had shown that all had arrived, and only stayed for what might come later.
            self.active = None
            assert self._successor is not None, "it stays for its successor"
            self._promote_whole(self._successor)
            return None
        else:
            self._is_hopeless(cause)  # A refusal of the key that has ended it is the first in a row.
            self._on_lost(link, cause)
            if self._successor is not None:
                if self._successor.up_at is not None:
                    self._promote(self._successor)
                return None
        if self._attempts.spent and self.active is None:
            budget = StreamFailed(f"gave up after {self._attempts.failed} failed attempts in a row; the last: {cause}")
            budget.__cause__ = cause
            return budget
        wait = self._next_wait(cause)
        if link.up_at is None:
            self._note_failed_attempt(link, cause, wait)
        else:
            log.warning("link %d has ended (%s); the next attempt is in %.1f s", link.number, cause, wait)
        self._bring_up(wait)
        return None

    def _note_failed_attempt(self, attempt: Link, cause: Exception, wait: float) -> None:
        log.warning("attempt %d to connect has failed (%s); the next one is in %.1f s", attempt.number, cause, wait)
        now, clock = trio.current_time(), self._plan.clock
        notice = self.reconnecting.note_failure(now, clock.at(now), str(cause), clock.at(now + wait), wait)
        if notice is not None:
            self.buffer.put_latest(notice)

    def _is_hopeless(self, cause: Exception) -> bool:
        if isinstance(cause, AuthenticationFailed):
            return self._acceptance.note_refused_link(trio.current_time())
        return is_fatal(cause)

    def _on_lost(self, link: Link, cause: Exception) -> None:
        self.active = None
        self._end_recovery()
        now = self._plan.clock.now()
        self.delivery.tell_disconnected(now, disconnect_cause(cause), str(cause))
        self._lost_by = self._blindness_of(link, gap_cause(cause), str(cause))
        self.delivery.note_blindness(self._lost_by)
        self.reconnecting.note_lost()
        if not self.settled.is_set():
            # The stream was open, and comes back by itself: nobody need wait for the baseline to enter it.
            self._on_opening_over()

    def _on_caught_up(self, mark: Mark) -> None:
        early = self.buffer.resumes_from - trio.current_time()
        if early > 0:
            self._spawn(self._after, early, mark)
            return
        self.buffer.resume()
        assert mark.read_at is not None, "the consumer has caught up"
        detail = f"the consumer was behind for {mark.behind_seconds:.3f} s"
        waited = trio.current_time() - mark.read_at
        if waited >= 0.001:
            detail = f"{detail}; the venue could be asked {waited:.3f} s after it had caught up"
        self.delivery.note_blindness(Blindness(mark.since, GapCause.CONSUMER_TOO_SLOW, detail, mark.shed))
        if self.active is not None:
            self._resume_active(self.active)

    # What the events themselves show to be missing.

    def _look_into(self) -> None:
        """Ask for what the event that is held back has shown to be missing."""
        link = self.active
        assert link is not None, "only events of an active link are held back"
        self._looks.use()
        now = self._plan.clock.now()
        self.delivery.note_discrepancy(now)
        self._resume(link, now)

    def _expect_unreadable(self) -> None:
        """Ask soon what the events were that could not be read, but not more often than for other causes."""
        if self._unreadable_at is None:
            self._unreadable_at = self._plan.clock.now()
            wait = max(0.0, self.buffer.resumes_from - trio.current_time())
            self._spawn(self._after, wait, UnreadableDue())

    def _on_unreadable(self) -> None:
        # Otherwise another recovery has asked meanwhile, or the one after the next link will.
        if self._unreadable_at is not None and self.active is not None:
            self._resume_active(self.active)

    def _judge(self) -> None:
        """Ask for the fills that explain what no delivered one does."""
        # While events are shed, a fill can have been delivered and its position not; all of it is asked for anyway.
        if self.active is not None and self._is_passing() and self.delivery.judge(self._plan.clock.now()):
            self._looks.use()
            self._resume_active(self.active)
        self._check_events()

    def _on_open_differs(self, message: OpenDiffers) -> None:
        """Ask for what has made the venue's open orders others than those that were delivered."""
        if message.link is self.active and self._is_passing() and self._looks.is_left():
            self._looks.use()
            self.delivery.note_difference(message.since, self._plan.clock.now(), message.detail)
            self._resume_active(message.link)

    def _is_passing(self) -> bool:
        """Whether events are delivered as they come: no recovery is under way or due, and none is shed."""
        return self._resumption is None and self.buffer.mark is None

    # From blindness to delivery.

    def _blindness_of(self, link: Link, cause: GapCause, detail: str) -> Blindness:
        return Blindness(self._plan.clock.at(link.proven_at), cause, detail)

    def _promote(self, link: Link) -> None:
        """Make a link that is up the active one, and have its events delivered."""
        assert link.up_at is not None
        self.active, self._successor = link, None
        self._last_active = link
        self._lost_by = None
        self.reconnecting.note_up()
        self._look_for_proof(link)
        # The timers of the link before end with it: links that live for a second would leave one behind each.
        self._timers.cancel()
        self._checks.cancel()
        self._timers, self._checks = trio.CancelScope(), trio.CancelScope()
        # It has been up for a moment already, beside the link before.
        due = max(0.0, self._rollover.seconds_until_due(self._rng) - (trio.current_time() - link.up_at))
        self._spawn(self._timetable, self._timers, {RolloverDue(link): due, Settled(link): SETTLE_SECONDS})
        self._resume(link, self._plan.clock.at(link.up_at))
        if isinstance(self._recoverer, Checks):
            self._spawn(self._check_when_quiet, self._checks, link, self._recoverer)
        if link.number in self._doomed:
            self._replace_doomed(link)
        if not self._has_begun:
            self._has_begun = True
            self._spawn(self._after, _BASELINE_SECONDS, OpeningOver())
            self._ask_for_baseline()

    def _look_for_proof(self, link: Link) -> None:
        """Say once that nothing shows the socket to be the right one, and once that something does."""
        now, account = self._plan.clock.now(), self._plan.product.name
        if link.unproven:
            if not self._was_proven and not self._unproven:
                self._unproven = link.unproven
                log.warning("the stream is unproven: %s", link.unproven)
                self.buffer.put_notice(Unproven(at=now, account=account, detail=link.unproven))
            return
        self._was_proven = True
        if self._unproven:
            self._unproven = ""
            log.info("the stream is proven: its socket brings the events of %s", account)
            self.buffer.put_notice(Proven(at=now, account=account))

    def _resume_active(self, link: Link) -> None:
        """Have the active link's events wait, and deliver from it again after a recovery."""
        if self._resumption is None:
            self._handover.park_active()
        self._resume(link, self._plan.clock.now())

    def _resume(self, link: Link, until: datetime) -> None:
        """Deliver from a parked link: after a recovery, if there is something to recover."""
        if self._unreadable_at is not None:
            self.delivery.note_unreadable(self._unreadable_at)
            self._unreadable_at = None
        blindness = self.delivery.blindness
        if blindness is not None:
            self._end_recovery()
            self._resumption = Resumption(link, until)
            if self._asked_for_baseline is not link:
                self._baseline_scope.cancel()  # A recovery asks for the same, by a link that lives.
            self.buffer.resumes_from = trio.current_time() + _BETWEEN_RECOVERIES_SECONDS
            self._spawn(self._recover, self._resumption, blindness)
        else:
            self._deliver_from(link, until, NothingRecovered())

    def _end_recovery(self) -> None:
        """End the recovery that is under way, if there is one: what it finds is not waited for any more."""
        if self._resumption is not None:
            self._resumption.scope.cancel()
            self._resumption = None

    def _deliver_from(self, link: Link, until: datetime, recovered: Recovered, searched: Searched = _NOTHING) -> None:
        if self._resumption is not None:
            self.record.recovery_over(trio.current_time() - self._resumption.began)
            self._quiet.is_settled = recovered.complete and not recovered.events
        self._end_recovery()
        echoes = self.delivery.resume_from(link.number, until, recovered, searched)
        if echoes is not None:
            self._spawn(self._after, SETTLE_SECONDS, Settled(echoes))
        log.info("link %d delivers", link.number)
        self._check_events()

    def _check_events(self) -> None:
        """See to what the events that were just delivered have shown to be missing."""
        if self.delivery.discrepancy is not None:
            self._look_into()
        if self.delivery.unreadable.count:
            self._expect_unreadable()
        if self.delivery.has_unexplained and not self._is_judgement_due:
            self._is_judgement_due = True
            self._spawn(self._after, _JUDGED_AFTER_SECONDS, JudgementDue())

    # What runs beside it: links, timers, and questions to the venue.

    def _bring_up(self, wait: float) -> None:
        if self._successor is None and not self._bring_up_scheduled:
            self._bring_up_scheduled = True
            self.reconnecting.next_attempt_at = trio.current_time() + wait
            self._spawn(self._after, wait, BringUp())

    def _on_time_to_bring_up(self, message: BringUp) -> None:
        left = self._plan.bar.seconds_left
        if left > 0:
            # A question over REST was refused meanwhile: to connect would be one attempt more in a ban.
            self._spawn(self._after, left, message)
            return
        self._bring_up_scheduled = False
        self._start_link()

    def _start_link(self) -> None:
        self._links_started += 1
        self.reconnecting.next_attempt_at = None
        link = self._successor = Link(self._links_started)
        self._handover.park(link.number)
        self._spawn(self._run_link, link)

    async def _run_link(self, link: Link) -> None:
        await run_link(
            link,
            self._plan,
            report=self._on_report,
            accept=self._accept,
            on_batch_end=self._on_batch_end,
            on_size=self.buffer.add_bytes,
        )

    def _on_report(self, report: Report) -> None:
        if isinstance(report, LinkUp):
            # At once: what other links bring from here on, this one brings too.
            self._handover.note_subscribed(report.link.number)
        self._to_inbox.send_nowait(report)

    def _accept(self, link: Link, event: Event) -> None:
        self._newest = event
        resumption = self._resumption
        if resumption is not None and link is resumption.link and self._handover.is_full(link.number):
            # Better a gap that is not proven than a blindness that starts over and over.
            unproven = NothingRecovered("more events came than may wait for the venue's answers")
            self._deliver_from(link, resumption.until, unproven)
        self._handover.accept(link.number, event)
        if self.delivery.discrepancy is not None:
            self._look_into()

    def _on_batch_end(self, now: float) -> None:
        if self._unproven and self.active is not None and self.active.has_brought_events:
            self._look_for_proof(self.active)
        self._check_events()
        if self.delivery.has_news:
            self.delivery.has_news = False
            self._quiet.note_event(now)
        self.buffer.flush(now)
        if self.buffer.pending_bytes:
            self._look_at_what_is_pending()
        if self._newest is not None and self._newest.event_time is not None:
            self.record.newest = self._newest.event_time, self._plan.clock.seconds(now)
        self._newest = None

    def _look_at_what_is_pending(self) -> None:
        """Bound how big the events are that wait on a parked link, as their number is bounded."""
        buffer, resumption, successor = self.buffer, self._resumption, self._successor
        is_parked = successor is not None and successor.connection is not None and buffer.mark is None
        if resumption is None and not is_parked:
            buffer.forget_pending()  # They were shed, or were echoes.
        elif buffer.pending_bytes > buffer.max_bytes:
            words = f"events of more than {buffer.max_bytes} bytes"
            if resumption is not None:
                unproven = NothingRecovered(f"{words} came than may wait for the venue's answers")
                self._deliver_from(resumption.link, resumption.until, unproven)
                buffer.flush(trio.current_time())
            else:
                assert successor is not None
                assert successor.connection is not None
                successor.connection.end(ParkedTooMuch(f"{words} wait on a link that is not active yet"))
            buffer.forget_pending()

    async def _barrier(self, old: Link, new: Link) -> None:
        clean = False
        with trio.move_on_after(self._plan.timeouts.pong):
            clean = await old.prove()
        # Where it has ended, its end is reported, and says more.
        if old.connection is None or old.connection.has_ended:
            return
        if clean:
            # That an event leaves the venue before a pong that is asked for later, no page says. Both links bring the
            # same meanwhile, so to wait costs nothing.
            self._shown_whole = old, new
            await trio.sleep(_LATE_SECONDS)
        self._to_inbox.send_nowait(BarrierPassed(old, new, clean))

    async def _drain(self, link: Link) -> None:
        """Let the calls in flight on an old link be answered, then let it leave."""
        assert link.connection is not None
        with trio.move_on_after(self._plan.timeouts.answer):
            await link.connection.wait_idle()
        await link.leave(self._plan.timeouts.close)

    def _asker(self, link: Link) -> Asker:
        assert link.connection is not None
        request = self._plan.request_about_the_past(link.connection)
        # Where opening has signed nothing, a refusal of the first signed question is one of the opening.
        signs_first = not self._plan.opener.is_signed
        return Asker(
            request,
            self._report_answer,
            at_once=lambda: signs_first and not self.settled.is_set(),
            weight_left=partial(self._plan.weight_left, link.connection),
        )

    def _report_answer(self, report: CredentialsDenied | Replied) -> None:
        # Most answers change nothing, and are not worth a turn of the supervisor.
        if isinstance(report, Replied) and self.settled.is_set() and not self._acceptance.is_refused(report.method):
            return
        self._to_inbox.send_nowait(report)

    def _ask_for_baseline(self) -> None:
        if not self.baseline.is_wanted and self.settled.is_set():
            return  # A recovery has brought it.
        if self.active is None or self._resumption is not None:
            self._spawn(self._after, _AGAIN_SECONDS, AskForBaseline())
            return
        self._spawn(self._take_baseline, self.active)

    async def _take_baseline(self, link: Link) -> None:
        self._asked_for_baseline, self._baseline_over = link, trio.Event()
        with trio.CancelScope() as self._baseline_scope:
            try:
                await self._recoverer.take_baseline(self._asker(link), self._plan.clock)
            except ArithmeticError:
                # The baseline stays unknown, as if it had not been answered; the gaps say so, and it is asked again.
                log.exception("what was there before cannot be computed from the venue's answers")
        self._asked_for_baseline = None
        self._baseline_over.set()
        # A gap begins with the last proof. One that begins before the baseline, or as it seems by a clock that is not
        # certain, cannot be proven complete. So the link is proven anew, and where that is quick, before entering.
        wait = 2 * self._plan.clock.uncertainty.total_seconds() + 0.01
        if wait <= _PROOF_SECONDS and self.baseline.is_known:
            await trio.sleep(wait)
            await link.prove()
        self._to_inbox.send_nowait(BaselineAsked())
        if wait > _PROOF_SECONDS and self.baseline.is_known:
            await trio.sleep(wait)
            await link.prove()

    async def _check_when_quiet(self, scope: trio.CancelScope, link: Link, recoverer: Checks) -> None:
        """List the open orders when something has come and then nothing, for as long as this link delivers."""
        quiet = self._quiet
        since = self._plan.clock.now()
        with scope:
            while link is self.active:
                await quiet.wait()
                last, now = quiet.last_event_at, self._plan.clock.now()
                quiet.note_asked()
                if not self._is_passing() or not self.baseline.is_known or self._asked_for_baseline is not None:
                    continue
                detail = await recoverer.check(self._asker(link), self._plan.clock)
                if detail:
                    await trio.sleep(_LATE_SECONDS)  # The event may be on its way.
                if quiet.last_event_at != last or not self._is_passing():
                    continue  # The list and what has come meanwhile cannot be told apart by time.
                if quiet.is_new(detail):
                    quiet.difference, quiet.is_settled = detail, False
                    self._to_inbox.send_nowait(OpenDiffers(link, quiet.checked_until or since, detail))
                quiet.note_checked(now)

    async def _recover(self, resumption: Resumption, blindness: Blindness) -> None:
        connection = resumption.link.connection
        assert connection is not None
        with resumption.scope:
            if self._asked_for_baseline is not None:
                await self._baseline_over.wait()  # A recoverer is asked for one thing at a time.
            clock = self._plan.clock
            since = (blindness.ask_since or blindness.since) - clock.corrected_since(blindness.noted_at)
            asker, searched = self._asker(resumption.link), _NOTHING
            try:
                recovered = await self._recoverer.recover(asker, since, clock)
                lacking = self.delivery.next_lacking()
                if lacking and isinstance(self._recoverer, Searches):
                    searched = await self._recoverer.search(asker, lacking, clock)
            except ArithmeticError as error:
                # A number of the venue's that nothing can be computed with must not end the stream.
                log.exception("what was missed cannot be computed from the venue's answers")
                recovered = NothingRecovered(f"the venue's answers cannot be computed with ({type(error).__name__})")
            # Answers that the end of the connection has cut short are no basis: the next link asks for all of it.
            if not connection.has_ended:
                self._to_inbox.send_nowait(Answered(resumption, recovered, searched))

    async def _after(self, seconds: float, message: Message) -> None:
        await trio.sleep(seconds)
        self._to_inbox.send_nowait(message)

    async def _timetable(self, scope: trio.CancelScope, due: Mapping[Message, float]) -> None:
        began = trio.current_time()
        with scope:
            for message in sorted(due, key=due.__getitem__):
                await trio.sleep_until(began + due[message])
                self._to_inbox.send_nowait(message)

    def _spawn(self, task: Callable[..., Awaitable[None]], *args: object) -> None:
        assert self._nursery is not None
        start(self._nursery, self._guarded, task, *args)

    async def _guarded(self, task: Callable[..., Awaitable[None]], *args: object) -> None:
        try:
            await task(*args)
        except Exception as bug:
            self._to_inbox.send_nowait(Crashed(bug))

    def _lived(self, link: Link) -> float | None:
        return None if link.up_at is None else trio.current_time() - link.up_at

    def _next_wait(self, cause: Exception | None) -> float:
        return max(self._attempts.next_wait(cause), self._plan.bar.seconds_left)


def _tells_fills(product: Product) -> bool:
    """Whether the reports of orders are among the events that are asked for."""
    mechanism = product.mechanism
    types = mechanism.events if isinstance(mechanism, ListenKeyStream) else ()
    return not types or "ORDER_TRADE_UPDATE" in types
