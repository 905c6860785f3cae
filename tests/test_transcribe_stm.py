"""STM: recorded meetings against their word times, marks that are no words, and errors."""

from __future__ import annotations

from pathlib import Path

import pyannote.audio
import pytest

from pipeline.errors import SessionError
from pipeline.transcribe.captions import words_of
from pipeline.transcribe.stm import parse
from pipeline.transcribe.unspoken import without_events

SAMPLE = Path(pyannote.audio.__file__).parent / "sample" / "sample.stm"
RECORDINGS = [f"trn0{number}" for number in (0, 1, 2, 3, 4, 5, 6, 7, 9)]


def test_the_telephone_sample_has_its_13_utterances():
    found = parse(SAMPLE.read_text()).cues
    assert len(found) == 13
    assert {word.voice for one in found for word in words_of(one)} == {"Diane", "Sheila"}
    assert (found[1].start_s, found[1].end_s) == (7.634, 8.155)
    assert " ".join(word.text for word in words_of(found[3])) == "I didn't know you were there."


@pytest.mark.parametrize("name", RECORDINGS)
def test_utterances_begin_and_end_with_their_words(shared_data, name):
    """The first and last word of every speaker, against times measured word by word."""
    base = shared_data / "speech" / "ami30" / name
    rows = [line.split() for line in base.with_suffix(".words.ctm").read_text().splitlines()]
    measured = {}
    for _, _, start, length, _, _, _, speaker in rows:
        measured.setdefault(speaker, []).append((float(start), float(start) + float(length)))
    found = {}
    for one in parse(base.with_suffix(".stm").read_text()).cues:
        for word in words_of(one):
            found.setdefault(word.voice, []).append((word.start_s, word.end_s))
    assert found.keys() == measured.keys()
    for speaker, times in measured.items():
        assert min(found[speaker])[0] == pytest.approx(min(times)[0], abs=0.011)
        assert max(end for _, end in found[speaker]) == pytest.approx(
            max(end for _, end in times), abs=0.011
        )


def test_marks_are_no_words_and_ignored_stretches_are_left_out():
    text = (
        ";; CATEGORY a comment\n\n"
        "a 1 client 1.0 2.0 <o,f0,male> {well / @} (uh) [laugh] it's <unk> fine -\r\n"
        "a 1 client 2.0 3.0 ignore_time_segment_in_scoring\n"
        "a 1 inter_segment_gap 3.0 4.0 <o>\n"
        "a 1 t02 4 5\n"
    )
    first, second = without_events(parse(text).cues)[0]
    assert [word.text for word in words_of(first)] == ["well", "uh", "it's", "fine-"]
    assert not any(word.is_measured for word in words_of(first))
    assert words_of(second) == []


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a 1 client 1.0", "has 4 columns; allowed: recording channel speaker"),
        ("a 1 client x 2.0 secret", "columns 4 and 5 must be seconds from 0"),
        ("a 1 client 1.0 nan secret", "columns 4 and 5 must be seconds from 0"),
        ("a 1 client 1.0 1e308 secret", "columns 4 and 5 must be seconds from 0"),
        ("a 1 client -1 2.0 secret", "columns 4 and 5 must be seconds from 0"),
        ("a 1 client 2.0 2.0 secret", "the utterance must end after it starts"),
    ],
)
def test_a_broken_line_costs_that_line(line, message):
    found = parse(f";;\na 1 client 0 1 so\n{line}\na 1 client 2 3 yes\n")
    assert [cue.text for cue in found.cues] == ["so", "yes"]
    assert found.faults[0].startswith(f"line 3: {message}")
    assert "secret" not in found.faults[0]


def test_several_recordings_are_refused():
    with pytest.raises(SessionError, match="line 2: a second recording, 'b', after 'a'"):
        parse("a 1 client 0 1 so\nb 1 client 2.0 3.0 secret\n")
