"""The recovery of the risk of a margin account: of a cross one, or of an isolated pair whose listen key tells it too.

After a gap it asks for the debts and the margin level, and then for what must explain them: loans, repayments and
interest, as the venue has booked them since the books were last read. Each row that no event has told becomes an event,
also one from before the gap: that its event was never sent, no other event shows. What is owed now must be what was
owed before and what was booked since; otherwise the recovery is incomplete.

What cannot be recovered, because no query tells it:

* A status of the margin level that came and went. There is one event, with the level of now, if that means another
  status than the last one told. Only the meaning of the margin call is documented, so another word leaves the recovery
  incomplete, and MARGIN_CALL and PRE_LIQUIDATION cannot be told apart.
* The words of the stream for repayments and interest, which are not documented: recovered ones say ``REPAY`` and
  ``INTEREST``. Their amounts are those of the books. What a loan costs at once is in the book of interest: where that
  does not answer, the recovered loan has no interest (``None``), and the recovery is incomplete.
* When an event would have been sent: the time of the booking stands for it. Interest that the stream tells more than a
  minute after it was recovered is told twice.

Source: Binance Margin Trading, "Borrow and Repay", "Account" and "Risk Data Stream" (2026-01-15).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
import trio

from trio_binance_uds.events import Event, MarginLevelStatus, MarginLevelStatusChange
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.contract import NEVER_ASKED
from trio_binance_uds.stream.recovery.inquiry import Inquiry, Question, Request
from trio_binance_uds.stream.recovery.learned import Learned
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.reading import each, member, whole
from trio_binance_uds.stream.recovery.risk.answers import (
    BORROW,
    INTEREST,
    ON_BORROW,
    REPAY,
    Bars,
    DebtAnswer,
    DebtChange,
    read_interest,
    read_loan,
)
from trio_binance_uds.stream.recovery.risk.knowledge import NEAR, NEAR_INTEREST, RiskKnowledge
from trio_binance_uds.stream.recovery.risk.recovered import RiskRecovered
from trio_binance_uds.stream.recovery.timing import UNDER_WAY, VenueClock, earliest, latest
from trio_binance_uds.stream.recovery.windows import Window, to_ms, windows
from trio_binance_uds.wire.values import vocabulary

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_ROOT = "GET /sapi/v1/margin/"
_PAGE = 100
_WINDOW_DAYS = 30
# The books are kept by the second, and what is owed changes a moment before or after it is booked.
_BOOKED_WITHIN = timedelta(seconds=2)
_AGAIN_SECONDS = 1.0


class RiskRecoverer:
    """Knows what the user was told, and recovers what was missed."""

    def __init__(self, options: Recovery, account: str, symbol: str | None = None) -> None:
        self._options = options
        self._account = account
        self._symbol = symbol
        self._knowledge = RiskKnowledge()
        self._no_baseline_because = NEVER_ASKED
        self._learned = Learned()

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        self._knowledge.observe(event)

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return "" if self._knowledge.has_anchor else self._no_baseline_because

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Ask what was owed when the stream began, and what the margin level meant. Weight 20."""
        knowledge, options = self._knowledge, self._options
        began_at, at = trio.current_time(), earliest(clock)
        knowledge.begin(at)
        inquiry, evidence = Inquiry(request, options.weight_allowed), _Evidence(clock, self._symbol)
        with trio.move_on_after(options.max_seconds):
            await inquiry.ask(evidence.state_questions())
        # A refused question may have shown that the clock was wrong.
        knowledge.begin(at - clock.corrected_since(began_at))
        if evidence.debts is not None:
            self._record(evidence.debts, evidence.words, are_books_read=True)
        if reasons := inquiry.reasons():
            self._no_baseline_because = "; ".join(reasons)
            log.warning("gaps cannot be proven complete: %s", self._no_baseline_because)

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> RiskRecovered:
        """Ask for what was missed since then; it raises no ordinary exception. Weight 41, more for many loans."""
        knowledge, options = self._knowledge, self._options
        self._learned.forget()
        anchor = knowledge.anchor(since)
        if anchor is None:
            knowledge.begin(since - clock.uncertainty)
        read_until = min(knowledge.read_until(since), since)
        inquiry, evidence = Inquiry(request, options.weight_allowed), _Evidence(clock, self._symbol)
        with trio.move_on_after(options.max_seconds):
            await self._ask(inquiry, evidence, read_until, anchor)
            if evidence.unexplained(anchor) and not inquiry.is_over:
                await trio.sleep(_AGAIN_SECONDS)
                await self._ask(inquiry, evidence, read_until, anchor)
        reasons = inquiry.reasons()
        if evidence.debts is not None:
            # What is not explained may be in the books in a while.
            are_read = not (reasons or evidence.unexplained(anchor))
            self._learned.add(partial(self._record, evidence.debts, evidence.words, are_books_read=are_read))
        return self._judged(reasons, evidence, since, read_until, anchor)

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Record what is owed as it was answered: what changes after it is counted from that."""
        self._learned.record()

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        self._learned.forget()

    def _record(self, debts: DebtAnswer, words: Sequence[str], *, are_books_read: bool) -> None:
        """Record what is owed, and what the margin level means where nobody has said that yet."""
        knowledge = self._knowledge
        knowledge.note_debts(debts, are_books_read=are_books_read)
        if words and knowledge.status is None:
            knowledge.status = words[0]

    async def _ask(self, inquiry: Inquiry, evidence: _Evidence, since: datetime, anchor: DebtAnswer | None) -> None:
        # The debts come before the books that must explain them.
        await inquiry.ask(evidence.state_questions())
        start = since if anchor is None else min(since, anchor.asked)
        await inquiry.ask(evidence.books(start, _BORROWED, _REPAID))
        # After the loans, or the interest that one costs at once might be lacking.
        await inquiry.ask(evidence.books(start, _INTEREST))

    def _judged(
        self,
        reasons: list[str],
        evidence: _Evidence,
        since: datetime,
        read_until: datetime,
        anchor: DebtAnswer | None,
    ) -> RiskRecovered:
        knowledge = self._knowledge
        assert knowledge.began is not None
        start = read_until - evidence.uncertainty
        begins = {kind: max(knowledge.began, start - UNDER_WAY) for kind in (BORROW, REPAY)}
        begins[INTEREST] = max(knowledge.began, start - NEAR_INTEREST)
        rows = knowledge.untold(evidence.loans_and_interest(), since - evidence.uncertainty - UNDER_WAY)
        untold = [row for row in rows if row.time >= begins[row.kind]]
        if anchor is None:
            reasons.append("what was owed before is not known, so the books prove nothing")
        for asset, amount in evidence.unexplained(anchor).items():
            reasons.append(f"{amount.normalize():+f} {asset} of debt is not explained")
        level = None
        words = evidence.words
        if evidence.debts is not None and words:
            level, doubt = self._status_of_now(evidence.debts, words)
            reasons += [doubt] if doubt else []
        return RiskRecovered(
            account=self._account,
            changes=tuple(untold),
            level=level,
            answered=None if evidence.debts is None else evidence.debts.answered + evidence.uncertainty,
            detail="; ".join(reasons),
            knows_interest=evidence.knows_interest,
        )

    def _status_of_now(self, debts: DebtAnswer, words: tuple[str, ...]) -> tuple[MarginLevelStatusChange | None, str]:
        """Return the event that tells the status of now, if it is another than was told, and what is not sure of it."""
        told, value = self._knowledge.status, f"{debts.level.normalize():f}"
        if told is None:
            return None, "what the margin level meant before is not known"
        level = None if told in words else _level_event(self._account, debts, words[0])
        if debts.status is not None:
            return level, ""
        if words[0] == "MARGIN_CALL":
            return level, f"a margin level of {value} can mean {' or '.join(words)}"
        return level, "" if level is None else f"that a margin level of {value} means {words[0]} is not documented"


def _level_event(account: str, debts: DebtAnswer, word: str) -> MarginLevelStatusChange:
    return MarginLevelStatusChange(
        event_type="MARGIN_LEVEL_STATUS_CHANGE",
        event_time=debts.asked,
        account=account,
        recovered=True,
        raw={"account": debts.raw},
        margin_level=debts.level,
        margin_level_status=vocabulary(MarginLevelStatus)[word],
    )


class _Evidence:
    """The answers of one recovery, and the questions for them."""

    def __init__(self, clock: VenueClock, symbol: str | None) -> None:
        self._clock = clock
        self._symbol = symbol
        self.debts: DebtAnswer | None = None
        self.bars: Bars | None = None
        self._rows: dict[tuple[str, int | str, str], DebtChange] = {}
        # Which pages of which book were asked for, and whether they were answered.
        self._pages: dict[tuple[str, int, int], bool] = {}

    @property
    def uncertainty(self) -> timedelta:
        """By how much a time of ours may be wrong."""
        return self._clock.uncertainty

    @property
    def rows(self) -> list[DebtChange]:
        """What was booked, by time."""
        return sorted(self._rows.values(), key=lambda row: (row.time, str(row.number)))

    @property
    def knows_interest(self) -> bool:
        """Whether the book of interest was read."""
        answered = [answered for (about, *_), answered in self._pages.items() if about == _INTEREST.about]
        return bool(answered) and all(answered)

    def loans_and_interest(self) -> list[DebtChange]:
        """Return what has an event each: a loan with the interest that it costs at once."""
        first = [row for row in self.rows if row.kind == ON_BORROW]
        found = []
        for row in self.rows:
            if row.kind == BORROW and (interest := next((each for each in first if _belongs(each, row)), None)):
                first.remove(interest)
                raw = {**row.raw, "interestHistory": interest.raw}
                found.append(attrs.evolve(row, interest=row.interest + interest.interest, raw=raw))
            elif row.kind != ON_BORROW:
                found.append(row)
        return found

    @property
    def words(self) -> tuple[str, ...]:
        """The statuses that the margin level may have, the likeliest first; empty where that was not answered."""
        if self.debts is None:
            return ()
        if self.debts.status is not None:
            return (self.debts.status,)
        return () if self.bars is None else self.bars.words(self.debts.level)

    def state_questions(self) -> list[Question]:
        """Ask for the debts and the margin level, and for what that means where the answer does not say it."""
        return [self._debts_question()] if self._symbol else [self._debts_question(), self._bars_question()]

    def _debts_question(self) -> Question:
        asked = self._clock.now()

        def use(result: Any) -> None:
            read = DebtAnswer.read if self._symbol is None else DebtAnswer.read_isolated
            self.debts = read(result, asked, self._clock.now())

        route, params = ("account", {}) if self._symbol is None else ("isolated/account", {"symbols": self._symbol})
        return Question(method=_ROOT + route, params=params, weight=10, about="the debts and the margin level", use=use)

    def _bars_question(self) -> Question:
        def use(result: Any) -> None:
            self.bars = Bars.read(result)

        return Question(method=f"{_ROOT}tradeCoeff", weight=10, about="the bars of the margin level", use=use)

    def books(self, since: datetime, *books: _Book) -> Iterator[Question]:
        """Ask for all that was booked there since then, and a little before."""
        first = to_ms(since - self.uncertainty - NEAR_INTEREST)
        for window in windows(first, max(first, to_ms(latest(self._clock))), _WINDOW_DAYS):
            for book in books:
                yield self._page(book, window, 1)

    def _page(self, book: _Book, window: Window, page: int) -> Question:
        place = (book.about, window[0], page)
        self._pages.setdefault(place, False)

        def use(result: Any) -> Sequence[Question]:
            rows = each(member(result, "rows", whole))
            read = [change for row in rows if (change := book.read(row, self._symbol)) is not None]
            self._pages[place] = True
            self._rows.update({(change.kind, change.number, change.asset): change for change in read})
            return (self._page(book, window, page + 1),) if len(rows) >= _PAGE else ()

        params = {"startTime": window[0], "endTime": window[1], "current": page, "size": _PAGE, **book.params}
        if self._symbol is not None:
            params["isolatedSymbol"] = self._symbol
        return Question(method=_ROOT + book.route, params=params, weight=book.weight, about=book.about, use=use)

    def unexplained(self, anchor: DebtAnswer | None) -> dict[str, Decimal]:
        """Return the assets whose debt is not what it was and what was booked since, and by how much."""
        if anchor is None or self.debts is None:
            return {}
        found: dict[str, Decimal] = {}
        for asset in sorted({*anchor.debts, *self.debts.debts}):
            before, after = anchor.owed(asset), self.debts.owed(asset)
            for part in (0, 1):
                deltas = [(row.time, row.delta[part]) for row in self.rows if row.asset == asset and row.delta[part]]
                left = _unexplained(deltas, after[part] - before[part], anchor, self.debts, self.uncertainty)
                if left:
                    found[asset] = found.get(asset, Decimal(0)) + left
        return found


def _belongs(interest: DebtChange, loan: DebtChange) -> bool:
    """Whether this is the interest that a loan costs at once."""
    same = (interest.asset, interest.principal) == (loan.asset, loan.principal)
    return same and abs(interest.time - loan.time) <= NEAR


def _unexplained(
    deltas: list[tuple[datetime, Decimal]],
    change: Decimal,
    anchor: DebtAnswer,
    debts: DebtAnswer,
    uncertainty: timedelta,
) -> Decimal:
    """Return what of a change the deltas do not make up; those about the times of asking may be on either side."""
    margin = uncertainty + _BOOKED_WITHIN
    earlier = sum(time <= anchor.answered + margin for time, _ in deltas)
    certain = sum(time < debts.asked - margin for time, _ in deltas)
    amounts = [amount for _, amount in deltas]
    for first in range(earlier, -1, -1):
        for last in range(max(first, certain), len(amounts) + 1):
            if sum(amounts[first:last], Decimal(0)) == change:
                return Decimal(0)
    return change - sum(amounts[earlier : max(earlier, certain)], Decimal(0))


@attrs.frozen
class _Book:
    """One of the venue's books: where it is, what it is about, and how its rows are read."""

    route: str
    weight: int
    about: str
    params: dict[str, Any]
    read: Callable[[Any, str | None], DebtChange | None]


def _read_borrowed(row: Any, symbol: str | None) -> DebtChange | None:
    return read_loan(row, BORROW, symbol)


def _read_repaid(row: Any, symbol: str | None) -> DebtChange | None:
    return read_loan(row, REPAY, symbol)


_INTEREST = _Book("interestHistory", 1, "the interest", {}, read_interest)
_BORROWED = _Book("borrow-repay", 10, "the loans", {"type": BORROW}, _read_borrowed)
_REPAID = _Book("borrow-repay", 10, "the repayments", {"type": REPAY}, _read_repaid)
