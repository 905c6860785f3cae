"""Turn-taking from who speaks when: inter-pausal units, turns, backchannels, offsets, silences.

An IPU is speech of one voice with inner silences shorter than `ipu_gap_s`. A turn is a run of IPUs
that no floor-taking IPU of another voice interrupts. Two kinds of IPU do not take the floor: a
backchannel, and speech that lies wholly inside an IPU of the floor holder (Heldner & Edlund 2010).
Caveat: offsets are as good as the diarizer's boundaries; differences under 0.5 s mean little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipeline import tables
from pipeline.language.lexicon import compile_phrases, compile_whole, contains, tokens
from pipeline.language.questions import is_punctuated
from pipeline.language.turn_words import Ints, owners
from pipeline.settings import TurnsSettings
from pipeline.stage import Inputs, Outputs, Stage
from pipeline.timeline import Floats, Seconds, Span, overlap_s

VERSION = 5
"""Raise when the numbers can change."""


@dataclass(frozen=True, slots=True)
class Ipu:
    """Inter-pausal unit: one voice, no inner silence as long as `ipu_gap_s`."""

    start_s: Seconds
    end_s: Seconds
    speaker: int
    words: tuple[str, ...] = ()
    """As transcribed; empty where nothing was."""

    @property
    def duration_s(self) -> Seconds:
        """Length."""
        return self.end_s - self.start_s


@dataclass(frozen=True, slots=True)
class Turn:
    """Run of IPUs of one voice."""

    ipus: tuple[Ipu, ...]
    takes_floor: bool
    is_backchannel: bool

    @property
    def start_s(self) -> Seconds:
        """Start of the first IPU."""
        return self.ipus[0].start_s

    @property
    def end_s(self) -> Seconds:
        """End of the last IPU."""
        return self.ipus[-1].end_s

    @property
    def speaker(self) -> int:
        """Whose."""
        return self.ipus[0].speaker

    @property
    def phonation_s(self) -> Seconds:
        """Speech in it, pauses left out."""
        return sum(ipu.duration_s for ipu in self.ipus)


def run(inputs: Inputs, engine: None, settings: TurnsSettings) -> Outputs:  # noqa: ARG001
    """Turns and silences of the diarized voices; both empty where nobody speaks."""
    units = ipus(_intervals(inputs.tables["diarization"]), gap_s=settings.ipu_gap_s)
    words = inputs.tables["words"]
    units = _with_words(units, words)
    turns = floor_turns(units, settings)
    return Outputs(
        {
            "speaker_turns": _turn_table(inputs.spec.id, turns, transcribed=words.num_rows > 0),
            "silences": _silence_table(inputs.spec.id, units, settings),
        }
    )


def ipus(intervals: Iterable[tuple[Seconds, Seconds, int]], *, gap_s: Seconds) -> list[Ipu]:
    """Merge the `(start_s, end_s, speaker)` of each voice over silences shorter than `gap_s`.

    Sorted by start, the longer first where two start together.
    """
    merged: list[Ipu] = []
    for speaker, rows in groupby(sorted(intervals, key=_by_speaker), key=lambda row: row[2]):
        open_at = len(merged)
        for start, end, _ in rows:
            if len(merged) > open_at and start - merged[-1].end_s < gap_s:
                merged[-1] = replace(merged[-1], end_s=max(end, merged[-1].end_s))
            elif end > start:
                merged.append(Ipu(start, end, speaker))
    return sorted(merged, key=_in_time)


def floor_turns(units: Sequence[Ipu], settings: TurnsSettings) -> list[Turn]:
    """Turns in order of start; alternating voices among those that take the floor.

    Parameters
    ----------
    units : as `ipus` returns them
    """
    backchannels = _backchannels(units, settings)
    floor: list[list[Ipu]] = []
    aside: list[Turn] = []
    for unit in units:
        holder = floor[-1] if floor else None
        if holder and holder[-1].speaker == unit.speaker:
            holder.append(unit)
        elif holder and unit in backchannels:
            aside.append(Turn((unit,), takes_floor=False, is_backchannel=True))
        elif holder and unit.end_s <= holder[-1].end_s:
            aside.append(Turn((unit,), takes_floor=False, is_backchannel=False))
        else:
            floor.append([unit])
    turns = [Turn(tuple(run), takes_floor=True, is_backchannel=False) for run in floor]
    return sorted(turns + aside, key=_in_time)


def silences(units: Sequence[Ipu], minimum_s: Seconds) -> list[tuple[Span, int, int]]:
    """Stretches between speech in which nobody speaks: span, voice before, voice after."""
    found: list[tuple[Span, int, int]] = []
    latest: Ipu | None = None
    for unit in units:
        if latest and unit.start_s - latest.end_s >= minimum_s:
            found.append(((latest.end_s, unit.start_s), latest.speaker, unit.speaker))
        if latest is None or unit.end_s > latest.end_s:
            latest = unit
    return found


def is_unfinished(
    words: Sequence[str], endings: re.Pattern[str], *, punctuated: bool
) -> bool | None:
    """Whether speech stops short: no closing mark, a trail of dots, a filler or a connecting word.

    None without words. Caveat: a recogniser sets closing marks as it expects them.

    Parameters
    ----------
    words : as transcribed
    endings : compiled phrases that close nothing, each anchored at the end
    punctuated : False: the transcript has no closing marks, so their lack tells nothing
    """
    if not words:
        return None
    last = words[-1].rstrip("\"')”’")
    if last.endswith("?"):
        return False
    trails = last.endswith(("...", "…", "-", "–", "—"))
    open_ended = punctuated and not last.endswith((".", "!"))
    return trails or open_ended or contains(endings, tokens(" ".join(words)))


def _backchannels(units: Sequence[Ipu], settings: TurnsSettings) -> set[Ipu]:
    """Short acknowledgements after which another voice keeps or resumes within the limit.

    Where the same voice is next to speak, its next unit decides ("yeah ... right"); where nothing
    was transcribed, the run of both must be short: two pieces of a sentence are no backchannels.
    """
    lexicon = compile_whole(settings.acknowledgements)
    starts, ends, speakers = _arrays(units)
    run_ends: dict[Ipu, Seconds] = {}
    for unit in reversed(units):
        if not _is_short(unit, lexicon, settings):
            continue
        others = speakers != unit.speaker
        if np.any(others & (starts <= unit.end_s) & (ends > unit.end_s)):
            run_ends[unit] = unit.end_s
            continue
        at = int(np.searchsorted(starts, unit.end_s))
        after = units[at] if at < len(units) else None
        if after is None or after.start_s - unit.end_s > settings.backchannel_resume_s:
            continue
        run_end = run_ends.get(after) if after.speaker == unit.speaker else unit.end_s
        if run_end is None:
            continue
        if unit.words or run_end - unit.start_s <= settings.backchannel_max_s:
            run_ends[unit] = run_end
    return set(run_ends)


def _is_short(unit: Ipu, lexicon: re.Pattern[str], settings: TurnsSettings) -> bool:
    if unit.duration_s > settings.backchannel_max_s:
        return False
    said = tokens(" ".join(unit.words))
    if not said:
        return True  # nothing transcribed: duration alone decides
    return len(said) <= settings.backchannel_max_words and contains(lexicon, said)


def _by_speaker(row: tuple[Seconds, Seconds, int]) -> tuple[int, Seconds, Seconds]:
    return row[2], row[0], row[1]


def _in_time(item: Ipu | Turn) -> tuple[Seconds, Seconds, int]:
    return item.start_s, -item.end_s, item.speaker


def _intervals(diarization: pa.Table) -> list[tuple[Seconds, Seconds, int]]:
    overlapping = diarization.filter(pc.invert(diarization.column("exclusive")))
    columns = (overlapping.column(name).to_pylist() for name in ("start_s", "end_s", "speaker"))
    return list(zip(*columns, strict=True))


def _arrays(units: Sequence[Ipu]) -> tuple[Floats, Floats, Ints]:
    """start_s, end_s and speaker, each of shape (n_units,)."""
    return (
        np.array([unit.start_s for unit in units], dtype=np.float64),
        np.array([unit.end_s for unit in units], dtype=np.float64),
        np.array([unit.speaker for unit in units], dtype=np.int64),
    )


def _with_words(units: Sequence[Ipu], words: pa.Table) -> list[Ipu]:
    """The units with the words that fall into them."""
    if not units or not words.num_rows:
        return list(units)
    starts, ends = (words.column(name).to_numpy() for name in ("start_s", "end_s"))
    speakers = pc.fill_null(words.column("speaker"), -1).to_numpy().astype(np.int64)
    said: list[list[str]] = [[] for _ in units]
    texts = words.column("text").to_pylist()
    for text, owner in zip(texts, owners((starts, ends, speakers), _arrays(units)), strict=True):
        if owner >= 0:
            said[owner].append(text)
    return [replace(unit, words=tuple(heard)) for unit, heard in zip(units, said, strict=True)]


def _turn_table(session_id: str, turns: Sequence[Turn], *, transcribed: bool) -> pa.Table:
    offsets = _offsets(turns)
    aside = [turn for turn in turns if not turn.takes_floor]
    rows: list[dict[str, Any]] = [
        {
            "session_id": session_id,
            "turn_id": turn_id,
            "start_s": turn.start_s,
            "end_s": turn.end_s,
            "speaker": turn.speaker,
            "phonation_s": turn.phonation_s,
            "ipu_count": len(turn.ipus),
            "is_backchannel": turn.is_backchannel,
            "takes_floor": turn.takes_floor,
            "fto_s": offsets[turn_id],
            "overlap_between_s": _overlap_between(offsets[turn_id]),
            "overlap_within_s": _overlap_within(turn, aside),
            **_worded(turn, transcribed=transcribed),
        }
        for turn_id, turn in enumerate(turns)
    ]
    return tables.SPEAKER_TURNS.build_rows(rows)


def _worded(turn: Turn, *, transcribed: bool) -> dict[str, Any]:
    count = sum(len(unit.words) for unit in turn.ipus) if transcribed else None
    return {
        "word_count": count,
        "word_rate_wps": None if count is None else count / turn.phonation_s,
    }


def _offsets(turns: Sequence[Turn]) -> list[Seconds | None]:
    """Floor transfer offset of each turn that takes the floor from another."""
    offsets: list[Seconds | None] = [None] * len(turns)
    holding = [index for index, turn in enumerate(turns) if turn.takes_floor]
    for before, after in pairwise(holding):
        offsets[after] = turns[after].start_s - turns[before].end_s
    return offsets


def _overlap_between(offset_s: Seconds | None) -> Seconds | None:
    return None if offset_s is None else max(0.0, -offset_s)


def _overlap_within(turn: Turn, aside: Sequence[Turn]) -> Seconds:
    """Time that others speak at once with a turn, beginning and ending inside it."""
    if not turn.takes_floor:
        return 0.0
    return sum(
        overlap_s((mine.start_s, mine.end_s), (theirs.start_s, theirs.end_s))
        for other in aside
        if other.speaker != turn.speaker
        and turn.start_s <= other.start_s
        and other.end_s <= turn.end_s
        for mine in turn.ipus
        for theirs in other.ipus
    )


def _silence_table(session_id: str, units: Sequence[Ipu], settings: TurnsSettings) -> pa.Table:
    found = silences(units, settings.silence_min_s)
    endings = compile_phrases(settings.unfinished_endings)
    punctuated = is_punctuated([word for unit in units for word in unit.words])
    said = {(unit.end_s, unit.speaker): unit.words for unit in units}
    rows = [
        {
            "session_id": session_id,
            "start_s": start,
            "end_s": end,
            "after_speaker": before,
            "before_speaker": after,
            "after_incomplete": is_unfinished(said[start, before], endings, punctuated=punctuated),
        }
        for (start, end), before, after in found
    ]
    return tables.SILENCES.build_rows(rows)


STAGE = Stage(
    name="turns",
    version=VERSION,
    run=run,
    settings=TurnsSettings,
    reads=("diarization", "words"),
    writes=("speaker_turns", "silences"),
)
