"""What `thinslice models` does."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from models.errors import EngineError, WeightTamperedError
from models.weights import catalog

EMBEDDED = (
    "silero-vad",
    "pyannote-segmentation-3",
    "campplus-voices",
    "mediapipe-face-detector-full",
    "mediapipe-face-detector-short",
    "mediapipe-face-mesh-468",
    "mediapipe-iris",
    "whisper-base",
)
"""What a bare machine needs; all from the package index, no account."""

STATE_WORDS = {"ready": "here", "missing": "not here", "tampered": "refused"}


def show(console: Console) -> None:
    """All weights with licence and state; the reason where one is refused."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("weight", "job", "licence", "state"):
        table.add_column(heading, overflow="fold")
    refused = []
    for entry in catalog.status():
        weight = entry.weight
        table.add_row(weight.name, weight.job, weight.licence, STATE_WORDS[entry.state])
        if entry.state == "tampered" and entry.reason:
            refused.append(entry.reason)
    console.print(table)
    for reason in refused:
        console.print(reason, style="bold", markup=False)
    console.print("get one with: thinslice models fetch NAME", highlight=False)


def fetch_all(names: list[str], console: Console) -> int:
    """Fetch each named weight that is not here; 1 if one could not be had."""
    from models.weights.fetch import fetch

    failed = 0
    for name in names or EMBEDDED:
        try:
            known = {entry.weight.name: entry for entry in catalog.status()}.get(name)
            if known and known.state == "ready":
                console.print(f"{name}: here", highlight=False)
                continue
            with console.status(f"{name}: fetching"):
                path = fetch(name)
            console.print(
                f"{name}: fetched to {path}", highlight=False, markup=False, soft_wrap=True
            )
        except EngineError as error:
            failed = 1
            console.print(f"{name}: {error}", highlight=False, markup=False, soft_wrap=True)
    return failed


def verify_all(console: Console) -> int:
    """Hash every weight that is here; 1 if one is not what the catalog pins."""
    try:
        for entry in catalog.verify():
            console.print(f"{entry.weight.name}: good", highlight=False)
    except WeightTamperedError as error:
        console.print(str(error), highlight=False, markup=False, soft_wrap=True)
        return 1
    return 0
