"""Turns while a microphone is off: whose voice it is, or nobody's."""

from __future__ import annotations

from models.base import Diarization, Interval, SpeakerInterval
from pipeline.voice.stand_in import channel_of, joined

OFF = (Interval(20.0, 60.0),)
THERAPIST, CLIENT = 0, 1
BY_CHANNEL = ((0.0, 5.0, THERAPIST), (6.0, 9.0, CLIENT), (10.0, 19.0, THERAPIST))


def turns(*spans):
    found = tuple(SpeakerInterval(*span) for span in spans)
    return Diarization(found, found)


def test_voices_take_the_numbers_of_the_channels_they_fit():
    voices = turns((0.1, 5.1, 7), (6.1, 8.9, 3), (10.0, 25.0, 7), (30.0, 33.0, 3))
    found = joined(turns(*BY_CHANNEL), voices, OFF)
    late = [(one.start_s, one.end_s, one.speaker) for one in found.turns if one.start_s >= 20]
    assert late == [(20.0, 25.0, THERAPIST), (30.0, 33.0, CLIENT)]
    assert found.turns[:3] == turns(*BY_CHANNEL).turns


def test_a_voice_that_fits_neither_is_nobodys():
    mixed = turns((1.0, 4.0, 0), (6.5, 8.5, 0), (30.0, 40.0, 0), (41.0, 44.0, 1))
    found = joined(turns(*BY_CHANNEL), mixed, OFF)
    assert {one.speaker for one in found.exclusive if one.start_s >= 20} == {2, 3}


def test_each_channel_goes_to_the_voice_that_fits_it_most():
    voices = turns((0.0, 5.0, 4), (10.0, 12.0, 5), (6.0, 9.0, 6)).exclusive
    assert channel_of(voices, turns(*BY_CHANNEL).exclusive) == {4: 0, 6: 1, 5: 2}
