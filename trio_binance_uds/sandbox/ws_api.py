"""The entrance to the WebSocket API: what the URL of a connection says, and the session that is opened for it.

Source: Binance Spot, WebSocket API, "General API Information" and "Rate limits"; SBE FAQ for the errors of an upgrade
(2026-07-21). SBE itself is not offered here: asking for it is answered as by a server that has it switched off.
"""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

from trio_binance_uds.sandbox.exchange import CONNECT_WEIGHT, Refusal
from trio_binance_uds.sandbox.session import Session
from trio_binance_uds.sandbox.venue import Venue
from trio_binance_uds.sandbox.ws_connection import Timing
from trio_binance_uds.sandbox.ws_front import Admission

PATH = "/ws-api/v3"
_TIME_UNITS = {"MILLISECOND": False, "millisecond": False, "MICROSECOND": True, "microsecond": True}
_BOOLEANS = {"true": True, "false": False}


class WsApi:
    """Lets connections into the WebSocket API."""

    def __init__(self, venue: Venue, timing: Timing) -> None:
        self._venue = venue
        self._timing = timing

    def admit(self, target: str, ip: str) -> Admission:
        """Decide about the target of an upgrade, and count it.

        Raises:
            Refusal: the upgrade is to be answered with that.
        """
        parts = urlsplit(target)
        if parts.path != PATH:
            raise Refusal(-1000, "Not found.", status=404)
        self._venue.limiter.connect(ip, CONNECT_WEIGHT)
        options = session_options(parts.query)
        used = str(self._venue.limiter.weight_used(ip))
        return Admission(
            path=PATH,
            open_session=lambda port: Session(self._venue, port, **options),
            timing=self._timing,
            headers={"x-mbx-used-weight": used, "x-mbx-used-weight-1m": used},
        )


def session_options(query: str) -> dict[str, bool]:
    """Return what the parameters of a connection URL say about the session.

    Raises:
        Refusal: one of the five has a value that it cannot have, or is given twice.
    """
    options: dict[str, bool] = {}
    pairs = parse_qsl(query, keep_blank_values=True)
    given = dict(pairs)
    for name in ("returnRateLimits", "timeUnit", "responseFormat", "sbeSchemaId", "sbeSchemaVersion"):
        if sum(1 for key, _ in pairs if key == name) > 1:
            raise Refusal(-1101, f"Duplicate values for parameter '{name}' detected.")
    if "returnRateLimits" in given:
        if given["returnRateLimits"] not in _BOOLEANS:
            raise Refusal(-1130, "Data sent for parameter 'returnRateLimits' is not valid.")
        options["return_rate_limits"] = _BOOLEANS[given["returnRateLimits"]]
    if "timeUnit" in given:
        if given["timeUnit"] not in _TIME_UNITS:
            raise Refusal(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
        options["microseconds"] = _TIME_UNITS[given["timeUnit"]]
    for name in ("sbeSchemaId", "sbeSchemaVersion"):
        if name in given and not (given[name].isascii() and given[name].isdigit()):
            raise Refusal(-1152, f"Invalid '{name}'; expected an integer.")
    match given.get("responseFormat", "json"):
        case "json":
            pass
        case "sbe" if "sbeSchemaId" in given and "sbeSchemaVersion" in given:
            raise Refusal(-1155, "SBE is not enabled.")
        case "sbe":
            raise Refusal(-1152, "SBE needs 'sbeSchemaId' and 'sbeSchemaVersion'.")
        case _:
            raise Refusal(-1130, "Data sent for parameter 'responseFormat' is not valid.")
    return options
