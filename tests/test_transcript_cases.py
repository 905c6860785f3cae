"""The small transcripts that went wrong, and real speech that must lose no word to a label."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from pipeline.errors import SessionError
from pipeline.paperwork.session_toml import load_session
from pipeline.transcribe.captions import Cue, Mark, words_of
from pipeline.transcribe.order import in_order, rising
from pipeline.transcribe.unspoken import without_events
from tests.cases_transcripts import read_case, rows
from tests.made.transcript_styles import read
from tests.made.transcripts import srt

ROOT = Path(__file__).resolve().parents[1]
MARK = re.compile(r"<[^>]*>")


@pytest.fixture(scope="module")
def cases():
    folder = Path(os.environ.get("THINSLICE_CASES", ROOT.parent / "shared" / "cases"))
    if not folder.is_dir():
        pytest.skip(f"cases absent: set THINSLICE_CASES (looked at {folder.name}/)")
    return folder


def test_every_case_is_right(cases):
    assert [row for row in rows(cases) if not row[3]] == []


def test_a_name_in_a_file_reaches_no_word(cases):
    read_back = read_case(cases / "t02-zoom-names", cases / "base32.wav")
    assert not re.search("mira|kessler|jonas", f"{read_back.words} {read_back.row}", re.IGNORECASE)


@pytest.mark.parametrize("name", ["day1_consultation01", "day1_consultation06"])
def test_real_speech_without_labels_keeps_its_words(shared_data, tmp_path, name):
    """Also with a colon for every second comma: at most one word is taken for a speaker."""
    spoken = []
    for person in ("doctor", "patient"):
        grid = shared_data / "dialogue" / "primock57" / f"{name}_{person}.TextGrid"
        for block in grid.read_text(encoding="utf-8").split("intervals [")[1:]:
            low, high, said = (line.split("=", 1)[1].strip() for line in block.splitlines()[1:4])
            words = MARK.sub(" ", said.strip('"')).split()
            spoken.append((float(low), float(high), words))
    cues = []
    for number, (low, high, words) in enumerate(sorted(filter(lambda one: one[2], spoken))):
        words = [w.replace(",", ":") if number % 2 else w for w in words]  # noqa: PLW2901
        lines = [" ".join(words[at : at + 6]) for at in range(0, len(words), 6)]
        cues.append((low, max(high, low + 0.1), "\n".join(lines)))
    (tmp_path / "t.srt").write_text(srt(cues))
    said = [w for _, _, text in cues for w in text.split() if any(map(str.isalnum, w))]
    assert len(said) > 1000
    assert len(said) - len(read(tmp_path / "t.srt").words) <= 1


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("[laughs (softly)] so", "so"),
        ("so (you know) *really* good", "so (you know) really good"),
        ("so *sighs* good (clears throat)", "so good"),
        ("(applause)", ""),
        ("(mhm)", "(mhm)"),
        ("♪ la la la ♪\nso ♪", "so"),
        ("so [inaudible", "so"),
        ("3 < 4 and <laughs> 5 > 2", "3< 4 and 5> 2"),
        ("I [00:12] said (00:13) so", "I said so"),
    ],
)
def test_events_are_no_words(said, kept):
    (cue,), _ = without_events([Cue(0.0, 1.0, said)])
    assert " ".join(word.text for word in words_of(cue)) == kept


def test_words_that_run_backwards_keep_their_place():
    assert rising([1, 2, 9, 8, 3, 4]) == [True, True, False, False, True, True]
    marks = tuple(Mark(at, t, t + 0.1) for at, t in ((0, 1.0), (2, 5.0), (4, 3.0), (6, 3.5)))
    (cue,), odd = in_order([Cue(0.0, 9.0, "a b c d", marks)])
    words = words_of(cue)
    assert odd == 1
    assert [(word.text, word.is_measured) for word in words] == [
        ("a", True), ("b", False), ("c", True), ("d", True)
    ]  # fmt: skip
    assert [word.start_s for word in words] == [1.0, 1.1, 3.0, 3.5]


def test_captions_out_of_order():
    """One that overlaps others stays in its place; one that fits a gap goes there."""
    cues = [Cue(float(t), t + 1.0, f"w{t}") for t in range(0, 60, 2)]
    late = Cue(3.0, 4.0, "gap")
    assert [c.text for c in in_order([*cues, late])[0]][:4] == ["w0", "w2", "gap", "w4"]
    odd = Cue(2.5, 5.0, "odd")
    placed = [c.text for c in in_order([*cues[:10], odd, *cues[10:]])[0]]
    assert placed.index("odd") == 10


def test_a_wrong_role_is_told_without_the_name(tmp_path):
    (tmp_path / "session.toml").write_text(
        '[session]\ndyad = "D07"\nnumber = 1\nclient = "C07"\ntherapist = "T02"\n'
        '[[media]]\nfile = "a.wav"\nhears = ["mixed"]\n'
        '[transcript]\nfile = "a.vtt"\nspeakers = { "Mira Kessler" = "doctor" }\n'
    )
    folder = tmp_path.rename(tmp_path.parent / "S01")
    with pytest.raises(SessionError, match='"client" or "therapist"') as error:
        load_session(folder)
    assert not re.search("mira|kessler", str(error.value), re.IGNORECASE)
