"""The floors of the house, drawn from the import contracts in pyproject.toml: docs/floors.svg."""

from __future__ import annotations

import ast
import textwrap
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

_LEFT = 104  # px, the column of the houses' names
_WIDTH = 880  # px, of the whole drawing
_GAP = 10  # px, round the drawing and between rooms
_LINE = 15  # px, from one line of text to the next
_CHAR = 5.7  # px, what a character of the small text takes
_NOTE = (
    "A room sees only the floors below its own: "
    "neither the rooms beside it nor, inside stages/, another stage."
)
_STYLE = """<style>
  .paper { fill: #ffffff } .room { fill: #f3f5f7; stroke: #8a94a0 } .house { stroke: #8a94a0 }
  text { font: 11.5px sans-serif; fill: #3a434d } .name { font: bold 13px monospace; fill: #12181f }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0f1419 } .room { fill: #1b232c; stroke: #667280 } .house { stroke: #667280 }
    text { fill: #c3ccd6 } .name { fill: #f2f5f8 }
  }
</style>"""


def houses() -> dict[str, list[list[str]]]:
    """Package -> its floors from the top down, each a list of rooms; no floors: one room."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    contracts = tomllib.loads(text)["tool"]["importlinter"]["contracts"]
    layered = [contract for contract in contracts if contract["type"] == "layers"]
    (packages,) = (c["layers"] for c in layered if "containers" not in c)
    inside = {c["containers"][0]: c["layers"] for c in layered if "containers" in c}
    return {
        package: [[room.strip() for room in floor.split("|")] for floor in inside.get(package, [])]
        for package in packages
    }


def drawing() -> str:
    """The SVG, in the colours the reader's screen is set to."""
    body, y = [], _GAP
    for package, floors in houses().items():
        top = y
        for rooms in floors or [[""]]:
            drawn, height = _floor(package, rooms, y)
            body += drawn
            y += height + _GAP
        body.append(f'<path class="house" d="M{_LEFT - 8} {top} V{y - _GAP}"/>')
        body.append(f'<text class="name" x="{_GAP}" y="{top + 17}">{package}/</text>')
    body.append(f'<text x="{_LEFT}" y="{y + 8}">{_NOTE}</text>')
    height = y + 8 + _GAP
    size = f'viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">'
    title = f"<title>Floors and rooms of the code</title><desc>{_NOTE}</desc>"
    paper = f'<rect class="paper" width="{_WIDTH}" height="{height}"/>'
    return "\n".join([head, title, _STYLE, paper, *body, "</svg>", ""])


def _floor(package: str, rooms: list[str], y: int) -> tuple[list[str], int]:
    """Boxes of one floor, and how high they are."""
    width = (_WIDTH - _LEFT - _GAP * len(rooms)) // len(rooms)
    paths = [ROOT / package / room for room in rooms]
    texts = [textwrap.wrap(_what_it_is(path), int((width - 16) / _CHAR)) for path in paths]
    names = [_shown(path) if room else "" for room, path in zip(rooms, paths, strict=True)]
    first = 17 if any(names) else 2
    height = first + 10 + _LINE * max(len(lines) for lines in texts)
    drawn = []
    for place, (name, lines) in enumerate(zip(names, texts, strict=True)):
        x = _LEFT + place * (width + _GAP)
        box = f'x="{x}" y="{y}" width="{width}" height="{height}" rx="4"'
        drawn.append(f'<rect class="room" {box}/>')
        if name:
            drawn.append(f'<text class="name" x="{x + 8}" y="{y + 17}">{name}</text>')
        for row, line in enumerate(lines, start=1):
            at = y + first + _LINE * row
            drawn.append(f'<text x="{x + 8}" y="{at}">{escape(line)}</text>')
    return drawn, height


def _shown(path: Path) -> str:
    """`face/` for a folder, `errors.py` for a module."""
    return f"{path.name}/" if path.is_dir() else f"{path.name}.py"


def _what_it_is(path: Path) -> str:
    """First sentence of a room's docstring."""
    module = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    written = ast.get_docstring(ast.parse(module.read_text(encoding="utf-8"))) or ""
    first = " ".join(written.split("\n\n")[0].split()).partition(". ")[0]
    return first.rstrip(".").replace("`", "")
