"""The recovery of an options stream: what it has told, and how it asks for the rest.

First come the account, the positions and the open orders, as of about one moment; then the history of each symbol,
which must explain them. What does not fit together is asked once more a second later, since the venue's databases may
lag. What then still does not fit is said: ``complete`` is true only if every question was answered, the fills of each
order add up, every order that was open has a known fate, and positions and wallet are what they were plus the fills.

What cannot be recovered, because no query tells it:

* Each update of balances and positions: there is one with what is now of each that has changed. Its reason is
  ``RECOVERED``. Deposits and withdrawals are not told; they make the recovery incomplete, and are in its
  ``balance_change``. Exercises explain a position that has expired.
* The totals and the greeks of every ten seconds: there is one of each with what is now, if that has changed. The
  wallet in them is concluded: the margin balance less what was paid for the positions.
* A level of risk that came and went. What it is now is concluded from whether the account may only reduce.
* The open quantities of the account on a symbol (``None``), and a NEW of an order that was rejected.
* Orders that ended without a fill on symbols that were not on this stream for a week, have no open order or position
  and were not named; a fill shows in the positions and in the wallet. Orders that ended more than five days ago.

Source: Binance Options Trading, "Trade" and "Account" (2026-05-28).
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

import attrs
import trio

from trio_binance_uds.events import Event
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.contract import LOST_MEANWHILE
from trio_binance_uds.stream.recovery.european_options.evidence import Evidence
from trio_binance_uds.stream.recovery.european_options.knowledge import Knowledge
from trio_binance_uds.stream.recovery.european_options.own_reports import search
from trio_binance_uds.stream.recovery.european_options.questions import Questions
from trio_binance_uds.stream.recovery.european_options.reconstruct import Doubt, reconstruct
from trio_binance_uds.stream.recovery.european_options.recovered import OptionsRecovered
from trio_binance_uds.stream.recovery.inquiry import Budget, Inquiry, Question, Request
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.own_reports import OrderName, Searched
from trio_binance_uds.stream.recovery.retention import Retention
from trio_binance_uds.stream.recovery.symbols import BAD_CONTRACT, QUIET_AFTER
from trio_binance_uds.stream.recovery.timing import UNDER_WAY, VenueClock, earliest, latest

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

_RETENTION = Retention(orders=timedelta(days=5), fills=timedelta(days=90))
_AGAIN_SECONDS = 1.0


class OptionsRecoverer:
    """Knows what the user was told, and recovers what was missed."""

    def __init__(self, options: Recovery, account: str) -> None:
        self._options = options
        self._account = account
        self._knowledge = Knowledge()
        # Of the last recovery.
        self._budget: Budget

    def observe(self, event: Event) -> None:
        """Take in an event that was accepted for delivery."""
        self._knowledge.observe(event)

    @property
    def no_baseline_because(self) -> str:
        """Why it is not known what was there before the stream began; empty where it is."""
        return self._knowledge.no_baseline_because

    async def take_baseline(self, request: Request, clock: VenueClock) -> None:
        """Ask what was there before the stream began. Weight 48."""
        knowledge, began_at, at = self._knowledge, trio.current_time(), earliest(clock)
        knowledge.begin(at)
        evidence = Evidence(knowledge, at)
        inquiry = Inquiry(request, self._options.weight_allowed, knowledge.whose)
        with trio.move_on_after(self._options.max_seconds):
            await inquiry.ask(Questions(evidence, at, clock).state())
        answers = evidence.baseline()
        if answers is not None:
            # A refused question may have shown that the clock was wrong.
            knowledge.take_baseline(answers, at - clock.corrected_since(began_at), clock.now())
        else:
            knowledge.no_baseline_because = "; ".join(inquiry.reasons())
            log.warning("gaps cannot be proven complete: %s", knowledge.no_baseline_because)

    async def recover(self, request: Request, since: datetime, clock: VenueClock) -> OptionsRecovered:
        """Ask for what was missed since then; it raises no ordinary exception.

        It costs 48 in weight, 8 per symbol, and 1 per order that was open and is so no more.
        """
        self._budget = Budget(self._options.weight_allowed)
        recovery = _Recovery(
            Inquiry(request, self._budget, self._knowledge.whose), self._knowledge, since, self._options, clock
        )
        with trio.move_on_after(self._options.max_seconds):
            await recovery.ask()
        return recovery.result(self._account)

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask for the fills of orders whose delivered reports do not add up."""
        found: Searched = {}
        with trio.move_on_at(self._budget.began + self._options.max_seconds):
            found = await search(Inquiry(request, self._budget, self._knowledge.whose), orders, clock)
        for own in found.values():
            self._knowledge.learned.add(partial(self._knowledge.note_fills, own.reports))
        return found

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told."""
        self._knowledge.learned.record()
        self._knowledge.unproven.note_gap(since, until, complete=complete)

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        self._knowledge.learned.forget()


class _Recovery:
    """One recovery."""

    def __init__(
        self,
        inquiry: Inquiry,
        knowledge: Knowledge,
        since: datetime,
        options: Recovery,
        clock: VenueClock,
    ) -> None:
        self._clock = clock
        self._asked_at = clock.now()
        self._since = since
        since -= clock.uncertainty
        if knowledge.baseline_at is None:
            knowledge.begin(since)
        assert knowledge.began is not None
        self._knowledge = knowledge
        knowledge.learned.forget()
        self._options = options
        self._inquiry = inquiry
        start = max(since - UNDER_WAY, knowledge.began)
        knowledge.forget_quiet(start - QUIET_AFTER)
        knowledge.gone.begin(knowledge.symbols)
        self._evidence = Evidence(knowledge, start)
        self._before = knowledge.unproven.placed_since(start, knowledge.began), start
        self._questions = Questions(self._evidence, start, clock)
        self._earlier = knowledge.unproven.before(start, UNDER_WAY + clock.uncertainty)
        self._asked_since = min([start, *[first for first, _ in self._earlier]])
        self._asked: set[Hashable] = set()

    async def ask(self) -> None:
        # What is now comes before the history that must explain it.
        await self._put(self._questions.state())
        await self._put(self._history(self._symbols()))
        await self._follow_up()
        # What was placed shortly before may never have been sent: that is looked into as far as it is cheap.
        if self._before[0] < self._before[1]:
            await self._inquiry.ask_to_spare(
                [question for symbol in self._symbols() for question in self._questions.orders_of(symbol, self._before)]
            )
            await self._follow_up()
        doubts = reconstruct(self._knowledge, self._evidence).doubts
        if doubts and not self._inquiry.is_over:
            await trio.sleep(_AGAIN_SECONDS)
            await self._ask_again(doubts)

    def result(self, account: str) -> OptionsRecovered:
        knowledge, evidence = self._knowledge, self._evidence
        found = reconstruct(knowledge, evidence)
        reasons = self._inquiry.reasons()
        reasons += _RETENTION.lacking(self._asked_since, latest(self._clock))
        if knowledge.baseline_at is None:
            reasons.append(f"what was there before the stream began is not known ({knowledge.no_baseline_because})")
            self._make_up_for_baseline()
        elif knowledge.asked_until is not None and self._since < knowledge.asked_until:
            reasons.append(LOST_MEANWHILE)
        is_open = knowledge.symbols_with_something_open().__contains__
        said = knowledge.gone.findings(self._options.symbols, is_known=knowledge.symbols.__contains__, is_open=is_open)
        reasons += said.reasons
        knowledge.learned.add(knowledge.drop_gone)
        if evidence.open_orders is not None and not any(doubt.key is not None for doubt in found.doubts):
            knowledge.learned.add(knowledge.unproven.note_listed)
        return OptionsRecovered(
            events=tuple([attrs.evolve(event, account=account) for event in found.events]),
            reasons=tuple(reasons),
            remarks=said.remarks,
            doubts=found.doubts,
            told_filled={key: told.filled_accumulated_quantity for key, told in knowledge.orders.items()},
        )

    def _make_up_for_baseline(self) -> None:
        """Take the answers of now for the baseline that is missing, so that the next gap can be made good."""
        answers = self._evidence.baseline()
        if answers is not None and not self._inquiry.is_over:
            knowledge = self._knowledge
            assert knowledge.began is not None
            knowledge.learned.add(partial(knowledge.take_baseline, answers, knowledge.began, self._asked_at))

    async def _put(self, questions: Iterable[Question]) -> bool:
        """Ask what was not asked yet; return whether there was anything."""
        new = {question.identity: question for question in questions if question.identity not in self._asked}
        self._asked.update(new)
        if new and not self._inquiry.is_over:
            await self._inquiry.ask([self._knowledge.gone.excusing(one, BAD_CONTRACT) for one in new.values()])
            return True
        return False

    async def _follow_up(self) -> None:
        """Ask for what the answers so far show to be lacking, and so on: nothing is asked twice, so it ends."""
        while await self._put(self._details()):
            pass

    async def _ask_again(self, doubts: Iterable[Doubt]) -> None:
        """Repeat what the doubts are about: they may be due to answers that lag behind."""
        keys = [doubt.key for doubt in doubts if doubt.key is not None]
        self._evidence.not_found.clear()
        self._asked.clear()
        await self._put([*self._questions.state(), *[self._questions.status_of(key) for key in keys]])
        await self._put(self._history(self._symbols()))
        await self._follow_up()

    def _symbols(self) -> list[str]:
        """Return the symbols to ask about, the most relevant first."""
        knowledge, evidence = self._knowledge, self._evidence
        with_orders = [symbol for symbol, _ in (*knowledge.orders, *(evidence.open_orders or ()))]
        with_positions = [*(evidence.positions or ()), *knowledge.positions]
        seen = sorted(knowledge.symbols, key=lambda symbol: knowledge.symbols[symbol], reverse=True)
        symbols = dict.fromkeys([*self._options.symbols, *with_orders, *with_positions, *seen])
        return [symbol for symbol in symbols if symbol not in knowledge.gone]

    def _history(self, symbols: Iterable[str]) -> Iterator[Question]:
        for symbol in symbols:
            yield from self._questions.trades_of(symbol)
            yield from self._questions.orders_of(symbol)
            for span in self._earlier:
                yield from self._questions.orders_of(symbol, span)

    def _details(self) -> Iterator[Question]:
        """Ask for what the answers so far call for."""
        evidence, questions = self._evidence, self._questions
        for key in evidence.strangers():
            yield questions.status_of(key)
        for facts in evidence.facts():
            if not facts.order.is_final and evidence.is_gone(facts.order.key):
                yield questions.status_of(facts.order.key)
            if facts.missing_quantity() > 0:
                # From a gap that was not made good, if the fills since then do not have it.
                yield from questions.trades_of(facts.order.symbol, facts.told_at)
        if any(doubt.symbol is not None for doubt in reconstruct(self._knowledge, evidence).doubts):
            yield from questions.exercises()
