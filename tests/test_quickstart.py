"""What README and the quickstart show works: their commands are run, their YAML compiles."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest

import synthkit
from synthkit.compiler import compile_project
from synthkit.project.project import load_project
from synthkit.scaffold.scaffold import scaffold_files
from tests.synth import SYNTH

ROOT = Path(synthkit.__file__).parent.parent
README, QUICKSTART, PRIVACY = (ROOT / name for name in ("README.md", "docs/quickstart.md", "docs/privacy.md"))
LASTING = ("docs serve",)  # commands that do not end by themselves
AUDIT = "select * from {{ this }} where age < 18\n"


def block(page: Path, beginning: str, language: str = "") -> str:
    """The code block of a page that has this in it."""
    found = re.findall(rf"^```{language}\n(.*?)^```", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    (text,) = [body for body in found if beginning in body]
    return str(text)


def project(root: Path, **files: str) -> Path:
    made = {**scaffold_files("shop"), **{k.replace("__", "/") + ".yml": v for k, v in files.items()}}
    for name, text in {**made, "audits/no_minors.sql": AUDIT}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def test_the_table_of_the_readme_compiles(tmp_path: Path) -> None:
    text = "version: 1\n" + block(README, "models:", "yaml")
    manifest = compile_project(load_project(project(tmp_path, models__customers=text), environ={}))
    assert [a.name for a in manifest.models["synthetic_customers"].audits] == [
        "tstr",
        "membership_inference",
        "no_minors",
    ]


def test_the_tables_of_the_quickstart_compile(tmp_path: Path) -> None:
    root = project(tmp_path, models__customers=block(QUICKSTART, "models:", "yaml"))
    (root / "models" / "sources.yml").unlink()
    manifest = compile_project(load_project(root, environ={}))
    assert set(manifest.models) == {"synthetic_customers", "training_set"}


def test_the_private_table_compiles(tmp_path: Path) -> None:
    root = project(tmp_path, models__customers="version: 1\n" + block(PRIVACY, "shareable_customers", "yaml"))
    (root / "models" / "sources.yml").unlink()
    (root / "data" / "customers.csv").write_text("customer_id,age,tier\na,30,basic\nb,40,pro\n", "utf-8")
    manifest = compile_project(load_project(root, environ={}))
    assert manifest.models["shareable_customers"].generator.name == "aim"


def commands(page: Path) -> list[str]:
    """The commands of the block that makes a project, without their comments."""
    lines = (line.partition(" #")[0].strip() for line in block(page, "synth init shop && cd shop").splitlines())
    return [part for line in lines for part in line.split(" && ")]


@pytest.mark.slow
def test_the_commands_of_five_minutes_run(tmp_path: Path) -> None:
    """Those of README, which has the quickstart's among them, but those that do not end by themselves."""
    assert set(commands(QUICKSTART)) <= set(commands(README))
    here = tmp_path
    for command in commands(README):
        program, *words = shlex.split(command)
        if program == "cd":
            here = here / words[0]
        elif program == "synth" and " ".join(words) not in LASTING:
            done = subprocess.run([*SYNTH, *words], cwd=here, capture_output=True, text=True, check=False)
            assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    assert (here / "warehouse" / "dev" / "synthetic_customers.receipt.json").exists()
