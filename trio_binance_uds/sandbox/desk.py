"""What the fronts need of a desk: the part of the sandbox that keeps one kind of account, such as USD-M futures.

A desk does no I/O. It is called by the routes of the REST API and answers as they do; the checks that all routes share
(key, signature, timestamp, weight) are the fronts' business, and so are listen keys and tokens, which only say who may
watch. Accounts are known by the uid that an owner has at all desks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import attrs

from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.exchange.journal import Journal

Sink = Callable[[dict[str, Any]], None]
"""Takes one event, as the object that stands on the wire; it is shared with the journal and with other sinks."""


def _one(params: Mapping[str, Any]) -> int:
    return 1


@attrs.frozen(kw_only=True)
class Route:
    """One REST route of a desk.

    Attributes:
        permission: what a key needs for it; ``None``: anybody may call it.
        weight: what a call with these parameters costs.
        orders: how many orders it counts as.
        per_account: whether a call of ``/sapi`` counts against the account; else against the address.
    """

    permission: Permission | None
    weight: Callable[[Mapping[str, Any]], int] = _one
    orders: int = 0
    per_account: bool = False


class Desk(Protocol):
    """One kind of account, its rules, and all events that it has caused."""

    @property
    def routes(self) -> Mapping[tuple[str, str], Route]:
        """The routes by verb and path, such as ``("POST", "/fapi/v1/order")``."""
        ...

    @property
    def journal(self) -> Journal:
        """Every event of the desk, by uid: the oracle that a test holds a client's events against."""
        ...

    def has(self, uid: int) -> bool:
        """Whether this owner has an account here."""
        ...

    def open_account(self, uid: int, balances: Mapping[str, str]) -> None:
        """Open an owner's account with these wallet balances by asset."""
        ...

    def call(self, uid: int, verb: str, path: str, params: Mapping[str, Any]) -> Any:
        """Do what a route does for an account, and return its answer as JSON would have it.

        Every watcher has the events of it when this returns.

        Raises:
            Refusal: with the code, text and status that the real one answers with.
        """
        ...

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        """Send the account's events to a sink from now on; return what ends that, which may be called twice."""
        ...
