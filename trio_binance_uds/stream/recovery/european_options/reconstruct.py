"""From what was told and what the options routes answered to the events that were missed, and to what is in doubt.

It is one pure function: no question is asked here, and nothing is remembered. Positions and wallets are explained if
what was last told, and the fills since, give what there is now: by that, a fill that no answer shows is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from enum import IntEnum
from itertools import product
from typing import Any

import attrs

from trio_binance_uds.events import (
    BalancePositionUpdate,
    Event,
    FuturesExecutionType,
    OptionsBalance,
    OptionsOrderTradeUpdate,
    OptionsPosition,
    OrderStatus,
)
from trio_binance_uds.stream.recovery.european_options.answers import ZERO, Key, TradeAnswer
from trio_binance_uds.stream.recovery.european_options.evidence import Evidence, OrderFacts, Taken
from trio_binance_uds.stream.recovery.european_options.knowledge import Knowledge, Told
from trio_binance_uds.stream.recovery.european_options.reports import (
    account_update,
    balances_and_positions,
    greek_update,
    plain,
    risk_level_change,
    update_of,
)
from trio_binance_uds.stream.recovery.timing import ANSWERS_LAG, BETWEEN_SERVERS

_PRICE_STEP = Decimal("0.00000001")


@attrs.frozen(kw_only=True)
class Doubt:
    """Something that does not fit together, so that something may be missing.

    Attributes:
        text: for people.
        key: the order that it is about, if it is about one.
        symbol: the position that it is about, if it is about one.
    """

    text: str
    key: Key | None = None
    symbol: str | None = None


@attrs.frozen
class Reconstruction:
    """The missed events in the order in which they are to be told, and the doubts."""

    events: tuple[Event, ...]
    doubts: tuple[Doubt, ...]


class Rank(IntEnum):
    """In which order things that share a millisecond are told."""

    NEW = 1
    FILL = 2
    END = 3


Place = tuple[datetime, Rank, int]
_Change = tuple[datetime, Decimal]


@attrs.frozen
class _Amount:
    """An amount as it was answered, beside what was told of it and what has changed since.

    Attributes:
        now: the amount itself; where the answer may be wrong by a little, what explains it.
        unexplained: what of it is not what was told and what has changed since.
        latest: when the last of the changes that are in it was made.
    """

    now: Decimal
    unexplained: Decimal = ZERO
    latest: datetime | None = None


def reconstruct(knowledge: Knowledge, evidence: Evidence) -> Reconstruction:
    """Return what was missed, as far as the answers show it."""
    placed: list[tuple[Place, Event]] = []
    doubts: list[Doubt] = []
    for facts in evidence.facts():
        placed += reports_of(facts)
        doubts += _doubts_about(facts, evidence)
    if lagging := evidence.lagging_symbols():
        doubts.append(Doubt(text=f"the history of {', '.join(lagging)} is behind"))
    for symbol, order_id in evidence.strangers():
        doubts.append(
            Doubt(text=f"order {order_id} of {symbol} has traded, but cannot be found", key=(symbol, order_id))
        )
    placed.sort(key=lambda pair: pair[0])
    events = [event for _, event in placed]
    holdings, found = _holdings(knowledge, evidence, [place[0] for place, _ in placed])
    wallet = _wallet_of_now(knowledge, evidence, holdings)
    snapshots = _snapshots(knowledge, evidence, wallet)
    return Reconstruction((*events, *holdings, *snapshots), (*doubts, *found))


# Orders.


def reports_of(facts: OrderFacts) -> Iterator[tuple[Place, OptionsOrderTradeUpdate]]:
    """Return the reports of an order that were missed, each with its place among all that was."""
    order = facts.order
    filled, lost = facts.filled_before, facts.lost_before()
    average = (facts.told.average_price or ZERO) if facts.told is not None else ZERO
    if facts.told is None and not facts.is_born and filled:
        cost = order.average_price * order.executed - sum((fill.price * fill.quantity for fill in facts.fills), ZERO)
        average = cost / filled
    if facts.is_born and order.status != "REJECTED":
        fresh: dict[str, Any] = {
            "order_status": OrderStatus.NEW,
            "average_price": ZERO,
            "filled_accumulated_quantity": ZERO,
        }
        yield (order.created, Rank.NEW, 0), update_of(order, transaction_time=order.created, **fresh)
    reached = order.created
    for fill in facts.fills:
        average = (average * filled + fill.price * fill.quantity) / (filled + fill.quantity)
        # What is lacking has no price that is known; the answer has the average with it.
        filled, lost = filled + lost + fill.quantity, ZERO
        if filled == order.executed:
            average = order.average_price
        reached = max(reached, fill.time)
        yield (
            (reached, Rank.FILL, fill.trade_id),
            update_of(
                order,
                FuturesExecutionType.TRADE,
                raw={"trade": fill.raw},
                transaction_time=fill.time,
                order_status=OrderStatus.FILLED if filled >= order.quantity else OrderStatus.PARTIALLY_FILLED,
                average_price=average.quantize(_PRICE_STEP).normalize() + ZERO,
                filled_accumulated_quantity=filled,
                last_filled_quantity=fill.quantity,
                last_filled_price=fill.price,
                commission_asset=fill.quote_asset,
                commission=fill.fee,
                trade_id=fill.trade_id,
                is_maker=fill.is_maker,
                realized_profit=fill.realized_profit,
            ),
        )
    if order.is_final and order.status not in ("FILLED", "REJECTED"):
        kind = FuturesExecutionType.CANCELED if order.status == "CANCELED" else FuturesExecutionType.EXPIRED
        yield (order.updated, Rank.END, 0), update_of(order, kind)


def _doubts_about(facts: OrderFacts, evidence: Evidence) -> Iterator[Doubt]:
    order = facts.order
    name, missing = f"order {order.order_id} of {order.symbol}", facts.missing_quantity()
    if missing:
        amount, side = plain(abs(missing)), "more" if missing > 0 else "less"
        yield Doubt(text=f"{name} is filled by {amount} {side} than its trades say", key=order.key)
    if order.key in evidence.not_found:
        yield Doubt(text=f"{name} cannot be found any more", key=order.key)
    elif evidence.is_gone(order.key) and not order.is_final and order.key not in evidence.asked_for_status:
        yield Doubt(text=f"{name} is neither among the open orders nor known to have ended", key=order.key)


# Wallets and positions.


def _holdings(
    knowledge: Knowledge, evidence: Evidence, times: list[datetime]
) -> tuple[list[BalancePositionUpdate], list[Doubt]]:
    """Return the update with what there is now of what has changed, and what of it is not explained."""
    if evidence.positions is None or evidence.account is None:
        return [], []
    assert evidence.positions_taken is not None, "they come together"
    assert evidence.account_taken is not None, "they come together"
    doubts: list[Doubt] = []
    fills = evidence.untold_fills()
    positions: list[OptionsPosition] = []
    latest: list[datetime] = []
    for symbol in sorted({*knowledge.positions, *evidence.positions, *[fill.symbol for fill in fills]}):
        told, row = knowledge.told_position(symbol), evidence.positions.get(symbol)
        now = ZERO if row is None else row.quantity
        changes = [(fill.time, fill.signed_quantity) for fill in fills if fill.symbol == symbol]
        changes += [
            (fill.transaction_time, fill.last_filled_quantity * (1 if fill.side == "BUY" else -1))
            for fill in knowledge.unsettled
            if fill.symbol == symbol
        ]
        held = _amount_of(told, now, changes, evidence.positions_taken)
        latest += [held.latest] if held.latest is not None else []
        if held.unexplained and not (row is None and symbol in evidence.exercises):
            text = f"the position in {symbol} is {plain(held.unexplained)} off what its fills say"
            doubts.append(Doubt(text=text, symbol=symbol))
        if _is_to_be_told(told, held, evidence.positions_taken):
            value, entry = (ZERO, ZERO) if row is None else (row.value, row.entry_price)
            positions.append(
                OptionsPosition(symbol=symbol, quantity=held.now, position_value=value, average_entry_price=entry)
            )
    balances: list[OptionsBalance] = []
    for asset, wallet in sorted((evidence.wallets() or {}).items()):
        told, error = knowledge.told_wallet(asset), evidence.wallet_error(asset)
        held = _amount_of(told, wallet, _changes_of_wallet(knowledge, asset, fills), evidence.account_taken, error)
        latest += [held.latest] if held.latest is not None else []
        if held.unexplained and not _is_settled(held.unexplained, evidence):
            doubts.append(Doubt(text=f"{held.unexplained.normalize():+f} {asset} is not explained"))
        if _is_to_be_told(told, held, evidence.account_taken, error):
            change = None if told is None else held.unexplained
            balances.append(OptionsBalance(asset=asset, balance=held.now, balance_change=change))
    if not balances and not positions:
        return [], doubts
    # Their changes are in them, also where our clock says that these came after the answers.
    known = [*latest, *[time for time in times if time <= evidence.account_taken.asked]]
    if knowledge.newest is not None:
        known.append(knowledge.newest)
    at = max(known) if known else evidence.account.time
    raw = {"account": evidence.account.raw, "positions": [row.raw for row in evidence.positions.values()]}
    return [balances_and_positions(at, balances, positions, raw)], doubts


def _changes_of_wallet(knowledge: Knowledge, asset: str, fills: list[TradeAnswer]) -> list[_Change]:
    changes = [(fill.time, fill.cash) for fill in fills if fill.quote_asset == asset]
    changes += [(fill.transaction_time, _cash(fill)) for fill in knowledge.unsettled if fill.commission_asset == asset]
    return changes


def _is_to_be_told(told: Told | None, held: _Amount, taken: Taken, error: Decimal = ZERO) -> bool:
    """Whether an amount is news; one that nothing explains may be older than what was told shortly before."""
    if told is None:
        return True
    return abs(held.now - told.amount) > error and not (held.unexplained and told.at > taken.asked - ANSWERS_LAG)


def _cash(fill: OptionsOrderTradeUpdate) -> Decimal:
    sign = 1 if fill.side == "BUY" else -1
    return (fill.commission or ZERO) - sign * fill.last_filled_quantity * fill.last_filled_price


def _is_settled(amount: Decimal, evidence: Evidence) -> bool:
    """Whether exercises make up an amount: which of them pay and which receive is not told."""
    exercises = list(evidence.exercises.values())
    if not 0 < len(exercises) <= 8:
        return False
    fees = sum((exercise.fee for exercise in exercises), ZERO)
    signs = product((1, -1), repeat=len(exercises))
    return any(
        sum((sign * exercise.amount for sign, exercise in zip(some, exercises, strict=True)), -fees) == amount
        for some in signs
    )


def _amount_of(
    told: Told | None, answered: Decimal, changes: list[_Change], taken: Taken, error: Decimal = ZERO
) -> _Amount:
    """Return what an answer that may be wrong by ``error`` says of an amount.

    What happened about the time of asking may be in it or not, and so what happened when it was told.
    """
    if told is None:
        return _Amount(answered)
    later = sorted(change for change in changes if change[0] >= told.at)
    certain = sum(time < taken.asked - BETWEEN_SERVERS for time, _ in later)
    most = sum(time <= taken.answered + BETWEEN_SERVERS for time, _ in later)
    # The baseline was taken while the stream had begun already.
    at_once = sum(time <= told.until for time, _ in later)
    amounts = [amount for _, amount in later]
    for first in range(at_once + 1):
        for last in range(certain, most + 1):
            expected = told.amount + sum(amounts[first : max(first, last)], ZERO)
            if abs(expected - answered) <= error:
                return _Amount(expected, latest=later[last - 1][0] if last else None)
    return _Amount(answered, answered - told.amount - sum(amounts[:certain], ZERO))


# Totals.


def _wallet_of_now(
    knowledge: Knowledge, evidence: Evidence, holdings: Iterable[BalancePositionUpdate]
) -> Decimal | None:
    """Return the wallet of the main asset as the user knows it when this is told, or as it was concluded."""
    asset, wallets = evidence.main_asset(), evidence.wallets()
    if asset is None or wallets is None:
        return None
    balances = {row.asset: row.balance for update in holdings for row in update.balances}
    told = knowledge.told_wallet(asset.asset)
    return balances.get(asset.asset, wallets[asset.asset] if told is None else told.amount)


def _snapshots(knowledge: Knowledge, evidence: Evidence, wallet: Decimal | None) -> Iterator[Event]:
    """Return what is told anew as a whole, if it has changed."""
    account, asset = evidence.account, evidence.main_asset()
    if account is None:
        return
    totals = evidence.totals(wallet)
    if totals is not None and totals != knowledge.totals:
        yield account_update(account, totals)
    if knowledge.greeks is not None and dict(account.greeks) != dict(knowledge.greeks):
        yield greek_update(account)
    level = evidence.risk_level(account)
    if asset is not None and knowledge.risk_level is not None and level != knowledge.risk_level:
        yield risk_level_change(account, asset, level)
