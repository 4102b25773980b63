"""The margin desk of the sandbox: cross and isolated margin accounts on the exchange's own order books, with loans."""

from trio_binance_uds.sandbox.margin.desk import MarginDesk
from trio_binance_uds.sandbox.margin.feed import MarginFeed, as_unified

__all__ = ["MarginDesk", "MarginFeed", "as_unified"]
