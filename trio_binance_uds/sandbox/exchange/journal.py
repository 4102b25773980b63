"""Records every event that the exchange emits: the oracle that a test holds a client's events against."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Protocol

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Owner(Protocol):
    """Whoever has events: an account of any kind, known by its uid."""

    @property
    def uid(self) -> int:
        """The number that tells it from all others here."""
        ...


@attrs.frozen
class JournalEntry:
    """One emitted event. Treat ``event`` as read-only: subscribers got the same object."""

    seq: int
    """Counts the events of all accounts, from 0."""
    time: int
    """When it was emitted, in epoch microseconds."""
    uid: int
    """Whose event it is."""
    event: dict[str, Any]


class Journal:
    """An append-only list of events, in all and per account."""

    __slots__ = ("_by_account", "_entries")

    def __init__(self) -> None:
        self._entries: list[JournalEntry] = []
        self._by_account: dict[int, list[JournalEntry]] = {}

    def append(self, time: int, uid: int, event: dict[str, Any]) -> JournalEntry:
        """Record an event; only the exchange does this."""
        entry = JournalEntry(len(self._entries), time, uid, event)
        self._entries.append(entry)
        self._by_account.setdefault(uid, []).append(entry)
        return entry

    def __len__(self) -> int:
        """The number of events so far, which is also the next sequence number."""
        return len(self._entries)

    def entries(self, account: Owner | int | None = None, since: int = 0) -> Iterator[JournalEntry]:
        """Yield the events from sequence number ``since`` on, of one account (or uid) or of all, oldest first."""
        entries: Sequence[JournalEntry] = self._entries
        if account is None:
            first = since
        else:
            entries = self._by_account.get(account if isinstance(account, int) else account.uid, [])
            first = bisect_left(entries, since, key=lambda entry: entry.seq)
        for position in range(first, len(entries)):
            yield entries[position]

    def events(self, account: Owner | int, since: int = 0) -> list[dict[str, Any]]:
        """Return the bare events of an account (or uid) from sequence number ``since`` on."""
        return [entry.event for entry in self.entries(account, since)]
