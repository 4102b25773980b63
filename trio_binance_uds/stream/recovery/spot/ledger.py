"""Whether the balances are explained: what was last told, and what has happened since, must give what there is now.

Only free and locked together are compared: what an order locks depends on rules that are the venue's own, but a sum
changes by fills, commissions, loans and movements from outside alone. What is not explained was not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from itertools import chain, combinations, islice, product
from operator import attrgetter

import attrs

from trio_binance_uds.events import BalanceUpdate, ExecutionReport
from trio_binance_uds.stream.recovery.spot.answers import AccountAnswer, FillAnswer
from trio_binance_uds.stream.recovery.spot.knowledge import Knowledge, time_of

_ATTEMPTS = 200

Change = tuple[str, Decimal, datetime]
"""An asset, by how much its sum changed, and when."""


@attrs.frozen(kw_only=True)
class Loan:
    """Something borrowed or repaid: by how much that changed the balance of the asset, and when.

    Its time can be as coarse as a second; its number rises.
    """

    number: int
    asset: str
    change: Decimal
    time: datetime


def symbols_without_assets(knowledge: Knowledge, fills: Iterable[FillAnswer]) -> list[str]:
    """Return the symbols whose base and quote asset must be known for the balances to be explained."""
    symbols = {fill.symbol for fill in fills}
    symbols.update(event.symbol for event in knowledge.unsettled if isinstance(event, ExecutionReport))
    return sorted(symbol for symbol in symbols if knowledge.record_of(symbol).assets is None)


def split_names(symbols: Iterable[str], assets: frozenset[str]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Return base and quote asset of the symbols whose names are those of two of these assets, in one way only."""
    for symbol in symbols:
        cuts = [(symbol[:cut], symbol[cut:]) for cut in range(1, len(symbol))]
        pairs = [pair for pair in cuts if assets.issuperset(pair)]
        if len(pairs) == 1:
            yield symbol, pairs[0]


@attrs.frozen
class Explanation:
    """What the balances say about what has happened.

    Attributes:
        as_of: until when they hold what has happened, as far as is known.
        unexplained: the assets whose sum is not what it should be, and by how much; assets that nobody knew are left
            out.
    """

    as_of: datetime
    unexplained: Mapping[str, Decimal]


def explain(
    knowledge: Knowledge, account: AccountAnswer, fills: list[FillAnswer], loans: Iterable[Loan] = ()
) -> Explanation:
    """Hold the balances against what was told of them and has happened since."""
    lent = list(loans)
    first: Explanation | None = None
    possible = list(_possible_times(knowledge, account, fills))
    for times in chain(possible, [attrs.evolve(times, is_fill_lost=True) for times in possible]):
        found = Explanation(times.as_of, _unexplained(knowledge, account, fills, lent, times))
        if not found.unexplained:
            return found
        first = first or found
    assert first is not None
    return first


@attrs.frozen(kw_only=True)
class _Times:
    """Times that balances may be of.

    Attributes:
        as_of, latest: from when to when what happened may not be in the balances yet.
        baseline: until when what happened is in those of the baseline.
        is_fill_lost: whether what was told of a balance is taken to hold the fills of its very millisecond, although
            these were not told: the venue may have sent the balance, and never the report before it.
    """

    as_of: datetime
    latest: datetime
    baseline: datetime | None
    is_fill_lost: bool = False


def _possible_times(knowledge: Knowledge, account: AccountAnswer, fills: list[FillAnswer]) -> Iterator[_Times]:
    """Return the times that the balances may be of: where they do not say so, any between question and answer."""
    times = {fill.time for fill in fills} | {time_of(event) for event in knowledge.unsettled}
    first, last = knowledge.baseline_updated, knowledge.baseline_not_after
    if account.is_dated:
        yield _Times(as_of=account.updated, latest=account.latest, baseline=first)
        return
    starts = [first] if first is None or last is None else [first, *_between(times, first, last)]
    for as_of in [account.updated, *_between(times, account.updated, account.latest)]:
        for start in starts:
            yield _Times(as_of=as_of, latest=as_of, baseline=start)


def _between(times: Iterable[datetime], after: datetime, until: datetime) -> list[datetime]:
    return sorted(time for time in times if after < time <= until)


def _unexplained(
    knowledge: Knowledge, account: AccountAnswer, fills: list[FillAnswer], loans: list[Loan], times: _Times
) -> dict[str, Decimal]:
    certain = [fill for fill in fills if fill.time < times.as_of]
    # Of the fills in the very millisecond (or second) of the balances, some may have come after these were taken: the
    # last ones of each symbol.
    doubtful: dict[str, list[FillAnswer]] = {}
    for fill in fills:
        if times.as_of <= fill.time <= times.latest:
            doubtful.setdefault(fill.symbol, []).append(fill)
    counts = [range(len(of_symbol), -1, -1) for of_symbol in doubtful.values()]
    first: dict[str, Decimal] | None = None
    for taken in islice(product(*counts), _ATTEMPTS):
        some = [of_symbol[:count] for of_symbol, count in zip(doubtful.values(), taken, strict=True)]
        found = _difference(knowledge, account, [*certain, *chain.from_iterable(some)], times)
        found = {asset: amount for asset, amount in found.items() if not _is_lent(loans, asset, amount)}
        if not found:
            return {}
        first = found if first is None else first
    assert first is not None
    return first


def _is_lent(loans: list[Loan], asset: str, amount: Decimal) -> bool:
    """Whether loans in a row make up an amount: their times may be too coarse to say which are in which balances."""
    changes = [loan.change for loan in sorted(loans, key=attrgetter("time", "number")) if loan.asset == asset]
    spans = combinations(range(len(changes) + 1), 2)
    return any(sum(changes[start:end], Decimal(0)) == amount for start, end in islice(spans, _ATTEMPTS))


def _difference(
    knowledge: Knowledge, account: AccountAnswer, fills: list[FillAnswer], times: _Times
) -> dict[str, Decimal]:
    expected: dict[str, Decimal] = {}
    for asset in {**knowledge.balances, **account.balances}:
        told = knowledge.told_balance(asset)
        if told is not None and account.holds(asset):
            expected[asset] = told.total
    for asset, delta, at in _changes(knowledge, fills):
        told = knowledge.told_balance(asset)
        if told is None or at > times.latest or told.includes(at, times.baseline) or not account.holds(asset):
            continue
        if times.is_fill_lost and at == told.at:
            continue
        expected[asset] = expected.get(asset, told.total) + delta
    actual = {asset: sum(account.balances.get(asset, ()), Decimal(0)) for asset in expected}
    return {asset: actual[asset] - expected[asset] for asset in sorted(expected) if actual[asset] != expected[asset]}


def differing(knowledge: Knowledge, account: AccountAnswer) -> list[tuple[str, tuple[Decimal, Decimal]]]:
    """Return the balances that are not as they were last told."""
    nothing = (Decimal(0), Decimal(0))
    found = []
    for asset in sorted({**knowledge.balances, **account.balances}):
        if not account.holds(asset):
            continue
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
        quote=_quote_of(report),
        commission=report.commission_amount,
        commission_asset=report.commission_asset,
    )


def _quote_of(report: ExecutionReport) -> Decimal:
    """Return the quote quantity of a fill, which is what it makes by its price where the report lacks it."""
    quote = report.last_quote_quantity
    return report.last_executed_quantity * report.last_executed_price if quote is None else quote


def _of_fill(
    assets: tuple[str, str] | None,
    at: datetime,
    *,
    is_buy: bool,
    quantity: Decimal,
    quote: Decimal,
    commission: Decimal | None,
    commission_asset: str | None,
) -> Iterator[Change]:
    assert assets is not None, "without them nothing is explained"
    base, counter = assets
    sign = 1 if is_buy else -1
    yield (base, sign * quantity, at)
    yield (counter, -sign * quote, at)
    if commission_asset is not None and commission is not None:
        yield (commission_asset, -commission, at)
