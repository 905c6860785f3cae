"""Speech to timed words: Whisper through faster-whisper, in batches of packs, from a local folder.

The speech that a detector found is packed (`models.speech.packs`) and only packs are decoded, each
on its own, so nothing is invented in silence and no invented sentence breeds others. A pack whose
words leave speech uncovered, repeat themselves or are improbable (`models.speech.doubts`) is heard
again in halves, and the better hearing is kept; nothing is drawn at random. faster-whisper
lends the spectrogram, the tokenizer and the alignment of words (Radford et al. 2022). Its batched
pipeline itself is not used: it keeps all spectrograms in memory, trims words by those of the pack
before, and lets words pass the end of their pack.

On a CPU in int8, a pack gives the same words bit for bit whatever it is batched with (tested). On a
card, rounding in float16 may depend on the batch (not measured); batches follow from the recording
alone and every recording starts with full ones, so that only a shortage of memory can tell a
recording run alone from the same one in a night.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
from faster_whisper import WhisperModel
from faster_whisper.audio import pad_or_trim
from faster_whisper.tokenizer import Tokenizer
from faster_whisper.transcribe import get_suppressed_tokens, merge_punctuations
from numpy.typing import NDArray

from models.allocator import keep_freed_memory
from models.base import (
    SAMPLE_RATE_HZ,
    Audio,
    Interval,
    Progress,
    TimedWord,
    Transcript,
    silent,
)
from models.batches import AdaptiveBatch
from models.device import CPU, Device
from models.errors import EngineInputError, WeightMissingError
from models.options import TranscriberOptions, whisper_compute_type
from models.speech.detector import check_audio
from models.speech.doubts import Heard, repetition, unworded_s
from models.speech.packs import halves, pack, quietest_moment
from models.speech.word_times import within_speech

_NEEDED = ("model.bin", "config.json", "tokenizer.json")
"""Without a tokenizer beside the model, faster-whisper would ask the hub for one."""

_FRAMES_PER_S = 100
"""Of the spectrogram."""
_LEAST_STEP = 2**-15
_OPENING, _CLOSING = "\"'“¿([{-", "\"'.。,，!！?？:：”)]}、"
"""Signs that belong to the word after, and to the word before."""


@dataclass(frozen=True, slots=True)
class _Decoding:
    """What is the same for every pack of one recording."""

    tokenizer: Tokenizer
    prompt: list[int]
    suppressed: list[int]
    max_length: int


@dataclass(frozen=True, slots=True)
class _Recording:
    """What is listened to, and how."""

    audio: Audio
    speech: tuple[Interval, ...]
    led: _Decoding
    """With the text that is taken to have come before."""
    plain: _Decoding
    """Without; the same where there is no such text."""

    def halves(self, heard: Heard) -> list[Interval]:
        """Smaller packs of the same speech."""
        return halves(heard.inside, self.speech, quietest=quietest_moment(self.audio))

    def heard(
        self, words: Sequence[TimedWord], mean_log: float, inside: Interval, *, is_silent: bool
    ) -> Heard:
        """Words of a pack, and what makes them doubtful."""
        text = " ".join(word.text for word in words)
        left_s = unworded_s(self.speech, words, inside)
        timed = within_speech(words, self.speech)  # after: a stretched word tells what is left out
        return Heard(inside, timed, mean_log, repetition(text), left_s, is_silent)


class WhisperTranscriber:
    """`models.base.Transcriber` over any CTranslate2 Whisper folder."""

    def __init__(
        self,
        folder: Path,
        options: TranscriberOptions | None = None,
        *,
        device: Device = CPU,
    ) -> None:
        """Load the model.

        Parameters
        ----------
        folder
            A CTranslate2 model, for example from `models.weights.catalog.find_whisper`.
        options
            What decides the words.
        device
            From `models.device.resolve`.

        Raises
        ------
        WeightMissingError
            The folder lacks a file a model needs.

        """
        lacking = [name for name in _NEEDED if not (folder / name).is_file()]
        if lacking:
            message = (
                f"{folder} is no complete CTranslate2 Whisper folder: {', '.join(lacking)} is "
                "missing. Get one with: thinslice models fetch whisper-base"
            )
            raise WeightMissingError(message)
        self._folder = folder
        self._options = options or TranscriberOptions()
        self._device = device
        if device.kind == "cpu":
            keep_freed_memory()
        self._whisper = WhisperModel(
            str(folder),
            device=device.kind,
            device_index=device.index,
            compute_type=whisper_compute_type(self._options, device),
            cpu_threads=self._options.cpu_threads,
            local_files_only=True,
        )

    def transcribe(
        self,
        audio: Audio,
        *,
        speech: tuple[Interval, ...],
        language: str | None,
        prompt: str = "",
        hotwords: str = "",
        progress: Progress = silent,
    ) -> Transcript:
        """Recognise the words, in order of time.

        Parameters
        ----------
        audio
            Mono float32, 16 kHz, shape (n_samples,).
        speech
            Where somebody speaks, as a `models.base.SpeechDetector` finds it.
        language
            Two-letter code; None lets the model find it, once, in the longest pack.
        prompt
            Text that is taken to have come before every pack: style and spelling follow it.
        hotwords
            Words to expect, separated by spaces.
        progress
            Told the share of the packs that is decoded.

        Raises
        ------
        EngineInputError
            The model does not know the language, prompt and hotwords are too long for it, or as
            `models.speech.detector.check_audio`.
        MemoryError
            There is no room even for one pack.

        """
        check_audio(audio)
        self._check_language(language)
        packs = [
            Interval(one.start_s, min(one.end_s, audio.size / SAMPLE_RATE_HZ))
            for one in pack(speech, quietest=quietest_moment(audio), longest_s=self._options.pack_s)
        ]
        if not packs:
            return Transcript(())
        language = language or self._find_language(audio, packs)
        plain = self._decoding(language, "", "")
        led = self._decoding(language, prompt, hotwords) if prompt or hotwords else plain
        recording = _Recording(audio, speech, led, plain)
        heard = self._hear(recording, packs, self._options.hearings, progress)
        every = [one for parts in heard for one in parts]
        words = [word for one in every for word in self._judged(one)]
        return Transcript(tuple(words), tuple(one.inside for one in every), language)

    def _hear(
        self,
        recording: _Recording,
        packs: Sequence[Interval],
        hearings: int,
        progress: Progress = silent,
    ) -> list[list[Heard]]:
        """What is heard in every pack: in one piece, or where that is doubtful and more is heard
        so, in several.
        """
        batch = AdaptiveBatch(self._options.batch_size, where=str(self._device))
        found: list[list[Heard]] = []
        for one in batch.run(lambda some: self._decode(recording, some), packs):
            found.append([one])
            progress("transcription", len(found) / len(packs))
        if hearings <= 1:
            return found
        smaller = {at: recording.halves(one) for at, (one,) in enumerate(found) if self._asks(one)}
        smaller = {at: parts for at, parts in smaller.items() if len(parts) > 1}
        flat = [part for parts in smaller.values() for part in parts]
        again = iter(self._hear(recording, flat, hearings - 1) if flat else ())
        for at, parts in smaller.items():
            pieces = [one for part in islice(again, len(parts)) for one in part]
            if self._is_better(pieces, found[at][0]):
                found[at] = pieces
        return found

    def _asks(self, heard: Heard) -> bool:
        return heard.is_doubtful(self._options)

    def _is_better(self, pieces: Sequence[Heard], whole: Heard) -> bool:
        """Whether smaller packs leave less speech without words, or, where the words of the whole
        were doubtful, no more than the least that counts; their own words must not be doubtful.
        """
        unsure = any(one.is_unsure(self._options) for one in pieces)
        left_s = sum(one.unworded_s for one in pieces)
        if whole.is_unsure(self._options):
            return not unsure and left_s <= whole.unworded_s + self._options.unworded_s
        return not unsure and left_s < whole.unworded_s

    def _judged(self, heard: Heard) -> tuple[TimedWord, ...]:
        unsure = heard.is_unsure(self._options)
        return tuple(replace(word, low_confidence=unsure) for word in heard.words)

    def _check_language(self, language: str | None) -> None:
        if language is not None and language not in self._whisper.supported_languages:
            known = ", ".join(self._whisper.supported_languages)
            raise EngineInputError(f"Language {language!r} is not known. This model has: {known}.")

    def _find_language(self, audio: Audio, packs: Sequence[Interval]) -> str:
        """The most probable language of the longest pack, of which the first."""
        if not self._whisper.model.is_multilingual:
            return "en"
        longest = max(packs, key=lambda one: one.end_s - one.start_s)
        encoded = self._whisper.encode(self._features(audio, [longest]))
        ((token, _), *_rest) = self._whisper.model.detect_language(encoded)[0]
        return str(token).strip("<|>")

    def _decoding(self, language: str, prompt: str, hotwords: str) -> _Decoding:
        whisper = self._whisper
        tokenizer = Tokenizer(
            whisper.hf_tokenizer,
            whisper.model.is_multilingual,
            task="transcribe",
            language=language,
        )
        before = tokenizer.encode(f" {prompt.strip()}") if prompt.strip() else []
        expected = tokenizer.encode(f" {hotwords.strip()}") if hotwords.strip() else []
        allowed = whisper.max_length // 2 - 1
        if len(before) + len(expected) > allowed:
            message = (
                f"Prompt ({len(before)} tokens) and hotwords ({len(expected)} tokens) are too long "
                f"together: allowed are {allowed}, about {allowed * 3 // 4} words. Shorten them."
            )
            raise EngineInputError(message)
        start = whisper.get_prompt(
            tokenizer, before, without_timestamps=True, hotwords=hotwords.strip() or None
        )
        new = self._options.max_new_tokens
        length = whisper.max_length if new is None else min(whisper.max_length, len(start) + new)
        return _Decoding(tokenizer, start, list(get_suppressed_tokens(tokenizer, [-1])), length)

    def _features(self, audio: Audio, packs: Sequence[Interval]) -> NDArray[np.float32]:
        """Log-mel spectrograms, silence to half a minute, shape (n_packs, n_mels, 3000)."""
        features = []
        for one in packs:
            first, last = (round(s * SAMPLE_RATE_HZ) for s in (one.start_s, one.end_s))
            found = self._whisper.feature_extractor(audio[first:last])[..., :-1]
            features.append(pad_or_trim(found))
        return np.stack(features)

    def _decode(self, recording: _Recording, packs: Sequence[Interval]) -> list[Heard]:
        """What is heard in every pack; packs do not see each other.

        Text before a pack leads what is heard in it, and invents where there is nothing to hear.
        Words that the sound alone does not bear out are therefore heard without it, or not at all.
        """
        found = self._search(recording, packs, recording.led)
        if recording.led is recording.plain:
            return found
        again = [at for at, one in enumerate(found) if not one.is_borne_out(self._options)]
        if again:
            plain = self._search(recording, [packs[at] for at in again], recording.plain)
            for at, one in zip(again, plain, strict=True):
                found[at] = one
        return found

    def _search(
        self, recording: _Recording, packs: Sequence[Interval], decoding: _Decoding
    ) -> list[Heard]:
        """The best words of every pack after the same text."""
        options, whisper = self._options, self._whisper
        groups = _groups(len(packs), self._device)
        encoded = [whisper.encode(self._features(recording.audio, packs[some])) for some in groups]
        results = whisper.model.generate(
            _joined(encoded),
            [decoding.prompt] * len(packs),
            beam_size=options.beam_size,
            length_penalty=options.length_penalty,
            max_length=decoding.max_length,
            suppress_tokens=decoding.suppressed,
            return_scores=True,
            return_no_speech_prob=True,
            sampling_temperature=0.0,
        )
        means = [self._mean_log(result) for result in results]
        silent = [
            self._is_silent(result, mean) or not _has_sound(recording.audio, one)
            for result, mean, one in zip(results, means, packs, strict=True)
        ]
        eot = decoding.tokenizer.eot
        tokens = [
            [] if none else [token for token in result.sequences_ids[0] if token < eot]
            for result, none in zip(results, silent, strict=True)
        ]
        frames = [math.ceil((one.end_s - one.start_s) * _FRAMES_PER_S) for one in packs]
        aligned: list[list[dict[str, Any]]] = []
        for some, heard in zip(groups, encoded, strict=True):
            aligned += whisper.find_alignment(decoding.tokenizer, tokens[some], heard, frames[some])
        return [
            recording.heard(_timed(words, one), mean, one, is_silent=none)
            for words, mean, one, none in zip(aligned, means, packs, silent, strict=True)
        ]

    def _mean_log(self, result: Any) -> float:
        """Mean log probability of a text's tokens, its end included."""
        count = len(result.sequences_ids[0])
        return float(result.scores[0] * count**self._options.length_penalty / (count + 1))

    def _is_silent(self, result: Any, mean_log: float) -> bool:
        """Whether Whisper holds a pack for silent."""
        return bool(
            result.no_speech_prob > self._options.no_speech_threshold
            and mean_log < self._options.log_prob_threshold
        )


def _has_sound(audio: Audio, inside: Interval) -> bool:
    """Whether samples differ by as much as the least step of 16 bits."""
    first, last = (round(s * SAMPLE_RATE_HZ) for s in (inside.start_s, inside.end_s))
    return last > first and bool(np.ptp(audio[first:last]) >= _LEAST_STEP)


def _groups(count: int, device: Device) -> list[slice]:
    """Packs that are encoded, and aligned, together.

    On a CPU one at a time: these passes are no faster together, and their memory grows with every
    pack. Only the search for words shares its reading of the weights.
    """
    step = 1 if device.kind == "cpu" else count
    return [slice(at, at + step) for at in range(0, count, step)]


def _joined(encoded: Sequence[ctranslate2.StorageView]) -> ctranslate2.StorageView:
    """One batch of what was encoded in groups; several groups there are only on a CPU."""
    if len(encoded) == 1:
        return encoded[0]
    return ctranslate2.StorageView.from_array(np.concatenate([np.array(one) for one in encoded]))


def _timed(words: list[dict[str, Any]], inside: Interval) -> list[TimedWord]:
    """Words on the recording's clock with their signs, none beyond its pack."""
    merge_punctuations(words, _OPENING, _CLOSING)

    def at(seconds: float) -> float:
        return min(inside.start_s + float(seconds), inside.end_s)

    return [
        TimedWord(at(word["start"]), at(word["end"]), text, float(word["probability"]))
        for word in words
        if (text := word["word"].strip())
    ]
