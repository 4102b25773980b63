"""Keeps what a recovery has learned until what it found is delivered; only then is it recorded.

A recovery can come to nothing after it has been answered: its link is lost, or its events find no room. The next one
then asks for all of it again. Had the first one recorded its answers at once, the next one would take for delivered
what nobody was given, and call the gap complete.
"""

from __future__ import annotations

from collections.abc import Callable


class Learned:
    """What the present recovery is to record when its gap is delivered."""

    def __init__(self) -> None:
        self._records: list[Callable[[], object]] = []

    def add(self, record: Callable[[], object]) -> None:
        """Have this called when the gap is delivered, after what was added before."""
        self._records.append(record)

    def forget(self) -> None:
        """Record nothing: a recovery begins, or what the last one found is not delivered."""
        self._records.clear()

    def record(self) -> None:
        """Record all of it, as the gap is being delivered."""
        records, self._records = self._records, []
        for record in records:
            record()
