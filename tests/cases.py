"""Every small input beside the project: what it gave, what it gives, what is right.

    python -m tests.cases          (or `make cases`; exits 1 where one is not right)

The inputs are named in the README beside them, whose table says what each gave when it was found.
"""

from __future__ import annotations

import re
import sys

from rich.console import Console
from rich.table import Table

from tests import cases_dials, cases_media, cases_transcripts

CASES = cases_dials.CASES
CONTROLS = {"n13-upright"}
"""The right side of another case's comparison."""


def first_results(readme: str) -> dict[str, str]:
    """Short name of a case (``t02``) -> what it gave when it was found."""
    found = {}
    for line in readme.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3:
            names = re.findall(r"[dkmnt]\d\d[a-z]?", cells[0])
            found |= dict.fromkeys(names, cells[1])
    return found


def main() -> int:
    """Print the table; 1 if a case is not right or was not looked at."""
    if not CASES.is_dir():
        print("small inputs absent: set THINSLICE_CASES")
        return 0
    before = first_results((CASES / "README.md").read_text(encoding="utf-8"))
    table = Table(title="small inputs", title_justify="left", box=None, pad_edge=False)
    for heading in ("case", "when found", "now", "right", ""):
        table.add_column(heading, overflow="fold")
    rows = [*cases_transcripts.rows(CASES), *cases_media.rows(), *cases_dials.rows()]
    for case, found, right, ok in rows:
        first = before.get(case.split("-")[0], "right")
        table.add_row(case, first, found, right, "right" if ok else "WRONG", end_section=False)
    Console(width=160, markup=False, highlight=False).print(table)
    unseen = {path.name for path in CASES.iterdir() if path.is_dir()} - CONTROLS
    unseen -= {row[0] for row in rows}
    wrong = [row[0] for row in rows if not row[-1]]
    print(f"{len(rows)} cases, {len(wrong)} wrong {wrong}; not looked at: {sorted(unseen)}")
    return 1 if wrong or unseen else 0


if __name__ == "__main__":
    sys.exit(main())
