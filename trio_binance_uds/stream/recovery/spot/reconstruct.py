"""From what was told and what the venue answered to the events that were missed, and to what remains in doubt.

It is one pure function: no question is asked here, and nothing is remembered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

import attrs

from trio_binance_uds.events import Event, ListStatus
from trio_binance_uds.stream.recovery.spot.answers import AccountAnswer, Key, ListAnswer
from trio_binance_uds.stream.recovery.spot.evidence import Evidence
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge
from trio_binance_uds.stream.recovery.spot.ledger import differing, explain, symbols_without_assets
from trio_binance_uds.stream.recovery.spot.life import OrderFacts, Place, Rank, reports_of
from trio_binance_uds.stream.recovery.spot.reports import list_status_of, position_of, started
from trio_binance_uds.stream.recovery.spot.sequence import Row, in_sequence
from trio_binance_uds.stream.recovery.timing import ANSWERS_LAG
from trio_binance_uds.stream.recovery.turns import unknown_turn


@attrs.frozen(kw_only=True)
class Doubt:
    """Something that does not fit together, so that something may be missing.

    Attributes:
        text: for people.
        key: the order that it is about, if it is about one.
        list_id: the order list, if it is about one.
        asset, amount: the asset of which there is that much more than is explained.
        is_change: whether a change of an order is missing that its figures do not show.
        is_lag: whether the venue's database is behind, so that it may lack more than is known.
        changed_at: when the account changed for a reason that was not found.
        is_hopeless: whether asking again cannot help.
    """

    text: str
    key: Key | None = None
    list_id: int | None = None
    asset: str | None = None
    amount: Decimal = Decimal(0)
    is_change: bool = False
    is_lag: bool = False
    changed_at: datetime | None = None
    is_hopeless: bool = False


@attrs.frozen
class Reconstruction:
    """The missed events in the order in which they are to be told, the doubts, and what else there is to say."""

    events: tuple[Event, ...]
    doubts: tuple[Doubt, ...]
    remarks: tuple[str, ...] = ()


def reconstruct(knowledge: Knowledge, evidence: Evidence) -> Reconstruction:
    """Return what was missed, as far as the answers show it."""
    rows: list[Row] = []
    doubts: list[Doubt] = []
    facts = evidence.facts()
    for one in facts:
        rows.append(reports_of(one))
        doubts += _doubts_about(one, evidence)
    doubts += _strangers(evidence, {one.order.key for one in facts})
    for found in _lists(knowledge, evidence):
        if isinstance(found, Doubt):
            doubts.append(found)
        else:
            rows.append([found])
    placed = in_sequence(rows)
    events = [event for _, event in placed]
    if lagging := evidence.lagging_symbols():
        doubts.append(Doubt(text=f"the order history of {', '.join(lagging)} is behind", is_lag=True))
    account = evidence.account
    if account is None:
        pass
    elif knowledge.has_newer_balances(account):
        doubts.append(Doubt(text="the balances are older than what was told", is_lag=True))
    else:
        found_about = _about_balances(knowledge, evidence, account, [place[0] for place, _ in placed])
        doubts += found_about.doubts
        events += found_about.events
    remarks = [unknown_turn(one.order, at) for one in facts for at in one.unknown_turns()]
    return Reconstruction(tuple(events), tuple(doubts), tuple(remarks))


def _doubts_about(facts: OrderFacts, evidence: Evidence) -> Iterator[Doubt]:
    order = facts.order
    name = f"order {order.order_id} of {order.symbol}"
    missing = facts.missing_quantity()
    if missing > 0:
        yield Doubt(text=f"{name} is filled by {_plain(missing)} more than its trades say", key=order.key)
    elif missing < 0:
        yield Doubt(text=f"{name} is filled by {_plain(-missing)} less than its trades say", key=order.key)
    if prevented := facts.missing_prevention():
        yield Doubt(
            text=f"self-trade prevention took {_plain(prevented)} off {name}, which is not listed", key=order.key
        )
    if facts.has_hidden_prevention():
        yield Doubt(text=f"{name} has changed by self-trade prevention, which is not listed", key=order.key)
    if facts.has_hidden_trigger():
        text = f"{name} was triggered, and nothing says when"
        yield Doubt(text=text, key=order.key, is_change=True, is_hopeless=True)
    for fill in facts.fills:
        if fill.commission is None:
            text = f"the commission of trade {fill.trade_id} of {fill.symbol} is not told"
            yield Doubt(text=text, key=order.key, is_change=True)
    if facts.has_missing_amendment():
        yield Doubt(
            text=f"the quantity of {name} has changed by no amendment that is listed", key=order.key, is_change=True
        )
    if order.key in evidence.not_found:
        yield Doubt(text=f"{name} cannot be found any more", key=order.key)
    elif (
        evidence.open_orders is not None and order.key not in evidence.open_orders and not _is_settled(facts, evidence)
    ):
        yield Doubt(text=f"{name} is neither among the open orders nor known to have ended", key=order.key)


def _plain(amount: Decimal) -> str:
    return f"{amount.normalize():f}"


def _is_settled(facts: OrderFacts, evidence: Evidence) -> bool:
    """Whether it is known what became of an order that was not among the open ones."""
    return facts.order.is_final or facts.order.key in evidence.asked_for_status


def _strangers(evidence: Evidence, known: set[Key]) -> Iterator[Doubt]:
    for key in evidence.untold_fills():
        if key not in known:
            yield Doubt(text=f"order {key[1]} of {key[0]} has traded, but cannot be found", key=key)
    for key in evidence.open_orders or ():
        if evidence.was_told_as_ended(key):
            yield Doubt(text=f"order {key[1]} of {key[0]} has ended, but is listed as open", key=key)


def _lists(knowledge: Knowledge, evidence: Evidence) -> Iterator[Doubt | tuple[Place, ListStatus]]:
    for list_id in evidence.lists_in_question():
        answer = evidence.lists.get(list_id)
        if answer is None:
            yield Doubt(text=f"order list {list_id} cannot be found", list_id=list_id)
            continue
        if list_id not in knowledge.lists:
            begin = _start_of(answer, knowledge, evidence)
            if begin is not None and (knowledge.began is None or begin >= knowledge.began):
                yield (begin, Rank.LIST_STARTED, list_id), started(answer, begin)
        if answer.is_done:
            yield (answer.time, Rank.LIST_DONE, list_id), list_status_of(answer)
        elif evidence.has_outlived_its_orders(answer):
            yield Doubt(text=f"the orders of list {list_id} have ended, but not the list", list_id=list_id)


def _start_of(answer: ListAnswer, knowledge: Knowledge, evidence: Evidence) -> datetime | None:
    """All orders of a list are created when it is placed."""
    created: list[datetime] = []
    for symbol, order_id, _ in answer.orders:
        known = evidence.orders.get((symbol, order_id))
        told = knowledge.orders.get((symbol, order_id))
        if known is not None:
            created.append(known.created)
        elif told is not None and told.order_creation_time is not None:
            created.append(told.order_creation_time)
    if not created and answer.status_type == "EXEC_STARTED":
        return answer.time
    return min(created, default=None)


def _about_balances(
    knowledge: Knowledge, evidence: Evidence, account: AccountAnswer, found: list[datetime]
) -> Reconstruction:
    """Return the position with the balances of now, and whether they are explained."""
    fills, doubts = evidence.untold_fills_in_order(), list[Doubt]()
    as_of, unexplained = account.updated, dict[str, Decimal]()
    if lacking := symbols_without_assets(knowledge, fills):
        doubts.append(Doubt(text=f"the assets of {', '.join(lacking)} are not known, so the balances prove nothing"))
    else:
        explanation = explain(knowledge, account, fills, evidence.loans)
        as_of, unexplained = explanation.as_of, dict(explanation.unexplained)
    for asset, amount in unexplained.items():
        doubts.append(Doubt(text=f"{amount.normalize():+f} {asset} is not explained", asset=asset, amount=amount))
    known = sorted([*_told(knowledge), *found])
    newest = known[-1] if known else None
    if not account.is_dated:
        balances = [
            row for row in differing(knowledge, account) if not _may_be_older(knowledge, account, row[0], unexplained)
        ]
        at = max((time for time in known if time <= as_of), default=account.updated)
    else:
        balances, at = differing(knowledge, account), account.updated
        if newest is not None and newest < account.updated:
            since = account.updated.isoformat(timespec="milliseconds")
            text = f"the account changed at {since}, and nothing that was found explains it"
            doubts.append(Doubt(text=text, changed_at=account.updated))
        if newest is not None and account.updated < newest <= account.latest:
            at = newest
    return Reconstruction((position_of(at, balances, account.raw),) if balances else (), tuple(doubts))


def _may_be_older(knowledge: Knowledge, account: AccountAnswer, asset: str, unexplained: Mapping[str, Decimal]) -> bool:
    """Whether a balance that nothing explains, of a time that nobody knows, may be older than the one that was told."""
    told = knowledge.told_balance(asset)
    return asset in unexplained and told is not None and told.at > account.updated - ANSWERS_LAG


def _told(knowledge: Knowledge) -> list[datetime]:
    return [] if knowledge.newest is None else [knowledge.newest]
