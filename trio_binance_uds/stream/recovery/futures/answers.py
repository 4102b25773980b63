"""The venue's answers as values: orders, fills, amendments, balances, positions and income, read strictly.

What an order's query and its report have in common is read by the declaration of the report's field, so that both
have one meaning. An answer that cannot be read is refused as a whole: half of it would be mistaken for all of it.

Source: Binance USD-M and COIN-M Futures and Portfolio Margin, "Account" and "Trade" (2026-05-28), with the change log
up to 2026-08-26.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs

from trio_binance_uds.events import OrderTradeUpdate
from trio_binance_uds.events.fields import Kind, wire_fields
from trio_binance_uds.stream.recovery.reading import amount, each, flag, integer, member, moment, text, whole
from trio_binance_uds.wire.values import converter

Key = tuple[str, int]
"""An order: its symbol and its id, which is unique within the symbol only."""

PositionKey = tuple[str, str]
"""A position: its symbol and its side."""

FINAL_STATUSES = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})
ZERO = Decimal(0)

moment_or_none: Callable[[Any], Any] = converter(Kind.TIME, None, can_be_none=True, none=0)
"""Reads a time for which 0 stands where there is none."""

# The fields of a report by the name that the queries have for them; all orders have those of the first table.
_ALWAYS = {
    "symbol": "symbol",
    "orderId": "order_id",
    "clientOrderId": "client_order_id",
    "side": "side",
    "positionSide": "position_side",
    "type": "order_type",
    "timeInForce": "time_in_force",
    "origQty": "original_quantity",
    "price": "original_price",
    "avgPrice": "average_price",
    "executedQty": "filled_accumulated_quantity",
    "status": "order_status",
    "reduceOnly": "is_reduce_only",
    "updateTime": "order_trade_time",
}
_SOMETIMES = {
    "stopPrice": "stop_price",
    "origType": "original_order_type",
    "workingType": "stop_price_working_type",
    "closePosition": "is_close_all",
    "activatePrice": "activation_price",
    "priceRate": "callback_rate",
    "priceProtect": "is_price_protected",
    "selfTradePreventionMode": "self_trade_prevention_mode",
    "priceMatch": "price_match_mode",
}


def readers(of: type[Any], names: Mapping[str, str]) -> Mapping[str, tuple[str, Callable[[Any], Any]]]:
    """Return for each name of a query the field of the event, and what reads it."""
    declared = {field.name: field for field in wire_fields(of)}
    return MappingProxyType(
        {
            query: (name, converter(declared[name].kind, declared[name].of, can_be_none=False))
            for query, name in names.items()
        }
    )


_READ_ALWAYS = readers(OrderTradeUpdate, _ALWAYS)
_READ_SOMETIMES = readers(OrderTradeUpdate, _SOMETIMES)


def time_of(report: OrderTradeUpdate) -> datetime:
    """Return when an order changed, by its report."""
    return report.order_trade_time or report.transaction_time


@attrs.frozen(kw_only=True)
class OrderAnswer:
    """An order as one of the queries told it, or as the last report of it did.

    Attributes:
        state: the fields of an :class:`OrderTradeUpdate` that the answer has, by their names there, and
            ``good_till_date``.
        created: when it was placed; ``None`` where nobody said so.
    """

    state: Mapping[str, Any] = attrs.field(repr=False)
    raw: Mapping[str, Any] = attrs.field(repr=False)
    symbol: str
    order_id: int
    status: str
    quantity: Decimal
    price: Decimal
    executed: Decimal
    average_price: Decimal
    created: datetime | None
    updated: datetime

    @property
    def key(self) -> Key:
        return (self.symbol, self.order_id)

    @property
    def client_order_id(self) -> str:
        value: str | None = self.state["client_order_id"]
        return value or ""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def terms(self) -> tuple[Decimal, Decimal]:
        """What an amendment changes: quantity and price."""
        return (self.quantity, self.price)

    @property
    def progress(self) -> tuple[bool, Decimal, datetime]:
        """What never falls in the life of an order: of two answers the greater one is the newer one."""
        return (self.is_final, self.executed, self.updated)

    @classmethod
    def read(cls, raw: Any) -> OrderAnswer:
        state = {name: member(raw, query, convert) for query, (name, convert) in _READ_ALWAYS.items()}
        for query, (name, convert) in _READ_SOMETIMES.items():
            if raw.get(query) is not None:
                state[name] = member(raw, query, convert)
        state["good_till_date"] = member(raw, "goodTillDate", moment_or_none) if raw.get("goodTillDate") else None
        created = member(raw, "time", moment) if "time" in raw else None
        return cls._of(state, raw, created)

    @classmethod
    def of_report(cls, report: OrderTradeUpdate, created: datetime | None) -> OrderAnswer:
        """Return an order as its report told it: what stands where no answer knows more."""
        # What a report lacks although every report should have it is None, also in what is recovered of its order.
        state = {name: getattr(report, name) for name in _ALWAYS.values()}
        state |= {name: value for name in _SOMETIMES.values() if (value := getattr(report, name)) is not None}
        state["order_trade_time"] = time_of(report)
        state["good_till_date"] = getattr(report, "good_till_date", None)
        return cls._of(state, report.raw, created)

    @classmethod
    def _of(cls, state: Mapping[str, Any], raw: Mapping[str, Any], created: datetime | None) -> OrderAnswer:
        return cls(
            state=state,
            raw=raw,
            symbol=state["symbol"],
            order_id=state["order_id"],
            status=state["order_status"],
            quantity=state["original_quantity"],
            price=state["original_price"],
            executed=state["filled_accumulated_quantity"],
            average_price=state["average_price"] or ZERO,
            created=created,
            updated=state["order_trade_time"],
        )


@attrs.frozen(kw_only=True)
class FillAnswer:
    """A trade of ``userTrades``, or what a report told of one: one side of it, where both orders were of the account.

    Attributes:
        margin_asset: what its profit is in, where that was said.
    """

    raw: Mapping[str, Any] = attrs.field(repr=False)
    symbol: str
    order_id: int
    trade_id: int
    price: Decimal
    quantity: Decimal
    commission: Decimal
    commission_asset: str | None
    realized_profit: Decimal
    time: datetime
    is_buyer: bool
    is_maker: bool
    position_side: str
    margin_asset: str | None

    @property
    def key(self) -> Key:
        return (self.symbol, self.order_id)

    @property
    def but_for_its_number(self) -> Hashable:
        """What a report that lacks the trade still says of it."""
        return (self.key, self.time, self.price, self.quantity)

    @property
    def position(self) -> PositionKey:
        return (self.symbol, self.position_side)

    @property
    def signed_quantity(self) -> Decimal:
        """By how much it changed its position; a short one is negative."""
        return self.quantity if self.is_buyer else -self.quantity

    @classmethod
    def read(cls, raw: Any) -> FillAnswer:
        return cls(
            raw=raw,
            symbol=member(raw, "symbol", text),
            order_id=member(raw, "orderId", integer),
            trade_id=member(raw, "id", integer),
            price=member(raw, "price", amount),
            quantity=member(raw, "qty", amount),
            commission=member(raw, "commission", amount),
            commission_asset=member(raw, "commissionAsset", text),
            realized_profit=member(raw, "realizedPnl", amount),
            time=member(raw, "time", moment),
            is_buyer=member(raw, "buyer", flag),
            is_maker=member(raw, "maker", flag),
            position_side=member(raw, "positionSide", text),
            margin_asset=member(raw, "marginAsset", text) if "marginAsset" in raw else None,
        )

    @classmethod
    def of_report(cls, report: OrderTradeUpdate) -> FillAnswer:
        """Return the trade that a report told."""
        return cls(
            raw=report.raw,
            symbol=report.symbol,
            order_id=report.order_id,
            trade_id=report.trade_id or 0,
            price=report.last_filled_price,
            quantity=report.last_filled_quantity,
            commission=report.commission or ZERO,
            commission_asset=report.commission_asset,
            realized_profit=report.realized_profit or ZERO,
            time=time_of(report),
            is_buyer=report.side == "BUY",
            is_maker=bool(report.is_maker),
            position_side=str(report.position_side or "BOTH"),
            margin_asset=getattr(report, "margin_asset", None),
        )


@attrs.frozen(kw_only=True)
class AmendmentAnswer:
    """One modification of an order, as ``orderAmendment`` told it; ``old`` and ``new`` are quantity and price."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    amendment_id: int
    old: tuple[Decimal, Decimal]
    new: tuple[Decimal, Decimal]
    time: datetime

    @classmethod
    def read(cls, raw: Any) -> AmendmentAnswer:
        change = member(raw, "amendment", whole)
        price, quantity = member(change, "price", whole), member(change, "origQty", whole)
        return cls(
            raw=raw,
            amendment_id=member(raw, "amendmentId", integer),
            old=(member(quantity, "before", amount), member(price, "before", amount)),
            new=(member(quantity, "after", amount), member(price, "after", amount)),
            time=member(raw, "time", moment),
        )


@attrs.frozen(kw_only=True)
class BalanceAnswer:
    """One asset: the wallet, its part that backs cross positions, and when it last changed (``None``: it never did)."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    asset: str
    wallet: Decimal
    cross_wallet: Decimal
    updated: datetime | None
    account_alias: str | None

    @classmethod
    def read(cls, raw: Any) -> BalanceAnswer:
        cross = member(raw, "crossWalletBalance", amount)
        return cls(
            raw=raw,
            asset=member(raw, "asset", text),
            # Under Portfolio Margin nothing is isolated, and there is only the one number.
            wallet=member(raw, "balance", amount) if "balance" in raw else cross,
            cross_wallet=cross,
            updated=member(raw, "updateTime", moment_or_none),
            account_alias=member(raw, "accountAlias", text) if "accountAlias" in raw else None,
        )


def read_balances(raw: Any) -> dict[str, BalanceAnswer]:
    """Read the balances by asset; an account of Portfolio Margin has them among its ``assets``."""
    rows = member(raw, "assets", whole) if type(raw) is dict else raw
    return {row.asset: row for row in map(BalanceAnswer.read, each(rows))}


@attrs.frozen(kw_only=True)
class PositionAnswer:
    """One position, and when it last changed (``None``: it never did); what the query does not tell is ``None``."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    symbol: str
    side: str
    amount: Decimal
    entry_price: Decimal
    breakeven_price: Decimal | None
    unrealized_pnl: Decimal
    margin_type: str | None
    isolated_wallet: Decimal | None
    margin_asset: str | None
    leverage: int | None
    updated: datetime | None

    @property
    def key(self) -> PositionKey:
        return (self.symbol, self.side)

    @classmethod
    def read(cls, raw: Any) -> PositionAnswer:
        def maybe(name: str, convert: Callable[[Any], Any]) -> Any:
            return member(raw, name, convert) if name in raw else None

        return cls(
            raw=raw,
            symbol=member(raw, "symbol", text),
            side=member(raw, "positionSide", text),
            amount=member(raw, "positionAmt", amount),
            entry_price=member(raw, "entryPrice", amount),
            breakeven_price=maybe("breakEvenPrice", amount),
            unrealized_pnl=member(raw, "unRealizedProfit", amount),
            margin_type=maybe("marginType", text),
            isolated_wallet=maybe("isolatedWallet", amount),
            margin_asset=maybe("marginAsset", text),
            leverage=maybe("leverage", integer),
            updated=member(raw, "updateTime", moment_or_none),
        )


def read_positions(raw: Any) -> dict[PositionKey, PositionAnswer]:
    """Read the positions by symbol and side."""
    return {row.key: row for row in map(PositionAnswer.read, each(raw))}


@attrs.frozen(kw_only=True)
class IncomeAnswer:
    """One movement of a wallet, of any kind: profit, commission, funding, a transfer."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    symbol: str
    kind: str
    asset: str
    amount: Decimal
    time: datetime
    transaction_id: int
    trade_id: int | None

    @property
    def is_of_trade(self) -> bool:
        """Whether it is part of a fill, which tells it as well."""
        return self.kind in ("COMMISSION", "REALIZED_PNL") and self.trade_id is not None

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells it from other movements: a trade has several, and a transaction id is of one kind only."""
        return (self.kind, self.symbol, self.asset, self.transaction_id, self.trade_id, self.time, self.amount)

    @classmethod
    def read(cls, raw: Any) -> IncomeAnswer:
        return cls(
            raw=raw,
            symbol=member(raw, "symbol", text),
            kind=member(raw, "incomeType", text),
            asset=member(raw, "asset", text),
            amount=member(raw, "income", amount),
            time=member(raw, "time", moment),
            transaction_id=member(raw, "tranId", integer),
            trade_id=member(raw, "tradeId", integer) if raw.get("tradeId") else None,
        )


def read_leverages(raw: Any) -> dict[str, int]:
    """Read the leverage of each symbol of a ``symbolConfig``."""
    return {member(row, "symbol", text): member(row, "leverage", integer) for row in each(raw)}


def read_multi_assets_mode(raw: Any) -> bool:
    """Read whether multi-assets mode is on from an ``accountConfig``."""
    mode: bool = member(raw, "multiAssetsMargin", flag)
    return mode
