"""Texts from outside, made fit to be shown: one line, of bounded length, with nothing in it that acts on a terminal."""

from __future__ import annotations

LINE_LIMIT = 200
"""How many characters of a text from outside a message, a log line or a repr shows, unless it says otherwise."""

_CUT = "..."
_DETAIL_LIMIT = 2000


def one_line(text: str, limit: int = LINE_LIMIT) -> str:
    """Return the text in one line of at most ``limit`` characters, with everything unprintable replaced.

    Unprintable are control characters, those that end lines, escape sequences' beginnings, and those that turn the
    direction of writing: none of them can make one log line look like two, or like another.
    """
    if len(text) <= limit and text.isprintable():
        return text
    line = "".join([char if char.isprintable() else "?" for char in text[: limit + 1]])
    return line if len(line) <= limit else line[: limit - len(_CUT)] + _CUT


def detail_line(text: str) -> str:
    """Return what is said to people about something that went wrong, in which there may be words of the venue."""
    return one_line(text, _DETAIL_LIMIT)


def quoted(text: str, limit: int = LINE_LIMIT) -> str:
    """Return the ``repr`` of a text, of one that is too long only its beginning and how long it is."""
    if len(text) <= limit:
        return repr(text)
    return f"{text[:limit]!r}{_CUT} ({len(text)} characters)"
