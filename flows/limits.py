"""How long a stage may take and how much memory a worker may hold. Linux's own figures."""

from __future__ import annotations

import re
from pathlib import Path

from pipeline.settings import ExecutionSettings

_GROUP_LIMITS = (
    "/sys/fs/cgroup/memory.max",
    "/sys/fs/cgroup/memory/memory.limit_in_bytes",
)
_OWN = re.compile(r"^(?:RssAnon|RssShmem|VmSwap):\s+(\d+) kB$", re.MULTILINE)
"""What a process holds and could not read again from a file."""


def stage_limit_s(media_s: float, settings: ExecutionSettings) -> float:
    """Seconds after which a stage is ended."""
    return max(settings.limit_floor_s, settings.limit_factor * media_s)


def memory_limit(settings: ExecutionSettings) -> float:
    """Bytes at which a worker is ended: a share of the machine's memory, or of our container's."""
    return settings.memory * min(_machine_memory(), *map(_group_memory, _GROUP_LIMITS))


def held_memory(pid: int) -> int:
    """Bytes a process holds, swapped out or not; 0 once it is gone."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return 1024 * sum(map(int, _OWN.findall(status)))


def _machine_memory() -> float:
    found = re.search(r"MemTotal:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    return 1024.0 * int(found.group(1)) if found else float("inf")


def _group_memory(path: str) -> float:
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return float("inf")
    return float(text) if text.isdigit() else float("inf")
