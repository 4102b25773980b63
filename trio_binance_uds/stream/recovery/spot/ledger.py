"""Whether the balances are explained: what was last told, and what has happened since, must give what there is now.

Only free and locked together are compared: what an order locks depends on rules that are the venue's own, but a sum
changes by fills, commissions and movements from outside alone. What is not explained was not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from itertools import chain, islice, product

from trio_binance_uds.events import BalanceUpdate, ExecutionReport
from trio_binance_uds.stream.recovery.spot.answers import AccountAnswer, FillAnswer
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge

_ATTEMPTS = 200

Change = tuple[str, Decimal, datetime]
"""An asset, by how much its sum changed, and when."""


def symbols_without_assets(knowledge: Knowledge, fills: Iterable[FillAnswer]) -> list[str]:
    """Return the symbols whose base and quote asset must be known for the balances to be explained."""
    symbols = {fill.symbol for fill in fills}
    symbols.update(event.symbol for event in knowledge.unsettled if isinstance(event, ExecutionReport))
    return sorted(symbol for symbol in symbols if knowledge.record_of(symbol).assets is None)


def unexplained(knowledge: Knowledge, account: AccountAnswer, fills: list[FillAnswer]) -> dict[str, Decimal]:
    """Return the assets whose sum is not what it should be, and by how much; assets that nobody knew are left out."""
    certain = [fill for fill in fills if fill.time < account.updated]
    # Of the fills in the very millisecond (or second) of the balances, some may have come after these were taken: the
    # last ones of each symbol.
    doubtful: dict[str, list[FillAnswer]] = {}
    for fill in fills:
        if account.updated <= fill.time <= account.latest:
            doubtful.setdefault(fill.symbol, []).append(fill)
    counts = [range(len(of_symbol), -1, -1) for of_symbol in doubtful.values()]
    first: dict[str, Decimal] | None = None
    for taken in islice(product(*counts), _ATTEMPTS):
        some = [of_symbol[:count] for of_symbol, count in zip(doubtful.values(), taken, strict=True)]
        found = _difference(knowledge, account, [*certain, *chain.from_iterable(some)])
        if not found:
            return {}
        first = found if first is None else first
    assert first is not None
    return first


def _difference(knowledge: Knowledge, account: AccountAnswer, fills: list[FillAnswer]) -> dict[str, Decimal]:
    expected: dict[str, Decimal] = {}
    for asset in {**knowledge.balances, **account.balances}:
        told = knowledge.told_balance(asset)
        if told is not None:
            expected[asset] = told.total
    for asset, delta, at in _changes(knowledge, fills):
        told = knowledge.told_balance(asset)
        if told is None or at > account.latest or told.includes(at):
            continue
        expected[asset] = expected.get(asset, told.total) + delta
    actual = {asset: sum(account.balances.get(asset, ()), Decimal(0)) for asset in expected}
    return {asset: actual[asset] - expected[asset] for asset in sorted(expected) if actual[asset] != expected[asset]}


def differing(knowledge: Knowledge, account: AccountAnswer) -> list[tuple[str, tuple[Decimal, Decimal]]]:
    """Return the balances that are not as they were last told."""
    nothing = (Decimal(0), Decimal(0))
    found = []
    for asset in sorted({**knowledge.balances, **account.balances}):
        now = account.balances.get(asset, nothing)
        told = knowledge.told_balance(asset)
        if told is None or now != (told.free, told.locked):
            found.append((asset, now))
    return found


def _changes(knowledge: Knowledge, fills: Iterable[FillAnswer]) -> Iterator[Change]:
    for event in knowledge.unsettled:
        if isinstance(event, BalanceUpdate):
            yield (event.asset, event.balance_delta, event.clear_time)
        else:
            yield from _of_report(knowledge, event)
    for fill in fills:
        yield from _of_fill(
            knowledge.record_of(fill.symbol).assets,
            fill.time,
            is_buy=fill.is_buyer,
            quantity=fill.quantity,
            quote=fill.quote_quantity,
            commission=fill.commission,
            commission_asset=fill.commission_asset,
        )


def _of_report(knowledge: Knowledge, report: ExecutionReport) -> Iterator[Change]:
    yield from _of_fill(
        knowledge.record_of(report.symbol).assets,
        report.transaction_time,
        is_buy=report.side == "BUY",
        quantity=report.last_executed_quantity,
        quote=report.last_quote_quantity,
        commission=report.commission_amount,
        commission_asset=report.commission_asset,
    )


def _of_fill(
    assets: tuple[str, str] | None,
    at: datetime,
    *,
    is_buy: bool,
    quantity: Decimal,
    quote: Decimal,
    commission: Decimal,
    commission_asset: str | None,
) -> Iterator[Change]:
    assert assets is not None, "without them nothing is explained"
    base, counter = assets
    sign = 1 if is_buy else -1
    yield (base, sign * quantity, at)
    yield (counter, -sign * quote, at)
    if commission_asset is not None:
        yield (commission_asset, -commission, at)
