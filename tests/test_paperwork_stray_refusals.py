"""A refusal never fails open: whom one that names nobody may mean, and that it only ever closes."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.made.spellings import near
from pipeline.errors import ConsentError
from pipeline.paperwork.consent import SCOPES, Record, Register, permitted, refusals
from pipeline.paperwork.ids import normal
from pipeline.paperwork.session import SessionSpec
from pipeline.paperwork.stray_refusals import KnownSession

DAY = dt.date(2026, 3, 2)
PEOPLE = {"W04": ("C10", "T02"), "W11": ("C11", "T02"), "W12": ("C07", "T03")}


def spec_of(session_id, client, therapist):
    return SessionSpec.model_validate(
        {
            "id": session_id,
            "session": {"dyad": "D1", "number": 1, "client": client, "therapist": therapist},
            "media": [{"file": "room.mp4", "hears": ["mixed"], "shows": ["client"]}],
            "transcript": {"file": "t.vtt"},
        }
    )


SPECS = [spec_of(session_id, *people) for session_id, people in PEOPLE.items()]
KNOWN = [
    KnownSession(
        spec.id,
        frozenset({normal(spec.id), normal(f"film-of-{spec.id}")}),
        {"client": spec.session.client, "therapist": spec.session.therapist},
    )
    for spec in SPECS
]


def record(person, decision="granted", *, sessions="*", scopes=SCOPES, **more):
    role = more.pop("role", "therapist" if person.startswith("T") else "client")
    date = more.pop("date", dt.date(2026, 1, 10))
    return Record(
        person=person,
        role=role,
        sessions=sessions,
        scopes=list(scopes),
        decision=decision,
        date=date,
        **more,
    )


GRANTS = tuple(record(one) for one in ("C10", "C11", "C07", "T02", "T03"))
LATER = dt.date(2026, 2, 1)


def runs(*records):
    """What consent lets through: (session, scope) pairs."""
    register = Register((*GRANTS, *records)).read_against(KNOWN)
    through = set()
    for spec in SPECS:
        refused = refusals(register, spec, DAY)
        try:
            permitted(spec, refused)
        except ConsentError:
            continue
        through |= {(spec.id, scope) for scope in SCOPES if scope not in refused}
    return through


def held(*records):
    """Sessions of which nothing goes through."""
    return {spec.id for spec in SPECS} - {session for session, _ in runs(*records)}


def notes(*records):
    return [one.note() for one in Register((*GRANTS, *records)).read_against(KNOWN).doubts]


@pytest.mark.parametrize("decision", ["declined", "withdrawn"])
@pytest.mark.parametrize(("kind", "written"), near("C10").items(), ids=ascii)
def test_a_refusal_of_a_person_holds_however_it_is_spelt(kind, written, decision):
    assert held(record(written, decision, date=LATER)) == {"W04"}, kind


@pytest.mark.parametrize("decision", ["declined", "withdrawn"])
@pytest.mark.parametrize(("kind", "written"), near("W04").items(), ids=ascii)
def test_a_refusal_of_a_session_holds_however_it_is_spelt(kind, written, decision):
    refusal = record("C10", decision, sessions=[written], date=LATER)
    assert held(refusal) == {"W04"}, kind


@pytest.mark.parametrize(
    ("refusal", "waits"),
    [
        (record("C11", "withdrawn", sessions=["film-of-W11"]), {"W11"}),  # a link's name
        (record("C99", "withdrawn", sessions=["W04"]), {"W04"}),  # the session is right
        (record("C11", "withdrawn", sessions=["W04"]), {"W04"}),  # and somebody else's
        (record("C17", "withdrawn"), {"W04", "W11", "W12"}),  # took back what nobody gave
        (record("C17", "declined"), set()),  # the next client, never recorded
        (record("C17", "withdrawn", exact=True), set()),
        (record("C7", "withdrawn", exact=True), {"W12"}),  # whatever it says, it looks like C07
        (record("C01", "withdrawn", sessions=["W41"]), {"W04", "W11"}),
        (record("Q55", "withdrawn"), set()),
        (record("T0", "withdrawn", role="client"), set()),  # no client is a therapist by one key
    ],
)
def test_whom_a_refusal_that_names_nobody_may_mean(refusal, waits):
    refusal = refusal.model_copy(update={"date": LATER})
    assert held(refusal) == waits
    assert len(notes(refusal)) == (not refusal.exact or bool(waits)) - (
        refusal.sessions == ["film-of-W11"]
    )


def test_it_is_told_with_the_likely_id_and_the_way_out():
    refusal = record("C7", "withdrawn", date=LATER)
    found = refusals(Register((*GRANTS, refusal)).read_against(KNOWN), SPECS[2], DAY)["record"]
    assert "record 6 of the register (withdrawn) names 'C7', which is nobody" in found.sentence()
    assert "means C07 in W12; mend its spelling, or, if another is meant, grant C07 again" in (
        found.sentence()
    )
    assert found.in_words() == "It is not certain that the client still agrees to being recorded."
    (note,) = notes(record("Q55", "declined"))
    assert "'Q55'" in note
    assert "nothing here is near it" in note
    assert "read as C07 in W12" in notes(refusal)[0]


def test_a_newer_grant_settles_the_doubt():
    assert held(record("C7", "withdrawn", date=LATER), record("C07", date=DAY)) == set()


def test_a_grant_is_never_widened():
    lone = Register((record("C7"), record("T03"))).read_against(KNOWN)
    assert refusals(lone, SPECS[2], DAY)["record"].state == "no record"


IDS = ["C07", "C7", "c10 ", "C1O", "C11", "C17", "T02", "t02", "Q1"]
SESSIONS = st.one_of(
    st.just("*"), st.lists(st.sampled_from(["W04", "w4", "W11", "film-of-w12", "W99"]), max_size=2)
)
RECORDS = st.builds(
    record,
    st.sampled_from(IDS),
    st.sampled_from(["granted", "declined", "withdrawn"]),
    sessions=SESSIONS,
    scopes=st.lists(st.sampled_from(SCOPES), min_size=1, unique=True),
    date=st.dates(dt.date(2025, 12, 1), dt.date(2026, 4, 1)),
    exact=st.booleans(),
)


@settings(deadline=None)
@given(st.lists(RECORDS, max_size=6), RECORDS.filter(lambda one: one.decision != "granted"))
def test_a_refusal_never_widens_what_runs(records, refusal):
    assert runs(*records, refusal) <= runs(*records)
