"""Executes the routes that place, cancel and query orders of margin accounts, by the methods of spot.

Source: Binance Margin Trading, "Trade" (2026-01-15).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.exchange.order_entry import read_single
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.exchange.refusals import mandatory, not_valid
from trio_binance_uds.sandbox.margin import answers
from trio_binance_uds.sandbox.margin.accounts import MarginAccount

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.margin.desk import MarginDesk

Do = Callable[["MarginDesk", int, Mapping[str, Any]], Any]
"""Does what a route asks for, for an owner."""

_BOOLEANS = {"TRUE": True, "FALSE": False}
_BORROWING = ("MARGIN_BUY", "AUTO_BORROW_REPAY")
_REPAYING = ("AUTO_REPAY", "AUTO_BORROW_REPAY")
_SIDE_EFFECTS = ("NO_SIDE_EFFECT", *_BORROWING, "AUTO_REPAY")
_OWN = ("isIsolated", "sideEffectType", "autoRepayAtCancel")
_MOST_ORDERS = 500


def account_of(desk: MarginDesk, owner: int, params: Mapping[str, Any]) -> MarginAccount:
    """Return the account that ``isIsolated`` and ``symbol`` name.

    Raises:
        Refusal: -1130, -1102 or -3003.
    """
    text = str(params.get("isIsolated", "FALSE"))
    if text not in _BOOLEANS:
        raise not_valid("isIsolated")
    if not _BOOLEANS[text]:
        return desk.find(owner, None)
    if not params.get("symbol"):
        raise mandatory("symbol")
    return desk.find(owner, params["symbol"])


def by_spot(
    method: str,
    write: Callable[[Mapping[str, Any], MarginAccount], Any],
    *,
    needs_symbol: bool = False,
    most: int | None = None,
) -> Do:
    """Return what does a route by a method of spot; ``write`` turns its result, or each of a list, into margin's.

    ``needs_symbol``: the method takes one; the others have it only to name the account.
    """

    def do(desk: MarginDesk, owner: int, params: Mapping[str, Any]) -> Any:
        account = account_of(desk, owner, params)
        wanted = {name: value for name, value in params.items() if name not in _OWN}
        if not needs_symbol:
            wanted.pop("symbol", None)
        if most is not None and str(wanted.get("limit", "")).isdecimal():
            wanted["limit"] = min(int(wanted["limit"]), most)
        result = desk.exchange.call(account.account, method, wanted)
        if isinstance(result, list):
            return [write(row, account) for row in result]
        return write(result, account)

    return do


def place(desk: MarginDesk, owner: int, params: Mapping[str, Any]) -> Any:
    """``POST order``, which may borrow what the order needs, and repay with what it brings."""
    account = account_of(desk, owner, params)
    side_effect = _side_effect(params)
    wanted = {name: value for name, value in params.items() if name not in _OWN}
    borrowed = _borrow_for(desk, account, wanted) if side_effect in _BORROWING else None
    result = desk.exchange.call(account.account, "order.place", wanted)
    if side_effect in _REPAYING:
        desk.repay_by(account, result["symbol"], result["orderId"])
    return answers.placed(result, account, borrowed)


def place_oco(desk: MarginDesk, owner: int, params: Mapping[str, Any]) -> Any:
    """``POST order/oco``, which neither borrows nor repays here."""
    account = account_of(desk, owner, params)
    _side_effect(params)
    wanted = {name: value for name, value in params.items() if name not in _OWN}
    return answers.order_list(desk.exchange.call(account.account, "orderList.place", wanted), account)


def _side_effect(params: Mapping[str, Any]) -> str:
    side_effect = str(params.get("sideEffectType", "NO_SIDE_EFFECT"))
    if side_effect not in _SIDE_EFFECTS:
        raise not_valid("sideEffectType")
    return side_effect


def _borrow_for(desk: MarginDesk, account: MarginAccount, wanted: Mapping[str, Any]) -> tuple[str, Decimal] | None:
    """Borrow what an order lacks; what the exchange would refuse all the same is refused before."""
    exchange = desk.exchange
    p = Parameters(wanted)
    symbol = exchange.symbol_of(p)
    request = read_single(p, symbol)
    exchange.engine.check(account.account, symbol, request)
    asset, amount = exchange.engine.cost([exchange.engine.draft(account.account, symbol, request, exchange.time())])
    missing = amount - account.account.free(asset)
    if missing <= 0:
        return None
    desk.loans.borrow(account, asset, missing, automatic=True)
    return asset, missing


def liquidate(desk: MarginDesk, account: MarginAccount, symbol: str, side: str, quantity: str) -> dict[str, Any]:
    """Sell or buy in the venue's name, and return the record of it.

    Raises:
        Refusal: the exchange cannot.
    """
    params = {"symbol": symbol, "side": side, "type": "MARKET", "quantity": quantity, "newOrderRespType": "RESULT"}
    result = desk.exchange.call(account.account, "order.place", params)
    executed, quote = Decimal(result["executedQty"]), Decimal(result["cummulativeQuoteQty"])
    if not executed:
        raise Refusal(-2010, "There is nobody to liquidate against.")
    average = quote / executed
    return {
        "avgPrice": f"{average:.8f}",
        "executedQty": result["executedQty"],
        "orderId": result["orderId"],
        "price": f"{average:.8f}",
        "qty": result["origQty"],
        "side": side,
        "symbol": symbol,
        "timeInForce": result["timeInForce"],
    }
