"""Ingest: what is in a session, how good its sound is, and which file stops it."""

from __future__ import annotations

from types import SimpleNamespace

import av
import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

from models.base import Interval
from pipeline.errors import MediaError
from pipeline.ingest.heard import speed_figures
from pipeline.media import quality as audio_quality
from pipeline.media import video
from pipeline.paperwork.session_toml import load_session
from pipeline.settings import IngestSettings
from pipeline.stage import Inputs, Missing
from pipeline.stages import ingest
from pipeline.tables import TABLES
from tests.made.media import BOTH, bursts, session, write_media

RATE = 16_000
FORM = '[[forms]]\ninstrument = "SRS"\nby = "client"\ntotal = 32.5\nmax = 40\n'
APART = (
    '[[media]]\nfile = "room.mp4"\nshows = ["client"]\n'
    '[[media]]\nfile = "a.m4a"\nhears = ["mixed"]\n'
)
SPEECH = tuple((float(start), start + 1.0) for start in range(0, 60, 2))


class Detector:
    """Speech wherever a test says."""

    def __init__(self, *spans):
        self.spans = spans

    def speech(self, audio):
        return tuple(Interval(start, end) for start, end in self.spans)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "S01").mkdir()
    return tmp_path / "S01"


def ingested(folder, engine, media=BOTH, rest="", **settings):
    recording = session(folder, media, rest)
    inputs = Inputs(load_session(folder), recording, {})
    outputs = ingest.run(inputs, engine, IngestSettings(minimum_media_s=1.0, **settings))
    for name, table in outputs.tables.items():
        TABLES[name].check(table)
    return outputs


def figures(outputs):
    return {row["measure"]: row for row in outputs.tables["quality"].to_pylist()}


def room(folder, seconds=6.0):
    sound = bursts(seconds, np.arange(0.5, seconds, 1.0))
    return write_media(folder / "room.mp4", [(0.0, sound)], np.arange(0, seconds, 0.04))


@pytest.mark.parametrize("planted_db", range(0, 31, 5))
def test_snr_ladder_in_closed_form(planted_db):
    rng = np.random.default_rng(planted_db)
    noise = 0.01 * rng.standard_normal(60 * RATE)
    speaks = np.concatenate([np.r_[np.ones(RATE), np.zeros(RATE)]] * 30)
    voice = 0.01 * 10 ** (planted_db / 20) * rng.standard_normal(60 * RATE) * speaks
    found = audio_quality.snr_db((noise + voice).astype(np.float32), SPEECH)
    expected = 10 * np.log10(1 + 10 ** (planted_db / 10))  # speech frames hold the noise too
    assert found == pytest.approx(expected, abs=1.0)


@pytest.mark.parametrize(
    ("value", "quality", "reason"),
    [(15.0, "ok", None), (14.99, "degraded", "low_snr"), (10.0, "degraded", "low_snr"),
     (9.99, "absent", "low_snr"), (None, "absent", "no_speech")],
)  # fmt: skip
def test_snr_gates_flip_at_15_and_10(value, quality, reason):
    figure = ingest._snr(value, value is not None, "no_speech", IngestSettings())
    assert (figure.quality, figure.reason, figure.value) == (quality, reason, value)


@pytest.mark.parametrize("cut_hz", [2000, 3400, 6000, 7500])
def test_bandwidth_of_band_limited_noise(cut_hz):
    noise = np.random.default_rng(1).standard_normal(20 * RATE)
    sos = butter(20, cut_hz, fs=RATE, output="sos")
    found = audio_quality.bandwidth_hz(sosfiltfilt(sos, noise), [(0.0, 20.0)])
    assert found == pytest.approx(0.99 * cut_hz, rel=0.02)
    figure = ingest._bandwidth(found, "no_speech", IngestSettings())
    assert figure.quality == ("ok" if cut_hz > 7100 else "degraded")


def test_planted_clipping_and_speech_share_are_counted_exactly():
    audio = np.full(10_000, 0.5, np.float32)
    audio[:25] = 0.99
    audio[-25:] = -1.0
    assert audio_quality.clip_prop(audio, 0.99) == 0.005
    assert audio_quality.speech_prop([(0, 2), (1, 3), (5, 6)], 10.0) == 0.4
    assert audio_quality.speech_prop([], 0.0) is None


def test_zeros_of_a_noise_gate_are_not_the_room():
    audio = np.zeros(20 * RATE, np.float32)
    rng = np.random.default_rng(0)
    audio[: 4 * RATE] = 0.001 * rng.standard_normal(4 * RATE)
    audio[10 * RATE :] = 0.1 * rng.standard_normal(10 * RATE)
    assert audio_quality.snr_db(audio, [(10.0, 20.0)]) == pytest.approx(40.0, abs=1.0)


def test_a_whole_session(folder):
    room(folder)
    outputs = ingested(folder, Detector((0.5, 1.5), (3.0, 9.0)), rest=FORM)
    assert outputs.absences == ()
    speech = outputs.tables["speech"].to_pylist()
    assert speech[0] == {"session_id": "S01", "start_s": 0.5, "end_s": 1.5}
    assert speech[1]["end_s"] == pytest.approx(6.0, abs=0.05)
    (media,) = outputs.tables["media"].to_pylist()
    assert (media["video_frames"], media["height_px"], media["audio_codec"]) == (150, 48, "aac")
    assert media["video_fps_eff"] == pytest.approx(25.0)
    (facts,) = outputs.tables["sessions"].to_pylist()
    assert facts["duration_s"] == pytest.approx(6.0, abs=0.05)
    assert facts["client_id"] == "C07"
    assert outputs.tables["forms"].to_pylist()[0]["total"] == 32.5
    assert figures(outputs)["video_rate_hz"]["quality"] == "ok"


def test_silence_gives_nulls_with_reasons(folder):
    write_media(folder / "room.mp4", [(0.0, np.zeros(96_000, np.float32))])
    found = figures(ingested(folder, Detector(), BOTH.replace('shows = ["client"]\n', "")))
    for measure in ("audio_snr_session_db", "audio_bandwidth_hz", "audio_speech_prop"):
        assert (found[measure]["quality"], found[measure]["reason"]) == ("absent", "no_speech")
    assert found["audio_clip_prop"]["value"] == 0.0
    assert found["video_rate_hz"]["reason"] == "no_media"


def test_without_a_detector_speech_is_absent_with_its_reason(folder):
    room(folder)
    outputs = ingested(folder, Missing("no_weights", "The detector is not installed."))
    assert [(a.modality, a.reason) for a in outputs.absences] == [("speech", "no_weights")]
    assert figures(outputs)["audio_speech_prop"]["reason"] == "no_weights"
    assert outputs.tables["speech"].num_rows == 0


def test_slow_video_is_noted(folder):
    sound = [(0.0, bursts(6, [1.0]))]
    write_media(folder / "room.mp4", sound, np.arange(0, 6, 1 / 18))
    row = figures(ingested(folder, Detector((0.0, 2.0))))["video_rate_hz"]
    assert (row["quality"], row["reason"]) == ("degraded", "low_fps")


def test_unreadable_video_beside_audio_leaves_the_session_its_audio(folder):
    data = room(folder).read_bytes()
    (folder / "room.mp4").write_bytes(data[: len(data) // 2])
    write_media(folder / "a.m4a", [(0.0, bursts(6, [1.0]))])
    outputs = ingested(folder, Detector((1.0, 2.0)), APART)
    (absence,) = outputs.absences
    assert (absence.modality, absence.reason) == ("video", "unreadable_media")
    assert "room.mp4 ends before its index was written" in absence.sentence
    rows = outputs.tables["media"].to_pylist()
    assert [row["video_reason"] for row in rows] == ["unreadable_media", "no_media"]
    assert [row["audio_reason"] for row in rows] == ["unreadable_media", None]


def test_unreadable_audio_fails_the_session_by_name(folder):
    data = room(folder).read_bytes()
    (folder / "room.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError, match=r"^session S01: room\.mp4 .* cut off"):
        ingested(folder, Detector())


def test_a_recording_too_short_or_with_too_few_channels_is_refused(folder):
    room(folder, 3.0)
    inputs = Inputs(load_session_of(folder), session(folder), {})
    with pytest.raises(MediaError, match=r"ingest\.minimum_media_s"):
        ingest.run(inputs, Detector(), IngestSettings(minimum_media_s=10.0))
    apart = BOTH.replace('["mixed"]', '["client", "therapist"]')
    with pytest.raises(MediaError, match="1 audio channel"):
        ingested(folder, Detector(), apart)


def load_session_of(folder):
    session(folder)
    return load_session(folder)


def test_one_picture_is_decoded_and_only_of_who_may_be_looked_at(folder, monkeypatch):
    room(folder)
    looked = []
    real = video.timed_frames

    def counted(*args):
        for one in real(*args):
            looked.append(one)
            yield one

    monkeypatch.setattr(video, "timed_frames", counted)
    monkeypatch.setattr("pipeline.media.recording.read_frames", None)
    assert figures(ingested(folder, Detector((0.0, 1.0))))["video_height_px"]["value"] == 48
    assert len(looked) == 1  # for its upright size
    (row,) = (
        ingested(folder, Detector(), BOTH.replace('shows = ["client"]', ""))
        .tables["media"]
        .to_pylist()
    )
    assert (row["height_px"], len(looked)) == (None, 1)


def test_damaged_pieces_are_counted(folder):
    path = room(folder, 6.0)
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(audio=0) if p.size]
    data = bytearray(path.read_bytes())
    for at, size in places[20:35]:
        data[at : at + size] = bytes(255 - value for value in data[at : at + size])
    path.write_bytes(data)
    found = figures(ingested(folder, Detector((0.0, 2.0))))
    assert found["audio_damaged_packet_count"]["value"] == pytest.approx(15, abs=3)
    assert found["audio_damaged_packet_count"]["quality"] == "degraded"
    assert found["video_damaged_packet_count"]["value"] == 0
    assert found["video_damaged_packet_count"]["quality"] == "ok"
    assert found["audio_duration_s"]["value"] == pytest.approx(6.0, abs=0.05)  # gaps are silence


def test_blank_pictures_are_counted(folder):
    path = room(folder, 6.0)
    with av.open(str(path)) as container:
        places = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    data = bytearray(path.read_bytes())
    for at, size in places[30:50]:
        data[at : at + size] = bytes(size)
    path.write_bytes(data)
    row = figures(ingested(folder, Detector((0.0, 2.0))))["video_damaged_packet_count"]
    assert (row["value"], row["quality"]) == (20, "degraded")


def track(length_s):
    return SimpleNamespace(start_s=0.5, end_s=0.5 + length_s)


@pytest.mark.parametrize(
    ("sound_s", "quality"),
    [(100.0, "ok"), (98.0, "ok"), (100 * 48 / 44.1, "degraded"), (100 * 44.1 / 48, "degraded"),
     (200.0, "degraded"), (103.0, "ok")],
)  # fmt: skip
def test_rates_taken_for_each_other_show_in_the_lengths(sound_s, quality):
    both = SimpleNamespace(audio=track(sound_s), video=track(100.0))
    (figure,) = speed_figures([SimpleNamespace(audio=track(9.0), video=None), both])
    assert figure.quality == quality
    assert figure.value == pytest.approx(sound_s / 100)
    short = SimpleNamespace(audio=track(20.0), video=track(10.0))
    assert speed_figures([short]) == []
