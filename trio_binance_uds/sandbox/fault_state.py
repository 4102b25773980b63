"""What can be wrong on purpose, as values: with a line, with an answer, with the door."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Protocol

import attrs

from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.keys import ApiKey


class How(StrEnum):
    """How a connection is cut: with a TCP reset, or with an end of file and no closing handshake."""

    RESET = "reset"
    EOF = "eof"


@attrs.define(kw_only=True)
class Line:
    """What is wrong with one connection right now; its writer looks here.

    Attributes:
        silent: nothing goes out any more, and nothing that comes in is looked at.
        delay: seconds that every outgoing frame is held up.
        answer_pings, send_pings: whether the server still does.
        events_first: whether the events that a request causes are sent before its answer.
        drop: how many outgoing messages still vanish.
        duplicate: how many events are still sent twice.
        tear: whether the next message is cut off in the middle, and the connection with it.
    """

    silent: bool = False
    delay: float = 0.0
    answer_pings: bool = True
    send_pings: bool = True
    events_first: bool = False
    drop: int = 0
    duplicate: int = 0
    tear: bool = False


@attrs.define(kw_only=True)
class Script:
    """What becomes of the next requests for a method.

    Attributes:
        method: which one; ``None`` for any.
        connection: on which connection; ``None`` for any, REST included.
        times: how many requests it still applies to.
        execute: whether the venue does what it was asked before the answer goes wrong.
        error: the answer instead of the true one; ``None`` for the true one.
        lost: whether there is no answer at all.
        cut: whether the connection of a REST request ends in place of the answer.
        page: the title of an HTML page in place of the answer to a REST request.
        delay: seconds that the answer comes late; what is sent meanwhile overtakes it.
    """

    method: str | None = None
    connection: int | None = None
    times: int = 1
    execute: bool = True
    error: Refusal | None = None
    lost: bool = False
    cut: bool = False
    page: str | None = None
    delay: float = 0.0


@attrs.frozen(kw_only=True)
class Door:
    """How attempts to connect are turned away: with an HTTP status, or by hanging up without a word."""

    status: int | None = None
    retry_after: int | None = None
    code: int = -1003
    msg: str = "Service unavailable."


class Target(Protocol):
    """What the faults need of a live connection."""

    id: int
    ip: str
    line: Line

    def cut(self, how: How) -> None: ...
    def close(self, code: int, reason: str) -> None: ...
    def send_raw(self, data: str | bytes) -> None: ...
    def send_event(self, event: dict[str, Any]) -> None: ...
    def announce_shutdown(self) -> None: ...
    def vanish(self, subscription_id: int | None) -> None: ...
    def terminate(self, subscription_id: int | None) -> None: ...
    def end_subscriptions(self, key: ApiKey, *, silently: bool) -> None: ...


Which = Target | int | None


def id_of(connection: Which) -> int | None:
    """Return the id of a connection that is named by itself, or by its id already."""
    return connection if connection is None or isinstance(connection, int) else connection.id
