"""Is the futures side of a Portfolio Margin account: two futures desks, UM and CM, that share its margin.

Source: Binance Portfolio Margin, "User Data Streams", "Account" and "Trade" (2026-05-28), with the change logs up to
2026-08.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives import account_queries, queries, settings, trading
from trio_binance_uds.sandbox.derivatives.account_queries import AccountView, PositionView
from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
from trio_binance_uds.sandbox.derivatives.dialects import COINM, USDM, Dialect, shape
from trio_binance_uds.sandbox.derivatives.futures import FuturesDesk
from trio_binance_uds.sandbox.derivatives.operations import act, ask, by_symbol, table

if TYPE_CHECKING:
    from decimal import Decimal

_EVENT_ORDER = shape("s c S o f q p ap sp x X i M l z L N n T t b a m R ps rp V gtd st si")
_ORDER = """clientOrderId executedQty orderId origQty origType price reduceOnly side positionSide status symbol
    timeInForce type updateTime avgPrice"""
_UM_ORDER = shape(_ORDER, "cumQuote goodTillDate priceMatch selfTradePreventionMode")
_CM_ORDER = shape(_ORDER, "cumBase pair")
NO_ACCOUNT = (-21001, "User is not a portfolio margin account.")

PM_UM = attrs.evolve(
    USDM,
    unit="UM",
    alias=False,
    trade_lite=False,
    tells_no_commission=False,
    liquidates=False,
    algo_key="ao",
    no_account=NO_ACCOUNT,
    no_auto_margin="false",
    event_order=_EVENT_ORDER,
    event_constants={},
    event_position=shape("s pa ep cr up ps bep"),
    placed=(*_UM_ORDER, "cumQty"),
    order=(*_UM_ORDER, "time"),
    past_order=(*_UM_ORDER, "time"),
    forced=shape(_ORDER, "cumQuote time"),
    trade=shape(
        "symbol id orderId side price qty realizedPnl quoteQty commission commissionAsset time buyer maker positionSide"
    ),
)
PM_CM = attrs.evolve(
    COINM,
    unit="CM",
    tells_no_commission=False,
    liquidates=False,
    algo_key=None,
    trade_days=1,
    no_account=NO_ACCOUNT,
    event_order=_EVENT_ORDER,
    event_position=shape("s pa ep cr up ps bep"),
    placed=(*_CM_ORDER, "cumQty"),
    order=(*_CM_ORDER, "time"),
    past_order=(*_CM_ORDER, "time"),
    forced=shape(_ORDER, "cumBase pair time"),
)

_ASSET = shape(
    """asset crossWalletBalance crossUnPnl maintMargin initialMargin positionInitialMargin openOrderInitialMargin
    updateTime"""
)
_HELD = "symbol positionSide positionAmt unrealizedProfit initialMargin maintMargin updateTime"
_HELD_V1 = f"{_HELD} positionInitialMargin openOrderInitialMargin leverage entryPrice"
_RISK = "symbol positionSide positionAmt entryPrice markPrice unRealizedProfit liquidationPrice leverage updateTime"

UM_ACCOUNT_V1 = AccountView(
    assets=_ASSET,
    positions=PositionView(members=shape(_HELD_V1, "maxNotional bidNotional askNotional"), every=True),
)
UM_ACCOUNT_V2 = AccountView(assets=_ASSET, positions=PositionView(members=shape(_HELD, "notional")))
CM_ACCOUNT = AccountView(assets=_ASSET, positions=PositionView(members=shape(_HELD_V1, "maxQty"), every=True))
UM_POSITIONS = PositionView(members=shape(_RISK, "maxNotionalValue notional"), every=True)
CM_POSITIONS = PositionView(members=shape(_RISK, "maxQty notionalValue"), every=True, by=("marginAsset", "pair"))

_BOTH = {
    "POST /order": act(trading.place, 0, orders=1),
    "PUT /order": act(trading.modify, orders=1),
    "DELETE /order": act(trading.cancel),
    "DELETE /allOpenOrders": act(trading.cancel_all),
    "POST /leverage": act(settings.set_leverage),
    "POST /positionSide/dual": act(settings.set_position_mode),
    "GET /positionSide/dual": ask(settings.position_mode, 30),
    "GET /order": ask(queries.order),
    "GET /openOrder": ask(queries.open_order),
    "GET /openOrders": ask(queries.open_orders, by_symbol(1, 40)),
    "GET /forceOrders": ask(queries.forced_orders, by_symbol(20, 50)),
    "GET /orderAmendment": ask(queries.amendments),
    "GET /income": ask(queries.income, 30),
    "GET /commissionRate": ask(account_queries.commission_rate, 20),
}
UM_OPERATIONS = {
    **table(
        "/papi/v1/um",
        {
            **_BOTH,
            "POST /algo/order": act(trading.place_algo, 0, orders=1),
            "DELETE /algo/order": act(trading.cancel_algo),
            "DELETE /algo/allOpenOrders": act(trading.cancel_all_algos),
            "GET /algo/algoOrder": ask(queries.algo),
            "GET /algo/openAlgoOrders": ask(queries.open_algos, by_symbol(1, 40)),
            "GET /algo/allAlgoOrders": ask(queries.all_algos, 5),
            "GET /allOrders": ask(queries.all_orders, 5),
            "GET /userTrades": ask(queries.fills, 5),
            "GET /symbolConfig": ask(account_queries.symbol_config, 5),
            "GET /accountConfig": ask(account_queries.account_config, 5),
            "GET /account": ask(partial(account_queries.account_status, view=UM_ACCOUNT_V1), 5),
            "GET /positionRisk": ask(partial(account_queries.positions, view=UM_POSITIONS), 5),
        },
    ),
    **table("/papi/v2/um", {"GET /account": ask(partial(account_queries.account_status, view=UM_ACCOUNT_V2), 5)}),
}
CM_OPERATIONS = table(
    "/papi/v1/cm",
    {
        **_BOTH,
        "POST /conditional/order": act(trading.place_strategy, orders=1),
        "DELETE /conditional/order": act(trading.cancel_strategy),
        "DELETE /conditional/allOpenOrders": act(trading.cancel_all_algos),
        "GET /conditional/openOrder": ask(queries.open_strategy),
        "GET /conditional/openOrders": ask(queries.open_strategies, by_symbol(1, 40)),
        "GET /conditional/orderHistory": ask(queries.strategy),
        "GET /conditional/allOrders": ask(queries.all_strategies, by_symbol(1, 40)),
        "GET /allOrders": ask(queries.all_orders, by_symbol(20, 40)),
        "GET /userTrades": ask(queries.fills, by_symbol(20, 40)),
        "GET /account": ask(partial(account_queries.account_status, view=CM_ACCOUNT), 5),
        "GET /positionRisk": ask(partial(account_queries.positions, view=CM_POSITIONS)),
    },
)


@attrs.define(eq=False, kw_only=True)
class PortfolioFuturesAccount(FuturesAccount):
    """One futures side of a Portfolio Margin account: its wallets may be short as long as the whole account is not."""

    unified: Callable[[str], Decimal]
    """Returns what is free of the whole account, in an asset."""

    def available(self, asset: str) -> Decimal:
        """Return what new orders may use as margin; it can be negative."""
        return self.unified(asset)


class PortfolioFuturesDesk(FuturesDesk):
    """One futures side of all Portfolio Margin accounts."""

    unified: Callable[[int, str], Decimal]
    """Returns what is free of an owner's whole account, in an asset."""

    def _new_account(self, uid: int, alias: str) -> FuturesAccount:
        return PortfolioFuturesAccount(uid=uid, alias=alias, unified=partial(self.unified, uid))


__all__ = ["CM_OPERATIONS", "PM_CM", "PM_UM", "UM_OPERATIONS", "Dialect", "PortfolioFuturesDesk"]
