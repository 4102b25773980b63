"""Answers and events of a futures account written by hand, for the tests of what is made of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from trio_binance_uds.events import AccountUpdate, Event, OrderTradeUpdate
from trio_binance_uds.products import USDM_FUTURES, Product
from trio_binance_uds.stream.recovery.futures.answers import (
    AmendmentAnswer,
    BalanceAnswer,
    FillAnswer,
    IncomeAnswer,
    OrderAnswer,
    PositionAnswer,
    read_balances,
    read_positions,
)
from trio_binance_uds.stream.recovery.futures.conditional import ConditionalAnswer
from trio_binance_uds.stream.recovery.futures.dialect import COINM, USDM
from trio_binance_uds.stream.recovery.futures.evidence import Evidence
from trio_binance_uds.stream.recovery.futures.knowledge import BaselineAnswers, Knowledge
from trio_binance_uds.stream.recovery.futures.reconstruct import Reconstruction, reconstruct
from trio_binance_uds.stream.recovery.futures.scope import Scope
from trio_binance_uds.wire.decode import decode_frame
from trio_binance_uds.wire.json_text import dumps

T0 = 1_790_000_000_000
SCOPE = Scope(dialect=USDM, account="usdm-futures")
COINM_SCOPE = Scope(dialect=COINM, account="coinm-futures")


def at(ms: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=T0 + ms)


# What the venue answers.


def order_row(order_id: int = 1, **changes: Any) -> dict[str, Any]:
    """A limit order to sell 1 at 100, placed a second after the stream began; times count from there."""
    created = changes.pop("created", 1000)
    raw = {
        "avgPrice": "0.00000",
        "clientOrderId": f"mine-{order_id}",
        "cumQuote": "0",
        "executedQty": "0",
        "orderId": order_id,
        "origQty": "1",
        "origType": "LIMIT",
        "price": "100",
        "reduceOnly": False,
        "side": "SELL",
        "positionSide": "BOTH",
        "status": "NEW",
        "stopPrice": "0",
        "closePosition": False,
        "symbol": "AAABBB",
        "time": T0 + created,
        "timeInForce": "GTC",
        "type": "LIMIT",
        "updateTime": T0 + changes.pop("updated", created),
        "workingType": "CONTRACT_PRICE",
        "priceProtect": False,
        "priceMatch": "NONE",
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "goodTillDate": 0,
    }
    return raw | changes


def order(order_id: int = 1, **changes: Any) -> OrderAnswer:
    return OrderAnswer.read(order_row(order_id, **changes))


def trade_row(trade_id: int, when: int, quantity: str, order_id: int = 1, **changes: Any) -> dict[str, Any]:
    raw = {
        "buyer": False,
        "commission": "0.01",
        "commissionAsset": "BBB",
        "id": trade_id,
        "maker": True,
        "orderId": order_id,
        "price": "100",
        "qty": quantity,
        "quoteQty": "0",
        "realizedPnl": "0",
        "side": "SELL",
        "positionSide": "BOTH",
        "symbol": "AAABBB",
        "time": T0 + when,
    }
    return raw | changes


def trade(trade_id: int, when: int, quantity: str, order_id: int = 1, **changes: Any) -> FillAnswer:
    return FillAnswer.read(trade_row(trade_id, when, quantity, order_id, **changes))


def amendment_row(number: int, when: int, quantities: tuple[str, str], prices: tuple[str, str]) -> dict[str, Any]:
    return {
        "amendmentId": number,
        "symbol": "AAABBB",
        "pair": "AAABBB",
        "orderId": 1,
        "clientOrderId": "mine-1",
        "time": T0 + when,
        "amendment": {
            "price": {"before": prices[0], "after": prices[1]},
            "origQty": {"before": quantities[0], "after": quantities[1]},
            "count": 1,
        },
    }


def amendment(
    number: int, when: int, quantities: tuple[str, str] = ("1", "1"), prices: tuple[str, str] = ("100", "100")
) -> AmendmentAnswer:
    return AmendmentAnswer.read(amendment_row(number, when, quantities, prices))


def balance_row(wallet: str, when: int | None, asset: str = "BBB", **changes: Any) -> dict[str, Any]:
    raw = {
        "accountAlias": "xYz1",
        "asset": asset,
        "balance": wallet,
        "crossWalletBalance": wallet,
        "crossUnPnl": "0",
        "updateTime": 0 if when is None else T0 + when,
    }
    return raw | changes


def balances(*rows: dict[str, Any]) -> dict[str, BalanceAnswer]:
    return read_balances(list(rows))


def position_row(amount: str, when: int | None, **changes: Any) -> dict[str, Any]:
    raw = {
        "symbol": "AAABBB",
        "positionSide": "BOTH",
        "positionAmt": amount,
        "entryPrice": "0" if amount == "0" else "100",
        "breakEvenPrice": "100.02",
        "markPrice": "101",
        "unRealizedProfit": "0.50",
        "marginAsset": "BBB",
        "isolatedWallet": "0",
        "updateTime": 0 if when is None else T0 + when,
    }
    return raw | changes


def positions(*rows: dict[str, Any]) -> dict[tuple[str, str], PositionAnswer]:
    return read_positions(list(rows))


def income_row(kind: str, amount: str, when: int, number: int = 1, **changes: Any) -> dict[str, Any]:
    raw = {
        "symbol": "AAABBB",
        "incomeType": kind,
        "income": amount,
        "asset": "BBB",
        "info": kind,
        "time": T0 + when,
        "tranId": number,
        "tradeId": "",
    }
    return raw | changes


def income(kind: str, amount: str, when: int, number: int = 1, **changes: Any) -> IncomeAnswer:
    return IncomeAnswer.read(income_row(kind, amount, when, number, **changes))


def algo_row(number: int = 7, **changes: Any) -> dict[str, Any]:
    """A stop to sell 1 when 90 is reached, placed a second after the stream began."""
    created = changes.pop("created", 1000)
    triggered = changes.pop("triggered", None)
    raw = {
        "algoId": number,
        "clientAlgoId": f"algo-{number}",
        "algoType": "CONDITIONAL",
        "orderType": "STOP_MARKET",
        "symbol": "AAABBB",
        "side": "SELL",
        "positionSide": "BOTH",
        "timeInForce": "GTC",
        "quantity": "1",
        "algoStatus": "NEW",
        "actualOrderId": "",
        "actualPrice": "0.00000",
        "triggerPrice": "90",
        "price": "0",
        "icebergQuantity": None,
        "selfTradePreventionMode": "EXPIRE_MAKER",
        "workingType": "CONTRACT_PRICE",
        "priceMatch": "NONE",
        "closePosition": False,
        "priceProtect": False,
        "reduceOnly": False,
        "createTime": T0 + created,
        "updateTime": T0 + changes.pop("updated", created),
        "triggerTime": 0 if triggered is None else T0 + triggered,
        "goodTillDate": 0,
    }
    return raw | changes


def algo(number: int = 7, **changes: Any) -> ConditionalAnswer:
    return ConditionalAnswer.read_algo(algo_row(number, **changes))


# What the stream brings.


def event(product: Product = USDM_FUTURES, **fields: Any) -> Event:
    found = decode_frame(dumps(fields), product)
    assert isinstance(found, Event)
    return found


def report(
    kind: str, status: str, when: int, order_id: int = 1, *, product: Product = USDM_FUTURES, **changes: Any
) -> OrderTradeUpdate:
    """A live report of the order of :func:`order`."""
    time = T0 + when
    fields = {
        "s": "AAABBB",
        "c": f"mine-{order_id}",
        "S": "SELL",
        "o": "LIMIT",
        "f": "GTC",
        "q": "1",
        "p": "100",
        "ap": "0",
        "sp": "0",
        "x": kind,
        "X": status,
        "i": order_id,
        "l": "0",
        "z": "0",
        "L": "0",
        "T": time,
        "t": 0,
        "b": "0",
        "a": "100",
        "m": False,
        "R": False,
        "wt": "CONTRACT_PRICE",
        "ot": "LIMIT",
        "ps": "BOTH",
        "cp": False,
        "pP": False,
        "si": 0,
        "ss": 0,
        "rp": "0",
        "V": "EXPIRE_MAKER",
        "pm": "NONE",
        "gtd": 0,
        "er": "0",
        "ma": "AAA",
    }
    head = {"e": "ORDER_TRADE_UPDATE", "E": time, "T": time, "i": "xYz1"}
    found = event(product, **head, o=fields | changes)
    assert isinstance(found, OrderTradeUpdate)
    return found


def fill(trade_id: int, when: int, quantity: str, filled: str, order_id: int = 1, **changes: Any) -> OrderTradeUpdate:
    """A live report of a trade."""
    status = "FILLED" if filled == "1" else "PARTIALLY_FILLED"
    more = {"l": quantity, "z": filled, "L": "100", "ap": "100", "N": "BBB", "n": "0.01", "t": trade_id, "m": True}
    return report("TRADE", status, when, order_id, **more | changes)


def account(
    when: int,
    *,
    wallet: str | None = None,
    amount: str | None = None,
    reason: str = "ORDER",
    change: str = "0",
    product: Product = USDM_FUTURES,
    **head: Any,
) -> AccountUpdate:
    """A live update of the wallet, of the position, or of both."""
    time = T0 + when
    rows = [] if wallet is None else [{"a": "BBB", "wb": wallet, "cw": wallet, "bc": change}]
    held: list[dict[str, Any]] = []
    if amount is not None:
        entry = "0" if amount == "0" else "100"
        numbers = {"pa": amount, "ep": entry, "bep": "100.02", "cr": "0", "up": "0.5", "iw": "0"}
        held.append({"s": "AAABBB", "mt": "cross", "ps": "BOTH", "ma": "BBB", **numbers})
    told = {"m": reason, "B": rows, "P": held}
    found = event(product, e="ACCOUNT_UPDATE", E=time, T=time, a=told, **head)
    assert isinstance(found, AccountUpdate)
    return found


def algo_update(status: str, when: int, number: int = 7, **changes: Any) -> Event:
    time = T0 + when
    fields = {
        "caid": f"algo-{number}",
        "aid": number,
        "at": "CONDITIONAL",
        "o": "STOP_MARKET",
        "s": "AAABBB",
        "S": "SELL",
        "ps": "BOTH",
        "f": "GTC",
        "q": "1",
        "X": status,
        "ai": "",
        "tp": "90",
        "p": "0",
        "V": "EXPIRE_MAKER",
        "wt": "CONTRACT_PRICE",
        "pm": "NONE",
        "cp": False,
        "pP": False,
        "R": False,
        "tt": 0,
        "gtd": 0,
    }
    return event(e="ALGO_UPDATE", E=time, T=time, o=fields | changes)


def trade_lite(trade_id: int, when: int, order_id: int = 1) -> Event:
    time = T0 + when
    numbers = {"q": "1", "p": "100", "L": "100", "l": "0.4", "t": trade_id, "i": order_id}
    return event(e="TRADE_LITE", E=time, T=time, s="AAABBB", m=True, c="mine-1", S="SELL", **numbers)


def leverage_update(leverage: int, when: int, symbol: str = "AAABBB") -> Event:
    return event(e="ACCOUNT_CONFIG_UPDATE", E=T0 + when, T=T0 + when, ac={"s": symbol, "l": leverage})


# What is known, and what was answered.


def knowing(*events: Event, unit: str | None = None) -> Knowledge:
    """What is known after a baseline with 1000 BBB and no position or order, and these events."""
    knowledge = Knowledge(unit)
    knowledge.begin(at(0))
    knowledge.take_baseline(baseline_of(), at(0), at(0))
    for one in events:
        knowledge.observe(one)
    return knowledge


def baseline_of(*orders: OrderAnswer, conditionals: tuple[ConditionalAnswer, ...] = ()) -> BaselineAnswers:
    return BaselineAnswers(
        balances=balances(balance_row("1000", -5)),
        positions=positions(position_row("0", None)),
        orders=orders,
        conditionals=conditionals,
        leverages={"AAABBB": 20},
        is_multi_assets_mode=False,
    )


def answered(
    knowledge: Knowledge,
    *history: OrderAnswer,
    fills: tuple[FillAnswer, ...] = (),
    amendments: tuple[AmendmentAnswer, ...] = (),
    still_open: tuple[OrderAnswer, ...] | None = None,
    incomes: tuple[IncomeAnswer, ...] | None = None,
    algos: tuple[ConditionalAnswer, ...] = (),
) -> Evidence:
    """The answers of a recovery; the income has what the fills say, if nothing else is given."""
    evidence = Evidence(knowledge, at(0), at(60_000))
    is_open = [one for one in history if not one.is_final] if still_open is None else list(still_open)
    evidence.add_open_orders(is_open)
    evidence.add_open_conditionals([one for one in algos if one.rung == 0])
    evidence.add_conditionals(algos)
    evidence.add_history(None, list(history))
    evidence.add_fills(fills)
    if amendments:
        evidence.add_amendments(("AAABBB", 1), list(amendments))
    if incomes is not None:
        evidence.add_incomes(list(incomes))
    return evidence


def found(knowledge: Knowledge, evidence: Evidence, scope: Scope = SCOPE) -> Reconstruction:
    return reconstruct(knowledge, evidence, scope)


def story(events: object) -> list[str]:
    """Order reports in short: what a reader needs to see the sequence."""
    assert isinstance(events, tuple | list)
    return [
        f"{one.execution_type} {one.order_status} {one.filled_accumulated_quantity.normalize():f}"
        f"/{one.original_quantity.normalize():f}@{one.original_price.normalize():f}"
        for one in events
        if isinstance(one, OrderTradeUpdate)
    ]
