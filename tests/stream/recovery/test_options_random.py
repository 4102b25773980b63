"""Random trading of options, cut at random points: what was missed is told late, once, in order, and truthfully."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from decimal import Decimal
from random import Random

import attrs
import pytest
import trio
from recovery_desk_scene import CALL, ETHER, PUT, DeskStream, OptionsScene, OptionsTrader
from test_recovery_random import deterministic

from trio_binance_uds.errors import ApiError, NotConnected, OutcomeUnknown, RateLimited
from trio_binance_uds.events import BalancePositionUpdate, Event, OptionsOrderTradeUpdate
from trio_binance_uds.stream.recovery import Recovery

__all__ = ["deterministic"]

SYMBOLS = (CALL, PUT, ETHER)
UNKNOWN = {"bid_quantity", "ask_quantity", "commission", "commission_asset"}


def orders(events: list[Event]) -> dict[tuple[str, int], list[OptionsOrderTradeUpdate]]:
    found: dict[tuple[str, int], list[OptionsOrderTradeUpdate]] = {}
    for event in events:
        if isinstance(event, OptionsOrderTradeUpdate):
            found.setdefault((event.symbol, event.order_id), []).append(event)
    return found


def fills(events: list[Event]) -> list[tuple[object, ...]]:
    return [
        (
            event.symbol, event.order_id, event.trade_id, event.last_filled_price, event.last_filled_quantity,
            event.commission, event.commission_asset, event.is_maker, event.transaction_time,
            event.filled_accumulated_quantity, event.order_status, event.realized_profit,
        )
        for event in events
        if isinstance(event, OptionsOrderTradeUpdate) and event.execution_type == "TRADE"
    ]  # fmt: skip


def step(event: OptionsOrderTradeUpdate) -> str:
    return (
        f"{event.execution_type} {event.order_status} {event.filled_accumulated_quantity.normalize():f} "
        f"{event.transaction_time:%M:%S.%f} trade {event.trade_id}"
    )


def differences(right: OptionsOrderTradeUpdate, ours: OptionsOrderTradeUpdate) -> set[str]:
    names = [field.name for field in attrs.fields(OptionsOrderTradeUpdate) if field.eq is not False]
    return {name for name in names if getattr(right, name) != getattr(ours, name)}


def check_story(sent: list[Event], told: list[Event]) -> None:
    """What was told of orders is what was sent."""
    assert Counter(fills(told)) == Counter(fills(sent))
    ours, theirs = orders(told), orders(sent)
    assert ours.keys() == theirs.keys()
    for key, right in theirs.items():
        assert [step(event) for event in ours[key]] == [step(event) for event in right], (
            [step(event) for event in right],
            [(step(event), event.recovered) for event in ours[key]],
        )
        for event, other in zip(ours[key], right, strict=True):
            if event.recovered:
                unknown = UNKNOWN if event.execution_type != "TRADE" else UNKNOWN - {"commission", "commission_asset"}
                assert differences(other, event) <= unknown | (
                    {"average_price"} if event is not ours[key][-1] else set()
                )


def check_sane(sent: list[Event], told: list[Event]) -> None:
    """Whatever was not told: nothing is told twice, made up, or going backwards."""
    assert max(Counter(fills(told)).values(), default=1) == 1
    theirs = orders(sent)
    for key, ours in orders(told).items():
        right = [step(event) for event in theirs[key]]
        places = [right.index(step(event)) for event in ours]
        assert places == sorted(set(places)), (right, [(step(event), event.recovered) for event in ours])


def holdings(events: list[Event]) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
    """The wallet and the positions as a user who follows the updates has them in the end."""
    wallets: dict[str, Decimal] = {}
    positions: dict[str, Decimal] = {}
    for event in events:
        if isinstance(event, BalancePositionUpdate):
            wallets |= {row.asset: row.balance for row in event.balances}
            positions |= {row.symbol: row.quantity for row in event.positions}
    return wallets, positions


def check_holdings(sent: list[Event], told: list[Event]) -> None:
    (right_wallets, right_positions), (wallets, positions) = holdings(sent), holdings(told)
    assert {asset: right_wallets[asset] for asset in wallets} == wallets
    assert {symbol: right_positions[symbol] for symbol in positions} == positions


@pytest.mark.parametrize("seed", range(40))
async def test_what_was_missed_is_told_once_in_order_and_complete(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    scene = OptionsScene()
    trader = OptionsTrader(scene, seed)
    trader.steps(random.randint(0, 30))
    scene.tick(0.001)
    stream = DeskStream(scene, Recovery(symbols=SYMBOLS))
    first = stream.position
    await stream.start()
    for _ in range(3):
        scene.tick(1)
        trader.steps(random.randint(0, 30))
        stream.deliver(random.randint(0, len(scene.sent(stream.position))))
        trader.steps(random.randint(0, 30))
        subscribed_at = len(scene.sent())
        stream.link.before = lambda method, params: trader.steps(random.choice([0, 0, 0, 1]))
        result = await stream.recover(subscribed_at, late=random.choice([0, 0, 1, 2, 5]))
        stream.link.before = lambda method, params: None
        assert result.complete, result.detail
    stream.deliver()
    check_story(scene.sent(first), stream.told)
    check_holdings(scene.sent(), stream.told)


@pytest.mark.parametrize("seed", range(24))
async def test_databases_that_lag_behind_never_make_it_repeat_or_go_back(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    lag = [0.3, 0.9, 5, 60][seed % 4]
    scene = OptionsScene(lag=lag)
    trader = OptionsTrader(scene, seed)
    stream = DeskStream(scene, Recovery(symbols=SYMBOLS))
    await stream.start()
    for _ in range(2):
        trader.steps(random.randint(0, 30))
        stream.deliver(random.randint(0, len(scene.sent(stream.position))))
        trader.steps(random.randint(5, 30))
        await stream.recover(late=random.choice([0, 0, 1, 5]))
    stream.deliver()
    check_sane(scene.sent(), stream.told)
    if all(result.complete for result in stream.results):
        # Nothing shows what happened so shortly before that no answer knows of it yet.
        lost = Counter(fills(scene.sent())) - Counter(fills(stream.told))
        hidden = [(at - timedelta(seconds=lag), at) for at in stream.asked_at]
        assert all(any(first <= fill[8] <= last for first, last in hidden) for fill in lost), lost


@pytest.mark.parametrize("seed", range(20))
async def test_questions_without_an_answer_never_pass_for_complete(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    scene = OptionsScene()
    stream = DeskStream(scene, Recovery(symbols=SYMBOLS))
    await stream.start()
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
                failed.append(method)
            raise error

    for _ in range(2):
        failed.clear()
        trader = OptionsTrader(scene, seed)
        trader.steps(20)
        stream.deliver(random.randint(0, len(scene.sent(stream.position))))
        trader.steps(20)
        stream.link.before = fail_at_times
        result = await stream.recover()
        stream.link.before = lambda method, params: None
        if failed:
            assert not result.complete
            assert result.detail
        check_sane(scene.sent(), stream.told)
