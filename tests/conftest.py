"""What holds for the whole suite."""

from __future__ import annotations

import pytest
from hypothesis import settings

from samples import Ours, Published, Samples, add_option, select

# The same examples each time, and no verdict by the clock: a run that fails can be repeated anywhere.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")

CLOCKS = {"autojump_clock", "mock_clock"}
SEEDS_TRACED = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of this suite."""
    add_option(parser)
    parser.addoption(
        "--few",
        action="store_true",
        help="run at most three cases of each parametrised test: the code is tried, not every value again",
    )


@pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
def pytest_collection_modifyitems(items: list[pytest.Item], config: pytest.Config) -> None:
    """Choose what runs, and refuse a test that pytest-trio would run in real time without saying so."""
    _refuse_borrowed_clocks(items)
    select(items, config)
    _mark_many_seeds(items)
    if config.getoption("--few"):
        _keep_few(items, config)


def _refuse_borrowed_clocks(items: list[pytest.Item]) -> None:
    # A test that has a mock clock only through one of its fixtures would run in real time.
    for item in items:
        if isinstance(item, pytest.Function):
            meant = CLOCKS.intersection(item.fixturenames)
            if meant and meant.isdisjoint(item._fixtureinfo.argnames):
                raise pytest.UsageError(f"{item.nodeid} must itself ask for {' or '.join(sorted(meant))}")


def _mark_many_seeds(items: list[pytest.Item]) -> None:
    # The first seeds of a random story run every line that the others do. These look for what nobody thought of, which
    # need not be traced.
    seeds: dict[str, dict[object, None]] = {}
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        if "seed" in params:
            met = seeds.setdefault(item.nodeid.partition("[")[0], {})
            met.setdefault(params["seed"])
            if list(met).index(params["seed"]) >= SEEDS_TRACED:
                item.add_marker(pytest.mark.long)


def _keep_few(items: list[pytest.Item], config: pytest.Config) -> None:
    # What another version of Python or of a library can break is code, and each test function still runs all of its.
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept = {case for same in cases.values() for case in (same[0], same[len(same) // 2], same[-1])}
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = [item for item in items if item in kept]


@pytest.fixture
def published(request: pytest.FixtureRequest) -> Published:
    """The samples that Binance has published."""
    return Published(request.config.getoption("--published"))


@pytest.fixture
def samples(request: pytest.FixtureRequest) -> Samples:
    """The samples that Binance has published, where they are; otherwise our own."""
    folder = request.config.getoption("--published")
    return Ours() if folder is None else Published(folder)
