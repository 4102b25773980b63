"""On a slow line, a gap begins when the venue sent what arrived last, and not when that arrived."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import open_sandbox

LAG = 50.0
PATIENT = uds.Timeouts(pong=200, answer=200, subscribe=200, subscription_check=400)
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "50000", "quantity": "0.1"}


@attrs.frozen
class Place:
    """A product, and how an order is placed and cancelled there."""

    product: uds.Product
    place: str
    cancel: str


PLACES = [
    Place(uds.SPOT, "order.place", "order.cancel"),
    Place(uds.USDM_FUTURES, "POST /fapi/v1/order", "DELETE /fapi/v1/order"),
]


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.product.name)
async def test_what_was_on_its_way_on_a_slow_line_is_recovered_when_the_line_is_lost(
    place: Place, autojump_clock: trio.testing.MockClock
) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "100000"}, usdm={"USDT": "100000"})
        items: list[Any] = []
        async with (
            uds.open_user_data_stream(
                account.credentials,
                place.product,
                environment=sandbox.environment,
                network=sandbox.network,
                timeouts=PATIENT,
            ) as stream,
            trio.open_nursery() as nursery,
        ):

            async def read() -> None:
                async for item in stream:
                    items.append(item)

            nursery.start_soon(read)
            await trio.sleep(60)
            sandbox.faults.delay(LAG)
            account.call(place.place, **ORDER)
            await trio.sleep(5)
            lost = account.call(place.place, **ORDER)["orderId"]
            account.call(place.cancel, symbol="BTCUSDT", orderId=lost)
            await trio.sleep(LAG - 4)  # The first order has arrived, and what became of the second is on its way.
            assert not any(getattr(item, "order_id", None) == lost for item in items)
            sandbox.faults.cut()
            sandbox.faults.delay(0)
            await trio.sleep(60)
            nursery.cancel_scope.cancel()
    reports = [item for item in items if getattr(item, "order_id", None) == lost and hasattr(item, "order_status")]
    assert [str(report.order_status) for report in reports] == ["NEW", "CANCELED"]
    (gap,) = [item for item in items if isinstance(item, uds.Gap)]
    assert gap.complete, gap.detail
    assert gap.since <= reports[0].event_time + timedelta(milliseconds=1)
