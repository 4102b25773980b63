"""Listen keys: who has which, until when, and what those are told who listen with one when it ends.

Rules of the machine:

* An owner has at most one key of each kind, whichever of his API keys asks for it.
* ``POST`` makes it or, while it lives, returns and prolongs it; ``PUT`` prolongs it; ``DELETE`` ends it. A key that has
  ended never lives again: the next ``POST`` makes another.
* Whoever listens is told once that the key has ended, and hears nothing more. Sockets are none of its business.

Source: Binance Derivatives, "User Data Streams" of each product (2026-05-28); Binance Margin Trading, "Risk Data
Stream" (2023-12-22). That a ``DELETE`` is told to the listeners too has been observed.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Collection, Mapping
from enum import StrEnum, unique
from random import Random
from types import MappingProxyType
from typing import Any

import attrs

from trio_binance_uds.products import ListenKeyStream, Product
from trio_binance_uds.sandbox.agenda import Agenda
from trio_binance_uds.sandbox.auth import missing
from trio_binance_uds.sandbox.endings import Ending
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.keys import ApiKey

_LETTERS = string.ascii_letters + string.digits
_SECOND = 1_000_000
VERBS = ("POST", "PUT", "DELETE")


@unique
class KeySpace(StrEnum):
    """A kind of listen key; a key of one kind opens nothing of another."""

    MARGIN_RISK = "margin_risk"
    MARGIN = "margin"  #: account and risk events together
    UNIFIED_MARGIN = "unified_margin"
    USDM = "usdm"  #: of portfolio margin Pro as well
    COINM = "coinm"
    OPTIONS = "options"
    PORTFOLIO_MARGIN = "portfolio_margin"
    STOCKS = "stocks"


# The kinds whose end is told without saying of which key.
_NAMELESS = frozenset({KeySpace.PORTFOLIO_MARGIN})


@attrs.frozen(kw_only=True)
class KeyRoute:
    """How the route of a kind of listen key behaves.

    Attributes:
        names_key: whether ``PUT`` must name the key.
        tells_key: whether the answer to ``PUT`` says which key was prolonged.
        tells_expiration: whether the answer to ``POST`` says when the key expires.
        per_account: whether a call counts against the account; else against the address.
        delete_weight: what a ``DELETE`` costs; the other calls cost 1.
        verbs: those that there are.
    """

    space: KeySpace
    names_key: bool = False
    tells_key: bool = False
    tells_expiration: bool = False
    per_account: bool = False
    delete_weight: int = 1
    verbs: tuple[str, ...] = VERBS


KEY_ROUTES: Mapping[str, KeyRoute] = MappingProxyType(
    {
        "/sapi/v1/margin/listen-key": KeyRoute(
            space=KeySpace.MARGIN_RISK, names_key=True, per_account=True, delete_weight=3000
        ),
        "/sapi/v2/margin/listen-key": KeyRoute(space=KeySpace.MARGIN, names_key=True),
        "/sapi/v2/margin/uta/listen-key": KeyRoute(space=KeySpace.UNIFIED_MARGIN, names_key=True),
        "/sapi/v1/equity/listenKey": KeyRoute(space=KeySpace.STOCKS, verbs=("POST",)),
        "/fapi/v1/listenKey": KeyRoute(space=KeySpace.USDM, tells_key=True),
        "/dapi/v1/listenKey": KeyRoute(space=KeySpace.COINM, tells_key=True),
        "/eapi/v1/listenKey": KeyRoute(space=KeySpace.OPTIONS, tells_expiration=True),
        "/papi/v1/listenKey": KeyRoute(space=KeySpace.PORTFOLIO_MARGIN),
    }
)


def key_space(product: Product | KeySpace | str) -> KeySpace:
    """Return the kind of a product's listen key; it may also be named.

    Raises:
        ValueError: the product has no listen key, or there is no such kind.
    """
    if isinstance(product, str):
        return KeySpace(product)
    if not isinstance(product.mechanism, ListenKeyStream):
        raise ValueError(f"{product.name} has no listen key")
    return KEY_ROUTES[product.mechanism.path].space


@attrs.define(eq=False, kw_only=True)
class ListenKey:
    """A listen key that lives, or has lived. Its text is a secret, and is not shown.

    Attributes:
        owner: the uid of its owner.
        made_with: the API key that asked for it last.
        expires: in microseconds since the epoch.
        ending: tells the event that says so, or ``None`` when the key ends without a word.
    """

    text: str = attrs.field(repr=False)
    space: KeySpace
    owner: int
    made_with: ApiKey = attrs.field(repr=False)
    expires: int
    is_alive: bool = True
    ending: Ending[dict[str, Any] | None] = attrs.field(factory=Ending, repr=False)


class ListenKeys:
    """All listen keys of a sandbox.

    Args:
        life: of a key after its last prolongation, in seconds.
        text_expiry_times: the kinds whose ``listenKeyExpired`` has its time as a string.
    """

    def __init__(
        self,
        now: Callable[[], int],
        agenda: Agenda,
        random: Random,
        *,
        life: float,
        text_expiry_times: Collection[KeySpace],
    ) -> None:
        self._now = now
        self._agenda = agenda
        self._random = random
        self._life = round(life * _SECOND)
        self._text_expiry_times = text_expiry_times
        self._live: dict[tuple[int, KeySpace], ListenKey] = {}
        self._by_text: dict[str, ListenKey] = {}

    # By REST

    def answer(self, verb: str, path: str, key: ApiKey, params: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a ``POST``, ``PUT`` or ``DELETE`` asks for, and return its answer.

        Raises:
            Refusal: -1125, or -3038 or -1102 where the key must be named.
        """
        route = KEY_ROUTES[path]
        if verb == "POST":
            made = self.post(key, route.space)
            answer: dict[str, Any] = {"listenKey": made.text}
            if route.tells_expiration:
                answer["expiration"] = made.expires // 1000
            return answer
        found = self.of(key.account.uid, route.space)
        if route.names_key and verb == "PUT":
            if not params.get("listenKey"):
                raise missing("listenKey")
            if found is None or found.text != params["listenKey"]:
                raise Refusal(-3038, "Listen key not found.")
        elif found is None:
            raise Refusal(-1125, "This listenKey does not exist.")
        if verb == "DELETE":
            self._end(found)
            return {}
        self._prolong(found, key)
        return {"listenKey": found.text} if route.tells_key else {}

    def post(self, key: ApiKey, space: KeySpace) -> ListenKey:
        """Return the owner's live key of a kind, prolonged, or a new one."""
        found = self.of(key.account.uid, space)
        if found is not None:
            self._prolong(found, key)
            return found
        text = "".join(self._random.choices(_LETTERS, k=64))
        made = ListenKey(text=text, space=space, owner=key.account.uid, made_with=key, expires=0)
        self._live[made.owner, space] = self._by_text[text] = made
        self._prolong(made, key)
        return made

    # For those who listen

    def of(self, owner: int, space: KeySpace) -> ListenKey | None:
        """Return an owner's live key of a kind."""
        self._agenda.catch_up()
        return self._live.get((owner, space))

    def find(self, text: str) -> ListenKey | None:
        """Return the live key with this text."""
        self._agenda.catch_up()
        return self._by_text.get(text)

    def expiry(self, key: ListenKey) -> dict[str, Any]:
        """Return the event that says that a key has ended."""
        now = self._now() // 1000
        event: dict[str, Any] = {
            "e": "listenKeyExpired",
            "E": str(now) if key.space in self._text_expiry_times else now,
        }
        if key.space not in _NAMELESS:
            event["listenKey"] = key.text
        return event

    # On purpose

    def expire(self, owner: int, space: KeySpace, *, silently: bool = False) -> None:
        """End an owner's key of a kind, if there is one, as if its time had come or it had been deleted."""
        found = self.of(owner, space)
        if found is not None:
            self._end(found, silently=silently)

    def revoke(self, key: ApiKey, *, silently: bool) -> None:
        """End the keys that an API key has asked for."""
        for found in [found for found in self._live.values() if found.made_with is key]:
            self._end(found, silently=silently)

    # How it is done

    def _prolong(self, key: ListenKey, by: ApiKey) -> None:
        key.made_with = by
        key.expires = due = self._now() + self._life
        self._agenda.at(due, lambda: self._expire(key, due))

    def _expire(self, key: ListenKey, due: int) -> None:
        # It may have been prolonged since, or have ended.
        if key.is_alive and key.expires == due:
            self._end(key)

    def _end(self, key: ListenKey, *, silently: bool = False) -> None:
        key.is_alive = False
        del self._live[key.owner, key.space], self._by_text[key.text]
        key.ending.tell(None if silently else self.expiry(key))
