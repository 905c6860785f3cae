"""The supervisor's page: offline, complete, escaped, the same every time, and honest about gaps."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from pipeline import tables
from pipeline.page import colours
from pipeline.page import plot as report_plot
from pipeline.page.cards import causes
from pipeline.page.looked_for import chance_lines
from pipeline.page.plot import Mark, Timeline, timeline_svg
from pipeline.page.said import lines, with_wordless
from pipeline.page.text import clock, difference, label, not_measured, quantity
from pipeline.page.wording import PROMPT
from pipeline.rules import RULES
from pipeline.settings import ReportSettings
from pipeline.stage import Inputs, Missing, Outputs
from pipeline.stages.report import STAGE, ClipCutter, run
from tests.made import report as made

CAUSES = {
    "R1": ["the dial was left where it was"],
    "R2": ["a polite rater"],
    "R6": ["light changed"],
}
SETTINGS = ReportSettings(innocent_causes=CAUSES)
GONE = Missing("no_media", "The recording is no longer there.")
VOID = {"meta", "link", "br", "img", "input", "hr", "path", "use", "rect"}


class Page(HTMLParser):
    """Elements and attributes of a page, and whether its tags are balanced."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag

    def values(self, attribute: str) -> list[str]:
        return [attrs[attribute] for _, attrs in self.elements if attribute in attrs]


def html(outputs: Outputs) -> str:
    return outputs.files["report.html"].decode()


def rendered(inputs: Inputs, cutter: ClipCutter | Missing = GONE) -> str:
    return html(run(inputs, cutter, SETTINGS))


@pytest.fixture(scope="module")
def full() -> str:
    return rendered(made.inputs(), made.Cutter())


@pytest.fixture(scope="module")
def bare() -> str:
    return rendered(made.bare_inputs())


# ---- the page as a whole -------------------------------------------------------------------


def test_it_is_one_offline_file(full: str) -> None:
    page = Page(full)
    assert page.values("src")
    assert all(value.startswith("data:video/webm;base64,") for value in page.values("src"))
    outside = [value for value in page.values("href") if not value.startswith("#")]
    assert outside
    assert all(re.match(r"https://(doi|arxiv)\.org/", value) for value in outside)  # references
    assert not {tag for tag, _ in page.elements} & {"link", "iframe", "object", "embed", "form"}
    assert not re.search(r"url\((?!#)|@import|fetch\(|XMLHttpRequest|xlink|xmlns", full)
    assert "default-src 'none'" in full


def test_pages_are_well_formed(full: str, bare: str) -> None:
    for text in (full, bare):
        page = Page(text)
        assert text.lstrip().startswith("<!doctype html>")
        assert page.open == []
        assert len(page.values("id")) == len(set(page.values("id")))


def test_headings_descend_one_by_one(full: str) -> None:
    levels = [int(tag[1]) for tag, _ in Page(full).elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(levels))


def test_the_prompt_stands_at_top_and_bottom(full: str, bare: str) -> None:
    for text in (full, bare):
        shown = re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)
        assert shown.count(PROMPT) == 2


def test_every_printed_page_has_the_prompt_the_session_and_its_number(full: str) -> None:
    (page,) = re.findall(r"@page \{(.*?\} )\}", full, re.DOTALL)
    assert f'content: "{PROMPT}"' in page
    assert 'content: "Session 5 of D07"' in page
    assert "counter(page)" in page


def test_a_name_cannot_end_the_string_it_stands_in() -> None:
    row = made.sessions().to_pylist()[0] | {"dyad_id": 'D"; } * { } </style>'}
    text = rendered(made.bare_inputs(sessions=tables.SESSIONS.build_rows([row])))
    assert text.count("</style>") == 1
    assert r'content: "Session 5 of D\22 ; \7d ' in text


def test_what_needs_the_script_is_hidden_until_it_runs(full: str) -> None:
    assert re.search(r"\n\.tools, \.keys[^{]*\{ display: none; \}", full)
    assert 'classList.add("js")' in full


def test_same_input_same_bytes() -> None:
    once, again = (run(made.inputs(), made.Cutter(), SETTINGS).files for _ in range(2))
    assert once == again


def test_everything_a_person_wrote_is_escaped() -> None:
    session = made.sessions(made_up="<script>alert(1)</script>")
    word = made.words(made.turn_rows()).to_pylist()
    hostile = tables.WORDS.build_rows(
        [row | {"text": "<img src=x onerror=1>"} for row in word[:400]]
    )
    text = rendered(made.inputs(sessions=session, words=hostile))
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "&lt;img src=x" in text


# ---- moments -------------------------------------------------------------------------------


def card_of(page: str, rule: str) -> str:
    """The first card that holds a candidate of a rule."""
    found = re.findall(r"<article.*?</article>", page, re.DOTALL)
    return next(card for card in found if f'id="{rule}-' in card)


def test_low_and_high_stretches_look_alike() -> None:
    def shape(rule: str) -> list[str]:
        (row, *_) = made.inputs().tables["candidates"].to_pylist()
        one = row | {"rule": rule, "candidate_id": f"{rule}-client-00100"}
        text = rendered(made.bare_inputs(candidates=tables.CANDIDATES.build_rows([one])))
        return [tag for tag, _ in Page(card_of(text, rule)).elements]

    assert shape("R1") == shape("R2")


def test_evidence_is_observed_usual_and_difference(full: str) -> None:
    rows = re.findall(r"<tr><th scope=\"row\">reply latency.*?</tr>", full, re.DOTALL)
    assert len(rows) == 4
    assert all(re.search(r"much later, by \d\.\d s", row) for row in rows)
    assert all('data-name="Usual">0.8 s<' in row for row in rows)


def test_everyday_reasons_come_from_the_settings(full: str) -> None:
    for rule, cause in (("R1", "the dial was left where it was"), ("R6", "light changed")):
        assert card_of(full, rule).count(f"<li>{cause}</li>") == 1
    listed = {"a": ["x", "y"], "R6": ["y", "z"]}
    assert causes("R6", ["a", "b"], listed) == ["x", "y", "z"]


def test_transcript_only_where_there_are_words(full: str) -> None:
    assert full.count('class="said"') == full.count('class="card"')
    assert 'class="said"' not in rendered(made.inputs(words=tables.WORDS.empty()))


def test_lines_break_at_speakers_and_pauses() -> None:
    words = [
        {"start_s": s, "end_s": s + 0.3, "text": text, "speaker": who, "stated_role": None}
        for s, text, who in
        [(9.0, "out", 0), (10.0, "How", 0), (10.4, "so?", 0), (11.0, "Well.", 1), (14.0, "Yes.", 1)]
    ]  # fmt: skip
    found = lines(words, {0: "therapist", 1: "client"}, (9.9, 20.0), (10.5, 13.0))
    assert [(x.who, x.text) for x in found] == [
        ("Therapist", "… How so?"), ("Client", "Well."), ("Client", "Yes."),
    ]  # fmt: skip
    assert [x.inside for x in found] == [True, True, False]  # "so?" lies in the moment
    (cut,) = lines(words, {0: "therapist", 1: "client"}, (9.9, 10.35), (12.0, 13.0))
    assert (cut.text, cut.inside) == ("… How …", False)


def test_a_reply_that_was_heard_without_words_is_shown() -> None:
    words = [
        {"start_s": s, "end_s": s + 0.3, "text": text, "speaker": 0, "stated_role": None}
        for s, text in ((10.0, "Sleep?"), (15.0, "Good."))
    ]
    turns = [
        dict.fromkeys(tables.TURNS.by_name)
        | {"start_s": start, "end_s": end, "speaker": 1, "word_count": count}
        | {"takes_floor": floor, "answers_turn_id": asked}
        for start, end, count, floor, asked in (
            (10.8, 11.2, 0, False, 0),
            (13.0, 13.3, 0, False, None),  # a backchannel
            (16.0, 21.0, 0, True, 0),
            (23.5, 24.0, 0, True, None),
            (27.0, 28.0, 3, True, 0),
        )
    ]
    spoken = with_wordless(words, turns)
    found = lines(spoken, {0: "therapist", 1: "client"}, (0.0, 30.0), (10.0, 13.0))
    assert [(line.who, line.text) for line in found] == [
        ("Therapist", "Sleep?"), ("Client", "[brief reply, words not recovered]"),
        ("Therapist", "Good."), ("Client", "[reply, words not recovered]"),
        ("Client", "[heard, words not recovered]"),
    ]  # fmt: skip
    assert with_wordless([], turns) == []  # nothing was transcribed


def test_grey_is_explained_where_there_is_any(full: str) -> None:
    said = re.findall(r"<h4>Said(.*?)</h4>\s*<ol(.*?)</ol>", full, re.DOTALL)
    assert said
    for heading, listed in said:
        assert ("grey: before and after" in heading) == ('class="lead"' in listed)


# ---- clips ---------------------------------------------------------------------------------


def test_clips_are_cut_once_per_moment_inside_the_session() -> None:
    cutter = made.Cutter(b"\x1aE\xdf\xa3 planted")
    text = rendered(made.inputs(), cutter)
    assert len(cutter.asked) == len(Page(text).values("src"))
    assert all(0 <= a < b <= made.DURATION_S for a, b in cutter.asked)
    assert all(end <= start for (_, end), (start, _) in pairwise(cutter.asked))
    encoded = Page(text).values("src")[0].split(",")[1]
    assert base64.b64decode(encoded) == cutter.content


def test_sound_without_picture_is_an_audio_element() -> None:
    tags = [tag for tag, _ in Page(rendered(made.inputs(), made.Cutter(has_video=False))).elements]
    assert "audio" in tags
    assert "video" not in tags


def test_no_cutter_is_said_and_reported() -> None:
    outputs = run(made.inputs(), GONE, SETTINGS)
    assert [(a.modality, a.reason) for a in outputs.absences] == [("clips", "no_media")]
    page = html(outputs)
    assert page.count("No clip. The recording is no longer there.") == page.count('class="card"')


# ---- what is missing is said ---------------------------------------------------------------


def test_a_bare_session_says_what_is_missing_and_why(bare: str) -> None:
    assert "Outcome forms: <b>MISSING</b>" in bare
    assert "<b>Video missing.</b> The client has not agreed to it." in bare
    assert "<b>Transcript missing.</b>" in bare
    assert "No moment is proposed." in bare
    assert "<svg" not in bare


def test_what_is_null_says_so_in_words() -> None:
    listed = {"at_chance": "no more than chance would give", "not_measured": "", None: ""}
    for reason, words in listed.items():
        expected = f"not measured ({words})" if words else "not measured"
        assert not_measured(reason) == expected


def test_delay_on_the_line_is_no_reason_in_one_room() -> None:
    remote = made.sessions().to_pylist()[0] | {"capture": "remote"}
    settings = ReportSettings(innocent_causes={"R4": ["noise"], "R4_remote": ["a slow line"]})
    for rows, expected in (({}, False), ({"sessions": [remote]}, True)):
        changes = {name: tables.TABLES[name].build_rows(own) for name, own in rows.items()}
        page = html(run(made.inputs(**changes), GONE, settings))
        assert ("<li>a slow line</li>" in page) == expected
        assert "<li>noise</li>" in page


def test_what_was_not_looked_for_is_said(bare: str, full: str) -> None:
    assert "lowest-rated stretches and highest-rated stretches (no readable dial);" in bare
    *others, last = (rule.name for rule in RULES if not rule.is_rating)
    assert f"{', '.join(others)} and {last} (nobody was heard speaking)." in bare
    assert bare.count("<td>not applied</td>") == len(chance_lines([]))
    for words in ("Not looked for", "not applied", "The rules found no moment"):
        assert words not in full
    row = {"session_id": made.SESSION, "rule": "R4", "is_applied": True, "reason": None, "why": ""}
    every = rendered(made.bare_inputs(rules=tables.RULES.build_rows([row])))
    assert "The rules found no moment. That says nothing about the session" in every


def test_made_up_sessions_carry_a_banner(full: str, bare: str) -> None:
    assert "Not a real session." in full
    assert "Not a real session." not in bare


def test_low_srs_is_pointed_out(full: str) -> None:
    assert "<b>32.5 of 40</b> <small>(under 36" in full
    fine = tables.FORMS.build_rows([dict.fromkeys(tables.FORMS.by_name) | {"flag": "",
        "session_id": made.SESSION, "instrument": "SRS", "by": "client", "total": 36.0, "max": 40.0,
    }])  # fmt: skip
    assert "under 36" not in rendered(made.inputs(forms=fine))


def test_one_lost_modality_at_a_time_still_renders() -> None:
    for name in STAGE.reads:
        if name != "sessions":
            text = rendered(made.inputs(**{name: tables.TABLES[name].empty()}))
            assert Page(text).open == [], name


def test_unmeasured_cues_are_named_rather_than_drawn() -> None:
    windows = made.inputs().tables["windows"].to_pylist()
    unseen = {"client_gaze_path_rate_dps_z": None, "client_blink_rate_listening_pm_z": None}
    text = rendered(made.inputs(windows=tables.WINDOWS.build_rows(row | unseen for row in windows)))
    assert (
        "Not drawn: gaze travel (no usual to compare with), "
        "blinks while listening (no usual to compare with)."
    ) in text


def test_degraded_numbers_are_marked(full: str) -> None:
    card = card_of(full, "R6")
    assert "low confidence (degraded measurements)" in card
    assert '<span class="low">degraded</span>' in card


def test_provenance_and_references_are_printed(full: str) -> None:
    assert "pyannote.audio 4.0.7" in full
    assert "10.1080/20008198.2021.1991609" in full  # gaze travel is on the page
    assert "Lid opening" not in full


# ---- words for numbers ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("t_s", "text"),
    [(0, "00:00"), (59.6, "01:00"), (3725, "62:05"), (-4.0, "−00:04"), (-0.2, "00:00")],
)
def test_clock(t_s: float, text: str) -> None:
    assert clock(t_s) == text


@pytest.mark.parametrize(
    ("feature", "value", "usual", "unit", "z", "text"),
    [
        ("response_latency_s", 1.39, 0.9, "s", 2.0, "about as usual"),
        ("response_latency_s", 1.4, 0.9, "s", 2.0, "clearly later, by 0.5 s"),
        ("client_articulation_rate_sps", 3.1, 4.6, "syllable/s", -2.6,
         "much slower, by 1.5 syllables/s"),
        ("client_pause_prop", 0.42, 0.18, "1", 1.6, "clearly more, by 24 percentage points"),
        ("client_replies_minimal", 3, 0, "1", None, "more, by 3"),
        ("dial_client", 48.2, 48.0, "points", -0.1, "about as usual"),
        ("client_nod_slow_pm", 12.0, None, "1/min", None, "no usual value to compare with"),
    ],
)  # fmt: skip
def test_difference(
    feature: str, value: float, usual: float | None, unit: str, z: float | None, text: str
) -> None:
    assert difference(feature, value, usual, unit, z) == text


def test_quantities_and_units() -> None:
    assert quantity("response_latency_s", 3.24, "s") == "3.2 s"
    assert quantity("audio_clip_prop", 0.0002, "1") == "0.02 %"
    assert quantity("", -12.0, "dB") == "−12.0 dB"
    assert quantity("dial_divergence", -0.3, "points") == "0 points"
    assert quantity("", None, "s") == "not measured"
    assert quantity("turns", 12.0, "") == "12"
    assert quantity("dial_client_mssd_points2", 22.44, "points^2") == "22.4 points²"


def test_labels_come_from_the_declarations() -> None:
    for name in ("client_response_latency_s", "dial_client", "client_stare_run_s"):
        assert label(name) == tables.WINDOWS.by_name[name].label
    assert label("something_else") == "something else"


# ---- drawing -------------------------------------------------------------------------------


def test_overlapping_moments_get_lanes_of_their_own() -> None:
    marks = [
        Mark(1, 0.0, 60.0, "R1", "a"),
        Mark(2, 30.0, 90.0, "R4", "b"),
        Mark(3, 900, 960, "R2", "c"),
    ]
    lanes = report_plot._lanes(Timeline(1000.0, marks))
    assert [(lane, mark.number) for lane, mark in lanes] == [(0, 1), (1, 2), (0, 3)]


def test_the_drawing_holds_its_links_and_no_address() -> None:
    mark = Mark(1, 10.0, 50.0, "R6", "R6-client-00010", "Client's <second>")
    svg = timeline_svg(Timeline(600.0, [mark]))
    assert svg.count('href="#R6-client-00010"') == 2
    assert svg.count('aria-label="Moment 1, 00:10, Client&#39;s &lt;second&gt;"') == 1
    assert svg.count('aria-hidden="true" tabindex="-1"') == 1  # the box, for a pointer
    assert "target=" not in svg
    assert "http" not in svg
    assert "viewBox" in svg
    assert 'width="' not in svg.split(">")[0]


def test_the_caption_says_what_is_there_and_no_more(full: str) -> None:
    turns = [row | {"response_latency_z": None} for row in made.turn_rows()]
    talk = rendered(made.bare_inputs(turns=tables.TURNS.build_rows(turns)))
    assert "<svg" in talk
    for words in (
        "Numbers play the moments",
        "rated low",
        "ratings differ",
        ">moments</text>",
        "In z: 0 is this client",
    ):
        assert words in full
        assert words not in talk
    assert "values beyond ±4.3 are drawn at the edge" in full


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_text_colours_have_contrast(full: str) -> None:
    light, dark = re.findall(r":root \{(.*?)\n? ?\}", full, re.DOTALL)
    declared = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", light))
    at_night = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", dark))
    assert {"ink", "soft", "grey", "client", "therapist", "warn", "paper", "wash"} <= set(at_night)
    for name in (
        "ink",
        "soft",
        "grey",
        "client",
        "therapist",
        "low",
        "high",
        "apart",
        "cues",
        "warn",
    ):
        for ground in ("wash", "paper"):
            assert contrast(declared[name], declared[ground]) >= 4.5, name
            if name in at_night:
                assert contrast(at_night[name], at_night[ground]) >= 4.5, name
    for name, colour in colours.TONES.items():
        assert declared[name] == colour
        for shades in (declared, at_night):  # numbers on the badges
            assert contrast(shades["on"], shades[name]) >= 4.5, name
