"""The one reader of pickles builds tensors, refuses code, and never runs it."""

from __future__ import annotations

import collections
import hashlib
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from models.errors import RefusedCheckpointError, WeightTamperedError
from models.weights.catalog import WheelMember, get
from models.weights.checkpoints import Inert, convert, read_checkpoint


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _save(path: Path, content: Any, *, legacy: bool = False) -> Path:
    torch.save(content, path, _use_new_zipfile_serialization=not legacy)
    return path


class _Hostile:
    """Unpickled plainly, it would make a file."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("legacy", [False, True])
def test_a_hostile_pickle_is_refused_and_not_run(tmp_path: Path, *, legacy: bool) -> None:
    trace = tmp_path / "ran"
    content = {"model_state": {"w": torch.ones(2)}, "step": _Hostile(f"touch {trace}")}
    path = _save(tmp_path / "hostile.pt", content, legacy=legacy)
    with pytest.raises(RefusedCheckpointError, match=r"(posix|os)\.system"):
        read_checkpoint(path, sha256=_sha256(path))
    assert not trace.exists()
    torch.load(path, weights_only=False)
    assert trace.exists(), "the planted pickle does nothing, so the test proves nothing"


@pytest.mark.parametrize("name", ["builtins.eval", "builtins.getattr", "torch.load", "torch.hub.X"])
def test_names_beside_the_allowed_ones_are_refused(tmp_path: Path, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    path = tmp_path / "global.pt"
    body = f"c{module}\n{attribute}\n.".encode()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", body)
        archive.writestr("archive/version", "3\n")
    with pytest.raises(RefusedCheckpointError, match=attribute):
        read_checkpoint(path, sha256=_sha256(path))


def test_torchscript_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "script.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/constants.pkl", pickle.dumps(()))
    with pytest.raises(RefusedCheckpointError, match="TorchScript"):
        read_checkpoint(path, sha256=_sha256(path))


def test_a_tampered_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = _save(tmp_path / "weights.pt", {"model_state": {}, "step": 1})
    pinned = _sha256(path)
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(WeightTamperedError, match=pinned):
        read_checkpoint(path, sha256=pinned)


def test_a_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_checkpoint(tmp_path / "nothing.pt", sha256="0" * 64)


def test_a_text_file_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "text.pt"
    path.write_text("not a checkpoint")
    with pytest.raises(RefusedCheckpointError, match="could not be read"):
        read_checkpoint(path, sha256=_sha256(path))


@pytest.mark.parametrize("legacy", [False, True])
def test_weights_survive_conversion_to_the_bit(tmp_path: Path, *, legacy: bool) -> None:
    weights = collections.OrderedDict(a=torch.randn(3, 4), b=torch.arange(5.0)[::2])
    path = _save(tmp_path / "w.pt", weights, legacy=legacy)
    convert(path, tmp_path / "w.safetensors", conversion="state-dict", sha256=_sha256(path))
    converted = load_file(tmp_path / "w.safetensors")
    assert set(converted) == {"a", "b"}
    assert torch.equal(converted["a"], weights["a"])
    assert torch.equal(converted["b"], weights["b"])


def test_conversion_depends_on_the_content_alone(tmp_path: Path) -> None:
    path = _save(tmp_path / "w.pt", {"a": torch.ones(3)})
    for name in ("one", "two"):
        convert(path, tmp_path / name, conversion="state-dict", sha256=_sha256(path))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_training_library_s_object_becomes_inert(tmp_path: Path) -> None:
    path = tmp_path / "inert.pt"
    body = b"comegaconf.listconfig\nListConfig\n)\x81}X\x01\x00\x00\x00aK\x01sb."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}X\x01\x00\x00\x00k" + body[:-1] + b"s.")
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    found = read_checkpoint(path, sha256=_sha256(path))["k"]
    assert isinstance(found, Inert)
    assert found.state == {"a": 1}


@pytest.mark.parametrize("conversion", ["state-dict", "pyannote-segmentation"])
def test_every_conversion_refuses_a_hostile_checkpoint(tmp_path: Path, conversion: str) -> None:
    trace = tmp_path / "ran"
    content = {"state_dict": {"w": torch.ones(2)}, "x": _Hostile(f"touch {trace}")}
    path = _save(tmp_path / "hostile.pt", content)
    with pytest.raises(RefusedCheckpointError, match=r"(posix|os)\.system"):
        convert(path, tmp_path / "out", conversion=conversion, sha256=_sha256(path))
    assert not trace.exists()
    assert not (tmp_path / "out").exists()


def test_the_pinned_checkpoints_name_a_conversion_that_exists() -> None:
    from models.weights.checkpoints import CONVERSIONS

    for name in ("pyannote-segmentation-3", "campplus-voices"):
        (source,) = get(name).sources
        assert isinstance(source, WheelMember)
        assert source.conversion in CONVERSIONS
