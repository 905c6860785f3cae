"""Granting and withdrawing at the desk, and which register a run goes by."""

from __future__ import annotations

import datetime as dt

import pytest

from flows import cli, consent_desk
from flows.lock import alone
from pipeline.consent import load_register, permitted, refusals
from pipeline.errors import InputError, StoreError
from pipeline.session import SessionSpec
from pipeline.views import Output

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
