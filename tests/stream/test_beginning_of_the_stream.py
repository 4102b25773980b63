"""What happens right after the opening is not taken for something older, however far the clocks are apart."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Clock, open_sandbox

# Near the beginning of a second: a ``Date`` leaves open that most of the second has passed.
START = datetime(2026, 7, 21, 12, 0, 0, 50_000, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Case:
    """A product, an account of it, and an order that rests."""

    product: uds.Product
    wallets: dict[str, Any]
    desk: str | None
    route: str
    order: dict[str, str]

    def __str__(self) -> str:
        return f"{self.product.name} {self.route}"


RESTS = {"type": "LIMIT", "timeInForce": "GTC", "side": "BUY"}
PORTFOLIO = {"portfolio_margin": {"USDT": "1000000", "BTC": "10"}}
CASES = [
    Case(
        product=uds.PORTFOLIO_MARGIN,
        wallets=PORTFOLIO,
        desk="portfolio_margin",
        route="/papi/v1/um/order",
        order={**RESTS, "symbol": "BTCUSDT", "quantity": "0.01", "price": "20000"},
    ),
    Case(
        product=uds.PORTFOLIO_MARGIN,
        wallets=PORTFOLIO,
        desk="portfolio_margin",
        route="/papi/v1/cm/order",
        order={**RESTS, "symbol": "BTCUSD_PERP", "quantity": "1", "price": "20000"},
    ),
    Case(
        product=uds.PORTFOLIO_MARGIN,
        wallets=PORTFOLIO,
        desk="portfolio_margin",
        route="/papi/v1/margin/order",
        order={**RESTS, "symbol": "BTCUSDT", "quantity": "0.01", "price": "20000"},
    ),
]


@pytest.fixture(params=[-0.9, -0.4, 0.0, 0.4, 0.9])
def ahead(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[float]:
    """Let this machine's clock be ahead of the venue's by so many seconds."""

    def wall() -> float:
        return START.timestamp() + request.param + trio.current_time()

    with monkeypatch.context() as patched:
        patched.setattr(time, "time", wall)
        yield request.param


@pytest.mark.parametrize("after", [0.0, 0.2, 0.6])
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_an_order_of_the_first_second_is_recovered(
    autojump_clock: trio.testing.MockClock, case: Case, ahead: float, after: float
) -> None:
    async with open_sandbox(in_memory=True, clock=Clock(START)) as sandbox:
        account = sandbox.add_account(**case.wallets)
        if case.desk is not None:
            desk: Any = sandbox.desks[case.desk]
            for symbol in ("BTCUSDT", "BTCUSD_PERP"):
                desk.set_mark_price(symbol, "50000")
            for part, asset, amount in (("UM", "USDT", "100000"), ("CM", "BTC", "5")):
                desk.transfer(account.uid, part, asset, amount)
        async with uds.open_user_data_stream(
            account.credentials,
            case.product,
            environment=sandbox.environment,
            network=sandbox.network,
            recovery=uds.Recovery(symbols=(case.order["symbol"],)),
        ) as stream:
            await trio.sleep(after)
            sandbox.faults.cut()
            placed = account.call(f"POST {case.route}", case.order)
            account.call(f"DELETE {case.route}", {"symbol": case.order["symbol"], "orderId": placed["orderId"]})
            items: list[uds.Event | uds.Notice] = []
            with trio.move_on_after(300):
                async for item in stream:
                    items.append(item)
    told = [
        str(item.execution_type)
        for item in items
        if isinstance(item, uds.OrderTradeUpdate | uds.ExecutionReport) and item.order_id == placed["orderId"]
    ]
    gap = next(item for item in items if isinstance(item, uds.Gap))
    assert told == ["NEW", "CANCELED"], gap
