"""The requests of one connection, each from its beginning to its one outcome.

* A call *waits* until the writer takes it. So long nothing is sent, and a caller who leaves takes it along.
* Then it is *sent*, and the venue may act on it. It is resolved by its answer, by its time, by a fault of the session
  or by the end of the connection, whichever comes first, and what comes later finds no entry.
* All calls of a connection may take equally long, so the one that began first is due first: to know the next deadline
  is to look at one call, and no call needs a timer of its own.

All of it is synchronous; only a caller waits, for its own call.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import chain
from typing import Any

import attrs
import trio

from trio_binance_uds.errors import NotConnected
from trio_binance_uds.link.masking import Masker
from trio_binance_uds.link.outcomes import refusal, unknown
from trio_binance_uds.wire.frames import ConnectionFault, Response


class Auth(Enum):
    """How a request shows who it comes from."""

    NONE = "none"
    SESSION = "session"
    SIGNATURE = "signature"


@attrs.define(eq=False)
class Call:
    """One request. It is done when ``resolved`` is set; ``error`` or else ``response`` then says how."""

    method: str
    params: Mapping[str, Any]
    auth: Auth
    client_order_id: str | None
    deadline: float
    resolved: trio.Event = attrs.field(factory=trio.Event)
    id: int | None = None
    response: Response | None = None
    error: Exception | None = None

    def resolve(self, *, response: Response | None = None, error: Exception | None = None) -> None:
        assert not self.resolved.is_set(), "a call resolves exactly once"
        self.response, self.error = response, error
        self.resolved.set()


class Calls:
    """The calls of one connection that are not resolved yet."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        # Both in the order in which the calls began, as they are sent in that order.
        self._waiting: dict[Call, None] = {}
        self._sent: dict[int, Call] = {}
        # Requests that were sent and not answered, those of callers who have left included.
        self._open_ids: set[int] = set()
        self._next_id = 1
        self._idle = trio.lowlevel.ParkingLot()

    def __len__(self) -> int:
        return len(self._waiting) + len(self._sent)

    @property
    def are_waiting(self) -> bool:
        """Whether there is something to send."""
        return bool(self._waiting)

    @property
    def next_id(self) -> int:
        """The id of the request that is sent next."""
        return self._next_id

    def begin(self, method: str, params: Mapping[str, Any], auth: Auth, client_order_id: str | None) -> Call:
        """Return a new call, which waits to be sent."""
        call = Call(method, params, auth, client_order_id, trio.current_time() + self._seconds)
        self._waiting[call] = None
        return call

    def take_waiting(self) -> list[Call]:
        """Return the calls that wait: each is to be marked as sent, or resolved, before anybody else has a turn."""
        taken, self._waiting = list(self._waiting), {}
        return taken

    def mark_sent(self, call: Call) -> None:
        """Take in that a call is being written under the next id."""
        number = call.id = self._next_id
        self._next_id += 1
        self._sent[number] = call
        self._open_ids.add(number)

    def leave(self, call: Call) -> None:
        """Forget a call, as its caller does not wait any more."""
        if call.id is None:
            self._waiting.pop(call, None)
        else:
            self._sent.pop(call.id, None)
        if self._idle and not len(self):
            self._idle.unpark_all()

    async def wait_none(self) -> None:
        """Return once there is no call."""
        while len(self):
            await self._idle.park()

    def answered(self, response: Response) -> bool:
        """Resolve the call that a response answers, if there still is one."""
        number = response.id
        if type(number) is not int:
            return False
        self._open_ids.discard(number)
        call = self._sent.pop(number, None)
        if call is not None:
            call.resolve(response=response)
        return call is not None

    def expire(self) -> float:
        """Resolve the calls whose time is up; return when to look again.

        Until then no call can be due, not even one that begins meanwhile.
        """
        now = trio.current_time()
        for call in self._in_order():
            if call.deadline > now:
                return call.deadline
            self.leave(call)
            if call.id is None:
                text = f"{call.method} was not sent: the connection does not take it"
                call.resolve(error=NotConnected(text, method=call.method))
            else:
                call.resolve(error=self._lost(call, f"no answer came within {self._seconds:g} s"))
        return now + self._seconds

    def session_refused(self, fault: ConnectionFault, cause: Exception, now: float, masker: Masker) -> None:
        """Resolve the requests of the session, whose key was refused in reaction to the next request of any kind.

        That one gets no answer of its own. Where only one was open, it was that one. Where several were, the others can
        have been carried out: it may be a question of the stream's own that was refused, and an order was not.
        """
        is_the_only_one = len(self._open_ids) == 1
        for number, call in list(self._sent.items()):
            if call.auth is not Auth.SESSION:
                continue
            del self._sent[number]
            if is_the_only_one:
                call.resolve(error=refusal(call.method, fault.status, fault.error, now, masker=masker))
            else:
                call.resolve(error=self._lost(call, "the key was refused while it was open", cause))

    def connection_ended(self, cause: Exception | None) -> None:
        """Resolve all that is open: the connection is gone."""
        for call in self._in_order():
            self.leave(call)
            if call.id is None:
                call.resolve(error=not_connected(call.method))
            else:
                call.resolve(error=self._lost(call, "the connection was lost before an answer came", cause))

    def _in_order(self) -> Iterator[Call]:
        return chain(tuple(self._sent.values()), tuple(self._waiting))

    @staticmethod
    def _lost(call: Call, why: str, cause: Exception | None = None) -> Exception:
        lost = unknown(call.method, call.client_order_id, why)
        lost.__cause__ = cause
        return lost


def not_connected(method: str) -> NotConnected:
    """Return the exception for a request that finds no connection."""
    return NotConnected(f"{method} was not sent: there is no connection", method=method)
