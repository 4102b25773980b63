"""What holds for the whole suite."""

from __future__ import annotations

import pytest
from hypothesis import settings

# The same examples each time, and no verdict by the clock: a run that fails can be repeated anywhere.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

CLOCKS = {"autojump_clock", "mock_clock"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that has a mock clock only through one of its fixtures: pytest-trio would run it in real time."""
    for item in items:
        if isinstance(item, pytest.Function):
            meant = CLOCKS.intersection(item.fixturenames)
            if meant and meant.isdisjoint(item._fixtureinfo.argnames):
                raise pytest.UsageError(f"{item.nodeid} must itself ask for {' or '.join(sorted(meant))}")
