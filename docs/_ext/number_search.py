"""Search that finds numbers: Sphinx leaves a word of digits only out of its index and of what is searched for.

People paste ``-1021`` or ``410 Gone``. So such a word gets a letter in front, in the index and in the browser alike:
both split a text here.
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.search import languages
from sphinx.search.en import SearchEnglish
from sphinx.util.typing import ExtensionMetadata


class SearchEnglishAndNumbers(SearchEnglish):
    """English, and numbers as words."""

    js_splitter_code = r"""
var splitQuery = (query) => query
  .split(/[^\p{Letter}\p{Number}_\p{Emoji_Presentation}]+/gu)
  .filter((term) => term)
  .map((term) => (/^\d+$/.test(term) ? `n${term}` : term));
"""

    def split(self, input: str) -> list[str]:
        return [f"n{word}" if word.isdigit() else word for word in super().split(input)]


def setup(app: Sphinx) -> ExtensionMetadata:
    languages["en"] = SearchEnglishAndNumbers
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
