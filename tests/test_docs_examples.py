"""Every example in the README and the documentation runs, as it stands."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

# ```python blocks are shown; <!-- example: ... --> blocks hold what an example needs around it and are not.
_BLOCK = re.compile(
    r"^(?P<indent>[ ]*)(?:```python\n(?P<shown>.*?)^(?P=indent)```|<!-- example:\n(?P<hidden>.*?)^(?P=indent)-->)",
    re.DOTALL | re.MULTILINE,
)
_FENCE = re.compile(r"^[ ]*(?:```|~~~|:::)\{?(?P<language>[\w-]*)", re.MULTILINE)


@attrs.frozen
class Example:
    """A piece of Python in a document."""

    code: str
    line: int


def examples(text: str) -> Iterator[Example]:
    """Yield the pieces of Python in a document, in order."""
    for match in _BLOCK.finditer(text):
        kind = "shown" if match["shown"] is not None else "hidden"
        indent = len(match["indent"])
        code = "\n".join(line[indent:] for line in match[kind].splitlines())
        yield Example(code, text.count("\n", 0, match.start(kind)))


def bounded_run(async_fn: Callable[..., Awaitable[Any]], *args: Any, clock: trio.abc.Clock | None = None) -> Any:
    """Stand in for trio.run: an example that waits for ever fails instead."""

    async def bounded() -> Any:
        with trio.fail_after(30 if clock is None else 7 * 86_400):
            return await async_fn(*args)

    return _trio_run(bounded, clock=clock)


_trio_run = trio.run


def run_document(path: Path, namespace: dict[str, object]) -> None:
    """Run the examples of a document one after the other, as one program."""
    for example in examples(path.read_text("utf-8")):
        # As many empty lines as stand before it, so that a traceback shows the document's own line.
        exec(compile("\n" * example.line + example.code, str(path), "exec"), namespace)


def _has_examples(path: Path) -> bool:
    return any(True for _ in examples(path.read_text("utf-8")))


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if _has_examples(path)], ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_examples_of_a_document_run(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trio, "run", bounded_run)
    run_document(path, {"__name__": "__main__", "monkeypatch": monkeypatch, "capsys": capsys})


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_example_escapes_by_how_it_is_marked(path: Path) -> None:
    text = path.read_text("utf-8")
    marked = [match["language"] for match in _FENCE.finditer(text)]
    assert not {"py", "py3", "python3", "pycon", "code-block", "code", "sourcecode"} & set(marked)
    shown = sum(match["shown"] is not None for match in _BLOCK.finditer(text))
    assert marked.count("python") == shown


def test_the_readme_and_the_tutorial_have_examples() -> None:
    assert _has_examples(ROOT / "README.md")
    assert _has_examples(ROOT / "docs" / "tutorial" / "first-stream.md")


def test_an_example_that_fails_fails_at_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.md"
    path.write_text("# Title\n\n<!-- example:\nready = True\n-->\n\n```python\nassert ready\nassert not ready\n```\n")
    with pytest.raises(AssertionError) as caught:
        run_document(path, {})
    assert (caught.traceback[-1].lineno, str(caught.traceback[-1].path)) == (8, str(path))
