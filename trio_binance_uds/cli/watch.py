"""Is ``watch``: shows the stream of one account, or of the demo's, until it ends or is ended."""

from __future__ import annotations

from functools import partial

from rich.text import Text

from trio_binance_uds import Credentials, CredentialsError, Recovery, open_user_data_stream
from trio_binance_uds.cli.arguments import WatchOptions
from trio_binance_uds.cli.attended import run_attended
from trio_binance_uds.cli.demo import show_demo
from trio_binance_uds.cli.failures import BLIND, WrongUsage
from trio_binance_uds.cli.output import JsonLines, Output, Screen, wait_reader_gone
from trio_binance_uds.cli.plain import command_words
from trio_binance_uds.cli.quiet import state_of
from trio_binance_uds.cli.viewer import Viewer, library_warnings


async def watch(options: WatchOptions) -> int:
    """Do what was asked for and return the exit status: 3 where events may be missing when it ends by itself.

    Raises:
        UserDataStreamError, WrongUsage, DemoFailed: it failed.
        BrokenPipeError: nobody reads its output any more.
    """
    accounts = options.product.accounts
    output: Output = JsonLines() if options.json else Screen(color=options.color, accounts=accounts)

    async def until_unread() -> None:
        await wait_reader_gone()
        output.closed = True

    viewer = Viewer(output=output, duration=options.duration)
    show = show_demo if options.sandbox else _show_account
    with library_warnings(output):
        status = await run_attended(partial(show, options, viewer), until_unread)
    return BLIND if status == 0 and viewer.is_blind and not output.closed else status


async def _show_account(options: WatchOptions, viewer: Viewer) -> None:
    product, environment = options.product, options.environment
    # First, since no key would help where the product is not offered.
    url = environment.url(product.mechanism.connects_to)
    try:
        credentials = Credentials.from_environment()
    except CredentialsError as error:
        raise WrongUsage(f"{command_words(str(error))}; or try watch --sandbox, which needs no key") from None
    async with open_user_data_stream(
        credentials,
        product,
        environment=environment,
        network=options.network,
        transport=options.transport,
        recovery=Recovery(symbols=options.symbols),
    ) as stream:
        viewer.output.say(Text(f"Watching {product.name} at {url} as {credentials}; times are UTC.", style="dim"))
        viewer.output.say(state_of(stream))
        with viewer.summing_up(stream):
            await viewer.follow(stream)
