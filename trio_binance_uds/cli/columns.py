"""Lays cells out in a line: aligned columns while there is room, and the least important left out when there is not."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from rich.cells import cell_len
from rich.text import Text

from trio_binance_uds.cli.plain import printable

GAP = "  "
# The plain blue of most terminals cannot be read on black.
BLUE = "bright_blue"
MARK = "*"
"""Stands before what was recovered after a gap: in the gap between two columns, so that no column moves for it."""


@attrs.frozen
class Cell:
    """One cell of a line.

    Attributes:
        text: printable, on one line.
        style: as rich writes styles.
        width: what it is padded to.
        right: whether it is padded on the left.
        spare: 0 for what is never left out; of the others the highest goes first.
        needs: the width from which on it is there at all. A column that goes has to go from every line, or the
            lines would not be aligned: so this, and not ``spare``, is for columns with others behind them.
        mark: one character that stands right before the text, in the gap to the cell before it.
    """

    text: str
    style: str = ""
    width: int = 0
    right: bool = False
    spare: int = 0
    needs: int = 0
    mark: str = ""

    def laid_out(self) -> Text:
        """Return the cell with its padding; a text that is too long for its column pushes the others."""
        text = Text(self.text, style=self.style)
        # Counted in terminal cells, not in characters: a symbol may be written in Chinese.
        padding = " " * max(0, self.width - text.cell_len)
        blank = Text(padding)
        return blank + text if self.right else text + blank


def line(cells: Sequence[Cell], width: int | None) -> Text:
    """Return the cells in a row that fits into ``width``, or in one of any width for ``None``.

    What cannot be left out stays, and then the line is longer than that: the terminal folds it.
    """
    kept = [cell for cell in cells if width is None or cell.needs <= width]
    while True:
        row = _joined(kept)
        spare = [cell for cell in kept if cell.spare]
        if width is None or row.cell_len <= width or not spare:
            return row
        kept.remove(max(spare, key=lambda cell: cell.spare))


def kind(word: str, style: str = "") -> Cell:
    """Return the cell that says what a line is about."""
    return Cell(word, style, 8)


def name(text: str, width: int = 9) -> Cell:
    """Return the cell with a symbol or an asset."""
    return Cell(printable(text), "bold", width)


def unit(text: str) -> list[Cell]:
    """Return the cell with the part of an account that has parts, and none for an account that has none."""
    return [Cell(printable(text), "dim", 6)] if text else []


def banner(label: str, width: int | None, style: str) -> Text:
    """Return a line that stands out over the full width, with or without colour."""
    start = f"━━ {label} "
    # As a span, so that what is appended does not take it over.
    return Text().append(start + "━" * max(2, (width or 100) - cell_len(start)), style=style)


def _joined(cells: Sequence[Cell]) -> Text:
    row = Text()
    for cell in cells:
        if cell.mark:
            row.append(GAP[1:] if row else "").append(cell.mark, style="bold yellow")
        elif row:
            row.append(GAP)
        row.append_text(cell.laid_out())
    row.rstrip()
    return row
