"""Running a job until it ends, is interrupted, or is no longer wanted."""

from __future__ import annotations

import os
import signal

import pytest
import trio
import trio.testing

from trio_binance_uds.cli.attended import run_attended, run_beside


async def test_companions_end_with_the_job() -> None:
    ended = []

    async def companion() -> None:
        try:
            await trio.sleep_forever()
        finally:
            ended.append("companion")

    async def job() -> None:
        await trio.testing.wait_all_tasks_blocked()
        ended.append("job")

    await run_beside(job, companion)
    assert ended == ["job", "companion"]


async def test_what_the_job_raises_leaves_as_itself() -> None:
    async def job() -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await run_attended(job, trio.sleep_forever)


async def test_a_job_that_ends_by_itself_has_status_0() -> None:
    assert await run_attended(trio.lowlevel.checkpoint) == 0


async def test_enough_is_enough() -> None:
    assert await run_attended(trio.sleep_forever, trio.lowlevel.checkpoint) == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
async def test_a_signal_cancels_the_job_and_is_told(number: signal.Signals, status: int) -> None:
    cleaned_up = False

    async def job() -> None:
        nonlocal cleaned_up
        os.kill(os.getpid(), number)
        try:
            await trio.sleep_forever()
        finally:
            cleaned_up = True

    assert await run_attended(job) == status
    assert cleaned_up
