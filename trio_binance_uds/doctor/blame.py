"""Which step a failure belongs to, and what to do about it: pure functions of the exception."""

from __future__ import annotations

from socket import gaierror

from trio_binance_uds.doctor.findings import DiagnosisStep
from trio_binance_uds.errors import (
    ApiError,
    AuthenticationFailed,
    ClockSkew,
    ConnectFailed,
    CredentialsError,
    HandshakeRejected,
    NotConnected,
    NotOffered,
    OutcomeUnknown,
    RateLimited,
    Retired,
)

# Source: Binance Spot, errors.md (2026-07-21); -1193 and -4056 were measured on session.logon with another kind of key.
_SIGNATURE = frozenset({-1022})
_WRONG_KIND = frozenset({-1193, -4056})
_KEY_FORMAT = frozenset({-2014})
_ADDRESS_REFUSED = frozenset({403, 418, 429, 451})


def step_of(error: Exception, otherwise: DiagnosisStep) -> DiagnosisStep:
    """Return the step that a failure belongs to; ``otherwise`` is the one in which it showed.

    -2015 is :attr:`DiagnosisStep.KEY`: whether it is a permission that is missing takes more than one answer to know.
    """
    match error:
        case Retired():
            return DiagnosisStep.ROUTE
        case RateLimited():
            return DiagnosisStep.VENUE
        case ClockSkew():
            return DiagnosisStep.CLOCK
        case CredentialsError():
            return DiagnosisStep.KIND
        case NotOffered():
            return DiagnosisStep.ROUTE
        case HandshakeRejected(status=status):
            return _step_of_status(status, otherwise)
        case ConnectFailed() | NotConnected():
            return otherwise
        case OutcomeUnknown(status=status) if status is not None and status >= 500:
            return DiagnosisStep.VENUE
        case ApiError(code=code) if code in _WRONG_KIND:
            return DiagnosisStep.KIND
        case AuthenticationFailed(code=code):
            return DiagnosisStep.SIGNATURE if code in _SIGNATURE else DiagnosisStep.KEY
        case ApiError(code=0, status=status):
            return _step_of_status(status, otherwise)
        case _:
            return otherwise


def _step_of_status(status: int, otherwise: DiagnosisStep) -> DiagnosisStep:
    if status in _ADDRESS_REFUSED or status >= 500:
        return DiagnosisStep.VENUE
    return DiagnosisStep.ROUTE if status in (404, 410) else otherwise


def advice_on(error: Exception, step: DiagnosisStep, kind: str) -> str:
    """Return what to do; ``kind`` is the kind of the user's secret, for people."""
    match error:
        case Retired(replaced_by=instead):
            return f"the venue has taken it away for good; what replaces it: {instead}"
        case (
            RateLimited(status=status, retry_after=wait)
            | HandshakeRejected(status=418 | 429 as status, retry_after=wait)
        ):
            until = "some minutes" if wait is None else f"{wait:.0f} s"
            what = "this address is banned" if status == 418 else "too much was asked from this address"
            return (
                f"{what}: wait {until} and ask nothing meanwhile, as every request makes it longer; find what else "
                "asks from here, and ask less often"
            )
        case ApiError(status=403 | 451) | HandshakeRejected(status=403 | 451):
            return "the venue's firewall has refused this address or its country; try from another, without a VPN"
        case OutcomeUnknown() | HandshakeRejected() if (error.status or 0) >= 500:
            return "the venue is in trouble or in maintenance: look at its status page, and try again later"
        case ApiError(code=code) if code in _KEY_FORMAT:
            return "the API key is not one: copy it again, whole and without blanks, from the venue's API management"
        case NotOffered():
            return "choose another environment or product, or name the server by its URL"
        case ConnectFailed() if step is DiagnosisStep.NETWORK:
            return _network_advice(error)
        case _:
            return _ADVICE[step].format(kind=kind)


def _network_advice(error: Exception) -> str:
    text, cause = str(error), error.__cause__
    if "proxy" in text:
        return "see that the proxy runs, that its address is right, and that it takes this user and this destination"
    if "TLS" in text:
        return (
            "see that the certificates of this machine are up to date; where a company opens TLS on the way, give its "
            "authority by ssl_context or SSL_CERT_FILE"
        )
    if isinstance(cause, gaierror):
        return "the name is not known here: see that the URL is right, and that this machine can look names up (DNS)"
    return _ADVICE[DiagnosisStep.NETWORK]


_ADVICE = {
    DiagnosisStep.NETWORK: (
        "see that the URL is right, and that no firewall is in the way: nothing listens there, or nothing comes back"
    ),
    DiagnosisStep.VENUE: ("try again later; look at the venue's status page"),
    DiagnosisStep.CLOCK: (
        "set the clock by NTP (timedatectl set-ntp true); the stream goes by the venue's time, but every other "
        "program here that signs is refused with -1021"
    ),
    DiagnosisStep.ROUTE: (
        "see whether the URL is that of this product, and whether a later version of this library knows more"
    ),
    DiagnosisStep.KEY: (
        "the venue does not know this key here, or does not take it from this address: see that it is a key of "
        "this environment and was not deleted, that its list of addresses has the one that you come from, and that "
        "reading and the product are enabled for it"
    ),
    DiagnosisStep.KIND: (
        "the key was registered with another kind than {kind}: sign with what belongs to it, or make a new key "
        "and register your public key with it"
    ),
    DiagnosisStep.SIGNATURE: (
        "the secret is not the one of this key, or the key was registered with another kind than {kind}: copy the"
        " secret again, or take the private key whose public half was uploaded for this key"
    ),
    DiagnosisStep.PERMISSIONS: (
        "the venue knows the key, and does not allow it this: in its API management enable reading and the "
        "product, and open the product's account if there is none yet"
    ),
    DiagnosisStep.SUBSCRIPTION: ("try again; where it stays so, look at the venue's status page and report it"),
    DiagnosisStep.SOCKET: (
        "see that the URL is the one that brings events of this product: leave it out to have the environment's own"
    ),
    DiagnosisStep.BASELINE: (
        "the venue does not answer questions about the account, so no gap can be proven complete: enable reading "
        "for the key, and try again later"
    ),
    DiagnosisStep.GAP: ("try again; where it stays so, look at the venue's status page and report it"),
    DiagnosisStep.ORDER: (
        "see that symbol, quantity and price fit the venue's filters, and that there is money for it"
    ),
}
