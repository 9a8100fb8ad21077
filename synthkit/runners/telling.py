"""Events of a process, a JSON line each, on its stdout."""

from __future__ import annotations

import json
import os
import threading
from typing import Any


class Events:
    """What this process says on stdout; whatever else is printed from now on goes to stderr, and is no event."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
        os.dup2(2, 1)
        self._lock = threading.Lock()

    def say(self, event: dict[str, Any]) -> None:
        with self._lock:
            self._out.write(json.dumps(event) + "\n")
            self._out.flush()
