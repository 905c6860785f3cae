"""How much of what was said a transcript can speak for.

Words can only be had where the voice activity detector heard speech. What the diarizer calls speech
and the detector does not is where words are missing without a trace, so the shares are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from pipeline.spans import as_array, intersection
from pipeline.timeline import Seconds, Span

Spans = NDArray[np.float64]


def coverage(
    words: Iterable[Span],
    speech: Iterable[Span],
    decoded: Iterable[Span] | None,
    diarized: Sequence[Span],
) -> dict[str, float | None]:
    """The figures of table `transcription`; None where there is nothing to take a share of.

    Parameters
    ----------
    words : of the transcript
    speech : as the voice activity detector found it
    decoded : what the recogniser listened to; None for an imported transcript
    diarized : stretches of all voices, overlaps kept
    """  # fmt: skip
    words = list(words)
    stretches = np.array(diarized, np.float64).reshape(-1, 2)
    spoken_s = _length_s(stretches)
    voices, heard = as_array(diarized), as_array(speech)
    listened = None if decoded is None else as_array(decoded)
    return {
        "speech_s": _length_s(heard),
        "decoded_s": None if listened is None else _length_s(listened),
        "diarized_speech_prop": _share_inside(voices, heard),
        "diarized_decoded_prop": None if listened is None else _share_inside(voices, listened),
        "diarized_worded_prop": _share_worded(stretches, words),
        "word_rate_wps": len(words) / spoken_s if spoken_s else None,
    }


def _length_s(spans: Spans) -> Seconds:
    return float((spans[:, 1] - spans[:, 0]).sum())


def _share_inside(spans: Spans, others: Spans) -> float | None:
    whole_s = _length_s(spans)
    return min(1.0, _length_s(intersection(spans, others)) / whole_s) if whole_s else None


def _share_worded(stretches: Spans, words: list[Span]) -> float | None:
    """Share of the stretches, weighted by length, that a word reaches into."""
    length_s = stretches[:, 1] - stretches[:, 0]
    if not length_s.sum():
        return None
    starts = np.sort([start for start, _ in words])
    ends = np.sort([end for _, end in words])
    # words begun before a stretch ends, less those ended by the time it begins
    begun = np.searchsorted(starts, stretches[:, 1], side="left")
    ended = np.searchsorted(ends, stretches[:, 0], side="right")
    return min(1.0, float(length_s[begun > ended].sum() / length_s.sum()))
