"""What a crash reporter shows of an exception: its texts, and the local variables of every frame of the whole chain."""

from __future__ import annotations

import reprlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

_TESTS = str(Path(__file__).parents[1])


def chain_of(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it is chained to, whether that is shown or suppressed."""
    seen: set[int] = set()
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


def shown(error: BaseException) -> str:
    """Return all of it; frames of the tests themselves are left out."""
    lines: list[str] = []
    for one in chain_of(error):
        lines += [str(one), repr(one), repr(one.args), repr(vars(one))]
        lines += _locals(one.__traceback__)
    return "\n".join(lines)


def _locals(traceback: TracebackType | None) -> Iterator[str]:
    while traceback is not None:
        frame = traceback.tb_frame
        if not frame.f_code.co_filename.startswith(_TESTS):
            where = f"{frame.f_code.co_filename}:{traceback.tb_lineno} {frame.f_code.co_qualname}"
            for name, value in frame.f_locals.items():
                try:
                    yield f"{where}: {name} = {value!r}"
                except Exception:
                    yield f"{where}: {name} = {reprlib.repr(type(value))}"
        traceback = traceback.tb_next
