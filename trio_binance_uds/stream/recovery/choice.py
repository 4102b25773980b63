"""Which way to recover fits a product: one for each class of histories.

A way is imported when it is chosen: nobody pays for those of other products.
"""

from __future__ import annotations

from trio_binance_uds.products import (
    FuturesHistory,
    ListenKeyStream,
    MarginHistory,
    MarginListenKeyHistory,
    MarginRiskHistory,
    OptionsHistory,
    PortfolioMarginHistory,
    PortfolioMarginProHistory,
    Product,
    SpotHistory,
    StocksHistory,
)
from trio_binance_uds.stream.recovery.contract import NoRecovery, Recoverer
from trio_binance_uds.stream.recovery.options import Recovery


def recoverer_for(product: Product, options: Recovery) -> Recoverer:
    """Return the recoverer of a new stream."""
    if not options.enabled:
        return NoRecovery("recovery is switched off")
    if product.history is not None:
        options = options.settled(product.history.weight_per_minute)
    match product.history:
        case SpotHistory():
            from trio_binance_uds.stream.recovery.spot.recoverer import SpotRecoverer

            return SpotRecoverer(options, product.name)
        case MarginHistory():
            from trio_binance_uds.stream.recovery.margin.recoverer import MarginRecoverer

            return MarginRecoverer(product.history, options)
        case MarginRiskHistory():
            from trio_binance_uds.stream.recovery.risk.recoverer import RiskRecoverer

            return RiskRecoverer(options, product.name)
        case MarginListenKeyHistory():
            from trio_binance_uds.stream.recovery.margin_key.recoverer import MarginKeyRecoverer

            return MarginKeyRecoverer(product.history, options)
        case FuturesHistory(kind=kind):
            from trio_binance_uds.stream.recovery.futures.dialect import DIALECTS
            from trio_binance_uds.stream.recovery.futures.recoverer import FuturesRecoverer
            from trio_binance_uds.stream.recovery.futures.scope import Scope

            scope = Scope(dialect=DIALECTS[kind], account=product.name, types=_types_asked_for(product))
            return FuturesRecoverer(scope, options)
        case PortfolioMarginHistory():
            from trio_binance_uds.stream.recovery.portfolio.recoverer import PortfolioRecoverer

            return PortfolioRecoverer(product.name, options)
        case OptionsHistory():
            from trio_binance_uds.stream.recovery.european_options.recoverer import OptionsRecoverer

            return OptionsRecoverer(options, product.name)
        case PortfolioMarginProHistory():
            from trio_binance_uds.stream.recovery.portfolio_pro.recoverer import ProRecoverer

            return ProRecoverer(options, product.name)
        case StocksHistory():
            from trio_binance_uds.stream.recovery.stocks.recoverer import StocksRecoverer

            return StocksRecoverer(options, product.name)
        case _:
            return NoRecovery(f"nothing can be asked about the past of {product.name}")


def _types_asked_for(product: Product) -> frozenset[str]:
    """Return the types of events that a stream was asked for; empty is all."""
    mechanism = product.mechanism
    return frozenset(mechanism.events) if isinstance(mechanism, ListenKeyStream) else frozenset()
