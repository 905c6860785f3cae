"""The demo's speech synthesiser: a program of its own, run as a child process.

It reads a JSON list of requests on standard input, speaks each with the eSpeak NG library that the
optional package ``espeakng-loader`` carries, and writes one ``.npz`` archive to standard output.
eSpeak NG is GPL-3.0; thinslice only talks to this program through pipes, and only for the made demo
session. Nothing here is imported by a stage.

A request is ``{"text", "voice", "rate_wpm", "pitch", "pitch_range"}``. The archive holds
``rate_hz`` and, for request i, ``pcm_i`` (int16 samples) and ``words_i`` (int32, one row per word:
character position in the text, counted from 0, length in characters, onset in samples).
"""

from __future__ import annotations

import ctypes
import io
import json
import sys
from dataclasses import dataclass, field
from typing import Any

import numpy as np

SYNCHRONOUS = 2
UTF8 = 1
EVENT_END, EVENT_WORD = 0, 1
RATE, PITCH, RANGE = 1, 3, 4


class Event(ctypes.Structure):
    """``espeak_EVENT`` of speak_lib.h."""

    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


CALLBACK = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(Event)
)


@dataclass(slots=True)
class Spoken:
    """What the library handed back for one request."""

    chunks: list[bytes] = field(default_factory=list)
    words: list[tuple[int, int, int]] = field(default_factory=list)
    """(character position, length, onset in ms), character positions counted from 0."""


def receive(spoken: Spoken, wav: Any, count: int, events: Any) -> int:
    """Keep one buffer of samples and its word events. Returns 0: go on."""
    if wav:
        spoken.chunks.append(ctypes.string_at(wav, 2 * count))
    i = 0
    while events[i].type != EVENT_END:
        event = events[i]
        if event.type == EVENT_WORD:
            spoken.words.append((event.text_position - 1, event.length, event.audio_position))
        i += 1
    return 0


def speak(library: ctypes.CDLL, request: dict[str, Any], rate_hz: int) -> tuple[Any, Any]:
    """Samples (int16) and words (n, 3) of one request."""
    spoken = Spoken()
    library.espeak_SetSynthCallback(
        callback := CALLBACK(lambda wav, count, events: receive(spoken, wav, count, events))
    )
    if library.espeak_SetVoiceByName(request["voice"].encode()) != 0:
        message = f"eSpeak NG has no voice {request['voice']!r}; see its espeak-ng-data/voices"
        raise ValueError(message)
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    for parameter, key in ((RATE, "rate_wpm"), (PITCH, "pitch"), (RANGE, "pitch_range")):
        library.espeak_SetParameter(parameter, int(request[key]), 0)
    text = request["text"].encode()
    library.espeak_Synth(text, len(text) + 1, 0, 1, 0, UTF8, None, None)
    library.espeak_Synchronize()
    del callback
    words = np.array(spoken.words, dtype=np.int64).reshape(-1, 3)
    words[:, 2] = words[:, 2] * rate_hz // 1000
    return np.frombuffer(b"".join(spoken.chunks), dtype=np.int16), words.astype(np.int32)


def open_library() -> tuple[ctypes.CDLL, int]:
    """The library, initialised for in-memory output, and its sample rate in Hz."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
        ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
    ]  # fmt: skip
    data = espeakng_loader.get_data_path().encode()
    rate_hz = library.espeak_Initialize(SYNCHRONOUS, 0, data, 0)
    if rate_hz <= 0:
        message = f"eSpeak NG did not start with its data at {data.decode()} (code {rate_hz})"
        raise RuntimeError(message)
    return library, int(rate_hz)


def main() -> None:
    """Speak every request of standard input; the archive goes to standard output."""
    requests = json.load(sys.stdin)
    library, rate_hz = open_library()
    arrays: dict[str, Any] = {"rate_hz": np.array(rate_hz)}
    for i, request in enumerate(requests):
        arrays[f"pcm_{i}"], arrays[f"words_{i}"] = speak(library, request, rate_hz)
    archive = io.BytesIO()
    np.savez(archive, **arrays)
    sys.stdout.buffer.write(archive.getvalue())


if __name__ == "__main__":
    main()
