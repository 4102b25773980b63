"""The venue's answers as values: orders, trades, amendments, order lists and balances, read strictly.

What an order's query and its report have in common is read by the declaration of the report's field, so that both
have one meaning. An answer that cannot be read is refused as a whole: half of it would be mistaken for all of it.

Source: Binance Spot, WebSocket API, "Account requests" (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import attrs

from trio_binance_uds.events import ContingencyType, ExecutionReport, ListOrderStatus, ListStatusType
from trio_binance_uds.events.fields import Kind, wire_fields
from trio_binance_uds.stream.recovery.reading import amount, each, flag, integer, member, moment, text, whole
from trio_binance_uds.wire.values import converter

Key = tuple[str, int]
"""An order: its symbol and its id, which is unique within the symbol only."""

OPEN_STATUSES = frozenset({"NEW", "PENDING_NEW", "PARTIALLY_FILLED", "PENDING_CANCEL"})
FINAL_STATUSES = frozenset({"FILLED", "CANCELED", "REJECTED", "EXPIRED", "EXPIRED_IN_MATCH"})
CONTINGENT_TYPES = frozenset({"STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT"})

# The fields of a report by the name that the queries have for them; all orders have those of the first table.
_ALWAYS = {
    "symbol": "symbol",
    "orderId": "order_id",
    "orderListId": "order_list_id",
    "clientOrderId": "client_order_id",
    "price": "order_price",
    "origQty": "order_quantity",
    "executedQty": "cumulative_filled_quantity",
    "cummulativeQuoteQty": "cumulative_quote_quantity",
    "status": "order_status",
    "timeInForce": "time_in_force",
    "type": "order_type",
    "side": "side",
    "stopPrice": "stop_price",
    "icebergQty": "iceberg_quantity",
    "updateTime": "transaction_time",
    "isWorking": "is_on_book",
    "origQuoteOrderQty": "quote_order_quantity",
    "selfTradePreventionMode": "self_trade_prevention_mode",
}
_SOMETIMES = {
    "time": "order_creation_time",
    "workingTime": "working_time",
    "trailingDelta": "trailing_delta",
    "trailingTime": "trailing_time",
    "strategyId": "strategy_id",
    "strategyType": "strategy_type",
    "preventedMatchId": "prevented_match_id",
    "preventedQuantity": "prevented_quantity",
    "usedSor": "used_sor",
    "workingFloor": "working_floor",
    "pegPriceType": "peg_price_type",
    "pegOffsetType": "peg_offset_type",
    "pegOffsetValue": "peg_offset_value",
    "peggedPrice": "pegged_price",
    "expiryReason": "expiry_reason",
}


def _readers(names: Mapping[str, str], *, can_be_none: bool) -> Mapping[str, tuple[str, Callable[[Any], Any]]]:
    declared = {field.name: field for field in wire_fields(ExecutionReport)}
    return MappingProxyType(
        {
            query: (name, converter(declared[name].kind, declared[name].of, can_be_none=can_be_none))
            for query, name in names.items()
        }
    )


_ZERO = Decimal(0)

_READ_ALWAYS = _readers(_ALWAYS, can_be_none=False)
_READ_SOMETIMES = _readers(_SOMETIMES, can_be_none=True)
QUERIED: Mapping[str, str] = MappingProxyType({**_ALWAYS, **_SOMETIMES})
"""The fields of a report that queries tell, by their names there."""


@attrs.frozen(kw_only=True)
class OrderAnswer:
    """An order as ``openOrders.status``, ``allOrders`` or ``order.status`` told it.

    Attributes:
        state: the fields of an :class:`ExecutionReport` that the answer has, by their names there.
        untold: those that an answer of its kind should have and this one has not.
    """

    state: Mapping[str, Any] = attrs.field(repr=False)
    raw: Mapping[str, Any] = attrs.field(repr=False)
    untold: frozenset[str] = frozenset()
    symbol: str
    order_id: int
    list_id: int
    status: str
    type: str
    quantity: Decimal
    executed: Decimal
    quote_executed: Decimal
    prevented: Decimal
    created: datetime
    updated: datetime
    working_since: datetime | None

    @property
    def key(self) -> Key:
        return (self.symbol, self.order_id)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL_STATUSES

    @property
    def progress(self) -> tuple[bool, Decimal, Decimal, datetime]:
        """What never falls in the life of an order: of two answers the greater one is the newer one."""
        return (self.is_final, self.executed, self.prevented, self.updated)

    @classmethod
    def read(cls, raw: Any) -> OrderAnswer:
        state = {name: member(raw, query, convert) for query, (name, convert) in _READ_ALWAYS.items()}
        for query, (name, convert) in _READ_SOMETIMES.items():
            if raw.get(query) is not None:
                state[name] = member(raw, query, convert)
        return cls.of_state(state, raw)

    @classmethod
    def of_state(
        cls, state: Mapping[str, Any], raw: Mapping[str, Any], untold: frozenset[str] = frozenset()
    ) -> OrderAnswer:
        """Return an order of these fields."""
        return cls(
            state=state,
            raw=raw,
            untold=untold,
            symbol=state["symbol"],
            order_id=state["order_id"],
            list_id=-1 if (list_id := state["order_list_id"]) is None else list_id,
            status=state["order_status"],
            type=state["order_type"] or "",
            quantity=state["order_quantity"],
            executed=state["cumulative_filled_quantity"],
            quote_executed=state["cumulative_quote_quantity"] or _ZERO,
            prevented=state.get("prevented_quantity") or _ZERO,
            # The venue does not know it of very old orders.
            created=state.get("order_creation_time") or state["transaction_time"],
            updated=state["transaction_time"],
            working_since=state.get("working_time"),
        )

    @classmethod
    def of_report(cls, report: ExecutionReport) -> OrderAnswer:
        """Return an order as its report told it: what stands where no answer knows more."""
        # What a report lacks although every report should have it is None, also in what is recovered of its order.
        state = {name: getattr(report, name) for name in _ALWAYS.values()}
        state |= {name: value for name in _SOMETIMES.values() if (value := getattr(report, name)) is not None}
        return cls.of_state(state, report.raw)

    def with_state(self, known: Mapping[str, Any]) -> OrderAnswer:
        """Return the order with fields that were untold, and are known otherwise."""
        found = {name: value for name, value in known.items() if name in self.untold and value is not None}
        return self.of_state({**self.state, **found}, self.raw, self.untold - found.keys()) if found else self


@attrs.frozen(kw_only=True)
class FillAnswer:
    """A trade of ``myTrades``, or an allocation of ``myAllocations``: what smart order routing gives for a trade.

    Attributes:
        commission, commission_asset: ``None`` where the venue does not say them.
    """

    raw: Mapping[str, Any] = attrs.field(repr=False)
    symbol: str
    order_id: int
    trade_id: int
    allocation_id: int | None
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal | None
    commission_asset: str | None
    time: datetime
    is_buyer: bool
    is_maker: bool
    is_best_match: bool

    @property
    def key(self) -> Key:
        return (self.symbol, self.order_id)

    @property
    def but_for_its_number(self) -> Hashable:
        """What a report that lacks the trade still says of it."""
        return (self.key, self.time, self.price, self.quantity)

    @property
    def number(self) -> int:
        """The trade id or the allocation id: it rises within a symbol."""
        return self.trade_id if self.allocation_id is None else self.allocation_id

    @classmethod
    def read_trade(cls, raw: Any) -> FillAnswer:
        return cls(trade_id=member(raw, "id", integer), allocation_id=None, **_fill(raw))

    @classmethod
    def read_allocation(cls, raw: Any) -> FillAnswer:
        return cls(trade_id=-1, allocation_id=member(raw, "allocationId", integer), **_fill(raw))


def _fill(raw: Any) -> dict[str, Any]:
    return {
        "raw": raw,
        "symbol": member(raw, "symbol", text),
        "order_id": member(raw, "orderId", integer),
        "price": member(raw, "price", amount),
        "quantity": member(raw, "qty", amount),
        "quote_quantity": member(raw, "quoteQty", amount),
        "commission": member(raw, "commission", amount),
        "commission_asset": member(raw, "commissionAsset", text),
        "time": member(raw, "time", moment),
        "is_buyer": member(raw, "isBuyer", flag),
        "is_maker": member(raw, "isMaker", flag),
        "is_best_match": member(raw, "isBestMatch", flag) if "isBestMatch" in raw else False,
    }


@attrs.frozen(kw_only=True)
class AmendmentAnswer:
    """One change of an order's quantity, as ``order.amendments`` told it."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    execution_id: int
    old_client_order_id: str
    new_client_order_id: str
    old_quantity: Decimal
    new_quantity: Decimal
    time: datetime

    @classmethod
    def read(cls, raw: Any) -> AmendmentAnswer:
        return cls(
            raw=raw,
            execution_id=member(raw, "executionId", integer),
            old_client_order_id=member(raw, "origClientOrderId", text),
            new_client_order_id=member(raw, "newClientOrderId", text),
            old_quantity=member(raw, "origQty", amount),
            new_quantity=member(raw, "newQty", amount),
            time=member(raw, "time", moment),
        )


@attrs.frozen(kw_only=True)
class PreventionAnswer:
    """A match that self-trade prevention prevented, as ``myPreventedMatches`` told it."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    match_id: int
    maker_symbol: str
    taker_order_id: int
    maker_order_id: int
    trade_group_id: int
    price: Decimal
    taker_prevented: Decimal
    maker_prevented: Decimal
    time: datetime

    def taken_from(self, order_id: int) -> Decimal:
        """Return by how much the match made this order smaller."""
        return self.taker_prevented if order_id == self.taker_order_id else self.maker_prevented

    def counterpart_of(self, order_id: int) -> int:
        return self.maker_order_id if order_id == self.taker_order_id else self.taker_order_id

    @classmethod
    def read(cls, raw: Any) -> PreventionAnswer:
        return cls(
            raw=raw,
            match_id=member(raw, "preventedMatchId", integer),
            maker_symbol=member(raw, "makerSymbol", text),
            taker_order_id=member(raw, "takerOrderId", integer),
            maker_order_id=member(raw, "makerOrderId", integer),
            trade_group_id=member(raw, "tradeGroupId", integer) if "tradeGroupId" in raw else -1,
            price=member(raw, "price", amount),
            taker_prevented=member(raw, "takerPreventedQuantity", amount) if "takerPreventedQuantity" in raw else _ZERO,
            maker_prevented=member(raw, "makerPreventedQuantity", amount) if "makerPreventedQuantity" in raw else _ZERO,
            time=member(raw, "transactTime", moment),
        )


@attrs.frozen(kw_only=True)
class ListAnswer:
    """An order list, as ``openOrderLists.status``, ``allOrderLists`` or ``orderList.status`` told it."""

    raw: Mapping[str, Any] = attrs.field(repr=False)
    list_id: int
    symbol: str
    contingency_type: ContingencyType | str
    status_type: ListStatusType | str
    order_status: ListOrderStatus | str
    client_order_id: str
    time: datetime
    orders: tuple[tuple[str, int, str], ...]

    @property
    def is_done(self) -> bool:
        return self.order_status != "EXECUTING"

    @classmethod
    def read(cls, raw: Any) -> ListAnswer:
        return cls(
            raw=raw,
            list_id=member(raw, "orderListId", integer),
            symbol=member(raw, "symbol", text),
            contingency_type=member(raw, "contingencyType", converter(Kind.CHOICE, ContingencyType, can_be_none=False)),
            status_type=member(raw, "listStatusType", converter(Kind.CHOICE, ListStatusType, can_be_none=False)),
            order_status=member(raw, "listOrderStatus", converter(Kind.CHOICE, ListOrderStatus, can_be_none=False)),
            client_order_id=member(raw, "listClientOrderId", text),
            time=member(raw, "transactionTime", moment),
            orders=tuple(
                [
                    (
                        member(leg, "symbol", text),
                        member(leg, "orderId", integer),
                        member(leg, "clientOrderId", text),
                    )
                    for leg in each(member(raw, "orders", whole))
                ]
            ),
        )


@attrs.frozen(kw_only=True)
class AccountAnswer:
    """The balances of an account: free and locked by asset.

    Attributes:
        updated: when the account last changed, or where that is not told, a time that they are not older than.
        not_after: a time that they are not newer than, where it is not told when the account last changed.
        is_all: whether there is nothing of an asset that is not listed; otherwise it is kept elsewhere.
        names: all assets that were listed, also those of which there is nothing.
    """

    raw: Mapping[str, Any] = attrs.field(repr=False)
    updated: datetime
    not_after: datetime | None = None
    is_all: bool = True
    names: frozenset[str] = attrs.field(default=frozenset(), repr=False)
    balances: Mapping[str, tuple[Decimal, Decimal]]

    @property
    def is_dated(self) -> bool:
        """Whether the venue said when the account last changed."""
        return self.not_after is None

    @property
    def latest(self) -> datetime:
        """When the account last changed at the latest: the venue's own sample has that time in whole seconds."""
        if self.not_after is not None:
            return self.not_after
        return self.updated if self.updated.microsecond else self.updated + timedelta(milliseconds=999)

    def holds(self, asset: str) -> bool:
        """Whether the account is where this asset is kept."""
        return self.is_all or asset in self.balances

    @classmethod
    def read(cls, raw: Any) -> AccountAnswer:
        return cls(
            raw=raw,
            updated=member(raw, "updateTime", moment),
            balances=read_balances(each(member(raw, "balances", whole))),
        )


def read_balances(rows: Iterable[Any]) -> dict[str, tuple[Decimal, Decimal]]:
    """Read free and locked of each asset."""
    return {member(row, "asset", text): (member(row, "free", amount), member(row, "locked", amount)) for row in rows}


def read_assets(raw: Any) -> dict[str, tuple[str, str]]:
    """Read base and quote asset of each symbol of an ``exchangeInfo``."""
    return {
        member(row, "symbol", text): (member(row, "baseAsset", text), member(row, "quoteAsset", text))
        for row in each(member(raw, "symbols", whole))
    }
