"""Which way to recover fits a product: one for each class of histories."""

from __future__ import annotations

from trio_binance_uds.products import (
    FuturesHistory,
    ListenKeyStream,
    MarginHistory,
    MarginRiskHistory,
    OptionsHistory,
    PortfolioMarginHistory,
    PortfolioMarginProHistory,
    Product,
    SpotHistory,
)
from trio_binance_uds.stream.recovery.contract import NoRecovery, Recoverer
from trio_binance_uds.stream.recovery.european_options.recoverer import OptionsRecoverer
from trio_binance_uds.stream.recovery.futures.dialect import DIALECTS
from trio_binance_uds.stream.recovery.futures.recoverer import FuturesRecoverer
from trio_binance_uds.stream.recovery.futures.scope import Scope
from trio_binance_uds.stream.recovery.margin.recoverer import MarginRecoverer
from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.portfolio.recoverer import PortfolioRecoverer
from trio_binance_uds.stream.recovery.portfolio_pro.recoverer import ProRecoverer
from trio_binance_uds.stream.recovery.risk.recoverer import RiskRecoverer
from trio_binance_uds.stream.recovery.spot.recoverer import SpotRecoverer


def recoverer_for(product: Product, options: Recovery) -> Recoverer:
    """Return the recoverer of a new stream."""
    if not options.enabled:
        return NoRecovery("recovery is switched off")
    match product.history:
        case SpotHistory():
            return SpotRecoverer(options, product.name)
        case MarginHistory():
            return MarginRecoverer(product.history, options)
        case MarginRiskHistory():
            return RiskRecoverer(options, product.name)
        case FuturesHistory(kind=kind):
            scope = Scope(dialect=DIALECTS[kind], account=product.name, types=_types_asked_for(product))
            return FuturesRecoverer(scope, options)
        case OptionsHistory():
            return OptionsRecoverer(options, product.name)
        case PortfolioMarginHistory():
            return PortfolioRecoverer(product.name, options)
        case PortfolioMarginProHistory():
            return ProRecoverer(options, product.name)
        case _:
            return NoRecovery(f"nothing can be asked about the past of {product.name}")


def _types_asked_for(product: Product) -> frozenset[str]:
    """Return the types of events that a stream was asked for; empty is all."""
    mechanism = product.mechanism
    return frozenset(mechanism.events) if isinstance(mechanism, ListenKeyStream) else frozenset()
