"""Results as tables of text: for the terminal, and ready to be shown by the documentation."""

from __future__ import annotations

from collections.abc import Iterator

import attrs

from benchmarks.cases import COLUMNS, METRICS, TITLES, Metric
from benchmarks.goals import Verdict, verdicts
from benchmarks.results import Results, Spread
from benchmarks.rivals import BY_NAME, OURS, Case


@attrs.frozen
class Table:
    """A title, and cells that are ready to be read."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def shown(value: float, digits: int = 1) -> str:
    """Return a number as people write it."""
    return f"{round(value, digits) or 0.0:,.{digits}f}"  # and not as -0


def cell(spread: Spread | None, metric: Metric) -> str:
    """Return the median and, where it was measured more than once, the least and the most."""
    if spread is None:
        return "-"
    text = shown(spread.median, metric.digits)
    if len(spread.values) < 2 or spread.least == spread.most:
        return text
    return f"{text} ({shown(spread.least, metric.digits)} to {shown(spread.most, metric.digits)})"


def ratio(results: Results, case: Case, client: str, metric: Metric) -> str:
    """Return how many times ours a client's figure is."""
    ours, other = results.median(case, OURS, metric.name), results.median(case, client, metric.name)
    return "-" if not ours or other is None else shown(other / ours, 2)


# Where a ratio says nothing: what is counted there is good or bad in itself.
_WITHOUT_RATIO = frozenset({Case.SLOW, Case.SLOW_WITHIN, Case.GROWTH})
_WITHOUT_EVENTS = frozenset({Case.SESSION, Case.SIGNED, Case.IMPORT, Case.ACCOUNTS})


def case_table(results: Results, case: Case) -> Table:
    """Return the table of a case; the ratios are those of its first column."""
    metrics = [METRICS[name] for name in COLUMNS[case]]
    more = [*([] if case in _WITHOUT_RATIO else ["to ours"]), *([] if case in _WITHOUT_EVENTS else ["gives"])]
    rows = []
    for client in _in_order(results, case, metrics[0]):
        cells = [cell(results.spread(case, client, metric.name), metric) for metric in metrics]
        if results.spread(case, client, metrics[0].name) is None:
            cells[0] = f"not measured: {results.problems.get((case, client), '')}"
        last = {"to ours": ratio(results, case, client, metrics[0]), "gives": BY_NAME[client].gives}
        rows.append((client, *cells, *(last[name] for name in more)))
    columns = ("client", *(metric.unit for metric in metrics), *more)
    return Table(TITLES[case].format(**results.about["sizes"]), columns, tuple(rows))


def _in_order(results: Results, case: Case, metric: Metric) -> list[str]:
    """Return the clients from the best to the worst, and last those without a figure."""

    def rank(client: str) -> tuple[bool, float]:
        median = results.median(case, client, metric.name)
        return median is None, (median or 0) * (1 if metric.smaller_is_better else -1)

    return sorted(results.clients(case), key=rank)


def decode_table(results: Results) -> Table:
    """Return what each type of event costs to decode."""
    metric = Metric("decode_us", "µs CPU", 2)
    names = [name for case, _, name in results.figures if case == Case.DECODE]
    rows = [(name, cell(results.spread(Case.DECODE, OURS, name), metric)) for name in names]
    return Table(TITLES[Case.DECODE], ("event", metric.unit), tuple(rows))


def goals_table(results: Results) -> Table:
    """Return what was wanted and what came of it."""
    rows = tuple(_goal_row(verdict) for verdict in verdicts(results))
    return Table("Goals", ("goal", "wanted", "is", ""), rows)


def _goal_row(verdict: Verdict) -> tuple[str, ...]:
    goal = verdict.goal
    sign, unit = "\N{GREATER-THAN OR EQUAL TO}" if goal.at_least else "\N{LESS-THAN OR EQUAL TO}", goal.unit
    said = {None: "not measured", True: "reached", False: "not reached"}[verdict.reached]
    value = "-" if verdict.value is None else f"{verdict.value:,.2f} {unit}".strip()
    return goal.text, f"{sign} {goal.bound:g} {unit}".strip(), value, said


def tables(results: Results) -> list[Table]:
    """Return all tables there is something for, the goals last."""
    made = [decode_table(results) if case is Case.DECODE else case_table(results, case) for case in results.cases()]
    return [*made, goals_table(results)]


def lines(table: Table) -> Iterator[str]:
    """Yield a table for the terminal."""
    rows = [table.columns, *table.rows]
    # A row that says why there is nothing to show must not widen a column.
    widths = [
        max(len(row[place]) for row in rows if not row[place].startswith("not measured:"))
        for place in range(len(table.columns))
    ]
    yield table.title
    for number, row in enumerate(rows):
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        if number == 0:
            yield "  " + "  ".join("-" * width for width in widths)
    yield ""


def about_lines(results: Results) -> Iterator[str]:
    """Yield when, on what and with which versions it was measured."""
    for name, value in results.about.items():
        text = ", ".join(f"{key} {each}" for key, each in value.items()) if isinstance(value, dict) else value
        yield f"{name}: {text}"
    yield ""
