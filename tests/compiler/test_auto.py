"""``generator: auto``: which generator is taken, and where one learns of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from synthkit.cli.main import cli
from synthkit.compiler import Manifest, compile_project
from synthkit.compiler.auto import Declared, choose_generator
from synthkit.errors import ConfigurationError
from synthkit.generators import registry
from synthkit.generators.base import Generator
from synthkit.planning.fingerprint import Fingerprinter
from synthkit.project.project import load_project
from tests.private import DECLARED
from tests.synth import COPULA_PROJECT, make_project

MODELS = """
    version: 1
    models:
      - {name: said, source: "{{ source('crm', 'customers') }}", generator: auto, size: 10, seed: 1, audits: []}
      - {name: unsaid, source: "{{ source('crm', 'customers') }}", size: 10, seed: 1, audits: []}
      - {name: named, source: "{{ source('crm', 'customers') }}", generator: circuit, size: 10, seed: 1, audits: []}
"""


def test_the_choice() -> None:
    assert choose_generator(None, ()) == ("circuit", "chosen as the default without epsilon")
    assert choose_generator(None, ("dp.a",))[0] == "circuit"
    assert choose_generator(1.0, ("dp.a",)) == ("dp.a", "chosen because it honours epsilon")
    assert choose_generator(1.0, ("dp.a", "dp.b")) == (
        "dp.a",
        "chosen because it honours epsilon, the first by name of 2",
    )
    assert choose_generator(0.5, ())[0] == "circuit"
    assert choose_generator(1.0, ("a", "aim", "dp.a")) == ("aim", "chosen as the default with epsilon")


@pytest.mark.parametrize(
    ("epsilon", "declared", "name"),
    [
        (1.0, None, "aim"),
        (1.0, Declared(1_000, 20), "aim"),
        (1.0, Declared(300, 20), "independent"),
        (0.5, Declared(300, 6), "aim"),
        (0.1, Declared(1_000, 20), "independent"),
        (1.0, Declared(0, 20), "independent"),
    ],
)
def test_a_table_too_small_for_its_epsilon_gets_its_columns_right(
    epsilon: float, declared: Declared | None, name: str
) -> None:
    private = ("aim", "independent", "mst")
    found, why = choose_generator(epsilon, private, declared)
    assert found == name
    assert why.startswith(
        "chosen as rows × epsilon ÷ columns is " if name == "independent" else "chosen as the default"
    )
    assert choose_generator(epsilon, ("aim", "mst"), declared)[0] == "aim"


def test_what_is_declared_decides_under_epsilon(tmp_path: Path) -> None:
    """Six columns are learnt: 400 rows at epsilon 1 are enough, at 0.2 they are not. No row is looked at."""
    for epsilon, name in ((1, "aim"), (0.2, "independent")):
        model = f"""
            version: 1
            models:
              - {{name: fake, source: "{{{{ source('crm', 'customers') }}}}", epsilon: {epsilon}, size: 10, audits: []}}
        """
        found = manifest(tmp_path / name, model).models["fake"]
        assert found.generator.name == name
        assert found.generator_reason


def test_what_no_model_has_is_not_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    get = registry.get

    def noting(name: str) -> Generator:
        asked.append(name)
        return get(name)

    monkeypatch.setattr(registry, "get", noting)
    model = """
        version: 1
        models:
          - {name: fake, source: "{{ source('crm', 'customers') }}", epsilon: 1, size: 10, audits: []}
    """
    assert manifest(tmp_path, model).models["fake"].generator.name == "aim"
    assert set(asked) <= {"aim", "independent"}


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> dict[str, Generator]:
    """A registry of these generators alone, the copula under other names."""
    copula = registry.get("sdv.gaussian_copula")
    found = {"circuit": replace(copula, name="circuit"), "sql": registry.get("sql")}
    monkeypatch.setattr(registry, "names", lambda: tuple(sorted(found)))
    monkeypatch.setattr(registry, "get", lambda name: found[name])
    return found


def project(root: Path, models: str = MODELS) -> Path:
    files = {**COPULA_PROJECT, "models/sources.yml": DECLARED, "models/customers.yml": models}
    return make_project(root, files).root


def manifest(root: Path, models: str = MODELS) -> Manifest:
    return compile_project(load_project(project(root, models)))


def test_auto_is_resolved_and_says_why(tmp_path: Path, registered: Mapping[str, Generator]) -> None:
    models = manifest(tmp_path / "shop").models
    assert {n: m.generator.name for n, m in models.items()} == dict.fromkeys(("said", "unsaid", "named"), "circuit")
    assert models["said"].generator_reason == models["unsaid"].generator_reason != ""
    assert models["named"].generator_reason == ""


def test_the_hashes_are_those_of_the_generator_named(tmp_path: Path, registered: Mapping[str, Generator]) -> None:
    found = manifest(tmp_path / "shop")
    fingerprinter = Fingerprinter(found)
    assert len({fingerprinter.of(m, {}).sample for m in found.models.values()}) == 1


def test_with_epsilon_a_private_generator_is_taken(tmp_path: Path, registered: dict[str, Generator]) -> None:
    for name in ("dp.b", "dp.a"):
        able = {"mechanisms": lambda params, budget, schema: ()}
        registered[name] = replace(registered["circuit"], name=name, **able)
    private = MODELS.replace("generator: auto,", "generator: {name: auto}, epsilon: 1.0, delta: 1e-6,")
    models = manifest(tmp_path / "shop", private).models
    assert models["said"].generator.name == "dp.a"
    assert "honours epsilon" in models["said"].generator_reason
    assert models["unsaid"].generator.name == "circuit"


def test_with_epsilon_and_no_private_generator_it_is_a_fault(
    tmp_path: Path, registered: Mapping[str, Generator]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        manifest(tmp_path / "shop", MODELS.replace("generator: auto,", "epsilon: 1.0,"))
    (fault,) = caught.value.faults
    assert "gives no differential privacy" in fault.message
    assert "no generator of this version can" in str(fault.hint)
    assert (fault.where.line, fault.value) == (3, "1.0") if fault.where else False


def test_auto_takes_no_parameters(tmp_path: Path, registered: Mapping[str, Generator]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        manifest(tmp_path / "shop", MODELS.replace("generator: auto,", "generator: {name: auto, epochs: 3},"))
    (fault,) = caught.value.faults
    assert "auto takes no parameters" in fault.message
    assert fault.where is not None
    line = (tmp_path / "shop" / "models" / "customers.yml").read_text("utf-8").splitlines()[fault.where.line - 1]
    assert line[fault.where.column - 1 :].startswith("epochs")


def test_plan_compile_and_ls_show_what_was_chosen(tmp_path: Path, registered: Mapping[str, Generator]) -> None:
    root = project(tmp_path / "shop")

    def synth(*arguments: str) -> str:
        done = CliRunner().invoke(cli, [*arguments, "--project-dir", str(root)])
        assert done.exit_code == 0, done.output
        return done.stdout

    lines = synth("plan").splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("train  said"))
    assert lines[at] == "train  said    circuit  10"
    assert lines[at + 1].strip() == "circuit: chosen as the default without epsilon"
    assert synth("plan").count("chosen as") == 2  # not of the model that names its generator
    actions = {a["model"]: a for a in json.loads(synth("plan", "--output", "json"))["actions"]}
    assert (actions["said"]["generator"], actions["named"]["generator_reason"]) == ("circuit", None)
    assert actions["unsaid"]["generator_reason"] == "chosen as the default without epsilon"
    synth("compile")
    written = json.loads((root / "target" / "manifest.json").read_text("utf-8"))["models"]
    assert written["said"]["generator"]["name"] == "circuit"
    assert written["said"]["generator"]["reason"] == "chosen as the default without epsilon"
    shown = [json.loads(line) for line in synth("ls", "--output", "json", "--select", "generator:circuit").splitlines()]
    assert {(row["name"], row["generator"]) for row in shown} == {
        (name, "circuit") for name in ("said", "unsaid", "named")
    }
