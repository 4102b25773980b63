"""Recovers what a spot stream missed: it asks the venue, compares the answers with what was told, and tells the rest.

The order of the questions matters. First come the balances and the open orders, as of one moment; then the history,
which must explain them; then details that the history calls for. What does not fit together is asked once more a
second later, since the venue's databases lag behind its memory. What then still does not fit is said: ``complete``
is true only if every question was answered, the fills of each order add up, every order that was open has a known
fate, and every balance is what it was plus what was told.

What cannot be recovered, because no query tells it:

* ``balanceUpdate`` and ``externalLockUpdate``. The new balances are told; a sum that has changed makes the recovery
  incomplete, and so does a change at the very end. Movements that cancel each other out, and a lock from outside
  which other events follow, leave no trace.
* The execution id of a report (``None``), except that of an amendment; the time at which the venue would have sent it
  (the time of what happened stands for it); the reason of a rejection (``NONE``).
* The client order id that an order placed in the gap had before it was canceled there, outside of order lists.
* List statuses that tell of a changed client order id (``UPDATED``); an amendment in the very millisecond in which an
  order was placed.
* Whether an amendment came before or after a fill in the same millisecond, and so with a prevented match, unless roles
  or prices say it: what an order takes when it arrives comes before what it makes, and at the best price first. The
  gap's detail names such an order; as nothing is missing, that alone leaves the gap complete.
* Intermediate balances: there is one position, with what is now.
* Activity on symbols that were not on this stream for a week, have no open order now and were not named: history can
  only be asked for symbol by symbol. If it moved two balances, their symbol is guessed and asked about; if that does
  not explain them, the recovery is incomplete. An order that was placed and canceled there leaves no trace but the time
  at which the account last changed.

Source: Binance Spot, WebSocket API, "Account requests"; "User Data Streams" (2026-07-21).
"""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, permutations

import attrs
import trio

from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.inquiry import Budget, Inquiry, Question, Request
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.retention import Retention
from trio_binance_uds.stream.recovery.spot.book import SPOT_BOOK, Book
from trio_binance_uds.stream.recovery.spot.evidence import Evidence
from trio_binance_uds.stream.recovery.spot.knowledge import BaselineAnswers, Knowledge
from trio_binance_uds.stream.recovery.spot.ledger import symbols_without_assets
from trio_binance_uds.stream.recovery.spot.life import OrderFacts
from trio_binance_uds.stream.recovery.spot.locks import left_of_baseline, name_locks, strange_locks
from trio_binance_uds.stream.recovery.spot.questions import Questions
from trio_binance_uds.stream.recovery.spot.reconstruct import Doubt, reconstruct
from trio_binance_uds.stream.recovery.spot.recovered import Basis, Echoes, Recovered
from trio_binance_uds.stream.recovery.symbols import QUIET_AFTER
from trio_binance_uds.stream.recovery.timing import UNDER_WAY, VenueClock, earliest, latest

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

__all__ = ["Echoes", "Recovered", "Request", "baseline", "recover"]

_AGAIN_SECONDS = 1.0
_RETENTION = Retention(unfilled=timedelta(days=90))
_GUESSED_ASSETS_AT_MOST = 4


async def baseline(
    request: Request,
    knowledge: Knowledge,
    options: Recovery,
    clock: VenueClock,
    *,
    book: Book = SPOT_BOOK,
    budget: Budget | None = None,
) -> str:
    """Learn what was there before the stream began; to be called right after the first subscription. Weight 106.

    Returns "" or why it is not known, and raises no ordinary exception. Cancelled, it leaves nothing behind.
    """
    began_at, at = trio.current_time(), earliest(clock)
    knowledge.begin(at)
    evidence, inquiry = (
        Evidence(knowledge, at),
        Inquiry(request, budget or Budget(options.weight_allowed), knowledge.whose),
    )
    questions = Questions(book, evidence, knowledge, since=at, clock=clock)
    with trio.move_on_after(options.max_seconds):
        if not book.do_orders_name_lists:  # Then those of the open orders must be known, also if they end just now.
            await inquiry.ask([questions.open_lists()])
            listed = [order_list.symbol for order_list in evidence.lists.values()]
            symbols = dict.fromkeys([*options.symbols, *listed, *knowledge.symbols])
            await inquiry.ask([questions.account(), *questions.open_orders(symbols)])
        else:
            await inquiry.ask([questions.account(), *questions.open_orders(()), questions.open_lists()])
        if book.are_open_orders_by_symbol and (locks := strange_locks(evidence)):
            await inquiry.ask(questions.guess_open_orders(locks))
    if book.are_open_orders_by_symbol:
        knowledge.strange_locks = strange_locks(evidence)
        if knowledge.strange_locks:
            log.warning("%s", name_locks(knowledge.strange_locks))
    answers = _baseline_answers(evidence)
    if answers is None:
        knowledge.no_baseline_because = "; ".join(inquiry.reasons())
        return knowledge.no_baseline_because
    # A refused question may have shown that the clock was wrong.
    knowledge.take_baseline(answers, at - clock.corrected_since(began_at))
    return ""


async def recover(
    request: Request,
    knowledge: Knowledge,
    since: datetime,
    options: Recovery,
    clock: VenueClock,
    *,
    book: Book = SPOT_BOOK,
    budget: Budget | None = None,
    account: str | None = None,
) -> Recovered:
    """Ask for what happened since a time until which everything was told, while the events of a new link are parked.

    The events are marked as of this ``account``. A ``budget`` can be shared with other recoveries at the same time.

    It takes a handful of round trips, a second more if something has to be asked again, and ``max_seconds`` at most.
    It costs 106 in weight, 20 to 40 per symbol and day, and a few per order that changed in an unusual way. It raises
    no ordinary exception. Cancelled, it leaves nothing behind.
    """
    inquiry = Inquiry(request, budget or Budget(options.weight_allowed), knowledge.whose)
    recovery = _Recovery(inquiry, knowledge, since, options, clock, book, account)
    with trio.move_on_after(options.max_seconds):
        await recovery.ask()
    return recovery.result()


class _Recovery:
    """One recovery."""

    def __init__(
        self,
        inquiry: Inquiry,
        knowledge: Knowledge,
        since: datetime,
        options: Recovery,
        clock: VenueClock,
        book: Book,
        account: str | None,
    ) -> None:
        self._knowledge = knowledge
        knowledge.learned.forget()
        self._options = options
        self._inquiry = inquiry
        self._book = book
        self._account = account
        since -= clock.uncertainty
        if knowledge.baseline_updated is None:
            knowledge.begin(since)
        assert knowledge.began is not None
        start = max(since - UNDER_WAY, knowledge.began)
        self._clock, self._asked_since = clock, start
        knowledge.forget_quiet(start - QUIET_AFTER)
        knowledge.gone.begin(knowledge.symbols)
        self._evidence = Evidence(knowledge, start)
        self._questions = Questions(book, self._evidence, knowledge, since=start, clock=clock)
        self._asked: set[Hashable] = set()

    async def ask(self) -> None:
        questions = self._questions
        # The balances come before the history that must explain them, and the open orders say whose history.
        await self._put([questions.account(), *questions.open_orders(self._symbols()), questions.open_lists()])
        if self._book.are_open_orders_by_symbol and (locks := strange_locks(self._evidence)):
            await self._put(questions.guess_open_orders(locks))
        await self._put(self._history(self._symbols()))
        await self._follow_up()
        doubts = reconstruct(self._knowledge, self._evidence).doubts
        if any(doubt.asset is not None for doubt in doubts) and await self._put(questions.loans()):
            doubts = reconstruct(self._knowledge, self._evidence).doubts
        doubts = tuple([doubt for doubt in doubts if not doubt.is_hopeless])
        if doubts and not self._inquiry.is_over:
            await trio.sleep(_AGAIN_SECONDS)
            await self._ask_again(doubts)

    def result(self) -> Recovered:
        found = reconstruct(self._knowledge, self._evidence)
        reasons = [*self._inquiry.reasons(), *_RETENTION.lacking(self._asked_since, latest(self._clock))]
        if self._knowledge.baseline_updated is None:
            why = self._knowledge.no_baseline_because
            reasons.append(f"what was there before the stream began is not known ({why})")
            self._make_up_for_baseline()
        if self._book.are_open_orders_by_symbol:
            found_now = strange_locks(self._evidence)
            self._knowledge.learned.add(partial(self._knowledge.note_strange_locks, found_now))
            if locks := left_of_baseline(self._knowledge) | found_now:
                reasons.append(name_locks(locks))
        knowledge, symbols = self._knowledge, self._knowledge.symbols
        is_open = knowledge.symbols_with_something_open().__contains__
        said = knowledge.gone.findings(self._options.symbols, is_known=symbols.__contains__, is_open=is_open)
        reasons += said.reasons
        knowledge.learned.add(knowledge.drop_gone)
        told = {key: report.cumulative_filled_quantity for key, report in self._knowledge.orders.items()}
        basis = Basis(
            reasons=tuple(reasons),
            doubts=found.doubts,
            told_filled=told,
            account=self._evidence.account,
            remarks=(*said.remarks, *found.remarks),
        )
        return Recovered.judged([attrs.evolve(event, account=self._account) for event in found.events], basis)

    # Rounds of questions.

    async def _put(self, questions: Iterable[Question]) -> bool:
        """Ask what was not asked yet; return whether there was anything."""
        new = {question.identity: question for question in questions if question.identity not in self._asked}
        self._asked.update(new)
        if new and not self._inquiry.is_over:
            await self._inquiry.ask(self._excusing(new.values()))
            return True
        return False

    def _excusing(self, questions: Iterable[Question]) -> list[Question]:
        """Return questions whose answers may be that their symbols do not exist, where there can be several."""
        if self._book.symbol is not None:
            return list(questions)
        return [self._knowledge.gone.excusing(question, self._book.no_such_symbol) for question in questions]

    async def _follow_up(self) -> None:
        """Ask for what the answers so far show to be lacking, and so on: nothing is asked twice, so it ends."""
        while await self._put(self._details()):
            pass

    async def _ask_again(self, doubts: Iterable[Doubt]) -> None:
        """Repeat what the doubts are about: they may be due to answers that lag behind."""
        questions, again = self._questions, list[Question]()
        keys = [doubt.key for doubt in doubts if doubt.key is not None]
        assets = [doubt.asset for doubt in doubts if doubt.asset is not None]
        symbols = dict.fromkeys(symbol for symbol, _ in keys)
        if assets or any(doubt.is_lag or doubt.changed_at is not None for doubt in doubts):
            symbols |= dict.fromkeys(self._symbols())
        # Otherwise the balances stay as they were taken: newer ones would need newer history, and so on.
        if self._knowledge.has_newer_balances(self._evidence.account) or (assets and self._may_lag()):
            again.append(questions.account())
        again += self._guesses(assets)
        if keys:
            again += questions.open_orders(dict.fromkeys(symbol for symbol, _ in keys))
        again += [questions.status_of(key) for key in keys]
        again += [questions.list_of(doubt.list_id) for doubt in doubts if doubt.list_id is not None]
        self._evidence.not_found.clear()
        self._asked = {identity for identity in self._asked if not self._is_about(identity, symbols)}
        self._asked.update([question.identity for question in again])
        await self._inquiry.ask(self._excusing(again))
        # Orders explain no balance: where they are dear, they are not asked for again because of one.
        with_orders = bool(keys) or any(doubt.is_lag for doubt in doubts)
        await self._put(self._history(list(symbols), thorough=True, with_orders=with_orders))
        await self._follow_up()

    def _may_lag(self) -> bool:
        """Whether the balances do not say as of when they are."""
        return self._evidence.account is not None and not self._evidence.account.is_dated

    def _is_about(self, identity: Hashable, symbols: Iterable[str]) -> bool:
        """Whether a question is about one of these symbols, or about an order list."""
        assert isinstance(identity, tuple)
        book = self._book
        methods = {book.order_list.method}
        if not book.do_orders_name_lists:
            methods.add(book.order_lists.method)
        return identity[0] in methods or any(("symbol", symbol) in identity for symbol in symbols)

    def _guesses(self, assets: list[str]) -> Iterator[Question]:
        """Ask about symbols that nobody named, but whose two assets have changed for no known reason."""
        known = set(self._symbols())
        can_be_guessed = self._book.symbol is None and len(assets) <= _GUESSED_ASSETS_AT_MOST
        pairs = permutations(assets, 2) if can_be_guessed else ()
        for base, counter in pairs:
            if base + counter not in known:
                yield from self._questions.guess(base + counter)

    # What to ask.

    def _symbols(self) -> list[str]:
        """Return the symbols to ask about, the most relevant first."""
        if self._book.symbol is not None:
            return [self._book.symbol]
        knowledge, evidence = self._knowledge, self._evidence
        with_orders = chain((symbol for symbol, _ in knowledge.orders), (s for s, _ in evidence.open_orders or ()))
        seen = sorted(
            (symbol for symbol, record in knowledge.symbols.items() if record.seen is not None),
            key=lambda symbol: knowledge.symbols[symbol].seen or datetime.min,
            reverse=True,
        )
        # Orders come to light in lists too, and by guesses; where all that is open was asked for, they are in it.
        found = [answer.symbol for answer in evidence.lists.values()] + [symbol for symbol, _ in evidence.orders]
        shown = found if self._book.are_open_orders_by_symbol else []
        symbols = dict.fromkeys([*self._options.symbols, *with_orders, *seen, *knowledge.symbols, *shown])
        return [symbol for symbol in symbols if symbol not in knowledge.gone]

    def _history(self, symbols: list[str], *, thorough: bool = False, with_orders: bool = True) -> Iterator[Question]:
        """Ask for the orders of each symbol, and at once for the trades where there are likely some."""
        questions = self._questions
        if self._book.are_orders_dear:
            yield from [questions.trades_of(symbol) for symbol in symbols]
            yield from [questions.status_of(key) for key in self._knowledge.orders if self._evidence.is_gone(key)]
            for symbol in symbols if with_orders else ():
                yield from questions.orders_of(symbol)
            return
        busy = {symbol for symbol, _ in self._knowledge.orders} | set(self._options.symbols)
        for symbol in symbols:
            yield from questions.orders_of(symbol)
            if thorough or symbol in busy:
                yield questions.trades_of(symbol)

    def _details(self) -> Iterator[Question]:
        """Ask for what the answers so far call for."""
        evidence, questions, knowledge = self._evidence, self._questions, self._knowledge
        if self._book.are_open_orders_by_symbol:
            yield from questions.open_orders(self._symbols())
        facts = evidence.facts()
        known = {one.order.key for one in facts}
        for key in evidence.untold_fills():
            if key not in known:
                yield questions.status_of(key)
        for one in facts:
            yield from self._details_of(one)
        fills = [fill for one in facts for fill in one.fills]
        if lacking := symbols_without_assets(knowledge, fills):
            yield from questions.assets(lacking)
        yield from questions.lists(
            [list_id for list_id in evidence.lists_in_question() if evidence.is_list_unclear(list_id)],
            are_more=any(one.is_born and "order_list_id" in one.order.untold for one in facts),
        )

    def _details_of(self, facts: OrderFacts) -> Iterator[Question]:
        evidence, questions, order = self._evidence, self._questions, facts.order
        if not order.is_final and evidence.is_gone(order.key):
            yield questions.status_of(order.key)
        is_unknown = facts.since is not None  # It was there before the stream, but nobody said so.
        if facts.missing_quantity() > 0 or (is_unknown and order.executed):
            yield questions.trades_of(order.symbol)
            if not is_unknown and questions.trades_of(order.symbol).identity in self._asked:
                # Lower ids than the last one told: from a gap that was not made good.
                yield questions.trades_of_order(order.key)
            if order.state.get("used_sor") or order.state.get("working_floor") == "SOR":
                yield from questions.allocations_of(order.key)
        if facts.missing_prevention() > 0 or (is_unknown and order.prevented):
            match_id = order.state.get("prevented_match_id")
            by_id = questions.preventions_of(order.key, match_id)
            yield by_id
            if by_id.identity in self._asked:
                yield questions.preventions_of(order.key, None)
        elif facts.may_hide_prevention(decrements=evidence.decrements(order.symbol)):
            yield questions.preventions_of(order.key, None)
        if _may_be_amended(facts):
            yield from questions.amendments_of(order.key)

    def _make_up_for_baseline(self) -> None:
        """Take the answers of now for the baseline that is missing, so that the next gap can be made good."""
        answers = _baseline_answers(self._evidence)
        if answers is not None and not self._inquiry.is_over:
            knowledge = self._knowledge
            assert knowledge.began is not None
            knowledge.learned.add(partial(knowledge.take_baseline, answers, knowledge.began))


def _baseline_answers(evidence: Evidence) -> BaselineAnswers | None:
    if evidence.account is None or evidence.open_orders is None or evidence.open_lists is None:
        return None
    orders = tuple([order for key in evidence.open_orders if (order := evidence.completed(evidence.orders[key]))])
    lists = tuple([evidence.lists[list_id] for list_id in evidence.open_lists])
    return BaselineAnswers(evidence.account, orders, lists)


def _may_be_amended(facts: OrderFacts) -> bool:
    order = facts.order
    if facts.told is not None:
        return order.quantity != facts.told.order_quantity
    return order.type != "MARKET" and order.state["time_in_force"] == "GTC" and order.updated > order.created
