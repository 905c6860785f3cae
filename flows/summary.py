"""The morning summary: every session done, failed or held back, each with one plain sentence."""

from __future__ import annotations

import calendar
import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from rich.console import Console
from rich.table import Table
from rich.text import Text

from flows.prepare import Outcome, Work
from pipeline.files import write_atomically
from pipeline.page.wording import PROMPT
from pipeline.stage import Absence

STATE_WORDS = {
    "done": "done",
    "done_with_faults": "done with faults",
    "failed": "failed",
    "held_back": "held back",
}
_TEMPLATE = Environment(
    loader=FileSystemLoader(Path(__file__).parent),
    autoescape=True,
    undefined=StrictUndefined,
    keep_trailing_newline=True,
).get_template("summary.html.j2")


def exit_code(work: Work, *, asked_for_sessions: bool) -> int:
    """0 all done (a night that held sessions back included), 3 `run` held back.

    1 where some failed, or are done with faults.

    2 where every session was refused for what its files say, and nothing started.
    """
    states = {outcome.state for outcome in work.outcomes.values()}
    if states == {"failed"} and not work.jobs:
        return 2
    if states & {"failed", "done_with_faults"}:
        return 1
    if asked_for_sessions and "held_back" in states:
        return 3
    return 0


def as_data(work: Work) -> dict[str, Any]:
    """The summary as plain data, for `--json`."""
    return {
        "run": work.run_id,
        "output": str(work.output.root),
        "sessions": [
            {
                "session": outcome.session_id,
                "public_name": outcome.session,
                "state": outcome.state,
                "sentence": outcome.sentence,
                "told": work.told.get(outcome.session, []),
                "absent": [
                    {"modality": a.modality, "reason": a.reason, "sentence": a.sentence}
                    | {"remedy": a.remedy}
                    for a in outcome.absences
                ],
                "stages_run": outcome.stages_run,
                "stages_found": outcome.stages_found,
                "seconds": round(outcome.seconds, 1),
                "report": str(outcome.report) if outcome.report else None,
            }
            for outcome in _ordered(work)
        ],
        "notes": work.notes,
    }


def show(work: Work, console: Console) -> None:
    """The summary on a terminal."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("session", "state", "stages", "time", "what to know"):
        table.add_column(heading, overflow="fold")
    for outcome in _ordered(work):
        cells = (
            outcome.session_id,
            STATE_WORDS[outcome.state],
            f"{outcome.stages_run} run, {outcome.stages_found} found"
            if outcome.stages_run or outcome.stages_found
            else "",
            f"{outcome.seconds:.0f} s" if outcome.stages_run else "",
            "\n".join(_notes(outcome, work)),
        )
        table.add_row(*map(Text, cells))  # sentences hold [brackets], which rich reads as markup
    console.print(table)
    for outcome in _ordered(work):
        if outcome.report:
            console.print(Text(f"report {outcome.report}"), soft_wrap=True)
    for note in work.notes:
        console.print(Text(note))
    console.print(Text(f"{counts_of(_states(work))}   tables {work.output.root}/latest/*/"))


def as_markdown(work: Work) -> str:
    """The summary for Prefect's artifact: public names and reasons only."""
    lines = [f"**{counts_of(_states(work))}**", "", "| session | state | absent |", "|---|---|---|"]
    lines += [
        f"| {outcome.session} | {STATE_WORDS[outcome.state]} | "
        f"{', '.join(f'{a.modality} ({a.reason})' for a in outcome.absences) or '-'} |"
        for outcome in _ordered(work)
    ]
    return "\n".join(lines)


def write_summary(work: Work) -> None:
    """`summary.json` and `summary.html` in the run's folder; withdrawal removes them."""
    folder = work.output.run_folder(work.run_id)
    folder.mkdir(parents=True, exist_ok=True)
    page = _TEMPLATE.render(
        night=_night(work.run_id),
        run=work.run_id,
        counts=counts_of(_states(work)),
        notes=work.notes,
        rows=[_row(outcome, work) for outcome in _ordered(work)],
        caption=PROMPT,
    )
    write_atomically(folder / "summary.html", page.encode())
    data = json.dumps(as_data(work), indent=1, ensure_ascii=False) + "\n"
    write_atomically(folder / "summary.json", data.encode())


def _row(outcome: Outcome, work: Work) -> dict[str, Any]:
    """One line of the page; a link to what this run shows of the session, if it has a report."""
    view = work.output.view(work.run_id, outcome.session_id).name if outcome.report else None
    return {
        "session": outcome.session_id,
        "page": view and f"{quote(view, safe='=')}/report.html",
        "state": outcome.state,
        "words": STATE_WORDS[outcome.state],
        "notes": _notes(outcome, work),
    }


def _night(run_id: str) -> str:
    """``20261122T164748-a26d`` as ``22 November 2026``."""
    day = dt.date.fromisoformat(run_id.partition("T")[0])
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def _ordered(work: Work) -> list[Outcome]:
    return sorted(work.outcomes.values(), key=lambda outcome: outcome.session_id)


def _notes(outcome: Outcome, work: Work) -> list[str]:
    absent = [
        f"{_what(a)} ({a.reason}): {a.sentence} {a.remedy}".rstrip() for a in outcome.absences
    ]
    said = [outcome.sentence] if outcome.sentence else []
    return said + work.told.get(outcome.session, []) + absent


def _what(absence: Absence) -> str:
    """A number of voices other than two is nothing absent."""
    return absence.modality if absence.modality == "voices" else f"{absence.modality} absent"


def counts_of(states: Iterable[str]) -> str:
    """How many sessions ended how, e.g. ``3 done, 1 failed``."""
    states = list(states)
    parts = [f"{states.count(s)} {STATE_WORDS[s]}" for s in STATE_WORDS if s in states]
    return ", ".join(parts) or "no sessions"


def _states(work: Work) -> list[str]:
    return [outcome.state for outcome in work.outcomes.values()]
