"""What is asked about an order whose delivered reports do not add up, where that is unusual."""

from __future__ import annotations

from typing import Any

import trio
from recovery_scene import Market

import trio_binance_uds as uds
from support.exact_clock import ExactClock
from trio_binance_uds.stream.recovery.inquiry import Inquiry
from trio_binance_uds.stream.recovery.own_reports import OrderName
from trio_binance_uds.stream.recovery.portfolio.recoverer import PortfolioRecoverer
from trio_binance_uds.stream.recovery.spot.book import SPOT_BOOK
from trio_binance_uds.stream.recovery.spot.own_reports import search


async def test_fills_of_smart_order_routing_are_asked_for_as_allocations(autojump_clock: trio.abc.Clock) -> None:
    market = Market()
    market.limit("BUY", "0.3", "20000")
    (placed,) = [event for event in market.sent() if isinstance(event, uds.ExecutionReport)]
    asked: list[str] = []

    async def answer(method: str, params: Any) -> Any:
        asked.append(method)
        if method == "order.status":
            raw = market.exchange.call(market.alice, method, dict(params))
            return raw | {"usedSor": True, "workingFloor": "SOR", "executedQty": "0.10000000"}
        return []

    name = OrderName(account="spot", symbol=placed.symbol, order_id=placed.order_id, is_spot=True)
    clock = ExactClock(market.now)
    assert await search(Inquiry(answer, 1000), SPOT_BOOK, [name], clock) == {}
    assert asked == ["order.status", "myTrades", "myAllocations"]


async def test_a_contract_of_portfolio_margin_is_known_by_its_symbol(autojump_clock: trio.abc.Clock) -> None:
    recoverer = PortfolioRecoverer("portfolio-margin", uds.Recovery(max_weight=1000))
    asked: list[str] = []

    async def answer(method: str, params: Any) -> Any:
        asked.append(method)
        raise uds.ApiError(method=method, status=400, code=-2013, msg="Order does not exist.")

    clock = ExactClock(Market().now)
    await recoverer.recover(answer, clock.now(), clock)
    asked.clear()
    names = [
        OrderName(account="portfolio-margin", symbol=symbol, order_id=7, is_spot=is_spot)
        for symbol, is_spot in (("BTCUSDT", False), ("BTCUSD_PERP", False), ("BTCUSDT", True))
    ]
    found = await recoverer.search(answer, names, clock)
    assert asked == [f"GET /papi/v1/{part}/order" for part in ("um", "cm", "margin")]
    assert [found[name].is_known for name in names] == [False, False, False]
