"""The events of what places orders of its own, on futures: conditional (algo) orders, strategies and grids.

Source: Binance USD-M and COIN-M Futures and Portfolio Margin, "User Data Streams" (2026-05-28), with the change log up
to 2026-08-21.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import ClassVar

import attrs
from attrs import field

from trio_binance_uds.events.base import KnownEvent
from trio_binance_uds.events.derivatives_enums import (
    AlgoStatus,
    AlgoStatusWord,
    AlgoType,
    AlgoTypeWord,
    BusinessUnit,
    BusinessUnitWord,
    FuturesOrderType,
    FuturesOrderTypeWord,
    FuturesTimeInForce,
    FuturesTimeInForceWord,
    PositionSide,
    PositionSideWord,
    PriceMatchMode,
    PriceMatchModeWord,
    StrategyStatus,
    StrategyStatusWord,
    WorkingType,
    WorkingTypeWord,
)
from trio_binance_uds.events.enums import SelfTradePreventionMode, SelfTradePreventionModeWord, Side, SideWord
from trio_binance_uds.events.fields import amount, choice, flag, integer, text, time


@attrs.frozen(kw_only=True, weakref_slot=False)
class AlgoUpdate(KnownEvent):
    """A conditional order was accepted, activated, triggered, or has ended.

    Once it is triggered, a real order of another id lives its life in order reports. A trailing stop is reported as
    ``NEW`` twice: when placed, and when activated. COIN-M does not document the event, although its conditional orders
    moved to algo routes on 2026-06-30; it is read there in the same way.

    Source: Binance USD-M Futures and Portfolio Margin, "Event: Algo Order Update" (2026-05-28), with the change log of
    2026-08-07.
    """

    is_told_once: ClassVar[bool] = True

    transaction_time: datetime = field(metadata=time("T", "When it was done.", core=True))
    client_algo_id: str | None = field(
        metadata=text("o|ao.caid", "The client's id of the algo order.", takes_number=True)
    )
    algo_id: int = field(metadata=integer("o|ao.aid", "The venue's id of the algo order.", core=True))
    algo_type: AlgoType | AlgoTypeWord | None = field(
        metadata=choice(AlgoType, "o|ao.at", "The kind of the algo order.")
    )
    order_type: FuturesOrderType | FuturesOrderTypeWord | None = field(
        metadata=choice(FuturesOrderType, "o|ao.o", "The type of the order.")
    )
    symbol: str = field(metadata=text("o|ao.s", "The symbol.", core=True))
    side: Side | SideWord = field(metadata=choice(Side, "o|ao.S", "Buy or sell.", core=True))
    position_side: PositionSide | PositionSideWord | None = field(
        metadata=choice(PositionSide, "o|ao.ps", "The position that it is for.")
    )
    time_in_force: FuturesTimeInForce | FuturesTimeInForceWord | None = field(
        metadata=choice(FuturesTimeInForce, "o|ao.f", "How long the order stays.")
    )
    quantity: Decimal = field(metadata=amount("o|ao.q", "The quantity ordered.", core=True))
    algo_status: AlgoStatus | AlgoStatusWord = field(
        metadata=choice(AlgoStatus, "o|ao.X", "The state of the algo order now.", core=True)
    )
    order_id: int | None = field(
        metadata=integer("o|ao.ai", "The real order; a text on the wire, empty before.", nullable=True, none="")
    )
    average_price: Decimal | None = field(
        default=None,
        metadata=amount("o|ao.ap", "The real order's average price; 0 or absent before.", optional=True),
    )
    executed_quantity: Decimal | None = field(
        default=None,
        metadata=amount("o|ao.aq", "The real order's filled quantity; 0 or absent before.", optional=True),
    )
    actual_order_type: FuturesOrderType | FuturesOrderTypeWord | None = field(
        default=None,
        metadata=choice(FuturesOrderType, "o|ao.act", 'The real order\'s type; "0" or absent before.', optional=True),
    )
    trigger_price: Decimal = field(metadata=amount("o|ao.tp", "The trigger price; 0 on trailing stops.", core=True))
    price: Decimal = field(metadata=amount("o|ao.p", "The limit price; 0 for market orders.", core=True))
    self_trade_prevention_mode: SelfTradePreventionMode | SelfTradePreventionModeWord | None = field(
        metadata=choice(SelfTradePreventionMode, "o|ao.V", "What happens if it would meet an order of its own group.")
    )
    working_type: WorkingType | WorkingTypeWord | None = field(
        metadata=choice(WorkingType, "o|ao.wt", "Which price triggers it.")
    )
    price_match_mode: PriceMatchMode | PriceMatchModeWord | None = field(
        metadata=choice(PriceMatchMode, "o|ao.pm", "Which price of the book it takes.")
    )
    is_close_all: bool | None = field(metadata=flag("o|ao.cp", "Whether it closes the whole position."))
    is_price_protected: bool | None = field(metadata=flag("o|ao.pP", "Whether price protection is on."))
    is_reduce_only: bool | None = field(metadata=flag("o|ao.R", "Whether it may only reduce a position."))
    trigger_time: datetime | None = field(
        metadata=time("o|ao.tt", "When it was triggered; 0 on the wire before.", nullable=True, none=0)
    )
    good_till_date: datetime | None = field(
        metadata=time("o|ao.gtd", "When it will be canceled; 0 on the wire for never.", nullable=True, none=0)
    )
    failed_reason: str | None = field(
        default=None, metadata=text("o|ao.rm", "Why it failed; only when it has.", optional=True)
    )
    is_activated: bool | None = field(
        default=None,
        metadata=flag(
            "o|ao.ia", "Whether trailing has started; of meaning on trailing stops, not before 2026-08.", optional=True
        ),
    )
    business_unit: BusinessUnit | BusinessUnitWord | None = field(
        default=None, metadata=choice(BusinessUnit, "fs", "Which futures; only under Portfolio Margin.", optional=True)
    )

    @property
    def placed_client_order_id(self) -> str | None:
        """The client's id under which the conditional order was placed."""
        return self.client_algo_id


@attrs.frozen(kw_only=True, weakref_slot=False)
class StrategyUpdate(KnownEvent):
    """A strategy, such as a grid, was started, changed, or has ended.

    Operation codes: 8001 parameters changed, 8002 canceled by the user, 8003 an order placed or canceled by hand,
    8004 stop limit reached, 8005 liquidated, 8006 too many open orders, 8007 new grid order, 8008 margin too small,
    8009 price out of range, 8010 market closed or paused, 8011 closing failed, 8012 notional above the cap, 8013 not
    eligible (identity or region), 8014 quantitative rules violated (on COIN-M: may only reduce positions), 8015
    position empty or liquidated.

    Source: Binance USD-M and COIN-M Futures, "Event: STRATEGY_UPDATE" (2026-05-28).
    """

    transaction_time: datetime = field(metadata=time("T", "When it was done.", core=True))
    strategy_id: int = field(metadata=integer("su.si", "The strategy.", core=True))
    strategy_type: str | None = field(metadata=text("su.st", "The type of the strategy, such as GRID."))
    strategy_status: StrategyStatus | StrategyStatusWord = field(
        metadata=choice(StrategyStatus, "su.ss", "Its state now.", core=True)
    )
    symbol: str = field(metadata=text("su.s", "The symbol.", core=True))
    update_time: datetime | None = field(metadata=time("su.ut", "When the strategy last changed."))
    op_code: int | None = field(metadata=integer("su.c", "The operation code: what has just happened."))


@attrs.frozen(kw_only=True, weakref_slot=False)
class GridUpdate(KnownEvent):
    """An order of a grid was filled, in part or wholly.

    Newer lists of pages mark the event as deprecated.

    Source: Binance USD-M and COIN-M Futures, "Event: GRID_UPDATE" (2026-05-28).
    """

    transaction_time: datetime = field(metadata=time("T", "When it was done.", core=True))
    strategy_id: int = field(metadata=integer("gu.si", "The strategy.", core=True))
    strategy_type: str | None = field(metadata=text("gu.st", "The type of the strategy: GRID."))
    strategy_status: StrategyStatus | StrategyStatusWord = field(
        metadata=choice(StrategyStatus, "gu.ss", "Its state now.", core=True)
    )
    symbol: str = field(metadata=text("gu.s", "The symbol.", core=True))
    realized_pnl: Decimal | None = field(metadata=amount("gu.r", "The profit realised."))
    unmatched_average_price: Decimal | None = field(metadata=amount("gu.up", "The average price of what is unmatched."))
    unmatched_quantity: Decimal | None = field(
        metadata=amount("gu.uq", "The quantity that is unmatched; negative when short.")
    )
    unmatched_fee: Decimal | None = field(metadata=amount("gu.uf", "The fee on what is unmatched."))
    matched_pnl: Decimal | None = field(metadata=amount("gu.mp", "The profit of what is matched."))
    update_time: datetime | None = field(metadata=time("gu.ut", "When the strategy last changed."))
