"""Who speaks when: on recordings with known turns, and where nobody speaks."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pyannote.audio
import pytest
import torch
from conftest import needs_embedded_weights
from faster_whisper.audio import decode_audio
from pyannote.audio.utils.signal import binarize
from pyannote.core import Annotation, Segment, SlidingWindow, SlidingWindowFeature, Timeline
from pyannote.database.util import load_rttm
from pyannote.metrics.diarization import DiarizationErrorRate

from models.base import SAMPLE_RATE_HZ, Audio, Diarization
from models.errors import EngineInputError
from models.options import DiarizerOptions
from models.voices import ge2e
from models.voices.embedded_diarizer import EmbeddedDiarizer
from models.voices.voice_pipeline import VoiceClustering, WindowedScores, silhouette

pytestmark = needs_embedded_weights
SAMPLE = Path(pyannote.audio.__file__).parent / "sample" / "sample.wav"


@pytest.fixture(scope="module")
def diarizer() -> EmbeddedDiarizer:
    return EmbeddedDiarizer()


@pytest.fixture(scope="module")
def sample(diarizer: EmbeddedDiarizer) -> Diarization:
    return diarizer.diarize(decode_audio(str(SAMPLE)), num_speakers=2)


def _parts(result: Diarization, rttm: Path, audio: Audio) -> dict[str, float]:
    """Error rate and its parts as shares of speech; overlap scored, no collar."""
    reference = next(iter(load_rttm(rttm).values()))
    hypothesis = Annotation()
    for number, turn in enumerate(result.turns):
        hypothesis[Segment(turn.start_s, turn.end_s), number] = turn.speaker
    metric = DiarizationErrorRate(collar=0.0, skip_overlap=False)
    scored = Timeline([Segment(0, audio.size / SAMPLE_RATE_HZ)])
    parts = metric(reference, hypothesis, uem=scored, detailed=True)
    shares = {name: parts[name] / parts["total"] for name in ("false alarm", "confusion")}
    return {"rate": parts[metric.name], **shares}


def test_the_two_speaker_sample(sample: Diarization) -> None:
    assert _parts(sample, SAMPLE.with_suffix(".rttm"), decode_audio(str(SAMPLE)))["rate"] <= 0.06


def test_turns_begin_and_end_when_people_do(sample: Diarization) -> None:
    reference = next(iter(load_rttm(SAMPLE.with_suffix(".rttm")).values()))
    starts = np.array([turn.start_s for turn in sample.turns])
    ends = np.array([turn.end_s for turn in sample.turns])
    truth = [segment for segment, _ in reference.itertracks()]
    start_errors = [np.min(np.abs(starts - segment.start)) for segment in truth]
    end_errors = [np.min(np.abs(ends - segment.end)) for segment in truth]
    assert np.median(start_errors) <= 0.05
    assert np.median(end_errors) <= 0.05


@pytest.mark.parametrize("name", ["dyad0", "dyad1", "dyad2"])
def test_two_people_are_not_confused(
    shared_data: Path, diarizer: EmbeddedDiarizer, name: str
) -> None:
    path = shared_data / "speech" / "dyads" / f"{name}.flac"
    audio = decode_audio(str(path))[: 60 * SAMPLE_RATE_HZ]
    parts = _parts(diarizer.diarize(audio, num_speakers=2), path.with_suffix(".rttm"), audio)
    assert parts["confusion"] <= 0.03
    assert parts["false alarm"] <= 0.03


def test_one_voice_is_not_cut_in_two(shared_data: Path, diarizer: EmbeddedDiarizer) -> None:
    path = shared_data / "speech" / "two_party" / "enrollment_audio_katie.wav"
    result = diarizer.diarize(decode_audio(str(path)), num_speakers=2)
    assert {turn.speaker for turn in result.turns} == {0}


def test_speakers_are_counted_in_order_of_appearance(sample: Diarization) -> None:
    assert list(dict.fromkeys(turn.speaker for turn in sample.turns)) == [0, 1]
    assert list(sample.turns) == sorted(sample.turns, key=lambda turn: turn.start_s)


def test_exclusive_turns_do_not_overlap_and_turns_do(sample: Diarization) -> None:
    pairs = list(itertools.pairwise(sample.exclusive))
    assert all(before.end_s <= after.start_s + 1e-6 for before, after in pairs)
    assert any(a.end_s > b.start_s for a, b in itertools.pairwise(sample.turns))


def test_the_number_of_threads_changes_nothing(sample: Diarization) -> None:
    one = EmbeddedDiarizer(threads=1).diarize(decode_audio(str(SAMPLE)), num_speakers=2)
    assert one == sample


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.3, 7.0])
def test_silence_is_an_empty_result(diarizer: EmbeddedDiarizer, seconds: float) -> None:
    silence = np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)
    assert diarizer.diarize(silence, num_speakers=2) == Diarization(turns=(), exclusive=())


@pytest.mark.parametrize("seconds", [0.4, 1.5, 4.0])
def test_a_moment_of_speech_is_enough(diarizer: EmbeddedDiarizer, seconds: float) -> None:
    audio = decode_audio(str(SAMPLE))[7 * SAMPLE_RATE_HZ :][: round(seconds * SAMPLE_RATE_HZ)]
    for turn in diarizer.diarize(audio, num_speakers=2).turns:
        assert 0 <= turn.start_s < turn.end_s <= audio.size / SAMPLE_RATE_HZ


def test_progress_rises_to_one(diarizer: EmbeddedDiarizer) -> None:
    heard: list[float] = []
    audio = decode_audio(str(SAMPLE))[: 10 * SAMPLE_RATE_HZ]
    diarizer.diarize(audio, num_speakers=2, progress=lambda _, share: heard.append(share))
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert len(heard) > 3


def test_nobody_cannot_speak(diarizer: EmbeddedDiarizer) -> None:
    with pytest.raises(EngineInputError, match="num_speakers is 0"):
        diarizer.diarize(np.zeros(16, np.float32), num_speakers=0)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_a_small_device_ends_with_the_same_turns(
    sample: Diarization, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    small = EmbeddedDiarizer()
    pool = small._pipeline._pool
    plain = pool.map

    def limited(work: Any, items: Any) -> Any:
        items = list(items)
        if sum(len(item) for item in items) > 5:  # windows at once
            message = "tried to allocate more than there is: out of memory"
            raise error(message)
        return plain(work, items)

    monkeypatch.setattr(pool, "map", limited)
    assert small.diarize(decode_audio(str(SAMPLE)), num_speakers=2) == sample
    assert small._pipeline.batches.size <= 5
    assert small._pipeline._segmentation.batches.size <= 5


def test_no_room_for_one_window_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    full = EmbeddedDiarizer()

    def nothing(*_: object) -> Any:
        raise MemoryError

    monkeypatch.setattr(full._pipeline._pool, "map", nothing)
    with pytest.raises(MemoryError, match="even for one item"):
        full.diarize(np.zeros(SAMPLE_RATE_HZ, np.float32), num_speakers=2)


def test_the_number_of_speakers_may_be_bounded(diarizer: EmbeddedDiarizer) -> None:
    audio = decode_audio(str(SAMPLE))
    found = diarizer.diarize(audio, num_speakers=4, min_speakers=1)
    assert {turn.speaker for turn in found.turns} == {0, 1}


@pytest.mark.parametrize("samples", [5 * 160, 6_000 * 160 - 1, 6_000 * 160, 12_001 * 160 + 7])
def test_spectra_block_by_block_are_those_of_the_whole(samples: int) -> None:
    audio = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32))
    window = torch.hann_window(400)
    whole = torch.stft(audio, 400, 160, window=window, pad_mode="constant", return_complex=True)
    mel = ge2e.mel_frames(audio)
    assert len(mel) == whole.shape[1]
    bands = librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=400, n_mels=40)
    np.testing.assert_allclose(mel.numpy(), (bands @ whole.abs().square().numpy()).T, rtol=1e-4)
    powers = ge2e.frame_power(audio)
    assert len(powers) == -(-samples // 160)
    assert powers[:-1].numpy() == pytest.approx(
        audio[: (len(powers) - 1) * 160].view(-1, 160).square().mean(dim=1).numpy(), rel=1e-6
    )


def test_mel_frames_are_librosa_s() -> None:
    audio = np.random.default_rng(0).standard_normal(8000).astype(np.float32)
    expected = librosa.feature.melspectrogram(
        y=audio, sr=SAMPLE_RATE_HZ, n_fft=400, hop_length=160, n_mels=40
    ).T
    found = ge2e.mel_frames(torch.from_numpy(audio)).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 40, 160, 161, 500])
def test_pieces_of_speech_cover_every_frame(frames: int) -> None:
    mel = torch.arange(frames, dtype=torch.float32)[:, None].expand(-1, 40)
    pieces = ge2e.partials(mel)
    assert pieces.shape[1:] == (160, 40)
    assert set(pieces[..., 0].flatten().tolist()) == set(range(frames))


def _clustered(distance: float) -> set[int]:
    """Voices found where two means lie `distance` (cosine) apart, 20 windows each."""
    angle = np.arccos(1 - distance)
    means = np.array([[1.0, 0.0, 0.0], [np.cos(angle), np.sin(angle), 0.0]])
    noise = np.random.default_rng(0).normal(0, 0.005, (40, 1, 3))
    embeddings = np.repeat(means, 20, axis=0)[:, None] + noise
    window = SlidingWindow(duration=5.0, step=0.5)
    active = SlidingWindowFeature(np.ones((40, 50, 1)), window)
    clustering = VoiceClustering(DiarizerOptions())
    clustering.instantiate({"method": "centroid", "threshold": 0.4, "min_cluster_size": 6})
    hard, soft, centroids = clustering(
        embeddings, active, num_clusters=2, min_clusters=2, max_clusters=2
    )
    assert soft.shape[2] == len(centroids) == len(set(hard.ravel().tolist()))
    return set(hard.ravel().tolist())


def test_like_voices_that_talk_for_long_are_told_apart(diarizer: EmbeddedDiarizer) -> None:
    """The tree alone confuses 40 % of four repeats, of which it tells one apart."""
    audio = np.tile(decode_audio(str(SAMPLE)), 4)
    found = {
        (round(turn.start_s % 30), turn.speaker)
        for turn in diarizer.diarize(audio, num_speakers=2).turns
        if turn.end_s - turn.start_s > 1
    }
    seconds = [second for second, _ in found]
    assert len(set(seconds)) == len(seconds), "the same second was given to both"


def test_a_person_who_says_little_is_found() -> None:
    rng = np.random.default_rng(0)
    spread = rng.normal(0, 0.2, (100, 32)) * np.geomspace(1, 0.05, 32)
    voices = np.zeros((100, 32))
    voices[:93, 0], voices[93:, 1] = 1, 1
    clustering = VoiceClustering(DiarizerOptions())
    clustering.instantiate({"method": "centroid", "threshold": 0.4, "min_cluster_size": 6})
    labels = clustering.cluster((voices + 0.5 * spread), 2, 2, 2)
    assert len(set(labels[:93].tolist())) == 1
    assert len(set(labels[93:].tolist())) == 1
    assert labels[0] != labels[-1]


def test_the_silhouette_of_two_points_is_one_and_of_none_is_undefined() -> None:
    embeddings = np.repeat(np.eye(2), 10, axis=0)
    assert silhouette(embeddings, np.repeat([0, 1], 10)) == pytest.approx(1.0)
    assert silhouette(embeddings, np.zeros(20, int)) == -1.0


def test_voices_nearer_than_one_voice_to_itself_are_one() -> None:
    assert _clustered(0.05) == {0}
    assert _clustered(0.3) == {0, 1}


def test_a_long_recording_is_clustered_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    who = rng.integers(0, 2, 400)
    voices = np.eye(8)[who] + rng.normal(0, 0.1, (400, 8))
    clustering = VoiceClustering(DiarizerOptions())
    parameters = {"method": "centroid", "threshold": 0.4, "min_cluster_size": 20}
    clustering.instantiate(parameters)
    whole = clustering.cluster(voices, 1, 4, None)
    monkeypatch.setattr("models.voices.voice_pipeline._MOST_IN_TREE", 100)
    sampled = clustering.cluster(voices, 1, 4, None)
    assert len(set(zip(whole.tolist(), sampled.tolist(), strict=True))) == len(set(whole)) == 2
    assert clustering.parameters(instantiated=True) == parameters


def test_activity_block_by_block_is_that_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.voices.voice_pipeline._WINDOWS_PER_BLOCK", 4)
    scores = np.random.default_rng(0).random((11, 50, 3)).astype(np.float32)
    window = SlidingWindow(duration=5.0, step=0.5)
    found = binarize(WindowedScores(scores, window), onset=0.6, initial_state=False)
    expected = binarize(SlidingWindowFeature(scores, window), onset=0.6, initial_state=False)
    np.testing.assert_array_equal(found.data, expected.data)
    np.testing.assert_array_equal(found.data, scores > 0.6)
