"""A venue that repeats: which events are the same one again, and which are two that are equal."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import trio_binance_uds as uds
from trio_binance_uds.stream import repetitions as module
from trio_binance_uds.stream.record import StreamRecord
from trio_binance_uds.stream.repetitions import Repetitions
from trio_binance_uds.wire.json_text import dumps

from test_order_sums import futures as futures_report  # isort: skip
from test_order_sums import spot as spot_report  # isort: skip

MS = 1_900_000_000_000


def decoded(product: uds.Product, event: dict[str, Any]) -> uds.Event:
    found = uds.decode_frame(dumps(event), product)
    assert isinstance(found, uds.Event)
    assert not isinstance(found, uds.UndecodableEvent), found.problem
    return found


def futures(product: uds.Product, wallet: str, change: str, at: int = MS, reason: str = "FUNDING_FEE") -> uds.Event:
    more: dict[str, Any] = {"i": "SfsR"} if product is uds.COINM_FUTURES else {}
    if product is uds.PORTFOLIO_MARGIN:
        more = {"fs": "UM", "i": ""}
    account = {"m": reason, "B": [{"a": "USDT", "wb": wallet, "cw": wallet, "bc": change}], "P": []}
    return decoded(product, {"e": "ACCOUNT_UPDATE", "E": at + 3, "T": at, "a": account, **more})


def options(product: uds.Product, wallet: str, change: str, at: int = MS, reason: str = "DEPOSIT") -> uds.Event:
    rows = [{"a": "USDT", "b": wallet, "bc": change}]
    event = {"e": "BALANCE_POSITION_UPDATE", "E": at + 3, "T": at, "m": reason, "B": rows, "P": []}
    return decoded(product, event)


UPDATES: list[tuple[uds.Product, Any]] = [
    (uds.USDM_FUTURES, futures),
    (uds.COINM_FUTURES, futures),
    (uds.PORTFOLIO_MARGIN, futures),
    (uds.OPTIONS, options),
]
every_update = pytest.mark.parametrize(("product", "update"), UPDATES, ids=lambda one: getattr(one, "name", ""))


@every_update
def test_change_that_comes_again_with_what_it_made_is_one(product: uds.Product, update: Any) -> None:
    record = StreamRecord()
    repetitions = Repetitions(record)
    funding = update(product, "105", "5")
    assert funding.is_told_once
    assert not repetitions.is_repeated(funding)
    assert repetitions.is_repeated(update(product, "105", "5"))
    later = attrs.evolve(funding, event_time=funding.event_time.replace(microsecond=9000))
    assert repetitions.is_repeated(later), "sent again with another time of sending"
    assert record.repeated == 2


@every_update
def test_repetition_is_known_after_others(product: uds.Product, update: Any) -> None:
    repetitions = Repetitions(StreamRecord())
    first, second = update(product, "105", "5"), update(product, "108", "3")
    third = update(product, "118", "10", at=MS + 1)
    assert [repetitions.is_repeated(one) for one in (first, second, third)] == [False] * 3
    assert [repetitions.is_repeated(one) for one in (first, second, third)] == [True] * 3


@every_update
def test_different_changes_are_different(product: uds.Product, update: Any) -> None:
    repetitions = Repetitions(StreamRecord())
    for one in (
        update(product, "105", "5"),
        update(product, "110", "5"),
        update(product, "105", "5", at=MS + 1),
        update(product, "105", "5", reason="WITHDRAW"),
    ):
        assert not repetitions.is_repeated(one)
    assert not repetitions.is_repeated(attrs.evolve(update(product, "105", "5"), account="another"))


@every_update
def test_update_without_a_change_may_come_twice(product: uds.Product, update: Any) -> None:
    repetitions = Repetitions(StreamRecord())
    for _ in range(3):
        assert not repetitions.is_repeated(update(product, "105", "0"))


@every_update
def test_change_that_is_taken_back_and_made_again_in_one_millisecond_is_three(
    product: uds.Product, update: Any
) -> None:
    repetitions = Repetitions(StreamRecord())
    for wallet, change in (("105", "5"), ("100", "-5"), ("105", "5")):
        assert not repetitions.is_repeated(update(product, wallet, change))
    assert repetitions.is_repeated(update(product, "105", "5"))


def test_change_of_a_debt_that_comes_again_is_one() -> None:
    repetitions = Repetitions(StreamRecord())
    event = {"e": "liabilityChange", "E": MS, "a": "BTC", "t": "BORROW", "T": 77, "p": "1", "i": "0", "l": "3"}
    debt = decoded(uds.PORTFOLIO_MARGIN, event)
    assert debt.is_told_once
    assert not repetitions.is_repeated(debt)
    assert repetitions.is_repeated(decoded(uds.PORTFOLIO_MARGIN, event))
    assert not repetitions.is_repeated(decoded(uds.PORTFOLIO_MARGIN, event | {"T": 78}))
    for _ in range(2):
        unnumbered = decoded(uds.PORTFOLIO_MARGIN, event | {"T": None})
        assert not repetitions.is_repeated(unnumbered)


def test_events_that_carry_a_change_alone_are_not_told_once() -> None:
    deposit = {"e": "balanceUpdate", "E": MS, "a": "BTC", "d": "1", "T": MS}
    assert not decoded(uds.SPOT, deposit).is_told_once
    debt = {"e": "USER_LIABILITY_CHANGE", "E": MS, "a": "BTC", "t": "BORROW", "p": "1", "i": "0"}
    assert not decoded(uds.MARGIN_RISK, debt).is_told_once


REPORTS: list[Any] = [
    spot_report(filled="0.1", part="0.1", execution_id=5, trade_id=3),
    spot_report(filled="0.1", part="0.1", execution_id=5, trade_id=-1, allocation_id=9),
    spot_report(filled="0.1", part="0.1", execution_id=5),
    spot_report(filled="0.1", part="0.1"),
    spot_report(execution_id=5),
    futures_report(filled="0.1", part="0.1", trade_id=3),
]


@pytest.mark.parametrize("report", REPORTS)
def test_report_that_was_forgotten_is_new_once_more(report: Any) -> None:
    repetitions = Repetitions(StreamRecord())
    assert not repetitions.is_repeated(report)
    repetitions.forget(report)
    assert not repetitions.is_repeated(report)
    assert repetitions.is_repeated(report)


def test_numbers_that_do_not_rise_are_new_all_the_same_and_known_when_they_come_again() -> None:
    record = StreamRecord()
    repetitions = Repetitions(record)
    reports = [
        spot_report(filled="0.1", part="0.1", execution_id=number, trade_id=trade, order_id=order)
        for number, trade, order in ((9, 5, 1), (4, 5, 2), (6, 2, 1), (8, 7, 2), (7, 1, 1))
    ]
    assert [repetitions.is_repeated(report) for report in reports] == [False] * 5
    assert [repetitions.is_repeated(report) for report in reports] == [True] * 5
    renumbered = [attrs.evolve(report, execution_id=report.execution_id + 10) for report in reports]
    assert [repetitions.is_repeated(report) for report in renumbered] == [True] * 5
    assert (record.repeated, record.renumbered) == (5, 5)


def test_two_generations_are_remembered_and_the_symbols_of_none_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REPORTS_REMEMBERED", 4)
    repetitions = Repetitions(StreamRecord())
    old = spot_report(symbol="OLDUSDT", execution_id=1)
    assert not repetitions.is_repeated(old)
    for number in range(6):
        assert not repetitions.is_repeated(spot_report(execution_id=number))
    assert repetitions.is_repeated(spot_report(execution_id=0))
    assert repetitions.is_repeated(old)
    for number in range(6, 12):
        assert not repetitions.is_repeated(spot_report(execution_id=number))
    assert set(repetitions._numbers) == {("spot", "BTCUSDT")}
    assert not repetitions.is_repeated(old)
