"""Child processes that speak in lines of JSON: the server, and one client at a time."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from typing import Any


class Silent(Exception):
    """A process has ended, or said nothing for too long; the text is the last that it complained about."""


class Speaker:
    """A process whose standard output is read line by line."""

    def __init__(self, command: list[str], log: Path, environment: dict[str, str] | None = None) -> None:
        self._log = log
        with log.open("wb") as complaints:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                env={**os.environ, **(environment or {})},
            )
        assert self._process.stdout is not None
        self._output = self._process.stdout.fileno()
        self._waiting = b""

    def tell(self, **command: Any) -> None:
        """Write one line."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command).encode() + b"\n")
        self._process.stdin.flush()

    def hear(self, seconds: float) -> dict[str, Any]:
        """Return the next line of JSON; other lines are passed over.

        Raises:
            Silent: none came in time, or none will.
        """
        until = time.monotonic() + seconds
        while True:
            line, found, rest = self._waiting.partition(b"\n")
            if found:
                self._waiting = rest
                try:
                    said = json.loads(line)
                except ValueError:
                    continue
                if isinstance(said, dict):
                    return said
                continue
            ready, _, _ = select.select([self._output], [], [], max(0.0, until - time.monotonic()))
            data = os.read(self._output, 65536) if ready else b""
            if not data:
                raise Silent(self._complaint() if ready else f"nothing for {seconds:.0f} s; {self._complaint()}")
            self._waiting += data

    def end(self) -> None:
        """Make sure that it runs no longer."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def _complaint(self) -> str:
        lines = self._log.read_text("utf-8", "replace").splitlines()
        # The last line of a traceback, which is not indented; what follows the end of an event loop is noise.
        said = [line for line in lines if line[:1] not in ("", " ", "\t", "|", "+")]
        return said[-1][:200] if said else "it ended without a word"
