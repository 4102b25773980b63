"""What an event lacks: each member of each event of each product taken away, nulled, and sent in another form.

The rule is that of the declarations. Without a member that is core nothing can be made of the event; without any other
it is the same event with ``None`` in one field, and a fault that names it, unless the member is one that is there only
when it applies. What can be read is read, whatever container it comes in.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.payload_places import Place, at, changed, fields_of, places
from support.product_payloads import MARGIN, SPOT_LIKE, UM_ORDER, USDM, futures
from support.products import PORTFOLIO_MARGIN, SAMPLED, Sampled
from support.products import USDM as USDM_SAMPLED
from trio_binance_uds.events import (
    SPOT_EVENTS,
    AccountConfigUpdate,
    AccountUpdate,
    Event,
    EventStreamTerminated,
    ExecutionReport,
    Fault,
    KnownEvent,
    ListenKeyExpired,
    MarginCall,
    OutboundAccountPosition,
    ServerShutdown,
    UndecodableEvent,
    UsdmOrderTradeUpdate,
)
from trio_binance_uds.events.fields import Kind, Presence, WireField
from trio_binance_uds.events.spot import CONTROL_EVENTS
from trio_binance_uds.products import SPOT
from trio_binance_uds.wire.build import MAX_FAULTS
from trio_binance_uds.wire.decode import _decode_carefully, decode_frame
from trio_binance_uds.wire.typed_frames import typed_frames
from trio_binance_uds.wire.values import integer, moment

SPOT_SAMPLED = Sampled(
    SPOT,
    {
        **MARGIN,
        "externalLockUpdate": {
            "e": "externalLockUpdate",
            "E": 1782907300012,
            "a": "LINK",
            "d": "2",
            "T": 1782907300011,
        },
        "listenKeyExpired": {"e": "listenKeyExpired", "E": 1782907700001, "listenKey": "key-that-nobody-may-see"},
    },
)
ALL = (SPOT_SAMPLED, *SAMPLED)
CASES = [
    pytest.param(sampled, name, id=f"{sampled.product.name}-{name}") for sampled in ALL for name in sampled.payloads
]
# What an alarm, or an event about the stream itself, is about: it was sent at all.
ALARMS = {
    "MARGIN_CALL",
    "MARGIN_LEVEL_STATUS_CHANGE",
    "marginLevelChange",
    "RISK_LEVEL_CHANGE",
    "riskLevelChange",
    "listenKeyExpired",
    "eventStreamTerminated",
    "serverShutdown",
}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def decode(sampled: Sampled, payload: Any) -> Any:
    return decode_frame(json.dumps(payload), sampled.product)


def fault_of(event: Event, place: Place) -> Fault:
    """Return the one fault of an event, which must be about this place."""
    (fault,) = event.faults
    assert fault.wire.rpartition(".")[2].partition("[")[0] == place[-1]
    return fault


def members_of(sampled: Sampled, name: str) -> list[tuple[Place, WireField]]:
    """Return all members of an event that are fields, and where they are."""
    found = fields_of(sampled.product.event_types[name], sampled.payloads[name])
    return [(place, field) for place, field in found if place != ("e",)]


def is_fatal(cls: type[Any], place: Place, field: WireField) -> bool:
    """Return whether an event of this class cannot do without what is at a place: all that leads there is core."""
    lists = [place[:index] for index, key in enumerate(place) if key == 0]
    holders = [found for where, found in fields_of(cls, SAMPLES[cls]) if where in lists]
    return field.is_core and all(holder.is_core for holder in holders)


SAMPLES = {cls: sampled.payloads[name] for sampled in ALL for name, cls in sampled.product.event_types.items()}


def check_hole(sampled: Sampled, name: str, place: Place, field: WireField, event: Any, reason: str) -> None:
    """Check what has become of an event with nothing to be read at a place."""
    cls = sampled.product.event_types[name]
    whole = decode(sampled, sampled.payloads[name])
    if is_fatal(cls, place, field):
        assert type(event) is UndecodableEvent
        assert event.event_type == name
        assert fault_of(event, place).reason.startswith(reason)
        assert event.problem.startswith(f"{name}: {event.faults[0].name} ")
        return
    assert type(event) is cls
    fault = fault_of(event, place)
    assert fault.reason.startswith(reason)
    assert fault.name.rpartition(".")[2] == field.name
    if field.is_core:  # An element that cannot be read is left out of a list that is not core.
        return
    assert at(event, cls, place) == (() if field.kind is Kind.ITEMS else None)
    if len(place) == 1 or 0 not in place:
        assert attrs.evolve(event, **{field.name: getattr(whole, field.name)}) == whole


def check_containers(sampled: Sampled, name: str, place: Place, field: WireField) -> None:
    """Check that a value is read from each container in which its meaning is certain."""
    cls = sampled.product.event_types[name]

    def sent(value: Any) -> Any:
        event = decode(sampled, changed(sampled.payloads[name], place, value))
        assert type(event) is cls, getattr(event, "problem", event)
        assert event.faults == ()
        return at(event, cls, place)

    match field.kind:
        case Kind.TIME:
            expected = datetime(2026, 7, 1, 12, 1, 40, 1000, tzinfo=UTC)
            for value in (1782907300001, "1782907300001", 1782907300001000, "1782907300001000", 1782907300001.0):
                assert sent(value) == expected
            assert sent(5) == sent("5") == datetime(1970, 1, 1, 0, 0, 0, 5000, tzinfo=UTC)
            assert sent(10**14 - 1).year == 5138
            assert sent(10**14).year == 1973
            if field.may_be_none:
                for value in (0, -1, "0", "-1", "", "none", "NONE", "null"):
                    assert sent(value) is None
        case Kind.AMOUNT | Kind.NUMBER:
            assert sent("-0.00000120").as_tuple() == Decimal("-0.00000120").as_tuple()
            assert (sent(12), sent(-0.5)) == (12, Decimal("-0.5"))
        case Kind.INTEGER:
            for value in (2**53 + 1, -(2**63), 2**63, 2**64, 10**40, str(2**63 - 1), str(10**40), 12345678.0):
                assert (type(sent(value)), sent(value)) == (int, int(value))
            assert field.none != "" or sent("") is None
        case Kind.CHOICE:
            assert (type(sent("UNHEARD_OF")), sent("UNHEARD_OF")) == (str, "UNHEARD_OF")
            assert field.of is not None
            for word in map(str, field.of.__members__.values()):
                assert type(sent(word)) is field.of
                if word.isdigit() and word == str(int(word)):
                    assert sent(int(word)) == word
        case Kind.FLAG:
            for value in (True, 1, "true", "True", "1"):
                assert sent(value) is True
            for value in (False, 0, "false", "FALSE", "0"):
                assert sent(value) is False
        case Kind.ITEMS:
            for value in ([], None, "", "null"):
                assert sent(value) == ()
        case _:
            assert (sent(""), sent("这是")) == ("", "这是")
            if field.takes_number:
                assert (sent(123), sent(2**70)) == ("123", str(2**70))


@pytest.mark.parametrize(("sampled", "name"), CASES)
class TestEachMember:
    def test_taken_away(self, sampled: Sampled, name: str) -> None:
        for place, field in members_of(sampled, name):
            event = decode(sampled, changed(sampled.payloads[name], place))
            if field.presence is Presence.OPTIONAL:
                assert at(event, sampled.product.event_types[name], place) == (() if field.kind is Kind.ITEMS else None)
                assert event.faults == ()
            else:
                check_hole(sampled, name, place, field, event, "is missing")

    def test_nulled(self, sampled: Sampled, name: str) -> None:
        for place, field in members_of(sampled, name):
            event = decode(sampled, changed(sampled.payloads[name], place, None))
            if field.may_be_none or field.kind is Kind.ITEMS:
                assert at(event, sampled.product.event_types[name], place) == (() if field.kind is Kind.ITEMS else None)
                assert event.faults == ()
            else:
                check_hole(sampled, name, place, field, event, "is null")

    def test_sent_as_what_means_nothing(self, sampled: Sampled, name: str) -> None:
        for place, field in members_of(sampled, name):
            for value in ({"no": 1}, {}, "NaN" if field.kind in (Kind.AMOUNT, Kind.NUMBER) else 1.5, True):
                if value is True and field.kind is Kind.FLAG:
                    continue
                event = decode(sampled, changed(sampled.payloads[name], place, value))
                check_hole(sampled, name, place, field, event, "is ")
                assert "nobody" not in repr(event.faults)

    def test_sent_in_another_container(self, sampled: Sampled, name: str) -> None:
        for place, field in members_of(sampled, name):
            check_containers(sampled, name, place, field)

    def test_a_number_is_no_name(self, sampled: Sampled, name: str) -> None:
        for place, field in members_of(sampled, name):
            if field.kind in (Kind.TEXT, Kind.SECRET) and not field.takes_number:
                event = decode(sampled, changed(sampled.payloads[name], place, 123))
                check_hole(sampled, name, place, field, event, "is not a text")


@pytest.mark.parametrize(("sampled", "name"), CASES)
class TestEachEvent:
    def test_of_its_type_alone_only_an_alarm_is_left(self, sampled: Sampled, name: str) -> None:
        event = decode(sampled, {"e": name})
        assert event.event_type == name
        assert event.event_time is None
        if name in ALARMS:
            assert type(event) is sampled.product.event_types[name]
            assert Fault("event_time", "E", "is missing") in event.faults
        else:
            assert type(event) is UndecodableEvent
            assert event.faults

    def test_a_whole_one_has_no_faults(self, sampled: Sampled, name: str) -> None:
        assert decode(sampled, sampled.payloads[name]).faults == ()

    def test_faults_are_no_part_of_what_an_event_says(self, sampled: Sampled, name: str) -> None:
        event = decode(sampled, sampled.payloads[name])
        other = attrs.evolve(event, faults=(Fault("a", "b", "c"),))
        assert (other, hash(other), other.identity) == (event, hash(event), event.identity)


class TestMeaning:
    """What is core is chosen by meaning: these are the choices."""

    def test_a_fill_is_one_as_long_as_it_says_what_was_filled(self) -> None:
        core = set("siSxXqplzLT")
        for key in UM_ORDER:
            event = decode(USDM_SAMPLED, changed(USDM["ORDER_TRADE_UPDATE"], ("o", key)))
            is_typed = type(event) is UsdmOrderTradeUpdate
            assert is_typed is (key not in core - {"T"}), key
        for key in SPOT_LIKE["executionReport"]:
            event = decode(SPOT_SAMPLED, changed(SPOT_LIKE["executionReport"], (key,)))
            assert (type(event) is ExecutionReport) is (key not in core | {"e"}), key

    def test_the_others_of_a_list_never_vanish_without_a_word(self) -> None:
        balances = [{"a": "LINK", "f": "1", "l": "0"}, {"a": "BNB", "l": "0"}, {"a": "SOL", "f": "2", "l": "0"}]
        event = decode(SPOT_SAMPLED, {**MARGIN["outboundAccountPosition"], "B": balances})
        assert type(event) is UndecodableEvent
        assert event.problem == 'outboundAccountPosition: balances[1].free ("B[1].f") is missing'
        assert event.faults == (Fault("balances[1].free", "B[1].f", "is missing"),)

    def test_a_position_with_a_hole_keeps_the_rest(self) -> None:
        position = {"s": "LINKUSDT", "pa": "-2", "up": "0.1", "ps": "BOTH", "cr": "x"}
        other = {"s": "BNBUSDT", "pa": "1", "ep": "5", "bep": "5", "cr": "0", "up": "0", "ps": "BOTH"}
        event = decode(USDM_SAMPLED, futures("ACCOUNT_UPDATE", a={"m": "ORDER", "B": [], "P": [position, other]}))
        assert type(event) is AccountUpdate
        assert [one.position_amount for one in event.positions] == [-2, 1]
        assert event.positions[0].entry_price is None
        assert event.faults == (
            Fault("positions[0].entry_price", "a.P[0].ep", "is missing"),
            Fault("positions[0].breakeven_price", "a.P[0].bep", "is missing"),
            Fault("positions[0].accumulated_realized", "a.P[0].cr", "is not an amount: 'x'"),
        )

    def test_an_order_that_a_list_does_not_name_is_left_out_of_it(self) -> None:
        orders = [{"s": "LINKUSDT", "c": "leg-1"}, {"s": "LINKUSDT", "i": 2, "c": 77}, 5]
        event = decode(SPOT_SAMPLED, {**MARGIN["listStatus"], "O": orders})
        assert [(order.order_id, order.client_order_id) for order in event.orders] == [(2, "77")]
        assert event.faults == (
            Fault("orders[0].order_id", "O[0].i", "is missing"),
            Fault("orders[2]", "O[2]", "is not an object"),
        )

    def test_a_margin_call_is_told_with_what_there_is(self) -> None:
        event = decode(USDM_SAMPLED, {"e": "MARGIN_CALL", "p": [{"s": "LINKUSDT"}, {"pa": "1"}, "?"]})
        assert type(event) is MarginCall
        assert [(one.symbol, one.position_amount) for one in event.positions] == [("LINKUSDT", None), (None, 1)]
        assert ("positions[2]", "p[2]", "is not an object") in [attrs.astuple(fault) for fault in event.faults]

    @pytest.mark.parametrize("members", [{}, {"ac": None}, {"ac": {}}, {"ac": {"s": "LINKUSDT"}}, {"ai": {"j": None}}])
    def test_a_setting_that_is_not_said_is_none(self, members: dict[str, Any]) -> None:
        assert type(decode(USDM_SAMPLED, futures("ACCOUNT_CONFIG_UPDATE", **members))) is UndecodableEvent

    @pytest.mark.parametrize("members", [{"ac": {"s": "LINKUSDT", "l": 3}}, {"ai": {"j": 0}}])
    def test_one_setting_is_enough(self, members: dict[str, Any]) -> None:
        event = decode(USDM_SAMPLED, futures("ACCOUNT_CONFIG_UPDATE", **members))
        assert (type(event), event.faults) == (AccountConfigUpdate, ())

    @pytest.mark.parametrize("members", [{}, {"a": None}, {"a": []}, {"a": "null"}])
    def test_an_account_update_of_nothing_is_none(self, members: dict[str, Any]) -> None:
        assert type(decode(USDM_SAMPLED, futures("ACCOUNT_UPDATE", **members))) is UndecodableEvent

    def test_an_account_update_without_lists_says_so(self) -> None:
        event = decode(USDM_SAMPLED, futures("ACCOUNT_UPDATE", a={"m": "ORDER"}))
        assert (event.balances, event.positions) == ((), ())
        assert event.faults == (Fault("balances or positions", "a.B or a.P", "is missing"),)
        assert decode(USDM_SAMPLED, futures("ACCOUNT_UPDATE", a={"m": "ORDER", "B": [], "P": None})).faults == ()

    def test_faults_are_bounded(self) -> None:
        event = decode(USDM_SAMPLED, {"e": "MARGIN_CALL", "E": 1782907200457, "p": [5] * 1000})
        assert (event.positions, len(event.faults)) == ((), MAX_FAULTS)
        event = decode(SPOT_SAMPLED, {**MARGIN["outboundAccountPosition"], "B": [{}] * 1000})
        assert (type(event), len(event.faults)) == (UndecodableEvent, MAX_FAULTS)

    def test_a_fault_is_told_in_few_words(self) -> None:
        event = decode(SPOT_SAMPLED, {**MARGIN["executionReport"], "m": "x" * 10_000})
        (fault,) = event.faults
        assert len(fault.reason) < 100

    def test_a_frame_that_is_no_json_has_a_fault_too(self) -> None:
        event = decode_frame("{", SPOT)
        assert event.faults == (Fault("", "", "the frame is not JSON"),)  # type: ignore[union-attr]

    def test_a_holder_that_is_no_object_costs_what_it_holds(self) -> None:
        event = decode(PORTFOLIO_MARGIN, {**PORTFOLIO_MARGIN.payloads["ACCOUNT_CONFIG_UPDATE"], "ac": 5})
        assert type(event) is UndecodableEvent
        assert event.problem.endswith("is out of reach: what should hold it is not an object")


class TestControlEvents:
    @pytest.mark.parametrize("name", ["eventStreamTerminated", "serverShutdown", "listenKeyExpired"])
    @pytest.mark.parametrize("members", [{}, {"E": None}, {"E": "soon"}, {"E": {}}, {"E": 0}, {"E": "0"}, {"zz": 1}])
    @pytest.mark.parametrize("subscription", ["absent", None, 3, "3", 3.0, "x", [], True])
    def test_they_are_known_whatever_they_lack(self, name: str, members: dict[str, Any], subscription: Any) -> None:
        frame: dict[str, Any] = {"event": {"e": name, **members}}
        if subscription != "absent":
            frame["subscriptionId"] = subscription
        event = decode(SPOT_SAMPLED, frame)
        assert isinstance(event, EventStreamTerminated | ServerShutdown | ListenKeyExpired)
        is_known = type(subscription) in (int, float) or subscription == "3"
        assert (event.subscription_id, event.event_time) == (3 if is_known else None, None)
        assert event.faults

    @pytest.mark.parametrize("key", [None, 5, [], {}, ["key-that-nobody-may-see"], {"x": "key-that-nobody-may-see"}])
    def test_a_listen_key_that_cannot_be_read_is_none(self, key: Any) -> None:
        event = decode(SPOT_SAMPLED, {"e": "listenKeyExpired", "E": "1782907700001", "listenKey": key})
        assert type(event) is ListenKeyExpired
        assert event.listen_key is None
        assert "nobody" not in repr(event) + repr(event.faults) + repr(event.raw)

    @pytest.mark.parametrize("payload", [MARGIN["balanceUpdate"], {"e": "unheardOf"}, {}])
    @pytest.mark.parametrize("subscription", ["x", "", False, True, 0.5, [], {}])
    def test_any_other_event_needs_to_say_whose_it_is(self, payload: Any, subscription: Any) -> None:
        event = decode(SPOT_SAMPLED, {"event": payload, "subscriptionId": subscription})
        assert type(event) is UndecodableEvent
        assert event.subscription_id is None
        assert event.raw == payload
        assert "subscriptionId" in event.problem
        assert event.faults == (Fault("subscription_id", "subscriptionId", "is not a whole number"),)

    @pytest.mark.parametrize("sampled", ALL, ids=lambda sampled: sampled.product.name)
    @pytest.mark.parametrize("cls", CONTROL_EVENTS, ids=lambda cls: cls.__name__)
    def test_they_are_known_on_every_product(self, sampled: Sampled, cls: type[KnownEvent]) -> None:
        name = f"{cls.__name__[0].lower()}{cls.__name__[1:]}"
        for payload in ({"e": name}, {"e": cls.__name__.upper(), "E": 1782907500001}):
            for frame in (payload, {"stream": "!anything", "data": payload}, {"event": payload}):
                assert type(decode(sampled, frame)) is cls


class TestNumbers:
    @given(st.integers(-(10**20), 10**20))
    def test_a_time_is_a_whole_number_of_milliseconds_or_microseconds(self, number: int) -> None:
        if 0 < number < 10**14:
            expected: Any = EPOCH + timedelta(milliseconds=number)
        elif 10**14 <= number <= 253402300799999999:
            expected = EPOCH + timedelta(microseconds=number)
        else:
            with pytest.raises(ValueError, match="is not a time"):
                moment(number)
            return
        assert moment(number) == moment(str(number)) == moment(Decimal(number)) == expected

    @pytest.mark.parametrize("number", [0, "0", 0.0])
    def test_zero_is_a_time_only_where_there_must_be_one(self, number: Any) -> None:
        event = decode(SPOT_SAMPLED, {**MARGIN["executionReport"], "T": number})
        assert event.transaction_time == EPOCH
        event = decode(SPOT_SAMPLED, {**MARGIN["executionReport"], "E": number})
        assert event.event_time is None
        assert event.faults[0].name == "event_time"

    @pytest.mark.parametrize("digits", ["1" * 601, "-" + "9" * 5000, "1" * 4299, "7" * 100_000])
    @pytest.mark.parametrize("quote", ["", '"'], ids=["number", "text"])
    @pytest.mark.parametrize("key", ["t", "T", "i", "q", "c", "w", "x", "j", "O"])
    def test_no_number_is_too_long_to_be_handled(self, key: str, quote: str, digits: str) -> None:
        text = json.dumps({**MARGIN["executionReport"], key: "@"}).replace('"@"', f"{quote}{digits}{quote}")
        event: Any = decode_frame(text, SPOT)
        assert isinstance(event, ExecutionReport | UndecodableEvent)
        assert isinstance(repr(event) + repr(event.faults) + str(hash(event)), str)

    @given(st.integers() | st.floats() | st.decimals() | st.booleans() | st.text(max_size=5))
    def test_an_integer_is_what_is_whole_and_no_truth_value(self, value: Any) -> None:
        is_whole = type(value) is int or (
            isinstance(value, Decimal) and value.is_finite() and value.adjusted() < 128 and value % 1 == 0
        )
        if is_whole:
            assert integer(value) == value
        elif not (isinstance(value, str) and value.lstrip("-").isascii() and value.lstrip("-").isdigit()):
            with pytest.raises(ValueError, match="is not a whole number"):
                integer(value)


def survives(sampled: Sampled, frame: Any) -> None:
    """Check that both passes make the same of a frame, and that anyone can handle it."""
    text = json.dumps(frame)
    fast = typed_frames(sampled.product.event_types).reader(sampled.product.name, lambda text: None)(text)
    careful: Any = _decode_carefully(text, sampled.product)
    assert isinstance(careful, Event)
    assert isinstance(hash(careful), int)
    assert isinstance(careful.identity, tuple)
    assert isinstance(repr(careful) + repr(careful.raw) + repr(careful.faults), str)
    if fast is not None:
        assert isinstance(careful, KnownEvent)
        assert (fast, repr(fast), fast.raw, fast.faults) == (careful, repr(careful), careful.raw, careful.faults)


odd_values = (
    st.sampled_from([None, "", "null", "none", 0, 1, -1, "0", "1", "-1", True, False, "true", 2**63, 2**64, 10**30])
    | st.sampled_from(["NaN", "1.0", "1e3", 1.5, 1782907300001, "1782907300001", 1782907300001000, 10**14, [], {}])
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
    | st.lists(st.integers(), max_size=2)
)


@given(st.sampled_from([(sampled, name) for sampled in ALL for name in sampled.payloads]), st.data())
def test_both_passes_make_the_same_of_every_frame(case: tuple[Sampled, str], data: st.DataObject) -> None:
    sampled, name = case
    payload: Any = sampled.payloads[name]
    for _ in range(data.draw(st.integers(0, 3))):
        found = [place for place in places(payload) if place != ("e",)]
        if found:
            where = data.draw(st.sampled_from(found))
            payload = changed(payload, where, *data.draw(st.lists(odd_values, max_size=1)))
    survives(
        sampled,
        data.draw(
            st.sampled_from([payload, {"subscriptionId": 1, "event": payload}, {"stream": "k", "data": payload}])
        ),
    )


def test_both_passes_tell_the_shapes_of_one_name_apart() -> None:
    debt = PORTFOLIO_MARGIN.payloads["liabilityChange"]
    for member in ([], [{"a": "LINK", "p": "1", "i": "0"}], None, "?"):
        survives(PORTFOLIO_MARGIN, {**debt, "L": member})


def test_every_spot_event_is_among_the_samples() -> None:
    assert SPOT_SAMPLED.payloads.keys() == SPOT_EVENTS.keys()
    assert type(decode(SPOT_SAMPLED, SPOT_SAMPLED.payloads["outboundAccountPosition"])) is OutboundAccountPosition
