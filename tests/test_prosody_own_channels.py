"""A microphone of one's own: pitch, level and noise are those of the own channel."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from pipeline import tables
from pipeline.settings import ProsodySettings
from pipeline.stage import Inputs
from pipeline.stages import prosody
from tests.made.channels import RATE, microphones
from tests.made.vowels import vowel

SECONDS = 6.0
LOW_HZ, HIGH_HZ = 110.0, 210.0


def voices():
    """Voice 0 speaks low, then voice 1 high, then both again; 1 s of nobody between."""
    people = np.zeros((2, round(28 * RATE)))
    for row, f0_hz, start in ((0, LOW_HZ, 0), (1, HIGH_HZ, 7), (0, LOW_HZ, 14), (1, HIGH_HZ, 21)):
        spoken = 0.1 * vowel(f0_hz, 0.003, 0.02, 40.0, duration_s=SECONDS)[0]
        people[row, start * RATE : start * RATE + spoken.size] = spoken
    return people, [(0.0, 6.0, 0), (7.0, 13.0, 1), (14.0, 20.0, 0), (21.0, 27.0, 1)]


def heard(channels, turns, *, crosstalk_db, hears=("client", "therapist"), mix_snr_db=40.0):
    """Rows of `prosody` in order of turn, and of `pitch`."""
    common = {"session_id": "s01"}
    spans = [{**common, "start_s": a, "end_s": b, "speaker": s} for a, b, s in turns]
    blank = dict.fromkeys(tables.SPEAKER_TURNS.by_name)
    quality = [
        {**common, "measure": name, "value": value, "quality": "ok", "reason": None,
         "unit": "dB", "description": "-"}
        for name, value in (("crosstalk_db", crosstalk_db), ("audio_snr_session_db", mix_snr_db))
    ]  # fmt: skip
    given = {
        "diarization": [
            dict.fromkeys(tables.DIARIZATION.by_name) | {**span, "exclusive": False}
            for span in spans
        ],
        "speaker_turns": [
            {**blank, **span, "turn_id": i, "is_backchannel": False, "takes_floor": True}
            for i, span in enumerate(spans)
        ],
        "roles": [
            {**common, "speaker": i, "role": role, "confidence": 1.0, "method": "channel"}
            for i, role in enumerate(("client", "therapist"))
        ],
        "quality": quality,
    }  # fmt: skip
    inputs = Inputs(
        SimpleNamespace(id="s01", media=[SimpleNamespace(hears=list(hears))]),
        SimpleNamespace(audio=channels.mean(axis=0), audio_channels=lambda: channels),
        {name: tables.TABLES[name].build_rows(rows) for name, rows in given.items()},
    )
    found = prosody.run(inputs, None, ProsodySettings()).tables
    return found["prosody"].to_pylist(), found["pitch"].to_pylist()


def test_noise_in_one_microphone_is_not_the_others():
    """Voice 1's microphone hisses: its pitch is gone, voice 0's is measured, and well."""
    people, turns = voices()
    channels = microphones(people, leak_db=-20.0, room_db=-80.0)
    hiss = np.random.default_rng(4).normal(0, 0.05, channels.shape[1])
    channels[1] += hiss.astype(np.float32)
    rows, pitch = heard(channels, turns, crosstalk_db=20.0, mix_snr_db=8.0)
    assert [row["f0_median_hz"] for row in rows[::2]] == pytest.approx([LOW_HZ] * 2, rel=0.01)
    assert [row["hnr_db"] is not None for row in rows] == [True, False, True, False]
    assert [row["f0_median_hz_reason"] for row in rows[1::2]] == ["low_snr"] * 2
    assert {row["role"] for row in pitch} == {"client"}
    mixed, _ = heard(channels, turns, crosstalk_db=3.0, mix_snr_db=8.0)
    assert {row["f0_median_hz"] for row in mixed} == {None}


def test_harmonics_are_clearer_in_the_own_microphone():
    people, turns = voices()
    channels = microphones(people, leak_db=-12.0, room_db=-80.0)
    channels[0] += np.random.default_rng(4).normal(0, 2e-3, channels.shape[1]).astype(np.float32)
    own, _ = heard(channels, turns, crosstalk_db=12.0)
    mixed, _ = heard(channels, turns, crosstalk_db=5.9)
    gained = [a["hnr_db"] - b["hnr_db"] for a, b in zip(own[1::2], mixed[1::2], strict=True)]
    print("HNR of voice 1, own microphone against the mix:", np.round(gained, 1), "dB")
    assert min(gained) > 3.0
    assert own[1]["f0_median_hz"] == pytest.approx(HIGH_HZ, rel=0.01)


def test_level_is_relative_to_the_own_median_in_the_own_channel():
    """The second turn of each voice is 6 dB louder; gains of the microphones cancel out."""
    people, turns = voices()
    people[:, 14 * RATE :] *= 2.0
    rows, _ = heard(microphones(people, leak_db=-20.0, gain_db=-9.0), turns, crosstalk_db=20.0)
    first, second = (np.array([row["intensity_rel_db"] for row in rows[i : i + 2]]) for i in (0, 2))
    assert second - first == pytest.approx([6.02, 6.02], abs=0.1)


def test_one_mixed_recording_reads_no_channels():
    people, turns = voices()
    mix = microphones(people, leak_db=0.0)
    rows, _ = heard(mix, turns, crosstalk_db=20.0, hears=("mixed",))
    assert rows[0]["f0_median_hz"] == pytest.approx(LOW_HZ, rel=0.01)
