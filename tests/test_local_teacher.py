"""`llm_columns` by a language model that the build runs itself: real transformers, a tiny model made here."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.llm.tiny import tiny_model
from tests.synth import OTHER_HASHES, Project, make_project

MODELS = """
    version: 1
    sources:
      - name: crm
        tables:
          - {name: people, path: people.csv, primary_key: id, sensitive: true}
    models:
      - name: reviews
        source: "{{ source('crm', 'people') }}"
        holdout: 0
        generator:
          name: llm_columns
          teacher: {provider: local, model: lm, max_tokens: 24, temperature: 0.8, intended_use: a test, terms_ack: true}
          fill: {review: the review}
          show: [tier]
          filters: {lengths: false, pii: false, refusals: false, harmful: false}
        size: 30
        audits:
          - row_count: {equals: 30}
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def shop(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    people = "id,tier\n" + "".join(f"{i},{i % 3}\n" for i in range(30))
    files = {"synth_project.yml": "name: shop\nmodel_threads: 1\n", "models/m.yml": MODELS, "people.csv": people}
    project = make_project(tmp_path / "shop", files)
    shutil.copytree(model, project.root / "lm")
    return project


def texts(project: Project) -> list[str]:
    return [r["review"] for r in project.query("select review from reviews order by id")]


def receipt(project: Project) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((project.root / "warehouse/dev/reviews.receipt.json").read_text("utf-8"))
    return found


def test_a_model_in_a_folder_writes_the_texts(shop: Project, model: Path) -> None:
    shop.write({"prices.yml": "models: {lm: {input: 1, output: 2}}\n"})  # of one of that name elsewhere
    shop.ok("compile")
    planned = shop.ok("plan")
    assert (
        "about 2 requests to lm, which the build runs itself: nothing is paid, and nothing shown leaves it" in planned
    )
    shop.ok("build")  # rows of a sensitive source: they stay in the build
    first, before = texts(shop), shop.parquet("reviews")[0].read_bytes()
    assert sum(t is not None for t in first) >= 25
    assert len(set(first)) >= 5
    told = receipt(shop)["teacher"]
    assert (told["provider"], told["reach"], float(told["usd"])) == ("local", "none", 0)
    assert (told["requests"], told["usage"], told["counts"]) == (None, {}, {})  # they would tell the number of rows

    shutil.rmtree(shop.root / ".synth/requests")  # made anew, and not read again
    shop.ok("build", "--full-refresh", env=OTHER_HASHES)
    assert shop.parquet("reviews")[0].read_bytes() == before

    shop.write({"models/m.yml": MODELS.replace("size: 30", "size: 30\n        seed: 5")})
    shop.ok("build")
    assert texts(shop) != first

    tiny_model(shop.root / "lm", steps=25)  # another model under the same name
    assert "model:lm" in shop.ok("plan")
    other = texts(shop)
    shop.ok("build")
    assert texts(shop) != other


def test_the_likeliest_text_is_the_same_for_equal_rows(shop: Project) -> None:
    shop.write({"models/m.yml": MODELS.replace("temperature: 0.8, ", "")})
    shop.ok("build")
    found = texts(shop)
    assert all(len({found[i] for i in range(t, 30, 3)}) <= 2 for t in range(3))


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ("audits:", "audits:\n          - max_cost: {max: 1}", "no prices of machines are declared"),
        ("fill:", "max_usd: 1\n          fill:", "a model on this machine is paid nothing"),
        ("model: lm,", "model: lm, base_url: http://localhost,", "base_url: a model on this machine takes none"),
        ("model: lm,", "model: lm, revision: main,", "revision"),
        (
            "provider: local",
            "provider: openai, revision: abcdefabcdefabcdefabcdefabcdefabcdefabcd",
            "of provider: local",
        ),
        ("provider: local", "provider: openai", "and the source is marked sensitive"),
    ],
)
def test_mistakes(shop: Project, wrong: str, right: str, said: str) -> None:
    shop.write({"models/m.yml": MODELS.replace(wrong, right)})
    assert said in shop.fails("compile", code=2)


def test_what_is_not_there_or_would_run_code_is_said_before_anything_is_done(shop: Project) -> None:
    folder = shop.root / "lm"
    config = json.loads((folder / "config.json").read_text("utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModelForCausalLM": "evil.Model"}}))
    text = shop.fails("build", code=2)
    assert "needs code that comes with it" in text
    assert "models/m.yml:" in text
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert "has no *.safetensors" in shop.fails("build", code=2)
    shutil.rmtree(folder)
    shop.ok("plan")  # who only plans need not have it
    assert "teacher.model: there is no folder" in shop.fails("build", code=2)


def test_rows_that_are_too_long_for_the_model(shop: Project) -> None:
    shop.write({"models/m.yml": MODELS.replace("max_tokens: 24", "max_tokens: 500")})
    assert "more than the 512 tokens that the model takes" in shop.fails("build")
