"""Whatever three traders do: no money is made or lost, and the events tell what the queries tell."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from exchange_scene import fingerprint
from hypothesis import given, settings
from hypothesis import strategies as st

from trio_binance_uds.sandbox.exchange import Account, Exchange, InsufficientFunds, Refusal

SYMBOL = "AAABBB"
OPEN = {"NEW", "PARTIALLY_FILLED", "PENDING_NEW"}
MODES = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"]

prices = st.integers(95, 105).map(str)
quantities = st.integers(1, 40).map(lambda tenths: str(Decimal(tenths) / 10))
sides = st.sampled_from(["BUY", "SELL"])
limits = st.sampled_from(["GTC", "GTC", "GTC", "IOC", "FOK"])


def optional(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


def both(first: st.SearchStrategy[dict[str, Any]], second: st.SearchStrategy[dict[str, Any]]) -> Any:
    return st.builds(lambda a, b: a | b, first, second)


def fields(**given: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {key: value if isinstance(value, st.SearchStrategy) else st.just(value) for key, value in given.items()}
    )


basics = {"symbol": SYMBOL, "side": sides, "quantity": quantities}
orders = both(
    st.one_of(
        fields(**basics, type="LIMIT", timeInForce=limits, price=prices),
        fields(**basics, type="LIMIT_MAKER", price=prices),
        fields(**basics, type="MARKET"),
        fields(symbol=SYMBOL, side=sides, type="MARKET", quoteOrderQty=st.integers(5, 400).map(str)),
        fields(**basics, type=st.sampled_from(["STOP_LOSS", "TAKE_PROFIT"]), stopPrice=prices),
        fields(
            **basics,
            type=st.sampled_from(["STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT"]),
            stopPrice=prices,
            price=prices,
            timeInForce=limits,
        ),
        fields(**basics, type="STOP_LOSS", trailingDelta=st.sampled_from([10, 100, 300])),
    ),
    optional(
        selfTradePreventionMode=st.sampled_from(MODES),
        newClientOrderId=st.sampled_from(["a", "b", "c"]),
        strategyId=st.just(1),
    ),
)
ocos = st.one_of(
    fields(
        **basics,
        aboveType=st.just("LIMIT_MAKER"),
        abovePrice=st.integers(101, 105).map(str),
        belowType="STOP_LOSS",
        belowStopPrice=st.integers(95, 99).map(str),
    ),
    fields(
        **basics,
        aboveType="STOP_LOSS_LIMIT",
        aboveStopPrice=st.integers(101, 105).map(str),
        abovePrice=prices,
        aboveTimeInForce=limits,
        belowType="LIMIT_MAKER",
        belowPrice=st.integers(95, 99).map(str),
    ),
)
working = {
    "symbol": SYMBOL,
    "workingType": "LIMIT",
    "workingSide": sides,
    "workingPrice": prices,
    "workingQuantity": quantities,
    "workingTimeInForce": limits,
}
pending_pair = {
    "pendingSide": "SELL",
    "pendingAboveType": "LIMIT_MAKER",
    "pendingAbovePrice": st.integers(101, 105).map(str),
    "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": st.integers(95, 99).map(str),
}
steps = st.one_of(
    st.tuples(st.just("order.place"), orders),
    st.tuples(st.just("order.place"), orders),
    st.tuples(st.just("order.place"), orders),
    st.tuples(st.just("orderList.place.oco"), ocos),
    st.tuples(
        st.just("orderList.place.oto"),
        fields(
            **working,
            pendingType=st.sampled_from(["LIMIT_MAKER", "MARKET"]),
            pendingSide=sides,
            pendingPrice=prices,
            pendingQuantity=quantities,
        ).map(lambda p: {k: v for k, v in p.items() if k != "pendingPrice" or p["pendingType"] != "MARKET"}),
    ),
    st.tuples(st.just("orderList.place.otoco"), fields(**working, **pending_pair, pendingQuantity=quantities)),
    st.tuples(st.just("orderList.place.opoco"), fields(**{**working, "workingSide": "BUY"}, **pending_pair)),
    st.tuples(st.just("order.cancel"), fields(symbol=SYMBOL, origClientOrderId=st.sampled_from(["a", "b", "c"]))),
    st.tuples(st.just("cancel nth"), fields(n=st.integers(0, 5))),
    st.tuples(
        st.just("amend nth"),
        both(
            fields(n=st.integers(0, 5), newQty=quantities),
            optional(newClientOrderId=st.sampled_from(["a", "b", "d"])),
        ),
    ),
    st.tuples(st.just("openOrders.cancelAll"), fields(symbol=SYMBOL)),
    st.tuples(st.just("move"), fields(n=st.integers(-50, 50), lock=st.booleans())),
    st.tuples(
        st.just("order.cancelReplace"),
        both(
            orders,
            fields(
                cancelReplaceMode=st.sampled_from(["STOP_ON_FAILURE", "ALLOW_FAILURE"]),
                cancelOrigClientOrderId=st.sampled_from(["a", "b"]),
            ),
        ),
    ),
)


class World:
    """The exchange, and beside it what a reader of each account's events believes."""

    def __init__(self) -> None:
        self.time = 1_790_000_000_000_000
        self.exchange = Exchange(lambda: self.time)
        self.exchange.add_symbol(
            SYMBOL, "AAA", "BBB", tick_size="1", step_size="0.1", min_notional="1", last_price="100"
        )
        self.exchange.add_symbol("BNBBBB", "BNB", "BBB", last_price="50")
        start = {"AAA": "20", "BBB": "2000"}
        self.accounts = [
            self.exchange.add_account(start),
            self.exchange.add_account(start | {"BNB": "0.001"}, uses_bnb=True, trade_group_id=1),
            self.exchange.add_account(start, trade_group_id=1, maker_commission="0.0001"),
        ]
        self.supply = {"AAA": Decimal(60), "BBB": Decimal(6000), "BNB": Decimal("0.001")}
        self.beliefs = {account.uid: Belief(account) for account in self.accounts}
        for account in self.accounts:
            self.exchange.watch(account, self.beliefs[account.uid].read)

    def act(self, account: Account, method: str, params: dict[str, Any]) -> None:
        self.time += 1500
        opens = list(account.records_of(SYMBOL).open.values())
        if method == "move":
            self._move(account, params["n"], lock=params["lock"])
            return
        if method in ("cancel nth", "amend nth"):
            if params["n"] >= len(opens):
                return
            order = {"symbol": SYMBOL, "orderId": opens[params["n"]].order_id}
            if method == "cancel nth":
                method, params = "order.cancel", order
            else:
                method = "order.amend.keepPriority"
                params = order | {key: value for key, value in params.items() if key != "n"}
        before = fingerprint(self.exchange)
        try:
            self.exchange.call(account, method, params)
        except Refusal as refusal:
            if refusal.status != 409:
                assert fingerprint(self.exchange) == before

    def _move(self, account: Account, n: int, *, lock: bool) -> None:
        amount = str(abs(n))
        exchange = self.exchange
        try:
            if lock:
                (exchange.lock_externally if n > 0 else exchange.unlock_externally)(account, "BBB", amount)
            else:
                (exchange.deposit if n > 0 else exchange.withdraw)(account, "BBB", amount)
                self.supply["BBB"] += n if n else 0
        except InsufficientFunds:
            pass

    def check(self) -> None:
        self._check_money()
        bid, ask = (side.best_price() for side in self._sides())
        assert bid is None or ask is None or bid < ask, "the book is crossed"
        ids = [e.event["I"] for e in self.exchange.journal.entries() if e.event["e"] == "executionReport"]
        assert ids == sorted(set(ids)), "execution ids do not rise"
        for account in self.accounts:
            self.beliefs[account.uid].check(self.exchange)

    def _sides(self) -> tuple[Any, Any]:
        book = self.exchange.symbols[SYMBOL].book
        return book.bids, book.asks

    def _check_money(self) -> None:
        for asset, supply in self.supply.items():
            held = [account.balances[asset] for account in self.accounts if asset in account.balances]
            assert all(balance.free >= 0 and balance.locked >= balance.external >= 0 for balance in held)
            total = sum((balance.free + balance.locked for balance in held), Decimal(0))
            assert total + self.exchange.fees.get(asset, Decimal(0)) == supply
        for account in self.accounts:
            opens = account.records_of(SYMBOL).open.values()
            reservations = {id(order.reservation): order.reservation for order in opens if order.reservation}
            for asset, balance in account.balances.items():
                reserved = sum((r.amount for r in reservations.values() if r.asset == asset), Decimal(0))
                assert balance.locked == reserved + balance.external, "money is locked for nothing"


class Belief:
    """What somebody knows of an account who saw it once and then only read its events."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.balances = {asset: (balance.free, balance.locked) for asset, balance in account.balances.items()}
        self.orders: dict[int, dict[str, Any]] = {}
        self.ended: set[int] = set()
        self.trades: list[tuple[Any, ...]] = []
        self.lists: dict[int, str] = {}
        self.last_time = 0

    def read(self, event: dict[str, Any]) -> None:
        assert event["E"] >= self.last_time
        self.last_time = event["E"]
        match event["e"]:
            case "executionReport":
                self._read_report(event)
            case "outboundAccountPosition":
                assert event["u"] == self.last_time
                self.balances |= {row["a"]: (Decimal(row["f"]), Decimal(row["l"])) for row in event["B"]}
            case "listStatus":
                assert self.lists.get(event["g"]) != "ALL_DONE"
                self.lists[event["g"]] = event["L"]

    def _read_report(self, event: dict[str, Any]) -> None:
        assert event["i"] not in self.ended, "a report about an order that has ended"
        if event["X"] in OPEN:
            self.orders[event["i"]] = event
        else:
            self.orders.pop(event["i"], None)
            self.ended.add(event["i"])
        if event["x"] == "TRADE":
            self.trades.append((event["t"], event["i"], event["l"], event["L"], event["n"], event["N"], event["m"]))
        filled = Decimal(event["z"]) + Decimal(event.get("A", "0"))
        if event["X"] in OPEN:
            assert filled < Decimal(event["q"]) or event["X"] == "PENDING_NEW"

    def check(self, exchange: Exchange) -> None:
        status = exchange.call(self.account, "account.status", {})
        told = {row["asset"]: (Decimal(row["free"]), Decimal(row["locked"])) for row in status["balances"]}
        assert self.balances == told
        opens = exchange.call(self.account, "openOrders.status", {"symbol": SYMBOL})
        assert {row["orderId"] for row in opens} == set(self.orders)
        for row in opens:
            report = self.orders[row["orderId"]]
            assert (row["status"], row["clientOrderId"]) == (report["X"], report["c"])
            assert (row["origQty"], row["executedQty"]) == (report["q"], report["z"])
            assert (row["updateTime"], row["time"]) == (report["T"], report["O"])
            assert (row["cummulativeQuoteQty"], row["workingTime"]) == (report["Z"], report.get("W", -1))
            assert row.get("preventedQuantity") == report.get("A")
        trades = exchange.call(self.account, "myTrades", {"symbol": SYMBOL})
        assert self.trades == [
            (t["id"], t["orderId"], t["qty"], t["price"], t["commission"], t["commissionAsset"], t["isMaker"])
            for t in trades
        ]
        lists = {row["orderListId"] for row in exchange.call(self.account, "openOrderLists.status", {})}
        assert lists == {key for key, state in self.lists.items() if state == "EXECUTING"}


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 2), steps), min_size=10, max_size=50))
def test_events_and_queries_agree_and_money_is_conserved(script: list[tuple[int, tuple[str, dict[str, Any]]]]) -> None:
    world = World()
    for who, (method, params) in script:
        world.act(world.accounts[who], method, params)
        world.check()
