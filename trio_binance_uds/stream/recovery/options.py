"""How what was missed in a gap is asked for."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from trio_binance_uds import checks

# What is allowed where no product has settled it: a quarter of spot's limit.
_UNSETTLED = 1500


def _symbols(given: Iterable[str]) -> tuple[str, ...]:
    return tuple([checks.symbol("each of symbols", symbol) for symbol in checks.texts("symbols", given, "BTCUSDT")])


@attrs.frozen(kw_only=True)
class Recovery:
    """How what was missed in a gap is asked for.

    Attributes:
        enabled: whether it is asked for at all; without, every gap has ``complete=False``.
        symbols: symbols, in upper case, that are always asked about, besides those with open orders and those seen on
            the stream within a week. On cross margin and on the margin part of Portfolio Margin, open orders are asked
            for symbol by symbol, so name those on which orders may be open when the stream begins.
        max_seconds: how long one recovery may take; live events wait for it that long at most.
        max_weight: how much request weight one recovery may cost, of all its accounts together; ``None`` is a quarter
            of what the venue allows an address in a minute, so that the rest stays for trading. What it does not
            suffice for is said. On margin, where the history of the orders of a symbol costs 200 a day, that covers a
            dozen symbols; trades and known orders are asked for first, at 10 each. Nor is anything asked that does not
            fit into what the venue reports as left of the present minute.
    """

    enabled: bool = attrs.field(default=True, validator=checks.truth)
    symbols: tuple[str, ...] = attrs.field(default=(), converter=_symbols)
    max_seconds: float = attrs.field(default=10.0, validator=checks.seconds())
    max_weight: int | None = attrs.field(default=None, validator=checks.at_least(1, allow_none=True))

    @property
    def weight_allowed(self) -> int:
        """The weight that one recovery may cost."""
        return _UNSETTLED if self.max_weight is None else self.max_weight

    def settled(self, weight_per_minute: int) -> Recovery:
        """Return these options with a weight that fits the venue's limit, unless it was given."""
        return self if self.max_weight is not None else attrs.evolve(self, max_weight=weight_per_minute // 4)
