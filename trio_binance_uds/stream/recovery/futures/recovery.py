"""Recovers what a futures stream missed: it asks the venue, compares the answers with what was told, tells the rest.

The order of the questions matters. First come balances, positions and open orders, as of one moment; then the history,
which must explain them; then details that the history calls for. What does not fit together is asked once more a
second later, since the venue's databases lag behind its memory. What then still does not fit is said: ``complete``
is true only if every question was answered, the fills of each order add up, every order that was open has a known
fate, every position is what it was plus the fills, and every wallet what it was plus profit, commission and income.

What cannot be recovered, because no query tells it:

* ``MARGIN_CALL``, ``STRATEGY_UPDATE``, ``GRID_UPDATE`` and ``CONDITIONAL_ORDER_TRIGGER_REJECT``. ``TRADE_LITE`` is not
  made up: a fill is recovered as an order report, once, also where its ``TRADE_LITE`` was told before.
* What :mod:`reports` names: the notional of open orders, why an order expired, the id of a modification.
* Each update of balances and positions: there is one with what is now of each that has changed, as it was answered. Its
  reason is ``RECOVERED``: funding and transfers of the gap are in its ``balance_change``.
* That a trailing stop was activated, that a conditional order was about to trigger, and why one failed.
* When a leverage or the multi-assets mode was changed: the time at which it was found stands for it.
* Whether a modification came before or after a maker's fill in the same millisecond; the gap's detail names the order.
* Whether a fill of a liquidation was reported as ``CALCULATED``: it is recovered as a trade.
* Orders that were canceled or expired without a fill more than three days ago, and all that is older than 90 days.
* Where the history is asked symbol by symbol (COIN-M, Portfolio Margin), orders that were placed and ended without a
  fill on symbols that were not on this stream for a week, have no open order or position and were not named; a fill
  shows in the income, and its symbol is asked about. The same holds for conditional orders everywhere.
* What happened so shortly before that the database does not show it yet, unless something that is known gives that
  away: what was told of late, an order that was open, a position or a wallet that no fills explain. Positions and
  wallets are taken to be in memory; should they lag along, the last moments of a gap can be missed unnoticed.

Source: Binance USD-M and COIN-M Futures, "Account" and "Trade" (2026-05-28), with the change log up to 2026-08-26.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain

import trio

from trio_binance_uds.stream.recovery.futures.evidence import Evidence
from trio_binance_uds.stream.recovery.futures.knowledge import BaselineAnswers, Knowledge
from trio_binance_uds.stream.recovery.futures.life import OrderFacts
from trio_binance_uds.stream.recovery.futures.questions import Questions
from trio_binance_uds.stream.recovery.futures.reconstruct import Doubt, reconstruct
from trio_binance_uds.stream.recovery.futures.recovered import Basis, Recovered
from trio_binance_uds.stream.recovery.futures.scope import Scope
from trio_binance_uds.stream.recovery.inquiry import Budget, Inquiry, Question, Request
from trio_binance_uds.stream.recovery.open_check import differences, in_words, name
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.retention import Retention
from trio_binance_uds.stream.recovery.run import Run
from trio_binance_uds.stream.recovery.symbols import BAD_SYMBOL
from trio_binance_uds.stream.recovery.timing import VenueClock, earliest, latest

_UNFILLED_KEPT, _FILLS_KEPT = timedelta(days=3), timedelta(days=90)
# How old a conditional order may be whose order still stands, for the end of both to be told.
_TRIGGERED_DAYS = 6


async def baseline(
    request: Request,
    knowledge: Knowledge,
    scope: Scope,
    options: Recovery,
    clock: VenueClock,
    *,
    budget: Budget | None = None,
) -> str:
    """Learn what was there before the stream began; to be called right after the first subscription. Weight 100.

    Returns "" or why it is not known, and raises no ordinary exception. Cancelled, it leaves nothing behind.
    """
    began_at, at = trio.current_time(), earliest(clock)
    knowledge.begin(at)
    evidence, inquiry = (
        Evidence(knowledge, at, at),
        Inquiry(request, budget or Budget(options.weight_allowed), knowledge.whose),
    )
    questions = Questions(scope.dialect, evidence, knowledge, since=at, until=at)
    with trio.move_on_after(options.max_seconds):
        await inquiry.ask(_state(questions, scope))
        if scope.tells_conditionals and not knowledge.lacks_conditional_routes:
            # What was triggered is in no list of open ones any more, but its end is yet to come.
            await inquiry.ask(questions.conditionals(evidence.symbols_of_triggered(), days_before=_TRIGGERED_DAYS))
    answers = _baseline_answers(knowledge, evidence, scope)
    if answers is None:
        knowledge.no_baseline_because = "; ".join(inquiry.reasons())
        return knowledge.no_baseline_because
    # A refused question may have shown that the clock was wrong.
    knowledge.take_baseline(answers, at - clock.corrected_since(began_at), clock.now())
    return ""


async def recover(
    request: Request,
    knowledge: Knowledge,
    scope: Scope,
    since: datetime,
    options: Recovery,
    clock: VenueClock,
    *,
    budget: Budget | None = None,
) -> Recovered:
    """Ask for what happened since a time until which everything was told, while the events of a new link are parked.

    A ``budget`` can be shared with other recoveries at the same time.

    It takes a handful of round trips, a second more if something has to be asked again, and ``max_seconds`` at most.
    It costs about 150 in weight on USD-M, 5 to 20 per symbol with activity, and a few per order that changed in an
    unusual way. It raises no ordinary exception. Cancelled, it leaves nothing behind.
    """
    inquiry = Inquiry(request, budget or Budget(options.weight_allowed), knowledge.whose)
    run = _FuturesRun(inquiry, knowledge, scope, since, options, clock)
    with trio.move_on_after(options.max_seconds):
        await run.ask()
    return run.result()


async def check(request: Request, knowledge: Knowledge, scope: Scope, options: Recovery, clock: VenueClock) -> str:
    """Say how the open orders differ from what was delivered. Weight 40.

    Conditional orders are left out: one that was triggered is not listed as open, and has not ended.
    """
    if not scope.tells("ORDER_TRADE_UPDATE"):
        return ""
    now = clock.now()
    evidence = Evidence(knowledge, now, now)
    questions = Questions(scope.dialect, evidence, knowledge, since=now, until=now)
    with trio.move_on_after(options.max_seconds):
        await Inquiry(request, options.weight_allowed, knowledge.whose).ask([questions.open_orders()])
    if evidence.open_orders is None:
        return ""
    delivered = {key: record.state().executed for key, record in knowledge.orders.items()}
    answered = {key: evidence.orders[key].executed for key in evidence.open_orders}
    return in_words(map(name, differences(delivered, answered, knowledge.finished)))


def _state(questions: Questions, scope: Scope) -> Iterator[Question]:
    """Ask for what is now."""
    yield questions.balances()
    yield questions.positions()
    yield questions.open_orders()
    if scope.tells_conditionals:
        yield from questions.open_conditionals()
    if scope.tells("ACCOUNT_CONFIG_UPDATE"):
        yield from questions.settings()


class _FuturesRun(Run[Doubt]):
    """One recovery."""

    retention = Retention(fills=_FILLS_KEPT)
    bad_symbols = BAD_SYMBOL

    def __init__(
        self,
        inquiry: Inquiry,
        knowledge: Knowledge,
        scope: Scope,
        since: datetime,
        options: Recovery,
        clock: VenueClock,
    ) -> None:
        super().__init__(inquiry, knowledge, since, options, clock)
        self._knowledge = knowledge
        self._scope = scope
        if scope.tells("ORDER_TRADE_UPDATE") or scope.tells_conditionals:
            self.retention = Retention(unfilled=_UNFILLED_KEPT, fills=_FILLS_KEPT)
        until = latest(clock)
        self._evidence = Evidence(knowledge, self.start, clock.now(), until)
        self._questions = Questions(
            scope.dialect,
            self._evidence,
            knowledge,
            since=self.start,
            until=until,
            placed_since=self.before[0],
            earlier=self.earlier,
        )

    def result(self) -> Recovered:
        knowledge, evidence = self._knowledge, self._evidence
        found = reconstruct(knowledge, evidence, self._scope)
        said = self.about_symbols()
        if self._is_all_listed() and not any(doubt.is_about_an_order for doubt in found.doubts):
            self.note_listed()
        told = {key: record.state().executed for key, record in knowledge.orders.items()}
        basis = Basis(
            reasons=(*self.reasons(), *self._scope.lacking(), *said.reasons),
            doubts=found.doubts,
            told_filled=told,
            told_conditionals=frozenset(knowledge.conditionals),
            balances=evidence.balances or {},
            positions=evidence.positions or {},
            unit=None if self._scope.dialect.unit is None else str(self._scope.dialect.unit),
            remarks=(*said.remarks, *found.remarks),
        )
        return Recovered.judged(found.events, basis)

    def _is_all_listed(self) -> bool:
        """Whether the venue has said what is open."""
        evidence, scope = self._evidence, self._scope
        if scope.tells("ORDER_TRADE_UPDATE") and evidence.open_orders is None:
            return False
        return not self._asks_for_conditionals() or evidence.open_conditionals is not None

    def _asks_for_conditionals(self) -> bool:
        return self._scope.tells_conditionals and not self._knowledge.lacks_conditional_routes

    def discrepancies(self) -> Sequence[Doubt]:
        return reconstruct(self._knowledge, self._evidence, self._scope).doubts

    def baseline_now(self) -> Callable[[], None] | None:
        knowledge, evidence = self._knowledge, self._evidence
        answers = _baseline_answers(knowledge, evidence, self._scope)
        if answers is None:
            return None
        assert knowledge.began is not None
        return partial(knowledge.take_baseline, answers, knowledge.began, evidence.asked_at)

    # What to ask.

    def state(self) -> Iterable[Question]:
        return _state(self._questions, self._scope)

    def history_before(self) -> Iterator[Question]:
        symbols = self._symbols()
        if self._scope.tells("ORDER_TRADE_UPDATE"):
            yield from self._questions.orders_before(symbols)
        if self._asks_for_conditionals():
            yield from self._questions.conditionals_before(symbols)

    def once_more(self, discrepancies: Sequence[Doubt]) -> Iterator[Question]:
        questions = self._questions
        keys = [doubt.key for doubt in discrepancies if doubt.key is not None]
        self._evidence.not_found.clear()
        self._evidence.conditionals_not_found.clear()
        self.forget_asked()
        # Balances and positions stay as they were taken: newer ones would need newer history, and so on.
        if any(doubt.is_stale for doubt in discrepancies):
            yield from (questions.balances(), questions.positions())
        if keys:
            yield questions.open_orders()
        yield from [questions.order(key) for key in keys]
        conditionals = self._knowledge.conditionals
        numbers = [doubt.conditional for doubt in discrepancies if doubt.conditional is not None]
        yield from [questions.conditional(number, conditionals[number].symbol) for number in numbers]

    def _symbols(self) -> list[str]:
        """Return the symbols to ask about, the most relevant first."""
        knowledge, evidence = self._knowledge, self._evidence
        with_orders = chain((symbol for symbol, _ in knowledge.orders), (s for s, _ in evidence.open_orders or ()))
        with_conditionals = chain(
            (place.symbol for place in knowledge.conditionals.values()),
            (answer.symbol for answer in evidence.conditionals.values()),
        )
        with_positions = chain(
            (symbol for (symbol, _), told in knowledge.positions.items() if told.state.amount),
            (row.symbol for row in (evidence.positions or {}).values() if row.amount),
        )
        seen = sorted(knowledge.symbols, key=lambda symbol: knowledge.symbols[symbol], reverse=True)
        traded = [income.symbol for income in evidence.incomes.values() if income.symbol]
        listed = [symbol for symbol, _ in evidence.orders]
        found = chain(self._options.symbols, with_orders, with_conditionals, with_positions, traded, listed, seen)
        return [symbol for symbol in dict.fromkeys(found) if symbol not in knowledge.gone]

    def history(self, *, thorough: bool) -> Iterator[Question]:
        # The trades at once where there are likely some.
        questions, symbols = self._questions, self._symbols()
        yield from questions.incomes()
        if self._scope.tells("ORDER_TRADE_UPDATE"):
            yield from questions.orders(symbols)
            busy = {symbol for symbol, _ in self._knowledge.orders} | set(self._options.symbols)
            for symbol in symbols:
                if thorough or symbol in busy:
                    yield questions.trades_of(symbol)
        if self._asks_for_conditionals():
            yield from questions.conditionals(symbols)

    def details(self) -> Iterator[Question]:
        evidence, questions, knowledge = self._evidence, self._questions, self._knowledge
        if self._scope.tells("ORDER_TRADE_UPDATE"):
            facts = evidence.facts()
            known = {one.order.key for one in facts}
            # A symbol can come to light by any answer; where nothing needs it, all of this has been asked.
            yield from questions.orders(self._symbols())
            for symbol in evidence.traded_symbols():
                yield questions.trades_of(symbol)
            for key in knowledge.untold_at_start:
                if key not in evidence.orders:
                    yield questions.order(key)
            for key in evidence.untold_fills():
                if key not in known:
                    yield questions.order(key)
                    if key in evidence.not_found:
                        yield questions.forced_orders_of(key[0])
            for one in facts:
                yield from self._details_of(one)
            newest = {one.order.key: one.order.updated for one in facts}
            for key, fills in evidence.untold_fills().items():
                if key in newest and fills[-1].time > newest[key]:
                    yield questions.order(key)  # It was answered before its last fill.
        if self._asks_for_conditionals():
            yield from questions.conditionals(self._symbols())
            for number in evidence.missing_conditionals():
                yield questions.conditional(number, knowledge.conditionals[number].symbol)
            for number, symbol in knowledge.untold_conditionals_at_start.items():
                if number not in evidence.conditionals:
                    yield questions.conditional(number, symbol)
            for answer in evidence.conditional_news():
                if answer.order_id is not None and self._scope.tells("ORDER_TRADE_UPDATE"):
                    yield from self._order_of_conditional((answer.symbol, answer.order_id))

    def _order_of_conditional(self, key: tuple[str, int]) -> Iterator[Question]:
        if key not in self._evidence.orders:
            yield self._questions.order(key)

    def _details_of(self, facts: OrderFacts) -> Iterator[Question]:
        evidence, questions, order = self._evidence, self._questions, facts.order
        if not order.is_final and evidence.open_orders is not None and order.key not in evidence.open_orders:
            yield questions.order(order.key)
        is_unknown = facts.told is None and not facts.is_born  # It was there before the stream, but nobody said so.
        if facts.missing_quantity() > 0 or (is_unknown and order.executed):
            yield questions.trades_of(order.symbol)
            if not is_unknown and self.was_asked(questions.trades_of(order.symbol)):
                # Lower ids than the last one told: from a gap that was not made good.
                yield questions.trades_of_order(order.key)
        if _may_be_amended(facts):
            yield questions.amendments_of(order.key)


def _baseline_answers(knowledge: Knowledge, evidence: Evidence, scope: Scope) -> BaselineAnswers | None:
    if evidence.balances is None or evidence.positions is None or evidence.open_orders is None:
        return None
    if scope.tells_conditionals and evidence.open_conditionals is None and not knowledge.lacks_conditional_routes:
        return None
    return BaselineAnswers(
        balances=evidence.balances,
        positions=evidence.positions,
        orders=tuple([evidence.orders[key] for key in evidence.open_orders]),
        conditionals=tuple([answer for answer in evidence.conditionals.values() if not answer.is_final]),
        leverages=evidence.leverages,
        is_multi_assets_mode=evidence.is_multi_assets_mode,
    )


def _may_be_amended(facts: OrderFacts) -> bool:
    """Whether something may have happened to an order that stands on the book, beside its fills and its end."""
    order = facts.order
    if order.state["order_type"] == "MARKET" or order.state["time_in_force"] in ("IOC", "FOK"):
        return False
    before = facts.told.updated if facts.told is not None else order.created
    return before is None or order.updated > before or facts.has_missing_amendment()
