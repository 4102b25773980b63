"""How what was missed in a gap is asked for."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Recovery:
    """How what was missed in a gap is asked for.

    Attributes:
        enabled: whether it is asked for at all; without, every gap has ``complete=False``.
        symbols: symbols that are always asked about, besides those with open orders and those seen on the stream.
        max_seconds: how long one recovery may take; live events wait for it that long at most.
        max_weight: how much request weight one recovery may cost, of all its accounts together. What it does not
            suffice for is said. On margin, where the history of the orders of a symbol costs 200 a day, the default
            covers six symbols; trades and known orders are asked for first, at 10 each.
    """

    enabled: bool = True
    symbols: tuple[str, ...] = ()
    max_seconds: float = 10.0
    max_weight: int = 1500
