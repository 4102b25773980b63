"""The table of the margin routes: what each needs, what it costs, and what does it.

Source: Binance Margin Trading, "Trade", "Account", "Borrow And Repay" and "Transfer" (2026-01-15); Wallet, "User
Universal Transfer" (2026-01-15), of which only spot and margin are here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import attrs

from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.desk import Route
from trio_binance_uds.sandbox.exchange import Account, Refusal
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.exchange.refusals import not_valid
from trio_binance_uds.sandbox.margin import answers, histories, trading
from trio_binance_uds.sandbox.margin.accounts import MarginAccount
from trio_binance_uds.sandbox.margin.levels import FORCE_LIQUIDATION_BAR, MARGIN_CALL_BAR, NORMAL_BAR
from trio_binance_uds.sandbox.margin.trading import Do, by_spot

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.margin.desk import MarginDesk

_MOST_PAIRS = 5
_TRANSFERS = {
    "MAIN_MARGIN": ("spot", "cross"),
    "MARGIN_MAIN": ("cross", "spot"),
    "MAIN_ISOLATED_MARGIN": ("spot", "isolated"),
    "ISOLATED_MARGIN_MAIN": ("isolated", "spot"),
    "MARGIN_ISOLATEDMARGIN": ("cross", "isolated"),
    "ISOLATEDMARGIN_MARGIN": ("isolated", "cross"),
    "ISOLATEDMARGIN_ISOLATEDMARGIN": ("isolated", "isolated"),
}
_OLD_TRANSFERS = {1: "MAIN_MARGIN", 2: "MARGIN_MAIN"}


@attrs.frozen(kw_only=True)
class Operation:
    """One route of the desk, and what does it."""

    route: Route
    do: Do


def cross_account(desk: MarginDesk, owner: int, p: Parameters) -> Any:
    """``GET account``"""
    p.finish()
    return answers.cross_account(desk.find(owner, None), desk.exchange, desk.prices)


def isolated_account(desk: MarginDesk, owner: int, p: Parameters) -> Any:
    """``GET isolated/account``"""
    named = p.text("symbols")
    p.finish()
    if named is None:
        accounts = desk.isolated_of(owner)
        totals = answers.isolated_totals(accounts, desk.prices)
    else:
        names = named.split(",")
        if len(names) > _MOST_PAIRS:
            raise not_valid("symbols")
        accounts, totals = [desk.find(owner, name) for name in names], {}
    return {"assets": answers.isolated_accounts(accounts, desk.exchange, desk.prices), **totals}


def trade_coefficients(desk: MarginDesk, owner: int, p: Parameters) -> Any:
    """``GET tradeCoeff``"""
    p.finish()
    return {
        "normalBar": str(NORMAL_BAR),
        "marginCallBar": str(MARGIN_CALL_BAR),
        "forceLiquidationBar": str(FORCE_LIQUIDATION_BAR),
    }


def borrow_or_repay(desk: MarginDesk, owner: int, params: Mapping[str, Any]) -> Any:
    """``POST borrow-repay``"""
    account = trading.account_of(desk, owner, params)
    p = Parameters(params)
    p.text("isIsolated")
    p.text("symbol")
    asset, amount = p.need_text("asset"), p.need_positive("amount")
    kind = p.need_choice("type", ("BORROW", "REPAY"))
    p.finish()
    act = desk.loans.borrow if kind == "BORROW" else desk.loans.repay
    return {"tranId": act(account, asset, amount)}


def transfer(desk: MarginDesk, owner: int, p: Parameters) -> Any:
    """``POST /sapi/v1/asset/transfer``"""
    kind = p.need_choice("type", _TRANSFERS)
    symbols = p.text("fromSymbol"), p.text("toSymbol")
    return _transfer(desk, owner, p, kind, *symbols)


def old_transfer(desk: MarginDesk, owner: int, p: Parameters) -> Any:
    """``POST transfer``, which knows the cross account only."""
    kind = p.need_integer("type")
    if kind not in _OLD_TRANSFERS:
        raise not_valid("type")
    return _transfer(desk, owner, p, _OLD_TRANSFERS[kind], None, None)


def _transfer(
    desk: MarginDesk, owner: int, p: Parameters, kind: str, from_symbol: str | None, to_symbol: str | None
) -> Any:
    asset, amount = p.need_text("asset"), p.need_positive("amount")
    p.finish()

    def find(place: str, name: str, symbol: str | None) -> MarginAccount | Account:
        if place == "spot":
            return desk.exchange.accounts[owner]
        if place == "isolated" and symbol is None:
            raise Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
        return desk.find(owner, symbol if place == "isolated" else None)

    source, target = _TRANSFERS[kind]
    return {
        "tranId": desk.loans.move(
            find(source, "fromSymbol", from_symbol), find(target, "toSymbol", to_symbol), asset, amount
        )
    }


def _reading(do: Callable[[MarginDesk, int, Parameters], Any]) -> Do:
    return lambda desk, owner, params: do(desk, owner, Parameters(params))


def _of(permission: Permission, weight: int, do: Do, *, per_account: bool = False, orders: int = 0) -> Operation:
    return Operation(
        route=Route(permission=permission, weight=lambda params: weight, orders=orders, per_account=per_account),
        do=do,
    )


def _query(weight: int, do: Do) -> Operation:
    return _of(Permission.USER_DATA, weight, do)


def _trade(weight: int, do: Do, *, per_account: bool = True, orders: int = 0) -> Operation:
    return _of(Permission.TRADE, weight, do, per_account=per_account, orders=orders)


_MARGIN = "/sapi/v1/margin/"
OPERATIONS: Mapping[tuple[str, str], Operation] = MappingProxyType(
    {
        ("POST", "/sapi/v1/asset/transfer"): _trade(900, _reading(transfer)),
        **{
            (verb, _MARGIN + path): operation
            for (verb, path), operation in {
                ("POST", "order"): _trade(6, trading.place, orders=1),
                ("DELETE", "order"): _trade(
                    10, by_spot("order.cancel", answers.canceled, needs_symbol=True), per_account=False
                ),
                ("DELETE", "openOrders"): _trade(
                    1, by_spot("openOrders.cancelAll", answers.canceled, needs_symbol=True), per_account=False
                ),
                ("POST", "order/oco"): _trade(6, trading.place_oco, orders=2),
                ("DELETE", "orderList"): _trade(1, by_spot("orderList.cancel", answers.order_list, needs_symbol=True)),
                ("POST", "borrow-repay"): _trade(1500, borrow_or_repay),
                ("POST", "transfer"): _trade(600, _reading(old_transfer), per_account=False),
                ("GET", "order"): _query(10, by_spot("order.status", answers.order, needs_symbol=True)),
                ("GET", "openOrders"): _query(10, by_spot("openOrders.status", answers.order, needs_symbol=True)),
                ("GET", "allOrders"): _query(200, by_spot("allOrders", answers.order, needs_symbol=True, most=500)),
                ("GET", "myTrades"): _query(10, by_spot("myTrades", answers.trade, needs_symbol=True)),
                ("GET", "myPreventedMatches"): _query(
                    10, by_spot("myPreventedMatches", answers.as_is, needs_symbol=True)
                ),
                ("GET", "orderList"): _query(10, by_spot("orderList.status", answers.order_list)),
                ("GET", "openOrderList"): _query(10, by_spot("openOrderLists.status", answers.order_list)),
                ("GET", "allOrderList"): _query(200, by_spot("allOrderLists", answers.order_list)),
                ("GET", "account"): _query(10, _reading(cross_account)),
                ("GET", "isolated/account"): _query(10, _reading(isolated_account)),
                ("GET", "tradeCoeff"): _query(10, _reading(trade_coefficients)),
                ("GET", "borrow-repay"): _query(10, _reading(histories.loans)),
                ("GET", "interestHistory"): _query(1, _reading(histories.interest)),
                ("GET", "capital-flow"): _query(100, _reading(histories.flows)),
                ("GET", "forceLiquidationRec"): _query(1, _reading(histories.liquidations)),
            }.items()
        },
    }
)
