"""API keys of sandbox accounts: making them, revoking them, and checking what they have signed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import string
from collections.abc import Callable, Iterable
from enum import StrEnum
from random import Random
from typing import Any

import attrs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from trio_binance_uds.sandbox.catalogue import ALL_PERMISSIONS, Permission

_LETTERS = string.ascii_letters + string.digits


class KeyType(StrEnum):
    """The three kinds of API key that Binance issues."""

    HMAC = "hmac"
    RSA = "rsa"
    ED25519 = "ed25519"


@attrs.define(kw_only=True, eq=False)
class ApiKey:
    """One API key as the server knows it. What may change while it is in use can be assigned.

    Attributes:
        api_key: the public name of the key.
        secret: what the client signs with: the text of an HMAC key, or a private key as PEM (PKCS#8).
        account: whose key it is, an account of the exchange.
        permissions: what the key may do.
        ip_allowed: whether requests come from an address that the key's allow-list has.
        revoked: whether the key has been deleted.
    """

    api_key: str = attrs.field(on_setattr=attrs.setters.frozen)
    type: KeyType = attrs.field(on_setattr=attrs.setters.frozen)
    secret: str = attrs.field(on_setattr=attrs.setters.frozen, repr=False)
    account: Any = attrs.field(on_setattr=attrs.setters.frozen, repr=False)
    permissions: frozenset[Permission]
    ip_allowed: bool = True
    revoked: bool = False
    _verify: Callable[[bytes, str], bool] = attrs.field(repr=False, alias="verify")

    @property
    def usable(self) -> bool:
        """Whether the key still opens anything at all."""
        return self.ip_allowed and not self.revoked

    def allows(self, permission: Permission) -> bool:
        """Say whether this key may be used for a method of that security type."""
        return self.usable and permission in self.permissions

    def verify(self, text: str, signature: str) -> bool:
        """Say whether ``signature`` is this key's for ``text``, as UTF-8.

        The letter case of an HMAC signature does not matter; that of base64 does.
        """
        return self._verify(text.encode(), signature)


def _decoded(signature: str) -> bytes | None:
    try:
        return base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return None


def _pem(key: rsa.RSAPrivateKey | Ed25519PrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _hmac(random: Random) -> tuple[str, Callable[[bytes, str], bool]]:
    secret = "".join(random.choices(_LETTERS, k=64))

    def verify(text: bytes, signature: str) -> bool:
        expected = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        return hmac.compare_digest(expected.encode(), signature.lower().encode())

    return secret, verify


def _ed25519(random: Random) -> tuple[str, Callable[[bytes, str], bool]]:
    private = Ed25519PrivateKey.from_private_bytes(random.randbytes(32))
    public = private.public_key()

    def verify(text: bytes, signature: str) -> bool:
        raw = _decoded(signature)
        if raw is None:
            return False
        try:
            public.verify(raw, text)
        except InvalidSignature:
            return False
        return True

    return _pem(private), verify


def _rsa(random: Random) -> tuple[str, Callable[[bytes, str], bool]]:
    # The one key that the seed does not decide: there is no seeded RSA generator to be had.
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = private.public_key()

    def verify(text: bytes, signature: str) -> bool:
        raw = _decoded(signature)
        if raw is None:
            return False
        try:
            public.verify(raw, text, padding.PKCS1v15(), hashes.SHA256())
        except InvalidSignature:
            return False
        return True

    return _pem(private), verify


_MAKERS = {KeyType.HMAC: _hmac, KeyType.RSA: _rsa, KeyType.ED25519: _ed25519}


class KeyRing:
    """All API keys of a sandbox, revoked ones included."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._keys: dict[str, ApiKey] = {}

    def create(
        self, account: Any, type: KeyType | str = KeyType.ED25519, permissions: Iterable[str] = ALL_PERMISSIONS
    ) -> ApiKey:
        """Make a key for an account; the same seed gives the same keys, except RSA's."""
        type = KeyType(type)
        api_key = "".join(self._random.choices(_LETTERS, k=64))
        secret, verify = _MAKERS[type](self._random)
        key = ApiKey(
            api_key=api_key,
            type=type,
            secret=secret,
            account=account,
            permissions=frozenset(Permission(permission) for permission in permissions),
            verify=verify,
        )
        self._keys[api_key] = key
        return key

    def get(self, api_key: str) -> ApiKey | None:
        """Return the key of that name, or ``None`` when there never was one."""
        return self._keys.get(api_key)

    def of(self, account: Any) -> list[ApiKey]:
        """Return the keys of an account, oldest first."""
        return [key for key in self._keys.values() if key.account is account]
