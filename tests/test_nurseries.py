"""What leaves the body of a bare nursery leaves it as itself; a second real error is not hidden."""

from __future__ import annotations

import pytest
import trio

from trio_binance_uds.nurseries import open_bare_nursery


async def fail() -> None:
    raise LookupError("the task's")


async def test_the_bodys_exception_comes_out_as_itself() -> None:
    error = ValueError("the body's")

    async def scenario() -> None:
        async with open_bare_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            nursery.cancel_scope.cancel()
            raise error

    with pytest.raises(ValueError, match="body's") as caught:
        await scenario()
    assert caught.value is error


async def test_a_tasks_exception_comes_out_in_a_group() -> None:
    async def scenario() -> None:
        async with open_bare_nursery() as nursery:
            nursery.start_soon(fail)
            await trio.sleep_forever()

    with pytest.raises(ExceptionGroup) as caught:
        await scenario()
    assert [type(error) for error in caught.value.exceptions] == [LookupError]


async def test_two_real_errors_come_out_together() -> None:
    async def scenario() -> None:
        async with open_bare_nursery() as nursery:
            nursery.start_soon(fail)
            try:
                await trio.sleep_forever()
            finally:
                raise ValueError("the body's")  # while it is being cancelled because of the task

    with pytest.raises(ExceptionGroup) as caught:
        await scenario()
    assert sorted(type(error).__name__ for error in caught.value.exceptions) == ["LookupError", "ValueError"]


async def test_a_cancellation_from_outside_is_caught_where_it_came_from() -> None:
    with trio.CancelScope() as scope:
        async with open_bare_nursery() as nursery:
            nursery.start_soon(trio.sleep_forever)
            scope.cancel()
            try:
                await trio.sleep_forever()
            finally:
                nursery.cancel_scope.cancel()
    assert scope.cancelled_caught
