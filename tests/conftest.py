"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real inputs with known truth; skips where it is absent."""
    folder = Path(os.environ.get("THINSLICE_TESTDATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"real inputs absent: set THINSLICE_TESTDATA (looked at {folder.name}/)")
    return folder
