"""A run's profile: `configs/default.toml`, overridden by the file a person names, checked.

An unknown key or a value out of range is refused with a sentence; see `pipeline.settings`.
"""

from __future__ import annotations

import json
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Any

from pydantic import ValidationError

from pipeline.errors import ConfigError
from pipeline.language.lexicon import phrases_named
from pipeline.paperwork.complaints import all_told, complaint, not_utf8
from pipeline.paperwork.papers import MOST_TOML_BYTES, paper, toml_of
from pipeline.profile import Profile
from pipeline.rules import RULES

CONFIGS = Path(__file__).resolve().parents[1] / "configs"

FROM_LEXICON = (
    ("turns", "acknowledgements"),
    ("turns", "unfinished_endings"),
    ("roles", "first_person"),
    ("roles", "second_person"),
)
"""Section and setting whose list is the lexicon's of the same name."""
FILLED = (
    *FROM_LEXICON,
    ("transcribe", "spoken_style"),
    ("language", "phrases"),
    ("report", "innocent_causes"),
)
"""Section and setting that a file of phrases holds, never a profile."""


def load_profile(path: Path | None = None) -> Profile:
    """The default profile, overridden by the one at `path`.

    Raises
    ------
    ConfigError
        The file is missing, not TOML, or holds an unknown key or a value out of range.
    """
    return _load(path or CONFIGS / "default.toml")


@paper(ConfigError, most_bytes=MOST_TOML_BYTES)
def _load(where: Path) -> Profile:
    settings = _merge(_read_toml(CONFIGS / "default.toml"), _read_toml(where))
    for section, name in FILLED:
        if name in settings.get(section, {}):
            raise ConfigError(
                f"{where.name}: {section}.{name} cannot be given in a profile; "
                "copy the file it is read from and name the copy"
            )
    profile = _validate(settings, where)
    phrases = _phrase_lists(CONFIGS / profile.language.lexicon, "language.lexicon")
    profile = _filled(profile, "language", phrases=phrases)
    for section, name in FROM_LEXICON:
        profile = _filled(profile, section, **{name: phrases_named(phrases, name)})
    style = phrases.get(f"spoken_style_{profile.transcribe.language}", [])
    profile = _filled(profile, "transcribe", spoken_style=style)
    return _filled(profile, "report", innocent_causes=_everyday_reasons(profile))


def _everyday_reasons(profile: Profile) -> dict[str, list[str]]:
    """What the rules declare; the file may name other reasons for a rule, and names the cues'."""
    of_rules = {name: own for rule in RULES for name, own in rule.everyday_reasons().items()}
    return of_rules | _phrase_lists(CONFIGS / profile.report.causes, "report.causes")


def _filled(profile: Profile, section: str, **lists: Any) -> Profile:
    """The profile with lists that a file of their own holds."""
    return profile.model_copy(update={section: profile.section(section).model_copy(update=lists)})


def _validate(settings: dict[str, Any], where: Path) -> Profile:
    try:
        return Profile.model_validate_json(json.dumps(settings, default=str))
    except ValidationError as error:
        lines = (_complaint(problem) for problem in error.errors())
        raise ConfigError(f"{where.name}: {all_told(lines)}") from error


def _complaint(problem: Any) -> str:
    if problem["type"] == "value_error":  # two settings of a section that do not fit each other
        place = ".".join(str(part) for part in problem["loc"])
        return f"{place}.{problem['ctx']['error']}"
    return complaint(problem, Profile, "a setting")


def _read_toml(path: Path, named_by: str = "") -> dict[str, Any]:
    try:
        return toml_of(path)
    except FileNotFoundError as error:
        if named_by:
            raise ConfigError(
                f"{named_by} = {path.name!r}: no such file in {CONFIGS.name}/; put your copy there"
            ) from error
        raise ConfigError(f"no profile {path}; ready-made ones lie in configs/") from error
    except UnicodeDecodeError as error:
        raise ConfigError(not_utf8(path.name, error)) from error
    except TOMLDecodeError as error:
        raise ConfigError(f"{path.name} is not TOML: {error}; mend that place") from error
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}; name a file that can be read") from error


def _phrase_lists(path: Path, named_by: str) -> dict[str, list[str]]:
    lists = _read_toml(path, named_by)
    for name, phrases in lists.items():
        if not (isinstance(phrases, list) and all(isinstance(p, str) for p in phrases)):
            raise ConfigError(f"{path.name}: {name} must be a list of phrases")
    return lists


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in over.items():
        nested = isinstance(value, dict) and isinstance(merged.get(name), dict)
        merged[name] = _merge(merged[name], value) if nested else value
    return merged
