"""The command ``trio-binance-uds``: watch a user data stream, examine why one does not work, or run the sandbox.

Rich is imported in this room only.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

_EXTRA = frozenset({"rich", "hypercorn", "trustme"})


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status; ``argv`` is what follows the command's name.

    0: it ended by itself, or nobody reads its output any more. 1: it failed. 2: it was called wrongly.
    3: events may be missing at its end. 130: Ctrl-C ended it, and 143: SIGTERM.
    """
    try:
        return _run(argv)
    except KeyboardInterrupt:
        # While it starts, which takes a moment, or when it has done its work.
        return 130


def _run(argv: Sequence[str] | None) -> int:
    from trio_binance_uds.cli.arguments import parse

    try:
        options = parse(argv)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 0
    try:
        # Imported here: help and usage errors need no extra.
        from trio_binance_uds.cli.run import run
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.partition(".")[0] not in _EXTRA:
            raise
        sys.stderr.write(
            f"trio-binance-uds: {missing.name} is not installed; install trio-binance-uds[cli] to have it\n"
        )
        return 2
    return run(options)
