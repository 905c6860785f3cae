"""The community-1 engine decides as pyannote does, on a folder of random weights."""

from __future__ import annotations

import itertools
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pyannote.audio
import pytest
import torch
from faster_whisper.audio import decode_audio
from pyannote.core import Annotation

from models.base import SAMPLE_RATE_HZ, Audio, Diarization
from models.device import CPU, Device
from models.errors import (
    EngineInputError,
    RefusedCheckpointError,
    WeightError,
    WeightMissingError,
)
from models.options import CommunityOptions, community_diarizer_fingerprint
from models.voices.community_diarizer import CommunityDiarizer
from models.voices.community_pipeline import load_community
from models.voices.ghost_speakers import find_ghosts, without_voices
from tests.made.community import CONFIG, make_community

SPEECH = 12 * SAMPLE_RATE_HZ
"""Samples at the start of `audio` in which people speak."""
ALL_VOICES = CommunityOptions(ghost_share=0.0)
SAMPLE = Path(pyannote.audio.__file__).parent / "sample" / "sample.wav"


@pytest.fixture(scope="module")
def audio() -> Audio:
    """12.4 s of two people, then 11.5 s of nothing, then 2 s of them again."""
    second = SAMPLE_RATE_HZ
    speech = np.asarray(decode_audio(str(SAMPLE)))[6 * second :]
    silence = np.zeros(int(11.5 * second), np.float32)
    return np.concatenate([speech[: int(12.4 * second)], silence, speech[-2 * second :]])


@pytest.fixture(scope="module")
def folder(audio: Audio, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_community(tmp_path_factory.mktemp("community"), audio[:SPEECH], tiny=True)


@pytest.fixture(scope="module")
def diarizer(folder: Path) -> CommunityDiarizer:
    return CommunityDiarizer(folder, ALL_VOICES)


@pytest.fixture(scope="module")
def found(diarizer: CommunityDiarizer, audio: Audio) -> Diarization:
    return diarizer.diarize(audio, num_speakers=2)


@pytest.fixture(scope="module")
def shipped(folder: Path, audio: Audio) -> dict[str, Any]:
    """What pyannote.audio makes of the same folder and recording."""
    pipeline = pyannote.audio.Pipeline.from_pretrained(str(folder))
    assert pipeline is not None
    seen: dict[str, Any] = {}

    def hook(step: str, artefact: Any, total: int | None = None, **_: Any) -> None:
        if total is None:
            seen[step] = artefact

    file = {"waveform": torch.from_numpy(audio)[None], "sample_rate": SAMPLE_RATE_HZ, "uri": "x"}
    torch.set_num_threads(1)  # threads that share a product wait for a busy machine
    return {"output": pipeline(file, num_speakers=2, hook=hook), **seen}


def _intervals(annotation: Annotation, end_s: float) -> list[tuple[float, float, str]]:
    tracks = annotation.itertracks(yield_label=True)
    return sorted((turn.start, min(turn.end, end_s), label) for turn, _, label in tracks)


def _embeddings(diarizer: CommunityDiarizer, audio: Audio, segmentation: Any) -> Any:
    file = {"waveform": torch.from_numpy(audio)[None], "sample_rate": SAMPLE_RATE_HZ, "uri": "x"}
    return diarizer._pipeline.get_embeddings(file, segmentation, exclude_overlap=True)


def test_turns_are_those_of_pyannote(
    found: Diarization, shipped: dict[str, Any], audio: Audio
) -> None:
    end_s = audio.size / SAMPLE_RATE_HZ
    output = shipped["output"]
    for ours, annotation in (
        (found.turns, output.speaker_diarization),
        (found.exclusive, output.exclusive_speaker_diarization),
    ):
        theirs = _intervals(annotation, end_s)
        names = dict.fromkeys(
            label for _, _, label in _intervals(output.speaker_diarization, end_s)
        )
        number = {label: count for count, label in enumerate(names)}
        assert [(one.start_s, one.end_s, one.speaker) for one in ours] == [
            (start, end, number[label]) for start, end, label in theirs
        ]
    assert {turn.speaker for turn in found.turns} == {0, 1}


def test_voices_are_those_of_pyannote(
    diarizer: CommunityDiarizer, shipped: dict[str, Any], audio: Audio
) -> None:
    voices = _embeddings(diarizer, audio, shipped["segmentation"])
    theirs = shipped["embeddings"]
    lengths = np.linalg.norm(theirs, axis=2, keepdims=True)  # voices are compared by direction
    np.testing.assert_allclose(voices / lengths, theirs / lengths, rtol=0, atol=1e-5)


def test_windows_in_which_nobody_speaks_are_skipped(
    diarizer: CommunityDiarizer, audio: Audio, shipped: dict[str, Any], monkeypatch: Any
) -> None:
    shared = diarizer._pipeline._shared
    passes: list[int] = []
    voices = shared.voices

    def counted(waveforms: Any, masks: Any) -> Any:
        passes.append(len(waveforms))
        return voices(waveforms, masks)

    monkeypatch.setattr(shared, "voices", counted)
    _embeddings(diarizer, audio, shipped["segmentation"])
    active = shipped["segmentation"].data.any(axis=(1, 2))
    assert sum(passes) == active.sum() < len(active)


def test_bfloat16_voices_point_where_float32_ones_do(
    folder: Path, audio: Audio, shipped: dict[str, Any]
) -> None:
    half = CommunityDiarizer(folder, device=Device("cpu", precision="bfloat16"))
    ours = _embeddings(half, audio, shipped["segmentation"])
    theirs = shipped["embeddings"]
    lengths = np.linalg.norm(ours, axis=2) * np.linalg.norm(theirs, axis=2)
    speaks = shipped["segmentation"].data.mean(axis=1) >= 0.2  # pyannote clusters only these
    assert ((ours * theirs).sum(axis=2) / lengths)[speaks].min() >= 0.999
    assert not np.array_equal(ours, theirs)


def test_batch_mates_change_nothing(diarizer: CommunityDiarizer) -> None:
    rng = np.random.default_rng(0)
    waveforms = torch.from_numpy(rng.normal(0, 0.1, (3, 1, 160_000)).astype(np.float32))
    masks = (rng.random((3, 3, 589)) < 0.5).astype(np.float32)
    shared = diarizer._pipeline._shared
    alone = [shared.voices(waveforms[[n]], masks[[n]])[0] for n in range(3)]
    np.testing.assert_allclose(shared.voices(waveforms, masks), alone, atol=1e-5)


def test_the_number_of_threads_changes_nothing(
    diarizer: CommunityDiarizer, folder: Path, audio: Audio
) -> None:
    one, speech = CommunityDiarizer(folder, ALL_VOICES, threads=1), audio[:SPEECH]
    assert one.diarize(speech, num_speakers=2) == diarizer.diarize(speech, num_speakers=2)


@pytest.mark.parametrize("error", [torch.OutOfMemoryError, RuntimeError])
def test_a_small_device_ends_with_the_same_turns(
    diarizer: CommunityDiarizer,
    folder: Path,
    audio: Audio,
    monkeypatch: Any,
    error: type[Exception],
) -> None:
    speech = audio[:SPEECH]
    small = CommunityDiarizer(folder, ALL_VOICES)
    pool = small._pipeline._shared._pool
    plain = pool.map

    def limited(work: Any, items: Any) -> Any:
        items = list(items)
        if sum(len(item) if torch.is_tensor(item) else 1 for item in items) > 1:
            message = "tried to allocate more than there is: out of memory"
            raise error(message)
        return plain(work, items)

    monkeypatch.setattr(pool, "map", limited)
    assert small.diarize(speech, num_speakers=2) == diarizer.diarize(speech, num_speakers=2)
    assert small._pipeline._shared.batches.size == 1
    assert small._pipeline._segmentation.batches.size == 1


def test_the_number_of_speakers_that_is_given_is_found(
    diarizer: CommunityDiarizer, audio: Audio, monkeypatch: Any
) -> None:
    """Three planted voices, each over a third of the windows: a random network has none."""
    pipeline = diarizer._pipeline

    def planted(_: Any, binary_segmentations: Any, **__: Any) -> Any:
        windows, _, speakers = binary_segmentations.data.shape
        nobody = pipeline._shared.voice_of_nobody()
        rng = np.random.default_rng(4)
        voices = rng.standard_normal((3, nobody.size)) * 10
        heard = voices[3 * np.arange(windows) // windows]
        noise = rng.standard_normal((windows, speakers, nobody.size)) * 0.1
        return (heard[:, None] + noise).astype(nobody.dtype)

    monkeypatch.setattr(pipeline, "get_embeddings", planted)
    three = diarizer.diarize(audio, num_speakers=3)
    assert {turn.speaker for turn in three.turns} == {0, 1, 2}


def test_the_number_of_speakers_is_bounded(diarizer: CommunityDiarizer, audio: Audio) -> None:
    speech = audio[:SPEECH]
    some = diarizer.diarize(speech, num_speakers=2, min_speakers=1)
    assert len({turn.speaker for turn in some.turns}) in (1, 2)
    with pytest.raises(EngineInputError, match="min_speakers is 3"):
        diarizer.diarize(speech, num_speakers=2, min_speakers=3)


def test_exclusive_turns_do_not_overlap_and_turns_do(found: Diarization) -> None:
    assert all(a.end_s <= b.start_s + 1e-6 for a, b in itertools.pairwise(found.exclusive))
    assert any(a.end_s > b.start_s for a, b in itertools.pairwise(found.turns))


def test_progress_rises_to_one(diarizer: CommunityDiarizer, audio: Audio) -> None:
    heard: list[float] = []
    speech = audio[:SPEECH]
    diarizer.diarize(speech, num_speakers=2, progress=lambda _, share: heard.append(share))
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert len(heard) > 4


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.3, 4.0])
def test_short_recordings_are_no_error(
    diarizer: CommunityDiarizer, audio: Audio, seconds: float
) -> None:
    part = audio[: round(seconds * SAMPLE_RATE_HZ)]
    for turn in diarizer.diarize(part, num_speakers=2).turns:
        assert 0 <= turn.start_s < turn.end_s <= seconds


def _windows(turns: list[tuple[float, float, int]]) -> tuple[Any, Any]:
    """Labels and activity of 10 s windows every second, 10 frames a second, one local speaker per
    voice.
    """
    frames = np.zeros((600, 1 + max(voice for *_, voice in turns)))
    for start_s, end_s, voice in turns:
        frames[round(start_s * 10) : round(end_s * 10), voice] = 1
    active = np.stack([frames[10 * n : 10 * n + 100] for n in range(51)])
    labels = np.tile(np.arange(frames.shape[1], dtype=np.int8), (51, 1))
    return labels, active


@pytest.mark.parametrize(
    ("turns", "ghosts"),
    [
        ([(0, 30, 0), (30, 58, 1), (40, 40.8, 2)], [2]),  # a cough
        ([(0, 30, 0), (30, 58, 1), (40, 43, 2)], []),  # little, and one turn of 3 s
        ([(0, 12, 0), (12, 24, 1), (25, 26.5, 2)], []),  # short, and 6 % of the speech
        ([(0, 58, 0)], []),  # one voice is somebody
    ],
)
def test_a_ghost_says_little_and_never_a_turn(
    turns: list[tuple[float, float, int]], ghosts: list[int]
) -> None:
    labels, active = _windows(turns)
    assert find_ghosts(labels, active, window_s=10.0, share=0.02, turn_s=2.0) == ghosts


def test_what_a_ghost_held_goes_to_the_next_nearest_voice() -> None:
    labels = np.array([[0, 1], [2, 1]], np.int8)
    likeness = np.zeros((2, 2, 3))
    likeness[0, 1] = [0.1, 1.0, 0.9]
    likeness[1, 1] = [0.8, 1.0, 0.2]
    left, alike, centroids = without_voices(labels, likeness, np.eye(3), [1])
    assert left.tolist() == [[0, 1], [1, 0]]
    assert alike.shape == (2, 2, 2)
    np.testing.assert_array_equal(centroids, np.eye(3)[[0, 2]])


def test_an_incomplete_folder_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text((folder / "config.yaml").read_text())
    with pytest.raises(WeightMissingError, match=r"plda/plda\.npz missing"):
        load_community(tmp_path)


def test_another_pipeline_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "other")
    text = (folder / "config.yaml").read_text()
    (tmp_path / "other" / "config.yaml").write_text(text.replace("VBxClustering", "KMeans"))
    with pytest.raises(WeightError, match="'KMeans'"):
        load_community(tmp_path / "other")


def test_a_hostile_checkpoint_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "hostile")
    torch.save({"state_dict": _Hostile()}, tmp_path / "hostile/embedding/pytorch_model.bin")
    with pytest.raises(RefusedCheckpointError, match="system"):
        load_community(tmp_path / "hostile")


class _Hostile:
    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, ("false",)


def test_the_fingerprint_knows_files_precision_and_options(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "copy")
    one = community_diarizer_fingerprint(folder)
    assert community_diarizer_fingerprint(copy) == one
    assert community_diarizer_fingerprint(folder, ALL_VOICES, CPU) != one
    half = community_diarizer_fingerprint(folder, device=Device("cpu", precision="bfloat16"))
    assert half.precision == "bfloat16"
    (copy / "config.yaml").write_text(str(CONFIG))
    assert community_diarizer_fingerprint(copy).weights != one.weights
