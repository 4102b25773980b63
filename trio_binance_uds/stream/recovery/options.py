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
        max_weight: how much request weight one recovery may cost.
    """

    enabled: bool = True
    symbols: tuple[str, ...] = ()
    max_seconds: float = 10.0
    max_weight: int = 1500
