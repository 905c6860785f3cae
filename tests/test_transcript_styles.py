"""Files of every style hold the words of their script, in its order, and nothing else."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.made.transcript_styles import ENCODINGS, STYLES, encoded, is_rising, read
from tests.made.transcripts import script

TALK = script(
    [
        (0, "How was the week for you?"),
        (1, "It was long."),
        (1, "No no no, very long."),
        (0, "Yes."),
        (1, "Yes. Yes."),
        (0, "What made it feel so long?"),
        (1, "I told him: stop, at 10:30 on Möwe street."),
        (1, "Then he said: fine."),
        (0, "Fine."),
        (1, "I slept badly"),
        (0, "You slept badly"),
        (0, "Tell me more about the nights in 1998 if you can"),
    ]
)
PLENTY = 50


def expected(said, style):
    words = [word for one in said for word in one.words]
    return [word.upper() for word in words] if "608" in style else words


@pytest.mark.parametrize("style", STYLES)
def test_every_style_in_two_encodings(tmp_path, style):
    ending, made = STYLES[style]
    contents = {name: encoded(made(TALK), name) for name in ENCODINGS}
    written = {name: content for name, content in contents.items() if content is not None}
    assert len(written) >= 2
    for encoding, content in written.items():
        path = tmp_path / f"t.{ending}"
        path.write_bytes(content)
        found = read(path)
        assert [word.text for word in found.words] == expected(TALK, style), encoding
        assert is_rising(found.words)


def test_there_are_plenty_of_styles_and_programs():
    assert len(STYLES) >= PLENTY
    assert len({style.split(":")[0] for style in STYLES}) >= 12


STATED = [style for style in STYLES if re.search(
    r"pseudonym|T and C|German roles|\(Therapist\)|stm: noise", style)]  # fmt: skip
TOLD_APART = [style for style in STYLES if re.search(
    r"zoom|teams|otter|rev: (?!ev)|descript|label above|names roll|x: json|x: srt|amazon|deepgram|"
    r"assembly|sonix|trint|typed: (?!comm)|stm|diarized|dashed names|no hours", style)]  # fmt: skip


@pytest.mark.parametrize("style", TOLD_APART)
def test_labels_are_voices(tmp_path, style):
    ending, made = STYLES[style]
    path = tmp_path / f"t.{ending}"
    path.write_text(made(TALK), encoding="utf-8")
    found = read(path).words
    voices = [one.voice + 1 for one in TALK for _ in one.words]
    assert [word.voice for word in found] == voices
    roles = [("therapist", "client")[voice - 1] if style in STATED else None for voice in voices]
    assert [word.role for word in found] == roles


WORDS = """
yes yes. no no, so well I you we he the week long? slept badly. möwe 1998 10:30 it's him:
Tuesday Anna nights more, about mhm what? thing
"""
VOCABULARY = WORDS.split()
UTTERANCES = st.tuples(
    st.integers(0, 1), st.lists(st.sampled_from(VOCABULARY), min_size=1, max_size=9)
)


SHOWS_AGAIN = re.compile("rolling|as SubRip|roll|608|growing|painted|highlight|doubled")


def is_ambiguous(lines):
    """Whether even a person could not tell what is shown again from what is said again."""
    bare = [[re.sub(r"\W", "", word).casefold() for word in line] for line in lines]
    if sum(map(len, bare)) < 4 * len(bare):
        return True  # captions of a word or two show nothing
    return any(
        one[: len(other)] == other or other[: len(one)] == one
        for at, one in enumerate(bare)
        for other in bare[at + 1 : at + 4]
    )


@given(st.lists(UTTERANCES, min_size=5, max_size=25), st.sampled_from(sorted(STYLES)),
       st.sampled_from(ENCODINGS))  # fmt: skip
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_script_in_any_style(tmp_path, lines, style, encoding):
    said = script([(voice, " ".join(words)) for voice, words in lines])
    if SHOWS_AGAIN.search(style):
        assume(not is_ambiguous([one.words for one in said]))
    ending, made = STYLES[style]
    content = encoded(made(said), encoding)
    if content is None:
        return
    path = tmp_path / f"t.{ending}"
    path.write_bytes(content)
    found = read(path).words
    assert [word.text for word in found] == expected(said, style)
    assert is_rising(found)
