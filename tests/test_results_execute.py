"""Planning: what is known of a session before, and beside, its stages."""

from __future__ import annotations

from pathlib import Path

from pipeline.paperwork.consent import Refusal
from pipeline.paperwork.session import SessionSpec
from pipeline.profile import Profile
from pipeline.results.execute import Job, _outputs, stage_of
from pipeline.results.store import Manifest, Store
from pipeline.stage import Absence
from pipeline.stages import STAGES

SPEC = SessionSpec.model_validate(
    {
        "id": "D07-05",
        "session": {"dyad": "D07", "number": 5, "client": "C07", "therapist": "T02"},
        "media": [{"file": "room.wav", "hears": ["mixed"]}],
    }
)
NO_VIDEO = Absence("video", "no_media", "The session has no video.")
NO_CONSENT = Absence("video", "no_consent", "The client did not agree.")
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


def test_a_refusal_has_words_for_the_page_and_codes_for_the_night(tmp_path):
    refused = {"analyse_video": Refusal("C07", "client", "analyse_video", "expired")}
    (landmarks,) = (stage for stage in STAGES if stage.name == "landmarks")
    found = job(tmp_path, refused)
    (absence,) = _outputs(found, landmarks, None, None, None).absences
    assert absence.sentence == "The client's agreement to the picture being analysed has expired."
    assert absence.remedy == "Register: client C07: analyse_video expired."


def test_a_refused_dial_is_not_said_to_be_missing(tmp_path):
    refused = {"dial_client": Refusal("C07", "client", "dial", "withdrawn")}
    (absence,) = job(tmp_path, refused, ratings=(NO_DIAL,)).absences()
    assert (absence.modality, absence.reason) == ("dial_client", "no_consent")
    assert absence.sentence == "The client has withdrawn the agreement to the ratings being used."


def test_every_table_knows_its_writer():
    assert {stage_of(name) for stage in STAGES for name in stage.writes} == {
        stage.name for stage in STAGES if stage.writes
    }
