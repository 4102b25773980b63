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
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import chain, permutations

import attrs
import trio

from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.inquiry import Budget, Inquiry, Question, Request
from trio_binance_uds.stream.recovery.open_check import differences, in_words, name
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.retention import Retention
from trio_binance_uds.stream.recovery.run import Run
from trio_binance_uds.stream.recovery.spot.book import SPOT_BOOK, Book
from trio_binance_uds.stream.recovery.spot.evidence import Evidence
from trio_binance_uds.stream.recovery.spot.knowledge import BaselineAnswers, Knowledge
from trio_binance_uds.stream.recovery.spot.ledger import symbols_without_assets
from trio_binance_uds.stream.recovery.spot.life import OrderFacts
from trio_binance_uds.stream.recovery.spot.locks import left_of_baseline, name_locks, strange_locks
from trio_binance_uds.stream.recovery.spot.questions import Questions
from trio_binance_uds.stream.recovery.spot.reconstruct import Doubt, reconstruct
from trio_binance_uds.stream.recovery.spot.recovered import Basis, Echoes, Recovered
from trio_binance_uds.stream.recovery.timing import VenueClock, earliest

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

__all__ = ["Echoes", "Recovered", "Request", "baseline", "check", "recover"]

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
    run = _SpotRun(inquiry, knowledge, since, options, clock, book)
    with trio.move_on_after(options.max_seconds):
        await run.ask()
    return run.result(account)


async def check(
    request: Request, knowledge: Knowledge, options: Recovery, clock: VenueClock, *, book: Book = SPOT_BOOK
) -> str:
    """Say how the open orders differ from what was delivered. Weight 80, or 10 for each symbol with one."""
    evidence = Evidence(knowledge, clock.now())
    questions = Questions(book, evidence, knowledge, since=clock.now(), clock=clock)
    with trio.move_on_after(options.max_seconds):
        inquiry = Inquiry(request, options.weight_allowed, knowledge.whose)
        await inquiry.ask(questions.open_orders(dict.fromkeys(symbol for symbol, _ in knowledge.orders)))
    if evidence.open_orders is None:
        return ""
    delivered = {key: report.cumulative_filled_quantity for key, report in knowledge.orders.items()}
    answered = {key: evidence.orders[key].executed for key in evidence.open_orders}
    return in_words(map(name, differences(delivered, answered, knowledge.finished)))


class _SpotRun(Run[Doubt]):
    """One recovery."""

    retention = Retention(unfilled=timedelta(days=90))

    def __init__(
        self,
        inquiry: Inquiry,
        knowledge: Knowledge,
        since: datetime,
        options: Recovery,
        clock: VenueClock,
        book: Book,
    ) -> None:
        self.bad_symbols = book.no_such_symbol if book.symbol is None else frozenset()
        super().__init__(inquiry, knowledge, since, options, clock)
        self._knowledge = knowledge
        self._book = book
        self._evidence = Evidence(knowledge, self.start)
        self._questions = Questions(book, self._evidence, knowledge, since=self.start, clock=clock)
        # Whose history is asked for once more, and whether its orders are.
        self._again: tuple[list[str], bool] = ([], False)

    def result(self, account: str | None) -> Recovered:
        knowledge = self._knowledge
        found = reconstruct(knowledge, self._evidence)
        reasons, said = self.reasons(), self.about_symbols()
        if self._book.are_open_orders_by_symbol:
            locked = strange_locks(self._evidence)
            knowledge.learned.add(partial(knowledge.note_strange_locks, locked))
            if locks := left_of_baseline(knowledge) | locked:
                reasons.append(name_locks(locks))
        told = {key: report.cumulative_filled_quantity for key, report in knowledge.orders.items()}
        basis = Basis(
            reasons=(*reasons, *said.reasons),
            doubts=found.doubts,
            told_filled=told,
            account=self._evidence.account,
            remarks=(*said.remarks, *found.remarks),
        )
        return Recovered.judged([attrs.evolve(event, account=account) for event in found.events], basis)

    def discrepancies(self) -> Sequence[Doubt]:
        return reconstruct(self._knowledge, self._evidence).doubts

    def may_pass(self, discrepancy: Doubt) -> bool:
        return not discrepancy.is_hopeless

    def baseline_now(self) -> Callable[[], None] | None:
        knowledge, answers = self._knowledge, _baseline_answers(self._evidence)
        if answers is None:
            return None
        assert knowledge.began is not None
        return partial(knowledge.take_baseline, answers, knowledge.began)

    # Rounds of questions.

    def state(self) -> Iterable[Question]:
        # The balances come before the history that must explain them, and the open orders say whose history.
        questions = self._questions
        return [questions.account(), *questions.open_orders(self._symbols()), questions.open_lists()]

    def more_state(self) -> Iterable[Question]:
        locks = strange_locks(self._evidence) if self._book.are_open_orders_by_symbol else None
        return self._questions.guess_open_orders(locks) if locks else ()

    def more_because_of(self, discrepancies: Sequence[Doubt]) -> Iterable[Question]:
        return self._questions.loans() if any(doubt.asset is not None for doubt in discrepancies) else ()

    def once_more(self, discrepancies: Sequence[Doubt]) -> Iterator[Question]:
        questions = self._questions
        keys = [doubt.key for doubt in discrepancies if doubt.key is not None]
        assets = [doubt.asset for doubt in discrepancies if doubt.asset is not None]
        symbols = dict.fromkeys(symbol for symbol, _ in keys)
        if assets or any(doubt.is_lag or doubt.changed_at is not None for doubt in discrepancies):
            symbols |= dict.fromkeys(self._symbols())
        # Orders explain no balance: where they are dear, they are not asked for again because of one.
        self._again = (list(symbols), bool(keys) or any(doubt.is_lag for doubt in discrepancies))
        self._evidence.not_found.clear()
        self.forget_asked(partial(self._is_about, symbols=symbols))
        # Otherwise the balances stay as they were taken: newer ones would need newer history, and so on.
        if self._knowledge.has_newer_balances(self._evidence.account) or (assets and self._may_lag()):
            yield questions.account()
        yield from self._guesses(assets)
        if keys:
            yield from questions.open_orders(dict.fromkeys(symbol for symbol, _ in keys))
        yield from [questions.status_of(key) for key in keys]
        yield from [questions.list_of(doubt.list_id) for doubt in discrepancies if doubt.list_id is not None]

    def history_once_more(self) -> Iterable[Question]:
        symbols, with_orders = self._again
        return self._history(symbols, thorough=True, with_orders=with_orders)

    def history(self, *, thorough: bool) -> Iterable[Question]:
        return self._history(self._symbols(), thorough=thorough)

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

    def details(self) -> Iterator[Question]:
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
            if not is_unknown and self.was_asked(questions.trades_of(order.symbol)):
                # Lower ids than the last one told: from a gap that was not made good.
                yield questions.trades_of_order(order.key)
            if order.state.get("used_sor") or order.state.get("working_floor") == "SOR":
                yield from questions.allocations_of(order.key)
        if facts.missing_prevention() > 0 or (is_unknown and order.prevented):
            match_id = order.state.get("prevented_match_id")
            by_id = questions.preventions_of(order.key, match_id)
            yield by_id
            if self.was_asked(by_id):
                yield questions.preventions_of(order.key, None)
        elif facts.may_hide_prevention(decrements=evidence.decrements(order.symbol)):
            yield questions.preventions_of(order.key, None)
        if _may_be_amended(facts):
            yield from questions.amendments_of(order.key)


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
