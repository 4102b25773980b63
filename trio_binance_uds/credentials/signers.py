"""Signs with each of the three kinds of key, in the form that Binance expects.

A library is imported where a key of its kind is made, as nobody needs all of them.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from trio_binance_uds.credentials.hidden import Hidden, Opaque

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class KeyKind(StrEnum):
    """The kinds of key that Binance issues or registers. Only Ed25519 can log a session on.

    Source: Binance Spot, "API key types" and WebSocket API, "Session authentication" (2026-07-21).
    """

    HMAC = "HMAC"
    RSA = "RSA"
    ED25519 = "Ed25519"

    @property
    def described(self) -> str:
        """The kind with its article, for a sentence: ``an HMAC secret``, ``an RSA key``, ``an Ed25519 key``."""
        return f"an {self} {'secret' if self is KeyKind.HMAC else 'key'}"


class Signer(Protocol):
    """One key. The three algorithms are deterministic: the same bytes always get the same signature."""

    @property
    def kind(self) -> KeyKind: ...

    def sign(self, data: bytes) -> str: ...


class HmacSigner(Opaque):
    """HMAC-SHA256 keyed with the text of the secret; lower-case hex."""

    __slots__ = ("_keyed",)
    kind = KeyKind.HMAC

    def __init__(self, secret: Hidden) -> None:
        self._keyed = hmac.new(secret.reveal(), digestmod="sha256")

    def sign(self, data: bytes) -> str:
        mac = self._keyed.copy()
        mac.update(data)
        return mac.hexdigest()


class RsaSigner(Opaque):
    """RSASSA-PKCS1-v1_5 with SHA-256; base64."""

    __slots__ = ("_hash", "_key", "_padding")
    kind = KeyKind.RSA

    def __init__(self, key: RSAPrivateKey) -> None:
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.hashes import SHA256

        self._key, self._padding, self._hash = key, PKCS1v15(), SHA256()

    def sign(self, data: bytes) -> str:
        return b64encode(self._key.sign(data, self._padding, self._hash)).decode("ascii")


class Ed25519Signer(Opaque):
    """Plain Ed25519 over the text itself, no prehash; base64, always 88 characters."""

    __slots__ = ("_key",)
    kind = KeyKind.ED25519

    def __init__(self, seed: bytes) -> None:
        from nacl.signing import SigningKey

        self._key = SigningKey(seed)

    def sign(self, data: bytes) -> str:
        return b64encode(self._key.sign(data).signature).decode("ascii")
