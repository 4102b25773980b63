"""What the venue has answered so far in one recovery, newest first, and which of it was not told before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from operator import attrgetter

import attrs

from trio_binance_uds.stream.recovery.futures.answers import (
    AmendmentAnswer,
    BalanceAnswer,
    FillAnswer,
    IncomeAnswer,
    Key,
    OrderAnswer,
    PositionAnswer,
    PositionKey,
)
from trio_binance_uds.stream.recovery.futures.conditional import ConditionalAnswer
from trio_binance_uds.stream.recovery.futures.knowledge import Knowledge
from trio_binance_uds.stream.recovery.futures.life import OrderFacts
from trio_binance_uds.stream.recovery.lag import placed_since, unlisted


class Evidence:
    """The answers of one recovery beside what was told.

    Databases can lag behind: of two answers about one thing the one that shows more progress stands, and an answer
    that is behind what was told stands for nothing.

    Attributes:
        balances, positions, open_orders, open_conditionals: what was there when it was asked for; ``None`` before.
        asked_at: when that was, by our clock.
        until: the latest time that it can have been; what happened later is for the stream to tell.
        not_found, conditionals_not_found: what the venue says it does not know.
    """

    def __init__(
        self, knowledge: Knowledge, since: datetime, asked_at: datetime, until: datetime | None = None
    ) -> None:
        self._knowledge = knowledge
        self._since = since
        self.asked_at: datetime = asked_at
        self.until: datetime = until or asked_at
        self.balances: Mapping[str, BalanceAnswer] | None = None
        self.positions: Mapping[PositionKey, PositionAnswer] | None = None
        self.open_orders: frozenset[Key] | None = None
        self.open_conditionals: frozenset[int] | None = None
        self.orders: dict[Key, OrderAnswer] = {}
        self.conditionals: dict[int, ConditionalAnswer] = {}
        self.incomes: dict[tuple[object, ...], IncomeAnswer] = {}
        self.not_found: set[Key] = set()
        self.conditionals_not_found: set[int] = set()
        self.asked_alone: set[Key] = set()
        self.conditionals_asked_alone: set[int] = set()
        self.leverages: Mapping[str, int] = {}
        self.is_multi_assets_mode: bool | None = None
        self._listed: dict[Key, OrderAnswer] = {}
        self._listed_symbols: set[str] = set()
        self._lists_every_symbol = False
        self._lists_income = False
        self._fills: dict[tuple[Key, int], FillAnswer] = {}
        self._amendments: dict[Key, dict[int, AmendmentAnswer]] = {}

    # What comes in.

    def add_orders(self, orders: Iterable[OrderAnswer]) -> None:
        for order in orders:
            known = self.orders.get(order.key)
            if known is None or order.progress >= known.progress:
                self.orders[order.key] = order
            self.not_found.discard(order.key)

    def add_open_orders(self, orders: list[OrderAnswer]) -> None:
        self.open_orders = frozenset([order.key for order in orders])
        self.add_orders(orders)

    def add_history(self, symbol: str | None, orders: list[OrderAnswer]) -> None:
        """Take in orders from the database, among them those that have ended; without a symbol, of all symbols."""
        if symbol is None:
            self._lists_every_symbol = True
        else:
            self._listed_symbols.add(symbol)
        self._listed.update({order.key: order for order in orders})
        self.add_orders(orders)

    def add_order(self, order: OrderAnswer) -> None:
        """Take in an order that was asked for by its id."""
        self.asked_alone.add(order.key)
        self.add_orders([order])

    def add_fills(self, fills: Iterable[FillAnswer]) -> None:
        for fill in fills:
            self._fills[fill.key, fill.trade_id] = fill
            if fill.margin_asset is not None:
                self._knowledge.margin_assets[fill.symbol] = fill.margin_asset

    def add_amendments(self, key: Key, amendments: list[AmendmentAnswer]) -> None:
        self._amendments.setdefault(key, {}).update({change.amendment_id: change for change in amendments})

    def add_incomes(self, incomes: list[IncomeAnswer]) -> None:
        self._lists_income = True
        for income in incomes:
            self.incomes[income.identity] = income
            if income.kind == "REALIZED_PNL" and income.symbol:
                self._knowledge.margin_assets[income.symbol] = income.asset

    def add_conditionals(self, answers: Iterable[ConditionalAnswer]) -> None:
        for answer in answers:
            known = self.conditionals.get(answer.number)
            if known is None or (answer.rung, answer.updated) >= (known.rung, known.updated):
                self.conditionals[answer.number] = answer
            self.conditionals_not_found.discard(answer.number)

    def add_open_conditionals(self, answers: list[ConditionalAnswer]) -> None:
        self.open_conditionals = frozenset([answer.number for answer in answers])
        self.add_conditionals(answers)

    def add_conditional(self, answer: ConditionalAnswer) -> None:
        """Take in a conditional order that was asked for by its id."""
        self.conditionals_asked_alone.add(answer.number)
        self.add_conditionals([answer])

    def symbols_of_triggered(self) -> list[str]:
        """Return the symbols of open orders that may have been conditional ones."""
        return list(
            dict.fromkeys(
                order.symbol
                for order in self.orders.values()
                if order.state.get("original_order_type") != order.state["order_type"]
            )
        )

    # Whether the database is up to date.

    def lagging_symbols(self) -> list[str]:
        """Return the symbols whose history is behind what the stream or the memory of the venue has said before.

        Only orders that were placed since then must be listed: by which of its times an order is listed is not
        documented. What else the history lacks nobody knows, as orders that have ended are in no other answer.
        """
        found: dict[str, None] = {}
        found.update(dict.fromkeys(unlisted(self._what_history_must_show(), self._listed, self._is_listed)))
        for key, listed in self._listed.items():
            record = self._knowledge.orders.get(key)
            is_behind = record is not None and listed.executed < record.state().executed
            if is_behind or (key in self._knowledge.finished and not listed.is_final):
                found[key[0]] = None
        if self._lists_income:
            found.update(dict.fromkeys(self._symbols_without_income()))
        return list(found)

    def _symbols_without_income(self) -> Iterator[str]:
        """Return the symbols whose commissions are not listed although their trades were told."""
        listed = {(income.symbol, income.trade_id) for income in self.incomes.values()}
        for trade, (at, _) in self._knowledge.paid_trades.newest_first():
            if at < self._since:
                break
            if trade not in listed:
                yield trade[0]

    def _is_listed(self, symbol: str) -> bool:
        return self._lists_every_symbol or symbol in self._listed_symbols

    def _what_history_must_show(self) -> Iterator[Key]:
        yield from placed_since(self._knowledge.placed, self._since)
        for key in self.open_orders or ():
            created = self.orders[key].created
            if created is not None and self._since <= created <= self.asked_at:
                yield key

    # What is new in it.

    def _is_news(self, order: OrderAnswer) -> bool:
        """Whether something that happened to this order, of which nothing is known, may be untold."""
        knowledge = self._knowledge
        if knowledge.finished.is_told(order.key, order.updated):
            return False
        # What ended before the stream began is none of its business.
        return knowledge.began is None or order.updated >= knowledge.began

    def newest(self, key: Key) -> OrderAnswer | None:
        """Return the newest state of an order, from the answers or from what was told; ``None``: it is no news."""
        record, answer = self._knowledge.orders.get(key), self.orders.get(key)
        if record is None:
            return answer if answer is not None and self._is_news(answer) else None
        told = record.state()
        if answer is None or answer.progress < told.progress:
            return told
        if answer.progress == told.progress and answer.terms != told.terms:
            return told  # An amendment in the same millisecond that this answer does not know yet.
        return attrs.evolve(answer, state={**told.state, **answer.state}, created=answer.created or told.created)

    def news(self) -> list[Key]:
        """Return the orders of which something may be untold."""
        keys = dict.fromkeys([*self._knowledge.orders, *self.orders])
        return [key for key in keys if self.newest(key) is not None]

    def untold_fills(self) -> dict[Key, list[FillAnswer]]:
        """Return the fills that were not told, by order, each order's by rising id."""
        found: dict[Key, list[FillAnswer]] = {}
        for fill in sorted(self._fills.values(), key=attrgetter("time", "trade_id")):
            if not self._knowledge.is_fill_told(fill):
                found.setdefault(fill.key, []).append(fill)
        return found

    def traded_symbols(self) -> list[str]:
        """Return the symbols of trades that the income tells of and that are not known."""
        known = {(fill.symbol, fill.trade_id) for fill in self._fills.values()}
        lacking = [
            income.symbol
            for income in self.incomes.values()
            if income.is_of_trade
            # What came later is the stream's business.
            and self._since <= income.time <= self.until
            and (income.symbol, income.trade_id) not in known
            and (income.trade_id or 0) > self._knowledge.last_trade_ids.get(income.symbol, 0)
        ]
        return list(dict.fromkeys(lacking))

    def was_told_as_ended(self, key: Key) -> bool:
        """Whether the end of an order was told."""
        return key in self._knowledge.finished

    def facts(self) -> list[OrderFacts]:
        """Return what is known of each order of which something may be untold."""
        fills = self.untold_fills()
        return [self._facts_of(key, fills.get(key, [])) for key in self.news()]

    def _facts_of(self, key: Key, fills: list[FillAnswer]) -> OrderFacts:
        knowledge, order = self._knowledge, self.newest(key)
        assert order is not None
        record = knowledge.orders.get(key)
        told = None if record is None else record.state()
        began = knowledge.began
        is_born = told is None and order.created is not None and (began is None or order.created >= began)
        # What is newer than the answer of its order, the stream tells: between them may be what no answer shows.
        changes = self._untold_amendments(key, told, is_born)
        return OrderFacts(
            order=order,
            told=told,
            is_born=is_born,
            fills=[fill for fill in fills if fill.time <= order.updated],
            amendments=[change for change in changes if change.time <= order.updated],
        )

    def _untold_amendments(self, key: Key, told: OrderAnswer | None, is_born: bool) -> list[AmendmentAnswer]:
        began = self._knowledge.began
        since = told.updated if told is not None else None if is_born else began
        changes = sorted(self._amendments.get(key, {}).values(), key=attrgetter("time", "amendment_id"))
        untold = [change for change in changes if since is None or change.time >= since]
        if told is not None:
            # Those of the very millisecond that was told last can have been told: up to where the terms are the told.
            for index, change in reversed(list(enumerate(untold))):
                if change.time == told.updated and change.new == told.terms:
                    return untold[index + 1 :]
        return untold

    # Conditional orders.

    def conditional_news(self) -> list[ConditionalAnswer]:
        """Return the conditional orders of which something may be untold."""
        return [answer for number, answer in self.conditionals.items() if self._is_conditional_news(number, answer)]

    def _is_conditional_news(self, number: int, answer: ConditionalAnswer) -> bool:
        knowledge = self._knowledge
        if number in knowledge.conditionals:
            return True
        if knowledge.finished_conditionals.is_told(number, answer.updated):
            return False
        return knowledge.began is None or answer.updated >= knowledge.began

    def missing_conditionals(self) -> list[int]:
        """Return the conditional orders that were open, and of which the answers do not say what became of them."""
        if self.open_conditionals is None:
            return []
        return [
            number
            for number in self._knowledge.conditionals
            if number not in self.open_conditionals
            and number not in self.conditionals_asked_alone
            and not (number in self.conditionals and self.conditionals[number].is_final)
        ]
