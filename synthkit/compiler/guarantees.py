"""Static guarantees: for each table and each account it descends from, the (ε, δ) of its lineage, from the YAML alone.

Releases about the same people compose, and what is made of them costs nothing (Dwork & Roth 2014). Real rows, or a
generator that learns from them without ε, leave no bound (:mod:`synthkit.privacy.descent`); nor does one whose noise an
``insecure_seed`` repeats, as whoever knows the number takes it off again.

The guarantee is of one build of these declarations. Tables of earlier builds reveal more: the ledger adds that up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from synthkit.compiler.descent import read_by
from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.releases import compose
from synthkit.errors import Location
from synthkit.generators.base import Query, Trained
from synthkit.privacy.accounting.parallel import by_part
from synthkit.privacy.descent import Descent, Way, united
from synthkit.privacy.guarantee import Account, Guarantee, listed
from synthkit.project.types import Requirement


def trace_guarantees(draft: Draft) -> None:
    """The guarantees of every model, and of what each exposure depends on; requirements that do not hold are faults."""
    for name in draft.order:
        model = draft.models[name]
        if model.generator is None:
            continue
        model.guarantees = _guarantees(draft, model.descent)
        if model.spec.epsilon is not None:
            _refuse_upstream(draft, model)
        node, requirement = f"model:{name}", model.spec.privacy
        copied = model.lineage.contains_real_rows and not model.kept  # rows of a public table are nobody's
        real = (node, *model.lineage.through) if copied else ()
        _check(draft, node, requirement, model.guarantees, real, model.spec.origin.at("privacy"))
    for exposure in draft.project.exposures:
        if exposure.privacy is not None:
            reads = read_by(draft, exposure.depends_on)
            node = f"exposure:{exposure.name}"
            real = (node, *reads.copied) if reads.copied else ()
            where = exposure.origin.at("privacy")
            _check(draft, node, exposure.privacy, _guarantees(draft, reads), real, where)


def _guarantees(draft: Draft, descent: Descent) -> tuple[Guarantee, ...]:
    """One guarantee for each account that the descent touches."""
    found = []
    for account in draft.accounts.values():
        touched = {s: descent.ways[s] for s in account.sources if s in descent.ways}
        if not touched:
            continue
        way = united(touched.values())
        epsilon, delta = (math.inf, 0.0) if way.unprotected else _composed(draft, account, touched)
        sources, releases = tuple(sorted(way.sources)), tuple(sorted(way.releases))
        found.append(Guarantee(account.name, sources, epsilon, delta, releases, way.unprotected))
    return tuple(found)


def _composed(draft: Draft, account: Account, touched: Mapping[str, Way]) -> tuple[float, float]:
    """(ε, δ) of the releases together: of the part of the population about which they say most."""
    about: dict[str, set[str | None]] = {}
    for source, way in touched.items():
        for release in way.releases:
            about.setdefault(release, set()).add(account.parts.get(source))
    groups = by_part(sorted(about), about.__getitem__)
    pairs = [compose(draft, group, account.delta) for group in groups]
    return max(e for e, _ in pairs), max(d for _, d in pairs)


def _refuse_upstream(draft: Draft, model: ModelDraft) -> None:
    """``epsilon`` is about real rows: on what other models made it would be a label, not a theorem."""
    spec = model.spec
    upstream = None if spec.source is None or spec.source.source is not None else draft.models.get(spec.source.name)
    if (
        upstream is None
        or model.broken
        or upstream.broken
        or model.generator is None
        or isinstance(model.generator, Query)
    ):
        return
    name = upstream.spec.name
    sources = ", ".join(sorted(s.removeprefix("source:") for s in upstream.lineage.sources))
    if upstream.lineage.contains_real_rows:
        why = f"{name!r} is SQL over real rows, and how far one row of {sources} can change its result is unknown"
        hint = f"train on the source itself ({sources}); SQL over the synthetic table then costs nothing"
    elif not sources:
        why, hint = f"{name!r} descends from no real table", "drop epsilon: there is nobody to protect"
    elif upstream.spec.insecure_seed is not None:
        why = f"the noise of {name!r} is repeatable (insecure_seed), so it protects nobody"
        hint = "drop epsilon here, as in a test; or drop insecure_seed there"
    elif any(g.unprotected for g in upstream.guarantees):
        why = f"{name!r} was learnt from {sources} without it, and nothing later takes back what that reveals"
        hint = f"put epsilon on {name!r}, or train on the source itself"
    else:
        why = f"{name!r} is private already, and what is made of it is post-processing"
        hint = f"drop epsilon: the guarantee of {name!r} holds here too, and costs nothing more"
    draft.fault(f"epsilon means nothing here: {why}", spec.origin.at("epsilon"), spec.epsilon, hint)


def _check(
    draft: Draft,
    node: str,
    requirement: Requirement | None,
    guarantees: Sequence[Guarantee],
    real: tuple[str, ...],
    where: Location,
) -> None:
    if requirement is None:
        return
    name = node.partition(":")[2]
    if requirement == "synthetic_only":
        if real:
            message = f"{name!r} is to be synthetic only, but real rows reach it: {shown(draft, real)}"
            draft.fault(message, where, "synthetic_only", "read a synthetic table instead of the source")
        return
    assert not isinstance(requirement, str)
    limit = requirement.max_epsilon
    for guarantee in guarantees:
        if guarantee.epsilon <= limit:
            continue
        if guarantee.unprotected:
            path = shown(draft, (node, *guarantee.unprotected))
            message = f"{name!r} may reveal at most ε = {limit:g}, but nothing bounds it: {path}"
            hint = "train on the source under epsilon, and read that table"
            if _insecure(draft, (node, *guarantee.unprotected)):
                hint = "drop insecure_seed: noise that can be repeated is for tests, and bounds nothing"
        else:
            parts = listed([f"{r} (ε = {draft.models[r].spec.epsilon:g})" for r in guarantee.releases])
            message = (
                f"{name!r} may reveal at most ε = {limit:g}, but of {guarantee.account} it reveals "
                f"ε = {guarantee.epsilon:.4g} at δ = {guarantee.delta:.3g}, from {parts}"
            )
            hint = "lower their epsilon, read fewer of them, or raise max_epsilon"
        draft.fault(message, where, f"{limit:g}", hint)


def shown(draft: Draft, path: Sequence[str]) -> str:
    """A path of node ids for people, and what is wrong with it: ``report ← customers ← source crm.x: real rows``."""
    names = [f"source {n.removeprefix('source:')}" if n.startswith("source:") else n.partition(":")[2] for n in path]
    reader = next((n for n in reversed(path) if not n.startswith("source:")), "")
    model = draft.models.get(reader.removeprefix("model:"))
    generator = None if model is None else model.generator
    learnt = generator is not None and isinstance(generator, Trained)
    why = f"learnt without epsilon (generator {generator.name})" if generator and learnt else "real rows"
    if model is not None and model.spec.insecure_seed is not None:
        why = "its noise is repeatable (insecure_seed), so its epsilon counts as none"
    return f"{' ← '.join(names)}: {why}"


def _insecure(draft: Draft, path: Sequence[str]) -> bool:
    """Whether the last table of a path, which reads the source, is trained with noise that can be repeated."""
    readers = [draft.models[n.removeprefix("model:")] for n in path if n.removeprefix("model:") in draft.models]
    return bool(readers) and readers[-1].spec.insecure_seed is not None
