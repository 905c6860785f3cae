"""The section `[candidates]` of a profile: what all rules share, and a section for each of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, create_model

from pipeline.rules import BY_ID, RULES
from pipeline.rules.rule import Rule, Thresholds
from pipeline.settings import SharedSettings

if TYPE_CHECKING:

    class CandidatesSettings(SharedSettings):
        """Which moments are proposed (METHODS: Candidates)."""

else:  # made from the list of rules: a rule brings its section along
    _IDS = tuple(BY_ID)
    CandidatesSettings = create_model(
        "CandidatesSettings",
        __base__=SharedSettings,
        __doc__=SharedSettings.__doc__,
        rules=(list[Literal[_IDS]], Field(default=list(_IDS), description="Rules that run")),
        **{
            rule.id: (rule.thresholds, rule.thresholds())
            for rule in RULES
            if rule.thresholds.model_fields
        },
    )


def thresholds_of(rule: Rule[Thresholds], settings: CandidatesSettings) -> Thresholds:
    """The rule's own section."""
    found = getattr(settings, rule.id, None) or rule.thresholds()
    assert isinstance(found, rule.thresholds)
    return found
