"""Shapes to typed events, by functions that are written from the field declarations.

A frozen attrs class sets its fields one by one through ``object.__setattr__``, which costs as much as all the rest.
So the written function fills a *twin*, an unfrozen class with the same base and the same slots, and then makes it an
instance of the real class; Python allows that exactly when both have the same layout.

The payload is not parsed for ``raw``, which hardly anybody reads: an event keeps its frame, and what reads it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import attrs

from trio_binance_uds.events.fields import Kind, WireField, cached, wire_fields
from trio_binance_uds.wire.json_text import ABSENT
from trio_binance_uds.wire.shapes import keys_below, member, next_key
from trio_binance_uds.wire.values import AmountMemo, MomentMemo, converter

# Caches, bounded and without meaning: shared by all constructors, as all events speak of the same amounts and times.
_amounts = AmountMemo()
_moments = MomentMemo()


def event_constructor(cls: type[Any], event_type: str, read: Callable[[str | bytes], Any]) -> Callable[..., Any]:
    """Return a function ``(shape, frame, subscription_id, account, stream) -> event`` for this class and type.

    ``read`` is what makes ``raw`` of the frame. The function raises ``LookupError``, ``AttributeError`` or
    ``ValueError`` for a shape whose values do not fit.
    """
    writer = _Writer()
    beginning = [
        "self.stream = stream",
        "self.account = account",
        "self.subscription_id = subscription_id",
        "self.recovered = False",
        "self.faults = ()",
        "self._frame = frame",
        f"self._read = {writer.constant(read)}",
        f"self.event_type = {event_type!r}",
    ]
    return writer.function(cls, "shape, frame, subscription_id, account, stream", beginning)


@cached
def _element_constructor(cls: type[Any]) -> Callable[[Any], Any]:
    return _Writer().function(cls, "shape", [])


class _Writer:
    """Writes the source of one function."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._variables = 0
        self._names: dict[str, Any] = {"amounts": _amounts, "moments": _moments, "ABSENT": ABSENT}

    def function(self, cls: type[Any], parameters: str, beginning: list[str]) -> Callable[..., Any]:
        # Both, or Python leads each assignment through a slower path: they share a slot in the type.
        plain = {name: getattr(object, name) for name in ("__init__", "__setattr__", "__delattr__")}
        twin = type(f"{cls.__name__}Twin", (cls.__mro__[1],), {"__slots__": cls.__dict__["__slots__"], **plain})
        self._names |= {"Twin": twin, "Real": cls}
        self._lines += [f"def construct({parameters}):", "self = Twin()", *beginning]
        self._object("", tuple(declared for declared in wire_fields(cls) if declared.wire != "e"), "shape")
        for attribute in attrs.fields(cls):
            if "first_of" in attribute.metadata:
                values = " or ".join(f"self.{name}" for name in attribute.metadata["first_of"])
                self._lines.append(f"self.{attribute.name} = {values} or None")
        self._require_one(cls)
        self._lines += ["self.__class__ = Real", "return self"]
        source = "\n    ".join(self._lines)
        exec(compile(source, f"<constructor of {cls.__qualname__}>", "exec"), self._names)
        return cast("Callable[..., Any]", self._names["construct"])

    def _object(self, path: str, declarations: tuple[WireField, ...], holder: str) -> None:
        """Write what reads the members of the object at this path, whose shape the variable ``holder`` holds."""
        for declared in declarations:
            if declared.wire == path + next_key(declared, path):
                self._field(declared, f"{holder}.{declared.name}")
        for keys, certain in keys_below(declarations, path).items():
            inner, (first, *others) = self._variable("object"), keys.split("|")
            self._lines.append(f"{inner} = {holder}.{member(first)}")
            for other in others:
                self._lines.append(f"if {inner} is ABSENT: {inner} = {holder}.{member(other)}")
            outer, self._lines = self._lines, []
            self._object(f"{path}{keys}.", declarations, inner)
            if certain:  # Where it is not there at all, it has no attributes: that is raised.
                outer += self._lines
            else:
                absent = [
                    f"    self.{declared.name} = {'()' if declared.kind is Kind.ITEMS else None}"
                    for declared in declarations
                    if declared.wire.startswith(f"{path}{keys}.")
                ]
                outer += [f"if {inner} is ABSENT:", *absent, "else:", *[f"    {line}" for line in self._lines]]
            self._lines = outer

    def _require_one(self, cls: type[Any]) -> None:
        """Write what refuses an event that has none of the conditional fields which it is about."""
        conditional = [declared for declared in wire_fields(cls) if declared.is_core and declared.is_conditional]
        if conditional:
            nothing = " and ".join(
                f"not self.{declared.name}" if declared.kind is Kind.ITEMS else f"self.{declared.name} is None"
                for declared in conditional
            )
            self._lines.append(f"if {nothing}: raise LookupError")

    def _field(self, declared: WireField, value: str) -> None:
        can_be_none = declared.may_be_none
        expression = self._conversion(declared, can_be_none)
        if can_be_none and expression != "{}":
            none = "()" if declared.kind is Kind.ITEMS else "None"
            self._lines.append(f"value = {value}")
            expression, value = f"{none} if value is None else {expression}", "value"
        self._lines.append(f"self.{declared.name} = {expression.format(value)}")

    def _conversion(self, declared: WireField, can_be_none: bool) -> str:
        match declared.kind:
            case Kind.INTEGER if can_be_none and declared.none is not None:
                return f"{self.constant(converter(declared.kind, None, can_be_none=True, none=declared.none))}({{}})"
            case Kind.AMOUNT:
                return "amounts[{}]"
            case Kind.NUMBER:
                return f"{self.constant(converter(declared.kind, None, can_be_none=can_be_none))}({{}})"
            case Kind.TIME:
                return f"None if {{0}} == {declared.none} else moments[{{0}}]" if can_be_none else "moments[{}]"
            case Kind.ITEMS:
                element = self.constant(_element_constructor(cast("type[Any]", declared.of)))
                return f"tuple([{element}(member) for member in {{}}])"
            case _:  # The shape has seen to it.
                return "{}"

    def constant(self, value: Any) -> str:
        name = self._variable("constant")
        self._names[name] = value
        return name

    def _variable(self, what: str) -> str:
        self._variables += 1
        return f"{what}{self._variables}"
