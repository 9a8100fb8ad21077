"""What a training step does between the host and the device: where it waits for a value, and what is copied.

Everything that torch carries out passes a dispatch mode, whatever the device; so what can be seen of a step on a GPU is
seen on the ``meta`` device, too, whose tensors have a shape and no numbers: there are no numbers to wait for.
"""

from __future__ import annotations

import traceback
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

# The result's shape or value is known to the device alone, and the host wants it.
WAITING = frozenset(
    (
        *("_local_scalar_dense", "is_nonzero", "equal"),
        *("nonzero", "nonzero_numpy", "argwhere", "masked_select", "bincount", "repeat_interleave"),
        *("_unique", "_unique2", "unique_dim", "unique_consecutive", "unique_dim_consecutive"),
    )
)
INDEXING = frozenset(("index", "index_put", "index_put_", "_index_put_impl_"))
MADE_OF_NUMBERS = (torch.tensor, torch.as_tensor, torch.scalar_tensor)


class Watched:
    """Counts what happens while it is entered, each with the line of the package that asked for it.

    Args:
        device: that the training is on; what happens on others alone is the host's own business.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.waits: Counter[str] = Counter()  # the host asks for a value, or copies and waits for its end
        self.back: Counter[str] = Counter()  # copies from the device to the host
        self.sent: Counter[str] = Counter()  # copies to the device that take their turn there
        self._modes = (_Functions(self, device), _Operations(self, device))

    def __enter__(self) -> Watched:
        for mode in self._modes:
            mode.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for mode in reversed(self._modes):
            mode.__exit__(kind, value, trace)

    @property
    def faults(self) -> list[str]:
        """All that makes the host wait, and all that comes back, in words."""
        waits = [f"waits for {what}, {count} ×" for what, count in self.waits.items()]
        return waits + [f"copies back by {what}, {count} ×" for what, count in self.back.items()]


@contextmanager
def guarded(seen: Watched) -> Iterator[None]:
    """Watch, and on a GPU have torch raise RuntimeError where an operation waits for it."""
    on_gpu = seen.device.type == "cuda"
    if on_gpu:
        torch.cuda.set_sync_debug_mode("error")
    try:
        with seen:
            yield
    finally:
        if on_gpu:
            torch.cuda.set_sync_debug_mode("default")


class _Functions(TorchFunctionMode):
    """Sees tensors made of Python's numbers on a device: below, such a copy is out of sight."""

    def __init__(self, found: Watched, device: torch.device) -> None:
        super().__init__()
        self.found, self.device = found, device

    def __torch_function__(
        self, func: Any, types: Iterable[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        wanted, fake = kwargs.get("device"), self.device.type
        if func in MADE_OF_NUMBERS and fake != "cpu" and wanted is not None and torch.device(wanted).type == fake:
            self.found.waits[f"{func.__name__} of numbers{_where()}"] += 1
        return func(*args, **kwargs)


class _Operations(TorchDispatchMode):
    """Sees every operation, those of the backward pass and of optimisers among them."""

    def __init__(self, found: Watched, device: torch.device) -> None:
        super().__init__()
        self.found, self.device = found, device

    def __torch_dispatch__(
        self, func: Any, types: Iterable[Any], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        name = func._schema.name.partition("::")[2]
        given = list(_tensors((args, kwargs)))
        masked = name in INDEXING and any(t.dtype in (torch.bool, torch.uint8) for t in _index(args))
        if (name in WAITING or masked) and any(t.device.type == self.device.type for t in given):
            self.found.waits[f"{name}{_where()}"] += 1
        if name == "_to_copy" and kwargs.get("device") is not None:
            self._copied(given[0].device, torch.device(kwargs["device"]), bool(kwargs.get("non_blocking")))
        elif name == "copy_":
            self._copied(args[1].device, args[0].device, bool((*args, False)[2] or kwargs.get("non_blocking")))
        return func(*args, **kwargs)

    def _copied(self, source: torch.device, to: torch.device, turn: bool) -> None:
        if source.type == to.type:
            return
        if source.type == self.device.type:
            self.found.back[f"a copy{_where()}"] += 1
        elif to.type == self.device.type:
            (self.found.sent if turn else self.found.waits)[f"a copy{_where()}"] += 1


def _index(args: tuple[Any, ...]) -> Iterator[torch.Tensor]:
    """The tensors that an indexing operation indexes by."""
    return _tensors(args[1]) if len(args) > 1 else iter(())


def _tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _tensors(one)


def _where() -> str:
    """The innermost line of synthkit that is being carried out."""
    for frame in reversed(traceback.extract_stack()):
        if "/synthkit/" in frame.filename and "/benchmarks/" not in frame.filename:
            return f" at synthkit/{frame.filename.rpartition('/synthkit/')[2]}:{frame.lineno}"
    return ""
