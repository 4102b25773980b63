"""Counts what becomes of requests, and how long the venue takes to answer them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs
import trio

from trio_binance_uds.errors import ApiError, NotConnected, OutcomeUnknown


@attrs.frozen(kw_only=True)
class RequestStatistics:
    """What has become of requests. One that is sent again, as after a refused timestamp, counts twice.

    Attributes:
        answered: requests with a result.
        refused: requests that the venue has refused (:exc:`ApiError`).
        not_sent: requests that were never sent, for lack of a connection (:exc:`NotConnected`).
        unknown: requests of which nobody knows what became (:exc:`OutcomeUnknown`).
        abandoned: requests whose callers were cancelled before there was an answer.
        answer_seconds: how long the answers to those that were answered or refused have taken, all together.
        slowest_answer_seconds: how long the slowest of these answers took; 0 before there is one.
        last_answer_seconds: how long the last of them took; ``None`` before there is one.
    """

    answered: int = 0
    refused: int = 0
    not_sent: int = 0
    unknown: int = 0
    abandoned: int = 0
    answer_seconds: float = 0.0
    slowest_answer_seconds: float = 0.0
    last_answer_seconds: float | None = None


class RequestCounts:
    """The counts of the requests of one origin."""

    def __init__(self) -> None:
        self._so_far = RequestStatistics()

    @property
    def so_far(self) -> RequestStatistics:
        """What there is to say now."""
        return self._so_far

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count the request that the block makes, by how the block ends."""
        began = trio.current_time()
        try:
            yield
        except NotConnected:
            self.note_not_sent()
            raise
        except OutcomeUnknown:
            self._add("unknown")
            raise
        except ApiError:
            self._note_answer("refused", began)
            raise
        except trio.Cancelled:
            self._add("abandoned")
            raise
        self._note_answer("answered", began)

    def note_not_sent(self) -> None:
        """Count a request for which there was no connection."""
        self._add("not_sent")

    def _add(self, outcome: str) -> None:
        self._so_far = attrs.evolve(self._so_far, **{outcome: getattr(self._so_far, outcome) + 1})

    def _note_answer(self, outcome: str, began: float) -> None:
        self._add(outcome)
        took, so_far = trio.current_time() - began, self._so_far
        self._so_far = attrs.evolve(
            so_far,
            answer_seconds=so_far.answer_seconds + took,
            slowest_answer_seconds=max(so_far.slowest_answer_seconds, took),
            last_answer_seconds=took,
        )
