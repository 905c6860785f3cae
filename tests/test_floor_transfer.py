"""Floor transfers of a made dyad through our own diarizer; see `bench/turn_taking.py`."""

from __future__ import annotations

import json

import numpy as np
import pytest
from conftest import needs_embedded_weights
from faster_whisper.audio import decode_audio

from bench.turn_taking import compare, found_turns
from models.voices.embedded_diarizer import EmbeddedDiarizer

pytestmark = needs_embedded_weights


def test_every_planned_change_of_floor_is_found_where_speech_ends_and_begins(shared_data):
    pytest.importorskip("parselmouth", reason="Praat measures the utterances' own silence")
    path = shared_data / "speech" / "dyads" / "dyad1.flac"
    audio = decode_audio(str(path))
    plan = json.loads(path.with_suffix(".json").read_text())
    rows = np.array(compare(plan, found_turns(audio, EmbeddedDiarizer()), audio))
    assert np.isfinite(rows[:, 0]).all()
    assert np.nanmedian(np.abs(rows[:, 1])) <= 0.15
