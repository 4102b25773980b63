"""Products and environments are values that say plainly what does not fit."""

from __future__ import annotations

import pytest

from trio_binance_uds import (
    CROSS_MARGIN,
    DEMO,
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
    with pytest.raises(ValueError, match=r"there are spot, .*, isolated-margin:SYMBOL, and margin accounts joined"):
        find_product(name)


@pytest.mark.parametrize("name", ["isolated-margin:btcusdt", "isolated-margin:BTC/USDT", "spot+cross-margin"])
def test_what_is_no_margin_account_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"in upper case|listen token"):
        find_product(name)
