"""Whatever three traders do: no money is made or lost, and the events tell what the queries tell."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from desk_scene import START, fingerprint
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_binance_uds.sandbox.derivatives import CoinmDesk, UsdmDesk
from trio_binance_uds.sandbox.exchange import Refusal
from trio_binance_uds.sandbox.exchange.refusals import InsufficientFunds

UIDS = (1, 2, 3)
ZERO = Decimal(0)
ENDS = {"FILLED", "CANCELED", "EXPIRED", "EXPIRED_IN_MATCH"}

prices = st.integers(90, 110).map(lambda hundreds: str(hundreds * 100))
sides = st.sampled_from(["BUY", "SELL"])
sizes = st.integers(1, 9)
modes = st.sampled_from(["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH"])
limits = st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK", "GTX"])


def fields(**given: Any) -> st.SearchStrategy[dict[str, Any]]:
    optional = {key[:-1]: value for key, value in given.items() if key.endswith("_")}
    needed = {key: value for key, value in given.items() if not key.endswith("_")}
    made = {key: value if isinstance(value, st.SearchStrategy) else st.just(value) for key, value in needed.items()}
    return st.fixed_dictionaries(made, optional=optional)


names = st.sampled_from(["a", "b", "c"])
reduces = st.sampled_from(["true"])
orders = st.one_of(
    fields(
        side=sides, type="LIMIT", quantity=sizes, price=prices, timeInForce=limits, newClientOrderId_=names,
        reduceOnly_=reduces, selfTradePreventionMode_=modes,
    ),
    fields(side=sides, type="MARKET", quantity=sizes, reduceOnly_=reduces, selfTradePreventionMode_=modes),
)  # fmt: skip
stops = st.sampled_from(["STOP_MARKET", "TAKE_PROFIT_MARKET"])
algos = st.one_of(
    fields(side=sides, type=stops, quantity=sizes, triggerPrice=prices, reduceOnly_=reduces),
    fields(side=sides, type=stops, closePosition="true", triggerPrice=prices),
    fields(side=sides, type="STOP", quantity=sizes, triggerPrice=prices, price=prices, timeInForce=limits),
    fields(side=sides, type="TRAILING_STOP_MARKET", quantity=sizes, callbackRate="2", activatePrice_=prices),
)
steps = st.one_of(
    st.tuples(st.just("POST /v1/order"), orders),
    st.tuples(st.just("POST /v1/order"), orders),
    st.tuples(st.just("POST /v1/order"), orders),
    st.tuples(st.just("POST /v1/algoOrder"), algos),
    st.tuples(st.just("cancel"), fields(n=st.integers(0, 5))),
    st.tuples(st.just("modify"), fields(n=st.integers(0, 5), price=prices, quantity=sizes)),
    st.tuples(st.just("mark"), fields(price=prices)),
    st.tuples(st.just("fund"), fields(rate=st.sampled_from(["0.0001", "-0.003"]))),
    st.tuples(st.just("move"), fields(amount=st.sampled_from(["-900", "-3", "0.1", "5"]))),
    st.tuples(st.just("POST /v1/leverage"), fields(leverage=st.integers(1, 125))),
    st.tuples(st.just("POST /v1/marginType"), fields(marginType=st.sampled_from(["ISOLATED", "CROSSED"]))),
    st.tuples(st.just("DELETE /v1/allOpenOrders"), fields()),
)


class World:
    """A desk, and beside it what a reader of each account's events believes."""

    def __init__(self, kind: str, *, hedged: bool) -> None:
        self.time = START
        self.hedged = hedged
        usdm = kind == "usdm"
        self.desk: Any = (UsdmDesk if usdm else CoinmDesk)(lambda: self.time, 3)
        self.prefix, self.symbol = ("/fapi", "BTCUSDT") if usdm else ("/dapi", "BTCUSD_PERP")
        self.asset, self.unit = ("USDT", Decimal("0.1")) if usdm else ("BTC", Decimal(10))
        funds = "2500" if usdm else "0.25"
        self.deposited = ZERO
        self.beliefs: dict[int, Belief] = {}
        for uid in UIDS:
            self.desk.open_account(uid, {self.asset: funds})
            self.deposited += Decimal(funds)
            self.beliefs[uid] = Belief(Decimal(funds))
            self.desk.watch(uid, self.beliefs[uid].read)
            if hedged:
                self.desk.call(uid, "POST", f"{self.prefix}/v1/positionSide/dual", {"dualSidePosition": "true"})
        self.desk.set_mark_price(self.symbol, "10000")

    def act(self, uid: int, what: str, params: dict[str, Any]) -> None:
        self.time += 1_500
        opens = list(self.desk.accounts[uid].records_of(self.symbol).open.values())
        if what == "mark":
            self.desk.set_mark_price(self.symbol, params["price"])
        elif what == "fund":
            self.desk.fund(self.symbol, params["rate"])
        elif what == "move":
            self._move(uid, params["amount"])
        elif what in ("cancel", "modify"):
            if params["n"] < len(opens):
                order = opens[params["n"]]
                place = {"orderId": order.order_id}
                if what == "cancel":
                    self._call(uid, "DELETE /v1/order", place)
                else:
                    more = {"side": order.side, "price": params["price"], "quantity": params["quantity"]}
                    self._call(uid, "PUT /v1/order", place | more)
        else:
            more = {"algoType": "CONDITIONAL"} if "algo" in what else {}
            self._call(uid, what, params | more)

    def _call(self, uid: int, what: str, params: dict[str, Any]) -> None:
        verb, path = what.split()
        params = {"symbol": self.symbol, **params}
        if "quantity" in params:
            params["quantity"] = str(params["quantity"] * self.unit)
        if self.hedged and "type" in params:
            # An order that is to reduce sells what is long, or buys back what is short.
            reduces = params.pop("reduceOnly", None) or params.get("closePosition")
            params["positionSide"] = "LONG" if (params["side"] == "BUY") != bool(reduces) else "SHORT"
        before = fingerprint(self)
        try:
            self.desk.call(uid, verb, self.prefix + path, params)
        except Refusal:
            assert fingerprint(self) == before

    def _move(self, uid: int, amount: str) -> None:
        try:
            self.desk.transfer(uid, self.asset, amount)
        except InsufficientFunds:
            return
        self.deposited += Decimal(amount)

    def check(self) -> None:
        desk = self.desk
        accounts = [*desk.accounts.values(), desk.insurance_fund]
        positions = [held for account in accounts for held in account.positions.values()]
        assert sum((held.amount for held in positions), ZERO) == 0
        assert sum((held.realized - held.cost for held in positions), ZERO) == 0
        wallets = sum((account.balance(self.asset) for account in accounts), ZERO)
        realized = sum((held.realized for held in positions), ZERO)
        assert wallets + desk.ledger.kept.get(self.asset, ZERO) == self.deposited + realized
        book = desk.contracts[self.symbol].book
        bid, ask = book.bids.best_price(), book.asks.best_price()
        assert bid is None or ask is None or bid < ask, "the book is crossed"
        for uid in UIDS:
            self._check_account(uid)
            self.beliefs[uid].check(self, uid)

    def _check_account(self, uid: int) -> None:
        account = self.desk.accounts[uid]
        opens = account.records_of(self.symbol).open.values()
        assert {order.client_order_id for order in opens} == set(account.open_by_client_id)
        for held in account.positions.values():
            mine = [order for order in opens if order.position is held]
            for side, told in (("BUY", held.bids), ("SELL", held.asks)):
                exposed = (held.contract.value(o.reserve_price, o.open_quantity) for o in mine if o.side == side)
                assert told == sum(exposed, ZERO)
            assert held.isolated or held.isolated_wallet == 0
            assert all(order.capacity() > 0 for order in mine), "an order that can only reduce has nothing to reduce"


class Belief:
    """What somebody knows of an account who saw it once and then only read its events."""

    def __init__(self, balance: Decimal) -> None:
        self.balance = balance
        self.positions: dict[str, dict[str, Any]] = {}
        self.orders: dict[int, dict[str, Any]] = {}
        self.ended: set[int] = set()
        self.fills: list[tuple[Any, ...]] = []
        self.lite: list[tuple[Any, ...]] = []
        self.algos: dict[int, str] = {}
        self.last_time = 0

    def read(self, event: dict[str, Any]) -> None:
        assert event["E"] >= self.last_time
        self.last_time = event["E"]
        match event["e"]:
            case "ORDER_TRADE_UPDATE":
                self._read_order(event["o"])
            case "ACCOUNT_UPDATE":
                (balance,) = event["a"]["B"]
                self.balance = Decimal(balance["wb"])
                for row in event["a"]["P"]:
                    self.positions[row["ps"]] = row
            case "TRADE_LITE":
                self.lite.append((event["t"], event["i"], event["l"], event["L"], event["m"]))
            case "ALGO_UPDATE":
                order = event["o"]
                assert self.algos.get(order["aid"], "NEW") in ("NEW", "TRIGGERING", "TRIGGERED")
                self.algos[order["aid"]] = order["X"]

    def _read_order(self, order: dict[str, Any]) -> None:
        assert order["i"] not in self.ended, "a report about an order that has ended"
        if order["X"] in ENDS:
            self.orders.pop(order["i"], None)
            self.ended.add(order["i"])
        else:
            self.orders[order["i"]] = order
        if order["t"]:
            self.fills.append((order["t"], order["i"], order["l"], order["L"], order["m"], order["rp"], order["n"]))

    def check(self, world: World, uid: int) -> None:
        def ask(path: str, **params: Any) -> Any:
            return world.desk.call(uid, "GET", world.prefix + path, params)

        version = "/v3" if world.prefix == "/fapi" else "/v1"
        (balance,) = ask(f"{version}/balance")
        assert Decimal(balance["balance"]) == self.balance
        rows = ask(f"{version}/positionRisk")
        told = {row["positionSide"]: row for row in rows if row["symbol"] == world.symbol and row["positionAmt"] != "0"}
        believed = {side: row for side, row in self.positions.items() if row["pa"] != "0"}
        assert {side: (row["positionAmt"], row["entryPrice"]) for side, row in told.items()} == {
            side: (row["pa"], row["ep"]) for side, row in believed.items()
        }
        opens = ask("/v1/openOrders", symbol=world.symbol)
        assert {row["orderId"] for row in opens} == set(self.orders)
        for row in opens:
            order = self.orders[row["orderId"]]
            assert (row["status"], row["executedQty"], row["origQty"]) == (order["X"], order["z"], order["q"])
            assert (row["price"], row["clientOrderId"]) == (order["p"], order["c"])
            assert Decimal(row["avgPrice"]) == Decimal(order["ap"])
        fills = ask("/v1/userTrades", symbol=world.symbol, limit=1000)
        assert self.fills == [
            (f["id"], f["orderId"], f["qty"], f["price"], f["maker"], f["realizedPnl"], f["commission"]) for f in fills
        ]
        if world.prefix == "/fapi":
            assert self.lite == [fill[:5] for fill in self.fills]
        algos = ask("/v1/openAlgoOrders")
        assert {row["algoId"] for row in algos} == {key for key, status in self.algos.items() if status == "NEW"}


@settings(max_examples=80, deadline=None, derandomize=True)
@given(
    st.sampled_from(["usdm", "coinm"]),
    st.booleans(),
    st.lists(st.tuples(st.sampled_from(UIDS), steps), min_size=10, max_size=50),
)
def test_events_and_queries_agree_and_money_is_conserved(
    kind: str, hedged: bool, script: list[tuple[int, tuple[str, dict[str, Any]]]]
) -> None:
    world = World(kind, hedged=hedged)
    for uid, (what, params) in script:
        world.act(uid, what, params)
        world.check()


def at_random(random: Random) -> tuple[str, dict[str, Any]]:
    """Return something to do; prices lie close together, so that orders meet and conditional ones go off."""
    side, price = random.choice(["BUY", "SELL"]), str(random.randint(97, 103) * 100)
    quantity = random.randint(1, 9)
    reduces = {"reduceOnly": "true"} if random.random() < 0.2 else {}
    match random.choice(["limit"] * 5 + ["market", "algo", "algo", "close", "trail", "cancel", "modify", "other"]):
        case "limit":
            mode = random.choice(["NONE", "EXPIRE_MAKER", "EXPIRE_TAKER", "EXPIRE_BOTH"])
            stays = random.choice(["GTC", "GTC", "GTC", "IOC", "FOK", "GTX"])
            more = {"price": price, "timeInForce": stays, "selfTradePreventionMode": mode}
            return "POST /v1/order", {"side": side, "type": "LIMIT", "quantity": quantity, **more, **reduces}
        case "market":
            return "POST /v1/order", {"side": side, "type": "MARKET", "quantity": quantity, **reduces}
        case "algo":
            more = {"type": random.choice(["STOP_MARKET", "TAKE_PROFIT_MARKET"]), "triggerPrice": price}
            return "POST /v1/algoOrder", {"side": side, "quantity": quantity, **more, **reduces}
        case "close":
            more = {"type": "STOP_MARKET", "triggerPrice": price, "closePosition": "true"}
            return "POST /v1/algoOrder", {"side": side, **more}
        case "trail":
            more = {"type": "TRAILING_STOP_MARKET", "callbackRate": "1", "quantity": quantity}
            return "POST /v1/algoOrder", {"side": side, **more}
        case "cancel":
            return "cancel", {"n": random.randint(0, 3)}
        case "modify":
            return "modify", {"n": random.randint(0, 3), "price": price, "quantity": quantity}
    return random.choice(
        [
            *[("mark", {"price": str(random.randint(75, 125) * 100)})] * 6,
            ("fund", {"rate": random.choice(["0.0001", "-0.003"])}),
            ("move", {"amount": random.choice(["-3", "0.1", "5", "0.02"])}),
            ("POST /v1/leverage", {"leverage": random.randint(5, 125)}),
            ("POST /v1/marginType", {"marginType": random.choice(["ISOLATED", "CROSSED"])}),
            ("DELETE /v1/allOpenOrders", {}),
            ("DELETE /v1/algoOpenOrders", {}),
        ]
    )


@pytest.mark.parametrize("kind", ["usdm", "coinm"])
@pytest.mark.parametrize("hedged", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_a_long_life_keeps_its_books_and_leaves_nothing_undone(kind: str, hedged: bool, seed: int) -> None:
    random, world = Random(seed), World(kind, hedged=hedged)
    for _ in range(400):
        world.act(random.choice(UIDS), *at_random(random))
        world.check()
    told = Counter(
        entry.event["o"]["x"] for entry in world.desk.journal.entries() if entry.event["e"] == "ORDER_TRADE_UPDATE"
    )
    assert {"NEW", "TRADE", "CANCELED", "EXPIRED"} <= set(told)
    assert told["TRADE"] > 40
