"""Modules that moved are found under their earlier names, with a warning that says the new one."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

from synthkit.earlier import NOW, called_now


@pytest.mark.parametrize("name", sorted(NOW))
def test_each_earlier_name_leads_to_a_module_that_is_there_and_is_no_other_now(name: str) -> None:
    assert import_module(called_now(f"synthkit.{name}") or "").__name__ == f"synthkit.{NOW[name]}"


def test_a_package_that_was_written_for_the_earlier_names_still_works() -> None:
    code = (
        "from synthkit.audits.base import audit, AuditResult\n"
        "from synthkit.spec.types import ModelSpec\n"
        "import synthkit.audits.contract as contract, synthkit.project.types as types\n"
        "assert audit is contract.audit and ModelSpec is types.ModelSpec\n"
        "assert contract.__spec__.name == 'synthkit.audits.contract'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "synthkit.audits.base is now called synthkit.audits.contract" in done.stderr
    assert "synthkit.spec.types is now called synthkit.project.types" in done.stderr


def test_what_never_was_is_not_there() -> None:
    with pytest.raises(ModuleNotFoundError):
        import_module("synthkit.audits.nothing")
    with pytest.raises(ModuleNotFoundError):
        import_module("synthkit.spec.nothing")


@pytest.mark.filterwarnings("default::FutureWarning")
@pytest.mark.parametrize(
    ("module", "name", "now"),
    [
        ("sources.location", "place", "location"),
        ("sources.location", "column_place", "column_location"),
        ("sources.address", "Place", "Address"),
        ("project.lookups", "Uses", "Rendering"),
    ],
)
def test_a_name_within_a_module_is_found_too(module: str, name: str, now: str) -> None:
    found = import_module(f"synthkit.{module}")
    with pytest.warns(FutureWarning, match=f"synthkit.{module}.{name} is now called {now}"):
        assert getattr(found, name) is getattr(found, now)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        found.nothing  # noqa: B018


def test_a_reader_that_was_written_for_the_earlier_names_still_works() -> None:
    code = (
        "from synthkit.sources.place import place\nfrom synthkit.sources.rowwise import open_csv\nprint(place.__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "location\n"
    assert "synthkit.sources.place is now called synthkit.sources.location" in done.stderr
    assert "synthkit.sources.location.place is now called location" in done.stderr
