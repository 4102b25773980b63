"""The desks of Portfolio Margin and Portfolio Margin Pro, on the futures desk and the spot exchange."""

from trio_binance_uds.sandbox.derivatives.portfolio.desk import PortfolioMarginDesk
from trio_binance_uds.sandbox.derivatives.portfolio.pro import PortfolioMarginProDesk

__all__ = ["PortfolioMarginDesk", "PortfolioMarginProDesk"]
