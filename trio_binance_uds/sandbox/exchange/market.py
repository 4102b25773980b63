"""Answers what anybody may ask: time, symbols, prices, the book."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trio_binance_uds.sandbox.exchange import refusals, results
from trio_binance_uds.sandbox.exchange.amounts import ZERO, milliseconds, wire_amount

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.exchange.exchange import Exchange
    from trio_binance_uds.sandbox.exchange.parameters import Parameters
    from trio_binance_uds.sandbox.exchange.symbols import Symbol

STATUSES = ("TRADING", "HALT", "BREAK")


def ping(exchange: Exchange, p: Parameters) -> dict[str, Any]:
    """``ping``"""
    p.finish()
    return {}


def time(exchange: Exchange, p: Parameters) -> dict[str, Any]:
    """``time``"""
    p.finish()
    return {"serverTime": milliseconds(exchange.stated_time())}


def exchange_info(exchange: Exchange, p: Parameters) -> dict[str, Any]:
    """``exchangeInfo``"""
    p.names("permissions")
    p.boolean("showPermissionSets", default=True)
    symbols, _ = _selected(exchange, p)
    p.finish()
    return {
        "timezone": "UTC",
        "serverTime": milliseconds(exchange.time()),
        "rateLimits": [dict(limit) for limit in exchange.rate_limits],
        "exchangeFilters": [],
        "symbols": [symbol.info() for symbol in symbols],
        "sors": [],
    }


def depth(exchange: Exchange, p: Parameters) -> dict[str, Any]:
    """``depth``"""
    symbol = exchange.symbol_of(p)
    limit = p.limit(default=100, maximum=5000)
    p.choice("symbolStatus", STATUSES)
    p.finish()
    sides = {"bids": symbol.book.bids, "asks": symbol.book.asks}
    levels = {
        name: [[wire_amount(price), wire_amount(quantity)] for price, quantity in side.depth(limit)]
        for name, side in sides.items()
    }
    return {"lastUpdateId": symbol.updates, **levels}


def recent_trades(exchange: Exchange, p: Parameters) -> list[dict[str, Any]]:
    """``trades.recent``"""
    symbol = exchange.symbol_of(p)
    limit = p.limit()
    p.finish()
    listed: list[dict[str, Any]] = []
    for trade in list(symbol.recent)[-limit:]:
        full = results.traded(trade)
        # What is kept is the taker's side of a trade, so a selling taker means a buying maker.
        listed.append(
            {name: full[name] for name in ("id", "price", "qty", "quoteQty", "time")}
            | {"isBuyerMaker": not trade.order.is_buy, "isBestMatch": True}
        )
    return listed


def average_price(exchange: Exchange, p: Parameters) -> dict[str, Any]:
    """``avgPrice``, simplified to the last price."""
    symbol = exchange.symbol_of(p)
    p.finish()
    close = milliseconds(symbol.recent[-1].time) if symbol.recent else 0
    return {"mins": 5, "price": wire_amount(symbol.last_price or ZERO), "closeTime": close}


def ticker_price(exchange: Exchange, p: Parameters) -> dict[str, Any] | list[dict[str, Any]]:
    """``ticker.price``"""
    symbols, single = _selected(exchange, p)
    p.finish()
    prices = [{"symbol": symbol.name, "price": wire_amount(symbol.last_price or ZERO)} for symbol in symbols]
    return prices[0] if single else prices


def ticker_book(exchange: Exchange, p: Parameters) -> dict[str, Any] | list[dict[str, Any]]:
    """``ticker.book``"""
    symbols, single = _selected(exchange, p)
    p.finish()
    quotes = [_best_quotes(symbol) for symbol in symbols]
    return quotes[0] if single else quotes


def _best_quotes(symbol: Symbol) -> dict[str, Any]:
    (bid, bid_quantity), *_ = symbol.book.bids.depth(1) or [(ZERO, ZERO)]
    (ask, ask_quantity), *_ = symbol.book.asks.depth(1) or [(ZERO, ZERO)]
    return {
        "symbol": symbol.name,
        "bidPrice": wire_amount(bid),
        "bidQty": wire_amount(bid_quantity),
        "askPrice": wire_amount(ask),
        "askQty": wire_amount(ask_quantity),
    }


def _selected(exchange: Exchange, p: Parameters) -> tuple[list[Symbol], bool]:
    """Read ``symbol`` or ``symbols``; neither means all. Also tell whether it was ``symbol``."""
    one, many, status = p.text("symbol"), p.names("symbols"), p.choice("symbolStatus", STATUSES)
    if one is not None and many is not None:
        raise refusals.bad_combination()
    if one is not None:
        return [exchange.find_symbol(one)], True
    if many is not None:
        return [exchange.find_symbol(name) for name in many], False
    return [symbol for symbol in exchange.symbols.values() if status in (None, symbol.status)], False
