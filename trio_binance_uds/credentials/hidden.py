"""Holds a secret so that nothing shows it by accident.

A secret escapes through objects that print their fields and through tracebacks that print local variables. So
the public constructors move what they are given into :class:`Hidden` first and delete their own names for it;
whatever raises after that has only opaque objects in its frames.
"""

from __future__ import annotations

import hmac
from typing import NoReturn, Self


class Opaque:
    """Base of the objects that hold a secret: nothing in their repr, no pickle, and a copy is the object itself."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: not shown>"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} cannot be pickled, because it holds a secret")


class SecretText(str):
    """A text that is used as any other, and whose repr shows nothing of it.

    What is made of it by slicing or joining is an ordinary text again. Formatted into a text it shows itself.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class Hidden(Opaque):
    """The bytes of a secret; a text is kept as UTF-8.

    It takes any object and never raises, because its caller's frame still shows the secret; ``wrong_type`` is the
    name of the type of what was neither text nor bytes, and ``None`` otherwise.
    """

    __slots__ = ("_data", "wrong_type")

    def __init__(self, value: object) -> None:
        self.wrong_type: str | None = None
        if isinstance(value, str):
            # A lone surrogate passes here and is refused later as bytes that are no text.
            self._data = value.encode("utf-8", "surrogatepass")
        elif isinstance(value, bytes | bytearray):
            self._data = bytes(value)
        else:
            self._data = b""
            self.wrong_type = type(value).__name__

    def reveal(self) -> bytes:
        """Return the secret. Keep it out of the local variables of anything that may raise."""
        return self._data

    def __len__(self) -> int:
        return len(self._data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Hidden):
            return NotImplemented
        return hmac.compare_digest(self._data, other._data)

    def __hash__(self) -> int:
        return hash(self._data)
