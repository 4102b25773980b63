"""Events with holes on the screen: what they do not say is a question mark, and what they lack is named."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from support.products import SAMPLED, Sampled
from trio_binance_uds import Fault, KnownEvent
from trio_binance_uds.cli.pretty import render
from trio_binance_uds.cli.tally import Tally
from trio_binance_uds.events.fields import Kind, wire_fields
from trio_binance_uds.wire.decode import decode_frame


def emptied(value: Any) -> Any:
    """Return an event, or an element of one, with nothing left but its core."""
    changes: dict[str, Any] = {}
    for declared in wire_fields(type(value)):
        if declared.kind is Kind.ITEMS:
            changes[declared.name] = tuple(emptied(one) for one in getattr(value, declared.name))
        elif not declared.is_core:
            changes[declared.name] = None
    return attrs.evolve(value, **changes)


@pytest.mark.parametrize(
    ("sampled", "name"),
    [
        pytest.param(sampled, name, id=f"{sampled.product.name}-{name}")
        for sampled in SAMPLED
        for name in sampled.payloads
    ],
)
def test_an_event_with_nothing_but_its_core_is_shown(sampled: Sampled, name: str) -> None:
    whole: Any = decode_frame(json.dumps(sampled.payloads[name]), sampled.product)
    assert isinstance(whole, KnownEvent)
    assert "without" not in render(whole, 200).plain
    event = attrs.evolve(
        emptied(whole), faults=(Fault("first_field", "x", "is missing"), Fault("other", "y", "is null"))
    )
    shown = render(event, 200).plain
    assert "None" not in shown
    assert "without first_field, other" in shown
    Tally().add(event)
