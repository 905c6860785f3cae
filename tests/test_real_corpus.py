"""Real recordings through the whole command, and anything a recorder can make of them.

`make test` runs a handful; `make corpus` every file there is, and hundreds of spoiled takes.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import lru_cache
from pathlib import Path

import pytest
from conftest import needs_embedded_weights
from hypothesis import HealthCheck, given, settings

from pipeline.config import load_profile
from tests.made.corpus_takes import Take, clips, takes, write_take
from tests.made.real_corpus import (
    PROFILE,
    WHOLE,
    as_table,
    ends_as_listed,
    process,
    recordings,
    run_night,
    session_id,
    unexpected,
    write_session,
)

pytestmark = needs_embedded_weights

HANDFUL = ("trn04.wav", "test_format_2sec.mp4", "stereo_diarization.wav")


def test_every_recording_is_done_or_says_why(shared_data, tmp_path, capsys):
    files = [path for path in recordings(shared_data) if WHOLE or path.name in HANDFUL]
    for path in files:
        write_session(tmp_path / "recordings" / session_id(path), path)
    told = run_night(tmp_path / "recordings", timeout_s=7200 if WHOLE else 900)
    with capsys.disabled():
        print(f"\n{as_table(told)}" if WHOLE else "", end="")
    assert len(told) == len(files)
    assert [one["session"] for one in told if unexpected(one)] == [], as_table(told)


@lru_cache(maxsize=1)
def profile():
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "profile.toml"
        file.write_text(PROFILE.replace("0.5", "0.0"), "utf-8")
        return load_profile(file)


def ended(take, shared_data):
    """What of the take's end is not on the lists; its folder does not stay."""
    folder = Path(tempfile.mkdtemp())
    try:
        job = process(write_take(take, clips(shared_data), folder / "take"), profile(), folder)
        return ends_as_listed(job)
    finally:
        shutil.rmtree(folder)


@given(take=takes(longest_s=20.0 if WHOLE else 4.0))
@settings(
    max_examples=300 if WHOLE else 4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_a_recorder_left_is_measured_or_refused(shared_data, take):
    assert ended(take, shared_data) == ""


@pytest.mark.skipif(not WHOLE, reason="minutes to half an hour of talk: run `make corpus`")
@pytest.mark.parametrize(("minutes", "rate"), [(1, 96_000), (5, 8_000), (30, 16_000)])
@pytest.mark.parametrize("heard", ["mixed", "own"])
def test_long_talk_cut_off_in_mid_voice_is_measured(shared_data, minutes, rate, heard):
    take = Take(
        clip=10, start=123_457, length_ms=60_000 * minutes - 13, kind="voice", spoiled="plain",
        rate=rate, channels=2, dead=11, heard=heard, format="PCM_16", seed=minutes,
    )  # fmt: skip
    assert ended(take, shared_data) == ""
