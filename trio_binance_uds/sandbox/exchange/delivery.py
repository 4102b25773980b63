"""Brings events to whoever watches an account, in order, also when a watcher causes further ones."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance_uds.sandbox.exchange.journal import Journal, Owner

    Sink = Callable[[dict[str, Any]], None]


class Delivery:
    """The way of an event: into the journal at once, to its watchers with the next :meth:`flush`."""

    __slots__ = ("_delivering", "_journal", "_outbox", "_sinks")

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._sinks: dict[int, dict[object, Sink]] = {}
        self._outbox: deque[tuple[int, dict[str, Any]]] = deque()
        self._delivering = False

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        """Add a watcher of an account; return what removes it, which may be called twice."""
        sinks = self._sinks.setdefault(uid, {})
        key = object()  # The same sink may watch twice, and each watch ends on its own.
        sinks[key] = sink

        def unwatch() -> None:
            sinks.pop(key, None)

        return unwatch

    def post(self, time: int, account: Owner, event: dict[str, Any]) -> None:
        """Record an event and put it up for delivery."""
        self._journal.append(time, account.uid, event)
        self._outbox.append((account.uid, event))

    def flush(self) -> None:
        """Deliver what was posted; called from inside a watcher it leaves that to the call that is at it."""
        if self._delivering:
            return
        self._delivering = True
        try:
            while self._outbox:
                uid, event = self._outbox.popleft()
                for sink in tuple(self._sinks.get(uid, {}).values()):
                    sink(event)
        finally:
            self._delivering = False
