"""Refusals of plain futures orders: Binance's codes, and nothing changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from desk_scene import START_MS, Scene

from trio_binance_uds.sandbox.derivatives.contracts import Contract

LIMIT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "quantity": "0.1",
    "price": "20000",
}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"symbol": None}, -1102),
        ({"symbol": "NOTHING"}, -1121),
        ({"side": None}, -1102),
        ({"side": "LONG"}, -1117),
        ({"type": None}, -1102),
        ({"type": "LIMIT_MAKER"}, -1116),
        ({"timeInForce": None}, -1102),
        ({"timeInForce": "DAY"}, -1115),
        ({"timeInForce": "GTD"}, -1102),
        ({"timeInForce": "GTD", "goodTillDate": START_MS + 600_000}, -5040),
        ({"timeInForce": "GTD", "goodTillDate": 253_402_300_800_000}, -5040),
        ({"quantity": None}, -1102),
        ({"quantity": "0"}, -4003),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "1000001"}, -4005),
        ({"quantity": "x"}, -1100),
        ({"price": None}, -1102),
        ({"price": "0"}, -4001),
        ({"price": "20000.05"}, -1111),
        ({"price": "10000000.1"}, -4016),
        ({"quantity": "0.001", "price": "4999.9"}, -4164),
        ({"positionSide": "LONG"}, -4061),
        ({"positionSide": "NEITHER"}, -1130),
        ({"newClientOrderId": "a" * 37}, -4015),
        ({"newClientOrderId": "ä"}, -4015),
        ({"selfTradePreventionMode": "DECREMENT"}, -5039),
        ({"newOrderRespType": "FULL"}, -1130),
        ({"reduceOnly": "true"}, -2022),
        ({"reduceOnly": "perhaps"}, -1130),
        ({"stopPrice": "1"}, -1104),
        ({"type": "MARKET"}, -1106),
        ({"quantity": "1000"}, -2019),
    ],
)
def test_a_bad_order_is_refused_without_a_trace(change: dict[str, Any], code: int) -> None:
    params = {name: value for name, value in (LIMIT | change).items() if value is not None}
    assert Scene().refuse("POST /v1/order", **params) == code


def test_prices_and_quantities_come_in_steps() -> None:
    contract = Contract(
        name="X", pair="X", base="A", quote="B", tick_size=Decimal("0.5"), step_size=Decimal("0.02"), max_leverage=5
    )
    scene = Scene()
    scene.desk.contracts["X"] = contract
    for change, code in (({"price": "20000.3"}, -4014), ({"quantity": "0.03"}, -4023)):
        assert scene.refuse("POST /v1/order", **LIMIT | {"symbol": "X", "price": "100"} | change) == code


def test_a_contract_whose_values_would_need_rounding_is_not_listed() -> None:
    with pytest.raises(ValueError, match="multiple"):
        Contract(name="X", pair="X", base="A", quote="B", tick_size=Decimal("0.00001"), step_size=Decimal("0.0001"))


def test_small_orders_may_reduce_or_have_no_price_to_be_measured_by() -> None:
    scene = Scene()
    scene.trade("BUY", "0.1", "20000")
    tiny = LIMIT | {"side": "SELL", "quantity": "0.001", "price": "4000"}
    assert scene.refuse("POST /v1/order", **tiny) == -4164
    assert scene.call("POST /v1/order", **tiny, reduceOnly="true")["status"] == "NEW"
    fresh = Scene()
    fresh.place("BUY", "0.001")
    assert fresh.story() == ["MARKET NEW NEW", "MARKET EXPIRED EXPIRED er 9"]


def test_who_is_short_of_margin_may_still_reduce() -> None:
    scene = Scene()
    scene.trade("BUY", "99", "20000")
    scene.desk.contracts["BTCUSDT"].mark_price = Decimal(19_500)
    assert scene.refuse("POST /v1/order", **LIMIT) == -2019
    assert scene.place("SELL", "10", "20000")["status"] == "NEW"
