"""Edges of speech against tone bursts with known onsets."""

import numpy as np
import pytest

from models.base import SpeakerInterval
from pipeline.settings import DiarizeSettings
from pipeline.voice.edges import frame_level_db, to_audible

RATE = 16_000
PLANNED = [(1.0, 2.5), (3.2, 4.0), (5.0, 6.8)]
SETTINGS = DiarizeSettings()


def bursts(noise_db=-70.0, level_db=-20.0):
    """Tones at the planned times over white noise."""
    rng = np.random.default_rng(0)
    audio = rng.normal(0, 10 ** (noise_db / 20), 8 * RATE)
    t = np.arange(audio.size) / RATE
    for start, end in PLANNED:
        inside = (t >= start) & (t < end)
        audio[inside] += np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * 220 * t[inside])
    return audio.astype(np.float32)


def loose(early=0.06, late=0.08):
    return [SpeakerInterval(s - early, e + late, i % 2) for i, (s, e) in enumerate(PLANNED)]


def moved(intervals, audio, heard=()):
    return to_audible(
        intervals,
        audio,
        heard,
        pause_s=SETTINGS.pause_min_s,
        reach_s=SETTINGS.edge_reach_s,
        depth_db=SETTINGS.edge_depth_db,
        above_noise_db=SETTINGS.edge_above_noise_db,
    )


@pytest.mark.parametrize("noise_db", [-80.0, -60.0, -40.0])
def test_loose_edges_come_to_the_burst_within_a_frame(noise_db):
    for (start, end), one in zip(PLANNED, moved(loose(), bursts(noise_db)), strict=True):
        assert one.start_s == pytest.approx(start, abs=0.011)
        assert one.end_s == pytest.approx(end, abs=0.011)


def test_edges_never_move_outwards():
    tight = loose(early=-0.1, late=-0.1)
    for before, after in zip(tight, moved(tight, bursts()), strict=True):
        assert after.start_s >= before.start_s
        assert after.end_s <= before.end_s


def test_an_edge_moves_no_further_than_its_reach():
    far = [SpeakerInterval(0.2, 2.5, 0)]
    (one,) = moved(far, bursts())
    assert one.start_s in (0.2, pytest.approx(0.2 + SETTINGS.edge_reach_s, abs=0.01))


def test_another_voice_across_the_edge_keeps_it():
    audio = bursts()
    cut = [SpeakerInterval(1.4, 2.0, 0), SpeakerInterval(1.0, 2.5, 1)]
    assert moved(cut, audio)[0] == cut[0]


@pytest.mark.parametrize("noise_db", [-80.0, -60.0, -40.0])
def test_pauses_are_taken_out_within_a_frame(noise_db):
    """One stretch over all bursts comes apart at both pauses, and keeps whose it is."""
    whole = SpeakerInterval(0.9, 6.9, 1, 0.8)
    found = moved([whole], bursts(noise_db), heard=PLANNED)
    edges = [(one.start_s, one.end_s) for one in found]
    assert np.array(edges) == pytest.approx(np.array(PLANNED), abs=0.011)
    assert {(one.speaker, one.confidence) for one in found} == {(1, 0.8)}


def test_a_pause_in_which_somebody_is_heard_is_none():
    (one,) = moved([SpeakerInterval(1.0, 6.8, 0)], bursts(), heard=[(1.0, 6.8)])
    assert (one.start_s, one.end_s) == (1.0, 6.8)


def test_a_short_silence_is_no_pause():
    audio = bursts()
    audio[2 * RATE : 2 * RATE + round(0.18 * RATE)] = 0
    (one,) = moved([SpeakerInterval(1.0, 2.5, 0)], audio)
    assert (one.start_s, one.end_s) == (1.0, 2.5)


def test_silence_and_nothing_change_nothing():
    silent = np.zeros(RATE, np.float32)
    one = [SpeakerInterval(0.1, 0.9, 0)]
    assert moved(one, silent) == one
    assert moved([], silent) == []
    assert frame_level_db(np.zeros(10, np.float32)).size == 0


def test_level_of_a_full_scale_sine_is_minus_three_db():
    t = np.arange(RATE) / RATE
    level = frame_level_db(np.sin(2 * np.pi * 200 * t).astype(np.float32))
    assert np.allclose(level, -3.01, atol=0.1)
