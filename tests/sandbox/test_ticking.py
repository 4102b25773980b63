"""The ticks of the desks: as often as it is said, and only where there is an account."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from support.fake_desk import FakeDesk, use_fake_desks
from trio_binance_uds.sandbox import Behaviour, open_sandbox


@pytest.mark.parametrize(("tick", "expected"), [(5.0, 12), (60.0, 1), (float("inf"), 0)])
async def test_a_desk_with_an_account_is_ticked(
    autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch, tick: float, expected: int
) -> None:
    use_fake_desks(monkeypatch)
    async with open_sandbox(in_memory=True, behaviour=Behaviour(tick=tick)) as sandbox:
        usdm, coinm = sandbox.desks["usdm"], sandbox.desks["coinm"]
        assert isinstance(usdm, FakeDesk)
        assert isinstance(coinm, FakeDesk)
        for _ in range(2):
            sandbox.add_account(usdm={}, cross_margin={})
        await trio.sleep(62)
        assert (usdm.ticks, coinm.ticks) == (expected, 0)
