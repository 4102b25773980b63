"""What the demos show, one play for each kind of product, found by how and where the product is streamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from trio_binance_uds import Host, ListenKeyStream, ListenTokenSubscription, Product, WsApiSubscription
from trio_binance_uds.cli.failures import WrongUsage
from trio_binance_uds.cli.plays.futures import coinm_play, usdm_play
from trio_binance_uds.cli.plays.options import options_play
from trio_binance_uds.cli.plays.portfolio import portfolio_play, pro_play
from trio_binance_uds.cli.plays.risk import risk_play, unified_play
from trio_binance_uds.cli.plays.spot import margin_play, spot_play
from trio_binance_uds.cli.plays.stocks import stocks_play
from trio_binance_uds.cli.script import Play

_PLAYS: Mapping[tuple[type, Host], Callable[[Product], Play]] = MappingProxyType(
    {
        (WsApiSubscription, Host.SPOT_WS_API): spot_play,
        (ListenTokenSubscription, Host.SPOT_WS_API): margin_play,
        (ListenKeyStream, Host.MARGIN_STREAM): risk_play,
        (ListenKeyStream, Host.MARGIN_LISTEN_KEY_STREAM): margin_play,
        (ListenKeyStream, Host.UNIFIED_MARGIN_STREAM): unified_play,
        (ListenKeyStream, Host.USDM_STREAM): usdm_play,
        (ListenKeyStream, Host.COINM_STREAM): coinm_play,
        (ListenKeyStream, Host.OPTIONS_STREAM): options_play,
        (ListenKeyStream, Host.PORTFOLIO_MARGIN_STREAM): portfolio_play,
        (ListenKeyStream, Host.PORTFOLIO_MARGIN_PRO_STREAM): pro_play,
        (ListenKeyStream, Host.STOCKS_STREAM): stocks_play,
    }
)


def play_for(product: Product) -> Play:
    """Return the play that shows a product.

    Raises:
        WrongUsage: there is none.
    """
    mechanism = product.mechanism
    make = _PLAYS.get((type(mechanism), mechanism.connects_to))
    if make is None:
        raise WrongUsage(f"there is no demo of {product.name}")
    return make(product)
