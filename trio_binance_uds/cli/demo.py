"""Is ``watch --sandbox``: plays the script in a local Binance, and makes sure that it was seen as it should be."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import attrs
import trio
from rich.text import Text

from trio_binance_uds import (
    Backoff,
    Balance,
    Disconnected,
    Event,
    Gap,
    KnownEvent,
    Notice,
    Recovery,
    UserDataStream,
    UserDataStreamError,
    open_user_data_stream,
)
from trio_binance_uds.cli.arguments import WatchOptions
from trio_binance_uds.cli.attended import run_beside
from trio_binance_uds.cli.failures import DemoFailed
from trio_binance_uds.cli.script import SYMBOLS, Stage, play
from trio_binance_uds.cli.viewer import Viewer
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox

# How long what was done may take to arrive, on a very slow machine.
PATIENCE = 20.0


@attrs.define
class Expectations:
    """What has to be seen before the demo counts as shown, each by a word for it.

    Attributes:
        live: how many typed events came by the stream itself, and not by a query after a gap.
        fulfilled: set once all of it has been seen.
        resumed: set once a gap has been seen.
    """

    missing: dict[str, Callable[[Event | Notice], bool]]
    live: int = 0
    fulfilled: trio.Event = attrs.field(factory=trio.Event)
    resumed: trio.Event = attrs.field(factory=trio.Event)

    def see(self, item: Event | Notice) -> None:
        """Take in an event or a notice."""
        self.missing = {word: fits for word, fits in self.missing.items() if not fits(item)}
        self.live += isinstance(item, KnownEvent) and not item.recovered
        if isinstance(item, Gap):
            self.resumed.set()
        if not self.missing:
            self.fulfilled.set()


def everything() -> Expectations:
    """Return what the script gives to see."""

    def status(wanted: str) -> Callable[[Event | Notice], bool]:
        return lambda item: getattr(item, "order_status", None) == wanted

    def kind(wanted: str) -> Callable[[Event | Notice], bool]:
        return lambda item: type(item).__name__ == wanted

    statuses = ("NEW", "PARTIALLY_FILLED", "FILLED", "CANCELED", "EXPIRED")
    kinds = ("OutboundAccountPosition", "BalanceUpdate", "ListStatus", "UnknownEvent")
    return Expectations(
        {
            **{wanted: status(wanted) for wanted in statuses},
            **{wanted: kind(wanted) for wanted in (*kinds, "Disconnected", "Gap")},
            "the withdrawal at the end": lambda item: getattr(item, "balance_delta", Decimal(0)) < 0,
        }
    )


async def show_demo(options: WatchOptions, viewer: Viewer) -> None:
    """Show the whole script, or as much of it as ``--duration`` allows.

    Raises:
        DemoFailed: something that should have been seen has not been.
    """
    async with open_sandbox() as sandbox:
        await show_in(sandbox, options, viewer)


async def show_in(sandbox: Sandbox, options: WatchOptions, viewer: Viewer) -> None:
    """Show the script in a sandbox that is new."""
    account = sandbox.add_account(balances={"USDT": "50000", "ETH": "4"})
    expected = everything()
    viewer.on_item = expected.see
    async with open_user_data_stream(
        account.credentials,
        options.product,
        environment=sandbox.environment,
        network=sandbox.network,
        transport=options.transport,
        backoff=Backoff(initial=0.3, maximum=0.6),
        # One of them is first traded while the stream is blind: nothing on it would tell of that.
        recovery=Recovery(symbols=SYMBOLS),
    ) as stream:
        url = sandbox.environment.url(options.product.mechanism.connects_to)
        viewer.output.say(Text(f"Watching {options.product.name} on a sandbox at {url}; times are UTC.", style="dim"))
        with viewer.summing_up(stream):
            stage = Stage(
                sandbox,
                account,
                narrate=partial(_narrate, viewer),
                wait_resumed=expected.resumed.wait,
                links_opened=lambda: stream.statistics().links_opened,
            )
            with trio.CancelScope() as curtain:

                async def perform() -> None:
                    await play(stage)
                    with trio.move_on_after(PATIENCE):
                        await expected.fulfilled.wait()
                    curtain.cancel()

                await run_beside(partial(viewer.follow, stream), perform)
            viewer.balances = await _balances(stream)
            sent = sum(1 for _ in sandbox.exchange.journal.entries(account.exchange_account, 0))
            _narrate(viewer, f"the venue had {sent} events for this account; {expected.live} of them came live")
        links_opened = stream.statistics().links_opened
    if options.duration is None:
        _judge(viewer, expected, account, links_opened)


def _narrate(viewer: Viewer, text: str) -> None:
    viewer.output.say(Text(f"  » {text}", style="italic cyan"))


async def _balances(stream: UserDataStream) -> list[Balance] | None:
    """Ask the venue, on the connection of the stream, what the account has now."""
    try:
        status = await stream.request("account.status", {"omitZeroBalances": True})
    except UserDataStreamError:
        return None
    return [
        Balance(asset=row["asset"], free=Decimal(row["free"]), locked=Decimal(row["locked"]))
        for row in status["balances"]
    ]


def _judge(viewer: Viewer, expected: Expectations, account: SandboxAccount, links_opened: int) -> None:
    problems = [f"{word} was not seen" for word in expected.missing]
    if viewer.tally.kinds[Disconnected.__name__] != 1 or len(viewer.tally.gaps) != 1:
        problems.append("there should have been one loss and one gap")
    if links_opened != 3:
        problems.append(
            f"there should have been 3 connections, not {links_opened}: after the loss, and for the restart"
        )
    if viewer.balances is None:
        problems.append("the balances could not be asked for")
    held = {asset: Decimal(row["free"]) + Decimal(row["locked"]) for asset, row in account.balances().items()}
    seen = {balance.asset: balance.free + balance.locked for balance in viewer.balances or ()}
    if viewer.balances is not None and seen != {asset: amount for asset, amount in held.items() if amount}:
        problems.append("the balances are not those of the exchange")
    if problems:
        raise DemoFailed("; ".join(problems))
