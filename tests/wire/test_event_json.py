"""Events and notices as JSON and back: exact for every class, and for tools that know doubles only."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import attrs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import trio_binance_uds as uds
from support.products import MARGIN, SAMPLED
from trio_binance_uds import events
from trio_binance_uds.events.fields import Kind

AT = datetime(2026, 5, 6, 7, 8, 9, 123456, UTC)
DELIVERED = [
    value
    for name in events.__all__
    if isinstance(value := getattr(events, name), type)
    and issubclass(value, uds.Event | uds.Notice)
    and value not in (uds.Event, uds.KnownEvent, uds.Notice, uds.UntypedEvent)
]

_whole = st.integers(-(2**70), 2**70)
_amounts = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places), st.integers(-(10**40), 10**40), st.integers(0, 30)
)
_times = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))
_texts = st.text(max_size=30)
_raw = st.recursive(
    st.none() | st.booleans() | _whole | _texts | _amounts | st.binary(max_size=9),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts | st.just("$int"), inner, max_size=4),
    max_leaves=12,
)


def _values(hint: Any) -> st.SearchStrategy[Any]:
    if get_origin(hint) in (Union, UnionType):
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        strategies = [_values(kind) for kind in kinds if get_origin(kind) is not Literal]
        words = [st.just("A_NEW_WORD")] if len(kinds) > 1 else []
        return st.one_of(*strategies, *words, *([st.none()] if NoneType in get_args(hint) else []))
    if get_origin(hint) is tuple:
        return st.lists(_values(get_args(hint)[0]), max_size=3).map(tuple)
    if hint is Any:
        return _raw
    if issubclass(hint, StrEnum):
        return st.sampled_from(list(hint))
    if attrs.has(hint):
        return _built(hint)
    return {
        str: _texts,
        bool: st.booleans(),
        int: _whole,
        float: st.floats(allow_nan=False, allow_infinity=False),
        Decimal: _amounts,
        datetime: _times,
    }[hint]


def _built(cls: type[Any]) -> st.SearchStrategy[Any]:
    hints = get_type_hints(cls)
    fields = {
        field.name: st.just("***") if field.metadata.get("kind") is Kind.SECRET else _values(hints[field.name])
        for field in attrs.fields(cls)
    }
    return st.builds(cls, **fields)


def all_fields(item: Any) -> dict[str, Any]:
    """Return every field, those too that do not count when two are compared."""
    is_typed = isinstance(item, uds.KnownEvent)
    return {
        field.name: getattr(item, field.name)
        for field in attrs.fields(type(item))
        if field.name != "raw" or not is_typed
    }


def exact_for_doubles(value: Any) -> Any:
    """Return what a tool makes of it that reads every number as a double."""
    return json.loads(json.dumps(json.loads(value, parse_int=float)))


@pytest.mark.parametrize("cls", DELIVERED, ids=lambda cls: cls.__name__)
@settings(max_examples=10, suppress_health_check=list(HealthCheck), deadline=None)
@given(st.data())
def test_whatever_is_in_an_event_or_notice_comes_back(cls: type[Any], data: st.DataObject) -> None:
    item = data.draw(_built(cls))
    line = uds.event_to_json(item)
    assert line.isascii()
    assert line.isprintable()
    again = uds.event_from_json(line)
    assert type(again) is cls
    assert again == item
    assert all_fields(again) == all_fields(item)
    assert uds.event_to_json(again) == line


def decoded() -> Iterator[Any]:
    for sampled in SAMPLED:
        for payload in sampled.payloads.values():
            yield uds.decode_frame(json.dumps(payload), sampled.product)
            yield uds.decode_frame(json.dumps({**payload, "e": "new", "$x": 0.10, "big": 2**63}), sampled.product)
    yield uds.decode_frame(b"\xff{", uds.SPOT)
    yield uds.decode_frame("no JSON \x1b", uds.SPOT)


def test_what_the_decoder_makes_comes_back() -> None:
    for event in decoded():
        again = uds.event_from_json(uds.event_to_json(event).encode())
        if not isinstance(event, uds.ListenKeyExpired):  # it holds a secret
            assert again == event
        assert again.identity == event.identity or isinstance(event, uds.ListenKeyExpired)
        if isinstance(event, uds.UntypedEvent):
            assert again.raw == event.raw


def test_ids_survive_a_tool_that_reads_numbers_as_doubles() -> None:
    payload = {**MARGIN.payloads["executionReport"], "i": 2**53 + 1, "t": 2**62 + 1}
    report = uds.decode_frame(json.dumps(payload), MARGIN.product)
    assert isinstance(report, uds.ExecutionReport)
    members = exact_for_doubles(uds.event_to_json(report))
    assert members["order_id"] == str(2**53 + 1)
    assert members["trade_id"] == str(2**62 + 1)
    again = uds.event_from_json(json.dumps({**members, "format": 1}))
    assert again == report
    unknown = uds.decode_frame(json.dumps({"e": "new", "i": 2**63 + 1, "x": -3}), uds.SPOT)
    assert isinstance(unknown, uds.UnknownEvent)
    assert exact_for_doubles(uds.event_to_json(unknown))["raw"] == {"e": "new", "i": {"$int": str(2**63 + 1)}, "x": -3}


def test_the_form_is_what_the_reference_says() -> None:
    report = uds.decode_frame(json.dumps(MARGIN.payloads["executionReport"]), MARGIN.product)
    assert isinstance(report, uds.ExecutionReport)
    report = attrs.evolve(report, stream="alice", recovered=True, cumulative_filled_quantity=Decimal("0E-8"))
    members = json.loads(uds.event_to_json(report))
    assert list(members)[:2] == ["type", "format"]
    assert members["type"] == "ExecutionReport"
    assert members["format"] == 1
    assert members["cumulative_filled_quantity"] == "0.00000000"
    assert members["order_list_id"] == "-1"
    assert members["event_time"] == "2026-07-01T12:00:00.457000Z"
    assert members["stream"] == "alice"
    assert members["recovered"] is True
    assert members["placed_client_order_id"] == report.placed_client_order_id
    assert "raw" not in members
    gap = uds.Gap(cause=uds.GapCause.LINK_LOST, since=AT, until=AT, recovered=3)
    assert json.loads(uds.event_to_json(gap)) == {
        "type": "Gap",
        "format": 1,
        "stream": None,
        "cause": "link_lost",
        "since": "2026-05-06T07:08:09.123456Z",
        "until": "2026-05-06T07:08:09.123456Z",
        "recovered": 3,
        "complete": False,
        "shed": 0,
        "detail": "",
    }


def test_a_secret_does_not_come_back() -> None:
    frame = '{"e":"listenKeyExpired","E":1700000000000,"listenKey":"top-secret"}'
    event = uds.decode_frame(frame, uds.USDM_FUTURES)
    assert isinstance(event, uds.ListenKeyExpired)
    assert "top-secret" not in uds.event_to_json(event)
    again = uds.event_from_json(uds.event_to_json(event))
    assert isinstance(again, uds.ListenKeyExpired)
    assert again.listen_key == "***"


def test_what_a_later_version_adds_is_ignored_and_what_it_leaves_out_has_its_default() -> None:
    gap = uds.Gap(cause=uds.GapCause.LINK_LOST, since=AT, until=AT)
    members = json.loads(uds.event_to_json(gap)) | {"later": {"x": 1}, "since": "2026-05-06T09:08:09.123456+02:00"}
    del members["shed"]
    assert uds.event_from_json(json.dumps(members)) == gap


def _changed(**changes: Any) -> str:
    gap = uds.Gap(cause=uds.GapCause.LINK_LOST, since=AT, until=AT + timedelta(1))
    members = {**json.loads(uds.event_to_json(gap)), **changes}
    return json.dumps({name: value for name, value in members.items() if value != "gone"})


def _position(**changes: Any) -> str:
    balance = {"asset": "USDT", "free": "1", "locked": "0", **changes}
    event = uds.decode_frame(json.dumps(MARGIN.payloads["outboundAccountPosition"]), MARGIN.product)
    assert isinstance(event, uds.OutboundAccountPosition)
    return json.dumps({**json.loads(uds.event_to_json(event)), "balances": [balance]})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not an event as JSON"),
        ("[" * 100_000, "not an event as JSON"),
        ("[]", "it has no type"),
        ("{}", "it has no type"),
        (_changed(type="ApiError"), "knows no event 'ApiError'"),
        (_changed(type="Balance"), "knows no event 'Balance'"),
        (_changed(type="__doc__"), "knows no event"),
        (_changed(type=7), "knows no event '7'"),
        (_changed(format=2), "reads format 1 of events as JSON, not '2'"),
        (_changed(format="gone"), "not 'None'"),
        (_changed(since="gone"), "Gap.since is missing"),
        (_changed(since=7), "Gap.since is no str"),
        (_changed(since="yesterday"), "Gap.since is no time in UTC"),
        (_changed(since="2026-05-06T07:08:09"), "Gap.since is no time in UTC"),
        (_changed(recovered="x"), "Gap.recovered is no whole number"),
        (_changed(recovered=1.5), "Gap.recovered is no str"),
        (_changed(complete=1), "Gap.complete is no bool"),
        (_changed(detail=None), "Gap.detail is no str"),
        (_position(free="NaN"), "Balance.free is no amount"),
        (_position(free=1), "Balance.free is no str"),
        (_position(asset="gone").replace('"asset": "gone", ', ""), "Balance.asset is missing"),
        (_position().replace('[{"asset": "USDT", "free": "1", "locked": "0"}]', "[7]"), "a Balance must be an object"),
        (_position().replace('[{"asset": "USDT", "free": "1", "locked": "0"}]', "7"), "balances is no list"),
    ],
)
def test_what_is_no_event_is_refused_in_words(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        uds.event_from_json(text)
    assert len(str(caught.value)) < 200


def test_faults_and_huge_numbers_come_back() -> None:
    payload = {name: value for name, value in MARGIN.payloads["executionReport"].items() if name != "V"}
    report = uds.decode_frame(json.dumps(payload), MARGIN.product)
    assert isinstance(report, uds.ExecutionReport)
    assert report.faults
    assert uds.event_from_json(uds.event_to_json(report)).faults == report.faults  # type: ignore[union-attr]
    whole = uds.decode_frame(json.dumps(MARGIN.payloads["executionReport"]), MARGIN.product)
    assert isinstance(whole, uds.ExecutionReport)
    assert "faults" not in json.loads(uds.event_to_json(whole))
    unknown = uds.UnknownEvent(raw={"n": [10**700, -(10**700)]}, problem="new")
    assert uds.event_from_json(uds.event_to_json(unknown)) == unknown


@pytest.mark.parametrize("raw", [{"$int": "seven"}, {"$decimal": "x"}, {"$bytes": "x"}, {"$int": "0xz"}])
def test_a_number_that_is_none_is_refused(raw: dict[str, str]) -> None:
    line = uds.event_to_json(uds.UnknownEvent(raw={}, problem="new"))
    with pytest.raises(ValueError, match=r"raw|base64|literal|padding"):
        uds.event_from_json(line.replace('"raw":{}', f'"raw":{json.dumps(raw)}'))


def test_seconds_can_be_whole() -> None:
    shedding = uds.Shedding(at=AT, shed=1, behind_seconds=2.0, resumes_at=AT)
    members = json.loads(uds.event_to_json(shedding)) | {"behind_seconds": 2}
    assert uds.event_from_json(json.dumps(members)) == shedding
