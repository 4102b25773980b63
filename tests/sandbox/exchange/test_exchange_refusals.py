"""Every refusal of a trading request: its code, its text, and that it changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from exchange_scene import Scene, fingerprint

from trio_binance_uds.sandbox.exchange import UnknownMethod

LIMIT: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "LIMIT",
    "timeInForce": "GTC",
    "price": "20000",
    "quantity": "0.1",
}
MARKET: dict[str, Any] = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.1"}
STOP: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "side": "BUY",
    "type": "STOP_LOSS",
    "quantity": "0.1",
    "stopPrice": "21000",
}
DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
NOT_SENT = "Mandatory parameter '{}' was not sent, was empty/null, or malformed."

PLACEMENTS = [
    (LIMIT | {"symbol": None}, -1102, NOT_SENT.format("symbol")),
    (LIMIT | {"symbol": "BTCEUR"}, -1121, "Invalid symbol."),
    (LIMIT | {"side": None}, -1102, NOT_SENT.format("side")),
    (LIMIT | {"side": "HOLD"}, -1117, "Invalid side."),
    (LIMIT | {"type": None}, -1102, NOT_SENT.format("type")),
    (LIMIT | {"type": "PEGGED"}, -1116, "Invalid orderType."),
    (LIMIT | {"timeInForce": None}, -1102, NOT_SENT.format("timeInForce")),
    (LIMIT | {"timeInForce": "GTX"}, -1115, "Invalid timeInForce."),
    (LIMIT | {"price": None}, -1102, NOT_SENT.format("price")),
    (LIMIT | {"price": ""}, -1105, "Parameter 'price' was empty."),
    (LIMIT | {"price": "-1"}, -1100, f"Illegal characters found in parameter 'price'; legal range is '{DECIMAL}'."),
    (LIMIT | {"price": "1e4"}, -1100, f"Illegal characters found in parameter 'price'; legal range is '{DECIMAL}'."),
    (LIMIT | {"price": "0"}, -1013, "Invalid price."),
    (LIMIT | {"price": "0.000000001"}, -1111, "Parameter 'price' has too much precision."),
    (LIMIT | {"price": "20000.001"}, -1013, "Filter failure: PRICE_FILTER"),
    (LIMIT | {"price": "2000000"}, -1013, "Filter failure: PRICE_FILTER"),
    (LIMIT | {"quantity": None}, -1102, NOT_SENT.format("quantity")),
    (LIMIT | {"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
    (LIMIT | {"quantity": "0.1000005"}, -1013, "Filter failure: LOT_SIZE"),
    (LIMIT | {"quantity": "0.0001"}, -1013, "Filter failure: MIN_NOTIONAL"),
    (LIMIT | {"quantity": "10"}, -2010, "Account has insufficient balance for requested action."),
    (LIMIT | {"quoteOrderQty": "10"}, -1106, "Parameter 'quoteOrderQty' sent when not required."),
    (LIMIT | {"stopPrice": "10"}, -1106, "Parameter 'stopPrice' sent when not required."),
    (LIMIT | {"newClientOrderId": "open-1"}, -2010, "Duplicate order sent."),
    (
        LIMIT | {"newClientOrderId": "a b"},
        -1100,
        "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
    ),
    (
        LIMIT | {"newClientOrderId": "x" * 37},
        -1100,
        "Illegal characters found in parameter 'newClientOrderId'; legal range is '^[a-zA-Z0-9-_]{1,36}$'.",
    ),
    (LIMIT | {"newOrderRespType": "SHORT"}, -1130, "Data sent for parameter 'newOrderRespType' is not valid."),
    (LIMIT | {"strategyType": 999_999}, -1134, "strategyType was less than 1000000."),
    (LIMIT | {"icebergQty": "0.0000005"}, -1013, "Filter failure: LOT_SIZE"),
    (LIMIT | {"icebergQty": "0.2"}, -2010, "IcebergQty exceeds QTY."),
    (LIMIT | {"icebergQty": "0.05", "timeInForce": "IOC"}, -1014, "Unsupported order combination."),
    (LIMIT | {"pegPriceType": "PRIMARY_PEG"}, -2010, "Pegged orders are not supported for this symbol."),
    (LIMIT | {"color": "red"}, -1104, "Not all sent parameters were read; read '6' parameter(s) but was sent '7'."),
    (
        LIMIT | {"type": "LIMIT_MAKER", "timeInForce": None, "price": "20500"},
        -2010,
        "Order would immediately match and take.",
    ),
    (LIMIT | {"type": "LIMIT_MAKER"}, -1106, "Parameter 'timeInForce' sent when not required."),
    (
        MARKET | {"quantity": None},
        -1102,
        "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
    ),
    (MARKET | {"quoteOrderQty": "10"}, -1128, "Combination of optional parameters invalid."),
    (MARKET | {"price": "20000"}, -1106, "Parameter 'price' sent when not required."),
    (MARKET | {"timeInForce": "GTC"}, -1106, "Parameter 'timeInForce' sent when not required."),
    (MARKET | {"quantity": "0.0001"}, -1013, "Filter failure: MIN_NOTIONAL"),
    (MARKET | {"quantity": "6"}, -2010, "Account has insufficient balance for requested action."),
    (MARKET | {"side": "SELL", "quantity": "11"}, -2010, "Account has insufficient balance for requested action."),
    (
        STOP | {"stopPrice": None},
        -1102,
        "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!",
    ),
    (STOP | {"price": "21000"}, -1106, "Parameter 'price' sent when not required."),
    (STOP | {"stopPrice": "20000"}, -2010, "Stop price would trigger immediately."),
    (STOP | {"trailingDelta": 5}, -1013, "Filter failure: TRAILING_DELTA"),
]
CANCELS = [
    ("order.cancel", {}, -1102, "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"),
    ("order.cancel", {"orderId": 1}, -2011, "Unknown order sent."),
    ("order.cancel", {"origClientOrderId": "nobody"}, -2011, "Unknown order sent."),
    ("order.cancel", {"orderId": 1, "origClientOrderId": "open-1"}, -2011, "Unknown order sent."),
    ("order.cancel", {"orderId": "x"}, -1100, None),
    (
        "order.cancel",
        {"origClientOrderId": "open-1", "cancelRestrictions": "NEVER"},
        -1145,
        "Invalid cancelRestrictions",
    ),
    (
        "order.cancel",
        {"origClientOrderId": "open-1", "cancelRestrictions": "ONLY_PARTIALLY_FILLED"},
        -2011,
        "Order was not canceled due to cancel restrictions.",
    ),
    ("order.amend.keepPriority", {"newQty": "0.1"}, -1102, None),
    ("orderList.cancel", {"orderListId": 9}, -2011, "Unknown order sent."),
    ("orderList.cancel", {}, -1102, None),
    ("order.amend.keepPriority", {"orderId": 1, "newQty": "0.1"}, -2038, "Unknown order sent."),
    ("order.amend.keepPriority", {"origClientOrderId": "open-1"}, -1102, NOT_SENT.format("newQty")),
    (
        "order.amend.keepPriority",
        {"origClientOrderId": "open-1", "newQty": "0.1", "newClientOrderId": "open-2"},
        -2038,
        "Duplicate order sent.",
    ),
    (
        "order.amend.keepPriority",
        {"origClientOrderId": "open-1", "newQty": "0.3"},
        -2038,
        "Order amend (quantity increase) is not supported.",
    ),
    (
        "order.amend.keepPriority",
        {"origClientOrderId": "open-1", "newQty": "0.2"},
        -2038,
        "The requested action would change no state; rejecting",
    ),
    (
        "order.amend.keepPriority",
        {"origClientOrderId": "open-1", "newQty": "0.000001"},
        -1013,
        "Filter failure: LOT_SIZE",
    ),
]


@pytest.fixture
def scene() -> Scene:
    """A market at 20000 with an order of Alice in it and ten coins offered by Bob at 20500."""
    scene = Scene()
    scene.trade_at("20000")
    scene.place(scene.alice, "BUY", "0.2", "19000", newClientOrderId="open-1")
    scene.place(scene.alice, "BUY", "0.2", "18000", newClientOrderId="open-2")
    scene.place(scene.bob, "SELL", "9", "20500")
    scene.forget()
    return scene


@pytest.mark.parametrize(("params", "code", "msg"), PLACEMENTS)
def test_refused_placement_names_its_reason_and_changes_nothing(
    scene: Scene, params: dict[str, Any], code: int, msg: str
) -> None:
    before = fingerprint(scene.exchange)
    sent = {key: value for key, value in params.items() if value is not None}
    refusal = scene.refuse(scene.alice, "order.place", **sent)
    assert (refusal.code, refusal.msg, refusal.status, refusal.data) == (code, msg, 400, None)
    assert fingerprint(scene.exchange) == before


@pytest.mark.parametrize(("method", "params", "code", "msg"), CANCELS)
def test_refused_cancel_or_amend_names_its_reason_and_changes_nothing(
    scene: Scene, method: str, params: dict[str, Any], code: int, msg: str | None
) -> None:
    before = fingerprint(scene.exchange)
    refusal = scene.refuse(scene.alice, method, symbol="BTCUSDT", **params)
    assert refusal.code == code
    assert msg in (None, refusal.msg)
    assert fingerprint(scene.exchange) == before


def test_cancel_all_without_open_orders_is_refused(scene: Scene) -> None:
    refusal = scene.refuse(scene.alice, "openOrders.cancelAll", symbol="ETHUSDT")
    assert (refusal.code, refusal.msg) == (-2011, "Unknown order sent.")


def test_client_id_is_free_again_once_its_order_has_ended(scene: Scene) -> None:
    scene.call(scene.alice, "order.cancel", symbol="BTCUSDT", origClientOrderId="open-1")
    placed = scene.place(scene.alice, "BUY", "0.1", "19000", newClientOrderId="open-1")
    assert placed["clientOrderId"] == "open-1"


def test_halted_symbol_takes_no_orders_but_lets_them_be_canceled(scene: Scene) -> None:
    scene.exchange.symbols["BTCUSDT"].status = "HALT"
    assert scene.refuse(scene.alice, "order.place", **LIMIT).msg == "Market is closed."
    scene.call(scene.alice, "order.cancel", symbol="BTCUSDT", origClientOrderId="open-1")


def test_number_of_open_orders_is_limited() -> None:
    scene = Scene()
    scene.exchange.symbols["BTCUSDT"].max_open_orders = 2
    scene.place(scene.alice, "BUY", "0.1", "19000")
    scene.place(scene.alice, "BUY", "0.1", "19000")
    assert scene.refuse(scene.alice, "order.place", **LIMIT).msg == "Filter failure: MAX_NUM_ORDERS"


def test_order_test_checks_the_request_and_places_nothing(scene: Scene) -> None:
    before = fingerprint(scene.exchange)
    assert scene.call(scene.alice, "order.test", **LIMIT) == {}
    assert scene.call(scene.alice, "order.test", **LIMIT | {"quantity": "100"}) == {}
    rates = scene.call(scene.alice, "order.test", **LIMIT, computeCommissionRates=True)
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert scene.refuse(scene.alice, "order.test", **LIMIT | {"quantity": "0.0001"}).code == -1013
    assert fingerprint(scene.exchange) == before


def test_refusal_reads_as_code_and_text(scene: Scene) -> None:
    assert str(scene.refuse(scene.alice, "myTrades", symbol="X")) == "-1121 Invalid symbol."


def test_unknown_method_and_missing_account_are_told_apart(scene: Scene) -> None:
    with pytest.raises(UnknownMethod):
        scene.exchange.call(scene.alice, "order.pluck", {})
    assert scene.refuse(None, "account.status").code == -1002
    assert scene.exchange.call(None, "ping", {}) == {}


REPLACE = LIMIT | {"price": "19500", "cancelReplaceMode": "STOP_ON_FAILURE"}


def test_cancel_replace_does_both(scene: Scene) -> None:
    answer = scene.call(scene.alice, "order.cancelReplace", **REPLACE, cancelOrigClientOrderId="open-1")
    assert (answer["cancelResult"], answer["newOrderResult"]) == ("SUCCESS", "SUCCESS")
    assert answer["cancelResponse"]["status"] == "CANCELED"
    assert answer["newOrderResponse"]["status"] == "NEW"
    assert scene.story() == ["LIMIT CANCELED CANCELED off book", "LIMIT NEW NEW on book", "balances"]


@pytest.mark.parametrize(
    ("changed", "code", "status", "results"),
    [
        pytest.param(
            {"cancelOrigClientOrderId": "nobody"}, -2022, 400, ("FAILURE", "NOT_ATTEMPTED"), id="stopped on failure"
        ),
        pytest.param(
            {"cancelOrigClientOrderId": "nobody", "cancelReplaceMode": "ALLOW_FAILURE"},
            -2021,
            409,
            ("FAILURE", "SUCCESS"),
            id="only the new order",
        ),
        pytest.param(
            {"cancelOrigClientOrderId": "open-1", "quantity": "10"},
            -2021,
            409,
            ("SUCCESS", "FAILURE"),
            id="only the cancel",
        ),
        pytest.param(
            {"cancelOrigClientOrderId": "nobody", "cancelReplaceMode": "ALLOW_FAILURE", "quantity": "10"},
            -2022,
            400,
            ("FAILURE", "FAILURE"),
            id="neither",
        ),
    ],
)
def test_half_done_cancel_replace_tells_both_halves(
    scene: Scene, changed: dict[str, str], code: int, status: int, results: tuple[str, str]
) -> None:
    refusal = scene.refuse(scene.alice, "order.cancelReplace", **REPLACE | changed)
    data = refusal.data
    assert data is not None
    assert (refusal.code, refusal.status) == (code, status)
    assert (data["cancelResult"], data["newOrderResult"]) == results
    failed = {"FAILURE": {"code", "msg"}}
    assert set(data["cancelResponse"]) == failed.get(results[0], set(data["cancelResponse"]))
    assert (data["newOrderResponse"] is None) == (results[1] == "NOT_ATTEMPTED")


def test_new_half_that_is_refused_after_the_cancel_is_reported_as_rejected(scene: Scene) -> None:
    scene.refuse(
        scene.alice, "order.cancelReplace", **REPLACE | {"cancelOrigClientOrderId": "open-1", "quantity": "10"}
    )
    assert scene.story() == ["LIMIT CANCELED CANCELED off book", "LIMIT REJECTED REJECTED off book", "balances"]
    rejected = scene.events()[1]
    assert rejected["r"] == "INSUFFICIENT_BALANCES"
    found = scene.call(scene.alice, "order.status", symbol="BTCUSDT", orderId=rejected["i"])
    assert found["status"] == "REJECTED"


def test_cancel_replace_names_what_to_cancel(scene: Scene) -> None:
    assert scene.refuse(scene.alice, "order.cancelReplace", **REPLACE).code == -1102


def test_cancel_replace_with_a_bad_new_order_does_not_cancel(scene: Scene) -> None:
    before = fingerprint(scene.exchange)
    refusal = scene.refuse(
        scene.alice, "order.cancelReplace", **REPLACE | {"cancelOrigClientOrderId": "open-1", "price": "19500.001"}
    )
    assert (refusal.code, refusal.data) == (-1013, None)
    assert fingerprint(scene.exchange) == before
