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
_CPU_FACTS = Path("/proc/cpuinfo")

Precision = Literal["float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class Device:
    """A device that is there."""

    kind: Literal["cpu", "cuda"]
    index: int = 0
    """Which card; 0 for a CPU."""
    precision: Precision = "float32"
    """What large networks compute in. Small ones compute in float32 everywhere."""

    def __str__(self) -> str:
        """As torch writes it: ``cpu`` or ``cuda:0``."""
        return self.kind if self.kind == "cpu" else f"{self.kind}:{self.index}"


CPU = Device("cpu")


def resolve(choice: str = "auto", precision: str = "auto") -> Device:
    """Turn a wish into a device that is there.

    Parameters
    ----------
    choice
        ``auto`` (the first card if torch can use one, else the CPU), ``cpu``, ``cuda`` or
        ``cuda:N``.
    precision
        ``auto`` (bfloat16 where the hardware is faster in it, else float32), ``float32`` or
        ``bfloat16``.

    Raises
    ------
    ValueError
        `choice` or `precision` is none of these.
    DeviceUnavailableError
        A card or a precision was asked for and is not there; the message says why.

    """
    match = _CHOICES.fullmatch(choice)
    if match is None:
        message = f"Device {choice!r} is not known. Allowed: auto, cpu, cuda, cuda:0, cuda:1, ..."
        raise ValueError(message)
    if precision not in ("auto", "float32", "bfloat16"):
        message = f"Precision {precision!r} is not known. Allowed: auto, float32, bfloat16."
        raise ValueError(message)
    kind, index = _place(choice, int(match.group(1) or 0))
    return Device(kind, index, _precision(precision, kind, index))


def cap_memory(device: Device, share: float) -> None:
    """Let torch take at most `share` (0-1) of a card's memory; more raises as a full card does.

    On a CPU nothing is capped: batches there are small and known.

    Raises
    ------
    ValueError
        `share` lies outside 0 < share <= 1.
    """
    if not 0 < share <= 1:
        message = f"share of the card's memory is {share}; allowed: above 0, at most 1"
        raise ValueError(message)
    if device.kind == "cpu":
        return
    import torch

    torch.cuda.set_per_process_memory_fraction(share, device.index)


def _place(choice: str, index: int) -> tuple[Literal["cpu", "cuda"], int]:
    if choice == "cpu":
        return "cpu", 0
    reason = _why_no_cuda()
    if choice == "auto":
        return ("cpu", 0) if reason else ("cuda", 0)
    reason = reason or _why_not_card(index)
    if reason:
        message = f"Device {choice} was asked for, but {reason}. Set device to auto or cpu."
        raise DeviceUnavailableError(message)
    return "cuda", index


def _precision(wish: str, kind: str, index: int) -> Precision:
    if wish == "float32":
        return "float32"
    has, gains = _bfloat16_on_card(index) if kind == "cuda" else _bfloat16_on_cpu()
    if wish == "auto":
        return "bfloat16" if gains else "float32"
    if has:
        return "bfloat16"
    message = (
        f"Precision bfloat16 was asked for, but this {kind} does not multiply in it. "
        "Set precision to auto or float32."
    )
    raise DeviceUnavailableError(message)


def _bfloat16_on_card(index: int) -> tuple[bool, bool]:
    """Whether the card multiplies in bfloat16, and whether that is faster than float32."""
    import torch

    modern = torch.cuda.get_device_capability(index) >= (8, 0)
    return modern, modern


def _bfloat16_on_cpu() -> tuple[bool, bool]:
    """The same of the processor.

    AMX is faster, and AMD's AVX-512 unit runs bfloat16 at full rate. Intel's runs it at half:
    convolutions took twice the time of float32 (111 against 215 GFLOP/s a core).
    """
    if not _CPU_FACTS.is_file():
        return False, False
    text = _CPU_FACTS.read_text()
    lines = (line for line in text.splitlines() if line.startswith("flags"))
    flags = set(next(lines, "").split())
    gains = "amx_bf16" in flags or ("avx512_bf16" in flags and "AuthenticAMD" in text)
    return gains or "avx512_bf16" in flags, gains


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
