"""The stocks desk of the sandbox: orders for US equities, filled at its own prices or on purpose."""

from trio_binance_uds.sandbox.stocks.desk import StocksDesk
from trio_binance_uds.sandbox.stocks.trader import StocksTrader

__all__ = ["StocksDesk", "StocksTrader"]
