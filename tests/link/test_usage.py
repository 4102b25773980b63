"""What the venue reports of its limits counts until its minute is over; questions that do not fit are not asked."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

import trio_binance_uds as uds
from support.everywhere import opened, venue_for
from support.venue import Call, Reply
from trio_binance_uds.link.clock import ServerClock
from trio_binance_uds.link.usage import Usage
from trio_binance_uds.sandbox import open_sandbox
from trio_binance_uds.stream.recovery.inquiry import Inquiry, Question

LIMIT = {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 5990}


def known_clock() -> ServerClock:
    clock = ServerClock()
    now = trio.current_time()
    clock.learn(now, now, {"serverTime": 1_900_000_020_000})
    return clock


def until_next_minute(clock: ServerClock) -> float:
    return 60 - clock.seconds(trio.current_time()) % 60


async def test_a_report_counts_until_its_minute_is_over(autojump_clock: MockClock) -> None:
    clock = known_clock()
    usage = Usage(clock)
    assert usage.of("GET /a") is None
    await trio.sleep(until_next_minute(clock))
    usage.note_headers("GET /a", {"x-mbx-used-weight-1m": 100, "x-mbx-used-weight-1d": 7})
    usage.note_headers("GET /a", {})
    assert usage.of("GET /b") == 100
    await trio.sleep(59)
    assert usage.of("GET /b") == 100
    await trio.sleep(2)
    assert usage.of("GET /b") is None


async def test_some_limits_are_counted_for_each_route(autojump_clock: MockClock) -> None:
    clock = known_clock()
    usage = Usage(clock)
    await trio.sleep(until_next_minute(clock))
    usage.note_headers("GET /a", {"x-sapi-used-ip-weight-1m": 11_900, "x-sapi-used-uid-weight-1m": 5})
    assert usage.of("GET /a") == 11_900
    assert usage.of("GET /b") is None


async def test_frames_report_too(autojump_clock: MockClock) -> None:
    clock = known_clock()
    usage = Usage(clock)
    await trio.sleep(until_next_minute(clock))
    orders = {**LIMIT, "rateLimitType": "ORDERS", "count": 3}
    usage.note_frame([orders, LIMIT])
    usage.note_frame(None)
    assert usage.of("time") == 5990


class Asked:
    """A request that knows how much weight is left, and counts what it is asked."""

    def __init__(self, left: int | None) -> None:
        self.left = left
        self.methods: list[str] = []

    async def __call__(self, method: str, params: Any) -> Any:
        self.methods.append(method)
        await trio.sleep(0.1)
        return []

    def weight_left(self, method: str) -> int | None:
        return self.left


def question(weight: int, method: str = "a") -> Question:
    return Question(method=method, weight=weight, about=f"{method} at {weight}", use=lambda result: None)


@pytest.mark.parametrize(("left", "asked"), [(None, 3), (120, 3), (119, 2), (40, 1), (39, 0), (-5, 0)])
async def test_what_does_not_fit_into_the_rest_of_the_minute_is_not_asked(
    autojump_clock: MockClock, left: int | None, asked: int
) -> None:
    request = Asked(left)
    inquiry = Inquiry(request, 1000)
    await inquiry.ask([question(40, name) for name in "abc"])
    assert len(request.methods) == asked
    said = "; ".join(inquiry.reasons())
    assert ("reports too much of this minute's weight as used" in said) is (asked < 3)


async def test_what_has_been_answered_is_in_the_reports_of_the_venue(autojump_clock: MockClock) -> None:
    request = Asked(40)
    inquiry = Inquiry(request, 1000)
    for name in "abc":
        await inquiry.ask([question(40, name)])
    assert len(request.methods) == 3


async def test_a_recovery_over_rest_leaves_the_rest_of_the_minute_alone(autojump_clock: MockClock) -> None:
    venue = venue_for(uds.PORTFOLIO_MARGIN_PRO)
    used = {"used": 0}
    asked: list[Call] = []

    def past(call: Call) -> Reply:
        asked.append(call)
        return Reply(503, b"", {"X-SAPI-USED-IP-WEIGHT-1M": str(used["used"])})

    venue.past = past
    async with opened(uds.PORTFOLIO_MARGIN_PRO, venue) as stage:
        await trio.sleep(100)
        used["used"] = 11_999
        for times in (3, 3):
            before = len(asked)
            for socket in venue.live_sockets():
                await socket.drop()
            await trio.sleep(100)
            assert len(asked) <= before + times
        gaps = [item for item in stage.items if isinstance(item, uds.Gap)]
        assert not any(gap.complete for gap in gaps)


async def test_a_recovery_on_the_socket_leaves_the_rest_of_the_minute_alone(autojump_clock: MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1"})
        async with uds.open_user_data_stream(
            account.credentials, uds.SPOT, environment=sandbox.environment, network=sandbox.network, seed=1
        ) as stream:
            await trio.sleep(1)
            link = stream._supervisor.active
            assert link is not None
            assert link.connection is not None
            plan = stream._plan
            left = plan.weight_left(link.connection, "account.status")
            assert left is None or 5000 < left < 6000
            link.connection.usage.note_frame([LIMIT])
            assert plan.weight_left(link.connection, "account.status") == 10
