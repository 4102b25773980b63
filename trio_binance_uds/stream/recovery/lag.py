"""Whether a history is behind: then it may lack more than is known.

The venue's databases can lag behind its streams. Of what a history lacks, only what was delivered is known. So an order
that was delivered, and that the history must list by now, is a sample: where it is missing, others can be missing too.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from trio_binance_uds.stream.recovery.finished import Finished

Key = tuple[str, int]
"""The symbol and the id of an order."""
_KeyT = TypeVar("_KeyT", bound=Hashable)


def placed_since(placed: Finished[_KeyT], since: datetime) -> Iterator[_KeyT]:
    """Yield the orders that were delivered as placed since a time, the newest first."""
    for key, (at, _) in placed.newest_first():
        if at < since:
            return
        yield key


def unlisted(must: Iterable[Key], listed: Container[Key], is_asked: Callable[[str], bool]) -> Iterator[str]:
    """Yield the symbols whose history was answered, and lacks an order that it must list."""
    for key in must:
        if key not in listed and is_asked(key[0]):
            yield key[0]
