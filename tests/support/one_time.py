"""One time for the machine and the venue, which is trio's: how busy the machine is then shows in no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import trio

from trio_binance_uds.sandbox.clock import Clock

_START = datetime(2031, 3, 1, 12, tzinfo=UTC)


def with_one_time(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Return a clock for a sandbox, and let the wall clock that the library reads show the same time."""
    machine = SimpleNamespace(time=lambda: _START.timestamp() + trio.current_time())
    monkeypatch.setattr("trio_binance_uds.link.clock.time", machine)
    return Clock(_START + timedelta(seconds=trio.current_time()))
