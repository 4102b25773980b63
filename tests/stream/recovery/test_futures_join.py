"""How what was recovered is joined with the live events, so that each thing is told once and nothing goes backwards."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest
from futures_answers import (
    account,
    algo,
    algo_update,
    answered,
    at,
    balance_row,
    balances,
    event,
    fill,
    found,
    income,
    knowing,
    leverage_update,
    order,
    position_row,
    positions,
    report,
    story,
    trade,
    trade_lite,
)

from trio_binance_uds.events import AccountUpdate, AlgoUpdate, Event, UnknownEvent
from trio_binance_uds.products import PORTFOLIO_MARGIN
from trio_binance_uds.stream.recovery.futures.evidence import Evidence
from trio_binance_uds.stream.recovery.futures.knowledge import Knowledge
from trio_binance_uds.stream.recovery.futures.recovered import Basis, Recovered

NEW = report("NEW", "NEW", 1000)


def recovered(knowledge: Knowledge, evidence: Evidence, unit: str | None = None) -> Recovered:
    result = found(knowledge, evidence)
    told = {key: record.state().executed for key, record in knowledge.orders.items()}
    now = Basis(
        doubts=result.doubts,
        told_filled=told,
        told_conditionals=frozenset(knowledge.conditionals),
        balances=evidence.balances or {},
        positions=evidence.positions or {},
        unit=unit,
    )
    return Recovered.judged(result.events, now)


def two_fills() -> Recovered:
    """An order that was told as new, and filled twice in the gap."""
    knowledge = knowing(NEW)
    answer = order(status="PARTIALLY_FILLED", executedQty="0.7", updated=3000)
    return recovered(knowledge, answered(knowledge, answer, fills=(trade(51, 2000, "0.4"), trade(52, 3000, "0.3"))))


def sold() -> Recovered:
    """A wallet and a position that changed in the gap, at 5000."""
    knowledge = knowing()
    evidence = answered(knowledge, fills=(trade(51, 5000, "1", commission="0", realizedPnl="3"),))
    evidence.balances = balances(balance_row("1003", 5000))
    evidence.positions = positions(position_row("-1", 5000))
    return recovered(knowledge, evidence)


class TestBesideParkedEvents:
    def test_what_a_parked_event_tells_is_not_told_before_it(self) -> None:
        rest = two_fills().without([fill(52, 3000, "0.3", "0.7")])
        assert story(rest.events) == ["TRADE PARTIALLY_FILLED 0.4/1@100"]
        assert rest.complete

    def test_what_a_parked_event_does_not_take_up_where_it_was_left_is_a_doubt(self) -> None:
        rest = two_fills().without([fill(53, 4000, "0.1", "0.9")])
        assert story(rest.events) == ["TRADE PARTIALLY_FILLED 0.4/1@100", "TRADE PARTIALLY_FILLED 0.7/1@100"]
        assert rest.detail == "order 1 of AAABBB had been filled by 0.1 more when it appeared again"

    def test_parked_events_dispel_a_doubt_where_they_take_an_order_up(self) -> None:
        knowledge = knowing(NEW)
        evidence = answered(knowledge, still_open=())
        evidence.add_history(None, [order()])
        doubtful = recovered(knowledge, evidence)
        assert not doubtful.complete
        assert doubtful.without([report("CANCELED", "CANCELED", 4000)]).complete

    @pytest.mark.parametrize(
        ("first", "doubt"),
        [
            (report("NEW", "NEW", 4000, order_id=5), ""),
            (fill(60, 4000, "0.2", "0.2", 5), "order 5 of AAABBB appears without its beginning"),
            (fill(60, 4000, "0.2", "0.9", 5), "order 5 of AAABBB appears without its beginning"),
            (fill(60, 4000, "1", "1", 5, c="settlement_autoclose-8"), ""),
        ],
    )
    def test_an_order_that_appears_must_begin(self, first: Event, doubt: str) -> None:
        assert two_fills().without([first]).detail == doubt

    def test_balances_and_positions_are_left_to_the_parked_event_that_names_them(self) -> None:
        rest = sold().without([account(6000, wallet="1007")])
        assert [one.positions[0].symbol for one in rest.events if isinstance(one, AccountUpdate)] == ["AAABBB"]
        rest = sold().without([account(6000, wallet="1007", amount="0")])
        assert [one for one in rest.events if isinstance(one, AccountUpdate)] == []

    def test_the_income_can_lag_behind_a_transfer_that_a_parked_event_tells(self) -> None:
        knowledge = knowing()
        evidence = answered(knowledge)
        evidence.balances = balances(balance_row("1050", 5000))
        doubtful = recovered(knowledge, evidence)
        assert doubtful.detail == "the wallet has changed by +50 BBB, which fills and income do not explain"
        told = account(5000, wallet="1050", reason="DEPOSIT", change="50")
        assert doubtful.without([told]).complete
        assert not doubtful.without([account(5000, wallet="1050", reason="DEPOSIT", change="20")]).complete
        assert not doubtful.without([account(6000, wallet="1050", reason="DEPOSIT", change="50")]).complete

    def test_a_wallet_that_says_not_when_it_changed_cannot_be_explained_by_a_parked_event(self) -> None:
        knowledge = knowing()
        evidence = answered(knowledge)
        evidence.balances = balances(balance_row("1050", None))
        doubtful = recovered(knowledge, evidence)
        assert not doubtful.without([account(5000, wallet="1050", reason="DEPOSIT", change="50")]).complete

    def test_rungs_that_a_parked_event_reaches_are_not_told_before_it(self) -> None:
        knowledge = knowing()
        answer = algo(algoStatus="CANCELED", updated=3000)
        both = recovered(knowledge, answered(knowledge, algos=(answer,)))
        rest = both.without([algo_update("CANCELED", 3000)])
        assert [one.algo_status for one in rest.events if isinstance(one, AlgoUpdate)] == ["NEW"]

    def test_a_parked_event_of_a_conditional_order_dispels_the_doubt_about_it(self) -> None:
        knowledge = knowing(algo_update("NEW", 1000))
        doubtful = recovered(knowledge, answered(knowledge))
        assert not doubtful.without([]).complete
        assert doubtful.without([algo_update("CANCELED", 3000)]).complete

    def test_a_conditional_order_that_appears_must_begin(self) -> None:
        nothing = recovered(knowing(), answered(knowing()))
        assert nothing.without([algo_update("NEW", 3000)]).complete
        rest = nothing.without([algo_update("CANCELED", 3000), algo_update("NEW", 3000, number=8)])
        assert rest.detail == "conditional order 7 appears without its beginning"

    def test_a_setting_is_left_to_the_parked_event_that_tells_it(self) -> None:
        knowledge = knowing()
        evidence = answered(knowledge)
        evidence.leverages = {"AAABBB": 3}
        changed = recovered(knowledge, evidence)
        assert changed.without([leverage_update(4, 9000)]).events == ()
        assert len(changed.without([leverage_update(4, 9000, "CCCBBB")]).events) == 1

    def test_what_is_none_of_its_business_changes_nothing(self) -> None:
        both = two_fills()
        strangers = [UnknownEvent(problem="new", raw={}), trade_lite(51, 2000), attrs.evolve(_of_um(), raw={})]
        assert both.without(strangers) == both


def _of_um() -> Event:
    told = {"m": "ORDER", "B": [{"a": "BBB", "wb": "1", "cw": "1", "bc": "0"}], "P": []}
    return event(PORTFOLIO_MARGIN, e="ACCOUNT_UPDATE", fs="UM", E=1_790_000_000_000, T=1_790_000_000_000, i="", a=told)


class TestEchoes:
    def is_echo(self, of: Recovered) -> Callable[..., list[bool]]:
        echoes = of.echoes()
        return lambda *events: [echoes.is_echo(one) for one in events]

    def test_a_fill_is_an_echo_only_if_that_very_fill_was_recovered_and_only_once(self) -> None:
        check = self.is_echo(two_fills())
        again = fill(51, 2000, "0.4", "0.4")
        assert check(again, again, fill(50, 1900, "0.1", "0.1"), fill(53, 4000, "0.1", "0.8")) == [
            True,
            False,
            False,
            False,
        ]

    def test_a_short_report_of_a_recovered_fill_is_an_echo_too_and_only_once(self) -> None:
        check = self.is_echo(two_fills())
        assert check(trade_lite(51, 2000), trade_lite(51, 2000), trade_lite(60, 2000)) == [True, False, False]

    def test_an_older_report_is_an_echo_and_a_newer_one_is_not(self) -> None:
        knowledge = knowing(NEW)
        answer = order(status="CANCELED", updated=3000)
        check = self.is_echo(recovered(knowledge, answered(knowledge, answer)))
        older = report("AMENDMENT", "NEW", 2000, q="2")
        same = report("CANCELED", "CANCELED", 3000)
        assert check(older, same, same, report("NEW", "NEW", 3500, order_id=2)) == [True, True, False, False]

    @pytest.mark.parametrize(
        ("update", "expected"),
        [
            (account(4000, wallet="990"), True),
            (account(5000, wallet="1003"), True),
            (account(5000, wallet="1001"), False),
            (account(5001, wallet="1003"), False),
            (account(4000, amount="5"), True),
            (account(5000, amount="-1"), True),
            (account(5000, wallet="1003", amount="-2"), False),
            (account(5000, wallet="1003", amount="-1"), True),
        ],
    )
    def test_an_update_is_an_echo_if_what_was_answered_is_as_new(self, update: Event, expected: bool) -> None:
        assert self.is_echo(sold())(update) == [expected]

    def test_once_something_newer_is_told_all_that_follows_is_newer(self) -> None:
        check = self.is_echo(sold())
        assert check(account(5000, wallet="1001", amount="-2"), account(5000, wallet="1003", amount="-1")) == [
            False,
            False,
        ]

    def test_an_update_of_what_was_not_answered_is_no_echo(self) -> None:
        of = sold()
        only_positions = attrs.evolve(of.basis, balances={})
        assert self.is_echo(Recovered.judged(of.events, only_positions))(account(4000, wallet="1")) == [False]
        nothing = attrs.evolve(of.basis, positions={})
        assert self.is_echo(Recovered.judged(of.events, nothing))(account(4000, amount="1")) == [False]

    def test_where_no_update_was_recovered_none_is_an_echo(self) -> None:
        assert self.is_echo(two_fills())(account(100, wallet="990")) == [False]

    def test_what_is_left_to_parked_events_is_left_to_later_ones_too(self) -> None:
        rest = sold().without([account(4000, wallet="1001")])
        assert self.is_echo(rest)(account(5000, wallet="1003")) == [False]

    def test_a_conditional_order_never_steps_down(self) -> None:
        knowledge = knowing()
        answer = algo(algoStatus="TRIGGERED", actualOrderId="9", triggered=3000, updated=3000)
        check = self.is_echo(recovered(knowledge, answered(knowledge, algos=(answer,))))
        statuses = ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
        assert check(*[algo_update(status, 3000) for status in statuses]) == [True, True, True, False]
        assert check(algo_update("NEW", 3000, number=8)) == [False]

    def test_an_older_setting_is_an_echo(self) -> None:
        knowledge = knowing()
        evidence = answered(knowledge)
        evidence.leverages = {"AAABBB": 3}
        check = self.is_echo(recovered(knowledge, evidence))
        assert evidence.asked_at == at(60_000)
        assert check(leverage_update(3, 50_000), leverage_update(4, 70_000), leverage_update(3, 1, "CCCBBB")) == [
            True,
            False,
            False,
        ]

    def test_other_events_are_none(self) -> None:
        check = self.is_echo(two_fills())
        assert check(UnknownEvent(problem="new", raw={}), _of_um()) == [False, False]


def test_a_verdict_names_the_first_problems_and_counts_the_rest() -> None:
    many = Recovered.judged((), Basis(reasons=tuple(f"reason {n}" for n in range(8))))
    assert many.detail == "; ".join([f"reason {n}" for n in range(6)]) + "; and 2 more"
    assert not many.complete
    assert Recovered.judged((), Basis()).complete
    assert not Recovered().complete


def test_income_of_the_same_transaction_counts_once() -> None:
    knowledge = knowing()
    paid: Any = income("FUNDING_FEE", "-1", 100)
    evidence = answered(knowledge, incomes=(paid, paid))
    assert len(evidence.incomes) == 1
