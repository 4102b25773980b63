"""Credentials: every form of key is recognised, every mistake is explained, and nothing shows a secret."""

from __future__ import annotations

import base64
import copy
import importlib.util
import io
import json
import logging
import os
import pickle
import pprint
import stat
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, rsa, x25519
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from trio_binance_uds.credentials import Credentials, KeyKind
from trio_binance_uds.errors import CredentialsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DATA: dict[str, Any] = json.loads((Path(__file__).parent / "wire" / "signing_vectors.json").read_text("utf-8"))
API_KEY: str = DATA["keys"]["HMAC"]["api_key"]
HMAC_SECRET: str = DATA["keys"]["HMAC"]["secret"]
RSA_DER = base64.b64decode(DATA["keys"]["RSA"]["secret"])
ED25519_DER = base64.b64decode(DATA["keys"]["Ed25519"]["secret"])
TEXT = "apiKey=x&timestamp=1"
PASSPHRASE = "pässphrase of these tests"


def _private(der: bytes) -> Any:
    return load_der_private_key(der, None)


RSA_KEY: rsa.RSAPrivateKey = _private(RSA_DER)
ED25519_KEY: ed25519.Ed25519PrivateKey = _private(ED25519_DER)


def _written(
    key: Any,
    form: PrivateFormat = PrivateFormat.PKCS8,
    *,
    encoding: Encoding = Encoding.PEM,
    encryption: KeySerializationEncryption | None = None,
) -> bytes:
    written: bytes = key.private_bytes(encoding, form, encryption or NoEncryption())
    return written


ENCRYPTED = BestAvailableEncryption(PASSPHRASE.encode())
RSA_PEM = _written(RSA_KEY).decode()
ED25519_PEM = _written(ED25519_KEY).decode()
ENCRYPTED_PEM = _written(ED25519_KEY, encryption=ENCRYPTED).decode()
ENCRYPTED_DER = _written(ED25519_KEY, encoding=Encoding.DER, encryption=ENCRYPTED)
ENCRYPTED_PKCS1 = _written(RSA_KEY, PrivateFormat.TraditionalOpenSSL, encryption=ENCRYPTED).decode()
PUBLIC_PEM = ED25519_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
PUBLIC_DER = RSA_KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
PUBLIC_SSH = ED25519_KEY.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
ENCRYPTED_OPENSSH = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    + DATA["encrypted_openssh"]["body"]
    + "\n-----END OPENSSH PRIVATE KEY-----\n"
)
# Signed by itself, made with the openssl command; only its form matters.
CERTIFICATE_DER = base64.b64decode(DATA["certificate"])
CERTIFICATE_PEM = f"-----BEGIN CERTIFICATE-----\n{DATA['certificate']}\n-----END CERTIFICATE-----\n"


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# Every form of key


@pytest.mark.parametrize(
    ("secret", "passphrase"),
    [
        pytest.param(ED25519_PEM, None, id="PKCS#8"),
        pytest.param(ED25519_PEM.encode(), None, id="PKCS#8 as bytes"),
        pytest.param(_written(ED25519_KEY, PrivateFormat.OpenSSH).decode(), None, id="OpenSSH"),
        pytest.param(ED25519_DER, None, id="DER"),
        pytest.param(_b64(ED25519_DER), None, id="DER in base64"),
        pytest.param(f" {_b64(ED25519_DER)[:30]}\n{_b64(ED25519_DER)[30:]}\n", None, id="DER in base64 lines"),
        pytest.param(ED25519_PEM.replace("\n", "\r\n"), None, id="CRLF"),
        pytest.param(ED25519_PEM.replace("\n", "\\n"), None, id="escaped LF"),
        pytest.param(ED25519_PEM.replace("\n", "\\r\\n"), None, id="escaped CRLF"),
        pytest.param(ED25519_PEM.replace("\n", " "), None, id="line breaks turned into spaces"),
        pytest.param(ED25519_PEM.replace("\n", ""), None, id="line breaks lost"),
        pytest.param(ED25519_PEM.replace("\n", "\n    "), None, id="indented"),
        pytest.param(f'"{ED25519_PEM}"', None, id="in quotation marks"),
        pytest.param(f"\ufeff\n\n{ED25519_PEM}\n\n", None, id="byte order mark and blank lines"),
        pytest.param(f"made today\n{ED25519_PEM}{PUBLIC_PEM}", None, id="with its public key"),
        pytest.param(PUBLIC_PEM + ED25519_PEM, None, id="after its public key"),
        pytest.param(ENCRYPTED_PEM, PASSPHRASE, id="encrypted"),
        pytest.param(ENCRYPTED_PEM, PASSPHRASE.encode(), id="encrypted, passphrase as bytes"),
        pytest.param(ENCRYPTED_PEM.replace("\n", "\\n"), PASSPHRASE, id="encrypted, escaped"),
        pytest.param(ENCRYPTED_DER, PASSPHRASE, id="encrypted DER"),
        pytest.param(_b64(ENCRYPTED_DER), PASSPHRASE, id="encrypted DER in base64"),
    ],
)
def test_every_form_of_an_ed25519_key_is_the_same_key(secret: str | bytes, passphrase: str | bytes | None) -> None:
    credentials = Credentials.from_secret(API_KEY, secret, passphrase)
    assert credentials.kind is KeyKind.ED25519
    assert credentials.sign(TEXT) == _b64(ED25519_KEY.sign(TEXT.encode()))
    assert credentials == Credentials.from_secret(API_KEY, ED25519_DER)


@pytest.mark.parametrize(
    ("secret", "passphrase"),
    [
        pytest.param(RSA_PEM, None, id="PKCS#8"),
        pytest.param(_written(RSA_KEY, PrivateFormat.TraditionalOpenSSL).decode(), None, id="PKCS#1"),
        pytest.param(_written(RSA_KEY, PrivateFormat.OpenSSH).decode(), None, id="OpenSSH"),
        pytest.param(RSA_DER, None, id="DER"),
        pytest.param(_written(RSA_KEY, PrivateFormat.TraditionalOpenSSL, encoding=Encoding.DER), None, id="PKCS#1 DER"),
        pytest.param(_b64(RSA_DER), None, id="DER in base64"),
        pytest.param(_written(RSA_KEY, encryption=ENCRYPTED).decode(), PASSPHRASE, id="encrypted PKCS#8"),
        pytest.param(ENCRYPTED_PKCS1, PASSPHRASE, id="encrypted PKCS#1"),
    ],
)
def test_every_form_of_an_rsa_key_is_the_same_key(secret: str | bytes, passphrase: str | None) -> None:
    credentials = Credentials.from_secret(API_KEY, secret, passphrase)
    assert credentials.kind is KeyKind.RSA
    assert credentials == Credentials.from_secret(API_KEY, RSA_DER)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(HMAC_SECRET, id="as issued"),
        pytest.param(HMAC_SECRET.encode(), id="as bytes"),
        pytest.param("x", id="short"),
        pytest.param("x" * 4096, id="long"),
        pytest.param("0" * 64, id="a zero is the first byte of DER"),
        pytest.param(_b64(b"\x30" + bytes(47)), id="base64 that begins like DER"),
        pytest.param(_b64(b"\x30\x2e" + bytes(46)), id="base64 that is a DER sequence of something"),
        pytest.param(_b64(bytes(range(48))), id="base64"),
        pytest.param(bytes(range(32)).hex(), id="hex of the length of a seed"),
    ],
)
def test_any_other_text_is_an_hmac_secret_whatever_its_length(secret: str | bytes) -> None:
    assert Credentials.from_secret(API_KEY, secret).kind is KeyKind.HMAC


def test_text_of_sixty_four_characters_is_told_apart_by_what_it_is() -> None:
    assert len(HMAC_SECRET) == len(_b64(ED25519_DER)) == 64
    assert Credentials.from_secret(API_KEY, HMAC_SECRET).kind is KeyKind.HMAC
    assert Credentials.from_secret(API_KEY, _b64(ED25519_DER)).kind is KeyKind.ED25519


@given(st.binary(min_size=48, max_size=48))
@example(b"0" * 48)
def test_random_secret_in_base64_is_never_taken_for_a_key(data: bytes) -> None:
    assert Credentials.from_secret(API_KEY, _b64(data)).kind is KeyKind.HMAC


def test_encrypted_openssh_key_is_read_or_says_what_is_missing() -> None:
    passphrase = DATA["encrypted_openssh"]["passphrase"]
    if importlib.util.find_spec("bcrypt"):
        assert Credentials.from_secret(API_KEY, ENCRYPTED_OPENSSH, passphrase).kind is KeyKind.ED25519
    else:
        with pytest.raises(CredentialsError, match="the bcrypt package is installed"):
            Credentials.from_secret(API_KEY, ENCRYPTED_OPENSSH, passphrase)


# Every mistake


def _damaged(pem: str) -> str:
    lines = pem.splitlines()
    return "\n".join([*lines[: len(lines) // 2], lines[-1]])


MISTAKES: list[Any] = [
    # what was given as the secret, with which passphrase, and what the message says
    pytest.param(
        PUBLIC_PEM, None, "the secret is a public key; expected an Ed25519 or RSA private key", id="public PEM"
    ),
    pytest.param(PUBLIC_DER, None, "the secret is a public key; expected", id="public DER"),
    pytest.param(_b64(PUBLIC_DER), None, "the secret is a public key; expected", id="public DER in base64"),
    pytest.param(PUBLIC_SSH, None, "the secret is an SSH public key; expected", id="SSH public key"),
    pytest.param(CERTIFICATE_PEM, None, "the secret is a certificate; expected", id="certificate"),
    pytest.param(CERTIFICATE_DER, None, "the secret is a certificate; expected", id="DER certificate"),
    pytest.param(
        "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n", None, "the secret is a PuTTY key file", id="PuTTY"
    ),
    pytest.param(
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nabc\n-----END PGP PRIVATE KEY BLOCK-----",
        None,
        "the secret is a PGP key; expected",
        id="PGP",
    ),
    pytest.param(
        "-----BEGIN SOMETHING-----\nabc\n-----END SOMETHING-----",
        None,
        "the secret is a damaged PEM text, or one of another type",
        id="unknown PEM",
    ),
    pytest.param(
        _written(ec.generate_private_key(ec.SECP256R1())).decode(),
        None,
        "the secret is a private key of type EC; expected an Ed25519 or RSA private key",
        id="EC",
    ),
    pytest.param(
        _written(ec.generate_private_key(ec.SECP256R1()), PrivateFormat.TraditionalOpenSSL, encoding=Encoding.DER),
        None,
        "private key of type EC;",
        id="EC in SEC1 DER",
    ),
    pytest.param(_written(dsa.generate_private_key(1024)).decode(), None, "private key of type DSA;", id="DSA"),
    pytest.param(_written(ed448.Ed448PrivateKey.generate(), encoding=Encoding.DER), None, "of type Ed448;", id="Ed448"),
    pytest.param(_written(x25519.X25519PrivateKey.generate()).decode(), None, "of type X25519;", id="X25519"),
    pytest.param(
        _written(rsa.generate_private_key(65537, 1024)).decode(),
        None,
        "the secret is an RSA key of 1024 bits; Binance takes 2048 bits or more",
        id="short RSA",
    ),
    pytest.param(
        bytes.fromhex("302e 0201 01 0420") + bytes(range(32)) + bytes.fromhex("a007 0605 2b81040009"),
        None,
        "the secret is of a type that cannot be read; expected an Ed25519 or RSA private key",
        id="unknown curve",
    ),
    pytest.param(ENCRYPTED_PEM, None, "the secret is encrypted; give its passphrase", id="no passphrase"),
    pytest.param(ENCRYPTED_DER, None, "the secret is encrypted; give its passphrase", id="no passphrase, DER"),
    pytest.param(ENCRYPTED_PKCS1, None, "the secret is encrypted; give its passphrase", id="no passphrase, PKCS#1"),
    pytest.param(ENCRYPTED_OPENSSH, None, "the secret is encrypted; give its passphrase", id="no passphrase, OpenSSH"),
    pytest.param(
        ENCRYPTED_PEM, "wrong-passphrase", "the passphrase is wrong, or the key is damaged", id="wrong passphrase"
    ),
    pytest.param(ENCRYPTED_DER, "wrong-passphrase", "the passphrase is wrong", id="wrong passphrase, DER"),
    pytest.param(ENCRYPTED_PKCS1, "wrong-passphrase", "the passphrase is wrong", id="wrong passphrase, PKCS#1"),
    pytest.param(ENCRYPTED_PEM, "", "the passphrase is empty", id="empty passphrase"),
    pytest.param(
        ENCRYPTED_PEM, 12345678, "the passphrase must be str or bytes, but it is of type int", id="int passphrase"
    ),
    pytest.param(
        ED25519_PEM, PASSPHRASE, "is not encrypted, but a passphrase was given; leave", id="needless passphrase"
    ),
    pytest.param(
        ED25519_DER, PASSPHRASE, "is not encrypted, but a passphrase was given", id="needless passphrase, DER"
    ),
    pytest.param(
        HMAC_SECRET, PASSPHRASE, "a passphrase was given, but the secret is an HMAC secret", id="passphrase for HMAC"
    ),
    pytest.param(RSA_PEM[:900], None, "was cut off: its -----END line is missing", id="cut off"),
    pytest.param(RSA_PEM[200:], None, "the secret is a damaged PEM text", id="beginning cut off"),
    pytest.param(_damaged(RSA_PEM), None, "the secret is a damaged or truncated key", id="lines lost"),
    pytest.param(RSA_DER[:-9], None, "the secret is a damaged or truncated key", id="DER cut off"),
    pytest.param(_b64(RSA_DER[:600]), None, "the secret is a damaged or truncated key", id="base64 cut off"),
    pytest.param(ED25519_DER + b"\0", None, "the secret is a damaged or truncated key", id="DER with more after it"),
    pytest.param(
        "-----BEGIN PRIVATE KEY-----\nno base64 at all: é\n-----END PRIVATE KEY-----",
        None,
        "the secret is a damaged or truncated key",
        id="no base64",
    ),
    pytest.param(RSA_PEM + ED25519_PEM, None, "the secret holds 2 private keys; expected one", id="two keys"),
    pytest.param(ED25519_PEM.encode("utf-16"), None, "the secret is UTF-16 text; save it as UTF-8", id="UTF-16"),
    pytest.param(b"\x00\xff\x80 binary", None, "the secret is neither text nor a key in DER form", id="binary"),
    pytest.param("ab\ud800cdefgh", None, "the secret is neither text nor a key in DER form", id="lone surrogate"),
    pytest.param("", None, "the secret is empty", id="empty"),
    pytest.param(b"", None, "the secret is empty", id="empty bytes"),
    pytest.param(" \n ", None, "the secret is blank", id="blank"),
    pytest.param(None, None, "the secret must be str or bytes, but it is of type NoneType", id="None"),
    pytest.param(
        f"{HMAC_SECRET}\n", None, "the secret begins or ends with white space or a line break", id="line break"
    ),
    pytest.param(f" {HMAC_SECRET}", None, "the secret begins or ends with white space", id="space before"),
    pytest.param(
        f"{HMAC_SECRET[:32]} {HMAC_SECRET[32:]}", None, "the secret has white space or a line break inside", id="space"
    ),
    pytest.param(
        f"{HMAC_SECRET[:32]}\n{HMAC_SECRET[32:]}", None, "white space or a line break inside", id="line break inside"
    ),
    pytest.param(
        f"{HMAC_SECRET[:32]}\0{HMAC_SECRET[32:]}", None, "the secret has a control character inside", id="NUL"
    ),
    pytest.param(f"{HMAC_SECRET}é", None, "the secret has a character outside ASCII", id="not ASCII"),
    pytest.param(f"{HMAC_SECRET}\u200b", None, "the secret has a character outside ASCII", id="zero width space"),
    pytest.param(f'"{HMAC_SECRET}"', None, "the secret is wrapped in quotation marks", id="quotation marks"),
    pytest.param("keys/binance.pem", None, "the secret looks like the path of a key file; use from_file", id="path"),
    pytest.param(API_KEY, None, "the API key and the secret are the same text", id="the API key again"),
]


def _fragments(*secrets: object) -> Iterator[str]:
    """Pieces of a secret that must not be seen anywhere: each line's beginning, plain and as bytes show it."""
    for secret in secrets:
        if isinstance(secret, int):
            yield str(secret)
        if isinstance(secret, str):
            secret = secret.encode("utf-8", "surrogatepass")
        if not isinstance(secret, bytes):
            continue
        if secret.startswith(b"0"):
            yield repr(secret[:16])[2:-1]
            yield _b64(secret)[:16]
        for line in secret.split():
            if len(line) >= 8 and not any(
                word in line for word in (b"-----", b"PRIVATE", b"ssh-", b"PuTTY", b"passphrase")
            ):
                yield repr(line[:16])[2:-1]


def _shown(error: BaseException) -> str:
    """All that a tool might print about an error, with the local variables of every frame but the test's own."""
    tb = error.__traceback__
    out = [repr(error), str(error), repr(error.args), repr(vars(error))]
    out += traceback.TracebackException(
        type(error), error, tb.tb_next if tb else None, capture_locals=True, max_group_width=100
    ).format()
    frame_tb = tb.tb_next if tb else None
    while frame_tb:
        out.append(pprint.pformat(frame_tb.tb_frame.f_locals))
        frame_tb = frame_tb.tb_next
    for chained in (error.__cause__, error.__context__):
        if chained is not None:
            out.append(_shown(chained))
            out.append(repr(vars(chained)))
    return "\n".join(out)


def _assert_silent(error: BaseException, *secrets: object) -> None:
    shown = _shown(error)
    for fragment in _fragments(*secrets):
        assert fragment not in shown
    assert error.__cause__ is None
    assert error.__context__ is None


@pytest.mark.parametrize(("secret", "passphrase", "message"), MISTAKES)
def test_mistake_is_explained_and_shows_no_secret(secret: Any, passphrase: Any, message: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_secret(API_KEY, secret, passphrase)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 300
    _assert_silent(caught.value, secret, passphrase, API_KEY)


@pytest.mark.parametrize(
    ("api_key", "message"),
    [
        ("", "the API key is empty"),
        (" ", "the API key is blank"),
        (None, "the API key must be text, but it is of type NoneType"),
        (f"{API_KEY}\n", "the API key begins or ends with white space or a line break"),
        (f"{API_KEY[:9]} {API_KEY[9:]}", "the API key has white space or a line break inside"),
        (f"{API_KEY}\x7f", "the API key has a control character inside"),
        (f"{API_KEY}ü", "the API key has a character outside ASCII"),
        (f"{API_KEY}\ud800", "the API key has a character outside ASCII"),
        (f"'{API_KEY}'", "the API key is wrapped in quotation marks"),
        (ED25519_PEM, "the API key is a key in PEM or DER form, not what Binance issued for it; are the API key and"),
        (ED25519_PEM.replace("\n", "\\n"), "are the API key and the private key swapped?"),
        (_b64(ED25519_DER), "are the API key and the private key swapped?"),
        (ENCRYPTED_PEM, "are the API key and the private key swapped?"),
        (PUBLIC_PEM, "the API key is a key in PEM or DER form"),
    ],
)
def test_wrong_api_key_is_explained_and_not_shown(api_key: Any, message: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_secret(api_key, HMAC_SECRET)
    assert message in str(caught.value)
    _assert_silent(caught.value, api_key, HMAC_SECRET)


def test_error_is_also_a_value_error() -> None:
    with pytest.raises(ValueError, match="the secret is empty"):
        Credentials.from_secret(API_KEY, "")


# Files


@pytest.mark.parametrize(
    ("content", "passphrase", "kind"),
    [
        (ED25519_PEM.encode(), None, KeyKind.ED25519),
        (ED25519_PEM.replace("\n", "\r\n").encode("utf-8-sig"), None, KeyKind.ED25519),
        (ED25519_DER, None, KeyKind.ED25519),
        (_b64(RSA_DER).encode() + b"\n", None, KeyKind.RSA),
        (ENCRYPTED_PEM.encode(), PASSPHRASE, KeyKind.ED25519),
        (ENCRYPTED_DER, PASSPHRASE, KeyKind.ED25519),
    ],
)
def test_key_is_read_from_a_file(tmp_path: Path, content: bytes, passphrase: str | None, kind: KeyKind) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    credentials = Credentials.from_file(API_KEY, path, passphrase)
    assert credentials.kind is kind
    assert credentials == Credentials.from_file(API_KEY, str(path), passphrase)


def test_tilde_is_the_home_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "binance.pem").write_text(ED25519_PEM)
    assert Credentials.from_file(API_KEY, "~/binance.pem").kind is KeyKind.ED25519


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (HMAC_SECRET.encode(), "has no private key in PEM or DER form; an HMAC secret goes to from_secret()"),
        (b"<html>Gone</html>", "has no private key in PEM or DER form"),
        (PUBLIC_PEM.encode(), "is a public key"),
        (RSA_PEM[:500].encode(), "was cut off"),
        (ENCRYPTED_DER, "is encrypted; give its passphrase"),
        (bytes(70000), "is no key: it is longer than 65536 bytes"),
    ],
)
def test_wrong_file_is_named_and_its_content_is_not_shown(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "binance.key"
    path.write_bytes(content)
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_file(API_KEY, path)
    assert str(caught.value).startswith(
        f"the key file {str(path)!r} {message}" if message[0] != "w" else "the key file"
    )
    assert message in str(caught.value)
    _assert_silent(caught.value, content, API_KEY)


def test_missing_file_and_directory_are_named(tmp_path: Path) -> None:
    path = tmp_path / "none.pem"
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_file(API_KEY, path)
    assert str(caught.value) == f"the key file {str(path)!r} does not exist"
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_file(API_KEY, tmp_path)
    assert str(caught.value) == f"the key file {str(tmp_path)!r} is a directory"


def test_file_that_may_not_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "binance.pem"
    path.write_text(ED25519_PEM)
    path.chmod(stat.S_IWUSR)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    # A superuser may read it all the same, so the refusal is played as well.
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_file(API_KEY, path)
    assert str(caught.value) == f"the key file {str(path)!r} may not be read by this user"
    _assert_silent(caught.value, API_KEY)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (HMAC_SECRET, "the key file does not exist"),
        (_b64(ED25519_DER), "the key file does not exist"),
        (_b64(RSA_DER), "the key file does not exist"),
        ("k" * 5000, "the key file cannot be read: "),
        (ED25519_PEM, "the key file must be given by its path, but the text of a key was given; use from_secret()"),
        (ED25519_PEM.replace("\n", "\\n"), "but the text of a key was given"),
        (f"{HMAC_SECRET}\0", "the key file has a path that cannot be opened"),
        ("", "the key file has an empty path"),
        (None, "the key file must be given by its path, but that is of type NoneType"),
    ],
)
def test_secret_given_as_a_path_is_not_shown(path: Any, message: str) -> None:
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_file(API_KEY, path)
    assert message in str(caught.value)
    _assert_silent(caught.value, path, API_KEY)


# The environment


def test_environment_has_three_ways_to_give_a_key(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    path.write_text(ENCRYPTED_PEM)
    key = {"BINANCE_API_KEY": API_KEY}
    secret = Credentials.from_environment({**key, "BINANCE_API_SECRET": HMAC_SECRET})
    text = Credentials.from_environment({**key, "BINANCE_PRIVATE_KEY": ED25519_PEM.replace("\n", "\\n")})
    phrase = {"BINANCE_PRIVATE_KEY_PASSPHRASE": PASSPHRASE}
    file = Credentials.from_environment({**key, "BINANCE_PRIVATE_KEY_FILE": str(path), **phrase})
    assert (secret.kind, text.kind, file.kind) == (KeyKind.HMAC, KeyKind.ED25519, KeyKind.ED25519)
    assert text == file
    assert {secret.api_key, text.api_key, file.api_key} == {API_KEY}


def test_process_environment_and_another_prefix_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("BINANCE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TESTNET_API_KEY", API_KEY)
    monkeypatch.setenv("TESTNET_API_SECRET", _b64(ED25519_DER))
    assert Credentials.from_environment(prefix="TESTNET_").kind is KeyKind.ED25519
    with pytest.raises(CredentialsError, match="the environment has no BINANCE_API_KEY"):
        Credentials.from_environment()


def test_empty_variable_counts_as_not_set() -> None:
    variables = {"BINANCE_API_KEY": API_KEY, "BINANCE_API_SECRET": HMAC_SECRET, "BINANCE_PRIVATE_KEY": ""}
    assert Credentials.from_environment({**variables, "BINANCE_PRIVATE_KEY_PASSPHRASE": ""}).kind is KeyKind.HMAC


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "the environment has no BINANCE_API_KEY"),
        ({"API_KEY": ""}, "the environment has no BINANCE_API_KEY (BINANCE_API_KEY set, but empty)"),
        (
            {"API_KEY": API_KEY},
            "the environment has no secret: "
            "set one of BINANCE_API_SECRET, BINANCE_PRIVATE_KEY, BINANCE_PRIVATE_KEY_FILE",
        ),
        ({"API_KEY": API_KEY, "PRIVATE_KEY": ""}, "PRIVATE_KEY_FILE (BINANCE_PRIVATE_KEY set, but empty)"),
        (
            {"API_KEY": API_KEY, "API_SECRET": HMAC_SECRET, "PRIVATE_KEY": ED25519_PEM},
            "the environment has several secrets: BINANCE_API_SECRET and BINANCE_PRIVATE_KEY; set only one",
        ),
        (
            {"API_KEY": API_KEY, "PRIVATE_KEY": HMAC_SECRET},
            "BINANCE_PRIVATE_KEY has no private key in PEM or DER form; an HMAC secret goes to from_secret() or",
        ),
        ({"API_KEY": API_KEY, "PRIVATE_KEY": "keys/my.pem"}, "a path to from_file() or the PRIVATE_KEY_FILE variable"),
        ({"API_KEY": API_KEY, "API_SECRET": f"{HMAC_SECRET}\r"}, "BINANCE_API_SECRET begins or ends with white space"),
        ({"API_KEY": ED25519_PEM, "API_SECRET": API_KEY}, "BINANCE_API_KEY is a key in PEM or DER form"),
        ({"API_KEY": API_KEY, "API_SECRET": API_KEY}, "BINANCE_API_KEY and BINANCE_API_SECRET are the same text"),
        (
            {"API_KEY": API_KEY, "PRIVATE_KEY_FILE": HMAC_SECRET},
            "BINANCE_PRIVATE_KEY_FILE: the key file does not exist",
        ),
        ({"API_KEY": API_KEY, "PRIVATE_KEY_FILE": "no/such.pem"}, "the key file 'no/such.pem' does not exist"),
        (
            {"API_KEY": API_KEY, "PRIVATE_KEY": ENCRYPTED_PEM, "PRIVATE_KEY_PASSPHRASE": "wrong-passphrase"},
            "BINANCE_PRIVATE_KEY cannot be read: the passphrase is wrong",
        ),
    ],
)
def test_wrong_environment_names_the_variable_and_no_value(variables: dict[str, str], message: str) -> None:
    given_variables = {f"BINANCE_{name}": value for name, value in variables.items()}
    with pytest.raises(CredentialsError) as caught:
        Credentials.from_environment(given_variables)
    assert message.replace("'no/such.pem'", repr(str(Path("no/such.pem")))) in str(caught.value)
    _assert_silent(
        caught.value, *(value for value in variables.values() if "such" not in value and "keys/" not in value)
    )


# Kinds


@pytest.mark.parametrize(
    ("secret", "found"), [(HMAC_SECRET, "an HMAC secret"), (RSA_DER, "an RSA key"), (ED25519_DER, "an Ed25519 key")]
)
def test_a_kind_that_is_needed_is_asked_for_in_plain_words(secret: str | bytes, found: str) -> None:
    credentials = Credentials.from_secret(API_KEY, secret)
    credentials.require(credentials.kind, "session.logon")
    other = KeyKind.RSA if credentials.kind is not KeyKind.RSA else KeyKind.ED25519
    with pytest.raises(CredentialsError) as caught:
        credentials.require(other, "session.logon")
    assert str(caught.value) == f"session.logon needs {other.described}; this is {found}"


# Silence


CREDENTIALS = {
    KeyKind.HMAC: Credentials.from_secret(API_KEY, HMAC_SECRET),
    KeyKind.RSA: Credentials.from_secret(API_KEY, RSA_DER),
    KeyKind.ED25519: Credentials.from_secret(API_KEY, ENCRYPTED_PEM, PASSPHRASE),
}
SECRETS = {KeyKind.HMAC: HMAC_SECRET, KeyKind.RSA: RSA_DER, KeyKind.ED25519: ED25519_DER}
all_kinds = pytest.mark.parametrize("kind", list(KeyKind))


@attrs.frozen
class Holder:
    credentials: Credentials


def _parts(credentials: Credentials) -> list[object]:
    return [getattr(credentials, name) for name in Credentials.__slots__]


SHOWS: dict[str, Callable[[Credentials], str]] = {
    "repr": repr,
    "str": str,
    "format": lambda credentials: f"{credentials} {credentials!s} {credentials!r} {credentials!a}",
    "percent": lambda credentials: "%s %r" % (credentials, credentials),  # noqa: UP031
    "in a container": lambda credentials: str([{"key": (credentials,)}]),
    "pprint": pprint.pformat,
    "attrs repr": lambda credentials: repr(Holder(credentials)),
    "attrs.asdict": lambda credentials: repr(attrs.asdict(Holder(credentials))),
    "parts": lambda credentials: f"{_parts(credentials)} {[dir(part) for part in _parts(credentials)]}",
}


@all_kinds
@pytest.mark.parametrize("show", SHOWS.values(), ids=SHOWS)
def test_no_rendering_shows_a_secret(kind: KeyKind, show: Callable[[Credentials], str]) -> None:
    shown = show(CREDENTIALS[kind])
    for fragment in _fragments(SECRETS[kind], API_KEY, PASSPHRASE):
        assert fragment not in shown


def test_repr_tells_keys_apart() -> None:
    assert repr(CREDENTIALS[KeyKind.RSA]) == f"<Credentials RSA api_key={API_KEY[:4]}…>"
    assert repr(Credentials.from_secret("short-api-key", HMAC_SECRET)) == "<Credentials HMAC api_key=…>"


@all_kinds
def test_logging_shows_no_secret(kind: KeyKind, caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("test").warning("connecting with %s and %r", CREDENTIALS[kind], CREDENTIALS[kind])
    for fragment in _fragments(SECRETS[kind], API_KEY):
        assert fragment not in caplog.text


@all_kinds
def test_traceback_with_local_variables_shows_no_secret(kind: KeyKind) -> None:
    credentials = CREDENTIALS[kind]
    with pytest.raises(ValueError, match="lone surrogate") as caught:
        credentials.sign("\ud800")
    _assert_silent(caught.value, SECRETS[kind], API_KEY)
    with pytest.raises(CredentialsError) as refused:
        credentials.require(next(other for other in KeyKind if other is not kind), "this")
    _assert_silent(refused.value, SECRETS[kind], API_KEY)


@all_kinds
def test_rich_shows_no_secret(kind: KeyKind) -> None:
    console_module = pytest.importorskip("rich.console")
    pretty = pytest.importorskip("rich.pretty")
    out = io.StringIO()
    console = console_module.Console(file=out, width=300)
    pretty.pprint({"credentials": CREDENTIALS[kind]}, console=console, expand_all=True)
    assert "Credentials" in out.getvalue()
    for fragment in _fragments(SECRETS[kind], API_KEY):
        assert fragment not in out.getvalue()


@all_kinds
def test_vars_json_and_pickle_are_refused(kind: KeyKind) -> None:
    credentials = CREDENTIALS[kind]
    with pytest.raises(TypeError):
        vars(credentials)
    with pytest.raises(TypeError, match="not JSON serializable"):
        json.dumps(credentials)
    for part in (credentials, *_parts(credentials)):
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            with pytest.raises(TypeError, match="cannot be pickled, because it holds a secret") as caught:
                pickle.dumps(part, protocol)
            _assert_silent(caught.value, SECRETS[kind], API_KEY)


@all_kinds
def test_copy_is_the_same_object_and_nothing_can_be_set(kind: KeyKind) -> None:
    credentials = CREDENTIALS[kind]
    assert copy.copy(credentials) is credentials
    assert copy.deepcopy([credentials])[0] is credentials
    for part in _parts(credentials):
        assert copy.copy(part) is copy.deepcopy(part) is part
    for name in ("api_key", "kind", "note"):
        with pytest.raises(AttributeError):
            setattr(credentials, name, "x")


def test_equality_is_about_both_the_api_key_and_the_key() -> None:
    same = Credentials.from_secret(API_KEY, HMAC_SECRET)
    assert same == CREDENTIALS[KeyKind.HMAC]
    assert hash(same) == hash(CREDENTIALS[KeyKind.HMAC])
    assert len({same, *CREDENTIALS.values()}) == 3
    assert same != Credentials.from_secret(API_KEY + "x", HMAC_SECRET)
    assert same != Credentials.from_secret(API_KEY, HMAC_SECRET + "x")
    assert same != HMAC_SECRET
    assert _parts(same)[0] != API_KEY


def _refusal(api_key: Any, secret: Any, passphrase: Any = None) -> CredentialsError | None:
    try:
        Credentials.from_secret(api_key, secret, passphrase)
    except CredentialsError as error:
        return error
    return None


visible = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=16, max_size=100)


@settings(deadline=None)  # all frames are rendered
@given(visible, visible)
def test_any_secret_is_either_taken_or_refused_and_never_shown(api_key: str, secret: str) -> None:
    # A word that stands in every message, such as a class's name, is no secret that could be given away.
    assume(not any(part in "CredentialsError Credentials KeyKind HMAC secret" for part in (api_key[:8], secret[:8])))
    if error := _refusal(api_key, secret):
        _assert_silent(error, api_key, secret)
        return
    credentials = Credentials.from_secret(api_key, secret)
    assert credentials.kind is KeyKind.HMAC
    assert secret[:8] not in repr(credentials)
    assert api_key not in repr(credentials)
    assert credentials.api_key == api_key


@settings(deadline=None)  # checking an RSA key takes its time, and so does a passphrase
@given(
    st.sampled_from([ED25519_PEM.encode(), ENCRYPTED_PEM.encode(), ED25519_DER, ENCRYPTED_DER, _b64(RSA_DER).encode()]),
    st.lists(st.tuples(st.integers(0, 3000), st.binary(max_size=3)), min_size=1, max_size=4),
    st.sampled_from([None, PASSPHRASE, "another passphrase"]),
)
def test_damaged_key_is_refused_without_a_word_of_it(
    key: bytes, damages: list[tuple[int, bytes]], passphrase: str | None
) -> None:
    for position, piece in damages:
        at = position % max(len(key), 1)
        key = key[:at] + piece + key[at + len(piece) + 1 :]
    if error := _refusal(API_KEY, key, passphrase):
        _assert_silent(error, key)
        assert len(str(error)) < 300


@settings(deadline=None)  # as above
@given(st.binary(max_size=200) | st.text(max_size=100))
def test_junk_raises_nothing_but_credentials_error(junk: bytes | str) -> None:
    for error in (_refusal(API_KEY, junk), _refusal(API_KEY, ENCRYPTED_PEM, junk), _refusal(junk, HMAC_SECRET)):
        if error is not None:
            assert error.__context__ is None
