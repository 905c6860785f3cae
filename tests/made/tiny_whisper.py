"""Builds a complete CTranslate2 Whisper folder with random weights, of a megabyte or of any size.

Everything around the words is real: loading, decoding, word times, language detection, prompts. The
words are noise.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np


@dataclass(frozen=True)
class Shape:
    """Dimensions of a Whisper model."""

    width: int = 64
    encoder_layers: int = 1
    decoder_layers: int = 2
    heads: int = 2
    feed_forward: int = 128
    mel_bands: int = 80
    words: int = 256
    """Tokens before the special ones; the first 256 are the bytes."""


TINY_AS_TRAINED = Shape(384, 4, 4, 6, 1536, words=50257)
SMALL = Shape(768, 12, 12, 12, 3072, words=50257)
TURBO = Shape(1280, 32, 4, 20, 5120, mel_bands=128, words=50257)

LANGUAGES = ("en", "de")
_SPECIAL = (
    "<|endoftext|>",
    "<|startoftranscript|>",
    *(f"<|{language}|>" for language in LANGUAGES),
    "<|translate|>",
    "<|transcribe|>",
    "<|startoflm|>",
    "<|startofprev|>",
    "<|nospeech|>",
    "<|notimestamps|>",
)
_TIMESTAMPS = tuple(f"<|{step * 0.02:.2f}|>" for step in range(1501))


_BLANKS = ("\u0120", "\u010a", "\u0109")
"""Byte-level letters of a blank, a line end and a tab."""


def _bytes_as_letters() -> list[str]:
    """The 256 printable stand-ins of byte-level BPE, in the order of GPT-2's table."""
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = [chr(code) for code in kept]
    moved = [code for code in range(256) if code not in kept]
    return letters + [chr(256 + number) for number in range(len(moved))]


def build(folder: Path, seed: int = 0, shape: Shape = Shape(), *, endless: bool = False) -> Path:
    """Write the model into `folder` and return it; an `endless` one never ends a text by itself."""
    letters = _bytes_as_letters()
    made_up = [f"\u0120w{number}" for number in range(shape.words - len(letters))]
    # CTranslate2 takes a model for multilingual if its vocabulary holds the empty token.
    vocabulary = [*letters, *made_up, "", *_SPECIAL, *_TIMESTAMPS]
    position = {token: number for number, token in enumerate(vocabulary)}
    spec = ctranslate2.specs.WhisperSpec(
        shape.encoder_layers, shape.heads, shape.decoder_layers, shape.heads
    )
    _fill(spec, shape, len(vocabulary), np.random.default_rng(seed))
    spec.decoder.projection.bias = _leaning(position, endless=endless)
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [position["<|endoftext|>"]]
    spec.config.lang_ids = [position[f"<|{language}|>"] for language in LANGUAGES]
    spec.config.alignment_heads = [(shape.decoder_layers - 1, 0)]
    spec.validate()
    spec.optimize("int8")
    folder.mkdir(parents=True, exist_ok=True)
    spec.save(str(folder))
    _write_tokenizer(folder / "tokenizer.json", vocabulary, shape.words + 1)
    mel = json.dumps({"feature_size": shape.mel_bands})
    (folder / "preprocessor_config.json").write_text(mel, encoding="utf-8")
    return folder


def _leaning(position: dict[str, int], *, endless: bool) -> np.ndarray:
    """Bias of the last layer: letters and blanks, as a trained one gives after <|notimestamps|>."""
    bias = np.full(len(position), -1e4, np.float32)
    said = [*"abcdefghijklmnopqrstuvwxyz", *_BLANKS, *(f"<|{language}|>" for language in LANGUAGES)]
    bias[[position[token] for token in said]] = 0.0
    if not endless:
        bias[position["<|endoftext|>"]] = 0.0
    return bias


def _fill(spec: Any, shape: Shape, tokens: int, rng: np.random.Generator) -> None:
    """Random weights of the right shapes."""
    width = shape.width

    def weights(*size: int) -> np.ndarray:
        return rng.standard_normal(size, np.float32) * np.float32(2.5 / width**0.5)

    def linear(layer: Any, rows: int, columns: int) -> None:
        layer.weight, layer.bias = weights(rows, columns), weights(rows)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(width, np.float32), np.zeros(width, np.float32)

    def attention(layer: Any, *rows: int) -> None:
        norm(layer.layer_norm)
        for part, count in zip(layer.linear, rows, strict=True):
            linear(part, count, width)

    def feed_forward(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, shape.feed_forward, width)
        linear(layer.linear_1, width, shape.feed_forward)

    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = weights(width, shape.mel_bands, 3), weights(width)
    encoder.conv2.weight, encoder.conv2.bias = weights(width, width, 3), weights(width)
    encoder.position_encodings.encodings = weights(1500, width)
    decoder.position_encodings.encodings = weights(448, width)
    decoder.embeddings.weight = weights(tokens, width)
    decoder.projection.weight = decoder.embeddings.weight
    decoder.scale_embeddings = False
    norm(encoder.layer_norm)
    norm(decoder.layer_norm)
    for layer in [*encoder.layer, *decoder.layer]:
        attention(layer.self_attention, 3 * width, width)
        feed_forward(layer.ffn)
    for layer in decoder.layer:
        attention(layer.attention, width, 2 * width, width)


def _write_tokenizer(path: Path, vocabulary: list[str], plain: int) -> None:
    """A byte-level tokenizer over the same vocabulary, without merges."""
    added = [
        {
            "id": number,
            "content": token,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": token in _SPECIAL,
        }
        for number, token in enumerate(vocabulary)
        if token.startswith("<|")
    ]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True}
    byte_level["use_regex"] = True
    content = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "vocab": {token: number for number, token in enumerate(vocabulary[:plain])},
            "merges": [],
        },
    }
    path.write_text(json.dumps(content), encoding="utf-8")
