"""What holds for the whole suite."""

from __future__ import annotations

from hypothesis import settings

# The same examples each time, and no verdict by the clock: a run that fails can be repeated anywhere.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")
