"""Samples of what the venue sends: this repository's own, and those that Binance has published.

The published ones are not part of this repository; ``--published DIR`` says where they are. A test with the fixture
``samples`` compares what the sandbox writes with our own, or with that option with theirs. A test with the fixture
``published`` needs theirs. With the option only these two kinds run; without it, all tests but those that need theirs.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any, Protocol

import attrs
import pytest

OUR_FILE = Path(__file__).with_name("samples.json")


class Samples(Protocol):
    """Samples by the folders and names that Binance's documentation suggests."""

    def sample(self, product: str, name: str) -> Any:
        """Return one sample."""
        ...


@attrs.frozen
class Ours:
    """Our own samples: the members of an event or answer with their types; the values stand for nothing."""

    def sample(self, product: str, name: str) -> Any:
        """Return one sample."""
        return json.loads(OUR_FILE.read_text("utf-8"))[product][name]


@attrs.frozen
class Published:
    """The folder that holds the published samples (``payloads/<product>/*.json``) and the vectors of signatures."""

    folder: Path

    def sample(self, product: str, name: str) -> Any:
        """Return one sample."""
        return json.loads((self.folder / "payloads" / product / f"{name}.json").read_text("utf-8"))

    def files(self, pattern: str) -> list[Path]:
        """Return the samples whose paths below ``payloads`` match, in order; there is at least one."""
        found = sorted((self.folder / "payloads").glob(pattern))
        assert found, f"no sample matches {pattern}"
        return found

    def signing_vectors(self) -> dict[str, Any]:
        """Return the keys and signatures that Binance has published."""
        vectors: dict[str, Any] = json.loads((self.folder / "spot-signing-vectors.json").read_text("utf-8"))
        return vectors


def compare(
    ours: Any, sample: Any, *, lacking: Collection[str] = (), added: Collection[str] = (), place: str = ""
) -> None:
    """Demand the same members and types; ``lacking`` may be missing in ours, ``added`` in the sample."""
    if isinstance(sample, list):
        assert isinstance(ours, list), place
        if sample:
            assert ours, f"nothing to compare at {place}"
            compare(ours[0], sample[0], lacking=lacking, added=added, place=f"{place}[0]")
    elif isinstance(sample, dict):
        assert isinstance(ours, dict), place
        assert sample.keys() - ours.keys() <= set(lacking), place
        assert ours.keys() - sample.keys() <= set(added), place
        for name in sample.keys() & ours.keys():
            compare(ours[name], sample[name], lacking=lacking, added=added, place=f"{place}.{name}")
    else:
        assert type(ours) is type(sample), place


def add_option(parser: pytest.Parser) -> None:
    """Add the option that names the folder."""
    parser.addoption("--published", metavar="DIR", type=Path, help="run only the tests that can use published samples")


def select(items: list[pytest.Item], config: pytest.Config) -> None:
    """Keep the tests that can use published samples where there are some, and all that need none otherwise."""
    if config.getoption("--published") is None:
        kept = [item for item in items if not _uses(item, "published")]
    else:
        kept = [item for item in items if _uses(item, "published") or _uses(item, "samples")]
    left_out = set(items).difference(kept)
    if left_out:
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = kept


def _uses(item: pytest.Item, fixture: str) -> bool:
    return fixture in getattr(item, "fixturenames", ())
