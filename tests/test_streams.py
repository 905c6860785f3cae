"""Stream and channel layouts: whoever can be heard is heard, and what is set aside is told."""

from __future__ import annotations

import numpy as np
import pytest

from models.base import Interval
from pipeline.errors import InputError
from pipeline.settings import IngestSettings
from pipeline.stage import Inputs
from pipeline.stages import ingest
from pipeline.tables import TABLES
from tests.made.media import session
from tests.made.streams import RATE, SAYS, Layout, voice

MIXED, APART = ("mixed",), ("therapist", "client")
ONE = frozenset({"therapist"})


def one(name, *streams, hears=MIXED, says="", suffix="mkv", **rest):
    return Layout(name, ((f"room.{suffix}", streams),), (hears,), says=says, **rest)


MIXES = [
    one("mono", ("both",), suffix="wav"),
    *(one(f"mono {fault}", (f"both+{fault}",), suffix="wav", says="offset")
      for fault in ("dc", "negative", "drift")),
    one("mono quiet", ("both+quiet",), suffix="wav", says="raised"),
    one("mono dies", ("both+dies",), suffix="wav", heard=frozenset(), says="holds nothing"),
    *(one(f"stereo with {bad} {side}", pair, suffix="wav", says=says)
      for bad, says in (("silent", "holds nothing"), ("hum", "steady"), ("hiss", "steady"),
                        ("both+inverted", "turned over"), ("both+inverted+half", "turned over"),
                        ("both+dc", "offset"), ("both+hot", "clipped"), ("both+half", ""))
      for side, pair in (("right", ("both", bad)), ("left", (bad, "both")))),
    one("a person on each side", ("therapist", "client"), suffix="wav"),
    one("one side stops", ("both", "both+dies"), suffix="wav"),
    one("six channels, one speaks", ("silent", "silent", "both", "silent", "silent", "silent"),
        says="holds nothing"),
    *(one(f"{kind} before the microphone, {suffix}", (kind,), ("both",), suffix=suffix, says=says)
      for kind, says in (("silent", "holds nothing"), ("hum", "steady"))
      for suffix in ("mkv", "mov", "mp4")),
    one("stereo silence, then a microphone", ("silent", "silent"), ("both",), says="holds nothing"),
    one("the far end, then the microphone", ("alone",), ("therapist",)),
    one("a mix and its two parts", ("both",), ("therapist",), ("client",), says="others do not"),
    one("two copies", ("both",), ("both",), says="others do not"),
    one("the second inverted", ("therapist",), ("client+inverted",)),
    one("three silent, one speaks", ("silent",), ("silent",), ("silent",), ("both",),
        says="holds nothing"),
]  # fmt: skip
PEOPLE = [
    one("a channel each", ("therapist", "client"), hears=APART, suffix="wav"),
    *(one(f"a mono stream each, {suffix}", ("therapist",), ("client",), hears=APART, suffix=suffix)
      for suffix in ("mov", "mp4", "mkv")),
    one("a stereo mix, then a stream each", ("both", "both"), ("therapist",), ("client",),
        hears=APART, says="another one stands for"),
    one("a pair, then a mix", ("therapist", "client"), ("both",), hears=APART,
        says="another one stands for"),
    one("two pairs for two", ("therapist", "client"), ("therapist", "client"), hears=APART,
        says="4 audio channel(s)", heard=frozenset()),
    one("a silent stream, then a pair", ("silent",), ("therapist", "client"), hears=APART,
        says="holds nothing"),
    one("two silent streams between", ("therapist",), ("silent",), ("client",), ("silent",),
        hears=APART, says="holds nothing"),
    *(one(f"the client's {fault}", ("therapist", f"client+{fault}"), hears=APART, suffix="wav",
          says=says)
      for fault, says in (("inverted", ""), ("dc", "offset"), ("negative", "offset"),
                          ("drift", "offset"), ("quiet", "raised"), ("dies", "holds nothing"),
                          ("hisses", "holds nothing"), ("late", "holds nothing"),
                          ("gap", "holds nothing"))),
    *(one(f"the client's {dead}", ("therapist", dead), hears=APART, suffix="wav",
          says="holds nothing") for dead in ("silent", "hum", "hiss")),
    one("three channels for two", ("therapist", "client", "both"), hears=APART, says="3 audio",
        heard=frozenset()),
    one("one channel for two", ("both",), hears=APART, says="1 audio channel", heard=frozenset()),
]  # fmt: skip


def parts(name, files, hears, offsets=(), **rest):
    return Layout(name, tuple((f, (s,)) for f, s in files), hears, offsets, **rest)


def halves(*names, content=("both",)):
    return [(name, content) for name in names]


PARTS = [
    *(parts(f"counted {first}", halves(first, second), (MIXED, MIXED), lasts_s=32.0,
            says="assumed")
      for first, second in (("a1.wav", "a2.wav"), ("GX010042.mkv", "GX020042.mkv"),
                            ("s-part9.wav", "s-part10.wav"), ("DJI_0001.mov", "DJI_0002.mov"),
                            ("20260302_100000.wav", "20260302_101600.wav"))),
    parts("given", halves("a.wav", "b.wav"), (MIXED, MIXED), (None, 16.0), lasts_s=32.0),
    parts("given with a pause", halves("a.wav", "b.wav"), (MIXED, MIXED), (0.0, 20.0),
          lasts_s=36.0),
    parts("not counted", halves("a.wav", "b.wav"), (MIXED, MIXED), says="offset_s",
          heard=frozenset()),
    parts("counted down", halves("a2.wav", "a1.wav"), (MIXED, MIXED), says="offset_s",
          heard=frozenset()),
    parts("the same time", halves("a.wav", "b.wav"), (MIXED, MIXED), (0.0, 0.0),
          says="ran at the same time"),
    parts("three", halves("a1.wav", "a2.wav", "a3.wav"), (MIXED,) * 3, lasts_s=48.0,
          says="assumed"),
    parts("pairs in parts", halves("a1.wav", "a2.wav", content=("therapist", "client")),
          (APART, APART), lasts_s=32.0, says="assumed"),
    parts("a recorder each in parts",
          [("t1.wav", ("therapist",)), ("t2.wav", ("therapist",)), ("c1.wav", ("client",)),
           ("c2.wav", ("client",))],
          (("therapist",), ("therapist",), ("client",), ("client",)), lasts_s=32.0,
          says="assumed"),
    parts("one person twice at once",
          [("t.wav", ("therapist",)), ("c.wav", ("client",)), ("d.wav", ("client",))],
          (("therapist",), ("client",), ("client",)), (0.0, 0.0, 0.0), says="twice at once",
          heard=frozenset()),
]  # fmt: skip
LAYOUTS = [*MIXES, *PEOPLE, *PARTS]


class Ears:
    """Speech detector and channel meter that go by level alone."""

    def speech(self, audio):
        frames = audio[: audio.size // 1600 * 1600].reshape(-1, 1600)
        loud = np.flatnonzero(frames.std(axis=1) > 0.01) / 10
        return tuple(Interval(at, at + 0.1) for at in loud.tolist())

    def crosstalk_db(self, channels, off=()):
        return None if off else 15.0


def outcome(tmp_path, layout):
    """What is told, the sound that is heard, and the tables; or the sentence it is refused with."""
    folder = tmp_path / "S01"
    folder.mkdir()
    try:
        recording = session(folder, layout.write(folder))
        inputs = Inputs(recording._spec, recording, {})
        tables = ingest.run(inputs, Ears(), IngestSettings(minimum_media_s=1.0)).tables
    except InputError as error:
        return str(error), None, None
    for name, table in tables.items():
        TABLES[name].check(table)
    rows = tables["quality"].to_pylist()
    told = " ".join(row["description"].split(". ", 1)[-1] for row in rows if _speaks(row))
    return told, recording, tables


def _speaks(row):
    return row["measure"] in ("audio_file_count", "audio_channel_aside_count", "audio_off_s")


def audible(audio, role, first_s=0.0):
    """How alike the sound and a voice alone are where only that person speaks, at least."""
    likeness = []
    for start_s, end_s in SAYS[role]:
        span = slice(round(start_s * RATE), round(end_s * RATE))
        truth = voice(role)[span]
        found = audio[round(first_s * RATE) :][span]
        likeness.append(abs(np.corrcoef(found[: truth.size], truth[: found.size])[0, 1]))
    return min(likeness)


def test_there_are_enough_layouts():
    assert len(LAYOUTS) >= 50
    assert len({layout.name for layout in LAYOUTS}) == len(LAYOUTS)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_nobody_goes_unheard(tmp_path, layout):
    told, recording, tables = outcome(tmp_path, layout)
    assert layout.says in told
    if recording is None:
        assert layout.heard == frozenset()
        return
    audio = recording.audio
    assert audio.size / RATE == pytest.approx(layout.lasts_s, abs=0.1)
    streams = tables["streams"].to_pylist()
    assert len(streams) == sum(len(s) for _, file in layout.files for s in file)
    for role in layout.heard:
        assert audible(audio, role) > 0.8
        assert audible(audio, role, layout.lasts_s - 16.0) > 0.8


@pytest.mark.parametrize(
    ("fault", "spans"),
    [("dies", [(8.0, 16.0)]), ("late", [(0.0, 7.0)]), ("gap", [(5.75, 11.25)]),
     ("hisses", [(8.0, 16.0)])],
)  # fmt: skip
def test_a_row_holds_the_other_microphone_while_its_own_is_off(tmp_path, fault, spans):
    _, recording, _ = outcome(
        tmp_path,
        one("off", ("therapist", f"client+{fault}"), hears=APART, suffix="wav"),
    )
    therapist, client = recording.microphones_off
    assert therapist == ()
    np.testing.assert_allclose(client, spans, atol=0.6)
    rows = recording.audio_channels()
    for start_s, end_s in client:
        inside = slice(round(start_s * RATE), round(end_s * RATE))
        np.testing.assert_array_equal(rows[1][inside], rows[0][inside])
        np.testing.assert_array_equal(recording.audio[inside], rows[0][inside])
    on = slice(*(round(t * RATE) for t in ((12.0, 16.0) if fault in ("late", "gap") else (0, 7.0))))
    assert not np.array_equal(rows[1][on], rows[0][on])
    np.testing.assert_allclose(recording.audio[on], rows[:, on].mean(axis=0), atol=1e-6)
