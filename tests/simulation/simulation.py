"""A market that trades, a network that lies, and an oracle: one story by one seed, on a virtual clock."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import trio
import trio.testing
from trio._core import _run  # as in support.steps: there is no public way to seed the scheduler, or to have it sort

import trio_binance_uds as uds
from simulation.disturbance import disturb
from simulation.markets import MARKETS, Market, decoded, never_sent
from simulation.oracle import judge
from simulation.story import Outcome, Story
from trio_binance_uds.sandbox import Behaviour, Clock, Sandbox, SandboxAccount, open_sandbox
from trio_binance_uds.sandbox.exchange import Refusal

START = datetime(2031, 3, 1, 12, tzinfo=UTC)


def simulate(story: Story) -> Outcome:
    """Live one story from beginning to end; the same story always ends the same."""
    outcome = Outcome(story=story)
    with _repeatable(story.seed):
        trio.run(_live, story, outcome, clock=trio.testing.MockClock(autojump_threshold=0))
    return outcome


@contextmanager
def _repeatable(seed: int) -> Iterator[None]:
    """Let tasks that wake at the same moment run in an order by the seed, and not by where they lie in memory."""
    scheduler: Any = _run
    state, sorts = scheduler._r.getstate(), scheduler._ALLOW_DETERMINISTIC_SCHEDULING
    scheduler._r.seed(seed)
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING = True
    try:
        yield
    finally:
        scheduler._r.setstate(state)
        scheduler._ALLOW_DETERMINISTIC_SCHEDULING = sorts


async def _live(story: Story, outcome: Outcome) -> None:
    rng = random.Random(story.seed)
    market = MARKETS[story.market]
    items: list[uds.Event | uds.Notice] = []
    behaviour = Behaviour(stream_lifetime=story.lifetime, tick=60)
    async with open_sandbox(
        in_memory=True, seed=story.seed, clock=Clock(START), lifetime=story.lifetime, behaviour=behaviour
    ) as sandbox:
        account = market.open(sandbox, rng.choice(["hmac", "ed25519"]), story.lag)
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
                        chance = random.Random(rng.random())
                        nursery.start_soon(disturb, market, sandbox, account, story, outcome, chance)
                    if story.moves_money:
                        nursery.start_soon(_move_money, market, sandbox, account, story, random.Random(rng.random()))
                    if story.revoked:
                        nursery.start_soon(_revoke, sandbox, account, story, random.Random(rng.random()))
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
        judge(outcome, decoded(market, sandbox, account), items, never_sent(market, sandbox, account))
    if (outcome.failure is not None) != story.revoked:
        outcome.violations.append(f"the key was{'' if story.revoked else ' not'} revoked, and: {outcome.failure}")


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
    try:
        async for item in stream:
            items.append(item)
            if rng.random() < story.slow and not outcome.calm:
                await trio.sleep(rng.expovariate(1 / 20))
    except uds.StreamFailed as error:
        outcome.failure = f"{error} ({type(error.__cause__).__name__})"


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
            except uds.StreamFailed:
                return  # as for the reader, who says why
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


async def _move_money(
    market: Market, sandbox: Sandbox, account: SandboxAccount, story: Story, rng: random.Random
) -> None:
    end = trio.current_time() + story.seconds
    while trio.current_time() < end:
        await trio.sleep(rng.expovariate(1 / 120))
        with suppress(Refusal):  # As when more is repaid than is owed.
            market.move_money(sandbox, account, rng)


async def _revoke(sandbox: Sandbox, account: SandboxAccount, story: Story, rng: random.Random) -> None:
    await trio.sleep(rng.uniform(0.3, 0.9) * story.seconds)
    sandbox.faults.revoke(account.key, silently=rng.choice([True, False]))
