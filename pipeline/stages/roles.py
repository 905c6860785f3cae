"""Which voice is the client's and which the therapist's.

In this order: microphones that one person each wears, who speaks first as a person states it in
session.toml, roles stated by the transcript, and last a guess from how the two talk, which abstains
where it is unsure. Where two statements contradict each other, roles are unknown. Caveat: the
guess was made for talk in which one side mostly asks; its pronouns are the lexicon's, its weights
[ours], in `_evidence`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import tables
from pipeline.language.lexicon import tokens
from pipeline.paperwork.session import SessionSpec, own_channels
from pipeline.settings import RolesSettings
from pipeline.stage import Absence, Inputs, Outputs, Stage
from pipeline.voice.microphones import kept_apart

VERSION = 4
"""Raise when the numbers can change."""

Role = Literal["client", "therapist", "unknown"]
OTHER: dict[str, Role] = {"client": "therapist", "therapist": "client"}

FIRST_TURN_MIN_S = 1.0
"""A cough or a crackle is nobody's first turn [ours]."""

MAIN_SHARE = 0.1
"""Of three voices, one with less of the speech than this does not count for a guess [ours]."""


@dataclass(frozen=True, slots=True)
class Guess:
    """Roles by voice, how sure, and where from."""

    roles: Mapping[int, Role]
    confidence: float
    method: str


NO_GUESS = Guess({}, 0.5, "none")


def run(inputs: Inputs, engine: None, settings: RolesSettings) -> Outputs:  # noqa: ARG001
    """One row per voice; both unknown, and an absence, where the evidence is too thin."""
    turns, words = inputs.tables["speaker_turns"], inputs.tables["words"]
    shares = _speech_shares(turns)
    voices = _in_order(shares)
    if not voices:
        absence = Absence("roles", "no_speech", "Roles are unknown: no speech was found.")
        return Outputs({"roles": tables.ROLE_ASSIGNMENT.empty()}, absences=(absence,))
    stated = [_from_microphones(inputs, voices), _from_session(inputs.spec, turns, voices)]
    stated = [*stated, _from_transcript(words, voices)]
    statements = [one for one in stated if one is not None]
    disputed = _contradict(statements, settings.confidence_min)
    main = [voice for voice in voices if shares[voice] >= MAIN_SHARE or len(voices) == 2]
    guess = statements[0] if statements else _from_talk(turns, words, main, settings)
    if disputed:
        guess = NO_GUESS
    known = guess.confidence >= settings.confidence_min and len(guess.roles) > 0
    rows = [
        {
            "session_id": inputs.spec.id,
            "speaker": voice,
            "role": guess.roles.get(voice, "unknown") if known else "unknown",
            "confidence": guess.confidence,
            "method": guess.method if known else "none",
        }
        for voice in voices
    ]
    why = disputed or _unsure(guess.confidence, settings.confidence_min)
    absences = () if known else (Absence("roles", "no_role", why),)
    return Outputs({"roles": tables.ROLE_ASSIGNMENT.build_rows(rows)}, absences=absences)


def _speech_shares(turns: pa.Table) -> dict[int, float]:
    """Part of all voices' speech that is each voice's."""
    spoken = turns.group_by("speaker").aggregate([("phonation_s", "sum")]).to_pylist()
    total = sum(row["phonation_s_sum"] for row in spoken)
    return {row["speaker"]: row["phonation_s_sum"] / total for row in spoken}


def _in_order(shares: Mapping[int, float]) -> list[int]:
    """Two voices by number; of more, who speaks most first: the other role is one of these's."""
    if len(shares) <= 2:
        return sorted(shares)
    return sorted(shares, key=lambda voice: (-shares[voice], voice))


def _unsure(confidence: float, minimum: float) -> str:
    return (
        f"Which voice is the client's could not be told (confidence {confidence:.2f}, needed "
        f"{minimum:.2f}); give first_speaker in session.toml."
    )


_SAID_BY = {
    "channel": "the microphones named in session.toml (hears)",
    "session_toml": "first_speaker in session.toml",
    "transcript": "the roles stated in the transcript ({confidence:.0%} of its words)",
}


def _contradict(statements: Sequence[Guess], minimum: float) -> str:
    """What to tell the user where two statements contradict each other; empty where none does."""
    sure = [one for one in statements if one.confidence >= minimum]
    for one, other in combinations(sure, 2):
        if one.roles != other.roles:
            first, second = (
                _SAID_BY[g.method].format(confidence=g.confidence) for g in (one, other)
            )
            return (
                f"Which voice is the client's is disputed: {first} and {second} contradict each "
                "other; correct session.toml, or leave first_speaker out."
            )
    return ""


def _from_session(spec: SessionSpec, turns: pa.Table, voices: list[int]) -> Guess | None:
    """`first_speaker`: who first takes the floor for a second or more has that role.

    Where no turn is that long, who first takes the floor; a second voice has the other role.
    """
    stated = spec.session.first_speaker
    if stated is None:
        return None
    held = [row for row in turns.sort_by("start_s").to_pylist() if row["takes_floor"]]
    long = [row for row in held if row["end_s"] - row["start_s"] >= FIRST_TURN_MIN_S]
    first = (long or held)[0]["speaker"]
    return Guess(_pair(first, stated, voices), 1.0, "session_toml")


def _from_transcript(words: pa.Table, voices: list[int]) -> Guess | None:
    """Roles the transcript states, weighed by the time of the words each voice says."""
    spoken = {(voice, role): 0.0 for voice in voices for role in OTHER}
    columns = (words.column(n).to_pylist() for n in ("start_s", "end_s", "speaker", "stated_role"))
    for start, end, speaker, role in zip(*columns, strict=True):
        if (speaker, role) in spoken:
            spoken[speaker, role] += max(end - start, 0.01)
    total = sum(spoken.values())
    if total == 0:
        return None
    fits = [(_agreement(_pair(voices[0], role, voices), spoken), role) for role in OTHER]
    agreement, role = max(fits)
    return Guess(_pair(voices[0], role, voices), agreement / total, "transcript")


def _agreement(roles: Mapping[int, Role], spoken: Mapping[tuple[int, str], float]) -> float:
    return sum(spoken.get(pair, 0.0) for pair in roles.items())


def _from_microphones(inputs: Inputs, voices: list[int]) -> Guess | None:
    """A microphone each, where they keep the voices apart: the voice's number is its channel."""
    worn = own_channels(inputs.spec)
    if not worn or not kept_apart(inputs.tables["quality"]):
        return None
    # a voice heard while its microphone was off, that fits neither channel, has a number above them
    return Guess({voice: worn[voice] for voice in voices if voice < len(worn)}, 1.0, "channel")


def _from_talk(
    turns: pa.Table, words: pa.Table, voices: list[int], settings: RolesSettings
) -> Guess:
    """Guess from questions, pronouns, talk share and who opens; 0.5 = no evidence."""
    if len(voices) != 2:
        return Guess({}, 0.5, "heuristic")
    first, second = (_evidence(turns, words, voice, settings) for voice in voices)
    evidence = first - second
    confidence = 1.0 / (1.0 + math.exp(-abs(evidence)))
    role = "therapist" if evidence > 0 else "client"
    # a guess is never as sure as a statement
    return Guess(_pair(voices[0], role, voices), min(confidence, 0.95), "heuristic")


def _evidence(turns: pa.Table, words: pa.Table, voice: int, settings: RolesSettings) -> float:
    """How much one voice talks like the one who asks; log-odds, to be compared between voices.

    Rates are shrunk towards each other by pseudo-counts, so that few words say little. Turns alone
    (talk share, opening) stay below any useful confidence.
    """
    held = [row for row in turns.to_pylist() if row["takes_floor"]]
    mine = [row for row in held if row["speaker"] == voice]
    talk = sum(row["phonation_s"] for row in mine)
    everyone = sum(row["phonation_s"] for row in held)
    texts = words.filter(pc.equal(words.column("speaker"), voice))
    spoken = [text for text in texts.column("text").to_pylist() if text]
    said = [token for text in spoken for token in tokens(text)]
    asked = sum(text.rstrip("\"')").endswith("?") for text in spoken)
    you = sum(token in settings.second_person for token in said)
    me = sum(token in settings.first_person for token in said)
    opens = bool(held) and held[0]["speaker"] == voice
    return (
        1.0 * math.log((asked + 2) / (len(mine) + 4))
        + 1.0 * math.log((you + 5) / (me + 5))
        - 0.5 * (talk / everyone if everyone else 0.5)
        + 0.3 * opens
    )


def _pair(voice: int, role: str, voices: list[int]) -> dict[int, Role]:
    """`voice` has `role`; a single other voice has the other role; further voices stay unknown."""
    given: dict[int, Role] = {voice: OTHER[OTHER[role]]}
    others = [other for other in voices if other != voice]
    if others:
        given[others[0]] = OTHER[role]
    return given


STAGE = Stage(
    name="roles",
    version=VERSION,
    run=run,
    settings=RolesSettings,
    reads=("speaker_turns", "words", "quality"),
    writes=("roles",),
    sources=("session", "media"),
    modality="roles",
    without="It is not known who is who",
)
