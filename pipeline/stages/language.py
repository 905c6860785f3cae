"""Language of each turn: questions, replies to them, cues in the wording, and topic cohesion.

Every value describes words, by phrase lists that a clinic can read and edit (`lexicon.en.toml`),
not what anybody meant by them. Where people meet from afar the network delays every reply:
latencies are kept, and marked as degraded; so are latencies between voices that the diarizer is not
sure of, and what is read from words that the recogniser is not sure of. Caveats: phrase rules err
(METHODS: Words); a transcript's own errors come on top.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline import tables
from pipeline.language.cohesion import COHESION_MIN_WORDS, cohesion, content_words, echo_ratio
from pipeline.language.lexicon import compile_leading, contains, phrases_named
from pipeline.language.phrase_cues import CueRules, feedback_sought, repair_marker
from pipeline.language.questions import QuestionRules
from pipeline.language.replies import (
    agreement_pattern,
    latency_z,
    lexical_latency,
    link_replies,
    link_short_answers,
)
from pipeline.language.spoken import Spoken, spoken_turns
from pipeline.paperwork.session import SessionSpec
from pipeline.settings import LanguageSettings
from pipeline.stage import Inputs, Outputs, Stage
from pipeline.timeline import Floats, robust_z
from pipeline.voice.confidence import Certainty, certainty

VERSION = 5
"""Raise when the numbers can change."""

DISCLOSURE_MIN_WORDS = 8
"""Shorter turns are not searched for words about the speaker's own life [ours]."""

Row = dict[str, Any]


def run(inputs: Inputs, engine: None, settings: LanguageSettings) -> Outputs:  # noqa: ARG001
    """One row per turn, in the order of `speaker_turns`, and one per phrase that counted."""
    upstream = inputs.tables
    words = upstream["words"]
    turns = spoken_turns(upstream["speaker_turns"], _roles(upstream["roles"]), words)
    sure = certainty(upstream, settings)
    if turns and words.num_rows:
        _read(turns, settings, upstream["diarization"], punctuated=sure.punctuated)
    rows = _rows(inputs.spec, turns, settings, sure, transcribed=words.num_rows > 0)
    phrases = _phrases(inputs.spec.id, turns, rows)
    return Outputs(
        {"turns": tables.TURNS.build_rows(rows), "phrases": tables.PHRASES.build_rows(phrases)}
    )


def _roles(assignment: pa.Table) -> dict[int, str]:
    columns = (assignment.column(name).to_pylist() for name in ("speaker", "role"))
    return dict(zip(*columns, strict=True))


def _read(
    turns: Sequence[Spoken], settings: LanguageSettings, diarization: pa.Table, *, punctuated: bool
) -> None:
    questions = QuestionRules(settings.phrases, punctuated=punctuated)
    cues = CueRules(settings.phrases, punctuated=punctuated)
    for turn in turns:
        turn.question = questions.question_type(turn.texts())
        turn.question_end_s = turn.row["end_s"] if turn.question else None
        turn.matches = cues.read(turn.texts())
    link_replies(turns, settings.reply_window_s)
    link_short_answers(turns, questions, diarization)


def _rows(
    spec: SessionSpec,
    turns: Sequence[Spoken],
    settings: LanguageSettings,
    sure: Certainty,
    *,
    transcribed: bool,
) -> list[Row]:
    said = [turn.tokens() for turn in turns]
    doubts = _doubts(spec, turns, sure)
    parts = (
        [_timing(turn, settings) for turn in turns],
        _certainties(turns, sure, transcribed=transcribed),
        _questions(turns, settings, doubts, transcribed=transcribed),
        _replies(turns, said, settings, transcribed=transcribed),
        _lexical(turns, settings, doubts, transcribed=transcribed),
        _cues(turns, said, sure, transcribed=transcribed),
        _cohesions(turns, said, settings, transcribed=transcribed),
    )
    shared = ({"session_id": spec.id, "role": turn.role} for turn in turns)
    return [
        {name: value for piece in pieces for name, value in piece.items()}
        for pieces in zip(shared, *parts, strict=True)
    ]


_CARRIED = (
    *("turn_id", "start_s", "end_s", "speaker", "phonation_s", "is_backchannel"),
    *("takes_floor", "fto_s", "overlap_between_s", "overlap_within_s", "word_count"),
    "word_rate_wps",
)


def _timing(turn: Spoken, settings: LanguageSettings) -> Row:
    row = turn.row
    overlap = row["overlap_between_s"]
    breaks_in = settings.interruption_min_s, settings.interruption_max_s
    holds = turn.role == "therapist" and row["takes_floor"]
    return {name: row[name] for name in _CARRIED} | {
        "interruption": None if overlap is None else breaks_in[0] <= overlap < breaks_in[1],
        "therapist_hold_s": row["end_s"] - row["start_s"] if holds else None,
    }


def _certainties(turns: Sequence[Spoken], sure: Certainty, *, transcribed: bool) -> Iterator[Row]:
    for at, turn in enumerate(turns):
        why = _word_doubt(sure, at)
        if not sure.punctuated:
            why = why or "no_punctuation"
        yield {
            "word_probability": float(sure.words[at]),
            "diar_confidence": float(sure.voice[at]),
            "diar_confidence_reason": "not_measured" if np.isnan(sure.voice[at]) else None,
            "is_question_reason": why if turn.words else _no_words(transcribed=transcribed),
        }


def _word_doubt(sure: Certainty, at: int) -> str | None:
    """What degrades what is read from a turn's words."""
    if sure.words_missing[at]:
        return "low_coverage"
    return "words_unsure" if sure.words_unsure[at] else None


def _no_words(*, transcribed: bool) -> str:
    """Why a turn has no words."""
    return "words_not_recovered" if transcribed else "no_transcript"


def _doubts(spec: SessionSpec, turns: Sequence[Spoken], sure: Certainty) -> list[str | None]:
    """What degrades each reply's latency: the line, either voice, or whether a question was put."""
    if spec.session.capture == "remote":
        return ["remote_delay"] * len(turns)
    place = {turn.row["turn_id"]: at for at, turn in enumerate(turns)}
    found: list[str | None] = []
    for at, turn in enumerate(turns):
        asked = at if turn.answers is None else place[turn.answers]
        cases = (
            (sure.voice_unsure[at] or sure.voice_unsure[asked], "voice_unsure"),
            (_word_doubt(sure, asked) is not None, _word_doubt(sure, asked)),
            (not sure.punctuated, "no_punctuation"),
        )
        found.append(next((why for holds, why in cases if holds), None))
    return found


def _questions(
    turns: Sequence[Spoken],
    settings: LanguageSettings,
    doubts: Sequence[str | None],
    *,
    transcribed: bool,
) -> Iterator[Row]:
    scores, score_reason = latency_z(*_latencies(turns), settings)
    for turn, score, doubt in zip(turns, scores, doubts, strict=True):
        heard = transcribed and bool(turn.words)
        reason = (doubt or score_reason) if np.isfinite(score) else score_reason
        yield {
            "is_question": (turn.question is not None) if heard else None,
            "question_type": turn.question,
            "question_end_s": turn.question_end_s,
            "answers_turn_id": turn.answers,
            "response_latency_s": turn.latency_s,
            "response_latency_z": float(score),
            "response_latency_reason": (
                reason if turn.latency_s is not None else _no_reply(turn, transcribed=transcribed)
            ),
        }


def _latencies(turns: Sequence[Spoken]) -> tuple[Floats, Floats]:
    latencies = np.array([np.nan if t.latency_s is None else t.latency_s for t in turns])
    return latencies, np.array([turn.row["start_s"] for turn in turns])


def _no_reply(turn: Spoken, *, transcribed: bool) -> str:
    if not transcribed:
        return "no_transcript"
    return "no_role" if turn.role == "unknown" else "no_question"


def _replies(
    turns: Sequence[Spoken],
    said: Sequence[Sequence[str]],
    settings: LanguageSettings,
    *,
    transcribed: bool,
) -> Iterator[Row]:
    agreeing = agreement_pattern(settings.phrases) if transcribed else None
    plain = _function_words(settings) if transcribed else frozenset()
    place = {turn.row["turn_id"]: at for at, turn in enumerate(turns)}
    for turn, tokens in zip(turns, said, strict=True):
        is_reply = turn.answers is not None and bool(tokens)
        count = turn.row["word_count"] if is_reply else None
        echo = None
        if is_reply and turn.answers is not None:
            question = said[place[turn.answers]]
            echo = echo_ratio(content_words(tokens, plain), content_words(question, plain))
        why = _no_reply(turn, transcribed=transcribed)
        if turn.answers is not None:
            why = "too_short" if tokens else "words_not_recovered"
        yield {
            "reply_words": count,
            "reply_words_reason": None if is_reply else why,
            "reply_minimal": None if count is None else count <= settings.minimal_reply_words,
            "reply_agreeing": contains(agreeing, tokens) if is_reply and agreeing else None,
            "reply_echo_ratio": echo,
            "reply_echo_ratio_reason": why if echo is None else None,
        }


def _function_words(settings: LanguageSettings) -> frozenset[str]:
    return frozenset(phrases_named(settings.phrases, "function_words"))


def _lexical(
    turns: Sequence[Spoken],
    settings: LanguageSettings,
    doubts: Sequence[str | None],
    *,
    transcribed: bool,
) -> Iterator[Row]:
    fillers = compile_leading(phrases_named(settings.phrases, "fillers") if transcribed else ())
    measured = [lexical_latency(turn, fillers) for turn in turns]
    latencies = np.array([np.nan if value is None else value for value, _ in measured])
    scores, score_reason = latency_z(latencies, _latencies(turns)[1], settings)
    for turn, (value, missing), score, doubt in zip(turns, measured, scores, doubts, strict=True):
        no_reply = missing == "no_question"
        why = _no_reply(turn, transcribed=transcribed) if no_reply else missing
        yield {
            "response_latency_lexical_s": value,
            "response_latency_lexical_z": float(score),
            "response_latency_lexical_reason": (
                why or ((doubt or score_reason) if np.isfinite(score) else score_reason)
            ),
        }


def _cues(
    turns: Sequence[Spoken], said: Sequence[Sequence[str]], sure: Certainty, *, transcribed: bool
) -> Iterator[Row]:
    before: Spoken | None = None
    for at, (turn, tokens) in enumerate(zip(turns, said, strict=True)):
        demur = _demurs(turn, before)
        if turn.row["takes_floor"]:
            before = turn
        if not (transcribed and turn.words):
            yield dict.fromkeys(_CUE_COLUMNS) | {"words_reason": _no_words(transcribed=transcribed)}
            continue
        long_enough = len(tokens) >= DISCLOSURE_MIN_WORDS
        yield {
            **{cue: turn.count(cue) for cue in _COUNTS},
            **{cue: turn.count(cue) > 0 for cue in _FLAGS},
            "self_disclosure": turn.count("self_disclosure") > 0 if long_enough else None,
            "solicit_feedback": feedback_sought(turn.matches),
            "repair_marker": repair_marker(turn.matches),
            "client_demur": demur,
            "words_reason": _word_doubt(sure, at),
        }


_COUNTS = ("directive_strong", "generalising")
_FLAGS = ("permission_phrase", "certainty_phrase", "reflection", "affirmation", "somatic_question")
_CUE_COLUMNS = (
    *(*_COUNTS, *_FLAGS, "self_disclosure", "solicit_feedback", "repair_marker", "client_demur"),
)


def _demurs(turn: Spoken, before: Spoken | None) -> bool | None:
    """Whether a client's turn opens with such a phrase; None where nothing invited one."""
    if turn.role != "client" or not turn.row["takes_floor"] or not turn.words:
        return None
    if before is None or before.role != "therapist":
        return None
    if not (before.count("directive_strong") or before.count("affirmation")):
        return None
    return turn.count("demur") > 0


def _cohesions(
    turns: Sequence[Spoken],
    said: Sequence[Sequence[str]],
    settings: LanguageSettings,
    *,
    transcribed: bool,
) -> Iterator[Row]:
    plain = _function_words(settings) if transcribed else frozenset()
    floor = [at for at, turn in enumerate(turns) if turn.row["takes_floor"]]
    measured = cohesion([content_words(said[at], plain) for at in floor])
    values = np.full(len(turns), np.nan)
    for at, value in zip(floor, measured, strict=True):
        if value is not None and len(said[at]) >= COHESION_MIN_WORDS:
            values[at] = value
    scores = _own_z(values, turns, settings)
    for turn, value, score in zip(turns, values, scores, strict=True):
        missing = "no_baseline" if np.isnan(score) else None
        if np.isnan(value):
            heard = transcribed and turn.words
            missing = "too_short" if heard else _no_words(transcribed=transcribed)
        yield {
            "topic_cohesion": float(value),
            "topic_cohesion_z": float(score),
            "topic_cohesion_reason": missing,
        }


def _own_z(values: Floats, turns: Sequence[Spoken], settings: LanguageSettings) -> Floats:
    """Robust z of each value among those of the same voice after the first minutes."""
    voices = np.array([turn.row["speaker"] for turn in turns])
    late = np.array([turn.row["start_s"] >= settings.baseline_skip_s for turn in turns], bool)
    scores = np.full(len(turns), np.nan)
    for voice in np.unique(voices):
        mine = voices == voice
        own = robust_z(values, mine & late, minimum_samples=settings.baseline_ok_n)
        scores[mine] = own[mine]
    return scores


def _phrases(session_id: str, turns: Sequence[Spoken], rows: Sequence[Row]) -> Iterator[Row]:
    """The words behind every cue that counted."""
    for turn, row in zip(turns, rows, strict=True):
        for match in turn.matches:
            gated = {"demur": "client_demur", "self_disclosure": "self_disclosure"}
            if match.cue in gated and not row[gated[match.cue]]:
                continue
            matched = turn.words[match.first : match.last + 1]
            yield {
                "session_id": session_id,
                "turn_id": row["turn_id"],
                "cue": match.cue,
                "start_s": matched[0].start_s,
                "end_s": max(word.end_s for word in matched),
                "text": " ".join(word.text for word in matched),
            }


STAGE = Stage(
    name="language",
    version=VERSION,
    run=run,
    settings=LanguageSettings,
    reads=("speaker_turns", "roles", "words", "diarization"),
    writes=("turns", "phrases"),
    sources=("session",),
)
