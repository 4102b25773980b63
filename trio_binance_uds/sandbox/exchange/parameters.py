"""Reads the parameters of a request by Binance's rules, and remembers which ones were read.

Values may be JSON's strings, numbers and booleans or the strings of a REST query; both spell the same thing.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange import refusals
from trio_binance_uds.sandbox.exchange.amounts import decimal_places

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
INTEGER = r"^-?[0-9]{1,19}$"
CLIENT_ID = r"^[a-zA-Z0-9-_]{1,36}$"
MAX_LONG = 2**63 - 1
MICROSECONDS_FROM = 10**14
"""A time at or above this is in microseconds, below it in milliseconds."""


class Parameters:
    """The parameters of one request.

    The methods return ``None`` for a parameter that was not sent; those called ``need_*`` refuse then.
    """

    __slots__ = ("_given", "_prefix", "_read")

    def __init__(self, given: Mapping[str, Any], *, _prefix: str = "", _read: set[str] | None = None) -> None:
        self._given = given
        self._prefix = _prefix
        self._read: set[str] = set() if _read is None else _read

    def leg(self, prefix: str) -> Parameters:
        """Return a view on the parameters that begin with ``prefix``: ``price`` then reads ``abovePrice``."""
        return Parameters(self._given, _prefix=prefix, _read=self._read)

    def name(self, name: str) -> str:
        """Return a parameter's full name."""
        return self._prefix + name[0].upper() + name[1:] if self._prefix else name

    def finish(self) -> None:
        """Refuse the request if it has parameters that nobody asked for."""
        if len(self._given) > len(self._read):
            raise refusals.unread(len(self._read), len(self._given))

    def forbid(self, *names: str) -> None:
        """Refuse parameters that make no sense here."""
        for name in names:
            if self.text(name) is not None:
                raise refusals.not_required(self.name(name))

    def text(self, name: str) -> str | None:
        full = self.name(name)
        value = self._given.get(full)
        if full in self._given:
            self._read.add(full)
        if value is None:
            return None
        if isinstance(value, bool):
            return "true" if value else "false"
        text = format(value, "f") if isinstance(value, Decimal | float) else str(value)
        if not text:
            raise refusals.empty(full)
        return text

    def need_text(self, name: str) -> str:
        value = self.text(name)
        if value is None:
            raise refusals.mandatory(self.name(name))
        return value

    def decimal(self, name: str) -> Decimal | None:
        text = self.text(name)
        if text is None:
            return None
        if not re.fullmatch(DECIMAL, text, re.ASCII):
            raise refusals.illegal_characters(self.name(name), DECIMAL)
        value = Decimal(text)
        if decimal_places(value) > 8:
            raise refusals.too_precise(self.name(name))
        return value

    def positive(self, name: str) -> Decimal | None:
        """Read an amount that may be left out but not be zero."""
        value = self.decimal(name)
        if value is not None and not value:
            raise refusals.Refusal(-1013, f"Invalid {name}.")
        return value

    def need_positive(self, name: str) -> Decimal:
        value = self.positive(name)
        if value is None:
            raise refusals.mandatory(self.name(name))
        return value

    def integer(self, name: str, *, minimum: int | None = None, maximum: int = MAX_LONG) -> int | None:
        text = self.text(name)
        if text is None:
            return None
        if not re.fullmatch(INTEGER, text, re.ASCII):
            raise refusals.illegal_characters(self.name(name), INTEGER)
        value = int(text)
        if value > maximum or (minimum is not None and value < minimum):
            raise refusals.not_valid(self.name(name))
        return value

    def need_integer(self, name: str) -> int:
        value = self.integer(name)
        if value is None:
            raise refusals.mandatory(self.name(name))
        return value

    def boolean(self, name: str, default: bool) -> bool:
        text = self.text(name)
        if text is None:
            return default
        if text.lower() not in ("true", "false"):
            raise refusals.not_valid(self.name(name))
        return text.lower() == "true"

    def choice(self, name: str, allowed: Collection[str], refusal: refusals.Refusal | None = None) -> str | None:
        text = self.text(name)
        if text is not None and text not in allowed:
            raise refusal or refusals.not_valid(self.name(name))
        return text

    def need_choice(self, name: str, allowed: Collection[str], refusal: refusals.Refusal | None = None) -> str:
        text = self.choice(name, allowed, refusal)
        if text is None:
            raise refusals.mandatory(self.name(name))
        return text

    def client_id(self, name: str) -> str | None:
        text = self.text(name)
        if text is not None and not re.fullmatch(CLIENT_ID, text, re.ASCII):
            raise refusals.illegal_characters(self.name(name), CLIENT_ID)
        return text

    def limit(self, *, default: int = 500, maximum: int = 1000) -> int:
        """Read ``limit``; more than the maximum counts as the maximum."""
        value = self.integer("limit", minimum=1)
        return min(default if value is None else value, maximum)

    def time(self, name: str, *, ends: bool = False) -> int | None:
        """Read a time into microseconds; ``ends``: one in milliseconds includes its whole millisecond."""
        value = self.integer(name, minimum=0)
        if value is None or value >= MICROSECONDS_FROM:
            return value
        return value * 1000 + (999 if ends else 0)

    def names(self, name: str) -> list[str] | None:
        """Read a list of symbols: a JSON array, or its text as REST sends it."""
        full = self.name(name)
        value = self._given.get(full)
        if value is None:
            return None
        self._read.add(full)
        if isinstance(value, str):
            value = re.findall(r'"([^"]*)"', value)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise refusals.not_valid(full)
        return value
