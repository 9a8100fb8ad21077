"""The structure that the design asks for, checked: layers, light start, small files."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

import pytest

import synthkit

ROOT = Path(synthkit.__file__).parent

# The way of the data: what everybody speaks, then the rooms, each of which names the one that follows it in its
# docstring; a room imports only from those before it.
SPOKEN = ("earlier", "errors", "extras", "environment", "files", "digests", "memory", "plugins", "schema")
FIRST, LAST = "sql", "cli"
LATER = {"sql": ("records", "results", "events")}  # what stands between two rooms
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
    "openai",
    "rapidfuzz",
    "datasketch",
    "py3langid",
)


LONGEST = 400  # lines of a file


@cache
def modules() -> dict[str, ast.Module]:
    """Every module below the package, by its dotted name there ("" is the package itself)."""
    return {
        ".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix("__init__").removesuffix("."): ast.parse(
            p.read_text("utf-8")
        )
        for p in sorted(ROOT.rglob("*.py"))
    }


@cache
def imports() -> dict[str, list[tuple[str, int]]]:
    """What each module imports of the package, anywhere in its file, for type checking too, with the line."""
    found: dict[str, list[tuple[str, int]]] = {}
    for module, tree in modules().items():
        found[module] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "synthkit":
                base = (node.module or "").removeprefix("synthkit").lstrip(".")
                # `from synthkit.audits import registry` imports the module audits.registry
                names = (f"{base}.{a.name}".lstrip(".") for a in node.names)
                found[module] += [(n if n in modules() else base, node.lineno) for n in names]
    return found


@cache
def layers() -> tuple[str, ...]:
    order, room = [*SPOKEN], FIRST
    while room != LAST:
        assert room not in order, f"the rooms' docstrings lead back to {room}"
        order.append(room)
        order += LATER.get(room, ())
        doc = " ".join((ast.get_docstring(modules()[room]) or "").split())
        found = re.search(r"Imports nothing of ``(\w+)`` or what follows it\.$", doc)
        assert found, f"the docstring of {room} does not end with the room that follows it"
        room = found[1]
    return (*order, LAST, "__main__")


def layer_of(module: str) -> int | None:
    name = module.split(".")[0]
    return layers().index(name) if name in layers() else None


def test_each_room_says_what_comes_in_what_goes_out_and_what_it_must_not_import() -> None:
    for room in layers():
        if room in modules() and (ROOT / room).is_dir() and room != LAST:
            doc = ast.get_docstring(modules()[room]) or ""
            assert " in" in doc, room
            assert " out" in doc, room


def circles(graph: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """Groups of nodes that reach one another."""
    found = strongly_connected(graph)
    return sorted(sorted(group) for group in found if len(group) > 1)


def strongly_connected(graph: Mapping[str, Iterable[str]]) -> list[set[str]]:
    """Tarjan 1972."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for other in graph.get(node, ()):
            if other not in order:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], order[other])
        if low[node] == order[node]:
            at = stack.index(node)
            found.append(set(stack[at:]))
            del stack[at:]

    for node in graph:
        if node not in order:
            visit(node)
    return found


def test_imports_point_one_way() -> None:
    assert not [m for m in modules() if m and layer_of(m) is None], "in no layer: add them to LAYERS"
    above = [
        f"{module}:{line} imports {other}, which is above it"
        for module, found in imports().items()
        for other, line in found
        if module and other and (layer_of(other) or 0) > (layer_of(module) or 0)
    ]
    assert not above, "\n".join(above)


def test_no_modules_import_each_other() -> None:
    graph = {m: {o for o, _ in found} - {m, ""} for m, found in imports().items()}
    assert not circles(graph)


def test_no_rooms_import_each_other() -> None:
    """A room is a folder; what lies in a folder below it is another one."""
    folders = {".".join(p.relative_to(ROOT).parts[:-1]) for p in ROOT.rglob("*.py")}
    rooms: dict[str, set[str]] = {}
    for module, found in imports().items():
        own = _room(module, folders)
        rooms.setdefault(own, set()).update({_room(o, folders) for o, _ in found} - {own, ""})
    rooms.pop("", None)  # what everybody speaks, and what Python users import
    assert not circles(rooms)


def _room(module: str, folders: set[str]) -> str:
    return module if module in folders else module.rpartition(".")[0]


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    at_the_top = []
    for module, tree in modules().items():
        for node in tree.body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.level == 0:
                names = [node.module or ""]
            at_the_top += [f"{module}:{node.lineno} imports {n}" for n in names if n.split(".")[0] in HEAVY]
    assert not at_the_top, "\n".join(at_the_top)


def test_sql_is_quoted_in_one_place() -> None:
    doubling = ("""replace('"', '""')""", """replace("'", "''")""")
    found = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*.py") if any(d in p.read_text("utf-8") for d in doubling)]
    assert found == ["sql/quoting.py"]


def test_files_stay_small() -> None:
    lines = {p: len(p.read_text("utf-8").splitlines()) for p in ROOT.rglob("*.py")}
    assert not {str(p.relative_to(ROOT)): n for p, n in lines.items() if n > LONGEST}


# What a verb may use when it runs: the one call, what shows its result, and what everybody speaks.
OF_VERBS = ("api", "cli", "report", "errors", "files", "privacy.guarantee", "")


def _imported_at_run_time(tree: ast.Module) -> set[str]:
    """Modules of the package that a file imports, but for types."""
    found: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "synthkit":
            found.add((node.module or "").removeprefix("synthkit").lstrip("."))
        waiting += ast.iter_child_nodes(node)
    return found


def test_a_verb_is_a_thin_file_over_one_library_call() -> None:
    files = {m: t for m, t in modules().items() if m.startswith("cli.") and m != "cli.main"}
    doing = {
        f"{module} imports {other}"
        for module, tree in files.items()
        for other in _imported_at_run_time(tree)
        if not any(other == room or (room and other.startswith(f"{room}.")) for room in OF_VERBS)
    }
    assert not doing, "a verb parses words, makes one call of synthkit.api, and prints"


def test_what_python_programs_call_prints_nothing() -> None:
    for module, tree in modules().items():
        if module.split(".")[0] in ("api", "scaffold", "gc"):
            assert "click" not in {n.name for i in ast.walk(tree) if isinstance(i, ast.Import) for n in i.names}, module
            prints = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "print"]
            assert not prints, module


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
