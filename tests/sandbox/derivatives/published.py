"""Compares what a desk writes with the published samples, where they are."""

from __future__ import annotations

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest


def folder() -> Path | None:
    """Return the folder of the published samples, if there is one above here."""
    for parent in Path(__file__).parents:
        found = parent / "shared" / "protocol" / "payloads"
        if found.is_dir():
            return found
    return None


def sample(product: str, name: str) -> Any:
    """Return a sample; skip the test where there are none."""
    found = folder()
    if found is None:
        pytest.skip("the published samples are not here")
    return json.loads((found / product / f"{name}.json").read_text())


def compare(
    ours: Any, published: Any, *, lacking: Collection[str] = (), added: Collection[str] = (), place: str = ""
) -> None:
    """Demand the same members and types; ``lacking`` may be missing in ours, ``added`` only in the sample."""
    if isinstance(published, list):
        assert isinstance(ours, list), place
        if published:
            assert ours, f"nothing to compare at {place}"
            compare(ours[0], published[0], lacking=lacking, added=added, place=f"{place}[0]")
    elif isinstance(published, dict):
        assert isinstance(ours, dict), place
        assert published.keys() - ours.keys() <= set(lacking), place
        assert ours.keys() - published.keys() <= set(added), place
        for name in published.keys() & ours.keys():
            compare(ours[name], published[name], lacking=lacking, added=added, place=f"{place}.{name}")
    else:
        assert type(ours) is type(published), place
