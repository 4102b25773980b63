"""What importing the package brings along: nothing that a program does not use."""

from __future__ import annotations

import subprocess
import sys

import pytest

import trio_binance_uds
from trio_binance_uds import events

# Libraries that only some programs need, and the modules of ours that need them or are long to import.
UNUSED = [
    "cryptography",
    "h11",
    "httpx",
    "trio_binance_uds.link.rest",
    "hypercorn",
    "nacl",
    "rich",
    "trio_websocket",
    "trustme",
    "websockets",
    "wsproto",
    "trio_binance_uds.cli",
    "trio_binance_uds.link.transport.plain_http",
    "trio_binance_uds.link.transport.sans_io",
    "trio_binance_uds.link.transport.trio_ws",
    "trio_binance_uds.sandbox",
]
OTHER_PRODUCTS = [f"trio_binance_uds.events.{name}" for name in ("coinm", "futures", "margin", "options", "usdm")]


def imported_by(statements: str) -> set[str]:
    """Return the modules that a fresh interpreter has after these statements."""
    script = f"{statements}\nimport sys\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def test_the_package_imports_nothing_that_only_some_programs_use() -> None:
    modules = imported_by("import trio_binance_uds")
    assert modules.isdisjoint(UNUSED)
    assert modules.isdisjoint(OTHER_PRODUCTS)
    assert "trio_binance_uds.stream.door" in modules


def test_an_hmac_secret_needs_no_library_of_keys() -> None:
    modules = imported_by(
        "from trio_binance_uds import Credentials\nCredentials.from_secret('a-key-of-nobody', 'a-secret').sign('text')"
    )
    assert modules.isdisjoint({"cryptography", "nacl"})


def test_an_ed25519_key_as_tools_write_it_is_read_without_cryptography() -> None:
    der = "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
    for secret in (der, f"-----BEGIN PRIVATE KEY-----\n{der}\n-----END PRIVATE KEY-----"):
        make = f"Credentials.from_secret('a-key-of-nobody', {secret!r})"
        modules = imported_by(f"from trio_binance_uds import Credentials\n{make}.sign('text')")
        assert "cryptography" not in modules
        assert "nacl" in modules


def test_the_events_of_a_product_are_imported_when_they_are_asked_for() -> None:
    modules = imported_by("from trio_binance_uds import LiabilityType")
    assert "trio_binance_uds.events.margin" in modules
    assert "trio_binance_uds.events.options" not in modules


@pytest.mark.parametrize("module", [trio_binance_uds, events], ids=lambda module: module.__name__)
def test_every_public_name_is_there_and_no_other(module: object) -> None:
    names = trio_binance_uds.__all__ if module is trio_binance_uds else events.__all__
    assert [name for name in names if getattr(module, name, None) is None] == []
    with pytest.raises(AttributeError, match="has no attribute 'TradeHeavy'"):
        _ = module.TradeHeavy  # type: ignore[attr-defined]
