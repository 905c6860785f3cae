"""Granting and withdrawing at the desk, and which register a run goes by."""

from __future__ import annotations

import datetime as dt

import pytest

from flows import cli, consent_desk
from flows.lock import alone
from pipeline.errors import InputError, StoreError
from pipeline.paperwork.consent import load_register, permitted, refusals
from pipeline.paperwork.session import SessionSpec, public_name
from pipeline.results.views import Output

SPEC = SessionSpec.model_validate(
    {
        "id": "D07-05",
        "session": {"dyad": "D07", "number": 5, "client": "C07", "therapist": "T02"},
        "media": [{"file": "room.wav", "hears": ["mixed"]}],
    }
)


@pytest.fixture
def register(tmp_path):
    path = tmp_path / "consent.toml"
    for person, role in (("C07", "client"), ("T02", "therapist")):
        consent_desk.grant(path, person, role, None, None, None, 'the "v2" text')
    return path


def test_what_is_granted_without_naming_scopes_is_enough_for_a_run(register):
    found = refusals(load_register(register), SPEC, consent_desk._today())
    assert permitted(SPEC, found) == SPEC
    assert set(found) == {"research", "exemplar"}


def test_a_new_grant_after_a_withdrawal_is_enough_again(register, tmp_path, monkeypatch):
    consent_desk.withdraw_person(register, tmp_path / "out", "C07", None)
    tomorrow = consent_desk._today() + dt.timedelta(days=1)
    monkeypatch.setattr(consent_desk, "_today", lambda: tomorrow)
    consent_desk.grant(register, "C07", "client", None, None, None, "")
    assert permitted(SPEC, refusals(load_register(register), SPEC, tomorrow)) == SPEC


def test_a_withdrawal_during_a_run_is_recorded_and_removes_nothing_yet(register, tmp_path):
    output = Output(tmp_path / "out")
    output.store.remember_people("s-0123abcd", "D07-05", {"client": "C07", "therapist": "T02"})
    with alone(output.root), pytest.raises(StoreError, match="withdraw again when the run"):
        consent_desk.withdraw_person(register, output.root, "C07", None)
    assert load_register(register).records[-1].decision == "withdrawn"
    assert output.store.session_folder("s-0123abcd").exists()
    assert "removed 0 artifacts" in "".join(
        consent_desk.withdraw_person(register, output.root, "C07", None)
    )
    assert not output.store.session_folder("s-0123abcd").exists()


def test_a_withdrawal_whose_folder_cannot_be_used_is_recorded_all_the_same(register, tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(StoreError, match=r"File exists.*Nothing has been removed yet"):
        consent_desk.withdraw_person(register, tmp_path / "out", "C07", None)
    assert load_register(register).records[-1].decision == "withdrawn"


def test_a_withdrawal_holds_the_folder_while_it_removes(register, tmp_path, monkeypatch):
    out = tmp_path / "out"
    out.mkdir()

    def removing(*_):
        with pytest.raises(InputError, match="in use"), alone(out):
            pass
        return []

    monkeypatch.setattr(consent_desk, "withdraw", removing)
    lines = consent_desk.withdraw_person(register, out, "C07", None)
    assert "nothing derived from C07" in lines[-1]


def test_sessions_of_several_folders_need_a_named_register(tmp_path):
    folders = [tmp_path / place / "D07-05" for place in ("a", "b")]
    for folder in folders:
        folder.mkdir(parents=True)
    with pytest.raises(InputError, match="name the register with --consent"):
        cli.run(folders, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert cli._register_beside(folders[:1]) == tmp_path / "a" / "consent.toml"


FACTS = '[session]\ndyad = "D1"\nnumber = 1\nclient = "{}"\ntherapist = "T02"\n'


@pytest.fixture
def clinic(tmp_path, register):
    """Sessions W04 and W05 of C14, and what was derived from them."""
    output = Output(tmp_path / "out")
    consent_desk.grant(register, "C14", "client", None, None, None, "")
    for name in ("W04", "W05"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "session.toml").write_text(FACTS.format("C14"))
        output.store.remember_people(public_name(name), name, {"client": "C14", "therapist": "T02"})
    return tmp_path


def left(clinic):
    return {
        name
        for name in ("W04", "W05")
        if Output(clinic / "out").store.session_folder(public_name(name)).exists()
    }


@pytest.mark.parametrize("session", ["W4", "w04", "W04 ", "WO4", "W\u201304"])
@pytest.mark.parametrize("person", ["C14", "c14 ", "C-14"])
def test_what_can_only_mean_one_session_removes_it(clinic, register, person, session):
    lines = consent_desk.withdraw_person(register, clinic / "out", person, [session])
    assert "removed" in lines[1]
    assert left(clinic) == {"W05"}
    record = load_register(register).records[-1]
    assert (record.person, record.exact) == ("C14", True)


@pytest.mark.parametrize(
    ("person", "sessions", "said"),
    [
        ("C41", None, "'C41' is not known here; the nearest is C14"),
        ("X99", None, "'X99' is not known here. It is recorded"),
        ("C14", ["W40"], "'W40' is not known here; the nearest is W04"),
        ("C14", ["Q99"], "'Q99' is not known here. It is recorded"),
        ("C07", ["W04"], "'W04' is not known here"),
    ],
)
def test_an_unknown_id_is_refused_and_its_refusal_kept(clinic, register, person, sessions, said):
    with pytest.raises(InputError, match=said):
        consent_desk.withdraw_person(register, clinic / "out", person, sessions)
    record = load_register(register).records[-1]
    assert (record.person, record.decision, record.exact) == (person, "withdrawn", False)
    assert left(clinic) == {"W04", "W05"}


def test_of_two_sessions_the_known_one_goes_and_the_other_is_told(clinic, register):
    with pytest.raises(InputError, match=r"removed 0 artifacts.*'Q99' is not known"):
        consent_desk.withdraw_person(register, clinic / "out", "C14", ["W04", "Q99"])
    assert left(clinic) == {"W05"}


@pytest.mark.parametrize("person", ["C4", "C-14", "CC14", "C014", "\u042114"])
def test_a_grant_of_what_only_looks_known_is_refused(clinic, register, person):
    before = load_register(register)
    if person != "C4":
        with pytest.raises(InputError, match=r"C14 is; nothing was recorded.* --new"):
            consent_desk.grant(register, person, "client", None, None, None, "")
        assert load_register(register) == before
    consent_desk.grant(register, person, "client", None, None, None, "", new=True)
    assert load_register(register).records[-1].person == person


def test_a_first_grant_is_recorded_and_the_known_spelling_is_kept(clinic, register):
    lines = consent_desk.grant(register, "C15", "client", None, ["W06"], None, "")
    assert lines[1] == "no session.toml beside consent.toml has C15, W06 yet"
    assert len(consent_desk.grant(register, " c14", "client", None, None, None, "")) == 1
    assert load_register(register).records[-1].person == "C14"


def test_declining_is_recorded_and_says_what_stays(clinic, register):
    lines = consent_desk.decline(register, "c14", None, ["dial"], None)
    assert lines[0].startswith("C14: declined dial; recorded in")
    assert "consent withdraw" in lines[1]
    lines = consent_desk.decline(register, "C19", None, None, None)
    assert lines[1] == "no session.toml beside consent.toml has C19"
    with pytest.raises(InputError, match=r"'CC14' is not .* nearest is C14.* read as C14 in W04"):
        consent_desk.decline(register, "CC14", None, None, None)
    last = load_register(register).records[-1]
    assert (last.person, last.role, last.decision) == ("CC14", "client", "declined")
