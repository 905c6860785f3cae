"""Clips of a session, kept beside its artifacts so that a new threshold does not encode them again.

They lie in the session's own folder of the store: withdrawal removes them with everything else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from models.base import Seconds
from pipeline.files import write_atomically
from pipeline.media.clips import cut_clip
from pipeline.media.recording import FolderRecording

if TYPE_CHECKING:
    from pipeline.results.execute import Job

_NO_PICTURE = ("no_consent", "no_media", "unreadable_media")


@dataclass(frozen=True, slots=True)
class KeptClips:
    """`pipeline.stages.report.ClipCutter` over one session's media."""

    recording: FolderRecording
    folder: Path
    media: tuple[str, ...]
    """Content hashes and what session.toml says of each: a clip belongs to these."""
    height_px: int
    has_video: bool

    @classmethod
    def of(cls, job: Job) -> KeptClips:
        """The clips of one session in one run."""
        return cls(
            recording=cast("FolderRecording", job.recording),
            folder=job.store.session_folder(job.session) / "clips",
            media=tuple(
                f"{job.file_hashes[part.file]} {part.model_dump_json()}" for part in job.spec.media
            ),
            height_px=job.profile.report.clip_height_px,
            has_video=any(part.shows for part in job.spec.media)
            and not any(a.modality == "video" and a.reason in _NO_PICTURE for a in job.absences()),
        )

    def clip(self, start_s: Seconds, end_s: Seconds) -> bytes:
        """WebM bytes of ``[start_s, end_s)`` on the session clock."""
        asked = [self.media, round(start_s, 3), round(end_s, 3), self.height_px, self.has_video]
        path = self.folder / f"{hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:32]}.webm"
        if not path.exists():
            content = cut_clip(
                self.recording, start_s, end_s, height_px=self.height_px, video=self.has_video
            )
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, content)
        return path.read_bytes()
