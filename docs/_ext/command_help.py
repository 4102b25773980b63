"""Sphinx directive that shows what the command's own ``--help`` says: ``.. command-help:: watch``."""

from __future__ import annotations

import os
import subprocess
import sys

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import ExtensionMetadata

_PROGRAM = "import sys; from trio_binance_uds.cli import main; sys.argv[0] = 'trio-binance-uds'; sys.exit(main())"


class CommandHelp(SphinxDirective):
    """The directive."""

    optional_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        words = [*(self.arguments[0].split() if self.arguments else []), "--help"]
        environment = {**os.environ, "COLUMNS": "100", "NO_COLOR": "1", "TERM": "dumb"}
        environment.pop("FORCE_COLOR", None)
        said = subprocess.run(
            [sys.executable, "-c", _PROGRAM, *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if said.returncode:
            raise self.error(
                f"trio-binance-uds {' '.join(words)} failed: {said.stderr}"
            )
        text = f"$ trio-binance-uds {' '.join(words)}\n{said.stdout}"
        return [nodes.literal_block(text, text, language="text")]


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_directive("command-help", CommandHelp)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
