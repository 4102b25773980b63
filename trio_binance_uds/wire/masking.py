"""Masks secrets in what the venue sent: in JSON values at any depth, and in texts.

Binance spells the names of secrets in several ways, and other people's proxies in more: names are compared without
case, hyphens and underscores. What stands under such a name is masked, and then also wherever else it stands in the
same value, for example inside the name of a stream.
"""

from __future__ import annotations

import re
from typing import Any, overload

MASK = "***"

# The name of a combined stream is a listen key, and so are the parameters of a subscription to one.
_NAMES = frozenset(
    {
        "apikey",
        "xmbxapikey",
        "mbxapikey",
        "listenkey",
        "listenkeys",
        "userlistenkey",
        "listentoken",
        "listentokens",
        "userlistentoken",
        "token",
        "accesstoken",
        "signature",
        "secret",
        "secretkey",
        "apisecret",
        "privatekey",
        "passphrase",
        "password",
        "stream",
        "streams",
        "params",
    }
)
_SHORTEST_NAME = min(map(len, _NAMES))
# The same names in a text that is no JSON, or in a URL within one: with what stands between, and a value to mask.
_LOOSE_NAMES = "|".join("".join(f"{letter}[-_]?" for letter in name) for name in sorted(_NAMES, key=len, reverse=True))
_IN_TEXT = rf"""(?ix)
    (?<![a-z0-9])((?:{_LOOSE_NAMES})\\?["']?\s*[:=]\s*)   # the name, and what leads to its value
    (\[[^\]]*\]?                                          # a list
    |\\?"(?:[^"\\]|\\(?!"))*                              # a text, which may be torn off
    |'[^']*
    |[^\s&,;}}\])"']+)                                    # a number, or the rest of a word
"""
_NAMED_IN_TEXT = re.compile(_IN_TEXT)
_IN_PATH = re.compile(r"(?<=/ws/)[\w-]{16,}")
# Shorter values can be anything, and to mask each place where they stand would leave little to read.
_MIN_KNOWN = 8


def masked(value: Any, *, in_texts: bool = False) -> Any:
    """Return the JSON value with every secret masked; what holds none is returned as it is, and nothing is changed.

    With ``in_texts`` also what looks like a secret inside a text is masked: use it where nobody knows what texts mean.
    """
    known: set[str] = set()
    if not _collect(value, known, secret=False) and not in_texts:
        return value
    return _mask(value, tuple(sorted(known, key=len, reverse=True)), in_texts)


@overload
def masked_text(text: str) -> str: ...
@overload
def masked_text(text: str | bytes) -> str | bytes: ...
def masked_text(text: str | bytes) -> str | bytes:
    """Return a text that is no JSON with what looks like a secret masked."""
    if isinstance(text, bytes):
        return masked_text(text.decode("latin-1")).encode("latin-1")  # each byte is a letter, and comes back
    known: set[str] = set()

    def replace(found: re.Match[str]) -> str:
        known.update(word for word in re.split(r"[^\w-]+", found[2]) if len(word) >= _MIN_KNOWN)
        quote = found[2][0] if found[2][0] in "\"'" else ""
        return f"{found[1]}{quote}{MASK}"

    shown = _IN_PATH.sub(MASK, _NAMED_IN_TEXT.sub(replace, text))
    return _without(shown, tuple(sorted(known, key=len, reverse=True)))


def is_secret(name: str) -> bool:
    """Return whether a member of this name holds a secret."""
    # Nearly all names are shorter.
    if len(name) < _SHORTEST_NAME:
        return False
    return name.lower().replace("_", "").replace("-", "").replace(" ", "") in _NAMES


def _collect(value: Any, known: set[str], *, secret: bool) -> bool:
    """Add the texts that stand under names of secrets; return whether there are such names."""
    found = secret
    if type(value) is dict:
        for name, member in value.items():
            hidden = secret or is_secret(name)
            if hidden or type(member) in (dict, list):
                found = _collect(member, known, secret=hidden) or found
    elif type(value) is list:
        for member in value:
            found = _collect(member, known, secret=secret) or found
    elif secret and type(value) is str:
        # The name of a stream can be a listen key with more behind it.
        known.update(text for text in (value, value.partition("@")[0]) if len(text) >= _MIN_KNOWN)
    return found


def _mask(value: Any, known: tuple[str, ...], in_texts: bool) -> Any:
    """Return the value masked; the same object where there is nothing to mask."""
    if type(value) is dict:
        result = {
            _without(name, known): MASK if _hides(name, member) else _mask(member, known, in_texts)
            for name, member in value.items()
        }
        return value if all(result.get(name, MASK) is member for name, member in value.items()) else result
    if type(value) is list:
        members = [_mask(member, known, in_texts) for member in value]
        return value if all(new is old for new, old in zip(members, value, strict=True)) else members
    if type(value) is str:
        text = _without(value, known)
        return masked_text(text) if in_texts else text
    return value


def _hides(name: str, member: Any) -> bool:
    """Return whether all of a member is masked; the parameters of something else have names of their own."""
    if member is None or type(member) is bool or not is_secret(name):
        return False
    return type(member) is not dict or name.lower() != "params"


def _without(text: str, known: tuple[str, ...]) -> str:
    for secret in known:
        if secret in text:
            text = text.replace(secret, MASK)
    return text
