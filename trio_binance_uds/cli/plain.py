"""Writes amounts, times and foreign text as plain text: exact, on one line, and harmless to a terminal."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from trio_binance_uds import OpenEnum

# Written out, an exponent beyond this would be a line of zeros; 1e999999999 would be all of the memory.
_LONGEST = 64
NOT_SAID = "?"
"""Stands for what an event should say, and does not."""


def exact(amount: Decimal) -> str:
    """Return an amount digit for digit, as Binance writes it: ``0.00000000`` and not ``0E-8``."""
    if amount.is_finite() and abs(amount.adjusted()) <= _LONGEST and -_LONGEST <= _exponent(amount) <= _LONGEST:
        return f"{amount:f}"
    return str(amount)


def short(amount: Decimal | None) -> str:
    """Return an amount for people: every digit that counts, without the zeros at its end."""
    if amount is None:
        return NOT_SAID
    text = exact(amount)
    return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text


def signed(amount: Decimal | None) -> str:
    """Return a change of an amount for people, always with its sign."""
    return short(amount) if amount is None or amount.is_signed() else f"+{short(amount)}"


def iso(time: datetime) -> str:
    """Return a time as ISO 8601 in UTC, to the microsecond."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def clock(time: datetime | None) -> str:
    """Return the time of day in UTC to the millisecond, or blanks of the same width."""
    return " " * 12 if time is None else time.astimezone(UTC).time().isoformat(timespec="milliseconds")


def word(value: OpenEnum | str | None) -> str:
    """Return a word of the venue as a text; of none an empty one."""
    return "" if value is None else str(value)


def printable(text: OpenEnum | str | None) -> str:
    """Return a text on one line, with everything escaped that could move the cursor or hide what stands there.

    What comes from outside is shown to people: an escape sequence in it must not reach the terminal.
    """
    if text is None:
        return NOT_SAID
    text = str(text)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def words(constant: OpenEnum | str | None) -> str:
    """Return a word of a program as words for people: ``FUNDING_FEE`` as ``funding fee``."""
    return printable(constant).replace("_", " ").lower()


# What the library's messages advise a program to call, and what the user of the command does instead.
_ADVICE = {
    "give one with override()": "give one with --url HOST=URL",
    "check the URL given with override()": "check the URL given with --url",
    ", or give Network(open_stream=...) that dials through the SOCKS proxy": "",
    "an HMAC secret goes to from_secret() or the API_SECRET variable, a path to from_file() or the PRIVATE_KEY_FILE "
    "variable": "an HMAC secret goes into BINANCE_API_SECRET, a path into BINANCE_PRIVATE_KEY_FILE",
    "use from_file() or the PRIVATE_KEY_FILE variable": "put it into BINANCE_PRIVATE_KEY_FILE",
    "use from_secret()": "put it into BINANCE_PRIVATE_KEY or BINANCE_API_SECRET",
    "name them in Recovery(symbols=...)": "name them with --symbol",
    "Recovery(symbols=...) names": "--symbol names",
    "by ssl_context or SSL_CERT_FILE": "by SSL_CERT_FILE",
    "(SPOT)": "(spot)",
    "(CROSS_MARGIN)": "(cross-margin)",
    "(isolated_margin)": "(isolated-margin:SYMBOL)",
}


def command_words(text: str) -> str:
    """Return a message of the library's with advice for the user of the command in place of that for a program."""
    for advice, instead in _ADVICE.items():
        text = text.replace(advice, instead)
    return text


def one_line(error: BaseException) -> str:
    """Return what an exception says, on one line, with what first caused it where it does not say so itself."""
    said, why = _said(error), _said(_root(error))
    return said if why in said else f"{said} ({why})"


def _said(error: BaseException) -> str:
    return printable(command_words(" ".join(str(error).split()))) or type(error).__name__


def _root(error: BaseException) -> BaseException:
    while (inner := error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error.__cause__) is not None:
        error = inner
    return error


def tail(text: str, length: int) -> str:
    """Return the end of an id, which tells it from others, marked where something is left out."""
    text = printable(text)
    return text if len(text) <= length else f"…{text[1 - length :]}"


def _exponent(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    assert isinstance(exponent, int), "only a finite amount has digits"
    return exponent
