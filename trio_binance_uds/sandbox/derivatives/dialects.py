"""What tells the futures products apart, as values: one dialect each for USD-M, COIN-M, and the two under PM.

The desk knows every member that any product writes; a dialect says which of them its product does, in each place.

Source: Binance USD-M Futures, COIN-M Futures and Portfolio Margin, "User Data Streams", "Account Endpoints" and "Trade
Endpoints" (2026-05-28), with the change logs up to 2026-08.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import attrs

Shape = tuple[str, ...]


def shape(*texts: str) -> Shape:
    """Return the members that are named in a text."""
    return tuple(" ".join(texts).split())


def pick(members: Mapping[str, Any], wanted: Shape) -> dict[str, Any]:
    """Return the wanted members, of those that there are."""
    return {name: members[name] for name in wanted if name in members}


@attrs.frozen(kw_only=True)
class Dialect:
    """How one product differs from the others.

    Attributes:
        unit: what stands in ``fs`` of every event; ``None``: nothing does.
        alias: whether events tell the account's alias in ``i``: ``None`` not at all, ``False`` as an empty text.
        trade_lite: whether a fill is also told by TRADE_LITE.
        tells_no_commission: whether an order event without commission says so.
        tells_all_positions: whether an account event lists the open positions that have not changed, too.
        refuses_unfillable: whether FOK and GTX orders that cannot be are refused; else they expire.
        algo_key: where an algo event has its order; ``None``: such orders have CONDITIONAL_ORDER_TRADE_UPDATE.
        text_tran_id: whether ``tranId`` of an income is a text.
        tells_info: whether ``info`` of an income repeats its kind.
        order_limit: the default and the most of ``limit`` of ``allOrders``.
        trade_limit: the same of ``userTrades``.
        trade_days: how many days a window of ``userTrades`` may have.
        income_days: the same of ``income``, which are also kept so long.
        liquidates: whether a desk watches over the margin of its accounts by itself.
        pays_premium: whether a trade moves the price itself, as options do; else the profit that it realises.
        margin_refusal: code and text of the refusal for want of margin.
        no_account: code and text of the refusal for somebody without an account.
        pairs: whether queries take a pair in place of a symbol.
        no_auto_margin: how ``isAutoAddMargin`` of a symbol's configuration says no.
    """

    unit: str | None = None
    alias: bool | None = None
    trade_lite: bool = False
    tells_no_commission: bool = True
    tells_all_positions: bool = False
    refuses_unfillable: bool = True
    algo_key: str | None = "o"
    text_tran_id: bool = False
    tells_info: bool = True
    order_limit: tuple[int, int] = (500, 1000)
    trade_limit: tuple[int, int] = (500, 1000)
    trade_days: int = 7
    income_days: int = 92
    liquidates: bool = True
    pays_premium: bool = False
    margin_refusal: tuple[int, str] = (-2019, "Margin is insufficient.")
    no_account: tuple[int, str] = (-4109, "This account is inactive, please transfer asset to activate it.")
    pairs: bool = False
    no_auto_margin: bool | str = False
    event_order: Shape = ()
    event_constants: Mapping[str, Any] = attrs.field(factory=lambda: MappingProxyType({}))
    event_position: Shape = ()
    placed: Shape = ()
    order: Shape = ()
    past_order: Shape = ()
    forced: Shape = ()
    trade: Shape = ()
    balance: Shape = ()
    leverage: Shape = ("leverage", "maxNotionalValue", "symbol")


_ORDER = """clientOrderId executedQty orderId origQty origType price reduceOnly side positionSide status symbol
    timeInForce type updateTime avgPrice"""
_TRADED = "activatePrice priceRate stopPrice closePosition workingType priceProtect"
_MATCHED = "priceMatch selfTradePreventionMode"
_USDM_ORDER = shape(_ORDER, _TRADED, _MATCHED, "cumQuote goodTillDate")
_COINM_ORDER = shape(_ORDER, _TRADED, _MATCHED, "pair cumBase")
_PM_UM_ORDER = shape(_ORDER, _MATCHED, "cumQuote goodTillDate")
_PM_CM_ORDER = shape(_ORDER, "pair cumBase")
_FORCED = shape(_ORDER, "stopPrice closePosition workingType time")
_TRADE = shape(
    """symbol id orderId side price qty realizedPnl commission commissionAsset time positionSide buyer maker quoteQty
    pair marginAsset baseQty"""
)
_EVENT_ORDER = "s c S o f q p ap sp x X i M l z L N n T t b a m R ps rp V"

USDM = Dialect(
    trade_lite=True,
    event_order=shape(_EVENT_ORDER, "wt ot cp AP cr pP si ss pm gtd er"),
    event_constants=MappingProxyType({"si": 0, "ss": 0}),
    event_position=shape("s pa ep bep cr up mt iw ps ma"),
    placed=(*_USDM_ORDER, "cumQty"),
    order=(*_USDM_ORDER, "time"),
    past_order=(*_USDM_ORDER, "time", "pair", "cumBase"),
    forced=(*_FORCED, "cumQuote"),
    trade=_TRADE,
    balance=shape(
        """accountAlias asset balance crossWalletBalance crossUnPnl availableBalance maxWithdrawAmount marginAvailable
        updateTime"""
    ),
)
COINM = Dialect(
    alias=True,
    pairs=True,
    income_days=365,
    tells_all_positions=True,
    refuses_unfillable=False,
    text_tran_id=True,
    tells_info=False,
    order_limit=(50, 100),
    trade_limit=(50, 1000),
    event_order=shape(_EVENT_ORDER, "ma wt ot cp AP cr pP pm er"),
    event_position=shape("s pa ep bep cr up mt iw ps"),
    placed=(*_COINM_ORDER, "cumQty"),
    order=(*_COINM_ORDER, "time"),
    past_order=(*_COINM_ORDER, "time", "goodTillDate", "cumQuote"),
    forced=(*_FORCED, "pair", "cumBase", "priceProtect"),
    trade=_TRADE,
    balance=shape(
        """accountAlias asset balance withdrawAvailable crossWalletBalance crossUnPnl availableBalance updateTime"""
    ),
    leverage=shape("leverage maxQty symbol"),
)
