"""Turns what can go wrong into one line and an exit status."""

from __future__ import annotations

from trio_binance_uds import (
    ApiError,
    CredentialsError,
    HandshakeRejected,
    NotOffered,
    RateLimited,
    StreamFailed,
    UserDataStreamError,
)
from trio_binance_uds.cli.plain import one_line


class WrongUsage(Exception):
    """What was asked for cannot be done as it was asked; the message is for the user."""


class DemoFailed(Exception):
    """The demo has not shown all that it should have; the message says what was missing."""


class OutputFailed(Exception):
    """What the command has to print cannot be written: a full disk, or a closed file."""


FAILURES = (UserDataStreamError, WrongUsage, DemoFailed, OutputFailed)
BLIND = 3
"""The exit status of a command that ends while events may be missing."""


def exit_status(error: Exception) -> int:
    """Return 2 for what the user has to change in the call, and 1 for what went wrong afterwards."""
    return 2 if isinstance(error, WrongUsage | CredentialsError | NotOffered) else 1


def message(error: Exception) -> str:
    """Return what happened, on one line."""
    match error:
        case StreamFailed(__cause__=cause) if cause is not None:
            text = (
                f"the stream has ended for good: {message(cause) if isinstance(cause, Exception) else one_line(cause)}"
            )
        case RateLimited(retry_after=seconds) | HandshakeRejected(retry_after=seconds) if seconds is not None:
            text = f"{one_line(error)}; come back in {seconds:g} s"
        case ApiError(code=-2015 | -2014):
            text = f"{one_line(error)}; is it a key of this environment, and allowed from this address?"
        case _:
            text = one_line(error)
    return text
