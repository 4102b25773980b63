"""A local Binance for tests and demos: an exchange in memory, behind real WebSocket and REST fronts.

::

    async with open_sandbox() as sandbox:
        account = sandbox.add_account(balances={"USDT": "10000"})
        async with open_user_data_stream(
            account.credentials, SPOT, environment=sandbox.environment, network=sandbox.network
        ) as stream:
            account.call("order.place", symbol="BTCUSDT", side="BUY", type="LIMIT", ...)
            report = await stream.receive()

It answers as Binance does: signatures, timestamps, rate limits, sessions, subscriptions, pings, the 24 hours. Every
product has its hosts, its listen keys or tokens, and its silences. And it breaks as Binance and the network do, at the
moment that you choose: see :class:`Faults`.
"""

from trio_binance_uds.sandbox.accounts import SandboxAccount
from trio_binance_uds.sandbox.behaviour import Behaviour, SecondToken
from trio_binance_uds.sandbox.catalogue import Permission
from trio_binance_uds.sandbox.clock import Clock
from trio_binance_uds.sandbox.derivatives import DeskTrader
from trio_binance_uds.sandbox.desk import Desk, Route
from trio_binance_uds.sandbox.exchange import Account, Exchange, Journal, JournalEntry, Refusal
from trio_binance_uds.sandbox.fault_state import How
from trio_binance_uds.sandbox.faults import Faults
from trio_binance_uds.sandbox.keys import ApiKey, KeyType
from trio_binance_uds.sandbox.limits import Limits
from trio_binance_uds.sandbox.listen_keys import KeySpace
from trio_binance_uds.sandbox.margin import MarginDesk
from trio_binance_uds.sandbox.server import Sandbox, open_sandbox
from trio_binance_uds.sandbox.stocks import StocksDesk, StocksTrader
from trio_binance_uds.sandbox.trader import TraderReport, run_trader
from trio_binance_uds.sandbox.ws_connection import Connection

__all__ = [
    "Account",
    "ApiKey",
    "Behaviour",
    "Clock",
    "Connection",
    "Desk",
    "DeskTrader",
    "Exchange",
    "Faults",
    "How",
    "Journal",
    "JournalEntry",
    "KeySpace",
    "KeyType",
    "Limits",
    "MarginDesk",
    "Permission",
    "Refusal",
    "Route",
    "Sandbox",
    "SandboxAccount",
    "SecondToken",
    "StocksDesk",
    "StocksTrader",
    "TraderReport",
    "open_sandbox",
    "run_trader",
]
