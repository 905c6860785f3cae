"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import hypothesis
import pytest

from models.errors import WeightError
from models.weights.catalog import locate

ROOT = Path(__file__).resolve().parents[1]

# how long an example takes says how busy the machine is, and nothing of our code
hypothesis.settings.register_profile("untimed", parent=hypothesis.settings(), deadline=None)
hypothesis.settings.load_profile("untimed")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real inputs with known truth; skips where it is absent."""
    folder = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real inputs absent: set THINSLICE_TESTDATA (looked at {folder.name}/)")
    return folder


def _missing_weights() -> str:
    from flows.weights_desk import EMBEDDED

    for name in EMBEDDED:
        try:
            locate(name)
        except WeightError:
            return f"embedded weight {name} is not here: run `make setup`"
    return ""


needs_embedded_weights = pytest.mark.skipif(bool(_missing_weights()), reason=_missing_weights())
