"""Is what a demo is made of: a stage, a play for one kind of product, and the scenes that many plays have in common."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
import trio

from trio_binance_uds import Balance, Event, Notice, Product, UserDataStream
from trio_binance_uds.sandbox import JournalEntry, Sandbox, SandboxAccount

# Seconds: between two steps, so that a person can follow; of the outage; how long it may take to come back.
STEP = 0.7
OUTAGE = 1.0
PATIENCE = 20.0

Fits = Callable[[Event | Notice], bool]
"""Whether an event or a notice is the one that is looked for."""

Act = Callable[[], object]
"""Does one thing at the venue."""


@attrs.frozen
class Stage:
    """Where the demo plays.

    Attributes:
        sandbox: the venue.
        product: what is watched.
        account: whose stream is watched.
        narrate: says what is done.
        wait_resumed: waits until the viewer has seen a gap.
        links_opened: how many connections the viewer's stream has had.
    """

    sandbox: Sandbox
    product: Product
    account: SandboxAccount
    narrate: Callable[[str], None]
    wait_resumed: Callable[[], Awaitable[object]]
    links_opened: Callable[[], int]


@attrs.frozen(kw_only=True)
class Play:
    """The demo of one kind of product.

    Attributes:
        wallets: what the account is opened with, as ``add_account`` takes it.
        perform: does it all, once.
        journals: returns what the venue has recorded, by the name of the account that the events are marked with.
        seen: what has to be seen before it counts as shown, each by a word for it.
        links: how many connections there are in it.
        symbols: what recovery has to be told of, because it is first traded while the stream is blind.
        ask_balances: asks the venue, on the stream's own connection, what the account has; ``None``: it takes no
            requests.
    """

    wallets: Mapping[str, Any]
    perform: Callable[[Stage], Awaitable[None]]
    journals: Callable[[Sandbox, SandboxAccount], Mapping[str, Iterable[JournalEntry]]]
    seen: Mapping[str, Fits]
    links: int = 2
    symbols: tuple[str, ...] = ()
    ask_balances: Callable[[UserDataStream], Awaitable[list[Balance] | None]] | None = None


# What has to be seen


def statuses(*wanted: str) -> dict[str, Fits]:
    """Return that an order has to be seen in each of these states."""

    def in_state(status: str) -> Fits:
        return lambda item: status in (getattr(item, "order_status", None), getattr(item, "algo_status", None))

    return {status: in_state(status) for status in wanted}


def kinds(*wanted: str) -> dict[str, Fits]:
    """Return that something of each of these classes has to be seen."""

    def of_class(name: str) -> Fits:
        return lambda item: type(item).__name__ == name

    return {name: of_class(name) for name in (*wanted, "UnknownEvent", "Disconnected", "Gap")}


# Scenes


async def do(stage: Stage, said: str, *acts: Act) -> None:
    """Say what happens, and let it happen, one thing after the other."""
    stage.narrate(said)
    for act in acts:
        act()
        await trio.sleep(STEP)


async def something_new(stage: Stage) -> None:
    """Let the venue send an event of a type that does not exist."""
    now = stage.sandbox.clock.now_ms()
    event = {"e": "loyaltyPoints", "E": now, "points": 42, "reason": "early bird"}
    await do(
        stage,
        "the venue says something that nobody here has heard of",
        lambda: stage.sandbox.faults.send_event(event),
    )


async def outage(stage: Stage, said: str, strike: Act, meanwhile: Sequence[Act], afterwards: str) -> None:
    """Let the stream go blind for a while, and things happen meanwhile."""
    stage.narrate(said)
    stage.sandbox.faults.refuse_connections(seconds=OUTAGE)
    strike()
    for act in meanwhile:
        await trio.sleep(OUTAGE / (len(meanwhile) + 1))
        act()
    with trio.move_on_after(PATIENCE):
        await stage.wait_resumed()
    await trio.sleep(STEP)
    stage.narrate(afterwards)


async def key_expires(stage: Stage, meanwhile: Sequence[Act], afterwards: str) -> None:
    """Let the listen key end before its time."""
    await outage(
        stage,
        "the listen key expires, and life goes on without us",
        lambda: stage.sandbox.faults.expire_listen_key(stage.account, stage.product),
        meanwhile,
        afterwards,
    )


def at_desk(name: str) -> Callable[[Sandbox, SandboxAccount], Mapping[str, Iterable[JournalEntry]]]:
    """Return what looks up the journal of a desk."""
    return lambda sandbox, account: {"": sandbox.desks[name].journal.entries(account.uid)}
