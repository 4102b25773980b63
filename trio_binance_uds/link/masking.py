"""What was sent to the venue and must not be shown, and texts from outside without it.

A venue, a proxy or a firewall may repeat in an error what it was sent: the API key, a signature, a listen key, a token.
Each stream has one :class:`Masker`, which knows what was sent. It is used where texts come in: the errors of answers,
refused handshakes, reasons of a Close. So nothing behind these places needs to think of it.

A secret is found in any case, percent-encoded, escaped as in JSON or HTML, with characters in between that do not show,
and in part: of a long one every piece of some length.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Mapping
from html import unescape
from typing import Any

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.texts import one_line
from trio_binance_uds.wire.requests import SECRET_NAMES

MASK = "***"

MESSAGE_LIMIT = 300
"""How many characters are kept of the text of an error."""

# What is shorter is no secret: a mask for it would make messages unreadable.
_SHORTEST = 4
# How many characters in a row give a piece of a secret away. Real ones have 60 and more.
_PIECE = 8
# So many signatures are remembered, which change with each request, and so many keys and tokens.
_REMEMBERED = 64
# How much of a text is looked at; what follows is not shown.
_LONGEST_TEXT = 4096
# How often a text may have been encoded.
_LAYERS = 3
_MOST_MEMBERS = 200
_DEEPEST = 8

_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}|&#?[0-9A-Za-z]{1,8};|\\(?=[/\"\\])")


class Masker:
    """The secrets of one stream, and how they are kept out of what is shown."""

    def __init__(self, credentials: Credentials | None = None, secrets: Iterable[str] = ()) -> None:
        self._lasting = [*([credentials.api_key] if credentials is not None else []), *secrets]
        self._keys: deque[str] = deque(maxlen=_REMEMBERED)
        self._signatures: deque[str] = deque(maxlen=_REMEMBERED)
        self._pieces: set[str] | None = None

    def __repr__(self) -> str:
        return f"<Masker of {len(self._secrets())} secrets>"

    def add(self, secret: str) -> None:
        """Remember a listen key or a token."""
        if secret not in self._keys:
            self._keys.append(secret)
            self._pieces = None

    def add_signature(self, signature: str) -> None:
        """Remember a signature that is about to be sent."""
        self._signatures.append(signature)
        self._pieces = None

    def add_from(self, params: Mapping[str, Any]) -> None:
        """Remember the secrets among the parameters of a request."""
        for name in SECRET_NAMES & params.keys():
            value = params[name]
            if name == "signature":
                self.add_signature(str(value))
            else:
                self.add(str(value))

    def text(self, text: str, limit: int = MESSAGE_LIMIT) -> str:
        """Return a text from outside without secrets, as one line of bounded length."""
        return one_line(self._without_secrets(text), limit)

    def value(self, value: Any, depth: int = _DEEPEST) -> Any:
        """Return JSON from outside without secrets; its texts are made lines, and what is too large is cut."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict | list) and not depth:
            return MASK
        if isinstance(value, dict):
            members = list(value.items())[:_MOST_MEMBERS]
            return {
                self.text(name): MASK if name in SECRET_NAMES else self.value(member, depth - 1)
                for name, member in members
            }
        if isinstance(value, list):
            return [self.value(member, depth - 1) for member in value[:_MOST_MEMBERS]]
        return value

    def raw(self, value: Any) -> Any:
        """Return what the venue sent with the keys and tokens that we know masked, and otherwise as it came.

        They are looked for as they are, in any case: this is for values of any size, which are not made lines.
        """
        known = [re.escape(secret) for secret in (*self._lasting, *self._keys) if len(secret) >= _PIECE]
        if not known:
            return value
        pattern = re.compile("|".join(known), re.IGNORECASE)
        return _replaced(value, pattern, pattern_bytes=re.compile(pattern.pattern.encode(), re.IGNORECASE))

    def _without_secrets(self, text: str) -> str:
        text = text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT]
        plain, places = _decoded(text)
        hidden = self._hidden_in(plain)
        if not hidden:
            return text
        parts, end = [], 0
        for first, last in hidden:
            begin, until = places[first][0], places[last - 1][1]
            parts += [text[end:begin], MASK]
            end = until
        return "".join([*parts, text[end:]])

    def _hidden_in(self, plain: str) -> list[tuple[int, int]]:
        """Return where there are pieces of secrets, in order and without overlaps."""
        pieces = self._all_pieces()
        found: list[tuple[int, int]] = []
        for size in {len(piece) for piece in pieces}:
            found += [(at, at + size) for at in range(len(plain) - size + 1) if plain[at : at + size] in pieces]
        joined: list[tuple[int, int]] = []
        for first, last in sorted(found):
            if joined and first <= joined[-1][1]:
                joined[-1] = joined[-1][0], max(last, joined[-1][1])
            else:
                joined.append((first, last))
        return joined

    def _secrets(self) -> list[str]:
        return [*self._lasting, *self._keys, *self._signatures]

    def _all_pieces(self) -> set[str]:
        if self._pieces is None:
            folded = [secret.lower() for secret in self._secrets()]
            self._pieces = {
                secret[at : at + _PIECE]
                for secret in folded
                if len(secret) >= _SHORTEST
                for at in range(max(len(secret) - _PIECE, 0) + 1)
            }
        return self._pieces


def _replaced(value: Any, pattern: re.Pattern[str], *, pattern_bytes: re.Pattern[bytes]) -> Any:
    if isinstance(value, str):
        return pattern.sub(MASK, value)
    if isinstance(value, bytes):
        return pattern_bytes.sub(MASK.encode(), value)
    if isinstance(value, dict):
        return {
            pattern.sub(MASK, name): _replaced(member, pattern, pattern_bytes=pattern_bytes)
            for name, member in value.items()
        }
    if isinstance(value, list):
        return [_replaced(member, pattern, pattern_bytes=pattern_bytes) for member in value]
    return value


def _decoded(text: str) -> tuple[str, list[tuple[int, int]]]:
    """Return the text in lower case, decoded and without what does not show, and where each character comes from."""
    plain, places = text, [(at, at + 1) for at in range(len(text))]
    for _ in range(_LAYERS):
        if not _ENCODED.search(plain):
            break
        plain, places = _decoded_once(plain, places)
    shown = [
        (lower, place)
        for char, place in zip(plain, places, strict=True)
        if char.isprintable() and not char.isspace()
        for lower in char.lower()
    ]
    return "".join([char for char, _ in shown]), [place for _, place in shown]


def _decoded_once(text: str, places: list[tuple[int, int]]) -> tuple[str, list[tuple[int, int]]]:
    chars: list[str] = []
    origins: list[tuple[int, int]] = []
    end = 0
    for match in _ENCODED.finditer(text):
        chars += text[end : match.start()]
        origins += places[end : match.start()]
        end = match.end()
        meant = _meaning(match[0])
        chars += meant
        origins += [(places[match.start()][0], places[end - 1][1])] * len(meant)
    return "".join([*chars, text[end:]]), [*origins, *places[end:]]


def _meaning(code: str) -> str:
    if code[0] == "%":
        return chr(int(code[1:], 16))
    if code[0] == "&":
        return unescape(code)
    return chr(int(code[2:], 16)) if len(code) > 1 else ""
