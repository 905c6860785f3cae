"""What `thinslice config check` says."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import load_profile
from pipeline.errors import InputError, SessionError
from pipeline.session import named_files
from pipeline.session_toml import load_session
from pipeline.settings import Profile


def check(path: Path) -> str:
    """One line if the file is good; raises `InputError` naming every fault if not."""
    if not path.exists():
        raise InputError(f"no file or folder {path}; give a session's folder or a profile")
    if path.is_dir() or path.name == "session.toml":
        return _check_session(path if path.is_dir() else path.resolve().parent)
    load_profile(path)
    sections = ", ".join(Profile.model_fields)
    return f"{path.name}: good; sections {sections}"


def _check_session(folder: Path) -> str:
    spec = load_session(folder)
    empty = [file for file in named_files(spec) if not (folder / file).stat().st_size]
    if empty:
        raise SessionError(
            f"session {spec.id}: {', '.join(empty)}: 0 bytes, nothing is in it; copy it again"
        )
    return (
        f"{spec.id}: session.toml is good; {len(spec.media)} media, {len(spec.ratings)} dials, "
        "which are not opened"
    )
