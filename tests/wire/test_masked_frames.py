"""Masking: what no name, no depth and no form of a frame lets through."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance_uds.events import Event, ListenKeyExpired, UndecodableEvent, UnknownEvent
from trio_binance_uds.products import SPOT
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.masking import MASK, is_secret, masked, masked_text

SECRET = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1"
NAMES = [
    "listenKey",
    "listenkey",
    "listen_key",
    "LISTEN_KEY",
    "ListenKey",
    "listen-key",
    "listenToken",
    "apiKey",
    "apikey",
    "API_KEY",
    "X-MBX-APIKEY",
    "x_mbx_apikey",
    "token",
    "Token",
    "signature",
    "secret",
    "secretKey",
    "apiSecret",
]
every_name = pytest.mark.parametrize("name", NAMES)


def shown(event: Any) -> str:
    """Return all that anybody may see of an event."""
    assert isinstance(event, Event)
    return repr(event) + str(event) + repr(event.raw) + repr(event.identity) + repr(event.faults)


def nested(name: str) -> list[Any]:
    return [
        {name: SECRET},
        {"o": {"deeper": {name: SECRET}}},
        {"l": [1, [{name: SECRET}]]},
        {name: {"value": SECRET}},
        {name: [SECRET, {"x": SECRET}]},
        {name: SECRET, "note": f"the stream {SECRET}@arr has ended", SECRET: 1},
        {"note": f"wss://host/ws?{name}={SECRET}&x=1"},
        {"note": json.dumps({name: SECRET})},
    ]


class TestEvents:
    @every_name
    def test_what_nobody_knows_shows_no_secret(self, name: str) -> None:
        for members in nested(name):
            for payload in ({"e": "unheardOf", **members}, {"e": "executionReport", **members}, members):
                for frame in (payload, {"subscriptionId": 1, "event": payload}, {"stream": SECRET, "data": payload}):
                    event: Any = decode_frame(json.dumps(frame), SPOT)
                    assert isinstance(event, UnknownEvent | UndecodableEvent)
                    assert SECRET not in shown(event), (frame, event.raw)

    @every_name
    def test_a_known_event_shows_none_in_members_that_nobody_knows(self, name: str) -> None:
        known = {"e": "balanceUpdate", "E": 1782907300002, "a": "EUR", "d": "-75.25", "T": 1782907300001}
        for members in nested(name)[:6]:
            for sent_at in (1782907300002, "1782907300002"):  # by the fast way and by the careful one
                event: Any = decode_frame(json.dumps({"event": {**known, **members, "E": sent_at}}), SPOT)
                assert event.faults == ()
                assert event.asset == "EUR"
                assert SECRET not in shown(event)

    def test_the_name_of_a_stream_is_masked_where_it_stands_again(self) -> None:
        known = {"e": "balanceUpdate", "E": 1782907300002, "a": "EUR", "d": "-75.25", "T": 1782907300001}
        for sent_at in (1782907300002, "1782907300002"):
            event: Any = decode_frame(
                json.dumps({"stream": SECRET, "data": {**known, "E": sent_at, "zz": [SECRET]}}), SPOT
            )
            assert event.raw["zz"] == [MASK]

    def test_an_expiry_shows_nothing_beside_its_key(self) -> None:
        frame = {"e": "listenKeyExpired", "E": 1782907700001, "listenKey": SECRET, "more": {"listen_key": SECRET}}
        event = decode_frame(json.dumps(frame), SPOT)
        assert isinstance(event, ListenKeyExpired)
        assert event.listen_key == SECRET
        assert SECRET not in shown(event)

    def test_parameters_that_are_listen_keys_are_masked(self) -> None:
        event: Any = decode_frame(json.dumps({"method": "SUBSCRIBE", "params": [f"{SECRET}@account", 5]}), SPOT)
        assert event.raw == {"method": "SUBSCRIBE", "params": MASK}
        event = decode_frame(json.dumps({"method": "x", "params": {"symbol": "EURUSDT", "apiKey": SECRET}}), SPOT)
        assert event.raw == {"method": "x", "params": {"symbol": "EURUSDT", "apiKey": MASK}}

    @every_name
    def test_a_frame_that_is_no_json_shows_none(self, name: str) -> None:
        for members in nested(name)[:7]:
            whole = json.dumps({"stream": SECRET, "data": {"e": "unheardOf", **members}})
            for text in (whole[:-1], whole[: whole.rindex(SECRET) + len(SECRET)], f"{whole}x", whole.replace('"', "'")):
                for form in (text, text.encode()):
                    event: Any = decode_frame(form, SPOT)
                    assert isinstance(event, UndecodableEvent)
                    assert type(event.raw) is type(form)
                    assert SECRET not in shown(event), text

    def test_bytes_that_are_no_text_come_back_as_they_were(self) -> None:
        frame = b'{"note":"\xff\x00\xe9", "listenKey":"' + SECRET.encode() + b'"'
        event: Any = decode_frame(frame, SPOT)
        assert event.raw == b'{"note":"\xff\x00\xe9", "listenKey":"***"'

    def test_a_key_in_a_path_is_masked(self) -> None:
        event: Any = decode_frame(json.dumps({"e": "x", "where": f"wss://host/ws/{SECRET}"}), SPOT)
        assert event.raw["where"] == f"wss://host/ws/{MASK}"

    def test_a_frame_that_is_no_object_is_masked_too(self) -> None:
        event: Any = decode_frame(json.dumps([f"listenKey={SECRET}", {"token": SECRET}]), SPOT)
        assert event.raw == [f"listenKey={MASK}", {"token": MASK}]


class TestValues:
    @every_name
    def test_names_are_known_in_every_spelling(self, name: str) -> None:
        assert is_secret(name)

    @pytest.mark.parametrize("name", ["", "s", "symbol", "keyless", "tokens of gratitude", "listened"])
    def test_other_names_are_no_secrets(self, name: str) -> None:
        assert not is_secret(name)

    def test_what_says_that_there_is_none_stays(self) -> None:
        value = {"listenKey": None, "signature": True, "token": 5}
        assert masked(value) == {"listenKey": None, "signature": True, "token": MASK}

    def test_what_holds_no_secret_is_the_same_object(self) -> None:
        value = {"a": [1, {"b": "x"}], "c": None}
        assert masked(value) is value
        assert masked(value, in_texts=True) is value

    def test_a_short_value_is_masked_in_its_place_only(self) -> None:
        assert masked({"token": "BTC", "symbol": "BTCUSDT"}) == {"token": MASK, "symbol": "BTCUSDT"}

    @given(
        st.recursive(st.none() | st.integers() | st.text(), lambda of: st.lists(of) | st.dictionaries(st.text(), of))
    )
    def test_nothing_is_changed_in_place_and_a_mask_stays_one(self, value: Any) -> None:
        before = copy.deepcopy(value)
        once = masked(value, in_texts=True)
        assert value == before
        assert masked(once, in_texts=True) == once

    @given(st.text() | st.binary())
    def test_any_text_can_be_masked(self, text: str | bytes) -> None:
        assert type(masked_text(text)) is type(text)
