"""A stream on which nothing happens logs nothing, however often it asks whether it is alive."""

from __future__ import annotations

import logging

import pytest
import trio
from trio.testing import MockClock

import trio_binance_uds as uds
from trio_binance_uds.sandbox import open_sandbox


@pytest.mark.parametrize("name", ["spot", "cross-margin", "usdm-futures"])
async def test_a_quiet_hour_is_no_line_in_the_log(
    autojump_clock: MockClock, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    caplog.set_level(logging.INFO)
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={}, cross_margin={}, usdm={})
        opening = uds.open_user_data_stream(
            account.credentials, name, environment=sandbox.environment, network=sandbox.network
        )
        async with opening as stream:
            caplog.clear()
            await trio.sleep(3600)
            assert stream.blind is None
            # It has asked more than a hundred times, over REST where the product's proof is there.
            said = [f"{record.name}: {record.getMessage()}" for record in caplog.records]
    assert not said
