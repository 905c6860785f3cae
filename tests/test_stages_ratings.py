"""The ratings stage: seconds, lag, quality gates, segments, and one broken file of two."""

from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.dials.layouts import DialCourse
from pipeline.settings import RatingsSettings
from pipeline.stages.ratings import STAGE, on_seconds
from tests.made.dials import followed, rated, turn_table
from tests.made.faces import SPEC

SETTINGS = RatingsSettings()


def session(folder: Path, duration_s: float, *, media=None, turns=None, reasons="", **dials):
    """Outputs for a session whose raters' files hold the given courses or texts."""
    named = []
    for rater, course in dials.items():
        text = course
        if not isinstance(course, str):
            text = "time,rating\n" + "".join(f"{i},{v}\n" for i, v in enumerate(course))
        (folder / f"{rater}.csv").write_text(text)
        named.append({"file": f"{rater}.csv", "rater": rater})
    return rated(folder, named, duration_s, media=media, turns=turns, reasons=reasons)


def rows(outputs, name: str, rater: str) -> list[dict]:
    return [row for row in outputs.tables[name].to_pylist() if row["rater"] == rater]


def wandering(mean: float, seed: int, n: int = 3000) -> np.ndarray:
    """A dial in steps of 0.01 points whose mean is exact to 0.005."""
    rng = np.random.default_rng(seed)
    knots = np.arange(0, n + 60, 60)
    slow = np.interp(np.arange(n), knots, rng.normal(0, 12, len(knots)))
    course = np.round(np.clip(mean + slow - slow.mean(), 0, 100), 2)
    return np.round(course + (mean - course.mean()), 2)


def test_published_means_come_out_again(tmp_path: Path) -> None:
    """Client 52.20 and therapist 53.07 over a 50-minute session."""
    both = session(tmp_path, 3000.0, client=wandering(52.20, 1), therapist=wandering(53.07, 2))
    for rater, mean in (("client", 52.20), ("therapist", 53.07)):
        (quality,) = rows(both, "rating_quality", rater)
        assert quality["dial_mean"] == pytest.approx(mean, abs=0.01)
        assert quality["quality"] == "ok"
        assert quality["sentence"] == ""
        segments = sorted(rows(both, "rating_segments", rater), key=lambda s: s["start_s"])
        assert [s["kind"] for s in segments].count("high") == 3
        assert [s["kind"] for s in segments].count("low") == 3
        gaps = [b["start_s"] - a["end_s"] for a, b in pairwise(segments)]
        assert min(gaps) >= SETTINGS.segment_gap_s
        assert not any(s["low_confidence"] for s in segments)


def test_a_dial_is_timed_by_a_player_that_starts_before_the_sound(tmp_path: Path) -> None:
    """The picture begins 5 s before the first sound: the step at player second 300 is t = 295."""
    row = dict.fromkeys(tables.MEDIA.by_name)
    row |= {"session_id": SPEC["id"], "media": 0, "sha256": "-", "offset_s": 0.0}
    row |= {"audio_start_s": 5.0, "video_start_s": 0.0, "clock_start_s": 5.0}
    course = np.where(np.arange(600) < 300, 40.0, 60.0)
    outputs = session(tmp_path, 590.0, media=tables.MEDIA.build_rows([row]), client=course)
    raw = {row["t_s"]: row["value_raw"] for row in rows(outputs, "ratings", "client")}
    assert (raw[294.0], raw[295.0]) == (40.0, 60.0)


def test_the_lag_is_taken_off_and_the_start_dropped(tmp_path: Path) -> None:
    course = np.full(600, 50.0)
    course[300:] = 80.0
    found = rows(session(tmp_path, 600.0, client=course), "ratings", "client")
    assert [r["t_s"] for r in found] == list(range(600))
    assert [r["value_raw"] for r in found] == course.tolist()
    value = [r["value"] for r in found]
    assert value[:8] == [None] * 8  # what was rated in the first 10 s, 2 s earlier
    assert value[8] == 50.0
    assert value[10:298] == [50.0] * 288
    assert value[298:598] == [80.0] * 300
    assert value[598:] == [None, None]


def test_fast_samples_become_one_second_means_and_steps_are_held() -> None:
    thirty_hz = np.arange(0, 10, 1 / 30)
    course = DialCourse(thirty_hz, thirty_hz + 1 / 30, thirty_hz * 10)
    seconds = on_seconds(course, 10.0)
    assert seconds == pytest.approx(np.arange(10) * 10 + 29 / 6, abs=1e-6)
    steps = DialCourse(np.array([0, 2.25]), np.array([2.25, 5.0]), np.array([20.0, 60.0]))
    assert on_seconds(steps, 6.0)[:5] == pytest.approx([20, 20, 50, 60, 60])
    assert np.isnan(on_seconds(steps, 6.0)[5])


def test_one_broken_file_costs_one_dial(tmp_path: Path) -> None:
    both = session(tmp_path, 600.0, client="time,rating\n0,abc\n", therapist=wandering(50, 3, 600))
    (absence,) = both.absences
    assert (absence.modality, absence.reason) == ("dial_client", "unreadable_media")
    assert "client.csv, line 2" in absence.sentence
    assert rows(both, "rating_quality", "client")[0]["quality"] == "absent"
    assert not rows(both, "ratings", "client")
    assert len(rows(both, "ratings", "therapist")) == 600


def test_no_dials_and_dials_of_another_time(tmp_path: Path) -> None:
    none = session(tmp_path, 600.0)
    assert [(a.modality, a.reason) for a in none.absences] == [
        ("dial_client", "no_dial"), ("dial_therapist", "no_dial"),
    ]  # fmt: skip
    late = session(tmp_path, 600.0, client="time,rating\n36000,50\n36001,50\n")
    assert late.absences[0].reason == "unreadable_media"
    assert "offset_s" in late.absences[0].sentence


def test_without_consent_it_is_both_dials_that_are_absent() -> None:
    assert (STAGE.scope, STAGE.modality) == ("dial", "dials")


@pytest.mark.parametrize(
    ("course", "words"),
    [
        (wandering(50, 4, 900)[:700], "covers 78% of the session"),
        (np.full(900, 50.0), "moved 0 times"),
        (50 + (np.arange(900) % 20 > 9) * 2.0, "varied by 1.0 points"),
        (np.concatenate([wandering(50, 5, 280), np.full(620, 50.0)]), "left alone for 62"),
    ],
)
def test_a_dial_that_cannot_be_trusted_says_why(tmp_path: Path, course, words: str) -> None:
    outputs = session(tmp_path, 900.0, client=course)
    (quality,) = rows(outputs, "rating_quality", "client")
    assert quality["quality"] == "degraded"
    assert words in quality["sentence"]
    assert all(s["low_confidence"] for s in rows(outputs, "rating_segments", "client"))


def test_what_the_file_was_is_written_beside_its_figures(tmp_path: Path) -> None:
    course = wandering(50, 7, 600)
    text = "time,helpfulness\n" + "".join(f"{i},{v}\n" for i, v in enumerate(course))
    (quality,) = rows(session(tmp_path, 600.0, client=text), "rating_quality", "client")
    assert (quality["layout"], quality["clock"], quality["direction"]) == (
        "time_rating", "media", "labelled",
    )  # fmt: skip
    assert (quality["axis_low"], quality["axis_high"]) == (0, 100)
    assert (quality["parts"], quality["passes"], quality["lag_s"]) == (1, 1, 2.0)
    assert quality["dial_range"] == pytest.approx(np.ptp(course), abs=1e-4)
    assert (quality["lag_estimate_s"], quality["lag_reason"]) == (None, "no_speech")


def test_a_dial_that_follows_the_turns_has_its_lag_beside_it(tmp_path: Path) -> None:
    changes, course = followed(np.random.default_rng(5), 3.0)
    outputs = session(tmp_path, 3000.0, client=course, turns=turn_table(changes))
    (quality,) = rows(outputs, "rating_quality", "client")
    assert quality["lag_low_s"] < 3.0 < quality["lag_high_s"]
    assert quality["lag_s"] == 2.0, "an estimate moves nothing"
    assert quality["lag_reason"] is None


def test_a_raters_own_reasons_can_contradict_the_dial(tmp_path: Path) -> None:
    course = wandering(50, 9, 600)
    course[100:140], course[200:240], course[300:340], course[400:440] = 90, 85, 12, 10
    text = "start,end,reason\n100,140,{a}\n200,240,{a}\n300,340,{b}\n400,440,{b}\n500,520,no idea\n"
    (tmp_path / "why.csv").write_text(text.format(a="She was helpful here", b="Hindering advice"))
    agreed = session(tmp_path, 600.0, client=course, reasons="why.csv")
    assert rows(agreed, "rating_quality", "client")[0]["sentence"] == ""
    (tmp_path / "why.csv").write_text(text.format(a="This was unhelpful", b="That helped"))
    parted = session(tmp_path, 600.0, client=course, reasons="why.csv")
    (quality,) = rows(parted, "rating_quality", "client")
    assert quality["quality"] == "degraded"
    assert (
        "called helpful lower (median 11) than what they called hindering (88)"
        in (quality["sentence"])
    )
    assert rows(parted, "ratings", "client") == rows(agreed, "ratings", "client")


CHANGES = {"row": "{t:g},{v:g}", "ms": "{ms:.0f},{v:g}", "log": "{t:g},rating,{v:g}"}


@pytest.mark.parametrize("style", CHANGES)
@settings(max_examples=25, deadline=None)
@given(
    levels=st.lists(st.integers(0, 100), min_size=2, max_size=30, unique=True),
    seed=st.integers(0, 1000),
)
def test_the_last_of_a_log_of_changes_stands_until_the_film_ends(style, levels, seed) -> None:
    gaps = np.random.default_rng(seed).uniform(1.5, 15.0, len(levels) - 1)
    at_s = np.round(np.cumsum([0.0, *gaps]), 3)
    names = {"row": "time,rating", "ms": "time_ms,rating", "log": "time,event,rating\n0,play,"}
    lines = [
        CHANGES[style].format(t=t, v=v, ms=1000 * t) for t, v in zip(at_s, levels, strict=True)
    ]
    with TemporaryDirectory() as place:
        text = "\n".join([names[style], *lines, ""])
        outputs = rated(Path(place), [part(Path(place), text)], 600.0)
    (quality,) = rows(outputs, "rating_quality", "client")
    raw = [row["value_raw"] for row in rows(outputs, "ratings", "client")]
    assert raw[math.ceil(at_s[-1]) :] == [levels[-1]] * (600 - math.ceil(at_s[-1]))
    assert quality["held_to_end_s"] > 100
    assert f"stood there until the end at {600} s" in quality["sentence"]


STOPPED = {
    "samples": "time,rating\n" + "".join(f"{t / 2},{40 + t % 21}\n" for t in range(200)),
    "a stop": "time,event,rating\n0,play,\n0,rating,50\n30,rating,60\n100,stop,\n",
    "not rated": "time,rating\n0,50\n12,70\n100,\n",
    "a stretch": "start,end,rating\n0,12,50\n12,100,70\n",
}


@pytest.mark.parametrize("text", STOPPED.values(), ids=STOPPED)
def test_a_dial_that_was_read_no_more_did_not_stand(tmp_path: Path, text: str) -> None:
    outputs = rated(tmp_path, [part(tmp_path, text)], 600.0)
    raw = [row["value_raw"] for row in rows(outputs, "ratings", "client")]
    assert raw[99] is not None
    assert raw[101:] == [None] * 499
    (quality,) = rows(outputs, "rating_quality", "client")
    assert quality["held_to_end_s"] == 0
    assert "stood" not in quality["sentence"]


def part(folder: Path, text: str) -> dict[str, object]:
    (folder / "changes.csv").write_text(text)
    return {"file": "changes.csv", "rater": "client", "scale": [0.0, 100.0]}
