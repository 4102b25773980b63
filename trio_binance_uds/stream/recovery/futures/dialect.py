"""The kinds of futures as values: by which routes they are asked, how much an answer holds, how a report is written.

Source: Binance USD-M and COIN-M Futures, "Account" and "Trade" (2026-05-28), with the change log up to 2026-08-26 and
"Important CM-UM Integration Notice" (2026-06-10). The algo routes of COIN-M are named in the notice only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs

from trio_binance_uds.events import BusinessUnit, CoinmOrderTradeUpdate, OrderTradeUpdate, UsdmOrderTradeUpdate
from trio_binance_uds.products import FuturesKind
from trio_binance_uds.stream.recovery.futures.answers import FillAnswer
from trio_binance_uds.stream.recovery.futures.conditional import ConditionalAnswer, Writer, write_algo


@attrs.frozen(kw_only=True)
class Call:
    """A route, and what asking it costs; of a list also how many entries one answer holds, and how many days."""

    route: str
    weight: int
    limit: int = 1000
    days: int = 7


@attrs.frozen(kw_only=True)
class ConditionalDialect:
    """How conditional orders are asked about.

    Attributes:
        number: the parameter that names one.
        names_symbol: whether the symbol must be named beside it.
        history_needs_symbol: whether the history is asked for symbol by symbol.
        may_lack: whether it is doubtful that there are such routes at all.
    """

    open: Call
    one: Call
    history: Call
    number: str
    names_symbol: bool
    history_needs_symbol: bool
    may_lack: bool
    read: Callable[[Any], ConditionalAnswer]
    write: Writer


ReportWriter = Callable[[Mapping[str, Any], str], OrderTradeUpdate]
"""Writes a report of these fields, which all futures have; the text is the account's alias."""


@attrs.frozen(kw_only=True)
class Dialect:
    """One kind of futures.

    Attributes:
        unit: which part of a Portfolio Margin account it is; ``None``: it is an account of its own.
        history_needs_symbol: whether the history of orders is asked for symbol by symbol.
        names_alias: whether events carry the account's alias.
        symbol_config, account_config: where leverages and the multi-assets mode are told, if they are.
    """

    unit: BusinessUnit | None = None
    balances: Call
    positions: Call
    open_orders: Call
    order: Call
    all_orders: Call
    history_needs_symbol: bool
    trades: Call
    income: Call
    amendments: Call
    forced_orders: Call
    symbol_config: Call | None = None
    account_config: Call | None = None
    conditional: ConditionalDialect
    names_alias: bool = False
    average: Callable[[list[tuple[Decimal, Decimal]]], Decimal]
    write_report: ReportWriter


def linear_average(parts: list[tuple[Decimal, Decimal]]) -> Decimal:
    """Return the average price of quantities at prices, where quantities are of the base asset."""
    return sum((quantity * price for quantity, price in parts), Decimal(0)) / sum(q for q, _ in parts)


def inverse_average(parts: list[tuple[Decimal, Decimal]]) -> Decimal:
    """Return the average price of quantities at prices, where quantities are contracts of a fixed value."""
    return sum(q for q, _ in parts) / sum((quantity / price for quantity, price in parts), Decimal(0))


def _write_usdm(fields: Mapping[str, Any], alias: str) -> OrderTradeUpdate:
    return UsdmOrderTradeUpdate(bids_notional=None, ask_notional=None, **fields)


def margin_asset_of_coinm(symbol: str) -> str:
    """Return what a COIN-M symbol such as ``BTCUSD_PERP`` is margined in: its base asset."""
    return symbol.partition("_")[0].removesuffix("USD")


def _write_coinm(fields: Mapping[str, Any], alias: str) -> OrderTradeUpdate:
    known = {name: value for name, value in fields.items() if name != "good_till_date"}
    asset = margin_asset_of_coinm(fields["symbol"])
    return CoinmOrderTradeUpdate(account_alias=alias, margin_asset=asset, bid_quantity=None, ask_quantity=None, **known)


USDM = Dialect(
    balances=Call(route="GET /fapi/v3/balance", weight=5),
    positions=Call(route="GET /fapi/v3/positionRisk", weight=5),
    open_orders=Call(route="GET /fapi/v1/openOrders", weight=40),
    order=Call(route="GET /fapi/v1/order", weight=1),
    all_orders=Call(route="GET /fapi/v1/allOrders", weight=5),
    history_needs_symbol=False,
    trades=Call(route="GET /fapi/v1/userTrades", weight=5),
    income=Call(route="GET /fapi/v1/income", weight=30),
    amendments=Call(route="GET /fapi/v1/orderAmendment", weight=1, limit=100),
    forced_orders=Call(route="GET /fapi/v1/forceOrders", weight=20, limit=100),
    symbol_config=Call(route="GET /fapi/v1/symbolConfig", weight=5),
    account_config=Call(route="GET /fapi/v1/accountConfig", weight=5),
    conditional=ConditionalDialect(
        open=Call(route="GET /fapi/v1/openAlgoOrders", weight=40),
        one=Call(route="GET /fapi/v1/algoOrder", weight=1),
        history=Call(route="GET /fapi/v1/allAlgoOrders", weight=5),
        number="algoId",
        names_symbol=False,
        history_needs_symbol=True,
        may_lack=False,
        read=ConditionalAnswer.read_algo,
        write=write_algo,
    ),
    average=linear_average,
    write_report=_write_usdm,
)
COINM = Dialect(
    balances=Call(route="GET /dapi/v1/balance", weight=1),
    positions=Call(route="GET /dapi/v1/positionRisk", weight=1),
    open_orders=Call(route="GET /dapi/v1/openOrders", weight=40),
    order=Call(route="GET /dapi/v1/order", weight=1),
    # The weights of before 2026-06-30, which are the greater ones.
    all_orders=Call(route="GET /dapi/v1/allOrders", weight=20, limit=100),
    history_needs_symbol=True,
    trades=Call(route="GET /dapi/v1/userTrades", weight=20),
    income=Call(route="GET /dapi/v1/income", weight=20),
    amendments=Call(route="GET /dapi/v1/orderAmendment", weight=1, limit=100),
    forced_orders=Call(route="GET /dapi/v1/forceOrders", weight=20, limit=100),
    conditional=ConditionalDialect(
        open=Call(route="GET /dapi/v1/openAlgoOrders", weight=40),
        one=Call(route="GET /dapi/v1/algoOrder", weight=1),
        history=Call(route="GET /dapi/v1/allAlgoOrders", weight=5),
        number="algoId",
        names_symbol=False,
        history_needs_symbol=True,
        may_lack=True,
        read=ConditionalAnswer.read_algo,
        write=write_algo,
    ),
    names_alias=True,
    average=inverse_average,
    write_report=_write_coinm,
)
DIALECTS: Mapping[FuturesKind, Dialect] = MappingProxyType({FuturesKind.USDM: USDM, FuturesKind.COINM: COINM})


def margin_asset_of(fill: FillAnswer, known: Mapping[str, str]) -> str | None:
    """Return what the profit of a fill is in, if that is known."""
    return fill.margin_asset or known.get(fill.symbol)
