"""Says of a stream that brings nothing that it is alive, which its silence does not show."""

from __future__ import annotations

from collections.abc import Callable

import trio
from rich.text import Text

from trio_binance_uds import UserDataStream
from trio_binance_uds.cli.output import Output
from trio_binance_uds.cli.plain import clock, printable, words

# Of a stream that stays quiet a line is printed at once in a minute, and then ever less often, down to once in an hour.
_FIRST_SECONDS = 60.0
_LONGEST_SECONDS = 3600.0
# So often the status line of a terminal is written anew.
_STATUS_SECONDS = 1.0


async def say_alive(stream: UserDataStream, output: Output, last_shown_at: Callable[[], float]) -> None:
    """Say for ever how the stream is: in a line that stays at the bottom of a terminal, otherwise while it is quiet.

    ``last_shown_at`` returns the moment of trio's clock at which something was last shown.
    """
    if output.has_status_line:
        while True:
            await output.show_status(state_of(stream, trio.current_time() - last_shown_at()))
            await trio.sleep(_STATUS_SECONDS)
    since, wait = last_shown_at(), _FIRST_SECONDS
    while True:
        await trio.sleep_until(since + wait)
        if last_shown_at() != since:
            since, wait = last_shown_at(), _FIRST_SECONDS
        else:
            output.say(state_of(stream, wait))
            wait = min(2 * wait, wait + _LONGEST_SECONDS)


def state_of(stream: UserDataStream, quiet_seconds: float | None = None) -> Text:
    """Return whether the stream is alive, and how that is known; for how long it has been quiet, if it has begun."""
    blind, proven_at = stream.blind, stream.statistics().proven_at
    quiet = "subscribed" if quiet_seconds is None else f"nothing new for {quiet_seconds:.0f} s"
    if blind is not None:
        detail = f": {printable(blind.detail)}" if blind.detail else ""
        return Text(f"   blind since {clock(blind.since)}, {words(blind.reason)}{detail}", style="bold red")
    if proven_at is None:
        return Text(f"   {quiet}, and not proven to be alive until the first event comes", style="yellow")
    return Text(f"   {quiet}; proven alive at {clock(proven_at)}", style="dim")
