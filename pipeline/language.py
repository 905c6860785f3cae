"""Questions, and how the client replies to them: latency, length, plain acknowledgement.

A reply is the client's next floor turn after a therapist turn that ends in a question, within
`reply_window_s`. A short "yes" that the therapist talks on from is a backchannel by its form, yet
a reply where it comes right after a question and the therapist is silent. Latency is taken from the
diarizer's boundaries, not from word times (Levinson & Torreira 2015; SCIENCE 2.1). Where people
meet from afar the network delays every reply: latencies are kept, and marked as degraded.
Caveats: phrase rules err (SCIENCE 2.11); a slow or short reply has many possible reasons.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import tables
from pipeline.config import LanguageSettings
from pipeline.lexicon import compile_whole, contains, phrases_named, tokens
from pipeline.questions import QuestionRules, QuestionType, is_punctuated
from pipeline.session import SessionSpec
from pipeline.stage import Inputs, Outputs, Stage
from pipeline.timeline import Floats, Seconds, log_duration, robust_z
from pipeline.turn_words import owners

VERSION = 2
"""Raise when the numbers can change."""


@dataclass(slots=True)
class Spoken:
    """One turn while its language is being read."""

    row: Mapping[str, Any]
    """As in `speaker_turns`."""
    role: str
    words: list[tuple[Seconds, str]] = field(default_factory=list)
    """Middle and text of each word."""
    question: QuestionType | None = None
    question_end_s: Seconds | None = None
    """Where the last question that counts ends: inside the turn if it was answered there."""
    answers: int | None = None
    latency_s: Seconds | None = None

    def texts(self, before_s: Seconds = float("inf")) -> list[str]:
        """Words as transcribed, up to a moment."""
        return [text for middle, text in self.words if middle < before_s]


def run(inputs: Inputs, engine: None, settings: LanguageSettings) -> Outputs:  # noqa: ARG001
    """One row per turn, in the order of `speaker_turns`."""
    upstream = inputs.tables
    words = upstream["words"]
    roles = _roles(upstream["roles"])
    turns = [
        Spoken(row, roles.get(row["speaker"], "unknown"))
        for row in upstream["speaker_turns"].to_pylist()
    ]
    if turns and words.num_rows:
        _give_words(turns, words)
        punctuated = is_punctuated(words.column("text").to_pylist())
        rules = QuestionRules(settings.phrases, punctuated=punctuated)
        for turn in turns:
            turn.question = rules.question_type(turn.texts())
            turn.question_end_s = turn.row["end_s"] if turn.question else None
        _link_replies(turns, settings.reply_window_s)
        _link_short_answers(turns, rules, _speech_by_voice(upstream["diarization"]))
    rows = _rows(inputs.spec, turns, settings, transcribed=words.num_rows > 0)
    return Outputs({"turns": tables.TURNS.build_rows(rows)})


def _roles(assignment: pa.Table) -> dict[int, str]:
    columns = (assignment.column(name).to_pylist() for name in ("speaker", "role"))
    return dict(zip(*columns, strict=True))


def _give_words(turns: Sequence[Spoken], words: pa.Table) -> None:
    starts, ends = (words.column(name).to_numpy() for name in ("start_s", "end_s"))
    speakers = pc.fill_null(words.column("speaker"), -1).to_numpy().astype(np.int64)
    spans = (
        np.array([turn.row["start_s"] for turn in turns]),
        np.array([turn.row["end_s"] for turn in turns]),
        np.array([turn.row["speaker"] for turn in turns]),
    )
    middles = (starts + ends) / 2.0
    texts = words.column("text").to_pylist()
    for middle, text, owner in zip(
        middles, texts, owners((starts, ends, speakers), spans), strict=True
    ):
        if owner >= 0:
            turns[owner].words.append((float(middle), text))


def _link_replies(turns: Sequence[Spoken], window_s: Seconds) -> None:
    """Client floor turns that follow a therapist's question turn."""
    asked: Spoken | None = None
    for turn in turns:
        if not turn.row["takes_floor"]:
            continue
        offset = turn.row["fto_s"]
        if asked and turn.role == "client" and offset is not None and offset <= window_s:
            turn.answers = asked.row["turn_id"]
            turn.latency_s = max(0.0, offset)
        asked = turn if turn.role == "therapist" and turn.question else None


def _link_short_answers(
    turns: Sequence[Spoken], rules: QuestionRules, speech: Mapping[int, tuple[Floats, Floats]]
) -> None:
    """Client backchannels that answer a question inside a therapist's turn.

    The turn then counts as a question turn. Where it ends in a question of the other type the
    answer stays unlinked: one row can state one type only.
    """
    holder: Spoken | None = None
    for turn in turns:
        if turn.row["takes_floor"]:
            holder = turn
        elif holder and holder.role == "therapist" and _is_short_answer(turn):
            pause = _silence_before(turn, *speech.get(holder.row["speaker"], (_NONE, _NONE)))
            asked = rules.question_type(holder.texts(before_s=_middle(turn)))
            if pause is None or asked is None or holder.question not in (None, asked):
                continue
            holder.question = asked
            ended_s = turn.row["start_s"] - pause
            holder.question_end_s = max(holder.question_end_s or ended_s, ended_s)
            turn.answers = holder.row["turn_id"]
            turn.latency_s = pause


_NONE: Floats = np.empty(0)


def _is_short_answer(turn: Spoken) -> bool:
    return turn.role == "client" and turn.row["is_backchannel"] and bool(turn.words)


def _middle(turn: Spoken) -> Seconds:
    return float(turn.row["start_s"] + turn.row["end_s"]) / 2.0


def _silence_before(turn: Spoken, starts: Floats, ends: Floats) -> Seconds | None:
    """Silence of the other voice before a turn, 0 if they touch; None if it speaks on over it."""
    begun = ends[starts < turn.row["start_s"]]
    if not begun.size or begun.max() >= turn.row["end_s"]:
        return None
    return max(0.0, float(turn.row["start_s"] - begun.max()))


def _speech_by_voice(diarization: pa.Table) -> dict[int, tuple[Floats, Floats]]:
    """Start and end of every stretch, overlaps kept, by voice."""
    starts, ends, speakers, exclusive = (
        diarization.column(name).to_numpy() for name in ("start_s", "end_s", "speaker", "exclusive")
    )
    found: dict[int, tuple[Floats, Floats]] = {}
    for voice in np.unique(speakers):
        mine = (speakers == voice) & ~exclusive.astype(bool)
        found[int(voice)] = (starts[mine], ends[mine])
    return found


def _rows(
    spec: SessionSpec, turns: Sequence[Spoken], settings: LanguageSettings, *, transcribed: bool
) -> list[dict[str, Any]]:
    scores, score_reason = _latency_z(turns, settings)
    z_reason = "remote_delay" if spec.session.capture == "remote" else score_reason
    agreeing = _agreement_pattern(settings) if transcribed else None
    rows = []
    for turn, score in zip(turns, scores, strict=True):
        shared = {name: turn.row[name] for name in _CARRIED}
        said = [token for text in turn.texts() for token in tokens(text)]
        is_reply = turn.answers is not None and bool(said)
        heard = transcribed and bool(turn.words)
        rows.append(
            {
                **shared,
                "session_id": spec.id,
                "role": turn.role,
                "is_question": (turn.question is not None) if heard else None,
                "question_type": turn.question,
                "question_end_s": turn.question_end_s,
                "answers_turn_id": turn.answers,
                "response_latency_s": turn.latency_s,
                "response_latency_z": score,
                "response_latency_reason": _latency_reason(
                    turn, z_reason if np.isfinite(score) else score_reason, transcribed
                ),
                "reply_words": turn.row["word_count"] if is_reply else None,
                "reply_minimal": (
                    turn.row["word_count"] <= settings.minimal_reply_words if is_reply else None
                ),
                "reply_agreeing": contains(agreeing, said) if is_reply and agreeing else None,
            }
        )
    return rows


_CARRIED = (
    *("turn_id", "start_s", "end_s", "speaker", "phonation_s", "is_backchannel"),
    *("takes_floor", "fto_s", "overlap_between_s", "overlap_within_s", "word_count"),
)


def _agreement_pattern(settings: LanguageSettings) -> Any:
    lists = settings.phrases
    agreed = [
        *phrases_named(lists, "acknowledgement_replies"),
        *phrases_named(lists, "unsure_replies"),
    ]
    return compile_whole(agreed, phrases_named(lists, "fillers"))


def _latency_z(
    turns: Sequence[Spoken], settings: LanguageSettings
) -> tuple[list[float], str | None]:
    """Robust z of log latency against the client's replies after the first minutes.

    Returns one value per turn (NaN where none) and what degrades or prevents them all.
    """
    latencies = np.array([np.nan if t.latency_s is None else t.latency_s for t in turns])
    starts = np.array([turn.row["start_s"] for turn in turns])
    baseline = np.isfinite(latencies) & (starts >= settings.baseline_skip_s)
    scores = robust_z(log_duration(latencies), baseline, minimum_samples=settings.baseline_min_n)
    if baseline.sum() < settings.baseline_ok_n:
        return scores.tolist(), "few_samples"
    has_spread = bool(np.isfinite(scores).any())
    return scores.tolist(), None if has_spread else "no_baseline"


def _latency_reason(turn: Spoken, score_reason: str | None, transcribed: bool) -> str | None:
    if turn.latency_s is not None:
        return score_reason
    if not transcribed:
        return "no_transcript"
    return "no_role" if turn.role == "unknown" else "no_question"


STAGE = Stage(
    name="language",
    version=VERSION,
    run=run,
    settings=LanguageSettings,
    reads=("speaker_turns", "roles", "words", "diarization"),
    writes=("turns",),
    sources=("session",),
)
