"""Runs one command on trio, and says what is wrong in one line where it fails."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime

import trio
from rich.text import Text

from trio_binance_uds.cli.arguments import DoctorOptions, Options, SandboxOptions, WatchOptions
from trio_binance_uds.cli.examine import examine
from trio_binance_uds.cli.failures import FAILURES, OutputFailed, exit_status, message
from trio_binance_uds.cli.output import finish_stdout, print_json_to_stderr, print_to_stderr
from trio_binance_uds.cli.plain import iso
from trio_binance_uds.cli.serve import serve
from trio_binance_uds.cli.watch import watch


def run(options: Options) -> int:
    """Do what was asked for and return the exit status."""
    try:
        if isinstance(options, WatchOptions):
            status = trio.run(watch, options)
        elif isinstance(options, DoctorOptions):
            status = trio.run(examine, options)
        else:
            status = trio.run(serve, options)
        finish_stdout()
        return status
    except FAILURES as error:
        _say_failure(error, options)
        return exit_status(error)
    except BrokenPipeError:
        # The reader has had enough: "| head" is no failure.
        return 0
    finally:
        # What cannot be written now would be tried again by the interpreter, and end with a traceback.
        with suppress(BrokenPipeError, OutputFailed):
            finish_stdout()


def _say_failure(error: Exception, options: Options) -> None:
    status, text = exit_status(error), message(error)
    if not isinstance(options, SandboxOptions) and options.json:
        code = getattr(error, "code", None)
        print_json_to_stderr("Failure", {"status": status, "error": type(error).__name__, "text": text, "code": code})
    else:
        # What the user has to change is wrong at any time; what went wrong is looked for in other logs.
        when = "" if status == 2 else f"{iso(datetime.now(UTC))}  "
        print_to_stderr(Text(f"trio-binance-uds: {when}{text}", style="bold red"), color=options.color)
