"""What happens right after the opening is not taken for something older, however far the clocks are apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from trio_binance_uds.sandbox import Clock, Sandbox, open_sandbox

# Near the beginning of a second: a ``Date`` leaves open that most of the second has passed.
START = datetime(2026, 7, 21, 12, 0, 0, 50_000, tzinfo=UTC)


@attrs.frozen(kw_only=True)
class Case:
    """A product, an account of it, and an order that rests."""

    product: uds.Product
    wallets: dict[str, Any]
    place: str
    cancel: str
    order: dict[str, str]

    def __str__(self) -> str:
        return f"{self.product.name} {self.place}"


RESTS = {"type": "LIMIT", "timeInForce": "GTC", "side": "BUY"}
SPOT_ORDER = {**RESTS, "symbol": "BTCUSDT", "quantity": "0.01", "price": "20000"}


def over_rest(product: uds.Product, wallets: dict[str, Any], route: str, order: dict[str, str]) -> Case:
    return Case(product=product, wallets=wallets, place=f"POST {route}", cancel=f"DELETE {route}", order=order)


PORTFOLIO = {"portfolio_margin": {"USDT": "1000000", "BTC": "10"}}
BY_WHOLE_SECONDS = [
    over_rest(uds.PORTFOLIO_MARGIN, PORTFOLIO, "/papi/v1/um/order", SPOT_ORDER),
    over_rest(
        uds.PORTFOLIO_MARGIN,
        PORTFOLIO,
        "/papi/v1/cm/order",
        {**RESTS, "symbol": "BTCUSD_PERP", "quantity": "1", "price": "20000"},
    ),
    over_rest(uds.PORTFOLIO_MARGIN, PORTFOLIO, "/papi/v1/margin/order", SPOT_ORDER),
]
BY_MILLISECONDS = [
    Case(
        product=uds.SPOT,
        wallets={"balances": {"USDT": "1000000"}},
        place="order.place",
        cancel="order.cancel",
        order=SPOT_ORDER,
    ),
    over_rest(uds.CROSS_MARGIN, {"cross_margin": {"USDT": "1000000"}}, "/sapi/v1/margin/order", SPOT_ORDER),
    over_rest(uds.USDM_FUTURES, {"usdm": {"USDT": "1000000"}}, "/fapi/v1/order", SPOT_ORDER),
    over_rest(
        uds.COINM_FUTURES,
        {"coinm": {"BTC": "100"}},
        "/dapi/v1/order",
        {**RESTS, "symbol": "BTCUSD_PERP", "quantity": "1", "price": "20000"},
    ),
    over_rest(
        uds.OPTIONS,
        {"options": {"USDT": "1000000"}},
        "/eapi/v1/order",
        {**RESTS, "symbol": "BTC-261225-100000-C", "quantity": "0.1", "price": "900"},
    ),
]


@contextmanager
def this_machine(ahead: float) -> Iterator[None]:
    """Let this machine's clock be ahead of the venue's by so many seconds."""

    def wall() -> float:
        return START.timestamp() + ahead + trio.current_time()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "time", wall)
        yield


async def lost_at_once(
    case: Case, *, ahead: float, after: float, disturb: Callable[[Sandbox], None] = lambda sandbox: None
) -> tuple[list[str], uds.Gap]:
    """Open a stream, lose it soon, and place and cancel an order meanwhile: return what is told of it, and the gap."""
    with this_machine(ahead):
        async with open_sandbox(in_memory=True, clock=Clock(START)) as sandbox:
            account = sandbox.add_account(**case.wallets)
            desk: Any = next((sandbox.desks[name] for name in case.wallets if name in sandbox.desks), None)
            if desk is not None:
                desk.set_mark_price(case.order["symbol"], "1000" if case.product is uds.OPTIONS else "50000")
            if case.product is uds.PORTFOLIO_MARGIN:
                desk.transfer(account.uid, "UM", "USDT", "100000")
                desk.transfer(account.uid, "CM", "BTC", "5")
            disturb(sandbox)
            async with uds.open_user_data_stream(
                account.credentials,
                case.product,
                environment=sandbox.environment,
                network=sandbox.network,
                recovery=uds.Recovery(symbols=(case.order["symbol"],)),
            ) as stream:
                await trio.sleep(after)
                sandbox.faults.cut()
                placed = account.call(case.place, case.order)
                account.call(case.cancel, {"symbol": case.order["symbol"], "orderId": placed["orderId"]})
                items: list[uds.Event | uds.Notice] = []
                with trio.move_on_after(300):
                    async for item in stream:
                        items.append(item)
    gap = next(item for item in items if isinstance(item, uds.Gap))
    reports = uds.OrderTradeUpdate | uds.ExecutionReport | uds.OptionsOrderTradeUpdate
    told = [item for item in items if isinstance(item, reports) and item.order_id == placed["orderId"]]
    return [str(report.execution_type) for report in told], gap


@pytest.mark.parametrize("after", [0.0, 0.3, 0.8])
@pytest.mark.parametrize("ahead", [-0.9, 0.0, 0.9])
@pytest.mark.parametrize("case", BY_WHOLE_SECONDS, ids=str)
async def test_where_only_whole_seconds_tell_the_time_an_order_of_the_first_second_is_not_lost(
    autojump_clock: trio.testing.MockClock, case: Case, ahead: float, after: float
) -> None:
    told, gap = await lost_at_once(case, ahead=ahead, after=after)
    assert told == ["NEW", "CANCELED"], gap


@pytest.mark.parametrize("ahead", [-30.0, 3600.0])
@pytest.mark.parametrize("case", BY_MILLISECONDS, ids=str)
async def test_nor_is_it_where_milliseconds_do(
    autojump_clock: trio.testing.MockClock, case: Case, ahead: float
) -> None:
    told, gap = await lost_at_once(case, ahead=ahead, after=0.0)
    assert told == ["NEW", "CANCELED"], gap


@pytest.mark.parametrize("ahead", [-3600.0, 3600.0])
@pytest.mark.parametrize("case", [*BY_MILLISECONDS, *BY_WHOLE_SECONDS], ids=str)
async def test_nor_is_it_where_the_clock_is_corrected_after_the_stream_has_begun(
    autojump_clock: trio.testing.MockClock, case: Case, ahead: float
) -> None:
    """The machine is an hour off, and at the opening the venue does not tell the time."""

    def disturb(sandbox: Sandbox) -> None:
        sandbox.faults.fail_next("time", status=400, code=-1000)
        for root in ("/api/v3", "/fapi/v1", "/dapi/v1", "/eapi/v1"):
            sandbox.faults.fail_next(f"GET {root}/time", status=400, code=-1000)

    told, gap = await lost_at_once(case, ahead=ahead, after=60.0, disturb=disturb)
    assert told == ["NEW", "CANCELED"], gap
    assert gap.complete, gap
