"""Limit and market orders: what each sends, in which order, with which values, and what it does to the money."""

from __future__ import annotations

import pytest
from exchange_scene import START_MS, Scene

from trio_binance_uds.sandbox.exchange import Exchange


def report(**changed: object) -> dict[str, object]:
    """An executionReport as Binance writes it, with what differs."""
    return {
        "e": "executionReport",
        "E": START_MS,
        "s": "BTCUSDT",
        "c": "alice-1",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.30000000",
        "p": "20000.00000000",
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": "",
        "x": "NEW",
        "X": "NEW",
        "r": "NONE",
        "i": 5_000_000_001,
        "l": "0.00000000",
        "z": "0.00000000",
        "L": "0.00000000",
        "n": "0",
        "N": None,
        "T": START_MS,
        "t": -1,
        "I": 9_000_000_001,
        "w": True,
        "m": False,
        "M": False,
        "O": START_MS,
        "Z": "0.00000000",
        "Y": "0.00000000",
        "Q": "0.00000000",
        "V": "EXPIRE_MAKER",
        "W": START_MS,
    } | changed


def test_resting_order_reports_new_and_then_the_locked_money() -> None:
    scene = Scene()
    scene.place(scene.alice, "BUY", "0.3", "20000", newClientOrderId="alice-1")
    assert scene.events() == [
        report(),
        {
            "e": "outboundAccountPosition",
            "E": START_MS,
            "u": START_MS,
            "B": [
                {"a": "BTC", "f": "10.00000000", "l": "0.00000000"},
                {"a": "USDT", "f": "94000.00000000", "l": "6000.00000000"},
            ],
        },
    ]


def test_maker_is_told_of_each_fill_with_the_times_of_the_fill_and_of_its_order() -> None:
    scene = Scene()
    scene.place(scene.alice, "BUY", "0.3", "20000", newClientOrderId="alice-1")
    scene.tick()
    scene.forget()
    scene.place(scene.bob, "SELL", "0.1", "19000")
    scene.tick()
    scene.place(scene.bob, "SELL", "0.2", "20000")
    first, second = START_MS + 1000, START_MS + 2000
    maker = {"m": True, "M": True, "N": "BTC", "L": "20000.00000000"}
    assert scene.events() == [
        report(
            **maker,
            x="TRADE",
            X="PARTIALLY_FILLED",
            E=first,
            T=first,
            l="0.10000000",
            z="0.10000000",
            n="0.00010000",
            t=6_000_000_001,
            I=9_000_000_004,
            Y="2000.00000000",
            Z="2000.00000000",
        ),
        {
            "e": "outboundAccountPosition",
            "E": first,
            "u": first,
            "B": [
                {"a": "BTC", "f": "10.09990000", "l": "0.00000000"},
                {"a": "USDT", "f": "94000.00000000", "l": "4000.00000000"},
            ],
        },
        report(
            **maker,
            x="TRADE",
            X="FILLED",
            E=second,
            T=second,
            l="0.20000000",
            z="0.30000000",
            n="0.00020000",
            t=6_000_000_002,
            I=9_000_000_007,
            Y="4000.00000000",
            Z="6000.00000000",
            w=False,
        ),
        {
            "e": "outboundAccountPosition",
            "E": second,
            "u": second,
            "B": [
                {"a": "BTC", "f": "10.29970000", "l": "0.00000000"},
                {"a": "USDT", "f": "94000.00000000", "l": "0.00000000"},
            ],
        },
    ]


def test_market_order_reports_new_trades_and_expiry_with_one_time_and_skipping_execution_ids() -> None:
    scene = Scene()
    scene.place(scene.bob, "SELL", "0.1", "20000")
    scene.place(scene.bob, "SELL", "0.2", "20010")
    scene.tick()
    scene.forget()
    answer = scene.place(scene.alice, "BUY", "0.5", newClientOrderId="alice-1")
    market = {"o": "MARKET", "p": "0.00000000", "q": "0.50000000", "i": 5_000_000_003}
    market |= dict.fromkeys(("E", "T", "O", "W"), scene.now)
    fill = {"x": "TRADE", "X": "PARTIALLY_FILLED", "M": True, "N": "BTC", "w": False}
    assert scene.events() == [
        report(**market, I=9_000_000_003),
        report(
            **market,
            **fill,
            l="0.10000000",
            z="0.10000000",
            L="20000.00000000",
            n="0.00010000",
            t=6_000_000_001,
            I=9_000_000_004,
            Y="2000.00000000",
            Z="2000.00000000",
        ),
        report(
            **market,
            **fill,
            l="0.20000000",
            z="0.30000000",
            L="20010.00000000",
            n="0.00020000",
            t=6_000_000_002,
            I=9_000_000_006,  # the one between is the maker's
            Y="4002.00000000",
            Z="6002.00000000",
        ),
        report(
            **market,
            x="EXPIRED",
            X="EXPIRED",
            w=False,
            z="0.30000000",
            Z="6002.00000000",
            I=9_000_000_008,
            eR="INSUFFICIENT_LIQUIDITY",
        ),
        {
            "e": "outboundAccountPosition",
            "E": scene.now,
            "u": scene.now,
            "B": [
                {"a": "BTC", "f": "10.29970000", "l": "0.00000000"},
                {"a": "USDT", "f": "93998.00000000", "l": "0.00000000"},
            ],
        },
    ]
    assert answer == {
        "symbol": "BTCUSDT",
        "orderId": 5_000_000_003,
        "orderListId": -1,
        "clientOrderId": "alice-1",
        "transactTime": scene.now,
        "price": "0.00000000",
        "origQty": "0.50000000",
        "executedQty": "0.30000000",
        "origQuoteOrderQty": "0.00000000",
        "cummulativeQuoteQty": "6002.00000000",
        "status": "EXPIRED",
        "timeInForce": "GTC",
        "type": "MARKET",
        "side": "BUY",
        "workingTime": scene.now,
        "fills": [
            {
                "price": "20000.00000000",
                "qty": "0.10000000",
                "commission": "0.00010000",
                "commissionAsset": "BTC",
                "tradeId": 6_000_000_001,
            },
            {
                "price": "20010.00000000",
                "qty": "0.20000000",
                "commission": "0.00020000",
                "commissionAsset": "BTC",
                "tradeId": 6_000_000_002,
            },
        ],
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "expiryReason": "INSUFFICIENT_LIQUIDITY",
    }


def test_cancel_report_has_the_new_client_id_and_the_former_one() -> None:
    scene = Scene()
    scene.place(scene.alice, "BUY", "0.3", "20000", newClientOrderId="alice-1")
    scene.tick()
    scene.forget()
    answer = scene.call(
        scene.alice, "order.cancel", symbol="BTCUSDT", origClientOrderId="alice-1", newClientOrderId="gone-1"
    )
    assert scene.events()[0] == report(
        x="CANCELED", X="CANCELED", c="gone-1", C="alice-1", E=scene.now, T=scene.now, I=9_000_000_002, w=False
    )
    assert scene.story()[1:] == ["balances"]
    assert (answer["origClientOrderId"], answer["clientOrderId"]) == ("alice-1", "gone-1")
    assert scene.balance(scene.alice, "USDT") == ("100000.00000000", "0.00000000")
    found = scene.call(scene.alice, "order.status", symbol="BTCUSDT", origClientOrderId="gone-1")
    assert found["status"] == "CANCELED"
    assert scene.refuse(scene.alice, "order.status", symbol="BTCUSDT", origClientOrderId="alice-1").code == -2013


@pytest.mark.parametrize(
    ("order", "story"),
    [
        pytest.param(
            {"type": "LIMIT", "timeInForce": "GTC", "price": "20000", "quantity": "0.5"},
            ["LIMIT NEW NEW on book", "LIMIT TRADE PARTIALLY_FILLED 0.1@20000 on book", "balances"],
            id="gtc rests with what is left",
        ),
        pytest.param(
            {"type": "LIMIT", "timeInForce": "IOC", "price": "20000", "quantity": "0.5"},
            [
                "LIMIT NEW NEW on book",
                "LIMIT TRADE PARTIALLY_FILLED 0.1@20000 on book",
                "LIMIT EXPIRED EXPIRED UNFILLED_IOC_QUANTITY_EXPIRED off book",
                "balances",
            ],
            id="ioc expires what is left",
        ),
        pytest.param(
            {"type": "LIMIT", "timeInForce": "IOC", "price": "19999", "quantity": "0.5"},
            ["LIMIT NEW NEW on book", "LIMIT EXPIRED EXPIRED UNFILLED_IOC_QUANTITY_EXPIRED off book", "balances"],
            id="ioc without any fill",
        ),
        pytest.param(
            {"type": "LIMIT", "timeInForce": "FOK", "price": "20000", "quantity": "0.5"},
            ["LIMIT NEW NEW on book", "LIMIT EXPIRED EXPIRED UNFILLED_FOK_ORDER_EXPIRED off book", "balances"],
            id="fok fills nothing rather than a part",
        ),
        pytest.param(
            {"type": "LIMIT", "timeInForce": "FOK", "price": "20010", "quantity": "0.3"},
            [
                "LIMIT NEW NEW on book",
                "LIMIT TRADE PARTIALLY_FILLED 0.1@20000 on book",
                "LIMIT TRADE FILLED 0.2@20010 off book",
                "balances",
            ],
            id="fok fills all",
        ),
        pytest.param(
            {"type": "LIMIT_MAKER", "price": "19999.99", "quantity": "0.5"},
            ["LIMIT_MAKER NEW NEW on book", "balances"],
            id="limit maker rests",
        ),
        pytest.param(
            {"type": "MARKET", "quantity": "0.2"},
            [
                "MARKET NEW NEW on book",
                "MARKET TRADE PARTIALLY_FILLED 0.1@20000 off book",
                "MARKET TRADE FILLED 0.1@20010 off book",
                "balances",
            ],
            id="market by quantity",
        ),
        pytest.param(
            {"type": "MARKET", "quoteOrderQty": "4001"},
            [
                "MARKET NEW NEW on book",
                "MARKET TRADE PARTIALLY_FILLED 0.1@20000 off book",
                "MARKET TRADE FILLED 0.1@20010 off book",
                "balances",
            ],
            id="market by quote quantity",
        ),
        pytest.param(
            {"type": "MARKET", "quoteOrderQty": "6102"},
            [
                "MARKET NEW NEW on book",
                "MARKET TRADE PARTIALLY_FILLED 0.1@20000 off book",
                "MARKET TRADE PARTIALLY_FILLED 0.2@20010 off book",
                "MARKET EXPIRED EXPIRED INSUFFICIENT_LIQUIDITY off book",
                "balances",
            ],
            id="market by quote quantity beyond the book",
        ),
    ],
)
def test_event_sequence_of_a_buy_against_two_asks(order: dict[str, str], story: list[str]) -> None:
    scene = Scene()
    scene.place(scene.bob, "SELL", "0.1", "20000")
    scene.place(scene.bob, "SELL", "0.2", "20010")
    scene.forget()
    scene.call(scene.alice, "order.place", symbol="BTCUSDT", side="BUY", **order)
    assert scene.story() == story
    assert len({event["E"] for event in scene.events()}) == 1


def test_market_order_on_an_empty_book_expires_untouched() -> None:
    scene = Scene()
    answer = scene.place(scene.alice, "BUY", "1")
    assert (answer["status"], answer["fills"]) == ("EXPIRED", [])
    assert scene.story() == [
        "MARKET NEW NEW on book",
        "MARKET EXPIRED EXPIRED INSUFFICIENT_LIQUIDITY off book",
        "balances",
    ]
    assert scene.balance(scene.alice, "USDT") == ("100000.00000000", "0.00000000")


def test_market_order_by_quote_quantity_that_buys_less_than_a_lot_is_refused() -> None:
    scene = Scene()
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quoteOrderQty": "10"}
    empty = scene.refuse(scene.alice, "order.place", **order)
    assert (empty.code, empty.msg) == (-2010, "Order book liquidity is less than symbol minimum quantity.")
    scene.place(scene.bob, "SELL", "0.00002", "1000000")
    thin = scene.refuse(scene.alice, "order.place", **order | {"quoteOrderQty": "9.99"})
    assert (thin.code, thin.msg) == (
        -2010,
        "Order book liquidity is less than `LOT_SIZE` filter minimum quantity.",
    )


def test_best_price_trades_first_and_then_the_oldest_order() -> None:
    scene = Scene()
    ids = [scene.place(scene.bob, "SELL", "0.1", price)["orderId"] for price in ("20010", "20000", "20000", "20005")]
    scene.forget()
    scene.place(scene.alice, "BUY", "0.4")
    fills = [event["i"] for event in scene.events(scene.bob) if event["e"] == "executionReport"]
    assert fills == [ids[1], ids[2], ids[3], ids[0]]


def test_amended_order_keeps_its_place_in_the_book() -> None:
    scene = Scene()
    first = scene.place(scene.alice, "SELL", "0.3", "20000", newClientOrderId="alice-1")
    scene.place(scene.alice, "SELL", "0.3", "20000")
    scene.tick()
    scene.forget()
    answer = scene.call(
        scene.alice, "order.amend.keepPriority", symbol="BTCUSDT", orderId=first["orderId"], newQty="0.2"
    )
    amended, position = scene.events()
    assert (amended["x"], amended["X"], amended["q"], amended["C"]) == ("REPLACED", "NEW", "0.20000000", "alice-1")
    assert answer["executionId"] == amended["I"]
    assert answer["amendedOrder"]["clientOrderId"] == amended["c"] != "alice-1"
    assert position["B"][0] == {"a": "BTC", "f": "9.50000000", "l": "0.50000000"}
    scene.forget()
    scene.place(scene.bob, "BUY", "0.25", "20000")
    filled = [(event["i"], event["l"]) for event in scene.events() if event["e"] == "executionReport"]
    assert filled == [(first["orderId"], "0.20000000"), (first["orderId"] + 1, "0.05000000")]
    listed = scene.call(scene.alice, "order.amendments", symbol="BTCUSDT", orderId=first["orderId"])
    assert [(row["executionId"], row["origQty"], row["newQty"]) for row in listed] == [
        (amended["I"], "0.30000000", "0.20000000")
    ]


def test_amending_down_to_what_is_filled_ends_the_order() -> None:
    scene = Scene()
    placed = scene.place(scene.alice, "SELL", "0.3", "20000")
    scene.place(scene.bob, "BUY", "0.1", "20000")
    scene.forget()
    scene.call(scene.alice, "order.amend.keepPriority", symbol="BTCUSDT", orderId=placed["orderId"], newQty="0.1")
    assert scene.story() == ["LIMIT EXPIRED EXPIRED off book", "balances"]
    assert scene.balance(scene.alice, "BTC") == ("9.90000000", "0.00000000")
    assert scene.call(scene.alice, "openOrders.status") == []


def test_better_price_than_the_limit_gives_the_difference_back() -> None:
    scene = Scene()
    scene.place(scene.bob, "SELL", "0.1", "19000")
    scene.place(scene.alice, "BUY", "0.2", "20000")
    assert scene.balance(scene.alice, "USDT") == ("96100.00000000", "2000.00000000")


def test_commission_is_paid_in_bnb_at_a_discount_while_there_is_enough() -> None:
    scene = Scene(uses_bnb=True)
    scene.exchange.symbols["BNBUSDT"].last_price = scene.exchange.symbols["BNBUSDT"].tick_size * 50_000
    scene.exchange.deposit(scene.alice, "BNB", "0.003")
    scene.place(scene.bob, "SELL", "0.2", "20000")
    scene.forget()
    scene.place(scene.alice, "BUY", "0.1", "20000")
    scene.place(scene.alice, "BUY", "0.1", "20000")
    paid = [(event["n"], event["N"]) for event in scene.events() if event.get("x") == "TRADE"]
    # 2000 USDT are 4 BNB; a thousandth of that, less a quarter. The second time 0.003 BNB are no longer there.
    assert paid == [("0.00300000", "BNB"), ("0.00010000", "BTC")]
    assert [row["a"] for row in scene.events()[-1]["B"]] == ["BTC", "BNB", "USDT"]


@pytest.mark.parametrize(
    ("base", "quote", "prices", "owed"),
    [
        pytest.param("BNB", "USDT", {}, ("0.00075000", "BNB"), id="bnb is bought"),
        pytest.param("BTC", "BNB", {}, ("0.03000000", "BNB"), id="bnb is paid"),
        pytest.param("BTC", "EUR", {("BNB", "EUR"): "20"}, ("0.00150000", "BNB"), id="price of bnb"),
        pytest.param("BTC", "EUR", {("EUR", "BNB"): "0.1"}, ("0.00300000", "BNB"), id="price in bnb"),
        pytest.param("BTC", "EUR", {("EUR", "BNB"): None}, ("0.00100000", "BTC"), id="no price yet"),
        pytest.param("BTC", "EUR", {}, ("0.00100000", "BTC"), id="no market"),
    ],
)
def test_commission_in_bnb_is_converted_by_whatever_market_there_is(
    base: str, quote: str, prices: dict[tuple[str, str], str | None], owed: tuple[str, str]
) -> None:
    exchange = Exchange(lambda: START_MS * 1000)
    exchange.add_symbol("PAIR", base, quote)
    for (one, other), price in prices.items():
        exchange.add_symbol(one + other, one, other, last_price=price)
    payer = exchange.add_account({quote: "1000", "BNB": "1"} | {quote: "1000"}, uses_bnb=True)
    maker = exchange.add_account({base: "10"})
    order = {"symbol": "PAIR", "type": "LIMIT", "timeInForce": "GTC", "price": "40", "quantity": "1"}
    exchange.call(maker, "order.place", order | {"side": "SELL"})
    fill = exchange.call(payer, "order.place", order | {"side": "BUY"})["fills"][0]
    assert (fill["commission"], fill["commissionAsset"]) == owed


def test_iceberg_shows_only_its_tip() -> None:
    scene = Scene()
    scene.place(scene.alice, "BUY", "1", "20000", icebergQty="0.1")
    assert scene.exchange.call(None, "depth", {"symbol": "BTCUSDT"})["bids"] == [["20000.00000000", "0.10000000"]]
    assert scene.events()[0]["F"] == "0.10000000"


def test_exchange_can_take_an_order_away() -> None:
    scene = Scene()
    placed = scene.place(scene.alice, "BUY", "0.1", "20000")
    scene.forget()
    scene.exchange.exchange_cancel(scene.alice, "BTCUSDT", placed["orderId"])
    assert scene.story() == ["LIMIT EXPIRED EXPIRED EXCHANGE_CANCELED off book", "balances"]
    with pytest.raises(LookupError):
        scene.exchange.exchange_cancel(scene.alice, "BTCUSDT", placed["orderId"])


def test_seeded_book_stands_on_both_sides_of_the_middle() -> None:
    scene = Scene()
    ids = scene.exchange.seed_book("BTCUSDT", "20000", 3, scene.bob)
    depth = scene.exchange.call(None, "depth", {"symbol": "BTCUSDT"})
    assert [row[0] for row in depth["asks"]] == ["20010.00000000", "20020.00000000", "20030.00000000"]
    assert [row[0] for row in depth["bids"]] == ["19990.00000000", "19980.00000000", "19970.00000000"]
    assert len(ids) == 6
    assert scene.exchange.call(None, "ticker.price", {"symbol": "BTCUSDT"})["price"] == "20000.00000000"


def test_seeding_again_keeps_the_last_price_and_takes_a_quantity() -> None:
    scene = Scene()
    scene.trade_at("20000")
    scene.exchange.seed_book("BTCUSDT", "30000", 1, scene.bob, quantity="0.5")
    depth = scene.exchange.call(None, "depth", {"symbol": "BTCUSDT"})
    assert depth["asks"] == [["30015.00000000", "0.50000000"]]
    assert scene.exchange.call(None, "ticker.price", {"symbol": "BTCUSDT"})["price"] == "20000.00000000"


def test_symbol_that_is_not_ascii_trades_like_any_other() -> None:
    scene = Scene()
    scene.exchange.deposit(scene.alice, "456", "100")
    scene.exchange.deposit(scene.bob, "这是测试币", "100")
    order = {"symbol": "这是测试币456", "type": "LIMIT", "timeInForce": "GTC", "price": "1.5", "quantity": "2"}
    scene.call(scene.bob, "order.place", side="SELL", **order)
    assert scene.call(scene.alice, "order.place", side="BUY", **order)["status"] == "FILLED"
    assert scene.balance(scene.alice, "这是测试币") == ("1.99800000", "0.00000000")
