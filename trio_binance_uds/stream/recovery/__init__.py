"""After a gap: what the stream knows, what the venue is asked, and the events that are made of the answers."""

from trio_binance_uds.stream.recovery.options import Recovery
from trio_binance_uds.stream.recovery.recoverer import Recovered, Recoverer, RecoveryEchoes

__all__ = ["Recovered", "Recoverer", "Recovery", "RecoveryEchoes"]
