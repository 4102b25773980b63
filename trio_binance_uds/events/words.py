"""Open enums: the words of the venue that this version knows.

A field of such words is annotated with the enum and with the words themselves, as ``OrderStatus | OrderStatusWord``. At
run time a member is the text of its word, and a word that the venue adds arrives as plain text. Type checkers are told
neither: were the enum a ``str`` to them, or a plain ``str`` in the annotation, a comparison or a pattern with a word
that is misspelt would be as good as any other.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:

    class OpenEnum(Enum):
        """Words that the venue uses, and may add to."""

        @property
        def value(self) -> str:
            """The word as it is on the wire."""
            raise NotImplementedError

else:

    class OpenEnum(StrEnum):
        """Words that the venue uses, and may add to.

        Each member is the text of its word, so ``OrderStatus.FILLED == "FILLED"``. A word that is no member is
        delivered as plain text: compare a field with ``==`` or in a ``case``, and use ``str()`` where a text is wanted.
        """
