"""What events say that a trader lives on: facts, each to be told once, and states, of which the last told must be true.

A fact is a fill, the end of an order or of a conditional order, a change of a debt, or a change of a level. States are
wallets, positions and levels.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from datetime import datetime
from typing import Any

import attrs

import trio_binance_uds as uds

FINAL = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH", "FINISHED"})


@attrs.frozen(kw_only=True)
class Fact:
    """Something that has happened once.

    Attributes:
        kind: for people, such as ``fill``.
        key: what tells it from all others of its kind.
        order: whose order it is about: account, business unit, symbol, id.
        trade: of a fill, its place among those of the symbol.
        figures: of a fill: quantity, price, commission and its asset, filled so far, maker or taker, profit; of a debt:
            principal and interest.
        passes: whether no query tells of it afterwards, so that any gap may swallow it.
        is_swallowed: whether the next one of its kind says the same and more, so that nothing shows if it was not sent.
    """

    kind: str
    key: Hashable
    at: datetime
    order: tuple[Any, ...] | None = None
    trade: int | None = None
    figures: tuple[Any, ...] = ()
    passes: bool = False
    is_swallowed: bool = False

    @property
    def name(self) -> tuple[str, Hashable]:
        """The key among facts of all kinds."""
        return self.kind, self.key


def facts_of(event: object) -> Iterator[Fact]:
    """Return what an event says has happened."""
    match event:
        case uds.ExecutionReport() | uds.OrderTradeUpdate() | uds.OptionsOrderTradeUpdate():
            yield from _facts_of_order(event)
        case uds.AlgoUpdate(algo_status=status):
            if status in FINAL:
                key = (event.account, _unit(event), event.algo_id, str(status))
                yield Fact(kind="end of a conditional order", key=key, at=event.transaction_time)
        case uds.ConditionalOrderTradeUpdate(order_status=status):
            if status in FINAL:
                key = (event.account, _unit(event), event.strategy_id, str(status))
                yield Fact(kind="end of a conditional order", key=key, at=event.transaction_time)
        case uds.OrderReport(order_status=status):
            order = (event.account, event.order_id)
            if status in ("partially_filled", "filled"):
                key, figures = (*order, event.filled_quantity), (event.filled_notional, event.price)
                yield Fact(kind="fill", key=key, at=event.update_time, order=order, figures=figures, is_swallowed=True)
            if status in ("filled", "canceled", "expired"):
                yield Fact(kind="end of an order", key=(*order, str(status)), at=event.update_time, order=order)
        case uds.UserLiabilityChange():
            # No amount is borrowed or repaid twice within an hour, and interest is charged by the hour.
            hour = event.event_time.replace(minute=0, second=0, microsecond=0)
            is_loan = event.liability_type == "BORROW"
            amount = event.principal if is_loan else event.principal + (event.interest or 0)
            key = (event.asset, str(event.liability_type), amount, hour)
            figures = (event.principal, event.interest)
            yield Fact(kind="change of a debt", key=key, at=event.event_time, figures=figures)
        case uds.MarginLevelStatusChange() | uds.RiskLevelChange():
            if not event.recovered:
                (state,) = states_of(event).values()
                yield Fact(kind="change of a level", key=(state, event.event_time), at=event.event_time, passes=True)


def order_of(event: uds.Event) -> Hashable:
    """Return the order that an event is about; ``None``: of none, or of one whose history goes by its last change."""
    match event:
        case uds.OrderTradeUpdate() | uds.OptionsOrderTradeUpdate():
            return (event.account, _unit(event), event.symbol, event.order_id)
        case uds.AlgoUpdate():
            return (event.account, _unit(event), "conditional", event.algo_id)
        case uds.ConditionalOrderTradeUpdate():
            return (event.account, _unit(event), "conditional", event.strategy_id)
        case uds.OrderReport():
            return (event.account, event.order_id)
    return None


def _facts_of_order(event: uds.ExecutionReport | uds.OrderTradeUpdate | uds.OptionsOrderTradeUpdate) -> Iterator[Fact]:
    order = (event.account, _unit(event), event.symbol, event.order_id)
    if event.execution_type == "TRADE":
        key, trade, figures = (*order, event.trade_id), event.trade_id, _figures(event)
        yield Fact(kind="fill", key=key, at=event.transaction_time, order=order, trade=trade, figures=figures)
    if event.order_status in FINAL:
        status = str(event.order_status)
        yield Fact(kind="end of an order", key=(*order, status), at=event.transaction_time, order=order)


def _figures(event: uds.ExecutionReport | uds.OrderTradeUpdate | uds.OptionsOrderTradeUpdate) -> tuple[Any, ...]:
    if isinstance(event, uds.ExecutionReport):
        return (
            event.last_executed_quantity,
            event.last_executed_price,
            event.commission_amount,
            event.commission_asset,
            event.cumulative_filled_quantity,
            event.is_maker,
        )
    return (
        event.last_filled_quantity,
        event.last_filled_price,
        event.commission,
        event.commission_asset,
        event.filled_accumulated_quantity,
        event.is_maker,
        event.realized_profit,
    )


def states_of(event: uds.Event) -> dict[Hashable, Hashable]:
    """Return what an event says is so from now on: by what is meant, the value."""
    account, found = event.account, dict[Hashable, Hashable]()
    match event:
        case uds.OutboundAccountPosition(balances=balances):
            found.update({(account, row.asset): (row.free, row.locked) for row in balances})
        case uds.AccountUpdate(balances=wallets, positions=positions):
            unit = _unit(event)
            for wallet in wallets:
                found[account, unit, wallet.asset] = (wallet.wallet_balance, wallet.cross_wallet_balance)
            for held in positions:
                found[account, unit, held.symbol, str(held.position_side)] = held.position_amount
        case uds.BalancePositionUpdate(balances=options_wallets, positions=options_positions):
            found.update({(account, row.asset): row.balance for row in options_wallets})
            found.update({(account, row.symbol): row.quantity for row in options_positions})
        case uds.MarginLevelStatusChange(margin_level_status=level) | uds.RiskLevelChange(risk_level=level):
            found[account, "level"] = str(level)
        case uds.PmProAccountUpdate():
            found[account, "totals"] = (event.uni_mmr, event.account_equity, event.maintenance_margin)
    return found


def _unit(event: object) -> str | None:
    unit = getattr(event, "business_unit", None)
    return None if unit is None else str(unit)
