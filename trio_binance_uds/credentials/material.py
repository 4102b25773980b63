"""Recognises a private key in PEM or DER form, from what it is and never from how long it is.

Nothing here raises: whatever is wrong is returned as a :class:`Problem`. An exception that left these functions
would carry frames whose local variables are the key, and chain errors of other libraries to ours.

``cryptography`` is imported where it has to read a key: it takes as long to import as most of this package, and as much
memory. An HMAC secret needs none of it, and neither does an Ed25519 key in the one form in which tools write it.
"""

from __future__ import annotations

import re
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import attrs

from trio_binance_uds.credentials.signers import Ed25519Signer, RsaSigner, Signer

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_binance_uds.credentials.hidden import Hidden

_EXPECTED = "expected an Ed25519 or RSA private key"
_MINIMUM_RSA_BITS = 2048

_BEGIN = re.compile(r"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_OPENSSH = "OPENSSH PRIVATE KEY"
_PRIVATE_LABELS = frozenset(
    {"PRIVATE KEY", "ENCRYPTED PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY", _OPENSSH}
)
_OTHER_LABELS = {
    "PUBLIC KEY": "a public key",
    "RSA PUBLIC KEY": "a public key",
    "SSH2 PUBLIC KEY": "a public key",
    "CERTIFICATE": "a certificate",
    "CERTIFICATE REQUEST": "a certificate request",
    "NEW CERTIFICATE REQUEST": "a certificate request",
    "PGP PRIVATE KEY BLOCK": "a PGP key",
    "PGP PUBLIC KEY BLOCK": "a PGP key",
}
_OTHER_TEXTS = {
    "ssh-": "an SSH public key",
    "ecdsa-sha2-": "an SSH public key",
    "---- BEGIN SSH2": "an SSH public key",
    "PuTTY-User-Key-File-": "a PuTTY key file, which PuTTYgen can export as an OpenSSH key",
}

# How the DER of PKCS#8, PKCS#1 and SEC1 private keys begins, and that of encrypted PKCS#8. A random secret
# begins so once in 2**30 or less; whatever does and cannot be read is a damaged key and no HMAC secret.
_SEQUENCE = rb"\x30(?:[\x00-\x7f]|\x81.|\x82..)"
_DER_PRIVATE = re.compile(_SEQUENCE + rb"\x02\x01[\x00\x01][\x02\x04\x30]", re.DOTALL)
_DER_ENCRYPTED = re.compile(_SEQUENCE + rb"\x30.\x06[\x09\x0a]\x2a\x86\x48\x86\xf7\x0d\x01[\x05\x0c]", re.DOTALL)

# An Ed25519 key that is not encrypted, in PKCS#8: always these 16 bytes and the 32 of the seed (RFC 8410, section 7).
_ED25519_HEAD = bytes.fromhex("302e020100300506032b657004220420")


@attrs.frozen
class Problem:
    """What is wrong with a key, as the rest of a sentence whose subject is where the key came from."""

    text: str


def read_private_key(material: Hidden, passphrase: Hidden | None) -> Signer | Problem | None:
    """Return the signer for a private key, the problem with it, or ``None`` for what is no key in PEM or DER form."""
    data = material.reveal()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return Problem("is UTF-16 text; save it as UTF-8 or ASCII")
    if (outcome := _from_der(data, passphrase)) is not None:
        return outcome
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return Problem(f"is neither text nor a key in DER form; {_EXPECTED}")
    text = text.removeprefix("\ufeff").strip()
    for beginning, found in _OTHER_TEXTS.items():
        if text.startswith(beginning):
            return Problem(f"is {found}; {_EXPECTED}")
    # Env files often have a PEM on one line, with the line breaks written as a backslash and a letter.
    unescaped = text.replace("\\r", "\r").replace("\\n", "\n")
    if "-----BEGIN" in unescaped or "-----END" in unescaped:
        return _from_pem(unescaped, passphrase)
    return _from_der(_base64(unescaped), passphrase)


def _base64(text: str) -> bytes:
    """Return what a text encodes; nothing if it is no base64."""
    try:
        return b64decode("".join(text.split()), validate=True)
    except ValueError:
        return b""


def _plain_ed25519(der: bytes) -> Signer | None:
    if len(der) == 48 and der.startswith(_ED25519_HEAD):
        return Ed25519Signer(der[16:])
    return None


def _from_pem(text: str, passphrase: Hidden | None) -> Signer | Problem:
    labels = _BEGIN.findall(text)
    private = [label for label in labels if label in _PRIVATE_LABELS]
    if len(private) > 1:
        return Problem(f"holds {len(private)} private keys; expected one")
    if not private:
        found = next((_OTHER_LABELS[label] for label in labels if label in _OTHER_LABELS), None)
        if found is None:
            return Problem(f"is a damaged PEM text, or one of another type; {_EXPECTED}")
        return Problem(f"is {found}; {_EXPECTED}")
    label = private[0]
    begin, end = f"-----BEGIN {label}-----", f"-----END {label}-----"
    block = text[text.index(begin) :]
    if end not in block:
        return Problem("is a PEM text that was cut off: its -----END line is missing")
    block = block[: block.index(end) + len(end)] + "\n"
    if passphrase is None and (signer := _plain_ed25519(_base64(block[len(begin) : -len(end) - 1]))):
        return signer
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    load = load_ssh_private_key if label == _OPENSSH else load_pem_private_key
    return _loaded(load, block.encode("utf-8"), passphrase, is_openssh=label == _OPENSSH)


def _from_der(der: bytes, passphrase: Hidden | None) -> Signer | Problem | None:
    if not der.startswith(b"\x30"):
        return None
    if passphrase is None and (signer := _plain_ed25519(der)):
        return signer
    from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key
    from cryptography.x509 import load_der_x509_certificate

    if _DER_PRIVATE.match(der) or _DER_ENCRYPTED.match(der):
        return _loaded(load_der_private_key, der, passphrase)
    if _parses(load_der_public_key, der):
        return Problem(f"is a public key; {_EXPECTED}")
    if _parses(load_der_x509_certificate, der):
        return Problem(f"is a certificate; {_EXPECTED}")
    return None


def _parses(load: Callable[[bytes], object], data: bytes) -> bool:
    try:
        load(data)
    except Exception:  # whatever it does not like about it, it is not that
        return False
    return True


def _loaded(
    load: Callable[..., Any], data: bytes, passphrase: Hidden | None, *, is_openssh: bool = False
) -> Signer | Problem:
    from cryptography.exceptions import UnsupportedAlgorithm

    try:
        key = load(data, None if passphrase is None else passphrase.reveal())
    except TypeError:
        if passphrase is None:
            return Problem("is encrypted; give its passphrase")
        return Problem("is not encrypted, but a passphrase was given; leave the passphrase out")
    except UnsupportedAlgorithm:
        if is_openssh and passphrase is not None:
            return Problem("is an encrypted OpenSSH key, which can only be read when the bcrypt package is installed")
        return Problem(f"is of a type that cannot be read; {_EXPECTED}")
    except Exception:  # ValueError as a rule; none may leave, see the head of the module
        if passphrase is None:
            return Problem("is a damaged or truncated key, which cannot be read")
        return Problem("cannot be read: the passphrase is wrong, or the key is damaged")
    return _signer(key)


def _signer(key: object) -> Signer | Problem:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    if isinstance(key, Ed25519PrivateKey):
        return Ed25519Signer(key.private_bytes_raw())
    if not isinstance(key, RSAPrivateKey):
        return Problem(f"is a private key of type {type(key).__name__.removesuffix('PrivateKey')}; {_EXPECTED}")
    if key.key_size < _MINIMUM_RSA_BITS:
        return Problem(f"is an RSA key of {key.key_size} bits; Binance takes 2048 bits or more")
    return RsaSigner(key)
