"""Declaring the fields of events: each says once where it is on the wire, what it is, and when it is there.

A field is declared as ``symbol: str = field(metadata=text("s", "The symbol."))``. The decoder, the reference
tables in the documentation and the test that no published key is forgotten all read that declaration, through
:func:`wire_fields`. The annotation stays the truth for type checkers.

A wire path is read from the event object, with dots between the keys: ``"z"``, ``"o.q"``. The elements of a list
are classes of their own, and their paths start at the element. An object that goes by either of two keys is written
with both: ``"o|ao.q"`` is ``q`` in ``o``, or else in ``ao``.

What an event cannot do without is declared ``core``: what it is about, which is for a report of an order the symbol,
the order, what happened, how much, at what price and when. It is annotated without ``None``. Any other field can be
``None``, as the venue has left out and will leave out members that its pages call mandatory; see :class:`Fault`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum, unique
from functools import cache
from typing import Any, TypeVar, cast

import attrs

from trio_binance_uds.events.words import OpenEnum

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
    TIME = "time"  # a whole number: below 10**14 of milliseconds, else of microseconds; or the text of its digits
    INTEGER = "integer"  # a whole number of any size, or the text of its digits
    FLAG = "flag"
    CHOICE = "choice"  # a member of an open enum: a value that it does not know stays a plain string
    ITEMS = "items"  # a list of objects


@attrs.frozen
class Fault:
    """A member of an event that was missing, or that could not be read.

    Attributes:
        name: the field of the event that it concerns, such as ``average_price`` or ``positions[1].entry_price``.
        wire: where that is on the wire, such as ``o.ap`` or ``a.P[1].ep``.
        reason: what was wrong, in a few words without secrets, such as ``is missing``; the wording may change.
    """

    name: str
    wire: str
    reason: str


@unique
class Presence(StrEnum):
    """When a field is on the wire; a field that is not there is ``None``, never a zero or an empty string.

    Only a list that is not there is an empty tuple, so that there is always something to iterate over.
    """

    ALWAYS = "always"  # the key is always there, with a value
    NULLABLE = "nullable"  # the key is always there, but null (or the declared value) stands for "none"
    WITHIN = "within"  # what holds the key is there only when it applies; then the key is there, with a value
    OPTIONAL = "optional"  # the key is there only when it applies


@attrs.frozen(kw_only=True)
class WireField:
    """One field's declaration.

    Attributes:
        name: the attribute of the event.
        wire: the dotted path from the event object.
        of: the enum of a choice, the class of a list's elements, else ``None``.
        doc: what it means, in a sentence, and when a conditional field is there.
        is_core: whether it is among what the event is about, so that nothing can be made of the event without it. A
            conditional one can be missing, but not each of an event's; and what is there must be readable.
        none: a JSON value that stands for "none" besides null, where the presence allows that.
        takes_number: whether a whole number stands for the text of its digits.
    """

    name: str
    wire: str
    kind: Kind
    presence: Presence
    of: type[Any] | None
    doc: str
    is_core: bool = False
    none: int | str | None = None
    takes_number: bool = False

    @property
    def may_be_none(self) -> bool:
        """Whether there can be none of it without any fault."""
        return self.presence in (Presence.NULLABLE, Presence.OPTIONAL)

    @property
    def may_lack_holder(self) -> bool:
        """Whether the object that holds it may be missing without any fault."""
        return self.presence is Presence.WITHIN or (self.presence is Presence.OPTIONAL and not self.is_core)

    @property
    def is_conditional(self) -> bool:
        """Whether it is there only when it applies."""
        return self.presence in (Presence.WITHIN, Presence.OPTIONAL)


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
            is_core=attribute.metadata["is_core"],
            none=attribute.metadata.get("none"),
            takes_number=attribute.metadata.get("takes_number", False),
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
    kind: Kind,
    wire: str,
    doc: str,
    *,
    core: bool = False,
    optional: bool = False,
    nullable: bool = False,
    within: bool = False,
    of: type[Any] | None = None,
) -> dict[str, Any]:
    if "|" in wire.rpartition(".")[2]:
        raise ValueError(f"only what holds a field may go by either of two keys, got {wire!r}")
    presence = Presence.ALWAYS
    if optional:
        presence = Presence.OPTIONAL
    elif within:
        presence = Presence.WITHIN
    elif nullable:
        presence = Presence.NULLABLE
    return {"wire": wire, "kind": kind, "presence": presence, "of": of, "doc": doc, "is_core": core}


def text(
    wire: str,
    doc: str,
    *,
    core: bool = False,
    optional: bool = False,
    nullable: bool = False,
    within: bool = False,
    takes_number: bool = False,
) -> dict[str, Any]:
    """Declare a ``str``; one that a user chooses can be all digits, and come as a number: it ``takes_number``."""
    declared = _declare(Kind.TEXT, wire, doc, core=core, optional=optional, nullable=nullable, within=within)
    return declared | {"takes_number": takes_number}


def secret(wire: str, doc: str, *, optional: bool = False) -> dict[str, Any]:
    """Declare a ``str`` that must not be shown: give its field ``repr=False`` too.

    Raises:
        ValueError: the path leads deeper, where ``raw`` would not be masked.
    """
    if "." in wire:
        raise ValueError(f"a secret must be a member of the event itself, got {wire!r}")
    return _declare(Kind.SECRET, wire, doc, optional=optional)


def amount(
    wire: str, doc: str, *, core: bool = False, optional: bool = False, nullable: bool = False
) -> dict[str, Any]:
    """Declare a ``Decimal``."""
    return _declare(Kind.AMOUNT, wire, doc, core=core, optional=optional, nullable=nullable)


def number(
    wire: str, doc: str, *, core: bool = False, optional: bool = False, nullable: bool = False
) -> dict[str, Any]:
    """Declare a ``Decimal`` that the venue writes as a JSON number; a text of the same digits is read too."""
    return _declare(Kind.NUMBER, wire, doc, core=core, optional=optional, nullable=nullable)


def time(
    wire: str, doc: str, *, core: bool = False, optional: bool = False, nullable: bool = False, none: int = -1
) -> dict[str, Any]:
    """Declare an aware UTC ``datetime``; ``none`` is what the venue writes where there is none and null is not."""
    return _declare(Kind.TIME, wire, doc, core=core, optional=optional, nullable=nullable) | {"none": none}


def integer(
    wire: str,
    doc: str,
    *,
    core: bool = False,
    optional: bool = False,
    nullable: bool = False,
    within: bool = False,
    none: int | str | None = None,
) -> dict[str, Any]:
    """Declare an ``int``.

    Where there may be none, ``none`` says so besides null; it is a text where the venue writes the integer as one.
    """
    declared = _declare(Kind.INTEGER, wire, doc, core=core, optional=optional, nullable=nullable, within=within)
    return declared | {"none": none}


def flag(wire: str, doc: str, *, core: bool = False, optional: bool = False, within: bool = False) -> dict[str, Any]:
    """Declare a ``bool``."""
    return _declare(Kind.FLAG, wire, doc, core=core, optional=optional, within=within)


def choice(of: type[OpenEnum], wire: str, doc: str, *, core: bool = False, optional: bool = False) -> dict[str, Any]:
    """Declare a member of an open enum, annotated ``Enum | EnumWord``."""
    return _declare(Kind.CHOICE, wire, doc, core=core, optional=optional, of=of)


def items(of: type[Any], wire: str, doc: str, *, core: bool = False, optional: bool = False) -> dict[str, Any]:
    """Declare a tuple of attrs values that declare their own fields; give an optional one ``default=()``.

    An element without what it is about makes a core list unreadable, and is left out of any other.
    """
    return _declare(Kind.ITEMS, wire, doc, core=core, optional=optional, of=of)
