"""Columns of `windows` that are counted from the turns, each by a function of its own.

A new one is its declaration in `pipeline.tables.windows`, its function and a line below;
docs/extending/feature.md writes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pipeline.align.words import minimal_replies, questions
from pipeline.spans import Floats, Windows

COUNTED: dict[str, Callable[[Sequence[dict[str, Any]], Windows], Floats]] = {
    "question_count": questions,
    "client_replies_minimal": minimal_replies,
}
"""Column -> its whole numbers from rows of `turns` in time order; NaN where they are not known."""
