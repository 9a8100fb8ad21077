"""The examples of docs/orchestrators in the real packages: a project built by Dagster, Prefect and Airflow.

Each is installed into an environment of its own, at the version that is named here, in a folder that goes afterwards;
what this Python has is seen from there. It downloads some hundred megabytes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from tests.synth import Project, make_project

ROOT = Path(__file__).parents[1]
VERSIONS = {"dagster": "1.13.29", "prefect": "3.9.1", "apache-airflow": "3.3.2"}
DAGSTER = """
import dagster, dagster_shop
with dagster.DagsterInstance.ephemeral() as instance:
    run = dagster.materialize([dagster_shop.tables], instance=instance, raise_on_error=False)
    tables = sorted(e.asset_key.to_user_string() for e in run.get_asset_materialization_events())
    checks = [(c.asset_key.to_user_string(), c.check_name, c.passed) for c in run.get_asset_check_evaluations()]
print("FOUND", run.success, tables, checks)
"""
PREFECT = "import prefect_shop; print('FOUND', prefect_shop.nightly())"
AIRFLOW = """
import airflow_shop
run = airflow_shop.DAG.test()
print("FOUND", run.state, sorted((t.task_id, str(t.state)) for t in run.get_task_instances()))
"""
SCRIPTS = {"dagster": DAGSTER, "prefect": PREFECT, "apache-airflow": AIRFLOW}
BEFORE = {"apache-airflow": [["airflow", "db", "migrate"]]}
WANTED = {  # of the project as it is, and with an audit that fails
    "dagster": (
        "True ['by_tier', 'customers'] [('customers', 'not_null', True)]",
        "False [] [('customers', 'not_null', False)]",
    ),
    "prefect": ("{'customers': 'pass', 'by_tier': 'pass'}", None),
    "apache-airflow": ("success [('build', 'success'), ('plan', 'success'), ('verify', 'success')]", "failed"),
}


def installed(folder: Path, package: str) -> Path:
    """The ``bin`` of an environment with that package, which also sees what this Python has."""
    venv.create(folder, with_pip=True)
    pip = [folder / "bin/python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, f"{package}=={VERSIONS[package]}"], check=True)
    (site,) = folder.glob("lib/python3*/site-packages")
    seen = [ROOT, *(p for p in sys.path if p.endswith("site-packages"))]
    (site / "zz_synthkit.pth").write_text("".join(f"{p}\n" for p in seen), "utf-8")
    return folder / "bin"


def ran(bin: Path, package: str, project: Project, home: Path) -> str:
    """What the script of a package found of the project; of one that fails, the last line that it said."""
    (home / "dags").mkdir(parents=True)
    shutil.copy(ROOT / "docs/orchestrators/airflow_shop.py", home / "dags")  # Airflow runs what it has serialized
    env = {
        **os.environ,
        "PATH": f"{bin}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "docs" / "orchestrators"),
        "HOME": str(home),
        "SYNTH_PROJECT": str(project.root),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "300",
        "DO_NOT_TRACK": "1",
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }
    for command in BEFORE.get(package, ()):
        subprocess.run(command, env=env, cwd=home, capture_output=True, check=True)
    done = subprocess.run(
        [bin / "python", "-c", SCRIPTS[package]], env=env, cwd=home, capture_output=True, text=True, check=False
    )
    found = [line.removeprefix("FOUND ") for line in done.stdout.splitlines() if line.startswith("FOUND ")]
    return found[0] if found else (done.stderr.strip().splitlines() or ["nothing"])[-1]


def main() -> bool:
    """Print what each found; True where that is something else than is wanted."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks orchestrators")
    parser.add_argument("--package", choices=sorted(VERSIONS), nargs="+", default=sorted(VERSIONS))
    given, _ = parser.parse_known_args(sys.argv[2:] if sys.argv[1:2] == ["orchestrators"] else [])
    print("| package | version | a project that passes | and one of which an audit fails | s |")
    print("| --- | --- | --- | --- | ---: |")
    wrong = False
    for package in given.package:
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            bin = installed(folder / "venv", package)
            good, bad = (make_project(folder / kind / "shop") for kind in ("good", "bad"))
            models = (bad.root / "models/customers.yml").read_text("utf-8")
            (bad.root / "models/customers.yml").write_text(models.replace("[tier]", "[visits]"), "utf-8")
            found = [ran(bin, package, p, folder / f"home-{p.root.parent.name}") for p in (good, bad)]
        passes, fails = WANTED[package]
        wrong |= found[0] != passes or (found[1] == passes if fails is None else not found[1].startswith(fails))
        took = time.perf_counter() - started
        print(f"| {package} | {VERSIONS[package]} | {found[0]} | {found[1][:120]} | {took:.0f} |")
    return wrong
