"""Which device engines run on. Resolved once; only the result travels.

`resolve("auto")` on a machine without an NVIDIA driver imports nothing, so that planning a run
stays quick. Asking for a device that is not there raises: there is no quiet fall-back, because the
device is part of what makes two runs equal.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from models.errors import DeviceUnavailableError

_DRIVER_FILES = (
    Path("/proc/driver/nvidia/version"),
    Path("/dev/nvidiactl"),
    Path("/dev/dxg"),  # WSL 2
)
_CHOICES = re.compile(r"auto|cpu|cuda(?::(\d+))?")


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is there."""

    kind: Literal["cpu", "cuda"]
    index: int = 0
    """Which card; 0 for a CPU."""

    def __str__(self) -> str:
        """As torch writes it: ``cpu`` or ``cuda:0``."""
        return self.kind if self.kind == "cpu" else f"{self.kind}:{self.index}"


CPU = Device("cpu")


def resolve(choice: str = "auto") -> Device:
    """Turn a wish into a device that is there.

    Parameters
    ----------
    choice
        ``auto`` (the first card if torch can use one, else the CPU), ``cpu``, ``cuda`` or
        ``cuda:N``.

    Raises
    ------
    ValueError
        `choice` is none of these.
    DeviceUnavailableError
        A card was asked for and is not usable; the message says why.

    """
    match = _CHOICES.fullmatch(choice)
    if match is None:
        message = f"Device {choice!r} is not known. Allowed: auto, cpu, cuda, cuda:0, cuda:1, ..."
        raise ValueError(message)
    if choice == "cpu":
        return CPU
    reason = _why_no_cuda()
    if choice == "auto":
        return CPU if reason else Device("cuda", 0)
    index = int(match.group(1) or 0)
    reason = reason or _why_not_card(index)
    if reason:
        message = f"Device {choice} was asked for, but {reason}. Set device to auto or cpu."
        raise DeviceUnavailableError(message)
    return Device("cuda", index)


def _why_no_cuda() -> str | None:
    """None if torch can use a card, else the reason."""
    if not any(path.exists() for path in _DRIVER_FILES):
        return "this machine has no NVIDIA driver"
    import torch  # seconds; only where there is a driver

    if torch.version.cuda is None:
        return f"torch {torch.__version__} is a build without CUDA"
    if not torch.cuda.is_available():
        return f"torch {torch.__version__} (CUDA {torch.version.cuda}) finds no usable card"
    return None


def _why_not_card(index: int) -> str | None:
    import torch

    count = torch.cuda.device_count()
    return None if index < count else f"this machine has {count} card(s), counted from 0"
