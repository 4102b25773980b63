"""Open enums: the known words can be compared, misspelt ones are an error for type checkers, new ones are delivered."""

from __future__ import annotations

import json
import pickle
import typing
from pathlib import Path
from typing import Any

import pytest

import trio_binance_uds as uds
from support.products import MARGIN
from trio_binance_uds import events
from trio_binance_uds.events import derivatives_enums, enums, margin, notices, stocks, unified_margin

MODULES = (enums, derivatives_enums, margin, unified_margin, stocks, notices)
ENUMS = [
    (module, value)
    for module in MODULES
    for value in vars(module).values()
    if isinstance(value, type)
    and issubclass(value, events.OpenEnum)
    and value.__module__ == module.__name__
    and list(value)
]


@pytest.mark.parametrize(("module", "enum"), ENUMS, ids=lambda value: value.__name__)
def test_the_words_for_type_checkers_are_those_of_the_enum(module: Any, enum: Any) -> None:
    words = getattr(module, f"{enum.__name__}Word")
    assert typing.get_args(words) == tuple(member.value for member in enum)


def test_there_are_some() -> None:
    assert len(ENUMS) > 35


def report(status: str) -> Any:
    event = uds.decode_frame(json.dumps({**MARGIN.payloads["executionReport"], "X": status}), MARGIN.product)
    assert isinstance(event, uds.ExecutionReport)
    return event


@pytest.mark.parametrize("status", ["FILLED", "A_NEW_WORD"])
def test_a_word_equals_its_text_whether_it_is_known_or_not(status: str) -> None:
    event = report(status)
    assert event.order_status == status
    assert hash(event.order_status) == hash(status)
    assert pickle.loads(pickle.dumps(event)) == event
    assert isinstance(event.order_status, uds.OrderStatus) == (status == "FILLED")
    match event:
        case uds.ExecutionReport(order_status="FILLED" | "A_NEW_WORD"):
            pass
        case _:
            pytest.fail("it does not match")


_RIGHT = """
import trio_binance_uds as uds

def f(report: uds.ExecutionReport, gap: uds.Gap) -> bool:
    match report:
        case uds.ExecutionReport(order_status="FILLED" | "CANCELED"):
            return True
        case uds.ExecutionReport(order_status=uds.OrderStatus.NEW):
            return True
        case _:
            pass
    open_ = {"NEW", "PARTIALLY_FILLED"}
    return report.order_status == "FILLED" or str(report.order_status) in open_ or gap.cause == "link_lost"
"""


@pytest.mark.long
def test_type_checkers_find_a_misspelt_word(tmp_path: Path) -> None:
    api = pytest.importorskip("mypy.api")
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(_RIGHT)
    wrong.write_text(_RIGHT.replace('== "FILLED"', '== "FILED"').replace('"link_lost"', '"link_lots"'))
    said, _, status = api.run(["--strict", "--cache-dir", str(tmp_path / "cache"), str(right), str(wrong)])
    errors = [line for line in said.splitlines() if ": error:" in line]
    assert status == 1
    assert len(errors) == 2, said
    assert all("wrong.py" in line and "[comparison-overlap]" in line for line in errors), said
