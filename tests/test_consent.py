"""Default deny, by person, session and scope."""

import datetime as dt

import pytest

from pipeline.consent import Record, append_record, load_register, permitted, refusals
from pipeline.errors import ConsentError, InputError
from pipeline.session import SessionSpec

DAY = dt.date(2026, 3, 2)
ALL = ["record", "analyse_audio", "analyse_video", "transcribe", "dial", "supervisor_view"]
SPEC = SessionSpec.model_validate(
    {
        "id": "D07-05",
        "session": {"dyad": "D07", "number": 5, "client": "C07", "therapist": "T02"},
        "media": [
            {"file": "room.mp4", "hears": ["mixed"], "shows": ["client"]},
            {"file": "face.mp4", "shows": ["client"]},
        ],
        "ratings": [{"file": "d.csv", "rater": "client"}],
        "transcript": {"file": "t.vtt"},
    }
)


def record(person="C07", role="client", decision="granted", scopes=ALL, **more):
    return Record(
        person=person,
        role=role,
        decision=decision,
        scopes=scopes,
        date=more.pop("date", dt.date(2026, 1, 10)),
        **more,
    )


def register(tmp_path, *records):
    path = tmp_path / "consent.toml"
    for entry in records:
        append_record(path, entry)
    return load_register(path)


def refused(tmp_path, *records, day=DAY):
    return refusals(register(tmp_path, *records), SPEC, day)


BOTH = (record(), record("T02", "therapist"))


def test_both_granted_refuses_only_what_nobody_granted(tmp_path):
    assert set(refused(tmp_path, *BOTH)) == {"store", "research", "exemplar"}


def test_nothing_recorded_refuses_everything(tmp_path):
    found = refused(tmp_path, record("T02", "therapist"))
    assert found["analyse_audio"].state == "no record"
    with pytest.raises(ConsentError, match="C07"):
        permitted(SPEC, found)


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (record(decision="withdrawn", date=dt.date(2026, 2, 1)), "withdrawn"),
        (record(decision="declined", date=dt.date(2026, 1, 10)), "declined"),
        (record(decision="withdrawn", date=dt.date(2026, 1, 10), sessions=["D07-05"]), "withdrawn"),
    ],
)
def test_a_later_or_same_day_refusal_decides(tmp_path, later, state):
    assert refused(tmp_path, *BOTH, later)["record"].state == state


def test_a_refusal_for_another_session_does_not_count(tmp_path):
    other = record(decision="withdrawn", date=dt.date(2026, 2, 1), sessions=["D07-06"])
    assert "record" not in refused(tmp_path, *BOTH, other)


def test_agreeing_again_after_a_withdrawal_counts(tmp_path):
    withdrawn = record(decision="withdrawn", date=dt.date(2026, 2, 1))
    again = record(date=dt.date(2026, 2, 20))
    assert "record" not in refused(tmp_path, *BOTH, withdrawn, again)


def test_consent_ends_on_the_day_it_expires(tmp_path):
    limited = record(expires=dt.date(2026, 3, 2))
    assert refused(tmp_path, limited, BOTH[1])["record"].state == "expired"
    assert "record" not in refusals(
        load_register(tmp_path / "consent.toml"), SPEC, dt.date(2026, 3, 1)
    )


def test_consent_given_later_does_not_reach_back(tmp_path):
    future = record(date=dt.date(2026, 4, 1))
    assert refused(tmp_path, future, BOTH[1])["record"].state == "not begun"


def test_without_video_consent_video_files_leave_the_session(tmp_path):
    audio_only = record(scopes=[s for s in ALL if s != "analyse_video"])
    allowed = permitted(SPEC, refused(tmp_path, audio_only, BOTH[1]))
    assert [part.file for part in allowed.media] == ["room.mp4"]
    assert allowed.media[0].shows == []


def test_video_needs_only_those_it_shows(tmp_path):
    unseen = record("T02", "therapist", scopes=[s for s in ALL if s != "analyse_video"])
    assert "analyse_video" not in refused(tmp_path, BOTH[0], unseen)


def test_dial_and_transcript_leave_without_their_scope(tmp_path):
    little = record(scopes=["record", "analyse_audio"])
    allowed = permitted(SPEC, refused(tmp_path, little, BOTH[1]))
    assert allowed.ratings == []
    assert allowed.transcript is None


def test_a_missing_register_denies(tmp_path):
    with pytest.raises(ConsentError, match="no consent register"):
        load_register(tmp_path / "consent.toml")


@pytest.mark.parametrize(
    "text",
    ["[[consent]]\nperson = 3\n", "[[consents]]\n", "[[consent]\n", '[[consent]]\nperson="C"\n'],
)
def test_a_register_that_cannot_be_read_is_an_error_not_a_grant(tmp_path, text):
    path = tmp_path / "consent.toml"
    path.write_text(text)
    with pytest.raises(InputError):
        load_register(path)


def test_appending_keeps_what_was_there_and_a_backup(tmp_path):
    path = tmp_path / "consent.toml"
    append_record(path, BOTH[0])
    before = path.read_text()
    append_record(path, BOTH[1])
    assert path.read_text().startswith(before.rstrip())
    assert path.with_suffix(".toml.bak").read_text() == before
    assert load_register(path).records == BOTH
