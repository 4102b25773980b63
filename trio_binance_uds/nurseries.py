"""For what runs tasks of its own: a nursery that lets the exception of its body out as itself, and how to start one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVarTuple, Unpack

import trio

_ArgsT = TypeVarTuple("_ArgsT")


@asynccontextmanager
async def open_bare_nursery() -> AsyncIterator[trio.Nursery]:
    """Open a nursery that does not wrap what its body raises.

    The tasks in it are expected to let no exception out. If one does all the same, it leaves in a group, together
    with the body's exception if that one is real too. The user's exception never enters the nursery: there it
    could come out as a copy, because groups are split and put together again when a scope is cancelled.
    """
    failure: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            try:
                yield nursery
            except BaseException as error:
                failure = error
    except BaseExceptionGroup as group:
        real = group.split(trio.Cancelled)[1]
        if real is not None and failure is not None and not isinstance(failure, trio.Cancelled):
            raise BaseExceptionGroup("the body and a task failed", [failure, *real.exceptions]) from None
        # Without a real error it is a cancellation, which the nursery met while it waited for its tasks.
        if real is not None or failure is None:
            raise
    if failure is not None:
        raise failure


def start(nursery: trio.Nursery, task: Callable[[Unpack[_ArgsT]], Awaitable[object]], *args: *_ArgsT) -> None:
    """Start a task of the library in a nursery.

    Ctrl-C becomes a KeyboardInterrupt in whichever task happens to run. In one of ours it would end the stream before
    the user's code has heard of it, which may want to cancel its orders. So ours are protected: trio then raises it in
    the main task, and where the user's own code runs, there.
    """
    nursery.start_soon(_protected, task, *args, name=task)


@trio.lowlevel.enable_ki_protection
async def _protected(task: Callable[[Unpack[_ArgsT]], Awaitable[object]], *args: *_ArgsT) -> None:
    await task(*args)


def require_trio(what: str) -> None:
    """Check that this runs under trio, since what trio itself says otherwise helps nobody.

    Raises:
        RuntimeError: it does not.
    """
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        raise RuntimeError(
            f"{what} runs on trio, and there is no trio here, as under asyncio: start the program with trio.run(main) "
            "instead of asyncio.run(main()); where asyncio must stay, run trio as its guest, with "
            "trio.lowlevel.start_guest_run()"
        ) from None
