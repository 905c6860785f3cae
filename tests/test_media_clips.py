"""Clips: the right stretch, small, in free formats, and the same bytes every time."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from pipeline.media.clips import cut_clip
from tests.made.media import BOTH, bursts, onsets, session, write_media

LATE = 3.0  # the container's clock starts here


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "S01").mkdir()
    return tmp_path / "S01"


@pytest.fixture
def recording(folder):
    """20 s: a burst each second, one frame each 40 ms whose grey tells its number."""
    frames = LATE + np.arange(500) * 0.04
    sound = bursts(20, range(20))
    write_media(folder / "room.mkv", [(LATE, sound)], frames, size=(256, 144))
    return session(folder, BOTH.replace("room.mp4", "room.mkv"))


def opened(clip):
    """Codecs, picture size, (time, grey) of each frame, sound at 16 kHz."""
    with av.open(io.BytesIO(clip)) as container:
        codecs = {stream.codec_context.name for stream in container.streams}
        frames, sound = [], []
        for frame in container.decode():
            if isinstance(frame, av.VideoFrame):
                frames.append((frame.time, frame.to_ndarray(format="gray").mean(), frame.height))
            else:
                sound.append(frame.to_ndarray().mean(axis=0))
        rate = next(s.rate for s in container.streams.audio)
        return codecs, frames, np.concatenate(sound), rate


def test_picture_and_sound_are_of_the_asked_stretch(recording):
    codecs, frames, sound, rate = opened(cut_clip(recording, 5.5, 9.5, height_px=72, video=True))
    assert codecs == {"vp9", "opus"}
    assert {height for *_, height in frames} == {72}
    assert 0.9 * 60 <= len(frames) <= 61  # 15 a second at most
    for at_s, grey, _ in frames:
        number = round((5.5 + at_s) / 0.04)  # the session clock starts with the first sample
        assert min(abs(grey - 8 * (n % 30)) for n in (number - 1, number, number + 1)) < 8
    np.testing.assert_allclose(onsets(sound, rate=rate), [0.5, 1.5, 2.5, 3.5], atol=0.02)


def test_the_same_input_gives_the_same_bytes(recording):
    first, second = (cut_clip(recording, 2, 6, height_px=100, video=True) for _ in range(2))
    assert first == second
    assert cut_clip(recording, 2, 6, height_px=100, video=False) != first


def test_sound_alone_where_video_is_not_wanted_or_not_there(recording, folder):
    only = BOTH.replace("room.mp4", "room.mkv").replace('shows = ["client"]\n', "")
    for source, wanted in ((recording, False), (session(folder, only), True)):
        codecs, frames, sound, rate = opened(cut_clip(source, 3, 5, height_px=360, video=wanted))
        assert (codecs, frames) == ({"opus"}, [])
        assert sound.size / rate == pytest.approx(2.0, abs=0.05)


def test_a_small_picture_is_not_enlarged_and_the_end_is_the_recordings(recording):
    _, frames, sound, rate = opened(cut_clip(recording, 18, 99, height_px=720, video=True))
    assert frames[0][2] == 144
    assert sound.size / rate == pytest.approx(2.0, abs=0.05)
    with pytest.raises(ValueError, match="no length"):
        cut_clip(recording, 6, 6, height_px=100, video=True)
