"""The pages in docs/extending, run: a tree with their code in it gives what they say it gives.

A block with a path is a new file, or with `diff` a change of one; a block of Python without a path
is run in a copy of the tree that has those changes and no others; the block of text after it is
what it prints.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT

PAGES = sorted((ROOT / "docs" / "extending").glob("*.md"))
TREE = ("pipeline", "flows", "models", "configs", "docs")
MAKE_DOCS = "import runpy; runpy.run_module('flows.dictionary', run_name='__main__')\n"
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
STATED = re.compile(r"\A# .*: touches (\d) files?\n")
A_PAGE = 110
"""Lines, code and what it prints included."""


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    kind: str
    path: str
    text: str


def blocks(page: Path) -> list[Block]:
    return [Block(*found.groups(default="")) for found in BLOCK.finditer(page.read_text("utf-8"))]


def changed(before: str, hunk: str) -> str:
    """`before` with one hunk applied; its unchanged and removed lines must stand there once."""
    lines = [(line[:1], line[1:]) for line in hunk.splitlines()]
    old, new = ("\n".join(text for sign, text in lines if sign != gone) for gone in "+-")
    assert before.count(old) == 1, f"not there, or more than once:\n{old}"
    return before.replace(old, new)


def apply(block: Block, tree: Path) -> None:
    path = tree / block.path
    if block.kind == "diff":
        text = path.read_text("utf-8")
        for hunk in block.text.split("@@\n"):
            text = changed(text, hunk)
        path.write_text(text, encoding="utf-8")
    else:
        assert not path.exists(), f"{block.path} is there already: show it as a change"
        path.write_text(block.text, encoding="utf-8")


def printed(code: str, tree: Path) -> str:
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tree, env=environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in TREE:
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)  # the floors are drawn from it
    return tmp_path


def test_there_is_a_page_for_each_kind_of_addition() -> None:
    kinds = {"rule", "feature", "diarizer", "export", "language"}
    assert {page.stem for page in PAGES} == kinds


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_is_all_that_an_addition_takes(page: Path, tree: Path) -> None:
    found = blocks(page)
    files = {block.path for block in found if block.path}
    stated = STATED.match(page.read_text("utf-8"))
    assert stated, "the title says how many files it touches"
    assert len(files) == int(stated[1]), files
    for block in found:
        if block.path:
            apply(block, tree)
    code, *_ = (block.text for block in found if block.kind == "python" and not block.path)
    told, *_ = (block.text for block in found if block.kind == "text")
    assert printed(MAKE_DOCS * ("`make docs`" in page.read_text("utf-8")) + code, tree) == told


def test_pages_are_short_and_give_nothing_without_their_files() -> None:
    lines = ["import contextlib, io"]
    for page in PAGES:
        assert len(page.read_text("utf-8").splitlines()) <= A_PAGE, page.name
        code = next(b.text for b in blocks(page) if b.kind == "python" and not b.path)
        told = next(b.text for b in blocks(page) if b.kind == "text")
        lines += [
            "out = io.StringIO()",
            "with contextlib.suppress(Exception), contextlib.redirect_stdout(out):",
            f"    exec({code!r}, {{}})",
            f"assert out.getvalue() != {told!r}, {page.stem!r}",
        ]
    printed("\n".join(lines), ROOT)
