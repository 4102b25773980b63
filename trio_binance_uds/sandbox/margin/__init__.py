"""The margin desk of the sandbox: cross and isolated margin accounts on the exchange's own order books, with loans."""

from trio_binance_uds.sandbox.margin.desk import MarginDesk

__all__ = ["MarginDesk"]
