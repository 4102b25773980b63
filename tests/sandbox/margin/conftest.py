"""The fixtures of the tests of the margin desk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from margin_scene import Scene
from trio.testing import MockClock

from trio_binance_uds.sandbox import Clock, open_sandbox


@pytest.fixture
async def scene(autojump_clock: MockClock) -> AsyncIterator[Scene]:
    # A quarter of an hour before a full one; time passes only where a test waits.
    async with open_sandbox(in_memory=True, clock=Clock(datetime(2026, 7, 21, 11, 45, tzinfo=UTC))) as sandbox:
        yield Scene(sandbox)
