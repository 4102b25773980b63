"""From answers to events, by tables: every kind of thing that can be missed, and every contradiction."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from recovery_answers import (
    T0,
    account,
    allocation,
    amendment,
    answers,
    at,
    fill,
    knowing,
    list_status,
    order,
    order_list,
    position,
    prevention,
    report,
    trade,
)

from trio_binance_uds.events import Event, ExecutionReport, ListStatus, OutboundAccountPosition
from trio_binance_uds.stream.recovery.reading import Unreadable
from trio_binance_uds.stream.recovery.spot.answers import AccountAnswer, FillAnswer, ListAnswer, OrderAnswer
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.life import OrderFacts
from trio_binance_uds.stream.recovery.spot.reconstruct import reconstruct


def told(event: Event) -> str:
    """An event in a few words."""
    when = round((event.event_time - at(0)).total_seconds() * 1000) if event.event_time is not None else None
    if isinstance(event, ExecutionReport):
        ids = f" trade {event.trade_id}" if event.trade_id >= 0 else ""
        amounts = f"{event.cumulative_filled_quantity.normalize():f} of {event.order_quantity.normalize():f}"
        return f"{when} #{event.order_id} {event.execution_type} {event.order_status} {amounts}{ids}"
    if isinstance(event, ListStatus):
        return f"{when} list {event.list_status_type}"
    assert isinstance(event, OutboundAccountPosition)
    return f"{when} " + " ".join(f"{balance.asset} {balance.free:f}" for balance in event.balances)


PLACED = report("NEW", "NEW", 1000)
CANCELED: dict[str, Any] = {"status": "CANCELED", "clientOrderId": "cancel-1"}
FILLED: dict[str, Any] = {"status": "FILLED", "executedQty": "1.00", "cummulativeQuoteQty": "100.00"}
HALF: dict[str, Any] = {"status": "PARTIALLY_FILLED", "executedQty": "0.50", "cummulativeQuoteQty": "50.00"}
STOP: dict[str, Any] = {"type": "STOP_LOSS_LIMIT", "stopPrice": "99.00"}
PREVENTED: dict[str, Any] = {"preventedMatchId": 3, "preventedQuantity": "0.50"}

# What was told, the orders and fills that the venue answers with, and what was missed.
CASES: dict[str, tuple[list[Event], list[OrderAnswer], list[FillAnswer], list[str]]] = {
    "nothing at all": ([PLACED], [order()], [], []),
    "born and resting": ([], [order()], [], ["1000 #1 NEW NEW 0 of 1"]),
    "born and canceled": (
        [],
        [order(updated=2000, **CANCELED)],
        [],
        ["1000 #1 NEW NEW 0 of 1", "2000 #1 CANCELED CANCELED 0 of 1"],
    ),
    "born and filled in two trades": (
        [],
        [order(updated=2000, **FILLED)],
        [trade(8, 2000, "0.75"), trade(7, 2000, "0.25")],
        [
            "1000 #1 NEW NEW 0 of 1",
            "2000 #1 TRADE PARTIALLY_FILLED 0.25 of 1 trade 7",
            "2000 #1 TRADE FILLED 1 of 1 trade 8",
        ],
    ),
    "a trade of a known order": (
        [PLACED, fill(7, 1500, "0.25", "0.25")],
        [order(updated=2000, **HALF)],
        [trade(7, 1500, "0.25"), trade(9, 2000, "0.25")],
        ["2000 #1 TRADE PARTIALLY_FILLED 0.5 of 1 trade 9"],
    ),
    "filled in part and canceled": (
        [PLACED],
        [order(updated=3000, **CANCELED | {"executedQty": "0.50", "cummulativeQuoteQty": "50.00"})],
        [trade(7, 2000, "0.50")],
        ["2000 #1 TRADE PARTIALLY_FILLED 0.5 of 1 trade 7", "3000 #1 CANCELED CANCELED 0.5 of 1"],
    ),
    "rejected, and so never new": ([], [order(status="REJECTED")], [], ["1000 #1 REJECTED REJECTED 0 of 1"]),
    "expired at once": (
        [],
        [order(status="EXPIRED", timeInForce="IOC")],
        [],
        ["1000 #1 NEW NEW 0 of 1", "1000 #1 EXPIRED EXPIRED 0 of 1"],
    ),
    "born, triggered and filled": (
        [],
        [order(updated=2000, workingTime=T0 + 1500, **STOP, **FILLED)],
        [trade(7, 2000, "1.00")],
        ["1000 #1 NEW NEW 0 of 1", "1500 #1 NEW NEW 0 of 1", "2000 #1 TRADE FILLED 1 of 1 trade 7"],
    ),
    "orders that share a millisecond": (
        [PLACED],
        [order(updated=2000, **FILLED), order(2, created=2000, status="CANCELED")],
        [trade(7, 2000, "1.00")],
        ["2000 #2 NEW NEW 0 of 1", "2000 #1 TRADE FILLED 1 of 1 trade 7", "2000 #2 CANCELED CANCELED 0 of 1"],
    ),
    "an order that ended before the stream began": ([], [order(created=-9000, updated=-1, **CANCELED)], [], []),
    "a finished order, once more": (
        [PLACED, report("CANCELED", "CANCELED", 2000, c="cancel-1")],
        [order(updated=2000, **CANCELED)],
        [],
        [],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_was_missed_is_told(case: str) -> None:
    before, history, fills, missed = CASES[case]
    knowledge = knowing(*before)
    found = reconstruct(knowledge, answers(knowledge, *history, fills=tuple(fills)))
    assert [told(event) for event in found.events] == missed
    assert found.doubts == ()
    assert all(event.recovered for event in found.events)


def events_of(knowledge: Knowledge, *history: OrderAnswer, **more: Any) -> list[ExecutionReport]:
    found = reconstruct(knowledge, answers(knowledge, *history, **more))
    assert found.doubts == ()
    return [event for event in found.events if isinstance(event, ExecutionReport)]


class TestFields:
    def test_a_recovered_trade_has_the_venues_own_figures_and_no_made_up_id(self) -> None:
        sold = trade(7, 2000, "0.25", price="101.00", quoteQty="25.25", commission="0.03", commissionAsset="CCC")
        half = order(updated=2000, status="PARTIALLY_FILLED", executedQty="0.25", cummulativeQuoteQty="25.25")
        (found,) = events_of(knowing(PLACED), half, fills=(sold,))
        assert (found.trade_id, found.last_executed_price, found.last_executed_quantity) == (
            7,
            Decimal(101),
            Decimal("0.25"),
        )
        assert (found.last_quote_quantity, found.cumulative_quote_quantity) == (Decimal("25.25"), Decimal("25.25"))
        assert (found.commission_amount, found.commission_asset) == (Decimal("0.03"), "CCC")
        assert found.is_maker
        assert found.is_on_book
        assert found.execution_id is None
        assert found.raw == {"order": half.raw, "trade": sold.raw}

    def test_a_canceled_order_says_which_client_order_id_it_had(self) -> None:
        (found,) = events_of(knowing(PLACED), order(updated=2000, **CANCELED))
        assert (found.client_order_id, found.original_client_order_id) == ("cancel-1", "mine-1")
        assert not found.is_on_book

    def test_an_expired_order_says_why(self) -> None:
        (found,) = events_of(knowing(PLACED), order(updated=2000, status="EXPIRED", expiryReason="EXCHANGE_CANCELED"))
        assert found.expiry_reason == "EXCHANGE_CANCELED"

    def test_a_contingent_order_is_on_the_book_only_once_triggered(self) -> None:
        triggered = order(updated=1500, workingTime=T0 + 1500, **STOP)
        first, second = events_of(knowing(), triggered)
        assert (first.is_on_book, first.working_time) == (False, None)
        assert (second.is_on_book, second.working_time) == (True, at(1500))

    def test_an_amendment_has_its_real_execution_id_and_both_client_order_ids(self) -> None:
        knowledge = knowing(PLACED)
        evidence = answers(knowledge, order(updated=2000, origQty="0.60", clientOrderId="amended-78"))
        changes = [amendment(77, 1500, "1.00", "0.80"), amendment(78, 2000, "0.80", "0.60")]
        evidence.add_amendments(("AAABBB", 1), changes)
        found = reconstruct(knowledge, evidence)
        assert [told(event) for event in found.events] == [
            "1500 #1 REPLACED NEW 0 of 0.8",
            "2000 #1 REPLACED NEW 0 of 0.6",
        ]
        last = found.events[-1]
        assert isinstance(last, ExecutionReport)
        assert (last.execution_id, last.client_order_id, last.original_client_order_id) == (78, "amended-78", "mine-1")
        assert found.doubts == ()

    def test_fills_of_one_millisecond_are_told_by_their_ids_also_where_one_comes_after_an_amendment(self) -> None:
        knowledge = knowing(PLACED, report("NEW", "NEW", 1000, i=2, I=5))
        smaller = order(updated=2000, origQty="0.80", clientOrderId="amended-78", status="FILLED", executedQty="0.80")
        evidence = answers(
            knowledge,
            smaller,
            order(2, updated=2000, **FILLED),
            order(3, created=2000, status="CANCELED"),
            fills=(trade(7, 2000, "0.80"), trade(8, 2000, "0.40", 2), trade(9, 2000, "0.60", 2)),
        )
        evidence.add_amendments(("AAABBB", 1), [amendment(78, 2000, "1.00", "0.80")])
        assert [told(event) for event in reconstruct(knowledge, evidence).events] == [
            "2000 #3 NEW NEW 0 of 1",
            "2000 #1 REPLACED NEW 0 of 0.8",
            "2000 #3 CANCELED CANCELED 0 of 1",
            "2000 #1 TRADE FILLED 0.8 of 0.8 trade 7",
            "2000 #2 TRADE PARTIALLY_FILLED 0.4 of 1 trade 8",
            "2000 #2 TRADE FILLED 1 of 1 trade 9",
        ]

    def test_an_order_made_as_small_as_its_fills_expires(self) -> None:
        knowledge = knowing(PLACED, fill(7, 1500, "0.50", "0.50"))
        ended = order(updated=2000, origQty="0.50", executedQty="0.50", cummulativeQuoteQty="50.00", status="EXPIRED")
        evidence = answers(knowledge, ended)
        evidence.add_amendments(("AAABBB", 1), [amendment(77, 2000, "1.00", "0.50")])
        found = reconstruct(knowledge, evidence)
        assert [told(event) for event in found.events] == ["2000 #1 EXPIRED EXPIRED 0.5 of 0.5"]

    def test_self_trade_prevention_names_the_match_and_the_other_order(self) -> None:
        knowledge = knowing(PLACED)
        evidence = answers(knowledge, order(updated=2000, **PREVENTED))
        evidence.add_preventions(("AAABBB", 1), [prevention(3, 2000, "0.50")])
        (found,) = reconstruct(knowledge, evidence).events
        assert isinstance(found, ExecutionReport)
        assert told(found) == "2000 #1 TRADE_PREVENTION NEW 0 of 1"
        assert (found.prevented_match_id, found.counter_order_id, found.trade_group_id) == (3, 99, 7)
        assert (found.last_prevented_quantity, found.prevented_quantity) == (Decimal("0.5"), Decimal("0.5"))

    @pytest.mark.parametrize(
        ("match", "traded", "comes_first"),
        [
            # It takes before it makes.
            ({"takerOrderId": 1, "makerOrderId": 99}, {"isMaker": True}, "prevention"),
            ({}, {"isMaker": False}, "fill"),
            # It sells at the highest price first.
            ({"takerOrderId": 1, "makerOrderId": 99, "price": "100.01"}, {"isMaker": False}, "prevention"),
            ({"takerOrderId": 1, "makerOrderId": 99, "price": "99.99"}, {"isMaker": False}, "fill"),
        ],
    )
    def test_roles_and_prices_say_whether_prevention_or_a_fill_came_first(
        self, match: dict[str, Any], traded: dict[str, Any], comes_first: str
    ) -> None:
        knowledge = knowing(PLACED)
        partly = HALF | {"executedQty": "0.25", "cummulativeQuoteQty": "25.00"} | PREVENTED
        evidence = answers(knowledge, order(updated=2000, **partly), fills=(trade(7, 2000, "0.25", **traded),))
        evidence.add_preventions(("AAABBB", 1), [prevention(3, 2000, "0.50", **match)])
        found = reconstruct(knowledge, evidence)
        first, second = {
            "fill": ("TRADE PARTIALLY_FILLED 0.25 of 1 trade 7", "TRADE_PREVENTION PARTIALLY_FILLED 0.25 of 1"),
            "prevention": ("TRADE_PREVENTION NEW 0 of 1", "TRADE PARTIALLY_FILLED 0.25 of 1 trade 7"),
        }[comes_first]
        assert [told(event) for event in found.events] == [f"2000 #1 {first}", f"2000 #1 {second}"]
        assert found.remarks == ()

    def test_prices_rise_for_what_buys(self) -> None:
        knowledge = knowing(PLACED)
        partly = HALF | {"executedQty": "0.25", "cummulativeQuoteQty": "25.00", "side": "BUY"} | PREVENTED
        evidence = answers(knowledge, order(updated=2000, **partly), fills=(trade(7, 2000, "0.25", isMaker=False),))
        taken = prevention(3, 2000, "0.50", takerOrderId=1, makerOrderId=99, price="99.99")
        evidence.add_preventions(("AAABBB", 1), [taken])
        assert [event.event_time and told(event).split()[2] for event in reconstruct(knowledge, evidence).events] == [
            "TRADE_PREVENTION",
            "TRADE",
        ]

    def test_where_nothing_says_what_came_first_that_is_said(self) -> None:
        knowledge = knowing(PLACED)
        partly = HALF | {"executedQty": "0.25", "cummulativeQuoteQty": "25.00"} | PREVENTED
        evidence = answers(knowledge, order(updated=2000, **partly), fills=(trade(7, 2000, "0.25"),))
        evidence.add_preventions(("AAABBB", 1), [prevention(3, 2000, "0.50")])
        found = reconstruct(knowledge, evidence)
        assert len(found.events) == 2
        assert [remark.split(" at ")[0] for remark in found.remarks] == ["what came first to order 1 of AAABBB"]
        assert found.doubts == ()

    @pytest.mark.parametrize(("is_maker", "is_said"), [(True, True), (False, False)])
    def test_so_it_is_of_an_amendment_and_the_fill_of_a_maker(self, is_maker: bool, is_said: bool) -> None:
        knowledge = knowing(PLACED)
        partly = HALF | {"executedQty": "0.25", "cummulativeQuoteQty": "25.00", "origQty": "0.90"}
        evidence = answers(knowledge, order(updated=2000, **partly), fills=(trade(7, 2000, "0.25", isMaker=is_maker),))
        evidence.add_amendments(("AAABBB", 1), [amendment(77, 2000, "1.00", "0.90")])
        found = reconstruct(knowledge, evidence)
        assert len(found.events) == 2
        assert len(found.remarks) == is_said

    def test_what_has_ended_an_order_came_last(self) -> None:
        knowledge = knowing(PLACED)
        ended = order(
            updated=2000, status="EXPIRED_IN_MATCH", executedQty="0.50", cummulativeQuoteQty="50.00", **PREVENTED
        )
        evidence = answers(knowledge, ended, fills=(trade(7, 2000, "0.50"),))
        evidence.add_preventions(("AAABBB", 1), [prevention(3, 2000, "0.50", takerOrderId=1, makerOrderId=99)])
        found = reconstruct(knowledge, evidence)
        assert [told(event) for event in found.events] == [
            "2000 #1 TRADE PARTIALLY_FILLED 0.5 of 1 trade 7",
            "2000 #1 TRADE_PREVENTION EXPIRED_IN_MATCH 0.5 of 1",
        ]
        assert found.remarks == ()

    def test_an_order_that_expired_in_match_is_told_also_without_the_match(self) -> None:
        ended = order(updated=2000, status="EXPIRED_IN_MATCH", preventedMatchId=3, preventedQuantity="1.00")
        knowledge = knowing(PLACED)
        found = reconstruct(knowledge, answers(knowledge, ended))
        assert [told(event) for event in found.events] == ["2000 #1 TRADE_PREVENTION EXPIRED_IN_MATCH 0 of 1"]
        assert ["self-trade prevention" in doubt.text for doubt in found.doubts] == [True]

    def test_fills_of_smart_order_routing_come_from_allocations(self) -> None:
        routed = order(updated=2000, usedSor=True, workingFloor="SOR", **FILLED)
        found = events_of(knowing(PLACED), routed, fills=(allocation(4, 1800, "0.40"), allocation(5, 2000, "0.60")))
        assert [(one.allocation_id, one.trade_id, one.order_status) for one in found] == [
            (4, -1, "PARTIALLY_FILLED"),
            (5, -1, "FILLED"),
        ]
        assert found[0].used_sor
        assert "allocation" in found[0].raw

    def test_recovered_reports_have_identities_of_their_own(self) -> None:
        found = events_of(
            knowing(),
            order(updated=2000, **FILLED),
            order(2, updated=3000, **CANCELED),
            fills=(trade(7, 2000, "0.50"), trade(8, 2000, "0.50")),
        )
        assert len({event.identity for event in found}) == len(found) == 5


class TestLists:
    LEGS = (
        order(1, updated=2000, orderListId=5, status="EXPIRED", clientOrderId="leg-1"),
        order(2, updated=2000, orderListId=5, **FILLED | {"clientOrderId": "leg-2"}),
    )

    def test_a_list_born_and_done_is_told_from_its_start_to_its_end(self) -> None:
        knowledge = knowing()
        done = order_list("ALL_DONE", 2000, 1, 2)
        evidence = answers(knowledge, *self.LEGS, fills=(trade(7, 2000, "1.00", 2),), lists=(done,))
        found = reconstruct(knowledge, evidence)
        assert [told(event) for event in found.events] == [
            "1000 list EXEC_STARTED",
            "1000 #1 NEW NEW 0 of 1",
            "1000 #2 NEW NEW 0 of 1",
            "2000 #2 TRADE FILLED 1 of 1 trade 7",
            "2000 #1 EXPIRED EXPIRED 0 of 1",
            "2000 list ALL_DONE",
        ]
        assert found.doubts == ()

    def test_of_a_known_list_only_the_end_is_told(self) -> None:
        knowledge = knowing(list_status("EXEC_STARTED", 1000), report("NEW", "NEW", 1000, 1, g=5))
        evidence = answers(knowledge, self.LEGS[0], lists=(order_list("ALL_DONE", 2000, 1),))
        found = reconstruct(knowledge, evidence)
        assert [told(event) for event in found.events] == ["2000 #1 EXPIRED EXPIRED 0 of 1", "2000 list ALL_DONE"]

    def test_a_pending_leg_is_placed_when_the_working_order_is_filled(self) -> None:
        knowledge = knowing()
        legs = (
            order(1, updated=2000, orderListId=5, **FILLED),
            order(2, updated=3000, orderListId=5, workingTime=-1, **STOP | CANCELED),
        )
        lists = (order_list("ALL_DONE", 3000, 1, 2, contingency="OTO"),)
        evidence = answers(knowledge, *legs, fills=(trade(7, 2000, "1.00"),), lists=lists)
        found = [told(event) for event in reconstruct(knowledge, evidence).events]
        assert [one for one in found if "#2" in one] == [
            "1000 #2 NEW PENDING_NEW 0 of 1",
            "2000 #2 NEW NEW 0 of 1",
            "3000 #2 CANCELED CANCELED 0 of 1",
        ]

    def test_a_list_of_which_only_orders_were_told_is_told_from_their_creation(self) -> None:
        knowledge = knowing(report("NEW", "NEW", 1000, 1, g=5))
        placed = order_list("EXEC_STARTED", 1000, 1)
        evidence = answers(knowledge, lists=(placed,), still_open=(order(orderListId=5),))
        evidence.orders.clear()
        found = reconstruct(knowledge, evidence)
        assert [told(event) for event in found.events] == ["1000 list EXEC_STARTED"]

    def test_of_a_list_without_known_orders_the_start_is_told_only_if_the_list_says_it(self) -> None:
        for status, missed in (("EXEC_STARTED", ["1000 list EXEC_STARTED"]), ("ALL_DONE", ["1000 list ALL_DONE"])):
            knowledge = knowing()
            knowledge.lists_to_come.add(5)
            found = reconstruct(knowledge, answers(knowledge, lists=(order_list(status, 1000, 8, 9),)))
            assert [told(event) for event in found.events] == missed

    def test_a_list_that_outlives_its_orders_or_cannot_be_found_is_doubted(self) -> None:
        for lists, text in (
            ((order_list("EXEC_STARTED", 1000, 1, 2),), "have ended, but not the list"),
            ((), "cannot be found"),
        ):
            knowledge = knowing()
            evidence = answers(knowledge, *self.LEGS, fills=(trade(7, 2000, "1.00", 2),), lists=lists)
            assert [text in doubt.text for doubt in reconstruct(knowledge, evidence).doubts] == [True]


class TestStateNeverGoesBackwards:
    def test_an_older_answer_does_not_undo_a_fill(self) -> None:
        knowledge = knowing(PLACED, fill(7, 2000, "0.50", "0.50"))
        found = reconstruct(knowledge, answers(knowledge, order()))
        assert found.events == ()
        assert ["is behind" in doubt.text for doubt in found.doubts] == [True]

    def test_an_older_answer_does_not_reopen_an_order(self) -> None:
        knowledge = knowing(PLACED, fill(7, 2000, "1.00", "1.00"))
        found = reconstruct(knowledge, answers(knowledge, order(), fills=(trade(7, 2000, "1.00"),)))
        assert found.events == ()
        assert any("has ended, but is listed as open" in doubt.text for doubt in found.doubts)

    def test_of_two_answers_the_newer_one_stands(self) -> None:
        knowledge = knowing(PLACED)
        evidence = answers(knowledge, order(updated=2000, **CANCELED), still_open=(order(),))
        assert [told(event) for event in reconstruct(knowledge, evidence).events] == [
            "2000 #1 CANCELED CANCELED 0 of 1"
        ]

    def test_an_older_answer_that_comes_later_changes_nothing(self) -> None:
        knowledge = knowing(PLACED, list_status("EXEC_STARTED", 1000))
        evidence = answers(knowledge, order(updated=2000, **CANCELED), lists=(order_list("ALL_DONE", 2000, 1),))
        evidence.add_history("AAABBB", [order()])
        evidence.add_lists([order_list("EXEC_STARTED", 1000, 1)])
        found = reconstruct(knowledge, evidence)
        assert [told(event) for event in found.events] == ["2000 #1 CANCELED CANCELED 0 of 1", "2000 list ALL_DONE"]

    def test_an_amendment_that_was_told_is_not_undone_by_an_answer_of_the_same_millisecond(self) -> None:
        knowledge = knowing(report("REPLACED", "NEW", 2000, q="0.80"))
        found = reconstruct(knowledge, answers(knowledge, order(updated=2000)))
        assert (found.events, found.doubts) == ((), ())

    def test_the_history_of_what_ended_long_ago_need_not_be_there(self) -> None:
        knowledge = knowing(report("CANCELED", "CANCELED", -5))
        assert reconstruct(knowledge, answers(knowledge)).doubts == ()

    def test_a_fill_that_the_order_does_not_know_yet_is_told(self) -> None:
        knowledge = knowing(PLACED)
        evidence = answers(knowledge, order(), fills=(trade(7, 2000, "1.00"),))
        assert [told(event) for event in reconstruct(knowledge, evidence).events] == [
            "2000 #1 TRADE FILLED 1 of 1 trade 7"
        ]


class TestContradictions:
    @pytest.mark.parametrize(
        ("history", "fills", "text"),
        [
            (order(updated=2000, **HALF), (), "filled by 0.5 more than its trades say"),
            (order(updated=2000, **HALF), (trade(7, 1900, "0.75"),), "filled by 0.25 less than its trades say"),
            (order(updated=2000, origQty="0.80"), (), "changed by no amendment"),
            (order(updated=2000, **PREVENTED), (), "self-trade prevention took 0.5"),
        ],
    )
    def test_what_does_not_add_up_is_doubted(
        self, history: OrderAnswer, fills: tuple[FillAnswer, ...], text: str
    ) -> None:
        knowledge = knowing(PLACED)
        found = reconstruct(knowledge, answers(knowledge, history, fills=fills))
        assert [text in doubt.text for doubt in found.doubts] == [True]
        assert found.doubts[0].key == ("AAABBB", 1)

    def test_where_the_newest_fill_is_there_it_is_older_ones_that_are_lacking(self) -> None:
        knowledge = knowing(PLACED)
        found = reconstruct(
            knowledge, answers(knowledge, order(updated=2000, **FILLED), fills=(trade(8, 2000, "0.25"),))
        )
        assert [told(event) for event in found.events] == ["2000 #1 TRADE FILLED 1 of 1 trade 8"]
        assert ["0.75 more than its trades say" in doubt.text for doubt in found.doubts] == [True]

    def test_where_the_newest_fill_is_lacking_the_others_keep_their_figures(self) -> None:
        knowledge = knowing(PLACED)
        found = reconstruct(
            knowledge, answers(knowledge, order(updated=3000, **FILLED), fills=(trade(8, 2000, "0.25"),))
        )
        assert [told(event) for event in found.events] == ["2000 #1 TRADE PARTIALLY_FILLED 0.25 of 1 trade 8"]

    def test_a_known_order_in_no_answer_is_doubted(self) -> None:
        knowledge = knowing(report("NEW", "NEW", 1000))
        found = reconstruct(knowledge, answers(knowledge))
        texts = [doubt.text for doubt in found.doubts]
        assert texts[0] == "order 1 of AAABBB is neither among the open orders nor known to have ended"
        assert "is behind" in texts[1]

    def test_a_trade_of_an_order_in_no_answer_is_doubted(self) -> None:
        knowledge = knowing()
        found = reconstruct(knowledge, answers(knowledge, fills=(trade(7, 2000, "1.00"),)))
        assert found.events == ()
        assert "has traded, but cannot be found" in found.doubts[0].text


class TestBalances:
    def check(self, balances: AccountAnswer, *before: Event, **more: Any) -> tuple[list[str], list[str]]:
        knowledge = knowing(*before)
        found = reconstruct(knowledge, answers(knowledge, balances=balances, **more))
        positions = [told(event) for event in found.events if isinstance(event, OutboundAccountPosition)]
        return positions, [doubt.text for doubt in found.doubts]

    def test_unchanged_balances_are_not_told_again(self) -> None:
        assert self.check(account(-5, AAA="10.00", BBB="1000.00")) == ([], [])

    def test_only_what_differs_is_told(self) -> None:
        positions, doubts = self.check(account(900, AAA="10.00", BBB="1001.00"), position(900, BBB="1000.00"))
        assert positions == ["900 BBB 1001.00"]
        assert doubts == ["+1 BBB is not explained"]

    def test_an_asset_that_is_gone_is_told_as_nothing(self) -> None:
        assert self.check(account(-5, BBB="1000.00"))[0] == ["-5 AAA 0"]

    def test_fills_and_their_commissions_explain(self) -> None:
        knowledge = knowing(PLACED)
        evidence = answers(
            knowledge,
            order(updated=2000, **FILLED),
            fills=(trade(7, 2000, "1.00"),),
            balances=account(2000, AAA="9.00", BBB="1099.90"),
        )
        found = reconstruct(knowledge, evidence)
        assert told(found.events[-1]) == "2000 AAA 9.00 BBB 1099.90"
        assert found.doubts == ()

    def test_told_fills_explain_until_their_position_is_told(self) -> None:
        after = account(1500, AAA="9.50", BBB="1049.90")
        half = {"history": (order(updated=1500, **HALF),)}
        knowledge = knowing(PLACED, fill(7, 1500, "0.50", "0.50"))
        assert reconstruct(knowledge, answers(knowledge, *half["history"], balances=after)).doubts == ()
        knowledge.observe(position(1500, AAA="9.50", BBB="1049.90"))
        assert reconstruct(knowledge, answers(knowledge, *half["history"], balances=after)).doubts == ()
        assert knowledge.unsettled == []

    def test_a_fill_in_the_same_millisecond_may_have_come_after_the_balances(self) -> None:
        knowledge = knowing(PLACED)
        history, fills = order(updated=2000, **FILLED), (trade(7, 2000, "0.50"), trade(8, 2000, "0.50"))
        balances = account(2000, AAA="9.50", BBB="1049.90")
        assert reconstruct(knowledge, answers(knowledge, history, fills=fills, balances=balances)).doubts == ()

    def test_a_told_fill_without_commission_explains_too(self) -> None:
        knowledge = knowing(PLACED, fill(7, 1500, "0.50", "0.50", n="0", N=None))
        evidence = answers(knowledge, order(updated=1500, **HALF), balances=account(1500, AAA="9.50", BBB="1050.00"))
        assert reconstruct(knowledge, evidence).doubts == ()

    def test_balances_in_whole_seconds_may_include_what_came_later_in_that_second(self) -> None:
        knowledge = knowing(PLACED)
        evidence = answers(
            knowledge,
            order(updated=2400, **FILLED),
            fills=(trade(7, 2400, "1.00"),),
            balances=account(2000, AAA="9.00", BBB="1099.90"),
        )
        found = reconstruct(knowledge, evidence)
        assert told(found.events[-1]) == "2400 AAA 9.00 BBB 1099.90"
        assert found.doubts == ()

    def test_a_change_that_nothing_explains_is_doubted(self) -> None:
        assert "nothing that was found explains it" in self.check(account(1, AAA="10.00", BBB="1000.00"))[1][0]

    def test_without_knowing_the_assets_of_a_symbol_balances_prove_nothing(self) -> None:
        knowledge = knowing(PLACED)
        knowledge.symbols["AAABBB"].assets = None
        evidence = answers(
            knowledge,
            order(updated=2000, **FILLED),
            fills=(trade(7, 2000, "1.00"),),
            balances=account(2000, AAA="9.00", BBB="1099.90"),
        )
        assert "the assets of AAABBB are not known" in reconstruct(knowledge, evidence).doubts[0].text


@pytest.mark.parametrize(
    ("read", "raw"),
    [
        (OrderAnswer.read, {"symbol": "AAABBB"}),
        (OrderAnswer.read, "an order"),
        (OrderAnswer.read, dict(order().raw) | {"executedQty": "much"}),
        (OrderAnswer.read, dict(order().raw) | {"side": ["SELL"]}),
        (FillAnswer.read_trade, dict(trade(1, 1, "1").raw) | {"time": "soon"}),
        (AccountAnswer.read, {"updateTime": T0, "balances": {}}),
        (ListAnswer.read, dict(order_list("ALL_DONE", 1, 1).raw) | {"orders": None}),
    ],
)
def test_an_answer_that_is_not_as_documented_is_refused_as_a_whole(read: Any, raw: Any) -> None:
    with pytest.raises(Unreadable):
        read(raw)


def test_an_order_whose_age_the_venue_does_not_know_is_read() -> None:
    assert OrderAnswer.read(dict(order(updated=2000).raw) | {"time": -1}).created == at(2000)


@pytest.mark.parametrize(
    ("is_known", "filled", "is_hidden"),
    [(False, "0.50", False), (True, "0.50", True), (True, "1.00", False)],
    ids=["nobody knows what it was before", "it was made smaller", "it was filled whole"],
)
def test_prevention_that_an_answer_does_not_tell_is_seen_in_a_filled_order(
    is_known: bool, filled: str, is_hidden: bool
) -> None:
    answer = order(updated=2000, status="FILLED", executedQty=filled)
    facts = OrderFacts(order=answer, told=PLACED if is_known else None, is_born=False, is_sparse=True)
    assert facts.has_hidden_prevention() is is_hidden
