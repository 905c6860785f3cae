"""Session figures of the client's video on frames and events known in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_align_faces import DURATION_S, alternating, events, frames

from pipeline.align.face_figures import UNSEEN, Seen, face_figures


def figures(seen: Seen) -> dict[str, tuple[float | None, str | None]]:
    return {name: (value, reason) for name, value, reason in face_figures(seen)}


def test_blinks_by_state_and_nods_by_band() -> None:
    """24 a minute while speaking, 12 while listening: 16 over both, as a third is speech."""
    blinks = [t + s for t in np.arange(0, DURATION_S, 15.0) for s in (1.0, 6.0, 11.0, 13.5)]
    happened = events(blinks, slow=np.arange(5, DURATION_S, 20.0), fast=[7.0])
    found = figures(Seen(frames(), happened, alternating(), 1.2, "no_media"))
    assert found["client_blinks_speaking_pm"][0] == pytest.approx(24.0, abs=0.1)
    assert found["client_blinks_listening_pm"][0] == pytest.approx(12.0, abs=0.1)
    assert found["client_blinks_pm"][0] == pytest.approx(16.0, abs=0.1)
    assert found["client_nods_slow_pm"][0] == pytest.approx(3.0)
    assert found["client_nods_fast_pm"][0] == pytest.approx(1 / 15, rel=1e-3)
    assert found["client_gaze_floor_dps"][0] == 1.2


def test_a_blink_rate_needs_three_minutes() -> None:
    short = Seen(frames(duration_s=170.0), events([1.0]), alternating(170.0), np.nan, "no_media")
    found = figures(short)
    assert found["client_blinks_pm"] == (None, "too_short")
    assert found["client_nods_slow_pm"][0] == 0.0
    assert found["client_gaze_floor_dps"] == (None, "few_samples")


def test_shares_of_the_reasons() -> None:
    n = len(frames().t_s)
    reason = np.full(n, None, dtype=object)
    for i, name in enumerate(UNSEEN):
        reason[i * n // 10 : (i + 1) * n // 10] = name
    seen = frames(reason=reason, valid=reason == None, blinks_sought=reason == None)  # noqa: E711
    found = figures(Seen(seen, events(), "no_role", 1.0, "no_media"))
    for name in UNSEEN:
        assert found[f"client_frames_{name}_prop"][0] == pytest.approx(0.1)
    assert found["client_frames_valid_prop"][0] == pytest.approx(0.6)
    assert found["client_blinks_speaking_pm"] == (None, "no_role")


def test_without_video_every_figure_says_why() -> None:
    nothing: Any = frames(duration_s=0.0)
    found = figures(Seen(nothing, events(), alternating(), np.nan, "no_consent"))
    assert set(found.values()) == {(None, "no_consent")}
