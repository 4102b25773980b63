"""JSON text to Python values and back; the only module that knows which JSON library does it.

Nothing is lost on the way in: a number with a fraction or an exponent becomes a ``Decimal`` with the digits that it
was sent with, any other number an ``int``. Of a key that stands twice in an object the last value wins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Annotated, Any, TypeAlias

import msgspec

MAX_DEPTH = 64
"""How deep arrays and objects may be nested; Binance stays below ten.

The bound is what lets the code behind this module walk a value by recursion.
"""


class InvalidJson(ValueError):
    """The text is not JSON, or JSON that no venue sends for a good reason: see :func:`loads`."""


def _number(text: str) -> Decimal:
    value = Decimal(text)
    # Under a decimal context without traps an exponent out of range gives a NaN instead of an exception.
    if not value.is_finite():
        raise InvalidJson("a number is out of range")
    return value


_decoder = msgspec.json.Decoder(float_hook=_number)
_encoder = msgspec.json.Encoder(decimal_format="string")


def loads(text: str | bytes) -> Any:
    """Parse one JSON value; a byte order mark before it is tolerated.

    Raises:
        InvalidJson: and nothing else. Besides faulty syntax: ``NaN`` and ``Infinity``, invalid UTF-8, surrogates
            without a partner, more than :data:`MAX_DEPTH` levels, an integer of more digits than Python converts
            (4300 unless set otherwise), a number whose exponent ``Decimal`` cannot hold.
    """
    # There cannot be more levels than opening brackets. Nearly all frames have none behind the first few characters,
    # and to see that costs a third of counting them.
    may_be_deep = False
    if isinstance(text, bytes):
        text = text.removeprefix(b"\xef\xbb\xbf")
        if text.find(b"{", MAX_DEPTH) >= 0 or text.find(b"[", MAX_DEPTH) >= 0:
            may_be_deep = text.count(b"{") + text.count(b"[") > MAX_DEPTH
    else:
        text = text.removeprefix("\ufeff")
        may_be_deep = text.count("{") + text.count("[") > MAX_DEPTH
    try:
        value = _decoder.decode(text)
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError) as error:
        raise InvalidJson(str(error) or type(error).__name__) from error
    if may_be_deep and _is_deeper_than(MAX_DEPTH, value):
        raise InvalidJson(f"more than {MAX_DEPTH} levels of arrays and objects")
    return value


def dumps(value: Any) -> str:
    """Return the value as compact JSON text.

    A ``Decimal`` becomes a string, written as ``str`` writes it, exponents included. A ``float`` that is no number
    becomes ``null``: keep floats out.

    Raises:
        TypeError: something in it has no JSON form.
        UnicodeEncodeError: a text holds a surrogate without a partner.
    """
    return _encoder.encode(value).decode()


def _is_deeper_than(limit: int, value: Any) -> bool:
    level = [value]
    for _ in range(limit):
        level = [
            member
            for container in level
            for member in (container.values() if type(container) is dict else container)
            if type(member) is dict or type(member) is list
        ]
        if not level:
            return False
    return True


# --- texts of a known shape ------------------------------------------------------------------------------------------

Struct: TypeAlias = type[msgspec.Struct]
"""The shape of a JSON object: a class whose instances are filled straight from the text, with no dictionary between."""

INT64: Any = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""The type of an integer member that fits in 64 bits."""

ABSENT = msgspec.UNSET
"""The default of a member that may lack and cannot be null; its type is ``... | Absent``."""

Absent: TypeAlias = msgspec.UnsetType

MISMATCHES = (msgspec.MsgspecError, ValueError, RecursionError)
"""What a decoder from :func:`typed_decoder` raises for a text that is not of its type, or no JSON."""


def struct(
    name: str,
    members: Iterable[tuple[str, Any] | tuple[str, Any, Any]],
    keys: Mapping[str, str],
    *,
    tag: tuple[str, str] | None = None,
    only_known: bool = False,
    constants: Mapping[str, Any] | None = None,
) -> Struct:
    """Return the shape of an object.

    Args:
        name: of the class.
        members: the name and the type of each, and the default of one that may lack; in the order of the text they
            are found fastest.
        keys: by the name of a member the key of it.
        tag: a key, and the text that it has in objects of this shape only.
        only_known: whether an object with other members is a mismatch; if not, those are skipped, and of what is in
            them only the syntax is looked at.
        constants: attributes that all instances have.
    """
    tag_field, value = tag or (None, None)
    return msgspec.defstruct(
        name,
        members,
        kw_only=True,  # so that the order of the members need not be that of having a default
        rename=keys,
        tag=value,
        tag_field=tag_field,
        namespace=dict(constants or {}),
        forbid_unknown_fields=only_known,
        gc=False,
    )


def typed_decoder(kind: Any) -> Callable[[str | bytes], Any]:
    """Return the function from a text to a value of this type: a struct, or a union of structs that have tags.

    A number is never taken for a text, nor the other way round. Where the type says ``Any``, a value is what
    :func:`loads` makes of it. See :data:`MISMATCHES`.
    """
    return msgspec.json.Decoder(kind, float_hook=_number).decode
