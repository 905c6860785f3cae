"""Who speaks when: on recordings with known turns, and where nobody speaks."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pyannote.audio
import pytest
import torch
from conftest import needs_embedded_weights
from faster_whisper.audio import decode_audio
from pyannote.audio import Inference
from pyannote.audio.core.task import Problem, Resolution, Specifications
from pyannote.audio.models.segmentation import PyanNet
from pyannote.core import Annotation, Segment, Timeline
from pyannote.database.util import load_rttm
from pyannote.metrics.diarization import DiarizationErrorRate
from safetensors.torch import load_file

from models.base import SAMPLE_RATE_HZ, Audio, Diarization, SpeakerInterval
from models.errors import EngineInputError
from models.voices.embedded_diarizer import EmbeddedDiarizer
from models.weights.catalog import locate

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


@pytest.mark.parametrize("given", [2, None])
@pytest.mark.parametrize("name", ["dyad1", "dyad8"])
def test_two_people_are_not_confused_and_counted(
    shared_data: Path, diarizer: EmbeddedDiarizer, name: str, given: int | None
) -> None:
    """All seven in whole: `bench.diarization`."""
    path = shared_data / "speech" / "dyads" / f"{name}.flac"
    audio = decode_audio(str(path))[: 50 * SAMPLE_RATE_HZ]
    found = diarizer.diarize(audio, num_speakers=given)
    parts = _parts(found, path.with_suffix(".rttm"), audio)
    assert parts["confusion"] <= 0.03
    assert parts["false alarm"] <= 0.03
    assert {turn.speaker for turn in found.turns} == {0, 1}


@pytest.mark.parametrize(("name", "voices"), [("falcon_test", 3), ("leopard_diarization_test", 3)])
def test_three_voices_are_counted(
    shared_data: Path, diarizer: EmbeddedDiarizer, name: str, voices: int
) -> None:
    audio = decode_audio(str(shared_data / "speech" / "two_party" / f"{name}.wav"))
    for counts in ({"num_speakers": None}, {"num_speakers": 6, "min_speakers": 2}):
        found = diarizer.diarize(audio, **counts)
        assert len({turn.speaker for turn in found.turns}) == voices
    assert len({turn.speaker for turn in diarizer.diarize(audio, num_speakers=2).turns}) == 2


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
    small = EmbeddedDiarizer(threads=4)
    pool = small._pipeline._embedding._pool
    plain = pool.map

    def limited(work: Any, items: Any) -> Any:
        items = list(items)
        if sum(np.size(item) and len(np.atleast_1d(item)) for item in items) > 3:  # at once
            message = "tried to allocate more than there is: out of memory"
            raise error(message)
        return plain(work, items)

    monkeypatch.setattr(pool, "map", limited)
    assert small.diarize(decode_audio(str(SAMPLE)), num_speakers=2) == sample
    assert small._pipeline._embedding.batches.size <= 3
    assert small._pipeline._segmentation.batches.size <= 3


def test_no_room_for_one_window_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    full = EmbeddedDiarizer()

    def nothing(*_: object) -> Any:
        raise MemoryError

    monkeypatch.setattr(full._pipeline._embedding._pool, "map", nothing)
    with pytest.raises(MemoryError, match="even for one item"):
        full.diarize(np.zeros(SAMPLE_RATE_HZ, np.float32), num_speakers=2)


def test_the_number_of_speakers_may_be_bounded(diarizer: EmbeddedDiarizer) -> None:
    audio = decode_audio(str(SAMPLE))
    found = diarizer.diarize(audio, num_speakers=4, min_speakers=1)
    assert {turn.speaker for turn in found.turns} == {0, 1}


def test_segmentation_is_what_pyannote_itself_makes_of_the_network(
    diarizer: EmbeddedDiarizer,
) -> None:
    """The network built by hand, as its checkpoint describes it, under pyannote's own loop."""
    audio = decode_audio(str(SAMPLE))
    file = {"waveform": torch.from_numpy(audio)[None], "sample_rate": SAMPLE_RATE_HZ}
    network = PyanNet(sincnet={"stride": 10}, lstm={"hidden_size": 128, "num_layers": 4})
    network.specifications = Specifications(
        problem=Problem.MONO_LABEL_CLASSIFICATION,
        resolution=Resolution.FRAME,
        duration=10.0,
        classes=["a", "b", "c"],
        powerset_max_classes=2,
        permutation_invariant=True,
    )
    network.build()
    network.load_state_dict(load_file(locate("pyannote-segmentation-3")))
    theirs = Inference(network.eval(), step=1.0, skip_aggregation=True)(file)
    ours = diarizer._pipeline.get_segmentations(file)
    assert ours.data.shape == (21, 589, 3)
    assert np.array_equal(ours.data, theirs.data)
    assert ours.sliding_window[3] == theirs.sliding_window[3]


def test_a_second_look_parts_what_segmentation_joined(diarizer: EmbeddedDiarizer) -> None:
    """One local speaker in all windows who is in truth two: pieces are given to their voices."""
    audio = decode_audio(str(SAMPLE))
    pipeline = diarizer._pipeline
    plain = pipeline.get_segmentations
    true = diarizer.diarize(audio, num_speakers=2)

    def joined(file: Any, hook: Any = None) -> Any:
        found = plain(file, hook)
        early = found.data[:6]
        found.data[:6] = np.concatenate(
            [early.max(axis=2, keepdims=True), np.zeros_like(early[..., 1:])], axis=2
        )
        return found

    pipeline.get_segmentations = joined
    try:
        found = diarizer.diarize(audio, num_speakers=2)
    finally:
        del pipeline.get_segmentations
    differs = sum(
        one.end_s - one.start_s
        for one in found.exclusive
        if true.turns and one.end_s < 7 and _voice_at(true, one) != one.speaker
    )
    assert {turn.speaker for turn in found.turns} == {0, 1}
    assert differs <= 1.0


def _voice_at(found: Diarization, one: SpeakerInterval) -> int:
    """Who holds most of a stretch."""
    shared = {
        turn.speaker: sum(
            max(0.0, min(one.end_s, other.end_s) - max(one.start_s, other.start_s))
            for other in found.exclusive
            if other.speaker == turn.speaker
        )
        for turn in found.exclusive
    }
    return max(shared, key=lambda speaker: shared[speaker])
