"""The two futures parts of a Portfolio Margin account as values: the routes of UM and CM, and how their reports look.

There is no isolated margin here, and positions tell no break-even price. Conditional orders of UM are in the algo
service; those of CM are still strategies.

Source: Binance Portfolio Margin, "Account" and "Trade" (2026-05-28), with the change log of 2026-04-14.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from trio_binance_uds.events import BusinessUnit, OrderTradeUpdate, PortfolioMarginOrderTradeUpdate
from trio_binance_uds.stream.recovery.futures.conditional import ConditionalAnswer, write_algo, write_strategy
from trio_binance_uds.stream.recovery.futures.dialect import (
    Call,
    ConditionalDialect,
    Dialect,
    inverse_average,
    linear_average,
)


def _write(unit: BusinessUnit, fields: Mapping[str, Any], alias: str) -> OrderTradeUpdate:
    return PortfolioMarginOrderTradeUpdate(
        business_unit=unit, account_alias=alias, bids_notional=None, ask_notional=None, **fields
    )


UM = Dialect(
    unit=BusinessUnit.UM,
    balances=Call(route="GET /papi/v2/um/account", weight=5),
    positions=Call(route="GET /papi/v1/um/positionRisk", weight=5),
    open_orders=Call(route="GET /papi/v1/um/openOrders", weight=40),
    order=Call(route="GET /papi/v1/um/order", weight=1),
    all_orders=Call(route="GET /papi/v1/um/allOrders", weight=5),
    history_needs_symbol=True,
    trades=Call(route="GET /papi/v1/um/userTrades", weight=5),
    income=Call(route="GET /papi/v1/um/income", weight=30),
    amendments=Call(route="GET /papi/v1/um/orderAmendment", weight=1, limit=100),
    forced_orders=Call(route="GET /papi/v1/um/forceOrders", weight=20, limit=100),
    symbol_config=Call(route="GET /papi/v1/um/symbolConfig", weight=5),
    conditional=ConditionalDialect(
        open=Call(route="GET /papi/v1/um/algo/openAlgoOrders", weight=40),
        one=Call(route="GET /papi/v1/um/algo/algoOrder", weight=1),
        history=Call(route="GET /papi/v1/um/algo/allAlgoOrders", weight=5),
        number="algoId",
        names_symbol=False,
        history_needs_symbol=True,
        may_lack=False,
        read=ConditionalAnswer.read_algo,
        write=partial(write_algo, unit=BusinessUnit.UM),
    ),
    names_alias=True,
    average=linear_average,
    write_report=partial(_write, BusinessUnit.UM),
)
CM = Dialect(
    unit=BusinessUnit.CM,
    balances=Call(route="GET /papi/v1/cm/account", weight=5),
    positions=Call(route="GET /papi/v1/cm/positionRisk", weight=1),
    open_orders=Call(route="GET /papi/v1/cm/openOrders", weight=40),
    order=Call(route="GET /papi/v1/cm/order", weight=1),
    all_orders=Call(route="GET /papi/v1/cm/allOrders", weight=20, limit=100),
    history_needs_symbol=True,
    trades=Call(route="GET /papi/v1/cm/userTrades", weight=20, days=1),
    income=Call(route="GET /papi/v1/cm/income", weight=30),
    amendments=Call(route="GET /papi/v1/cm/orderAmendment", weight=1, limit=100),
    forced_orders=Call(route="GET /papi/v1/cm/forceOrders", weight=20, limit=100),
    conditional=ConditionalDialect(
        open=Call(route="GET /papi/v1/cm/conditional/openOrders", weight=40),
        one=Call(route="GET /papi/v1/cm/conditional/orderHistory", weight=1),
        history=Call(route="GET /papi/v1/cm/conditional/allOrders", weight=40),
        number="strategyId",
        names_symbol=True,
        history_needs_symbol=False,
        may_lack=False,
        read=ConditionalAnswer.read_strategy,
        write=write_strategy,
    ),
    names_alias=True,
    average=inverse_average,
    write_report=partial(_write, BusinessUnit.CM),
)
