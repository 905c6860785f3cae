"""Weights are found where they should be, and refused where they are not what they claim."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from models.errors import UnknownWeightError, WeightMissingError, WeightTamperedError
from models.weights import catalog

SHA256 = re.compile(r"[0-9a-f]{64}")
NAME = "mediapipe-iris"


@pytest.fixture
def empty_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Neither local folders nor a data home; returns the folder `THINSLICE_MODELS` names."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv(catalog.LOCAL_FOLDERS_VARIABLE, str(tmp_path / "local"))
    (tmp_path / "local").mkdir()
    return tmp_path / "local"


def _pin(monkeypatch: pytest.MonkeyPatch, name: str, content: bytes) -> None:
    """Let the catalog expect `content` under `name`."""
    weights = dict(catalog.load_catalog())
    entry = weights[name]
    fields = {field: getattr(entry, field) for field in entry.__slots__}
    fields["sha256"] = hashlib.sha256(content).hexdigest()
    weights[name] = catalog.Weight(**fields)
    monkeypatch.setattr(catalog, "load_catalog", lambda: weights)


def _whisper_folder(path: Path, content: bytes, vocabulary: int = 51_865) -> Path:
    path.mkdir(parents=True)
    for name in ("config.json", "tokenizer.json"):
        (path / name).write_text("{}")
    (path / "vocabulary.json").write_text(json.dumps([str(i) for i in range(vocabulary)]))
    (path / "model.bin").write_bytes(content)
    return path


def test_every_entry_states_licence_source_and_pin() -> None:
    unpinned = {"pyannote-community-1"}
    for name, weight in catalog.load_catalog().items():
        assert weight.licence, name
        assert weight.sources, name
        assert name in unpinned or SHA256.fullmatch(weight.sha256 or ""), name
        for source in weight.sources:
            pins = [getattr(part, "sha256", None) for part in getattr(source, "parts", [source])]
            assert all(pins) or getattr(source, "revision", None), f"{name}: a source without a pin"


def test_a_converted_weight_pins_source_and_result_apart() -> None:
    for weight in catalog.load_catalog().values():
        for source in weight.sources:
            if isinstance(source, catalog.WheelMember):
                assert (source.sha256 == weight.sha256) == (source.conversion is None)


def test_planning_imports_no_engine() -> None:
    script = (
        "import sys, models.weights.catalog, models.options, models.device; "
        "models.weights.catalog.load_catalog(); models.device.resolve('cpu'); "
        "heavy = {'torch', 'onnxruntime', 'ctranslate2', 'faster_whisper', 'pyannote'}; "
        "sys.exit(len(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_an_installed_package_s_member_is_found(empty_machine: Path) -> None:
    assert empty_machine.is_dir()
    assert catalog.locate("silero-vad").name == "silero_vad_v6.onnx"


def test_a_missing_weight_says_where_it_was_looked_for_and_how_to_get_it(
    empty_machine: Path,
) -> None:
    with pytest.raises(WeightMissingError) as caught:
        catalog.locate(NAME)
    message = str(caught.value)
    assert str(empty_machine) in message
    assert str(catalog.data_home()) in message
    assert f"thinslice models fetch {NAME}" in message


def test_a_tampered_weight_says_what_was_expected_and_found(empty_machine: Path) -> None:
    file = empty_machine / catalog.get(NAME).file
    file.write_bytes(b"something else")
    with pytest.raises(WeightTamperedError) as caught:
        catalog.locate(NAME)
    message = str(caught.value)
    assert str(file) in message
    assert str(catalog.get(NAME).sha256) in message
    assert hashlib.sha256(b"something else").hexdigest() in message


def test_the_local_folder_comes_before_the_data_home(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pin(monkeypatch, NAME, b"right")
    at_home = catalog.data_home() / catalog.get(NAME).file
    at_home.parent.mkdir(parents=True)
    at_home.write_bytes(b"right")
    assert catalog.locate(NAME) == at_home
    local = empty_machine / at_home.name
    local.write_bytes(b"right")
    assert catalog.locate(NAME) == local


def test_a_file_changed_within_the_process_is_hashed_again(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _pin(monkeypatch, NAME, b"right")
    file = empty_machine / catalog.get(NAME).file
    file.write_bytes(b"right")
    assert catalog.locate(NAME) == file
    file.write_bytes(b"wrong!")
    with pytest.raises(WeightTamperedError):
        catalog.locate(NAME)


def test_status_and_verify_tell_the_three_states_apart(empty_machine: Path) -> None:
    (empty_machine / catalog.get(NAME).file).write_bytes(b"something else")
    states = {entry.weight.name: entry.state for entry in catalog.status()}
    assert states[NAME] == "tampered"
    assert states["silero-vad"] == "ready"
    assert states["campplus-voices"] == "missing"
    with pytest.raises(WeightTamperedError, match=NAME):
        catalog.verify()


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownWeightError, match="silero-vad"):
        catalog.locate("silero")


def test_whisper_is_found_by_size_and_the_largest_is_preferred(
    empty_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert catalog.find_whisper() is None
    other = _whisper_folder(empty_machine / "a-custom-model", b"weights")
    assert catalog.find_whisper() == other
    _pin(monkeypatch, "whisper-tiny", b"weights")
    hub = "models--Systran--faster-whisper-tiny/snapshots/0123"
    tiny = _whisper_folder(empty_machine / hub, b"weights")
    assert catalog.find_whisper() == tiny
    _pin(monkeypatch, "whisper-small", b"weights")
    small = _whisper_folder(empty_machine / "whisper-small", b"weights")
    assert catalog.find_whisper() == small
    assert catalog.locate("whisper-tiny") == tiny


def test_a_model_that_knows_english_only_is_passed_over_for_another_language(
    empty_machine: Path,
) -> None:
    english = _whisper_folder(empty_machine / "a-english", b"weights", vocabulary=51_864)
    assert catalog.find_whisper("en") == english
    assert catalog.find_whisper("de") is None
    (english / "vocabulary.json").unlink()
    (english / "vocabulary.txt").write_text("word\n" * 51_864)
    assert catalog.find_whisper("de") is None
    many = _whisper_folder(empty_machine / "b-many", b"weights")
    assert catalog.find_whisper("de") == many


def test_another_conversion_of_the_same_network_is_accepted() -> None:
    base = catalog.get("whisper-base")
    assert base.also_sha256
    assert all(base.accepts(pin) for pin in (str(base.sha256), *base.also_sha256))
    assert not base.accepts("0" * 64)


def test_a_whisper_folder_with_other_weights_under_a_known_size_is_refused(
    empty_machine: Path,
) -> None:
    _whisper_folder(empty_machine / "whisper-base", b"not base")
    with pytest.raises(WeightTamperedError, match="whisper-base"):
        catalog.find_whisper()


def test_a_folder_s_hash_depends_on_content_and_not_on_place(tmp_path: Path) -> None:
    one = _whisper_folder(tmp_path / "one", b"weights")
    two = _whisper_folder(tmp_path / "two", b"weights")
    assert catalog.weight_sha256(one) == catalog.weight_sha256(two)
    (two / "config.json").write_text('{"changed": 1}')
    assert catalog.weight_sha256(one) != catalog.weight_sha256(two)


def test_a_whisper_folder_without_a_tokenizer_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = _whisper_folder(tmp_path / "mine", b"model")
    monkeypatch.setattr(catalog, "local_folders", lambda: (tmp_path,))
    assert catalog.find_whisper() == folder
    (folder / "tokenizer.json").unlink()
    assert catalog.find_whisper() is None
