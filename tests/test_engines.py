"""Which engine a profile chooses, from settings and files alone."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from conftest import needs_embedded_weights

from flows import engines
from flows.engines import check_engines, describe
from models import options
from models.base import Fingerprint
from models.device import Device
from models.options import FACE_WEIGHTS, VERSIONS, FaceTrackerOptions
from models.weights import catalog
from pipeline.errors import ConfigError
from pipeline.profile import Profile
from pipeline.settings import LandmarksSettings
from pipeline.stage import Missing

pytestmark = needs_embedded_weights


@pytest.fixture
def community_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a run asks of a community-1 folder before it loads any of it: that it is there."""
    folder = tmp_path / "pyannote-community-1"
    folder.mkdir()
    (folder / "config.yaml").write_text("pipeline: {}\n")
    found = catalog.local_folders
    monkeypatch.setattr(catalog, "local_folders", lambda: (tmp_path, *found()))
    return folder


def job(**sections: dict[str, Any]) -> Any:
    execution = {"device": "cpu", "precision": "float32"} | sections.pop("execution", {})
    profile = Profile.model_validate({"execution": execution, **sections})
    media = [SimpleNamespace(shows=["client"], hears=["mixed"])]
    spec = SimpleNamespace(media=media, transcript=None)
    recording = SimpleNamespace(path=Path)
    return SimpleNamespace(profile=profile, spec=spec, recording=recording)


def test_diarization_is_embedded_unless_asked_for(community_folder: Path) -> None:
    found = describe("diarizer", job())
    assert isinstance(found, Fingerprint)
    assert found.engine == "pyannote-embedded"


@pytest.mark.parametrize("engine", ["community-1", "auto"])
def test_community_1_is_taken_from_a_local_folder(community_folder: Path, engine: str) -> None:
    found = describe("diarizer", job(diarize={"engine": engine}))
    assert isinstance(found, Fingerprint)
    assert "community" in found.engine
    before = found.weights
    (community_folder / "config.yaml").write_text("pipeline: {changed: yes}\n")
    again = describe("diarizer", job(diarize={"engine": engine}))
    assert isinstance(again, Fingerprint)
    assert again.weights != before


def test_community_1_that_is_not_there_is_said_and_auto_goes_on() -> None:
    asked = describe("diarizer", job(diarize={"engine": "community-1"}))
    assert isinstance(asked, Missing)
    assert asked.reason == "no_weights"
    assert "thinslice models fetch pyannote-community-1" in asked.remedy
    assert "thinslice" not in asked.sentence
    auto = describe("diarizer", job(diarize={"engine": "auto"}))
    assert isinstance(auto, Fingerprint)
    assert auto.engine == "pyannote-embedded"


def test_an_engine_that_nobody_listed_is_refused() -> None:
    allowed = "diarize.engine = 'comunity': allowed: 'embedded', 'community-1', 'auto'"
    with pytest.raises(ConfigError, match=allowed):
        check_engines(job(diarize={"engine": "comunity"}).profile)


@pytest.mark.parametrize("engine", options.DIARIZERS.values(), ids=options.DIARIZERS)
def test_every_listed_diarizer_is_a_class_with_a_version(engine: options.Engine) -> None:
    module, _, name = engine.made_by.partition(":")
    assert module in VERSIONS
    found = find_spec(module)
    assert found
    assert found.origin
    assert f"class {name}" in Path(found.origin).read_text(encoding="utf-8")


def _whisper(folder: Path, *, words: int) -> Path:
    folder.mkdir()
    for name in ("config.json", "tokenizer.json", "model.bin"):
        (folder / name).write_text("{}")
    (folder / "vocabulary.txt").write_text("word\n" * words)
    return folder


def test_a_session_in_another_language_is_not_written_down_as_english(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "local_folders", lambda: (tmp_path,))
    _whisper(tmp_path / "a-english", words=51_864)
    german = job(transcribe={"language": "de"})
    refused = describe("transcriber", german)
    assert isinstance(refused, Missing)
    assert "English only" in refused.sentence
    assert "'de'" in refused.sentence
    assert "thinslice models fetch whisper-base" in refused.remedy
    english = describe("transcriber", job())
    assert isinstance(english, Fingerprint)
    _whisper(tmp_path / "b-many", words=51_865)
    assert isinstance(describe("transcriber", german), Fingerprint)


def test_the_face_engine_says_who_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    on_cpu = describe("face_tracker", job())
    assert isinstance(on_cpu, Fingerprint)
    assert "ai-edge-litert" in on_cpu.version
    monkeypatch.setattr(
        "flows.engines._device", lambda _profile: SimpleNamespace(kind="cuda", index=0)
    )
    on_card = describe("face_tracker", job())
    assert isinstance(on_card, Fingerprint)
    assert "torch" in on_card.version
    assert on_card.device == "cuda"
    assert on_card.weights == on_cpu.weights


def test_the_options_described_are_those_built(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = describe("face_tracker", job())
    rare = FaceTrackerOptions(detect_every_s=2.0)
    monkeypatch.setattr(engines, "FACES", rare)
    engines._face_tracker.cache_clear()
    assert describe("face_tracker", job()) != usual
    assert engines.build_face_tracker(job().profile).options == rare
    engines._face_tracker.cache_clear()


@pytest.mark.parametrize("module", sorted(VERSIONS))
def test_a_raised_version_is_another_fingerprint(
    monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    def stated() -> list[str]:
        cpu = [options.face_tracker_fingerprint(engine).version for engine in FACE_WEIGHTS]
        card = options.face_tracker_fingerprint("embedded", device=Device("cuda")).version
        folder = Path(__file__).parent
        spoken = [
            options.speech_detector_fingerprint().version,
            options.diarizer_fingerprint().version,
            options.channel_diarizer_fingerprint().version,
            options.community_diarizer_fingerprint(folder).version,
            options.transcriber_fingerprint(folder).version,
        ]
        return [*cpu, card, *spoken]

    monkeypatch.setattr(options, "_pinned", lambda *_names: ())
    before = stated()
    monkeypatch.setitem(VERSIONS, module, 99)
    assert stated() != before


@pytest.mark.parametrize(("engine", "started_for"), [("mediapipe", 2), ("embedded", 1)])
def test_the_reference_is_started_for_the_people_a_file_shows(
    monkeypatch: pytest.MonkeyPatch, engine: str, started_for: int
) -> None:
    """The other engines find any number of people and share one instance."""
    asked: list[tuple[str, int]] = []
    monkeypatch.setattr(
        engines, "_face_tracker", lambda name, _where, people: asked.append((name, people))
    )
    profile = Profile(landmarks=LandmarksSettings(engine=engine))
    engines.build_face_tracker(profile, people=2)
    assert asked == [(engine, started_for)]
