"""After a gap: what the stream knows, what the venue is asked, and the events that are made of the answers.

What is common to all products is here; each folder is the way of one family of queries.
"""

from trio_binance_uds.stream.recovery.choice import recoverer_for
from trio_binance_uds.stream.recovery.contract import Echoes, NothingRecovered, Recovered, Recoverer
from trio_binance_uds.stream.recovery.options import Recovery

__all__ = ["Echoes", "NothingRecovered", "Recovered", "Recoverer", "Recovery", "recoverer_for"]
