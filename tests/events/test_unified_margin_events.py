"""What a unified account says of its margin: names of others, in shapes of their own."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from support import product_payloads as payloads
from support.products import MARGIN_LISTEN_KEY, PORTFOLIO_MARGIN
from trio_binance_uds import events, margin_listen_key, products
from trio_binance_uds.wire.decode import decode_frame

UNIFIED = payloads.UNIFIED_LIABILITY_CHANGE
PORTFOLIO = payloads.PORTFOLIO_MARGIN["liabilityChange"]


def test_a_liability_change_lists_assets() -> None:
    event: Any = decode_frame(json.dumps(UNIFIED), products.UNIFIED_MARGIN)
    assert type(event) is events.UnifiedLiabilityChange
    assert event.liability_type is events.UnifiedLiabilityType.DEBT_CHANGE
    assert [(row.asset, row.principal, row.interest) for row in event.liabilities] == [
        ("LINK", Decimal(4), Decimal("0.000021")),
        ("USDC", Decimal(0), Decimal(0)),
    ]


@pytest.mark.parametrize("name", ["liabilityChange", "LIABILITY_CHANGE"])
def test_portfolio_margin_tells_the_two_shapes_of_a_name_apart(name: str) -> None:
    of_its_own: Any = decode_frame(json.dumps({**PORTFOLIO, "e": name}), PORTFOLIO_MARGIN.product)
    assert type(of_its_own) is events.LiabilityChange
    other: Any = decode_frame(json.dumps({**UNIFIED, "e": name}), PORTFOLIO_MARGIN.product)
    assert type(other) is events.UnifiedLiabilityChange
    assert len(other.liabilities) == 2


def test_a_margin_level_change_is_a_status_change_under_another_name() -> None:
    event: Any = decode_frame(json.dumps(MARGIN_LISTEN_KEY.payloads["marginLevelChange"]), products.UNIFIED_MARGIN)
    assert type(event) is events.MarginLevelChange
    assert isinstance(event, events.MarginLevelStatusChange)
    assert (event.margin_level, event.margin_level_status) == (Decimal("1.31"), events.MarginLevelStatus.NORMAL)


@pytest.mark.parametrize("product", [products.CROSS_MARGIN, products.isolated_margin("ETHUSDT")])
def test_the_listen_key_brings_account_and_risk_events(product: products.Product) -> None:
    types = margin_listen_key(product).event_types
    assert types.items() >= events.MARGIN_EVENTS.items()
    assert types.items() >= events.MARGIN_RISK_EVENTS.items()
    assert {"marginLevelChange", "liabilityChange"} <= types.keys()
