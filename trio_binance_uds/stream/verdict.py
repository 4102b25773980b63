"""What the end of a link means: whether trying again can help, and what the user is told as the cause.

The rules, of which the first that fits decides:

* what the key, its permissions or the call's own parameters were refused for stays refused: fatal;
* 410 Gone is for ever, of a WebSocket handshake as of a REST route: fatal;
* everything that a network, a restart, a limit or a clock can cause passes: transient;
* a refusal that nobody can read or that is not documented is no proof of anything: transient, as an attempt too many
  costs little, and giving up costs every event from there on;
* what is not one of our own exceptions is a bug of ours: fatal, so that it is told and not repeated.
"""

from __future__ import annotations

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
)
from trio_binance_uds.events import DisconnectCause, GapCause
from trio_binance_uds.link.connection import PongMissing
from trio_binance_uds.link.intake import SubscriptionEnded
from trio_binance_uds.link.transport import TransportClosed
from trio_binance_uds.stream.handover import ParkedTooMuch

# Source: Binance Spot, errors.md (2026-07-21): service no longer offered, operation not supported.
_GONE_CODES = frozenset({-1016, -1020})
# The call itself is at fault, and it will be the same the next time.
_REQUEST_CODES = range(-1199, -1099)
# But these of them a fresh link heals: too many messages, too many subscriptions, a listen key that is not known.
_PASSING_CODES = frozenset({-1125, -1181, -1191})


def is_fatal(error: Exception) -> bool:
    """Whether a failure to bring up a link, or the end of one, ends the stream for good."""
    match error:
        case CredentialsError() | NotOffered() | AuthenticationFailed():
            return True
        case HandshakeRejected(status=status):
            return status == 410
        case RateLimited() | ClockSkew():
            return False
        case ApiError(code=code):
            return code in _GONE_CODES or (code in _REQUEST_CODES and code not in _PASSING_CODES)
        case ConnectFailed() | NotConnected() | OutcomeUnknown():
            return False
        case TransportClosed() | PongMissing() | SubscriptionEnded() | ParkedTooMuch():
            return False
        case _:
            return True


def disconnect_cause(error: Exception) -> DisconnectCause:
    """Return what a user is told about why the active link ended."""
    match error:
        case PongMissing():
            return DisconnectCause.KEEPALIVE_TIMEOUT
        case SubscriptionEnded():
            return DisconnectCause.SUBSCRIPTION_LOST
        case AuthenticationFailed():
            return DisconnectCause.CREDENTIALS_REVOKED
        case _:
            return DisconnectCause.CONNECTION_LOST


def gap_cause(error: Exception) -> GapCause:
    """Return what a user is told about why events may be missing after the active link ended."""
    return GapCause.SUBSCRIPTION_LOST if isinstance(error, SubscriptionEnded) else GapCause.LINK_LOST
