"""What a connection and the session behind it need of each other, whichever kind of session it is."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from trio_binance_uds.sandbox.fault_state import Line
from trio_binance_uds.sandbox.keys import ApiKey


class Kind(StrEnum):
    """What an outgoing text is."""

    ANSWER = "answer"
    EVENT = "event"


class Port(Protocol):
    """The connection that a session speaks through."""

    @property
    def id(self) -> int: ...
    @property
    def ip(self) -> str: ...
    @property
    def line(self) -> Line: ...
    def emit(self, text: str, kind: Kind, delay: float) -> None: ...
    def close(self, code: int, reason: str) -> None: ...


class AnySession(Protocol):
    """What goes on behind a connection. Nothing here waits for anything."""

    @property
    def api_key(self) -> str | None:
        """The key that the session is logged on with."""
        ...

    @property
    def watched(self) -> Mapping[int, int]:
        """The uid of the account behind each subscription, by the subscription's number."""
        ...

    def receive(self, text: str | bytes) -> None:
        """Deal with one incoming message; ``bytes`` are a binary one."""
        ...

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Send an event to every subscription."""
        ...

    def announce_shutdown(self) -> None:
        """Say that the server is about to close the connection, where that is said at all."""
        ...

    def vanish(self, subscription_id: int | None) -> None:
        """Forget a subscription, or all, without a word; also the end of every session."""
        ...

    def terminate(self, subscription_id: int | None) -> None:
        """End a subscription, or all, with the event that says so."""
        ...

    def end_subscriptions(self, key: ApiKey, *, silently: bool) -> None:
        """End the subscriptions that were made with an API key, because it is no more."""
        ...
