"""Which code each result comes from: a stamp over everything a stage or an engine imports.

    python -m tests.stamps

A stored result is found again by its stage's key, and of our own code the key knows one number:
the version of the stage or the engine, raised by hand. The stamps beside this file say what the
code was when each version was given; `test_stamps` fails where code changed and its version did
not. Either numbers can change: raise the version. Or they cannot: write the stamps anew with the
command above, which says so for everybody to see in the change.

A stamp is taken over syntax trees without comments, docstrings and imports, and without names of
modules, so moving code leaves it as it is. Left out is what a key holds by value (settings, tables'
declarations) and what gives no numbers.
"""

from __future__ import annotations

import ast
import hashlib
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import grimp

from models.options import VERSIONS
from pipeline.media import clips, recording
from pipeline.stages import STAGES

STAMPS = Path(__file__).with_suffix(".toml")
OURS = ("models", "pipeline")
BY_VALUE = (
    "models.base",
    "models.errors",
    "models.options",  # in an engine's fingerprint, option by option
    "models.weights",
    "pipeline.errors",
    "pipeline.files",
    "pipeline.settings",
    "pipeline.stage",
    "pipeline.tables",
)
COMPUTES = ("pipeline.tables.arrays",)
"""Below them, and yet in no key: arithmetic."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A stage, an engine or the decoder: what has a version of its own."""

    version: int
    where: str
    """The module that states the version."""
    modules: Mapping[str, str]
    """Module -> its stamp."""

    @property
    def stamp(self) -> str:
        """Over all modules, whatever they are called."""
        return _hash(" ".join(sorted(self.modules.values())))


def units(changed: Mapping[str, str] | None = None) -> dict[str, Unit]:
    """All units by name; `changed` gives other source text for some modules."""
    graph = import_graph()
    given = changed or {}
    found = {}
    for name, (version, root, where) in _roots().items():
        modules = closure(graph, root)
        stamps = {m: _module_stamp(m, given) for m in modules}
        found[name] = Unit(version, where, stamps | _templates(modules))
    return found


@cache
def import_graph() -> grimp.ImportGraph:
    """Who imports whom, libraries included."""
    return grimp.build_graph(
        *OURS, include_external_packages=True, exclude_type_checking_imports=True, cache_dir=None
    )


def closure(graph: grimp.ImportGraph, root: str) -> list[str]:
    """Our own modules whose code can change what `root` computes."""
    found = graph.find_upstream_modules(root) | {root}
    return sorted(m for m in found if m.startswith(OURS) and not _is_by_value(m))


def changed_units(now: Mapping[str, Unit], then: Mapping[str, object]) -> list[str]:
    """One sentence for every unit whose code is not that of its version."""
    known = set(_table(then, "modules").values())
    found = []
    for name, unit in now.items():
        was = _table(_table(then, "units"), name)
        if was.get("stamp") != unit.stamp and was.get("version") == unit.version:
            new = ", ".join(m for m, stamp in unit.modules.items() if stamp not in known)
            found.append(
                f"{name} (VERSION {unit.version} in {unit.where}): {new or 'code left it'}"
            )
    return found


def source_stamp(source: str) -> str:
    """Of the syntax tree alone: no comments, docstrings, imports or line numbers."""
    return _hash(ast.dump(_Bare().visit(ast.parse(source))))


def written(now: Mapping[str, Unit]) -> str:
    """The stamps as TOML."""
    modules = dict(sorted(pair for unit in now.values() for pair in unit.modules.items()))
    lines = ["# python -m tests.stamps", "[modules]"]
    lines += [f'"{name}" = "{stamp}"' for name, stamp in modules.items()]
    for name, unit in now.items():
        lines += ["", f'[units."{name}"]', f"version = {unit.version}", f'stamp = "{unit.stamp}"']
    return "\n".join(lines) + "\n"


def kept() -> dict[str, object]:
    """The stamps as they were written last."""
    return tomllib.loads(STAMPS.read_text(encoding="utf-8"))


class _Bare(ast.NodeTransformer):
    """Takes away what computes nothing."""

    def visit_Import(self, _node: ast.Import) -> None:
        return None

    def visit_ImportFrom(self, _node: ast.ImportFrom) -> None:
        return None

    def visit_Expr(self, node: ast.Expr) -> ast.Expr | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else node


def _roots() -> dict[str, tuple[int, str, str]]:
    """Unit -> its version, the module it starts from, the module that states the version."""
    roots = {s.name: (s.version, s.run.__module__, s.run.__module__) for s in STAGES}
    for module in (recording, clips):
        roots[module.__name__] = (module.VERSION, module.__name__, module.__name__)
    return roots | {m: (version, m, "models.options") for m, version in VERSIONS.items()}


def _module_stamp(module: str, given: Mapping[str, str]) -> str:
    return source_stamp(given[module]) if module in given else _stamp_today(module)


@cache
def _stamp_today(module: str) -> str:
    return source_stamp(source_of(module))


@cache
def _all_templates() -> dict[Path, str]:
    paths = (path for end in ("j2", "svg") for path in Path("pipeline").rglob(f"*.{end}"))
    return {path: path.read_text(encoding="utf-8") for path in sorted(paths)}


def _templates(modules: Iterable[str]) -> dict[str, str]:
    """What pages are made of, as far as these modules name it, or a template they name."""
    seen = "".join(source_of(module) for module in modules)
    found: dict[str, str] = {}
    for _ in range(3):  # a page, what it includes, what that includes
        named = {p: text for p, text in _all_templates().items() if p.name in seen}
        found |= {str(p): _hash(text) for p, text in named.items()}
        seen += "".join(named.values())
    return found


def source_of(module: str) -> str:
    """The text of one of our modules."""
    spec = find_spec(module)
    assert spec
    assert spec.origin
    return Path(spec.origin).read_text(encoding="utf-8")


def _is_by_value(module: str) -> bool:
    return module not in COMPUTES and any(
        module == name or module.startswith(f"{name}.") for name in BY_VALUE
    )


def _table(given: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = given.get(name, {})
    assert isinstance(found, Mapping)
    return found


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def libraries(graph: grimp.ImportGraph, roots: Iterable[str], known: Iterable[str]) -> set[str]:
    """Libraries that `roots` rest on, without the standard library's."""
    found = {m for root in roots for m in graph.find_upstream_modules(root)}
    return {m for m in found if not m.startswith(OURS)} - set(known)


if __name__ == "__main__":
    STAMPS.write_text(written(units()), encoding="utf-8")
