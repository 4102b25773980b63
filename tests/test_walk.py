"""The walk through the code names modules that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "trio_binance_uds"


def test_each_module_that_the_walk_names_exists() -> None:
    text = (ROOT / "docs" / "explanation" / "walk.md").read_text()
    named = re.findall(r"`([\w/]+(?:\.py|/))`", text)
    found = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")}
    places = ("", "stream/recovery/", "stream/recovery/spot/")
    missing = [
        name
        for name in named
        if not any((PACKAGE / place / name).is_dir() or f"{place}{name}" in found for place in places)
    ]
    assert len(named) > 25
    assert missing == []
