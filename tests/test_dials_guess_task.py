"""The guess task: its exact null, files as people type them, and words."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from pipeline.dials.guess_task import (
    Guess,
    assess,
    blind_coins,
    blind_split_known,
    blind_together,
    how_often,
    in_words,
    rated_as,
    read_guesses,
    share_at_least,
)
from pipeline.dials.reasons import read_reasons
from pipeline.errors import SessionError

FOUR_OF_SIX = [
    ("helpful", "helpful"), ("helpful", "helpful"), ("helpful", "hindering"),
    ("hindering", "helpful"), ("hindering", "hindering"), ("hindering", "hindering"),
]  # fmt: skip


def test_three_and_three_known() -> None:
    """Oracle 11."""
    assert blind_split_known(6, 3, 3) == pytest.approx({0: 0.05, 2: 0.45, 4: 0.45, 6: 0.05})


def test_fair_coins() -> None:
    assert share_at_least(4, blind_coins(6)) == pytest.approx(22 / 64)
    assert sum(blind_coins(6).values()) == 1


@pytest.mark.parametrize(("helpful", "guessed"), [(3, 2), (1, 5), (0, 3), (6, 6)])
def test_any_split_sums_to_one_and_is_counted_out(helpful: int, guessed: int) -> None:
    truth = [i < helpful for i in range(6)]
    right = [
        sum((i in chosen) == truth[i] for i in range(6))
        for chosen in combinations(range(6), guessed)
    ]
    counted = {n: right.count(n) / len(right) for n in set(right)}
    assert blind_split_known(6, helpful, guessed) == pytest.approx(counted)


def test_four_of_six_comes_up_half_the_time() -> None:
    known, coins = (assess(FOUR_OF_SIX, split_known=known) for known in (True, False))
    assert (known.correct, known.count) == (4, 6)
    assert known.p == pytest.approx(0.5)
    assert coins.p == pytest.approx(0.34375)
    assert in_words(4, 6, known.p) == (
        "4 of 6 right; blind guessing gives 4 or more half the time"
    )  # fmt: skip
    assert in_words(6, 6, 0.05) == "6 of 6 right; blind guessing gives all 6 one time in 20"


def test_eighteen_dyads_need_33_of_54() -> None:
    """Helpful stretches identified; each one right means two labels right."""
    null = blind_together([blind_split_known(6, 3, 3)] * 18)
    assert sum(null.values()) == pytest.approx(1)
    assert share_at_least(2 * 33, null) < 0.05 < share_at_least(2 * 32, null)
    assert share_at_least(2 * 32, null) == pytest.approx(0.056, abs=0.0005)


@pytest.mark.parametrize(
    ("share", "words"),
    [(1.0, "every time"), (0.95, "nearly every time"), (0.9, "9 times in 10"),
     (0.45, "4 times in 10"), (0.34375, "one time in 3"), (0.0156, "one time in 64")],
)  # fmt: skip
def test_shares_in_words(share: float, words: str) -> None:
    assert how_often(share) == words


def test_a_guess_is_about_the_picked_stretch_it_fills_by_half() -> None:
    picked = [((100.0, 140.0), "high"), ((200.0, 320.0), "low")]
    assert rated_as((120.0, 150.0), picked) == "helpful"
    assert rated_as((280.0, 310.0), picked) == "hindering"
    assert rated_as((126.0, 156.0), picked) is None
    assert rated_as((0.0, 30.0), []) is None


# ---- files ---------------------------------------------------------------------------------


def written(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "file.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("start,end,guess\n754.5,790,helpful\n0:20:00,20:34,Hindering\n", "utf-8"),
        ("\ufeffStart;End;Guess;note\r\n754,5;790;helpful;\r\n\r\n1200;1234;hindering;x", "utf-8"),
        ("guess\tstart\tend\nhelpful\t754.5\t790\nhindering\t20:00\t20:34\n", "utf-16"),
    ],
)
def test_guesses_are_read(tmp_path: Path, text: str, encoding: str) -> None:
    assert read_guesses(written(tmp_path, text, encoding)) == (
        Guess(754.5, 790.0, "helpful"), Guess(1200.0, 1234.0, "hindering"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no row"),
        ("start,end,guess\n", "no row"),
        ("start,end\n1,2\n", r"line 1: no column guess; the first line must name start,end,guess"),
        ("start,end,guess,guess\n1,2,helpful,x\n", "two columns guess"),
        ("start,end,guess\n1,2,good\n", r"line 2: guess is 'good'; allowed: helpful, hindering"),
        ("start,end,guess\n9,2,helpful\n", r"line 2: it ends at 2 s, which is not after"),
        ("start,end,guess\n1x,2,helpful\n", r"line 2: start is '1x'; allowed: seconds"),
        ("start,end,guess\n,2,helpful\n", "start is ''"),
        ("start,end,guess\n-4,2,helpful\n", "start is text"),
        (
            "start,end,guess\n1,20,helpful\n9,30,hindering\n",
            r"line 3: it overlaps the guess of 1-20",
        ),
        ("start,end,guess\n1,2,helpful,good,x\n", "5 cells, but 3 columns"),
    ],
)
def test_a_mistake_names_file_and_line(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(SessionError, match=complaint) as error:
        read_guesses(written(tmp_path, text))
    assert str(error.value).startswith("file.csv")


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(b"start,end,guess\n1,2,\xff\xfa\n")
    with pytest.raises(SessionError, match="line 2: guess is"):
        read_guesses(path)


def test_reasons_keep_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    text = 'start,end,reason\n10,40,"She said ""wait"",\nthen asked again"\n50,80,\n'
    (reason,) = read_reasons(written(tmp_path, text))
    assert reason.text == 'She said "wait",\nthen asked again'
    assert (reason.start_s, reason.end_s) == (10.0, 40.0)


@pytest.mark.parametrize(
    "row", ["SECRET,10,40", "10,SECRET,x", "10,40,SECRET, y, z", "40,10,SECRET"]
)
def test_no_message_repeats_a_reason(tmp_path: Path, row: str) -> None:
    with pytest.raises(SessionError) as error:
        read_reasons(written(tmp_path, f"start,end,reason\n{row}\n"))
    assert "SECRET" not in str(error.value)
