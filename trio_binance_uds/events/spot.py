"""The events of a Binance Spot user data stream.

The names are those of Binance's documents in snake_case. Amounts are ``Decimal`` with the digits that the venue
sent, times are aware UTC ``datetime`` exact to the wire's unit, and what a report does not carry is ``None``.

Source: Binance Spot, "User Data Streams", with the CHANGELOG up to 2026-07-17 (2026-07-21).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import ClassVar

import attrs
from attrs import field

from trio_binance_uds.events.base import KnownEvent, Shown
from trio_binance_uds.events.enums import (
    ContingencyType,
    ContingencyTypeWord,
    ExecutionType,
    ExecutionTypeWord,
    ExpiryReason,
    ExpiryReasonWord,
    ListOrderStatus,
    ListOrderStatusWord,
    ListStatusType,
    ListStatusTypeWord,
    MatchType,
    MatchTypeWord,
    OrderStatus,
    OrderStatusWord,
    OrderType,
    OrderTypeWord,
    PegOffsetType,
    PegOffsetTypeWord,
    PegPriceType,
    PegPriceTypeWord,
    RejectReason,
    RejectReasonWord,
    SelfTradePreventionMode,
    SelfTradePreventionModeWord,
    Side,
    SideWord,
    TimeInForce,
    TimeInForceWord,
    WorkingFloor,
    WorkingFloorWord,
)
from trio_binance_uds.events.fields import amount, choice, first_of, flag, integer, items, secret, text, time
from trio_binance_uds.events.order_ids import is_of_the_venue


@attrs.frozen(kw_only=True, weakref_slot=False)
class ExecutionReport(KnownEvent):
    """An order was accepted, filled, amended, canceled, rejected, or has expired.

    Find an order of yours by ``placed_client_order_id``, which is the same in every report of the order. On the wire
    the client order id of a canceled order is that of the cancellation, and an amendment changes it.

    Several reports can share one ``transaction_time``. ``execution_id`` rises with each report of a symbol but skips
    numbers: a jump is not a lost event. In a recovered report it is ``None``, except in one of an amendment, because
    no query tells it. What is still open of an order is ``order_quantity`` less ``cumulative_filled_quantity`` less
    ``prevented_quantity``. A contingent order is reported as ``NEW`` twice: when placed, and when triggered.

    Attributes:
        placed_client_order_id: the client order id under which the order was placed. Of an order that was amended
            before the stream began, or in the gap in which it was placed, it is the one after that amendment. It is
            ``None`` in the recovered reports of an order that was both placed and canceled inside a gap, because the
            venue then tells only the cancellation's id.

    Source: Binance Spot, "User Data Streams", "Order Update" and "Conditional Fields in Execution Report" (2026-07-21).
    """

    is_told_once: ClassVar[bool] = True

    symbol: str = field(metadata=text("s", "The symbol; it may hold non-ASCII letters.", core=True))
    client_order_id: str | None = field(
        metadata=text("c", "The client order id; after a cancel or an amend the new one.", takes_number=True)
    )
    side: Side | SideWord = field(metadata=choice(Side, "S", "Buy or sell.", core=True))
    order_type: OrderType | OrderTypeWord | None = field(metadata=choice(OrderType, "o", "The type of the order."))
    time_in_force: TimeInForce | TimeInForceWord | None = field(
        metadata=choice(TimeInForce, "f", "How long the order stays.")
    )
    order_quantity: Decimal = field(metadata=amount("q", "The quantity ordered; an amend changes it.", core=True))
    order_price: Decimal = field(
        metadata=amount("p", "The limit price; 0 for market orders and pegs without one.", core=True)
    )
    stop_price: Decimal | None = field(metadata=amount("P", "The trigger price; 0 when there is none."))
    iceberg_quantity: Decimal | None = field(
        metadata=amount("F", "The visible part of an iceberg; 0 when it is not one.")
    )
    order_list_id: int | None = field(metadata=integer("g", "The list that the order belongs to; -1 outside a list."))
    original_client_order_id: str | None = field(
        metadata=text(
            "C",
            "The client order id before a cancel or an amend; otherwise empty or null.",
            nullable=True,
            takes_number=True,
        )
    )
    execution_type: ExecutionType | ExecutionTypeWord = field(
        metadata=choice(ExecutionType, "x", "What has just happened.", core=True)
    )
    order_status: OrderStatus | OrderStatusWord = field(
        metadata=choice(OrderStatus, "X", "The state of the order now.", core=True)
    )
    reject_reason: RejectReason | RejectReasonWord | None = field(
        metadata=choice(RejectReason, "r", "Why it was rejected, or NONE.")
    )
    order_id: int = field(metadata=integer("i", "The venue's order id, unique within its symbol.", core=True))
    last_executed_quantity: Decimal = field(
        metadata=amount("l", "The quantity of this fill; 0 unless a trade.", core=True)
    )
    cumulative_filled_quantity: Decimal = field(metadata=amount("z", "The quantity filled so far.", core=True))
    last_executed_price: Decimal = field(metadata=amount("L", "The price of this fill; 0 unless a trade.", core=True))
    commission_amount: Decimal | None = field(
        metadata=amount("n", "The commission on this fill; 0 when there is none.")
    )
    commission_asset: str | None = field(
        metadata=text("N", "The asset of the commission; null when there is none.", nullable=True)
    )
    transaction_time: datetime = field(metadata=time("T", "When the matching engine did it.", core=True))
    trade_id: int | None = field(metadata=integer("t", "The trade; -1 unless a trade, and -1 for SOR allocations."))
    execution_id: int | None = field(
        metadata=integer("I", "The report; it rises within a symbol, and skips numbers. None when recovered.")
    )
    is_on_book: bool | None = field(metadata=flag("w", "Whether the order is on the book."))
    is_maker: bool | None = field(metadata=flag("m", "Whether this fill was on the maker side."))
    is_best_match: bool | None = field(metadata=flag("M", "Documented as to be ignored; true on trades."))
    order_creation_time: datetime | None = field(
        metadata=time("O", "When the order was created; -1 when the venue does not know.", nullable=True)
    )
    cumulative_quote_quantity: Decimal | None = field(
        metadata=amount("Z", "The quote asset transacted so far; divided by the filled quantity, the average price.")
    )
    last_quote_quantity: Decimal | None = field(metadata=amount("Y", "The quote asset transacted by this fill."))
    quote_order_quantity: Decimal | None = field(
        metadata=amount("Q", "The order's size in quote asset; 0 without one.")
    )
    self_trade_prevention_mode: SelfTradePreventionMode | SelfTradePreventionModeWord | None = field(
        metadata=choice(SelfTradePreventionMode, "V", "What happens if it would meet an order of its own group.")
    )
    working_time: datetime | None = field(
        default=None, metadata=time("W", "When the order went on the book; only if it is or was there.", optional=True)
    )
    trailing_delta: int | None = field(
        default=None, metadata=integer("d", "The distance in basis points; only on trailing stops.", optional=True)
    )
    trailing_time: datetime | None = field(
        default=None, metadata=time("D", "When trailing began; only on trailing stops, once active.", optional=True)
    )
    strategy_id: int | None = field(
        default=None, metadata=integer("j", "The user's strategy; only if given with the order.", optional=True)
    )
    strategy_type: int | None = field(
        default=None, metadata=integer("J", "The type of the strategy; only if given with the order.", optional=True)
    )
    prevented_match_id: int | None = field(
        default=None, metadata=integer("v", "The prevented match; only after self-trade prevention.", optional=True)
    )
    prevented_quantity: Decimal | None = field(
        default=None,
        metadata=amount("A", "The quantity taken off so far; only after self-trade prevention.", optional=True),
    )
    last_prevented_quantity: Decimal | None = field(
        default=None,
        metadata=amount("B", "The quantity taken off now; only when the execution is TRADE_PREVENTION.", optional=True),
    )
    trade_group_id: int | None = field(
        default=None,
        metadata=integer("u", "The trade group; only after self-trade prevention, -1 for none.", optional=True),
    )
    counter_order_id: int | None = field(
        default=None,
        metadata=integer("U", "The order it would have met; only after self-trade prevention.", optional=True),
    )
    counter_symbol: str | None = field(
        default=None,
        metadata=text("Cs", "The symbol of the counter order; only after self-trade prevention.", optional=True),
    )
    prevented_execution_quantity: Decimal | None = field(
        default=None,
        metadata=amount("pl", "The quantity that was not traded; only after self-trade prevention.", optional=True),
    )
    prevented_execution_price: Decimal | None = field(
        default=None,
        metadata=amount("pL", "The price that was not traded at; only after self-trade prevention.", optional=True),
    )
    prevented_execution_quote_quantity: Decimal | None = field(
        default=None,
        metadata=amount("pY", "The quote asset that was not traded; only after self-trade prevention.", optional=True),
    )
    match_type: MatchType | MatchTypeWord | None = field(
        default=None, metadata=choice(MatchType, "b", "How it was matched; only with allocations.", optional=True)
    )
    allocation_id: int | None = field(
        default=None, metadata=integer("a", "The allocation; only with allocations.", optional=True)
    )
    working_floor: WorkingFloor | WorkingFloorWord | None = field(
        default=None,
        metadata=choice(WorkingFloor, "k", "Where it works; only on orders that may have allocations.", optional=True),
    )
    used_sor: bool | None = field(
        default=None, metadata=flag("uS", "Whether smart order routing was used; only on SOR orders.", optional=True)
    )
    peg_price_type: PegPriceType | PegPriceTypeWord | None = field(
        default=None,
        metadata=choice(PegPriceType, "gP", "Which price it follows; only on pegged orders.", optional=True),
    )
    peg_offset_type: PegOffsetType | PegOffsetTypeWord | None = field(
        default=None,
        metadata=choice(PegOffsetType, "gOT", "What the offset counts; only on pegs placed with one.", optional=True),
    )
    peg_offset_value: int | None = field(
        default=None, metadata=integer("gOV", "The offset, at most 100; only on pegs placed with one.", optional=True)
    )
    pegged_price: Decimal | None = field(
        default=None,
        metadata=amount("gp", "The price it is pegged at now; only on pegged orders, once determined.", optional=True),
    )
    expiry_reason: ExpiryReason | ExpiryReasonWord | None = field(
        default=None, metadata=choice(ExpiryReason, "eR", "Why it expired; only when it has.", optional=True)
    )

    placed_client_order_id: str | None = first_of("original_client_order_id", "client_order_id")

    @property
    def is_venue_order(self) -> bool:
        """Whether its client order id is one that the venue gives to orders of its own, such as a liquidation.

        Binance documents these ids for futures. For margin it documents none: there an order of the venue's shows as
        one that nobody of yours has placed.
        """
        return is_of_the_venue(self.placed_client_order_id)

    @property
    def identity(self) -> tuple[Hashable, ...]:
        if self.execution_id is not None:
            return ("executionReport", self.symbol, self.execution_id)
        # Recovered: no query tells the id, so what has happened must tell the reports of an order apart.
        return (
            "executionReport",
            self.symbol,
            None,
            self.order_id,
            self.execution_type,
            self.order_status,
            self.transaction_time,
            self.trade_id,
            self.allocation_id,
            self.prevented_match_id,
            self.cumulative_filled_quantity,
            self.order_quantity,
        )


@attrs.frozen(kw_only=True, weakref_slot=False)
class Balance(Shown):
    """One asset of an :class:`OutboundAccountPosition`, in absolute amounts."""

    asset: str = field(metadata=text("a", "The asset.", core=True))
    free: Decimal = field(metadata=amount("f", "What is free.", core=True))
    locked: Decimal = field(metadata=amount("l", "What is locked by orders or from outside.", core=True))


@attrs.frozen(kw_only=True, weakref_slot=False)
class OutboundAccountPosition(KnownEvent):
    """Balances changed: the absolute balances of the assets that may have, after the reports that it belongs to.

    Source: Binance Spot, "User Data Streams", "Account Update" (2026-07-21).
    """

    last_account_update: datetime = field(
        metadata=time("u", "When the account last changed: the transaction time of the report that did it.", core=True)
    )
    balances: tuple[Balance, ...] = field(metadata=items(Balance, "B", "The assets that may have changed.", core=True))


@attrs.frozen(kw_only=True, weakref_slot=False)
class BalanceUpdate(KnownEvent):
    """A deposit, a withdrawal, or a transfer between wallets.

    Do not add it to balances kept from :class:`OutboundAccountPosition`: that event tells the same change.

    Source: Binance Spot, "User Data Streams", "Balance Update" (2026-07-21).
    """

    asset: str = field(metadata=text("a", "The asset.", core=True))
    balance_delta: Decimal = field(
        metadata=amount("d", "By how much the free balance changed; negative when it left.", core=True)
    )
    clear_time: datetime = field(metadata=time("T", "When it was booked.", core=True))


@attrs.frozen(kw_only=True, weakref_slot=False)
class ExternalLockUpdate(KnownEvent):
    """Part of a balance was locked or unlocked from outside spot trading, for example as collateral for margin.

    Source: Binance Spot, "User Data Streams", "External Lock Update" (2026-07-21).
    """

    asset: str = field(metadata=text("a", "The asset.", core=True))
    delta: Decimal = field(
        metadata=amount("d", "By how much the locked balance changed; negative when unlocked.", core=True)
    )
    transaction_time: datetime = field(metadata=time("T", "When it was done.", core=True))


@attrs.frozen(kw_only=True, weakref_slot=False)
class ListStatusOrder(Shown):
    """One order of a :class:`ListStatus`."""

    symbol: str = field(metadata=text("s", "The symbol.", core=True))
    order_id: int = field(metadata=integer("i", "The venue's order id.", core=True))
    client_order_id: str | None = field(metadata=text("c", "The client order id.", takes_number=True))


@attrs.frozen(kw_only=True, weakref_slot=False)
class ListStatus(KnownEvent):
    """An order list changed; each of its orders sends its own :class:`ExecutionReport` besides.

    Source: Binance Spot, "User Data Streams", "List Status" (2026-07-21).
    """

    symbol: str = field(metadata=text("s", "The symbol.", core=True))
    order_list_id: int = field(metadata=integer("g", "The list.", core=True))
    contingency_type: ContingencyType | ContingencyTypeWord | None = field(
        metadata=choice(ContingencyType, "c", "How its orders depend on each other.")
    )
    list_status_type: ListStatusType | ListStatusTypeWord = field(
        metadata=choice(ListStatusType, "l", "What has just happened.", core=True)
    )
    list_order_status: ListOrderStatus | ListOrderStatusWord = field(
        metadata=choice(ListOrderStatus, "L", "The state of the list.", core=True)
    )
    list_reject_reason: RejectReason | RejectReasonWord | None = field(
        metadata=choice(RejectReason, "r", "Why the list was rejected, or NONE.")
    )
    list_client_order_id: str | None = field(
        metadata=text("C", "The client order id of the list itself.", takes_number=True)
    )
    transaction_time: datetime = field(metadata=time("T", "When the matching engine did it.", core=True))
    orders: tuple[ListStatusOrder, ...] = field(metadata=items(ListStatusOrder, "O", "The orders of the list."))

    @property
    def identity(self) -> tuple[Hashable, ...]:
        return (
            "listStatus",
            self.order_list_id,
            self.transaction_time,
            self.list_status_type,
            self.list_order_status,
        )


@attrs.frozen(kw_only=True, weakref_slot=False)
class EventStreamTerminated(KnownEvent):
    """The subscription has ended: it was given up, its session logged out, or its token ran out.

    Source: Binance Spot, "User Data Streams", "Event Stream Terminated" (2026-07-21).
    """

    is_about_the_link: ClassVar[bool] = True


@attrs.frozen(kw_only=True, weakref_slot=False)
class ServerShutdown(KnownEvent):
    """The server is going to close this connection soon; it belongs to no subscription.

    Source: Binance Spot, WebSocket API, "Server shutdown", and CHANGELOG of 2026-03-09 and 2026-06-09 (2026-07-21).
    """

    is_about_the_link: ClassVar[bool] = True


@attrs.frozen(kw_only=True, weakref_slot=False)
class ListenKeyExpired(KnownEvent):
    """The listen key has run out, and nothing more will come by it although the socket stays open.

    Spot listen keys were retired on 2026-02-20; the event is kept for streams that still have them. Its
    ``event_time`` is a string on the wire.

    Source: Binance Spot, "User Data Streams", "Listen Key Expired", as of 2025-04-08 (2026-07-21).
    """

    is_about_the_link: ClassVar[bool] = True

    listen_key: str | None = field(
        default=None, repr=False, metadata=secret("listenKey", "The key that has expired; a secret.", optional=True)
    )

    @property
    def identity(self) -> tuple[Hashable, ...]:
        # Identities end up in debuggers and logs: a digest tells keys apart without showing them.
        key = self.listen_key
        return ("listenKeyExpired", None if key is None else sha256(key.encode("utf-8", "replace")).hexdigest()[:16])


CONTROL_EVENTS: tuple[type[KnownEvent], ...] = (EventStreamTerminated, ListenKeyExpired, ServerShutdown)
"""The events that say something of the connection or the subscription itself; whatever they lack, they say it."""

SPOT_EVENTS: Mapping[str, type[KnownEvent]] = MappingProxyType(
    {
        "executionReport": ExecutionReport,
        "outboundAccountPosition": OutboundAccountPosition,
        "balanceUpdate": BalanceUpdate,
        "externalLockUpdate": ExternalLockUpdate,
        "listStatus": ListStatus,
        "eventStreamTerminated": EventStreamTerminated,
        "serverShutdown": ServerShutdown,
        "listenKeyExpired": ListenKeyExpired,
    }
)
"""The typed event for each value of the wire's ``e``."""
