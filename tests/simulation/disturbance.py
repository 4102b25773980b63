"""What goes wrong in a story: a menu of faults, of which one comes now and then."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import trio

from simulation.markets import Market
from simulation.story import Outcome, Story
from trio_binance_uds.sandbox import Sandbox, SandboxAccount

# What needs no connection to go wrong.
_WITHOUT_CONNECTION = frozenset({"refused", "shutdown"})


async def disturb(
    market: Market, sandbox: Sandbox, account: SandboxAccount, story: Story, outcome: Outcome, rng: random.Random
) -> None:
    """Let something go wrong now and then, until the story is over."""
    assert story.mean_calm is not None
    menu = {**_of_lines(sandbox, rng), **_of_answers(market, sandbox, rng), **market.ends(sandbox, account)}
    wanted = sorted(menu.keys() - market.spared)
    end = trio.current_time() + story.seconds
    while True:
        pause = rng.expovariate(1 / story.mean_calm)
        if trio.current_time() + pause >= end:
            return
        await trio.sleep(pause)
        name = rng.choice(wanted)
        if name in _WITHOUT_CONNECTION or sandbox.connections:
            outcome.faults[name] += 1
            menu[name]()


def _of_lines(sandbox: Sandbox, rng: random.Random) -> Mapping[str, Callable[[], None]]:
    faults = sandbox.faults
    pick = rng.choice

    def one() -> Any:
        return pick(sandbox.connections) if sandbox.connections else None

    def refuse() -> None:
        kind = pick([None, 403, 418, 429, 503])
        faults.refuse_connections(
            status=kind, retry_after=pick([None, 5, 90]) if kind in (418, 429) else None, seconds=rng.uniform(1, 120)
        )
        faults.cut()

    return {
        "cut": lambda: faults.cut(one()),
        "close": lambda: faults.close(one()),
        "half open": lambda: faults.half_open(one()),
        "torn frame": lambda: faults.tear_frame(one()),
        "frames never sent": lambda: faults.drop(pick([1, 1, 2, 3]), one()),
        "duplicate": lambda: faults.duplicate(rng.randrange(1, 6), one()),
        "delay": lambda: faults.delay(rng.uniform(0, 3), one()),
        "events first": lambda: faults.events_first(pick([True, False])),
        "refused": refuse,
        "shutdown": lambda: faults.server_shutdown(grace=rng.uniform(0, 20)),
        "vanished": lambda: faults.vanish_subscription(one()),
        "terminated": lambda: faults.terminate_subscription(one()),
        "no pongs": lambda: faults.stop_pongs(one()),
        "clock jump": lambda: faults.skew_clock(rng.uniform(-5, 5)),
        "garbage": lambda: faults.send_raw(pick(["{", "[]", '{"event":{"e":"executionReport"}}', "null", '"x"'])),
    }


def _of_answers(market: Market, sandbox: Sandbox, rng: random.Random) -> Mapping[str, Callable[[], None]]:
    faults = sandbox.faults
    pick = rng.choice

    def then_cut(fault: Callable[[], None]) -> Callable[[], None]:
        def both() -> None:
            fault()
            faults.cut()

        return both

    def fail() -> None:
        faults.fail_next(status=pick([400, 429, 503]), code=pick([-1000, -1003, -1007]), times=rng.randrange(1, 6))

    def page() -> None:
        faults.html_answer(
            pick([None, *of_rest]),
            status=pick([403, 502, 503]),
            executed=pick([True, False]),
            times=rng.randrange(1, 4),
        )

    def cut() -> None:
        faults.cut_answer(pick([None, *of_rest]), executed=pick([True, False]), times=rng.randrange(1, 4))

    menu = {
        "lost answer": lambda: faults.lose_answer(times=rng.randrange(1, 3)),
        "late acknowledgement": then_cut(lambda: faults.delay_answer(rng.uniform(0, 15), pick(market.acknowledged_by))),
        "lost acknowledgement": then_cut(lambda: faults.lose_answer(pick(market.acknowledged_by))),
        "failing answers": then_cut(fail),
        "late question": then_cut(lambda: faults.delay_answer(rng.uniform(0, 15), pick(market.asked_by_recovery))),
        "lost question": then_cut(lambda: faults.lose_answer(pick(market.asked_by_recovery), times=pick([1, 1, 2, 5]))),
        "failing question": then_cut(lambda: faults.fail_next(pick(market.asked_by_recovery), status=pick([400, 503]))),
    }
    of_rest = [name for name in (*market.acknowledged_by, *market.asked_by_recovery) if " " in name]
    if of_rest:
        menu |= {"page for an answer": then_cut(page), "cut for an answer": then_cut(cut)}
    return menu
