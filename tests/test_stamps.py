"""Changed code never meets numbers of before: versions and stamps, libraries and keys."""

from __future__ import annotations

import sys
import tomllib
from importlib.metadata import packages_distributions

import pytest

from models.options import VERSIONS
from pipeline.media import recording
from pipeline.results.provenance import KEY_LIBRARIES
from pipeline.stages import STAGES
from tests import stamps

NO_NUMBERS = {"pydantic", "markupsafe", "yaml", "safetensors", "threadpoolctl", "rapidfuzz"}
STATED_BY_ENGINES = {
    "faster-whisper", "onnxruntime", "pyannote.audio", "torch", "scipy", "ctranslate2",
    "ai-edge-litert", "mediapipe", "torchaudio",
}  # fmt: skip


@pytest.fixture(scope="module")
def now() -> dict[str, stamps.Unit]:
    return stamps.units()


def test_whoever_changed_code_raised_its_version(now):
    left = stamps.changed_units(now, stamps.kept())
    advice = (
        "Code changed and its VERSION did not. Where numbers can change, raise it; where they "
        "cannot, say so: python -m tests.stamps"
    )
    assert not left, "\n".join([advice, *left])


def test_the_stamps_are_those_of_today(now):
    """Otherwise the next change would be compared with code of before the last."""
    assert stamps.STAMPS.read_text(encoding="utf-8") == stamps.written(now), (
        "python -m tests.stamps"
    )


@pytest.mark.parametrize(
    ("module", "line", "other", "unit"),
    [
        ("models.voices.voice_clustering", "1 - likeness", "1 + likeness", "embedded_diarizer"),
        ("pipeline.voice.levels", "10.0 * np.log10", "20.0 * np.log10", "prosody"),
    ],
)
def test_one_changed_line_names_what_rests_on_it(now, module, line, other, unit):
    source = stamps.source_of(module)
    assert line in source
    spoiled = stamps.units({module: source.replace(line, other)})
    told = stamps.changed_units(spoiled, tomllib.loads(stamps.written(now)))
    assert any(sentence.split(" ")[0].endswith(unit) for sentence in told)
    assert all(sentence.endswith(f": {module}") for sentence in told)
    assert not any(sentence.startswith("turns ") for sentence in told)
    commented = stamps.units({module: f"# so far\n{source}"})
    assert stamps.changed_units(commented, tomllib.loads(stamps.written(now))) == []


def test_words_for_people_change_no_stamp():
    source = 'def f(x):\n    """Twice."""\n    return 2 * x\n'
    commented = (
        '"""New."""\n\nimport os\n\n\ndef f(x):  # why\n    """Other."""\n\n    return 2 * x\n'
    )
    assert stamps.source_stamp(source) == stamps.source_stamp(commented)
    assert stamps.source_stamp(source) != stamps.source_stamp(source.replace("2 *", "3 *"))


def test_every_library_that_computes_is_in_a_key():
    graph = stamps.import_graph()
    roots = [stage.run.__module__ for stage in STAGES] + [*VERSIONS, recording.__name__]
    names = packages_distributions() | {"pyannote": ["pyannote.audio"]}  # a shared name
    found = stamps.libraries(graph, roots, {*sys.stdlib_module_names, *NO_NUMBERS})
    known = {name.lower() for name in (*KEY_LIBRARIES, *STATED_BY_ENGINES)}
    unstated = {m for m in found if not known & {n.lower() for n in names.get(m, [m])}}
    assert unstated == set()
