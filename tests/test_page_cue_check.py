"""The video check: what it says of good and bad pictures, and that it draws outlines only."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest

from pipeline import tables
from pipeline.face.outlines import OUTLINE_POINTS, OUTLINES, cue_check, thinned
from pipeline.page import wording
from pipeline.page.cue_check import GROUPS, CueCheck, axes_drawing
from pipeline.page.cue_check import cue_check as check_of
from pipeline.page.outlines import drawn_face, turned
from pipeline.settings import FaceSettings, ReportSettings
from pipeline.stage import Absence, Missing
from pipeline.stages import face
from pipeline.stages.report import run
from tests.made import report as made
from tests.made.faces import inputs, landmark_table, media_table, mesh
from tests.made.outlines import moment, outline

REASONS = {
    "gaze travel": "client_gaze_path_rate_dps_reason", "still gaze": "client_stare_run_s_reason",
    "blinks": "client_blink_rate_listening_pm_reason",
    "nods": "client_nod_slow_pm_reason", "face movement": "client_face_motion_sd_reason",
}  # fmt: skip


def checked(
    lost: dict[str, tuple[str, float]] | None = None, iod_px: float = 62.0, fps: float = 25.0
) -> CueCheck:
    """A session of which some kinds of cue lack a share of the windows for some reason."""
    given = dict(made.full_tables())
    windows = given["windows"].to_pydict()
    n = len(windows["start_s"])
    windows["client_video_hz"] = [fps] * n
    for kind, (reason, share) in (lost or {}).items():
        count = round(share * n)
        windows[REASONS[kind]] = [reason] * count + [None] * (n - count)
        windows["client_face_reason"] = [reason] * count + [None] * (n - count)
        windows["client_face_iod_px"] = [iod_px] * count + [62.0] * (n - count)
    given["windows"] = tables.WINDOWS.build(windows)
    return check_of(given, made.DURATION_S, ())


ALL = "Video cues can be used: face 62 px between the eyes (40 needed), 25 frames a second "
FAR = (
    "Nods can be used. Gaze travel, still gaze, blinks and face movement not measured: face 28 px "
)
SLOW = (
    "Gaze travel, still gaze, nods and face movement can be used. Blinks not measured: 17 frames "
)
ROUND = (
    "Blinks, nods and face movement can be used. "
    "Gaze travel and still gaze measured in 40 % of the session only: face turned away."
)
NOBODY = (
    "Video cues cannot be used. "
    "Gaze travel, still gaze, blinks, nods and face movement not measured: no face found."
)
GAZE = ("gaze travel", "still gaze")


@pytest.mark.parametrize(
    ("lost", "level", "sentence"),
    [
        ({}, "all", ALL + "(20 needed), 97 % of the frames good enough."),
        (dict.fromkeys(GAZE, ("small_face", 0.1)), "all", ALL),
        (dict.fromkeys(GAZE, ("few_samples", 1.0)), "all", ALL),
        ({"blinks": ("low_fps", 1.0)}, "some", SLOW + "a second, 20 needed."),
        (
            dict.fromkeys((*GAZE, "blinks", "face movement"), ("small_face", 1.0)),
            "some",
            FAR + "between the eyes, 40 needed.",
        ),
        (dict.fromkeys(GAZE, ("turned_away", 0.6)), "some", ROUND),
        (dict.fromkeys(REASONS, ("no_face", 1.0)), "none", NOBODY),
    ],
)
def test_one_plain_sentence(lost: dict[str, Any], level: str, sentence: str) -> None:
    fps = 17.0 if any(reason == "low_fps" for reason, _ in lost.values()) else 25.0
    found = checked(lost, iod_px=28.0, fps=fps)
    assert (found.level, found.verdict[: len(sentence)]) == (level, sentence)
    assert not wording.scan(found.verdict)


@pytest.mark.parametrize("cue", GROUPS)
@pytest.mark.parametrize(
    ("kept", "reason", "words"),
    [
        ("", "few_samples", "not measured (too few to say)."),
        ("value", None, "measured, but the session has no usual to compare with."),
    ],
)
def test_no_cue_counts_as_usable_that_is_nowhere_or_cannot_be_compared(
    cue: str, kept: str, reason: str | None, words: str
) -> None:
    column, _ = GROUPS[cue]
    windows = made.full_tables()["windows"].to_pydict()
    none = [None] * len(windows["start_s"])
    windows[f"{column}_z"] = none
    windows[column] = windows[column] if kept else none
    windows[f"{column}_reason"] = [reason] * len(none)
    found = check_of(
        {**made.full_tables(), "windows": tables.WINDOWS.build(windows)}, made.DURATION_S, ()
    )
    assert found.level == "some"
    assert f"{cue.capitalize()} {words}" in found.verdict
    assert cue not in found.verdict.split(" can be used.")[0].lower()


def test_a_session_without_video_says_so_in_one_line() -> None:
    given = {**made.full_tables(), "cue_check": tables.CUE_CHECK.empty()}
    absences = (Absence("video", "no_media", "No video shows the client."),)
    assert check_of(given, 60.0, absences) == CueCheck("No video cues. No video shows the client.")


def test_strips_and_legend_tell_the_reasons() -> None:
    found = checked({"still gaze": ("small_face", 0.5)}, iod_px=28.0)
    size, share = found.strips
    assert 0 < size.gate_percent < 100  # type: ignore[operator]
    assert "40 px" in size.gate
    assert 'class="f-valid"' in share.svg
    assert 'class="f-small_face"' in share.svg
    assert ("small_face", "face too small") in found.legend
    assert found.ticks[0] == "00:00"
    assert found.ticks[-1] == "50:12"


def test_gaze_and_nose_are_drawn_with_the_signs_of_the_face_stage() -> None:
    """Yaw + to the picture's left (x falls), pitch + up (y falls); roll + right eye lower."""
    assert turned(20, 0, 0)[:, 2][0] > 0  # the nose is the other way: to the left
    assert turned(0, 20, 0)[:, 2][1] > 0  # and up
    assert turned(0, 0, 20)[:, 0][1] > 0
    for yaw, pitch in ((15.0, 0.0), (-15.0, 0.0), (0.0, 10.0), (0.0, -10.0)):
        row = moment("s", 1.0, gaze_yaw_deg=yaw, gaze_pitch_deg=pitch)
        x0, y0, x1, y1 = _line(drawn_face(row).svg, "gaze")
        assert (np.sign(x1 - x0), np.sign(y1 - y0)) == (-np.sign(yaw), -np.sign(pitch))
        row |= {"head_yaw_deg": yaw, "head_pitch_deg": pitch, "head_roll_deg": 0.0}
        x0, y0, x1, y1 = _line(drawn_face(row).svg, "h-nose")
        assert (np.sign(x1 - x0), np.sign(y1 - y0)) == (-np.sign(yaw), -np.sign(pitch))


def test_the_rotation_is_that_of_the_face_stage() -> None:
    face_at = mesh(yaw=14, pitch=-9, roll=6)
    frame = outputs([face_at]).tables["face_frames"].to_pylist()[0]
    angles = [frame[f"head_{name}_deg"] for name in ("yaw", "pitch", "roll")]
    across = face_at[263] - face_at[33]
    drawn = turned(*angles)[:2, 0]
    assert np.degrees(np.arctan2(*across[::-1])) == pytest.approx(
        np.degrees(np.arctan2(*drawn[::-1])), abs=2.0
    )


@pytest.mark.parametrize(
    ("changes", "note", "classes"),
    [
        ({}, "62 px", {"gaze", "h-nose", "o-face"}),
        (
            {"reason": "small_face", "face_iod_px": 28.0, "gaze_yaw_deg": None},
            "28 px, face too small",
            {"h-nose", "o-face"},
        ),
        ({"reason": "no_face", "points_px": None, "face_iod_px": None}, "no face found", set()),
    ],
)
def test_what_was_not_measured_is_not_drawn(
    changes: dict[str, Any], note: str, classes: set[str]
) -> None:
    drawn = drawn_face(moment("s", 61.0, **changes))
    assert (drawn.when, drawn.note, drawn.is_usable) == ("01:01", note, not changes)
    found = set(re.findall(r'class="([\w-]+)"', drawn.svg))
    assert found & {"gaze", "h-nose", "o-face"} == classes


def test_the_page_shows_it_and_no_picture() -> None:
    page = run(made.inputs(), Missing("no_media", "gone"), ReportSettings()).files["report.html"]
    text = page.decode()
    part = text[text.index('id="video-check"') : text.index("How good the recording is")]
    assert part.count("<figure class=") == 8
    assert "Axes and signs" in part
    assert "<img" not in part
    assert "data:image" not in part
    assert "xmlns" not in axes_drawing()
    tags = HTMLParser()
    tags.feed(part)
    assert not wording.scan_html(part)


# ---- the table of outlines -------------------------------------------------------------------


def outputs(faces: list[Any], t_s: Any = None, **kwargs: Any) -> Any:
    table = landmark_table(np.arange(len(faces)) / 25 if t_s is None else t_s, faces, **kwargs)
    given = {"landmarks": table, "media": media_table()}
    return face.run(inputs(given), None, FaceSettings())


def test_eight_moments_at_even_times_with_their_reasons_and_gates() -> None:
    t_s = np.arange(400) / 5
    faces = [mesh(yaw=5)] * 200 + [None] * 200
    table = outputs(faces, t_s).tables["cue_check"]
    rows = table.to_pylist()
    assert [row["t_s"] for row in rows] == pytest.approx(5 + 10 * np.arange(8), abs=1.1)
    assert [row["reason"] for row in rows] == [None] * 4 + ["no_face"] * 4
    assert rows[0]["points_px"] == pytest.approx(
        faces[0][list(OUTLINE_POINTS)].ravel().tolist(), abs=0.01
    )
    assert rows[0]["head_yaw_deg"] == pytest.approx(5, abs=0.05)
    assert {(r["gate_iod_px"], r["gate_nod_hz"], r["gate_blink_hz"]) for r in rows} == {
        (40.0, 15.0, 20.0)
    }
    tables.CUE_CHECK.check(table)


def test_a_short_recording_has_each_moment_once() -> None:
    assert outputs([mesh()] * 10).tables["cue_check"].num_rows == 1
    assert cue_check(tables.FACE_FRAMES.empty(), [], FaceSettings()).num_rows == 0


def test_only_the_client_is_outlined_and_a_second_is_enough() -> None:
    t_s = np.arange(75) / 25
    table = landmark_table(t_s, [mesh()] * 75)
    (batch,) = table.to_batches()
    assert thinned(batch).column("t_s").to_pylist() == [0.0, 1.0, 2.0]
    other = landmark_table(t_s, [mesh()] * 75, role="therapist")
    assert thinned(other.to_batches()[0]).num_rows == 0


def test_lines_are_of_the_mesh_and_the_table_is_private() -> None:
    assert max(OUTLINE_POINTS) < 478
    assert len(set(OUTLINE_POINTS)) == len(OUTLINE_POINTS)
    assert len(outline()) == 2 * sum(len(line) for line in OUTLINES.values())
    assert tables.CUE_CHECK.private


def _line(svg: str, name: str) -> list[float]:
    found = re.search(rf'class="{name}" d="M([-\d.]+) ([-\d.]+)L([-\d.]+) ([-\d.]+)"', svg)
    assert found is not None
    return [float(value) for value in found.groups()]
