"""A recovered order that ended filled has the quantity of the venue's answer, also where its amendment is not told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox


@attrs.frozen
class Stage:
    sandbox: Sandbox
    account: SandboxAccount
    other: SandboxAccount
    items: list[uds.Event | uds.Notice]


@asynccontextmanager
async def reading(product: uds.Product) -> AsyncIterator[Stage]:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "1000000"}, usdm={"USDT": "1000000"})
        other = sandbox.add_account(balances={"BTC": "100"}, usdm={"USDT": "1000000"})
        async with uds.open_user_data_stream(
            account.credentials, product, environment=sandbox.environment, network=sandbox.network, seed=1
        ) as stream:
            items: list[uds.Event | uds.Notice] = []

            async def read() -> None:
                async for item in stream:
                    items.append(item)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                await trio.sleep(2)
                yield Stage(sandbox, account, other, items)
                await trio.sleep(120)
                nursery.cancel_scope.cancel()


LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "20000"}
SELL = {"symbol": "BTCUSDT", "side": "SELL", "type": "MARKET", "quantity": "0.5"}


@pytest.mark.parametrize("is_told", [True, False])
@pytest.mark.parametrize("ends", ["FILLED", "CANCELED"])
async def test_spot(autojump_clock: trio.testing.MockClock, is_told: bool, ends: str) -> None:
    async with reading(uds.SPOT) as stage:
        order = stage.account.call("order.place", LIMIT)
        same = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
        await trio.sleep(1)
        stage.sandbox.faults.cut()
        stage.account.call("order.amend.keepPriority", same, newQty="0.5" if ends == "FILLED" else "0.6")
        stage.other.call("order.place", SELL)
        if ends == "CANCELED":
            stage.account.call("order.cancel", same)
        if not is_told:
            stage.sandbox.faults.fail_next("order.amendments", status=400, code=-1100, msg="no", times=20)
    reports: list[Any] = [item for item in stage.items if isinstance(item, uds.ExecutionReport)]
    assert reports[-1].recovered
    assert reports[-1].order_status == ends
    assert reports[-1].order_quantity == Decimal("0.5" if ends == "FILLED" else "0.6")
    assert reports[-1].cumulative_filled_quantity == Decimal("0.5")
    assert any(report.execution_type == "REPLACED" for report in reports) == is_told


@pytest.mark.parametrize("is_told", [True, False])
async def test_usdm_futures(autojump_clock: trio.testing.MockClock, is_told: bool) -> None:
    async with reading(uds.USDM_FUTURES) as stage:
        order = stage.account.call("POST /fapi/v1/order", LIMIT)
        await trio.sleep(1)
        stage.sandbox.faults.cut()
        stage.account.call(
            "PUT /fapi/v1/order", symbol="BTCUSDT", orderId=order["orderId"], side="BUY", quantity="0.5", price="19990"
        )
        stage.other.call("POST /fapi/v1/order", SELL)
        if not is_told:
            stage.sandbox.faults.fail_next("GET /fapi/v1/orderAmendment", status=400, code=-1100, msg="no", times=20)
    reports: list[Any] = [item for item in stage.items if isinstance(item, uds.UsdmOrderTradeUpdate)]
    assert reports[-1].recovered
    assert reports[-1].order_status == "FILLED"
    assert (reports[-1].original_quantity, reports[-1].original_price) == (Decimal("0.5"), Decimal(19990))
    assert any(report.execution_type == "AMENDMENT" for report in reports) == is_told
