"""Does what the routes of Portfolio Margin are for that belong to no side of an account: its totals, and its loans.

Source: Binance Portfolio Margin, "Account" and "Trade" (2026-05-28).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.amounts import ZERO, milliseconds, wire_amount
from trio_binance_uds.sandbox.derivatives.operations import act, ask, table
from trio_binance_uds.sandbox.derivatives.portfolio.loans import told

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.portfolio.desk import PortfolioMarginDesk
    from trio_binance_uds.sandbox.derivatives.portfolio.owners import PortfolioOwner
    from trio_binance_uds.sandbox.exchange.parameters import Parameters


def account(desk: PortfolioMarginDesk, owner: PortfolioOwner, p: Parameters) -> dict[str, Any]:
    """``GET account``"""
    p.finish()
    standing = desk.standing(owner.uid)
    return {
        "uniMMR": wire_amount(standing.uni_mmr),
        "accountEquity": wire_amount(standing.equity),
        "actualEquity": wire_amount(standing.actual_equity),
        "accountInitialMargin": wire_amount(standing.initial_margin),
        "accountMaintMargin": wire_amount(standing.maintenance_margin),
        "accountStatus": standing.level,
        "virtualMaxWithdrawAmount": wire_amount(max(ZERO, standing.free)),
        "totalAvailableBalance": "",
        "totalMarginOpenLoss": "",
        "updateTime": milliseconds(desk.um.time()),
    }


def balances(desk: PortfolioMarginDesk, owner: PortfolioOwner, p: Parameters) -> list[dict[str, Any]] | dict[str, Any]:
    """``GET balance``: a list, or of one ``asset`` an object."""
    asset = p.text("asset")
    p.finish()
    if asset is not None:
        return _balance_of(desk, owner, asset)
    um, cm = desk.um.accounts[owner.uid], desk.cm.accounts[owner.uid]
    names = sorted({*owner.margin.balances, *um.wallets, *cm.wallets})
    return [_balance_of(desk, owner, name) for name in names]


def _balance_of(desk: PortfolioMarginDesk, owner: PortfolioOwner, asset: str) -> dict[str, Any]:
    held = owner.margin.balances.get(asset)
    free, locked = (ZERO, ZERO) if held is None else (held.free, held.locked)
    debt = owner.loans.debt(asset)
    um, cm = desk.um.accounts[owner.uid], desk.cm.accounts[owner.uid]
    wallets = um.balance(asset), cm.balance(asset)
    return {
        "asset": asset,
        "totalWalletBalance": wire_amount(free + locked + sum(wallets, ZERO)),
        "crossMarginAsset": wire_amount(free + locked),
        "crossMarginBorrowed": wire_amount(debt.principal),
        "crossMarginFree": wire_amount(free),
        "crossMarginInterest": wire_amount(debt.interest),
        "crossMarginLocked": wire_amount(locked),
        "umWalletBalance": wire_amount(wallets[0]),
        "umUnrealizedPNL": wire_amount(um.cross_profit(asset)),
        "cmWalletBalance": wire_amount(wallets[1]),
        "cmUnrealizedPNL": wire_amount(cm.cross_profit(asset)),
        "updateTime": milliseconds(desk.um.time()),
        "negativeBalance": wire_amount(sum((-min(ZERO, wallet) for wallet in wallets), ZERO)),
    }


def borrow(desk: PortfolioMarginDesk, owner: PortfolioOwner, p: Parameters) -> dict[str, Any]:
    """``POST marginLoan``"""
    asset, amount = p.need_text("asset"), p.need_positive("amount")
    p.finish()
    if amount * desk.price_of(asset) > max(ZERO, desk.standing(owner.uid).free):
        raise refusals.Refusal(-3006, "Your borrow amount has exceed maximum borrow amount.")
    tx_id = desk.owe(owner, "BORROW", asset, amount, ZERO)
    desk.exchange.deposit(owner.margin, asset, amount)
    return {"tranId": tx_id}


def repay(desk: PortfolioMarginDesk, owner: PortfolioOwner, p: Parameters) -> dict[str, Any]:
    """``POST repayLoan``: interest is paid first."""
    asset, amount = p.need_text("asset"), p.need_positive("amount")
    p.finish()
    debt = owner.loans.debt(asset)
    if amount > debt.total:
        raise refusals.Refusal(-3015, "The repay amount exceeds borrow amount.")
    if amount > owner.margin.free(asset):
        raise refusals.Refusal(-3041, "Balance is not enough.")
    interest = min(amount, debt.interest)
    tx_id = desk.owe(owner, "REPAY", asset, interest - amount, -interest)
    desk.exchange.withdraw(owner.margin, asset, amount)
    return {"tranId": tx_id}


def changes(desk: PortfolioMarginDesk, owner: PortfolioOwner, p: Parameters, kind: str) -> dict[str, Any]:
    """``GET margin/marginLoan`` and its like: newest first, in pages."""
    asset, tx_id = p.text("asset"), p.integer("txId")
    start, end = p.time("startTime"), p.time("endTime", ends=True)
    current, size = p.integer("current", minimum=1) or 1, p.integer("size", minimum=1, maximum=100) or 10
    p.finish()
    rows = [
        change
        for change in owner.loans.changes[kind]
        if asset in (None, change.asset)
        and tx_id in (None, change.tx_id)
        and (start is None or change.time >= start)
        and (end is None or change.time <= end)
    ]
    rows.reverse()
    page = rows[(current - 1) * size : current * size]
    return {"rows": [told(change) for change in page], "total": len(rows)}


def margin_forced(desk: PortfolioMarginDesk, owner: PortfolioOwner, p: Parameters) -> dict[str, Any]:
    """``GET margin/forceOrders``: always empty, because margin orders are not liquidated here."""
    p.time("startTime")
    p.time("endTime")
    p.integer("current")
    p.integer("size")
    p.finish()
    return {"rows": [], "total": 0}


UNIFIED_OPERATIONS = table(
    "/papi/v1",
    {
        "GET /account": ask(account, 20),
        "GET /balance": ask(balances, 20),
        "POST /marginLoan": act(borrow, 100),
        "POST /repayLoan": act(repay, 100),
        "GET /margin/marginLoan": ask(partial(changes, kind="BORROW"), 10),
        "GET /margin/repayLoan": ask(partial(changes, kind="REPAY"), 10),
        "GET /margin/marginInterestHistory": ask(partial(changes, kind="INTEREST")),
        "GET /margin/forceOrders": ask(margin_forced),
    },
)
