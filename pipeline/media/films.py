"""Which files are the film of somebody: one camera's, with the parts that go on from it.

Where two cameras show the same person, the first in session.toml that can be read is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from models.base import Seconds
from pipeline.paperwork.session_media import MediaFile, Role

OVERLAP_MAX_S = 2.0  # offsets typed by hand let parts of one film overlap by less


def films(
    media: Sequence[MediaFile], rows: Iterable[Mapping[str, Any]], role: Role
) -> tuple[list[int], str]:
    """The first readable file that shows `role` and its parts; empty, and why, where there is none.

    `rows` are those of table `media`. Parts show the same people and begin after the one before has
    ended.
    """
    probed = {row["media"]: row for row in rows}
    chosen: list[int] = []
    reasons = []
    ends_s = -np.inf
    for index, part in enumerate(media):
        if role not in part.shows or (chosen and part.shows != media[chosen[0]].shows):
            continue
        facts = probed.get(index)
        if facts is None or facts["video_reason"] is not None or facts["video_codec"] is None:
            reasons.append((facts or {}).get("video_reason") or "no_media")
            continue
        begins_s, stops_s = _span(facts)
        if begins_s >= ends_s - OVERLAP_MAX_S:
            chosen.append(index)
            ends_s = stops_s
    return chosen, reasons[0] if reasons else "no_media"


def _span(facts: Mapping[str, Any]) -> tuple[Seconds, Seconds]:
    """Session times of a file's first and last picture, near enough to tell parts from angles."""
    if any(facts[name] is None for name in ("offset_s", "video_start_s", "clock_start_s")):
        return 0.0, np.inf
    begins_s = facts["offset_s"] + facts["video_start_s"] - facts["clock_start_s"]
    return begins_s, begins_s + (facts["duration_s"] or 0.0)
