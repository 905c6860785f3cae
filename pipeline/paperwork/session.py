"""`session.toml`: what a recording folder says about itself, checked before anything is decoded.

The keys are a contract (README, "What goes in"); `session_toml` reads the file. An error names the
session, field, value, what is allowed and what to do.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from pipeline.paperwork.forms import form_fault
from pipeline.paperwork.ids import Pseudonym, normal
from pipeline.paperwork.papers import FileName
from pipeline.paperwork.session_media import MediaFile, Part, Role, check_microphones

SESSION_ID = re.compile(r"[A-Za-z0-9-]{3,32}")
RATERS: tuple[Role, ...] = get_args(Role)


class SessionFacts(Part):
    """[session]"""

    dyad: Pseudonym = Field(description="Pseudonym of the pair")
    number: int = Field(ge=1, le=100_000, description="Which session of this dyad")
    client: Pseudonym = Field(description="Pseudonym of the client")
    therapist: Pseudonym = Field(description="Pseudonym of the therapist")
    date: dt.date | None = Field(None, description="Day of the session")
    capture: Literal["in_room", "remote"] = Field("in_room", description="How it was recorded")
    first_speaker: Role | None = Field(None, description="Who speaks first, if a person knows")
    made_up: str = Field("", description="What of this session is synthetic; shown on the report")

    @model_validator(mode="after")
    def _two_people(self) -> SessionFacts:
        if normal(self.client) == normal(self.therapist):
            raise ValueError(
                f"client and therapist are both {self.therapist!r}; give each person a pseudonym"
            )
        return self


class RatingFile(Part):
    """[[ratings]]"""

    file: FileName
    rater: Role
    offset_s: float = Field(0.0, description="Media position of the rating's second 0")
    column: str | None = Field(None, description="Which column is the dial; DARMA: its axis")
    scale: list[float] | None = Field(
        None, description="The dial's own values for hindering and helpful, e.g. [1, 9]"
    )
    started_at: dt.datetime | dt.time | None = Field(
        None, description="Clock time at which the film was started, for files timed by a clock"
    )
    passes: Literal["later", "earlier"] | None = Field(
        None, description="Which rating of a moment counts where the rater rewound the film"
    )

    @field_validator("started_at", mode="before")
    @classmethod
    def _is_a_time(cls, value: Any) -> Any:
        if isinstance(value, str):
            raise ValueError(  # noqa: TRY004  (pydantic reports no other)
                "a time of TOML stands without quotes; e.g. started_at = 10:02:13"
            )
        return value

    @model_validator(mode="after")
    def _scale_has_two_ends(self) -> RatingFile:
        if self.scale is not None and (len(self.scale) != 2 or self.scale[0] == self.scale[1]):
            raise ValueError(
                f"scale = {self.scale}; allowed: two different numbers, what the dial shows for "
                "hindering and what it shows for helpful"
            )
        return self


class TranscriptFile(Part):
    """[transcript]"""

    file: FileName
    offset_s: float = 0.0
    speakers: dict[str, Role] = Field(
        default_factory=dict, description="Role of each person as the file calls them"
    )

    @field_validator("speakers", mode="before")
    @classmethod
    def _are_roles(cls, value: Any) -> Any:
        """A message of pydantic's would hold the name."""
        if not isinstance(value, dict) or any(role not in RATERS for role in value.values()):
            raise ValueError(
                'allowed: each name as the file writes it, and "client" or "therapist"; e.g. '
                'speakers = { "Speaker 1" = "therapist" }'
            )
        return value


class ReasonFile(Part):
    """[[reasons]]: why a rater rated stretches as they did, in that person's own words."""

    file: FileName
    rater: Role
    offset_s: float = Field(0.0, description="Media position of the file's second 0")


class GuessFile(Part):
    """[guesses]: the therapist's labels for stretches that the client's dial picked."""

    file: FileName
    blinded: bool = Field(description="The therapist had not seen the client's ratings")
    split_known: bool = Field(True, description="The therapist knew how many there are of each")
    offset_s: float = Field(0.0, description="Media position of the file's second 0")


class Form(Part):
    """[[forms]]: scores only, no item text."""

    instrument: Literal["ORS", "SRS", "WAI-SR"]
    by: Role
    total: float = Field(ge=0)
    max: float = Field(gt=0)
    goal: float | None = Field(None, ge=0, description="Subscale of the WAI-SR")
    task: float | None = Field(None, ge=0, description="Subscale of the WAI-SR")
    bond: float | None = Field(None, ge=0, description="Subscale of the WAI-SR")
    flag: str = Field("", description="What the form's own software flagged, word for word")

    @model_validator(mode="after")
    def _adds_up(self) -> Form:
        parts = [part for part in (self.goal, self.task, self.bond) if part is not None]
        fault = form_fault(self.instrument, self.total, self.max, parts)
        if fault:
            raise ValueError(fault)
        return self


class SessionSpec(Part):
    """One validated `session.toml`."""

    id: str
    session: SessionFacts
    media: list[MediaFile] = Field(min_length=1)
    ratings: list[RatingFile] = Field(default_factory=list)
    reasons: list[ReasonFile] = Field(default_factory=list)
    guesses: GuessFile | None = None
    transcript: TranscriptFile | None = None
    forms: list[Form] = Field(default_factory=list)

    @field_validator("id")
    @classmethod
    def _id_is_plain(cls, value: str) -> str:
        if not SESSION_ID.fullmatch(value):
            raise ValueError("a session id is 3-32 letters, digits or hyphens; rename the folder")
        return value

    @model_validator(mode="after")
    def _someone_is_heard(self) -> SessionSpec:
        check_microphones(self.media)
        raters = [part.rater for part in self.reasons]
        if len(set(raters)) != len(raters):
            raise ValueError("two [[reasons]] by the same rater; keep one file per rater")
        dials = [(part.rater, part.file) for part in self.ratings]
        for rater, file in dials:
            if dials.count((rater, file)) > 1:
                raise ValueError(
                    f"two [[ratings]] name {file!r} as the {rater}'s; keep one, or give the second "
                    "part of the rating its own file"
                )
        filled = [(form.instrument, form.by) for form in self.forms]
        for instrument, by in filled:
            if filled.count((instrument, by)) > 1:
                raise ValueError(f"two [[forms]] {instrument} by the {by}; keep this session's")
        return self

    @property
    def public_name(self) -> str:
        """`s-<hash8>`: how this session is called in logs and Prefect states."""
        return public_name(self.id)


def own_channels(spec: SessionSpec) -> tuple[Role, ...]:
    """Roles in the order of the audio channels, where each person wears a microphone of their own.

    Channels count through the files in the order of session.toml, parts of one recording once.
    Empty where both voices are on one recording.
    """
    roles = (role for part in spec.media for role in part.hears if role != "mixed")
    return tuple(dict.fromkeys(roles))


def public_name(session_id: str) -> str:
    """`s-<hash8>` of a session id, for everything outside the tables."""
    # a folder's name may hold bytes that are no text
    return "s-" + hashlib.sha256(session_id.encode(errors="surrogateescape")).hexdigest()[:8]


def named_files(spec: SessionSpec) -> list[str]:
    """Every file the spec names, in order."""
    singles = [part for part in (spec.guesses, spec.transcript) if part]
    return [part.file for part in (*spec.media, *spec.ratings, *spec.reasons, *singles)]
