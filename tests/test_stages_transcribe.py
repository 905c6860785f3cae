"""The transcribe stage: words on the session clock, each with its voice."""

from __future__ import annotations

import re
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from models.base import TimedWord, Transcript
from pipeline.media.probe import probe
from pipeline.paperwork.session import TranscriptFile
from pipeline.settings import TranscribeSettings
from pipeline.stage import Inputs, Missing
from pipeline.stages import transcribe
from pipeline.tables import DIARIZATION, MEDIA, QUALITY_FIGURES, SPEECH, TRANSCRIPTION, WORDS
from tests.made.media import bursts, write_media

SPOKEN = SPEECH.build({"session_id": ["S01"], "start_s": [0.0], "end_s": [60.0]})
NO_WEIGHTS = Missing("no_weights", "No weights for the recogniser.", "Fetch them.")
VTT = (
    "WEBVTT\n\n00:01.000 --> 00:05.000\n<v Client>Well<00:02.000> yes</v>\n\n"
    "00:06.000 --> 00:07.000\n<v t02>Right.\n\n00:30.000 --> 00:31.000\n<v Someone>Hm\n"
)


class Planted:
    """Gives back planted words and keeps what it was asked."""

    def __init__(self, *words):
        self.words = words
        self.asked = {}

    def transcribe(self, audio, **asked):
        self.asked = asked
        return Transcript(self.words, asked["speech"], "en")


def diarization(turns, exclusive):
    rows = [
        dict.fromkeys(DIARIZATION.by_name)
        | {"session_id": "S01", "start_s": a, "end_s": b, "speaker": who, "exclusive": kind}
        for kind, spans in ((False, turns), (True, exclusive))
        for a, b, who in spans
    ]
    return DIARIZATION.build_rows(rows)


def run(
    engine,
    *,
    folder=None,
    transcript=None,
    turns=(),
    exclusive=(),
    speech=SPOKEN,
    media=MEDIA.empty(),  # noqa: B008  # never changed
    **settings,
):
    spec = SimpleNamespace(
        id="S01",
        transcript=transcript,
        media=[],
        session=SimpleNamespace(client="C07", therapist="T02"),
    )
    recording = SimpleNamespace(
        audio=np.zeros(160_000, np.float32),
        path=lambda file: folder / file,
        microphones_off=((),),
    )
    tables = {
        "diarization": diarization(turns, exclusive), "speech": speech, "media": media,
        "sessions": pa.table({"duration_s": [60.0]}),
    }  # fmt: skip
    outputs = transcribe.run(
        Inputs(spec, recording, tables), engine, TranscribeSettings(**settings)
    )
    WORDS.check(outputs.tables["words"])
    TRANSCRIPTION.check(outputs.tables["transcription"])
    return outputs


class TwoMicrophones(Planted):
    """Hears other words in each channel."""

    def __init__(self, *per_channel):
        self.per_channel, self.asked = per_channel, []

    def transcribe(self, audio, **asked):
        self.asked.append(asked)
        channel = int(audio[0])
        return Transcript(self.per_channel[channel], asked["speech"], asked["language"])


def own_microphones(engine, crosstalk_db):
    """Client on channel 0 from 1 to 3 s, therapist on channel 1 from 2 to 9 s."""
    part = SimpleNamespace(hears=["client", "therapist"])
    spec = SimpleNamespace(id="S01", transcript=None, media=[part])
    channels = np.tile(np.array([[0.0], [1.0]], np.float32), 160_000)
    recording = SimpleNamespace(
        audio=channels[0], audio_channels=lambda: channels, microphones_off=((), ())
    )
    crosstalk = dict.fromkeys(QUALITY_FIGURES.by_name) | {
        "session_id": "S01", "measure": "crosstalk_db", "value": crosstalk_db, "quality": "ok",
        "description": "-",
    }  # fmt: skip
    turns = [(1.0, 3.0, 0), (2.0, 9.0, 1)]
    tables = {
        "diarization": diarization(turns, [(1.0, 2.5, 0), (2.5, 9.0, 1)]),
        "speech": SPOKEN,
        "media": MEDIA.empty(),
        "quality": QUALITY_FIGURES.build_figures([crosstalk]),
    }
    return transcribe.run(Inputs(spec, recording, tables), engine, TranscribeSettings())


def test_each_person_is_recognised_in_their_own_microphone():
    """Words of both where both talk, each with its own voice; who says most is heard first."""
    engine = TwoMicrophones([TimedWord(2.1, 2.4, "mine", 0.9)], [TimedWord(2.1, 2.4, "yours", 0.8)])
    rows = own_microphones(engine, crosstalk_db=12.0).tables["words"].to_pylist()
    assert {(row["text"], row["speaker"]) for row in rows} == {("mine", 0), ("yours", 1)}
    assert all(row["is_overlap"] for row in rows)
    first, second = engine.asked
    assert [(span.start_s, span.end_s) for span in first["speech"]] == [(1.8, 9.2)]
    assert [(span.start_s, span.end_s) for span in second["speech"]] == [(0.8, 3.2)]


def test_microphones_that_hear_both_are_recognised_as_one():
    engine = TwoMicrophones([TimedWord(2.6, 2.8, "both", 0.9)], [])
    (row,) = own_microphones(engine, crosstalk_db=3.0).tables["words"].to_pylist()
    assert row["speaker"] == 1
    assert len(engine.asked) == 1


def words(*args, **kwargs):
    return run(*args, **kwargs).tables["words"].to_pylist()


def imported(tmp_path, text=VTT, name="t.vtt", offset_s=0.0, **kwargs):
    content = text if isinstance(text, bytes) else text.encode()
    (tmp_path / name).write_bytes(content)
    file = TranscriptFile(file=name, offset_s=offset_s)
    return words(NO_WEIGHTS, folder=tmp_path, transcript=file, **kwargs)


def test_a_word_goes_to_the_voice_with_most_of_it_and_never_far():
    exclusive = [(0.0, 1.0, 0), (1.0, 1.3, 1), (1.3, 2.0, 0), (5.0, 6.0, 1)]
    spoken = [(0.2, 0.5), (0.9, 1.35), (2.5, 2.7), (3.2, 3.4), (4.1, 4.3)]
    engine = Planted(*(TimedWord(a, b, f" w{a}", 0.5) for a, b in spoken))
    found = words(engine, exclusive=exclusive, turns=exclusive)
    assert [w["speaker"] for w in found] == [0, 1, 0, None, 1]
    assert [w["word_index"] for w in found] == [0, 1, 2, 3, 4]
    assert found[0]["text"] == "w0.2"


def test_overlap_needs_two_voices_at_the_same_moment():
    turns = [(0.0, 2.0, 0), (1.0, 3.0, 1), (3.0, 4.0, 0), (3.5, 4.0, 0)]
    spoken = [(0.2, 0.5), (1.2, 1.4), (2.8, 3.2), (3.4, 3.8)]
    engine = Planted(*(TimedWord(a, b, "w", None) for a, b in spoken))
    found = [w["is_overlap"] for w in words(engine, turns=turns, exclusive=turns)]
    assert found == [False, True, False, False]


def test_long_words_are_cut_and_settings_reach_the_engine():
    engine = Planted(TimedWord(1.0, 9.0, "so", 0.9))
    style = ["Um.", "So?"]
    given = {"language": "de", "prompt": "p", "hotwords": "h", "spoken_style": style}
    (word,) = words(engine, longest_word_s=1.5, **given)
    assert (word["start_s"], word["end_s"], word["timing"]) == (1.0, 2.5, "measured")
    assert word["probability"] == pytest.approx(0.9)
    asked = {name: engine.asked[name] for name in ("language", "prompt", "hotwords")}
    assert asked == {"language": "de", "prompt": "p", "hotwords": "h"}
    words(engine, **(given | {"prompt": ""}))
    assert engine.asked["prompt"] == "Um. So?"


def test_an_imported_transcript_needs_no_engine(tmp_path):
    found = imported(tmp_path, offset_s=2.0)
    assert [w["text"] for w in found] == ["Well", "yes", "Right.", "Hm"]
    assert [w["start_s"] for w in found] == [3.0, 4.0, 8.0, 32.0]
    assert [w["timing"] for w in found] == ["measured", "measured", "interpolated", "interpolated"]
    assert [w["stated_role"] for w in found] == ["client", "client", "therapist", None]
    assert found[1]["end_s"] == 5.5  # 3 s long in its caption, cut to the longest word


def test_captions_follow_a_player_that_starts_with_the_picture(tmp_path):
    """Sound from 1.5 s of a picture that starts at 0: player second 2 is t = 0.5."""
    sound, pictures = [(1.5, bursts(6, [0.5]))], np.arange(0, 7, 0.1)
    found = probe(write_media(tmp_path / "room.mkv", sound, pictures))
    row = dict.fromkeys(MEDIA.by_name) | {"session_id": "S01", "media": 0, "sha256": "-"}
    row |= {"audio_start_s": found.audio.start_s, "video_start_s": found.video.start_s}
    row |= {"clock_start_s": found.clock_start_s, "offset_s": 0.25}
    text = "WEBVTT\n\n00:02.000 --> 00:03.000\nso\n"
    (word,) = imported(tmp_path, text, media=MEDIA.build_rows([row]))
    assert word["start_s"] == pytest.approx(2.0 - 1.5 + 0.25, abs=0.025)


FORMATS = {
    "t.SRT": "1\n00:00:02,000 --> 00:00:03,000\nClient: so\n",
    "t.vtt": "WEBVTT\n\n00:02.000 --> 00:03.000\n<v client>so\n",
    "t.stm": "talk 1 C07 2.0 3.0 <o> so\n",
    "t.json": '{"segments": [{"start": 2, "end": 3, "text": "so", "speaker": "Client"}]}',
}
SOUND_AFTER_PICTURE = dict.fromkeys(MEDIA.by_name) | {
    "session_id": "S01", "media": 0, "sha256": "-", "offset_s": 0.25,
    "video_start_s": 10.0, "audio_start_s": 11.5, "clock_start_s": 11.5,
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "start_s"), [("t.SRT", 0.75), ("t.vtt", 0.75), ("t.stm", 2.25), ("t.json", 2.25)]
)
def test_captions_keep_the_players_time_and_recognisers_that_of_the_sound(tmp_path, name, start_s):
    media = MEDIA.build_rows([SOUND_AFTER_PICTURE])
    (word,) = imported(tmp_path, FORMATS[name], name, media=media)
    assert (word["text"], word["stated_role"], word["timing"]) == ("so", "client", "interpolated")
    assert (word["start_s"], word["end_s"]) == (start_s, start_s + 1)


def test_a_stretched_word_is_cut_to_the_speech_it_shares_most_with():
    speech = SPEECH.build({"session_id": ["S01"] * 2, "start_s": [1.0, 6.0], "end_s": [2.0, 9.0]})
    engine = Planted(
        TimedWord(1.9, 6.5, "so", 0.9), TimedWord(1.5, 6.2, "yes", 0.9), TimedWord(2.5, 5.5, "no")
    )
    found = words(engine, speech=speech)
    assert [(w["text"], w["start_s"], w["end_s"]) for w in found] == [
        ("yes", 1.5, 2.0),
        ("no", 2.5, 4.0),
        ("so", 6.0, 6.5),
    ]


def test_coverage_of_a_recognised_transcript():
    """10 s of voices in two stretches; the detector hears 5 of them, one word lies in the first."""
    turns = [(0.0, 6.0, 0), (10.0, 14.0, 1)]
    speech = SPEECH.build({"session_id": ["S01"], "start_s": [1.0], "end_s": [6.0]})
    engine = Planted(TimedWord(2.0, 2.5, "so", 0.9))
    (row,) = run(engine, turns=turns, speech=speech).tables["transcription"].to_pylist()
    assert row["source"] == "recognised"
    assert (row["format"], row["language"], row["word_count"]) == (None, "en", 1)
    assert (row["speech_s"], row["decoded_s"]) == (5.0, 5.0)
    shares = [row[f"diarized_{of}_prop"] for of in ("speech", "decoded", "worded")]
    assert shares == pytest.approx([0.5, 0.5, 0.6])


def test_coverage_of_an_import_and_of_nothing(tmp_path):
    (tmp_path / "t.vtt").write_text(VTT)
    outputs = run(NO_WEIGHTS, folder=tmp_path, transcript=TranscriptFile(file="t.vtt"))
    (row,) = outputs.tables["transcription"].to_pylist()
    assert (row["source"], row["format"], row["word_count"]) == ("import", "vtt", 4)
    nothing = ("language", "decoded_s", "diarized_speech_prop", "diarized_worded_prop")
    assert [row[name] for name in nothing] == [None] * 4
    assert run(NO_WEIGHTS).tables["transcription"].num_rows == 0
    (row,) = run(Planted(), turns=[(0.0, 1.0, 0)]).tables["transcription"].to_pylist()
    assert (row["word_count"], row["diarized_worded_prop"]) == (0, 0.0)


def test_the_log_holds_neither_words_nor_the_name_of_the_session(tmp_path, caplog):
    (tmp_path / "t.vtt").write_text(VTT)
    with caplog.at_level("INFO"):
        run(NO_WEIGHTS, folder=tmp_path, transcript=TranscriptFile(file="t.vtt"))
    assert "word_count 4" in caplog.text
    assert "S01" not in caplog.text
    assert not [word for word in ("t.vtt", "client", "therapist") if word in caplog.text]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.docx", VTT.encode(), r"t\.docx: ending '\.docx'.*\.srt.*\.json"),
        ("t.srt", b"so\n", r"t\.srt, line 1: text before the first time line"),
        ("t.vtt", b"WEBVTT\n\n00:x --> 00:02\nso\n", r"t\.vtt, line 3: the time line must read"),
        ("t.vtt", b"PK\x03\x04", "a word processor's document"),
        ("t.vtt", b"\x00\x01\x00\x00\x07", "is no text"),
        ("t.vtt", b"WEBVTT\n\n50:01.000 --> 50:02.000\nso\n", "lie outside the recording"),
        ("t.json", b"[" * 20_000, r"t\.json, its lists lie too deep"),
    ],
)
def test_a_file_that_cannot_be_read_costs_the_transcript(tmp_path, name, content, said):
    (tmp_path / name).write_bytes(content)
    outputs = run(None, folder=tmp_path, transcript=TranscriptFile(file=name))
    (absence,) = outputs.absences
    assert (absence.modality, absence.reason) == ("transcript", "unreadable_media")
    assert re.search(said, absence.sentence)
    assert outputs.tables["words"].num_rows == 0


def test_where_the_file_cannot_be_read_the_sound_is_listened_to(tmp_path):
    (tmp_path / "t.srt").write_text("so\n")
    engine = Planted(TimedWord(1.0, 1.5, "well", 0.9))
    outputs = run(engine, folder=tmp_path, transcript=TranscriptFile(file="t.srt"))
    assert outputs.tables["words"].column("text").to_pylist() == ["well"]
    assert outputs.tables["transcription"].column("source").to_pylist() == ["recognised"]
    (absence,) = outputs.absences
    assert absence.modality == "transcript_part"
    assert "recognised from the sound instead" in absence.sentence


def test_a_name_is_given_a_role_and_kept_nowhere(tmp_path, caplog):
    (tmp_path / "t.srt").write_text(
        "1\n00:01,0 --> 00:02,0\nMira K.: Well\n\n2\n00:02,0 --> 00:03,0\nJonas: Yes\n"
    )
    told = TranscriptFile(file="t.srt", speakers={"MIRA K": "therapist", "Nobody": "client"})
    with caplog.at_level("INFO"):
        outputs = run(None, folder=tmp_path, transcript=told)
    rows = outputs.tables["words"].to_pylist()
    assert [(w["text"], w["stated_voice"], w["stated_role"]) for w in rows] == [
        ("Well", 1, "therapist"),
        ("Yes", 2, None),
    ]
    (absence,) = outputs.absences
    assert "names under speakers that the file does not hold: 1" in absence.sentence
    for told_to in (caplog.text, absence.sentence):
        assert not re.search("mira|jonas|nobody", told_to, re.IGNORECASE)


def test_absences_say_what_to_do(tmp_path):
    missing = run(NO_WEIGHTS).absences[0]
    assert (missing.modality, missing.reason) == ("transcript", "no_weights")
    assert missing.sentence == NO_WEIGHTS.sentence
    assert missing.remedy.startswith("Fetch them. A transcript file")
    engine = Planted(TimedWord(1.0, 2.0, "ghost", 0.1))
    assert run(engine, speech=SPEECH.empty()).absences[0].reason == "no_speech"
    assert run(Planted()).absences[0].reason == "no_speech"
    assert run(Planted(TimedWord(1.0, 2.0, " ", 0.1))).tables["words"].num_rows == 0
