"""The picture for the documentation: CPU per event of every client, as an SVG that is written by hand."""

from __future__ import annotations

import math
from html import escape

from benchmarks.report import shown
from benchmarks.results import Results
from benchmarks.rivals import BY_NAME, OURS, Case

WIDTH = 760
_BAR, _GAP, _LEFT, _RIGHT, _TOP = 22, 10, 270, 160, 46
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# Readable on a light and on a dark page.
_OURS, _FLOOR, _OTHERS, _TEXT = "#2f855a", "#a0aec0", "#4a78b5", "#7a7f87"


def burst_chart(results: Results, case: Case = Case.BURST, metric: str = "cpu_us") -> str:
    """Return the SVG: one bar for each client that was measured, on a logarithmic scale."""
    medians = {
        client: median
        for client in results.clients(case)
        if (median := results.median(case, client, metric)) is not None and median > 0
    }
    if not medians:
        raise ValueError("nothing was measured that could be drawn")
    bars = sorted(medians.items(), key=lambda item: item[1])
    low, high = _range(min(medians.values()), max(medians.values()))

    def across(value: float) -> float:
        share = math.log(value / low) / math.log(high / low)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    height = _TOP + len(bars) * (_BAR + _GAP) + 34
    bottom = height - 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        'font-family="sans-serif" font-size="13">',
        "<title>CPU time per order event, from the socket to the user's code, in microseconds</title>",
        f'<text x="{_LEFT}" y="20" fill="{_TEXT}">µs of CPU per order event, logarithmic: less is better</text>',
    ]
    for tick in _TICKS:
        if low <= tick <= high:
            x = across(tick)
            parts.append(
                f'<line x1="{x}" y1="{_TOP - 8}" x2="{x}" y2="{bottom}" stroke="{_TEXT}" stroke-opacity="0.25"/>'
            )
            parts.append(f'<text x="{x}" y="{bottom + 18}" fill="{_TEXT}" text-anchor="middle">{tick:g}</text>')
    for number, (client, value) in enumerate(bars):
        y = _TOP + number * (_BAR + _GAP)
        colour = _OURS if client == OURS else _FLOOR if client.startswith("floor") else _OTHERS
        weight = ' font-weight="bold"' if client == OURS else ""
        middle = y + _BAR * 0.7
        parts += [
            f'<text x="{_LEFT - 8}" y="{middle:.1f}" fill="{_TEXT}" text-anchor="end"{weight}>{escape(client)}</text>',
            f'<rect x="{_LEFT}" y="{y}" width="{across(value) - _LEFT:.1f}" height="{_BAR}" fill="{colour}"/>',
            f'<text x="{across(value) + 6:.1f}" y="{middle:.1f}" fill="{_TEXT}"{weight}>'
            f"{shown(value)} ({escape(BY_NAME[client].gives)})</text>",
        ]
    return "\n".join([*parts, "</svg>", ""])


def _range(least: float, most: float) -> tuple[float, float]:
    """Return the ticks between which all values lie."""
    low = max((tick for tick in _TICKS if tick <= least), default=least)
    high = min((tick for tick in _TICKS if tick >= most), default=most)
    return (low, high) if high > low else (low, low * 10)
