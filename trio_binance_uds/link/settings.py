"""The deadlines that are the library's own, because forgetting them is dangerous."""

from __future__ import annotations

import attrs

from trio_binance_uds import checks


@attrs.frozen(kw_only=True)
class Timeouts:
    """Seconds until the library itself gives up on something.

    Deadlines for your own calls are cancel scopes around them. These are for what nobody is waiting on.

    Attributes:
        connect: DNS, TCP, proxy, TLS and the WebSocket upgrade together.
        subscribe: clock, logon and subscription on a fresh connection together.
        answer: one request; past it the request ends in :exc:`OutcomeUnknown`. The venue itself answers -1007
            after 10 s, so a later answer is a lost one.
        ping_interval: between a pong and the next ping of ours.
        pong: from a ping to its pong; past it the connection is taken for dead. A half-open connection is
            therefore found within ``ping_interval + pong`` seconds.
        subscription_check: between two questions to the venue whether the subscription still stands. One that has
            vanished in silence is therefore found within ``subscription_check + answer`` seconds.
        close: for a parting close frame.
    """

    connect: float = attrs.field(default=10.0, validator=checks.seconds())
    subscribe: float = attrs.field(default=10.0, validator=checks.seconds())
    answer: float = attrs.field(default=15.0, validator=checks.seconds())
    ping_interval: float = attrs.field(default=15.0, validator=checks.seconds())
    pong: float = attrs.field(default=10.0, validator=checks.seconds())
    subscription_check: float = attrs.field(default=30.0, validator=checks.seconds())
    close: float = attrs.field(default=1.0, validator=checks.seconds())
