"""What is remembered of what was told: exactly that, and no more than is needed."""

from __future__ import annotations

import sys
from typing import Any

import pytest
from recovery_answers import (
    T0,
    account,
    allocation,
    at,
    event,
    fill,
    knowing,
    list_status,
    order,
    order_list,
    position,
    report,
    trade,
)

from trio_binance_uds.events import Event, UnknownEvent
from trio_binance_uds.stream.recovery.spot.knowledge import BaselineAnswers, Knowledge

KEY = ("AAABBB", 1)


def told(*events: Event) -> Knowledge:
    knowledge = Knowledge()
    for one in events:
        knowledge.observe(one)
    return knowledge


def test_an_open_order_is_known_by_its_last_report() -> None:
    last = fill(7, 2000, "0.50", "0.50")
    assert told(report("NEW", "NEW", 1000), last).orders == {KEY: last}


@pytest.mark.parametrize("status", ["FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"])
def test_what_was_told_as_final_stays_final(status: str) -> None:
    knowledge = told(report("NEW", "NEW", 1000), report("CANCELED", status, 2000), report("NEW", "NEW", 1500))
    assert knowledge.orders == {}
    assert KEY in knowledge.finished


def test_a_fill_is_told_once_its_id_or_a_higher_one_was() -> None:
    knowledge = told(fill(7, 2000, "0.50", "0.50"))
    assert knowledge.is_fill_told(trade(6, 1000, "0.1"))
    assert knowledge.is_fill_told(trade(7, 2000, "0.5"))
    assert not knowledge.is_fill_told(trade(7, 2000, "0.5", order_id=2)), "the other half of a trade with oneself"
    assert not knowledge.is_fill_told(trade(8, 2000, "0.5"))
    knowledge.observe(fill(7, 2000, "0.50", "0.50", 2))
    assert knowledge.is_fill_told(trade(7, 2000, "0.5", order_id=2))


def test_an_allocation_is_told_once_its_id_or_a_higher_one_was() -> None:
    knowledge = told(fill(-1, 2000, "0.50", "0.50", a=4))
    assert knowledge.is_fill_told(allocation(4, 2000, "0.5"))
    assert not knowledge.is_fill_told(allocation(5, 2000, "0.5"))
    assert not knowledge.is_fill_told(trade(1, 2000, "0.5"))


def test_a_balance_is_known_by_the_last_position_that_named_it() -> None:
    knowledge = told(position(1000, AAA="1", BBB="2"), position(2000, AAA="3"))
    assert {asset: balance.total for asset, balance in knowledge.balances.items()} == {"AAA": 3, "BBB": 2}
    assert knowledge.told_balance("CCC") is None, "without a baseline nobody knows"


def test_fills_and_movements_wait_for_their_position() -> None:
    moved = event(e="balanceUpdate", E=T0 + 2500, a="AAA", d="1.00", T=T0 + 2500)
    knowledge = told(fill(7, 2000, "0.50", "0.50"), moved)
    assert len(knowledge.unsettled) == 2
    knowledge.observe(position(2000, AAA="1"))
    assert knowledge.unsettled == [moved]
    knowledge.observe(position(2500, AAA="2"))
    assert knowledge.unsettled == []


def test_a_list_is_known_until_it_is_done() -> None:
    knowledge = told(list_status("EXEC_STARTED", 1000))
    assert list(knowledge.lists) == [5]
    knowledge.observe(list_status("ALL_DONE", 2000))
    knowledge.observe(list_status("EXEC_STARTED", 1000))
    assert knowledge.lists == {}


def test_events_that_nobody_understands_change_nothing() -> None:
    knowledge = told(UnknownEvent(problem="?", raw={}))
    assert (knowledge.orders, knowledge.newest) == ({}, None)


class TestBaseline:
    def baseline(self, *orders: Any, lists: tuple[Any, ...] = ()) -> BaselineAnswers:
        return BaselineAnswers(account(-5, AAA="10.00"), orders, lists)

    def test_it_tells_what_was_open_before(self) -> None:
        knowledge = Knowledge()
        knowledge.take_baseline(self.baseline(order(created=-9), lists=(order_list("EXEC_STARTED", -9, 1),)), at(0))
        assert list(knowledge.orders) == [KEY]
        assert list(knowledge.lists) == [5]
        assert knowledge.told_balance("CCC") is not None, "what is not listed is nothing"

    def test_it_never_replaces_what_the_stream_has_told(self) -> None:
        knowledge = told(report("CANCELED", "CANCELED", 1), report("NEW", "NEW", 1, 2), position(1, AAA="7.00"))
        knowledge.take_baseline(self.baseline(order(1, created=-9), order(2, created=-9)), at(2))
        assert list(knowledge.orders) == [("AAABBB", 2)]
        assert knowledge.orders["AAABBB", 2].execution_id is not None
        assert knowledge.balances["AAA"].total == 7

    def test_it_leaves_to_the_stream_what_has_changed_since_it_began(self) -> None:
        knowledge = Knowledge()
        knowledge.begin(at(0))
        knowledge.take_baseline(self.baseline(order(created=1), order(2, created=-9, updated=2)), at(5))
        assert knowledge.orders == {}

    def test_a_finished_one_is_not_open(self) -> None:
        knowledge = Knowledge()
        knowledge.take_baseline(self.baseline(order(created=-9, status="CANCELED")), at(0))
        assert knowledge.orders == {}


class TestMemory:
    def test_finished_orders_are_forgotten_after_a_while_and_still_count_as_told(self) -> None:
        knowledge = told(report("CANCELED", "CANCELED", 1000), report("CANCELED", "CANCELED", 700_000, 2))
        assert KEY not in knowledge.finished
        assert knowledge.finished.is_told(KEY, at(1000))
        assert not knowledge.finished.is_told(("AAABBB", 3), at(1500))

    def test_it_does_not_grow_with_the_number_of_events(self) -> None:
        knowledge = knowing()
        sizes = []
        for round_ in range(3):
            for n in range(25_000):
                number = round_ * 25_000 + n
                knowledge.observe(report("NEW", "NEW", number, number))
                knowledge.observe(report("CANCELED", "CANCELED", number, number))
            sizes.append(len(knowledge.finished))
        assert sizes[1] == sizes[2] <= 20_000
        assert len(knowledge.orders) == 0
        assert len(knowledge.symbols) == 1

    def test_a_venue_that_sends_no_positions_does_not_fill_the_memory(self) -> None:
        knowledge = knowing()
        for number in range(12_000):
            knowledge.observe(fill(number, 2000, "0.01", "0.01"))
        assert len(knowledge.unsettled) == 10_000
        assert sys.getsizeof(knowledge.unsettled) < 200_000
