"""Echoes of what is told anew as a whole: the totals of an account, its level of risk.

A live event of this kind that comes late says what a recovered one has said, or something older. Where it carries no
number, only its time and its word can tell.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from datetime import datetime

from trio_binance_uds.events import Event


class SnapshotEchoes:
    """Recognises totals that are older than the recovered ones of their kind; there are new ones every few seconds."""

    def __init__(self, recovered: Iterable[tuple[type[Event], datetime]]) -> None:
        self._told = dict(recovered)

    def is_echo(self, event: Event, at: datetime) -> bool:
        """Whether totals of this time are older than the recovered ones of their kind."""
        told = self._told.get(type(event))
        return told is not None and at < told


class WordEcho:
    """Recognises the one live event that tells the word that was recovered.

    After another word has been told, the same one again is news.
    """

    def __init__(self, word: Hashable | None) -> None:
        self._expected = word

    def is_echo(self, word: Hashable) -> bool:
        """Whether a live event with this word repeats the recovered one."""
        is_echo = self._expected is not None and word == self._expected
        self._expected = None
        return is_echo
