"""Writes the answers of the margin routes: those of spot with the members that margin has, and what only margin has.

Source: Binance Margin Trading, "Trade", "Account" and "Borrow And Repay" (2026-01-15).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from trio_binance_uds.sandbox.exchange import Exchange, Symbol
from trio_binance_uds.sandbox.exchange.accounts import Balance
from trio_binance_uds.sandbox.exchange.amounts import ZERO, wire_amount
from trio_binance_uds.sandbox.margin.accounts import Debt, MarginAccount
from trio_binance_uds.sandbox.margin.levels import (
    COIN,
    FORCE_LIQUIDATION_BAR,
    Prices,
    assets_of,
    debts_of,
    level_of,
    status_at,
)

Answer = dict[str, Any]

_NOT_OF_MARGIN = frozenset({"orderListId", "origQuoteOrderQty", "workingTime"})
_ORDER = (
    "clientOrderId",
    "cummulativeQuoteQty",
    "executedQty",
    "icebergQty",
    "isWorking",
    "orderId",
    "origQty",
    "price",
    "side",
    "status",
    "stopPrice",
    "symbol",
    "time",
    "timeInForce",
    "type",
    "selfTradePreventionMode",
    "updateTime",
)
_TRADE = (
    "commission",
    "commissionAsset",
    "id",
    "isBestMatch",
    "isBuyer",
    "isMaker",
    "orderId",
    "price",
    "qty",
    "symbol",
    "time",
)
_CANCELED = ("transactTime", *_NOT_OF_MARGIN)


def _marked(result: Mapping[str, Any], account: MarginAccount) -> Answer:
    return {**result, "isIsolated": account.is_isolated}


def order(result: Mapping[str, Any], account: MarginAccount) -> Answer:
    """An order as the queries list it."""
    return _marked({name: result[name] for name in _ORDER}, account)


def trade(result: Mapping[str, Any], account: MarginAccount) -> Answer:
    """A trade as ``myTrades`` lists it."""
    return _marked({name: result[name] for name in _TRADE}, account)


def placed(result: Mapping[str, Any], account: MarginAccount, borrowed: tuple[str, Decimal] | None) -> Answer:
    """The answer to a placement; of a list, the reports in it."""
    answer = _marked({name: value for name, value in result.items() if name not in _NOT_OF_MARGIN}, account)
    if borrowed is not None:
        answer["marginBuyBorrowAsset"], answer["marginBuyBorrowAmount"] = borrowed[0], wire_amount(borrowed[1])
    return answer


def canceled(result: Mapping[str, Any], account: MarginAccount) -> Answer:
    """The answer to the cancellation of an order, or of the list that it belongs to."""
    if "orderReports" in result:
        return order_list(result, account)
    return _marked({name: value for name, value in result.items() if name not in _CANCELED}, account)


def order_list(result: Mapping[str, Any], account: MarginAccount) -> Answer:
    """An order list, with reports of its orders if it has any."""
    answer = _marked(result, account)
    if "orderReports" in result:
        answer["orderReports"] = [placed(report, account, None) for report in result["orderReports"]]
    return answer


def as_is(result: Mapping[str, Any], account: MarginAccount) -> Answer:
    """What margin tells as spot does."""
    return dict(result)


def cross_account(account: MarginAccount, exchange: Exchange, prices: Prices) -> Answer:
    """The answer of ``account``."""
    assets, debts = assets_of(account, prices.of), debts_of(account, prices.of)
    level = wire_amount(level_of(account, prices.of))
    names = {name for pair in exchange.symbols.values() for name in (pair.base, pair.quote)}
    names |= account.account.balances.keys()
    return {
        "created": True,
        "borrowEnabled": True,
        "marginLevel": level,
        "collateralMarginLevel": level,
        **_totals(assets, debts, prices),
        "TotalCollateralValueInUSDT": wire_amount(assets),
        "totalOpenOrderLossInUSDT": wire_amount(ZERO),
        "tradeEnabled": True,
        "transferInEnabled": True,
        "transferOutEnabled": True,
        "accountType": "MARGIN_1",
        "userAssets": [_asset(account, name) for name in sorted(names)],
    }


def isolated_accounts(accounts: Iterable[MarginAccount], exchange: Exchange, prices: Prices) -> list[Answer]:
    """The ``assets`` of ``isolated/account``."""
    return [_pair(account, exchange.symbols[account.symbol or ""], prices) for account in accounts]


def isolated_totals(accounts: Iterable[MarginAccount], prices: Prices) -> Answer:
    """The totals of ``isolated/account``, which are told when no pair is named."""
    accounts = list(accounts)
    assets = sum((assets_of(account, prices.of) for account in accounts), start=ZERO)
    debts = sum((debts_of(account, prices.of) for account in accounts), start=ZERO)
    return _totals(assets, debts, prices)


def _pair(account: MarginAccount, symbol: Symbol, prices: Prices) -> Answer:
    level = level_of(account, prices.of)
    debts = debts_of(account, prices.of)
    held = account.account.balances.get(symbol.base, Balance())
    base = held.free + held.locked - account.debts.get(symbol.base, Debt()).total
    # Where the assets are worth no more than the bar times the debts, if the base asset alone changes its price.
    quote_worth = assets_of(account, prices.of) - (held.free + held.locked) * prices.of(symbol.base)
    liquidate = ZERO
    if debts and base > 0:
        liquidate = max(ZERO, (debts * FORCE_LIQUIDATION_BAR - quote_worth) / base)
    return {
        "baseAsset": _isolated_asset(account, symbol.base, prices),
        "quoteAsset": _isolated_asset(account, symbol.quote, prices),
        "symbol": symbol.name,
        "isolatedCreated": True,
        "enabled": True,
        "marginLevel": wire_amount(level),
        "marginLevelStatus": status_at(level),
        "marginRatio": "5.00000000",
        "indexPrice": wire_amount(prices.last(symbol.name)),
        "liquidatePrice": wire_amount(liquidate),
        "liquidateRate": wire_amount(FORCE_LIQUIDATION_BAR),
        "tradeEnabled": True,
    }


def _totals(assets: Decimal, debts: Decimal, prices: Prices) -> Answer:
    coin = prices.of(COIN)
    return {
        "totalAssetOfBtc": _in_coins(assets, coin),
        "totalLiabilityOfBtc": _in_coins(debts, coin),
        "totalNetAssetOfBtc": _in_coins(assets - debts, coin),
    }


def _in_coins(worth: Decimal, coin: Decimal) -> str:
    return wire_amount(worth / coin if coin else ZERO)


def _asset(account: MarginAccount, name: str) -> Answer:
    held, debt = account.account.balances.get(name, Balance()), account.debts.get(name, Debt())
    return {
        "asset": name,
        "borrowed": wire_amount(debt.principal),
        "free": wire_amount(held.free),
        "interest": wire_amount(debt.interest),
        "locked": wire_amount(held.locked),
        "netAsset": wire_amount(held.free + held.locked - debt.total),
    }


def _isolated_asset(account: MarginAccount, name: str, prices: Prices) -> Answer:
    asset = _asset(account, name)
    held, coin = account.account.balances.get(name, Balance()), prices.of(COIN)
    return {
        **asset,
        "borrowEnabled": True,
        "netAssetOfBtc": _in_coins(Decimal(asset["netAsset"]) * prices.of(name), coin),
        "repayEnabled": True,
        "totalAsset": wire_amount(held.free + held.locked),
    }
