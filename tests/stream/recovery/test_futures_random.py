"""Random futures trading, cut at random points: what was missed is told late, once, in order, and truthfully."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random

import attrs
import pytest
import trio
from futures_scene import (
    ALICE,
    KINDS,
    Market,
    Stream,
    Trader,
    balances,
    by_order,
    fills,
    kind_of,
    positions,
    reports,
)
from trio._core import _run  # trio's own tests seed its scheduler in the same way; there is no public way

from trio_binance_uds.errors import ApiError, NotConnected, OutcomeUnknown, RateLimited
from trio_binance_uds.events import AlgoUpdate, Event, OrderTradeUpdate
from trio_binance_uds.stream.recovery import Recovery

# What no query tells, and the average price, of which the desk shows five digits to those who ask.
UNKNOWN = {
    "event_time",
    "average_price",
    "bids_notional",
    "ask_notional",
    "bid_quantity",
    "ask_quantity",
    "expiry_reason",
    "modify_id",
    "execution_type",
    "order_type",
    "ignored_si",
    "ignored_ss",
    "commission",
    "commission_asset",
}


def step(report: OrderTradeUpdate) -> str:
    """What a report says has happened, in a form that reads well when it differs."""
    parts = (
        kind_of(report),
        report.order_status,
        f"{report.filled_accumulated_quantity.normalize():f} of {report.original_quantity.normalize():f}",
        f"at {report.original_price.normalize():f}",
        f"{report.order_trade_time:%M:%S.%f}",
        f"trade {report.trade_id}",
    )
    return " ".join(parts)


def differences(right: OrderTradeUpdate, ours: OrderTradeUpdate) -> set[str]:
    names = [field.name for field in attrs.fields(type(right)) if field.eq is not False]
    return {name for name in names if getattr(right, name) != getattr(ours, name)}


def check_story(sent: list[Event], told: list[Event]) -> None:
    """The order reports that were told are those that were sent, each once, each order's in order, figure by figure."""
    assert Counter(fills(told)) == Counter(fills(sent))
    ours, theirs = by_order(told), by_order(sent)
    assert ours.keys() == theirs.keys()
    for key, right in theirs.items():
        assert [step(report) for report in ours[key]] == [step(report) for report in right], (
            [(step(report), report.recovered) for report in ours[key]],
            [step(report) for report in right],
        )
        for report, other in zip(ours[key], right, strict=True):
            if report.recovered:
                assert differences(other, report) <= UNKNOWN, (report, other)


def check_conditionals(sent: list[Event], told: list[Event]) -> None:
    """Conditional orders are told rung by rung, each once; what is missing is what no query shows."""
    ours, theirs = algos(told), algos(sent)
    for number, right in theirs.items():
        found = ours.get(number, [])
        assert [status for status in right if status not in UNSEEN] == [
            status for status in found if status not in UNSEEN
        ], (number, right, found)
        assert not Counter(found) - Counter(right)


# That it was about to trigger, and that a trailing stop was activated, is in no answer.
UNSEEN = ("TRIGGERING", "activated")


def algos(events: list[Event]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for event in events:
        if isinstance(event, AlgoUpdate):
            status = "activated" if event.algo_status == "NEW" and event.is_activated else str(event.algo_status)
            found.setdefault(event.algo_id, []).append(status)
    return found


def check_account(market: Market, stream: Stream) -> None:
    """Who follows the updates has the wallets and positions that there are."""
    account = market.desk.accounts[ALICE]
    for asset, (wallet, cross) in balances(stream.told).items():
        assert (wallet, cross) == (account.balance(asset), account.cross_wallet(asset))
    for (symbol, side), (amount, _) in positions(stream.told).items():
        held = account.positions.get((symbol, side))
        assert amount == (0 if held is None else held.amount)


@pytest.fixture
def deterministic() -> Iterator[Random]:
    """trio's scheduler, which takes tasks that are ready in an order of its own."""
    state = _run._r.getstate()
    yield _run._r
    _run._r.setstate(state)


async def live_through_gaps(
    seed: int, market: Market, stream: Stream, trader: Trader, *, pause: float = 0, busy: bool = True
) -> None:
    random = Random(seed)
    for _ in range(3):
        trader.steps(random.randint(0, 30))
        stream.deliver(random.randint(0, len(market.sent(stream.position))))
        trader.steps(random.randint(0, 30))
        subscribed_at = len(market.desk.journal.events(ALICE))
        market.tick(pause)
        stream.link.before = lambda method, params: trader.steps(random.choice([0, 0, 0, 1]) if busy else 0)
        result = await stream.recover(subscribed_at, late=random.choice([0, 0, 1, 2, 5]))
        times = [report.order_trade_time for report in reports(list(result.events))]
        assert times == sorted(times)
        stream.link.before = lambda method, params: None
    stream.deliver()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(60))
async def test_what_was_missed_is_told_once_in_order_and_complete(
    seed: int, kind: str, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    market = Market(KINDS[kind], hedged=seed % 4 == 3)
    trader = Trader(market, seed)
    trader.steps(random.randint(0, 30))
    market.tick(0.001)
    stream = Stream(market, Recovery(symbols=tuple(KINDS[kind].symbols) if kind == "coinm" else ()))
    first = stream.position
    if random.random() < 0.5:  # The baseline is taken while events are delivered.
        stream.link.before = lambda method, params: (trader.steps(2), stream.deliver(1), None)[-1]
    assert await stream.start() == ""
    stream.link.before = lambda method, params: None
    stream.deliver()
    await live_through_gaps(seed, market, stream, trader)
    for result in stream.results:
        assert result.complete, result.detail
    check_story(market.sent(first), stream.told)
    check_conditionals(market.sent(first), stream.told)
    check_account(market, stream)
    still_open = {(order["symbol"], order["orderId"]) for order in market.call("GET /v1/openOrders")}
    assert stream.knowledge.orders.keys() == still_open


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


def happening(report: OrderTradeUpdate) -> tuple[object, ...]:
    """What a report says has happened, apart from the terms: how they were modified can be unknown."""
    return (kind_of(report), report.filled_accumulated_quantity, report.order_trade_time, report.trade_id)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(30))
async def test_a_database_that_lags_behind_never_makes_it_repeat_or_go_back(
    seed: int, kind: str, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    market = Market(KINDS[kind], lag=[0.3, 0.9, 5, 60][seed % 4])
    trader = Trader(market, seed)
    stream = Stream(market, Recovery(symbols=tuple(KINDS[kind].symbols)))
    assert await stream.start() == ""
    await live_through_gaps(seed, market, stream, trader)
    check_sane(market.sent(), stream.told)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(20))
async def test_what_was_missed_before_the_lag_is_told_complete(
    seed: int, kind: str, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    market = Market(KINDS[kind], lag=0.5)
    trader = Trader(market, seed)
    stream = Stream(market, Recovery(symbols=tuple(KINDS[kind].symbols)))
    market.tick(1)
    assert await stream.start() == ""
    await live_through_gaps(seed, market, stream, trader, pause=1, busy=False)
    for result in stream.results:
        assert result.complete, result.detail
    check_story(market.sent(), stream.told)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(30))
async def test_questions_without_an_answer_never_pass_for_complete(
    seed: int, kind: str, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    market = Market(KINDS[kind])
    stream = Stream(market, Recovery(symbols=tuple(KINDS[kind].symbols)))
    assert await stream.start() == ""
    failed: list[str] = []

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
