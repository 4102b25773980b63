"""Says no: the exception of a refused request, and every refusal that the exchange core can give.

Codes and texts are Binance's. Source: Binance Spot, "Error codes" and "Filters" (2026-07-21); texts marked
"observed" come from public issue reports.
"""

from __future__ import annotations

from typing import Any


class Refusal(Exception):
    """The exchange refuses a request; unless ``data`` says otherwise, nothing was changed.

    Attributes:
        code: Binance's error code, negative.
        msg: Binance's text.
        status: the HTTP-like status of the answer.
        data: what goes into ``error.data``; only ``order.cancelReplace`` has it here.
        reject_reason: what an executionReport would say in ``r`` about this refusal.
    """

    def __init__(
        self,
        code: int,
        msg: str,
        status: int = 400,
        data: dict[str, Any] | None = None,
        *,
        reject_reason: str = "NONE",
    ) -> None:
        super().__init__(code, msg)
        self.code = code
        self.msg = msg
        self.status = status
        self.data = data
        self.reject_reason = reject_reason

    def __str__(self) -> str:
        return f"{self.code} {self.msg}"


class UnknownMethod(KeyError):
    """The exchange has no method of this name; its front answers for that."""


class InsufficientFunds(ValueError):
    """More was to be withdrawn, locked or unlocked than the account has."""


def mandatory(name: str) -> Refusal:
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def one_of(first: str, second: str) -> Refusal:
    return Refusal(-1102, f"Param '{first}' or '{second}' must be sent, but both were empty/null!")


def empty(name: str) -> Refusal:
    return Refusal(-1105, f"Parameter '{name}' was empty.")


def not_required(name: str) -> Refusal:
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")


def unread(read: int, sent: int) -> Refusal:
    return Refusal(-1104, f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'.")


def illegal_characters(name: str, pattern: str) -> Refusal:
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def too_precise(name: str) -> Refusal:
    return Refusal(-1111, f"Parameter '{name}' has too much precision.")


def not_valid(name: str) -> Refusal:
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def bad_combination() -> Refusal:
    return Refusal(-1128, "Combination of optional parameters invalid.")


def window_too_long() -> Refusal:
    return Refusal(-1127, "More than 24 hours between startTime and endTime.")


def bad_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")


def filter_failure(name: str) -> Refusal:
    return Refusal(-1013, f"Filter failure: {name}")


def rejected(msg: str, *, reason: str = "NONE") -> Refusal:
    """Refuse a new order in the name of the matching engine."""
    return Refusal(-2010, msg, reject_reason=reason)


def insufficient_balance() -> Refusal:
    return rejected("Account has insufficient balance for requested action.", reason="INSUFFICIENT_BALANCES")


def would_trigger() -> Refusal:
    # The published list says "Order would trigger immediately."; the wire says this (observed).
    return rejected("Stop price would trigger immediately.", reason="STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY")


def would_match() -> Refusal:
    return rejected("Order would immediately match and take.", reason="WOULD_MATCH_IMMEDIATELY")


def bad_list_prices() -> Refusal:
    return rejected("The relationship of the prices for the orders is not correct.", reason="OCO_BAD_PRICES")


def cancel_rejected(msg: str = "Unknown order sent.") -> Refusal:
    return Refusal(-2011, msg)


def amend_rejected(msg: str) -> Refusal:
    return Refusal(-2038, msg)


def no_such_order() -> Refusal:
    return Refusal(-2013, "Order does not exist.")


def not_authorized() -> Refusal:
    return Refusal(-1002, "You are not authorized to execute this request.", 401)
