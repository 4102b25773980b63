"""An API key with what signs for it, as one value that does not show itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from trio_binance_uds.credentials.hidden import Hidden, Opaque
from trio_binance_uds.credentials.material import Problem, read_private_key
from trio_binance_uds.credentials.signers import HmacSigner, KeyKind, Signer
from trio_binance_uds.credentials.sources import read_key_file, read_variables, text_problem
from trio_binance_uds.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Mapping

# Two keys are the same when they sign this alike. No request has this text, so its signature opens nothing.
_PROOF_TEXT = b"trio_binance_uds: are these the same key?"


class Credentials(Opaque):
    """An API key and its secret or private key; make one with a ``from_*`` constructor.

    The kind of key is recognised from the key itself. Nothing shows it: not ``repr``, a logged message, pickle
    (refused) or a traceback with local variables out of here. It never changes, and a copy is the object itself.
    Equal credentials have the same API key and sign alike; comparing takes the same time wherever they differ.

    Every constructor raises :exc:`CredentialsError`, which says what was found and what was expected, and shows
    none of it. Signing takes about 2 µs with HMAC, 20 µs with Ed25519 and 400 µs with RSA.

    Source: Binance Spot, "API key types" and "Request security" (2026-07-21).
    """

    # No attrs class, whose fields would be listed by asdict() and by whatever renders attrs classes its own way.
    __slots__ = ("_api_key", "_proof", "_signer")

    def __init__(self, api_key: Hidden, signer: Signer) -> None:
        self._api_key = api_key
        self._signer = signer
        self._proof = Hidden(signer.sign(_PROOF_TEXT))

    @classmethod
    def from_secret(cls, api_key: str, secret: str | bytes, passphrase: str | bytes | None = None) -> Self:
        """Take an HMAC secret, or a private key as PEM text, DER bytes or the base64 text of DER.

        An HMAC secret is any printable ASCII text that is no key in PEM or DER form, whatever its length. PEM may
        be PKCS#8, PKCS#1 or OpenSSH, may have lost its line breaks or have them written as ``\\n``, and may be
        encrypted with ``passphrase``.
        """
        hidden_api_key, hidden_secret = Hidden(api_key), Hidden(secret)
        hidden_passphrase = None if passphrase is None else Hidden(passphrase)
        # From here on a traceback that prints local variables finds nothing in this frame.
        del api_key, secret, passphrase
        return cls._made(hidden_api_key, hidden_secret, hidden_passphrase)

    @classmethod
    def from_file(cls, api_key: str, path: str | os.PathLike[str], passphrase: str | bytes | None = None) -> Self:
        """Take the private key in a PEM or DER file; the file is read once, now. ``~`` is the home directory.

        A file that holds anything else is refused: an HMAC secret goes to :meth:`from_secret`.
        """
        hidden_api_key = Hidden(api_key)
        hidden_path = Hidden(os.fspath(path) if isinstance(path, os.PathLike) else path)
        hidden_passphrase = None if passphrase is None else Hidden(passphrase)
        del api_key, path, passphrase
        content, name = read_key_file(hidden_path)
        if isinstance(content, Problem):
            raise CredentialsError(f"{name} {content.text}")
        return cls._made(hidden_api_key, content, hidden_passphrase, secret_name=name, hmac_allowed=False)

    @classmethod
    def from_environment(cls, variables: Mapping[str, str] | None = None, *, prefix: str = "BINANCE_") -> Self:
        """Take them from environment variables, or from another mapping of the same names.

        ``BINANCE_API_KEY`` and exactly one of ``BINANCE_API_SECRET`` (anything that :meth:`from_secret` takes),
        ``BINANCE_PRIVATE_KEY`` (PEM text or base64 DER) and ``BINANCE_PRIVATE_KEY_FILE`` (a path), with
        ``BINANCE_PRIVATE_KEY_PASSPHRASE`` if the key is encrypted. An empty variable counts as not set.
        """
        found = read_variables(os.environ if variables is None else variables, prefix)
        del variables
        if isinstance(found, Problem):
            raise CredentialsError(found.text)
        content, name = found.secret, found.secret_name
        if found.is_path:
            read, file_name = read_key_file(content)
            name = f"{name}: {file_name}"
            if isinstance(read, Problem):
                raise CredentialsError(f"{name} {read.text}")
            content = read
        return cls._made(
            found.api_key,
            content,
            found.passphrase,
            api_key_name=f"{prefix}API_KEY",
            secret_name=name,
            hmac_allowed=found.hmac_allowed,
        )

    @classmethod
    def _made(
        cls,
        api_key: Hidden,
        secret: Hidden,
        passphrase: Hidden | None,
        *,
        api_key_name: str = "the API key",
        secret_name: str = "the secret",
        hmac_allowed: bool = True,
    ) -> Self:
        if api_key.reveal().isascii() and read_private_key(api_key, None) is not None:
            raise CredentialsError(
                f"{api_key_name} is a key in PEM or DER form, not what Binance issued for it; "
                "are the API key and the private key swapped?"
            )
        if problem := text_problem(api_key):
            raise CredentialsError(f"{api_key_name} {problem}")
        for name, value in ((secret_name, secret), ("the passphrase", passphrase)):
            if value is not None and value.wrong_type:
                raise CredentialsError(f"{name} must be str or bytes, but it is of type {value.wrong_type}")
            if value is not None and not value:
                raise CredentialsError(f"{name} is empty")
        signer = read_private_key(secret, passphrase)
        if isinstance(signer, Problem):
            raise CredentialsError(f"{secret_name} {signer.text}")
        if signer is None:
            if not hmac_allowed:
                raise CredentialsError(
                    f"{secret_name} has no private key in PEM or DER form; "
                    "an HMAC secret goes to from_secret() or the API_SECRET variable, "
                    "a path to from_file() or the PRIVATE_KEY_FILE variable"
                )
            if problem := text_problem(secret):
                raise CredentialsError(f"{secret_name} {problem}")
            if passphrase is not None:
                raise CredentialsError(f"a passphrase was given, but {secret_name} is an HMAC secret, which has none")
            if secret == api_key:
                raise CredentialsError(f"{api_key_name} and {secret_name} are the same text")
            signer = HmacSigner(secret)
        return cls(api_key, signer)

    @property
    def api_key(self) -> str:
        """The API key in clear, for the ``apiKey`` parameter or the ``X-MBX-APIKEY`` header."""
        return self._api_key.reveal().decode("ascii")

    @property
    def kind(self) -> KeyKind:
        """Which of the three kinds the key was recognised as."""
        return self._signer.kind

    def sign(self, text: str) -> str:
        """Return the signature of a text as Binance expects it: hex for HMAC, base64 for RSA and Ed25519.

        Raises:
            ValueError: the text cannot be written as UTF-8, because of a lone surrogate.
        """
        try:
            data = text.encode("utf-8")
        except UnicodeEncodeError:
            data = None
        if data is None:
            raise ValueError("the text to sign has a lone surrogate, which cannot be written as UTF-8")
        return self._signer.sign(data)

    def require(self, kind: KeyKind, purpose: str) -> None:
        """Check that the key is of this kind, which ``purpose`` needs: ``require(KeyKind.ED25519, "session.logon")``.

        Raises:
            CredentialsError: it is of another kind.
        """
        if self.kind is not kind:
            raise CredentialsError(f"{purpose} needs {kind.described}; this is {self.kind.described}")

    def __repr__(self) -> str:
        # The beginning tells keys apart; of a short one it would be too much of it.
        beginning = self.api_key[:4] if len(self._api_key) >= 32 else ""
        return f"<Credentials {self.kind} api_key={beginning}…>"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Credentials):
            return NotImplemented
        # Both are compared whatever the first says, and each in constant time.
        return (self._api_key == other._api_key) & (self._proof == other._proof)

    def __hash__(self) -> int:
        return hash((self._api_key, self._proof))
