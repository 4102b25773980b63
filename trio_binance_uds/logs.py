"""Loggers whose lines begin with the name of the stream that they are about."""

from __future__ import annotations

import logging
from contextvars import ContextVar
from typing import Any

# A stream sets it once, in the task that everything of the stream is started from: tasks inherit it from there. So the
# forty places that log something need not be given a name, and a new one cannot forget it.
_stream: ContextVar[str | None] = ContextVar("trio_binance_uds.stream", default=None)


def name_log_lines(stream: str) -> None:
    """Let what this task logs from now on, and the tasks that it starts, name this stream."""
    _stream.set(stream)


class _StreamLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger that writes the name of the stream in front, and gives it to the record as ``stream``."""

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log the message, if the level is enabled."""
        if not self.isEnabledFor(level):
            return
        stream = _stream.get()
        if stream is not None:
            # As an argument, so that the message stays the same text for every stream: tools group records by it.
            # Without arguments, logging takes a percent sign as it is.
            template = str(msg) if args else str(msg).replace("%", "%%")
            msg, args = f"%s: {template}", (stream, *args)
        kwargs["extra"] = {"stream": stream}
        # Beyond this function, or all records would name it as the place they come from.
        kwargs["stacklevel"] = 2
        self.logger.log(level, msg, *args, **kwargs)


def stream_logger(module: str) -> logging.LoggerAdapter[logging.Logger]:
    """Return the logger of a module: it has the module's name, and its lines name the stream they are about."""
    return _StreamLogger(logging.getLogger(module))
