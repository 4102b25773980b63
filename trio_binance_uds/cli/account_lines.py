"""Shows what an account has, owes and risks, as the cells of one line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from trio_binance_uds import (
    AccountConfigUpdate,
    AccountUpdate,
    AccountUpdateBalance,
    AccountUpdatePosition,
    Balance,
    BalancePositionUpdate,
    BalanceUpdate,
    ExternalLockUpdate,
    GreekUpdate,
    LiabilityChange,
    MarginCall,
    MarginCallPosition,
    MarginLevelStatusChange,
    OpenOrderLoss,
    OptionsAccountUpdate,
    OptionsBalance,
    OptionsPosition,
    OptionsRiskLevelChange,
    OutboundAccountPosition,
    PmProAccountUpdate,
    PortfolioMarginBalanceUpdate,
    PortfolioMarginOutboundAccountPosition,
    RiskLevelChange,
    UnifiedLiabilityChange,
    UserLiabilityChange,
)
from trio_binance_uds.cli.columns import BLUE, Cell, kind, name, unit
from trio_binance_uds.cli.plain import printable, short, signed, word, words

AnyBalance = Balance | AccountUpdateBalance | OptionsBalance
AnyPosition = AccountUpdatePosition | OptionsPosition
_CALM = frozenset({"NORMAL", "EXCESSIVE"})


def balance_text(balance: AnyBalance) -> str:
    """Return an asset with what is there of it, and what is locked, or what has come or gone."""
    if isinstance(balance, Balance):
        there, more = balance.free, f"+{short(balance.locked)} locked" if balance.locked else ""
    else:
        there = balance.wallet_balance if isinstance(balance, AccountUpdateBalance) else balance.balance
        more = signed(balance.balance_change) if balance.balance_change else ""
    text = f"{printable(balance.asset)} {short(there)}"
    return f"{text} ({more})" if more else text


def position_text(position: AnyPosition) -> str:
    """Return a position with its size, negative when short, and its entry price."""
    symbol = printable(position.symbol)
    if isinstance(position, OptionsPosition):
        size, entry = position.quantity, position.average_entry_price
    else:
        size, entry = position.position_amount, position.entry_price
        if position.position_side not in ("BOTH", None):
            symbol = f"{symbol} {printable(position.position_side).lower()}"
    return f"{symbol} {signed(size)} @ {short(entry)}" if size else f"{symbol} flat"


# Balances and positions


def _balances(event: OutboundAccountPosition, wallet: str = "") -> list[Cell]:
    return [kind("balance", BLUE), *unit(wallet), *[Cell(balance_text(balance)) for balance in event.balances]]


def _margin_balances(event: PortfolioMarginOutboundAccountPosition) -> list[Cell]:
    return _balances(event, "margin")


def _transfer(event: BalanceUpdate, wallet: str = "") -> list[Cell]:
    return [kind("transfer", BLUE), *unit(wallet), name(event.asset), _change(event.balance_delta)]


def _margin_transfer(event: PortfolioMarginBalanceUpdate) -> list[Cell]:
    return _transfer(event, "margin")


def _lock(event: ExternalLockUpdate) -> list[Cell]:
    return [kind("lock", BLUE), name(event.asset), Cell(signed(event.delta), "bold")]


def _account(event: AccountUpdate) -> list[Cell]:
    why = f"{words(event.event_reason_type)} {printable(event.funding_symbol or '')}".strip()
    return _holdings(why, word(event.business_unit), event.balances, event.positions)


def _options_holdings(event: BalancePositionUpdate) -> list[Cell]:
    return _holdings(words(event.event_reason_type), "", event.balances, event.positions)


def _holdings(why: str, wallet: str, balances: Iterable[AnyBalance], positions: Iterable[AnyPosition]) -> list[Cell]:
    return [
        kind("account", BLUE),
        *unit(wallet),
        Cell(why, "", 11),
        *[Cell(balance_text(balance)) for balance in balances],
        *[Cell(position_text(position), "bold") for position in positions],
    ]


def _change(amount: Decimal) -> Cell:
    return Cell(signed(amount), "bold red" if amount < 0 else "bold green")


# Debts


def _user_liability(event: UserLiabilityChange) -> list[Cell]:
    return _debt("", event.asset, word(event.liability_type), event.principal, event.interest)


def _liability(event: LiabilityChange) -> list[Cell]:
    cells = _debt("margin", event.asset, word(event.liability_type), event.principal, event.interest)
    return [*cells, Cell(f"owes {short(event.total_liability)}", "bold")]


def _unified_liability(event: UnifiedLiabilityChange) -> list[Cell]:
    listed = [
        f"{printable(row.asset)} principal {short(row.principal)}, interest {short(row.interest)}"
        for row in event.liabilities
    ]
    why = Cell(words(event.liability_type), "bold", 11)
    return [kind("debt", "yellow"), why, *[Cell(text) for text in listed]]


def _debt(wallet: str, asset: str, why: str, principal: Decimal, interest: Decimal | None) -> list[Cell]:
    cost = "not known" if interest is None else short(interest)
    return [
        kind("debt", "yellow"),
        *unit(wallet),
        name(asset),
        Cell(words(why), "bold", 8),
        Cell(f"principal {short(principal)}, interest {cost}"),
    ]


def _reserved(event: OpenOrderLoss) -> list[Cell]:
    losses = [f"{printable(loss.asset)} {short(loss.loss_amount)}" for loss in event.losses]
    return [kind("reserved", "yellow"), *unit("margin"), *[Cell(loss) for loss in losses]]


# Risk


def _margin_level(event: MarginLevelStatusChange) -> list[Cell]:
    return _risk(word(event.margin_level_status) or None, f"margin level {short(event.margin_level)}")


def _risk_level(event: RiskLevelChange) -> list[Cell]:
    equity = f"equity {short(event.account_equity)}, needs {short(event.maintenance_margin)}"
    return _risk(word(event.risk_level) or None, f"uniMMR {short(event.uni_mmr)}", equity)


def _options_risk(event: OptionsRiskLevelChange) -> list[Cell]:
    return _risk(
        word(event.risk_level) or None, f"has {short(event.margin_balance)}, needs {short(event.maintenance_margin)}"
    )


def _risk(level: str | None, *facts: str) -> list[Cell]:
    style = "bold green" if level in _CALM else "bold red"
    return [kind("risk", style), Cell(printable(level).replace("_", " "), style, 11), *[Cell(fact) for fact in facts]]


def _margin_call(event: MarginCall) -> list[Cell]:
    return [kind("call", "bold red"), *[Cell(_called(position), "bold red") for position in event.positions]]


def _called(position: MarginCallPosition) -> str:
    return (
        f"{printable(position.symbol)} {signed(position.position_amount)} at {short(position.mark_price)} "
        f"needs {short(position.maintenance_margin_required)}"
    )


# Totals and settings


def _options_totals(event: OptionsAccountUpdate) -> list[Cell]:
    return _totals(
        f"equity {short(event.equity)}",
        f"wallet {short(event.wallet_balance)}",
        f"positions {short(event.position_value)}",
        f"needs {short(event.maintenance_margin)}",
    )


def _pro_totals(event: PmProAccountUpdate) -> list[Cell]:
    return _totals(
        f"uniMMR {short(event.uni_mmr)}",
        f"equity {short(event.account_equity)}",
        f"needs {short(event.maintenance_margin)}",
        f"available {short(event.available_balance)}",
    )


def _totals(*facts: str) -> list[Cell]:
    return [kind("totals", "dim"), *[Cell(fact) for fact in facts]]


def _greeks(event: GreekUpdate) -> list[Cell]:
    shown = [
        f"{printable(greek.underlying)} delta {short(greek.delta)} gamma {short(greek.gamma)} "
        f"theta {short(greek.theta)} vega {short(greek.vega)}"
        for greek in event.greeks
    ]
    return [kind("greeks", "dim"), *[Cell(text) for text in shown or ["none"]]]


def _config(event: AccountConfigUpdate) -> list[Cell]:
    if event.leverage is not None:
        said = [name(event.symbol or "-", 11), Cell(f"leverage {event.leverage}", "bold")]
    else:
        said = [Cell(f"multi-assets mode {'on' if event.is_multi_assets_mode else 'off'}", "bold")]
    return [kind("config", BLUE), *unit(word(event.business_unit)), *said]


ACCOUNT_LINES: Mapping[type[Any], Callable[[Any], list[Cell]]] = MappingProxyType(
    {
        OutboundAccountPosition: _balances,
        PortfolioMarginOutboundAccountPosition: _margin_balances,
        BalanceUpdate: _transfer,
        PortfolioMarginBalanceUpdate: _margin_transfer,
        ExternalLockUpdate: _lock,
        AccountUpdate: _account,
        BalancePositionUpdate: _options_holdings,
        UserLiabilityChange: _user_liability,
        LiabilityChange: _liability,
        UnifiedLiabilityChange: _unified_liability,
        OpenOrderLoss: _reserved,
        MarginLevelStatusChange: _margin_level,
        RiskLevelChange: _risk_level,
        OptionsRiskLevelChange: _options_risk,
        MarginCall: _margin_call,
        OptionsAccountUpdate: _options_totals,
        PmProAccountUpdate: _pro_totals,
        GreekUpdate: _greeks,
        AccountConfigUpdate: _config,
    }
)
"""What makes a line of an event of one of these classes, or of one derived from it."""
