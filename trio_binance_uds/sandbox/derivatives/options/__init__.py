"""The options desk: what it has in common with futures it takes from there."""

from trio_binance_uds.sandbox.derivatives.options.desk import OptionsDesk

__all__ = ["OptionsDesk"]
