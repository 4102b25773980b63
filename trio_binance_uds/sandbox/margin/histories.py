"""Answers what was lent, charged, moved and liquidated: the histories of margin accounts, newest first.

Times are told in whole seconds, as they are on Binance.

Source: Binance Margin Trading, "Account" and "Borrow And Repay" (2026-01-15): what is not asked for by time is of the
last seven days.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.exchange.parameters import Parameters
from trio_binance_uds.sandbox.margin.accounts import MarginAccount, Record

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.margin.desk import MarginDesk

_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_WEEK = 7 * _DAY
_MONTH = 30 * _DAY


def _second(microseconds: int) -> int:
    return microseconds // _SECOND * 1000


def _within(desk: MarginDesk, p: Parameters, records: Iterable[Record], longest: int) -> list[Record]:
    """Return the records between two times, newest first."""
    start, end = p.time("startTime"), p.time("endTime", ends=True)
    if start is not None and end is not None and end - start > longest + 999:
        raise Refusal(-1127, f"More than {longest // _DAY} days between startTime and endTime.")
    if start is None:
        start = (desk.now() if end is None else end) - _WEEK
    # What is told in whole seconds is asked for in whole seconds.
    chosen = [one for one in records if start // _SECOND <= one.time // _SECOND and (end is None or one.time <= end)]
    return chosen[::-1]


def _page(rows: list[dict[str, Any]], p: Parameters) -> dict[str, Any]:
    current, size = p.integer("current", minimum=1) or 1, p.integer("size", minimum=1, maximum=100) or 10
    p.finish()
    return {"rows": rows[(current - 1) * size : current * size], "total": len(rows)}


def _of_pair(desk: MarginDesk, owner: int, p: Parameters) -> MarginAccount:
    """Return the account that ``isolatedSymbol`` names, or the cross account."""
    return desk.find(owner, p.text("isolatedSymbol"))


def _marked(account: MarginAccount) -> dict[str, Any]:
    return {} if account.symbol is None else {"isolatedSymbol": account.symbol}


def loans(desk: MarginDesk, owner: int, p: Parameters) -> dict[str, Any]:
    """``GET borrow-repay``"""
    account = _of_pair(desk, owner, p)
    kind = p.need_choice("type", ("BORROW", "REPAY"))
    asset, id = p.text("asset"), p.integer("txId")
    rows = [
        {**record.row, **_marked(account), "timestamp": _second(record.time), "txId": record.id}
        for record in _within(desk, p, account.loans, _MONTH)
        if record.kind == kind and asset in (None, record.asset) and id in (None, record.id)
    ]
    return _page(rows, p)


def interest(desk: MarginDesk, owner: int, p: Parameters) -> dict[str, Any]:
    """``GET interestHistory``"""
    account = _of_pair(desk, owner, p)
    asset = p.text("asset")
    rows = [
        {"txId": record.id, "interestAccuredTime": _second(record.time), **record.row, **_marked(account)}
        for record in _within(desk, p, account.interest, _MONTH)
        if asset in (None, record.asset)
    ]
    return _page(rows, p)


def liquidations(desk: MarginDesk, owner: int, p: Parameters) -> dict[str, Any]:
    """``GET forceLiquidationRec``"""
    account = _of_pair(desk, owner, p)
    rows = [
        {**record.row, "isIsolated": account.is_isolated, "updatedTime": record.time // 1000}
        for record in _within(desk, p, account.liquidations, _MONTH)
    ]
    return _page(rows, p)


def flows(desk: MarginDesk, owner: int, p: Parameters) -> list[dict[str, Any]]:
    """``GET capital-flow``: of the cross account, or of the pair that ``symbol`` names."""
    account = desk.find(owner, p.text("symbol"))
    asset, kind, first = p.text("asset"), p.text("type"), p.integer("fromId")
    limit = p.limit()
    chosen = [
        record
        for record in _within(desk, p, account.flows, _WEEK)
        if asset in (None, record.asset) and kind in (None, record.kind) and (first is None or record.id >= first)
    ]
    p.finish()
    # From an id on it goes forward.
    chosen = chosen[:limit] if first is None else chosen[::-1][:limit]
    symbol = {} if account.symbol is None else {"symbol": account.symbol}
    return [{"id": record.id, "timestamp": _second(record.time), **record.row, **symbol} for record in chosen]
