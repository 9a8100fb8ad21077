"""What others read of a project, from Python: its models, reports of a run, the site."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.api.project import Names, compiled, last_results, load, several
from synthkit.errors import SynthError
from synthkit.memory import uncollected

if TYPE_CHECKING:
    from synthkit.compiler import Manifest
    from synthkit.graph.selection import Selectable
    from synthkit.report.site.kept import KeptPictures
    from synthkit.report.writing import Rendered
    from synthkit.results import RunResults


@dataclass(frozen=True)
class Listing:
    """Models, sources and exposures in the order of the graph, and what a reader should know of them."""

    nodes: tuple[Selectable, ...]
    warnings: tuple[str, ...]


def ls(
    project: str | Path | Manifest = ".",
    *,
    select: Names = (),
    exclude: Names = (),
    state: str | Path | None = None,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
) -> Listing:
    """What a project holds. Arguments as of :func:`synthkit.plan`.

    Returns:
        ``.nodes``, each with ``name``, ``kind`` (model, source or exposure), ``path``, ``tags`` and more.
    """
    from synthkit.graph.selection import select as select_nodes
    from synthkit.store.readers import made_from_other_rows
    from synthkit.store.targets import target_of
    from synthkit.store.unclaimed import told, unclaimed_tables

    manifest = compiled(project, target=target, vars=vars, reads="either")
    chosen, left = several(select), several(exclude)
    nodes = dict(manifest.selectables)
    if any("result:" in s or "state:" in s for s in (*chosen, *left)):
        from synthkit.planning.plan import make_plan, selectables

        other = None if state is None else Path(state)
        nodes = selectables(manifest, make_plan(manifest).actions, last_results(manifest.project), other)
    selection = select_nodes(manifest.dag, nodes, chosen, left)
    orphans = told(unclaimed_tables(manifest))
    published = target_of(manifest.project).all_published()
    stale = [
        f"{name} was made from other rows of {', '.join(upstream)} than are published now"
        for name, upstream in made_from_other_rows(published).items()
        if f"model:{name}" in selection.nodes
    ]
    found = tuple(nodes[id_] for id_ in manifest.dag.order() if id_ in selection.nodes)
    return Listing(found, (*selection.warnings, *([orphans] if orphans else []), *stale))


def report(
    project: str | Path | Manifest = ".",
    *,
    results: str | Path | RunResults | None = None,
    base: str | None = None,
    target: str | None = None,
) -> Rendered:
    """A run, written for others to read.

    Args:
        results: of the run; default: the last one's ``run_results.json``.
        base: a commit or branch to compare with.

    Returns:
        ``.markdown()``, ``.html()`` and ``.junit()`` give a text each.

    Raises:
        SynthError: there is no run; or git does not know ``base``.
    """
    from synthkit.report.around import surroundings
    from synthkit.report.writing import of_run
    from synthkit.results import RunResults

    loaded = load(project, target=target) if isinstance(project, str | Path) else project.project
    if isinstance(results, RunResults):
        return of_run(results, surroundings(loaded, results.run_id, base))
    path = loaded.target_dir / "run_results.json" if results is None else Path(results)
    try:
        run = RunResults.read(path)
    except FileNotFoundError as error:
        raise SynthError(f"there is no run to report: {path} is not there", hint="run synth build first") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SynthError(f"{path} is not the result of a run: {error}", hint="run synth build again") from error
    return of_run(run, surroundings(loaded, run.run_id, base))


@dataclass(frozen=True)
class Site:
    """A site that was written: its folder, how many files are in it, and whether there was anything built to show."""

    directory: Path
    files: int
    built: bool


def keep_pictures(
    project: str | Path | Manifest = ".",
    *,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
) -> KeptPictures:
    """Keep the pictures of published tables beside their receipts, so that :func:`docs` shows them in a clone.

    What may not be shown today is not kept, and what was kept of it is removed.

    Returns:
        ``.written`` and ``.removed`` files, and ``.without``: table → why it has no pictures.
    """
    from synthkit.report.site.gather import keep_pictures as kept

    return kept(compiled(project, target=target, vars=vars, reads="either"))


@uncollected()
def docs(
    project: str | Path | Manifest = ".",
    output: str | Path | None = None,
    *,
    target: str | None = None,
    vars: Mapping[str, object] | None = None,
) -> Site:
    """Write the project as a static site: lineage, a page per table with its audits and pictures, search.

    Args:
        output: the folder to write to; default ``target/docs``.
    """
    from synthkit.report.site.gather import gather
    from synthkit.report.site.output import write_site
    from synthkit.report.site.render import render

    manifest = compiled(project, target=target, vars=vars, reads="either")
    data = gather(manifest)
    directory = Path(output or manifest.project.target_dir / "docs").resolve()
    files = write_site(render(data), directory)
    return Site(directory, files, data.run is not None or bool(data.receipts))
