"""The stream of all margin accounts of an owner: what happens on them, and their risk, with one listen key.

Whose events they are is in no frame. That the key brings the events of all accounts, and the risk of isolated ones, is
how other clients describe it; nobody has published a frame.

Source: clients' code of 2026-10; of the unified account the change log of Binance Margin Trading of 2026-09-25, second
hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from trio_binance_uds.sandbox.desk import Route, Sink
from trio_binance_uds.sandbox.exchange import Journal, Refusal
from trio_binance_uds.sandbox.exchange.delivery import Delivery
from trio_binance_uds.sandbox.margin.accounts import MarginAccount
from trio_binance_uds.sandbox.margin.desk import MarginDesk

Event = dict[str, Any]


class MarginFeed:
    """A desk without routes, whose events are those of a margin desk's accounts.

    Args:
        rewrite: makes the event about a risk that this stream has in place of that of the risk stream.
    """

    def __init__(self, desk: MarginDesk, rewrite: Callable[[Event], Event] = dict) -> None:
        self._desk = desk
        self._rewrite = rewrite
        self._journal = Journal()
        self._delivery = Delivery(self._journal)
        desk.follow(self._on_account_event, self._on_risk_event)

    @property
    def routes(self) -> Mapping[tuple[str, str], Route]:
        """None: its accounts are those of the margin desk."""
        return MappingProxyType({})

    @property
    def journal(self) -> Journal:
        """Every event, by the uid of the owner."""
        return self._journal

    def has(self, uid: int) -> bool:
        """Whether this owner has any margin account."""
        return self._desk.has(uid)

    def open_account(self, uid: int, balances: Mapping[str, str]) -> None:
        """Refuse: accounts are opened at the margin desk."""
        raise ValueError("open a margin account instead, with cross_margin or isolated_margin")

    def call(self, uid: int, verb: str, path: str, params: Mapping[str, Any]) -> Any:
        """Refuse: there are no routes."""
        raise Refusal(-1000, "Not found.", status=404)

    def watch(self, uid: int, sink: Sink) -> Callable[[], None]:
        """Send an owner's events to a sink; return what ends that."""
        return self._delivery.watch(uid, sink)

    def _on_account_event(self, account: MarginAccount, event: Event) -> None:
        self._post(account, event)

    def _on_risk_event(self, account: MarginAccount, event: Event) -> None:
        self._post(account, self._rewrite(event))

    def _post(self, account: MarginAccount, event: Event) -> None:
        self._delivery.post(self._desk.now(), self._desk.exchange.accounts[account.owner], event)
        self._delivery.flush()


def as_unified(event: Event) -> Event:
    """Return the event of a risk stream as a unified account has it."""
    head = {"E": event["E"]}
    if event["e"] == "USER_LIABILITY_CHANGE":
        listed = [{name: event[name] for name in ("a", "p", "i")}]
        return {"e": "liabilityChange", **head, "t": event["t"], "L": listed}
    return {"e": "marginLevelChange", **head, "l": event["l"], "s": event["s"]}
