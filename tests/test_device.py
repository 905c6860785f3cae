"""A device is resolved once; what is not there raises with the reason."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from models import device
from models.device import CPU, Device, resolve
from models.errors import DeviceUnavailableError


@pytest.fixture
def torch_seeing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Pretend a driver and a torch that counts so many cards (None: built without CUDA)."""

    def see(cards: int | None, capability: tuple[int, int] = (9, 0)) -> None:
        driver = tmp_path / "driver"
        driver.touch()
        monkeypatch.setattr(device, "_DRIVER_FILES", (driver,))
        version = SimpleNamespace(cuda=None if cards is None else "13.0")
        cuda = SimpleNamespace(
            is_available=lambda: bool(cards),
            device_count=lambda: cards or 0,
            get_device_capability=lambda index: capability,
        )
        torch = SimpleNamespace(__version__="2.0", version=version, cuda=cuda)
        monkeypatch.setitem(sys.modules, "torch", torch)

    return see


@pytest.fixture
def cpu_flags(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Pretend a processor with these flags."""

    def have(flags: str, vendor: str = "GenuineIntel") -> None:
        facts = tmp_path / "cpuinfo"
        facts.write_text(f"processor\t: 0\nvendor_id\t: {vendor}\nflags\t\t: {flags}\n")
        monkeypatch.setattr(device, "_CPU_FACTS", facts)

    return have


def test_cpu_is_always_there() -> None:
    assert resolve("cpu", "float32") == CPU
    assert str(CPU) == "cpu"


def test_without_a_driver_auto_is_the_cpu_and_cuda_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "_DRIVER_FILES", ())
    assert resolve("auto", "float32") == CPU
    with pytest.raises(DeviceUnavailableError, match="no NVIDIA driver"):
        resolve("cuda")


def test_without_a_driver_auto_imports_no_torch() -> None:
    script = (
        "import sys; from models import device; device._DRIVER_FILES = (); "
        "device.resolve('auto'); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_cards_are_taken_by_number(torch_seeing: Any) -> None:
    torch_seeing(2)
    assert resolve("auto", "float32") == Device("cuda", 0)
    assert resolve("cuda:1", "float32") == Device("cuda", 1)
    assert str(resolve("cuda:1")) == "cuda:1"
    with pytest.raises(DeviceUnavailableError, match=r"has 2 card\(s\)"):
        resolve("cuda:2")


@pytest.mark.parametrize(("cards", "reason"), [(None, "without CUDA"), (0, "no usable card")])
def test_a_driver_alone_is_not_a_card(torch_seeing: Any, cards: int | None, reason: str) -> None:
    torch_seeing(cards)
    assert resolve("auto", "float32") == CPU
    with pytest.raises(DeviceUnavailableError, match=reason):
        resolve("cuda:0")


@pytest.mark.parametrize("choice", ["gpu", "cuda:", "cuda:x", "", "CPU"])
def test_an_unknown_choice_lists_the_known(choice: str) -> None:
    with pytest.raises(ValueError, match="auto, cpu, cuda"):
        resolve(choice)


@pytest.mark.parametrize(
    ("flags", "vendor", "precision"),
    [
        ("sse2 avx512f avx512_bf16", "AuthenticAMD", "bfloat16"),
        ("avx512f avx512_bf16 amx_bf16", "GenuineIntel", "bfloat16"),
        ("avx512f avx512_bf16", "GenuineIntel", "float32"),
        ("avx512f", "AuthenticAMD", "float32"),
    ],
)
def test_auto_takes_bfloat16_where_the_processor_is_faster_in_it(
    cpu_flags: Any, flags: str, vendor: str, precision: str
) -> None:
    cpu_flags(flags, vendor)
    assert resolve("cpu").precision == precision


def test_bfloat16_can_be_asked_for_where_it_is_there_but_slow(cpu_flags: Any) -> None:
    cpu_flags("avx512f avx512_bf16")
    assert resolve("cpu", "bfloat16").precision == "bfloat16"


def test_a_precision_that_is_not_there_raises(cpu_flags: Any) -> None:
    cpu_flags("avx2")
    with pytest.raises(DeviceUnavailableError, match="cpu does not multiply in it"):
        resolve("cpu", "bfloat16")
    with pytest.raises(ValueError, match="Allowed: auto, float32, bfloat16"):
        resolve("cpu", "float16")


def test_old_cards_compute_in_float32(torch_seeing: Any) -> None:
    torch_seeing(1, (7, 5))
    assert resolve("cuda").precision == "float32"
    torch_seeing(1, (9, 0))
    assert resolve("cuda").precision == "bfloat16"


def test_a_card_gives_no_more_than_its_share(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    asked: list[tuple[float, int]] = []
    monkeypatch.setattr(
        torch.cuda, "set_per_process_memory_fraction", lambda *given: asked.append(given)
    )
    device.cap_memory(device.CPU, 0.5)
    device.cap_memory(device.Device("cuda", 1), 0.8)
    assert asked == [(0.8, 1)]
    with pytest.raises(ValueError, match="at most 1"):
        device.cap_memory(device.CPU, 1.5)
