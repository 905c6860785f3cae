"""Tests about the code itself: who imports whom, sizes, names, what must never be committed."""

import ast
import importlib.metadata
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

PACKAGES = ("pipeline", "flows", "models")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
STAGE_MACHINERY = {
    "pipeline.results.store",
    "pipeline.results.provenance",
    "pipeline.results.execute",
    "pipeline.results.views",
    "pipeline.stages",
    "pipeline.results.withdraw",
    "pipeline.paperwork.consent",
}


def imports(path):
    """Dotted names a module imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def functions(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def body_lines(function):
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def stage_modules():
    from pipeline.stages import STAGES

    return {stage.run.__module__ for stage in STAGES}


def test_stages_import_neither_each_other_nor_the_machinery():
    stages = stage_modules()
    for name in stages:
        path = ROOT / (name.replace(".", "/") + ".py")
        wrong = imports(path) & ((stages - {name}) | STAGE_MACHINERY)
        assert not wrong, f"{name} imports {wrong}"


def test_the_pipeline_knows_engines_only_by_their_protocols():
    for path in (ROOT / "pipeline").rglob("*.py"):
        wrong = {i for i in imports(path) if i.split(".")[0] == "models"} - {
            "models",
            "models.base",
        }
        assert not {w for w in wrong if not w.startswith("models.base.")}, path.name


def test_models_know_nothing_of_therapy():
    words = re.compile(r"\b(therapist|client|dial|supervisor)s?\b", re.IGNORECASE)
    for path in (ROOT / "models").rglob("*.py"):
        found = words.search(path.read_text(encoding="utf-8"))
        assert not found or path.name == "__init__.py", f"{path.name}: {found and found.group()}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_modules_and_functions_stay_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400
    too_long = [f"{f.name}: {body_lines(f)}" for f in functions(path) if body_lines(f) > 60]
    assert not too_long


def test_every_public_name_has_a_docstring():
    lacking = [
        f"{path.parent.name}/{path.stem}.{node.name}"
        for path in MODULES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert lacking == []


def test_no_module_is_a_drawer():
    assert not {p.stem for p in MODULES} & {"utils", "util", "helpers", "common", "misc"}


def test_one_distribution_owns_cv2():
    assert importlib.metadata.packages_distributions()["cv2"] == ["opencv-python"]


def test_the_three_packages_are_ours():
    for package in PACKAGES:
        file = __import__(package).__file__
        assert Path(file).is_relative_to(ROOT)


def test_the_lock_is_exact_hashed_and_without_addresses():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = [line for line in text.splitlines() if line and line[0].isalnum()]
    assert pins
    assert all(re.match(r"[\w.\-\[\],]+==[^ ]+ (;.*)?\\$", line) for line in pins)
    assert text.count("--hash=sha256:") >= len(pins)
    assert "://" not in text


def test_every_named_package_is_a_real_import():
    named = {"faster_whisper", "pyannote", "librosa", "mediapipe", "cv2", "prefect", "pyarrow"}
    imported = {i.split(".")[0] for path in MODULES for i in imports(path)}
    assert named <= imported


def test_nothing_heavy_or_local_is_tracked():
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    files = [ROOT / name for name in listed.stdout.split("\0") if name]
    big = [f.name for f in files if f.exists() and f.stat().st_size > 1 << 20]
    assert big == []
    media = {".wav", ".mp3", ".mp4", ".mov", ".flac", ".task", ".tflite", ".safetensors", ".pt"}
    assert not [f.name for f in files if f.suffix in media]


def test_usage_reporting_is_off_before_any_engine():
    code = (
        "import models, flows, os;"
        "print(os.environ['PYANNOTE_METRICS_ENABLED'], os.environ['HF_HUB_OFFLINE'],"
        "os.environ['PREFECT_SERVER_ANALYTICS_ENABLED'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0", "1", "false"]


def test_planning_imports_no_engine_and_no_prefect():
    code = (
        "import sys, flows.cli, flows.work, flows.prepare;"
        "heavy = {'prefect','torch','pyannote','faster_whisper','mediapipe','ai_edge_litert'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
