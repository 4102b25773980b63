"""An inquiry says what was not answered; what nothing depends on is asked with what is left over, without a word."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import trio

from trio_binance_uds.errors import ApiError
from trio_binance_uds.stream.recovery.inquiry import Budget, Inquiry, Question


async def answers_of(asked: list[str], method: str, params: Mapping[str, Any] | None) -> Any:
    asked.append(method)
    if method == "refused":
        raise ApiError(method=method, status=400, code=-1102, msg="not now")
    return []


def question(method: str, weight: int, *follows: Question) -> Question:
    return Question(method=method, weight=weight, about=method, use=lambda answer: follows)


async def test_it_takes_no_more_than_half_of_the_weight_and_leaves_no_reason(autojump_clock: trio.abc.Clock) -> None:
    asked: list[str] = []
    budget = Budget(10)
    inquiry = Inquiry(lambda method, params: answers_of(asked, method, params), budget)
    await inquiry.ask([question("needed", 2)])
    await inquiry.ask_to_spare([question("spare", 2, question("next page", 1), question("too much", 1))])
    assert asked == ["needed", "spare", "next page"]
    assert budget.spent == 5
    await inquiry.ask_to_spare([question("more", 1)])
    assert asked[-1] == "next page", "the other half is for what is needed"
    await inquiry.ask([question("needed too", 5)])
    assert asked[-1] == "needed too"
    assert inquiry.reasons() == []


async def test_a_refusal_of_it_is_no_reason(autojump_clock: trio.abc.Clock) -> None:
    asked: list[str] = []
    inquiry = Inquiry(lambda method, params: answers_of(asked, method, params), 10)
    await inquiry.ask_to_spare([question("refused", 1)])
    assert asked == ["refused"]
    assert inquiry.reasons() == []
    assert not inquiry.is_over


async def test_an_answer_that_nothing_can_be_computed_with_is_a_reason_and_ends_nothing(
    autojump_clock: trio.abc.Clock,
) -> None:
    asked: list[str] = []
    inquiry = Inquiry(lambda method, params: answers_of(asked, method, params), 10)

    def divide(answer: Any) -> None:
        Decimal(1) / Decimal(0)

    await inquiry.ask([Question(method="odd", weight=1, about="the odd one", use=divide), question("needed", 1)])
    assert sorted(asked) == ["needed", "odd"]
    assert inquiry.reasons() == ["the odd one: the answer cannot be computed with (DivisionByZero)"]
