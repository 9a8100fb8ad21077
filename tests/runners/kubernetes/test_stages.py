"""``synth k8s render``: three stages that are applied at once, take pods that are killed, and end with a local build's bytes."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.ray_cluster import until
from tests.synth import COPULA_PROJECT, Project, make_project

pytest.importorskip("kubernetes_validate")

from tests.kube_server import Cluster, problems

MODELS = """
    version: 1
    models:
      - name: many
        source: "{{ source('crm', 'customers') }}"
        generator: {name: circuit, states: 2, min_steps: 5, refinements: 0}
        size: 900
        partition_rows: 300
        resources: {cpus: 2}
        audits:
          - row_count: {equals: 900}
      - name: by_tier
        generator: {name: sql, query: "select tier, count(*) as n from {{ ref('many') }} group by tier order by tier"}
        audits: []
"""
RUNNER = "{name: kubernetes, image: 'synthkit:0.1.0', claim: shop, retries: 8, secrets: [warehouse], data: {raw: /raw}}"
FILES = {"models/sources.yml": COPULA_PROJECT["models/sources.yml"], "models/models.yml": MODELS}


def project(folder: Path, runner: str = RUNNER) -> Project:
    head = f"name: the_shop\nseed: 7\ntargets: {{dev: {{runner: {runner}}}}}\n"
    return make_project(folder, {**FILES, "synth_project.yml": head})


def rendered(shop: Project, *arguments: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(shop.ok("k8s", "render", "--run", "r1", *arguments)))


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    (tmp_path / "claim").symlink_to(tmp_path / "shop")
    (tmp_path / "pods").mkdir()
    found = Cluster({"shop": tmp_path / "claim", "raw": tmp_path}, tmp_path / "pods", killed=0.3, seed=1)
    yield found
    found.close()


def test_what_is_rendered_is_what_the_server_takes(tmp_path: Path) -> None:
    found = rendered(project(tmp_path / "shop"))
    assert [m["metadata"]["name"] for m in found] == ["the-shop-train", "the-shop-draw-many", "the-shop-finish"]
    assert [problems(m) for m in found] == [[], [], []]
    draw = found[1]["spec"]
    assert (draw["completionMode"], draw["completions"], draw["parallelism"]) == ("Indexed", 3, 3)
    assert draw["backoffLimitPerIndex"] == 8
    pod = draw["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"]
    (container,) = pod["containers"]
    assert container["resources"] == {
        "requests": {"cpu": "2", "memory": "8Gi"},
        "limits": {"cpu": "8", "memory": "16Gi"},
    }
    assert container["envFrom"] == [{"secretRef": {"name": "warehouse"}}]
    text = yaml.safe_dump_all(found)
    assert "{{" not in text  # Helm would take it for its own


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: m["spec"]["template"]["spec"].update(restartPolicy="Always"), "restartPolicy"),
        (lambda m: m["spec"].update(completionMode="NonIndexed"), "Indexed"),
        (lambda m: m["spec"].update(paralelism=3), "paralelism"),
        (lambda m: m["spec"]["template"]["spec"].update(volumes=[]), "no volume"),
    ],
)
def test_the_stand_in_refuses_what_is_wrong(change: Any, said: str, tmp_path: Path) -> None:
    manifest = rendered(project(tmp_path / "shop"))[1]
    change(manifest)
    assert any(said in problem for problem in problems(manifest))


def test_without_partitions_or_the_runner_it_is_refused(tmp_path: Path) -> None:
    assert "not kubernetes" in project(tmp_path / "shop", "local").fails("k8s", "render", code=2)
    whole = MODELS.replace("        partition_rows: 300\n", "")
    said = project(tmp_path / "shop").write({"models/models.yml": whole}).fails("k8s", "render", code=2)
    assert "drawn in partitions" in said


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kustomize_takes_it(tmp_path: Path) -> None:
    project(tmp_path / "shop").ok("k8s", "render", "--run", "r1", "-o", str(tmp_path / "build.yml"))
    kustomization = {
        "resources": ["build.yml"],
        "namePrefix": "night-",
        "namespace": "data",
        "images": [{"name": "synthkit", "newName": "registry.example.org/synthkit", "newTag": "0.1.1"}],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization), "utf-8")
    done = subprocess.run(["kubectl", "kustomize", str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = list(yaml.safe_load_all(done.stdout))
    assert {m["metadata"]["name"] for m in found} == {f"night-the-shop-{s}" for s in ("train", "draw-many", "finish")}
    images = {c["image"] for m in found for c in m["spec"]["template"]["spec"]["containers"]}
    assert images == {"registry.example.org/synthkit:0.1.1"}
    assert [problems(m) for m in found] == [[], [], []]


@pytest.mark.slow
def test_three_stages_applied_at_once_end_with_the_bytes_of_a_local_build(cluster: Cluster, tmp_path: Path) -> None:
    tables = []
    for name, runner in (("local", "local"), ("shop", RUNNER)):
        shop = project(tmp_path / name, runner)
        if name == "local":
            shop.ok("build")
        else:
            for manifest in rendered(shop):
                assert not cluster.apply(manifest)
            until(lambda: all(j.conditions for j in cluster.jobs.values()), 500)
            kinds = {n: [c["type"] for c in j.conditions] for n, j in cluster.jobs.items()}
            logs = "\n".join(p.read_text("utf-8") for p in sorted((tmp_path / "pods").glob("*.log")))
            assert kinds == {key: ["Complete"] for key in kinds}, logs
        tables.append({p.parent.name: p.read_bytes() for p in (shop.root / "warehouse").rglob("*.parquet")})
    assert tables[0] == tables[1]
    assert set(tables[0]) == {"many", "by_tier"}
    assert cluster.kills > 0


@pytest.mark.slow
def test_a_training_that_fails_ends_the_stages_that_wait_for_it(cluster: Cluster, tmp_path: Path) -> None:
    shop, cluster.killed = project(tmp_path / "shop"), 0.0
    manifests = rendered(shop)
    shop.write({"data/customers.csv": "customer_id,tier\n"})  # nothing to learn from
    for manifest in manifests:
        cluster.apply(manifest)
    until(lambda: all(j.conditions for j in cluster.jobs.values()), 300)
    assert {c["type"] for j in cluster.jobs.values() for c in j.conditions} == {"Failed"}
    assert not list((shop.root / "warehouse").rglob("*.parquet"))
