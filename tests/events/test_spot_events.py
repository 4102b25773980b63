"""Spot events are values: frozen, slotted, equal by what they say, and declared completely."""

from __future__ import annotations

import copy
import pickle
import typing
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import attrs
import pytest

from trio_binance_uds import events
from trio_binance_uds.events import (
    SPOT_EVENTS,
    Balance,
    BalanceUpdate,
    Event,
    EventStreamTerminated,
    ExecutionReport,
    ExternalLockUpdate,
    KnownEvent,
    ListenKeyExpired,
    ListStatus,
    ListStatusOrder,
    OrderStatus,
    OutboundAccountPosition,
    ServerShutdown,
    Side,
    UndecodableEvent,
    UnknownEvent,
)
from trio_binance_uds.events.fields import Kind, Presence, secret, wire_fields

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 7, 1, 12, 0, 1, tzinfo=UTC)
DECLARING = [*SPOT_EVENTS.values(), Balance, ListStatusOrder]


def report(**changes: Any) -> ExecutionReport:
    values: dict[str, Any] = {
        "event_type": "executionReport",
        "event_time": NOON,
        "symbol": "SOLEUR",
        "client_order_id": "mine-1",
        "side": Side.SELL,
        "order_type": "LIMIT",
        "time_in_force": "GTC",
        "order_quantity": Decimal("3.50"),
        "order_price": Decimal("140.10"),
        "stop_price": Decimal(0),
        "iceberg_quantity": Decimal(0),
        "order_list_id": -1,
        "original_client_order_id": "",
        "execution_type": "NEW",
        "order_status": OrderStatus.NEW,
        "reject_reason": "NONE",
        "order_id": 71,
        "last_executed_quantity": Decimal(0),
        "cumulative_filled_quantity": Decimal(0),
        "last_executed_price": Decimal(0),
        "commission_amount": Decimal(0),
        "commission_asset": None,
        "transaction_time": NOON,
        "trade_id": -1,
        "execution_id": 900,
        "is_on_book": True,
        "is_maker": False,
        "is_best_match": False,
        "order_creation_time": NOON,
        "cumulative_quote_quantity": Decimal(0),
        "last_quote_quantity": Decimal(0),
        "quote_order_quantity": Decimal(0),
        "self_trade_prevention_mode": "NONE",
    }
    return ExecutionReport(**{**values, **changes})


@pytest.mark.parametrize("cls", DECLARING, ids=lambda cls: cls.__name__)
class TestDeclarations:
    def test_each_wire_key_is_declared_once(self, cls: type[Any]) -> None:
        keys = [declared.wire for declared in wire_fields(cls)]
        assert len(keys) == len(set(keys))

    def test_every_field_of_its_own_is_declared_and_documented(self, cls: type[Any]) -> None:
        own = {a.name for a in attrs.fields(cls) if "first_of" not in a.metadata} - {
            "stream",
            "account",
            "subscription_id",
            "recovered",
            "faults",
            "raw",
        }
        assert {declared.name for declared in wire_fields(cls)} == own
        for declared in wire_fields(cls):
            assert declared.doc.endswith("."), declared
            assert "\n" not in declared.doc, declared

    def test_the_annotation_agrees_with_the_declaration(self, cls: type[Any]) -> None:
        hints = typing.get_type_hints(cls)
        plain: dict[Kind, Any] = {
            Kind.TEXT: str,
            Kind.SECRET: str,
            Kind.AMOUNT: Decimal,
            Kind.TIME: datetime,
            Kind.INTEGER: int,
            Kind.FLAG: bool,
        }
        for declared in wire_fields(cls):
            match declared.kind:
                case Kind.CHOICE:
                    assert declared.of is not None
                    assert issubclass(declared.of, StrEnum)
                    expected: Any = declared.of | typing.Literal[tuple(member.value for member in declared.of)]
                case Kind.ITEMS:
                    expected = tuple[declared.of, ...]  # type: ignore[name-defined]  # a run-time check of a type
                case kind:
                    expected = plain[kind]
            if not declared.is_core and declared.kind is not Kind.ITEMS:
                expected = expected | None
            assert hints[declared.name] == expected, declared

    def test_only_optional_fields_can_be_left_out(self, cls: type[Any]) -> None:
        by_name = attrs.fields_dict(cls)
        for declared in wire_fields(cls):
            is_optional = declared.presence is Presence.OPTIONAL
            assert (by_name[declared.name].default is None) is is_optional, declared
            assert (by_name[declared.name].default is attrs.NOTHING) is not is_optional, declared

    def test_secrets_stay_out_of_the_repr(self, cls: type[Any]) -> None:
        for declared in wire_fields(cls):
            assert attrs.fields_dict(cls)[declared.name].repr is (declared.kind is not Kind.SECRET)

    def test_instances_are_frozen_and_slotted(self, cls: type[Any]) -> None:
        assert not hasattr(object.__new__(cls), "__dict__")
        assert not hasattr(cls, "__weakref__")
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            object.__new__(cls).event_type = "x"


def test_a_secret_below_the_event_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="member of the event itself"):
        secret("o.listenKey", "Hidden too deep.")


def test_everything_public_is_listed_once_and_exists() -> None:
    assert len(events.__all__) == len(set(events.__all__))
    assert all(hasattr(events, name) for name in events.__all__)


def test_the_map_of_events_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        SPOT_EVENTS["other"] = ExecutionReport  # type: ignore[index]  # it is a promise about run time


def test_how_an_event_arrived_does_not_count_in_equality() -> None:
    event = report()
    same = attrs.evolve(event, subscription_id=4, recovered=True, raw={"e": "executionReport"})
    assert same == event
    assert hash(same) == hash(event)
    assert attrs.evolve(event, execution_id=901) != event
    assert "raw" not in repr(same)


def test_events_survive_copy_and_pickle_with_all_their_fields() -> None:
    event = report(subscription_id=0, recovered=True, raw={"e": "executionReport", "x": [Decimal("1.50")]})
    copies = (copy.copy(event), copy.deepcopy(event), pickle.loads(pickle.dumps(event)))
    for twin in copies:
        assert type(twin) is ExecutionReport
        assert twin == event
        assert (twin.subscription_id, twin.recovered, twin.raw) == (0, True, event.raw)


def test_a_conditional_field_that_is_not_given_is_none() -> None:
    event = report()
    optional = [declared.name for declared in wire_fields(ExecutionReport) if declared.presence is Presence.OPTIONAL]
    assert len(optional) == 23
    assert all(getattr(event, name) is None for name in optional)


def test_events_can_be_matched_by_their_fields() -> None:
    match report(order_status=OrderStatus.FILLED):
        case ExecutionReport(symbol="SOLEUR", order_status=OrderStatus.FILLED, side="SELL"):
            pass
        case _:
            pytest.fail("the pattern did not match")


class TestIdentity:
    def test_report_is_known_by_symbol_and_execution_id(self) -> None:
        assert report().identity == ("executionReport", "SOLEUR", 900)
        assert report(event_time=LATER, subscription_id=7, recovered=True).identity == report().identity
        assert report(execution_id=901).identity != report().identity

    def test_recovered_reports_are_told_apart_without_an_execution_id(self) -> None:
        recovered = report(execution_id=None, recovered=True)
        assert recovered.identity == attrs.evolve(recovered, raw={"order": {}}).identity
        assert recovered.identity != report().identity
        for other in (attrs.evolve(recovered, trade_id=1), attrs.evolve(recovered, order_id=1)):
            assert other.identity != recovered.identity

    @pytest.mark.parametrize(
        ("event", "changes"),
        [
            (
                BalanceUpdate(
                    event_type="balanceUpdate",
                    event_time=NOON,
                    asset="EUR",
                    balance_delta=Decimal("-4.20"),
                    clear_time=NOON,
                ),
                {"asset": "USD", "balance_delta": Decimal("4.20"), "clear_time": LATER},
            ),
            (
                ExternalLockUpdate(
                    event_type="externalLockUpdate",
                    event_time=NOON,
                    asset="EUR",
                    delta=Decimal("4.20"),
                    transaction_time=NOON,
                ),
                {"asset": "USD", "delta": Decimal("4.21"), "transaction_time": LATER},
            ),
            (
                OutboundAccountPosition(
                    event_type="outboundAccountPosition",
                    event_time=NOON,
                    last_account_update=NOON,
                    balances=(Balance(asset="EUR", free=Decimal("10.00"), locked=Decimal(0)),),
                ),
                {"last_account_update": LATER, "balances": ()},
            ),
            (
                ListStatus(
                    event_type="listStatus",
                    event_time=NOON,
                    symbol="SOLEUR",
                    order_list_id=8,
                    contingency_type="OCO",
                    list_status_type="EXEC_STARTED",
                    list_order_status="EXECUTING",
                    list_reject_reason="NONE",
                    list_client_order_id="list-8",
                    transaction_time=NOON,
                    orders=(ListStatusOrder(symbol="SOLEUR", order_id=5, client_order_id="leg"),),
                ),
                {
                    "order_list_id": 9,
                    "transaction_time": LATER,
                    "list_status_type": "ALL_DONE",
                    "list_order_status": "ALL_DONE",
                },
            ),
            (ListenKeyExpired(event_type="listenKeyExpired", event_time=NOON, listen_key="k1"), {"listen_key": "k2"}),
            (EventStreamTerminated(event_type="eventStreamTerminated", event_time=NOON), {}),
            (ServerShutdown(event_type="serverShutdown", event_time=NOON), {}),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Event) else "",
    )
    def test_it_is_what_two_connections_say_alike_and_nothing_else(
        self, event: KnownEvent, changes: dict[str, Any]
    ) -> None:
        elsewhere = attrs.evolve(event, event_time=LATER, subscription_id=3, recovered=True, raw={"x": 1})
        assert elsewhere.identity == event.identity
        assert hash(elsewhere.identity) == hash(event.identity)
        for name, value in changes.items():
            assert attrs.evolve(event, **{name: value}).identity != event.identity, name

    def test_kinds_of_events_do_not_share_identities(self) -> None:
        common: dict[str, Any] = {"event_time": NOON}
        terminated = EventStreamTerminated(event_type="eventStreamTerminated", **common)
        assert terminated.identity != ServerShutdown(event_type="serverShutdown", **common).identity

    def test_a_listen_key_is_shown_neither_by_repr_nor_by_identity(self) -> None:
        event = ListenKeyExpired(event_type="listenKeyExpired", event_time=NOON, listen_key="very-secret-key")
        assert event.listen_key == "very-secret-key"
        assert "very-secret-key" not in repr(event) + repr(event.identity)
        keyless = ListenKeyExpired(event_type="listenKeyExpired", event_time=NOON)
        assert keyless.identity != event.identity

    def test_an_event_without_a_class_of_its_own_has_none(self) -> None:
        with pytest.raises(NotImplementedError):
            _ = Event().identity


class TestUntypedEvents:
    @pytest.mark.parametrize("cls", [UnknownEvent, UndecodableEvent])
    @pytest.mark.parametrize(
        "raw",
        ["not json", b"\xff", None, True, 0, [], {}, [1, [2, {"a": None}]], {"a": {"b": [Decimal("1.50"), "x"]}}],
        ids=repr,
    )
    def test_identity_works_for_any_payload(self, cls: type[UnknownEvent], raw: Any) -> None:
        event = cls(raw=raw, problem="p")
        assert event.identity == cls(raw=copy.deepcopy(raw), problem="other", subscription_id=2).identity
        assert event == cls(raw=copy.deepcopy(raw), problem="p")
        assert hash(event) == hash(cls(raw=copy.deepcopy(raw), problem="p"))

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ({"a": True}, {"a": 1}),
            ({"a": False}, {"a": 0}),
            ({"a": None}, {}),
            ({"a": [1, 2]}, {"a": [2, 1]}),
            ({"a": "1"}, {"a": 1}),
            ({"a": []}, {"a": {}}),
            ({"a": {"E": 1}}, {"a": {"E": 2}}),
            ("1", b"1"),
        ],
    )
    def test_different_payloads_have_different_identities(self, one: Any, other: Any) -> None:
        assert UnknownEvent(raw=one, problem="p").identity != UnknownEvent(raw=other, problem="p").identity
        assert UnknownEvent(raw=one, problem="p") != UnknownEvent(raw=other, problem="p")

    def test_identity_leaves_out_the_event_time_and_the_order_of_keys(self) -> None:
        one = UnknownEvent(raw={"e": "new", "E": 1, "z": [1], "a": 2}, problem="p")
        other = UnknownEvent(raw={"a": 2, "z": [1], "E": 2, "e": "new"}, problem="p")
        assert one.identity == other.identity

    def test_unknown_is_not_undecodable(self) -> None:
        unknown: Event = UnknownEvent(raw={}, problem="p")
        undecodable: Event = UndecodableEvent(raw={}, problem="p")
        assert unknown != undecodable
        assert unknown.identity != undecodable.identity

    def test_they_survive_copy_and_pickle(self) -> None:
        event = UnknownEvent(raw={"a": [1]}, problem="p", event_type="new", event_time=NOON, subscription_id=1)
        for twin in (copy.deepcopy(event), pickle.loads(pickle.dumps(event))):
            assert twin == event
            assert twin.raw == event.raw
            assert twin.subscription_id == 1

    def test_the_payload_stays_out_of_the_repr(self) -> None:
        assert "hidden" not in repr(UnknownEvent(raw={"a": "hidden"}, problem="p"))
