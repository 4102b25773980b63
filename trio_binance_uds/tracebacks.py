"""Tracebacks without what was in the local variables: crash reporters send those along.

Functions on the way of a request have keys, tokens, URLs and whole answers in their variables, those of the libraries
below us too: trio's ``send_all`` has the bytes that it sends. What has one of our exceptions as its end is known from
its text and its lines; the variables are of use only to whom they should not be shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress


def forget_locals(error: BaseException, *, handled: BaseException | None = None) -> None:
    """Clear the local variables in the frames of an exception, and of all that it is chained to.

    The lines stay. Of each exception the outermost frame stays as it is: it is the one that caught it, and may still
    be running.

    ``handled`` is what our caller was handling when it called us. That is the caller's: its frames are left alone, as
    one of them may be suspended, and to clear it would end it.
    """
    for one in _chain_of(error, handled):
        traceback = one.__traceback__ and one.__traceback__.tb_next
        while traceback is not None:
            with suppress(RuntimeError):  # It is running, so it is on the way of whoever called this.
                traceback.tb_frame.clear()
            traceback = traceback.tb_next


def _chain_of(error: BaseException, but: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set() if but is None else {id(but)}
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
