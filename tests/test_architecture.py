"""The structure that the design asks for, checked: layers, light start, small files."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import synthkit

ROOT = Path(synthkit.__file__).parent

# The way of the data: a module imports only from its own layer or from those before it.
LAYERS = (
    ("errors", "files", "containment", "statements", "shares", "rowwise"),
    ("schema",),
    ("sqltypes", "restvalues"),
    ("results", "events"),
    ("uses",),
    ("spec.base", "spec.decides", "spec.types", "spec.yamlfile"),
    ("macros", "sandbox", "render"),
    ("spec",),
    ("project",),
    ("sources",),
    ("privacy",),
    ("encoding",),
    ("teacher",),
    ("text",),
    ("generators",),
    ("audits",),
    ("graph",),
    ("compiler",),
    ("fingerprint",),
    ("versions",),
    ("store",),
    ("state", "explain"),
    ("plan",),
    ("runners",),
    ("runrecord", "invocation"),
    ("charges", "provenance", "renames", "freshness", "unittests"),
    ("publishing", "modelrun", "modeljobs", "modelinputs", "garbage"),
    ("lineage",),
    ("build",),
    ("verify",),
    ("report",),
    ("init",),
    ("cli", "__main__"),
)
HEAVY = (
    "torch",
    "sdv",
    "sklearn",
    "scipy",
    "pandas",
    "pyarrow",
    "duckdb",
    "faker",
    "psycopg",
    "numpy",
    "anthropic",
    "rapidfuzz",
    "datasketch",
    "py3langid",
)


def modules() -> list[Path]:
    return sorted(ROOT.rglob("*.py"))


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def layer_of(module: str) -> int | None:
    best = None
    for index, names in enumerate(LAYERS):
        for name in names:
            if (module == name or module.startswith(f"{name}.")) and (best is None or len(name) > best[0]):
                best = (len(name), index)
    return None if best is None else best[1]


def imported(tree: ast.AST) -> list[tuple[str, int]]:
    """Modules of synthkit that are imported anywhere in a file, type checking aside."""
    checking = {
        id(n) for block in ast.walk(tree) if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for n in ast.walk(block)
    }  # fmt: skip
    found = []
    for node in ast.walk(tree):
        if id(node) in checking:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("synthkit"):
            base = (node.module or "").removeprefix("synthkit").lstrip(".")
            # `from synthkit.audits import registry` imports the module audits.registry
            names = [
                f"{base}.{a.name}" if (ROOT / base.replace(".", "/") / f"{a.name}.py").exists() else base
                for a in node.names
            ]
            found += [(n.lstrip("."), node.lineno) for n in names]
    return found


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    module = name_of(path)
    if module in ("", "__init__"):
        return
    own = layer_of(module)
    assert own is not None, f"{module} is in no layer: add it to LAYERS"
    for target, line in imported(ast.parse(path.read_text("utf-8"))):
        if target in ("", "__version__"):
            continue
        other = layer_of(target)
        assert other is not None, f"{module}:{line} imports {target}, which is in no layer"
        assert other <= own, f"{module}:{line} imports {target}, which is above it"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_heavy_packages_are_imported_where_they_are_used(path: Path) -> None:
    for node in ast.parse(path.read_text("utf-8")).body:
        names = []
        if isinstance(node, ast.Import):
            names = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names = [node.module or ""]
        for name in names:
            assert name.split(".")[0] not in HEAVY, f"{name_of(path)}:{node.lineno} imports {name} at the top"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_files_stay_small(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= 400


def test_version_loads_nothing_heavy() -> None:
    code = (
        "import sys, synthkit.cli.main as m\n"
        "try: m.cli.main(['--version'], standalone_mode=False)\n"
        "except SystemExit: pass\n"
        f"bad = [n for n in {(*HEAVY, 'pydantic', 'jinja2', 'rich', 'yaml')!r} if n in sys.modules]\n"
        "assert not bad, bad"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("synth ")


@pytest.mark.parametrize("verb", ["ls", "compile", "plan"])
def test_looking_at_a_project_loads_no_learning_library(verb: str, tmp_path: Path) -> None:
    """A copy of the example project, in which nothing is spent yet: adding up a ledger takes the accountant."""
    for name in ("models", "audits", "macros", "data"):
        shutil.copytree(ROOT.parent / name, tmp_path / name)
    shutil.copy(ROOT.parent / "synth_project.yml", tmp_path)
    code = (
        f"import sys, synthkit.cli.main as m\n"
        f"m.cli.main([{verb!r}, '--project-dir', {str(tmp_path)!r}], standalone_mode=False)\n"
        "bad = [n for n in ('torch', 'sdv', 'sklearn', 'scipy', 'pandas', 'faker') if n in sys.modules]\n"
        "assert not bad, bad"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
