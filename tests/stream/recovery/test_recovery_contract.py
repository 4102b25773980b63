"""A stream that does not recover, or cannot, says so and asks nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest
import trio
from recovery_scene import Link, Market

from support.exact_clock import ExactClock
from trio_binance_uds.errors import ApiError
from trio_binance_uds.events import UnknownEvent
from trio_binance_uds.products import (
    CROSS_MARGIN,
    MARGIN_RISK,
    OPTIONS,
    PORTFOLIO_MARGIN_PRO,
    SPOT,
    Product,
    isolated_margin,
    margin_accounts,
)
from trio_binance_uds.stream.recovery import Recovery, recoverer_for

NOW = datetime(2031, 5, 4, tzinfo=UTC)


async def nobody(method: str, params: object = None) -> None:
    raise AssertionError(f"{method} was asked")


@pytest.mark.parametrize(
    ("product", "options", "why"),
    [
        (SPOT, Recovery(enabled=False), "switched off"),
        (attrs.evolve(SPOT, name="novel", history=None), Recovery(), "nothing can be asked about the past of novel"),
    ],
)
async def test_without_a_recovery_nothing_is_asked_and_the_gap_is_incomplete(
    product: Product, options: Recovery, why: str, autojump_clock: trio.abc.Clock
) -> None:
    recoverer = recoverer_for(product, options)
    await recoverer.take_baseline(nobody, ExactClock(lambda: NOW))
    recoverer.observe(UnknownEvent(problem="new", raw={}))
    recovered = await recoverer.recover(nobody, NOW, ExactClock(lambda: NOW))
    assert (recovered.events, recovered.complete) == ((), False)
    assert why in recovered.detail
    assert recovered.without([UnknownEvent(problem="new", raw={})]) == recovered
    assert not recovered.echoes().is_echo(UnknownEvent(problem="new", raw={}))


BOTH = margin_accounts(CROSS_MARGIN, isolated_margin("BTCUSDT"))


@pytest.mark.parametrize("product", [SPOT, BOTH, MARGIN_RISK, OPTIONS, PORTFOLIO_MARGIN_PRO], ids=lambda p: p.name)
async def test_a_product_with_a_history_is_asked_about_it_and_says_what_was_refused(
    product: Product, autojump_clock: trio.abc.Clock, caplog: pytest.LogCaptureFixture
) -> None:
    asked: list[str] = []

    async def refuse(method: str, params: object = None) -> None:
        asked.append(method)
        raise ApiError(method=method, status=400, code=-1000, msg="An unknown error occurred")

    recoverer = recoverer_for(product, Recovery())
    await recoverer.take_baseline(refuse, ExactClock(lambda: NOW))
    recoverer.observe(UnknownEvent(problem="new", raw={}))
    recovered = await recoverer.recover(refuse, NOW, ExactClock(lambda: NOW))
    assert asked
    assert "cannot be proven complete" in caplog.text
    assert (recovered.events, recovered.complete) == ((), False)
    assert "An unknown error occurred" in recovered.detail


async def test_spot_events_are_marked_with_their_account(autojump_clock: trio.abc.Clock) -> None:
    market = Market()
    link = Link(market)
    recoverer = recoverer_for(SPOT, Recovery())
    await recoverer.take_baseline(link.request, ExactClock(market.now))
    market.tick()
    since = market.now()
    market.limit("SELL", "1", "20000")
    recovered = await recoverer.recover(link.request, since, ExactClock(market.now))
    assert [event.account for event in recovered.events] == ["spot", "spot"]
