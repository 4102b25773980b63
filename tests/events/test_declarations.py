"""The declarations of the events of every product: complete, documented, and in agreement with the annotations."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import attrs
import pytest

from trio_binance_uds import events
from trio_binance_uds.events import KnownEvent, OrderTradeUpdate
from trio_binance_uds.events.fields import Kind, wire_fields

MAPS: dict[str, Mapping[str, type[KnownEvent]]] = {
    name: getattr(events, name) for name in events.__all__ if name.endswith("_EVENTS")
}


def declaring() -> Iterator[type[Any]]:
    """Yield every class of events, and of what their lists hold."""
    for cls in dict.fromkeys([cls for types in MAPS.values() for cls in types.values()]):
        yield cls
        for declared in wire_fields(cls):
            if declared.kind is Kind.ITEMS:
                assert declared.of is not None
                yield declared.of


CLASSES = [*dict.fromkeys(declaring()), OrderTradeUpdate]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
class TestDeclarations:
    def test_each_wire_path_is_declared_once(self, cls: type[Any]) -> None:
        paths = [declared.wire for declared in wire_fields(cls)]
        assert len(paths) == len(set(paths))

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
            Kind.NUMBER: Decimal,
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
            if declared.kind is not Kind.ITEMS and (
                declared.may_be_none or not declared.is_core or declared.is_conditional
            ):
                expected = expected | None
            assert hints[declared.name] == expected, declared

    def test_only_optional_fields_can_be_left_out(self, cls: type[Any]) -> None:
        by_name = attrs.fields_dict(cls)
        for declared in wire_fields(cls):
            absent = () if declared.kind is Kind.ITEMS else None
            default = absent if declared.is_conditional else attrs.NOTHING
            assert by_name[declared.name].default == default, declared

    def test_secrets_stay_out_of_the_repr(self, cls: type[Any]) -> None:
        for declared in wire_fields(cls):
            assert attrs.fields_dict(cls)[declared.name].repr is (declared.kind is not Kind.SECRET)

    def test_instances_are_frozen_and_slotted(self, cls: type[Any]) -> None:
        assert not hasattr(object.__new__(cls), "__dict__")
        assert not hasattr(cls, "__weakref__")
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            object.__new__(cls).event_type = "x"

    def test_it_is_public_with_its_enums(self, cls: type[Any]) -> None:
        words = [declared.of for declared in wire_fields(cls) if declared.of is not None]
        assert {cls.__name__, *[word.__name__ for word in words]} <= {*events.__all__}


@pytest.mark.parametrize("name", MAPS)
def test_a_map_of_events_cannot_be_changed(name: str) -> None:
    with pytest.raises(TypeError):
        MAPS[name]["other"] = KnownEvent  # type: ignore[index]  # it is a promise about run time


def test_there_is_a_map_for_every_stream() -> None:
    assert {*MAPS} == {
        "SPOT_EVENTS",
        "MARGIN_EVENTS",
        "MARGIN_RISK_EVENTS",
        "MARGIN_LISTEN_KEY_EVENTS",
        "USDM_EVENTS",
        "COINM_EVENTS",
        "OPTIONS_EVENTS",
        "PORTFOLIO_MARGIN_EVENTS",
        "PORTFOLIO_MARGIN_PRO_EVENTS",
        "STOCKS_EVENTS",
    }


def test_everything_public_is_listed_once_and_exists() -> None:
    assert len(events.__all__) == len(set(events.__all__))
    assert all(hasattr(events, name) for name in events.__all__)


def test_a_name_has_several_classes_only_where_its_shapes_differ() -> None:
    meanings: dict[str, set[type[KnownEvent]]] = {}
    for types in MAPS.values():
        for name, cls in types.items():
            meanings.setdefault(name, set()).add(cls)
    assert {name: {cls.__name__ for cls in classes} for name, classes in meanings.items() if len(classes) > 1} == {
        "ACCOUNT_UPDATE": {"AccountUpdate", "OptionsAccountUpdate"},
        "ORDER_TRADE_UPDATE": {
            "UsdmOrderTradeUpdate",
            "CoinmOrderTradeUpdate",
            "OptionsOrderTradeUpdate",
            "PortfolioMarginOrderTradeUpdate",
        },
        "executionReport": {"ExecutionReport", "PortfolioMarginExecutionReport"},
        "outboundAccountPosition": {"OutboundAccountPosition", "PortfolioMarginOutboundAccountPosition"},
        "balanceUpdate": {"BalanceUpdate", "PortfolioMarginBalanceUpdate"},
        "liabilityChange": {"LiabilityChange", "UnifiedLiabilityChange"},
    }
