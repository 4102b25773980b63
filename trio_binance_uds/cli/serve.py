"""Is ``sandbox``: serves a local Binance until Ctrl-C, and says how to reach it in lines for a shell."""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import trio
from rich.console import Console
from rich.text import Text

from trio_binance_uds import PRODUCTS, Host
from trio_binance_uds.cli.arguments import SandboxOptions
from trio_binance_uds.cli.attended import run_attended
from trio_binance_uds.cli.business import WALLETS, keep_busy
from trio_binance_uds.cli.failures import WrongUsage
from trio_binance_uds.cli.output import make_console
from trio_binance_uds.cli.plain import one_line
from trio_binance_uds.sandbox import KeyType, Sandbox, SandboxAccount, open_sandbox

_SECRETS = ("BINANCE_API_SECRET", "BINANCE_PRIVATE_KEY", "BINANCE_PRIVATE_KEY_FILE")
# What is named like a product, and is in no table of them.
MADE = ("isolated-margin:BTCUSDT", "cross-margin+isolated-margin:BTCUSDT", "cross-margin@listen-key")
_NAMES = {KeyType.ED25519: "Ed25519", KeyType.HMAC: "HMAC", KeyType.RSA: "RSA"}


async def serve(options: SandboxOptions) -> int:
    """Serve until a signal comes, and return the exit status.

    Raises:
        WrongUsage: it cannot listen there, or the file cannot be written.
    """
    return await run_attended(partial(_serve, options, make_console(sys.stdout, color=options.color)))


async def _serve(options: SandboxOptions, console: Console) -> None:
    running = False
    try:
        async with open_sandbox(
            tls=options.tls,
            seed=options.seed,
            lifetime=options.lifetime,
            host=options.host,
            ws_port=options.ws_port,
            rest_port=options.rest_port,
        ) as sandbox:
            running = True
            await _open_for_business(sandbox, options, console)
    except (OSError, BaseExceptionGroup) as error:
        # Before it runs, what fails is to listen, in some task of the sandbox's.
        cause = _first(error)
        if running or not isinstance(cause, OSError):
            raise
        raise WrongUsage(f"cannot listen on {options.host}: {one_line(cause)}") from None


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error


async def _open_for_business(sandbox: Sandbox, options: SandboxOptions, console: Console) -> None:
    account = sandbox.add_account(**WALLETS)
    accounts = {kind: account if kind is KeyType.ED25519 else sandbox.add_key(account, key=kind) for kind in _NAMES}
    with _certificate_file(sandbox.ca_pem) as certificate:
        environment = env_lines(sandbox, certificate)
        console.print(_poster(accounts, environment), soft_wrap=True)
        if options.env_file is not None:
            _write_privately(options.env_file, [*environment, *key_lines(accounts[KeyType.ED25519])])
        if options.trader:
            await keep_busy(sandbox, account, options.seed)
        else:
            await trio.sleep_forever()


def env_lines(sandbox: Sandbox, certificate: Path | None) -> list[str]:
    """Return the lines for a shell that say where the sandbox is."""
    urls = {host: sandbox.environment.url(host) for host in Host}
    lines = [_export(f"BINANCE_{host.upper()}", url) for host, url in urls.items()]
    lines.append(_export("BINANCE_URLS", " ".join(f"{host}={url}" for host, url in urls.items())))
    if certificate is not None:
        # OpenSSL looks there for whom to trust, in place of the system's authorities.
        lines.append(_export("SSL_CERT_FILE", str(certificate)))
    return lines


def key_lines(account: SandboxAccount) -> list[str]:
    """Return the lines for a shell that make a key the one that is used, whichever was before."""
    secret = "BINANCE_API_SECRET" if account.key.type is KeyType.HMAC else "BINANCE_PRIVATE_KEY"
    unset = [name for name in _SECRETS if name != secret]
    return [
        f"unset {' '.join(unset)} BINANCE_PRIVATE_KEY_PASSPHRASE",
        _export("BINANCE_API_KEY", account.api_key),
        # A PEM on one line: the library reads a backslash and an n as the line break that it stands for.
        _export(secret, account.secret.replace("\n", "\\n")),
    ]


def _export(name: str, value: str) -> str:
    return f"export {name}={shlex.quote(value)}"


def _poster(accounts: dict[KeyType, SandboxAccount], environment: list[str]) -> Text:
    """Return all there is to know, as a script: comments for people, and lines to copy."""
    text = Text()

    def remark(line: str, style: str = "dim") -> None:
        text.append(f"# {line}\n" if line else "\n", style=style)

    remark("A local Binance is running. Its money is play money, and its keys open nothing but it.", "bold green")
    for line in environment:
        text.append(f"{line}\n")
    remark("")
    remark("One account, with a key of each kind. Take one:")
    for kind, account in accounts.items():
        remark("")
        remark(_NAMES[kind], "bold")
        for line in key_lines(account):
            text.append(f"{line}\n")
    remark("")
    remark("and then, in the same shell, watch one of its products:")
    for name in (*PRODUCTS, *MADE):
        remark(f'  trio-binance-uds watch {name} --url "$BINANCE_URLS"')
    remark("Ctrl-C ends the sandbox.")
    text.rstrip()
    return text


@contextmanager
def _certificate_file(pem: bytes) -> Iterator[Path | None]:
    """Keep the certificate of the sandbox's own authority in a file while the block runs; without TLS there is none."""
    if not pem:
        yield None
    else:
        with tempfile.TemporaryDirectory(prefix="trio-binance-uds-") as directory:
            path = Path(directory) / "ca.pem"
            path.write_bytes(pem)
            yield path


def _write_privately(path: Path, lines: list[str]) -> None:
    """Write a file that only its owner can read."""
    try:
        # Whoever may read the old file must not read the new one: it is made anew.
        path.unlink(missing_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as error:
        raise WrongUsage(f"cannot write {path}: {error.strerror}") from None
