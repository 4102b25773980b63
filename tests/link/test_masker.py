"""Whatever the other side repeats of our secrets is masked, and what it says is one line of bounded length."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.events import Disconnected, Gap, LeaseAtRisk
from trio_binance_uds.link.masking import MASK, MESSAGE_LIMIT, Masker
from trio_binance_uds.stream.blind import Blind
from trio_binance_uds.texts import one_line, quoted

KEY = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2Yz3Ab4Cd5Ef6Gh7Ij8Kl9Mn0Op1Qr"
SIGNATURE = "nqK+F7/0b3lVxA2c9dE8fG7hI6jK5lM4nO3pQ2rS1tU0vW9xY8zA7bC6dE5fG4hI3jK2lM1nOpQ=="


def masker() -> Masker:
    made = Masker(Credentials.from_secret(KEY, "s" * 64))
    made.add_from({"signature": SIGNATURE, "symbol": "BTCUSDT", "listenKey": "a key of the user"})
    return made


def shows(text: str, secret: str) -> bool:
    """Whether eight characters in a row of a secret are in a text."""
    folded = text.lower()
    return any(secret.lower()[at : at + 8] in folded for at in range(len(secret) - 7))


@pytest.mark.parametrize("secret", [KEY, SIGNATURE], ids=["key", "signature"])
@pytest.mark.parametrize(
    "written",
    [
        str,
        str.upper,
        str.lower,
        str.swapcase,
        lambda secret: quote(secret, safe=""),
        lambda secret: quote(secret, safe="").lower(),
        lambda secret: "".join(f"%{ord(char):02X}" for char in secret),
        lambda secret: quote(quote(secret, safe=""), safe=""),
        lambda secret: "".join(f"\\u{ord(char):04x}" for char in secret),
        lambda secret: secret.replace("/", "\\/"),
        lambda secret: "".join(f"&#{ord(char)};" for char in secret),
        lambda secret: "".join(f"&#x{ord(char):x};" for char in secret),
        lambda secret: secret[:20],
        lambda secret: secret[-20:],
        lambda secret: secret[5:14],
        lambda secret: "\n".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        lambda secret: "\u200b".join(secret),
    ],
    ids=[
        "plain", "upper", "lower", "swapped", "percent", "percent in lower case", "all percent", "percent twice",
        "JSON", "slashes", "HTML", "HTML in hex", "beginning", "end", "middle", "lines", "invisible",
    ],
)  # fmt: skip
def test_a_secret_is_found_however_it_is_written(secret: str, written: object) -> None:
    assert callable(written)
    repeated = written(secret)
    shown = masker().text(f"Invalid key {repeated}; BTCUSDT.")
    assert shown == f"Invalid key {MASK}; BTCUSDT."


def test_what_is_no_secret_stays() -> None:
    for text in ("Invalid API-key, IP, or permissions for action.", "100% of \\ & &amp; %zz", ""):
        assert masker().text(text) == text
    assert masker().text("Ab1Cd2E is the beginning") == "Ab1Cd2E is the beginning"


def test_a_short_secret_is_masked_as_a_whole_and_a_tiny_one_is_none() -> None:
    short = Masker(secrets=["key-1", "abc"])
    assert short.text("not KEY-1 but abc and key-2") == f"not {MASK} but abc and key-2"


def test_several_secrets_and_several_times() -> None:
    made = masker()
    for _ in range(2):
        assert made.text(f"{KEY}{SIGNATURE} and {KEY}") == f"{MASK} and {MASK}"


def test_what_was_sent_last_is_remembered() -> None:
    made = masker()
    keys = [f"{number:064d}" for number in range(1_000_000_000, 1_000_000_100)]
    for key in keys:
        made.add(key)
        made.add(key)
        made.add_signature(key[::-1])
    assert "secrets" in repr(made)
    assert not any(key in repr(made) for key in keys)
    for key in keys[-60:]:
        assert made.text(f"for {key}") == f"for {MASK}"


def test_json_is_masked_to_its_depths_and_bounded() -> None:
    deep: object = KEY
    for _ in range(20):
        deep = [deep]
    value = {
        "msg": f"{KEY}\nforged",
        KEY: 1,
        "listenKey": "a foreign one",
        "list": [{"text": quote(SIGNATURE)}] + [0] * 1000,
        "retryAfter": 1_900_000_000_000,
        "none": None,
        "deep": deep,
    }
    masked = masker().value(value)
    assert masked["msg"] == f"{MASK}?forged"
    assert masked[MASK] == 1
    assert masked["listenKey"] == MASK
    assert masked["list"][0] == {"text": MASK}
    assert len(masked["list"]) == 200
    assert masked["retryAfter"] == 1_900_000_000_000
    assert masked["none"] is None
    assert KEY not in str(masked)


@pytest.mark.parametrize("text", ["x" * 10**7, f"{KEY} " * 10_000, "%41" * 10**6], ids=["long", "keys", "codes"])
def test_a_text_of_any_length_is_a_short_line(text: str) -> None:
    assert len(masker().text(text)) <= MESSAGE_LIMIT
    assert not shows(masker().text(text), KEY)


@pytest.mark.parametrize(
    "control", ["\n", "\r", "\x1b[2K", "\u2028", "\u2029", "\x85", "\u202e", "\u2066", "\x00", "\x9b", "\x0b", "\ufeff"]
)
def test_no_character_can_forge_a_line(control: str) -> None:
    for shown in (masker().text(f"a{control}b"), one_line(f"a{control}b")):
        assert shown.isprintable()
        assert len(shown.splitlines()) == 1
    assert quoted(f"a{control}b").isprintable()


def test_a_long_text_is_quoted_with_its_length() -> None:
    assert quoted("short") == "'short'"
    assert quoted("x" * 1000, 5) == "'xxxxx'... (1000 characters)"


@given(st.text(max_size=200), st.integers(0, 60), st.integers(8, 64))
def test_no_piece_of_a_secret_is_ever_shown(around: str, first: int, size: int) -> None:
    piece = KEY[first : first + size]
    shown = masker().text(f"{around}{piece}{around}")
    assert len(piece) < 8 or not shows(shown, piece)
    assert shown.isprintable()


@pytest.mark.parametrize("kind", [Disconnected, Gap, LeaseAtRisk, Blind], ids=lambda kind: kind.__name__)
def test_the_detail_of_a_notice_is_a_line_of_bounded_length(kind: type[Any]) -> None:
    values = {field.name: None for field in attrs.fields(kind) if field.default is attrs.NOTHING}
    notice = kind(**values, detail="forged\nline\x1b[2J\u2028" + "x" * 10**6)
    assert notice.detail.startswith("forged?line?[2J?xxx")
    assert notice.detail.isprintable()
    assert len(notice.detail) == 2000


def test_raw_payloads_keep_their_shape_and_length_without_the_keys_we_know() -> None:
    assert Masker().raw({"a": KEY}) == {"a": KEY}
    raw = {"x": [f"1{KEY}2", {KEY.lower(): 5}], "long": "y" * 5000 + "\n", "n": None, "t": f"of {'a key of the user'}"}
    assert masker().raw(raw) == {"x": [f"1{MASK}2", {MASK: 5}], "long": "y" * 5000 + "\n", "n": None, "t": f"of {MASK}"}
    assert masker().raw(f'{{"{KEY}') == f'{{"{MASK}'
    assert masker().raw(f'{{"{KEY}'.encode()) == f'{{"{MASK}'.encode()


def test_what_is_encoded_more_often_than_anybody_does_is_shown_as_it_is() -> None:
    text = "harmless and odd"
    for _ in range(6):
        text = quote(text, safe="")
    assert masker().text(text) == text
