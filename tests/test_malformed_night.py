"""One malformed session in a night of ten: nine go on, and it says what is wrong with it."""

from __future__ import annotations

import datetime as dt
import json

import pytest

from bench.malformed import KINDS, SESSIONS, clinic
from flows.folders import session_folders
from flows.prepare import prepare
from flows.summary import as_data, write_summary
from pipeline.profile import Profile
from pipeline.results.views import Output

COSTS_A_PART = ("caption", "STM", "JSON", "dial")
"""What these spoil is a transcript or a dial, and no session."""


@pytest.mark.parametrize("kind", KINDS)
def test_nine_of_ten_go_on(tmp_path, kind):
    folders = clinic(tmp_path / "recordings", b"RIFF")
    KINDS[kind](folders[4])
    work = prepare(
        session_folders(tmp_path / "recordings"),
        consent=tmp_path / "recordings" / "consent.toml",
        profile=Profile(),
        output=Output(tmp_path / "out"),
        run_id="20261122T164748-a26d",
        day=dt.date(2026, 3, 2),
    )
    others = {job.spec.id for job in work.jobs.values()} - {folders[4].name}
    assert others == {folder.name for folder in folders} - {folders[4].name}
    write_summary(work)
    assert json.loads(json.dumps(as_data(work)))["sessions"] == as_data(work)["sessions"]
    if any(part in kind for part in COSTS_A_PART) or kind == "an empty recording":
        assert len(work.jobs) == SESSIONS  # the stage that reads it says so
        return
    ((outcome),) = work.outcomes.values()
    assert outcome.state == "failed"
    assert 20 < len(outcome.sentence) < 500
    assert "cannot be prepared" not in outcome.sentence
