"""Plan a session's stages against the store, and run those that are not there yet.

The plan needs no engine and no Prefect: keys come from settings, content hashes and fingerprints. A
stage whose inputs are still to be computed has no key yet; it is found or run when they are there.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from models.base import Fingerprint, Progress, silent
from pipeline.files import sha256_of
from pipeline.paperwork.consent import Refusal
from pipeline.paperwork.session import SessionSpec, named_files
from pipeline.profile import Profile
from pipeline.results.provenance import library_versions, stage_key, typed_settings
from pipeline.results.store import BROKE_OFF, NOT_YET, Manifest, Store
from pipeline.stage import Absence, Inputs, Missing, Outputs, Recording, Stage
from pipeline.stages import STAGES
from pipeline.tables import TABLES

Describe = Callable[[str, "Job"], "Fingerprint | Missing | None"]
"""Engine role, job -> its fingerprint, without loading it; None: this session needs none."""
Build = Callable[[str, "Job"], Any]
"""Engine role, job -> the engine, loaded."""


@dataclass(slots=True)
class Job:
    """One session to be worked on in one run. Lives in memory only."""

    spec: SessionSpec
    """What consent permits of session.toml."""
    folder: Path
    refused: Mapping[str, Refusal]
    profile: Profile
    store: Store
    recording: Recording
    file_hashes: dict[str, str] = field(default_factory=dict)
    done: dict[str, Manifest] = field(default_factory=dict)
    """Stage -> its artifact in this run."""
    computed: set[str] = field(default_factory=set)
    """Stages that were not in the store."""

    @property
    def session(self) -> str:
        """Public name."""
        return self.spec.public_name

    @property
    def broken(self) -> list[str]:
        """Stages that broke off in this run."""
        return [name for name, manifest in self.done.items() if manifest.key == BROKE_OFF]

    @property
    def duration_s(self) -> float:
        """Length of the recording; 0 until ingest knows it."""
        ingested = self.done.get("ingest")
        if ingested is None:
            return 0.0
        stated = self.store.table(self.session, ingested, "sessions").column("duration_s")
        return float(max(stated.drop_null().to_pylist(), default=0.0))

    def hash_sources(self) -> None:
        """Hash every file the session may use; the first time its bytes are read."""
        for file in named_files(self.spec):
            if file not in self.file_hashes:
                self.file_hashes[file] = sha256_of(self.folder / file)

    def finished(self, before: Stage | None = None) -> list[Manifest]:
        """Artifacts so far (of stages before `before`) in the order of stages: keys hang on it."""
        stages = STAGES if before is None else STAGES[: STAGES.index(before)]
        return [self.done[stage.name] for stage in stages if stage.name in self.done]

    def absences(self, before: Stage | None = None) -> tuple[Absence, ...]:
        """Of all finished stages (before `before`), in their order, each once.

        Where consent takes a modality away, that is its reason and no other: a stage that is
        handed a session without its video cannot know why there is none.
        """
        withheld = {stage.modality for stage in STAGES if stage.scope in self.refused}
        said = (self._told(a) for manifest in self.finished(before) for a in manifest.absences)
        return tuple(
            dict.fromkeys(a for a in said if a.reason == "no_consent" or a.modality not in withheld)
        )

    def _told(self, absence: Absence) -> Absence:
        """One rater's dial alone may be refused; its stage runs on and finds no file of it."""
        refusal = self.refused.get(absence.modality)
        return absence if refusal is None else _withheld(refusal).absence(absence.modality)


@dataclass(frozen=True, slots=True)
class Step:
    """One stage in a plan."""

    stage: Stage
    key: str | None
    """None while its inputs are still to be computed."""
    manifest: Manifest | None
    """The artifact, if it is in the store."""
    why: str = ""
    """Why it has to run."""


def plan(job: Job, describe: Describe) -> list[Step]:
    """What is in the store already and what has to run, in order. Records hits in `job.done`."""
    job.hash_sources()
    job.done.clear()
    return [look_up(job, stage, describe) for stage in STAGES]


def look_up(job: Job, stage: Stage, describe: Describe) -> Step:
    """Key and artifact of one stage, as far as they can be known now."""
    upstream = {stage_of(name) for name in stage.reads}
    if stage.reads_absences or stage.reads_provenance:
        upstream = {earlier.name for earlier in STAGES[: STAGES.index(stage)]}
    if not upstream <= set(job.done):
        return Step(stage, None, None, "its inputs are computed first")
    key = _key(job, stage, describe)
    manifest, why = job.store.find(job.session, stage.name, key)
    if manifest:
        job.done[stage.name] = manifest
    return Step(stage, key, manifest, why)


def run_stage(
    job: Job,
    stage: Stage,
    *,
    describe: Describe,
    build: Build,
    progress: Progress = silent,
) -> Step:
    """Find one stage's artifact or compute and store it. All its inputs must be done."""
    step = look_up(job, stage, describe)
    assert step.key, f"{stage.name} was started before its inputs"
    if step.manifest:
        return step
    started = time.perf_counter()
    outputs = _outputs(job, stage, describe, build, progress)
    made = {
        "engine": _engine_record(_engine(job, stage, describe)),
        "libraries": library_versions(),
        "settings": typed_settings(job.profile.section(stage.name)),
    }
    manifest = job.store.write(job.session, stage.name, step.key, outputs, made)
    job.done[stage.name] = manifest
    job.computed.add(stage.name)
    _give_memory_back()
    return Step(stage, step.key, manifest, _took(step.why, started))


def go_without(job: Job, stage: Stage, why: Missing) -> None:
    """Put empty tables and an absence in the place of a stage that broke off.

    They lie apart from artifacts, so that the next run tries the stage again; if it then succeeds,
    its tables have other hashes, and every stage that read the empty ones is computed again too.
    """
    assert stage.without, f"nothing can do without {stage.name}"
    outputs = _nothing(stage, why)
    job.done[stage.name] = job.store.write(
        job.session, stage.name, BROKE_OFF, outputs, {"engine": BROKE_OFF}
    )


def _nothing(stage: Stage, why: Missing) -> Outputs:
    absence = why.absence(stage.modality or stage.name)
    return Outputs({name: TABLES[name].empty() for name in stage.writes}, absences=(absence,))


def _give_memory_back() -> None:
    """Hand what a stage freed to the system: allocators keep it, and the next stage adds its own.

    Where the C library is not glibc there is nothing to call, and nothing is lost but the gain.
    """
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _took(why: str, started: float) -> str:
    """How long it took, and what was wrong with the artifact before, if there was one."""
    took = f"took {time.perf_counter() - started:.1f} s"
    return took if why == NOT_YET else f"{took}; {why}"


def stage_of(table: str) -> str:
    """Which stage writes a table."""
    return _WRITER[table]


class TablesOnDemand(Mapping[str, pa.Table]):
    """Upstream tables a stage may read; each is opened when first asked for."""

    def __init__(self, job: Job, names: tuple[str, ...]) -> None:
        self._job = job
        self._names = names

    def __getitem__(self, name: str) -> pa.Table:
        return self._job.store.table(self._job.session, self._made(name), name)

    def pieces(self, name: str, rows: int) -> Iterator[pa.RecordBatch]:
        """A table at most `rows` at a time, read as they are asked for."""
        return self._job.store.pieces(self._job.session, self._made(name), name, rows=rows)

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def _made(self, name: str) -> Manifest:
        if name not in self._names:
            raise KeyError(f"{name} is not among the declared reads {self._names}")
        return self._job.done[stage_of(name)]


_WRITER = {table: stage.name for stage in STAGES for table in stage.writes}


def _key(job: Job, stage: Stage, describe: Describe) -> str:
    inputs: dict[str, Any] = {name: job.done[stage_of(name)].tables[name] for name in stage.reads}
    inputs |= {f"source:{section}": _source(job, section) for section in stage.sources}
    if stage.reads_absences:
        inputs["absences"] = [asdict(absence) for absence in job.absences(stage)]
    if stage.reads_provenance:
        inputs["provenance"] = _provenance(job, stage)
    return stage_key(
        stage,
        session_id=job.spec.id,
        settings=job.profile.section(stage.name),
        inputs=inputs,
        engine=_engine(job, stage, describe),
    )


def _source(job: Job, section: str) -> Any:
    """One section of session.toml as values, each file name replaced by its content hash."""
    value = job.spec.model_dump(mode="json")[section]
    entries = value if isinstance(value, list) else [value]
    return [
        {k: job.file_hashes[v] if k == "file" else v for k, v in entry.items()}
        for entry in entries
        if entry is not None
    ]


def _engine(job: Job, stage: Stage, describe: Describe) -> Fingerprint | Missing | None:
    if stage.scope and stage.scope in job.refused:
        return _withheld(job.refused[stage.scope])
    return describe(stage.engine, job) if stage.engine else None


def _withheld(refusal: Refusal) -> Missing:
    return Missing("no_consent", refusal.in_words(), f"Register: {refusal.sentence()}.")


def _outputs(
    job: Job, stage: Stage, describe: Describe, build: Build, progress: Progress
) -> Outputs:
    known = _engine(job, stage, describe)
    if stage.scope in job.refused:
        assert isinstance(known, Missing)
        return _nothing(stage, known)
    engine: Any = known
    if stage.engine and isinstance(known, Fingerprint):
        engine = build(stage.engine, job)
    inputs = Inputs(
        spec=job.spec,
        recording=job.recording,
        tables=TablesOnDemand(job, stage.reads),
        absences=job.absences(stage) if stage.reads_absences else (),
        provenance=_provenance(job, stage) if stage.reads_provenance else {},
        progress=progress,
    )
    return stage.run(inputs, engine, job.profile.section(stage.name))


def _provenance(job: Job, stage: Stage) -> dict[str, str]:
    return {
        manifest.stage: f"{manifest.made['engine']} · key {manifest.key[:12]}"
        if manifest.key != BROKE_OFF
        else BROKE_OFF
        for manifest in job.finished(stage)
    }


def _engine_record(engine: Fingerprint | Missing | None) -> str:
    if engine is None:
        return "thinslice's own arithmetic"
    if isinstance(engine, Missing):
        return f"did not run ({engine.reason})"
    words = [engine.engine, engine.version, engine.precision, engine.device, engine.mode]
    weights = [f"{name} {sha[:12]}" for name, sha in engine.weights]
    return ", ".join(word for word in words + weights if word)
