"""Media: the container's times are honoured, and a recording that is cut off is refused."""

from __future__ import annotations

import io
import shutil
import subprocess
import wave

import av
import numpy as np
import pytest
import soundfile

from pipeline.errors import MediaError
from pipeline.files import sha256_of
from pipeline.media.audio import _aligned, decode_stream, read_audio
from pipeline.media.container import listed
from pipeline.media.probe import probe
from pipeline.media.video import Thinner, read_frames
from tests.made.media import BOTH, bursts, onsets, session, write_media

FORMATS = ("mp4", "mov", "avi", "flv", "mts", "ts")
APART = (
    '[[media]]\nfile = "a.wav"\nhears = ["mixed"]\noffset_s = {offset}\n'
    '[[media]]\nfile = "room.mkv"\nshows = ["client"]\n'
)


@pytest.fixture
def folder(tmp_path):
    """An empty session folder."""
    (tmp_path / "S01").mkdir()
    return tmp_path / "S01"


def test_offset_and_gap_leave_every_sound_at_its_time(tmp_path):
    pieces = [(0.5, bursts(4, [1.0, 3.0])), (7.0, bursts(3, [0.25, 2.0]))]
    path = write_media(tmp_path / "a.mkv", pieces, codec="pcm_s16le")
    audio, first_s, _ = read_audio(path)
    assert first_s == pytest.approx(0.5, abs=0.001)
    np.testing.assert_allclose(onsets(audio) + first_s, [1.5, 3.5, 7.25, 9.0], atol=0.001)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.mp4", "aac"), ("a.ts", "aac"), ("a.ogg", "libopus")]
)
def test_codec_start_up_does_not_shift_the_sound(tmp_path, name, codec):
    path = write_media(tmp_path / name, [(0.0, bursts(6, [0.5, 2.0, 5.5]))], codec=codec)
    audio, first_s, _ = read_audio(path)
    found = onsets(audio) + first_s
    start = found[0] - 0.5  # transport streams count from 1.4 s; lossy codecs ring before an onset
    np.testing.assert_allclose(found - start, [0.5, 2.0, 5.5], atol=0.002)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_samples_that_are_no_sound_are_silent_and_counted(tmp_path, bad, rate):
    sound = 0.1 * np.ones((rate, 2), np.float32)
    sound[rate // 2 : rate // 2 + 500, 0] = bad
    soundfile.write(tmp_path / "a.wav", sound, rate, subtype="FLOAT")
    audio, _, damaged = read_audio(tmp_path / "a.wav")
    assert damaged >= 1
    assert np.abs(audio).max() < 0.2
    assert audio[100:7000] == pytest.approx(0.1, abs=0.01)


def test_mp3_start_delay_and_known_lengths(shared_data):
    words = shared_data / "speech" / "words"
    assert read_audio(words / "jfk.flac")[0].size == 11 * 16_000
    assert read_audio(words / "test_en.wav")[0].size == 93_680
    audio, first_s, _ = read_audio(words / "test.mp3")
    assert first_s == pytest.approx(1105 / 44_100, abs=1e-6)  # the decoder's delay, LAME's tag
    assert audio.size / 16_000 == pytest.approx(27.503243, abs=0.001)


def test_mp3_lies_beside_the_wav_it_was_made_from(tmp_path):
    signal = bursts(8, [0.5, 3.0, 7.0])
    wav, _, _ = read_audio(write_media(tmp_path / "a.wav", [(0.0, signal)], codec="pcm_s16le"))
    mp3, _, _ = read_audio(write_media(tmp_path / "a.mp3", [(0.0, signal)], codec="libmp3lame"))
    n = min(wav.size, mp3.size)
    lag = np.argmax(np.correlate(mp3[:n][8000 - 400 : 9600], wav[:n][8000:9200], "valid")) - 400
    assert abs(lag) <= 16  # 1 ms


@pytest.mark.parametrize("stamp", ["drift", "rounded", "gap", "overlap"])
def test_each_sample_keeps_its_time_over_an_hour(stamp):
    rate, size = 8_000, 1024
    count = 3_600 * rate // size  # a value is the time at which its sample was taken
    begins = np.arange(count) * size / rate
    if stamp == "drift":
        begins *= 1.0002
    elif stamp in {"gap", "overlap"}:
        begins[9_000:] += 2.5 if stamp == "gap" else -0.03
    shown = np.round(begins, 3) if stamp == "rounded" else begins
    frames = (
        (p * rate, np.atleast_2d(b + np.arange(size) / rate))
        for p, b in zip(shown, begins, strict=True)
    )
    out = np.concatenate(
        [piece.astype(np.float64) for piece in _aligned(frames, rate, "x")], axis=1
    )[0]
    heard = np.flatnonzero(out)  # a gap is filled with zeros
    late = np.abs(out[heard] - heard / rate)
    assert late.max() < 0.001 + 0.000_25  # plus the resolution of a float32 at 3600 s


def test_a_jump_of_hours_is_an_error_not_a_gap():
    frames = ((p, np.ones((1, 1000))) for p in [0, 1000, *(10**9 + 1000 * i for i in range(9))])
    with pytest.raises(MediaError, match="clock_unknown"):
        list(_aligned(frames, 16_000, "room.mp4"))


def test_channels_stay_apart(tmp_path):
    pair = np.stack([bursts(2, [0.5]), bursts(2, [1.5])])
    path = write_media(tmp_path / "a.wav", [(0.0, pair)], codec="pcm_s16le")
    found = decode_stream(path, 0, io.BytesIO)
    assert (found.first_s, found.damaged_packets) == (0.0, 0)
    channels = np.array([np.frombuffer(file.getvalue(), np.float32) for file in found.files])
    assert [onsets(one).tolist() for one in channels] == [
        [pytest.approx(0.5, abs=0.001)],
        [pytest.approx(1.5, abs=0.001)],
    ]
    np.testing.assert_allclose(read_audio(path)[0], channels.mean(axis=0), atol=1e-4)


def ffprobe_times(path):
    entry = "frame=best_effort_timestamp_time"
    command = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-show_entries",
        entry,
        "-of",
        "csv=p=0",
        str(path),
    ]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return [float(word.strip(",")) for word in shown if word.strip(",") not in {"", "N/A"}]


@pytest.fixture(scope="module")
def our_times(shared_data):
    """Every real video's path and our frame times; decoded once."""
    return {
        path: [frame.pts_s for frame in read_frames(path, max_fps=1000)]
        for path in real_videos(shared_data)
    }


def real_videos(shared_data):
    video = shared_data / "video"
    names = [f"formats/test_format_2sec.{suffix}" for suffix in FORMATS]
    return [video / name for name in (*names, "face_noface.mov", "noface_face.mov", "no_face.mp4")]


def test_frame_times_are_those_ffprobe_gives(our_times):
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is not installed: nothing to compare with")
    for path, ours in our_times.items():
        theirs = ffprobe_times(path)
        assert len(ours) - len(theirs) in {0, 1}, path.name  # ffprobe has no time for AVI's last
        np.testing.assert_allclose(ours[: len(theirs)], theirs, atol=0.001, err_msg=path.name)


def test_frame_times_are_those_of_a_plain_decode(our_times):
    for path, ours in our_times.items():
        if path.suffix == ".avi":
            continue  # PyAV invents times for AVI, in decoding order
        with av.open(str(path)) as container:
            plain = [frame.time for frame in container.decode(video=0)]
        np.testing.assert_allclose(ours, plain, atol=1e-9, err_msg=path.name)


def test_six_containers_give_the_same_session_times(tmp_path, shared_data):
    times = {}
    for suffix in FORMATS:
        folder = tmp_path / f"S-{suffix}"
        folder.mkdir()
        source = shared_data / "video" / "formats" / f"test_format_2sec.{suffix}"
        shutil.copy(source, folder / f"room.{suffix}")
        recording = session(folder, BOTH.replace("room.mp4", f"room.{suffix}"))
        times[suffix] = [recording.t_of(0, f.pts_s) for f in recording.frames(0, max_fps=30)]
    assert {len(found) for found in times.values()} == {30}
    spread = np.ptp(np.array(list(times.values())), axis=0)
    assert spread.max() < 1 / 30


def test_video_before_audio_has_negative_times(folder, shared_data):
    shutil.copy(shared_data / "video" / "face_noface.mov", folder / "room.mp4")
    recording = session(folder)
    first = next(iter(recording.frames(0, max_fps=30)))
    assert recording.t_of(0, first.pts_s) == pytest.approx(-2.43, abs=0.002)
    assert recording.probe(0).video.fps_eff == pytest.approx(24.0, abs=0.1)


def test_thinning_keeps_time_not_count():
    uneven = np.cumsum(np.tile([0.0137, 0.0417, 0.0500], 300))
    thin = Thinner(30)
    assert np.mean([thin.keeps(t) for t in uneven]) == 1.0  # 28.5 fps on average: all are wanted
    for source, wanted in ((60, 30), (50, 30), (120, 15), (25, 30)):
        thin = Thinner(wanted)
        kept = [t for t in np.arange(0, 20, 1 / source) if thin.keeps(t)]
        assert len(kept) / 20 == pytest.approx(min(source, wanted), rel=0.02)


def test_frames_are_rgb_and_numbered_in_the_file(tmp_path):
    at_s = [0.2, 0.21, 0.3, 0.5, 0.51]
    path = write_media(tmp_path / "v.mkv", frames=at_s)
    frames = list(read_frames(path, max_fps=20))
    assert [f.index for f in frames] == [0, 2, 3]
    np.testing.assert_allclose([f.pts_s for f in frames], [0.2, 0.3, 0.5], atol=0.001)
    assert frames[0].image.shape == (48, 64, 3)
    assert frames[2].image.mean() == pytest.approx(24, abs=3)


def test_offset_of_audio_and_of_a_second_file(folder):
    write_media(folder / "a.wav", [(0.0, bursts(3, [1.0]))], codec="pcm_s16le")
    write_media(folder / "room.mkv", frames=[4.0, 4.1, 4.2])
    for offset in (0.75, -0.75):
        recording = session(folder, APART.format(offset=offset))
        np.testing.assert_allclose(onsets(recording.audio), [1.0 + offset], atol=0.001)
        assert recording.t_of(0, 1.0) == pytest.approx(1.0 + offset)
        assert recording.t_of(1, 4.1) == pytest.approx(0.1, abs=0.001)


def test_audio_is_the_same_each_time_and_nobodys_to_change(folder):
    write_media(folder / "a.wav", [(0.0, bursts(3, [1.0]))], codec="pcm_s16le")
    recording = session(folder, '[[media]]\nfile = "a.wav"\nhears = ["mixed"]\n')
    first = recording.audio
    assert recording.audio is first
    kept = first.copy()
    first[:] = 7.0  # an engine may work in place
    del first
    np.testing.assert_array_equal(recording.audio, kept)
    np.testing.assert_array_equal(read_audio(folder / "a.wav").samples, kept)


STEREO = '[[media]]\nfile = "a.wav"\nhears = ["therapist", "client"]\noffset_s = {offset}\n'
TWO_FILES = (
    '[[media]]\nfile = "t.wav"\nhears = ["therapist"]\noffset_s = {first}\n'
    '[[media]]\nfile = "c.wav"\nhears = ["client"]\noffset_s = {second}\n'
)


def heard_at(recording):
    """Onsets of each row, and of the mix."""
    channels = recording.audio_channels()
    np.testing.assert_allclose(recording.audio, channels.mean(axis=0), atol=1e-6)
    return [onsets(row).round(3).tolist() for row in channels]


@pytest.mark.parametrize(
    ("offset", "expected"), [(0, [[0.5], [1.5]]), (1, [[1.5], [2.5]]), (-1, [[], [0.5]])]
)
def test_a_row_for_each_role_of_one_file(folder, offset, expected):
    pair = np.stack([bursts(2, [0.5]), bursts(2, [1.5])])
    write_media(folder / "a.wav", [(0.0, pair)], codec="pcm_s16le")
    recording = session(folder, STEREO.format(offset=float(offset)))
    assert heard_at(recording) == expected
    assert recording.audio.size == (2 + offset) * 16_000
    assert recording.unshared_audio_s == 0
    recording.forget_audio()
    assert heard_at(recording) == expected


def test_two_files_are_heard_where_both_record(folder):
    write_media(folder / "t.wav", [(0.0, bursts(8, [0.5, 3.0, 7.0]))], codec="pcm_s16le")
    write_media(folder / "c.wav", [(0.0, bursts(5, [1.0, 4.5]))], codec="pcm_s16le")
    recording = session(folder, TWO_FILES.format(first=0.0, second=1.25))
    assert heard_at(recording) == [[3.0], [2.25, 5.75]]  # 0.5 and 7.0 lie outside the other file
    assert recording.audio.size == 6.25 * 16_000
    assert recording.unshared_audio_s == pytest.approx(1.25 + 1.75)
    early = session(folder, TWO_FILES.format(first=-0.25, second=-2.0))
    assert heard_at(early) == [[0.25, 2.75], [2.5]]
    assert early.unshared_audio_s == pytest.approx(4.75)
    with pytest.raises(MediaError, match=r"session S01: .* no time in common: t\.wav .* c\.wav"):
        session(folder, TWO_FILES.format(first=0.0, second=8.0)).audio  # noqa: B018


def test_a_mix_has_no_rows(folder):
    write_media(folder / "a.wav", [(0.0, bursts(2, [0.5]))], codec="pcm_s16le")
    recording = session(folder, '[[media]]\nfile = "a.wav"\nhears = ["mixed"]\n')
    assert recording.audio_channels().shape == (0, 32_000)


def test_a_microphone_that_cannot_be_read_is_not_passed_over(folder):
    write_media(folder / "t.wav", [(0.0, bursts(2, [0.5]))], codec="pcm_s16le")
    (folder / "c.wav").write_bytes(b"not a recording")
    with pytest.raises(MediaError, match=r"session S01: c\.wav"):
        session(folder, TWO_FILES.format(first=0.0, second=0.0)).audio  # noqa: B018
    pair = np.stack([bursts(2, [0.5]), bursts(2, [1.5])])
    write_media(folder / "c.wav", [(0.0, pair)], codec="pcm_s16le")
    with pytest.raises(MediaError, match=r"c\.wav has 2 audio channel.* hears = \['client'\]"):
        session(folder, TWO_FILES.format(first=0.0, second=0.0)).audio  # noqa: B018


def test_a_file_cut_short_is_refused_in_words(tmp_path):
    sound, pictures = [(0.0, bursts(20, range(20)))], np.arange(0, 20, 0.1)
    front = {"movflags": "faststart"}
    for name, options in (("f.mp4", front), ("b.mp4", {}), ("k.mkv", {}), ("r.avi", {})):
        whole = write_media(tmp_path / name, sound, pictures, options=options)
        assert probe(whole).missing_s < 0.1
        data = whole.read_bytes()
        whole.write_bytes(data[: len(data) * 6 // 10])
        with pytest.raises(MediaError, match="cut off") as error:
            probe(whole)
        assert name in str(error.value)
        assert str(tmp_path) not in str(error.value)


def test_an_mp3_is_judged_by_its_own_byte_count(tmp_path):
    first = write_media(tmp_path / "1.mp3", [(0.0, bursts(10, [1.0]))], codec="libmp3lame")
    data = first.read_bytes()
    assert b"Info" in data or b"Xing" in data
    assert probe(first).missing_s < 0.1
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(data + data + b"TAG" + bytes(125))
    assert probe(joined).missing_s == 0.0
    assert read_audio(joined).samples.size / 16_000 == pytest.approx(20, abs=0.2)
    (tmp_path / "cut.mp3").write_bytes(data[: len(data) * 6 // 10])
    with pytest.raises(MediaError, match=r"cut\.mp3 can be read for 6\.\d s of the 10\.\d s"):
        probe(tmp_path / "cut.mp3")


def test_sound_that_changes_rate_and_channels_midway_is_read(tmp_path):
    mono = write_media(tmp_path / "1.mp3", [(0.0, bursts(4, [1.0]))], codec="libmp3lame")
    pair = np.stack([bursts(4, [1.0, 2.0], rate=44_100)] * 2)
    stereo = write_media(tmp_path / "2.mp3", [(0.0, pair)], codec="libmp3lame", rate=44_100)
    (tmp_path / "both.mp3").write_bytes(mono.read_bytes() + stereo.read_bytes())
    found = decode_stream(tmp_path / "both.mp3", 0, io.BytesIO)
    (sound,) = (np.frombuffer(file.getvalue(), np.float32) for file in found.files)
    assert onsets(sound)[0] == pytest.approx(1.0, abs=0.05)
    np.testing.assert_allclose(np.diff(onsets(sound)), [4.1, 1.0], atol=0.35)


@pytest.mark.parametrize("content", [b"", b"not a recording at all", bytes(5000)])
def test_what_is_no_recording_is_named(folder, content):
    (folder / "room.mp4").write_bytes(content)
    with pytest.raises(MediaError, match=r"session S01: room\.mp4"):
        session(folder).probe(0)


def test_hash_is_of_the_bytes(tmp_path):
    (tmp_path / "x").write_bytes(b"abc")
    assert sha256_of(tmp_path / "x").startswith("ba7816bf8f01cfea414140de5dae2223")


def test_sound_of_an_unknown_codec_is_refused_in_words(tmp_path):
    path = tmp_path / "room.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(bytes(32_000))
    content = bytearray(path.read_bytes())
    content[20:22] = b"\x39\x7a"  # a format tag that nobody has
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"room\.wav"):
        probe(path)
    assert "cannot be decoded" in " ".join(listed(path))
