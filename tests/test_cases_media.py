"""The recordings of shared/cases by their one telling figure; `cases_media` runs them in full."""

from __future__ import annotations

import pytest
from conftest import needs_embedded_weights

from tests.cases_media import case_folder, short_rows


@needs_embedded_weights
def test_every_recording_that_went_wrong_is_right():
    if case_folder() is None:
        pytest.skip("shared/cases is absent: none of its recordings can be read")
    for case, found, right, ok in short_rows():
        assert ok, f"{case}: {found}, not {right}"
