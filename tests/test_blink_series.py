"""Blinks and nods in series of numbers: planted ones, and two labelled recordings."""

from __future__ import annotations

import pytest

from bench.face_series import (
    APEX_ROWS,
    EYES,
    NOD_FPS,
    PARTIAL,
    RECORDINGS,
    SERIES_FPS,
    SETTINGS,
    SINES_DEG,
    SINES_HZ,
    WIDTHS_S,
    apexes,
    labelled_apexes,
    lid_recording,
    matched,
    nods_in_sine,
    recall_of_blinks,
    seen_twice,
)


def test_the_table_of_chances() -> None:
    """METHODS: Recording. 100 ms at 10, 15, 20 fps; 150 ms at the same."""
    assert [seen_twice(0.1, fps) for fps in (10, 15, 20)] == pytest.approx([0, 0.5, 1])
    assert [seen_twice(0.15, fps) for fps in (10, 15, 20)] == pytest.approx([0.5, 1, 1])


@pytest.mark.parametrize("fps", SERIES_FPS)
@pytest.mark.parametrize("width_s", WIDTHS_S)
def test_recall_is_at_least_the_chance_of_two_frames(width_s: float, fps: float) -> None:
    recall, others = recall_of_blinks(fps, width_s, n=100)
    assert recall >= seen_twice(width_s, fps)
    assert others == 0


@pytest.mark.parametrize("fps", NOD_FPS)
@pytest.mark.parametrize("rate_hz", SINES_HZ)
@pytest.mark.parametrize("size_deg", SINES_DEG)
def test_only_large_sines_in_the_band_are_nods(size_deg: float, rate_hz: float, fps: float) -> None:
    expected = [] if size_deg < 3 or rate_hz < 1 else ["fast" if rate_hz > 2.6 else "slow"]
    assert nods_in_sine(fps, rate_hz, size_deg) == expected


@pytest.mark.parametrize(("eye", "listed"), [("left", 5), ("right", 6)])
def test_labelled_apexes_of_a_240_hz_recording(shared_data, eye: str, listed: int) -> None:
    folder = shared_data / "blink"
    lids, valid = lid_recording(folder / "blinking_short.csv", eye)
    labels = [
        at for at in labelled_apexes(folder / "blinking_full_blinking.xlsx", eye) if at < len(lids)
    ]
    found = [at for at, _ in apexes(lids, valid, 240.0, SETTINGS)]
    print(f"{eye}: labelled {labels}, found {found}")
    assert len(labels) == listed
    assert matched(found, labels, APEX_ROWS) == listed
    assert len(found) - listed <= 2


@pytest.mark.parametrize("eye", EYES)
@pytest.mark.parametrize(("name", "fps", "blinks", "dips"), [
    (*RECORDINGS[0], 6, 7),  # its authors count 7 per eye, of which one or two are partial
    (*RECORDINGS[1], 6, 6),  # six dips; no seventh is deeper than a tenth of the opening
])  # fmt: skip
def test_partial_blinks_come_on_top(shared_data, name, fps, blinks, dips, eye) -> None:
    lids, valid = lid_recording(shared_data / "blink" / name, eye)
    found, shallow = (apexes(lids, valid, fps, settings) for settings in (SETTINGS, PARTIAL))
    assert (len(found), len(shallow)) == (blinks, dips)
    assert {at for at, _ in found} <= {at for at, _ in shallow}
    assert all(0.12 <= depth < 0.3 for at, depth in shallow if at not in dict(found))


def test_frames_that_are_not_valid_hide_a_blink(shared_data) -> None:
    lids, valid = lid_recording(shared_data / "blink" / "blinking_short.csv", "left")
    valid[6150:6250] = False
    rows = [at for at, _ in apexes(lids, valid, 240.0, SETTINGS)]
    assert rows == [1744, 4193, 9525, 11157, 12527]
