"""Asks the venue many things at once, within a budget, and says what stayed without an answer. It never raises.

What it spends is reserved in the order of the questions, so that the budget goes to the most relevant ones. A limit
that was hit ends the asking: to go on would turn it into a ban. So does the end of the connection.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import attrs
import trio

from trio_binance_uds.errors import (
    ApiError,
    AuthenticationFailed,
    NotConnected,
    OutcomeUnknown,
    RateLimited,
    RequestError,
)
from trio_binance_uds.nurseries import start
from trio_binance_uds.stream.recovery.matching import Whose, check_answer
from trio_binance_uds.stream.recovery.reading import Unreadable

Request = Callable[[str, Mapping[str, Any] | None], Awaitable[Any]]
"""Asks a method of the WebSocket API; raises a :class:`RequestError` when there is no result."""


@runtime_checkable
class Metered(Protocol):
    """A request that knows what the venue has reported of its limits."""

    def weight_left(self, method: str, /) -> int | None:
        """Return how much weight is left in this minute for this question; ``None`` where nobody has said."""


@runtime_checkable
class Attentive(Protocol):
    """A request that wants to hear what its answers mean to the stream as a whole."""

    def note_refused(self, error: AuthenticationFailed) -> None:
        """Record that the credentials were refused, and were so when the question was asked again."""


# An answer can get lost, and the venue can be in trouble; to ask for the same thing again does no harm.
_PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 1.0
_TRIES = 3
# An unknown error, an internal one, and overload. Source: Binance Spot, "Error Codes" (2026-07-21).
_TROUBLES = frozenset({-1000, -1001, -1008})
# The questions of a batch leave in one write; more than this would hold up the requests of the user.
_AT_ONCE = 40


@attrs.frozen(kw_only=True, eq=False)
class Question:
    """One question.

    Attributes:
        about: what it asks for, for people.
        use: takes the answer and returns what to ask next because of it: the next page, for example.
        excuses: error codes that are an answer too, and what to do about them.
    """

    method: str
    params: Mapping[str, Any] = attrs.Factory(dict)
    weight: int
    about: str
    use: Callable[[Any], Sequence[Question] | None]
    excuses: Mapping[int, Callable[[], None]] = attrs.Factory(dict)

    @property
    def identity(self) -> Hashable:
        """The same for two questions that ask the same."""
        return (self.method, *sorted((name, str(value)) for name, value in self.params.items()))


class Budget:
    """What may be spent on questions; inquiries at the same time can share it, and so the end of the asking too.

    Attributes:
        began: when there was all of it, by trio's clock.
        spent: the weight spent so far.
        unanswered: the weight of what was sent and not answered: the venue has not reported it yet.
        stopped_by: why asking on makes no sense; empty as long as it does.
    """

    def __init__(self, max_weight: int) -> None:
        self._max_weight = max_weight
        self.began: float = trio.current_time()
        self.spent: int = 0
        self.unanswered: int = 0
        self.stopped_by: str = ""

    def affords(self, weight: int, *, share: float = 1.0) -> bool:
        """Whether a question of this weight can still be asked, within a share of all that may be spent."""
        return self.spent + weight <= self._max_weight * share


class Inquiry:
    """The questions of one recovery, asked within a weight, or within a budget that is shared.

    Every answer is held against its question, and against whose the earlier answers of the stream were.
    """

    def __init__(
        self, request: Request, budget: Budget | int, whose: Whose | None = None, *, share: float = 1.0
    ) -> None:
        self._request = request
        self._share = share
        self._whose = whose or Whose()
        self._budget = Budget(budget) if isinstance(budget, int) else budget
        self._slots = trio.Semaphore(_AT_ONCE)
        self._waiting: dict[Question, None] = {}
        self._unasked: list[str] = []
        self._withheld: list[str] = []
        self._failures: list[str] = []

    @property
    def is_over(self) -> bool:
        """Whether asking on makes no sense."""
        return bool(self._budget.stopped_by)

    def reasons(self) -> list[str]:
        """Say what was not answered, and why."""
        reasons = [self._budget.stopped_by] if self.is_over else []
        reasons += self._failures
        if self._waiting:
            reasons.append(f"no answer came in time for {_listed([question.about for question in self._waiting])}")
        if self._withheld:
            shown = _listed(self._withheld)
            reasons.append(f"the venue reports too much of this minute's weight as used to ask for {shown}")
        if self._unasked and not self.is_over:
            reasons.append(f"the allowed weight did not suffice for {_listed(self._unasked)}")
        return reasons

    async def ask_to_spare(self, questions: Iterable[Question]) -> None:
        """Ask what nothing depends on, with at most half of all that may be spent, and say nothing of what is left."""
        await Inquiry(self._request, self._budget, self._whose, share=0.5).ask(questions)

    async def ask(self, questions: Iterable[Question]) -> None:
        """Ask all of it at once, and what follows from the answers; return when everything has been answered."""
        afforded = [question for question in questions if self._reserve(question)]
        async with trio.open_nursery() as nursery:
            for question in afforded:
                start(nursery, self._pursue, question, nursery.cancel_scope)

    def _reserve(self, question: Question) -> bool:
        if self.is_over or not self._budget.affords(question.weight, share=self._share):
            self._unasked.append(question.about)
            return False
        left = self._request.weight_left(question.method) if isinstance(self._request, Metered) else None
        if left is not None and self._budget.unanswered + question.weight > left:
            self._withheld.append(question.about)
            return False
        self._budget.unanswered += question.weight
        self._budget.spent += question.weight
        self._waiting[question] = None
        return True

    async def _pursue(self, question: Question, batch: trio.CancelScope) -> None:
        left = [question]
        while left:
            question = left.pop(0)
            async with self._slots:
                try:
                    follows = await self._answer(question)
                finally:
                    self._budget.unanswered -= question.weight
                left += [follow for follow in follows if self._reserve(follow)]
                self._waiting.pop(question, None)
                if self.is_over:
                    batch.cancel()  # Before the slot is free for another question.

    async def _answer(self, question: Question) -> Sequence[Question]:
        try:
            answer = await self._result(question)
            check_answer(question.params, answer)
            self._whose.check(answer)
            return question.use(answer) or ()
        except (NotConnected, RateLimited, AuthenticationFailed) as error:
            if isinstance(error, AuthenticationFailed) and isinstance(self._request, Attentive):
                self._request.note_refused(error)
            self._budget.stopped_by = self._budget.stopped_by or str(error)
        except ApiError as error:
            if error.code in question.excuses:
                question.excuses[error.code]()
            else:
                self._failures.append(f"{question.about}: {error}")
        except (RequestError, Unreadable) as error:
            self._failures.append(f"{question.about}: {error}")
        except ArithmeticError as error:
            self._failures.append(f"{question.about}: the answer cannot be computed with ({type(error).__name__})")
        return ()

    async def _result(self, question: Question) -> Any:
        """Ask, and where that may help and is afforded ask again; what is spent on it was reserved before each try."""
        for _ in range(_TRIES - 1):
            if not self._budget.affords(question.weight):
                break  # There is only this one try, so its answer is waited for.
            try:
                with trio.move_on_after(_PATIENCE_SECONDS):
                    return await self._request(question.method, dict(question.params))
                trouble: RequestError = OutcomeUnknown("no answer came in time", method=question.method)
            except OutcomeUnknown as error:
                trouble = error
            except ApiError as error:
                if error.code in question.excuses or not _may_pass(error):
                    raise
                trouble = error
                await trio.sleep(_PAUSE_SECONDS)
            if not self._budget.affords(question.weight):
                raise trouble  # Others have spent it meanwhile.
            self._budget.spent += question.weight
        return await self._request(question.method, dict(question.params))


def _may_pass(error: ApiError) -> bool:
    """Whether a refusal is a trouble of the venue, or of what stands before it, and not about the question.

    A right key, too, is refused for moments.
    """
    if isinstance(error, AuthenticationFailed):
        return True
    return error.code in _TROUBLES or (error.status in (401, 403) and not error.code)


def _listed(things: list[str]) -> str:
    shown = ", ".join(things[:5])
    return shown if len(things) <= 5 else f"{shown} and {len(things) - 5} more"
