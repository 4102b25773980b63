"""Random loans on a cross-margin account, cut at random points: each change of the debt is told once."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random

import pytest
import trio
from recovery_desk_scene import Borrower, DeskStream, RiskScene
from test_recovery_random import deterministic

from trio_binance_uds.errors import ApiError, NotConnected, OutcomeUnknown, RateLimited
from trio_binance_uds.events import Event, UserLiabilityChange

__all__ = ["deterministic"]


def changes(events: list[Event]) -> Counter[tuple[str, str, Decimal, Decimal]]:
    return Counter(
        (event.asset, str(event.liability_type), event.principal, event.interest)
        for event in events
        if isinstance(event, UserLiabilityChange)
    )


def principals(events: list[Event]) -> Counter[tuple[str, str, Decimal]]:
    """The same without the interest: that of a loan is in a book of its own."""
    return Counter(key[:3] for key in changes(events).elements() if key[1] != "INTEREST")


@pytest.mark.parametrize("seed", range(40))
async def test_every_change_of_the_debt_is_told_once(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    scene = RiskScene()
    borrower = Borrower(scene, seed)
    borrower.steps(random.randint(0, 20))
    scene.tick(5)
    stream = DeskStream(scene)
    first = stream.position
    await stream.start()
    for _ in range(3):
        scene.tick(5)
        borrower.steps(random.randint(0, 15))
        stream.deliver(random.randint(0, len(scene.sent(stream.position))))
        borrower.steps(random.randint(0, 15))
        subscribed_at = len(scene.sent())
        stream.link.before = lambda method, params: borrower.steps(random.choice([0, 0, 0, 0, 1]))
        result = await stream.recover(subscribed_at, late=random.choice([0, 0, 1, 2]))
        stream.link.before = lambda method, params: None
        assert result.complete, result.detail
    stream.deliver()
    told, sent = changes(stream.told), changes(scene.sent(first))
    assert (told - sent, sent - told) == (Counter(), Counter())


@pytest.mark.parametrize("seed", range(20))
async def test_questions_without_an_answer_never_pass_for_complete(
    seed: int, autojump_clock: trio.abc.Clock, deterministic: Random
) -> None:
    deterministic.seed(seed)
    random = Random(seed)
    scene = RiskScene()
    stream = DeskStream(scene)
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

    borrower = Borrower(scene, seed)
    for _ in range(3):
        failed.clear()
        scene.tick(5)
        borrower.steps(10)
        stream.deliver(random.randint(0, len(scene.sent(stream.position))))
        borrower.steps(10)
        stream.link.before = fail_at_times
        result = await stream.recover()
        stream.link.before = lambda method, params: None
        if failed:
            assert not result.complete
            assert result.detail
        assert not principals(stream.told) - principals(scene.sent())
