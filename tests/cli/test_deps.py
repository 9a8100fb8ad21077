"""Packages as a user meets them: git for real over file://, `synth deps`, and what the compiler says without it."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from synthkit.packages.git import _said
from synthkit.project.project import load_project
from tests.store.versions.test_versions import run
from tests.synth import Project, copied

PACKAGE = {
    "synth_project.yml": "name: acme\nversion: 2\n",
    "macros/a.sql": "{% macro _one() %}1{% endmacro %}{% macro fence(c) %}{{ half(c) }} + {{ _one() }}{% endmacro %}\n",
    "macros/z.sql": "{% macro half(c) %}{{ c }} / 2{% endmacro %}\n",
    "audits/few.sql": "select * from {{ this }} where {{ half('n') }} < {{ least }}\n",
    "models/all.yml": "models: [{name: theirs}]\n",
    "generator.py": "raise SystemExit('was run')\n",
    "LICENSE": "MIT\n",
}
SHOP = {
    "synth_project.yml": "name: shop\nseed: 7\n",
    "data/t.csv": "a,n\nx,1\ny,2\nz,3\n",
    "models/all.yml": """
        version: 1
        sources:
          - name: s
            tables: [{name: t, path: data/t.csv, holdout: 0, columns: [{name: a, type: text}, {name: n, type: integer}]}]
        models:
          - name: fenced
            generator: {name: sql, query: "select a, {{ acme.fence('n') }} as n from {{ source('s', 't') }}"}
            audits:
              - acme.few: {least: 0}
          - name: plain
            generator: {name: sql, query: "select * from {{ source('s', 't') }}"}
            audits: []
        unit_tests:
          - name: few_of_acme
            audit: acme.few
            params: {least: 2}
            given: [{input: this, rows: [{n: 2}, {n: 16}]}]
            expect: {rows: [{n: 2}]}
    """,
}


def commit(repository: Path) -> str:
    run(repository, "git", "add", "-A")
    run(repository, "git", "commit", "-qm", "x")
    return run(repository, "git", "rev-parse", "HEAD").strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The URL of a repository whose package lies in a folder, and its commit, which has a tag."""
    folder = tmp_path_factory.mktemp("git") / "acme"
    Project(folder).write({f"checks/{name}": text for name, text in PACKAGE.items()})
    run(folder, "git", "init", "-q", "-b", "main")
    revision = commit(folder)
    run(folder, "git", "tag", "-a", "v1", "-m", "v1")
    return f"file://{folder}", revision


def shop(folder: Path, *packages: dict[str, str]) -> Project:
    project = Project(folder)
    folder.mkdir(exist_ok=True)
    return project.write(SHOP).write({"packages.yml": yaml.safe_dump({"packages": [*packages]}, sort_keys=False)})


def replace(project: Project, name: str, old: str, new: str) -> None:
    path = project.root / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


def of(repository: tuple[str, str], **keys: str) -> dict[str, str]:
    return {"git": repository[0], "revision": repository[1], "subdirectory": "checks", **keys}


@pytest.fixture(scope="module")
def installed(repository: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = shop(tmp_path_factory.mktemp("shops") / "shop", of(repository))
    project.ok("deps")
    return project


@pytest.fixture
def project(installed: Project, tmp_path: Path) -> Project:
    return copied(installed, tmp_path / "shop")


def test_macros_and_audits_of_a_package_work(project: Project) -> None:
    project.ok("test")
    project.ok("build")
    assert project.ok("query", "select n from fenced order by a", "--format", "csv").split() == [
        "n",
        "1.5",
        "2.0",
        "2.5",
    ]
    receipt = json.loads((project.root / "warehouse/dev/fenced.receipt.json").read_text("utf-8"))
    assert {m for r in receipt["uses"] for m in r.get("macros", {})} == {"acme.fence", "acme.half", "acme._one"}
    replace(project, "models/all.yml", "{least: 0}", "{least: 1.1}")
    assert "acme.few" in project.fails("build", code=1)


def test_only_what_is_used_comes_along_and_the_rest_is_told(installed: Project) -> None:
    there = {p.relative_to(installed.root).as_posix() for p in (installed.root / "synth_packages").rglob("*.*")}
    kept = {f"synth_packages/acme/{n}" for n in PACKAGE if n.endswith((".sql", "project.yml"))}
    assert there == {*kept, "synth_packages/.gitignore"}
    run(installed.root, "git", "init", "-q")
    assert "synth_packages" not in run(installed.root, "git", "status", "--porcelain", "-uall")


def test_what_is_there_as_it_is_locked_needs_no_repository(
    project: Project, repository: tuple[str, str], tmp_path: Path
) -> None:
    lock = (project.root / "package-lock.yml").read_text("utf-8")
    folder = Path(repository[0].removeprefix("file://"))
    away = folder.rename(folder.with_name("away"))
    try:
        assert "acme: kept" in project.ok("deps", "--locked")
        (project.root / "synth_packages/acme/macros/a.sql").unlink()
        assert "cannot fetch" in project.fails("deps", code=2)
    finally:
        away.rename(folder)
    project.ok("deps")
    assert (project.root / "synth_packages/acme/macros/a.sql").is_file()
    assert (project.root / "package-lock.yml").read_text("utf-8") == lock


@pytest.mark.parametrize("change", ["missing", "edited", "added", "unlocked", "other"])
def test_the_compiler_says_where_and_what_to_run(project: Project, change: str) -> None:
    copy = project.root / "synth_packages" / "acme"
    if change == "missing":
        (project.root / "synth_packages").rename(project.root / "gone")
    elif change == "edited":
        (copy / "macros" / "z.sql").write_text("{% macro half(c) %}{{ c }} / 3{% endmacro %}", "utf-8")
    elif change == "added":
        (copy / "audits" / "more.sql").write_text("select 1", "utf-8")
    elif change == "unlocked":
        (project.root / "package-lock.yml").unlink()
    else:
        replace(project, "packages.yml", "revision: ", "revision: 0123456789abcdef0123456789abcdef01234567 #")
    said = project.fails("compile", code=2)
    assert "packages.yml:2:3: error:" in said
    assert "fix: run synth deps" in said
    assert "1 fault in 1 file" in said  # and not every macro that is therefore not known
    if change in ("missing", "edited", "added"):
        project.ok("deps", "--locked")
        project.ok("compile")


@pytest.mark.parametrize("revision", ["main", "v1", "short", None])
def test_what_is_no_full_hash_is_refused_with_the_one_to_write(
    repository: tuple[str, str], tmp_path: Path, revision: str | None
) -> None:
    asked = of(repository, revision=repository[1][:9] if revision == "short" else str(revision))
    if revision is None:
        del asked["revision"]
    project = shop(tmp_path / "shop", asked)
    said = project.fails("deps", code=2)
    assert f"fix: write revision: {repository[1]}" in said
    assert f"packages.yml:{2 if revision is None else 3}:" in said
    assert not (project.root / "synth_packages").exists()
    assert "run synth deps" in project.fails("compile", code=2)


def test_another_content_builds_again_what_uses_it(tmp_path: Path) -> None:
    package = Project(tmp_path / "acme").write(PACKAGE)
    project = shop(tmp_path / "shop", {"local": "../acme"})
    project.ok("deps")
    project.ok("build")
    package.write({"macros/z.sql": PACKAGE["macros/z.sql"].replace("/ 2", "/ 4"), "README.md": "more"})
    assert "has changed since it was installed" in project.fails("plan", code=2)
    before = (project.root / "package-lock.yml").read_text("utf-8")
    assert "package-lock.yml is not what" in project.fails("deps", "--locked", code=2)
    assert "acme: updated" in project.ok("deps")
    assert (project.root / "package-lock.yml").read_text("utf-8") != before
    plan = project.ok("plan")
    assert "query (macro 'acme.half' changed)" in plan
    assert "audit" not in plan.partition("plain")[2].partition("\n")[0]
    built = project.ok("build")
    assert "query  fenced" in built
    assert "reuse  plain" in built
    assert project.ok("query", "select max(n) as n from fenced", "--format", "csv").split() == ["n", "1.75"]


def test_the_same_commit_with_other_files_is_not_installed(project: Project) -> None:
    replace(project, "package-lock.yml", "sha256: ", f"sha256: '{'0' * 64}' #")
    assert "has other files at" in project.fails("deps", code=2)


@pytest.mark.parametrize(
    ("package", "message"),
    [
        ({"git": "--upload-pack=touch ran", "revision": "0" * 40}, "for something else"),
        ({"git": "ext::sh -c touch% ran", "revision": "0" * 40}, "for something else"),
        ({"git": "ext::sh", "revision": "0" * 40}, "no URL of a repository"),
        ({"git": "http://host/x.git", "revision": "0" * 40}, "do not come by http:"),
        ({"git": "git://host/x.git", "revision": "0" * 40}, "do not come by git:"),
        ({"git": "ssh://-oProxyCommand=touch/x", "revision": "0" * 40}, "names no host"),
        ({"git": "https://ann:secret@host/x.git", "revision": "0" * 40}, "has a password"),
        ({"git": "https://ghp_secret@host/x.git", "revision": "0" * 40}, "may be a token"),
        ({"git": "https://host/x.git?private_token=secret", "revision": "0" * 40}, "begins with ? or #"),
        ({"git": "../acme", "revision": "0" * 40}, "no URL of a repository"),
        ({"git": "https://host/x.git", "revision": "--output=x"}, "for an option"),
        ({"git": "https://host/x.git", "revision": "0" * 40, "subdirectory": "../x"}, "no folder of the repository"),
        ({"git": "https://{{ env_var('T') }}@host/x", "revision": "0" * 40}, "without Jinja"),
        ({"local": "../acme", "revision": "0" * 40}, "revision: is of a package of git"),
        ({"local": "../acme", "git": "https://host/x"}, "both git: and local:"),
        ({"package": "acme/checks", "version": "1"}, "no hub of packages"),
        ({"gti": "https://host/x"}, "unknown key 'gti'"),
    ],
)
def test_how_a_package_may_not_be_named(tmp_path: Path, package: dict[str, str], message: str) -> None:
    project = shop(tmp_path / "shop", package)
    for verb in ("deps", "compile"):
        said = project.fails(verb, code=2)
        assert message in said
        assert re.search("packages.yml: error: line 2" if "secret" in str(package) else r"packages\.yml:[234]:", said)
        assert "secret" not in said
    assert not (project.root / "ran").exists()


@pytest.mark.parametrize("what", ["link", "folder", "submodule", "name"])
def test_what_of_a_repository_is_not_taken(tmp_path: Path, what: str) -> None:
    folder = tmp_path / "acme"
    Project(folder).write(PACKAGE)
    (tmp_path / "secret.sql").write_text("{% macro secret() %}{% endmacro %}", "utf-8")
    run(folder, "git", "init", "-q")
    if what == "link":
        (folder / "macros" / "b.sql").symlink_to("../../secret.sql")
    elif what == "folder":
        (folder / "macros").rename(folder / "real")
        (folder / "macros").symlink_to("real")
    elif what == "submodule":
        other = tmp_path / "other"
        Project(other).write({"macros/b.sql": "{% macro b() %}{% endmacro %}"})
        run(other, "git", "init", "-q")
        commit(other)
        run(folder, "git", "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(other), "macros/sub")
    else:
        (folder / "macros" / "a\n.sql").write_text("{% macro b() %}{% endmacro %}", "utf-8")
    revision = commit(folder)
    for package in ({"git": f"file://{folder}", "revision": revision}, {"local": "../acme"}):
        if what == "submodule" and "local" in package:
            continue  # on disk it is a folder like any other
        project = shop(tmp_path / f"shop-{len(package)}", package)
        said = project.fails("deps", code=2)
        assert {"link": "is a link", "folder": "is a link", "submodule": "is a submodule"}.get(
            what, "which is not taken"
        ) in said
        assert not (project.root / "synth_packages" / "acme").exists()


def test_nothing_of_the_repository_runs(repository: tuple[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    ran = tmp_path / "ran"
    Project(folder).write({**PACKAGE, ".gitattributes": "*.sql filter=evil\n", ".gitmodules": "[submodule"})
    run(folder, "git", "init", "-q")
    revision = commit(folder)
    hook = folder / ".git" / "hooks" / "post-checkout"
    for name in ("post-checkout", "post-merge", "reference-transaction", "pre-auto-gc"):
        hook.with_name(name).write_text(f"#!/bin/sh\ntouch {ran}\n", "utf-8")
        hook.with_name(name).chmod(0o755)
    run(folder, "git", "config", "filter.evil.smudge", f"touch {ran}")
    project = shop(tmp_path / "shop", {"git": f"file://{folder}", "revision": revision})
    project.ok("deps")
    project.ok("compile")
    assert not ran.exists()


def test_macros_of_a_package_are_held_to_the_sandbox(tmp_path: Path) -> None:
    cases = {
        "{{ env_var('HOME') }}": "asks for the environment variable 'HOME'",
        "{{ ().__class__ }}": "may not do this",
        "{% include '/etc/passwd' %}": "no loader",
        "{% for i in range(10 ** 9) %}x{% endfor %}": "does more than",
        "{{ theirs() }}": "'theirs' is undefined",
    }
    package = Project(tmp_path / "acme").write(PACKAGE)
    project = shop(tmp_path / "shop", {"local": "../acme"})
    for body, message in cases.items():
        package.write({"macros/a.sql": "{% macro fence(c) %}" + body + "{% endmacro %}"})
        project.ok("deps")
        assert message in project.fails("compile", code=2), body


def test_what_the_lock_does_not_have_is_not_read(project: Project) -> None:
    """Of folders that are no package's nothing is hashed, and so nothing may be read."""
    other = project.root / "synth_packages" / "acme" / "macros" / "target" / "zz.sql"
    other.parent.mkdir()
    other.write_text("{% macro half(c) %}0{% endmacro %}", "utf-8")
    [package] = load_project(project.root).packages
    assert {file.name for file in package.macros} == {"a.sql", "z.sql"}


def test_a_folder_that_a_link_takes_out_of_the_project_is_refused(tmp_path: Path) -> None:
    Project(tmp_path / "acme").write(PACKAGE)
    project = shop(tmp_path / "shop", {"local": "near"})
    (project.root / "near").symlink_to(tmp_path / "acme")
    assert "near is a link to" in project.fails("deps", code=2)


def test_a_repository_of_longer_hashes_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "acme"
    Project(folder).write(PACKAGE)
    run(folder, "git", "init", "-q", "--object-format=sha256")
    revision = commit(folder)
    assert len(revision) == 64
    shop(tmp_path / "shop", {"git": f"file://{folder}", "revision": revision}).ok("deps")


def test_what_git_says_is_told_without_the_user_of_a_url() -> None:
    said = b"warning: x\nfatal: could not read Password for 'https://ghp_token@host': terminal prompts disabled\n"
    told = _said(subprocess.CompletedProcess([], 128, b"", said))
    assert told == "could not read Password for 'https://host': terminal prompts disabled"


def test_a_package_that_needs_another_says_which_lines_to_add(repository: tuple[str, str], tmp_path: Path) -> None:
    needs = yaml.safe_dump({"packages": [of(repository)]})
    Project(tmp_path / "upper").write(
        {
            "synth_project.yml": "name: upper\npaths: {macros: [sql]}\n",
            "sql/u.sql": "{% macro fenced(c) %}{{ acme.fence(c) }}{% endmacro %}",
            "packages.yml": needs,
        }
    )
    project = shop(tmp_path / "shop", {"local": "../upper"})
    said = project.fails("deps", code=2)
    assert f'- {{git: "{repository[0]}", revision: {repository[1]}, subdirectory: checks}}' in said
    loose = yaml.safe_dump({"packages": [{k: v for k, v in of(repository).items() if k != "revision"}]})
    (tmp_path / "upper" / "packages.yml").write_text(loose, "utf-8")
    assert f'- {{git: "{repository[0]}", subdirectory: checks}}' in project.fails("deps", code=2)
    project.write({"packages.yml": yaml.safe_dump({"packages": [{"local": "../upper"}, of(repository)]})})
    project.ok("deps")
    replace(project, "models/all.yml", "acme.fence(", "upper.fenced(")
    project.ok("build", "--select", "fenced")
    assert project.ok("query", "select min(n) as n from fenced", "--format", "csv").split() == ["n", "1.5"]


def test_a_name_that_is_taken_is_refused_and_a_package_that_is_dropped_goes(project: Project, tmp_path: Path) -> None:
    project.write({"macros/own.sql": "{% macro acme() %}{% endmacro %}"})
    assert "'acme' is the name of a macro" in project.fails("compile", code=2)
    (project.root / "macros" / "own.sql").unlink()
    Project(tmp_path / "twin").write(PACKAGE)
    listed = yaml.safe_load((project.root / "packages.yml").read_text("utf-8"))["packages"]
    project.write({"packages.yml": yaml.safe_dump({"packages": [*listed, {"local": "../twin"}]})})
    assert "two packages have the name 'acme'" in project.fails("deps", code=2)
    replace(project, "models/all.yml", "acme.fence('n')", "acme.fenc('n')")
    project.write({"packages.yml": yaml.safe_dump({"packages": listed})})
    assert "did you mean 'fence'?" in project.fails("compile", code=2)
    project.write({"packages.yml": "packages: []\n"})
    assert "acme: removed" in project.ok("deps")
    assert not (project.root / "synth_packages" / "acme").exists()
