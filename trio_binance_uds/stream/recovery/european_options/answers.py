"""The answers of the options routes as values: orders, trades, positions, exercises and the account, read strictly.

The pages differ in their words and numbers: an order that waits is ``NEW`` or ``ACCEPTED``, a canceled one ``CANCELED``
or ``CANCELLED``, and the history writes the quantities of sales with a minus.

Source: Binance Options Trading, "Trade" and "Account" (2026-05-28).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs

from trio_binance_uds.events import (
    FuturesOrderType,
    FuturesTimeInForce,
    OptionsAccountUpdate,
    OptionsOrderTradeUpdate,
    OrderStatus,
    SelfTradePreventionMode,
    Side,
)
from trio_binance_uds.events.fields import Kind
from trio_binance_uds.stream.recovery.reading import amount, each, flag, integer, member, moment, text, whole
from trio_binance_uds.wire.values import converter

Key = tuple[str, int]
"""An order: its symbol and its id."""

ZERO = Decimal(0)
FINAL_STATUSES = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})
_OTHER_WORDS: Mapping[str, str] = MappingProxyType({"ACCEPTED": "NEW", "CANCELLED": "CANCELED"})

_side = converter(Kind.CHOICE, Side, can_be_none=False)
_type = converter(Kind.CHOICE, FuturesOrderType, can_be_none=False)
_time_in_force = converter(Kind.CHOICE, FuturesTimeInForce, can_be_none=False)
_status = converter(Kind.CHOICE, OrderStatus, can_be_none=False)
_stp_mode = converter(Kind.CHOICE, SelfTradePreventionMode, can_be_none=False)


@attrs.frozen(kw_only=True)
class OrderAnswer:
    """An order as ``openOrders``, ``historyOrders`` or ``order`` told it."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    symbol: str
    order_id: int
    client_order_id: str | None
    side: Side | str
    type: FuturesOrderType | str | None
    time_in_force: FuturesTimeInForce | str | None
    price: Decimal
    quantity: Decimal
    executed: Decimal
    average_price: Decimal
    status: OrderStatus | str
    is_reduce_only: bool | None
    stp_mode: SelfTradePreventionMode | str | None
    quote_asset: str
    created: datetime
    updated: datetime

    @property
    def key(self) -> Key:
        return (self.symbol, self.order_id)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def progress(self) -> tuple[bool, Decimal, datetime]:
        """What never falls in the life of an order: of two answers the greater one is the newer one."""
        return (self.is_final, self.executed, self.updated)

    @classmethod
    def read(cls, raw: Any) -> OrderAnswer:
        word = member(raw, "status", text)
        mode = raw.get("selfTradePreventionMode")
        return cls(
            raw=raw,
            symbol=member(raw, "symbol", text),
            order_id=member(raw, "orderId", integer),
            client_order_id=member(raw, "clientOrderId", text),
            side=member(raw, "side", _side),
            type=member(raw, "type", _type),
            time_in_force=member(raw, "timeInForce", _time_in_force),
            price=member(raw, "price", amount),
            quantity=abs(member(raw, "quantity", amount)),
            executed=abs(member(raw, "executedQty", amount)),
            average_price=member(raw, "avgPrice", amount),
            status=_status(_OTHER_WORDS.get(word, word)),
            is_reduce_only=member(raw, "reduceOnly", flag),
            stp_mode=None if mode is None else member(raw, "selfTradePreventionMode", _stp_mode),
            quote_asset=member(raw, "quoteAsset", text),
            created=member(raw, "createDate" if "createDate" in raw else "createTime", moment),
            updated=member(raw, "updateTime", moment),
        )

    @classmethod
    def of_update(cls, told: OptionsOrderTradeUpdate) -> OrderAnswer:
        """Return an order as it was told: what stands where no answer knows more."""
        return cls(
            raw=told.raw,
            symbol=told.symbol,
            order_id=told.order_id,
            client_order_id=told.client_order_id,
            side=told.side,
            type=told.original_order_type,
            time_in_force=told.time_in_force,
            price=told.original_price,
            quantity=told.original_quantity,
            executed=told.filled_accumulated_quantity,
            average_price=told.average_price or ZERO,
            status=told.order_status,
            is_reduce_only=told.is_reduce_only,
            stp_mode=told.self_trade_prevention_mode,
            quote_asset=told.commission_asset or "",
            created=told.transaction_time,
            updated=told.transaction_time,
        )


@attrs.frozen(kw_only=True)
class TradeAnswer:
    """A trade of ``userTrades``; its fee is negative when charged, as in the events."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    symbol: str
    order_id: int
    trade_id: int
    price: Decimal
    quantity: Decimal
    fee: Decimal
    realized_profit: Decimal
    is_buyer: bool
    is_maker: bool
    quote_asset: str
    time: datetime

    @property
    def key(self) -> Key:
        return (self.symbol, self.order_id)

    @property
    def identity(self) -> tuple[str, int, int]:
        """Two orders of one account can meet in one trade."""
        return (self.symbol, self.trade_id, self.order_id)

    @property
    def but_for_its_number(self) -> Hashable:
        """What an update that lacks the trade still says of it."""
        return (self.symbol, self.order_id, self.time, self.price, self.quantity)

    @property
    def signed_quantity(self) -> Decimal:
        return self.quantity if self.is_buyer else -self.quantity

    @property
    def cash(self) -> Decimal:
        """By how much it changed the wallet: the premium, and the fee."""
        return self.fee - self.signed_quantity * self.price

    @classmethod
    def read(cls, raw: Any) -> TradeAnswer:
        return cls(
            raw=raw,
            symbol=member(raw, "symbol", text),
            order_id=member(raw, "orderId", integer),
            trade_id=member(raw, "tradeId", integer),
            price=member(raw, "price", amount),
            quantity=abs(member(raw, "quantity", amount)),
            fee=member(raw, "fee", amount),
            realized_profit=member(raw, "realizedProfit", amount),
            is_buyer=member(raw, "side", text) == "BUY",
            is_maker=member(raw, "liquidity", text) == "MAKER",
            quote_asset=member(raw, "quoteAsset", text),
            time=member(raw, "time", moment),
        )


@attrs.frozen(kw_only=True)
class PositionAnswer:
    """A position: its size, negative when short, and at which prices it was entered and is marked."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    symbol: str
    quantity: Decimal
    entry_price: Decimal
    mark_price: Decimal
    quote_asset: str

    @property
    def cost(self) -> Decimal:
        """What was paid for it, which is negative for what was received."""
        return self.quantity * self.entry_price

    @property
    def cost_error(self) -> Decimal:
        """By how much that can be wrong, as an average price is told with a limited number of digits."""
        exponent = self.entry_price.as_tuple().exponent
        return abs(self.quantity) * Decimal(1).scaleb(int(exponent))

    @property
    def value(self) -> Decimal:
        return self.quantity * self.mark_price

    @classmethod
    def read(cls, raw: Any) -> PositionAnswer:
        quantity = abs(member(raw, "quantity", amount))
        return cls(
            raw=raw,
            symbol=member(raw, "symbol", text),
            quantity=-quantity if member(raw, "side", text) == "SHORT" else quantity,
            entry_price=member(raw, "entryPrice", amount),
            mark_price=member(raw, "markPrice", amount),
            quote_asset=member(raw, "quoteAsset", text),
        )


@attrs.frozen(kw_only=True)
class ExerciseAnswer:
    """A position that was settled when its symbol expired, and what was paid or received for it."""

    symbol: str
    quantity: Decimal
    amount: Decimal
    fee: Decimal
    time: datetime

    @classmethod
    def read(cls, raw: Any) -> ExerciseAnswer:
        return cls(
            symbol=member(raw, "symbol", text),
            quantity=abs(member(raw, "quantity", amount)),
            amount=abs(member(raw, "amount", amount)),
            fee=abs(member(raw, "fee", amount)),
            time=member(raw, "createDate", moment),
        )


@attrs.frozen(kw_only=True)
class AssetAnswer:
    """One asset of the account."""

    asset: str
    margin_balance: Decimal
    equity: Decimal
    adjusted_equity: Decimal | None
    unrealized_pnl: Decimal
    initial_margin: Decimal
    maintenance_margin: Decimal


@attrs.frozen(kw_only=True)
class AccountAnswer:
    """The account, with its greeks by underlying: delta, gamma, theta and vega."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    time: datetime
    assets: tuple[AssetAnswer, ...]
    greeks: Mapping[str, tuple[Decimal, Decimal, Decimal, Decimal]]
    is_reduce_only: bool

    @classmethod
    def read(cls, raw: Any) -> AccountAnswer:
        return cls(
            raw=raw,
            time=member(raw, "time", moment),
            assets=tuple([_asset(row) for row in each(member(raw, "asset", whole))]),
            greeks={
                member(row, "underlying", text): (
                    member(row, "delta", amount),
                    member(row, "gamma", amount),
                    member(row, "theta", amount),
                    member(row, "vega", amount),
                )
                for row in each(member(raw, "greek", whole))
            },
            is_reduce_only=member(raw, "reduceOnly", flag),
        )


def _asset(row: Any) -> AssetAnswer:
    return AssetAnswer(
        asset=member(row, "asset", text),
        margin_balance=member(row, "marginBalance", amount),
        equity=member(row, "equity", amount),
        adjusted_equity=member(row, "adjustedEquity", amount) if "adjustedEquity" in row else None,
        unrealized_pnl=member(row, "unrealizedPNL", amount),
        initial_margin=member(row, "initialMargin", amount),
        maintenance_margin=member(row, "maintMargin", amount),
    )


Totals = tuple[Decimal | None, ...]
"""The figures of an :class:`OptionsAccountUpdate`, to see if they have changed."""


def totals_of(update: OptionsAccountUpdate) -> Totals:
    return (
        update.equity,
        update.adjusted_equity,
        update.wallet_balance,
        update.position_value,
        update.unrealized_pnl,
        update.initial_margin,
        update.maintenance_margin,
    )
