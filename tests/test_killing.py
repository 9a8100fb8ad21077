"""The harness of the kill tests: what it counts does not depend on where the checkout and its environment lie."""

from __future__ import annotations

import os

import pytest

from tests.killing import PACKAGE, lines_of_package

PLACES = ("/home/me/synthkit/.venv/lib/python3.11/site-packages/dvc/fs.py", "/home/me/synthkit/tests/forking.py")


def called_from(*files: str) -> str:
    """What :func:`lines_of_package` finds below functions of these files, the outermost first."""
    found = lines_of_package
    for file in reversed(files):
        scope = {"inner": found}
        exec(compile("def outer():\n    return inner()\n", file, "exec"), scope)
        found = scope["outer"]
    return found()


@pytest.mark.parametrize("outside", PLACES)
def test_only_the_package_is_the_package(outside: str) -> None:
    inside = [os.path.join(PACKAGE, name) for name in ("build.py", "files.py")]  # noqa: PTH118 as PACKAGE is
    assert called_from(outside, *inside, outside, outside) == "files.py:2 build.py:2"
    assert called_from(outside, outside) == ""
