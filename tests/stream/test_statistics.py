"""The figures of a stream: what somebody who runs it can set an alarm on."""

from __future__ import annotations

from datetime import timedelta

import pytest
import trio
import trio.testing
from test_blindness import until
from test_open_user_data_stream import stage

import trio_binance_uds as uds
from trio_binance_uds.link.request_counts import RequestCounts
from trio_binance_uds.sandbox import open_sandbox

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "50000"}


async def test_an_outage_is_in_the_figures_while_it_lasts_and_afterwards(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage() as staged:
        before = staged.stream.statistics()
        assert (before.blind_since, before.blind_reason, before.attempts) == (None, None, 1)
        assert (dict(before.gaps_by_cause), before.recoveries, before.last_recovery_seconds) == ({}, 0, None)
        staged.sandbox.faults.refuse_connections(seconds=5)
        staged.sandbox.faults.cut()
        await trio.sleep(3)
        during = staged.stream.statistics()
        assert during.blind_since == staged.stream.blind_since is not None
        assert during.blind_reason is uds.BlindReason.LINK_LOST
        assert during.attempts == during.attempts_failed + 1 > 1
        staged.sandbox.faults.delay_answer(0.5, "account.status", times=9)
        await until(lambda: staged.stream.blind is None)
        after = staged.stream.statistics()
        assert dict(after.gaps_by_cause) == {uds.GapCause.LINK_LOST: 1}
        assert after.recoveries == 1
        assert after.last_recovery_seconds == after.recovery_seconds
        assert 0.4 < after.recovery_seconds < 5


async def test_what_becomes_of_requests_is_counted_apart_from_the_streams_own(
    autojump_clock: trio.testing.MockClock,
) -> None:
    async with stage() as staged:
        request, faults = staged.stream.request, staged.sandbox.faults
        own = staged.stream.statistics().questions
        assert own.answered >= 3
        faults.delay_answer(2.0, "order.place")
        await request("order.place", {**ORDER, "quantity": "0.001"})
        with pytest.raises(uds.ApiError):
            await request("order.place", {**ORDER, "quantity": "0"})
        faults.lose_answer("order.place")
        with trio.move_on_after(1):
            await request("order.place", {**ORDER, "quantity": "0.001"})
        faults.fail_next("order.place", status=503)
        with pytest.raises(uds.OutcomeUnknown):
            await request("order.place", {**ORDER, "quantity": "0.001"})
        faults.cut()
        await until(lambda: staged.stream.blind is not None)
        with pytest.raises(uds.NotConnected):
            await request("order.place", {**ORDER, "quantity": "0.001"})
        counts = staged.stream.statistics().requests
        outcomes = (counts.answered, counts.refused, counts.not_sent, counts.unknown, counts.abandoned)
        assert outcomes == (1, 1, 1, 1, 1)
        assert counts.slowest_answer_seconds == pytest.approx(2, abs=0.1)
        assert counts.answer_seconds >= counts.slowest_answer_seconds
        assert counts.last_answer_seconds is not None
        assert counts.last_answer_seconds < 1
        assert staged.stream.statistics().questions == own


async def test_a_request_that_a_connection_never_sent_is_counted(autojump_clock: trio.testing.MockClock) -> None:
    counts = RequestCounts()
    with pytest.raises(uds.NotConnected), counts.counted():
        raise uds.NotConnected("no", method="time")
    assert counts.so_far.not_sent == 1


async def test_the_limits_of_the_venue_are_in_the_figures(autojump_clock: trio.testing.MockClock) -> None:
    async with stage() as staged:
        await staged.stream.request("account.status")
        figures = staged.stream.statistics()
        weights = [limit for limit in figures.rate_limits if limit.rate_limit_type == "REQUEST_WEIGHT"]
        assert weights
        assert 0 < weights[0].count <= weights[0].limit
        assert figures.weight_per_minute == 6000
        assert figures.left_alone_until is None
        staged.sandbox.faults.cut()
        await trio.sleep(0.01)
        assert staged.stream.statistics().rate_limits == ()


@pytest.mark.parametrize("name", ["spot", "usdm-futures", "stocks"])
async def test_a_ban_is_in_the_figures(autojump_clock: trio.testing.MockClock, name: str) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={}, usdm={}, stocks={})
        opening = uds.open_user_data_stream(
            account.credentials, name, environment=sandbox.environment, network=sandbox.network
        )
        async with opening as stream:
            sandbox.faults.ban(300)
            sandbox.faults.cut()
            await trio.sleep(60)
            until = stream.statistics().left_alone_until
            assert until is not None
            assert timedelta() < until - stream.now() < timedelta(seconds=400)
