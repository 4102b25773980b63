"""From what was told and what the venue answered to the events that were missed, and to what remains in doubt.

It is one pure function: no question is asked here, and nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

import attrs

from trio_binance_uds.events import AccountUpdate, Event
from trio_binance_uds.stream.recovery.futures import reports
from trio_binance_uds.stream.recovery.futures.answers import Key
from trio_binance_uds.stream.recovery.futures.conditional import reports_of as conditional_reports_of
from trio_binance_uds.stream.recovery.futures.evidence import Evidence
from trio_binance_uds.stream.recovery.futures.knowledge import Knowledge
from trio_binance_uds.stream.recovery.futures.ledger import Ledger
from trio_binance_uds.stream.recovery.futures.life import OrderFacts, Place, Rank, reports_of
from trio_binance_uds.stream.recovery.futures.scope import Scope
from trio_binance_uds.stream.recovery.turns import unknown_turn


@attrs.frozen(kw_only=True)
class Doubt:
    """Something that does not fit together, so that something may be missing.

    Attributes:
        text: for people.
        key: the order that it is about, if it is about one.
        conditional: the conditional order, if it is about one.
        asset: the asset of which the wallet changed in a way that is not explained.
        amounts: how much of that change may be unexplained.
        symbol: the symbol of a position that is not explained.
        is_change: whether a modification of an order is missing that its fills do not show.
        is_stale: whether balances or positions are answered as they were before what was told.
        is_lag: whether the venue's database is behind, so that it may lack more than is known.
    """

    text: str
    key: Key | None = None
    conditional: int | None = None
    asset: str | None = None
    amounts: frozenset[Decimal] = frozenset()
    symbol: str | None = None
    is_change: bool = False
    is_lag: bool = False
    is_stale: bool = False

    @property
    def is_about_an_order(self) -> bool:
        """Whether an order may not have been told as it is."""
        return self.key is not None or self.conditional is not None


@attrs.frozen
class Reconstruction:
    """The missed events in the order in which they are to be told, the doubts, and what else there is to say."""

    events: tuple[Event, ...]
    doubts: tuple[Doubt, ...]
    remarks: tuple[str, ...] = ()


def reconstruct(knowledge: Knowledge, evidence: Evidence, scope: Scope) -> Reconstruction:
    """Return what was missed, as far as the answers show it."""
    placed: list[tuple[Place, Event]] = []
    doubts: list[Doubt] = []
    remarks: list[str] = []
    if scope.tells("ORDER_TRADE_UPDATE"):
        facts = evidence.facts()
        for one in facts:
            placed += reports_of(one, scope.dialect, knowledge.account_alias)
            remarks += [unknown_turn(one.order, at) for at in one.unknown_turns()]
            doubts += _doubts_about(one, evidence)
        doubts += _strangers(evidence, {one.order.key for one in facts})
        if lagging := evidence.lagging_symbols():
            doubts.append(Doubt(text=f"the history of {', '.join(lagging)} is behind", is_lag=True))
    if scope.tells_conditionals:
        placed += _conditionals(knowledge, evidence, scope)
        doubts += _doubts_about_conditionals(knowledge, evidence)
    placed.sort(key=lambda pair: pair[0])
    events = [event for _, event in placed]
    if scope.tells("ACCOUNT_UPDATE"):
        ledger = Ledger(knowledge, evidence)
        doubts += _doubts_about_account(ledger, scope)
        events += _account(ledger, knowledge, evidence, scope)
    if scope.tells("ACCOUNT_CONFIG_UPDATE"):
        events += _config(knowledge, evidence, scope)
    marked = tuple([attrs.evolve(event, account=scope.account) for event in events])
    return Reconstruction(marked, tuple(doubts), tuple(remarks))


# Orders.


def _doubts_about(facts: OrderFacts, evidence: Evidence) -> Iterator[Doubt]:
    order = facts.order
    name = f"order {order.order_id} of {order.symbol}"
    missing = facts.missing_quantity()
    if missing > 0:
        yield Doubt(text=f"{name} is filled by {_plain(missing)} more than its trades say", key=order.key)
    elif missing < 0:
        yield Doubt(text=f"{name} is filled by {_plain(-missing)} less than its trades say", key=order.key)
    if facts.has_missing_amendment():
        yield Doubt(text=f"{name} was modified in a way that is not listed", key=order.key, is_change=True)
    if order.key in evidence.not_found:
        yield Doubt(text=f"{name} cannot be found any more", key=order.key)
    elif (
        evidence.open_orders is not None
        and order.key not in evidence.open_orders
        and not order.is_final
        and order.key not in evidence.asked_alone
    ):
        yield Doubt(text=f"{name} is neither among the open orders nor known to have ended", key=order.key)


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _strangers(evidence: Evidence, known: set[Key]) -> Iterator[Doubt]:
    for key in evidence.untold_fills():
        if key not in known:
            yield Doubt(text=f"order {key[1]} of {key[0]} has traded, but cannot be found", key=key)
    for key in evidence.open_orders or ():
        if evidence.was_told_as_ended(key):
            yield Doubt(text=f"order {key[1]} of {key[0]} has ended, but is listed as open", key=key)
    for symbol in evidence.traded_symbols():
        yield Doubt(text=f"the income tells of trades of {symbol} that are not listed", is_lag=True)


# Conditional orders.


def _conditionals(knowledge: Knowledge, evidence: Evidence, scope: Scope) -> Iterator[tuple[Place, Event]]:
    for answer in evidence.conditional_news():
        told = knowledge.conditionals.get(answer.number)
        key = (answer.symbol, answer.order_id or 0)
        order = evidence.orders.get(key)
        rung = None if told is None else told.rung
        for at, event in conditional_reports_of(answer, rung, knowledge.began, order, scope.dialect.conditional.write):
            is_new = at == answer.created
            yield (at, Rank.CONDITIONAL if is_new else Rank.CONDITIONAL_END, answer.number), event


def _doubts_about_conditionals(knowledge: Knowledge, evidence: Evidence) -> Iterator[Doubt]:
    if knowledge.lacks_conditional_routes and knowledge.has_seen_conditionals:
        yield Doubt(text="the venue cannot be asked about conditional orders")
    for number in evidence.missing_conditionals():
        problem = "cannot be found any more" if number in evidence.conditionals_not_found else "was not told about"
        yield Doubt(text=f"conditional order {number} {problem}", conditional=number)


# Balances, positions and settings.


def _doubts_about_account(ledger: Ledger, scope: Scope) -> Iterator[Doubt]:
    if stale := [*ledger.stale_balances(), *[symbol for symbol, _ in ledger.stale_positions()]]:
        yield Doubt(text=f"what is answered of {', '.join(stale)} is older than what was told", is_stale=True)
    if not scope.tells("ORDER_TRADE_UPDATE"):
        return  # Without the fills nothing explains a change.
    for (symbol, side), amount in ledger.unexplained_positions().items():
        text = f"the {side} position of {symbol} has changed by {amount.normalize():+f}, which no known fills explain"
        yield Doubt(text=text, symbol=symbol)
    if ledger.unknown_assets:
        names = ", ".join(ledger.unknown_assets)
        yield Doubt(text=f"what {names} is margined in is not known, so the balances prove nothing")
        return
    for asset, (amount, rest) in ledger.unexplained_balances().items():
        text = f"the wallet has changed by {amount.normalize():+f} {asset}, which fills and income do not explain"
        yield Doubt(text=text, asset=asset, amounts=rest)


def _account(ledger: Ledger, knowledge: Knowledge, evidence: Evidence, scope: Scope) -> Iterator[AccountUpdate]:
    alias = knowledge.account_alias if scope.dialect.names_alias else None
    stale_assets, stale_positions = ledger.stale_balances(), ledger.stale_positions()
    balances = [pair for pair in ledger.changed_balances() if pair[0].asset not in stale_assets]
    if balances:
        at = _latest([balance.updated for balance in ledger.balances_now().values()], evidence)
        yield reports.balances_of(at, balances, scope.dialect, alias)
    positions = [one for one in ledger.changed_positions() if one.key not in stale_positions]
    if positions:
        at = _latest([position.updated for position in ledger.positions_now().values()], evidence)
        yield reports.positions_of(at, positions, scope.dialect, alias)


def _latest(times: list[datetime | None], evidence: Evidence) -> datetime:
    """Return when the last of them all changed, as of which they are told; where nobody says so, when it was asked."""
    return max([at for at in times if at is not None], default=evidence.asked_at)


def _config(knowledge: Knowledge, evidence: Evidence, scope: Scope) -> Iterator[Event]:
    at, dialect = evidence.asked_at, scope.dialect
    for symbol, leverage in sorted(evidence.leverages.items()):
        if knowledge.leverages.get(symbol, leverage) != leverage:
            yield reports.leverage_of(at, symbol, leverage, dialect)
    mode = evidence.is_multi_assets_mode
    if mode is not None and knowledge.is_multi_assets_mode not in (None, mode):
        yield reports.multi_assets_mode_of(at, mode, dialect)
