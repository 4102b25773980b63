"""Environments of their own for the rivals, made once and used again until another version is wanted."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import attrs

from benchmarks.rivals import Client, Installer, Package

SCRIPTS = Path(__file__).parent / "clients"


class NotInstalled(Exception):
    """A rival cannot be installed here; the text says why."""


@attrs.frozen
class Environments:
    """The folder that holds them."""

    folder: Path

    def command(self, client: Client) -> list[str]:
        """Return what runs the client's program, the plan still to be appended.

        Raises:
            NotInstalled: it cannot be had.
        """
        return [*self.interpreter(client), str(SCRIPTS / client.script)]

    def interpreter(self, client: Client) -> list[str]:
        """Return what runs code in the client's environment, which is made if it is not there."""
        if client.package is None:
            return [sys.executable]
        place = self._installed(client.package)
        if client.package.installer is Installer.NPM:
            return ["node"]
        return [str(place / "bin" / "python")]

    def modules(self, client: Client) -> str:
        """Return where node finds the client's package."""
        return "" if client.package is None else str(self.folder / client.package.folder / "node_modules")

    def _installed(self, package: Package) -> Path:
        place = self.folder / package.folder
        marker = place / "installed.json"
        wanted = {"version": package.version, "python": sys.version}
        if marker.exists() and json.loads(marker.read_text("utf-8")) == wanted:
            return place
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        print(f"installing {package.name} {package.version} ...", flush=True)
        if package.installer is Installer.PIP:
            _run(sys.executable, "-m", "venv", str(place))
            python = str(place / "bin" / "python")
            _run(python, "-m", "pip", "install", "--quiet", f"{package.name}=={package.version}")
        else:
            npm = shutil.which("npm")
            if npm is None:
                raise NotInstalled("there is no npm here")
            (place / "package.json").write_text("{}", "utf-8")
            _run(npm, "install", "--prefix", str(place), "--no-fund", "--no-audit", f"{package.name}@{package.version}")
        marker.write_text(json.dumps(wanted), "utf-8")
        return place


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise NotInstalled(said[-1] if said else f"{command[0]} ended with {done.returncode}")


@cache
def node_version() -> str:
    """Return node's version, or that there is none."""
    node = shutil.which("node")
    if node is None:
        return "none"
    return subprocess.run([node, "--version"], capture_output=True, text=True).stdout.strip()
