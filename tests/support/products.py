"""The products other than spot, as the decoder needs them, and the payloads of their events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from support import product_payloads as payloads
from trio_binance_uds import events
from trio_binance_uds.products import SPOT, Product


@attrs.frozen
class Sampled:
    """A product, and a payload of each of its events with every field that it can have there."""

    product: Product
    payloads: Mapping[str, dict[str, Any]] = attrs.field(repr=False)


def _sampled(name: str, types: Mapping[str, type[events.KnownEvent]], sample: Mapping[str, dict[str, Any]]) -> Sampled:
    return Sampled(Product(name, SPOT.mechanism, types), sample)


MARGIN = _sampled("margin", events.MARGIN_EVENTS, payloads.MARGIN)
MARGIN_RISK = _sampled("margin-risk", events.MARGIN_RISK_EVENTS, payloads.MARGIN_RISK)
MARGIN_LISTEN_KEY = _sampled("cross-margin@listen-key", events.MARGIN_LISTEN_KEY_EVENTS, payloads.MARGIN_LISTEN_KEY)
USDM = _sampled("usdm-futures", events.USDM_EVENTS, payloads.USDM)
COINM = _sampled("coinm-futures", events.COINM_EVENTS, payloads.COINM)
OPTIONS = _sampled("options", events.OPTIONS_EVENTS, payloads.OPTIONS)
PORTFOLIO_MARGIN = _sampled("portfolio-margin", events.PORTFOLIO_MARGIN_EVENTS, payloads.PORTFOLIO_MARGIN)
PORTFOLIO_MARGIN_PRO = _sampled(
    "portfolio-margin-pro", events.PORTFOLIO_MARGIN_PRO_EVENTS, payloads.PORTFOLIO_MARGIN_PRO
)
STOCKS = _sampled("stocks", events.STOCKS_EVENTS, payloads.STOCKS)
SAMPLED = (
    MARGIN,
    MARGIN_RISK,
    MARGIN_LISTEN_KEY,
    USDM,
    COINM,
    OPTIONS,
    PORTFOLIO_MARGIN,
    PORTFOLIO_MARGIN_PRO,
    STOCKS,
)
