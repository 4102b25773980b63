"""A market that trades, a network that lies, and an oracle: one story by one seed, on a virtual clock.

The oracle is the exchange's own journal. Every fill of the account, and every order's end, reaches the user exactly
once, in order per symbol, live or recovered, or lies inside a gap that says ``complete=False``.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import trio
import trio.testing
from trio._core import _run  # as in support.steps: there is no public way to seed the scheduler

import trio_binance_uds as uds
from simulation.facts import OrderKey, Report, report_of
from simulation.markets import MARKETS, Market, decoded
from trio_binance_uds.sandbox import Behaviour, Clock, Sandbox, SandboxAccount, open_sandbox

START = datetime(2031, 3, 1, 12, tzinfo=UTC)
# A gap's ends are known as well as the venue's clock is: half a round trip, and what was on the way.
SLACK = timedelta(seconds=10)


@attrs.frozen(kw_only=True)
class Story:
    """What is to happen.

    Attributes:
        market: the name of what is traded.
        seconds: of virtual time.
        actions_per_second: of the trader, on each symbol.
        mean_calm: seconds between two faults, on average; ``None`` for none.
        lifetime: of a connection.
        slow: how often the consumer falls asleep for a while, as a share of what it reads.
    """

    seed: int
    seconds: float
    market: str = "spot"
    actions_per_second: float = 0.5
    mean_calm: float | None = 60.0
    lifetime: float = 86_400.0
    rollover: uds.Rollover = attrs.field(factory=uds.Rollover)
    max_buffer: int = 2000
    slow: float = 0.0
    deposits: bool = False


@attrs.define(kw_only=True)
class Outcome:
    """What came of it."""

    story: Story
    happened: int = 0
    fills: int = 0
    live: int = 0
    recovered: int = 0
    in_incomplete_gaps: int = 0
    faults: Counter[str] = attrs.field(factory=Counter)
    requests: Counter[str] = attrs.field(factory=Counter)
    statistics: uds.StreamStatistics | None = None
    calm: bool = False
    digest: str = ""
    violations: list[str] = attrs.field(factory=list)


def simulate(story: Story) -> Outcome:
    """Live one story from beginning to end; the same story always ends the same."""
    outcome = Outcome(story=story)
    state = _run._r.getstate()
    _run._r.seed(story.seed)
    try:
        trio.run(_live, story, outcome, clock=trio.testing.MockClock(autojump_threshold=0))
    finally:
        _run._r.setstate(state)
    return outcome


async def _live(story: Story, outcome: Outcome) -> None:
    rng = random.Random(story.seed)
    market = MARKETS[story.market]
    items: list[uds.Event | uds.Notice] = []
    behaviour = Behaviour(stream_lifetime=story.lifetime, tick=60)
    async with open_sandbox(
        in_memory=True, seed=story.seed, clock=Clock(START), lifetime=story.lifetime, behaviour=behaviour
    ) as sandbox:
        account = market.open(sandbox, rng.choice(["hmac", "ed25519"]))
        async with uds.open_user_data_stream(
            account.credentials,
            market.product,
            environment=sandbox.environment,
            network=sandbox.network,
            rollover=story.rollover,
            recovery=uds.Recovery(symbols=market.symbols),
            max_buffer=story.max_buffer,
            seed=story.seed,
        ) as stream:
            async with _background(
                _read(stream, items, story, outcome, random.Random(rng.random())),
                _call(stream, market, outcome, random.Random(rng.random())),
            ):
                async with trio.open_nursery() as nursery:
                    for number in range(len(market.symbols)):
                        nursery.start_soon(_trade, market, sandbox, account, story, number)
                    if story.mean_calm is not None:
                        nursery.start_soon(
                            _disturb, market, sandbox, account, story, outcome, random.Random(rng.random())
                        )
                    if story.deposits:
                        nursery.start_soon(_deposit, sandbox, account, story, random.Random(rng.random()))
                # Calm: long enough for the longest wait between two attempts, and for all that is owed. A line that
                # was silent has swallowed what it had to say, which no line does that goes on: so all of them end.
                sandbox.faults.cut()
                sandbox.faults.heal()
                outcome.calm = True
                sandbox.clock.skew = 0
                await trio.sleep(400)
                sandbox.faults.cut()
                await trio.sleep(200)
            outcome.statistics = stream.statistics()
        _judge(outcome, decoded(market, sandbox, account), items)


@asynccontextmanager
async def _background(*tasks: Any) -> AsyncIterator[None]:
    async def run(task: Any) -> None:
        await task

    async with trio.open_nursery() as nursery:
        for task in tasks:
            nursery.start_soon(run, task)
        yield
        nursery.cancel_scope.cancel()


async def _read(
    stream: uds.UserDataStream, items: list[Any], story: Story, outcome: Outcome, rng: random.Random
) -> None:
    async for item in stream:
        items.append(item)
        if rng.random() < story.slow and not outcome.calm:
            await trio.sleep(rng.expovariate(1 / 20))


async def _call(stream: uds.UserDataStream, market: Market, outcome: Outcome, rng: random.Random) -> None:
    """Ask now and then, and often leave before the answer."""
    while market.asks is not None:
        await trio.sleep(rng.expovariate(1 / 30))
        with trio.move_on_after(rng.choice([0.0, 0.001, 0.2, 100.0])) as scope:
            try:
                await stream.request(market.asks)
                outcome.requests["yes"] += 1
            except uds.NotConnected:
                outcome.requests["not sent"] += 1
            except uds.OutcomeUnknown:
                outcome.requests["unknown"] += 1
            except uds.ApiError:
                outcome.requests["no"] += 1
        if scope.cancelled_caught:
            outcome.requests["left"] += 1


async def _trade(market: Market, sandbox: Sandbox, account: SandboxAccount, story: Story, number: int) -> None:
    await market.trade(
        sandbox,
        account,
        number,
        seed=story.seed * 10 + number,
        seconds=story.seconds,
        rate=story.actions_per_second,
    )


async def _deposit(sandbox: Sandbox, account: SandboxAccount, story: Story, rng: random.Random) -> None:
    end = trio.current_time() + story.seconds
    while trio.current_time() < end:
        await trio.sleep(rng.expovariate(1 / 120))
        sandbox.exchange.deposit(account.exchange_account, "USDT", "1")


async def _disturb(
    market: Market, sandbox: Sandbox, account: SandboxAccount, story: Story, outcome: Outcome, rng: random.Random
) -> None:
    faults = sandbox.faults
    pick = rng.choice

    def one() -> Any:
        return pick(sandbox.connections) if sandbox.connections else None

    def lag() -> None:
        faults.delay(rng.uniform(0, 3), one())

    def refuse() -> None:
        kind = pick([None, 403, 418, 429, 503])
        faults.refuse_connections(
            status=kind, retry_after=pick([None, 5, 90]) if kind in (418, 429) else None, seconds=rng.uniform(1, 120)
        )
        faults.cut()

    def shutdown() -> None:
        faults.server_shutdown(grace=rng.uniform(0, 20))

    def late_acknowledgement() -> None:
        faults.delay_answer(rng.uniform(0, 15), pick(market.acknowledged_by))
        faults.cut()

    def lost_acknowledgement() -> None:
        faults.lose_answer(pick(market.acknowledged_by))
        faults.cut()

    def failing_answers() -> None:
        faults.fail_next(status=pick([400, 429, 503]), code=pick([-1000, -1003, -1007]), times=rng.randrange(1, 6))
        faults.cut()

    menu = {
        "cut": lambda: faults.cut(one()),
        "close": lambda: faults.close(one()),
        "half open": lambda: faults.half_open(one()),
        "torn frame": lambda: faults.tear_frame(one()),
        "duplicate": lambda: faults.duplicate(rng.randrange(1, 6), one()),
        "delay": lag,
        "events first": lambda: faults.events_first(pick([True, False])),
        "lost answer": lambda: faults.lose_answer(times=rng.randrange(1, 3)),
        "late acknowledgement": late_acknowledgement,
        "lost acknowledgement": lost_acknowledgement,
        "failing answers": failing_answers,
        "refused": refuse,
        "shutdown": shutdown,
        "vanished": lambda: faults.vanish_subscription(one()),
        "terminated": lambda: faults.terminate_subscription(one()),
        "no pongs": lambda: faults.stop_pongs(one()),
        "clock jump": lambda: faults.skew_clock(rng.uniform(-5, 5)),
        "garbage": lambda: faults.send_raw(pick(["{", "[]", '{"event":{"e":"executionReport"}}', "null", '"x"'])),
        **market.ends(sandbox, account),
    }
    assert story.mean_calm is not None
    end = trio.current_time() + story.seconds
    while True:
        pause = rng.expovariate(1 / story.mean_calm)
        if trio.current_time() + pause >= end:
            return
        await trio.sleep(pause)
        name = pick(sorted(menu))
        if name in ("refused", "shutdown") or sandbox.connections:
            outcome.faults[name] += 1
            menu[name]()


# The oracle.


def _judge(outcome: Outcome, truth: list[uds.Event], items: list[uds.Event | uds.Notice]) -> None:
    happened = [report for event in truth if (report := report_of(event)) is not None]
    told = [report for item in items if (report := report_of(item)) is not None]
    holes = [item for item in items if isinstance(item, uds.Gap) and not item.complete]
    outcome.happened = len(happened)
    outcome.live = sum(not report.recovered for report in told)
    outcome.recovered = sum(report.recovered for report in told)
    outcome.digest = hashlib.sha256("\n".join(map(repr, items)).encode()).hexdigest()

    fills = {report.fill: report for report in happened if report.trade_id is not None}
    ends = {report.end: report for report in happened if report.is_end}
    told_fills = [report for report in told if report.trade_id is not None]
    told_ends = [report for report in told if report.is_end]
    outcome.fills = len(fills)
    _once_and_known(outcome, "fill", [report.fill for report in told_fills], fills)
    _once_and_known(outcome, "end of an order", [report.end for report in told_ends], ends)
    # What an incomplete gap left out can still come, with a later gap, and then after what was live meanwhile.
    in_holes = {report.fill for report in told_fills if _is_in(holes, report.at)}
    by_symbol: dict[OrderKey, list[Any]] = {}
    for report in told_fills:
        if report.fill not in in_holes:
            by_symbol.setdefault(report.order[:-1], []).append(report.trade_id)
    for symbol, trades in by_symbol.items():
        if trades != sorted(trades):
            outcome.violations.append(f"the fills of {symbol} are not in order")

    missed = fills.keys() - {report.fill for report in told_fills}
    _missed(outcome, holes, [fills[key] for key in missed])
    _missed(outcome, holes, [ends[key] for key in ends.keys() - {report.end for report in told_ends}])
    # Where a fill of an order is missing, the running figures of the others are as far as is known.
    in_doubt = {order for order, _ in (*missed, *in_holes)}
    for report in told_fills:
        true = fills.get(report.fill)
        if true is not None and report.order not in in_doubt and report.figures != true.figures:
            outcome.violations.append(f"a fill with other figures: {report.figures} for {true.figures}")


def _once_and_known(outcome: Outcome, what: str, got: Iterable[Any], happened: Mapping[Any, Report]) -> None:
    counts = Counter(got)
    twice = [key for key, count in counts.items() if count > 1]
    if twice:
        outcome.violations.append(f"{len(twice)} times the same {what}, such as {twice[0]}")
    invented = counts.keys() - happened.keys()
    if invented:
        outcome.violations.append(f"{len(invented)} times a {what} that never happened, such as {min(invented)}")


def _missed(outcome: Outcome, holes: list[uds.Gap], missed: list[Report]) -> None:
    for report in missed:
        if _is_in(holes, report.at):
            outcome.in_incomplete_gaps += 1
        else:
            outcome.violations.append(f"missed without a word: {report.order} {report.status} at {report.at}")


def _is_in(holes: list[uds.Gap], at: datetime) -> bool:
    return any(hole.since - SLACK <= at <= hole.until + SLACK for hole in holes)
