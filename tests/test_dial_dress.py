"""A known rating comes back from a file in any dress; one that lost its time or hour never does."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.dials.layouts import read_rows
from pipeline.errors import SessionError
from pipeline.paperwork.csv_rows import read_rows as read_typed
from pipeline.paperwork.csv_rows import span_of
from pipeline.paperwork.session import RatingFile
from tests.made.tables import Dress, dresses, time, write

Planted = list[float | None]
RATINGS = st.lists(
    st.one_of(st.none(), st.integers(0, 1000).map(lambda tenths: tenths / 10)),
    min_size=12,
    max_size=40,
).filter(lambda values: sum(v is not None and v > 10 for v in values) > 3)


def read(folder: Path, **keys):
    told = RatingFile(file="dial.csv", rater="client", **keys)
    return read_rows(folder / "dial.csv", told)


def held_against(planted: Planted, found: np.ndarray) -> None:
    truth = np.array([np.nan if value is None else value for value in planted])
    np.testing.assert_allclose(found, truth, atol=1e-9)


@settings(max_examples=150, deadline=None)
@given(planted=RATINGS, dress=dresses(), start=st.sampled_from([0.0, 3590.5, 5990.0]))
def test_a_planted_rating_comes_back(planted: Planted, dress: Dress, start: float) -> None:
    t_s = [start + 0.5 * at for at in range(len(planted))]
    with TemporaryDirectory() as place:
        write(Path(place) / "dial.csv", t_s, planted, dress)
        found = read(Path(place), scale=[0.0, 100.0])
    np.testing.assert_allclose(found.t_s, t_s, atol=1e-9)
    held_against(planted, found.value)


@settings(max_examples=60, deadline=None)
@given(dress=dresses(), kind=st.sampled_from([("reason", "it {}"), ("guess", "{}")]))
def test_stretches_typed_in_any_dress_come_back(dress: Dress, kind: tuple[str, str]) -> None:
    column, text = kind
    separator = "," if dress.separator == " " else dress.separator
    spans = [(12.5, 40.0), (60.0, 6005.5)]
    lines = [["start", "end", column]]
    clock = "seconds" if dress.clock == "ms" else dress.clock
    dress = Dress(separator, dress.decimal, dress.encoding, dress.end, clock)
    for start, end in spans:
        lines.append([time(start, dress), time(end, dress), text.format("helped")])
    if dress.comment:
        lines.insert(0, [f"{dress.comment} what moved me"])
    written = [separator.join(f'"{cell}"' for cell in cells) for cells in lines]
    with TemporaryDirectory() as place:
        path = Path(place) / "typed.csv"
        path.write_bytes((dress.end.join(written) + dress.end).encode(dress.encoding))
        found = read_typed(path, ("start", "end", column))
    assert [span_of(row) for row in found] == spans
    assert {row.cells[column] for row in found} == {text.format("helped")}


T_S = [0.5 * at for at in range(20)]
COURSE = [50 + at - (at % 3) * 7.5 for at in range(20)]
PAIRS = list(zip(T_S, COURSE, strict=True))


def elan(form: str, *, names: bool, tiers: tuple[str, ...] = ("dial",)) -> str:
    clock = {"hh:mm:ss.ms": "00:00:{:06.3f}", "ss.msec": "{:.3f}", "msec": "{:.0f}"}[form]
    unit = 1000 if form == "msec" else 1
    heads = [f"{what} - {form}" for what in ("Begin Time", "End Time", "Duration")]
    lines = ["\t".join(["Tier", *heads, "Annotation"])] if names else []
    for tier in tiers:
        for at, value in PAIRS:
            times = [clock.format(unit * t) for t in (at, at + 0.5, 0.5)]
            lines.append("\t".join([tier, *times, f"{value:.1f}"]))
    return "\n".join(lines) + "\n"


ELAN = {
    "positions": (elan("hh:mm:ss.ms", names=True), {}),
    "seconds": (elan("ss.msec", names=True), {}),
    "milliseconds": (elan("msec", names=True), {}),
    "no names": (elan("hh:mm:ss.ms", names=False), {}),
    "two tiers": (elan("ss.msec", names=True, tiers=("a", "b")), {"column": "b"}),
}
SHAPES = {
    "savetxt": "# time, rating\n" + "".join(f"{t},{v}\n" for t, v in PAIRS),
    "turned round": "# rating time\n" + "".join(f"{v} {t}\n" for t, v in PAIRS),
    "quoted lines": '"time;rating"\n' + "".join(f'"{t};{v}"\n' for t, v in PAIRS),
    "start and end": "start,end,rating\n" + "".join(f"{t},{t + 0.5},{v}\n" for t, v in PAIRS),
    "a title above no names": "Film a\n" + "".join(f"{t};{v}\n" for t, v in PAIRS),
    "pandas": ",time,rating\n" + "".join(f"{i},{t},{v}\n" for i, (t, v) in enumerate(PAIRS)),
    "newest first": "time,rating\n" + "".join(f"{t},{v}\n" for t, v in PAIRS[::-1]),
    "facts above": "Rate;2\nDate;2026-03-02\n\ntime;rating\n"
    + "".join(f"{t};{v}\n" for t, v in PAIRS),
    "the end of a DOS file": "time,rating\n" + "".join(f"{t},{v}\n" for t, v in PAIRS) + "\x1a",
    "names between blanks": '"time" "rating"\n'
    + "".join(f'"{3 * i + 5}" {t} {v}\n' for i, (t, v) in enumerate(PAIRS)),
    "a row count": "#,time,rating\n" + "".join(f"{i},{t},{v}\n" for i, (t, v) in enumerate(PAIRS)),
}


@pytest.mark.parametrize("shape", [*SHAPES, *ELAN])
def test_shapes_of_other_programs(tmp_path: Path, shape: str) -> None:
    text, keys = ELAN.get(shape) or (SHAPES[shape], {})
    (tmp_path / "dial.csv").write_text(text)
    found = read(tmp_path, **keys)
    assert found.t_s[:20].tolist() == T_S
    assert found.value[:20].tolist() == pytest.approx(COURSE)
    assert np.isnan(found.value[20:]).all()


def test_typographic_signs_and_thousands(tmp_path: Path) -> None:
    text = "time_ms;rating\n0;\u22125,5\n900;\u201312\n1\u202f800;+7\n2'700;1\n3.600,5;0\n"
    (tmp_path / "dial.csv").write_text(text, encoding="utf-8")
    found = read(tmp_path, scale=[-100.0, 100.0])
    assert found.t_s.tolist() == pytest.approx([0, 0.9, 1.8, 2.7, 3.6005])
    assert found.value.tolist() == pytest.approx([47.25, 44, 53.5, 50.5, 50])


NOVA = "".join(f"0.{50 + at % 7};1.0\n" for at in range(30))
REFUSED = {
    NOVA: "without a time, as NOVA",
    NOVA.replace(".", ","): "without a time, as NOVA",
    "0.0;1.5;2;0.9\n1.5;3.0;1;1.0\n": "as NOVA writes a discrete tier",
    "time,rating\n58:30,50\n59:30,60\n00:30,70\n": "the hour is not in the file any more",
    "time,rating\n59:59.5,50\n00:00.0,60\n": "the hour is not in the file any more",
    "time;rating\n500;50\n999;51\n1.000;52\n": "may be a decimal or a thousand",
    "time;rating\n0;50%\n1;51\n": "line 3 has none; allowed: the sign on every rating",
    "participant,time,rating\na,0,50\nb,0,51\na,1,50\n": "of 2 raters or tiers",
    "50;0\n49;1\n52;2\n": "as if the rating stood before the time",
    "time,rating\n0:00:01:12,50\n0:00:02:03,51\n": "frames or milliseconds in its fourth field",
    ";": "is empty",
    "rt,response,trial_type,trial_index,time_elapsed\n5,50,slider,0,500\n": "jsPsych's table",
    "time,rating\n0,50\n#DIV/0!,51\n": "line 3: time '#DIV/0!' cannot be read",
    "time;rating\n0;50;7\n1;51;7\n": "allowed; if a column has no name, give it one",
    "<annotation ssi-v='3'><scheme type='CONTINUOUS'/></annotation>": "NOVA's description",
    "<?xml version='1.0'?>\n<ANNOTATION_DOCUMENT DATE=''>": "ELAN's own file",
    '[{"rt": 500}]': "JSON; export it as CSV",
}


@pytest.mark.parametrize("text", REFUSED, ids=list(REFUSED.values()))
def test_what_would_have_to_be_guessed_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "dial.csv").write_text(text)
    with pytest.raises(SessionError, match=REFUSED[text]) as error:
        read(tmp_path)
    assert "passes =" not in str(error.value)


SLOW = {
    "digits": f"time,rating\n0,{'1' * 100_000}x\n",
    "digits as a name": f"{'1' * 100_000}x,rating\n0,high\n",
    "blanks": f"time,rating\n10:00:00{' ' * 100_000}x,5\n",
    "lines": "0,5\n" * 500_001,
    "quotes": '"' * 100_001,
    "separators": ";" * 100_000,
    "moved back": "position,rating\n" + "".join(f"{i % 2 + i / 1e4},50\n" for i in range(20_000)),
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW)
def test_no_file_is_slow(tmp_path: Path, text: str) -> None:
    (tmp_path / "dial.csv").write_text(text)
    began = process_time()
    with pytest.raises(SessionError, match=r"dial\.csv"):
        read(tmp_path)
    assert process_time() - began < 1.0
