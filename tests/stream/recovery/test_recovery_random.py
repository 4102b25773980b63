"""Random trading, cut at random points: what was missed is told late, once, in order, and truthfully."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from random import Random

import attrs
import pytest
import trio
from recovery_scene import (
    PRICES,
    Market,
    Stream,
    Trader,
    balances,
    by_order,
    fills,
    lists,
)
from trio._core import _run  # trio's own tests seed its scheduler in the same way; there is no public way

from trio_binance_uds.errors import ApiError, NotConnected, OutcomeUnknown, RateLimited
from trio_binance_uds.events import Event, ExecutionReport
from trio_binance_uds.stream.recovery.options import Recovery


def check_story(sent: list[Event], told: list[Event]) -> None:
    """What was told is what was sent, apart from what no query shows."""
    assert Counter(fills(told)) == Counter(fills(sent))
    ours, theirs = by_order(told), by_order(sent)
    assert ours.keys() == theirs.keys()
    for key, right in theirs.items():
        check_order(right, ours[key])
    assert Counter(lists(told)) == Counter(lists(sent))


def step(report: ExecutionReport) -> str:
    """What a report says has happened, in a form that reads well when it differs."""
    parts = (
        report.execution_type,
        report.order_status,
        f"{report.cumulative_filled_quantity.normalize():f} of {report.order_quantity.normalize():f}",
        f"{report.transaction_time:%M:%S.%f}",
        f"trade {report.trade_id}",
    )
    return " ".join(parts)


def check_order(right: list[ExecutionReport], ours: list[ExecutionReport]) -> None:
    """No report is made up, none is out of order, and every one that is missing is such as no query shows."""
    rest = list(right)
    for report in ours:
        matching = [index for index, other in enumerate(rest) if step(other) == step(report)]
        assert matching, (step(report), [step(other) for other in right], [step(other) for other in ours])
        skipped = rest[: matching[0]]
        assert all(other.execution_type == "NEW" and other.order_list_id != -1 for other in skipped), (
            [step(other) for other in right],
            [(step(other), other.recovered) for other in ours],
        )
        if report.recovered:
            assert differences(rest[matching[0]], report) <= UNKNOWN
        del rest[: matching[0] + 1]
    assert not rest, rest


# The venue's own time of the event, the id of the report, and the client order id before an order placed in the gap
# was canceled there; also what was worth a fill that self-trade prevention prevented.
UNKNOWN = {
    "event_time",
    "execution_id",
    "client_order_id",
    "original_client_order_id",
    "prevented_execution_quantity",
    "prevented_execution_quote_quantity",
    "reject_reason",
}


def differences(right: ExecutionReport, ours: ExecutionReport) -> set[str]:
    names = [field.name for field in attrs.fields(ExecutionReport) if field.eq is not False]
    return {name for name in names if getattr(right, name) != getattr(ours, name)}


@pytest.fixture
def deterministic() -> Iterator[Random]:
    """trio's scheduler, which takes tasks that are ready in an order of its own."""
    state = _run._r.getstate()
    yield _run._r
    _run._r.setstate(state)


@pytest.mark.parametrize("seed", range(60))
async def test_what_was_missed_is_told_once_in_order_and_complete(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    market = Market(uses_bnb=seed % 3 == 0)
    trader = Trader(market, seed)
    trader.steps(random.randint(0, 30))
    market.tick(0.001)
    stream = Stream(market, Recovery(symbols=tuple(PRICES)))
    first = stream.position
    if random.random() < 0.5:  # The baseline is taken while events are delivered.
        stream.link.before = lambda method, params: (trader.steps(2), stream.deliver(1), None)[-1]
    assert await stream.start() == ""
    for _ in range(3):
        trader.steps(random.randint(0, 30))
        left = len(market.sent(stream.position))
        stream.deliver(random.randint(0, left))
        trader.steps(random.randint(0, 30))
        subscribed_at = len(market.exchange.journal.events(market.alice))
        stream.link.before = lambda method, params: trader.steps(random.choice([0, 0, 0, 1]))
        result = await stream.recover(subscribed_at, late=random.choice([0, 0, 1, 2, 5]))
        stream.link.before = lambda method, params: None
        assert result.complete, result.detail
    stream.deliver()
    check_story(market.sent(first), stream.told)
    now = market.call(market.alice, "account.status")["balances"]
    right = {row["asset"]: (Decimal(row["free"]), Decimal(row["locked"])) for row in now}
    assert {asset: right[asset] for asset in balances(stream.told)} == balances(stream.told)
    still_open = market.call(market.alice, "openOrders.status")
    assert stream.knowledge.orders.keys() == {(order["symbol"], order["orderId"]) for order in still_open}


def check_sane(sent: list[Event], told: list[Event]) -> None:
    """Whatever was not told: nothing is told twice, made up, or going backwards."""
    assert max(Counter(fills(told)).values(), default=1) == 1
    assert not Counter(fills(told)) - Counter(fills(sent))
    theirs = by_order(sent)
    for key, ours in by_order(told).items():
        right = [happening(report) for report in theirs[key]]
        assert all(happening(report) in right for report in ours), (right, [happening(report) for report in ours])
        places = [right.index(happening(report)) for report in ours]
        assert places == sorted(places), (right, [(happening(report), report.recovered) for report in ours])
        filled = [report.cumulative_filled_quantity for report in ours]
        assert filled == sorted(filled)
    assert max(Counter(lists(told)).values(), default=1) == 1


def happening(report: ExecutionReport) -> tuple[object, ...]:
    """What a report says has happened, apart from the quantity: how it was amended can be unknown."""
    return (report.execution_type, report.cumulative_filled_quantity, report.transaction_time, report.trade_id)


async def live_through_gaps(seed: int, market: Market, stream: Stream, trader: Trader) -> None:
    random = Random(seed)
    trader.steps(random.randint(0, 30))
    for _ in range(2):
        stream.deliver(random.randint(0, len(market.sent(stream.position))))
        trader.steps(random.randint(5, 30))
        await stream.recover(len(market.sent()), late=random.choice([0, 0, 1, 5]))
        trader.steps(random.randint(0, 30))
    stream.deliver()


@pytest.mark.parametrize("seed", range(40))
async def test_a_database_that_lags_behind_never_makes_it_repeat_or_go_back(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    market = Market()
    market.exchange.database_lag = [300_000, 900_000, 5_000_000, 60_000_000][seed % 4]
    trader = Trader(market, seed)
    stream = Stream(market, Recovery(symbols=tuple(PRICES)))
    assert await stream.start() == ""
    await live_through_gaps(seed, market, stream, trader)
    check_sane(market.sent(), stream.told)
    if all(result.complete for result in stream.results):
        check_story(market.sent(), stream.told)


async def test_answers_that_lag_less_than_a_second_are_made_good(autojump_clock: trio.abc.Clock) -> None:
    complete = 0
    for seed in range(10):
        market = Market()
        market.exchange.database_lag = 500_000
        stream = Stream(market, Recovery(symbols=tuple(PRICES)))
        await stream.start()
        await live_through_gaps(seed, market, stream, Trader(market, seed))
        complete += sum(result.complete for result in stream.results)
        if all(result.complete for result in stream.results):
            check_story(market.sent(), stream.told)
    assert complete >= 15


@pytest.mark.parametrize("seed", range(30))
async def test_questions_without_an_answer_never_pass_for_complete(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    market = Market()
    stream = Stream(market, Recovery(symbols=tuple(PRICES)))
    assert await stream.start() == ""

    def fail_at_times(method: str, params: dict[str, object]) -> None:
        if random.random() < 0.2:
            errors: list[Exception] = [
                OutcomeUnknown("lost", method=method),
                ApiError(method=method, status=400, code=-1104, msg="too many parameters"),
                RateLimited(method=method, status=429, code=-1003, msg="too much"),
                NotConnected("gone", method=method),
            ]
            error = random.choice(errors)
            if not isinstance(error, OutcomeUnknown):
                failed.append(method)  # A lost answer is asked for again, the others are not.
            raise error

    failed: list[str] = []
    for _ in range(2):
        failed.clear()
        trader = Trader(market, seed)
        trader.steps(20)
        stream.deliver(random.randint(0, len(market.sent(stream.position))))
        trader.steps(20)
        stream.link.before = fail_at_times
        result = await stream.recover(len(market.sent()))
        stream.link.before = lambda method, params: None
        if failed:
            assert not result.complete
            assert result.detail
        check_sane(market.sent(), stream.told)
