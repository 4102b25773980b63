"""Holds the venue's list of open orders against what was delivered as open, while the connection is well."""

from __future__ import annotations

from collections.abc import Container, Hashable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Protocol, TypeVar, runtime_checkable

from trio_binance_uds.stream.recovery.inquiry import Request
from trio_binance_uds.stream.recovery.symbols import listed
from trio_binance_uds.stream.recovery.timing import VenueClock

_KeyT = TypeVar("_KeyT", bound=Hashable)


@runtime_checkable
class Checks(Protocol):
    """A recoverer that can compare what is open with what was delivered as open."""

    async def check(self, request: Request, clock: VenueClock) -> str:
        """Say how the open orders differ from what was delivered; empty where they do not, or were not answered.

        It changes nothing of what counts as delivered. It raises no ordinary exception.
        """
        ...


def differences(
    delivered: Mapping[_KeyT, Decimal], answered: Mapping[_KeyT, Decimal], ended: Container[_KeyT]
) -> Iterator[_KeyT]:
    """Yield the orders that are open, or filled, otherwise than was delivered.

    Both say how much of each order is filled. A list can be behind the events: an order of which more was delivered, or
    its end, shows that and nothing else.
    """
    for key, filled in delivered.items():
        if key not in answered or answered[key] > filled:
            yield key
    for key in answered:
        if key not in delivered and key not in ended:
            yield key


def in_words(names: Iterable[str]) -> str:
    """Say which orders differ; nothing where none does."""
    texts = [f"{name} is not open or filled as it was delivered" for name in names]
    return listed(texts) if texts else ""


def name(key: tuple[str, int]) -> str:
    """Return what to call an order."""
    return f"order {key[1]} of {key[0]}"
