"""Known signatures: our own, made with the openssl command, and the published ones where they are at hand."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from samples import Published
from trio_binance_uds.credentials import Credentials, KeyKind
from trio_binance_uds.wire.requests import rest_query, sign_rest, sign_ws_params, ws_signing_text

Vector = dict[str, Any]

OURS: dict[str, Any] = json.loads(Path(__file__).with_name("signing_vectors.json").read_text("utf-8"))
STAMPS = ("apiKey", "timestamp", "recvWindow")


def _our_credentials(kind: str) -> Credentials:
    key = OURS["keys"][kind]
    return Credentials.from_secret(key["api_key"], key["secret"])


def _published_credentials(vectors: Vector, name: str, api_key: str | None = None) -> Credentials:
    key = vectors["keys"][name]
    return Credentials.from_secret(api_key or key["apiKey"], key.get("secretKey") or key["privateKeyPkcs8DerBase64"])


def _verify(key: str, text: str, signature: str) -> None:
    """Check a signature with the public key, by the other library than the one that made it where there are two."""
    private = load_der_private_key(base64.b64decode(key), None)
    made = base64.b64decode(signature, validate=True)
    if isinstance(private, ed25519.Ed25519PrivateKey):
        private.public_key().verify(made, text.encode())
    else:
        assert isinstance(private, rsa.RSAPrivateKey)
        private.public_key().verify(made, text.encode(), padding.PKCS1v15(), hashes.SHA256())


def _hmac_by_hand(secret: str, text: str) -> str:
    """HMAC as RFC 2104 writes it down."""
    block = secret.encode() if len(secret) <= 64 else hashlib.sha256(secret.encode()).digest()
    block = block.ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + text.encode()).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).hexdigest()


def _ids(vector: Vector) -> str:
    return vector.get("id") or f"{vector['key']}-{vector['api']}-{vector['name']}"


@pytest.mark.parametrize("vector", OURS["vectors"], ids=_ids)
def test_request_is_signed_as_openssl_signs_it(vector: Vector) -> None:
    credentials = _our_credentials(vector["key"])
    params = dict(vector["params"])
    if vector["api"] == "ws":
        signed = sign_ws_params(credentials, params, vector["timestamp"], vector["recv_window"])
        assert ws_signing_text(signed) == vector["text"]
        assert signed["signature"] == vector["signature"]
    else:
        query = sign_rest(credentials, params, vector["timestamp"], vector["recv_window"])
        text, _, signature = query.rpartition("&signature=")
        assert text == vector["text"]
        assert parse_qsl(f"signature={signature}") == [("signature", vector["signature"])]
        assert not set(signature) & set("+/=")


@pytest.mark.parametrize("vector", OURS["vectors"], ids=_ids)
def test_our_vectors_hold_when_worked_out_another_way(vector: Vector) -> None:
    secret = OURS["keys"][vector["key"]]["secret"]
    if vector["key"] == KeyKind.HMAC:
        assert vector["signature"] == _hmac_by_hand(secret, vector["text"])
    else:
        _verify(secret, vector["text"], vector["signature"])


@pytest.mark.parametrize("kind", [KeyKind.RSA, KeyKind.ED25519])
def test_another_text_has_another_signature(kind: KeyKind) -> None:
    with pytest.raises(InvalidSignature):
        _verify(OURS["keys"][kind]["secret"], "a=2", _our_credentials(kind).sign("a=1"))


def test_published_requests_have_their_published_text_and_signature(published: Published) -> None:
    vectors = published.signing_vectors()
    assert len(vectors["vectors"]) == 44
    for vector in vectors["vectors"]:
        _check_published(vectors, vector)


def _check_published(vectors: Vector, vector: Vector) -> None:
    # Some vectors put the API key of one key beside the secret of another.
    credentials = _published_credentials(vectors, vector["key"], vector.get("params", {}).get("apiKey"))
    if vector["api"] == "ws":
        params = vector["params"]
        assert ws_signing_text(params) == vector["payload"]
        free = {name: value for name, value in params.items() if name not in STAMPS}
        signed = sign_ws_params(credentials, free, params["timestamp"], params.get("recvWindow"))
        assert signed == {**params, "signature": vector["signature"]}
        return
    params = dict(vector["orderedParams"])
    assert rest_query(params) == vector["payload"]
    assert credentials.sign(vector["payload"]) == vector["signature"]
    free = {name: value for name, value in params.items() if name not in STAMPS}
    query = sign_rest(credentials, free, int(params["timestamp"]), params["recvWindow"])
    assert query == f"{vector['payload']}&signature={vector.get('signatureInUrl', vector['signature'])}"


def test_published_mistakes_are_not_made(published: Published) -> None:
    vectors = published.signing_vectors()
    assert len(vectors["negative"]) == 4
    credentials = _published_credentials(vectors, "docs-hmac")
    for vector in vectors["negative"]:
        # The signature belongs to the mistaken text, and the request is never written so.
        assert credentials.sign(vector["payload"]) == vector["signature"]
        if vector["id"].startswith("ws-"):
            params = dict(pair.split("=", 1) for pair in vector["correctPayload"].split("&"))
            written = ws_signing_text(dict(reversed(params.items())))
        else:
            written = rest_query(dict(parse_qsl(vector["correctPayload"])))
        assert written == vector["correctPayload"] != vector["payload"]
        assert credentials.sign(written) != vector["signature"]


def test_published_requests_without_a_key_still_have_their_text(published: Published) -> None:
    unverifiable = [vector for vector in published.signing_vectors()["publishedUnverifiable"] if vector["params"]]
    assert unverifiable
    for vector in unverifiable:
        assert ws_signing_text(vector["params"]) == vector["payload"]
