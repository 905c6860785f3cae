"""Which folders are sessions, what they are called, and which cannot be told apart."""

from __future__ import annotations

import pytest

from flows.folders import clashes, found, known_sessions, neighbours, session_folders
from pipeline.paperwork.ids import normal

FACTS = '[session]\ndyad = "D1"\nnumber = 1\nclient = "{}"\ntherapist = "T02"\n'
OF_SHARES = (
    "@eaDir",
    "#recycle",
    "$RECYCLE.BIN",
    "System Volume Information",
    "lost+found",
    "LOST+FOUND",
    ".Trash-1000",
    ".git",
    "__MACOSX",
    "~snapshot",
    "RECYCLER",
)


def session(place, name, client="C07"):
    (place / name).mkdir(parents=True)
    (place / name / "session.toml").write_text(FACTS.format(client))
    return place / name


def test_folders_that_shares_and_systems_make_are_no_sessions(tmp_path):
    for name in (*OF_SHARES, "W04", "Jane Doe 5"):
        session(tmp_path, name)
    assert [path.name for path in session_folders(tmp_path)] == ["Jane Doe 5", "W04"]


def test_a_session_has_the_names_of_every_link_on_the_way(tmp_path):
    real = session(tmp_path / "vault", "rec0012")
    place = tmp_path / "recordings"
    place.mkdir()
    (tmp_path / "C07-W4").symlink_to(real)
    (place / "W04").symlink_to(tmp_path / "C07-W4")
    (place / "second").symlink_to(real)
    (one,) = found(session_folders(place))
    assert one.folder == real
    assert one.names == ("rec0012", "W04", "C07-W4", "second")
    (asked,) = found([real], neighbours([real], place / "consent.toml"))
    assert {"W04", "second"} <= set(asked.names)
    (known,) = known_sessions([one])
    assert known.names == {normal(name) for name in one.names}


def test_whose_session_it_is_is_known_whatever_else_is_wrong_with_it(tmp_path):
    folder = session(tmp_path, "W04")
    (folder / "session.toml").write_text(FACTS.format(" c07 ") + "[[media]]\nflie = 3\n")
    (folder.parent / "W05").mkdir()
    (known,) = known_sessions(found(session_folders(tmp_path)))
    assert known.people == {"client": "c07", "therapist": "T02"}


@pytest.mark.parametrize(
    ("names", "clients", "granted", "told"),
    [
        (("W04", "w04"), ("C07", "C08"), (), ["2 folders have this id"] * 2),
        (
            ("W04", "W05"),
            ("C07", "c07"),
            (),
            ["client is spelt in 2 ways, 'C07' in session W04"] * 2,
        ),
        (("W04", "W05"), ("C07 ", "C07\u200b"), ("C07",), []),  # nobody can see a difference
        (("W04", "W05"), ("C07", "C08"), ("c07",), []),  # one spelling each
        (("W04", "W05"), ("C07", "C08"), ("c07", "C07"), ["spelt in 2 ways"]),
    ],
)
def test_who_cannot_be_told_apart_is_refused(tmp_path, names, clients, granted, told):
    for name, client in zip(names, clients, strict=True):
        session(tmp_path, name, client)
    sessions = found(session_folders(tmp_path))
    clash = clashes(sessions, known_sessions(sessions), granted)
    assert len(clash) == len(told)
    for sentence, error in zip(told, clash.values(), strict=True):
        assert sentence in str(error)


def test_a_link_that_leads_to_itself_ends_nothing(tmp_path):
    (tmp_path / "W04").symlink_to(tmp_path / "W04")
    assert session_folders(tmp_path) == []
    assert found([tmp_path / "W04"])[0].names[0] == "W04"
