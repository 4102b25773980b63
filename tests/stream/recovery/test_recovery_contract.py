"""A stream that does not recover, or cannot, says so and asks nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import attrs
import pytest
import trio

from trio_binance_uds.events import UnknownEvent
from trio_binance_uds.products import SPOT, Product
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
    await recoverer.take_baseline(nobody, lambda: NOW)
    recoverer.observe(UnknownEvent(problem="new", raw={}))
    recovered = await recoverer.recover(nobody, NOW, lambda: NOW)
    assert (recovered.events, recovered.complete) == ((), False)
    assert why in recovered.detail
    assert recovered.without([UnknownEvent(problem="new", raw={})]) == recovered
    assert not recovered.echoes().is_echo(UnknownEvent(problem="new", raw={}))
