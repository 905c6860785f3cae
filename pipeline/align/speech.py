"""What is heard, per window: who speaks how much, silences, replies, rate, pauses, pitch spread.

Rate, pauses and pitch are measured for client and therapist alike. Amounts measured per turn or per
10 s slice are spread evenly over their span and summed over the window; rates are quotients of such
sums, never means of rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from pipeline.settings import AlignSettings
from pipeline.spans import (
    Flags,
    Floats,
    Whys,
    WindowCue,
    Windows,
    amount_inside,
    as_array,
    covered_s,
    divided,
    intersection,
    missing_everywhere,
    rows_inside,
    sum_inside,
)
from pipeline.tables.windows import LONG_S
from pipeline.timeline import union


@dataclass(frozen=True, slots=True)
class Speech:
    """Who speaks when. Spans have shape (n, 2), sorted and disjoint."""

    client: Floats
    therapist: Floats
    anyone: Floats
    role_reason: str | None
    """Why roles are not known; None where they are."""

    def of(self, role: str) -> Floats:
        """Speech of client or therapist."""
        return self.client if role == "client" else self.therapist


def speech_of(diarization: pa.Table, roles: pa.Table, upstream_reason: str | None) -> Speech:
    """Speech of both people, overlaps kept.

    `upstream_reason` is why an earlier stage could not tell voices or roles, if it said so.
    """
    assigned = dict(
        zip(roles.column("speaker").to_pylist(), roles.column("role").to_pylist(), strict=True)
    )
    heard = [row for row in diarization.to_pylist() if not row["exclusive"]]
    spans: dict[str, list[tuple[float, float]]] = {"client": [], "therapist": [], "unknown": []}
    for row in heard:
        role = assigned.get(row["speaker"], "unknown")
        spans[role].append((row["start_s"], row["end_s"]))
    reason = None
    if not heard:
        reason = upstream_reason or "no_speech"
    elif spans["unknown"]:
        reason = upstream_reason or "no_role"
    everyone = [span for listed in spans.values() for span in listed]
    return Speech(
        as_array(spans["client"]), as_array(spans["therapist"]), as_array(everyone), reason
    )


def talk(speech: Speech, windows: Windows) -> dict[str, Floats | Whys]:
    """`talk_ratio_therapist`, the same over 5 minutes, why it is null, and `client_speech_s`."""
    if speech.role_reason is not None:
        names = ("talk_ratio_therapist", "talk_ratio_therapist_5min", "client_speech_s")
        unknown: dict[str, Floats | Whys] = {name: np.full(len(windows), np.nan) for name in names}
        return unknown | {"talk_reason": np.full(len(windows), speech.role_reason, object)}
    share = _talk_ratio(speech, windows)
    return {
        "talk_ratio_therapist": share,
        "talk_ratio_therapist_5min": _talk_ratio(speech, five_minutes(windows)),
        "talk_reason": first_reason(len(windows), (np.isnan(share), "no_speech")),
        "client_speech_s": covered_s(speech.client, windows),
    }


def turns_per_min(turns: Sequence[dict[str, Any]], windows: Windows) -> Floats:
    """Changes of the floor per minute of the 5 minutes around; NaN where nobody takes the floor."""
    floor = sorted((turn["start_s"], turn["speaker"]) for turn in turns if turn["takes_floor"])
    if not floor:
        return np.full(len(windows), np.nan)
    changes = [after[0] for before, after in pairwise(floor) if before[1] != after[1]]
    around = five_minutes(windows)
    first, stop = rows_inside(np.array(changes, np.float64), around)
    minutes = (around.end_s - around.start_s) / 60.0
    return divided((stop - first).astype(np.float64), minutes)


def rate_cues(
    turns: Sequence[dict[str, Any]],
    slices: pa.Table,
    speech: Speech,
    windows: Windows,
    settings: AlignSettings,
) -> dict[str, WindowCue]:
    """Rates and pauses of client and therapist, by column."""
    found: dict[str, WindowCue] = {}
    for role in ("client", "therapist"):
        paused = pauses(turns, speech, windows, settings, role)
        articulation = articulation_rate(slices, speech, windows, settings, role)
        found |= {
            f"{role}_articulation_rate_sps": articulation,
            f"{role}_speech_rate_sps": speech_rate(articulation, paused),
            f"{role}_pause_prop": paused,
        }
    return found


def longest_silence(silences: pa.Table, speech: Speech, windows: Windows) -> Floats:
    """Full length of the longest silence that touches each window; NaN without any speech."""
    longest = np.zeros(len(windows)) if len(speech.anyone) else np.full(len(windows), np.nan)
    for row in silences.to_pylist():
        touched = (windows.start_s < row["end_s"]) & (windows.end_s > row["start_s"])
        longest[touched] = np.fmax(longest[touched], row["end_s"] - row["start_s"])
    return longest


def pauses(
    turns: Sequence[dict[str, Any]],
    speech: Speech,
    windows: Windows,
    settings: AlignSettings,
    role: str = "client",
) -> WindowCue:
    """Share of a role's turn time that is pauses (Heldner and Edlund 2010: 0.2 s or more)."""
    if speech.role_reason is not None:
        return missing_everywhere(windows, speech.role_reason)
    own = as_array((t["start_s"], t["end_s"]) for t in turns if t["role"] == role)
    bridged = [(float(a), float(b)) for a, b in speech.of(role)]
    spoken = np.array(union(bridged, bridge_s=np.nextafter(settings.pause_min_s, 0))).reshape(-1, 2)
    turn_s = covered_s(own, windows)
    share = 1 - divided(covered_s(intersection(spoken, own), windows), turn_s)
    enough = turn_s >= settings.pause_min_turn_s
    reason = first_reason(len(windows), (turn_s <= 0, "no_speech"), (~enough, "too_short"))
    return WindowCue(np.where(enough, np.clip(share, 0, 1), np.nan), reason)


def articulation_rate(
    slices: pa.Table,
    speech: Speech,
    windows: Windows,
    settings: AlignSettings,
    role: str = "client",
) -> WindowCue:
    """A role's syllables over phonation time, pooled over the slices of the window.

    Little of either gives no stable rate (de Jong and Wempe 2009).
    """
    own, spans = slices_of(role, slices)
    if speech.role_reason is not None or not own:
        return missing_everywhere(windows, speech.role_reason or "no_speech")
    counted = np.array([row["syllables"] is not None for row in own])
    syllables = np.array([row["syllables"] or 0 for row in own], np.float64)
    phonation = np.where(counted, [_clear_s(row) for row in own], 0.0)
    syllables, phonation = (amount_inside(spans, x, windows) for x in (syllables, phonation))
    few, short = syllables < settings.rate_min_syllables, phonation < settings.rate_min_phonation_s
    noisy = mostly(own, spans, windows, "low_snr")
    silent = covered_s(speech.of(role), windows) <= 0  # a slice may reach into the next window
    reason = first_reason(
        len(windows),
        (silent, "no_speech"),
        (short & noisy & ~_any_counted(counted, spans, windows), "low_snr"),
        (short & mostly(own, spans, windows, "overlap"), "overlap"),
        (short, "too_short"),
        (few, "few_syllables"),
    )
    return WindowCue(np.where(few | short | silent, np.nan, divided(syllables, phonation)), reason)


def speech_rate(articulation: WindowCue, paused: WindowCue) -> WindowCue:
    """Syllables over turn time: the articulation rate times the share of it that is no pause."""
    unsaid = np.isnan(articulation.value)
    return WindowCue(
        articulation.value * (1.0 - paused.value),
        np.where(unsaid, articulation.reason, paused.reason),
    )


def rating_mean(rows: Sequence[dict[str, Any]], rater: str, windows: Windows) -> Floats:
    """Mean of a rater's lag-corrected dial; NaN where less than half of the window is rated."""
    rated = [r for r in rows if r["rater"] == rater and r["value"] is not None]
    rated.sort(key=lambda r: r["t_s"])
    bounds = rows_inside(np.array([r["t_s"] for r in rated]), windows)
    count = (bounds[1] - bounds[0]).astype(np.float64)
    mean = divided(sum_inside(np.array([r["value"] for r in rated]), bounds), count)
    return np.where(count >= (windows.end_s - windows.start_s) / 2, mean, np.nan)


def five_minutes(windows: Windows) -> Windows:
    """The 5 minutes around each window, as far as the session goes."""
    around = windows.around(LONG_S)
    last_s = windows.end_s.max(initial=0.0)
    return Windows(np.maximum(around.start_s, 0.0), np.minimum(around.end_s, last_s))


def _talk_ratio(speech: Speech, windows: Windows) -> Floats:
    """Therapist's share of phonation, overlap counted for both."""
    client, therapist = covered_s(speech.client, windows), covered_s(speech.therapist, windows)
    return np.clip(divided(therapist, client + therapist), 0, 1)


def slices_of(role: str, slices: pa.Table) -> tuple[list[dict[str, Any]], Floats]:
    """Rows of `prosody_slices` of one role in order of time, and their spans, shape (n, 2)."""
    own = [row for row in slices.to_pylist() if row["role"] == role]
    own.sort(key=lambda row: row["start_s"])
    spans = np.array([(row["start_s"], row["end_s"]) for row in own]).reshape(-1, 2)
    return own, spans


def _clear_s(row: dict[str, Any]) -> float:
    """Phonation in which nuclei could be heard: overlap left out, where the slice's rate tells."""
    if row["articulation_rate_sps"]:
        return row["syllables"] / row["articulation_rate_sps"]
    return row["phonation_s"] or 0.0


def mostly(own: Sequence[dict[str, Any]], spans: Floats, windows: Windows, reason: str) -> Flags:
    """Where more than half of a role's phonation lies in slices with this reason."""
    phonation = np.array([row["phonation_s"] or 0.0 for row in own])
    such = np.array([row["reason"] == reason for row in own])
    part = amount_inside(spans, np.where(such, phonation, 0), windows)
    return np.asarray(part > amount_inside(spans, phonation, windows) / 2)


def _any_counted(counted: Flags, spans: Floats, windows: Windows) -> Flags:
    """Where syllables were counted in a slice that touches the window."""
    return np.asarray(amount_inside(spans, counted.astype(np.float64), windows) > 0)


def first_reason(n: int, *cases: tuple[Flags, str]) -> Whys:
    """Of each window the first case that holds there, None where none does."""
    reason = np.full(n, None, dtype=object)
    for where, name in reversed(cases):
        reason[where] = name
    return reason
