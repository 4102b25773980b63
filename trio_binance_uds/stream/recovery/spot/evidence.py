"""What the venue has answered so far in one recovery, newest first, and which of it was not told before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from operator import attrgetter

import attrs

from trio_binance_uds.events import ExecutionReport
from trio_binance_uds.stream.recovery.spot.answers import (
    CONTINGENT_TYPES,
    AccountAnswer,
    AmendmentAnswer,
    FillAnswer,
    Key,
    ListAnswer,
    OrderAnswer,
    PreventionAnswer,
)
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.ledger import Loan
from trio_binance_uds.stream.recovery.spot.life import OrderFacts


class Evidence:
    """The answers of one recovery beside what was told.

    Databases can lag behind: of two answers about one thing the one that shows more progress stands, and an answer
    that is behind what was told stands for nothing.

    Attributes:
        open_orders, open_lists: what was open when it was asked for; ``None`` before that.
        not_found: orders that the venue says it does not know.
        asked_for_status: orders that ``order.status`` has answered for, which does not lag behind.
        loans: what was borrowed and repaid.
    """

    def __init__(self, knowledge: Knowledge, since: datetime) -> None:
        self._knowledge = knowledge
        self._since = since
        self.account: AccountAnswer | None = None
        self.open_orders: frozenset[Key] | None = None
        self.open_lists: frozenset[int] | None = None
        self.orders: dict[Key, OrderAnswer] = {}
        self.lists: dict[int, ListAnswer] = {}
        # Of each order the list that it belongs to: as was answered, and as was delivered.
        self._list_of: dict[Key, int] = {}
        delivered = knowledge.lists.values()
        self._delivered_list_of = {
            (leg.symbol, leg.order_id): one.order_list_id for one in delivered for leg in one.orders
        }
        self.not_found: set[Key] = set()
        self.asked_for_status: set[Key] = set()
        self.loans: list[Loan] = []
        self._history: dict[str, dict[Key, OrderAnswer]] = {}
        # Where they are asked for symbol by symbol: the open orders of each, or None until they are answered.
        self._open_of: dict[str, frozenset[Key] | None] = {}
        self._fills: dict[tuple[Key, int, bool], FillAnswer] = {}
        self._amendments: dict[Key, list[AmendmentAnswer]] = {}
        self._preventions: dict[Key, dict[int, PreventionAnswer]] = {}

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

    def expect_open_orders(self, symbols: Iterable[str]) -> None:
        """Note that the open orders of these symbols are asked for one by one: they are known when all are answered.

        Without any symbol there is nothing to ask, and nothing open that could be known.
        """
        for symbol in symbols:
            self._open_of.setdefault(symbol, None)
        self._join_open_orders()

    def add_open_orders_of(self, symbol: str, orders: list[OrderAnswer]) -> None:
        """Take in the open orders of one symbol."""
        self._open_of[symbol] = frozenset([order.key for order in orders])
        self.add_orders(orders)
        self._join_open_orders()

    def is_asked_for_open_orders(self, symbol: str) -> bool:
        """Whether the open orders of this symbol are asked for, or have been."""
        return symbol in self._open_of

    def _join_open_orders(self) -> None:
        answered = [keys for keys in self._open_of.values() if keys is not None]
        self.open_orders = frozenset().union(*answered) if len(answered) == len(self._open_of) else None

    def add_history(self, symbol: str, orders: list[OrderAnswer]) -> None:
        """Take in orders from the database, among them those that have ended."""
        history = self._history.setdefault(symbol, {})
        for order in orders:
            known = history.get(order.key)
            if known is None or order.progress >= known.progress:
                history[order.key] = order
        self.add_orders(orders)

    def add_status(self, order: OrderAnswer) -> None:
        self.asked_for_status.add(order.key)
        self.add_orders([order])

    def add_fills(self, fills: Iterable[FillAnswer]) -> None:
        for fill in fills:
            self._fills[fill.key, fill.number, fill.allocation_id is None] = fill

    def add_loans(self, loans: list[Loan]) -> None:
        self.loans += loans

    def add_amendments(self, key: Key, amendments: list[AmendmentAnswer]) -> None:
        self._amendments[key] = amendments

    def add_preventions(self, key: Key, preventions: list[PreventionAnswer]) -> None:
        self._preventions.setdefault(key, {}).update({match.match_id: match for match in preventions})

    def add_lists(self, lists: Iterable[ListAnswer]) -> None:
        for order_list in lists:
            known = self.lists.get(order_list.list_id)
            if known is None or (order_list.is_done, order_list.time) >= (known.is_done, known.time):
                self.lists[order_list.list_id] = order_list
                for symbol, order_id, _ in order_list.orders:
                    self._list_of[symbol, order_id] = order_list.list_id

    def add_open_lists(self, lists: list[ListAnswer]) -> None:
        self.open_lists = frozenset([order_list.list_id for order_list in lists])
        self.add_lists(lists)

    # Whether the database is up to date.

    def lagging_symbols(self) -> list[str]:
        """Return the symbols whose history is behind what the stream or the memory of the venue has said before.

        What else it lacks nobody knows, as orders that have ended are in no other answer.
        """
        found: dict[str, None] = {}
        for symbol, order_id, shown in self._what_history_must_show():
            history = self._history.get(symbol)
            if history is not None:
                listed = self.completed(history.get((symbol, order_id)))
                if listed is None or (listed.is_final, listed.executed, listed.prevented) < shown:
                    found[symbol] = None
        return list(found)

    def _what_history_must_show(self) -> Iterator[tuple[str, int, tuple[bool, Decimal, Decimal]]]:
        knowledge = self._knowledge
        nothing = Decimal(0)
        for (symbol, order_id), (ended, _) in knowledge.finished.newest_first():
            if ended < self._since:
                break
            yield symbol, order_id, (True, nothing, nothing)
        for (symbol, order_id), told in knowledge.orders.items():
            if told.transaction_time >= self._since:
                shown = (False, told.cumulative_filled_quantity, told.prevented_quantity or nothing)
                yield symbol, order_id, shown
        # The balances were asked for before the history.
        if self.account is not None:
            for order in self.orders.values():
                if self._since <= order.updated <= self.account.updated:
                    yield order.symbol, order.order_id, (order.is_final, order.executed, order.prevented)

    # What is new in it.

    def is_news(self, key: Key, updated: datetime) -> bool:
        """Whether something that happened to this order at this time may be untold."""
        knowledge = self._knowledge
        if key in knowledge.orders:
            return True
        if knowledge.finished.is_told(key, updated):
            return False
        # What ended before the stream began is none of its business.
        return knowledge.began is None or updated >= knowledge.began

    def newest(self, key: Key) -> OrderAnswer | None:
        """Return the newest state of an order, from the answers or from what was told; ``None``: it is no news."""
        told, answer = self._knowledge.orders.get(key), self.completed(self.orders.get(key))
        if told is None:
            return answer if answer is not None and self.is_news(key, answer.updated) else None
        known = OrderAnswer.of_report(told)
        if answer is None or answer.progress < known.progress:
            return known
        if answer.progress == known.progress and answer.quantity > known.quantity:
            return known  # An amendment in the same millisecond that this answer does not know yet.
        return answer

    def known_orders(self) -> list[OrderAnswer]:
        """Return all orders, in their newest state, that were told as open or are in the answers."""
        told = {key: OrderAnswer.of_report(report) for key, report in self._knowledge.orders.items()}
        return list({**told, **self.orders}.values())

    def completed(self, answer: OrderAnswer | None) -> OrderAnswer | None:
        """Return an answer with what it lacks, as far as what was told or the other answers know it."""
        if answer is None or not answer.untold:
            return answer
        told = self._knowledge.orders.get(answer.key)
        known = {name: getattr(told, name, None) for name in answer.untold}
        if told is None or told.order_list_id == -1:
            known["order_list_id"] = self._list_with(answer.key)
        if matches := self._preventions_of(answer, told):
            before = Decimal(0) if told is None else told.prevented_quantity or Decimal(0)
            known["prevented_match_id"] = matches[-1].match_id
            known["prevented_quantity"] = sum((match.taken_from(answer.order_id) for match in matches), before)
        return answer.with_state(known)

    def _list_with(self, key: Key) -> int | None:
        """Return the list that an order is said to belong to."""
        return self._list_of.get(key, self._delivered_list_of.get(key))

    def _preventions_of(
        self, order: OrderAnswer, told: ExecutionReport | None, since: datetime | None = None
    ) -> list[PreventionAnswer]:
        """Return the prevented matches that were not told and that an order as it was answered knows.

        Newer ones come live: the link was subscribed before anything was asked.
        """
        return [
            match
            for match in sorted(self._preventions.get(order.key, {}).values(), key=attrgetter("match_id"))
            if match.taken_from(order.order_id)
            and match.time <= order.updated
            and (told is None or told.prevented_match_id is None or match.match_id > told.prevented_match_id)
            and (since is None or match.time >= since)
        ]

    def news(self) -> list[Key]:
        """Return the orders of which something may be untold."""
        keys = dict.fromkeys([*self._knowledge.orders, *self.orders])
        return [key for key in keys if self.newest(key) is not None]

    def untold_fills_in_order(self) -> list[FillAnswer]:
        """Return the fills that were not told, as they happened."""
        knowledge, found = self._knowledge, list[FillAnswer]()
        for fill in sorted(self._fills.values(), key=attrgetter("time", "number")):
            if not self.is_news(fill.key, fill.time) or (knowledge.began is not None and fill.time < knowledge.began):
                continue
            told = knowledge.orders.get(fill.key)
            if told is None or not self._is_in_figures_of(told, fill):
                found.append(fill)
        return found

    def _is_in_figures_of(self, told: ExecutionReport, fill: FillAnswer) -> bool:
        """Whether a fill was told when the last report of its order was.

        What is older than the report is in its figures, and what is newer cannot have been told. Within one millisecond
        the ids must decide, which rise within a symbol; but nothing was told of an order that is not filled at all.
        Where the report tells a trade, its own id decides: that of another order may be higher although this is lost.
        """
        if fill.time != told.transaction_time:
            return fill.time < told.transaction_time
        is_trade = told.execution_type == "TRADE" and fill.allocation_id is None and told.allocation_id is None
        if is_trade and told.trade_id is not None:
            return fill.trade_id <= told.trade_id
        return told.cumulative_filled_quantity > 0 and self._knowledge.is_fill_told(fill)

    def untold_fills(self) -> dict[Key, list[FillAnswer]]:
        """Return the fills that were not told, by order, each order's by rising id."""
        found: dict[Key, list[FillAnswer]] = {}
        for fill in self.untold_fills_in_order():
            found.setdefault(fill.key, []).append(fill)
        return found

    def decrements(self, symbol: str) -> bool:
        """Whether an order of this symbol makes others smaller rather than trade with them."""
        modes = {order.state["self_trade_prevention_mode"] for order in self.orders.values() if order.symbol == symbol}
        return "DECREMENT" in modes

    def is_gone(self, key: Key) -> bool:
        """Whether an order was not among the open ones when these were asked for."""
        return self.open_orders is not None and key not in self.open_orders

    def was_told_as_ended(self, key: Key) -> bool:
        """Whether the end of an order was told."""
        return key in self._knowledge.finished

    def lists_in_question(self) -> list[int]:
        """Return the order lists of which something may be untold."""
        knowledge = self._knowledge
        open_lists = self.open_lists or frozenset()
        ids = [list_id for list_id in knowledge.lists if list_id not in open_lists]
        ids += knowledge.lists_to_come
        ids += [list_id for list_id in open_lists if list_id not in knowledge.lists]
        for key in self.news():
            order = self.newest(key)
            if order is not None and order.list_id != -1 and order.list_id not in knowledge.lists:
                ids.append(order.list_id)
        return [list_id for list_id in dict.fromkeys(ids) if list_id not in knowledge.finished_lists]

    def has_outlived_its_orders(self, order_list: ListAnswer) -> bool:
        """Whether a list is said to go on although all its orders have ended."""
        legs = [self.orders.get((symbol, order_id)) for symbol, order_id, _ in order_list.orders]
        return not order_list.is_done and all(leg is not None and leg.is_final for leg in legs)

    def is_list_unclear(self, list_id: int) -> bool:
        """Whether the answers so far do not say what became of an order list."""
        answer = self.lists.get(list_id)
        if answer is None or self.has_outlived_its_orders(answer):
            return True
        return not answer.is_done and list_id not in (self.open_lists or ())

    def facts(self) -> list[OrderFacts]:
        """Return what is known of each order of which something may be untold."""
        fills = self.untold_fills()
        return [self._facts_of(key, fills.get(key, [])) for key in self.news()]

    def _names_in_list(self, order: OrderAnswer) -> list[tuple[Key, str]]:
        """Return the legs of an order's list and the client order ids that they have there."""
        answer, told = self.lists.get(order.list_id), self._knowledge.lists.get(order.list_id)
        if answer is not None:
            return [((symbol, order_id), name) for symbol, order_id, name in answer.orders]
        return [] if told is None else [((leg.symbol, leg.order_id), leg.client_order_id or "") for leg in told.orders]

    def _legs_of(self, order: OrderAnswer) -> list[tuple[Key, str]]:
        """Return the legs of an order's list if they wait for the first of them."""
        answer = self.lists.get(order.list_id) or self._knowledge.lists.get(order.list_id)
        return self._names_in_list(order) if answer is not None and answer.contingency_type == "OTO" else []

    def _filled_at(self, key: Key) -> datetime | None:
        """Return when an order was filled, if it was."""
        if (ended := self._knowledge.finished.get(key)) is not None:
            return ended[0] if ended[1] == "FILLED" else None
        order = self.newest(key)
        return order.updated if order is not None and order.status == "FILLED" else None

    def _facts_of(self, key: Key, fills: list[FillAnswer]) -> OrderFacts:
        knowledge, order = self._knowledge, self.newest(key)
        assert order is not None
        told = knowledge.orders.get(key)
        legs = self._legs_of(order)
        is_pending_leg = bool(legs) and legs[0][0] != key
        is_born = told is None and (knowledge.began is None or order.created >= knowledge.began)
        since = None if told is not None or is_born else knowledge.began
        facts = OrderFacts(
            order=order,
            told=told,
            is_born=is_born,
            since=since,
            is_pending_leg=is_pending_leg,
            activated_at=self._filled_at(legs[0][0]) if is_pending_leg else None,
            first_client_order_id=next((name for leg, name in self._names_in_list(order) if leg == key), None),
            fills=fills,
            # An amendment always makes an order smaller.
            amendments=[
                change
                for change in self._amendments.get(key, ())
                if (told is None or change.new_quantity < told.order_quantity)
                and (since is None or change.time >= since)
            ],
            preventions=self._preventions_of(order, told, since),
            is_sparse="prevented_quantity" in self.orders[key].untold if key in self.orders else False,
        )
        if "working_time" not in order.untold:
            return facts
        return attrs.evolve(facts, order=order.with_state({"working_time": _working_since(facts)}))


def _working_since(facts: OrderFacts) -> datetime | None:
    """Conclude since when an order has been working, where no answer tells; ``None``: it has not, or nobody knows."""
    order = facts.order
    if order.type not in CONTINGENT_TYPES:
        was_pending = facts.told is not None and facts.told.order_status == "PENDING_NEW"
        return facts.activated_at if facts.is_pending_leg or was_pending else order.created
    if not order.state["is_on_book"]:
        return None
    if facts.fills:
        # What takes does so when it is triggered.
        return None if facts.fills[0].is_maker else facts.fills[0].time
    has_only_been_triggered = not order.is_final and not facts.preventions and order.executed == facts.filled_before
    return order.updated if has_only_been_triggered else None
