"""The command: measure, print the tables, keep the results, and publish them into the documentation if asked to."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import attrs

from benchmarks import report
from benchmarks.cases import FULL, QUICK
from benchmarks.environments import Environments
from benchmarks.plot import burst_chart
from benchmarks.results import Results
from benchmarks.rivals import CLIENTS, Case
from benchmarks.runner import Runner

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "explanation" / "performance.json"
PLOT = ROOT / "docs" / "explanation" / "performance.svg"
ENVIRONMENTS = ROOT / ".nox" / "bench-clients"
UNPUBLISHED = ROOT / "docs" / "_build" / "performance.json"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    parser = _parser()
    wanted = parser.parse_args(arguments)
    clients = [client for client in CLIENTS if any(name in client.name for name in wanted.only or [""])]
    if not clients:
        parser.error(f"no client has {' or '.join(wanted.only)} in its name; there are {_names()}")
    if wanted.show:
        results = Results.from_json(json.loads(Path(wanted.show).read_text("utf-8")))
    else:
        sizes = QUICK if wanted.quick else FULL
        if wanted.rounds:
            sizes = attrs.evolve(sizes, rounds=wanted.rounds)
        results = Runner(
            clients=clients,
            wanted=frozenset(wanted.cases or Case),
            sizes=sizes,
            environments=Environments(Path(wanted.environments).resolve()),
        ).run()
    print()
    for line in report.about_lines(results):
        print(line)
    tables = report.tables(results)
    for table in tables:
        print(*report.lines(table), sep="\n")
    if wanted.show and not wanted.publish:
        return
    document = results.to_json() | {"tables": [attrs.asdict(table) for table in tables]}
    paths = [Path(wanted.json)]
    if wanted.publish:
        paths.append(PUBLISHED)
        PLOT.write_text(burst_chart(results), "utf-8")
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
        print("written:", path)


def _names() -> str:
    return "; ".join(client.name for client in CLIENTS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of everything, with fewer events: some minutes")
    parser.add_argument("--rounds", type=int, help="how often to repeat what is repeated")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only clients with one of these in their names")
    parser.add_argument("--cases", nargs="+", type=Case, metavar="CASE", help=f"only these: {', '.join(Case)}")
    parser.add_argument("--json", default=str(UNPUBLISHED), help="where to keep the results (default: %(default)s)")
    parser.add_argument("--publish", action="store_true", help="also write what the documentation shows")
    parser.add_argument("--show", metavar="JSON", help="measure nothing; show, or publish, results that were kept")
    parser.add_argument(
        "--environments", default=str(ROOT / ".nox" / "bench-clients"), help="where rivals are installed"
    )
    return parser


if __name__ == "__main__":
    main()
