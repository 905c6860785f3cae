"""Default deny, by person, session and scope."""

import datetime as dt
import multiprocessing
import tempfile
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConsentError, InputError
from pipeline.paperwork import consent
from pipeline.paperwork.consent import Record, append_record, load_register, permitted, refusals
from pipeline.paperwork.session import RatingFile, SessionSpec
from pipeline.paperwork.session_media import Role

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
        "reasons": [{"file": "why.csv", "rater": rater} for rater in ("client", "therapist")],
        "guesses": {"file": "g.csv", "blinded": True},
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
    with pytest.raises(ConsentError, match=r"client C07: no record of consent to record$"):
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


DIALS = SPEC.model_copy(
    update={
        "ratings": [RatingFile(file=f"{rater}.csv", rater=rater) for rater in get_args(Role)],
    }
)
NO_DIAL = [scope for scope in ALL if scope != "dial"]


@pytest.mark.parametrize(
    ("client", "therapist", "left", "refused_as_a_whole"),
    [
        (ALL, ALL, ["client", "therapist"], False),
        (NO_DIAL, ALL, ["therapist"], False),
        (ALL, NO_DIAL, ["client"], False),
        (NO_DIAL, NO_DIAL, [], True),
    ],
)
def test_a_dial_goes_with_its_own_rater(tmp_path, client, therapist, left, refused_as_a_whole):
    records = record(scopes=client), record("T02", "therapist", scopes=therapist)
    found = refusals(register(tmp_path, *records), DIALS, DAY)
    assert [part.rater for part in permitted(DIALS, found).ratings] == left
    assert ("dial" in found) is refused_as_a_whole


@pytest.mark.parametrize("who", [("C07", "client"), ("T02", "therapist")])
@pytest.mark.parametrize("decision", ["declined", "withdrawn"])
def test_who_decided_against_storing_holds_the_session_back(tmp_path, who, decision):
    against = record(*who, decision=decision, scopes=["store"])
    found = refused(tmp_path, *BOTH, against)
    with pytest.raises(ConsentError, match=f"{who[0]}: store {decision}"):
        permitted(SPEC, found)


def test_a_grant_of_storing_that_ran_out_holds_the_session_back(tmp_path):
    ended = record(scopes=["store"], expires=DAY)
    with pytest.raises(ConsentError, match="C07: store expired"):
        permitted(SPEC, refused(tmp_path, *BOTH, ended))


def test_without_any_word_on_storing_the_session_goes_on(tmp_path):
    assert permitted(SPEC, refused(tmp_path, *BOTH)) == SPEC


@settings(deadline=None)  # it writes files
@given(
    person=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    rationale=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
)
@example(person='C"07', rationale='the "v2" text,\nC:\\forms\x7f\t\u2028')
def test_whatever_is_written_reads_back(person, rationale):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "consent.toml"
        written = record(person, rationale=rationale, sessions=[person])
        append_record(path, written)
        append_record(path, BOTH[1])
        assert load_register(path).records == (written, BOTH[1])


def test_a_record_that_would_not_read_back_leaves_the_register_alone(tmp_path, monkeypatch):
    path = tmp_path / "consent.toml"
    append_record(path, BOTH[0])
    before = path.read_bytes()
    monkeypatch.setattr(consent, "_as_toml", lambda _: '[[consent]]\nrationale = "the "v2""\n')
    with pytest.raises(InputError, match="not TOML"):
        append_record(path, BOTH[1])
    assert path.read_bytes() == before


def test_a_missing_register_denies(tmp_path):
    with pytest.raises(ConsentError, match="no consent register"):
        load_register(tmp_path / "consent.toml")


@pytest.mark.parametrize(
    "text",
    [
        "[[consent]]\nperson = 3\n",
        "[[consents]]\n",
        "[[consent]\n",
        '[[consent]]\nperson="C"\n',
        "consent = 3\n",
    ],
)
def test_a_register_that_cannot_be_read_is_an_error_not_a_grant(tmp_path, text):
    path = tmp_path / "consent.toml"
    path.write_text(text)
    with pytest.raises(InputError):
        load_register(path)


def test_an_end_before_the_beginning_is_an_error(tmp_path):
    path = tmp_path / "consent.toml"
    append_record(path, record(expires=dt.date(2027, 1, 1)))
    path.write_text(path.read_text().replace("2027-01-01", "2026-01-10"))
    with pytest.raises(InputError, match=r"expires.*2026-01-10 is not after date = 2026-01-10"):
        load_register(path)


def test_records_added_at_the_same_time_are_all_kept(tmp_path):
    path = tmp_path / "consent.toml"
    fresh = multiprocessing.get_context("spawn")
    with fresh.Pool(4) as pool:
        added = [record(f"C{i:02}", decision="withdrawn") for i in range(24)]
        pool.starmap(append_record, [(path, one) for one in added], chunksize=1)
    assert sorted(one.person for one in load_register(path).records) == [
        one.person for one in added
    ]


WRITTEN = """
[[consent]]
person = "C07"
role = "client"
sessions = "*"
scopes = ["record"]
decision = "granted"
date = 2026-01-10
"""


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("[[consent]]", "[consent]"), r"\[\[consent\]\]"),
        (('"*"', '"N01-01"'), r'record 1: sessions; allowed: "\*" for all, or a list [^;]*$'),
        (("2026-01-10", '"2026-01-10"'), "date = '2026-01-10': a date stands without quotes"),
        (("decision", "decison"), "decison is not a key .*; did you mean 'decision'"),
        (('["record"]', '"record"'), "scopes = 'record': allowed: a list in square brackets"),
    ],
)
def test_a_mistake_in_the_register_is_told_with_its_remedy(tmp_path, change, complaint):
    path = tmp_path / "consent.toml"
    path.write_text(WRITTEN)
    assert len(load_register(path).records) == 1
    path.write_text(WRITTEN.replace(*change))
    with pytest.raises(InputError, match=complaint):
        load_register(path)


def test_a_register_in_another_encoding_is_named_with_its_line(tmp_path):
    path = tmp_path / "consent.toml"
    path.write_bytes(WRITTEN.replace("C07", "Müller").encode("cp1252"))
    with pytest.raises(InputError, match="line 3: byte 0xfc is not UTF-8; save"):
        load_register(path)


def test_appending_keeps_what_was_there_and_a_backup(tmp_path):
    path = tmp_path / "consent.toml"
    append_record(path, BOTH[0])
    before = path.read_text()
    append_record(path, BOTH[1])
    assert path.read_text().startswith(before.rstrip())
    assert path.with_suffix(".toml.bak").read_text() == before
    assert load_register(path).records == BOTH


def test_a_session_that_shows_nobody_needs_no_video_consent(tmp_path):
    sound = SPEC.model_copy(update={"media": [SPEC.media[0].model_copy(update={"shows": []})]})
    scopes = [s for s in ALL if s != "analyse_video"]
    both = (record(scopes=scopes), record("T02", "therapist", scopes=scopes))
    assert "analyse_video" not in refusals(register(tmp_path, *both), sound, DAY)


@pytest.mark.parametrize(
    ("silent", "reasons"),
    [(None, ["client", "therapist"]), ("C07", ["therapist"]), ("T02", ["client"])],
)
def test_reasons_need_their_raters_dial_scope_and_guesses_both(tmp_path, silent, reasons):
    without = [scope for scope in ALL if scope != "dial"]
    records = [
        record(person, role, scopes=without if person == silent else ALL)
        for person, role in (("C07", "client"), ("T02", "therapist"))
    ]
    allowed = permitted(SPEC, refused(tmp_path, *records))
    assert [part.rater for part in allowed.reasons] == reasons
    assert (allowed.guesses is None) == (silent is not None)
