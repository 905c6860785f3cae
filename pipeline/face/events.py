"""What happens in a face over time: lids, nods, shakes, spells of gaze, and being out of the frame.

| kind | definition | size |
|---|---|---|
| blink, eye_closure | lids down, up to or over 0.5 s (`blinks`) | share of open |
| nod_slow, nod_fast | pitch to and fro, under or over 2.6 Hz (`nods`) | degrees, peak to peak |
| head_shake | the same of yaw; none inside a larger nod | degrees, peak to peak |
| stare | gaze inside one 5 deg circle, head still (`looking`) | seconds |
| look_away | gaze over 10 deg off its commonest direction (`looking`) | degrees |
| out_of_frame | no face in their seat | seconds |

No event spans frames in which it could not have been seen; none lies in time that was not filmed.

Caveat: out_of_frame also covers a face behind a hand or turned right round. A face in profile and a
face too small to measure are seen, and so are neither.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipeline.face.blinks import find_closures
from pipeline.face.looking import gaze_bins, looks_away, stares
from pipeline.face.nods import Nod, find_nods
from pipeline.face.stretches import GAP_FRAMES
from pipeline.settings import FaceSettings
from pipeline.spans import Flags, Floats, runs

UNFILMED_S = 0.5
"""Without a frame for longer, nobody knows who was there."""


@dataclass(frozen=True, slots=True)
class Person:
    """One person's frames in time order; all of shape (n,) or (n, columns), NaN where unknown."""

    t_s: Floats
    lids: Floats
    """Eye aspect ratio, mean of both eyes."""
    head: Floats
    """Yaw, pitch, roll in degrees."""
    gaze: Floats
    """Yaw, pitch in degrees."""
    valid: Flags
    """Good enough for gaze."""
    blinks_sought: Flags
    nods_sought: Flags
    absent: Flags
    """No face found, for no other reason."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event on the session clock."""

    kind: str
    start_s: float
    end_s: float
    size: float


def face_events(person: Person, settings: FaceSettings) -> list[Event]:
    """All events of one person who was seen at least once, in time order."""
    lids = _closures(person, settings)
    found = [*lids, *_nods(person, settings), *_absences(person, settings)]
    usable = person.valid & person.nods_sought
    if usable.any():
        shut = [(event.start_s, event.end_s) for event in lids]
        bins = gaze_bins(person.t_s, person.gaze, person.head, usable, shut)
        spells = [("stare", spell) for spell in stares(bins, settings.stare_min_s)]
        spells += [("look_away", spell) for spell in looks_away(bins, settings.look_away_min_s)]
        found += [Event(kind, spell.start_s, spell.end_s, spell.size) for kind, spell in spells]
    return sorted(found, key=lambda event: (event.start_s, event.kind))


def _closures(person: Person, settings: FaceSettings) -> list[Event]:
    return [
        Event(
            "blink" if closure.duration_s <= settings.blink_max_s else "eye_closure",
            closure.start_s,
            closure.end_s,
            closure.depth,
        )
        for closure in find_closures(person.t_s, person.lids, person.blinks_sought, settings)
    ]


def _nods(person: Person, settings: FaceSettings) -> list[Event]:
    yaw, pitch = person.head[:, 0], person.head[:, 1]
    least = settings.nod_min_deg
    # lids disturb the pitch also where the camera is too slow or too far to count blinks
    lids = find_closures(person.t_s, person.lids, person.nods_sought, settings)
    shut = [(closure.start_s, closure.end_s) for closure in lids]
    nods = find_nods(person.t_s, pitch, person.nods_sought, least_deg=least, shut=shut)
    shakes = find_nods(person.t_s, yaw, person.nods_sought, least_deg=least)
    events = [
        Event("nod_fast" if nod.is_fast else "nod_slow", nod.start_s, nod.end_s, nod.size_deg)
        for nod in nods
    ]
    # a nod of a head that looks aside swings its yaw too
    events += [
        Event("head_shake", shake.start_s, shake.end_s, shake.size_deg)
        for shake in shakes
        if not any(_overlap(shake, nod) and nod.size_deg > shake.size_deg for nod in nods)
    ]
    return events


def _overlap(a: Nod, b: Nod) -> bool:
    return a.start_s < b.end_s and b.start_s < a.end_s


def _absences(person: Person, settings: FaceSettings) -> list[Event]:
    """Each from its first frame without a face to the next frame with one."""
    t_s = person.t_s
    frame_s = float(np.median(np.diff(t_s))) if len(t_s) > 1 else 0.0
    unfilmed = np.flatnonzero(np.diff(t_s) > max(UNFILMED_S, GAP_FRAMES * frame_s)) + 1
    found = []
    for run in runs(person.absent):
        inner = unfilmed[(unfilmed > run[0]) & (unfilmed < run[1])]
        for first, stop in pairwise([run[0], *inner.tolist(), run[1]]):
            follows = stop < len(t_s) and stop not in unfilmed
            end_s = float(t_s[stop] if follows else t_s[stop - 1] + frame_s)
            lasted_s = end_s - float(t_s[first])
            if lasted_s >= settings.out_of_frame_min_s:
                found.append(Event("out_of_frame", float(t_s[first]), end_s, lasted_s))
    return found
