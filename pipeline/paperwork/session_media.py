"""`[[media]]` of session.toml: who is heard and shown by which file, and which are parts of one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pipeline.paperwork.papers import FileName

Role = Literal["client", "therapist"]
_NUMBER = re.compile(r"(\d{1,30})", re.ASCII)  # of a file's name; longer ones are read in pieces
OFFSET_MAX_S = 21_600.0
"""Two recorders that were started more than six hours apart did not record one session."""


class Part(BaseModel):
    """What every section of session.toml keeps to."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class MediaFile(Part):
    """[[media]]"""

    file: FileName
    hears: list[Literal["mixed", "client", "therapist"]] = Field(default_factory=list)
    shows: list[Role] = Field(default_factory=list)
    regions: dict[Role, list[float]] = Field(
        default_factory=dict,
        description="Where in the picture a role sits: left, top, width, height as shares of it",
    )
    offset_s: float | None = Field(
        None,
        ge=-OFFSET_MAX_S,
        le=OFFSET_MAX_S,
        description="Session time of the file's first sample; not given: see README",
    )

    @model_validator(mode="after")
    def _regions_lie_in_the_picture(self) -> MediaFile:
        for role, region in self.regions.items():
            _check_region(self, role, region)
        return self


def continues(first: MediaFile, second: MediaFile) -> bool:
    """Whether `second` is the next part of the recording `first` is a part of, by all they say.

    They hear and show the same, and their names differ in one number, which goes up.
    """
    if (first.hears, first.shows) != (second.hears, second.shows):
        return False
    names = [_NUMBER.split(part.file.casefold()) for part in (first, second)]
    if len(names[0]) != len(names[1]) or names[0][::2] != names[1][::2]:
        return False
    counted = zip(names[0][1::2], names[1][1::2], strict=True)
    changed = [(int(one), int(other)) for one, other in counted if int(one) != int(other)]
    return len(changed) == 1 and changed[0][0] < changed[0][1]


def check_microphones(media: Sequence[MediaFile]) -> None:
    """Either recordings that hear both voices, or exactly one channel for each person."""
    heard = [(role, part) for part in media for role in part.hears]
    if not heard:
        raise ValueError('no [[media]] has `hears`; give e.g. hears = ["mixed"]')
    named = {role: [part.file for other, part in heard if other == role] for role, _ in heard}
    for part in media:
        if len(set(part.hears)) != len(part.hears):
            raise ValueError(
                f"{part.file}: hears = {part.hears} names the same twice; allowed: "
                '["mixed"] whatever its channels, or each role once'
            )
    if "mixed" in named and len(named) > 1:
        own = next(f"{part.file} hears the {role}" for role, part in heard if role != "mixed")
        raise ValueError(
            f"{named['mixed'][0]} hears both voices mixed, but {own}; give either the mixed "
            "recording or one microphone for each person, and take `hears` from the others"
        )
    _check_parts(media)
    if "mixed" in named:
        return
    if len(named) == 1:
        role, part = heard[0]
        other = "therapist" if role == "client" else "client"
        raise ValueError(
            f"{part.file} hears the {role} only, and nobody hears the {other}; name the "
            f'{other}\'s recording too, or write hears = ["mixed"] if both are on this one'
        )


def _check_parts(media: Sequence[MediaFile]) -> None:
    """Files that hear the same say when they begin, or are plainly parts of one recording."""
    hearing = [part for part in media if part.hears]
    for index, part in enumerate(hearing):
        before = [one for one in hearing[:index] if set(one.hears) & set(part.hears)]
        if not before:
            continue
        last = before[-1]
        if last.hears != part.hears:
            twice = next(role for role in part.hears if role in last.hears)
            raise ValueError(
                f"the {twice} is heard twice, in {last.file} and in {part.file}; write the same "
                "`hears` for every part of one recording, or keep the better file"
            )
        at_once = last.hears == ["mixed"] and last.shows != part.shows  # a camera and a recorder
        if part.offset_s is None and not at_once and not continues(last, part):
            raise ValueError(
                f"{last.file} and {part.file} hear the same, {part.hears}, and nothing says when "
                f"{part.file} begins; if one goes on where the other ends, give {part.file} its "
                "offset_s in seconds, or names that count upwards in the order written; if both "
                "ran at the same time, keep the better one"
            )


def _check_region(part: MediaFile, role: Role, region: list[float]) -> None:
    """A region belongs to somebody on screen and lies inside the picture."""
    given = f"regions.{role} = {region}"
    if role not in part.shows:
        raise ValueError(
            f"{given}, but `shows` of {part.file} is {part.shows}; give regions only of roles it "
            f"names, or add {role!r} to it"
        )
    if len(region) != 4:
        raise ValueError(f"{given}; allowed: four numbers, left, top, width and height")
    left, top, width, height = region
    if min(left, top) < 0 or min(width, height) <= 0 or max(left + width, top + height) > 1 + 1e-9:
        raise ValueError(
            f"{given} of {part.file}; allowed: shares of the picture, 0..1, with left + width and "
            "top + height at most 1 and width and height above 0"
        )
