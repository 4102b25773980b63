"""Decoding: every documented event, every shape of frame, every kind of fault, and whatever else may arrive."""

from __future__ import annotations

import copy
import json
import pickle
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samples import Published
from trio_binance_uds.events import (
    SPOT_EVENTS,
    Balance,
    BalanceUpdate,
    Event,
    EventStreamTerminated,
    ExecutionReport,
    ExecutionType,
    ExternalLockUpdate,
    Fault,
    KnownEvent,
    ListenKeyExpired,
    ListStatus,
    ListStatusOrder,
    OrderStatus,
    OutboundAccountPosition,
    PegPriceType,
    SelfTradePreventionMode,
    ServerShutdown,
    UndecodableEvent,
    UnknownEvent,
)
from trio_binance_uds.events.fields import Kind, Presence, amount, integer, items, text, time, wire_fields
from trio_binance_uds.products import SPOT, Product
from trio_binance_uds.wire.build import build_carefully
from trio_binance_uds.wire.decode import _decode_carefully, decode_frame
from trio_binance_uds.wire.frames import ApiFailure, ConnectionFault, RateLimit, Response
from trio_binance_uds.wire.json_text import loads
from trio_binance_uds.wire.masking import MASK, masked
from trio_binance_uds.wire.typed_frames import typed_frames
from trio_binance_uds.wire.values import AmountMemo, MomentMemo

ALWAYS = {
    "e": "executionReport",
    "E": 1782907200457,
    "s": "SOLEUR",
    "c": "basket-17",
    "S": "SELL",
    "o": "LIMIT",
    "f": "GTC",
    "q": "3.50000000",
    "p": "140.10000000",
    "P": "0.00000000",
    "F": "0.00000000",
    "g": -1,
    "C": "",
    "x": "TRADE",
    "X": "PARTIALLY_FILLED",
    "r": "NONE",
    "i": 20260701,
    "l": "1.20000000",
    "z": "2.20000000",
    "L": "140.11000000",
    "n": "0.00013000",
    "N": "BNB",
    "T": 1782907200456,
    "t": 5511,
    "I": 88001,
    "w": True,
    "m": False,
    "M": True,
    "O": 1782907100001,
    "Z": "308.23200000",
    "Y": "168.13200000",
    "Q": "0.00000000",
    "V": "EXPIRE_MAKER",
}
CONDITIONAL = {
    "W": 1782907100002,
    "d": 250,
    "D": 1782907100003,
    "j": 9007199254740993,
    "J": 1000007,
    "v": 31,
    "A": "0.30000000",
    "B": "0.10000000",
    "u": 4,
    "U": 20260699,
    "Cs": "SOLUSDC",
    "pl": "0.11000000",
    "pL": "139.99000000",
    "pY": "15.39890000",
    "b": "ONE_PARTY_TRADE_REPORT",
    "a": 612,
    "k": "SOR",
    "uS": True,
    "gP": "MARKET_PEG",
    "gOT": "PRICE_LEVEL",
    "gOV": 3,
    "gp": "140.07000000",
    "eR": "UNFILLED_IOC_QUANTITY_EXPIRED",
}
PAYLOADS: dict[str, dict[str, Any]] = {
    "executionReport": {**ALWAYS, **CONDITIONAL},
    "outboundAccountPosition": {
        "e": "outboundAccountPosition",
        "E": 1782907200458,
        "u": 1782907200456,
        "B": [
            {"a": "SOL", "f": "0.10000000", "l": "1.30000000"},
            {"a": "这是测试币", "f": "12.00000000", "l": "0.00000000"},
        ],
    },
    "balanceUpdate": {
        "e": "balanceUpdate",
        "E": 1782907300002,
        "a": "EUR",
        "d": "-75.25000000",
        "T": 1782907300001,
    },
    "externalLockUpdate": {
        "e": "externalLockUpdate",
        "E": 1782907300012,
        "a": "EUR",
        "d": "20.00000000",
        "T": 1782907300011,
    },
    "listStatus": {
        "e": "listStatus",
        "E": 1782907400002,
        "s": "SOLEUR",
        "g": 41,
        "c": "OTO",
        "l": "EXEC_STARTED",
        "L": "EXECUTING",
        "r": "NONE",
        "C": "list-41",
        "T": 1782907400001,
        "O": [{"s": "SOLEUR", "i": 301, "c": "leg-1"}, {"s": "SOLEUR", "i": 302, "c": "leg-2"}],
    },
    "eventStreamTerminated": {"e": "eventStreamTerminated", "E": 1782907500001},
    "serverShutdown": {"e": "serverShutdown", "E": 1782907600001},
    "listenKeyExpired": {"e": "listenKeyExpired", "E": "1782907700001", "listenKey": "key-that-nobody-may-see"},
}


def at(milliseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds)


def wrapped(payload: Any, **envelope: Any) -> str:
    return json.dumps({"subscriptionId": 0, **envelope, "event": payload})


def decode_event(payload: Any, product: Product = SPOT) -> Any:
    event = decode_frame(wrapped(payload), product)
    assert isinstance(event, Event)
    return event


def fast(text: str | bytes, product: Product = SPOT) -> Any:
    """Return what the fast pass makes of a frame, which is nothing where it is not sure."""
    return typed_frames(product.event_types).reader(product.name, lambda text: None)(text)


class TestEvents:
    @pytest.mark.parametrize("name", SPOT_EVENTS)
    def test_every_event_comes_by_the_fast_way_into_its_class(self, name: str) -> None:
        payload = loads(json.dumps(PAYLOADS[name]))
        payload["E"] = int(payload["E"])  # a time as a string is for the careful way
        event = fast(wrapped(payload, subscriptionId=5))
        assert type(event) is SPOT_EVENTS[name]
        assert event == build_carefully(SPOT_EVENTS[name], payload, 5)
        assert (event.account, event.subscription_id, event.recovered) == ("spot", 5, False)
        assert event.raw is event.raw
        assert event.raw == masked(payload)

    @pytest.mark.parametrize("name", SPOT_EVENTS)
    def test_an_event_is_what_its_own_constructor_makes(self, name: str) -> None:
        event = decode_event(PAYLOADS[name])
        made = type(event)(**{a.name: getattr(event, a.name) for a in attrs.fields(type(event))})
        assert made == event
        assert hash(made) == hash(event)
        assert repr(made) == repr(event)
        assert attrs.evolve(event, recovered=True) == event
        assert not hasattr(event, "__dict__")
        for twin in (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
            assert twin == event
            assert type(twin) is type(event)
            assert (twin.raw, twin.subscription_id) == (event.raw, 0)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            event.event_type = "other"
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            del event.event_type

    def test_execution_report(self) -> None:
        assert decode_event(PAYLOADS["executionReport"]) == ExecutionReport(
            event_type="executionReport",
            event_time=at(1782907200457),
            symbol="SOLEUR",
            client_order_id="basket-17",
            side="SELL",
            order_type="LIMIT",
            time_in_force="GTC",
            order_quantity=Decimal("3.5"),
            order_price=Decimal("140.1"),
            stop_price=Decimal(0),
            iceberg_quantity=Decimal(0),
            order_list_id=-1,
            original_client_order_id="",
            execution_type="TRADE",
            order_status="PARTIALLY_FILLED",
            reject_reason="NONE",
            order_id=20260701,
            last_executed_quantity=Decimal("1.2"),
            cumulative_filled_quantity=Decimal("2.2"),
            last_executed_price=Decimal("140.11"),
            commission_amount=Decimal("0.00013"),
            commission_asset="BNB",
            transaction_time=at(1782907200456),
            trade_id=5511,
            execution_id=88001,
            is_on_book=True,
            is_maker=False,
            is_best_match=True,
            order_creation_time=at(1782907100001),
            cumulative_quote_quantity=Decimal("308.232"),
            last_quote_quantity=Decimal("168.132"),
            quote_order_quantity=Decimal(0),
            self_trade_prevention_mode="EXPIRE_MAKER",
            working_time=at(1782907100002),
            trailing_delta=250,
            trailing_time=at(1782907100003),
            strategy_id=9007199254740993,
            strategy_type=1000007,
            prevented_match_id=31,
            prevented_quantity=Decimal("0.3"),
            last_prevented_quantity=Decimal("0.1"),
            trade_group_id=4,
            counter_order_id=20260699,
            counter_symbol="SOLUSDC",
            prevented_execution_quantity=Decimal("0.11"),
            prevented_execution_price=Decimal("139.99"),
            prevented_execution_quote_quantity=Decimal("15.3989"),
            match_type="ONE_PARTY_TRADE_REPORT",
            allocation_id=612,
            working_floor="SOR",
            used_sor=True,
            peg_price_type="MARKET_PEG",
            peg_offset_type="PRICE_LEVEL",
            peg_offset_value=3,
            pegged_price=Decimal("140.07"),
            expiry_reason="UNFILLED_IOC_QUANTITY_EXPIRED",
        )

    @pytest.mark.parametrize(
        "event",
        [
            OutboundAccountPosition(
                event_type="outboundAccountPosition",
                event_time=at(1782907200458),
                last_account_update=at(1782907200456),
                balances=(
                    Balance(asset="SOL", free=Decimal("0.1"), locked=Decimal("1.3")),
                    Balance(asset="这是测试币", free=Decimal(12), locked=Decimal(0)),
                ),
            ),
            BalanceUpdate(
                event_type="balanceUpdate",
                event_time=at(1782907300002),
                asset="EUR",
                balance_delta=Decimal("-75.25"),
                clear_time=at(1782907300001),
            ),
            ExternalLockUpdate(
                event_type="externalLockUpdate",
                event_time=at(1782907300012),
                asset="EUR",
                delta=Decimal(20),
                transaction_time=at(1782907300011),
            ),
            ListStatus(
                event_type="listStatus",
                event_time=at(1782907400002),
                symbol="SOLEUR",
                order_list_id=41,
                contingency_type="OTO",
                list_status_type="EXEC_STARTED",
                list_order_status="EXECUTING",
                list_reject_reason="NONE",
                list_client_order_id="list-41",
                transaction_time=at(1782907400001),
                orders=(
                    ListStatusOrder(symbol="SOLEUR", order_id=301, client_order_id="leg-1"),
                    ListStatusOrder(symbol="SOLEUR", order_id=302, client_order_id="leg-2"),
                ),
            ),
            EventStreamTerminated(event_type="eventStreamTerminated", event_time=at(1782907500001)),
            ServerShutdown(event_type="serverShutdown", event_time=at(1782907600001)),
            ListenKeyExpired(
                event_type="listenKeyExpired", event_time=at(1782907700001), listen_key="key-that-nobody-may-see"
            ),
        ],
        ids=lambda event: type(event).__name__,
    )
    def test_other_events(self, event: KnownEvent) -> None:
        assert decode_event(PAYLOADS[event.event_type]) == event

    @pytest.mark.parametrize("key", CONDITIONAL)
    @pytest.mark.parametrize("null", [True, False], ids=["null", "absent"])
    def test_each_conditional_field_alone_can_be_absent_or_null(self, key: str, null: bool) -> None:
        payload = dict(PAYLOADS["executionReport"])
        name = name_of(ExecutionReport, key)
        if null:
            payload[key] = None
        else:
            del payload[key]
        event = decode_event(payload)
        assert getattr(event, name) is None
        assert attrs.evolve(event, **{name: getattr(decode_event(PAYLOADS["executionReport"]), name)}) == decode_event(
            PAYLOADS["executionReport"]
        )

    @pytest.mark.parametrize("key", CONDITIONAL)
    def test_each_conditional_field_alone_can_be_there(self, key: str) -> None:
        event = decode_event({"unheard": 1, key: CONDITIONAL[key], **ALWAYS})
        full = decode_event(PAYLOADS["executionReport"])
        for declared in wire_fields(ExecutionReport):
            if declared.presence is Presence.OPTIONAL:
                expected = getattr(full, declared.name) if declared.wire == key else None
                assert getattr(event, declared.name) == expected

    def test_keys_differ_by_case(self) -> None:
        event = decode_event(PAYLOADS["executionReport"])
        assert event.peg_price_type is PegPriceType.MARKET_PEG
        assert event.pegged_price == Decimal("140.07")
        assert event.prevented_execution_quantity == Decimal("0.11")
        assert event.prevented_execution_price == Decimal("139.99")

    def test_unknown_keys_are_ignored_and_stay_in_raw(self) -> None:
        event = decode_event({**ALWAYS, "y": "undocumented", "new": [{"deep": 1.50}]})
        assert event == decode_event(ALWAYS)
        assert event.raw["new"] == [{"deep": Decimal("1.50")}]

    @pytest.mark.parametrize("key", ["C", "N"])
    def test_null_stands_for_none_where_the_key_is_always_there(self, key: str) -> None:
        event = decode_event({**ALWAYS, key: None})
        assert getattr(event, name_of(ExecutionReport, key)) is None

    def test_an_empty_string_stays_one(self) -> None:
        assert decode_event({**ALWAYS, "C": "", "c": ""}).original_client_order_id == ""


def name_of(cls: type[Any], key: str) -> str:
    return next(declared.name for declared in wire_fields(cls) if declared.wire == key)


NOT_AMOUNTS: list[Any] = ["NaN", "sNaN", "Infinity", "-Infinity", "inf", " 1", "1 ", "1\n", "1_0", "", "-", "."]
NOT_AMOUNTS += ["+1", "\u0661", "1e", "1e1000", "0x1", "1,5", "--1", "9" * 65, True, False, [], ["1"], {}]
NOT_TIMES: list[Any] = [-1, -1782907200456, 253402300800 * 10**6, 10**18, 10**30]
NOT_TIMES += [1.5, True, "", "now", "-1", "+1782907200456", " 1782907200456", "1782907200456.0", "\u0661" * 13]
NOT_TIMES += ["1" * 5000, [], {}]


def told_of(key: str, event: Event) -> str:
    """Return what is wrong with one field of a report: a fault, or of a core one the problem of the whole."""
    declared = next(declared for declared in wire_fields(ExecutionReport) if declared.wire == key)
    (fault,) = event.faults
    assert (fault.name, fault.wire) == (declared.name, key)
    if declared.is_core:
        assert type(event) is UndecodableEvent
        assert event.problem == f'executionReport: {declared.name} ("{key}") {fault.reason}'
    else:
        assert getattr(event, declared.name) is None
    return fault.reason


class TestValues:
    @pytest.mark.parametrize(
        "sent",
        [
            "1.00000000",
            "0",
            "-0.00000001",
            "123456789012345678901234567890.12345678",
            "0E-8",
            "1e-7",
            "007.10",
            ".5",
            "1.",
        ],
    )
    def test_an_amount_keeps_its_digits(self, sent: str) -> None:
        for _ in range(2):
            event = decode_event({**ALWAYS, "q": sent, "A": sent})
            assert event.order_quantity.as_tuple() == Decimal(sent).as_tuple()
            assert event.prevented_quantity.as_tuple() == Decimal(sent).as_tuple()

    @pytest.mark.parametrize("literal", ["1.50", "1.500", "-2", "0.10000000000000000000001", "1E-8"])
    def test_an_amount_sent_as_a_number_keeps_its_digits_too(self, literal: str) -> None:
        text = wrapped({**ALWAYS, "q": "@"}).replace('"@"', literal)
        event = decode_frame(text, SPOT)
        assert isinstance(event, ExecutionReport)
        assert event.order_quantity.as_tuple() == Decimal(literal).as_tuple()

    @pytest.mark.parametrize("sent", NOT_AMOUNTS, ids=lambda sent: repr(sent)[:12])
    @pytest.mark.parametrize("key", ["q", "A"])
    def test_what_is_no_amount_is_told_as_a_problem_of_that_field(self, key: str, sent: Any) -> None:
        event = decode_event({**ALWAYS, key: sent})
        assert event.event_type == "executionReport"
        assert event.raw[key] == sent
        assert told_of(key, event).startswith("is not")

    @pytest.mark.parametrize("literal", ["1e2000", "-1e-2000", "1e999999999", "9" * 80, "1." + "9" * 200])
    def test_a_number_beyond_all_amounts_is_no_amount(self, literal: str) -> None:
        event = decode_frame(wrapped({**ALWAYS, "q": "@"}).replace('"@"', literal), SPOT)
        assert type(event) is UndecodableEvent
        assert "order_quantity" in event.problem
        assert len(event.problem) < 200
        assert isinstance(hash(event.identity), int)

    @given(st.integers(10**12, 10**13 - 1))
    def test_thirteen_digits_are_milliseconds(self, milliseconds: int) -> None:
        for sent in (milliseconds, str(milliseconds)):
            assert decode_event({**ALWAYS, "T": sent}).transaction_time == at(milliseconds)

    @given(st.integers(10**15, 10**16 - 1))
    def test_sixteen_digits_are_microseconds(self, microseconds: int) -> None:
        for sent in (microseconds, str(microseconds)):
            event = decode_event({**ALWAYS, "T": sent, "W": sent})
            assert event.transaction_time == datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)
            assert event.working_time == event.transaction_time
            assert event.transaction_time.tzinfo is UTC

    @pytest.mark.parametrize("sent", NOT_TIMES, ids=lambda sent: repr(sent)[:20])
    def test_what_is_no_time_is_told_as_a_problem_of_that_field(self, sent: Any) -> None:
        event = decode_event({**ALWAYS, "T": sent})
        assert told_of("T", event).startswith("is not a time")
        assert event.event_time == at(1782907200457)

    @pytest.mark.parametrize("literal", ["1782907200456.0", "1.782907200456e12"])
    def test_a_time_is_a_whole_number_however_it_is_written(self, literal: str) -> None:
        event = decode_frame(wrapped({**ALWAYS, "T": "@"}).replace('"@"', literal), SPOT)
        assert isinstance(event, ExecutionReport)
        assert (event.transaction_time, event.faults) == (at(1782907200456), ())
        event = decode_frame(wrapped({**ALWAYS, "T": "@"}).replace('"@"', literal[:-1] + "5"), SPOT)
        assert type(event) is (UndecodableEvent if literal.endswith(".0") else ExecutionReport)

    @pytest.mark.parametrize("key", ["W", "D", "O"])
    def test_minus_one_is_no_time_where_there_may_be_none(self, key: str) -> None:
        assert getattr(decode_event({**ALWAYS, key: -1}), name_of(ExecutionReport, key)) is None

    @pytest.mark.parametrize("sent", [-(2**63), 2**63 - 1, 2**63, 2**64, 10**50, -(10**50), 0, -1])
    def test_ids_have_any_size(self, sent: int) -> None:
        event = decode_event({**ALWAYS, "i": sent, "a": sent})
        assert (event.order_id, event.allocation_id) == (sent, sent)

    @pytest.mark.parametrize("sent", [2**63 - 1, -(2**63), 2**64, 0])
    def test_an_integer_can_come_as_its_digits(self, sent: int) -> None:
        event = decode_event({**ALWAYS, "i": str(sent), "a": str(sent)})
        assert (event.order_id, event.allocation_id) == (sent, sent)

    @pytest.mark.parametrize(
        "sent",
        [10**600, 10**4200, True, False, "", "05", "+5", "5.0", "\u0661", "9" * 601, 1.5, [], {}],
        ids=lambda v: type(v).__name__,
    )
    @pytest.mark.parametrize("key", ["i", "a"])
    def test_what_is_no_integer_is_told_as_a_problem_of_that_field(self, key: str, sent: Any) -> None:
        assert told_of(key, decode_event({**ALWAYS, key: sent})).startswith("is not")

    @pytest.mark.parametrize("sent", [2, -1, 1.0, "yes", "", [], {}], ids=repr)
    @pytest.mark.parametrize("key", ["w", "uS"])
    def test_what_is_neither_true_nor_false_is_told(self, key: str, sent: Any) -> None:
        assert told_of(key, decode_event({**ALWAYS, key: sent})).startswith("is neither true nor false")

    @pytest.mark.parametrize("sent", [True, 1.5, [], {}], ids=repr)
    @pytest.mark.parametrize("key", ["s", "C", "Cs", "S", "b"])
    def test_what_is_no_text_is_told(self, key: str, sent: Any) -> None:
        assert told_of(key, decode_event({**ALWAYS, key: sent})).startswith("is not")

    def test_known_words_are_members_and_unknown_words_stay_strings(self) -> None:
        event = decode_event({**ALWAYS, "x": "CALCULATED", "V": "", "eR": "NEW_REASON"})
        assert event.order_status is OrderStatus.PARTIALLY_FILLED
        assert event.self_trade_prevention_mode == ""
        for word in (event.execution_type, event.expiry_reason):
            assert type(word) is str
        assert decode_event(ALWAYS).execution_type is ExecutionType.TRADE
        assert decode_event(ALWAYS).self_trade_prevention_mode is SelfTradePreventionMode.EXPIRE_MAKER

    @pytest.mark.parametrize(
        ("balances", "problem"),
        [
            ({}, 'balances ("B") is not a list: an object'),
            ("?", "balances (\"B\") is not a list: '?'"),
            ([[]], 'balances[0] ("B[0]") is not an object'),
            ([{"a": "X", "f": "1", "l": "2"}, None], 'balances[1] ("B[1]") is not an object'),
            ([{"a": "X", "f": "1"}], 'balances[0].locked ("B[0].l") is missing'),
            ([{"a": "X", "f": "NaN", "l": "1"}], "balances[0].free (\"B[0].f\") is not an amount: 'NaN'"),
        ],
    )
    def test_a_fault_inside_a_list_names_its_place(self, balances: Any, problem: str) -> None:
        event = decode_event({**PAYLOADS["outboundAccountPosition"], "B": balances})
        assert type(event) is UndecodableEvent
        assert event.problem == f"outboundAccountPosition: {problem}"

    def test_lists_can_be_empty(self) -> None:
        assert decode_event({**PAYLOADS["outboundAccountPosition"], "B": []}).balances == ()


class TestMemory:
    def test_what_is_remembered_of_amounts_and_times_is_bounded(self) -> None:
        amounts, moments = AmountMemo(), MomentMemo()
        for number in range(20_000):
            assert amounts[f"{number}.10"] == Decimal(f"{number}.10")
            assert moments[1782907200456 + number] == at(1782907200456 + number)
            assert len(amounts) <= 1024
            assert len(moments) <= 256

    @pytest.mark.parametrize(
        "sent", ["NaN", "", ".", "+1", "1_0", " 1", "1.2.3", "\u0661", "\u00b2", "-", "1e1000", "0" * 65]
    )
    def test_only_amounts_are_remembered_as_amounts(self, sent: str) -> None:
        amounts = AmountMemo()
        assert amounts["1.10"] == amounts["1.1"]
        assert str(amounts["1.10"]) == "1.10"
        with pytest.raises(ValueError, match="is not an amount"):
            amounts[sent]
        assert len(amounts) == 2


class TestSecrets:
    def test_raw_does_not_hold_a_listen_key(self) -> None:
        event = decode_event(PAYLOADS["listenKeyExpired"])
        assert event.listen_key == "key-that-nobody-may-see"
        assert event.raw == {**PAYLOADS["listenKeyExpired"], "listenKey": MASK}
        assert "nobody" not in repr(event) + repr(event.raw) + repr(event.identity)

    def test_a_listen_key_need_not_be_there(self) -> None:
        event = decode_event({"e": "listenKeyExpired", "E": 1782907700001})
        assert type(event) is ListenKeyExpired
        assert event.listen_key is None

    @pytest.mark.parametrize(
        "change", [{"E": {}}, {"listenKey": ["key-that-nobody-may-see"]}, {"e": "listenKeyExtinct"}, {"e": 5}]
    )
    def test_a_faulty_payload_does_not_show_one_either(self, change: dict[str, Any]) -> None:
        event = decode_event({**PAYLOADS["listenKeyExpired"], **change})
        assert isinstance(event, ListenKeyExpired | UnknownEvent | UndecodableEvent)
        assert "nobody" not in repr(event) + repr(event.raw) + repr(event.identity) + repr(event.faults)

    def test_neither_does_the_name_of_a_stream(self) -> None:
        event = decode_frame(json.dumps({"stream": "key-that-nobody-may-see", "data": 1}), SPOT)
        assert type(event) is UndecodableEvent
        assert "nobody" not in repr(event) + repr(event.raw)

    def test_results_stay_out_of_the_repr(self) -> None:
        response = decode_frame('{"id":1,"status":200,"result":{"apiKey":"nobody"}}', SPOT)
        assert isinstance(response, Response)
        assert response.result == {"apiKey": "nobody"}
        assert "nobody" not in repr(response)


class TestEnvelopes:
    BALANCE = PAYLOADS["balanceUpdate"]

    @pytest.mark.parametrize("subscription_id", [0, 1, 65534, None])
    def test_an_event_tells_its_subscription(self, subscription_id: int | None) -> None:
        event = decode_frame(json.dumps({"event": self.BALANCE, "subscriptionId": subscription_id}), SPOT)
        assert type(event) is BalanceUpdate
        assert event.subscription_id == subscription_id
        assert event.raw == self.BALANCE

    @pytest.mark.parametrize(
        "frame",
        [
            {"event": BALANCE},
            {"event": BALANCE, "unheard": 1},
            {"stream": "abc", "data": BALANCE},
            {"data": BALANCE, "stream": 5},
            BALANCE,
        ],
    )
    def test_an_event_may_come_without_a_subscription(self, frame: Any) -> None:
        sent = json.dumps(frame)
        for form in (sent, json.dumps(frame, ensure_ascii=False).encode(), f"\ufeff{sent}"):
            event = decode_frame(form, SPOT)
            assert type(event) is BalanceUpdate
            assert event.subscription_id is None

    @pytest.mark.parametrize("subscription_id", [7, "7", 7.0])
    def test_a_subscription_is_a_whole_number_in_any_form(self, subscription_id: Any) -> None:
        event = decode_frame(wrapped(self.BALANCE, subscriptionId=subscription_id), SPOT)
        assert type(event) is BalanceUpdate
        assert (event.subscription_id, event.faults) == (7, ())

    @pytest.mark.parametrize("name", ["balance_update", "BALANCE_UPDATE", "BalanceUpdate"])
    def test_the_type_is_known_in_any_case_and_with_underscores(self, name: str) -> None:
        event = decode_event({**self.BALANCE, "e": name})
        assert type(event) is BalanceUpdate
        assert event.event_type == name

    def test_an_unknown_type_is_passed_on_as_it_came(self) -> None:
        payload = {"e": "allocationReport", "E": 1782907200457, "s": "SOLEUR", "x": [1, {"y": None}]}
        event = decode_event(payload)
        assert type(event) is UnknownEvent
        assert (event.event_type, event.subscription_id) == ("allocationReport", 0)
        assert event.event_time == at(1782907200457)
        assert event.raw == payload
        assert "'allocationReport'" in event.problem

    @pytest.mark.parametrize("payload", [{}, {"E": 1}, {"e": None}, {"e": 5}, {"e": []}, {"e": {}}, {"e": ["x"]}])
    def test_an_event_without_a_type_is_undecodable(self, payload: Any) -> None:
        """It may have been a fill: then the account has changed, and only the venue's answers say how."""
        event = decode_event(payload)
        assert type(event) is UndecodableEvent
        assert event.event_type is None
        assert [fault.wire for fault in event.faults] == ["e"]
        assert event.subscription_id == 0
        assert '("e")' in event.problem

    @pytest.mark.parametrize(
        "frame",
        [
            {"id": 1},
            {"id": None, "status": 200, "result": {}},
            {"id": None},
            {"status": 200},
            {"result": []},
            {"code": -1121, "msg": "Invalid symbol."},
        ],
        ids=json.dumps,
    )
    def test_an_answer_that_answers_nothing_is_unknown(self, frame: Any) -> None:
        event = decode_frame(json.dumps(frame), SPOT)
        assert type(event) is UnknownEvent
        assert event.event_type is None
        assert event.raw == frame
        assert event.problem

    @pytest.mark.parametrize(
        "frame",
        [
            {},
            [],
            [BALANCE],
            None,
            True,
            0,
            "executionReport",
            {"event": None},
            {"event": 5, "subscriptionId": 0},
            {"event": [BALANCE]},
            {"data": BALANCE},
        ],
        ids=json.dumps,
    )
    def test_what_is_neither_event_nor_answer_is_undecodable(self, frame: Any) -> None:
        event = decode_frame(json.dumps(frame), SPOT)
        assert type(event) is UndecodableEvent
        assert event.event_type is None
        assert event.raw == frame
        assert event.problem
        assert event.faults

    @pytest.mark.parametrize("text", ["", "{", b"\xff\xfe", "<html>410 Gone</html>", "NaN", "[" * 5000, '{"a":' * 200])
    def test_what_is_no_json_is_undecodable_and_kept(self, text: str | bytes) -> None:
        event = decode_frame(text, SPOT)
        assert type(event) is UndecodableEvent
        assert event.raw == text
        assert event.event_type is None
        assert "JSON" in event.problem
        assert isinstance(hash(event.identity), int)

    def test_what_is_too_deep_to_be_walked_is_not_let_in(self) -> None:
        deep = "[" * 500 + "]" * 500
        event = decode_frame('{"event":{"e":"unheardOf","x":' + deep + "}}", SPOT)
        assert type(event) is UndecodableEvent


class TestAnswers:
    def test_a_result(self) -> None:
        frame = {
            "id": "abc-1",
            "status": 200,
            "result": {"subscriptionId": 0},
            "rateLimits": [
                {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 6000, "count": 9},
                {"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": 200000},
            ],
        }
        response = decode_frame(json.dumps(frame), SPOT)
        assert response == Response(id="abc-1", status=200, result={"subscriptionId": 0})
        assert isinstance(response, Response)
        assert response.rate_limits == (
            RateLimit(rate_limit_type="REQUEST_WEIGHT", interval="MINUTE", interval_num=1, limit=6000, count=9),
            RateLimit(rate_limit_type="ORDERS", interval="DAY", interval_num=1, limit=200000),
        )

    @pytest.mark.parametrize(
        "entries",
        [
            None,
            {"a": 1},
            [None, {}, 5, {"limit": "x"}],
            [{"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": 1, "limit": "200000"}],
            [{"rateLimitType": "ORDERS", "interval": "DAY", "intervalNum": True, "limit": 200000}],
            [{"rateLimitType": "ORDERS", "interval": 1, "intervalNum": 1, "limit": 200000}],
            [{"rateLimitType": None, "interval": "DAY", "intervalNum": 1, "limit": 200000}],
        ],
    )
    def test_rate_limits_that_cannot_be_read_are_left_out(self, entries: Any) -> None:
        response = decode_frame(json.dumps({"id": 1, "status": 200, "rateLimits": entries}), SPOT)
        assert isinstance(response, Response)
        assert response.rate_limits == ()

    def test_a_refusal(self) -> None:
        data = {"serverTime": 1782907200457, "retryAfter": 1782907260000}
        frame = {"id": 7, "status": 429, "error": {"code": -1003, "msg": "Slow down.", "data": data}}
        assert decode_frame(json.dumps(frame), SPOT) == Response(
            id=7, status=429, error=ApiFailure(code=-1003, msg="Slow down.", data=data)
        )

    def test_a_failure_printed_as_a_result_is_a_result(self) -> None:
        response = decode_frame('{"id":1,"status":200,"result":{"code":-2043,"msg":"No price."}}', SPOT)
        assert response == Response(id=1, status=200, result={"code": -2043, "msg": "No price."})

    @pytest.mark.parametrize("result", [None, [], {}, 0, "", False])
    def test_any_result_will_do(self, result: Any) -> None:
        response = decode_frame(json.dumps({"id": 0, "status": 200, "result": result}), SPOT)
        assert response == Response(id=0, status=200, result=result)
        assert isinstance(response, Response)
        assert type(response.result) is type(result)

    @pytest.mark.parametrize(
        ("members", "expected"),
        [
            ({"status": 200}, {"status": 200}),
            ({"status": "200", "result": {}}, {"status": 0, "result": {}}),
            ({"status": True, "result": {}}, {"status": 0, "result": {}}),
            ({"status": None, "result": {}}, {"status": 0, "result": {}}),
            ({"result": {}}, {"status": 0, "result": {}}),
            ({"status": 200, "event": None, "result": 1}, {"status": 200, "result": 1}),
            ({"status": 200, "error": None, "result": 1}, {"status": 200, "result": 1}),
            ({"status": 200, "rateLimits": [None, {}, 5, {"limit": "x"}]}, {"status": 200}),
            ({"status": 200, "rateLimits": {"a": 1}}, {"status": 200}),
        ],
        ids=json.dumps,
    )
    def test_a_malformed_answer_still_finds_its_request(
        self, members: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        for id_ in (3, "abc"):
            assert decode_frame(json.dumps({"id": id_, **members}), SPOT) == Response(id=id_, **expected)

    @pytest.mark.parametrize(
        ("error", "code", "msg", "data"),
        [
            ({"code": -5, "msg": "No."}, -5, "No.", None),
            ({"code": -5, "msg": 7, "data": [1]}, -5, "", [1]),
            ({"code": -5}, -5, "", None),
            ({"code": "-5", "msg": "No."}, 0, None, {"code": "-5", "msg": "No."}),
            ({"code": True}, 0, None, {"code": True}),
            ({}, 0, None, {}),
            ("No.", 0, None, "No."),
            ([], 0, None, []),
            (False, 0, None, False),
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("status", [200, 400, 503, "400"])
    def test_an_error_is_never_taken_for_a_result(
        self, status: Any, error: Any, code: int, msg: str | None, data: Any
    ) -> None:
        response = decode_frame(json.dumps({"id": 3, "status": status, "error": error}), SPOT)
        assert isinstance(response, Response)
        assert response.status == (status if status != "400" else 0)
        assert response.error is not None
        assert (response.error.code, response.error.data) == (code, data)
        assert msg is None or response.error.msg == msg

    @pytest.mark.parametrize("status", [400, 401, 503])
    def test_a_refusal_without_a_reason_is_a_refusal(self, status: int) -> None:
        response = decode_frame(json.dumps({"id": 3, "status": status}), SPOT)
        assert isinstance(response, Response)
        assert response.error is not None
        assert response.error.code == 0

    @pytest.mark.parametrize("id_", [None, True, 1.5, [], {}, "absent"])
    def test_an_error_without_a_usable_id_is_a_fault_of_the_connection(self, id_: Any) -> None:
        frame = {"id": id_, "status": 401, "error": {"code": -2015, "msg": "Invalid key."}}
        if id_ == "absent":
            del frame["id"]
        expected = ConnectionFault(status=401, error=ApiFailure(code=-2015, msg="Invalid key."))
        assert decode_frame(json.dumps(frame), SPOT) == expected

    @pytest.mark.parametrize(
        ("frame", "status", "code"),
        [
            ({"id": None, "status": 401}, 401, 0),
            ({"id": None, "error": {"code": -1, "msg": ""}}, 0, -1),
            ({"error": "?"}, 0, 0),
            ({"id": None, "status": "401", "error": []}, 0, 0),
        ],
    )
    def test_a_malformed_fault_is_still_one(self, frame: Any, status: int, code: int) -> None:
        fault = decode_frame(json.dumps(frame), SPOT)
        assert isinstance(fault, ConnectionFault)
        assert (fault.status, fault.error.code) == (status, code)


@attrs.frozen(kw_only=True, weakref_slot=False)
class Leg:
    quantity: Decimal = attrs.field(metadata=amount("v.q", "Where a list's element nests.", core=True))
    note: str | None = attrs.field(default=None, metadata=text("v.n", "Not always.", optional=True))


@attrs.frozen(kw_only=True, weakref_slot=False)
class Nested(KnownEvent):
    """An event like those of the futures: its members stand inside members."""

    symbol: str = attrs.field(metadata=text("o.s", "A member of a member.", core=True))
    price: Decimal | None = attrs.field(metadata=amount("o.p", "Null for none.", nullable=True))
    since: datetime | None = attrs.field(metadata=time("o.t", "Null or -1 for none.", nullable=True))
    deep: int | None = attrs.field(default=None, metadata=integer("o.x.y", "Deeper still.", optional=True))
    code: int | None = attrs.field(default=None, metadata=integer("o.i", "Beside it.", optional=True))
    other: int | None = attrs.field(default=None, metadata=integer("a.b", "A member that may lack.", optional=True))
    legs: tuple[Leg, ...] = attrs.field(metadata=items(Leg, "o.L", "A list inside a member.", core=True))


class TestNestedPaths:
    PRODUCT = attrs.evolve(SPOT, events={"NESTED": Nested})
    INNER: ClassVar[dict[str, Any]] = {
        "s": "SOLEUR",
        "p": "1.10",
        "t": 1782907200456,
        "L": [{"v": {"q": "2.0"}}, {"v": {"q": "3", "n": "x"}}],
    }

    def decode(self, **members: Any) -> Any:
        return decode_event({"e": "NESTED", "E": 1782907200457, **members}, self.PRODUCT)

    def test_fields_are_read_from_their_paths(self) -> None:
        event = self.decode(o={**self.INNER, "x": {"y": 5, "z": 6}, "i": 9}, a={"b": 7})
        assert event == Nested(
            event_type="NESTED",
            event_time=at(1782907200457),
            symbol="SOLEUR",
            price=Decimal("1.1"),
            since=at(1782907200456),
            deep=5,
            code=9,
            other=7,
            legs=(Leg(quantity=Decimal(2)), Leg(quantity=Decimal(3), note="x")),
        )
        assert fast(wrapped(event.raw), self.PRODUCT) == build_carefully(Nested, event.raw, 0) == event

    @pytest.mark.parametrize("members", [{}, {"a": {}}, {"a": None}, {"a": {"b": None}}])
    @pytest.mark.parametrize("deep", [{}, {"x": {}}, {"x": None}, {"x": {"y": None}}])
    def test_what_may_lack_may_lack_on_each_level(self, members: Any, deep: Any) -> None:
        event = self.decode(o={**self.INNER, **deep, "p": None, "t": -1}, **members)
        assert type(event) is Nested
        assert (event.deep, event.other, event.price, event.since) == (None, None, None, None)
        assert type(self.decode(o={**self.INNER, "t": None})) is Nested

    @pytest.mark.parametrize(
        ("members", "problem"),
        [
            ({}, 'symbol ("o.s") is missing'),
            ({"o": None}, 'symbol ("o.s") is missing'),
            ({"o": {**INNER, "s": None}}, 'symbol ("o.s") is null'),
            ({"o": []}, 'symbol ("o.s") is out of reach: what should hold it is not an object'),
            ({"o": {**INNER, "s": 5}}, 'symbol ("o.s") is not a text: 5'),
            ({"o": {**INNER, "L": [{"v": {}}]}}, 'legs[0].quantity ("o.L[0].v.q") is missing'),
        ],
    )
    def test_a_fault_names_its_path(self, members: Any, problem: str) -> None:
        event = self.decode(**members)
        assert type(event) is UndecodableEvent
        assert event.problem == f"NESTED: {problem}"

    def test_a_holder_that_is_no_object_costs_what_it_holds_only(self) -> None:
        event = self.decode(o={**self.INNER, "x": 5}, a="?")
        assert (type(event), event.deep, event.other) == (Nested, None, None)
        reason = "is out of reach: what should hold it is not an object"
        assert event.faults == (Fault("deep", "o.x.y", reason), Fault("other", "a.b", reason))


junk = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**30, -1, 0, 1782907200456, 1782907200456789])
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
    | st.sampled_from(["e", "NaN", "1.0", "executionReport", "1782907200456"]),
    lambda members: (
        st.lists(members, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["e", "E", "event", "id", "status", "error", "result", "code", "stream", "data", "B", "a", "o"]
            ),
            members,
            max_size=5,
        )
    ),
    max_leaves=12,
)
payloads = st.sampled_from([*PAYLOADS.values()])


def survives(text: str | bytes) -> Any:
    """Decode, and do with the outcome what anyone might."""
    decoded = decode_frame(text, SPOT)
    assert isinstance(decoded, Event | Response | ConnectionFault)
    repr(decoded)
    if isinstance(decoded, Event):
        assert isinstance(hash(decoded.identity), int)
        assert decode_frame(text, SPOT) == decoded
        assert isinstance(hash(decoded), int)
        assert pickle.loads(pickle.dumps(decoded)) == decoded
    if (typed := fast(text)) is not None:
        assert typed == decoded
        careful = _decode_carefully(text, SPOT)
        assert (careful, repr(careful), getattr(careful, "raw", None)) == (typed, repr(typed), typed.raw)
    return decoded


class TestAnythingElse:
    @given(st.text() | st.binary())
    def test_junk_text_is_decoded_to_something(self, text: str | bytes) -> None:
        survives(text)

    @given(junk)
    def test_junk_json_is_decoded_to_something(self, value: Any) -> None:
        survives(json.dumps(value))

    @given(payloads, st.data())
    def test_a_mutated_event_is_decoded_or_told_undecodable(self, payload: dict[str, Any], data: st.DataObject) -> None:
        keys = data.draw(st.lists(st.sampled_from([*payload]), max_size=3, unique=True))
        mutated = {key: value for key, value in payload.items() if key not in keys}
        mutated |= {key: data.draw(junk) for key in keys if data.draw(st.booleans())}
        decoded = survives(wrapped(mutated))
        if mutated.get("e") == payload["e"]:
            assert isinstance(decoded, KnownEvent | UndecodableEvent)
        elif not isinstance(mutated.get("e"), str):
            assert isinstance(decoded, UndecodableEvent)
        elif mutated["e"] not in SPOT_EVENTS:
            assert isinstance(decoded, UnknownEvent)

    @given(payloads, st.data())
    def test_a_torn_or_flipped_frame_is_decoded_to_something(
        self, payload: dict[str, Any], data: st.DataObject
    ) -> None:
        frame = bytearray(wrapped(payload).encode())
        position = data.draw(st.integers(0, len(frame) - 1))
        if data.draw(st.booleans()):
            del frame[position:]
        else:
            frame[position] = data.draw(st.integers(0, 255))
        survives(bytes(frame))

    @given(payloads, st.data())
    def test_the_fast_way_and_the_careful_way_never_disagree(
        self, payload: dict[str, Any], data: st.DataObject
    ) -> None:
        key = data.draw(st.sampled_from([*payload]))
        survives(wrapped({**payload, key: data.draw(junk)}))

    @pytest.mark.parametrize(
        "member",
        [b'"zz":"\xff"', b'"zz":1e9999999999999999999', b'"zz":' + b"[" * 100 + b"]" * 100],
        ids=["no UTF-8", "out of range", "deep"],
    )
    def test_a_member_that_nobody_knows_and_nobody_can_read_costs_the_payload_and_not_the_event(
        self, member: bytes
    ) -> None:
        text = wrapped(PAYLOADS["balanceUpdate"]).encode()[:-2] + b"," + member + b"}}"
        event = decode_frame(text, SPOT)
        assert event == decode_event(PAYLOADS["balanceUpdate"])
        assert event.raw == text
        assert pickle.loads(pickle.dumps(event)) == event

    def test_such_a_member_beside_a_secret_is_a_fault_as_the_text_would_show_it(self) -> None:
        text = wrapped({**PAYLOADS["listenKeyExpired"], "E": 1782907700001}).encode()[:-2] + b',"zz":"\xff"}}'
        event = decode_frame(text, SPOT)
        assert type(event) is UndecodableEvent

    def test_a_type_that_stands_twice_is_left_to_the_careful_way(self) -> None:
        text = wrapped(PAYLOADS["balanceUpdate"])[:-2] + ',"e":"unheardOf"}}'
        assert fast(text) is None
        assert type(decode_frame(text, SPOT)) is UnknownEvent

    def test_an_event_of_which_nothing_is_known_has_no_further_attributes(self) -> None:
        event = decode_event(PAYLOADS["balanceUpdate"])
        with pytest.raises(AttributeError, match="'BalanceUpdate' object has no attribute 'nonsense'"):
            event.nonsense  # noqa: B018


def back_to_wire(value: Any) -> Any:
    """Return a value as the published samples write it, with times in milliseconds."""
    if isinstance(value, datetime):
        return (value - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, tuple):
        return [
            {declared.wire: back_to_wire(getattr(element, declared.name)) for declared in wire_fields(type(element))}
            for element in value
        ]
    return value


class TestPublishedSamples:
    @pytest.mark.parametrize("name", sorted(SPOT_EVENTS))
    def test_every_key_of_every_published_event_comes_out_with_its_value(self, published: Published, name: str) -> None:
        for path in published.files(f"spot*/{name}*.json"):
            frame = loads(path.read_bytes())
            payload = frame.get("event", frame.get("data", frame))
            if "e" not in payload:  # a list of conditional fields only, without the event around it
                frame = payload = {**ALWAYS, **payload}
            event = decode_frame(json.dumps(frame), SPOT)
            assert isinstance(event, KnownEvent), (path.name, getattr(event, "problem", event))
            assert type(event) is SPOT_EVENTS[payload["e"]], path.name
            declared = {field.wire: field for field in wire_fields(type(event))}
            assert payload.keys() <= declared.keys(), path.name
            for key, sent in payload.items():
                value = back_to_wire(getattr(event, declared[key].name))
                assert value == (int(sent) if declared[key].kind is Kind.TIME else sent), (path.name, key)

    def test_every_other_published_frame_is_sorted_right(self, published: Published) -> None:
        for path in published.files("spot*/*.json"):
            decoded = decode_frame(path.read_bytes(), SPOT)
            frame = loads(path.read_bytes())
            if not isinstance(frame, dict):
                assert type(decoded) is UndecodableEvent, path.name
            elif "event" in frame or "e" in frame or "stream" in frame:
                assert isinstance(decoded, KnownEvent), path.name
            elif "status" in frame and frame.get("id") is not None:
                assert isinstance(decoded, Response), path.name
                assert (decoded.id, decoded.status) == (frame["id"], frame["status"]), path.name
                assert (decoded.error is not None) is ("error" in frame), path.name
                assert len(decoded.rate_limits) == len(frame.get("rateLimits", [])), path.name
            elif "error" in frame and frame.get("id") is None:
                assert isinstance(decoded, ConnectionFault), path.name
            else:
                # It is no frame. What looks like an answer could have changed nothing.
                is_like_an_answer = not frame.keys().isdisjoint(("id", "status", "result", "code"))
                assert type(decoded) is (UnknownEvent if is_like_an_answer else UndecodableEvent), path.name
                assert decoded.event_type is None, path.name
