"""Fetches key material from files and environment variables, and checks plain texts for usual mistakes.

As in :mod:`~trio_binance_uds.credentials.material`, problems are returned and not raised here.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from trio_binance_uds.credentials.hidden import Hidden
from trio_binance_uds.credentials.material import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

# The largest RSA key file is about 13 kB; what is longer is no key, and /dev/zero has no end.
_LARGEST_FILE = 65536
_KEY_SUFFIXES = (".pem", ".der", ".key", ".p8", ".pk8")


def text_problem(hidden: Hidden) -> str | None:
    """Return what is wrong with an API key or an HMAC secret, as the rest of a sentence, or ``None``."""
    if hidden.wrong_type:
        return f"must be text, but it is of type {hidden.wrong_type}"
    data = hidden.reveal()
    if not data:
        return "is empty"
    if not data.isascii():
        return "has a character outside ASCII; copy it again from where it was issued"
    text = data.decode("ascii")
    if not text.strip():
        return "is blank"
    if text != text.strip():
        return "begins or ends with white space or a line break; strip it"
    if any(character.isspace() for character in text):
        return "has white space or a line break inside"
    if not text.isprintable():
        return "has a control character inside"
    if text[0] in "\"'" or text[-1] in "\"'":
        return "is wrapped in quotation marks; leave them out"
    if text.lower().endswith(_KEY_SUFFIXES):
        return "looks like the path of a key file; use from_file() or the PRIVATE_KEY_FILE variable"
    return None


def read_key_file(hidden_path: Hidden) -> tuple[Hidden | Problem, str]:
    """Return the content of a file or the problem with it, and what to call the file in a message.

    A secret given by mistake as a path must not end up in that message, so a path is named only when it exists
    or looks like one; and no operating system error, which would name it too, leaves this function.
    """
    name = "the key file"
    if hidden_path.wrong_type:
        return Problem(f"must be given by its path, but that is of type {hidden_path.wrong_type}"), name
    text = hidden_path.reveal().decode("utf-8", "surrogateescape")
    if not text.strip():
        return Problem("has an empty path"), name
    if "-----" in text or "\n" in text:
        return Problem("must be given by its path, but the text of a key was given; use from_secret()"), name
    try:
        path = Path(text).expanduser()
        # The parent of a bare name is "." and that of "/name" is "/", which say nothing; both have no name.
        if path.exists() or path.suffix.lower() in _KEY_SUFFIXES or (path.parent.name and path.parent.exists()):
            name = f"the key file {str(path)!r}"
        if path.is_dir():
            return Problem("is a directory"), name
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        return Problem("does not exist"), name
    except PermissionError:
        return Problem("may not be read by this user"), name
    except OSError as error:
        return Problem(f"cannot be read: {error.strerror}"), name
    except (ValueError, RuntimeError):  # a NUL in the path; no home directory for "~"
        return Problem("has a path that cannot be opened"), name
    if not content.strip():
        return Problem("is empty"), name
    if len(content) > _LARGEST_FILE:
        return Problem(f"is no key: it is longer than {_LARGEST_FILE} bytes"), name
    return Hidden(content), name


@attrs.frozen(kw_only=True)
class Variables:
    """What the environment gives: one secret, or the path of one."""

    api_key: Hidden
    secret: Hidden
    secret_name: str
    passphrase: Hidden | None
    is_path: bool
    hmac_allowed: bool


def read_variables(variables: Mapping[str, str], prefix: str) -> Variables | Problem:
    """Pick the API key and exactly one secret; a variable that is empty counts as not set."""

    def value(name: str) -> Hidden:
        return Hidden(variables.get(name, ""))

    names = [f"{prefix}{name}" for name in ("API_SECRET", "PRIVATE_KEY", "PRIVATE_KEY_FILE")]
    given = [name for name in names if value(name)]
    empty = [name for name in (f"{prefix}API_KEY", *names) if name in variables and not value(name)]
    remark = f" ({', '.join(empty)} set, but empty)" if empty else ""
    if not value(f"{prefix}API_KEY"):
        return Problem(f"the environment has no {prefix}API_KEY{remark}")
    if not given:
        return Problem(f"the environment has no secret: set one of {', '.join(names)}{remark}")
    if len(given) > 1:
        return Problem(f"the environment has several secrets: {' and '.join(given)}; set only one")
    return Variables(
        api_key=value(f"{prefix}API_KEY"),
        secret=value(given[0]),
        secret_name=given[0],
        passphrase=value(f"{prefix}PRIVATE_KEY_PASSPHRASE") or None,
        is_path=given[0] == names[2],
        hmac_allowed=given[0] == names[0],
    )
