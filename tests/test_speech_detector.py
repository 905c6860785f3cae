"""Speech activity: against labelled recordings, and against faster-whisper's own arithmetic."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.audio import decode_audio
from faster_whisper.vad import VadOptions, get_speech_timestamps, get_vad_model

from models.base import SAMPLE_RATE_HZ, Audio, Interval
from models.errors import EngineInputError
from models.options import SpeechDetectorOptions
from models.speech.detector import STEP, SileroSpeechDetector, speech_intervals


@pytest.fixture(scope="module")
def detector() -> SileroSpeechDetector:
    return SileroSpeechDetector()


def _labelled(shared_data: Path) -> tuple[Audio, list[Interval]]:
    """Eight seconds, labelled in pieces of two."""
    folder = shared_data / "speech" / "vad"
    spans = []
    for piece in json.loads((folder / "VAD_dev.json").read_text()).values():
        first_s = piece["wav"]["start"] / SAMPLE_RATE_HZ
        edges = [first_s + float(edge) for edge in piece["speech"].split()]
        spans += [Interval(*pair) for pair in zip(edges[::2], edges[1::2], strict=True)]
    return decode_audio(str(folder / "valid.wav"))[: 8 * SAMPLE_RATE_HZ], spans


def _mask(intervals: list[Interval] | tuple[Interval, ...], n_samples: int) -> np.ndarray:
    mask = np.zeros(n_samples, bool)
    for span in intervals:
        mask[round(span.start_s * SAMPLE_RATE_HZ) : round(span.end_s * SAMPLE_RATE_HZ)] = True
    return mask


def test_labelled_speech_is_found(shared_data: Path, detector: SileroSpeechDetector) -> None:
    audio, labelled = _labelled(shared_data)
    found, truth = _mask(detector.speech(audio), audio.size), _mask(labelled, audio.size)
    assert np.mean(found == truth) > 0.9


def test_block_by_block_gives_faster_whisper_s_probabilities(
    shared_data: Path, detector: SileroSpeechDetector
) -> None:
    audio = decode_audio(str(shared_data / "speech" / "dyads" / "dyad0.flac"))[
        : 70 * SAMPLE_RATE_HZ
    ]
    whole = audio[: audio.size // STEP * STEP]
    expected = np.ravel(get_vad_model()(whole.copy()))
    # faster-whisper wipes the last 64 samples it is given, so the last step cannot agree.
    np.testing.assert_allclose(detector.probabilities(whole)[:-1], expected[:-1], atol=1e-4)


def test_intervals_are_faster_whisper_s(shared_data: Path, detector: SileroSpeechDetector) -> None:
    audio = decode_audio(str(shared_data / "speech" / "dyads" / "dyad0.flac"))
    options = VadOptions(
        threshold=0.5, min_speech_duration_ms=250, min_silence_duration_ms=100, speech_pad_ms=30
    )
    expected = get_speech_timestamps(audio, options)
    found = detector.speech(audio)
    starts = [span["start"] / SAMPLE_RATE_HZ for span in expected]
    assert len(found) == len(expected)
    np.testing.assert_allclose([span.start_s for span in found], starts, atol=1e-3)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.5, 40.0])
def test_silence_holds_no_speech(detector: SileroSpeechDetector, seconds: float) -> None:
    assert detector.speech(np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)) == ()


def test_planted_probabilities_give_planted_intervals() -> None:
    options = SpeechDetectorOptions(min_speech_s=0.25, min_silence_s=0.1, pad_s=0.0)
    probabilities = np.zeros(100, np.float32)
    probabilities[10:30] = 0.9  # speech, with a dip that is bridged and a grey end
    probabilities[20:22] = 0.1
    probabilities[28:30] = 0.4
    probabilities[50:55] = 0.9  # 0.16 s: too short
    probabilities[90:] = 0.9  # runs into the end
    found = speech_intervals(probabilities, 100 * STEP, options)
    step_s = STEP / SAMPLE_RATE_HZ
    assert found == (
        Interval(10 * step_s, 30 * step_s),
        Interval(90 * step_s, 100 * step_s),
    )


@pytest.mark.parametrize(
    ("audio", "reason"),
    [
        (np.zeros((2, 100), np.float32), "shape"),
        (np.zeros(100), "float64"),
        (np.full(100, np.nan, np.float32), "NaN"),
    ],
)
def test_wrong_audio_is_refused(detector: SileroSpeechDetector, audio: Audio, reason: str) -> None:
    with pytest.raises(EngineInputError, match=reason):
        detector.speech(audio)
