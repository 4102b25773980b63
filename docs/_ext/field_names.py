"""Sphinx directive that says what the fields of an event are called elsewhere: ``.. field-names:: CLIENT CLASS``.

What is on the wire and what is ours comes from the event classes. ``coming-from/field_names.json`` has the names of
other clients by what is on the wire: they were found by sending a frame with a value of its own in each field through
the client itself. A client that is not in that file hands on what is on the wire, and the option ``there`` says how
that is read, as in ``msg{}``; braces stand for the keys, ``["o"]["z"]``, and a lone dot before them for attributes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import attrs
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

import trio_binance_uds as uds

_NAMES = Path(__file__).parents[1] / "coming-from" / "field_names.json"


def _read_as(wire: str, there: str) -> str:
    keys = wire.partition("|")[0].split(".")
    if ".{}" in there:
        return there.replace(".{}", "".join(f".{key}" for key in keys))
    return there.replace("{}", "".join(f'["{key}"]' for key in keys))


def _rows(
    cls: Any, names: dict[str, str] | None, there: str
) -> Iterator[tuple[str, str, str]]:
    for field in attrs.fields(cls):
        wire = field.metadata.get("wire")
        if wire is None:
            continue
        if names is None:
            yield wire, f"``{_read_as(wire, there)}``", field.name
        elif wire in names:
            name, _, remark = names[wire].partition(", ")
            code, colon, values = name.partition(": ")
            text = f"``{code}``{colon}{values}"
            yield wire, text + (f", {remark}" if remark else ""), field.name
        else:
            yield wire, "is left out", field.name


class FieldNames(SphinxDirective):
    """The directive."""

    required_arguments = 2
    option_spec: ClassVar = {"there": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        client, name = self.arguments
        self.env.note_dependency(str(_NAMES))
        clients = json.loads(_NAMES.read_text("utf-8"))
        cls = getattr(uds, name)
        names = clients[client][name] if client in clients else None
        rows = list(_rows(cls, names, self.options.get("there", "")))
        unknown = set(names or ()) - {wire for wire, _, _ in rows}
        if unknown:
            raise self.error(
                f"{name} has no {', '.join(sorted(unknown))} on the wire, which {client} is said to name"
            )
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 12 44 44", ""]
        for wire, there, here in [
            ("wire", "there", f"``{name}``"),
            *((f"``{w}``", t, f"``{h}``") for w, t, h in rows),
        ]:
            lines += [f"   * - {wire}", f"     - {there}", f"     - {here}"]
        container = nodes.container()
        self.state.nested_parse(
            StringList(lines, source=str(_NAMES)), self.content_offset, container
        )
        return container.children


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("field-names", FieldNames)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
