"""Which moments are proposed: one module per rule, and the list of them.

The list is all that others read. A new rule is its module and a line here; docs/extending/rule.md
writes one.
"""

from __future__ import annotations

from typing import Any

from pipeline.rules.r1_lowest_rated import RULE as LOWEST_RATED
from pipeline.rules.r2_highest_rated import RULE as HIGHEST_RATED
from pipeline.rules.r3_ratings_apart import RULE as RATINGS_APART
from pipeline.rules.r4_late_replies import RULE as LATE_REPLIES
from pipeline.rules.r5_brief_replies import RULE as BRIEF_REPLIES
from pipeline.rules.r6_several_cues import RULE as SEVERAL_CUES
from pipeline.rules.r7_slower_speech import RULE as SLOWER_SPEECH
from pipeline.rules.r8_long_holds import RULE as LONG_HOLDS
from pipeline.rules.r9_directives import RULE as DIRECTIVES
from pipeline.rules.r10_long_silences import RULE as LONG_SILENCES
from pipeline.rules.rule import Rule

RULES: tuple[Rule[Any], ...] = (
    LOWEST_RATED,
    HIGHEST_RATED,
    RATINGS_APART,
    LATE_REPLIES,
    BRIEF_REPLIES,
    SEVERAL_CUES,
    SLOWER_SPEECH,
    LONG_HOLDS,
    DIRECTIVES,
    LONG_SILENCES,
)
"""In the order in which pages name them."""
BY_ID = {rule.id: rule for rule in RULES}
