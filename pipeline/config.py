"""A run's profile: `configs/default.toml`, overridden by the file a person names, checked.

An unknown key or a value out of range is refused with a sentence; see `pipeline.settings`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
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
from pipeline.settings.section import Borrowed, ReadFrom

CONFIGS = Path(__file__).resolve().parents[1] / "configs"


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
    profile = _validate(settings, where)
    if faults := [*_given_elsewhere(settings, profile)]:
        raise ConfigError(f"{where.name}: {all_told(faults)}")
    files = {
        "language.lexicon": _lexicon(profile, where),
        "report.causes": _everyday_reasons(profile),
    }
    for name in Profile.model_fields:
        read = {
            setting: files[mark.named_by]
            if mark.whole
            else phrases_named(files[mark.named_by], setting)
            for setting, mark in profile.section(name).marked(ReadFrom).items()
        }
        profile = _filled(profile, name, **read)
    return profile


def _given_elsewhere(settings: Mapping[str, Any], profile: Profile) -> Iterator[str]:
    """What a profile gives although it is another section's, or stands in a file of its own."""
    for name, given in settings.items():
        section = profile.section(name)
        for setting, loan in section.marked(Borrowed).items():
            if setting in given:
                yield (
                    f"{name}.{setting} = {given[setting]!r}: it is [{loan.owner}]'s and has that "
                    f"one's value, {getattr(section, setting)!r}; delete this line, and give "
                    f"{setting} under [{loan.owner}] alone"
                )
        for setting, mark in section.marked(ReadFrom).items():
            if setting in given:
                yield (
                    f"{name}.{setting} cannot be given in a profile: it is read from the file that "
                    f"{mark.named_by} names; copy that file and name the copy"
                )


def _everyday_reasons(profile: Profile) -> dict[str, list[str]]:
    """What the rules declare; the file may name other reasons for a rule, and names the cues'."""
    of_rules = {name: own for rule in RULES for name, own in rule.everyday_reasons().items()}
    return of_rules | _phrase_lists(CONFIGS / profile.report.causes, "report.causes")


def _lexicon(profile: Profile, where: Path) -> dict[str, list[str]]:
    """The phrase lists, which must be of the language that is spoken."""
    path = CONFIGS / profile.language.lexicon
    lists = _read_toml(path, "language.lexicon")
    of, spoken = lists.pop("language", None), profile.transcribe.language
    if not isinstance(of, str):
        raise ConfigError(
            f'{path.name}: it does not say of which language it is; add the line language = "en", '
            "or another two letters of ISO 639-1, before its lists"
        )
    if of != spoken:
        raise ConfigError(
            f"{where.name}: transcribe.language = {spoken!r}, but language.lexicon = {path.name!r} "
            f"holds phrases of {of!r}, which would be looked for in vain and counted as never "
            f"said; allowed: both the same. Copy {path.name} inside {CONFIGS.name}/, translate its "
            f'lists, write language = "{spoken}" in it, and name the copy in language.lexicon'
        )
    return _lists_checked(lists, path)


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
    return _lists_checked(_read_toml(path, named_by), path)


def _lists_checked(lists: dict[str, Any], path: Path) -> dict[str, list[str]]:
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
