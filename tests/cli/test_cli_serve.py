"""Serving the sandbox: what is printed is enough to watch it, and a port that is taken is one line."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import stat
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from trio_binance_uds import PRODUCTS
from trio_binance_uds.cli.arguments import SandboxOptions, WatchOptions, parse
from trio_binance_uds.cli.failures import WrongUsage
from trio_binance_uds.cli.serve import MADE, serve
from trio_binance_uds.cli.watch import watch

OPTIONS = SandboxOptions(
    host="127.0.0.1",
    ws_port=0,
    rest_port=0,
    tls=False,
    trader=False,
    lifetime=60.0,
    seed=5,
    env_file=None,
    color=False,
)


@attrs.define
class Served:
    """What a running sandbox has printed, and its exit status once it has ended."""

    printed: str = ""
    status: int | None = None

    def exports(self, kind: str) -> dict[str, str]:
        """Return the variables that the lines for a kind of key set, as a shell would."""
        head, _, rest = self.printed.partition(f"# {kind}\n")
        return exported(head.partition("# One account")[0] + rest.partition("\n\n")[0])


def exported(script: str) -> dict[str, str]:
    pairs = [shlex.split(line)[1] for line in script.splitlines() if line.startswith("export ")]
    return dict(pair.split("=", 1) for pair in pairs)


@asynccontextmanager
async def serving(options: SandboxOptions, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Served]:
    served = Served()

    async def run() -> None:
        served.status = await serve(options)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        with trio.fail_after(10):
            while "Ctrl-C" not in served.printed:
                await trio.testing.wait_all_tasks_blocked()
                served.printed += capsys.readouterr().out
        yield served
        os.kill(os.getpid(), signal.SIGINT)


def watching(urls: str, product: str = "spot") -> WatchOptions:
    options = parse(["watch", product, "--url", urls, "--duration", "0.2", "--json"])
    assert isinstance(options, WatchOptions)
    return options


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], None]:
    def set_all(variables: dict[str, str]) -> None:
        for name in ("API_SECRET", "PRIVATE_KEY", "PRIVATE_KEY_FILE", "PRIVATE_KEY_PASSPHRASE"):
            monkeypatch.delenv(f"BINANCE_{name}", raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_all


@pytest.mark.parametrize("tls", [False, True])
async def test_what_is_printed_is_enough_to_watch_it(
    capsys: pytest.CaptureFixture[str], use: Callable[[dict[str, str]], None], tls: bool
) -> None:
    async with serving(attrs.evolve(OPTIONS, tls=tls), capsys) as served:
        for kind in ("Ed25519", "HMAC", "RSA"):
            variables = served.exports(kind)
            assert variables["BINANCE_SPOT_WS_API"].startswith("wss://" if tls else "ws://")
            assert variables["BINANCE_USDM_REST"].startswith("https://" if tls else "http://")
            use(variables)
            assert await watch(watching(variables["BINANCE_SPOT_WS_API"])) == 0
        certificate = variables.get("SSL_CERT_FILE")
        assert (certificate is not None) is tls
    assert served.status == 130
    assert certificate is None or not os.path.exists(certificate)  # noqa: ASYNC240  # it does not block for long


@pytest.mark.parametrize("name", [*PRODUCTS, *MADE])
async def test_every_product_can_be_watched_as_the_lines_say(
    capsys: pytest.CaptureFixture[str], use: Callable[[dict[str, str]], None], name: str
) -> None:
    async with serving(OPTIONS, capsys) as served:
        assert f'#   trio-binance-uds watch {name} --url "$BINANCE_URLS"\n' in served.printed
        variables = served.exports("HMAC")
        use(variables)
        assert await watch(watching(variables["BINANCE_URLS"], name)) == 0
    assert served.status == 130


async def test_the_trader_trades(
    capsys: pytest.CaptureFixture[str],
    use: Callable[[dict[str, str]], None],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trio_binance_uds.cli.business.TRADER_RATE", 50.0)
    file = tmp_path / "keys.sh"
    file.write_text("old", "utf-8")
    async with serving(attrs.evolve(OPTIONS, trader=True, env_file=file), capsys) as served:
        variables = exported(file.read_text("utf-8"))
        assert variables == served.exports("Ed25519")
        use(variables)
        await watch(watching(variables["BINANCE_URLS"]))
    assert '{"type":"ExecutionReport"' in capsys.readouterr().out
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(WrongUsage, match=r"cannot write .*: No such file or directory"):
        await serve(attrs.evolve(OPTIONS, env_file=tmp_path / "missing" / "keys.sh"))


@pytest.mark.parametrize("which", ["ws_port", "rest_port"])
async def test_a_port_that_is_taken_is_told(which: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        options = attrs.evolve(OPTIONS, **{which: taken.getsockname()[1]})
        with pytest.raises(WrongUsage, match=r"cannot listen on 127\.0\.0\.1: .*in use"):
            await serve(options)


async def test_what_fails_while_it_runs_is_not_taken_for_that(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*args: object) -> None:
        raise OSError("of another kind")

    monkeypatch.setattr("trio_binance_uds.cli.serve._open_for_business", fail)
    with pytest.raises(OSError, match="of another kind"):
        await serve(OPTIONS)
