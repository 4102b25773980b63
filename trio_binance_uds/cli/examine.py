"""Is ``doctor``: examines products one after the other, and prints each finding when it is made."""

from __future__ import annotations

import json
import logging
import sys
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager

import trio
from rich.text import Text

from trio_binance_uds import (
    Credentials,
    CredentialsError,
    Diagnosis,
    DiagnosisResult,
    Finding,
    Product,
    diagnose,
)
from trio_binance_uds.cli.arguments import DoctorOptions
from trio_binance_uds.cli.attended import run_attended
from trio_binance_uds.cli.failures import OutputFailed, WrongUsage
from trio_binance_uds.cli.output import make_console, writing
from trio_binance_uds.cli.plain import command_words, one_line, printable

_STYLES = {
    DiagnosisResult.OK: "bold green",
    DiagnosisResult.FAILED: "bold red",
    DiagnosisResult.UNSURE: "bold yellow",
    DiagnosisResult.SKIPPED: "dim",
}
_WORD_WIDTH = 8
_STEP_WIDTH = 13


async def examine(options: DoctorOptions) -> int:
    """Examine what was asked for and return the exit status: 1 where something is wrong.

    Raises:
        WrongUsage: it cannot be done as it was asked.
        OutputFailed, BrokenPipeError: what was found cannot be printed.
    """
    is_healthy = True

    async def job() -> None:
        nonlocal is_healthy
        try:
            credentials = Credentials.from_environment()
        except CredentialsError as error:
            raise WrongUsage(command_words(str(error))) from None
        for product in options.products:
            printer = _Objects(product) if options.json else _Lines(product, options)
            is_healthy = await _examine(options, credentials, product, printer) and is_healthy

    with _no_warnings():
        return await run_attended(job) or (0 if is_healthy else 1)


@contextmanager
def _no_warnings() -> Iterator[None]:
    """Keep the library's warnings to ourselves: what they say of a connection that is closed on purpose misleads."""
    logger, handler = logging.getLogger("trio_binance_uds"), logging.NullHandler()
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


async def _examine(options: DoctorOptions, credentials: Credentials, product: Product, printer: _Printer) -> bool:
    try:
        async with printer:
            diagnosis = await diagnose(
                credentials,
                product,
                environment=options.environment,
                network=options.network,
                transport=options.transport,
                order=options.order,
                progress=printer,
            )
    except ValueError as error:
        raise WrongUsage(one_line(error)) from None
    printer.finish(diagnosis)
    return diagnosis.is_healthy


class _Printer(trio.abc.SendChannel[Finding]):
    """Prints what is sent to it."""

    async def send(self, value: Finding) -> None:
        """Print a finding."""
        await trio.lowlevel.checkpoint()
        self.print(value)

    @abstractmethod
    def print(self, finding: Finding) -> None:
        """Print a finding."""

    @abstractmethod
    def finish(self, diagnosis: Diagnosis) -> None:
        """Print what it comes to."""

    async def aclose(self) -> None:
        """Do nothing: what was printed stays."""
        await trio.lowlevel.checkpoint()


class _Lines(_Printer):
    """For people: a line for each finding, and below it what to do."""

    def __init__(self, product: Product, options: DoctorOptions) -> None:
        self._console = make_console(sys.stdout, color=options.color)
        self._console.print(Text(f"{product.name}, {options.environment.name}", style="bold"), soft_wrap=True)

    def print(self, finding: Finding) -> None:
        """Print a finding."""
        style = _STYLES[finding.result]
        row = Text("  ").append(f"{finding.result:{_WORD_WIDTH}}", style=style).append(f"{finding.step:{_STEP_WIDTH}} ")
        row.append(printable(command_words(finding.detail)), style="dim" if style == "dim" else "")
        if finding.advice:
            indent = " " * (2 + _WORD_WIDTH + _STEP_WIDTH + 1)
            row.append(f"\n{indent}→ {printable(command_words(finding.advice))}", style=style)
        self._console.print(row, soft_wrap=True)

    def finish(self, diagnosis: Diagnosis) -> None:
        """Print what it comes to."""
        failed = ", ".join(finding.step for finding in diagnosis.failed)
        text, style = (f"wrong: {failed}", "bold red") if failed else ("nothing is wrong", "bold green")
        self._console.print(Text(f"  {text}", style=style))


class _Objects(_Printer):
    """For programs: one JSON object per line."""

    def __init__(self, product: Product) -> None:
        if sys.stdout is None:
            raise OutputFailed("the output is closed")
        self._product = product.name

    def print(self, finding: Finding) -> None:
        """Print a finding."""
        self._write(
            type="Finding",
            product=self._product,
            step=finding.step,
            result=finding.result,
            detail=finding.detail,
            advice=finding.advice,
        )

    def finish(self, diagnosis: Diagnosis) -> None:
        """Print what it comes to."""
        self._write(
            type="Diagnosis",
            product=self._product,
            environment=diagnosis.environment,
            is_healthy=diagnosis.is_healthy,
            failed=[finding.step for finding in diagnosis.failed],
        )

    @staticmethod
    def _write(**members: object) -> None:
        with writing():
            sys.stdout.write(f"{json.dumps(members)}\n")
            sys.stdout.flush()
