"""Every rule of the list declares what others take from it, and is named after its id."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline import tables
from pipeline.page.colours import RULE_COLOURS
from pipeline.page.wording import scan
from pipeline.profile import Profile
from pipeline.rules import RULES
from pipeline.rules.rule import Rule
from pipeline.rules.section import thresholds_of
from pipeline.tables.rules import RULE_IDS

each = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)


def test_every_module_of_a_rule_is_in_the_list() -> None:
    assert tuple(rule.id for rule in RULES) == RULE_IDS
    assert [rule.find.__module__.split(".")[-1].partition("_")[0].upper() for rule in RULES] == [
        rule.id for rule in RULES
    ]


@each
def test_what_it_needs_is_declared(rule: Rule[Any]) -> None:
    for name, columns in rule.needs.items():
        assert set(columns) <= set(tables.TABLES[name].by_name), name


@each
def test_it_reads_nothing_that_it_does_not_need(rule: Rule[Any]) -> None:
    """On empty tables as on full ones it is handed those columns alone, see `Rule.given`."""
    profile = Profile()
    given = rule.given({name: tables.TABLES[name].empty() for name in tables.TABLES})
    assert {name: tuple(table.column_names) for name, table in given.items()} == dict(rule.needs)
    own = thresholds_of(rule, profile.candidates)
    assert rule.unapplied(given, profile.candidates, own) is not None
    assert rule.find(given, profile.candidates, own) == []


@each
def test_its_words_are_there_and_keep_the_contract(rule: Rule[Any]) -> None:
    texts = (rule.name, rule.kind, rule.looks_for, rule.chance, *rule.reasons, *rule.reasons_remote)
    assert all(text == text.strip(" .") for text in texts)
    assert rule.reasons
    assert scan(" | ".join(texts)) == []
    assert RULE_COLOURS[rule.id]


def test_a_rule_left_out_keeps_its_section_and_others_have_none() -> None:
    sections = {rule.id for rule in RULES if rule.thresholds.model_fields}
    assert sections == set(type(Profile().candidates).model_fields) & set(RULE_IDS)
