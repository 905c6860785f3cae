"""Refusals typed by hand in every spelling: what a night makes of each.

    python -m bench.refusals

A made clinic of one session whose two people have agreed to everything. One refusal is added, in
another spelling each time, and the night is prepared. `published` must be 0, and no row silent.
"""

from __future__ import annotations

import datetime as dt
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench.made.spellings import near, respelt
from flows.folders import session_folders
from flows.prepare import Work, prepare
from pipeline.paperwork.consent import SCOPES, Record, append_record
from pipeline.profile import Profile
from pipeline.results.views import Output

CLIENT, THERAPIST, SESSION = "Bär-10", "T02", "W04"
FACTS = '[session]\ndyad = "D1"\nnumber = 1\nclient = "{}"\ntherapist = "{}"\n'
MEDIA = '[[media]]\nfile = "room.wav"\nhears = ["mixed"]\n'
GENERATED = 200


@dataclass(frozen=True)
class Refusal:
    """One way to type it."""

    kind: str
    person: str = CLIENT
    session: str = "*"
    link: str = ""
    """A link to the session's folder, if the night goes by one."""


def named() -> Iterator[Refusal]:
    """The spellings that were reported."""
    yield Refusal("blank behind the person", CLIENT + " ")
    yield Refusal("person in small letters", CLIENT.lower())
    yield Refusal("decomposed umlaut", unicodedata.normalize("NFD", CLIENT))
    yield Refusal("session in small letters", session=SESSION.lower())
    yield Refusal("session without its zero", session="W4")
    yield Refusal("a linked folder's own name", session="rec0012", link=SESSION)
    yield Refusal("the link's name", session=SESSION, link="rec0012")


def listed() -> Iterator[Refusal]:
    """Every kind of slip, of the person and of the session."""
    for kind, written in near(CLIENT).items():
        yield Refusal(f"person, {kind}", written)
    for kind, written in near(SESSION).items():
        yield Refusal(f"session, {kind}", session=written)


def generated(count: int, seed: int = 1) -> Iterator[Refusal]:
    """Spellings a person would take for the same id, of the person, the session or both."""
    chance = Random(seed)
    for _ in range(count):
        of = chance.choice(("person", "session", "both"))
        person = respelt(chance, CLIENT) if of != "session" else CLIENT
        yield Refusal(of, person, respelt(chance, SESSION) if of != "person" else "*")


def night(refusal: Refusal, place: Path) -> Work:
    """The night after it was typed, prepared in an empty folder."""
    folder = place / ("vault" if refusal.link else "recordings") / _folder_of(refusal)
    folder.mkdir(parents=True)
    (folder / "session.toml").write_text(FACTS.format(CLIENT, THERAPIST) + MEDIA)
    (folder / "room.wav").write_bytes(b"RIFF")
    recordings = place / "recordings"
    if refusal.link:
        recordings.mkdir()
        (recordings / refusal.link).symlink_to(folder)
    register = recordings / "consent.toml"
    for person, role in ((CLIENT, "client"), (THERAPIST, "therapist")):
        append_record(register, _record(person, role, "granted", "*", dt.date(2026, 1, 1)))
    said = _record(refusal.person, "client", "withdrawn", refusal.session, dt.date(2026, 2, 1))
    append_record(register, said)
    return prepare(
        session_folders(recordings),
        consent=register,
        profile=Profile(),
        output=Output(place / "out"),
        run_id="run",
        day=dt.date(2026, 3, 2),
    )


def outcome(refusal: Refusal) -> tuple[bool, str]:
    """Whether the session would be published, and what is said of it."""
    place = Path(tempfile.mkdtemp())
    try:
        work = night(refusal, place)
    finally:
        shutil.rmtree(place)
    said = [one.sentence for one in work.outcomes.values()]
    return bool(work.jobs), "; ".join(said)


def _folder_of(refusal: Refusal) -> str:
    """With a link, the folder has the other of the two names."""
    return {"": SESSION, SESSION: "rec0012"}.get(refusal.link, SESSION)


def _record(person: str, role: str, decision: str, session: str, date: dt.date) -> Record:
    return Record.model_validate(
        {
            "person": person,
            "role": role,
            "decision": decision,
            "sessions": session if session == "*" else [session],
            "scopes": list(SCOPES),
            "date": date,
        }
    )


def main() -> None:
    """Print the table and the counts."""
    for title, refusals in (("reported", named()), ("by kind of slip", listed())):
        rows = [(one, *outcome(one)) for one in refusals]
        print(f"{title}: {len(rows)} spellings, {sum(row[1] for row in rows)} published, "
              f"{sum(not row[2] for row in rows)} silent")  # fmt: skip
        for one, through, said in rows:
            typed = f"{one.person!a} {'' if one.session == '*' else ascii(one.session)}"
            print(f"  {one.kind:<28} {typed:<34} {'PUBLISHED' if through else 'held'}  {said}")
    ends = [outcome(one) for one in generated(GENERATED)]
    print(f"generated: {len(ends)} spellings, {sum(through for through, _ in ends)} published, "
          f"{sum(not said for _, said in ends)} silent")  # fmt: skip


if __name__ == "__main__":
    main()
