"""A made-up session of 50 minutes as upstream stages would hand it to the report."""

from __future__ import annotations

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pyarrow as pa
from scipy.signal import lfilter

from pipeline import tables
from pipeline.paperwork.forms import form_row
from pipeline.rules.section import CandidatesSettings
from pipeline.settings import AgreementSettings
from pipeline.stage import Absence, Inputs
from pipeline.stages import agreement, candidates
from pipeline.stages.report import STAGE
from pipeline.timeline import log_duration, robust_z
from tests.made.outlines import moment

SESSION = "D07-05"
DURATION_S = 3012.0
CUES_AT = range(300, 312)
"""Windows in which several cues are planted."""
LATE_AT = {36, 38, 39, 40}
"""Pairs of question and answer in which the reply is planted late."""
BRIEF_AT = {60, 61, 63}
"""And in which the reply is planted brief."""
ASKED = "what was that week like for you after we spoke"
SAID = (
    "it was a long week really and on Tuesday I went out to the garden again which I had put "
    "off and then my sister called so we talked about the house"
)


def inputs(**changes: Any) -> Inputs:
    """All modalities there; `changes` replaces tables by name."""
    given = full_tables() | changes
    scene: Any = SimpleNamespace(id=SESSION, guesses=None, reasons=[])
    bare: Any = SimpleNamespace(spec=scene, tables=given)
    views: Any = agreement.run(bare, None, AgreementSettings()).tables
    given = given | views | changes
    bare.tables = given
    made: Any = candidates.run(bare, None, CandidatesSettings()).tables
    provenance = {
        "diarize": "pyannote-embedded, pyannote.audio 4.0.7, float32, cpu · key 0123456789ab",
        "align": "thinslice's own arithmetic · key ba9876543210",
    }
    recording: Any = None
    return Inputs(scene, recording, given | made | changes, provenance=provenance)


def bare_inputs(**changes: Any) -> Inputs:
    """A session of which nothing could be measured."""
    given = {name: tables.TABLES[name].empty() for name in (*STAGE.reads, *candidates.STAGE.reads)}
    given["sessions"] = sessions(made_up="")
    lost = (
        Absence("video", "no_consent", "Video: the client has not agreed to it."),
        Absence("transcript", "no_weights", "Run `thinslice models fetch` to have one."),
    )
    scene: Any = SimpleNamespace(id=SESSION)
    recording: Any = None
    bare: Any = SimpleNamespace(spec=scene, tables=given)
    made: Any = candidates.run(bare, None, CandidatesSettings()).tables
    return Inputs(scene, recording, given | made | changes, absences=lost)


@cache
def full_tables() -> dict[str, pa.Table]:
    """Every table the report and the candidates stage read, before candidates."""
    given = {name: tables.TABLES[name].empty() for name in (*STAGE.reads, *candidates.STAGE.reads)}
    turns = turn_rows()
    ratings, quality, segments = dials()
    return given | {
        "sessions": sessions(),
        "turns": tables.TURNS.build_rows(turns),
        "words": words(turns),
        "roles": tables.ROLE_ASSIGNMENT.build_rows([
            {"session_id": SESSION, "speaker": i, "role": role, "confidence": 1.0,
             "method": "session_toml"} for i, role in enumerate(("therapist", "client"))]),
        "windows": windows(turns),
        "silences": tables.SILENCES.build_rows([
            {"session_id": SESSION, "start_s": t, "end_s": t + 4.2, "after_speaker": 0,
             "before_speaker": 1, "after_incomplete": False} for t in (700.0, 1490.0, 2210.0)]),
        "ratings": ratings, "rating_quality": quality, "rating_segments": segments,
        "forms": forms(), "quality": quality_figures(), "session_features": features(),
        "media": media(), "events": events(),
        "cue_check": tables.CUE_CHECK.build_rows(
            [moment(SESSION, (i + 0.5) * DURATION_S / 8) for i in range(8)]),
    }  # fmt: skip


def sessions(made_up: str = "both voices, the picture and the dials") -> pa.Table:
    return tables.SESSIONS.build_rows([{
        "session_id": SESSION, "dyad_id": "D07", "session_number": 5, "client_id": "C07",
        "therapist_id": "T02", "date": "2026-03-02", "capture": "in_room",
        "duration_s": DURATION_S, "made_up": made_up,
    }])  # fmt: skip


def turn_rows() -> list[dict[str, Any]]:
    rng = np.random.default_rng(7)
    rows: list[dict[str, Any]] = []
    latency, at = [], 4.0
    for pair in range(90):
        late = pair in LATE_AT
        brief = pair in BRIEF_AT or (late and pair > 37)
        asked, wait = (
            rng.uniform(4, 12),
            (rng.uniform(3.2, 4.8) if late else rng.lognormal(-0.2, 0.3)),
        )
        replied = rng.uniform(2, 6) if late else rng.uniform(14, 38)
        row: dict[str, Any] = dict.fromkeys(tables.TURNS.by_name)
        row |= {"session_id": SESSION, "is_backchannel": False, "takes_floor": True}
        question = row | {
            "turn_id": 2 * pair, "start_s": at, "end_s": at + asked, "speaker": 0,
            "role": "therapist", "is_question": True, "question_type": "open",
            "question_end_s": at + asked, "directive_strong": 0, "permission_phrase": False,
            "therapist_hold_s": asked,
        }  # fmt: skip
        start = at + asked + wait
        rows += [question, row | {
            "turn_id": 2 * pair + 1, "start_s": start, "end_s": start + replied, "speaker": 1,
            "role": "client", "answers_turn_id": 2 * pair, "response_latency_s": wait,
            "reply_minimal": brief, "is_question": False, "reply_agreeing": False,
            "reply_words": 3 if brief else 34,
        }]  # fmt: skip
        latency.append(wait)
        at = start + replied + rng.uniform(0.3, 1.5)
    z = robust_z(log_duration(np.array(latency)), np.ones(90, dtype=bool))
    for pair in range(90):
        rows[2 * pair + 1]["response_latency_z"] = z[pair]
    return [row for row in rows if row["end_s"] < DURATION_S]


def words(turns: list[dict[str, Any]]) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for turn in turns:
        text = (ASKED if turn["role"] == "therapist" else SAID).split()
        count = max(1, min(len(text), int((turn["end_s"] - turn["start_s"]) * 2.4)))
        step = (turn["end_s"] - turn["start_s"]) / count
        for i in range(count):
            start = turn["start_s"] + i * step
            word = text[i] + (
                ("?" if turn["role"] == "therapist" else ".") if i == count - 1 else ""
            )
            rows.append({
                "session_id": SESSION, "word_index": len(rows), "start_s": start,
                "end_s": start + 0.8 * step, "text": word.capitalize() if i == 0 else word,
                "probability": 0.9, "low_confidence": False,
                "timing": "measured", "speaker": turn["speaker"],
                "is_overlap": False, "stated_role": None, "stated_voice": None,
            })  # fmt: skip
    return tables.WORDS.build_rows(rows)


def windows(turns: list[dict[str, Any]]) -> pa.Table:
    rng = np.random.default_rng(3)
    n = int((DURATION_S - 30) / 5) + 1
    start = 5.0 * np.arange(n)
    columns: dict[str, Any] = {name: [None] * n for name in tables.WINDOWS.by_name}
    columns |= {"session_id": [SESSION] * n, "start_s": start, "end_s": start + 30}
    usual = {
        "client_articulation_rate_sps": (4.6, 0.5, -3.2), "client_pause_prop": (0.18, 0.05, 2.4),
        "client_gaze_path_rate_dps": (9.0, 2.0, -2.8), "client_stare_run_s": (5.0, 1.1, 2.0),
        "client_blink_rate_listening_pm": (19.0, 4.0, 0.4),
        "client_nod_slow_pm": (6.0, 2.0, 1.0), "client_face_motion_sd": (0.02, 0.004, 0.4),
        "client_f0_sd_st": (2.6, 0.4, -0.2),
    }  # fmt: skip
    for name, (centre, spread, planted) in usual.items():
        z = np.convolve(rng.standard_normal(n + 11), np.ones(12) / 4.4, "valid") * 0.8
        z[list(CUES_AT)] = planted
        columns[name] = np.clip(centre + spread * z, 0.01, None).astype(np.float32)
        columns[f"{name}_z"] = z.astype(np.float32)
    columns["client_nod_slow_pm_z"][:200] = np.nan
    columns |= {"client_video_hz": [25.0] * n, "client_face_iod_px": 62 + 3 * np.sin(start / 200)}
    columns |= {"client_face_valid_prop": [0.97] * n, "client_face_reason": ["turned_away"] * n}
    columns["client_replies_minimal"] = [3 if i in CUES_AT else 0 for i in range(n)]
    replies = [t for t in turns if t["response_latency_s"] is not None]
    inside = [[t for t in replies if s <= t["start_s"] < s + 30] for s in start]
    for name, key in (("", "response_latency_s"), ("_z", "response_latency_z")):
        columns[f"client_response_latency_s{name}"] = [
            max((t[key] for t in found), default=None) for found in inside
        ]
    columns["client_pause_prop_reason"] = ["low_snr" if i in CUES_AT else None for i in range(n)]
    return tables.WINDOWS.build(columns)


def wandering(rng: np.random.Generator, n: int) -> Any:
    """What a dial follows, in steps of 6 s: of spread 1, forgotten within a minute."""
    return lfilter([0.53], [1.0, -0.85], rng.standard_normal(n))


def dials() -> tuple[pa.Table, pa.Table, pa.Table]:
    rng = np.random.default_rng(11)
    seconds = np.arange(int(DURATION_S))
    felt = wandering(rng, len(seconds) // 6 + 1)
    ratings, quality, segments = list[Any](), list[Any](), list[Any]()
    for rater, level in (("client", 58.0), ("therapist", 54.0)):
        course = 0.75 * felt + 0.66 * wandering(rng, len(felt))
        value = np.clip(level + 15 * course[seconds // 6], 3, 97)
        ratings += [
            {"session_id": SESSION, "rater": rater, "t_s": float(t), "value_raw": v,
             "value": None if t < 10 else v}
            for t, v in zip(seconds, value, strict=True)
        ]  # fmt: skip
        median = float(np.median(value))
        quality.append(dict.fromkeys(tables.RATING_QUALITY.by_name) | {
            "session_id": SESSION, "rater": rater, "quality": "ok", "sentence": "", "lag_s": 2.0,
            "coverage": 0.99, "moves": 160, "longest_hold_s": 48.0, "dial_mean": value.mean(),
            "dial_median": median, "dial_sd": value.std(), "dial_prop_helpful": (value > 55).mean(),
            "dial_prop_neutral": ((value >= 45) & (value <= 55)).mean(),
            "dial_prop_hindering": (value < 45).mean(),
        })  # fmt: skip
        smooth = np.convolve(value, np.ones(30) / 30, "valid")
        for kind, best in (("low", np.argsort(smooth)), ("high", np.argsort(-smooth))):
            taken: list[int] = []
            for i in best:
                if len(taken) < 3 and all(abs(i - other) > 90 for other in taken):
                    taken.append(int(i))
            for rank, i in enumerate(taken, start=1):
                mean = float(smooth[i])
                name = {"low": "hindering" if mean < 45 else "least helpful",
                        "high": "helpful" if mean > 55 else "most helpful"}[kind]  # fmt: skip
                segments.append({
                    "session_id": SESSION, "rater": rater, "kind": kind, "rank": rank,
                    "start_s": float(i), "end_s": float(i) + 34, "mean": mean, "label": name,
                    "depth_madn": abs(mean - median) / 9, "low_confidence": False,
                })  # fmt: skip
    return (
        tables.RATINGS.build_rows(ratings),
        tables.RATING_QUALITY.build_rows(quality),
        tables.RATING_SEGMENTS.build_rows(segments),
    )


def forms() -> pa.Table:
    totals = (("ORS", "client", 21.4, 40.0), ("SRS", "client", 32.5, 40.0),
              ("WAI-SR", "client", 47.0, 60.0), ("WAI-SR", "therapist", 40.0, 60.0))  # fmt: skip
    blank = {"goal": None, "task": None, "bond": None, "flag": ""}
    return tables.FORMS.build_rows(
        form_row(SESSION, {"instrument": name, "by": by, "total": total, "max": top} | blank)
        for name, by, total, top in totals
    )


def quality_figures() -> pa.Table:
    figures = (
        ("audio_snr_session_db", 17.3, "ok", None, "Speech level over the level between words."),
        ("audio_clip_prop", 0.0002, "ok", None, "Share of samples at full scale."),
        ("audio_bandwidth_hz", 6400.0, "degraded", "low_snr", "Where 99 % of speech energy lies."),
        ("video_rate_hz", None, "absent", "no_media", "Frames per second."),
    )
    return tables.QUALITY_FIGURES.build_figures(
        {"session_id": SESSION, "measure": name, "value": value, "quality": quality,
         "reason": reason, "description": text}
        for name, value, quality, reason, text in figures
    )  # fmt: skip


def features() -> pa.Table:
    listed = (
        ("therapist_speech_prop", 0.38, None),
        ("client_response_latency_median_s", 0.83, None),
        ("client_articulation_rate_median_sps", 4.6, None),
        ("client_f0_median_hz", 187.0, None),
        ("floor_changes_pm", 2.9, None),
        ("client_face_iod_median_px", 62.0, None),
        ("client_video_median_hz", 25.0, None),
        ("client_frames_valid_prop", 0.97, None),
        ("client_demur_prop", None, "few_samples"),
    )
    return tables.SESSION_FEATURES.build_figures(
        {"session_id": SESSION, "feature": name, "value": value, "reason": why}
        for name, value, why in listed
    )


def media() -> pa.Table:
    row: dict[str, Any] = dict.fromkeys(tables.MEDIA.by_name)
    return tables.MEDIA.build_rows([row | {
        "session_id": SESSION, "media": 0, "sha256": "ab" * 32, "container": "matroska,webm",
        "duration_s": DURATION_S, "offset_s": 0.0, "width_px": 1280, "height_px": 720,
        "video_fps_eff": 25.0, "audio_rate_hz": 48000, "audio_channels": 1,
    }])  # fmt: skip


def events() -> pa.Table:
    return tables.EVENTS.build_rows(
        {"session_id": SESSION, "kind": kind, "start_s": float(t), "end_s": t + 0.2,
         "role": "client", "size": 0.5}
        for kind, step in (("blink", 3), ("nod_slow", 40)) for t in range(5, 3000, step)
    )  # fmt: skip


class Cutter:
    """Stands for the clip cutter; remembers what it was asked for."""

    def __init__(self, content: bytes = b"webm", *, has_video: bool = True) -> None:
        self.content, self.has_video, self.asked = content, has_video, list[tuple[float, float]]()

    def clip(self, start_s: float, end_s: float) -> bytes:
        self.asked.append((start_s, end_s))
        return self.content
