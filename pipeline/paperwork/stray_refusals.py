"""Refusals that name nobody here: whom they may mean.

A refusal is typed by hand, and a slip must not open what it was meant to close. A refusal that
matches nobody and no session is therefore read as meant for whoever is nearest, and those sessions
wait until a person has mended the record. A grant is never widened.

How far a refusal reaches: always to what looks the same. A slip of one key counts too, but the next
number is the next person's id, and people who decline are often never recorded: of neighbours only
a withdrawal is widened, because it takes back what somebody here must have given. ``exact = true``
in a record says that its ids are no slip; a newer grant of the person outranks it as any refusal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from pipeline.paperwork.ids import Likeness, likeness, normal

EVERY = "*"
MOST_TOLD = 6
"""Sessions named in one sentence."""


class Written(Protocol):
    """As much of a record as this needs; see `pipeline.paperwork.consent.Record`."""

    @property
    def person(self) -> str:
        """Whose refusal."""

    @property
    def role(self) -> str:
        """Of a client or a therapist."""

    @property
    def sessions(self) -> Literal["*"] | list[str]:
        """Of which sessions."""

    @property
    def decision(self) -> str:
        """granted, declined or withdrawn."""

    @property
    def exact(self) -> bool:
        """Its ids are no slip."""


R = TypeVar("R", bound=Written)


@dataclass(frozen=True, slots=True)
class KnownSession:
    """A session as far as a refusal can name it."""

    id: str
    names: frozenset[str]
    """Of its folder and of all links to it, in normal form."""
    people: Mapping[str, str]
    """Role -> id, as session.toml has it."""

    def has(self, person: str) -> bool:
        """Whether the person takes part."""
        return normal(person) in {normal(one) for one in self.people.values()}


@dataclass(frozen=True, slots=True)
class Doubt(Generic[R]):
    """One refusal of one session, or of all, that names nobody here."""

    record: R
    number: int
    """Its place in the register, from 1."""
    session: str
    """What it names; ``*`` for all."""
    likeness: Likeness
    likely: tuple[tuple[str, str], ...]
    """Session id and person it may mean; empty if nothing is near."""

    def may_mean(self, person: str, session_id: str) -> bool:
        """Whether that person's part in that session waits for it to be mended."""
        asked = normal(session_id), normal(person)
        return any((normal(session), normal(one)) == asked for session, one in self.likely)

    def sentence(self, person: str) -> str:
        """Why a session of that person waits, and the way out."""
        if self.likeness == Likeness.LOOKS:
            out = f"if another is meant, grant {person} again"
        else:
            out = "if it is right as it stands, add `exact = true` to it"
        return (
            f"{self._names()} and most likely means {self._means()}; mend its spelling, or, {out}"
        )

    def note(self) -> str:
        """For the night's summary."""
        if self.likely:
            return f"{self._names()}: read as {self._means()} until it is mended"
        return (
            f"{self._names()}, and nothing here is near it; mend its spelling, or, if it is right "
            "as it stands, add `exact = true` to it"
        )

    def _names(self) -> str:
        of = "" if self.session == EVERY else f" in session {self.session!r}"
        return (
            f"record {self.number} of the register ({self.record.decision}) names "
            f"{self.record.person!r}{of}, which is nobody here"
        )

    def _means(self) -> str:
        people = ", ".join(dict.fromkeys(person for _, person in self.likely))
        sessions = list(dict.fromkeys(session for session, _ in self.likely))
        more = f" and {len(sessions) - MOST_TOLD} more" if len(sessions) > MOST_TOLD else ""
        return f"{people} in {', '.join(sessions[:MOST_TOLD])}{more}"


def doubts_of(records: Sequence[R], known: Sequence[KnownSession]) -> Iterator[Doubt[R]]:
    """Every refusal that names nobody among the known sessions, in the register's order."""
    granted = {normal(one.person) for one in records if one.decision == "granted"}
    for number, record in enumerate(records, 1):
        if record.decision == "granted":
            continue
        for session in [EVERY] if record.sessions == EVERY else record.sessions:
            if _is_about_somebody(record, session, known):
                continue
            reach = _reach(record)
            among = Likeness.LOOKS if normal(record.person) in granted else reach
            near = list(_near(record, session, known, among, reach))
            best = min((how for how, _, _ in near), default=Likeness.OTHER)
            likely = tuple((one.id, who) for how, one, who in near if how == best)
            if likely or not record.exact:
                yield Doubt(record, number, session, best, likely)


def _is_about_somebody(record: Written, session: str, known: Iterable[KnownSession]) -> bool:
    return any(
        one.has(record.person) and (session == EVERY or normal(session) in one.names)
        for one in known
    )


def _reach(record: Written) -> Likeness:
    """The farthest likeness that counts."""
    if record.exact:
        return Likeness.LOOKS
    return Likeness.NEIGHBOUR if record.decision == "withdrawn" else Likeness.ONE_KEY


def _near(
    record: Written,
    session: str,
    known: Sequence[KnownSession],
    people: Likeness,
    sessions: Likeness,
) -> Iterator[tuple[Likeness, KnownSession, str]]:
    """How near, which session and whose part in it; `people` and `sessions` say how far."""
    named = [one for one in known if session != EVERY and normal(session) in one.names]
    own = [one for one in known if one.has(record.person)]
    for one in named:  # somebody refused for this very session
        near = list(_near_people(record, one, people))
        everyone = [(Likeness.NEIGHBOUR, who) for who in one.people.values()]
        for how, who in near or ([] if record.exact else everyone):
            yield how, one, who
    for one in own:
        how = _of_session(session, one)
        if how <= sessions:
            yield how, one, record.person
    for one in () if named or own else known:
        of_session = _of_session(session, one)
        if of_session <= sessions:
            for how, who in _near_people(record, one, people):
                yield max(how, of_session), one, who


def _near_people(
    record: Written, session: KnownSession, reach: Likeness
) -> Iterator[tuple[Likeness, str]]:
    """Nobody types a client's id for a therapist's by one key: T02 is not C02."""
    for role, who in session.people.items():
        how = likeness(record.person, who)
        if how <= reach and (how <= Likeness.LOOKS or role == record.role):
            yield how, who


def _of_session(written: str, session: KnownSession) -> Likeness:
    if written == EVERY:
        return Likeness.SAME
    return min((likeness(written, name) for name in session.names), default=Likeness.OTHER)
