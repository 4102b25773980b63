"""COIN-M events: what they have besides those of USD-M."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import attrs

from support.product_payloads import ALGO_ORDER, futures
from support.products import COINM, USDM
from trio_binance_uds.events import (
    AccountUpdate,
    AlgoUpdate,
    CoinmOrderTradeUpdate,
    Fault,
    FuturesExpiryReason,
    MarginCall,
    OrderTradeUpdate,
    UnknownEvent,
    UsdmOrderTradeUpdate,
)
from trio_binance_uds.wire.decode import decode_frame


def decode(payload: dict[str, Any]) -> Any:
    return decode_frame(json.dumps(payload), COINM.product)


def test_order_trade_update_counts_in_contracts_and_names_the_account() -> None:
    event = decode(COINM.payloads["ORDER_TRADE_UPDATE"])
    assert type(event) is CoinmOrderTradeUpdate
    assert isinstance(event, OrderTradeUpdate)
    assert not isinstance(event, UsdmOrderTradeUpdate)
    assert (event.account_alias, event.margin_asset) == ("XyAl", "LINK")
    assert (event.bid_quantity, event.ask_quantity) == (Decimal("35.2"), Decimal("349.1"))
    assert event.expiry_reason is FuturesExpiryReason.POST_ONLY
    assert event.fill_key == ("LINKUSD_PERP", 660712)


def test_an_order_of_coinm_without_its_alias_is_still_one() -> None:
    payload = {key: value for key, value in COINM.payloads["ORDER_TRADE_UPDATE"].items() if key != "i"}
    event = decode(payload)
    assert type(event) is CoinmOrderTradeUpdate
    assert (event.account_alias, event.faults) == (None, (Fault("account_alias", "i", "is missing"),))


def test_what_usdm_sends_too_differs_by_the_alias_only() -> None:
    for name, cls in (("ACCOUNT_UPDATE", AccountUpdate), ("MARGIN_CALL", MarginCall)):
        event = decode(COINM.payloads[name])
        assert type(event) is cls
        assert event.account_alias == "XyAl"
        assert attrs.evolve(event, account_alias=None) == decode(USDM.payloads[name])


def test_an_algo_update_is_read_although_it_is_not_documented() -> None:
    for key in ("o", "ao"):
        event = decode(futures("ALGO_UPDATE", **{key: ALGO_ORDER}))
        assert type(event) is AlgoUpdate
        assert event.client_algo_id == "guard-9"


def test_there_is_no_trade_lite() -> None:
    assert type(decode(USDM.payloads["TRADE_LITE"])) is UnknownEvent
