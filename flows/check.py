"""What `thinslice config check` says."""

from __future__ import annotations

from pathlib import Path

from flows.engines import check_engines
from pipeline.config import load_profile
from pipeline.errors import InputError, MediaError, SessionError
from pipeline.media.container import listed
from pipeline.paperwork.session import SessionSpec, named_files
from pipeline.paperwork.session_media import continues
from pipeline.paperwork.session_toml import load_session
from pipeline.profile import Profile


def check(path: Path) -> str:
    """What the file holds if it is good; raises `InputError` naming every fault if not."""
    if not path.exists():
        raise InputError(f"no file or folder {path}; give a session's folder or a profile")
    if path.is_dir() or path.name == "session.toml":
        return _check_session(path if path.is_dir() else path.resolve().parent)
    check_engines(load_profile(path))
    sections = ", ".join(Profile.model_fields)
    return f"{path.name}: good; sections {sections}"


def _check_session(folder: Path) -> str:
    spec = load_session(folder)
    empty = [file for file in named_files(spec) if not (folder / file).stat().st_size]
    if empty:
        raise SessionError(
            f"session {spec.id}: {', '.join(empty)}: 0 bytes, nothing is in it; copy it again"
        )
    good = (
        f"{spec.id}: session.toml is good; {len(spec.media)} media, of which headers alone are "
        f"read, {len(spec.ratings)} dials, which are not opened"
    )
    return "\n".join([good, *(_held(folder, spec, media) for media in range(len(spec.media)))])


def _held(folder: Path, spec: SessionSpec, media: int) -> str:
    """One file: what session.toml says of it, and what streams its header names."""
    part = spec.media[media]
    said = f"hears {part.hears}" if part.hears else "not named in hears"
    before = [i for i in range(media) if continues(spec.media[i], part)]
    if part.offset_s is not None:
        begins = f"begins at {part.offset_s:g} s"
    elif before:
        begins = f"assumed to begin where {spec.media[before[-1]].file} ends"
    else:
        begins = "assumed to begin at 0 s"
    head = f"  {part.file}: {said}, shows {part.shows}, {begins}"
    try:
        return "\n".join([head, *(f"    {line}" for line in listed(folder / part.file))])
    except MediaError as error:
        return f"{head}\n    {error}"
