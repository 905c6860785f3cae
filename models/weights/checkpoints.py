"""Old pickled checkpoints become safetensors. This is the only module that reads a pickle.

Unpickling can run any code, so it happens once, at fetch time, on a file whose sha256 is pinned
(for a folder whose files have no published hash, on loading), and always through an unpickler that
knows three kinds of names: tensors and plain collections, which it
builds; bookkeeping of training libraries, which it replaces with inert objects; everything else,
which it refuses before anything is called. (`torch.load(weights_only=True)` refuses the pyannote
file, and the plain load would import omegaconf and pytorch_lightning and run what they define.)
"""

from __future__ import annotations

import collections
import hashlib
import json
import os
import pickle
import types
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from models.errors import RefusedCheckpointError, WeightTamperedError

METADATA_KEY = "thinslice"
"""The one metadata entry of a converted file. One, because safetensors does not order entries and
the sha256 of the result is pinned."""

_BUILT: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "defaultdict"): collections.defaultdict,
    ("torch._utils", "_rebuild_tensor_v2"): torch._utils._rebuild_tensor_v2,  # noqa: SLF001
    **{
        (module, name): built
        for module in ("builtins", "__builtin__")
        for name, built in {
            "dict": dict,
            "list": list,
            "set": set,
            "tuple": tuple,
            "int": int,
            "long": int,
            "float": float,
            "str": str,
        }.items()
    },
}
_INERT_PACKAGES = ("omegaconf", "pytorch_lightning", "lightning", "lightning_fabric", "pyannote")
_INERT_NAMES = {("typing", "Any"), ("torch.torch_version", "TorchVersion")}


class Inert:
    """Stands for an object of a library that is not imported: keeps its state, does nothing."""

    def __init__(self, *args: object, **_: object) -> None:
        self.args = args
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in _BUILT:
            return _BUILT[module, name]
        if module == "torch" and name.endswith("Storage") and "." not in name:
            return getattr(torch, name)
        if (module, name) in _INERT_NAMES or module.split(".", maxsplit=1)[0] in _INERT_PACKAGES:
            return type(name, (Inert,), {})
        message = (
            f"The checkpoint asks for {module}.{name}, which is not on the allow-list; nothing of "
            "it was run. Delete the file: a checkpoint of plain weights has no need of that."
        )
        raise RefusedCheckpointError(message)


def read_checkpoint(path: Path, *, sha256: str | None = None) -> dict[str, Any]:
    """Read a pickled torch checkpoint without running code of its choosing.

    Parameters
    ----------
    path
        A `torch.save` file, zip or legacy.
    sha256
        What the file must hash to, checked before a byte is unpickled. None where no hash is
        published: then the allow-list alone stands guard.

    Returns
    -------
    The outermost dict. Objects of training libraries in it are `Inert`.

    Raises
    ------
    WeightTamperedError
        The hash differs.
    RefusedCheckpointError
        The file asks for code, is TorchScript (compiled code), or is no torch checkpoint.

    """
    if sha256 is not None:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
        if found != sha256:
            message = f"{path} hashes to {found}, expected {sha256}. Delete it and fetch again."
            raise WeightTamperedError(message)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if any(name.endswith("/constants.pkl") for name in archive.namelist()):
                message = f"{path} is TorchScript, which is code. Only plain weights are read."
                raise RefusedCheckpointError(message)
    # `torch.load` takes a module; it uses these three names of it and no other.
    reader = types.ModuleType("restricted_pickle")
    reader.Unpickler = _RestrictedUnpickler  # type: ignore[attr-defined]
    reader.load = lambda file, **options: _RestrictedUnpickler(file, **options).load()  # type: ignore[attr-defined]
    try:
        content = torch.load(path, map_location="cpu", pickle_module=reader, weights_only=False)
    except (pickle.UnpicklingError, EOFError, KeyError, AttributeError, RuntimeError) as error:
        message = f"{path} could not be read as a torch checkpoint: {error}"
        raise RefusedCheckpointError(message) from error
    if not isinstance(content, dict):
        message = f"{path} holds a {type(content).__name__}, expected a dict with weights."
        raise RefusedCheckpointError(message)
    return content


def _pyannote(content: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Weights of a pyannote.audio segmentation network, and the numbers needed to rebuild it.

    The task's own description is a library object, read here as `Inert`; of it we keep the window
    in seconds, how many speakers are told apart in one and how many may speak at once, where the
    network names sets of them (powerset; Plaquet & Bredin 2023).
    """
    hyper = {
        key: value
        for key, value in content["hyper_parameters"].items()
        if key in {"sincnet", "lstm", "linear"}
    }
    task = content["pyannote.audio"]["specifications"].state
    return content["state_dict"], {
        "hyper_parameters": hyper,
        "classes": len(task["classes"]),
        "at_once": task.get("powerset_max_classes"),
        "duration_s": float(task["duration"]),
    }


def _state_dict(content: Mapping[str, Any]) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """A checkpoint that is nothing but its weights."""
    return content, {}


Extract = Callable[[Mapping[str, Any]], tuple[Mapping[str, Any], dict[str, Any]]]
CONVERSIONS: dict[str, Extract] = {
    "pyannote-segmentation": _pyannote,
    "state-dict": _state_dict,
}
"""Catalog name of a conversion -> what it takes from the outermost dict."""


def convert(source: Path, destination: Path, *, conversion: str, sha256: str) -> None:
    """Write the weights in `source` to `destination` as safetensors.

    The result depends on the content only, so its own sha256 can be pinned. What else the network
    needs to be rebuilt stands as JSON in the file's metadata.

    Raises
    ------
    KeyError
        `conversion` is none of `CONVERSIONS`.
    WeightTamperedError, RefusedCheckpointError
        As `read_checkpoint`.

    """
    weights, metadata = CONVERSIONS[conversion](read_checkpoint(source, sha256=sha256))
    tensors = {name: tensor.contiguous().clone() for name, tensor in weights.items()}
    partial = destination.with_name(f"{destination.name}.partial-{os.getpid()}")
    save_file(tensors, partial, {METADATA_KEY: json.dumps(metadata, sort_keys=True)})
    partial.replace(destination)
