"""The client's replies to questions: which turns they are, how late, how long, how much their own.

A reply is the client's next floor turn after a therapist turn that ends in a question, within
`reply_window_s`. A short "yes" that the therapist talks on from is a backchannel by its form, yet
a reply where it comes right after a question and the therapist is silent. Latency is taken from the
diarizer's boundaries (METHODS: Turns and replies); a second latency, to the first word
that is no filler, needs word times that were measured. Caveat: a slow or short reply has many
possible reasons.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from pipeline.language.lexicon import compile_whole, leading_count, phrases_named, tokens
from pipeline.language.questions import QuestionRules
from pipeline.language.spoken import Spoken
from pipeline.settings import LanguageSettings
from pipeline.timeline import Floats, Seconds, log_duration, robust_z

_NONE: Floats = np.empty(0)


def link_replies(turns: Sequence[Spoken], window_s: Seconds) -> None:
    """Client floor turns that follow a therapist's question turn."""
    asked: Spoken | None = None
    for turn in turns:
        if not turn.row["takes_floor"]:
            continue
        offset = turn.row["fto_s"]
        if asked and turn.role == "client" and offset is not None and offset <= window_s:
            turn.answers = asked.row["turn_id"]
            turn.latency_s = max(0.0, offset)
            turn.asked_until_s = asked.row["end_s"]
        asked = turn if turn.role == "therapist" and turn.question else None


def link_short_answers(
    turns: Sequence[Spoken], rules: QuestionRules, diarization: pa.Table
) -> None:
    """Client backchannels that answer a question inside a therapist's turn.

    The turn then counts as a question turn. Where it ends in a question of the other type the
    answer stays unlinked: one row can state one type only.
    """
    speech = _speech_by_voice(diarization)
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
            turn.asked_until_s = ended_s


def _is_short_answer(turn: Spoken) -> bool:
    """Short by its form; a reply is heard even where none of its words was recovered."""
    return turn.role == "client" and bool(turn.row["is_backchannel"])


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


def agreement_pattern(lists: Mapping[str, Sequence[str]]) -> re.Pattern[str]:
    """Pattern of replies that acknowledge, or say they are unsure, and nothing else."""
    agreed = [
        *phrases_named(lists, "acknowledgement_replies"),
        *phrases_named(lists, "unsure_replies"),
    ]
    return compile_whole(agreed, phrases_named(lists, "fillers"))


def lexical_latency(turn: Spoken, fillers: re.Pattern[str]) -> tuple[Seconds | None, str | None]:
    """From the end of the question to the first word that is no filler, and why it is missing.

    Never negative. Word times that were spread over a caption say nothing about when it began.
    """
    if turn.asked_until_s is None:
        return None, "no_question"
    if not turn.words:
        return None, "words_not_recovered"
    spoken = [(token, word) for word in turn.words for token in tokens(word.text)]
    skipped = leading_count(fillers, [token for token, _ in spoken])
    if skipped == len(spoken):
        return None, "too_short"
    first = spoken[skipped][1]
    if not first.is_measured:
        return None, "no_word_times"
    return max(0.0, first.start_s - turn.asked_until_s), None


def latency_z(
    latencies: Floats, starts: Floats, settings: LanguageSettings
) -> tuple[Floats, str | None]:
    """Robust z of log latency against the client's replies after the first minutes.

    Parameters
    ----------
    latencies : shape (n_turns,), s, NaN where the turn is no reply
    starts : shape (n_turns,), s

    Returns
    -------
    z : shape (n_turns,), NaN where none
    reason : what degrades or prevents them all; None where nothing does
    """
    baseline = np.isfinite(latencies) & (starts >= settings.baseline_skip_s)
    scores = robust_z(log_duration(latencies), baseline, minimum_samples=settings.baseline_min_n)
    if baseline.sum() < settings.baseline_ok_n:
        return scores, "few_samples"
    return scores, None if bool(np.isfinite(scores).any()) else "no_baseline"
