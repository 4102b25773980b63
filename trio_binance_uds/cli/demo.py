"""Is ``watch --sandbox``: plays a script in a local Binance, and makes sure that it was seen as it should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
import trio
from rich.text import Text

from trio_binance_uds import (
    Backoff,
    Event,
    Gap,
    KnownEvent,
    Notice,
    Recovery,
    decode_frame,
    open_user_data_stream,
)
from trio_binance_uds.cli.arguments import WatchOptions
from trio_binance_uds.cli.attended import run_beside
from trio_binance_uds.cli.failures import DemoFailed
from trio_binance_uds.cli.plays import play_for
from trio_binance_uds.cli.script import PATIENCE, Fits, Play, Stage
from trio_binance_uds.cli.tally import Tally
from trio_binance_uds.cli.viewer import Viewer
from trio_binance_uds.sandbox import Sandbox, SandboxAccount, open_sandbox


@attrs.define
class Expectations:
    """What has to be seen before the demo counts as shown, each by a word for it.

    Attributes:
        live: how many typed events came by the stream itself, and not by a query after a gap.
        fulfilled: set once all of it has been seen.
        resumed: set once a gap has been seen.
    """

    missing: Mapping[str, Fits]
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


async def show_demo(options: WatchOptions, viewer: Viewer) -> None:
    """Show the whole script, or as much of it as ``--duration`` allows.

    Raises:
        DemoFailed: something that should have been seen has not been.
        WrongUsage: there is no demo of that product.
    """
    play = play_for(options.product)
    async with open_sandbox() as sandbox:
        await show_in(sandbox, options, play, viewer)


async def show_in(sandbox: Sandbox, options: WatchOptions, play: Play, viewer: Viewer) -> None:
    """Show the script in a sandbox that is new."""
    account, product = sandbox.add_account(**play.wallets), options.product
    expected = Expectations(play.seen)
    viewer.on_item = expected.see
    async with open_user_data_stream(
        account.credentials,
        product,
        environment=sandbox.environment,
        network=sandbox.network,
        transport=options.transport,
        backoff=Backoff(initial=0.3, maximum=0.6),
        recovery=Recovery(symbols=play.symbols),
    ) as stream:
        url = sandbox.environment.url(product.mechanism.connects_to)
        viewer.output.say(Text(f"Watching {product.name} on a sandbox at {url}; times are UTC.", style="dim"))
        with viewer.summing_up(stream):
            stage = Stage(
                sandbox,
                product,
                account,
                narrate=partial(_narrate, viewer),
                wait_resumed=expected.resumed.wait,
                links_opened=lambda: stream.statistics().links_opened,
            )
            with trio.CancelScope() as curtain:

                async def perform() -> None:
                    await play.perform(stage)
                    with trio.move_on_after(PATIENCE):
                        await expected.fulfilled.wait()
                    curtain.cancel()

                await run_beside(partial(viewer.follow, stream), perform)
            if play.ask_balances is not None:
                viewer.balances = await play.ask_balances(stream)
            truth, sent = _recorded(sandbox, options, play, account)
            _narrate(viewer, f"the venue had {sent} events for this account; {expected.live} of them came live")
        links_opened = stream.statistics().links_opened
    if options.duration is None:
        problems = [f"{word} was not seen" for word in expected.missing]
        problems += _problems(viewer.tally, truth, links_opened, play.links)
        if play.ask_balances is not None:
            problems += _balance_problems(viewer, account)
        if problems:
            raise DemoFailed("; ".join(problems))


def _narrate(viewer: Viewer, text: str) -> None:
    viewer.output.say(Text(f"  » {text}", style="italic cyan"))


def _recorded(sandbox: Sandbox, options: WatchOptions, play: Play, account: SandboxAccount) -> tuple[Tally, int]:
    """Return what a stream that never broke would have told of this account, and how many events that is."""
    truth, sent = Tally(), 0
    for name, entries in play.journals(sandbox, account).items():
        for entry in entries:
            event = decode_frame(json.dumps(entry.event), options.product)
            assert isinstance(event, Event), "a journal holds events only"
            truth.add(attrs.evolve(event, account=name or options.product.name))
            sent += 1
    return truth, sent


def _problems(seen: Tally, truth: Tally, links_opened: int, links: int) -> list[str]:
    problems = []
    if seen.kinds["disconnected"] != 1 or len(seen.gaps) != 1:
        problems.append("there should have been one loss and one gap")
    if links_opened != links:
        problems.append(f"there should have been {links} connections, not {links_opened}")
    if seen.fills != truth.fills:
        problems.append(f"the fills are not those of the venue: {dict(seen.fills)}, not {dict(truth.fills)}")
    for what in ("balances", "positions"):
        told, true = _amounts(getattr(seen, what)), _amounts(getattr(truth, what))
        if told != true:
            problems.append(f"the {what} are not those of the venue: {told}, not {true}")
    return problems


def _amounts(holdings: Mapping[Any, Any]) -> dict[Any, Decimal]:
    names = ("free", "wallet_balance", "balance", "position_amount", "quantity")
    return {
        key: next(getattr(holding, name) for name in names if hasattr(holding, name))
        for key, holding in holdings.items()
    }


def _balance_problems(viewer: Viewer, account: SandboxAccount) -> list[str]:
    if viewer.balances is None:
        return ["the balances could not be asked for"]
    held = {asset: Decimal(row["free"]) + Decimal(row["locked"]) for asset, row in account.balances().items()}
    told = {balance.asset: balance.free + balance.locked for balance in viewer.balances}
    if told != {asset: amount for asset, amount in held.items() if amount}:
        return ["the balances are not those of the exchange"]
    return []
