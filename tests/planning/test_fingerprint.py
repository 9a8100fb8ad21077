"""What changes a model's hashes, and what does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthkit.compiler import compile_project
from synthkit.planning.fingerprint import Fingerprint, Fingerprinter, model_seed
from synthkit.project.project import load_project
from tests.synth import COPULA_PROJECT, make_project

YAML = COPULA_PROJECT["models/customers.yml"]
PROJECT = "name: shop\nseed: 7\nvars: {epochs: 3, other: 1}\n"


def fingerprints(root: Path, files: dict[str, str], **given: object) -> dict[str, Fingerprint]:
    project = make_project(root, {**COPULA_PROJECT, **files})
    manifest = compile_project(load_project(project.root, **given))  # type: ignore[arg-type]
    fingerprinter, upstream, found = Fingerprinter(manifest), {}, {}
    for name, model in manifest.models.items():
        found[name] = fingerprinter.of(model, upstream)
        upstream[model.id] = found[name].sample
    return found


@pytest.fixture
def before(tmp_path: Path) -> dict[str, Fingerprint]:
    return fingerprints(tmp_path / "shop", {"synth_project.yml": PROJECT})


def after(tmp_path: Path, model: str = YAML, project: str = PROJECT, **given: object) -> dict[str, Fingerprint]:
    return fingerprints(tmp_path / "shop", {"synth_project.yml": project, "models/customers.yml": model}, **given)


def changed(a: Fingerprint, b: Fingerprint) -> str:
    return "".join(k[0] for k in ("train", "sample", "audit") if getattr(a, k) != getattr(b, k))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("size: 300", "size: 200", "sa"),
        ("{row_count: {equals: 300}}", "", ""),
        ("equals: 300", "equals: 301", "a"),
        ("generator: sdv.gaussian_copula", "generator: {name: sdv.gaussian_copula}", ""),
        ("generator: sdv.gaussian_copula", "generator: {name: sdv.gaussian_copula, enforce_rounding: false}", "tsa"),
        ("description: Stand-in for crm.customers", "description: Something else", ""),
        ("size: 300", "size: 300\n            seed: 5", "tsa"),
        ("size: 300", "size: 300\n            holdout: 10%", "tsa"),
        ("size: 300", "size: 300\n            tags: [x]\n            materialized: parquet", ""),
        ("size: 300", "size: 300\n            conditions: {churned: yes}", "sa"),
        ("size: 300", "size: 300\n            constraints: [age >= 18]", "sa"),
        ("size: 300", "size: 300\n            keys: fresh", "sa"),
        ("size: 300", "size: 300\n            columns: [{name: tier, pii: word}]", "tsa"),
    ],
)
def test_what_a_change_touches(
    tmp_path: Path, before: dict[str, Fingerprint], old: str, new: str, expected: str
) -> None:
    now = after(tmp_path, YAML.replace(old, new, 1))
    assert changed(before["fake_customers"], now["fake_customers"]) == expected
    # The model downstream reads rows: it changes when, and only when, they do.
    assert bool(changed(before["by_tier"], now["by_tier"])) == ("s" in expected)


def test_an_unused_variable_changes_nothing_and_a_used_one_does(tmp_path: Path) -> None:
    used = YAML.replace(
        "generator: sdv.gaussian_copula", "generator: {name: sdv.ctgan, epochs: \"{{ var('epochs') }}\"}"
    )
    first = after(tmp_path, used)
    assert after(tmp_path, used, vars={"other": 2}) == first
    second = after(tmp_path, used, vars={"epochs": 4})
    assert changed(first["fake_customers"], second["fake_customers"]) == "tsa"


def test_the_projects_seed_and_the_source_change_everything(tmp_path: Path, before: dict[str, Fingerprint]) -> None:
    assert changed(before["fake_customers"], after(tmp_path, seed=8)["fake_customers"]) == "tsa"
    project = make_project(tmp_path / "shop", {**COPULA_PROJECT, "synth_project.yml": PROJECT})
    csv = project.root / "data" / "customers.csv"
    csv.write_text(csv.read_text().replace("pro", "top"))
    manifest = compile_project(load_project(project.root))
    model = manifest.models["fake_customers"]
    assert changed(before["fake_customers"], Fingerprinter(manifest).of(model, {})) == "tsa"


def test_seeds_differ_by_model_and_follow_the_project() -> None:
    assert model_seed(1, None, "a") == model_seed(1, None, "a")
    assert len({model_seed(p, None, m) for p in (1, 2) for m in "ab"}) == 4
    assert model_seed(1, 42, "a") == 42


@pytest.mark.parametrize(("size", "drawn_again"), [("300", False), ("2x", True), ("50%", True), ("2_000_000", True)])
def test_how_many_rows_a_partition_has_decides_a_table_that_may_have_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: str, drawn_again: bool
) -> None:
    """The number of partitions of ``2x`` follows from the source's rows, which nobody declares."""
    sized = YAML.replace("size: 300", f"size: {size}")
    first = after(tmp_path, sized)["fake_customers"]
    for constant in ("PARTITION_ROWS", "PARTITION_VERSION"):
        with monkeypatch.context() as patched:
            patched.setattr(f"synthkit.planning.fingerprint.{constant}", 900_000)
            now = after(tmp_path, sized)["fake_customers"]
        assert changed(first, now) == ("sa" if drawn_again else "")
