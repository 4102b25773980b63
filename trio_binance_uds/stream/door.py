"""The one door: open a user data stream, and leave nothing behind."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from trio_binance_uds.credentials import Credentials
from trio_binance_uds.link.network import Network
from trio_binance_uds.link.plan import LinkPlan
from trio_binance_uds.link.settings import Timeouts
from trio_binance_uds.link.transport import TransportKind
from trio_binance_uds.logs import name_log_lines
from trio_binance_uds.nurseries import open_bare_nursery, require_trio, start
from trio_binance_uds.products import PRODUCTION, Environment, Product, TimeUnit
from trio_binance_uds.stream.arguments import (
    check_options,
    checked_credentials,
    found_environment,
    found_product,
    found_transport,
    stream_name,
)
from trio_binance_uds.stream.backoff import Backoff
from trio_binance_uds.stream.buffer import DEFAULT_MAX_BYTES
from trio_binance_uds.stream.recovery import Recovery, recoverer_for
from trio_binance_uds.stream.rollover import Rollover
from trio_binance_uds.stream.stream import UserDataStream
from trio_binance_uds.stream.supervisor import Supervisor
from trio_binance_uds.tracebacks import forget_locals


@asynccontextmanager
async def open_user_data_stream(
    credentials: Credentials,
    product: Product | str,
    *,
    name: str | None = None,
    environment: Environment | str = PRODUCTION,
    network: Network = Network(),  # noqa: B008  # a frozen value
    timeouts: Timeouts = Timeouts(),  # noqa: B008
    backoff: Backoff = Backoff(),  # noqa: B008
    rollover: Rollover = Rollover(),  # noqa: B008
    recovery: Recovery = Recovery(),  # noqa: B008
    max_buffer: int = 20_000,
    max_buffer_bytes: int = DEFAULT_MAX_BYTES,
    transport: TransportKind | str = TransportKind.WEBSOCKETS,
    logon: bool | None = None,
    time_unit: TimeUnit | str | None = None,
    delete_listen_key_on_exit: bool = False,
    seed: int | None = None,
) -> AsyncIterator[UserDataStream]:
    """Open the user data stream of one account, or of several margin accounts.

    On entering, the venue has acknowledged the subscription, or has proven the listen key of an open socket: every
    event from here on is delivered, or lies in a :class:`Gap`. Entering also waits, a few seconds at most, until it is
    known what was there before; see :attr:`UserDataStream.is_baseline_known`. After the block, nothing of the stream
    runs and no socket is open. When the block is cancelled, its body hears of it first, while the stream still works: a
    ``finally`` in the body can cancel orders.

    Args:
        credentials: the account's key.
        product: what to stream, such as :data:`SPOT` or :data:`USDM_FUTURES`, or its name, such as ``"spot"``; see
            :func:`find_product`.
        name: what to call the stream, in its events and notices (``event.stream``), its statistics and its log lines;
            by default as the product. Give each stream a name of its own where several are read in one place.
        environment: where; :data:`PRODUCTION`, :data:`TESTNET`, :data:`DEMO`, :data:`DEMO_BINANCEFUTURE` or a
            sandbox's own, or the name of one of the first four. Keys of one are not valid in another. URLs can be
            replaced with :meth:`Environment.override`.
        network: a proxy, a TLS context.
        timeouts: the library's own deadlines. For yours, use cancel scopes.
        backoff: the waits between attempts to connect again.
        rollover: when a connection is replaced before its 24 hours are over.
        recovery: how what was missed in a gap is asked for; it can be switched off.
        max_buffer: how many events may wait for a slow consumer before a gap is marked; recovered ones find room
            beyond that.
        max_buffer_bytes: how big the frames of all these may be together. A usual event has less than 2,000 bytes.
        transport: which WebSocket library carries the frames.
        logon: whether to authenticate the session, which only an Ed25519 key can, and only for spot; ``None``: whenever
            the key can.
        time_unit: the unit of the times that the WebSocket API sends, of spot and of margin accounts:
            ``TimeUnit.MICROSECOND``, or that name, makes the times of events exact to the microsecond. ``None``: the
            venue's own choice, milliseconds, or what an overridden URL says. Times are read in either unit always.
        delete_listen_key_on_exit: whether to delete the listen key, of a product that has one, when the stream ends.
            The account has only this one: other processes of the same account lose their streams with it.
        seed: makes jitter repeatable, for tests.

    Raises:
        CredentialsError, NotOffered, ValueError, TypeError: the arguments do not fit together; nothing was opened.
        RuntimeError: it does not run under trio.
        ConnectFailed: no connection came about, or it was lost before the acknowledgement.
        OutcomeUnknown: a request was not answered, as when the venue is down for maintenance.
        ApiError: the venue refused the clock query, the logon, the key or token, or the subscription.
        AuthenticationFailed: it refused the key or the signature. A listen key or token is made without a signature, so
            there entering waits for the first answer to a signed question about the account, for 5 seconds at most;
            with ``Recovery(enabled=False)`` no question is asked, and no secret needed.

    Source: Binance Spot, WebSocket API, "User Data Stream requests" (2026-07-21).
    """
    require_trio("open_user_data_stream()")
    credentials, product = checked_credentials(credentials, product), found_product(product)
    check_options(
        network=network,
        timeouts=timeouts,
        backoff=backoff,
        rollover=rollover,
        recovery=recovery,
        max_buffer=max_buffer,
        max_buffer_bytes=max_buffer_bytes,
        logon=logon,
        delete_listen_key_on_exit=delete_listen_key_on_exit,
        seed=seed,
    )
    plan = LinkPlan.make(
        credentials,
        product,
        found_environment(environment),
        name=stream_name(name, product),
        network=network,
        timeouts=timeouts,
        transport=found_transport(transport),
        logon=logon,
        time_unit=time_unit,
        delete_listen_key_on_exit=delete_listen_key_on_exit,
    )
    supervisor = Supervisor(
        plan,
        max_buffer=max_buffer,
        max_buffer_bytes=max_buffer_bytes,
        backoff=backoff,
        rollover=rollover,
        recoverer=recoverer_for(product, recovery),
        rng=random.Random(seed),
    )
    # Shielded from birth: a cancellation from outside reaches the body of the block, and the service only when
    # the body has left. To flip the shield of a live scope is not safe.
    service = trio.CancelScope(shield=True)

    async def serve() -> None:
        name_log_lines(plan.name)
        with service:
            await supervisor.run()
        await plan.aclose()

    async with open_bare_nursery() as nursery:
        start(nursery, serve)
        try:
            # Outside the shield: starting up can be cancelled.
            await supervisor.settled.wait()
            if supervisor.failure is not None:
                forget_locals(supervisor.failure)
                raise supervisor.failure
            yield UserDataStream(plan, supervisor)
        finally:
            service.cancel()
            supervisor.close()
