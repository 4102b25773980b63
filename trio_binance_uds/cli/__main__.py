"""Lets ``python -m trio_binance_uds.cli`` be the command."""

import sys

from trio_binance_uds.cli import main

sys.exit(main())
