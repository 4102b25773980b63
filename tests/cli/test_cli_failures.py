"""Failures as one line and an exit status."""

from __future__ import annotations

import pytest

from trio_binance_uds import (
    ApiError,
    AuthenticationFailed,
    ConnectFailed,
    CredentialsError,
    HandshakeRejected,
    NotOffered,
    RateLimited,
    StreamFailed,
)
from trio_binance_uds.cli.failures import DemoFailed, WrongUsage, exit_status, message


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


REFUSED = AuthenticationFailed(method="session.logon", status=401, code=-2015, msg="Invalid API-key,\nIP, or so.")
LIMITED = RateLimited(method="time", status=418, code=-1003, msg="Banned.", retry_after=90.0)


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (WrongUsage("no such file"), 2, ["no such file"]),
        (CredentialsError("no key"), 2, ["no key"]),
        (NotOffered("not there"), 2, ["not there"]),
        (caused(ConnectFailed("cannot connect"), OSError("refused")), 1, ["cannot connect (refused)"]),
        (HandshakeRejected("says no", status=503, retry_after=7.0), 1, ["says no; come back in 7 s"]),
        (HandshakeRejected("says no", status=403), 1, ["says no"]),
        (ApiError(method="time", status=400, code=-1102, msg="Bad."), 1, ["time", "-1102", "Bad."]),
        (REFUSED, 1, ["-2015", "Invalid API-key, IP, or so.", "key of this environment"]),
        (LIMITED, 1, ["-1003", "come back in 90 s"]),
        (caused(StreamFailed("it ended"), REFUSED), 1, ["the stream has ended for good", "-2015"]),
        (caused(StreamFailed("it ended"), KeyboardInterrupt("now")), 1, ["the stream has ended for good: now"]),
        (StreamFailed("it ended"), 1, ["it ended"]),
        (DemoFailed("Gap was not seen"), 1, ["Gap was not seen"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_failure_is_one_line_and_a_status(error: Exception, status: int, words: list[str]) -> None:
    assert exit_status(error) == status
    said = message(error)
    assert said.isprintable()
    for word in words:
        assert word in said
