"""Transcript files of every kind, told apart by their ending, and the clock each kind keeps.

Captions (.vtt, .srt) are made to be shown, and corrected, in a player: their times are player
positions. STM and the JSON of recognisers are timed on the sound alone: 0 is its first sample, even
where the picture starts earlier. What a file's maker did otherwise is what `offset_s` in
session.toml is for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipeline.errors import SessionError
from pipeline.media.player_clock import player_zero_s
from pipeline.timeline import Seconds
from pipeline.transcripts import stm, subrip, webvtt, whisperx_json
from pipeline.transcripts.captions import Caption


@dataclass(frozen=True, slots=True)
class Format:
    """One kind of transcript file."""

    name: str
    parse: Callable[..., list[Caption]]
    """Called as ``parse(text, file=name_for_messages)``."""
    zero_s: Callable[[pa.Table], Seconds]
    """Session time of the file's second 0, from the table `media`."""


def sound_zero_s(media: pa.Table) -> Seconds:
    """Session time of the first sample of the first file with sound.

    Parameters
    ----------
    media : the table of that name; without any sound the clocks are taken to agree
    """
    for row in sorted(media.to_pylist(), key=lambda row: int(row["media"])):
        if row["audio_start_s"] is not None and row["clock_start_s"] is not None:
            return float(row["audio_start_s"] - row["clock_start_s"] + row["offset_s"])
    return 0.0


FORMATS = {
    ".vtt": Format("vtt", webvtt.parse, player_zero_s),
    ".srt": Format("srt", subrip.parse, player_zero_s),
    ".stm": Format("stm", stm.parse, sound_zero_s),
    ".json": Format("json", whisperx_json.parse, sound_zero_s),
}
"""By ending, in small letters."""


def format_of(file: str, *, where: str) -> Format:
    """What kind of transcript a file is.

    Raises
    ------
    SessionError
        Its ending is none of `FORMATS`.
    """
    ending = Path(file).suffix.lower()
    if ending not in FORMATS:
        raise SessionError(
            f"{where}: ending {ending!r} is no transcript; allowed: WebVTT (.vtt), SubRip (.srt), "
            "NIST STM (.stm), WhisperX or Whisper JSON (.json)"
        )
    return FORMATS[ending]


def read(path: Path, kind: Format, *, where: str) -> list[Caption]:
    """All captions of a transcript file.

    Raises
    ------
    SessionError
        The file is not UTF-8, or malformed: naming file, place, what was found and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SessionError(
            f"{where} is not text in UTF-8 (byte {error.start}); save it again as UTF-8"
        ) from error
    return kind.parse(text, file=where)
