"""The page's section on the dials and its forms: words follow the numbers and no further."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from pipeline import tables
from pipeline.page.dials import dial_views
from pipeline.page.wording import scan, scan_html
from pipeline.paperwork.forms import form_row
from pipeline.settings import ReportSettings
from pipeline.stage import Missing
from pipeline.stages.report import run
from tests.made import report as made

GONE = Missing("no_media", "The recording is no longer there.")


def page(**changes: Any) -> str:
    return run(made.inputs(**changes), GONE, ReportSettings()).files["report.html"].decode()


@cache
def made_tables() -> Mapping[str, pa.Table]:
    return made.inputs().tables


def views(**changes: Any) -> str:
    """The section's sentences for a `congruence` row with some values changed."""
    row = made_tables()["congruence"].to_pylist()[0] | changes
    found = dial_views({**made_tables(), "congruence": tables.CONGRUENCE.build_rows([row])})
    assert found is not None
    assert [v for s in found.sentences for v in scan(s)] == []
    return " ".join(found.sentences)


CLEAR = {"r": 0.42, "r_low": 0.2, "r_high": 0.6, "r_p_shift": 0.004, "is_interpretable": True}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (CLEAR, "went up and down together, modestly: r = 0.42 (95 % interval 0.20 to 0.60;"),
        (CLEAR, "; circular-shift p = 0.004)"),
        (CLEAR | {"r": -0.42, "r_low": -0.6, "r_high": -0.2}, "in opposite directions, modestly"),
        (CLEAR | {"r_p_shift": 0.06}, "This one session cannot tell"),
        (CLEAR | {"r_low": -0.1}, "This one session cannot tell"),
        (CLEAR | {"r_p_shift": None}, "too short for a circular-shift test"),
        ({"is_interpretable": False, "reason": "few_samples", "n_eff": 12.4},
         "worth 12 independent moments; 30 are needed"),
        ({"r": None, "is_interpretable": False, "reason": "dial_unsure"}, "not good enough"),
        ({"r": None, "is_interpretable": False, "reason": "no_dial"}, "only one of them"),
        (CLEAR | {"peak_lag_s": 3.0, "peak_r": 0.5, "peak_p_shift": 0.01},
         "the therapist's dial 3 s behind the client's"),
        ({"bias": 0.87, "bias_low": -1.0, "bias_high": 2.7, "is_interpretable": True},
         "lay 0.9 points higher on average (95 % interval −1.0 to 2.7)"),
        ({"high_overlap_count": 2, "low_overlap_count": 1},
         "highest and 1 of the client's 3 lowest stretches are also among the therapist's own."),
        ({"high_overlap_count": 0, "low_overlap_count": 0},
         "None of the therapist's own highest and lowest stretches lies where the client's do."),
        ({"guess_count": 6, "guess_correct": 4, "guess_p": 0.5, "guess_reason": None},
         "4 of 6 right; blind guessing gives 4 or more half the time"),
        ({"guess_count": 6, "guess_correct": 4, "guess_reason": "not_blinded"},
         "had seen the client's ratings"),
    ],
)  # fmt: skip
def test_words_follow_the_numbers(changes: dict[str, Any], words: str) -> None:
    assert words in views(**changes)


def test_nobody_is_said_to_have_picked_and_nobody_to_be_higher_where_usuals_are_compared() -> None:
    said = views(**CLEAR, guess_count=6, guess_correct=4, guess_p=0.5, guess_reason=None)
    assert "picked" not in said
    assert "higher by" not in said
    assert "Each against their own usual, they lay farthest apart at" in said
    assert re.search(r", (client|therapist) \d+ points nearer to helpful \(", said)


def test_no_lag_is_named_unless_it_beats_chance() -> None:
    assert "behind" not in views(**CLEAR, peak_lag_s=3.0, peak_p_shift=0.2)
    assert "behind" not in views(**CLEAR, peak_lag_s=0.0, peak_p_shift=0.001)


def test_the_table_is_the_share_of_the_time_both_rated() -> None:
    found = dial_views(made_tables())
    assert found is not None
    shares = [int(cell.removesuffix(" %")) for line in found.shares for cell in line]
    assert len(shares) == 9
    assert sum(shares) == pytest.approx(100, abs=5)


def test_a_session_without_dials_has_no_such_section() -> None:
    names = ("ratings", "rating_quality", "rating_segments", "congruence", "dial_moments")
    assert "Two views" not in page(**{name: tables.TABLES[name].empty() for name in names})


def test_the_second_drawing_repeats_no_id() -> None:
    text = page()
    assert "Two views" in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    named = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert named <= set(ids)
    assert "Flag that came" not in text


def test_a_reason_stands_on_its_card_as_a_quotation() -> None:
    reason = {
        "session_id": made.SESSION, "rater": "client", "start_s": 1.0, "end_s": 2.0,
        "kind": "low", "rank": 1, "text": "<b>I was sad then</b>",
    }  # fmt: skip
    text = page(rating_reasons=tables.RATING_REASONS.build_rows([reason]))
    cards = re.findall(r"<article.*?</article>", text, re.DOTALL)
    (told,) = [card for card in cards if "own words" in card]
    assert 'id="R1-client-' in told
    assert '<p class="quote own">&lt;b&gt;I was sad then' in told
    assert scan_html(text) == []


def test_an_imported_flag_is_a_banner_above_everything() -> None:
    given = {"instrument": "ORS", "by": "client", "total": 9.0, "max": 40.0, "goal": None,
             "task": None, "bond": None, "flag": "High risk <call>"}  # fmt: skip
    text = page(forms=tables.FORMS.build_rows([form_row(made.SESSION, given)]))
    banner = text.index("Flag that came with ORS, client:")
    assert banner < text.index("<h1>")
    assert '<span class="quote">High risk &lt;call&gt;</span>' in text
    assert "neither computes nor checks it" in text
    assert "SRS: <b>MISSING</b>" in text
