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

    def see(cards: int | None) -> None:
        driver = tmp_path / "driver"
        driver.touch()
        monkeypatch.setattr(device, "_DRIVER_FILES", (driver,))
        version = SimpleNamespace(cuda=None if cards is None else "13.0")
        cuda = SimpleNamespace(is_available=lambda: bool(cards), device_count=lambda: cards or 0)
        torch = SimpleNamespace(__version__="2.0", version=version, cuda=cuda)
        monkeypatch.setitem(sys.modules, "torch", torch)

    return see


def test_cpu_is_always_there() -> None:
    assert resolve("cpu") == CPU
    assert str(CPU) == "cpu"


def test_without_a_driver_auto_is_the_cpu_and_cuda_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(device, "_DRIVER_FILES", ())
    assert resolve("auto") == CPU
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
    assert resolve("auto") == Device("cuda", 0)
    assert resolve("cuda:1") == Device("cuda", 1)
    assert str(resolve("cuda:1")) == "cuda:1"
    with pytest.raises(DeviceUnavailableError, match=r"has 2 card\(s\)"):
        resolve("cuda:2")


@pytest.mark.parametrize(("cards", "reason"), [(None, "without CUDA"), (0, "no usable card")])
def test_a_driver_alone_is_not_a_card(torch_seeing: Any, cards: int | None, reason: str) -> None:
    torch_seeing(cards)
    assert resolve("auto") == CPU
    with pytest.raises(DeviceUnavailableError, match=reason):
        resolve("cuda:0")


@pytest.mark.parametrize("choice", ["gpu", "cuda:", "cuda:x", "", "CPU"])
def test_an_unknown_choice_lists_the_known(choice: str) -> None:
    with pytest.raises(ValueError, match="auto, cpu, cuda"):
        resolve(choice)
