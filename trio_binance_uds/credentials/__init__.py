"""Here live API keys: reading them in every usual form, signing with them, and never showing them.

pynacl and cryptography are imported in this room only.
"""

from trio_binance_uds.credentials.credentials import Credentials
from trio_binance_uds.credentials.signers import KeyKind

__all__ = ["Credentials", "KeyKind"]
