"""Changes how an account trades: leverage, margin type, position mode, multi-assets mode.

Source: Binance USD-M and COIN-M Futures, "Trade Endpoints" (2026-05-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives import events, refusals
from trio_binance_uds.sandbox.derivatives.amounts import ZERO
from trio_binance_uds.sandbox.derivatives.dialects import pick

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.futures import FuturesDesk
    from trio_binance_uds.sandbox.exchange.parameters import Parameters

DONE: dict[str, Any] = {"code": 200, "msg": "success"}


def set_leverage(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``POST leverage``"""
    contract = desk.contract_of(p)
    leverage = p.need_integer("leverage")
    p.finish()
    if not 1 <= leverage <= contract.max_leverage:
        raise refusals.bad_leverage(leverage)
    settings = account.settings_of(contract.name)
    positions = list(account.positions_of(contract))
    if leverage < settings.leverage and any(each.isolated and each.amount for each in positions):
        raise refusals.Refusal(
            -4161, "Leverage reduction is not supported in Isolated Margin Mode with open positions."
        )
    former = settings.leverage
    before = account.available(contract.margin_asset)
    _lever(account, desk, contract.name, leverage)
    if account.available(contract.margin_asset) < min(before, ZERO):
        _lever(account, desk, contract.name, former)
        raise refusals.Refusal(-2028, "Leverage is smaller than permitted: insufficient margin balance.")
    with desk.step() as step:
        for position in positions:
            step.change(position)
        step.emit(account, events.leverage_update(desk.dialect, contract.name, leverage, step.time))
    answer = {
        "leverage": leverage,
        "maxNotionalValue": str(contract.max_notional),
        "maxQty": str(contract.max_quantity),
        "symbol": contract.name,
    }
    return pick(answer, desk.dialect.leverage)


def _lever(account: FuturesAccount, desk: FuturesDesk, symbol: str, leverage: int) -> None:
    account.settings_of(symbol).leverage = leverage
    for position in account.positions_of(desk.contracts[symbol]):
        position.leverage = leverage


def set_margin_type(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``POST marginType``; that is no event."""
    contract = desk.contract_of(p)
    isolated = p.need_choice("marginType", ("ISOLATED", "CROSSED")) == "ISOLATED"
    p.finish()
    settings = account.settings_of(contract.name)
    positions = list(account.positions_of(contract))
    if isolated == settings.isolated:
        raise refusals.same_margin_type()
    if account.has_open_orders(contract.name):
        raise refusals.margin_type_has_orders()
    if any(position.amount for position in positions):
        raise refusals.margin_type_has_position()
    if isolated and account.multi_assets:
        raise refusals.isolated_needs_single_asset()
    settings.isolated = isolated
    with desk.step() as step:
        for position in positions:
            position.isolated = isolated
            step.change(position)
    return dict(DONE)


def position_mode(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``GET positionSide/dual``"""
    p.finish()
    return {"dualSidePosition": account.hedged}


def set_position_mode(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``POST positionSide/dual``; that is no event."""
    p.need_text("dualSidePosition")
    hedged = p.boolean("dualSidePosition", default=False)
    p.finish()
    if hedged == account.hedged:
        raise refusals.same_position_mode()
    if account.has_open_orders():
        raise refusals.position_mode_has_orders()
    if any(position.amount for position in account.positions.values()):
        raise refusals.position_mode_has_position()
    account.hedged = hedged
    return dict(DONE)


def multi_assets(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``GET multiAssetsMargin``"""
    p.finish()
    return {"multiAssetsMargin": account.multi_assets}


def set_multi_assets(desk: FuturesDesk, account: FuturesAccount, p: Parameters) -> dict[str, Any]:
    """``POST multiAssetsMargin``"""
    p.need_text("multiAssetsMargin")
    on = p.boolean("multiAssetsMargin", default=False)
    p.finish()
    if on and any(settings.isolated for settings in account.settings.values()):
        raise refusals.multi_assets_needs_cross()
    account.multi_assets = on
    with desk.step() as step:
        step.emit(account, events.multi_assets_update(desk.dialect, on, step.time))
    return dict(DONE)
