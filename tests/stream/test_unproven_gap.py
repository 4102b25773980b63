"""Through the front door: what a gap that was not proven has left out is told with the next one."""

from __future__ import annotations

import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import open_sandbox

ORDER = {"type": "LIMIT", "timeInForce": "GTC", "side": "SELL"}


@pytest.mark.parametrize(
    ("product", "funds", "route", "history", "order"),
    [
        (
            uds.USDM_FUTURES,
            {"usdm": {"USDT": "100000"}},
            "/fapi/v1/",
            "allOrders",
            {"symbol": "ETHUSDT", "quantity": "0.5", "price": "3210"},
        ),
        (
            uds.OPTIONS,
            {"options": {"USDT": "100000"}},
            "/eapi/v1/",
            "historyOrders",
            {"symbol": "BTC-261225-100000-C", "quantity": "0.1", "price": "1500"},
        ),
    ],
    ids=["usdm", "options"],
)
async def test_an_order_of_an_unproven_gap_that_ends_in_the_next_is_told_then(
    product: uds.Product,
    funds: dict[str, dict[str, str]],
    route: str,
    history: str,
    order: dict[str, str],
    autojump_clock: trio.testing.MockClock,
) -> None:
    wallets: dict[str, object] = {**funds}
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(**wallets)  # type: ignore[arg-type]
        async with uds.open_user_data_stream(
            account.credentials,
            product,
            environment=sandbox.environment,
            network=sandbox.network,
            recovery=uds.Recovery(symbols=(order["symbol"],)),
        ) as stream:
            items: list[uds.Event | uds.Notice] = []

            async def until_gap() -> uds.Gap:
                with trio.fail_after(120):
                    while True:
                        items.append(await stream.receive())
                        if isinstance(items[-1], uds.Gap):
                            return items[-1]

            await trio.sleep(60)
            sandbox.faults.cut()
            for name in ("openOrders", history):
                sandbox.faults.fail_next(f"GET {route}{name}", status=400, code=-1102, times=20)
            placed = account.call(f"POST {route}order", {**ORDER, **order})
            gap = await until_gap()
            assert not gap.complete
            sandbox.faults.heal()
            await trio.sleep(600)
            sandbox.faults.cut()
            account.call(f"DELETE {route}order", {"symbol": order["symbol"], "orderId": placed["orderId"]})
            gap = await until_gap()
            assert gap.complete, gap.detail
            told = [await stream.receive() for _ in range(2)]
    reports = [event for event in told if isinstance(event, uds.OrderTradeUpdate | uds.OptionsOrderTradeUpdate)]
    assert [(str(report.execution_type), report.order_id) for report in reports] == [
        ("NEW", placed["orderId"]),
        ("CANCELED", placed["orderId"]),
    ]
    assert all(report.recovered for report in reports)
