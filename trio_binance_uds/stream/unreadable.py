"""What came on a subscription and could not be read: since when, and whether the venue's answers can show what it was.

An event that could not be read has changed something, and the user was given only its raw form. The venue is asked
what is there now, as after a lost connection. Which answers can prove that nothing is missing then depends on what the
event was:

* A report of an order, of a list or of a conditional order, the balances or the positions: the answers show all that
  it can have said, so the recovery's own proof counts.
* Everything else, such as a transfer, a margin call or a debt, can leave no trace in any answer; and a frame that does
  not even say its type can have been that. Such a gap is never called complete.
"""

from __future__ import annotations

from datetime import datetime

from trio_binance_uds.events import UndecodableEvent

_SHOWN_BY_ANSWERS = frozenset(
    {
        "executionReport",
        "listStatus",
        "outboundAccountPosition",
        "ORDER_TRADE_UPDATE",
        "TRADE_LITE",
        "ALGO_UPDATE",
        "CONDITIONAL_ORDER_TRADE_UPDATE",
        "ACCOUNT_UPDATE",
        "ACCOUNT_CONFIG_UPDATE",
        "BALANCE_POSITION_UPDATE",
    }
)
_SHOWN = 3


class Unreadable:
    """What could not be read since the venue was last asked.

    Attributes:
        count: how many events these are.
        since: the earliest time that one of them says it was sent at; ``None`` while none says it.
    """

    def __init__(self) -> None:
        self.count: int = 0
        self.since: datetime | None = None
        self._types: dict[str, None] = {}

    def add(self, event: UndecodableEvent) -> None:
        """Note an event that could not be read and is about to be delivered."""
        self.count += 1
        self._types.setdefault(event.event_type or "")
        if event.event_time is not None:
            self.since = min(event.event_time, self.since or event.event_time)

    def detail(self) -> str:
        """Say what could not be read, for people."""
        return f"{self.count} could not be read: {self._names(list(self._types))}"

    def in_question(self) -> str:
        """Say what no answer can show; nothing if the answers can show all of it."""
        hidden = [name for name in self._types if name not in _SHOWN_BY_ANSWERS]
        return f"no answer shows what this was: {self._names(hidden)}" if hidden else ""

    @staticmethod
    def _names(types: list[str]) -> str:
        names = [name or "a frame without a type" for name in types]
        return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
