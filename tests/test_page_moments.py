"""Moments from overlapping candidates: each stretch once, every reason there, each clip whole."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.page.cards import SHOWN, Card, cards, clip_spans
from pipeline.page.start import AT_MOST, start_with, views, why
from pipeline.page.wording import scan
from pipeline.rules import BY_ID, RULES
from pipeline.settings import ReportSettings
from pipeline.stage import Missing
from pipeline.stages.report import run
from tests.made import report as made

LENGTH_S = 900
SETTINGS = ReportSettings(
    innocent_causes={
        rule.id: [f"{rule.id} may be {word}" for word in ("this", "that", "those", "these")]
        for rule in RULES
    }
)
BOTH = {"client", "therapist"}
Planted = tuple[str, str, int, int]
"""Rule, who, start and end in whole seconds."""


def candidate(number: int, planted: Planted, **changes: Any) -> dict[str, Any]:
    rule, who, start_s, end_s = planted
    return {
        "session_id": made.SESSION, "candidate_id": f"{rule}-{who}-{number:05d}", "rule": rule,
        "rule_version": 1, "rank": 1, "start_s": start_s, "end_s": end_s, "who": who,
        "title": f"{rule} of the {who}", "score": 2.0, "low_confidence": False,
    } | changes  # fmt: skip


def evidence(row: dict[str, Any], count: int) -> list[dict[str, Any]]:
    return [
        {"session_id": made.SESSION, "candidate_id": row["candidate_id"], "feature": "dial_client",
         "t_s": row["start_s"] + i, "value": 10.0 + i, "usual": 50.0, "z": -1.0 - i,
         "unit": "points", "at_most": False, "quality": "ok"}
        for i in range(count)
    ]  # fmt: skip


def made_of(*rows: dict[str, Any], numbers: int = 2) -> list[Card]:
    shown = [item for row in rows for item in evidence(row, numbers)]
    changed = {
        "candidates": tables.CANDIDATES.build_rows(rows),
        "evidence": tables.EVIDENCE.build_rows(shown),
    }
    return cards(made.full_tables() | changed, LENGTH_S, SETTINGS)


def planted(*several: Planted, **changes: Any) -> list[Card]:
    return made_of(*(candidate(i, one, **changes) for i, one in enumerate(several)))


@st.composite
def candidates(draw: st.DrawFn) -> list[Planted]:
    several = []
    for _ in range(draw(st.integers(0, 12))):
        rule = draw(st.sampled_from(sorted(BY_ID)))
        who = draw(st.sampled_from(["client", "therapist"]))
        start_s = draw(st.integers(0, LENGTH_S - 1))
        several.append((rule, who, start_s, draw(st.integers(start_s + 1, LENGTH_S))))
    return [one for one in several if one[3] - one[2] <= 180]


def seconds(spans: list[tuple[float, float]]) -> Any:
    """How often each tenth of a second is covered."""
    covered = np.zeros(10 * LENGTH_S, int)
    for start, end in spans:
        covered[round(10 * start) : round(10 * end)] += 1
    return covered


@given(candidates())
@settings(max_examples=60)
def test_each_stretch_is_one_moment_with_every_reason(several: list[Planted]) -> None:
    found = planted(*several)
    covered = seconds([(card.start_s, card.end_s) for card in found])
    assert np.array_equal(covered, seconds([one[2:] for one in several]) > 0)
    told = sorted(reason.id for card in found for reason in card.reasons)
    assert told == sorted(candidate(i, one)["candidate_id"] for i, one in enumerate(several))
    for card in found:
        assert all(card.start_s <= r.start_s < r.end_s <= card.end_s for r in card.reasons)
    assert [card.number for card in found] == list(range(1, len(found) + 1))


@given(candidates())
@settings(max_examples=60)
def test_clips_cover_their_moments_and_play_nothing_twice(several: list[Planted]) -> None:
    found = planted(*several)
    assert seconds([card.clip for card in found]).max(initial=0) <= 1
    before = 0.0
    for card in found:
        first, last = card.clip
        assert first == max(before, card.start_s - SETTINGS.pre_roll_s, 0.0)
        assert card.end_s <= last <= min(LENGTH_S, card.end_s + SETTINGS.post_roll_s)
        before = card.end_s


@given(candidates())
@settings(max_examples=30)
def test_a_card_shows_five_of_each_and_keeps_the_rest(several: list[Planted]) -> None:
    for card in planted(*several):
        rows = [row for reason in card.reasons for row in reason.rows]
        assert {*card.rows, *card.more_rows} == set(rows)
        assert len(card.rows) == min(SHOWN, len(set(rows)))
        everyday = {cause for reason in card.reasons for cause in reason.causes}
        assert {*card.causes, *card.more_causes} == everyday
        assert len(card.causes) == min(SHOWN, len(everyday))
        assert not {*card.causes} & {*card.more_causes}


def test_numbers_farthest_from_usual_are_shown_and_each_reason_has_its_say() -> None:
    (card,) = made_of(
        candidate(0, ("R6", "client", 100, 200)), candidate(1, ("R1", "client", 150, 190)),
        numbers=4,
    )  # fmt: skip
    assert [row.t_s for row in card.rows] == [102.0, 103.0, 151.0, 152.0, 153.0]
    assert [row.t_s for row in card.more_rows] == [100.0, 101.0, 150.0]
    assert [cause[:2] for cause in card.causes] == ["R1", "R6", "R1", "R6", "R1"]


def test_neighbours_share_the_gap_between_them() -> None:
    stretches = [(4.0, 40.0), (48.0, 60.0), (63.0, 70.0), (200.0, 300.0), (880.0, 898.0)]
    assert clip_spans(stretches, 900.0, SETTINGS) == [
        (0.0, 40.0), (40.0, 60.0), (60.0, 75.0), (190.0, 305.0), (870.0, 900.0),
    ]  # fmt: skip


# ---- where to start --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("several", "words"),
    [
        ([("R1", "client", 100, 140), ("R1", "therapist", 104, 150)],
         "Client and therapist agree: both rated it low."),
        ([("R1", "client", 100, 140), ("R2", "therapist", 104, 150)],
         "They differ: the client rated it low, the therapist high."),
        ([("R1", "client", 100, 140), ("R2", "therapist", 135, 190)], ""),  # hardly the same time
        ([("R3", "both", 100, 140), ("R1", "client", 100, 130)], "The two ratings part here."),
        ([("R2", "therapist", 100, 140)], "Only the therapist's dial stands out here: high."),
        ([("R1", "client", 100, 140), ("R4", "client", 110, 170), ("R6", "client", 120, 190)],
         "Only the client's dial stands out here: low. Also: late replies, several cues at once."),
        ([("R4", "client", 100, 140)], "Neither dial stands out here."),
        ([("R4", "client", 100, 140), ("R6", "client", 110, 170)],
         "Neither dial stands out here. Also: several cues at once."),
    ],
)  # fmt: skip
def test_one_line_says_who_agrees_and_who_differs(several: list[Planted], words: str) -> None:
    (card,) = planted(*several)
    assert why(card, BOTH) == words
    assert not scan(words)


def test_nobody_without_a_dial_is_said_to_have_seen_nothing() -> None:
    (rated,), (cued,) = planted(("R1", "client", 1, 40)), planted(("R4", "client", 1, 40))
    assert [why(card, {"client"}) for card in (rated, cued)] == ["", ""]


@given(candidates())
@settings(max_examples=60)
def test_at_most_three_and_the_most_views_first(several: list[Planted]) -> None:
    found = planted(*several)
    first = start_with(found)
    assert len(first) == min(AT_MOST, len(found))
    assert all(card in found for card in first)
    counts = [len(views(card)) for card in first]
    assert counts == sorted(counts, reverse=True)
    others = [len(views(card)) for card in found if card not in first]
    assert not others or max(others) <= min(counts)


def test_lows_do_not_hide_highs() -> None:
    lows = [candidate(i, ("R1", "client", 100 * i, 100 * i + 40), score=9.0) for i in (1, 2, 3)]
    high = candidate(4, ("R2", "client", 700, 740), rank=3, score=1.0)
    assert [card.lead.rule for card in start_with(made_of(*lows, high))] == ["R1", "R2", "R1"]


def test_rank_then_score_then_time_decide() -> None:
    rows = [
        candidate(0, ("R1", "client", 10, 40), rank=2, score=9.0),
        candidate(1, ("R1", "client", 110, 140), score=2.0),
        candidate(2, ("R1", "client", 210, 240), score=3.0),
        candidate(3, ("R1", "client", 310, 340), score=3.0),
    ]
    assert [card.start_s for card in start_with(made_of(*rows))] == [210, 310, 110]


# ---- on the page -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page() -> str:
    return run(made.inputs(), made.Cutter(), SETTINGS).files["report.html"].decode()


def test_every_candidate_is_a_place_on_the_page_and_every_moment_one_card(page: str) -> None:
    rows = made.inputs().tables["candidates"].to_pylist()
    assert {row["rule"] for row in rows} >= {"R1", "R2", "R3", "R4", "R6"}
    for row in rows:
        assert page.count(f'id="{row["candidate_id"]}"') == 1
    stretches = seconds([(row["start_s"] / 4, row["end_s"] / 4) for row in rows]) > 0
    edges = np.flatnonzero(np.diff(stretches.astype(int)) == 1)
    assert page.count('<article class="card"') == len(edges) < len(rows)
    assert "same stretch" not in page


def test_the_drawing_leads_to_every_moment_and_the_first_three_are_open(page: str) -> None:
    bodies = re.findall(r'<div class="body" id="([^"]+)"', page)
    (drawing,) = re.findall(r"<header>.*?</header>", page, re.DOTALL)
    assert all(f'href="#{name}"' in drawing for name in bodies)
    opened = re.findall(r'<article class="card".*?<details( open)?>', page, re.DOTALL)
    assert opened == [" open"] * AT_MOST + [""] * (len(bodies) - AT_MOST)
    starts = re.findall(r'<ol class="start">.*?</ol>', drawing, re.DOTALL)[0]
    assert re.findall(r'<span><a href="#([^"]+)"', starts) == bodies[:AT_MOST]


def test_times_say_where_in_the_clip_they_lie(page: str) -> None:
    for card in re.findall(r'<article class="card".*?</article>', page, re.DOTALL):
        (own,) = re.findall(r'data-from="([\d.]+)"', card)
        times = [float(t) for t in re.findall(r'data-at="([\d.]+)"', card)]
        assert len(times) >= 2
        assert min(times) >= float(own) - 12  # a line may begin before the clip does


def test_the_first_screen_is_short(page: str) -> None:
    header = page[page.index("<header>") : page.index("</header>")]
    header = re.sub(r'<ul class="absent".*?</ul>', "", header, flags=re.DOTALL)  # folded
    assert len(re.sub(r"<[^>]*>", " ", header).split()) <= 250


def test_column_names_and_z_are_for_researchers(page: str) -> None:
    assert not re.findall(r'<code(?! class="col")[^>]*>[a-z_]+_[a-z_]+</code>', page)
    body = page[page.index("<body>") : page.index("How the moments were found")]
    shown = re.sub(r'<(code|span) class="col">.*?</\1>|<(script|svg).*?</\2>', "", body,
                   flags=re.DOTALL)  # fmt: skip
    assert not re.search(r"\bz [+−]?\d|\bdial_client\b", re.sub(r"<[^>]*>", " ", shown))


def test_everything_behind_the_moments_is_folded(page: str) -> None:
    behind = page[page.index("Behind the moments") :]
    heads = re.findall(r'<details class="fold[^"]*">\s*<summary><h3>([^<]+)', behind)
    assert len(heads) == 7
    assert "<details open" not in behind
    levels = [int(n) for n in re.findall(r"<h([1-6])", page)]
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_drawings_take_their_colours_from_the_page(page: str) -> None:
    for drawing in re.findall(r"<svg[^>]*viewBox=\"0 0 \d+\.?\d* \d+\.?\d*\" v.*?</svg>", page,
                              re.DOTALL):  # fmt: skip
        assert "var(--" in drawing
        assert not re.search(r"(fill|stroke): #", drawing)


def test_without_a_recording_nothing_claims_to_play() -> None:
    text = run(made.inputs(), Missing("no_media", "Gone."), SETTINGS).files["report.html"].decode()
    assert "Numbers lead to the moments" in text
    assert "<video" not in text


def test_a_total_under_its_mark_is_told_before_the_fold_is_opened(page: str) -> None:
    assert "SRS, client 32.5 of 40, under its published mark;" in page
    assert "WAI-SR, client 47 of 60;" in page


def test_video_is_named_once(page: str) -> None:
    (line,) = re.findall(r'<p class="checked">(.*?)</p>', page)
    assert line.startswith("Video cues can be used:")
