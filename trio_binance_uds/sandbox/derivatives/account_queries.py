"""Answers what an account holds and how it is set up, as of ``FuturesDesk.lag`` ago.

One question has several versions, which differ in what they list and in its members: those are values, the views.

Source: Binance USD-M and COIN-M Futures and Portfolio Margin, "Account Endpoints" (2026-05-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from trio_binance_uds.sandbox.derivatives import answers, refusals
from trio_binance_uds.sandbox.derivatives.accounts import HEDGE, ONE_WAY
from trio_binance_uds.sandbox.derivatives.amounts import wire_amount
from trio_binance_uds.sandbox.derivatives.dialects import Shape, pick, shape
from trio_binance_uds.sandbox.derivatives.positions import Position

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.derivatives.futures import FuturesDesk
    from trio_binance_uds.sandbox.exchange.parameters import Parameters


@attrs.frozen(kw_only=True)
class PositionView:
    """What a query lists of positions.

    Attributes:
        every: whether all symbols are listed; else those with a position or an open order.
        by: the parameters by which fewer can be asked for.
    """

    members: Shape
    every: bool = False
    by: Shape = ("symbol",)


@attrs.frozen(kw_only=True)
class AccountView:
    """What a query tells of an account, apart from the members named in ``top``."""

    top: Shape = ()
    assets: Shape
    positions: PositionView


_MARGINS = "initialMargin maintMargin positionInitialMargin openOrderInitialMargin"
_TOTALS = """totalInitialMargin totalMaintMargin totalWalletBalance totalUnrealizedProfit totalMarginBalance
    totalPositionInitialMargin totalOpenOrderInitialMargin totalCrossWalletBalance totalCrossUnPnl availableBalance
    maxWithdrawAmount"""
_ASSET = f"asset walletBalance unrealizedProfit marginBalance {_MARGINS} crossWalletBalance crossUnPnl updateTime"
_RIGHTS = "feeTier canTrade canDeposit canWithdraw updateTime"
_HELD = "symbol positionSide positionAmt unrealizedProfit initialMargin maintMargin updateTime"
_HELD_ORDERS = "positionInitialMargin openOrderInitialMargin leverage entryPrice"
_RISK = "symbol positionSide positionAmt entryPrice markPrice unRealizedProfit liquidationPrice updateTime"
_RISK_FULL = f"{_RISK} breakEvenPrice leverage marginType isolatedMargin isAutoAddMargin"

USDM_ACCOUNT_V2 = AccountView(
    top=shape(_RIGHTS, _TOTALS, "feeBurn multiAssetsMargin tradeGroupId"),
    assets=shape(_ASSET, "availableBalance maxWithdrawAmount marginAvailable"),
    positions=PositionView(
        members=shape(_HELD, _HELD_ORDERS, "isolated maxNotional bidNotional askNotional"), every=True
    ),
)
USDM_ACCOUNT_V3 = AccountView(
    top=shape(_TOTALS),
    assets=shape(_ASSET, "availableBalance maxWithdrawAmount"),
    positions=PositionView(members=shape(_HELD, "isolatedMargin notional isolatedWallet")),
)
COINM_ACCOUNT = AccountView(
    top=shape(_RIGHTS),
    assets=shape(_ASSET, "availableBalance maxWithdrawAmount"),
    positions=PositionView(
        members=shape(_HELD, _HELD_ORDERS, "isolated breakEvenPrice maxQty notionalValue"), every=True
    ),
)
USDM_POSITIONS_V2 = PositionView(members=shape(_RISK_FULL, "maxNotionalValue notional isolatedWallet"), every=True)
USDM_POSITIONS_V3 = PositionView(
    members=shape(
        _RISK, _MARGINS, "breakEvenPrice isolatedMargin notional marginAsset isolatedWallet adl bidNotional askNotional"
    )
)
COINM_POSITIONS = PositionView(members=shape(_RISK_FULL, "maxQty"), every=True, by=("marginAsset", "pair"))


def balances(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET balance``"""
    p.finish()
    past = account.as_of(desk.horizon())
    return [answers.balance(desk.dialect, past, wallet) for wallet in past.wallets.values()]


def account_status(desk: FuturesDesk, account: FuturesAccount, p: Parameters, view: AccountView) -> dict[str, Any]:
    """``GET account``"""
    p.finish()
    past = account.as_of(desk.horizon())
    # The totals are of the one asset that margin is of, unless all count.
    assets = list(past.wallets) if past.multi_assets else [desk.main_asset]
    members = config(past) | answers.totals(past, assets) | {"feeBurn": False}
    return pick(members, view.top) | {
        "assets": [pick(answers.asset(past, wallet), view.assets) for wallet in past.wallets.values()],
        "positions": [
            pick(answers.position(past, held), view.positions.members)
            for held in _listed(past, desk.contracts.values(), view.positions)
        ],
    }


def positions(desk: FuturesDesk, account: FuturesAccount, p: Parameters, view: PositionView) -> list[dict[str, Any]]:
    """``GET positionRisk``"""
    wanted = {name: value for name in view.by if (value := p.text(name)) is not None}
    p.finish()
    contracts = [contract for contract in desk.contracts.values() if _fits(contract, wanted)]
    if wanted and not contracts:
        raise refusals.bad_symbol()
    past = account.as_of(desk.horizon())
    return [pick(answers.position(past, held), view.members) for held in _listed(past, contracts, view)]


def _fits(contract: Contract, wanted: dict[str, str]) -> bool:
    facts = {"symbol": contract.name, "pair": contract.pair, "marginAsset": contract.margin_asset}
    return all(facts[name] == value for name, value in wanted.items())


def _listed(account: FuturesAccount, contracts: Iterable[Contract], view: PositionView) -> list[Position]:
    if not view.every:
        held = (each for contract in contracts for each in account.positions_of(contract))
        return [each for each in held if each.amount or each.bids or each.asks]
    sides = (*ONE_WAY, *HEDGE) if account.hedged else ONE_WAY
    return [
        account.positions.get((contract.name, side)) or _nothing(account, contract, side)
        for contract in contracts
        for side in sides
    ]


def _nothing(account: FuturesAccount, contract: Contract, side: str) -> Position:
    settings = account.settings_of(contract.name)
    return Position(contract=contract, side=side, leverage=settings.leverage, isolated=settings.isolated)


def symbol_config(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> list[dict[str, Any]]:
    """``GET symbolConfig``"""
    contracts = list(desk.contracts.values()) if p.text("symbol") is None else [desk.contract_of(p)]
    p.finish()
    rows = []
    for contract in contracts:
        settings = account.settings_of(contract.name)
        rows.append(
            {
                "symbol": contract.name,
                "marginType": "ISOLATED" if settings.isolated else "CROSSED",
                "isAutoAddMargin": desk.dialect.no_auto_margin,
                "leverage": settings.leverage,
                "maxNotionalValue": str(contract.max_notional),
            }
        )
    return rows


def config(account: FuturesAccount) -> dict[str, Any]:
    """Return how an account is set up as a whole."""
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": account.hedged,
        "updateTime": 0,
        "multiAssetsMargin": account.multi_assets,
        "tradeGroupId": -1,
    }


def account_config(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``GET accountConfig``"""
    p.finish()
    return config(account)


def commission_rate(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``GET commissionRate``"""
    contract = desk.contract_of(p)
    p.finish()
    return {
        "symbol": contract.name,
        "makerCommissionRate": wire_amount(account.maker_commission),
        "takerCommissionRate": wire_amount(account.taker_commission),
    }
