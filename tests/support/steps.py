"""Runs a scenario once for each scheduler step and cancels it there, over several orders of the scheduler."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterable

import attrs
import trio
import trio.testing
from trio._core import _run  # trio's own tests seed its scheduler in the same way; there is no public way

_YEAR = 365 * 86_400


@attrs.define(eq=False)
class _CancelAt(trio.abc.Instrument):
    """Cancels a scope just before the step with this number, counted while the scope is set."""

    step: int
    scope: trio.CancelScope | None = None
    steps_seen: int = 0

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.scope is not None:
            self.steps_seen += 1
            if self.steps_seen == self.step:
                self.scope.cancel()


def cancel_at_every_step(
    scenario: Callable[[], Awaitable[object]],
    *,
    check: Callable[[], object] = lambda: None,
    seeds: Iterable[int] = range(3),
    most_steps: int = 3000,
) -> int:
    """Run ``scenario`` again and again on trio's autojump clock, cancelling it one step later each time.

    After each run ``check`` is called, and it is checked that no task is left. The scenario must clean up after
    itself and may end by itself or by the cancellation; any other exception fails. It ends when a run was over
    before its step had come, and returns how many runs there were. Scenarios must stay in memory: with sockets
    the number of steps is not the same each time.
    """
    runs = 0
    for seed in seeds:
        for step in range(1, most_steps):
            runs += 1
            if not _run_once(scenario, check, seed, step):
                break
        else:
            raise AssertionError(f"the scenario has more than {most_steps} steps")
    return runs


def _run_once(scenario: Callable[[], Awaitable[object]], check: Callable[[], object], seed: int, step: int) -> bool:
    instrument = _CancelAt(step)

    async def main() -> None:
        before = trio.lowlevel.current_statistics().tasks_living
        try:
            # On a clock that jumps, a scenario that waits for ever would spin for ever; here it comes to this end.
            with trio.fail_after(10 * _YEAR), trio.CancelScope() as scope:
                instrument.scope = scope
                await scenario()
            instrument.scope = None
            check()
            after = trio.lowlevel.current_statistics().tasks_living
            assert after == before, f"{after - before} tasks are left"
        except BaseException as exc:
            exc.add_note(f"cancelled at step {step} with seed {seed}")
            raise

    state = _run._r.getstate()
    _run._r.seed(seed)
    random_state = random.getstate()
    random.seed(seed)
    try:
        trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0), instruments=[instrument])
    finally:
        _run._r.setstate(state)
        random.setstate(random_state)
    return instrument.steps_seen >= step
