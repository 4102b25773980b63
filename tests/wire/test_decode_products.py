"""Decoding the events of every product but spot: all fields, odd forms of values, envelopes, and published samples."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samples import Published
from support.payload_places import by_path, changed, places
from support.products import MARGIN_LISTEN_KEY, SAMPLED, STOCKS, Sampled
from trio_binance_uds.events import (
    Event,
    KnownEvent,
    ListenKeyExpired,
    OrderTradeUpdate,
    UndecodableEvent,
    UnknownEvent,
)
from trio_binance_uds.events.fields import Kind, amount, wire_fields
from trio_binance_uds.products import SPOT
from trio_binance_uds.wire.build import build_carefully
from trio_binance_uds.wire.decode import _decode_carefully, decode_frame
from trio_binance_uds.wire.frames import ConnectionFault, Response
from trio_binance_uds.wire.json_text import loads
from trio_binance_uds.wire.masking import MASK
from trio_binance_uds.wire.typed_frames import typed_frames

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CASES = [
    pytest.param(sampled, name, id=f"{sampled.product.name}-{name}") for sampled in SAMPLED for name in sampled.payloads
]


def decode(sampled: Sampled, payload: Any) -> Any:
    return decode_frame(json.dumps(payload), sampled.product)


def fast(sampled: Sampled, frame: Any) -> Any:
    """Return what the fast pass makes of a frame, which is nothing where it is not sure."""
    return typed_frames(sampled.product.event_types).reader(sampled.product.name, lambda text: None)(
        json.dumps(frame, default=float)
    )


def flat(payload: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return the values of a payload by their paths; lists stay lists."""
    values: dict[str, Any] = {}
    for key, value in payload.items():
        values |= flat(value, f"{above}{key}.") if isinstance(value, dict) else {f"{above}{key}": value}
    return values


def check_says_what_was_sent(value: Any, sent: dict[str, Any]) -> None:
    """Check that every key of the payload is a field, which says the same."""
    declared = by_path(type(value))
    for path, wire in flat(sent).items():
        assert path in declared, f"{type(value).__name__} has no field for {path}"
        field = declared[path]
        got = getattr(value, field.name)
        if field.kind is Kind.ITEMS:
            assert len(got) == len(wire), path
            for element, member in zip(got, wire, strict=True):
                check_says_what_was_sent(element, member)
        elif got is None:
            assert wire in (None, field.none), path
        elif field.kind is Kind.TIME:
            assert (got - EPOCH) // timedelta(milliseconds=1) == int(wire), path
        elif field.kind is Kind.AMOUNT:
            assert f"{got:f}" == wire, path
        elif field.kind is Kind.NUMBER:
            assert f"{got:f}" == json.dumps(wire), path
        elif field.kind is Kind.INTEGER:
            assert (type(got), got) == (int, int(wire)), path
        else:
            assert got == wire, path


@pytest.mark.parametrize("sampled", SAMPLED, ids=lambda sampled: sampled.product.name)
class TestProducts:
    def test_there_is_a_sample_of_each_event(self, sampled: Sampled) -> None:
        assert sampled.payloads.keys() == sampled.product.event_types.keys()

    def test_no_two_types_differ_only_by_case_and_underscores(self, sampled: Sampled) -> None:
        folded = [name.replace("_", "").lower() for name in sampled.product.event_types]
        assert len(folded) == len(set(folded))

    def test_an_event_of_another_kind_is_unknown(self, sampled: Sampled) -> None:
        event = decode(sampled, {"e": "uniMMRDrop", "E": 1782907200457, "u": "1.02"})
        assert type(event) is UnknownEvent
        assert (event.event_type, event.raw["u"]) == ("uniMMRDrop", "1.02")


@pytest.mark.parametrize(("sampled", "name"), CASES)
class TestEvents:
    def test_it_comes_by_the_fast_way_into_its_class(self, sampled: Sampled, name: str) -> None:
        cls: Any = sampled.product.event_types[name]
        payload = loads(json.dumps(sampled.payloads[name]))
        payload["E"] = int(payload["E"])  # a time as a string is for the careful way
        for envelope in (payload, {"stream": "a-key", "data": payload}, {"subscriptionId": 5, "event": payload}):
            event = fast(sampled, envelope)
            subscription_id = envelope.get("subscriptionId")
            assert type(event) is cls
            careful = build_carefully(cls, payload, subscription_id, sampled.product.name)
            assert (event, repr(event), event.raw) == (careful, repr(careful), careful.raw)
            assert (event.subscription_id, event.recovered) == (subscription_id, False)

    def test_every_key_comes_out_with_its_value(self, sampled: Sampled, name: str) -> None:
        event = decode(sampled, sampled.payloads[name])
        assert type(event) is sampled.product.event_types[name]
        check_says_what_was_sent(event, sampled.payloads[name])

    def test_it_is_what_its_own_constructor_makes(self, sampled: Sampled, name: str) -> None:
        event = decode(sampled, sampled.payloads[name])
        made = type(event)(**{a.name: getattr(event, a.name) for a in attrs.fields(type(event))})
        assert (made, hash(made), repr(made)) == (event, hash(event), repr(event))
        assert not hasattr(event, "__dict__")
        for twin in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
            assert (type(twin), twin, twin.raw) == (type(event), event, event.raw)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            event.event_type = "other"

    def test_it_comes_in_every_envelope(self, sampled: Sampled, name: str) -> None:
        payload = sampled.payloads[name]
        bare = decode(sampled, payload)
        for frame, subscription_id in (
            ({"stream": "key-that-nobody-may-see", "data": payload}, None),
            ({"subscriptionId": 3, "event": payload}, 3),
            ({"event": payload}, None),
        ):
            event = decode(sampled, frame)
            assert event == bare
            assert (event.raw, event.subscription_id) == (bare.raw, subscription_id)
            assert "nobody" not in repr(event) + repr(event.raw)

    def test_its_identity_is_what_another_connection_says_too(self, sampled: Sampled, name: str) -> None:
        event = decode(sampled, sampled.payloads[name])
        elsewhere = decode(sampled, {**sampled.payloads[name], "E": 1782907209999, "unheard": 1})
        assert elsewhere != event
        assert elsewhere.identity == event.identity
        assert hash(elsewhere.identity) == hash(event.identity)
        others = [other for sample in sampled.payloads.values() if (other := decode(sampled, sample)) != event]
        assert all(other.identity != event.identity for other in others)

    def test_keys_that_nobody_knows_are_ignored_on_every_level(self, sampled: Sampled, name: str) -> None:
        payload = sampled.payloads[name]
        for place in [place for place in places({"": payload}) if place]:
            holder: Any = {"": payload}
            for key in place:
                holder = holder[key]
            if isinstance(holder, dict):
                assert decode(sampled, changed({"": payload}, (*place, "zz"), [{"x": 1}])[""]) == decode(
                    sampled, payload
                )


class TestTwoKeys:
    @pytest.mark.parametrize("sampled", [sampled for sampled in SAMPLED if "ALGO_UPDATE" in sampled.payloads])
    def test_an_algo_order_stands_under_either(self, sampled: Sampled) -> None:
        payload = dict(sampled.payloads["ALGO_UPDATE"])
        order = payload.pop("o", None) or payload.pop("ao")
        assert decode(sampled, {**payload, "o": order}) == decode(sampled, {**payload, "ao": order})
        assert decode(sampled, {**payload, "o": order, "ao": {}}).symbol == order["s"]
        for members in ({}, {"ao": None}, {"o": None}, {"o": [], "ao": order}):
            event = decode(sampled, {**payload, **members})
            assert type(event) is UndecodableEvent
            assert event.problem.startswith('ALGO_UPDATE: algo_id ("o|ao.aid") is ')

    def test_a_field_itself_has_one_key(self) -> None:
        with pytest.raises(ValueError, match="either of two keys"):
            amount("o.q|z", "One or the other.")


@pytest.mark.parametrize(
    "sampled", [sampled for sampled in SAMPLED if "listenKeyExpired" in sampled.payloads], ids=lambda s: s.product.name
)
@pytest.mark.parametrize("event_time", [1782907700001, "1782907700001"])
def test_a_listen_key_expires_without_being_shown(sampled: Sampled, event_time: Any) -> None:
    payload = {"e": "listenKeyExpired", "E": event_time, "listenKey": "key-that-nobody-may-see"}
    for frame in (payload, {"stream": "key-that-nobody-may-see", "data": payload}):
        event = decode(sampled, frame)
        assert type(event) is ListenKeyExpired
        assert event.event_time == datetime(2026, 7, 1, 12, 8, 20, 1000, tzinfo=UTC)
        assert event.raw == {**payload, "listenKey": MASK}
        assert event.listen_key == "key-that-nobody-may-see"
        assert "nobody" not in repr(event) + repr(event.identity) + repr(event.raw)
    keyless = decode(sampled, {"e": "listenKeyExpired", "E": event_time})
    assert (type(keyless), keyless.listen_key) == (ListenKeyExpired, None)


junk = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -1, 0, 1782907200456, "1782907200456", "", "0", "NaN", "1.0", [], {}, [{}], [None]])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
)
cases = st.sampled_from([(sampled, name) for sampled in SAMPLED for name in sampled.payloads])


class TestAnythingElse:
    @pytest.mark.parametrize(("sampled", "name"), CASES)
    def test_an_object_called_event_within_a_bare_event_is_a_member_as_any_other(
        self, sampled: Sampled, name: str
    ) -> None:
        payload = {**sampled.payloads[name], "event": {"e": "unheardOf"}, "stream": "x", "data": {}}
        event = decode(sampled, payload)
        assert type(event) is sampled.product.event_types[name]
        assert event.raw["event"] == {"e": "unheardOf"}
        assert event == decode(sampled, sampled.payloads[name])

    @settings(max_examples=200)
    @given(cases, st.data())
    def test_a_mutated_event_is_decoded_alike_by_both_ways_or_told_undecodable(
        self, case: tuple[Sampled, str], data: st.DataObject
    ) -> None:
        sampled, name = case
        payload = sampled.payloads[name]
        for _ in range(data.draw(st.integers(1, 2))):
            remaining = [place for place in places(payload) if place != ("e",)]
            if remaining:
                payload = changed(
                    payload, data.draw(st.sampled_from(remaining)), *data.draw(st.just([]) | st.tuples(junk))
                )
        event = decode(sampled, payload)
        assert isinstance(event, KnownEvent | UndecodableEvent)
        assert event.event_type == name
        repr(event)
        assert isinstance(hash(event.identity), int)
        assert pickle.loads(pickle.dumps(event)) == event
        careful = _decode_carefully(json.dumps(payload), sampled.product)
        assert (careful, repr(careful), getattr(careful, "raw", None)) == (event, repr(event), event.raw)

    @settings(max_examples=50)
    @given(cases, st.data())
    def test_a_torn_or_flipped_frame_is_decoded_to_something(
        self, case: tuple[Sampled, str], data: st.DataObject
    ) -> None:
        sampled, name = case
        frame = bytearray(json.dumps(sampled.payloads[name]).encode())
        position = data.draw(st.integers(0, len(frame) - 1))
        if data.draw(st.booleans()):
            del frame[position:]
        else:
            frame[position] = data.draw(st.integers(0, 255))
        decoded = decode_frame(bytes(frame), sampled.product)
        assert isinstance(decoded, Event | Response | ConnectionFault)
        repr(decoded)


def samples_of(sampled: Sampled, published: Published) -> list[Path]:
    """Return the published samples of a product; the folder of margin has those of two streams."""
    folder = sampled.product.name.removesuffix("-risk")
    is_risk = sampled.product.name == "margin-risk"
    paths = published.files(f"{folder}/*.json")
    return [path for path in paths if folder != "margin" or path.name.startswith("risk.") is is_risk]


def event_in(frame: Any) -> dict[str, Any] | None:
    """Return the event object of a frame, if it has one."""
    if not isinstance(frame, dict) or frame.keys().isdisjoint(("event", "stream", "e")):
        return None
    payload = frame.get("event", frame.get("data", frame))
    assert isinstance(payload, dict)
    return payload


OF_ANSWERS = ("id", "status", "result", "code")
# The others are known from clients' code only.
PUBLISHED = [sampled for sampled in SAMPLED if sampled not in (MARGIN_LISTEN_KEY, STOCKS)]


class TestPublishedSamples:
    @pytest.mark.parametrize("sampled", PUBLISHED, ids=lambda sampled: sampled.product.name)
    def test_every_frame_is_sorted_right_and_every_event_says_what_was_sent(
        self, published: Published, sampled: Sampled
    ) -> None:
        for path in samples_of(sampled, published):
            self.check(sampled, path)

    def check(self, sampled: Sampled, path: Path) -> None:
        frame = loads(path.read_bytes())
        payload = event_in(frame)
        decoded = decode_frame(path.read_bytes(), sampled.product)
        if payload is not None:
            assert isinstance(decoded, KnownEvent), (path.name, getattr(decoded, "problem", decoded))
            assert type(decoded) is sampled.product.event_types[payload["e"]], path.name
            check_says_what_was_sent(decoded, payload)
        elif not isinstance(frame, dict):
            assert type(decoded) is UndecodableEvent, path.name
        elif type(frame.get("id")) in (int, str) and "method" not in frame:
            assert isinstance(decoded, Response), path.name
            assert (decoded.id, decoded.status) == (frame["id"], frame.get("status", 0)), path.name
            assert (decoded.result, decoded.error is not None) == (frame.get("result"), "error" in frame), path.name
        elif "error" in frame:
            assert isinstance(decoded, ConnectionFault), path.name
        else:
            # It is no frame, but an answer of REST or a request. What looks like an answer could have changed nothing.
            is_like_an_answer = not frame.keys().isdisjoint(OF_ANSWERS)
            assert type(decoded) is (UnknownEvent if is_like_an_answer else UndecodableEvent), path.name
            assert decoded.event_type is None, path.name

    def test_there_are_samples_of_every_event_but_those_that_are_read_in_case_they_come(
        self, published: Published
    ) -> None:
        seen = {
            (sampled.product.name, (event_in(loads(path.read_bytes())) or {}).get("e"))
            for sampled in PUBLISHED
            for path in samples_of(sampled, published)
        }
        documented = {(sampled.product.name, name) for sampled in PUBLISHED for name in sampled.product.event_types}
        assert documented - seen == {
            ("coinm-futures", "ALGO_UPDATE"),
            ("portfolio-margin", "listStatus"),
            ("portfolio-margin-pro", "listenKeyExpired"),
        }


def test_the_samples_leave_no_declared_field_out() -> None:
    declared: set[tuple[str, str]] = set()
    sampled_fields: set[tuple[str, str]] = set()

    def note(value: Any) -> None:
        for field in wire_fields(type(value)):
            declared.add((type(value).__name__, field.name))
            if getattr(value, field.name) not in (None, ()):
                sampled_fields.add((type(value).__name__, field.name))
            if field.kind is Kind.ITEMS:
                for element in getattr(value, field.name):
                    note(element)

    for sampled in SAMPLED:
        for payload in sampled.payloads.values():
            note(decode(sampled, payload))
    not_sent = {("PortfolioMarginExecutionReport", "is_best_match")}
    not_sent |= {
        ("PortfolioMarginOrderTradeUpdate", field.name)
        for field in wire_fields(OrderTradeUpdate)
        if "not under Portfolio Margin" in field.doc
    }
    assert declared - sampled_fields == not_sent


def test_what_is_spots_own_is_unknown_elsewhere() -> None:
    assert "externalLockUpdate" in SPOT.event_types
    for sampled in SAMPLED:
        assert type(decode(sampled, {"e": "externalLockUpdate", "E": 1782907200457})) is UnknownEvent
