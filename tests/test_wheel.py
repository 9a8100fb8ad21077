"""What is installed is what is in the repository: no file that the package reads is left out of the wheel."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def tracked() -> list[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    found = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in found.split("\0") if name and (ROOT / name).is_file()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy: what an earlier build left in build/ would go into the wheel again."""
    root = tmp_path_factory.mktemp("wheel")
    for name in tracked():
        if name.startswith("synthkit/") or "/" not in name:
            (root / "source" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, root / "source" / name)
    command = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index", "-w", str(root)]
    done = subprocess.run([sys.executable, *command, str(root / "source")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (made,) = root.glob("*.whl")
    return made


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("synthkit/")}
    wanted = {name for name in tracked() if name.startswith("synthkit/")}
    assert len([name for name in wanted if not name.endswith(".py")]) > 10
    assert sorted(wanted - packed) == [], "add it to [tool.setuptools.package-data]"
    assert sorted(packed - wanted) == []


def test_the_wheel_alone_can_read_its_data(wheel: Path, tmp_path: Path) -> None:
    """Beside the dependencies, without the repository."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = (
        "import synthkit, pathlib; assert pathlib.Path(synthkit.__file__).is_relative_to(pathlib.Path.cwd())\n"
        "from synthkit.llm.prices import Prices\n"
        "from synthkit.instruct.filters import FilterParams, Filters\n"
        "from synthkit.scaffold.schemas import schema\n"
        "assert Prices.load().as_of; Filters(FilterParams(), []); schema('models')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
