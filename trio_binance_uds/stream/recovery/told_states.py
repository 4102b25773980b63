"""Echoes of what is told anew as a whole: the totals of an account, its level of risk.

A live event of this kind that comes late says what a recovered one has said, or something older. Where it carries no
number, only its time and its word can tell.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime

from trio_binance_uds.events import Event
from trio_binance_uds.stream.recovery.timing import BETWEEN_SERVERS


class SnapshotEchoes:
    """Recognises totals that are older than the recovered ones of their kind; there are new ones every few seconds."""

    def __init__(self, recovered: Iterable[tuple[type[Event], datetime | None]]) -> None:
        self._told = dict(recovered)

    def is_echo(self, event: Event, at: datetime | None) -> bool:
        """Whether totals of this time are older than the recovered ones of their kind; without a time they are not."""
        told = self._told.get(type(event))
        return told is not None and at is not None and at < told


class WordEcho:
    """Recognises the one live event that tells the word that was recovered.

    After another word has been told, the same one again is news. So it is if it is newer than the answer: between two
    recoveries another word can have come that no live event has told. ``answered`` is the latest time of the answer.
    """

    def __init__(self, word: Hashable | None, answered: datetime | None) -> None:
        self._expected = word
        self._until = None if answered is None else answered + BETWEEN_SERVERS

    def is_echo(self, word: Hashable, at: datetime | None) -> bool:
        """Whether a live event with this word, of this time, repeats the recovered one; without a time it is news."""
        is_echo = self._until is not None and word == self._expected and at is not None and at <= self._until
        self._expected = None
        return is_echo
