"""Runs one command on trio, and tells its failure in one line."""

from __future__ import annotations

import sys

import trio

from trio_binance_uds.cli.arguments import SandboxOptions, WatchOptions
from trio_binance_uds.cli.failures import FAILURES, exit_status, message
from trio_binance_uds.cli.output import forget_stdout, make_console
from trio_binance_uds.cli.serve import serve
from trio_binance_uds.cli.watch import watch


def run(options: WatchOptions | SandboxOptions) -> int:
    """Do what was asked for and return the exit status."""
    try:
        if isinstance(options, WatchOptions):
            return trio.run(watch, options)
        return trio.run(serve, options)
    except FAILURES as error:
        console = make_console(sys.stderr, color=options.color)
        console.print(f"trio-binance-uds: {message(error)}", soft_wrap=True, style="bold red")
        return exit_status(error)
    except BrokenPipeError:
        # The reader has had enough: "| head" is no failure.
        return 0
    except KeyboardInterrupt:
        # Before or after the time in which the command listens for it.
        return 130
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            forget_stdout()
