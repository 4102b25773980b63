"""Random trading on margin accounts, cut at random points: what was missed is told late, once, in order."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

import pytest
import trio
from margin_scene import BOTH, CROSS, ISOLATED, MarginMarket, MarginStream, MarginTrader
from recovery_scene import PRICES, balances, by_order, fills, lists
from test_recovery_random import UNKNOWN, check_sane, deterministic, differences, step

from trio_binance_uds.events import Event, ExecutionReport
from trio_binance_uds.products import CROSS_MARGIN, Product, isolated_margin
from trio_binance_uds.stream.recovery import Recovery

__all__ = ["deterministic"]

CONTINGENT = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")
# What the routes of margin do not say besides, of orders that the stream did not tell before.
UNSAID = UNKNOWN | {
    "expiry_reason",
    "quote_order_quantity",
    "prevented_match_id",
    "prevented_quantity",
    "trailing_delta",
    "trailing_time",
    "working_time",
    "is_on_book",
}


def check_margin_order(right: list[ExecutionReport], ours: list[ExecutionReport], *, is_complete: bool) -> None:
    """No report is made up, none is out of order, and every one that is missing is such as no query shows."""
    rest = list(right)
    for report in ours:
        matching = [index for index, other in enumerate(rest) if step(other) == step(report)]
        assert matching, (step(report), report, [step(other) for other in right], [step(other) for other in ours])
        skipped = rest[: matching[0]]
        assert all(is_untellable(other, is_complete) for other in skipped), (
            [step(other) for other in right],
            [(step(other), other.recovered) for other in ours],
        )
        if report.recovered:
            assert differences(rest[matching[0]], report) <= UNSAID
        del rest[: matching[0] + 1]
    assert all(is_untellable(other, is_complete) for other in rest), ([step(o) for o in right], [step(o) for o in ours])


def is_untellable(report: ExecutionReport, is_complete: bool) -> bool:
    is_new = report.execution_type == "NEW"
    return is_new and (report.order_list_id != -1 or (report.order_type in CONTINGENT and not is_complete))


def check_margin_story(sent: list[Event], told: list[Event], *, is_complete: bool) -> None:
    assert Counter(fills(told)) == Counter(fills(sent))
    ours, theirs = by_order(told), by_order(sent)
    assert ours.keys() == theirs.keys()
    for key, right in theirs.items():
        check_margin_order(right, ours[key], is_complete=is_complete)
    assert Counter(lists(told)) == Counter(lists(sent))


@pytest.mark.parametrize("product", [CROSS_MARGIN, isolated_margin("BTCUSDT"), BOTH], ids=lambda p: p.name)
@pytest.mark.parametrize("is_rich", [False, True], ids=["documented", "rich"])
@pytest.mark.parametrize("seed", range(16))
async def test_what_was_missed_is_told_once_in_order_on_each_account(
    seed: int, is_rich: bool, product: Product, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    market = MarginMarket(product, uses_bnb=seed % 3 == 0)
    trader = MarginTrader(market, seed)
    trader.steps(random.randint(0, 30))
    market.tick(0.001)
    stream = MarginStream(market, Recovery(symbols=tuple(PRICES), max_weight=5000), is_rich=is_rich)
    first = stream.position
    if random.random() < 0.5:  # The baseline is taken while events are delivered.
        stream.link.before = lambda route, params: (trader.steps(2), stream.deliver(1), None)[-1]
    await stream.start()
    for _ in range(3):
        trader.steps(random.randint(0, 30))
        stream.deliver(random.randint(0, len(market.sent(stream.position))))
        trader.steps(random.randint(0, 30))
        subscribed_at = len(market.sent())
        stream.link.before = lambda route, params: trader.steps(random.choice([0, 0, 0, 1]))
        result = await stream.recover(subscribed_at, late=random.choice([0, 0, 1, 2, 5]))
        stream.link.before = lambda route, params: None
        assert result.complete or "triggered" in result.detail, result.detail
    stream.deliver()
    is_complete = all(result.complete for result in stream.results)
    for name in market.margin:
        sent, told = stream.of(name, market.sent(first)), stream.of(name)
        check_margin_story(sent, told, is_complete=is_complete)
        now = market.exchange.call(market.margin[name], "account.status", {})["balances"]
        right = {row["asset"]: (Decimal(row["free"]), Decimal(row["locked"])) for row in now}
        assert {asset: right[asset] for asset in balances(told)} == balances(told)
    assert len(stream.told) == sum(len(stream.of(name)) for name in market.margin)
