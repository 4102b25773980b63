"""Reads what kind of futures order a request asks for: which parameters each type must, may and must not have.

Source: Binance USD-M and COIN-M Futures, "New Order", "New Algo Order" and "Modify Order" (2026-05-28).
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.sandbox.derivatives import refusals
from trio_binance_uds.sandbox.derivatives.algos import ALGO_TYPES, LIMIT_TYPES, TRAILING, AlgoRequest
from trio_binance_uds.sandbox.derivatives.amounts import ZERO
from trio_binance_uds.sandbox.derivatives.orders import STP_MODES, OrderRequest
from trio_binance_uds.sandbox.derivatives.refusals import Refusal

if TYPE_CHECKING:
    from trio_binance_uds.sandbox.derivatives.accounts import FuturesAccount
    from trio_binance_uds.sandbox.derivatives.contracts import Contract
    from trio_binance_uds.sandbox.exchange.parameters import Parameters

SIDES = ("BUY", "SELL")
TIMES_IN_FORCE = ("GTC", "IOC", "FOK", "GTX", "GTD")
PLAIN_TYPES = ("LIMIT", "MARKET")
WORKING_TYPES = ("CONTRACT_PRICE", "MARK_PRICE")
MATCHES = {"OPPONENT": 1, "OPPONENT_5": 5, "OPPONENT_10": 10, "OPPONENT_20": 20}
MATCHES |= {name.replace("OPPONENT", "QUEUE"): level for name, level in MATCHES.items()}
CLIENT_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}", re.ASCII)
LEAST_LIFE_MS = 600_000
LATEST_MS = 253_402_300_799_000


def read_client_id(p: Parameters, name: str) -> str | None:
    text = p.text(name)
    if text is not None and not CLIENT_ID.fullmatch(text):
        raise refusals.bad_client_id()
    return text


def read_side(p: Parameters) -> str:
    return p.need_choice("side", SIDES, Refusal(-1117, "Invalid side."))


def read_quantity(p: Parameters, contract: Contract) -> Decimal:
    quantity = p.decimal("quantity")
    if quantity is None:
        raise refusals.mandatory("quantity")
    contract.check_quantity(quantity)
    return quantity


def read_price(p: Parameters, contract: Contract, name: str = "price") -> Decimal:
    price = p.decimal(name)
    if price is None:
        raise refusals.mandatory(name)
    contract.check_price(price)
    return price


def read_position_side(p: Parameters, account: FuturesAccount) -> str:
    side = p.choice("positionSide", ("BOTH", "LONG", "SHORT")) or "BOTH"
    if side not in account.sides():
        raise refusals.position_side_mismatch()
    return side


def read_reduce_only(p: Parameters, account: FuturesAccount) -> bool:
    if account.hedged:
        p.forbid("reduceOnly")
    return p.boolean("reduceOnly", default=False)


def read_stp_mode(p: Parameters) -> str:
    return p.choice("selfTradePreventionMode", STP_MODES, refusals.bad_stp_mode()) or "EXPIRE_MAKER"


def read_price_match(p: Parameters) -> str:
    return p.choice("priceMatch", ("NONE", *MATCHES), Refusal(-5037, "Invalid price match")) or "NONE"


def read_limit_price(p: Parameters, contract: Contract, side: str, price_match: str) -> Decimal:
    """Read the price of a limit order, or take it from the book where the order asks for that."""
    if price_match == "NONE":
        return read_price(p, contract)
    p.forbid("price")
    book = contract.book
    levels = (book.own_side(side) if price_match.startswith("QUEUE") else book.other_side(side)).depth(
        MATCHES[price_match]
    )
    if len(levels) < MATCHES[price_match]:
        raise refusals.no_price_to_match()
    return levels[-1][0]


def read_time_in_force(p: Parameters, now: int) -> tuple[str, int]:
    """Read how long an order stays, and with GTD until when; ``now`` is in epoch milliseconds."""
    time_in_force = p.need_choice("timeInForce", TIMES_IN_FORCE, refusals.bad_time_in_force())
    if time_in_force != "GTD":
        return time_in_force, 0
    good_till = p.need_integer("goodTillDate") // 1000 * 1000
    if not now + LEAST_LIFE_MS < good_till < LATEST_MS:
        raise refusals.bad_good_till_date()
    return time_in_force, good_till


def read_order(p: Parameters, account: FuturesAccount, contract: Contract, now: int) -> OrderRequest:
    """Read the order of ``POST order``, and hold it against the filters."""
    side = read_side(p)
    order_type = p.need_text("type")
    if order_type in ALGO_TYPES:
        raise refusals.needs_algo_route()
    if order_type not in PLAIN_TYPES:
        raise refusals.bad_order_type()
    position_side, reduce_only = read_position_side(p, account), read_reduce_only(p, account)
    quantity, price, price_match = read_quantity(p, contract), ZERO, "NONE"
    time_in_force, good_till = "GTC", 0
    if order_type == "LIMIT":
        price_match = read_price_match(p)
        price = read_limit_price(p, contract, side, price_match)
        time_in_force, good_till = read_time_in_force(p, now)
    else:
        p.forbid("price", "timeInForce", "priceMatch")
    measure = price or contract.mark
    if not reduce_only and measure and contract.value(measure, quantity) < contract.min_notional:
        raise refusals.too_small_notional(contract.min_notional)
    return OrderRequest(
        side=side,
        type=order_type,
        time_in_force=time_in_force,
        quantity=quantity,
        price=price,
        position_side=position_side,
        reduce_only=reduce_only,
        client_order_id=read_client_id(p, "newClientOrderId"),
        stp_mode=read_stp_mode(p),
        price_match=price_match,
        good_till=good_till,
    )


@attrs.frozen
class AlgoNames:
    """How the parameters of a conditional order are called, which differs between the algo and strategy routes."""

    type: str = "type"
    trigger_price: str = "triggerPrice"
    activation_price: str = "activatePrice"
    client_id: str = "clientAlgoId"


ALGO_NAMES = AlgoNames()
STRATEGY_NAMES = AlgoNames("strategyType", "stopPrice", "activationPrice", "newClientStrategyId")


def read_algo(
    p: Parameters, account: FuturesAccount, contract: Contract, now: int, names: AlgoNames = ALGO_NAMES
) -> AlgoRequest:
    """Read a conditional order, and hold it against the filters."""
    side = read_side(p)
    order_type = p.need_text(names.type)
    if order_type not in ALGO_TYPES:
        raise refusals.bad_order_type()
    position_side = read_position_side(p, account)
    close_position = p.boolean("closePosition", default=False)
    price, quantity, price_match = ZERO, ZERO, "NONE"
    trigger_price, activation_price = ZERO, ZERO
    callback_rate: Decimal | None = None
    time_in_force, good_till = "GTC", 0
    if close_position:
        if order_type in LIMIT_TYPES or order_type == TRAILING:
            raise refusals.bad_combination()
        p.forbid("quantity", "reduceOnly")
    else:
        quantity = read_quantity(p, contract)
    if order_type in LIMIT_TYPES:
        price_match = read_price_match(p)
        price = read_limit_price(p, contract, side, price_match)
    else:
        p.forbid("price", "priceMatch")
    if p.text("timeInForce") is not None:
        time_in_force, good_till = read_time_in_force(p, now)
    if order_type == TRAILING:
        callback_rate = p.decimal("callbackRate")
        if callback_rate is None:
            raise refusals.mandatory("callbackRate")
        if not Decimal("0.1") <= callback_rate <= 10:
            raise Refusal(-2007, "Invalid callBack rate.")
        if p.text(names.activation_price) is not None:
            activation_price = read_price(p, contract, names.activation_price)
        p.forbid(names.trigger_price)
    else:
        trigger_price = read_price(p, contract, names.trigger_price)
        p.forbid("callbackRate", names.activation_price)
    return AlgoRequest(
        side=side,
        type=order_type,
        time_in_force=time_in_force,
        quantity=quantity,
        price=price,
        trigger_price=trigger_price,
        activation_price=activation_price,
        callback_rate=callback_rate,
        position_side=position_side,
        reduce_only=False if close_position else read_reduce_only(p, account),
        close_position=close_position,
        client_id=read_client_id(p, names.client_id),
        stp_mode=read_stp_mode(p),
        price_match=price_match,
        good_till=good_till,
        working_type=p.choice("workingType", WORKING_TYPES) or "CONTRACT_PRICE",
        price_protect=p.boolean("priceProtect", default=False),
    )
