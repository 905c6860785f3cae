"""Periods are found in any sound, at both ends of a recording, in a bounded number of steps."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.voice.fundamental_frequency import autocorrelation_track
from pipeline.voice.pitch import Grid, grid_over
from pipeline.voice.quality import (
    PITCH_LIMITS_HZ,
    _next_period,
    _steps,
    measure_voice,
    summarise,
)
from tests.made.corpus_takes import clips
from tests.made.real_corpus import WHOLE
from tests.made.vowels import RATE, vowel

HOP_S = 0.01
HOP = round(HOP_S * RATE)
LEAST = 0.8, 1.0
"""Least way from a period to the next: a share of it, less samples lost to rounding."""

SOUNDS = ("noise", "tone", "hum", "silence", "clicks", "clipped", "offset", "quiet", "nan")


def sound(kind, count, random):
    t = np.arange(count) / RATE
    tone = np.sin(2 * np.pi * random.uniform(20, 4000) * t + random.uniform(0, 6))
    made = {
        "noise": random.normal(size=count),
        "tone": tone,
        "hum": np.sin(2 * np.pi * random.uniform(1, 60) * t) + 1e-3 * random.normal(size=count),
        "silence": np.zeros(count),
        "clicks": (random.random(count) < 0.005).astype(float),
        "clipped": np.clip(50 * tone, -1, 1),
        "offset": 0.8 + 0.01 * random.normal(size=count),
        "quiet": 1e-30 * random.normal(size=count),
        "nan": np.where(random.random(count) < 0.01, np.nan, tone),
    }
    return made[kind].astype(np.float32)


def pitch(grid, random):
    """F0 that need not fit the sound, in runs that reach both ends."""
    f0_hz = np.exp(random.uniform(*np.log(PITCH_LIMITS_HZ), grid.count))
    if random.random() < 0.5:
        f0_hz[:] = f0_hz[0]
    f0_hz[random.random(grid.count) < random.choice([0.0, 0.1, 0.5])] = np.nan
    return f0_hz


def runs_of(f0_hz):
    voiced = np.isfinite(f0_hz).view(np.int8)
    return np.flatnonzero(np.diff(voiced, prepend=0, append=0)).reshape(-1, 2).tolist()


def most_steps(f0_hz, grid):
    """No run may take more a side: its length over the shortest step, and one across the edge."""
    shortest = RATE / np.nanmax(f0_hz)
    return int(f0_hz.size * grid.hop / (LEAST[0] * shortest - LEAST[1])) + 1


def walk(audio, f0_hz, grid, run, start):
    """Both ways from a sample of the run, as `_pulses` goes."""
    edges = max(0.0, (run[0] - 0.5) * grid.hop), min(audio.size - 1.0, (run[1] - 0.5) * grid.hop)
    top = min(max(start, edges[0]), edges[1])
    return [_steps(audio, f0_hz, grid.hop, tuple(run), edges, top, side) for side in (-1.0, 1.0)]


def check_steps(audio, f0_hz, grid):
    """Every run ends within the stated number of steps, each forward by no less than the least.

    Returns how many runs there are.
    """
    runs = runs_of(f0_hz)
    for first, last in runs:
        middle = (first + last) / 2 * grid.hop
        for side, taken in zip((-1, 1), walk(audio, f0_hz, grid, (first, last), middle),
                               strict=True):  # fmt: skip
            assert len(taken) <= most_steps(f0_hz[first:last], grid)
            ways = side * np.diff(taken[:, 0])
            assert (ways >= LEAST[0] * taken[1:, 2] - LEAST[1] - 1e-6).all()
            assert (ways <= 1.25 * taken[1:, 2] + LEAST[1] + 1e-6).all()
    return len(runs)


@given(st.sampled_from(SOUNDS), st.integers(1, 2500), st.integers(0, 2**32 - 1))
@settings(max_examples=20_000 if WHOLE else 100, deadline=None)
def test_a_run_ends_whatever_is_heard_in_it(kind, count, seed):
    random = np.random.default_rng(seed)
    audio = sound(kind, count, random)
    grid = grid_over(audio, HOP_S)
    f0_hz = pitch(grid, random)
    check_steps(audio, f0_hz, grid)
    found = measure_voice(audio, grid, f0_hz)
    assert ((found.pulses_s >= 0) & (found.pulses_s < count / RATE)).all()
    assert (np.diff(found.pulses_s) > 0).all()
    assert not (found.amplitudes < 0).any()
    told = summarise(found, slice(0, grid.count), grid)
    for value in (told.jitter_local, told.shimmer_local):
        assert value is None or 0 <= value < np.inf


@given(
    st.sampled_from(SOUNDS),
    st.integers(0, 2**32 - 1),
    st.floats(*PITCH_LIMITS_HZ),
    st.sampled_from([-1.0, 1.0]),
)
@settings(max_examples=300, deadline=None)
def test_the_best_match_lies_where_it_is_sought(kind, seed, f0_hz, side):
    """A peak between its neighbours, so half a sample off at most: never the search's own edge."""
    random = np.random.default_rng(seed)
    audio, period = sound(kind, 4000, random), RATE / f0_hz
    way, similar = _next_period(audio, random.uniform(1900, 2100), period, side)
    assert 0.8 * period - LEAST[1] <= way <= 1.25 * period + LEAST[1]
    assert -1 <= similar <= 1


@pytest.mark.parametrize("f0_hz", [80.0, 120.0, 311.0])
@pytest.mark.parametrize("cut", [0, 1, 79, 80, 81, 159])
def test_a_voice_cut_off_at_both_ends_keeps_its_periods(f0_hz, cut):
    audio = vowel(f0_hz, 0.0, 0.0, 60.0)[0]
    audio = audio[cut : len(audio) - cut]
    grid = grid_over(audio, HOP_S)
    track = np.full(grid.count, f0_hz)
    found = np.diff(measure_voice(audio, grid, track).pulses_s)
    assert np.median(found) == pytest.approx(1 / f0_hz, rel=1e-3)
    # what does not fit in between the ends is missed, no more
    assert found.size >= audio.size / RATE * f0_hz - 6


def test_the_shortest_recordings_have_no_voice_quality():
    for count in (1, 2, HOP, HOP + 1):
        audio = np.ones(count, np.float32)
        grid = Grid(HOP, -(-count // HOP))
        found = measure_voice(audio, grid, np.full(grid.count, 75.0))
        told = summarise(found, slice(0, grid.count), grid)
        assert (told.hnr_db, told.jitter_local, told.shimmer_local) == (None, None, None)


def test_real_voices_end_their_runs(shared_data, capsys):
    """The two that once did not, and a meeting cut off in mid-voice; else every recording."""
    cases = sorted((shared_data.parent / "cases").glob("k0*/*.wav"))
    found, random = 0, np.random.default_rng(1)
    for path in [*cases, *(clips(shared_data) if WHOLE else ())]:
        for heard in soundfile.read(path, dtype="float32", always_2d=True)[0].T:
            grid = grid_over(heard, HOP_S)
            alone = np.ones(grid.count, np.bool_)
            f0_hz = autocorrelation_track(heard, grid, alone, PITCH_LIMITS_HZ)
            found += check_steps(heard, f0_hz, grid)
            assert measure_voice(heard, grid, f0_hz).pulses_s.size > 10
            for _ in range(100 if WHOLE else 1):  # cut anywhere, with pitches that do not fit
                start, length = random.integers(0, [heard.size, 10 * RATE])
                cut = heard[start : start + length + 1]
                grid = grid_over(cut, HOP_S)
                found += check_steps(cut, pitch(grid, random), grid)
    with capsys.disabled():
        print(f" {found} voiced runs of real sound end in time" if WHOLE else "", end="")
