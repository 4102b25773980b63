"""Products and environments are values that say plainly what does not fit."""

from __future__ import annotations

import pytest

import trio_binance_uds as uds
from trio_binance_uds import (
    CROSS_MARGIN,
    DEMO,
    DEMO_BINANCEFUTURE,
    PRODUCTION,
    PRODUCTS,
    SPOT,
    TESTNET,
    Environment,
    Host,
    NotOffered,
    find_product,
    isolated_margin,
    margin_accounts,
)


@pytest.mark.parametrize("environment", [PRODUCTION, TESTNET, DEMO])
def test_spot_is_offered_everywhere(environment: Environment) -> None:
    assert environment.url(SPOT.mechanism.connects_to).startswith("wss://")
    assert environment.url(Host.SPOT_REST).startswith("https://")


def test_urls_differ_between_environments() -> None:
    urls = [environment.url(Host.SPOT_WS_API) for environment in (PRODUCTION, TESTNET, DEMO)]
    assert len(set(urls)) == 3


def test_any_url_can_be_replaced_and_the_others_stay() -> None:
    other = PRODUCTION.override(spot_ws_api="wss://ws-api.binance.com:9443/ws-api/v3")
    assert other.url(Host.SPOT_WS_API).endswith(":9443/ws-api/v3")
    assert other.url(Host.SPOT_REST) == PRODUCTION.url(Host.SPOT_REST)
    assert PRODUCTION.url(Host.SPOT_WS_API).endswith(":443/ws-api/v3")


def test_a_name_that_is_no_url_of_ours_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match="no URL named 'spot_ws'; there are spot_ws_api, spot_rest"):
        PRODUCTION.override(spot_ws="wss://example.com")


@pytest.mark.parametrize("url", ["https://example.com", "wss://", "example.com", ""])
def test_a_url_of_the_wrong_kind_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="spot_ws_api must start with wss:// or ws://"):
        PRODUCTION.override(spot_ws_api=url)


def test_what_an_environment_lacks_is_not_offered() -> None:
    with pytest.raises(NotOffered, match=r"the mine environment has no spot_rest"):
        Environment("mine", {Host.SPOT_WS_API: "ws://127.0.0.1:1/"}).url(Host.SPOT_REST)


def test_products_are_compared_by_what_they_are() -> None:
    assert hash(SPOT) == hash(SPOT)
    assert SPOT.event_types["executionReport"].__name__ == "ExecutionReport"


# Where each product's key or token is made, and where its events come from, in production.
PLACES = [
    (uds.CROSS_MARGIN, "https://api.binance.com", "/sapi/v1/userListenToken", "wss://ws-api.binance.com:443/ws-api/v3"),
    (uds.MARGIN_RISK, "https://api.binance.com", "/sapi/v1/margin/listen-key", "wss://margin-stream.binance.com/ws"),
    (
        uds.margin_listen_key(uds.CROSS_MARGIN),
        "https://api.binance.com",
        "/sapi/v2/margin/listen-key",
        "wss://margin-stream.binance.com/ws",
    ),
    (
        uds.UNIFIED_MARGIN,
        "https://api.binance.com",
        "/sapi/v2/margin/uta/listen-key",
        "wss://fstream.binance.com/private/ws",
    ),
    (uds.STOCKS, "https://api.binance.com", "/sapi/v1/equity/listenKey", "wss://nbstream.binance.com/equity/ws"),
    (uds.USDM_FUTURES, "https://fapi.binance.com", "/fapi/v1/listenKey", "wss://fstream.binance.com/private/ws"),
    (uds.COINM_FUTURES, "https://dapi.binance.com", "/dapi/v1/listenKey", "wss://dstream.binance.com/ws"),
    (uds.OPTIONS, "https://eapi.binance.com", "/eapi/v1/listenKey", "wss://fstream.binance.com/private/ws"),
    (uds.PORTFOLIO_MARGIN, "https://papi.binance.com", "/papi/v1/listenKey", "wss://fstream.binance.com/pm/ws"),
    (
        uds.PORTFOLIO_MARGIN_PRO,
        "https://fapi.binance.com",
        "/fapi/v1/listenKey",
        "wss://fstream.binance.com/pm-classic/ws",
    ),
]


@pytest.mark.parametrize(("product", "rest", "path", "stream"), PLACES, ids=lambda value: getattr(value, "name", ""))
def test_each_product_has_its_own_places(product: uds.Product, rest: str, path: str, stream: str) -> None:
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream | uds.ListenTokenSubscription)
    assert PRODUCTION.url(mechanism.rest) == rest
    assert mechanism.path == path
    assert PRODUCTION.url(mechanism.connects_to) == stream
    if isinstance(mechanism, uds.ListenKeyStream):
        assert mechanism.life == 3600


def test_only_usdm_has_its_key_in_the_query_and_only_margin_names_it_in_put() -> None:
    keyed = {product.name: product.mechanism for product, *_ in PLACES if product is not uds.CROSS_MARGIN}
    in_query = [name for name, it in keyed.items() if getattr(it, "place", None) is uds.KeyPlace.QUERY]
    assert in_query == ["usdm-futures"]
    assert [name for name, it in keyed.items() if getattr(it, "put_names_key", False)] == [
        "margin-risk",
        "cross-margin@listen-key",
        "unified-margin",
    ]
    assert [name for name, it in keyed.items() if getattr(it, "topics", ())] == ["stocks"]
    assert [name for name, it in keyed.items() if getattr(it, "has_only_post", False)] == ["stocks"]
    told = [name for name, it in keyed.items() if getattr(it, "put_tells_key", False)]
    assert told == ["usdm-futures", "coinm-futures", "portfolio-margin-pro"]


@pytest.mark.parametrize(
    ("environment", "offered"),
    [
        (TESTNET, {"usdm-futures", "coinm-futures", "options"}),
        (DEMO, {"usdm-futures", "coinm-futures"}),
        (DEMO_BINANCEFUTURE, {"usdm-futures", "coinm-futures"}),
    ],
    ids=["testnet", "demo", "demo-binancefuture"],
)
def test_the_other_worlds_have_some_products_only(environment: Environment, offered: set[str]) -> None:
    found = set()
    for product, *_ in PLACES[1:]:
        mechanism = product.mechanism
        assert isinstance(mechanism, uds.ListenKeyStream)
        if {mechanism.rest, mechanism.stream} <= set(environment.urls):
            found.add(product.name)
    assert found == offered


def test_the_events_of_usdm_can_be_chosen_and_that_of_the_keys_end_always_comes() -> None:
    def events(*wanted: str) -> tuple[str, ...]:
        mechanism = uds.usdm_futures(events=wanted).mechanism
        assert isinstance(mechanism, uds.ListenKeyStream)
        return mechanism.events

    assert events() == ()
    assert events("ORDER_TRADE_UPDATE", "ACCOUNT_UPDATE", "ORDER_TRADE_UPDATE") == (
        "ORDER_TRADE_UPDATE",
        "ACCOUNT_UPDATE",
        "listenKeyExpired",
    )
    assert events("listenKeyExpired", "TRADE_LITE") == ("listenKeyExpired", "TRADE_LITE")
    with pytest.raises(ValueError, match="USD-M futures have no event 'ORDER_TRADE_UPDAT'; they have ORDER_TRADE"):
        events("ORDER_TRADE_UPDAT")


@pytest.mark.parametrize("symbol", ["btcusdt", "", "BTC/USDT", "BTC USDT", "B" * 41])
def test_an_isolated_pair_is_a_symbol_in_upper_case(symbol: str) -> None:
    with pytest.raises(ValueError, match="named by its symbol in upper case"):
        uds.isolated_margin(symbol)


def test_margin_accounts_can_share_a_stream_and_keep_their_names() -> None:
    pair = uds.isolated_margin("BTCUSDT")
    assert pair.name == "isolated-margin:BTCUSDT"
    both = uds.margin_accounts(uds.CROSS_MARGIN, pair)
    assert both.name == "cross-margin+isolated-margin:BTCUSDT"
    assert isinstance(both.mechanism, uds.ListenTokenSubscription)
    assert both.mechanism.accounts == (
        uds.MarginAccount(name="cross-margin"),
        uds.MarginAccount(name="isolated-margin:BTCUSDT", symbol="BTCUSDT"),
    )
    assert uds.margin_accounts(uds.CROSS_MARGIN) == uds.CROSS_MARGIN


def test_what_cannot_share_a_stream_is_refused() -> None:
    with pytest.raises(ValueError, match="usdm-futures is not subscribed to with a listen token"):
        uds.margin_accounts(uds.CROSS_MARGIN, uds.USDM_FUTURES)
    with pytest.raises(ValueError, match="each once; got cross-margin, cross-margin"):
        uds.margin_accounts(uds.CROSS_MARGIN, uds.CROSS_MARGIN)
    with pytest.raises(ValueError, match=r"at least one margin account.*got none"):
        uds.margin_accounts()


def test_the_two_sets_of_hosts_for_demo_trading_differ_in_the_streams_of_futures_alone() -> None:
    differing = {host for host in Host if DEMO.urls.get(host) != DEMO_BINANCEFUTURE.urls.get(host)}
    assert differing == {Host.USDM_STREAM, Host.COINM_STREAM}
    assert DEMO.url(Host.USDM_STREAM) == "wss://demo-fstream.binance.com/private/ws"
    assert DEMO_BINANCEFUTURE.url(Host.USDM_STREAM) == "wss://fstream.binancefuture.com/private/ws"
    assert DEMO.url(Host.USDM_REST) == DEMO_BINANCEFUTURE.url(Host.USDM_REST) == "https://demo-fapi.binance.com"


@pytest.mark.parametrize("name", ["cross-margin", "isolated-margin:BTCUSDT"])
def test_a_margin_account_can_have_the_listen_key_of_version_2(name: str) -> None:
    product = find_product(f"{name}@listen-key")
    assert product == uds.margin_listen_key(find_product(name)) == uds.margin_listen_key(name)
    assert product.name == f"{name}@listen-key"
    assert product.accounts == (product.name,)
    assert repr(product).startswith(f"Product(name='{product.name}'")
    mechanism = product.mechanism
    assert isinstance(mechanism, uds.ListenKeyStream)
    assert PRODUCTION.override(margin_listen_key_stream="wss://other.example/ws").url(mechanism.stream) == (
        "wss://other.example/ws"
    )


def test_the_listen_key_of_margin_is_for_one_margin_account() -> None:
    for product in (uds.SPOT, uds.margin_accounts(CROSS_MARGIN, isolated_margin("BTCUSDT")), uds.MARGIN_RISK):
        with pytest.raises(ValueError, match="for CROSS_MARGIN or for one isolated pair, not for"):
            uds.margin_listen_key(product)
    with pytest.raises(ValueError, match="for CROSS_MARGIN or for one"):
        find_product("cross-margin@listen-key@listen-key")
    with pytest.raises(TypeError, match="must be a product such as CROSS_MARGIN"):
        uds.margin_listen_key(5)  # type: ignore[arg-type]  # it is what is refused


def test_a_listen_key_that_is_subscribed_with_has_topics_and_only_that_one() -> None:
    places = {"rest": Host.SPOT_REST, "path": "/k", "stream": Host.STOCKS_STREAM}
    with pytest.raises(ValueError, match="topics are given where a socket subscribes"):
        uds.ListenKeyStream(**places, place=uds.KeyPlace.SUBSCRIPTION)  # type: ignore[arg-type]  # they fit
    with pytest.raises(ValueError, match="topics are given where a socket subscribes"):
        uds.ListenKeyStream(**places, topics=("orderReport",))  # type: ignore[arg-type]  # they fit
    with pytest.raises(ValueError, match="has no PUT"):
        uds.ListenKeyStream(**places, has_only_post=True, put_tells_key=True)  # type: ignore[arg-type]  # they fit


def test_events_are_chosen_only_where_the_url_has_a_place_for_them() -> None:
    with pytest.raises(ValueError, match="only where the key stands in the query"):
        uds.ListenKeyStream(rest=Host.COINM_REST, path="/k", stream=Host.COINM_STREAM, events=("TRADE_LITE",))


@pytest.mark.parametrize("name", PRODUCTS)
def test_a_product_is_found_by_its_name(name: str) -> None:
    assert find_product(name) is PRODUCTS[name]
    assert PRODUCTS[name].accounts == (name,)


def test_margin_accounts_are_found_by_what_they_are_made_of() -> None:
    pair = isolated_margin("BTCUSDT")
    assert find_product("isolated-margin:BTCUSDT") == pair
    both = find_product("cross-margin+isolated-margin:BTCUSDT")
    assert both == margin_accounts(CROSS_MARGIN, pair)
    assert both.accounts == ("cross-margin", "isolated-margin:BTCUSDT")
    assert find_product(both.name) == both


@pytest.mark.parametrize("name", ["", "Spot", "spot:BTCUSDT", "isolated-margin", "isolated-margin:", "margin+", "x"])
def test_what_is_no_product_is_refused_with_those_that_there_are(name: str) -> None:
    with pytest.raises(ValueError, match=r"there are spot, .*, isolated-margin:SYMBOL, margin accounts joined"):
        find_product(name)


@pytest.mark.parametrize("name", ["isolated-margin:btcusdt", "isolated-margin:BTC/USDT", "spot+cross-margin"])
def test_what_is_no_margin_account_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"in upper case|listen token"):
        find_product(name)
