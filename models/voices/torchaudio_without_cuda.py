"""Let torchaudio be imported beside a CPU-only torch.

The packaged torchaudio links CUDA's libraries when it is imported and fails without them. pyannote
uses its pure-Python parts only, so on a torch without CUDA the compiled extension is replaced by an
empty one that says it is not available. Import this module before torchaudio or pyannote.audio.
"""

from __future__ import annotations

import sys
import types

import torch


def _nothing(*_: object, **__: object) -> None:
    """Stand in for a check or a loader that has nothing to do."""


def _install() -> None:
    extension = types.ModuleType("torchaudio._extension")
    absent = {"_IS_TORCHAUDIO_EXT_AVAILABLE": False, "_IS_ALIGN_AVAILABLE": False}
    loaders = ("_check_cuda_version", "fail_if_no_align", "lazy_import_sox_ext", "_load_lib")
    for name, value in {**absent, **dict.fromkeys(loaders, _nothing)}.items():
        setattr(extension, name, value)
    sys.modules["torchaudio._extension"] = extension


if torch.version.cuda is None and "torchaudio" not in sys.modules:
    _install()
