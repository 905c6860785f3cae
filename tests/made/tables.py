"""One table in every dress that programs, spreadsheets and people give it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st

SEPARATORS = (",", ";", "\t", "|", " ")
MISSING = ("NA", "NaN", ".", "", "-", "#NV", "#N/A", "null", "–")
PLAIN_MISSING = ("NA", "NaN", ".")
"""Those of programs that part cells by blanks."""
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252")
ENDS = ("\n", "\r\n", "\r")
CLOCKS = ("seconds", "h:mm:ss", "m:ss", "ms", "1:2:3")
NAMES = (("time", "rating"), ("Zeit", "Wert"), ("Time (s)", "Helpfulness"), ("onset", "score"))
ABOVE = ((), ("Export für Sitzung",), ("Film: a.mp4", "Program: 1.2"))
LABELS = ((), (("Seconds of the film", "How helpful?"),), (("[s]", "[points]"), ("{Q1}", "{Q2}")))


@dataclass(frozen=True)
class Dress:
    """How a table is written."""

    separator: str = ","
    decimal: str = "."
    encoding: str = "utf-8"
    end: str = "\n"
    clock: str = "seconds"
    names: tuple[str, str] | None = NAMES[0]
    missing: str = ""
    comment: str = ""
    row_names: str = ""
    """R's: "named" has a name of nothing, "short" has none."""
    quotes: bool = False
    says_separator: bool = False
    percent: str = ""
    minus: str = "-"
    above: Sequence[str] = ()
    labels: Sequence[tuple[str, str]] = ()
    beside: bool = False
    extra: dict[str, str] = field(default_factory=dict)


@st.composite
def dresses(draw: st.DrawFn) -> Dress:
    """Dresses that leave nothing to guess."""
    separator = draw(st.sampled_from(SEPARATORS))
    quotes = draw(st.booleans())
    may_comma = separator != "," or quotes
    names = draw(st.sampled_from((*NAMES, None)))
    clock = draw(st.sampled_from(CLOCKS))
    bare = names is None or separator == " "
    return Dress(
        separator=separator,
        decimal=draw(st.sampled_from(".,")) if may_comma and separator != " " else ".",
        encoding=draw(st.sampled_from(ENCODINGS)),
        end=draw(st.sampled_from(ENDS)),
        clock="seconds" if clock == "ms" and names is None else clock,
        names=names,
        missing=draw(st.sampled_from(PLAIN_MISSING if separator == " " else MISSING)),
        comment=draw(st.sampled_from(("", "#", "%", "//"))),
        row_names="" if names is None else draw(st.sampled_from(("", "named", "short"))),
        quotes=quotes,
        says_separator=separator != " " and draw(st.booleans()),
        percent="" if separator == " " else draw(st.sampled_from(("", "%", " %"))),
        above=() if separator == " " else draw(st.sampled_from(ABOVE)),
        labels=() if bare else draw(st.sampled_from(LABELS)),
        beside=not bare and draw(st.booleans()),
    )


def number(value: float, dress: Dress) -> str:
    """A value with the dress' decimal mark and minus."""
    return f"{value:.1f}".replace(".", dress.decimal).replace("-", dress.minus)


def time(seconds: float, dress: Dress) -> str:
    """A media position as the dress has it."""
    whole, tenth = int(seconds), round(10 * (seconds % 1))
    fraction = f"{dress.decimal}{tenth}"
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return {
        "seconds": number(seconds, dress),
        "ms": f"{1000 * seconds:.0f}",
        "h:mm:ss": f"{hours}:{minutes:02}:{rest:02}{fraction}",
        "1:2:3": f"{hours}:{minutes}:{rest}{fraction}",
        "m:ss": f"{whole // 60}:{rest:02}{fraction}",
    }[dress.clock]


def write(path: Path, t_s: Sequence[float], values: Sequence[float | None], dress: Dress) -> None:
    """The table of times and ratings, None where not rated."""
    rows = [
        [time(at, dress), dress.missing if v is None else number(v, dress) + dress.percent]
        for at, v in zip(t_s, values, strict=True)
    ]
    if dress.row_names:
        rows = [[str(n), *row] for n, row in enumerate(rows, 1)]
    if dress.beside:
        rows[1] = [*rows[1], "paused here"]
    head = list(dress.names or ())
    if dress.clock == "ms" and head:
        head[0] = "time_ms"
    first = [""] if dress.row_names == "named" else []
    heads = [[*first, *head]] if head else []
    heads += [["text"] * bool(dress.row_names) + list(label) for label in dress.labels]
    lines = [*dress.above, *(_line(row, dress) for row in heads)]
    lines += [_line(row, dress) for row in rows]
    if dress.comment:
        lines.insert(len(lines) - 2, f"{dress.comment} the rater sneezed")
        lines = [f"{dress.comment} rate: 2 Hz", *lines, f"{dress.comment} end"]
    if dress.says_separator:
        lines.insert(0, f"sep={dress.separator}")
    text = dress.end.join(lines) + dress.end
    path.write_bytes(text.encode(dress.encoding))


def _line(cells: Sequence[str], dress: Dress) -> str:
    quoted = [
        f'"{cell}"' if dress.quotes or dress.separator in cell or not cell else cell
        for cell in cells
    ]
    return dress.separator.join(quoted)
