"""Declaring the fields of events: each says once where it is on the wire, what it is, and when it is there.

A field is declared as ``symbol: str = field(metadata=text("s", "The symbol."))``. The decoder, the reference
tables in the documentation and the test that no published key is forgotten all read that declaration, through
:func:`wire_fields`. The annotation stays the truth for type checkers.

A wire path is read from the event object, with dots between the keys: ``"z"``, ``"o.q"``. The elements of a list
are classes of their own, and their paths start at the element. An object that goes by either of two keys is written
with both: ``"o|ao.q"`` is ``q`` in ``o``, or else in ``ao``.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum, unique
from functools import cache
from typing import Any, TypeVar, cast

import attrs

_FunctionT = TypeVar("_FunctionT", bound=Callable[..., Any])


def cached(function: _FunctionT) -> _FunctionT:
    """Like :func:`functools.cache`, for functions of a class: type checkers doubt that a class of attrs is hashable."""
    return cast("_FunctionT", cache(function))


@unique
class Kind(StrEnum):
    """What a field's value is, and so how it is read from JSON."""

    TEXT = "text"
    SECRET = "secret"  # a text that the event's ``raw`` holds only masked
    AMOUNT = "amount"  # a string or a number, kept digit for digit as a Decimal
    NUMBER = "number"  # an amount that the venue writes as a JSON number, kept in the same way
    TIME = "time"  # 13 digits are milliseconds, 16 are microseconds, as a number or a string of digits
    INTEGER = "integer"  # a number that fits in 64 bits, or a string of its digits
    FLAG = "flag"
    CHOICE = "choice"  # a member of an open enum: a value that it does not know stays a plain string
    ITEMS = "items"  # a list of objects


@unique
class Presence(StrEnum):
    """When a field is on the wire; a field that is not there is ``None``, never a zero or an empty string.

    Only a list that is not there is an empty tuple, so that there is always something to iterate over.
    """

    REQUIRED = "required"  # the key is always there, with a value
    NULLABLE = "nullable"  # the key is always there, but null (or the declared value) stands for "none"
    OPTIONAL = "optional"  # the key is there only when it applies


@attrs.frozen(kw_only=True)
class WireField:
    """One field's declaration.

    Attributes:
        name: the attribute of the event.
        wire: the dotted path from the event object.
        of: the enum of a choice, the class of a list's elements, else ``None``.
        doc: what it means, in a sentence, and when a conditional field is there.
        live_only: whether no query tells it, or not every one, so that it can be ``None`` in a recovered event whatever
            its presence.
        none: a JSON value that stands for "none" besides null, where the presence allows that.
    """

    name: str
    wire: str
    kind: Kind
    presence: Presence
    of: type[Any] | None
    doc: str
    live_only: bool = False
    none: int | str | None = None


@cached
def wire_fields(cls: type[Any]) -> tuple[WireField, ...]:
    """Return what an event class, or the class of a list's elements, declares, in the order of its fields."""
    return tuple(
        WireField(
            name=attribute.name,
            wire=attribute.metadata["wire"],
            kind=attribute.metadata["kind"],
            presence=attribute.metadata["presence"],
            of=attribute.metadata["of"],
            doc=attribute.metadata["doc"],
            live_only=attribute.metadata.get("live_only", False),
            none=attribute.metadata.get("none"),
        )
        for attribute in attrs.fields(cls)
        if "wire" in attribute.metadata
    )


def first_of(*names: str) -> Any:
    """Return the field that is the first of these fields which holds something, where nothing else is said.

    It is no member of the wire. It does not count when two events are compared.
    """

    def first(event: Any) -> Any:
        return next((value for name in names if (value := getattr(event, name))), None)

    return attrs.field(default=attrs.Factory(first, takes_self=True), eq=False, metadata={"first_of": names})


def _declare(
    kind: Kind, wire: str, doc: str, *, optional: bool, nullable: bool, of: type[Any] | None = None
) -> dict[str, Any]:
    if "|" in wire.rpartition(".")[2]:
        raise ValueError(f"only what holds a field may go by either of two keys, got {wire!r}")
    presence = Presence.OPTIONAL if optional else Presence.NULLABLE if nullable else Presence.REQUIRED
    return {"wire": wire, "kind": kind, "presence": presence, "of": of, "doc": doc}


def text(wire: str, doc: str, *, optional: bool = False, nullable: bool = False) -> dict[str, Any]:
    """Declare a ``str``."""
    return _declare(Kind.TEXT, wire, doc, optional=optional, nullable=nullable)


def secret(wire: str, doc: str, *, optional: bool = False) -> dict[str, Any]:
    """Declare a ``str`` that must not be shown: give its field ``repr=False`` too.

    Raises:
        ValueError: the path leads deeper, where ``raw`` would not be masked.
    """
    if "." in wire:
        raise ValueError(f"a secret must be a member of the event itself, got {wire!r}")
    return _declare(Kind.SECRET, wire, doc, optional=optional, nullable=False)


def amount(
    wire: str, doc: str, *, optional: bool = False, nullable: bool = False, live_only: bool = False
) -> dict[str, Any]:
    """Declare a ``Decimal``; one that is ``live_only`` is annotated ``Decimal | None`` and still required."""
    declared = _declare(Kind.AMOUNT, wire, doc, optional=optional, nullable=nullable)
    return declared | {"live_only": live_only}


def number(wire: str, doc: str, *, optional: bool = False, nullable: bool = False) -> dict[str, Any]:
    """Declare a ``Decimal`` that the venue writes as a JSON number; a text of the same digits is read too."""
    return _declare(Kind.NUMBER, wire, doc, optional=optional, nullable=nullable)


def time(wire: str, doc: str, *, optional: bool = False, nullable: bool = False, none: int = -1) -> dict[str, Any]:
    """Declare an aware UTC ``datetime``; where there may be none, ``none`` says so besides null."""
    return _declare(Kind.TIME, wire, doc, optional=optional, nullable=nullable) | {"none": none}


def integer(
    wire: str,
    doc: str,
    *,
    optional: bool = False,
    nullable: bool = False,
    live_only: bool = False,
    none: int | str | None = None,
) -> dict[str, Any]:
    """Declare an ``int``.

    One that is ``live_only`` is annotated ``int | None`` and still required on the wire. Where there may be none,
    ``none`` says so besides null; it is a text where the venue writes the integer as one.
    """
    declared = _declare(Kind.INTEGER, wire, doc, optional=optional, nullable=nullable)
    return declared | {"live_only": live_only, "none": none}


def flag(wire: str, doc: str, *, optional: bool = False) -> dict[str, Any]:
    """Declare a ``bool``."""
    return _declare(Kind.FLAG, wire, doc, optional=optional, nullable=False)


def choice(
    of: type[StrEnum], wire: str, doc: str, *, optional: bool = False, live_only: bool = False
) -> dict[str, Any]:
    """Declare a member of an open enum, annotated ``Enum | str``; one that is ``live_only`` can be ``None`` too."""
    declared = _declare(Kind.CHOICE, wire, doc, optional=optional, nullable=False, of=of)
    return declared | {"live_only": live_only}


def items(of: type[Any], wire: str, doc: str, *, optional: bool = False) -> dict[str, Any]:
    """Declare a tuple of attrs values that declare their own fields; give an optional one ``default=()``."""
    return _declare(Kind.ITEMS, wire, doc, optional=optional, nullable=False, of=of)
