"""Output that outlives its reader: ``synth build | head`` builds to the end, and its exit status is the build's."""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from typing import IO, Any


def discard(stream: IO[str]) -> None:
    """Send what is still to come on a broken pipe nowhere, so that Python does not complain about it at exit."""
    try:
        number = stream.fileno()
    except (OSError, ValueError, io.UnsupportedOperation):
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, number)
    os.close(nowhere)


class Forgiving(io.TextIOBase):
    """A text stream that goes on without its reader."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        try:
            return self.stream.write(text)
        except BrokenPipeError:
            discard(self.stream)
            return len(text)

    def writelines(self, lines: Iterable[str]) -> None:  # type: ignore[override]
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        try:
            self.stream.flush()
        except BrokenPipeError:
            discard(self.stream)

    def isatty(self) -> bool:
        return self.stream.isatty()

    def fileno(self) -> int:
        return self.stream.fileno()

    @property
    def encoding(self) -> Any:  # type: ignore[override]
        return getattr(self.stream, "encoding", "utf-8")
