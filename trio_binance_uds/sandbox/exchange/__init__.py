"""The exchange core of the sandbox: accounts, orders, matching and queries, without any I/O."""

from trio_binance_uds.sandbox.exchange.accounts import Account, Balance
from trio_binance_uds.sandbox.exchange.exchange import Exchange
from trio_binance_uds.sandbox.exchange.journal import Journal, JournalEntry
from trio_binance_uds.sandbox.exchange.orders import Order
from trio_binance_uds.sandbox.exchange.refusals import InsufficientFunds, Refusal, UnknownMethod
from trio_binance_uds.sandbox.exchange.symbols import Symbol
from trio_binance_uds.sandbox.exchange.weights import CONNECT_WEIGHT

__all__ = [
    "CONNECT_WEIGHT",
    "Account",
    "Balance",
    "Exchange",
    "InsufficientFunds",
    "Journal",
    "JournalEntry",
    "Order",
    "Refusal",
    "Symbol",
    "UnknownMethod",
]
