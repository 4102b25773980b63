"""Sphinx directives that write the event reference from the event classes themselves.

``.. wire-events:: package.module:NAME`` documents the attrs class ``NAME``, or each class of the mapping ``NAME`` after
a table of the mapping itself: the class's docstring, then a table of the fields that come from the wire, in the order
of their declaration, each with its key (the field's ``wire`` metadata), its type and its meaning (the ``doc``
metadata); then what its lists hold. A page describes each class once, where it first comes up.

``.. wire-words:: package.module`` documents the open enums of all fields of the module's mappings ``*_EVENTS``.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata


def _type_name(annotation: Any) -> str:
    """Return a type as its source spells it, without the modules' names."""
    text = (
        annotation
        if isinstance(annotation, str)
        else getattr(annotation, "__name__", str(annotation))
    )
    return text.replace("trio_binance_uds.events.", "").replace(
        "datetime.datetime", "datetime"
    )


def _declared(event_class: type) -> list[Any]:
    return [field for field in attrs.fields(event_class) if "wire" in field.metadata]


def _base(event_class: type) -> type | None:
    """Return what the class extends, where that has a description of its own to refer to."""
    base = event_class.__mro__[1]
    return base if attrs.has(base) and len(_declared(base)) > 2 else None


def _reference(cls: type) -> str:
    return f":py:class:`~{cls.__module__}.{cls.__name__}`"


def _map(event_types: Mapping[str, type]) -> Iterator[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield "   :widths: 50 50"
    yield ""
    yield "   * - ``e`` on the wire"
    yield "     - class"
    for name, event_class in event_types.items():
        yield f"   * - ``{name}``"
        yield f"     - {_reference(event_class)}"
    yield ""


def _table(fields: list[Any]) -> Iterator[str]:
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield "   :widths: 14 32 28 26"
    yield ""
    yield "   * - wire"
    yield "     - field"
    yield "     - type"
    yield "     - meaning"
    for field in fields:
        yield f"   * - ``{field.metadata['wire']}``"
        yield f"     - ``{field.name}``"
        yield f"     - ``{_type_name(field.type)}``"
        yield f"     - {field.metadata['doc']}"


def _is_property(event_class: type, name: str) -> bool:
    return isinstance(vars(event_class).get(name), property)


def describe(event_class: type) -> Iterator[str]:
    """Yield the reStructuredText that documents one class."""
    yield f".. autoclass:: {event_class.__module__}.{event_class.__name__}"
    own = [
        name
        for name in ("placed_client_order_id", "is_venue_order", "fill_key")
        if _is_property(event_class, name)
    ]
    yield f"   :members: {', '.join(own)}" if own else "   :no-members:"
    yield ""
    fields, base = _declared(event_class), _base(event_class)
    if base is not None:
        fields = [field for field in fields if not field.inherited]
        yield f"   It has the fields of {_reference(base)}{', and:' if fields else '.'}"
        yield ""
    for line in _table(fields) if fields else ():
        yield f"   {line}" if line else ""
    yield ""


def _with_parts(event_classes: Iterable[type]) -> Iterator[type]:
    """Yield the classes, each with what its lists hold after it."""
    for event_class in event_classes:
        yield event_class
        for field in _declared(event_class):
            if field.metadata["kind"] == "items":
                yield field.metadata["of"]


class Generated(SphinxDirective):
    """What the directives have in common."""

    required_arguments = 1

    def parse(self, lines: list[str]) -> list[nodes.Node]:
        container = nodes.container()
        self.state.nested_parse(
            StringList(lines, source=self.arguments[0]), self.content_offset, container
        )
        return container.children


class WireEvents(Generated):
    """The directive ``wire-events``."""

    def run(self) -> list[nodes.Node]:
        module_name, _, name = self.arguments[0].partition(":")
        module = importlib.import_module(module_name)
        found = getattr(module, name)
        self.env.note_dependency(module.__file__ or "")
        is_map = isinstance(found, Mapping)
        described: set[type] = self.env.temp_data.setdefault(
            "wire_events_described", set()
        )
        lines = [*_map(found)] if is_map else []
        for event_class in _with_parts(found.values() if is_map else [found]):
            if event_class not in described:
                described.add(event_class)
                lines += describe(event_class)
        return self.parse(lines)


class WireWords(Generated):
    """The directive ``wire-words``."""

    def run(self) -> list[nodes.Node]:
        module = importlib.import_module(self.arguments[0])
        self.env.note_dependency(module.__file__ or "")
        maps = [
            value for name, value in vars(module).items() if name.endswith("_EVENTS")
        ]
        classes = _with_parts(
            event_class for event_types in maps for event_class in event_types.values()
        )
        fields = [field for event_class in classes for field in _declared(event_class)]
        enums = {
            field.metadata["of"]
            for field in fields
            if field.metadata["kind"] == "choice"
        }
        lines = []
        for enum in sorted(enums, key=lambda enum: enum.__name__):
            lines += [
                f".. autoclass:: {enum.__module__}.{enum.__name__}",
                "   :members:",
                "   :undoc-members:",
                "",
            ]
        return self.parse(lines)


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("wire-events", WireEvents)
    app.add_directive("wire-words", WireWords)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
