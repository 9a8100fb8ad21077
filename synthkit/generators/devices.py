"""``device: auto | cpu | cuda | cuda:N`` as a torch device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synthkit.errors import BuildError

if TYPE_CHECKING:
    import torch


def resolve(device: str) -> torch.device:
    """The device to train on; ``auto`` is a GPU where torch finds one.

    Raises:
        BuildError: a GPU that torch does not find.
    """
    import torch

    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    found = torch.device(device)
    if found.type == "cuda" and (found.index or 0) >= torch.cuda.device_count():
        raise BuildError(
            f"there is no device {device!r}: torch finds {torch.cuda.device_count()} CUDA devices",
            hint="set device: auto, or install torch with CUDA",
        )
    return found


def sent(tensor: torch.Tensor, device: torch.device) -> torch.Tensor:
    """A tensor of the host on a device, without waiting for what the device is doing.

    A copy from memory that the system may move waits for the device's queue to be empty; from memory that is held in
    place it takes its turn in that queue.
    """
    held = tensor.pin_memory() if device.type == "cuda" else tensor
    return held.to(device, non_blocking=True)
