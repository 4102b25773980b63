"""The soak: many seeds, long virtual times, and two minutes on real sockets; prints a table and fails on a violation.

Run with ``nox -s soak``, or for one seed again ``nox -s soak -- --market usdm --only hours --first-seed 17 --seeds 1``.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import attrs
import trio

import trio_binance_uds as uds
from simulation.markets import MARKETS
from simulation.simulation import simulate
from simulation.story import Outcome, Story
from trio_binance_uds.sandbox import open_sandbox, run_trader

HOUR, DAY = 3600.0, 86_400.0


def heavy_hour(seed: int) -> Story:
    """An hour in which something breaks every forty seconds."""
    return Story(seed=seed, seconds=HOUR, mean_calm=40)


def sleepy_hour(seed: int) -> Story:
    """An hour with a consumer that falls asleep, a small buffer, and some faults."""
    return Story(seed=seed, seconds=HOUR, mean_calm=200, slow=0.02, max_buffer=30)


def stormy_hour(seed: int) -> Story:
    """An hour of everything at once: rollovers, faults, deposits, a consumer that falls asleep, a small buffer."""
    return Story(
        seed=seed,
        seconds=HOUR,
        mean_calm=20,
        lifetime=150,
        rollover=uds.Rollover(lifetime=150, lead=50, jitter=30),
        slow=0.01,
        max_buffer=100,
        moves_money=True,
    )


def lagging_hour(seed: int) -> Story:
    """An hour of faults at a venue whose databases are behind, where a desk can have them so."""
    return Story(seed=seed, seconds=HOUR, mean_calm=60, lag=(0.3, 1, 3, 10)[seed % 4])


def revoked_hour(seed: int) -> Story:
    """An hour of faults in which the API key is deleted: the stream must end, and have told all until then."""
    return Story(seed=seed, seconds=HOUR, mean_calm=60, revoked=True)


def month(seed: int) -> Story:
    """Thirty days with a rollover every day and a fault every hour."""
    return Story(seed=seed, seconds=30 * DAY, actions_per_second=0.02, mean_calm=HOUR)


def quiet_month(seed: int) -> Story:
    """Thirty days with a rollover every day and no fault: nothing may be missing at all."""
    return Story(seed=seed, seconds=30 * DAY, actions_per_second=0.02, mean_calm=None)


def run(make: Callable[[int], Story], market: str, seed: int) -> Outcome:
    """Live one story; what the library logs about faults on purpose is of no interest here."""
    logging.disable(logging.CRITICAL)
    return simulate(attrs.evolve(make(seed), market=market))


def table(name: str, outcomes: list[Outcome], seconds: float) -> bool:
    """Print what came of the stories of one kind, and return whether the oracle held in all."""
    known = [outcome.statistics for outcome in outcomes if outcome.statistics is not None]
    rows = {
        "stories": len(outcomes),
        "virtual hours": round(sum(outcome.story.seconds for outcome in outcomes) / HOUR),
        "real seconds": round(seconds),
        "faults": sum(outcome.faults.total() for outcome in outcomes),
        "connections": sum(each.links_opened for each in known),
        "events at the venue": sum(outcome.happened for outcome in outcomes),
        "facts to be told once": sum(outcome.facts for outcome in outcomes),
        "of them fills": sum(outcome.fills for outcome in outcomes),
        "delivered live": sum(outcome.live for outcome in outcomes),
        "delivered recovered": sum(outcome.recovered for outcome in outcomes),
        "echoes dropped": sum(each.echoes_dropped for each in known),
        "repeated by the venue": sum(each.events_repeated for each in known),
        "renumbered by the venue": sum(each.fills_renumbered for each in known),
        "shed": sum(each.events_shed for each in known),
        "gaps, complete": sum(each.gaps_complete for each in known),
        "gaps, not proven": sum(each.gaps_incomplete for each in known),
        "frames never sent": sum(outcome.faults["frames never sent"] for outcome in outcomes),
        "gaps that events prove": sum(outcome.proven_missing for outcome in outcomes),
        "missing, and said so": sum(outcome.in_incomplete_gaps for outcome in outcomes),
        "missing, no query tells": sum(outcome.passed for outcome in outcomes),
        "missing, nothing shows it": sum(outcome.unseen for outcome in outcomes),
        "missing, by a lag": sum(outcome.in_lag for outcome in outcomes),
        "ended by a lost key": sum(outcome.failure is not None for outcome in outcomes),
        "violations": sum(len(outcome.violations) for outcome in outcomes),
    }
    print(f"\n{name}")
    for row, value in rows.items():
        print(f"  {row:<24}{value:>12,}")
    requests = sum((outcome.requests for outcome in outcomes), Counter[str]())
    if requests:
        print("  requests                " + ", ".join(f"{count:,} {what}" for what, count in sorted(requests.items())))
    for outcome in outcomes:
        for violation in outcome.violations[:3]:
            print(f"  seed {outcome.story.seed}: {violation}")
    return not rows["violations"]


def series(market: str, name: str, make: Callable[[int], Story], seeds: Iterable[int], workers: int) -> bool:
    """Live one story for each seed, side by side."""
    begin = time.perf_counter()
    with ProcessPoolExecutor(workers) as pool:
        outcomes = list(pool.map(partial(run, make, market), seeds))
    return table(f"{market}, {name}: {make.__doc__}", outcomes, time.perf_counter() - begin)


async def real_rollovers(seconds: float) -> bool:
    """Trade heavily on real sockets while every connection lives for two seconds; print the latencies."""
    steady: list[float] = []
    turning: list[float] = []
    got: list[int] = []
    async with open_sandbox(lifetime=2.0, seed=1, tls=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "100000000", "BTC": "10000"})
        async with uds.open_user_data_stream(
            account.credentials,
            uds.SPOT,
            environment=sandbox.environment,
            network=sandbox.network,
            rollover=uds.Rollover(lifetime=2.0, lead=0.9, jitter=0.2),
        ) as stream:
            begin = len(sandbox.exchange.journal)
            notices: list[uds.Notice] = []

            async def read() -> None:
                async for item in stream:
                    if isinstance(item, uds.Notice):
                        notices.append(item)
                    elif isinstance(item, uds.ExecutionReport) and item.execution_id is not None:
                        got.append(item.execution_id)
                        late = (sandbox.clock.datetime() - item.event_time).total_seconds()
                        (turning if len(sandbox.connections) > 1 else steady).append(late)

            async with trio.open_nursery() as nursery:
                nursery.start_soon(read)
                await run_trader(sandbox, account, seed=1, duration=seconds, rate=400)
                await trio.sleep(3)
                nursery.cancel_scope.cancel()
            links = stream.statistics().links_opened
        events = sandbox.exchange.journal.events(account.exchange_account, begin)
    sent = [event["I"] for event in events if event["e"] == "executionReport"]

    def p99(values: list[float]) -> float:
        return statistics.quantiles(values, n=100)[98] * 1000

    print(f"\nreal sockets, TLS, a connection every two seconds, {seconds:g} s")
    print(f"  connections             {links:>12,}")
    lost, repeated = len(set(sent) - set(got)), len(got) - len(set(got))
    print(f"  reports                 {len(sent):>12,}")
    print(f"  lost, repeated, unsorted{lost:>6,}{repeated:>6,}{got != sorted(got):>6}")
    print(f"  gaps                    {len(notices):>12,}")
    print(f"  p99 ms, one connection  {p99(steady):>12.2f}")
    print(f"  p99 ms, overlap         {p99(turning):>12.2f}")
    print("  (times on the wire are whole milliseconds, so a latency is too long by half a one on average)")
    return got == sent and not notices


# Name, what makes the stories, and how many of them there are for each heavy hour.
PARTS: Mapping[str, tuple[Callable[[int], Story], float]] = {
    "hours": (heavy_hour, 1),
    "sleepy": (sleepy_hour, 0.1),
    "stormy": (stormy_hour, 0.1),
    "lagging": (lagging_hour, 0.1),
    "revoked": (revoked_hour, 0.1),
    "months": (month, 0.002),
    "quiet months": (quiet_month, 0.002),
}


def main() -> int:
    """Run what was asked for and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--market", choices=list(MARKETS), help="one market; all by default")
    parser.add_argument(
        "--seeds",
        type=int,
        default=1000,
        help="how many heavy hours of spot; there are a tenth as many of any other market, of all other hours a tenth "
        "of that, and two months for a thousand hours; but one of each at least",
    )
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--real-seconds", type=float, default=120)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=[*PARTS, "real"], help="one part of it")
    options = parser.parse_args()
    held = []
    for market in MARKETS if options.market is None else [options.market]:
        hours = options.seeds if market == "spot" else options.seeds / 10
        for name, (make, share) in PARTS.items():
            if options.only in (None, name):
                seeds = range(options.first_seed, options.first_seed + max(1, round(hours * share)))
                held.append(series(market, name, make, seeds, options.workers))
    if options.only in (None, "real"):
        held.append(trio.run(real_rollovers, options.real_seconds))
    print("\nthe oracle held" if all(held) else "\nTHE ORACLE DID NOT HOLD")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
