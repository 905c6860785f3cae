"""Citations and references match, both ways."""

from __future__ import annotations

import re

from pipeline import tables
from pipeline.page.wording import scan
from pipeline.stages import report
from pipeline.study import methods as study_methods
from pipeline.tables.sources import SOURCES, references

STAGE_NAMES = {
    "agreement", "align", "candidates", "diarize", "face", "ingest", "landmarks", "language",
    "movement", "prosody", "ratings", "roles", "study", "transcribe", "turns",
}  # fmt: skip
EVERY_TABLE = (*tables.TABLES.values(), *tables.STUDY_TABLES.values())
DECLARED = [one for t in EVERY_TABLE for one in (*t.columns, *t.figures)]
CITED = {one.source for one in DECLARED} | set(study_methods.METHOD_SOURCES)


def test_every_cited_key_exists() -> None:
    assert CITED - STAGE_NAMES - set(SOURCES) == set()
    assert set(report.METHOD_SOURCES) - set(SOURCES) == set()


def test_every_source_is_cited() -> None:
    assert set(SOURCES) - CITED - set(report.METHOD_SOURCES) == set()


def test_keys_doi_and_years_are_well_formed() -> None:
    for key, source in SOURCES.items():
        assert source.key == key
        assert re.fullmatch(r"[a-z]+(\d{4}[a-z0-9]*)?", key)
        assert not source.doi or re.fullmatch(r"10\.\d{4,9}/\S+", source.doi)
        year = re.search(r"\d{4}", key)
        assert year is None or key == "delooze2010" or year.group() in source.text
        assert scan(source.text) == []


def test_references_are_unique_sorted_and_without_stages() -> None:
    listed = references(["zhang2017", "ingest", "cohen2024", "zhang2017"])
    assert [source.key for source in listed] == ["cohen2024", "zhang2017"]
    assert listed[0].link == "https://doi.org/10.1016/j.psychres.2024.116104"
