"""Events and notices are shown so that a person can read them, whatever the venue has put into them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import attrs
import pytest
import trio
import trio.testing

import trio_binance_uds as uds
from support import product_payloads as payloads
from support.products import MARGIN, PORTFOLIO_MARGIN, SAMPLED, USDM
from trio_binance_uds.events.base import Shown
from trio_binance_uds.sandbox import open_sandbox

AT = datetime(2026, 5, 6, 7, 8, 9, 123000, UTC)


def decoded(payload: dict[str, Any], product: uds.Product) -> Any:
    return uds.decode_frame(json.dumps(payload), product)


def every_event() -> Iterator[Any]:
    for sampled in SAMPLED:
        for payload in sampled.payloads.values():
            event = decoded(payload, sampled.product)
            assert isinstance(event, uds.KnownEvent)
            yield event


NOTICES: list[uds.Notice] = [
    uds.Disconnected(at=AT, cause=uds.DisconnectCause.CONNECTION_LOST, detail="no\nway", stream="alice"),
    uds.LeaseAtRisk(at=AT, expires_at=AT, account="spot", detail="why"),
    uds.Gap(cause=uds.GapCause.LINK_LOST, since=AT, until=AT, complete=True, recovered=3),
]


def test_every_event_is_one_line_of_moderate_length_and_says_what_it_is_about() -> None:
    for event in every_event():
        line = str(event)
        assert line.startswith(type(event).__name__)
        assert line.isprintable()
        assert len(line) <= 300
        assert "2026-07-01T12:0" in line, "when"
        for name in ("symbol", "order_id", "asset", "order_status", "execution_type", "algo_status", "side"):
            value = getattr(event, name, None)
            assert value is None or str(value) in line, name


def test_a_repr_has_every_field_that_says_something_and_no_other() -> None:
    for event in every_event():
        shown = repr(event)
        assert shown.startswith(f"{type(event).__name__}(")
        assert "None" not in shown
        assert "Decimal" not in shown
        assert "datetime" not in shown
        for field in attrs.fields(type(event)):
            value = getattr(event, field.name)
            is_shown = field.repr and field.name != "event_type" and value not in (None, "", ()) and value is not False
            assert (f"{field.name}=" in shown) or not is_shown, field.name


def test_amounts_keep_their_digits_and_times_are_iso() -> None:
    report = decoded(
        {**payloads.MARGIN["executionReport"], "z": "0E-8", "n": 0.00000000, "Y": "0.00000000"}, MARGIN.product
    )
    assert "cumulative_filled_quantity=0.00000000," in repr(report)
    assert "last_quote_quantity=0.00000000," in repr(report)
    assert "E-" not in repr(report)
    assert "transaction_time=2026-07-01T12:00:00.456Z" in repr(report)
    assert "status=FILLED" in repr(report)
    exact = attrs.evolve(report, transaction_time=AT.replace(microsecond=123456))
    assert "transaction_time=2026-05-06T07:08:09.123456Z" in repr(exact)
    huge = attrs.evolve(report, order_price=Decimal("1E+900"))
    assert len(repr(huge)) < 2_000


def test_a_report_reads_like_a_sentence() -> None:
    payload = {**payloads.MARGIN["executionReport"], "c": "mine", "C": ""}
    report = attrs.evolve(decoded(payload, MARGIN.product), recovered=True, stream="alice")
    assert str(report) == (
        "ExecutionReport TRADE FILLED, LINKUSDT BUY LIMIT, order 5500120 (mine), fill 9.10 at 17.009, "
        "filled 9.10 of 9.10, price 17.010, commission 0.00910000 LINK, recovered, alice, 2026-07-01T12:00:00.457Z"
    )
    new = attrs.evolve(report, last_executed_quantity=Decimal(0), commission_amount=Decimal(0), order_price=Decimal(0))
    assert "fill " not in str(new)
    assert "commission" not in str(new)
    assert "recovered=True" in repr(report)
    assert "recovered" not in repr(attrs.evolve(report, recovered=False))


def test_long_lists_are_shown_by_their_beginning() -> None:
    payload = json.loads(json.dumps(payloads.MARGIN["outboundAccountPosition"]))
    payload["B"] = [{"a": f"A{number}", "f": "1", "l": "0"} for number in range(50)]
    event = decoded(payload, MARGIN.product)
    assert "A3 1 0; 46 more" in str(event)
    assert "Balance(asset='A19', free=1, locked=0), 30 more)" in repr(event)


def test_what_the_venue_writes_cannot_forge_a_line_or_fill_a_page() -> None:
    payload = {**payloads.MARGIN["executionReport"], "c": "x\n\x1b[2J\u202e" + "y" * 5_000, "X": "Z" * 5_000}
    report = decoded(payload, MARGIN.product)
    for shown in (str(report), repr(report)):
        assert shown.isprintable()
        assert len(shown) < 2_500
    unknown = decoded({"e": "a\nb" + "c" * 500, "E": 1_700_000_000_000}, MARGIN.product)
    undecodable = uds.decode_frame("<html>\x1b[2J" + "x" * 100_000, uds.SPOT)
    for event in (unknown, undecodable):
        for shown in (str(event), repr(event)):
            assert shown.isprintable()
            assert len(shown) < 700
    assert "raw" not in repr(undecodable)


def test_secrets_are_not_shown() -> None:
    payload = {"e": "listenKeyExpired", "E": 1_700_000_000_000, "listenKey": "top-secret"}
    event = decoded(payload, USDM.product)
    assert isinstance(event, uds.ListenKeyExpired)
    assert "top-secret" not in repr(event) + str(event)


@pytest.mark.parametrize("notice", NOTICES, ids=lambda notice: type(notice).__name__)
def test_notices_are_shown_in_the_same_manner(notice: uds.Notice) -> None:
    assert str(notice).startswith(type(notice).__name__)
    assert str(notice).isprintable()
    assert repr(notice).isprintable()
    assert "2026-05-06T07:08:09.123Z" in str(notice)
    assert "datetime" not in repr(notice)
    assert "None" not in repr(notice)
    assert f"{notice}" == str(notice)


def test_a_gap_says_how_much_was_recovered_and_whether_that_is_all() -> None:
    gap = uds.Gap(cause=uds.GapCause.CONSUMER_TOO_SLOW, since=AT, until=AT, shed=7, detail="why")
    assert str(gap) == (
        "Gap consumer_too_slow, 2026-05-06T07:08:09.123Z to 2026-05-06T07:08:09.123Z, 0 recovered, complete=False, "
        "7 shed, why"
    )


def test_the_parts_of_an_event_are_shown_alike_when_they_stand_alone() -> None:
    parts: list[Any] = []
    for event in every_event():
        for field in attrs.fields(type(event)):
            value = getattr(event, field.name)
            if isinstance(value, tuple):
                parts += value
    assert len({type(part) for part in parts}) >= 10
    for part in parts:
        assert isinstance(part, Shown), type(part)
        assert "Decimal" not in repr(part)
        assert "None" not in repr(part)
    balance = uds.Balance(asset="USDT", free=Decimal("0E-8"), locked=Decimal("1"))
    assert repr(balance) == "Balance(asset='USDT', free=0.00000000, locked=1)"
    assert str(balance) == "Balance asset USDT, free 0.00000000, locked 1"


def test_what_has_nothing_to_say_is_its_name_and_time() -> None:
    event = decoded(PORTFOLIO_MARGIN.payloads["listenKeyExpired"], PORTFOLIO_MARGIN.product)
    assert str(event) == "ListenKeyExpired, 2026-07-01T12:08:20.001Z"


async def test_a_stream_says_what_it_is_and_how_it_is(autojump_clock: trio.testing.MockClock) -> None:
    async with open_sandbox(in_memory=True) as sandbox:
        account = sandbox.add_account(balances={"USDT": "10000"})
        async with uds.open_user_data_stream(
            account.credentials,
            uds.SPOT,
            name="alice",
            environment=sandbox.environment,
            network=sandbox.network,
            seed=1,  # of the wait before the next attempt
        ) as stream:
            assert repr(stream) == "<UserDataStream 'alice' of spot: connected, 0 items wait>"
            sandbox.faults.cut()
            await trio.sleep(0.01)
            assert repr(stream).startswith("<UserDataStream 'alice' of spot: blind since 20")
            assert "(link_lost)" in repr(stream)
            await trio.sleep(60)
            assert ": connected, " in repr(stream)
        assert "UserDataStream 'alice' of spot" in repr(stream)
