"""Runs a job with others beside it: until it ends, until Ctrl-C, or until nobody reads its output any more."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable

import trio

Job = Callable[[], Awaitable[None]]


async def run_beside(job: Job, *companions: Job) -> None:
    """Run a job, and companions for as long as it runs; what it raises leaves as itself, in no group."""
    failure: Exception | None = None
    async with trio.open_nursery() as nursery:
        for companion in companions:
            nursery.start_soon(companion)
        try:
            await job()
        except Exception as error:
            failure = error
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def run_attended(job: Job, *enough: Job) -> int:
    """Run a job until it ends, until one of ``enough`` ends, or until a signal; return the exit status.

    A signal cancels the job, which so has its chance to leave nothing behind, and makes the status 128 more than the
    signal's number, as it is in a shell.
    """
    status = 0
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals, trio.CancelScope() as scope:

        async def listen() -> None:
            nonlocal status
            async for number in signals:
                status = 128 + number
                scope.cancel()

        def cancelling(waiting: Job) -> Job:
            async def wait() -> None:
                await waiting()
                scope.cancel()

            return wait

        await run_beside(job, listen, *map(cancelling, enough))
    return status
