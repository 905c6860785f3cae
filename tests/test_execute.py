"""Planning: what is known of a session before, and beside, its stages."""

from __future__ import annotations

from pathlib import Path

from pipeline.consent import Refusal
from pipeline.execute import Job, stage_of
from pipeline.session import SessionSpec
from pipeline.settings import Profile
from pipeline.stage import Absence
from pipeline.stages import STAGES
from pipeline.store import Manifest, Store

SPEC = SessionSpec.model_validate(
    {
        "id": "D07-05",
        "session": {"dyad": "D07", "number": 5, "client": "C07", "therapist": "T02"},
        "media": [{"file": "room.wav", "hears": ["mixed"]}],
    }
)
NO_VIDEO = Absence("video", "no_media", "The session has no video.")
NO_CONSENT = Absence("video", "no_consent", "Not consented: client C07: analyse_video declined.")
NO_DIAL = Absence("dial_client", "no_dial", "No dial of the client.")


def job(tmp_path, refused=None, **absences):
    done = {
        stage: Manifest(stage, "0" * 64, {}, {}, told, {"engine": ""})
        for stage, told in absences.items()
    }
    return Job(
        spec=SPEC,
        folder=Path(tmp_path),
        refused=refused or {},
        profile=Profile(),
        store=Store(tmp_path),
        recording=None,
        done=done,
    )


def test_absences_come_in_the_order_of_stages_each_once(tmp_path):
    found = job(tmp_path, ratings=(NO_DIAL,), landmarks=(NO_VIDEO,), ingest=(NO_VIDEO,))
    assert found.absences() == (NO_VIDEO, NO_DIAL)


def test_what_consent_takes_away_has_no_other_reason(tmp_path):
    refused = {"analyse_video": Refusal("C07", "client", "analyse_video", "declined")}
    found = job(tmp_path, refused, ingest=(NO_VIDEO,), landmarks=(NO_CONSENT,), ratings=(NO_DIAL,))
    assert found.absences() == (NO_CONSENT, NO_DIAL)


def test_every_table_knows_its_writer():
    assert {stage_of(name) for stage in STAGES for name in stage.writes} == {
        stage.name for stage in STAGES if stage.writes
    }
