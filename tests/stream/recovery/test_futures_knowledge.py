"""What a futures recovery remembers of what was told, and what it forgets."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from futures_answers import (
    account,
    algo_update,
    at,
    balances,
    baseline_of,
    event,
    fill,
    knowing,
    leverage_update,
    report,
    trade,
    trade_lite,
)

from trio_binance_uds.events import UnknownEvent
from trio_binance_uds.products import PORTFOLIO_MARGIN
from trio_binance_uds.stream.recovery.futures.answers import BalanceAnswer
from trio_binance_uds.stream.recovery.futures.knowledge import Knowledge

NEW = report("NEW", "NEW", 1000)
KEY = ("AAABBB", 1)


def test_an_order_is_known_as_it_was_told_last_until_it_ends() -> None:
    knowledge = knowing(
        NEW, fill(51, 1500, "0.4", "0.4"), report("AMENDMENT", "PARTIALLY_FILLED", 1600, z="0.4", q="2")
    )
    state = knowledge.orders[KEY].state()
    assert (state.executed, state.quantity, state.created) == (Decimal("0.4"), 2, at(1000))
    assert knowledge.orders[KEY].last_trade_id == 51
    knowledge.observe(report("CANCELED", "CANCELED", 1700))
    assert knowledge.orders == {}
    assert KEY in knowledge.finished


def test_what_has_ended_is_not_open_again_because_an_older_report_comes_late() -> None:
    knowledge = knowing(report("CANCELED", "CANCELED", 1700), NEW)
    assert knowledge.orders == {}


def test_a_conditional_order_that_has_ended_is_not_open_again_either() -> None:
    knowledge = knowing(algo_update("NEW", 1), algo_update("CANCELED", 3), algo_update("NEW", 2))
    assert knowledge.conditionals == {}
    assert knowledge.has_seen_conditionals


def test_a_fill_is_told_by_the_highest_trade_id_of_its_order() -> None:
    knowledge = knowing(NEW, fill(51, 1500, "0.4", "0.4"), report("NEW", "NEW", 1000, order_id=2))
    assert knowledge.is_fill_told(trade(51, 1500, "0.4"))
    assert not knowledge.is_fill_told(trade(52, 1500, "0.4"))
    assert not knowledge.is_fill_told(trade(40, 1500, "0.4", order_id=2))
    assert knowledge.is_fill_told(trade(40, -1, "0.4", order_id=2)), "that was before the stream began"
    knowledge.observe(report("CANCELED", "CANCELED", 1600, order_id=2))
    assert knowledge.is_fill_told(trade(60, 1600, "0.4", order_id=2))


def test_a_short_report_tells_no_fill() -> None:
    knowledge = knowing(NEW, trade_lite(51, 1500))
    assert not knowledge.is_fill_told(trade(51, 1500, "0.4"))
    assert knowledge.unsettled == []


def test_a_trade_without_commission_need_not_be_in_the_income() -> None:
    knowledge = knowing(NEW, fill(51, 1500, "0.4", "0.4", n="0"))
    assert len(knowledge.paid_trades) == 0


def test_fills_wait_for_the_account_update_that_has_them() -> None:
    knowledge = knowing(NEW, fill(51, 1500, "0.2", "0.2"), fill(52, 1600, "0.2", "0.4"))
    knowledge.observe(account(1600, wallet="999", amount="-0.4"))
    assert [one.trade_id for one in knowledge.unsettled] == [52]
    knowledge.observe(account(1700, wallet="998"))
    assert knowledge.unsettled == []


def test_where_the_account_is_not_told_no_fill_waits_for_it() -> None:
    knowledge = Knowledge(follows_account=False)
    knowledge.observe(fill(51, 1500, "0.2", "0.2"))
    assert knowledge.unsettled == []


def test_what_an_update_does_not_name_is_as_it_was_at_its_time() -> None:
    knowledge = knowing(account(1000, wallet="900"))
    told = knowledge.told_position(("AAABBB", "BOTH"))
    assert told is not None
    assert told.at == at(1000)
    assert knowledge.told_balance("CCC") is not None
    assert Knowledge().told_balance("CCC") is None


def test_the_stream_begins_with_its_first_event_at_the_latest() -> None:
    knowledge = Knowledge()
    knowledge.observe(report("NEW", "NEW", 1000))
    knowledge.observe(account(1500, wallet="1"))
    assert (knowledge.began, knowledge.newest) == (at(1000), at(1500))
    knowledge.begin(at(900) + timedelta(microseconds=700))
    assert knowledge.began == at(900), "as coarse as the times of the venue"


def test_settings_are_known_as_they_were_told_last() -> None:
    knowledge = knowing(leverage_update(3, 10))
    assert knowledge.leverages == {"AAABBB": 3}
    told = event(e="ACCOUNT_CONFIG_UPDATE", E=1_790_000_000_000, T=1_790_000_000_000, ai={"j": True})
    knowledge.observe(told)
    knowledge.take_baseline(baseline_of(), at(0), at(1))
    assert (knowledge.leverages, knowledge.is_multi_assets_mode) == ({"AAABBB": 3}, True)


def test_events_of_the_other_part_of_an_account_are_none_of_its_business() -> None:
    knowledge = knowing(unit="UM")
    knowledge.observe(NEW)
    told = {"m": "ORDER", "B": [{"a": "BBB", "wb": "5", "cw": "5", "bc": "0"}], "P": []}
    of_cm = event(
        PORTFOLIO_MARGIN, e="ACCOUNT_UPDATE", fs="CM", E=1_790_000_009_000, T=1_790_000_009_000, i="x", a=told
    )
    knowledge.observe(of_cm)
    knowledge.observe(UnknownEvent(problem="new", raw={}))
    assert (knowledge.orders, knowledge.balances_at, knowledge.account_alias) == ({}, None, "xYz1")


def test_an_alias_stays_where_an_answer_has_none() -> None:
    knowledge = knowing()
    row = BalanceAnswer.read({"asset": "BBB", "crossWalletBalance": "1", "updateTime": 0})
    knowledge.learn_from([row], [])
    assert knowledge.account_alias == "xYz1"
    assert balances() == {}
