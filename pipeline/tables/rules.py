"""The ids of the rules, as levels of the tables that name them."""

from __future__ import annotations

import re
from pathlib import Path

_MODULES = (Path(__file__).parents[1] / "rules").glob("r*_*.py")
RULE_IDS = tuple(
    sorted(
        (found[1].upper() for path in _MODULES if (found := re.match(r"(r\d+)_", path.name))),
        key=lambda name: int(name[1:]),
    )
)
"""From the names of the rules' modules: the tables lie below the rules and cannot import them, and
a second list would have to be kept in step with `pipeline.rules.RULES`."""
