"""Checks of what the user gives when opening a stream: what does not fit is refused in words that say what to do."""

from __future__ import annotations

from trio_binance_uds.products import Product

_MAX_NAME = 100


def stream_name(name: str | None, product: Product) -> str:
    """Return the name of a stream: the given one, or the product's.

    Raises:
        TypeError: it is not a text.
        ValueError: it is a text that cannot stand in a log line: empty, too long, or with control characters.
    """
    if name is None:
        return product.name
    if not isinstance(name, str):
        raise TypeError(f"the name of a stream must be a text such as 'alice', got {type(name).__name__}")
    if not name or name != name.strip() or not name.isprintable() or len(name) > _MAX_NAME:
        raise ValueError(
            f"the name of a stream must be 1 to {_MAX_NAME} printable characters, without blanks at its ends, "
            f"got {name[:_MAX_NAME]!r}"
        )
    return name
