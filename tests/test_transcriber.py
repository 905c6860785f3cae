"""Words with times: the whole engine over a made model, and word errors where a real one lies."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import tiny_whisper
from faster_whisper.audio import decode_audio

from models.base import SAMPLE_RATE_HZ, Audio, TimedWord
from models.catalog import find_whisper
from models.errors import EngineInputError, WeightMissingError
from models.options import TranscriberOptions, transcriber_fingerprint
from models.transcriber import WhisperTranscriber

OPTIONS = TranscriberOptions(max_new_tokens=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper.build(tmp_path_factory.mktemp("whisper") / "made")


@pytest.fixture(scope="module")
def made(folder: Path) -> WhisperTranscriber:
    return WhisperTranscriber(folder, OPTIONS)


@pytest.fixture(scope="module")
def speech(shared_data: Path) -> Audio:
    return decode_audio(str(shared_data / "speech" / "words" / "jfk.flac"))


@pytest.fixture(scope="module")
def real() -> WhisperTranscriber:
    found = find_whisper()
    if found is None:
        pytest.skip("no Whisper folder below THINSLICE_MODELS: word error rates NOT measured")
    return WhisperTranscriber(found)


@pytest.mark.parametrize("language", ["en", None])
def test_words_lie_in_the_recording_in_order(
    made: WhisperTranscriber, speech: Audio, language: str | None
) -> None:
    words = made.transcribe(speech, language=language, prompt="My fellow", hotwords="country")
    assert words
    for word in words:
        assert 0 <= word.start_s <= word.end_s <= speech.size / SAMPLE_RATE_HZ + 0.1
        assert word.probability is not None
        assert 0 <= word.probability <= 1
    starts = [word.start_s for word in words]
    assert starts == sorted(starts)


def test_the_same_recording_gives_the_same_words(made: WhisperTranscriber, speech: Audio) -> None:
    assert made.transcribe(speech, language="en") == made.transcribe(speech, language="en")


def test_silence_has_no_words(made: WhisperTranscriber) -> None:
    for seconds in (0, 3):
        silence = np.zeros(seconds * SAMPLE_RATE_HZ, np.float32)
        assert made.transcribe(silence, language="en") == ()


def test_progress_ends_at_one(made: WhisperTranscriber, speech: Audio) -> None:
    heard: list[float] = []
    made.transcribe(speech, language="en", progress=lambda _, share: heard.append(share))
    assert heard[-1] == 1.0
    assert all(0 <= share <= 1 for share in heard)


def test_an_unknown_language_lists_the_known(made: WhisperTranscriber, speech: Audio) -> None:
    with pytest.raises(EngineInputError, match="de"):
        made.transcribe(speech, language="xx")


def test_an_incomplete_folder_is_refused_before_the_hub_is_asked(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    with pytest.raises(WeightMissingError, match=r"config\.json, tokenizer\.json"):
        WhisperTranscriber(tmp_path)


def test_the_fingerprint_follows_weights_and_options(folder: Path, tmp_path: Path) -> None:
    copy = tiny_whisper.build(tmp_path / "same")
    other = tiny_whisper.build(tmp_path / "other", seed=1)
    assert transcriber_fingerprint(folder, OPTIONS) == transcriber_fingerprint(copy, OPTIONS)
    assert transcriber_fingerprint(folder, OPTIONS) != transcriber_fingerprint(other, OPTIONS)
    assert transcriber_fingerprint(folder) != transcriber_fingerprint(folder, OPTIONS)
    threads = TranscriberOptions(max_new_tokens=20, cpu_threads=1)
    assert transcriber_fingerprint(folder, threads) == transcriber_fingerprint(folder, OPTIONS)


def _plain(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def _word_error_rate(words: tuple[TimedWord, ...], reference: str) -> float:
    """Levenshtein distance of words over the number of reference words."""
    said, truth = _plain(" ".join(word.text for word in words)), _plain(reference)
    row = list(range(len(said) + 1))
    for i, expected in enumerate(truth, 1):
        previous, row[0] = row[0], i
        for j, heard in enumerate(said, 1):
            cost = previous + (heard != expected)
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, cost)
    return row[-1] / len(truth)


def test_the_word_error_rate_counts_edits() -> None:
    said = tuple(TimedWord(0.0, 0.0, text) for text in ("ask", "what", "you", "you", "cannot"))
    assert _word_error_rate(said, "Ask not what you can.") == pytest.approx(3 / 5)


def test_read_speech(real: WhisperTranscriber, speech: Audio) -> None:
    truth = (
        "And so, my fellow Americans, ask not what your country can do for you, "
        "ask what you can do for your country."
    )
    assert _word_error_rate(real.transcribe(speech, language="en"), truth) <= 0.1


def test_meeting_word_times(real: WhisperTranscriber, shared_data: Path) -> None:
    base = shared_data / "speech" / "ami30" / "trn03"
    rows = [line.split() for line in base.with_suffix(".words.ctm").read_text().splitlines()]
    words = real.transcribe(decode_audio(f"{base}.wav"), language="en")
    assert _word_error_rate(words, " ".join(row[4] for row in rows)) <= 0.5
    starts = {text: float(start) for _, _, start, _, text, *_ in rows if len(text) > 5}
    heard = {_plain(word.text)[0]: word.start_s for word in words if _plain(word.text)}
    errors = [abs(heard[text.lower()] - at) for text, at in starts.items() if text.lower() in heard]
    assert np.median(errors) <= 0.3
