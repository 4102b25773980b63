"""What was recovered and what comes live are joined so that each thing is told once and nothing goes backwards."""

from __future__ import annotations

from typing import Any

import pytest
from recovery_answers import (
    T0,
    account,
    allocation,
    answers,
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

from trio_binance_uds.events import Event, OutboundAccountPosition, UnknownEvent
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.reconstruct import reconstruct
from trio_binance_uds.stream.recovery.spot.recovered import Basis, Echoes, Recovered

PLACED = report("NEW", "NEW", 1000)
ENDED: dict[str, Any] = {"status": "CANCELED", "executedQty": "0.50", "cummulativeQuoteQty": "50.00"}
FILLS = (trade(7, 2000, "0.25"), trade(8, 3000, "0.25"))
AFTER = account(4000, AAA="9.50", BBB="1049.80")
T7, T8 = fill(7, 2000, "0.25", "0.25"), fill(8, 3000, "0.25", "0.50")
END = report("CANCELED", "CANCELED", 4000, c="x", z="0.50")


def recovered(knowledge: Knowledge | None = None, **more: Any) -> Recovered:
    """Two fills and the cancellation of an order that was known, and the balances after."""
    knowledge = knowing(PLACED) if knowledge is None else knowledge
    evidence = answers(knowledge, order(updated=4000, **ENDED), fills=FILLS, balances=AFTER, **more)
    found = reconstruct(knowledge, evidence)
    filled = {key: told.cumulative_filled_quantity for key, told in knowledge.orders.items()}
    return Recovered.judged(found.events, Basis(doubts=found.doubts, told_filled=filled, account=AFTER))


def kinds(events: tuple[Event, ...]) -> list[str]:
    return [getattr(one, "execution_type", type(one).__name__) for one in events]


class TestWithout:
    def test_what_nothing_repeats_is_told_in_full(self) -> None:
        whole = recovered()
        assert whole.complete
        assert kinds(whole.events) == ["TRADE", "TRADE", "CANCELED", "OutboundAccountPosition"]
        assert whole.without([]).events == whole.events
        assert whole.without([]).complete

    @pytest.mark.parametrize(
        ("parked", "left"),
        [
            ([T7, T8, END], []),
            ([T8, END], ["TRADE"]),
            ([T8], ["TRADE"]),
            ([END], ["TRADE", "TRADE"]),
        ],
    )
    def test_from_the_first_parked_event_of_an_order_on_the_live_ones_tell(
        self, parked: list[Event], left: list[str]
    ) -> None:
        rest = recovered().without(parked)
        assert kinds(rest.events) == [*left, "OutboundAccountPosition"]
        assert rest.complete, rest.detail

    def test_balances_that_come_live_are_left_to_the_live_event(self) -> None:
        rest = recovered().without([position(4000, BBB="1049.80")])
        (left,) = (one for one in rest.events if isinstance(one, OutboundAccountPosition))
        assert [balance.asset for balance in left.balances] == ["AAA"]
        assert "OutboundAccountPosition" not in kinds(recovered().without([position(4000, AAA="1", BBB="1")]).events)

    def test_a_fill_that_neither_side_brings_is_noticed(self) -> None:
        rest = recovered().without([fill(9, 5000, "0.10", "0.75")])
        assert not rest.complete
        assert "filled by 0.15 more when it appeared again" in rest.detail

    def test_an_order_that_appears_without_its_beginning_is_noticed(self) -> None:
        rest = recovered().without([report("CANCELED", "CANCELED", 5000, 2)])
        assert "order 2 of AAABBB appears without its beginning" in rest.detail
        assert recovered().without([report("NEW", "NEW", 5000, 2)]).complete

    def test_a_doubt_about_an_order_is_dispelled_by_live_events_that_continue_it(self) -> None:
        knowledge = knowing(PLACED)
        half = order(updated=3000, status="PARTIALLY_FILLED", executedQty="0.50", cummulativeQuoteQty="50.00")
        found = reconstruct(knowledge, answers(knowledge, half, fills=FILLS[:1]))
        whole = Recovered.judged(found.events, Basis(doubts=found.doubts, told_filled={}))
        assert "0.25 more than its trades say" in whole.detail
        assert whole.without([T8]).complete

    def test_a_deposit_that_comes_live_explains_a_balance(self) -> None:
        knowledge = knowing()
        balances = account(2000, AAA="15.00", BBB="1000.00")
        found = reconstruct(knowledge, answers(knowledge, balances=balances))
        whole = Recovered.judged(found.events, Basis(doubts=found.doubts, account=balances))
        deposit = {"e": "balanceUpdate", "E": T0 + 2000, "a": "AAA", "d": "5.00", "T": T0 + 2000}
        assert not whole.complete
        assert whole.without([event(**deposit)]).complete
        assert not whole.without([event(**deposit | {"d": "4.00"})]).complete
        assert not whole.without([event(**deposit | {"a": "BBB"})]).complete

    def test_a_lock_that_comes_live_explains_the_last_change_of_the_account_and_an_earlier_one_does_not(self) -> None:
        knowledge = knowing()
        balances = account(2000, AAA="10.00", BBB="1000.00")
        found = reconstruct(knowledge, answers(knowledge, balances=balances))
        whole = Recovered.judged(found.events, Basis(doubts=found.doubts, account=balances))
        assert "the account changed" in whole.detail
        for when, complete in ((2000, True), (2001, False)):
            lock = event(e="externalLockUpdate", E=T0 + when, a="AAA", d="5.00", T=T0 + when)
            assert whole.without([lock]).complete is complete

    def test_a_missing_amendment_is_not_dispelled_by_what_follows_it(self) -> None:
        knowledge = knowing(PLACED)
        found = reconstruct(knowledge, answers(knowledge, order(updated=2000, origQty="0.80")))
        told = {key: one.cumulative_filled_quantity for key, one in knowledge.orders.items()}
        whole = Recovered.judged(found.events, Basis(doubts=found.doubts, told_filled=told))
        assert "no amendment" in whole.without([fill(7, 3000, "0.25", "0.25")]).detail

    def test_the_status_of_a_list_that_comes_live_is_left_to_the_live_event(self) -> None:
        knowledge = knowing(list_status("EXEC_STARTED", 1000), report("NEW", "NEW", 1000, g=5))
        ended = order(updated=4000, orderListId=5, status="CANCELED")
        evidence = answers(knowledge, ended, lists=(order_list("EXEC_STARTED", 1000, 1),))
        evidence.open_lists = frozenset()
        found = reconstruct(knowledge, evidence)
        whole = Recovered.judged(found.events, Basis(doubts=found.doubts))
        assert "but not the list" in whole.detail
        assert whole.without([list_status("ALL_DONE", 4000)]).complete

    def test_live_events_that_concern_no_state_change_nothing(self) -> None:
        strange = UnknownEvent(problem="?", raw={})
        assert recovered().without([strange]) == recovered()

    def test_what_no_live_event_can_explain_stays_said(self) -> None:
        whole = Recovered.judged([], Basis(reasons=("the trades of AAABBB were not answered",)))
        assert whole.without([T7]).detail.startswith("the trades of AAABBB were not answered")

    def test_nothing_recovered_has_nothing_to_leave_out(self) -> None:
        assert Recovered().without([T7]) == Recovered()

    def test_many_reasons_are_told_in_short(self) -> None:
        assert Recovered.judged([], Basis(reasons=tuple("abcdefgh"))).detail == "a; b; c; d; e; f; and 2 more"


class TestEchoes:
    @pytest.mark.parametrize("live", [T7, T8, END, position(4000, AAA="9.50", BBB="1049.80"), position(3000, AAA="9")])
    def test_what_was_recovered_is_an_echo(self, live: Event) -> None:
        assert Echoes(recovered()).is_echo(live)

    @pytest.mark.parametrize(
        "live",
        [
            fill(9, 2500, "0.10", "0.35"),  # a fill that was not recovered is told, however late
            fill(7, 2000, "0.25", "0.25", 2),
            report("NEW", "NEW", 1000, 2),
            position(4000, AAA="9.40"),
            position(5000, AAA="9.50", BBB="1049.80"),
            list_status("ALL_DONE", 4000),
            event(e="balanceUpdate", E=T0, a="AAA", d="5.00", T=T0),
        ],
    )
    def test_what_was_not_recovered_is_none(self, live: Event) -> None:
        assert not Echoes(recovered()).is_echo(live)

    def test_each_fill_is_an_echo_once(self) -> None:
        echoes = Echoes(recovered())
        assert [echoes.is_echo(T7), echoes.is_echo(T7)] == [True, False]

    def test_the_end_of_an_order_is_an_echo_once_but_what_is_older_always(self) -> None:
        echoes = Echoes(recovered())
        assert [echoes.is_echo(END), echoes.is_echo(END)] == [True, False]
        assert echoes.is_echo(report("NEW", "NEW", 1500))
        assert echoes.is_echo(report("NEW", "NEW", 1500))

    def test_the_status_of_a_list_is_an_echo_once(self) -> None:
        knowledge = knowing(list_status("EXEC_STARTED", 1000), report("NEW", "NEW", 1000, g=5))
        ended = order(updated=4000, orderListId=5, status="CANCELED")
        evidence = answers(knowledge, ended, lists=(order_list("ALL_DONE", 4000, 1),))
        echoes = Echoes(Recovered.judged(reconstruct(knowledge, evidence).events, Basis()))
        done = list_status("ALL_DONE", 4000)
        assert [echoes.is_echo(done), echoes.is_echo(done)] == [True, False]
        assert echoes.is_echo(list_status("EXEC_STARTED", 1000))
        assert not echoes.is_echo(list_status("EXEC_STARTED", 1000, list_id=6))

    def test_a_position_is_told_where_its_assets_were_left_to_the_live_events(self) -> None:
        rest = recovered().without([position(3500, BBB="1000.00")])
        echoes = Echoes(rest)
        assert not echoes.is_echo(position(3900, AAA="9.60", BBB="1010.00"))
        assert echoes.is_echo(position(3900, AAA="9.60"))

    def test_fills_of_smart_order_routing_are_echoes_by_their_allocation(self) -> None:
        knowledge = knowing(PLACED)
        routed = order(updated=2000, usedSor=True, status="FILLED", executedQty="1.00", cummulativeQuoteQty="100.00")
        found = reconstruct(knowledge, answers(knowledge, routed, fills=(allocation(4, 2000, "1.00"),)))
        live = fill(-1, 2000, "1.00", "1.00", a=4, b="ONE_PARTY_TRADE_REPORT")
        echoes = Echoes(Recovered.judged(found.events, Basis()))
        assert echoes.is_echo(live)
        assert kinds(Recovered.judged(found.events, Basis()).without([live]).events) == []

    def test_without_recovered_balances_every_position_is_told(self) -> None:
        echoes = Echoes(Recovered(tuple(recovered().events[:1])))
        assert not echoes.is_echo(position(1, AAA="1.00"))
