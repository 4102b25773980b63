"""Which symbols a recovery asks about no more: those that do not exist, and those on which nothing happens.

* Of a symbol that the venue does not know there is nothing to be told. A recovery says once that it is gone, and from
  then on nobody asks about it, until the stream shows it again. If orders or positions were open on it, what became of
  them is not known, so that gap is not complete. So is the first one that finds a symbol unknown which the user has
  named: it may be a mistake.
* A symbol on which nothing is open, and of which the stream has shown nothing for a week, is forgotten. It then is like
  every other symbol that nobody has named: an order on it shows in the balances if it fills, and otherwise not.

Source: Binance, "Error Codes" of each product (2026-05-28): -1121 is BAD_SYMBOL everywhere, -3028 a pair that is not on
margin, -1128 a contract that is not among the options.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import timedelta
from functools import partial

import attrs

from trio_binance_uds.logs import stream_logger
from trio_binance_uds.stream.recovery.inquiry import Question

log: logging.LoggerAdapter[logging.Logger] = stream_logger(__name__)

QUIET_AFTER = timedelta(days=7)
"""A symbol on which nothing is open is forgotten when nothing was seen of it for so long."""

BAD_SYMBOL = frozenset({-1121})
BAD_MARGIN_PAIR = frozenset({-1121, -3028})
BAD_CONTRACT = frozenset({-1121, -1128})


# How many things a gap says at most.
_SHOWN = 6


@attrs.frozen
class Findings:
    """What there is to say about symbols: ``reasons`` make a gap incomplete, ``remarks`` do not."""

    reasons: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Gone:
    """The symbols of which the venue has said that they do not exist.

    What one recovery finds is kept apart until its gap has been put into the stream: a recovery whose link was lost is
    made again. Where ``leaves_named`` is true, a symbol that the user has named may belong to another part of the
    account, which says what there is to say.
    """

    def __init__(self, *, leaves_named: bool = False) -> None:
        self._leaves_named = leaves_named
        self._found: dict[str, None] = {}
        self._dropped: set[str] = set()

    def begin(self, shown: Collection[str]) -> None:
        """Begin a recovery, where these symbols are known from the stream or from what is open."""
        self._found.clear()
        self._dropped.difference_update(shown)

    def note(self, symbol: str) -> None:
        """Record that the venue does not know a symbol."""
        self._found[symbol] = None

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._found or symbol in self._dropped

    def excusing(self, question: Question, codes: Iterable[int]) -> Question:
        """Return a question whose answer may be that its symbol does not exist."""
        symbol = question.params.get("symbol")
        if symbol is None:
            return question
        excuses = {code: partial(self.note, symbol) for code in codes}
        return attrs.evolve(question, excuses={**excuses, **question.excuses})

    def findings(
        self, named: Iterable[str], *, is_known: Callable[[str], bool], is_open: Callable[[str], bool]
    ) -> Findings:
        """Return what this recovery is to say.

        Args:
            named: what the user has named.
            is_known: whether the stream or an answer has shown a symbol before.
            is_open: whether orders or positions were open on it.
        """
        named = frozenset(named)
        reasons, remarks = list[str](), list[str]()
        for symbol in self._found:
            if is_open(symbol):
                reasons.append(f"{symbol} does not exist any more, and something was open on it")
            elif symbol in named and not is_known(symbol):
                reasons.append(unknown(symbol))
            else:
                remarks.append(f"{symbol} does not exist any more, and is not asked about from now on")
        remarks += [unknown(symbol) for symbol in sorted(named & self._dropped)]
        if self._leaves_named:
            said = {unknown(symbol) for symbol in named}
            reasons, remarks = [[text for text in texts if text not in said] for texts in (reasons, remarks)]
        return Findings(tuple(reasons), tuple(remarks))

    def settle(self) -> tuple[str, ...]:
        """Drop what the recovery has found, as its gap has been put into the stream; return it."""
        found = tuple(self._found)
        self._found.clear()
        self._dropped.update(found)
        if found and not self._leaves_named:
            log.warning("the venue does not know %s, which is not asked about from now on", ", ".join(found))
        return found


def listed(texts: Sequence[str]) -> str:
    """Return the first of some texts as one."""
    shown = "; ".join(texts[:_SHOWN])
    return shown if len(texts) <= _SHOWN else f"{shown}; and {len(texts) - _SHOWN} more"


def unknown(symbol: str) -> str:
    """Return what to say of a symbol that the user has named, and that the venue does not know."""
    return f"Recovery(symbols=...) names {symbol}, which the venue does not know"
