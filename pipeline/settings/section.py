"""What every section of a profile is: strict, frozen, and checked against itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self, TypeVar

from pydantic import BaseModel, ConfigDict, model_validator


@dataclass(frozen=True, slots=True)
class Borrowed:
    """Marks a setting that another section owns: its value is that one's, in every profile."""

    owner: str
    """The section with the setting of this name."""


@dataclass(frozen=True, slots=True)
class ReadFrom:
    """Marks what is read from the file that another setting names."""

    named_by: str
    """Section and setting, e.g. ``language.lexicon``."""
    whole: bool = False
    """All lists of the file; otherwise the one of the setting's name."""


Mark = TypeVar("Mark", Borrowed, ReadFrom)


class Section(BaseModel):
    """Base of every section: unknown keys are refused, values are never coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    at_most: ClassVar[tuple[tuple[str, float, str], ...]] = ()
    """(setting, factor, other setting): the first is at most factor times the other."""

    @classmethod
    def marked(cls, kind: type[Mark]) -> dict[str, Mark]:
        """Settings that a profile does not give, by name: borrowed ones, or ones of a file."""
        return {
            name: mark
            for name, field in cls.model_fields.items()
            for mark in field.metadata
            if isinstance(mark, kind)
        }

    @model_validator(mode="after")
    def _fit_each_other(self) -> Self:
        for name, factor, other in self.at_most:
            value, limit = getattr(self, name), factor * getattr(self, other)
            if value > limit:
                raise ValueError(
                    f"{name} = {value:g}; allowed with {other} = {getattr(self, other):g}: "
                    f"at most {limit:g}"
                )
        return self
