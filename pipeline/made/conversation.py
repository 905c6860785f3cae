"""The demo session: a made conversation whose truth is known, written as a session folder.

`make_plan` decides everything from a seed, `write_session` renders it. Voices, words, movements and
ratings are made up; only the portrait that is moved comes from elsewhere, and is read at run time.
The same generator feeds the tests.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from models.base import Audio, Image, Interval, Progress, TimedWord, silent
from pipeline.made.media import write_media
from pipeline.made.movements import FPS, Motion, plan_motion
from pipeline.made.planned_dials import (
    Dials,
    RatedStretch,
    carma_text,
    guesses_text,
    plan_dials,
    reasons_text,
    time_rating_text,
)
from pipeline.made.portrait import FindPoints
from pipeline.made.script import Block, Line, Utterance, write_script
from pipeline.made.spoken_lines import Clip, mix, speak_lines
from pipeline.made.texts import TRANSCRIPT, consent_text, session_text, transcript_text

FULL_MINUTES = 12.0
"""From this length on a session has the planned runs; rules may not fire before."""
LEAD_IN_S = 1.0
TAIL_S = 1.5
SHORTEST_PAUSE_S = 0.2
FIXED_GAZE_S = 45.0
FIXED_GAZE_SHARE_MAX = 0.2
RULE_OF_BLOCK: Mapping[Block, str] = {"slow_replies": "R4", "several_cues": "R6"}
BLOCKS_AT: Mapping[Block, float] = {"slow_replies": 0.30, "several_cues": 0.64}
"""Share of the session at which each planned run starts."""
FIXED_GAZE_AT = (0.18, 0.44, 0.88)
RATED_AT = ((0.13, 25.0), (0.24, -26.0), (0.46, 29.0), (0.58, -33.0), (0.80, 21.0), (0.94, -29.0))
"""(share of the session, points from the middle) of each rated stretch."""
RATED_S = 40.0
VERSION = 3
"""Raise it when the same seed makes another session."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is decided before a sample or a pixel is rendered."""

    seed: int
    duration_s: float
    utterances: tuple[Utterance, ...] = field(repr=False)
    clips: tuple[Clip, ...] = field(repr=False)
    motion: Motion
    dials: Dials

    def replies(self) -> list[tuple[Utterance, Utterance]]:
        """(therapist question, client reply) pairs, in order."""
        pairs = zip(self.utterances, self.utterances[1:], strict=False)
        return [(ask, reply) for ask, reply in pairs if ask.question and reply.role == "client"]

    def stretch(self, block: Block) -> Interval | None:
        """From the start of a planned run's first question to the end of its last reply."""
        inside = [u for u in self.utterances if u.block == block]
        return Interval(inside[0].start_s, inside[-1].end_s) if inside else None

    def pauses(self) -> list[dict[str, Any]]:
        """Planned pauses inside a turn, between one word and the next."""
        return [
            {"role": u.role, "start_s": before.end_s, "end_s": after.start_s}
            for u in self.utterances
            for before, after in pairwise(u.words)
            if after.start_s - before.end_s >= SHORTEST_PAUSE_S
        ]

    def truth(self) -> dict[str, Any]:
        """What was planted, as plain JSON values; times in seconds, angles in degrees."""
        stretches = [
            {"rule": rule, **asdict(span)}
            for block, rule in RULE_OF_BLOCK.items()
            if (span := self.stretch(block)) is not None
        ]
        return {
            "seed": self.seed,
            "duration_s": self.duration_s,
            "fps": FPS,
            "utterances": [
                {
                    "role": u.role,
                    "start_s": u.start_s,
                    "end_s": u.end_s,
                    "question": u.question,
                    "words": [asdict(word) for word in u.words if word.text],
                }
                for u in self.utterances
            ],
            "replies": [
                {"start_s": reply.start_s, "latency_s": reply.planned_gap_s, "block": reply.block}
                for _, reply in self.replies()
            ],
            "pauses": self.pauses(),
            "blinks": [asdict(blink) for blink in self.motion.blinks],
            "head_turns": [asdict(turn) for turn in self.motion.head_turns],
            "nods": [asdict(nod) for nod in self.motion.nods],
            "fixed_gaze": [asdict(span) for span in self.motion.fixed_gaze],
            "dial_lag_s": self.dials.lag_s,
            "dial_lows": [asdict(s) for s in self.dials.stretches if s.points < 0],
            "dial_highs": [asdict(s) for s in self.dials.stretches if s.points > 0],
            "guesses": {"planted": len(RATED_AT), "right": len(RATED_AT) - 1},
            "stretches": stretches,
        }


def make_plan(seed: int, minutes: float = 20.0) -> Plan:
    """Decide a whole session: script, gaps, movements and ratings. The same seed, the same plan.

    Parameters
    ----------
    seed : any non-negative integer.
    minutes : length, at least 2. From 12 minutes on it holds the two planned runs.

    Raises
    ------
    ValueError
        `minutes` below 2.
    RuntimeError
        The synthesiser is not installed, or failed.
    """
    if minutes < 2:
        message = f"a made session of {minutes} min is too short to plan; at least 2 min"
        raise ValueError(message)
    duration_s = round(60 * minutes * FPS) / FPS
    rng = np.random.default_rng(seed)
    blocks = BLOCKS_AT if minutes >= FULL_MINUTES else {}
    blocks_at = {block: share * duration_s for block, share in blocks.items()}
    lines = write_script(rng, duration_s, blocks_at=blocks_at)
    utterances, clips = lay_out(lines, speak_lines(lines), duration_s)
    spans = block_spans(utterances)
    motion = plan_motion(
        rng,
        duration_s,
        speaking=[Interval(u.start_s, u.end_s) for u in utterances if u.role == "client"],
        listening=[Interval(u.start_s, u.end_s) for u in utterances if u.role == "therapist"],
        fixed=fixed_gaze(duration_s, spans),
    )
    dials = plan_dials(rng, duration_s, rated_stretches(duration_s))
    return Plan(seed, duration_s, tuple(utterances), tuple(clips), motion, dials)


def lay_out(
    lines: Sequence[Line], clips: Sequence[Clip], duration_s: float
) -> tuple[list[Utterance], list[Clip]]:
    """Put the spoken lines one after another with their planned gaps, as many as there is room for.

    The last line is never an unanswered question.
    """
    utterances: list[Utterance] = []
    clock_s = LEAD_IN_S
    for line, clip in zip(lines, clips, strict=True):
        start_s = clock_s + (line.gap_s if utterances else 0.0)
        clock_s = start_s + clip.duration_s
        if clock_s > duration_s - TAIL_S:
            break
        words = tuple(
            TimedWord(start_s + word.start_s, start_s + word.end_s, word.text)
            for word in clip.words
        )
        utterances.append(
            Utterance(
                line.role,
                round(start_s, 4),
                round(clock_s, 4),
                line.plain_text,
                line.question,
                line.gap_s,
                line.block,
                words,
            )
        )
    while utterances and utterances[-1].question:
        utterances.pop()
    return utterances, list(clips[: len(utterances)])


def block_spans(utterances: Sequence[Utterance]) -> dict[Block, Interval]:
    """Where each planned run lies."""
    spans: dict[Block, Interval] = {}
    for u in utterances:
        if u.block != "usual":
            start_s = spans[u.block].start_s if u.block in spans else u.start_s
            spans[u.block] = Interval(start_s, u.end_s)
    return spans


def fixed_gaze(duration_s: float, spans: Mapping[Block, Interval]) -> list[Interval]:
    """Stretches of fixed gaze: the run of several cues, and some on their own, apart from runs.

    Only as many as leave the usual usual: were a quarter of a session still, no z could tell it.
    """
    length_s = min(FIXED_GAZE_S, 0.22 * duration_s)
    fixed = [spans["several_cues"]] if "several_cues" in spans else []
    for share in FIXED_GAZE_AT if spans else FIXED_GAZE_AT[1:2]:
        still_s = sum(span.end_s - span.start_s for span in fixed) + length_s
        if fixed and still_s > FIXED_GAZE_SHARE_MAX * duration_s:
            break
        fixed.append(Interval(share * duration_s, share * duration_s + length_s))
    return sorted(fixed, key=lambda span: span.start_s)


def rated_stretches(duration_s: float) -> list[RatedStretch]:
    """Where the client's dial is planned far from the middle."""
    length_s = min(RATED_S, 0.1 * duration_s)
    return [
        RatedStretch(share * duration_s - length_s / 2, share * duration_s + length_s / 2, points)
        for share, points in RATED_AT
    ]


def render_audio(plan: Plan) -> Audio:
    """The conversation at 44.1 kHz, shape (n,), in [-1, 1]."""
    starts_s = [u.start_s for u in plan.utterances]
    return mix(plan.clips, starts_s, plan.duration_s, plan.seed)


def write_session(
    plan: Plan,
    recordings: Path,
    *,
    face: Image | None = None,
    find_points: FindPoints | None = None,
    transcript: bool = False,
    progress: Progress = silent,
) -> Path:
    """Write a complete session folder below `recordings`, and a consent register if none is there.

    Parameters
    ----------
    plan : from `make_plan`.
    recordings : created if absent.
    face : portrait, shape (height, width, 3), RGB; None for a session with audio only.
    find_points : finds the 478 face points in it; needed with `face`.
    transcript : hand the planted words in, as a clinic with its own transcript would; else the
        session is recognised.
    progress : called as ``progress("rendering", share)``.

    Returns
    -------
    The session's folder. A complete one made earlier from the same seed, length and kind is
    kept as it is.

    Raises
    ------
    ValueError
        A portrait without `find_points`, or without a usable face.
    """
    folder = recordings / session_id(plan, face, transcript=transcript)
    done = folder / "truth.json"
    if done.exists():
        return folder
    folder.mkdir(parents=True, exist_ok=True)
    media = folder / ("room.m4a" if face is None else "room.mp4")
    write_media(
        media,
        render_audio(plan),
        plan.motion,
        face=face,
        find_points=find_points,
        progress=progress,
    )
    (folder / "dial_client.csv").write_text(carma_text(plan.dials.client, media.name))
    (folder / "dial_therapist.csv").write_text(time_rating_text(plan.dials.therapist))
    (folder / "reasons_client.csv").write_text(reasons_text(plan.dials.stretches))
    (folder / "guesses.csv").write_text(guesses_text(plan.dials.stretches))
    if transcript:
        (folder / TRANSCRIPT).write_text(transcript_text(plan.utterances))
    (folder / "session.toml").write_text(
        session_text(media.name, shows_client=face is not None, transcript=transcript)
    )
    register = recordings / "consent.toml"
    if not register.exists():
        register.write_text(consent_text())
    done.write_text(json.dumps(plan.truth(), indent=1) + "\n")
    return folder


def sample_portrait() -> Image:
    """scikit-image's public-domain portrait, shape (512, 512, 3), read where it is installed."""
    from skimage.data import astronaut

    return np.asarray(astronaut(), dtype=np.uint8)


def session_id(plan: Plan, face: Image | None, *, transcript: bool) -> str:
    """The folder's name; its last part changes with the generator, the length and what is in it."""
    digest = hashlib.sha256(f"{VERSION} {plan.seed} {plan.duration_s} {transcript}".encode())
    digest.update(b"" if face is None else face.tobytes())
    return f"demo-{plan.seed}-{digest.hexdigest()[:8]}"
