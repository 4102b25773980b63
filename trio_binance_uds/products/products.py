"""The table of products: each names its mechanism, its events, and what can be asked about its past.

Nothing outside of this table knows a product by its name.

Source: the pages named at each mechanism; "Important WebSocket Change Notice" (2026-03-05) for the private URLs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs

from trio_binance_uds import checks
from trio_binance_uds import events as typed
from trio_binance_uds.events import Event
from trio_binance_uds.products.environments import Host
from trio_binance_uds.products.histories import (
    FuturesHistory,
    FuturesKind,
    History,
    MarginHistory,
    MarginListenKeyHistory,
    MarginRiskHistory,
    OptionsHistory,
    PortfolioMarginHistory,
    PortfolioMarginProHistory,
    SpotHistory,
    StocksHistory,
)
from trio_binance_uds.products.mechanisms import (
    KeyPlace,
    ListenKeyStream,
    ListenTokenSubscription,
    MarginAccount,
    Mechanism,
    WsApiSubscription,
)

_SYMBOL = re.compile(r"\w{1,40}")

EventTypes: TypeAlias = Mapping[str, type[Event]]


@attrs.frozen
class _Later:
    """The events of a product, made when they are first needed. Unlike a lambda, it can be pickled."""

    name: str

    def __call__(self) -> EventTypes:
        events: EventTypes = getattr(typed, self.name)
        return events


@attrs.frozen
class Product:
    """One kind of account whose events can be streamed.

    Attributes:
        name: as it is written on the command line, such as ``spot``; events are marked with it.
        mechanism: how a subscription comes about and stays alive.
        events: the typed event for each value of the wire's ``e``, or what returns that when it is first needed: the
            classes of a product are not made for those who do not use it.
        history: what can be asked about the past; ``None``: nothing, so that no gap can be proven complete.
    """

    name: str
    mechanism: Mechanism
    events: EventTypes | Callable[[], EventTypes] = attrs.field(eq=False, repr=False)
    history: History | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping that cannot be written to cannot be pickled; what event_types keeps is made again.
        events = self.events if callable(self.events) else dict(self.events)
        return type(self), (self.name, self.mechanism, events, self.history)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The names of the accounts that its events are marked with: its own, or those of several margin accounts."""
        if isinstance(self.mechanism, ListenTokenSubscription):
            return tuple([account.name for account in self.mechanism.accounts])
        return (self.name,)

    @cached_property
    def event_types(self) -> EventTypes:
        """The typed event for each value of the wire's ``e``."""
        events = self.events() if callable(self.events) else self.events
        return events if isinstance(events, MappingProxyType) else MappingProxyType(dict(events))


SPOT = Product("spot", WsApiSubscription(ws_api=Host.SPOT_WS_API), _Later("SPOT_EVENTS"), SpotHistory())


def _margin(name: str, accounts: tuple[MarginAccount, ...]) -> Product:
    return Product(
        name,
        ListenTokenSubscription(ws_api=Host.SPOT_WS_API, rest=Host.SPOT_REST, accounts=accounts),
        _Later("MARGIN_EVENTS"),
        MarginHistory(rest=Host.SPOT_REST, accounts=accounts),
    )


CROSS_MARGIN = _margin("cross-margin", (MarginAccount(name="cross-margin"),))


def isolated_margin(symbol: str) -> Product:
    """Return the product that is the isolated margin account of one pair, such as ``BTCUSDT``.

    Raises:
        ValueError: it is no symbol; they are written in upper case.
    """
    checks.an(str, "the name of an isolated margin account", symbol, "a text such as 'BTCUSDT'")
    if not _SYMBOL.fullmatch(symbol) or symbol != symbol.upper():
        raise ValueError(f"an isolated margin account is named by its symbol in upper case, got {checks.shown(symbol)}")
    name = f"isolated-margin:{symbol}"
    return _margin(name, (MarginAccount(name=name, symbol=symbol),))


def margin_accounts(*products: Product | str) -> Product:
    """Return the product that is several margin accounts on one connection, as ``CROSS_MARGIN`` and isolated pairs.

    They can be given by their names too.

    Each event's ``account`` says whose it is.

    Raises:
        ValueError: one of them is no margin account with a listen token, or is named twice; or there is none.
    """
    accounts: list[MarginAccount] = []
    for given in products:
        product = find_product(given) if isinstance(given, str) else given
        checks.an(
            Product, "each margin account", product, "a product such as CROSS_MARGIN or isolated_margin('BTCUSDT')"
        )
        if not isinstance(product.mechanism, ListenTokenSubscription):
            raise ValueError(f"{product.name} is not subscribed to with a listen token and needs a stream of its own")
        accounts += product.mechanism.accounts
    names = [account.name for account in accounts]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"name at least one margin account, and each once; got {', '.join(names) or 'none'}")
    return _margin("+".join(names), tuple(accounts))


_BY_LISTEN_KEY = "@listen-key"


def margin_listen_key(product: Product | str) -> Product:
    """Return a margin account, cross or isolated, with the listen key of version 2: account and risk on one stream.

    Without it, the account's events come with a listen token and those of its risk by :data:`MARGIN_RISK`. What is
    known of this key is known from clients' code only, and its host is a guess: override ``margin_listen_key_stream``.
    It can be that the key brings the events of all margin accounts of its owner. Nothing in a frame is known to say
    whose it is, so use listen tokens for an owner with several.

    Raises:
        ValueError: it is no margin account with a listen token, or several.
    """
    product = find_product(product) if isinstance(product, str) else product
    checks.an(Product, "the margin account", product, "a product such as CROSS_MARGIN")
    if not isinstance(product.mechanism, ListenTokenSubscription) or len(product.mechanism.accounts) != 1:
        raise ValueError(f"a margin listen key is for CROSS_MARGIN or for one isolated pair, not for {product.name}")
    name = f"{product.name}{_BY_LISTEN_KEY}"
    account = MarginAccount(name=name, symbol=product.mechanism.accounts[0].symbol)
    return Product(
        name,
        ListenKeyStream(
            rest=Host.SPOT_REST,
            path="/sapi/v2/margin/listen-key",
            stream=Host.MARGIN_LISTEN_KEY_STREAM,
            put_names_key=True,
            time_path="/api/v3/time",
        ),
        _Later("MARGIN_LISTEN_KEY_EVENTS"),
        MarginListenKeyHistory(rest=Host.SPOT_REST, account=account),
    )


UNIFIED_MARGIN = Product(
    "unified-margin",
    ListenKeyStream(
        rest=Host.SPOT_REST,
        path="/sapi/v2/margin/uta/listen-key",
        stream=Host.UNIFIED_MARGIN_STREAM,
        put_names_key=True,
        time_path="/api/v3/time",
    ),
    _Later("MARGIN_LISTEN_KEY_EVENTS"),
)

MARGIN_RISK = Product(
    "margin-risk",
    ListenKeyStream(
        rest=Host.SPOT_REST,
        path="/sapi/v1/margin/listen-key",
        stream=Host.MARGIN_STREAM,
        put_names_key=True,
        time_path="/api/v3/time",
    ),
    _Later("MARGIN_RISK_EVENTS"),
    MarginRiskHistory(rest=Host.SPOT_REST),
)


def usdm_futures(*, events: Iterable[str] = ()) -> Product:
    """Return the product that is a USD-M futures account, with these types of events only, or with all.

    What is not listed never comes; ``listenKeyExpired`` is added. Binance does not check the names, so they are
    checked here.

    Raises:
        ValueError: an event is of no type that USD-M futures have.
    """
    wanted = tuple(dict.fromkeys(checks.texts("events", events, "ORDER_TRADE_UPDATE")))
    if unknown := [name for name in wanted if name not in typed.USDM_EVENTS]:
        raise ValueError(
            f"USD-M futures have no event {checks.shown(unknown[0])}; they have {', '.join(typed.USDM_EVENTS)}"
        )
    if wanted and "listenKeyExpired" not in wanted:
        wanted += ("listenKeyExpired",)
    return Product(
        "usdm-futures",
        ListenKeyStream(
            rest=Host.USDM_REST,
            path="/fapi/v1/listenKey",
            stream=Host.USDM_STREAM,
            place=KeyPlace.QUERY,
            events=wanted,
            put_tells_key=True,
            time_path="/fapi/v1/time",
        ),
        _Later("USDM_EVENTS"),
        FuturesHistory(rest=Host.USDM_REST, kind=FuturesKind.USDM),
    )


USDM_FUTURES = usdm_futures()
COINM_FUTURES = Product(
    "coinm-futures",
    ListenKeyStream(
        rest=Host.COINM_REST,
        path="/dapi/v1/listenKey",
        stream=Host.COINM_STREAM,
        put_tells_key=True,
        time_path="/dapi/v1/time",
    ),
    _Later("COINM_EVENTS"),
    FuturesHistory(rest=Host.COINM_REST, kind=FuturesKind.COINM),
)
OPTIONS = Product(
    "options",
    ListenKeyStream(
        rest=Host.OPTIONS_REST,
        path="/eapi/v1/listenKey",
        stream=Host.OPTIONS_STREAM,
        time_path="/eapi/v1/time",
    ),
    _Later("OPTIONS_EVENTS"),
    OptionsHistory(rest=Host.OPTIONS_REST),
)
PORTFOLIO_MARGIN = Product(
    "portfolio-margin",
    ListenKeyStream(
        rest=Host.PORTFOLIO_MARGIN_REST,
        path="/papi/v1/listenKey",
        stream=Host.PORTFOLIO_MARGIN_STREAM,
    ),
    _Later("PORTFOLIO_MARGIN_EVENTS"),
    PortfolioMarginHistory(rest=Host.PORTFOLIO_MARGIN_REST),
)
PORTFOLIO_MARGIN_PRO = Product(
    "portfolio-margin-pro",
    ListenKeyStream(
        rest=Host.USDM_REST,
        path="/fapi/v1/listenKey",
        stream=Host.PORTFOLIO_MARGIN_PRO_STREAM,
        put_tells_key=True,
        time_path="/fapi/v1/time",
    ),
    _Later("PORTFOLIO_MARGIN_PRO_EVENTS"),
    PortfolioMarginProHistory(rest=Host.SPOT_REST),
)

STOCKS = Product(
    "stocks",
    ListenKeyStream(
        rest=Host.SPOT_REST,
        path="/sapi/v1/equity/listenKey",
        stream=Host.STOCKS_STREAM,
        place=KeyPlace.SUBSCRIPTION,
        topics=("orderReport",),
        has_only_post=True,
        time_path="/api/v3/time",
    ),
    _Later("STOCKS_EVENTS"),
    StocksHistory(rest=Host.SPOT_REST),
)

PRODUCTS: Mapping[str, Product] = MappingProxyType(
    {
        product.name: product
        for product in (
            SPOT,
            CROSS_MARGIN,
            MARGIN_RISK,
            UNIFIED_MARGIN,
            USDM_FUTURES,
            COINM_FUTURES,
            OPTIONS,
            PORTFOLIO_MARGIN,
            PORTFOLIO_MARGIN_PRO,
            STOCKS,
        )
    }
)
"""Every product by its name, but those that are made: isolated pairs, several margin accounts, or one by listen key."""

_MADE = {"isolated-margin": isolated_margin}


def find_product(name: str) -> Product:
    """Return the product of a name, as it is written on the command line.

    Besides the names of :data:`PRODUCTS` there is ``isolated-margin:BTCUSDT`` for any pair, and margin accounts can be
    joined, as in ``cross-margin+isolated-margin:BTCUSDT``. With ``@listen-key`` at its end, as in
    ``cross-margin@listen-key``, it is a margin account with the listen key of version 2.

    Raises:
        ValueError: there is none; the message lists those that there are.
    """
    checks.an(str, "the name of a product", name, "a text such as 'spot'")
    if name.endswith(_BY_LISTEN_KEY):
        return margin_listen_key(find_product(name.removesuffix(_BY_LISTEN_KEY)))
    parts = name.split("+")
    if len(parts) > 1:
        return margin_accounts(*[find_product(part) for part in parts])
    kind, _, symbol = name.partition(":")
    if name in PRODUCTS:
        return PRODUCTS[name]
    if kind in _MADE and symbol:
        return _MADE[kind](symbol)
    made = [f"{kind}:SYMBOL" for kind in _MADE]
    raise ValueError(
        f"there is no product {checks.shown(name)}; there are {', '.join([*PRODUCTS, *made])}, margin accounts "
        f"joined with '+', and one with its listen key by {_BY_LISTEN_KEY!r} behind it"
    )
