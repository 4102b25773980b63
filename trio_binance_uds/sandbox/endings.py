"""Lets others hear that something has ended: a listen key, or a listen token."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Ending(Generic[T]):
    """An end that comes once, and who wants to know of it. What is told says what kind of end it was."""

    __slots__ = ("_listeners",)

    def __init__(self) -> None:
        self._listeners: dict[object, Callable[[T], None]] = {}

    def listen(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Tell a listener; return what takes that back, which may be called twice."""
        token = object()
        self._listeners[token] = listener

        def stop() -> None:
            self._listeners.pop(token, None)

        return stop

    def tell(self, what: T) -> None:
        """Tell everybody, in the order in which they came, and forget them."""
        while self._listeners:
            # One at a time: a listener may take another with it.
            self._listeners.pop(next(iter(self._listeners)))(what)
