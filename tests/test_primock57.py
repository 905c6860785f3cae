"""Fifteen real mock consultations: our turn tables against the intervals alone."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from bench import primock57
from pipeline.config import load_profile

# plain words and a/b only, so that they can be told apart without the notation's compiler
ACKNOWLEDGEMENTS = [
    spelled
    for phrase in load_profile().turns.acknowledgements
    for spelled in (phrase.split("/") if "/" in phrase else [phrase])
]
MARK = re.compile(r"<[^>]*>")


@pytest.fixture(scope="module")
def folder(shared_data):
    return shared_data / "dialogue" / "primock57"


@pytest.fixture(scope="module")
def found(folder):
    return list(primock57.consultations(folder))


def intervals(folder, name):
    """(start, end, person, words) of every filled interval, line by line."""
    spoken = []
    for person in primock57.PEOPLE:
        text = (folder / f"{name}_{person}.TextGrid").read_text(encoding="utf-8")
        for block in text.split("intervals [")[1:]:
            low, high, said = (line.split("=", 1)[1].strip() for line in block.splitlines()[1:4])
            said = said.strip('"')
            if said.strip():
                words = re.findall(r"[^\W_]+(?:['-][^\W_]+)*", MARK.sub(" ", said).lower())
                spoken.append((float(low), float(high), person, words, MARK.sub("", said)))
    return sorted(spoken, key=lambda one: one[0])


def joined(spoken):
    """Utterances of one person less than 0.2 s apart made one, in order of time."""
    units = []
    for person in primock57.PEOPLE:
        mine = []
        for low, high, who, words, said in spoken:
            if who != person:
                continue
            if mine and low - mine[-1][1] < 0.2:
                last = mine.pop()
                mine.append((last[0], max(high, last[1]), who, last[3] + words, last[4] + said))
            else:
                mine.append((low, high, who, words, said))
        units += mine
    return sorted(units, key=lambda one: (one[0], -one[1]))


def is_short(unit):
    """At most a second and three words, all of them acknowledgements."""
    low, high, _, words, _ = unit
    if high - low > 1.0 or len(words) > 3:
        return False
    left = f" {' '.join(words)} "
    for phrase in sorted(ACKNOWLEDGEMENTS, key=len, reverse=True):
        while f" {phrase} " in left:
            left = left.replace(f" {phrase} ", " ", 1)
    return not left.strip()


def asides(units):
    """Units that are backchannels: the other talks on, or is next to talk within a second."""
    back = set()
    for at in reversed(range(len(units))):
        unit = units[at]
        if not is_short(unit):
            continue
        others = [u for u in units if u[2] != unit[2]]
        talks_on = any(u[0] <= unit[1] < u[1] for u in others)
        later = [i for i, u in enumerate(units) if u[0] >= unit[1]]
        soon = later and units[later[0]][0] - unit[1] <= 1.0
        if talks_on or (soon and (units[later[0]][2] != unit[2] or later[0] in back)):
            back.add(at)
    return back


def floor(units):
    """Turns that take the floor: (start, end, person, text); and how many did not."""
    back, turns, off_floor = asides(units), [], 0
    for at, (low, high, who, _, said) in enumerate(units):
        if turns and turns[-1][2] == who:
            turns[-1] = (turns[-1][0], high, who, turns[-1][3] + " " + said, high)
        elif turns and (at in back or high <= turns[-1][4]):
            off_floor += 1
        else:
            turns.append((low, high, who, said, high))
    return turns, off_floor


def test_turn_tables_equal_a_recomputation_from_the_intervals(folder, found):
    assert len(found) == 15
    for one in found:
        units = joined(intervals(folder, one.name))
        expected, off_floor = floor(units)
        rows = [row for row in one.turns if row["takes_floor"]]
        assert len(rows) == len(expected), one.name
        assert len(one.turns) - len(rows) == off_floor, one.name
        for row, turn, before in zip(rows, expected, [None, *expected], strict=False):
            assert (row["start_s"], row["end_s"]) == pytest.approx(turn[:2], abs=0.010)
            assert row["role"] == primock57.ROLE_OF[turn[2]]
            offset = None if before is None else turn[0] - before[1]
            assert row["fto_s"] == (offset and pytest.approx(offset, abs=0.010))


def test_talk_share_and_overlap_equal_sums_over_the_intervals(folder, found):
    for one in found:
        units = joined(intervals(folder, one.name))
        spoken = {who: sum(u[1] - u[0] for u in units if u[2] == who) for who in primock57.PEOPLE}
        share = spoken["doctor"] / sum(spoken.values())
        assert primock57.talk_share(one.turns) == pytest.approx(share, abs=1e-6)
        turns, _ = floor(units)
        gaps = [after[0] - before[1] for before, after in pairwise(turns)]
        ours = [row["overlap_between_s"] for row in one.turns if row["overlap_between_s"]]
        assert len(ours) == sum(gap < 0 for gap in gaps), one.name
        assert sum(ours) == pytest.approx(-sum(gap for gap in gaps if gap < 0), abs=0.010)


def test_latencies_follow_the_doctors_questions(folder, found):
    """Where the doctor's turn ends in a question mark, the patient's next turn has the latency."""
    compared = 0
    for one in found:
        turns, _ = floor(joined(intervals(folder, one.name)))
        rows = [row for row in one.turns if row["takes_floor"]]
        for row, before, turn in zip(rows[1:], turns, turns[1:], strict=False):
            asks = before[2] == "doctor" and before[3].strip().endswith("?")
            if asks and turn[0] - before[1] <= 15.0:
                expected = max(0.0, turn[0] - before[1])
                assert row["response_latency_s"] == pytest.approx(expected, abs=0.010)
                compared += 1
    assert compared > 300


def test_the_role_guess(found):
    right = sum(one.guess["doctor"] == "therapist" for one in found)
    wrong = sum(one.guess["doctor"] == "client" for one in found)
    print(f"role guess: {right} right, {wrong} wrong, {len(found) - right - wrong} abstained")
    assert right >= 14
    assert wrong == 0


def test_the_doctor_asks_and_directs_and_the_patient_replies(found):
    rows = {
        role: [row for one in found for row in one.turns if row["role"] == role]
        for role in ("therapist", "client")
    }

    def total(role, cue):
        return sum(int(row[cue] or 0) for row in rows[role])

    assert total("therapist", "is_question") > 8 * total("client", "is_question")
    assert total("therapist", "directive_strong") > 15
    assert total("client", "directive_strong") <= 3
    assert total("therapist", "permission_phrase") > 5 * total("client", "permission_phrase")
    assert total("client", "self_disclosure") > 5 * total("therapist", "self_disclosure")
    assert all(row["response_latency_lexical_reason"] for row in rows["client"])


def test_phrases_are_quoted_from_the_consultation(folder, found):
    for one in found:
        said = " ".join(u.text for p in primock57.PEOPLE for u in primock57.read_textgrid(
            folder / f"{one.name}_{p}.TextGrid", p))  # fmt: skip
        assert one.phrases
        for phrase in one.phrases:
            assert phrase["text"].split()[0] in said


def test_the_command_prints_its_tables(folder, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["primock57", "--folder", str(folder), "--lines", "10"])
    primock57.main()
    printed = capsys.readouterr().out
    assert printed.count("day1_consultation") == 15
    assert printed.count("_consultation") == 25
    assert "directive_strong per 1,000 words" in printed
