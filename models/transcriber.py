"""Speech to timed words: faster-whisper, decoded in sequence, from a folder on this machine.

Sequential on purpose: faster-whisper's batched mode has no temperature fall-back and takes whole
packs of speech as segments. Words come as the engine gives them: one whose time stretches over a
silence is left as it is, because what to make of it is no question of engines.
"""

from __future__ import annotations

from pathlib import Path

import ctranslate2
from faster_whisper import WhisperModel

from models.base import SAMPLE_RATE_HZ, Audio, Fingerprint, Progress, TimedWord, silent
from models.device import CPU, Device
from models.errors import EngineInputError, WeightMissingError
from models.options import TranscriberOptions, transcriber_fingerprint
from models.speech_detector import check_audio

_NEEDED = ("model.bin", "config.json", "tokenizer.json")
"""Without a tokenizer beside the model, faster-whisper would ask the hub for one."""

_SEED = 0
"""Temperatures above 0 draw at random; the same recording shall give the same words."""


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
            A CTranslate2 model, for example from `models.catalog.find_whisper`.
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
                "missing. Get one with: thinslice models fetch whisper-small"
            )
            raise WeightMissingError(message)
        self._folder = folder
        self._options = options or TranscriberOptions()
        self._device = device
        self._model = self._load()
        self._has_drawn = False

    def _load(self) -> WhisperModel:
        return WhisperModel(
            str(self._folder),
            device=self._device.kind,
            device_index=self._device.index,
            compute_type=self._options.compute_type,
            cpu_threads=self._options.cpu_threads,
            local_files_only=True,
        )

    def _rewind(self) -> None:
        """Bring the random draws back to their start.

        CTranslate2 seeds a generator once per thread, at its first draw; only new threads, that is
        a model loaded anew, begin again at the seed.
        """
        ctranslate2.set_random_seed(_SEED)
        if self._has_drawn:
            self._model = self._load()
        self._has_drawn = max(self._options.temperature) > 0

    @property
    def fingerprint(self) -> Fingerprint:
        """What must be equal for equal words."""
        return transcriber_fingerprint(self._folder, self._options, self._device)

    def transcribe(
        self,
        audio: Audio,
        *,
        language: str | None,
        prompt: str = "",
        hotwords: str = "",
        progress: Progress = silent,
    ) -> tuple[TimedWord, ...]:
        """Recognise the words, in order of time.

        Parameters
        ----------
        audio
            Mono float32, 16 kHz, shape (n_samples,).
        language
            Two-letter code; None lets the model find it in the first half minute.
        prompt
            Text that is taken to have come before: style and spelling follow it.
        hotwords
            Words to expect, separated by spaces.
        progress
            Told the share of the recording that is decoded.

        Raises
        ------
        EngineInputError
            The model does not know the language, or as `models.speech_detector.check_audio`.

        """
        check_audio(audio)
        if language is not None and language not in self._model.supported_languages:
            known = ", ".join(self._model.supported_languages)
            raise EngineInputError(f"Language {language!r} is not known. This model has: {known}.")
        if audio.size == 0:
            return ()
        options = self._options
        self._rewind()
        segments, _ = self._model.transcribe(
            audio,
            language=language,
            beam_size=options.beam_size,
            temperature=options.temperature,
            condition_on_previous_text=options.condition_on_previous_text,
            initial_prompt=prompt or None,
            hotwords=hotwords or None,
            word_timestamps=True,
            vad_filter=options.vad_filter,
            max_new_tokens=options.max_new_tokens,
        )
        words = []
        duration_s = audio.size / SAMPLE_RATE_HZ
        for segment in segments:  # decoding happens here, one segment at a time
            progress("transcription", min(1.0, float(segment.end) / duration_s))
            words += [
                TimedWord(
                    float(word.start), float(word.end), word.word.strip(), float(word.probability)
                )
                for word in segment.words or ()
                if word.word.strip()
            ]
        progress("transcription", 1.0)
        return tuple(words)
