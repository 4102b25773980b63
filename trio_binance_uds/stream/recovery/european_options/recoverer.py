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
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial

import attrs
import trio

from trio_binance_uds.events import Event
from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.european_options.evidence import Evidence
from trio_binance_uds.stream.recovery.european_options.knowledge import Knowledge
from trio_binance_uds.stream.recovery.european_options.own_reports import search
from trio_binance_uds.stream.recovery.european_options.questions import Questions
from trio_binance_uds.stream.recovery.european_options.reconstruct import Doubt, reconstruct
from trio_binance_uds.stream.recovery.european_options.recovered import OptionsRecovered
from trio_binance_uds.stream.recovery.inquiry import Budget, Inquiry, Question, Request
from trio_binance_uds.stream.recovery.open_check import differences, in_words, name
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.own_reports import OrderName, Searched
from trio_binance_uds.stream.recovery.retention import Retention
from trio_binance_uds.stream.recovery.run import Run
from trio_binance_uds.stream.recovery.symbols import BAD_CONTRACT
from trio_binance_uds.stream.recovery.timing import VenueClock, earliest

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)


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
        inquiry = Inquiry(request, self._budget, self._knowledge.whose)
        run = _OptionsRun(inquiry, self._knowledge, since, self._options, clock)
        with trio.move_on_after(self._options.max_seconds):
            await run.ask()
        return run.result(self._account)

    async def search(self, request: Request, orders: Sequence[OrderName], clock: VenueClock) -> Searched:
        """Ask for the fills of orders whose delivered reports do not add up."""
        found: Searched = {}
        with trio.move_on_at(self._budget.began + self._options.max_seconds):
            found = await search(Inquiry(request, self._budget, self._knowledge.whose), orders, clock)
        for own in found.values():
            self._knowledge.learned.add(partial(self._knowledge.note_fills, own.reports))
        return found

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered."""
        knowledge = self._knowledge
        evidence = Evidence(knowledge, clock.now())
        with trio.move_on_after(self._options.max_seconds):
            inquiry = Inquiry(request, self._options.weight_allowed, knowledge.whose)
            await inquiry.ask([Questions(evidence, clock.now(), clock).open_orders()])
        if evidence.open_orders is None:
            return ""
        delivered = {key: told.filled_accumulated_quantity for key, told in knowledge.orders.items()}
        answered = {key: evidence.orders[key].executed for key in evidence.open_orders}
        return in_words(map(name, differences(delivered, answered, knowledge.finished)))

    def note_gap(self, since: datetime, until: datetime, *, complete: bool) -> None:
        """Take in that a gap has been told."""
        self._knowledge.learned.record()
        self._knowledge.unproven.note_gap(since, until, complete=complete)

    def abandon(self) -> None:
        """Forget what the last recovery has learned, as what it found is not delivered."""
        self._knowledge.learned.forget()


class _OptionsRun(Run[Doubt]):
    """One recovery."""

    retention = Retention(orders=timedelta(days=5), fills=timedelta(days=90))
    bad_symbols = BAD_CONTRACT

    def __init__(
        self, inquiry: Inquiry, knowledge: Knowledge, since: datetime, options: Recovery, clock: VenueClock
    ) -> None:
        super().__init__(inquiry, knowledge, since, options, clock)
        self._knowledge = knowledge
        self._asked_at = clock.now()
        self._evidence = Evidence(knowledge, self.start)
        self._questions = Questions(self._evidence, self.start, clock)

    def result(self, account: str) -> OptionsRecovered:
        knowledge, evidence = self._knowledge, self._evidence
        found = reconstruct(knowledge, evidence)
        said = self.about_symbols()
        if evidence.open_orders is not None and not any(doubt.key is not None for doubt in found.doubts):
            self.note_listed()
        return OptionsRecovered(
            events=tuple([attrs.evolve(event, account=account) for event in found.events]),
            reasons=(*self.reasons(), *said.reasons),
            remarks=said.remarks,
            doubts=found.doubts,
            told_filled={key: told.filled_accumulated_quantity for key, told in knowledge.orders.items()},
        )

    def discrepancies(self) -> Sequence[Doubt]:
        return reconstruct(self._knowledge, self._evidence).doubts

    def baseline_now(self) -> Callable[[], None] | None:
        knowledge, answers = self._knowledge, self._evidence.baseline()
        if answers is None:
            return None
        assert knowledge.began is not None
        return partial(knowledge.take_baseline, answers, knowledge.began, self._asked_at)

    # What to ask.

    def state(self) -> Iterable[Question]:
        return self._questions.state()

    def history_before(self) -> Iterator[Question]:
        if self.before[0] < self.before[1]:
            for symbol in self._symbols():
                yield from self._questions.orders_of(symbol, self.before)

    def once_more(self, discrepancies: Sequence[Doubt]) -> Iterator[Question]:
        self._evidence.not_found.clear()
        self.forget_asked()
        yield from self._questions.state()
        yield from [self._questions.status_of(doubt.key) for doubt in discrepancies if doubt.key is not None]

    def _symbols(self) -> list[str]:
        """Return the symbols to ask about, the most relevant first."""
        knowledge, evidence = self._knowledge, self._evidence
        with_orders = [symbol for symbol, _ in (*knowledge.orders, *(evidence.open_orders or ()))]
        with_positions = [*(evidence.positions or ()), *knowledge.positions]
        seen = sorted(knowledge.symbols, key=lambda symbol: knowledge.symbols[symbol], reverse=True)
        symbols = dict.fromkeys([*self._options.symbols, *with_orders, *with_positions, *seen])
        return [symbol for symbol in symbols if symbol not in knowledge.gone]

    def history(self, *, thorough: bool) -> Iterator[Question]:
        for symbol in self._symbols():
            yield from self._questions.trades_of(symbol)
            yield from self._questions.orders_of(symbol)
            for span in self.earlier:
                yield from self._questions.orders_of(symbol, span)

    def details(self) -> Iterator[Question]:
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
