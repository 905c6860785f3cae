"""What every section of a profile is: strict, frozen, and checked against itself."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """Base of every section: unknown keys are refused, values are never coerced."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    at_most: ClassVar[tuple[tuple[str, float, str], ...]] = ()
    """(setting, factor, other setting): the first is at most factor times the other."""

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
