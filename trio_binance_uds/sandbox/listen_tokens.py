"""Listen tokens: short-lived permissions to watch one margin account over the WebSocket API.

Source: Binance Margin Trading, "Trade Data Stream" (2026-01-15). What is refused, and with which code, is inferred but
for the token itself; that an older token of the same account lives on is inferred as well.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import attrs

from trio_binance_uds.sandbox.agenda import Agenda
from trio_binance_uds.sandbox.auth import missing
from trio_binance_uds.sandbox.endings import Ending
from trio_binance_uds.sandbox.exchange import Account, Refusal
from trio_binance_uds.sandbox.keys import ApiKey

TOKEN_ROUTE = ("POST", "/sapi/v1/userListenToken")
_LONGEST_MS = 86_400_000
_LETTERS = string.ascii_letters + string.digits
_LENGTH = 70
_BOOLEANS = {"true": True, "false": False}


@attrs.define(eq=False, kw_only=True)
class ListenToken:
    """A listen token; its text is a secret, and is not shown.

    Attributes:
        account: whom it is for: a margin account, as the exchange knows it.
        made_with: the API key that asked for it.
        expires: in microseconds since the epoch.
        ending: tells whether the token ends without a word.
    """

    text: str = attrs.field(repr=False)
    account: Account
    made_with: ApiKey = attrs.field(repr=False)
    expires: int
    ending: Ending[bool] = attrs.field(factory=Ending, repr=False)


class ListenTokens:
    """All listen tokens of a sandbox that are alive.

    Args:
        find_account: returns the margin account of an owner, the cross one or that of a symbol, or refuses.
    """

    def __init__(
        self,
        now: Callable[[], int],
        agenda: Agenda,
        random: Random,
        find_account: Callable[[int, str | None], Account],
    ) -> None:
        self._now = now
        self._agenda = agenda
        self._random = random
        self._find_account = find_account
        self._live: dict[str, ListenToken] = {}

    def post(self, key: ApiKey, params: Mapping[str, Any]) -> dict[str, Any]:
        """Make a token, a new one with each call, and return the answer of the route.

        Raises:
            Refusal: -1102, -1130 or -3003.
        """
        is_isolated = _BOOLEANS.get(str(params.get("isIsolated", "false")).lower())
        if is_isolated is None:
            raise _not_valid("isIsolated")
        symbol = params.get("symbol") if is_isolated else None
        if is_isolated and not symbol:
            raise missing("symbol")
        validity = str(params.get("validity", _LONGEST_MS))
        if not (validity.isascii() and validity.isdigit()) or not 0 < int(validity) <= _LONGEST_MS:
            raise _not_valid("validity")
        account = self._find_account(key.account.uid, symbol)
        now = self._now()
        made = ListenToken(text=self._text(), account=account, made_with=key, expires=now + int(validity) * 1000)
        self._live[made.text] = made
        self._agenda.at(made.expires, lambda: self._end(made))
        return {"token": made.text, "expirationTime": made.expires // 1000}

    def _text(self) -> str:
        # As on Binance there is always something in it that does not survive careless encoding.
        letters = [*self._random.choices(_LETTERS, k=_LENGTH - 2), "+", "/"]
        self._random.shuffle(letters)
        return "".join(letters)

    def find(self, text: Any) -> ListenToken | None:
        """Return the live token with this text."""
        self._agenda.catch_up()
        return self._live.get(text) if isinstance(text, str) else None

    def expire(self, owner: int, symbol: str | None) -> None:
        """End all tokens of an owner's margin account as if their time had come.

        Raises:
            Refusal: there is no such account.
        """
        account = self._find_account(owner, symbol)
        for token in [token for token in self._live.values() if token.account is account]:
            self._end(token)

    def revoke(self, key: ApiKey, *, silently: bool) -> None:
        """End the tokens that an API key has asked for."""
        for token in [token for token in self._live.values() if token.made_with is key]:
            self._end(token, silently=silently)

    def _end(self, token: ListenToken, *, silently: bool = False) -> None:
        if self._live.pop(token.text, None) is not None:
            token.ending.tell(silently)


def _not_valid(name: str) -> Refusal:
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")
