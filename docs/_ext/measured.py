"""Sphinx directive that shows what the benchmark has published: ``.. measured:: performance.json``.

The file lies beside the page and holds tables whose cells are ready to be read, so that building the documentation
takes nothing of the benchmark.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata


def _facts(about: dict[str, Any]) -> Iterator[str]:
    versions = ", ".join(
        f"{name} {version}" for name, version in about["versions"].items()
    )
    rounds, machine = about["sizes"]["rounds"], about["machine"]
    yield f"Measured on {about['date']}, on a machine with {machine}; Python {about['python']}, node {about['node']}."
    yield f"Versions: {versions}."
    yield (
        f"A figure is the median of {rounds} rounds, with the least and the most in brackets."
        if rounds > 1
        else "It was a quick run of one round: take the figures for no more than a first impression."
    )
    yield ""


def _table(table: dict[str, Any]) -> Iterator[str]:
    yield f".. rubric:: {table['title']}"
    yield ""
    yield ".. list-table::"
    yield "   :header-rows: 1"
    yield ""
    for row in [table["columns"], *table["rows"]]:
        for place, cell in enumerate(row):
            yield f"   {'  -' if place else '* -'} {cell}".rstrip()
    yield ""


class Measured(SphinxDirective):
    """The directive."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path, _ = self.env.relfn2path(self.arguments[0])
        self.env.note_dependency(path)
        document = json.loads((Path(self.env.srcdir) / path).read_text("utf-8"))
        lines = [*_facts(document["about"])]
        for table in document["tables"]:
            lines += _table(table)
        container = nodes.container()
        self.state.nested_parse(
            StringList(lines, source=self.arguments[0]), self.content_offset, container
        )
        return container.children


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("measured", Measured)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
