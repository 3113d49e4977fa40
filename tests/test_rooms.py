"""The import rules of the house, read from the source with ast: a room imports from lower shelves only, every outside
package has one home, and `domain`, `recipes` and every `config.py` are free of torch."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHELVES = {
    0: {"domain", "errors"},
    1: {"morphable", "performance", "runtime", "artifacts", "video", "rendering", "assets", "training", "textmodels"},
    2: {"synthesis", "fitting", "tokenization", "language", "evaluation", "exchange"},
    3: {"pipelines", "recipes"},
}
SHELF_OF = {room: shelf for shelf, rooms in SHELVES.items() for room in rooms}
SIDEWAYS = {("performance", "morphable")} | {(room, "runtime") for room in SHELVES[1]}
HOMES = {
    "h5py": {"artifacts"},
    "decord": {"video"},
    "av": {"video"},
    "deepspeed": {"training"},
    "diffusers": {"synthesis"},
    "mediapipe": {"fitting"},
    "transformers": {"textmodels"},
    "peft": {"textmodels"},
    "gguf": {"textmodels"},
    "wordllama": {"textmodels"},
    "tokenizers": {"textmodels"},
    "anny": {"morphable"},
    "numba": {"rendering"},
    "typer": {"tdmm_cli"},
    "rich": {"tdmm_cli"},
    "click": set(),
    # files of other tools are read by the restricted reader alone; training names pickle's errors
    "pickle": {"training"},
    "chumpy": set(),
    "smplx": set(),
}
SOURCES = sorted([*ROOT.glob("tdmm_core/**/*.py"), *ROOT.glob("tdmm_cli/**/*.py")])


def imports(path: Path, *, top_level_only: bool = False) -> Iterator[tuple[int, str]]:
    """Line and dotted name of every import; `from a import b` gives `a.b` too, for b may be a module."""
    tree = ast.parse(path.read_text())
    typing_only = {id(n) for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) for n in ast.walk(node)}
    nodes = tree.body if top_level_only else list(ast.walk(tree))  # an `if TYPE_CHECKING` is no import of the body itself
    for node in nodes:
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield node.lineno, node.module or ""
            if node.module == "tdmm_core":
                yield from ((node.lineno, f"tdmm_core.{alias.name}") for alias in node.names)


def room_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return parts[0] if parts[0] == "tdmm_cli" else Path(parts[1]).stem


def faults(path: Path) -> Iterator[str]:
    here = room_of(path)
    for line, name in imports(path):
        where = f"{path.relative_to(ROOT)}:{line} imports {name}"
        package = name.split(".")[0]
        if here not in HOMES.get(package, {here}):
            yield f"{where}: the home of {package} is {', '.join(HOMES[package]) or 'nowhere'}"
        if package == "tdmm_cli" and here != "tdmm_cli":
            yield f"{where}: nothing below imports the command line"
        there = name.split(".")[1] if package == "tdmm_core" and "." in name else None
        if there is None or there == here or here in ("tdmm_cli", "__init__"):
            continue
        if here == "recipes" and there in SHELVES[1] | SHELVES[2] and not name.endswith(".config") and not name.endswith("_config"):
            yield f"{where}: recipes reads configs only"
        if here == "pipelines" and there == "recipes":
            yield f"{where}: pipelines are told their config"
        above = SHELF_OF[there] >= SHELF_OF[here]
        if above and (here, there) not in SIDEWAYS and not (here in SHELVES[0] and there == "errors"):
            yield f"{where}: {here} (shelf {SHELF_OF[here]}) may not import {there} (shelf {SHELF_OF[there]})"
        if SHELF_OF[here] == 2 and there == "artifacts":
            yield f"{where}: artifacts are opened in pipelines only"


@pytest.mark.parametrize("path", SOURCES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_shelves(path: Path) -> None:
    assert list(faults(path)) == []


@pytest.mark.parametrize(
    "path", [p for p in SOURCES if p.stem.endswith("config") or "/domain/" in str(p) or "/recipes/" in str(p)], ids=lambda p: str(p.relative_to(ROOT))
)
def test_configs_and_nouns_are_light(path: Path) -> None:
    heavy = {"torch", "transformers", "deepspeed", "numba", "matplotlib", "scipy", "mediapipe"}
    assert [n for _, n in imports(path) if n.split(".")[0] in heavy] == []


def test_the_command_line_loads_nothing_heavy_at_the_door() -> None:
    door = [
        f"{p.name}:{line} {name}"
        for p in ROOT.glob("tdmm_cli/**/*.py")
        for line, name in imports(p, top_level_only=True)
        if name.startswith("tdmm_core") and not name.startswith(("tdmm_core.errors", "tdmm_core.runtime"))
    ]
    assert door == []


def test_core_never_prints() -> None:
    calls = [
        f"{p.relative_to(ROOT)}:{n.lineno}"
        for p in ROOT.glob("tdmm_core/**/*.py")
        if p.name != "__main__.py" and not p.name.startswith("bake_")
        for n in ast.walk(ast.parse(p.read_text()))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "print"
    ]
    assert calls == []


def test_init_files_are_docstrings() -> None:
    for path in [*ROOT.glob("tdmm_core/**/__init__.py"), *ROOT.glob("tdmm_cli/**/__init__.py")]:
        body = ast.parse(path.read_text()).body
        assert len(body) == 1 and isinstance(body[0], ast.Expr), path


def test_a_fault_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of imports itself: a forbidden import is named with its line."""
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    bad = tmp_path / "tdmm_core" / "fitting" / "x.py"
    bad.parent.mkdir(parents=True)
    bad.write_text("import h5py\nfrom tdmm_core import language\nfrom tdmm_core.pipelines.fit import fit\n")
    found = list(faults(bad))
    assert len(found) == 3 and found[0].startswith("tdmm_core/fitting/x.py:1 imports h5py")
