"""Holds answers against their questions: what is about something else is no answer.

A proxy that mixes connections up, a cache, or a fault of the venue can answer with what another question, or another
account, was told. Such an answer reads well. Taken for ours it would make a gap complete in which orders are missing,
and deliver a stranger's.

The venue's parameters and the members of its rows have the same names, so one table does for all products:

* A row with a member that a parameter asked for has the value that was asked for: the symbol, the ids, the account.
* A page that begins at an id has no smaller ones.
* A row is of the window of time that was asked for. By which of its times a history lists an order is not documented,
  so the time from the first to the last that the row tells must touch the window.
* Answers that name the account they are of name the same one for as long as the stream lives.

A member that a row does not have proves nothing either way: some routes leave out what was asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from trio_binance_uds.stream.recovery.reading import Unreadable
from trio_binance_uds.texts import quoted

# Parameters, and the members of a row of which one must have the value.
_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("symbol", ("symbol",)),
    ("isolatedSymbol", ("isolatedSymbol",)),
    ("isIsolated", ("isIsolated",)),
    # A prevented match is of two orders.
    ("orderId", ("orderId", "takerOrderId", "makerOrderId")),
    ("orderListId", ("orderListId",)),
    ("preventedMatchId", ("preventedMatchId",)),
    ("algoId", ("algoId",)),
    ("strategyId", ("strategyId",)),
)
# Where an answer that is an object has its rows, beside or instead of being one itself.
_LISTS = ("rows", "symbols", "assets")
# When something began and when it last changed. Order lists have one time only, of which neither is documented.
_TIMES = (
    "time",
    "updateTime",
    "createTime",
    "createDate",
    "bookTime",
    "timestamp",
    "interestAccuredTime",
    "createdAt",
    "updatedAt",
    "executionAt",
)
# Of an account: its number, and the name that it goes by in futures.
_OWNERS = ("uid", "accountAlias")
_MICROSECONDS = 10**14
# Some routes round times to whole seconds.
_ROUNDING_MS = 1000


def check_answer(params: Mapping[str, Any], answer: Any) -> None:
    """Let an answer pass that can be to a question with these parameters.

    Raises:
        Unreadable: it is about something else.
    """
    checks = _checks(params)
    if checks:
        for row in _rows(answer):
            for check in checks:
                check(row)


class Whose:
    """The account that the answers of one stream are of, as far as they name it."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def check(self, answer: Any) -> None:
        """Let an answer pass that is not another account's.

        Raises:
            Unreadable: it names another account than an earlier one.
        """
        rows = _rows(answer)
        found: dict[str, str] = {}
        for name in _OWNERS:
            for value in {str(row[name]) for row in rows if row.get(name)}:
                if value != found.setdefault(name, self._names.get(name, value)):
                    raise Unreadable("the answer is another account's")
        self._names.update(found)


def _rows(answer: Any) -> list[Mapping[str, Any]]:
    """Return the objects that an answer consists of; what else there is, its reader refuses."""
    found = [answer]
    if type(answer) is dict:
        for name in _LISTS:
            if type(answer.get(name)) is list:
                found += answer[name]
    elif type(answer) is list:
        found = answer
    return [row for row in found if type(row) is dict]


def _checks(params: Mapping[str, Any]) -> list[Callable[[Mapping[str, Any]], None]]:
    checks: list[Callable[[Mapping[str, Any]], None]] = [
        _Same(name, members, _text(params[name])) for name, members in _NAMES if name in params
    ]
    if "symbols" in params:
        symbols = params["symbols"]
        checks.append(_Among(frozenset([symbols] if isinstance(symbols, str) else symbols)))
    if "fromId" in params:
        checks.append(_NotBefore(params["fromId"]))
    if "startTime" in params or "endTime" in params:
        checks.append(_Within(params.get("startTime", 0), params.get("endTime", float("inf"))))
    return checks


class _Same:
    """A row names what was asked for, if it names any."""

    def __init__(self, name: str, members: tuple[str, ...], wanted: str) -> None:
        self._name, self._members, self._wanted = name, members, wanted

    def __call__(self, row: Mapping[str, Any]) -> None:
        found = [_text(row[member]) for member in self._members if row.get(member) is not None]
        if found and self._wanted not in found:
            raise Unreadable(f"the answer is about {self._name} {quoted(found[0], 40)}, not {self._wanted!r}")


class _Among:
    """A row is of one of the symbols that were asked for."""

    def __init__(self, symbols: frozenset[str]) -> None:
        self._symbols = symbols

    def __call__(self, row: Mapping[str, Any]) -> None:
        symbol = row.get("symbol")
        if isinstance(symbol, str) and symbol not in self._symbols:
            raise Unreadable(f"the answer is about symbol {quoted(symbol, 40)}, which was not asked for")


class _NotBefore:
    """A row is not before the id at which the page begins."""

    def __init__(self, first: int) -> None:
        self._first = first

    def __call__(self, row: Mapping[str, Any]) -> None:
        number = row.get("id")
        if type(number) is int and number < self._first:
            raise Unreadable(f"the answer has the id {number}, and was to begin at {self._first}")


class _Within:
    """A row is of the window of time that was asked for."""

    def __init__(self, start: float, end: float) -> None:
        self._start, self._end = start - _ROUNDING_MS, end + _ROUNDING_MS

    def __call__(self, row: Mapping[str, Any]) -> None:
        times = [_milliseconds(row[name]) for name in _TIMES if type(row.get(name)) is int and row[name] > 0]
        if times and not (min(times) <= self._end and max(times) >= self._start):
            raise Unreadable("the answer is about another time than was asked for")


def _milliseconds(stamp: int) -> float:
    return stamp / 1000 if stamp >= _MICROSECONDS else stamp


def _text(value: Any) -> str:
    return str(value).upper() if type(value) is bool else str(value)
