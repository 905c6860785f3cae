"""Words with times: the whole engine over a made model, and word errors where a real one lies."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from faster_whisper.audio import decode_audio

from models.base import SAMPLE_RATE_HZ, Audio, Interval, TimedWord, Transcript
from models.device import CPU, Device
from models.errors import EngineInputError, WeightMissingError
from models.options import TranscriberOptions, transcriber_fingerprint, whisper_compute_type
from models.speech.detector import SileroSpeechDetector
from models.speech.doubts import Heard, repetition
from models.speech.transcriber import WhisperTranscriber
from models.weights.catalog import find_whisper
from pipeline.config import load_profile
from tests.made import tiny_whisper

STYLE = " ".join(load_profile().transcribe.spoken_style)
OPTIONS = TranscriberOptions(max_new_tokens=12, cpu_threads=1)
SECONDS = tuple(Interval(5.0 * at + 0.5, 5.0 * at + 1.2 + 0.1 * at) for at in range(9))
"""Nine stretches of different length, each a pack of its own."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_whisper.build(tmp_path_factory.mktemp("whisper") / "made")


@pytest.fixture(scope="module")
def made(folder: Path) -> WhisperTranscriber:
    return WhisperTranscriber(folder, OPTIONS)


@pytest.fixture(scope="module")
def noise() -> Audio:
    return np.random.default_rng(0).normal(0, 0.1, 45 * SAMPLE_RATE_HZ).astype(np.float32)


@pytest.fixture(scope="module")
def real() -> WhisperTranscriber:
    found = find_whisper()
    if found is None:
        pytest.skip("no Whisper folder below THINSLICE_MODELS: word error rates NOT measured")
    return WhisperTranscriber(found)


@pytest.mark.parametrize("language", ["en", None])
def test_words_lie_in_their_packs_in_order(
    made: WhisperTranscriber, noise: Audio, language: str | None
) -> None:
    found = made.transcribe(
        noise, speech=SECONDS, language=language, prompt="My fellow", hotwords="country"
    )
    assert found.language in tiny_whisper.LANGUAGES
    assert len(found.decoded) == len(SECONDS)
    for one, spoken in zip(found.decoded, SECONDS, strict=True):
        assert one.start_s <= spoken.start_s < spoken.end_s <= one.end_s
    assert found.words
    for word in found.words:
        assert any(p.start_s <= word.start_s <= word.end_s <= p.end_s for p in found.decoded)
        assert 0 <= word.probability <= 1
    starts = [word.start_s for word in found.words]
    assert starts == sorted(starts)


@pytest.mark.parametrize("batch_size", [1, 4, 8])
def test_batches_change_no_word_no_time_no_probability(
    made: WhisperTranscriber, folder: Path, noise: Audio, batch_size: int
) -> None:
    other = WhisperTranscriber(folder, replace(OPTIONS, batch_size=batch_size, cpu_threads=2))
    asked = {"speech": SECONDS, "language": "en", "prompt": "a b"}
    expected = made.transcribe(noise, **asked)
    assert other.transcribe(noise, **asked) == expected
    assert other.transcribe(noise, **asked) == expected  # nothing is carried over


def test_a_pack_alone_gives_the_words_it_gives_in_a_recording(
    made: WhisperTranscriber, noise: Audio
) -> None:
    whole = made.transcribe(noise, speech=SECONDS, language="en")
    alone = made.transcribe(noise, speech=SECONDS[4:5], language="en")
    (one,) = alone.decoded
    inside = [word for word in whole.words if one.start_s <= word.start_s <= one.end_s]
    assert alone.words
    assert tuple(inside) == alone.words


class Cramped:
    """A model that has room for three packs."""

    def __init__(self, model: object) -> None:
        self.model, self.sizes = model, []

    def __getattr__(self, name: str) -> object:
        return getattr(self.model, name)

    def generate(self, encoded: object, prompts: list[list[int]], **asked: object) -> object:
        self.sizes.append(len(prompts))
        if len(prompts) > 3:
            raise RuntimeError("CUDA failed with error out of memory")
        return self.model.generate(encoded, prompts, **asked)


def test_out_of_memory_halves_the_batch_and_changes_nothing(
    made: WhisperTranscriber, noise: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = made.transcribe(noise, speech=SECONDS, language="en")
    cramped = Cramped(made._whisper.model)
    monkeypatch.setattr(made._whisper, "model", cramped)
    assert made.transcribe(noise, speech=SECONDS, language="en") == expected
    assert cramped.sizes == [8, 4, 2, 2, 2, 2, 1]


@pytest.mark.parametrize(
    ("silent_above", "improbable_below", "is_heard"),
    [(-1.0, 0.0, False), (1.0, 0.0, True), (-1.0, -1e9, True)],
)
def test_a_pack_silent_and_improbable_has_no_words(
    folder: Path, noise: Audio, silent_above: float, improbable_below: float, is_heard: bool
) -> None:
    options = replace(
        OPTIONS, no_speech_threshold=silent_above, log_prob_threshold=improbable_below
    )
    engine = WhisperTranscriber(folder, options)
    found = engine.transcribe(noise, speech=SECONDS[:2], language="en")
    assert bool(found.words) == is_heard
    assert len(found.decoded) == 2


def _hears(longest_s: float, text: str) -> Callable[..., list[Heard]]:
    """Stands in for decoding: a pack over `longest_s` leaves 3 s of its speech without words."""

    def decode(_: object, packs: list[Interval]) -> list[Heard]:
        return [
            Heard(
                one,
                (TimedWord(one.start_s, one.end_s, text),),
                -0.2,
                repetition(text),
                3.0 if one.end_s - one.start_s > longest_s else 0.0,
            )
            for one in packs
        ]

    return decode


@pytest.mark.parametrize(("longest_s", "pieces"), [(40.0, 1), (11.0, 2), (6.0, 4), (2.0, 1)])
def test_a_pack_with_speech_left_out_is_heard_again_in_halves(
    made: WhisperTranscriber,
    noise: Audio,
    monkeypatch: pytest.MonkeyPatch,
    longest_s: float,
    pieces: int,
) -> None:
    """Twice at most, and only where less is left out so."""
    monkeypatch.setattr(made, "_decode", _hears(longest_s, "so"))
    stretches = tuple(Interval(at + 0.1, at + 4.4) for at in range(0, 20, 5))
    found = made.transcribe(noise, speech=stretches, language="en")
    assert len(found.decoded) == len(found.words) == pieces
    assert all(a.end_s <= b.start_s for a, b in pairwise(found.decoded))
    assert not any(word.low_confidence for word in found.words)


@pytest.mark.parametrize(
    ("prompt", "probability", "expected", "searches"),
    [("Um.", 0.9, "led", 1), ("Um.", 0.01, "plain", 2), ("", 0.01, "plain", 1)],
)
def test_words_after_a_text_stay_only_where_they_are_probable_without_it(
    made: WhisperTranscriber,
    noise: Audio,
    monkeypatch: pytest.MonkeyPatch,
    prompt: str,
    probability: float,
    expected: str,
    searches: int,
) -> None:
    plain = made._decoding("en", "", "").prompt
    asked: list[str] = []

    def search(_: object, packs: list[Interval], decoding: object) -> list[Heard]:
        asked.append("plain" if decoding.prompt == plain else "led")
        word = TimedWord(packs[0].start_s, packs[0].end_s, asked[-1], probability)
        return [Heard(one, (word,), -0.2, 1.0, 0.0) for one in packs]

    monkeypatch.setattr(made, "_search", search)
    speech = (Interval(1.0, 3.0),)
    (word,) = made.transcribe(noise, speech=speech, language="en", prompt=prompt).words
    assert (word.text, len(asked)) == (expected, searches)


def test_words_in_circles_are_kept_and_marked(
    made: WhisperTranscriber, noise: Audio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(made, "_decode", _hears(40.0, "and then " * 20))
    (word,) = made.transcribe(noise, speech=(Interval(1.0, 9.0),), language="en").words
    assert word.low_confidence


def test_without_speech_nothing_is_decoded(made: WhisperTranscriber, noise: Audio) -> None:
    for audio in (np.zeros(0, np.float32), noise):
        assert made.transcribe(audio, speech=(), language="en") == Transcript(())


def test_a_stretch_of_a_moment_is_decoded(made: WhisperTranscriber, noise: Audio) -> None:
    moment = (Interval(0.0, 0.05), Interval(44.9, 45.0))
    found = made.transcribe(noise, speech=moment, language="en")
    assert found.decoded[-1].end_s == 45.0
    assert all(word.end_s <= 45.0 for word in found.words)


def test_progress_rises_to_one(made: WhisperTranscriber, noise: Audio) -> None:
    heard: list[float] = []
    made.transcribe(
        noise, speech=SECONDS, language="en", progress=lambda _, share: heard.append(share)
    )
    assert heard == [pytest.approx(done / 9) for done in range(1, 10)]


def test_what_the_model_cannot_take_is_refused(made: WhisperTranscriber, noise: Audio) -> None:
    with pytest.raises(EngineInputError, match="de"):
        made.transcribe(noise, speech=SECONDS, language="xx")
    with pytest.raises(EngineInputError, match=r"hotwords \(301 tokens\).*allowed are 223"):
        made.transcribe(noise, speech=SECONDS, language="en", hotwords="x" * 300)


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
    how = replace(OPTIONS, cpu_threads=3, batch_size=1)
    assert transcriber_fingerprint(folder, how) == transcriber_fingerprint(folder, OPTIONS)


def test_the_device_decides_what_is_computed_in() -> None:
    auto = TranscriberOptions()
    assert whisper_compute_type(auto, CPU) == "int8"
    assert whisper_compute_type(auto, Device("cuda", 0, "bfloat16")) == "float16"
    assert whisper_compute_type(auto, Device("cuda", 0, "float32")) == "float32"
    assert whisper_compute_type(TranscriberOptions("float32"), CPU) == "float32"


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


def _heard(engine: WhisperTranscriber, file: Path, prompt: str = STYLE) -> tuple[TimedWord, ...]:
    audio = decode_audio(str(file))
    speech = SileroSpeechDetector().speech(audio)
    return engine.transcribe(audio, speech=speech, language="en", prompt=prompt).words


def test_read_speech(real: WhisperTranscriber, shared_data: Path) -> None:
    truth = (
        "And so, my fellow Americans, ask not what your country can do for you, "
        "ask what you can do for your country."
    )
    words = _heard(real, shared_data / "speech" / "words" / "jfk.flac")
    assert _word_error_rate(words, truth) <= 0.1


def test_meeting_word_times(real: WhisperTranscriber, shared_data: Path) -> None:
    base = shared_data / "speech" / "ami30" / "trn03"
    rows = [line.split() for line in base.with_suffix(".words.ctm").read_text().splitlines()]
    words = _heard(real, base.with_suffix(".wav"))
    assert _word_error_rate(words, " ".join(row[4] for row in rows)) <= 0.5
    starts = {text: float(start) for _, _, start, _, text, *_ in rows if len(text) > 5}
    heard = {_plain(word.text)[0]: word.start_s for word in words if _plain(word.text)}
    errors = [abs(heard[text.lower()] - at) for text, at in starts.items() if text.lower() in heard]
    assert np.median(errors) <= 0.3


@pytest.mark.parametrize("prompt", ["", STYLE])
def test_a_sentence_after_a_pause_is_not_left_out(
    real: WhisperTranscriber, shared_data: Path, prompt: str
) -> None:
    """Half a minute in one pack: without the text before, only a second hearing has it."""
    words = _heard(real, shared_data / "speech" / "ami30" / "trn09.wav", prompt)
    assert "then that's fine" in " ".join(_plain(" ".join(word.text for word in words)))


def test_long_packs_lose_no_words_however_they_are_decoded(
    real: WhisperTranscriber, shared_data: Path
) -> None:
    """Two people who take turns with pauses up to 2 s; heard alone their utterances have 107 words.

    The batch changes nothing, and neither it nor a narrow search loses a sentence.
    """
    audio = decode_audio(str(shared_data / "speech" / "dyads" / "dyad1.flac"))[
        : 50 * SAMPLE_RATE_HZ
    ]
    speech = SileroSpeechDetector().speech(audio)
    options = [TranscriberOptions(beam_size=b, batch_size=n) for b, n in ((5, 1), (5, 8), (1, 8))]
    alone, together, narrow = (
        WhisperTranscriber(real._folder, how).transcribe(audio, speech=speech, language="en")
        for how in options
    )
    assert alone == together
    assert min(len(alone.words), len(narrow.words)) >= 0.95 * 107


_S = 12 * SAMPLE_RATE_HZ
_AT_S = np.arange(_S) / SAMPLE_RATE_HZ
_RNG = np.random.default_rng(0)
_BURSTS = np.hanning(1800) * (np.sin(2 * np.pi * 250 * np.arange(1800) / SAMPLE_RATE_HZ))
_KNOCK = np.exp(-np.arange(5600) / 300) * np.sin(2 * np.pi * 120 * np.arange(5600) / SAMPLE_RATE_HZ)
NO_WORDS = {
    "silence": np.zeros(_S),
    "white noise": _RNG.normal(0, 0.1, _S),
    "chord": sum(0.1 * np.sin(2 * np.pi * f * _AT_S) for f in (220, 277, 330)) * (1 - _AT_S % 0.5),
    "hum and hiss": 0.01 * np.sin(2 * np.pi * 50 * _AT_S) + _RNG.normal(0, 0.003, _S),
    "ha ha ha": 0.3 * np.tile(np.concatenate([_BURSTS, np.zeros(1400)]), 60),
    "tone": 0.2 * np.sin(2 * np.pi * 200 * _AT_S),
    "breath": 0.05 * _RNG.normal(0, 1, _S) * np.maximum(0, np.sin(2 * np.pi * _AT_S / 4)) ** 2,
    "knocks": 0.5 * np.resize(_KNOCK, _S),
    "steps of 16 bits": np.round(_RNG.normal(0, 1, _S)) / 2**15,
}


@pytest.mark.parametrize("kind", NO_WORDS)
def test_no_words_are_invented(real: WhisperTranscriber, kind: str) -> None:
    """As heard; and where it is taken for speech; above all not those of the text before."""
    audio = NO_WORDS[kind].astype(np.float32)
    speech = SileroSpeechDetector().speech(audio)
    for taken in (speech, (Interval(1.0, 11.0),), (Interval(2.0, 3.5),)):
        assert not real.transcribe(audio, speech=taken, language="en", prompt=STYLE).words


@pytest.mark.parametrize("length_s", [0.5, 15.0, 30.0])
def test_no_sound_has_no_words(real: WhisperTranscriber, length_s: float) -> None:
    """Even where a whole pack of digital silence is taken for speech, with an offset or without."""
    for level in (0.0, 0.1):
        audio = np.full(31 * SAMPLE_RATE_HZ, level, np.float32)
        taken = (Interval(0.2, 0.2 + length_s),)
        assert not real.transcribe(audio, speech=taken, language="en", prompt=STYLE).words


def test_a_room_in_which_nobody_speaks_has_no_words(
    real: WhisperTranscriber, shared_data: Path
) -> None:
    """Half a minute of a meeting room with one "hmm" and one "yeah" far away."""
    words = _heard(real, shared_data / "speech" / "ami30" / "trn01.wav")
    assert len(words) <= 2
