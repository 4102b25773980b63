"""Runs the clients against the server, in turn, and works out what their readings come to."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from benchmarks import cases, decoding
from benchmarks.cases import Sizes
from benchmarks.environments import Environments, NotInstalled, node_version
from benchmarks.processes import Silent, Speaker
from benchmarks.results import Results
from benchmarks.rivals import Case, Client, Installer

_SECONDS = 90.0  # for a client, from one thing that it says to the next
_OURS_ON_PATH = str(Path(__file__).parents[1])

_IMPORT_PYTHON = """
import json, time
begin = time.perf_counter()
{code}
print(json.dumps({{"ms": (time.perf_counter() - begin) * 1e3}}))
"""
_IMPORT_NODE = """
const begin = process.hrtime.bigint();
require({code});
console.log(JSON.stringify({{ms: Number(process.hrtime.bigint() - begin) / 1e6}}));
"""


@attrs.define
class Runner:
    """One run over all that is wanted."""

    clients: Iterable[Client]
    wanted: frozenset[Case]
    sizes: Sizes
    environments: Environments
    results: Results = attrs.field(factory=Results)
    _folder: Path = attrs.field(init=False)
    _server: Speaker = attrs.field(init=False)
    _ports: dict[str, int] = attrs.field(init=False)

    def run(self) -> Results:
        """Measure everything, round by round; what goes wrong with a client is noted, and stops nothing."""
        with tempfile.TemporaryDirectory() as folder:
            self._folder = Path(folder)
            self._make_key()
            ready = [client for client in self.clients if self._can_be_had(client)]
            self.results.about = about(self.sizes, ready)
            self._server = Speaker(
                [sys.executable, "-m", "benchmarks.server", folder, str(self.sizes.burst)],
                self._folder / "server.log",
                {"PYTHONPATH": _OURS_ON_PATH},
            )
            try:
                self._ports = self._server.hear(60)["listening"]
                for number in range(self.sizes.rounds):
                    self._round(number, ready)
            finally:
                self._server.end()
        return self.results

    def _can_be_had(self, client: Client) -> bool:
        try:
            self.environments.interpreter(client)
        except NotInstalled as error:
            for case in client.cases & self.wanted:
                self.results.fail(case, client.name, f"it could not be installed: {error}")
            return False
        return True

    def _round(self, number: int, ready: list[Client]) -> None:
        for case in Case:
            if case not in self.wanted or number >= cases.rounds(case, self.sizes):
                continue
            # Not always the same first, as a machine that warms up or cools down would favour it.
            shift = number % len(ready)
            for client in ready[shift:] + ready[:shift]:
                if case in client.cases:
                    self._measure(case, client)

    def _measure(self, case: Case, client: Client) -> None:
        try:
            if case is Case.DECODE:
                figures = decoding.measure()
            elif case is Case.IMPORT:
                figures = {"import_ms": self._import(client)}
            else:
                figures = self._drive(case, client)
        except (Silent, NotInstalled) as error:
            self.results.fail(case, client.name, str(error))
            print(f"{case}: {client.name}: {error}", flush=True)
            return
        self.results.add(case, client.name, figures)
        if case is not Case.DECODE:
            first = cases.COLUMNS[case][0]
            print(f"{case}: {client.name}: {figures[first]:,.1f} {cases.METRICS[first].unit}", flush=True)

    def _drive(self, case: Case, client: Client) -> dict[str, float]:
        """Run a client through one case."""
        plan = cases.plan(case, self.sizes)
        stages = list(plan.get("stages", []))
        command = [*self.environments.command(client), json.dumps(self._plan(case, client) | plan)]
        process = Speaker(command, self._folder / "client.log", self._trust())
        readings: list[dict[str, Any]] = []
        try:
            while not readings or not readings[-1].get("done"):
                readings.append(process.hear(_SECONDS))
                if stages and not readings[-1].get("done"):
                    self._send(case, stages.pop(0)[1])
        finally:
            process.end()
            sent = self._reset()
        return cases.figures(case, self.sizes, readings, sent)

    def _send(self, case: Case, count: int) -> None:
        rate = cases.rate(case)
        if rate is None:
            self._server.tell(do="burst", count=count)
        else:
            self._server.tell(do="pace", count=count, rate=rate)

    def _reset(self) -> list[dict[str, Any]]:
        """Let the server forget the client, and return when it began to send."""
        self._server.tell(do="reset")
        sent = []
        while "reset" not in (said := self._server.hear(30)):
            if "sending_at" in said:
                sent.append(said)
        return sent

    def _plan(self, case: Case, client: Client) -> dict[str, Any]:
        scheme, kind = ("wss", "tls") if case is Case.BURST_TLS else ("ws", "plain")
        return {
            "variant": client.variant,
            "url": f"{scheme}://localhost:{self._ports[kind]}/ws-api/v3",
            "rest": f"http://localhost:{self._ports['plain']}",
            "api_key": "k" * 64,
            "secret": "s" * 64,
            "pem": str(self._folder / "key.pem"),
            "cafile": str(self._folder / "authority.pem"),
            "modules": self.environments.modules(client),
        }

    def _trust(self) -> dict[str, str]:
        """Return the variables by which Python and node learn of the server's authority."""
        authority = str(self._folder / "authority.pem")
        return {"SSL_CERT_FILE": authority, "NODE_EXTRA_CA_CERTS": authority}

    def _make_key(self) -> None:
        key = self._folder / "key.pem"
        private = Ed25519PrivateKey.generate()
        key.touch(0o600)
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    def _import(self, client: Client) -> float:
        interpreter = self.environments.interpreter(client)
        if client.package is not None and client.package.installer is Installer.NPM:
            where = f"{self.environments.modules(client)}/{client.imports}"
            command = [*interpreter, "-e", _IMPORT_NODE.format(code=repr(where))]
        else:
            command = [*interpreter, "-c", _IMPORT_PYTHON.format(code=client.imports)]
        taken: list[float] = []
        for _ in range(self.sizes.imports):
            process = Speaker(command, self._folder / "client.log")
            try:
                taken.append(float(process.hear(_SECONDS)["ms"]))
            finally:
                process.end()
        return statistics.median(taken)


def about(sizes: Sizes, clients: Iterable[Client]) -> dict[str, Any]:
    """Return when, on what and with which versions is measured."""
    versions = {each.package.name: each.package.version for each in clients if each.package is not None} | {
        name: importlib.metadata.version(name) for name in ("trio-binance-uds", "trio", "msgspec", "websockets")
    }
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {_processor()}, {platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "node": node_version(),
        "versions": versions,
        "sizes": attrs.asdict(sizes),
    }


def _processor() -> str:
    """Return what the processor calls itself."""
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
