"""The memory that a training may take of its device, and what it takes."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

FIXED = 1_000_000_000  # bytes: networks, optimisers, a batch, what the judge looks at
PER_VALUE = 20  # bytes: cells, numbers and conditions of a row, twice while rows are held out
PER_ROW = 64  # bytes: orders, and what sorting needs


def declared(rows: int, columns: int) -> int:
    """Bytes of the device that a training of ours takes at most, as docs/generators.md says."""
    return FIXED + rows * (PER_VALUE * columns + PER_ROW)


class Held(TorchDispatchMode):
    """The most bytes that tensors made while it is entered hold at once, on a device that does not count them itself.

    What an operation needs on its way and gives back is not seen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.now = self.most = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Iterable[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        found = func(*args, **(kwargs or {}))
        for one in found if isinstance(found, list | tuple) else (found,):
            if isinstance(one, torch.Tensor):
                self._add(one.untyped_storage())
        return found

    def _add(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._known:
            return
        self._known.add(key)
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.now -= size
