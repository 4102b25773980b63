"""Which step a failure belongs to, and what to do about it."""

from __future__ import annotations

from socket import gaierror

import pytest

from trio_binance_uds import (
    ApiError,
    AuthenticationFailed,
    ClockSkew,
    ConnectFailed,
    CredentialsError,
    DiagnosisStep,
    HandshakeRejected,
    NotConnected,
    NotOffered,
    OutcomeUnknown,
    RateLimited,
)
from trio_binance_uds.doctor.blame import advice_on, step_of

GET = {"method": "GET /x"}


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "step", "says"),
    [
        (RateLimited(**GET, status=429, code=-1003, msg="slow"), DiagnosisStep.VENUE, "wait some minutes"),
        (
            RateLimited(**GET, status=418, code=-1003, msg="b", retry_after=90.0),
            DiagnosisStep.VENUE,
            "banned: wait 90 s",
        ),
        (ClockSkew(**GET, status=400, code=-1021, msg="late"), DiagnosisStep.CLOCK, "NTP"),
        (CredentialsError("an HMAC secret"), DiagnosisStep.KIND, "another kind than HMAC"),
        (NotOffered("not there"), DiagnosisStep.ROUTE, "another environment"),
        (HandshakeRejected("no", status=451), DiagnosisStep.VENUE, "firewall"),
        (HandshakeRejected("no", status=502), DiagnosisStep.VENUE, "maintenance"),
        (HandshakeRejected("no", status=404), DiagnosisStep.ROUTE, "URL"),
        (HandshakeRejected("no", status=400), DiagnosisStep.SOCKET, "URL"),
        (NotConnected("no", **GET), DiagnosisStep.SOCKET, "URL"),
        (OutcomeUnknown("no", **GET, status=504), DiagnosisStep.VENUE, "maintenance"),
        (OutcomeUnknown("no", **GET), DiagnosisStep.SOCKET, "URL"),
        (ApiError(**GET, status=400, code=-4056, msg="kind"), DiagnosisStep.KIND, "another kind"),
        (AuthenticationFailed(**GET, status=400, code=-1022, msg="s"), DiagnosisStep.SIGNATURE, "copy the secret"),
        (AuthenticationFailed(**GET, status=401, code=-2014, msg="f"), DiagnosisStep.KEY, "copy it again"),
        (AuthenticationFailed(**GET, status=401, code=-2015, msg="k"), DiagnosisStep.KEY, "list of addresses"),
        (ApiError(**GET, status=404, code=0, msg="page"), DiagnosisStep.ROUTE, "later version"),
        (ApiError(**GET, status=400, code=-1102, msg="bad"), DiagnosisStep.SOCKET, "URL"),
    ],
)
def test_a_failure_has_its_step_and_its_advice(error: Exception, step: DiagnosisStep, says: str) -> None:
    assert step_of(error, DiagnosisStep.SOCKET) is step
    assert says in advice_on(error, step, "HMAC")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ConnectFailed("cannot reach the proxy 127.0.0.1:1"), "the proxy runs"),
        (ConnectFailed("the TLS handshake with x failed"), "certificates"),
        (caused(ConnectFailed("cannot connect"), gaierror(-2, "Name or service not known")), "DNS"),
        (caused(ConnectFailed("cannot connect"), OSError(111, "refused")), "firewall"),
    ],
)
def test_a_network_that_fails_has_advice_on_what_failed(error: Exception, says: str) -> None:
    assert says in advice_on(error, DiagnosisStep.NETWORK, "")


def test_there_is_advice_on_every_step() -> None:
    assert all(advice_on(Exception(), step, "HMAC") for step in DiagnosisStep)
