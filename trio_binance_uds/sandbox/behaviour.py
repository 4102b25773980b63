"""What a sandbox does where Binance's documents are silent, contradict each other, or have changed."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum, unique

import attrs

from trio_binance_uds.sandbox.listen_keys import KeySpace


@unique
class SecondToken(StrEnum):
    """How a connection answers that subscribes an account by listen token for the second time."""

    SAME_ID = "same_id"  #: the subscription lives on, until the new token expires
    NEW_ID = "new_id"  #: there are two subscriptions then, and each event comes twice
    REFUSED = "refused"  #: -2035, and nothing has changed


def _key_spaces(names: Iterable[str]) -> frozenset[KeySpace]:
    return frozenset(KeySpace(name) for name in names)


@attrs.frozen(kw_only=True)
class Behaviour:
    """The switches; the defaults are what is believed of Binance at present. All times are in seconds.

    Attributes:
        listen_key_life: how long a listen key lives after its last ``POST`` or ``PUT``.
        text_expiry_times: which kinds of listen key tell ``E`` of their ``listenKeyExpired`` as a string.
        second_token: what a second listen token of an account does on a connection that has one.
        token_expiry_in_milliseconds: whether the answer to a subscription tells the token's end in milliseconds;
            microseconds are documented.
        stream_lifetime: how long a socket of a stream may last.
        stream_ping_interval, stream_pong_timeout: of the streams, but for those of options.
        options_ping_interval, options_pong_timeout: of a socket that was opened with a listen key of options.
        stream_messages_per_second: how many frames a stream takes, pings and pongs included, before it closes.
    """

    listen_key_life: float = 3600.0
    text_expiry_times: frozenset[KeySpace] = attrs.field(
        default=frozenset({KeySpace.MARGIN_RISK, KeySpace.OPTIONS}), converter=_key_spaces
    )
    second_token: SecondToken = attrs.field(default=SecondToken.SAME_ID, converter=SecondToken)
    token_expiry_in_milliseconds: bool = False
    stream_lifetime: float = 86_400.0
    stream_ping_interval: float = 180.0
    stream_pong_timeout: float = 600.0
    options_ping_interval: float = 300.0
    options_pong_timeout: float = 900.0
    stream_messages_per_second: int = 10
