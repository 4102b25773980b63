"""Every example in the README and the documentation runs, as it stands, and prints what the page says."""

from __future__ import annotations

import io
import re
import runpy
from collections.abc import Awaitable, Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing

from trio_binance_uds.sandbox import open_sandbox

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS = sorted((ROOT / "docs" / "examples").glob("*.py"))

# ```python blocks are shown; <!-- example: ... --> blocks hold what an example needs around it and are not.
_BLOCK = re.compile(
    r"^(?P<indent>[ ]*)(?:```python\n(?P<shown>.*?)^(?P=indent)```|<!-- example:\n(?P<hidden>.*?)^(?P=indent)-->)",
    re.DOTALL | re.MULTILINE,
)
# What an example prints stands in a ```text block right after it, or after the hidden one that runs it.
_OUTPUT = re.compile(r"\s*^(?P<indent>[ ]*)```text\n(?P<output>.*?)^(?P=indent)```", re.DOTALL | re.MULTILINE)
_FENCE = re.compile(r"^[ ]*(?:```|~~~|:::)\{?(?P<language>[\w-]*)", re.MULTILINE)
_LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(?:#[^)]*)?\)")
WIDTH = 88  # what fits beside the table of contents without scrolling


@attrs.frozen
class Example:
    """A piece of Python in a document.

    Attributes:
        output: what the page says is printed, since the example before that had an output, or ``None``.
    """

    code: str
    line: int
    is_shown: bool
    output: str | None


def examples(text: str) -> Iterator[Example]:
    """Yield the pieces of Python in a document, in order."""
    for match in _BLOCK.finditer(text):
        kind = "shown" if match["shown"] is not None else "hidden"
        indent = len(match["indent"])
        code = "\n".join(line[indent:] for line in match[kind].splitlines())
        after = _OUTPUT.match(text, match.end())
        output = None if after is None else after["output"].replace("\n" + after["indent"], "\n").lstrip(" ")
        yield Example(code, text.count("\n", 0, match.start(kind)), kind == "shown", output)


def prints(expected: str) -> re.Pattern[str]:
    """Return what matches an output: ``...`` is any text in a line, and on a line of its own any lines."""
    lines = [
        r"(?:.*\n)*?" if line == "..." else r".*?".join(map(re.escape, line.split("..."))) + r"[ ]*\n"
        for line in expected.splitlines()
    ]
    return re.compile("".join(lines))


def bounded_run(async_fn: Callable[..., Awaitable[Any]], *args: Any, clock: trio.abc.Clock | None = None) -> Any:
    """Stand in for trio.run: an example that waits for ever fails instead."""

    async def bounded() -> Any:
        with trio.fail_after(30 if clock is None else 7 * 86_400):
            return await async_fn(*args)

    return _trio_run(bounded, clock=clock)


_trio_run = trio.run

MONEY = {"USDT": "9000"}
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "50000", "quantity": "0.1"}


def try_out(watch: Callable[..., Awaitable[Any]], *calls: str) -> None:
    """Run a function of a page that takes credentials and where to connect, while things happen to an account.

    Each call is a method or route that places an order, or another one with its parameters behind a blank.
    """

    async def main() -> None:
        async with open_sandbox(in_memory=True) as sandbox:
            account = sandbox.add_account(
                balances=MONEY, cross_margin=MONEY, isolated_margin={"BTCUSDT": MONEY}, usdm=MONEY
            )
            async with trio.open_nursery() as nursery:
                there = {"environment": sandbox.environment, "network": sandbox.network}
                nursery.start_soon(partial(watch, account.credentials, **there))
                await trio.sleep(1)
                for call in calls:
                    method, _, symbol = call.partition(" symbol=")
                    account.call(method, {"symbol": symbol} if symbol else LIMIT)
                    await trio.sleep(1)
                nursery.cancel_scope.cancel()

    bounded_run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def run_document(path: Path, namespace: dict[str, object]) -> None:
    """Run the examples of a document one after the other, as one program, and hold what they print against the page."""
    printed = io.StringIO()
    for example in examples(path.read_text("utf-8")):
        if example.is_shown:
            assert not printed.getvalue(), (
                f"{path}:{example.line}: above this the page does not show {printed.getvalue()!r}"
            )
        with redirect_stdout(printed):
            # As many empty lines as stand before it, so that a traceback shows the document's own line.
            exec(compile("\n" * example.line + example.code, str(path), "exec"), namespace)
        if example.output is not None:
            assert prints(example.output).fullmatch(printed.getvalue()), (
                f"{path}:{example.line}: it prints\n{printed.getvalue()}and the page says\n{example.output}"
            )
            printed = io.StringIO()
    assert not printed.getvalue(), f"{path}: the page does not show {printed.getvalue()!r}"


def _has_examples(path: Path) -> bool:
    return any(True for _ in examples(path.read_text("utf-8")))


@pytest.mark.parametrize(
    "path", [path for path in DOCUMENTS if _has_examples(path)], ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_examples_of_a_document_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trio, "run", bounded_run)
    run_document(path, {"__name__": "__main__", "monkeypatch": monkeypatch, "try_out": try_out})


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_a_program_runs_and_prints_what_the_page_shows(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trio, "run", bounded_run)
    with redirect_stdout(io.StringIO()) as printed:
        runpy.run_path(str(path), run_name="__main__")
    assert prints(path.with_suffix(".txt").read_text("utf-8")).fullmatch(printed.getvalue()), printed.getvalue()
    page = (path.parent / "index.md").read_text("utf-8")
    assert f"literalinclude}} {path.name}\n" in page
    assert f"literalinclude}} {path.stem}.txt\n" in page


def test_the_links_of_the_readme_lead_to_files() -> None:
    # Those of the pages are followed when the site is built.
    targets = {match[1] for match in _LINK.finditer((ROOT / "README.md").read_text("utf-8"))}
    assert len(targets) > 10
    assert not {target for target in targets if not (ROOT / target).exists()}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_example_escapes_by_how_it_is_marked(path: Path) -> None:
    text = path.read_text("utf-8")
    marked = [match["language"] for match in _FENCE.finditer(text)]
    assert not {"py", "py3", "python3", "pycon", "code-block", "code", "sourcecode"} & set(marked)
    shown = sum(match["shown"] is not None for match in _BLOCK.finditer(text))
    assert marked.count("python") == shown


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_shown_as_it_is_typed_fits_the_column(path: Path) -> None:
    blocks = re.findall(r"^[ ]*```(?!\{)\w+\n.*?^[ ]*```", path.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert not [line for block in blocks for line in block.splitlines() if len(line) > WIDTH]


def test_the_readme_and_the_tutorial_have_examples() -> None:
    assert _has_examples(ROOT / "README.md")
    assert _has_examples(ROOT / "docs" / "tutorial" / "first-stream.md")


def test_an_example_that_fails_fails_at_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.md"
    path.write_text("# Title\n\n<!-- example:\nready = True\n-->\n\n```python\nassert ready\nassert not ready\n```\n")
    with pytest.raises(AssertionError) as caught:
        run_document(path, {})
    assert (caught.traceback[-1].lineno, str(caught.traceback[-1].path)) == (8, str(path))


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        ("```python\nprint(1)\n```\n", "does not show"),
        ("```python\nprint(1)\n```\n\n```python\npass\n```\n", "does not show"),
        ("```python\nprint(1)\n```\n\n```text\n2\n```\n", "it prints"),
        ("```python\nprint(1)\n```\n\n```text\n1\n2\n```\n", "it prints"),
    ],
)
def test_an_example_that_prints_something_else_than_the_page_says_fails(
    page: str, complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "page.md"
    path.write_text(page)
    with pytest.raises(AssertionError, match=complaint):
        run_document(path, {})


@pytest.mark.parametrize("output", ["1 a 2\nb", "1 ... 2\nb", "...", "1...\n...\nb", "1 a 2\n...\nb"])
def test_an_output_may_leave_out_what_is_never_the_same(output: str, tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    path.write_text(
        f"```python\nprint('1 a 2')\n```\n\n<!-- example:\nprint('b')\n-->\n\n```text\n{output}\n```\n", "utf-8"
    )
    run_document(path, {})
