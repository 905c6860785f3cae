"""What every rule about cues needs of the talk: enough of it, who is who, and questions."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.rules.rule import Unapplied
from pipeline.settings import SharedSettings
from pipeline.timeline import Seconds


def spoken_s(turns: pa.Table) -> Seconds:
    """Length of the usable audio: from the first to the last word anyone is heard to speak."""
    if not turns.num_rows:
        return 0.0
    return float(pc.max(turns.column("end_s")).as_py() - pc.min(turns.column("start_s")).as_py())


def too_little_speech(turns: pa.Table, settings: SharedSettings) -> Unapplied | None:
    """Why no rule about cues can be applied, be words known or not: reads start, end and role."""
    if not turns.num_rows:
        return Unapplied("no_speech", "nobody was heard speaking")
    if spoken_s(turns) < settings.minimum_audio_s:
        needed = f"{settings.minimum_audio_s / 60:g} minutes"
        return Unapplied("too_short", f"under {needed} from the first to the last word")
    if not {"client", "therapist"} <= set(turns.column("role").to_pylist()):
        return Unapplied("no_role", "it is not known who is who")
    return None


def too_little_talk(turns: pa.Table, settings: SharedSettings) -> Unapplied | None:
    """Why no rule about replies can be applied: reads start, end, role and whether a turn asks."""
    if (too_little := too_little_speech(turns, settings)) is not None:
        return too_little
    asked = turns.filter(pc.equal(turns.column("role"), "therapist")).column("is_question")
    if asked.null_count == len(asked):
        return Unapplied("no_transcript", "no transcript to find the questions in")
    if not pc.any(asked).as_py():
        return Unapplied("no_question", "no question of the therapist was found")
    return None
