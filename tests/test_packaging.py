"""What is installed: public names, types, version, and an import that pulls in no more than it needs."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import metadata, resources
from pathlib import Path

import trio_binance_uds

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

# Modules that only some users need: they are for an extra, for a choice of transport, or for REST.
NOT_IMPORTED_AT_FIRST = [
    "h11",
    "httpx",
    "hypercorn",
    "opentelemetry",
    "rich",
    "trio_binance_uds.cli",
    "trio_binance_uds.opentelemetry",
    "trio_binance_uds.sandbox",
    "trio_websocket",
    "trustme",
]


def _python(program: str) -> str:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("COV", "PYTEST"))}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_importing_the_package_imports_nothing_that_only_some_need() -> None:
    names = _python("import sys, trio_binance_uds; print(*sys.modules)").split()
    assert "trio_binance_uds" in names
    assert not set(NOT_IMPORTED_AT_FIRST) & set(names)


def test_the_package_imports_without_its_extras() -> None:
    missing = "; ".join(f"sys.modules[{name!r}] = None" for name in ("rich", "hypercorn", "opentelemetry", "trustme"))
    _python(f"import sys; {missing}; from trio_binance_uds import *")


def test_every_public_name_is_there_and_is_listed_once() -> None:
    public = list(trio_binance_uds.__all__)
    assert len(public) == len(set(public))
    assert not [name for name in public if not hasattr(trio_binance_uds, name)]
    assert not [name for name in public if name.startswith("_") and name != "__version__"]


def test_type_checkers_find_the_types() -> None:
    assert resources.files("trio_binance_uds").joinpath("py.typed").is_file()


def test_the_installed_version_is_the_declared_one() -> None:
    declared = PYPROJECT["project"]["version"]
    assert (metadata.version("trio-binance-uds"), trio_binance_uds.__version__) == (declared, declared)


def test_the_command_is_installed() -> None:
    (command,) = metadata.entry_points(group="console_scripts", name="trio-binance-uds")
    assert callable(command.load())
