"""What `thinslice config check` says."""

from __future__ import annotations

from pathlib import Path

from pipeline.config import load_profile
from pipeline.session import load_session
from pipeline.settings import Profile


def check(path: Path) -> str:
    """One line if the file is good; raises `InputError` naming every fault if not."""
    if path.is_dir() or path.name == "session.toml":
        spec = load_session(path if path.is_dir() else path.parent)
        return f"{spec.id}: good; {len(spec.media)} media, {len(spec.ratings)} dials"
    load_profile(path)
    sections = ", ".join(Profile.model_fields)
    return f"{path.name}: good; sections {sections}"
