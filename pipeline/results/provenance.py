"""What makes a stage's result what it is: the stage key, the environment, the record of a run."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import platform
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import tomlkit

from models.base import Fingerprint
from pipeline import __version__
from pipeline.media import recording
from pipeline.profile import Profile
from pipeline.settings.section import ReadFrom, Section
from pipeline.stage import Missing, Stage
from pipeline.tables import TABLES

KEY_LIBRARIES = (
    "numpy",
    "scipy",
    "librosa",
    "numba",
    "opencv-python",
    "av",
    "pyarrow",
    "matplotlib",
    "jinja2",
)
"""Their versions can change numbers, so they are part of every key; an engine states its own."""

_VERSIONS: dict[str, str] = {}


def stage_key(
    stage: Stage,
    *,
    session_id: str,
    settings: Section,
    inputs: Mapping[str, Any],
    engine: Fingerprint | Missing | None,
) -> str:
    """sha256 over everything that may change the stage's result, and nothing else.

    Parameters
    ----------
    inputs
        Upstream table name -> content hash, source section -> its values and file hashes.
    engine
        Fingerprint of the engine, or why there is none.
    """
    written = {name: TABLES[name].arrow_schema().to_string() for name in stage.writes}
    parts = {
        "stage": stage.name,
        "version": stage.version,
        "session": session_id,
        "settings": settings.model_dump(mode="json"),
        "inputs": dict(inputs),
        "engine": _engine_part(engine),
        "schema": written | {name: TABLES[name].version for name in stage.reads},
        "libraries": library_versions(),
        "decoding": recording.VERSION if "media" in stage.sources else None,
    }
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def typed_settings(settings: Section) -> dict[str, Any]:
    """A stage's settings, borrowed ones too, without the lists that other files hold."""
    return {
        name: value
        for name, value in settings.model_dump(mode="json").items()
        if name not in settings.marked(ReadFrom)
    }


def _engine_part(engine: Fingerprint | Missing | None) -> Any:
    """What of an engine decides its numbers; the sentence that explains an absence does not."""
    if isinstance(engine, Missing):
        return {"missing": engine.reason}
    return asdict(engine) if engine is not None else None


def library_versions() -> dict[str, str]:
    """Versions of the libraries that compute numbers."""
    if not _VERSIONS:
        _VERSIONS.update({name: _version(name) for name in KEY_LIBRARIES})
    return dict(_VERSIONS)


def environment() -> dict[str, str]:
    """Program, interpreter and libraries, for a run's record."""
    here = {
        "thinslice": __version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
    }
    return here | library_versions()


def new_run_id(now: dt.datetime) -> str:
    """Sortable and unique: ``20260302T020000-1f3a``."""
    return f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(2)}"


def run_record(run_id: str, profile: Profile, sessions: Mapping[str, Mapping[str, str]]) -> str:
    """The run as TOML: resolved profile, environment and, per session, stage -> key."""
    return tomlkit.dumps(
        {
            "run_id": run_id,
            "environment": environment(),
            "profile": profile.model_dump(mode="json"),
            "keys": sessions,
        }
    )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "absent"
