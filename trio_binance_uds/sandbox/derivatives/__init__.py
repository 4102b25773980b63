"""The desks of the sandbox for futures, options and portfolio margin: accounts, orders and events, without any I/O."""

from trio_binance_uds.sandbox.derivatives.coinm import CoinmDesk
from trio_binance_uds.sandbox.derivatives.options import OptionsDesk
from trio_binance_uds.sandbox.derivatives.portfolio import PortfolioMarginDesk, PortfolioMarginProDesk
from trio_binance_uds.sandbox.derivatives.trader import DeskTrader
from trio_binance_uds.sandbox.derivatives.usdm import UsdmDesk

__all__ = ["CoinmDesk", "DeskTrader", "OptionsDesk", "PortfolioMarginDesk", "PortfolioMarginProDesk", "UsdmDesk"]
