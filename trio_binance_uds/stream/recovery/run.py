"""One recovery of a product that has orders: its rounds of questions, and what makes its gap incomplete.

The order of the questions matters, and is the same for every product. First comes what is now, as of about one moment;
then the history, which must explain it; then the details that the answers call for, until nothing new is asked. What
does not fit together is asked once more a second later, since the venue's databases lag behind its memory. What then
still does not fit makes the gap incomplete.

A product says what its questions are, and what its answers mean. What holds for all of them is here: nothing is asked
twice in a round, symbols that do not exist are dropped, what is no longer listed is said, a gap that began before the
baseline was answered is never complete, and what was learned is recorded only when the gap is delivered.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

import trio

from trio_binance_uds.stream.recovery.contract import LOST_MEANWHILE
from trio_binance_uds.stream.recovery.inquiry import Inquiry, Question
from trio_binance_uds.stream.recovery.learned import Learned
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.retention import Retention
from trio_binance_uds.stream.recovery.symbols import QUIET_AFTER, Findings, Gone
from trio_binance_uds.stream.recovery.timing import UNDER_WAY, VenueClock, latest
from trio_binance_uds.stream.recovery.unproven import Span, Unproven

_AGAIN_SECONDS = 1.0


class Delivered(Protocol):
    """What was delivered so far, as far as every recovery needs it."""

    gone: Gone
    learned: Learned
    began: datetime | None
    no_baseline_because: str

    @property
    def unproven(self) -> Unproven | None:
        """The gaps that were not proven; ``None`` where histories go by the last change, so that none is left over."""
        ...

    @property
    def has_baseline(self) -> bool:
        """Whether it is known what was there before the stream began."""
        ...

    @property
    def asked_until(self) -> datetime | None:
        """Until when the baseline was asked for, where what ended meanwhile may be in no answer."""
        ...

    @property
    def symbols(self) -> Mapping[str, object]:
        """The symbols that were seen on the stream or among what is open."""
        ...

    def begin(self, at: datetime) -> None: ...

    def forget_quiet(self, before: datetime) -> None: ...

    def drop_gone(self) -> None: ...

    def symbols_with_something_open(self) -> set[str]: ...


_DiscrepancyT = TypeVar("_DiscrepancyT")


class Run(ABC, Generic[_DiscrepancyT]):
    """One recovery."""

    retention: Retention
    """How long what has ended is listed."""
    bad_symbols: frozenset[int]
    """The codes by which the venue says that a symbol does not exist; empty where there is only one symbol."""

    def __init__(
        self, inquiry: Inquiry, delivered: Delivered, since: datetime, options: Recovery, clock: VenueClock
    ) -> None:
        self._delivered = delivered
        self._inquiry = inquiry
        self._options = options
        self._clock = clock
        self._since = since
        self._asked: set[Hashable] = set()
        delivered.learned.forget()
        if not delivered.has_baseline:
            delivered.begin(since - clock.uncertainty)
        assert delivered.began is not None
        margin = UNDER_WAY + clock.uncertainty
        # From when on is asked: what happened just before the gap may have been on its way.
        self.start: datetime = max(since - margin, delivered.began)
        # Gaps before that in which orders may have been placed that nobody knows, and a time before it in which orders
        # may have been placed of which nothing was ever sent.
        self.earlier: tuple[Span, ...] = ()
        self.before: Span = (self.start, self.start)
        if delivered.unproven is not None:
            self.earlier = delivered.unproven.before(self.start, margin)
            self.before = (delivered.unproven.placed_since(self.start, delivered.began), self.start)
        delivered.forget_quiet(self.start - QUIET_AFTER)
        delivered.gone.begin(delivered.symbols)

    # What a product says.

    @abstractmethod
    def state(self) -> Iterable[Question]:
        """Ask for what is now."""

    def more_state(self) -> Iterable[Question]:
        """Ask for what the state itself calls for, before the history is asked for."""
        return ()

    @abstractmethod
    def history(self, *, thorough: bool) -> Iterable[Question]:
        """Ask for what has happened; ``thorough``: also where nothing points to."""

    @abstractmethod
    def details(self) -> Iterable[Question]:
        """Ask for what the answers so far call for."""

    def history_before(self) -> Iterable[Question]:
        """Ask for orders that were placed in the time before the gap, where histories go by that time."""
        return ()

    @abstractmethod
    def discrepancies(self) -> Sequence[_DiscrepancyT]:
        """Return what does not fit together."""

    def more_because_of(self, discrepancies: Sequence[_DiscrepancyT]) -> Iterable[Question]:
        """Ask for what may explain discrepancies, and is not asked for without one."""
        return ()

    def may_pass(self, discrepancy: _DiscrepancyT) -> bool:
        """Whether a discrepancy may be gone when the venue is asked again."""
        return True

    @abstractmethod
    def once_more(self, discrepancies: Sequence[_DiscrepancyT]) -> Iterable[Question]:
        """Ask again for what the discrepancies are about, and say by :meth:`forget_asked` what else is."""

    def history_once_more(self) -> Iterable[Question]:
        """Ask again for the history, as far as what was asked for is forgotten."""
        return self.history(thorough=True)

    @abstractmethod
    def baseline_now(self) -> Callable[[], None] | None:
        """Return what records the answers of now as the baseline that is missing; ``None`` where some are lacking."""

    # The rounds.

    async def ask(self) -> None:
        """Ask until nothing is lacking, or nothing more can be asked."""
        await self._put(self.state())
        await self._put(self.more_state())
        await self._put(self.history(thorough=False))
        await self._follow_up()
        # What was placed shortly before may never have been sent: that is looked into as far as it is cheap.
        if before := self._excusing(self.history_before()):
            await self._inquiry.ask_to_spare(before)
            await self._follow_up()
        found = self.discrepancies()
        if await self._put(self.more_because_of(found)):
            found = self.discrepancies()
        found = [discrepancy for discrepancy in found if self.may_pass(discrepancy)]
        if found and not self._inquiry.is_over:
            await trio.sleep(_AGAIN_SECONDS)
            again = list(self.once_more(found))
            self._asked.update([question.identity for question in again])
            await self._inquiry.ask(self._excusing(again))
            await self._put(self.history_once_more())
            await self._follow_up()

    def was_asked(self, question: Question) -> bool:
        """Whether this was asked in this round."""
        return question.identity in self._asked

    def forget_asked(self, is_to_be: Callable[[Hashable], bool] = lambda identity: True) -> None:
        """Let what was asked be asked again: all of it, or what this says of its identity."""
        self._asked = {identity for identity in self._asked if not is_to_be(identity)}

    async def _put(self, questions: Iterable[Question]) -> bool:
        """Ask what was not asked yet; return whether there was anything."""
        new = {question.identity: question for question in questions if question.identity not in self._asked}
        self._asked.update(new)
        if new and not self._inquiry.is_over:
            await self._inquiry.ask(self._excusing(new.values()))
            return True
        return False

    async def _follow_up(self) -> None:
        """Ask for what the answers so far show to be lacking, and so on: nothing is asked twice, so it ends."""
        while await self._put(self.details()):
            pass

    def _excusing(self, questions: Iterable[Question]) -> list[Question]:
        """Return questions whose answers may be that their symbols do not exist."""
        gone = self._delivered.gone
        return [gone.excusing(question, self.bad_symbols) if self.bad_symbols else question for question in questions]

    # What comes of it.

    def reasons(self) -> list[str]:
        """Say why the gap is not complete whatever was found, and have the symbols dropped that do not exist."""
        delivered, first = self._delivered, min([self.start, *[since for since, _ in self.earlier]])
        reasons = [*self._inquiry.reasons(), *self.retention.lacking(first, latest(self._clock))]
        if not delivered.has_baseline:
            reasons.append(f"what was there before the stream began is not known ({delivered.no_baseline_because})")
            # So that the next gap can be complete.
            if (record := self.baseline_now()) is not None and not self._inquiry.is_over:
                delivered.learned.add(record)
        elif delivered.asked_until is not None and self._since < delivered.asked_until:
            # What ended between the subscription and the answers was in neither.
            reasons.append(LOST_MEANWHILE)
        delivered.learned.add(delivered.drop_gone)
        return reasons

    def about_symbols(self) -> Findings:
        """Say which symbols do not exist."""
        delivered = self._delivered
        is_open = delivered.symbols_with_something_open().__contains__
        is_known = delivered.symbols.__contains__
        return delivered.gone.findings(self._options.symbols, is_known=is_known, is_open=is_open)

    def note_listed(self) -> None:
        """Record that all that is open was listed, and each order is delivered as it is."""
        assert self._delivered.unproven is not None, "where histories go by the last change there is nothing to settle"
        self._delivered.learned.add(self._delivered.unproven.note_listed)
