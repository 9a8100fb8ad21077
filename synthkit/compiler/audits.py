"""Bind each model's audits: names, parameters, the columns and tables they speak of, and their SQL."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from synthkit.audits import registry
from synthkit.audits.defaults import default_audits
from synthkit.audits.runner import BoundAudit, audit_hash, check_condition
from synthkit.compiler.across import bind_rule
from synthkit.compiler.draft import Draft, ModelDraft
from synthkit.compiler.failures import refusal
from synthkit.compiler.graph import check_relation
from synthkit.compiler.priced import unpriced
from synthkit.compiler.sqlmodels import Describer
from synthkit.compiler.takes import misfits
from synthkit.errors import Location, SynthError, did_you_mean
from synthkit.generators.base import Trained
from synthkit.project.faults import parameter_faults
from synthkit.project.lookups import Rendering
from synthkit.project.types import DEFAULT_SET, AuditSpec, Relation
from synthkit.rules.across.bound import belongs_to
from synthkit.rules.tokens import RuleError
from synthkit.schema import Schema

if TYPE_CHECKING:
    from synthkit.audits.contract import Audit, Stands

_STANDS: Mapping[str, str] = {
    "child": "a table of a family that names rows of another",
    "parent": "a table of a family whose rows another names",
    "root": "the root of a family",
    "sequence": "a table in an order (order_by)",
}


def bind_audits(draft: Draft) -> None:
    """Audits of every model; the default set where a model names none."""
    describer = Describer()
    for name in draft.order:
        model = draft.models[name]
        if model.generator is None:
            continue
        binder = _Binder(draft, model, describer)
        for index, spec in enumerate(_asked(draft, model)):
            if spec.enabled and not (model.listed and _stands_elsewhere(draft, model, spec)):
                binder.bind(spec, index)
        binder.finish()


def stands(draft: Draft, model: ModelDraft) -> frozenset[Stands]:
    """What the model's table is among others (:data:`.contract.Stands`)."""
    found: set[Stands] = set()
    if model.schema is not None and model.schema.order_by is not None:
        found.add("sequence")
    if model.family is not None and model.spec.source is not None:
        family, table = draft.families[model.family], model.spec.source.name
        found |= {"child"} if any(k.table == table for k in family.keys) else set()
        found |= {"parent"} if any(k.references == table and not k.inner for k in family.keys) else set()
        found |= {"root"} if family.root == table else set()
    return frozenset(found)


def _stands_elsewhere(draft: Draft, model: ModelDraft, spec: AuditSpec) -> bool:
    """Whether an audit that the family lists is for other tables of it than this one."""
    if spec.audit not in registry.names():
        return False
    audit = registry.get(spec.audit)
    return bool(audit.stands_on and not audit.stands_on & stands(draft, model)) or (model.kept and bool(audit.needs))


def _asked(draft: Draft, model: ModelDraft) -> Iterator[AuditSpec]:
    """The model's audits, with the default set where it stands among them or where there are none."""
    assert model.generator is not None
    for spec in (AuditSpec(audit=DEFAULT_SET),) if model.spec.audits is None else model.spec.audits:
        if spec.audit != DEFAULT_SET:
            yield spec
        elif model.schema is not None and not model.broken:
            held_out = model.spec.source is not None and model.holdout > 0
            ruled = bool(model.rules) or model.rules_found
            for one in default_audits(model.generator, model.schema, held_out, ruled, stands(draft, model)):
                one._origin = spec.origin
                yield one


class _Binder:
    """Binds the audits of one model and gathers the tables that they refer to."""

    def __init__(self, draft: Draft, model: ModelDraft, describer: Describer) -> None:
        self.draft, self.model, self.describer = draft, model, describer
        self.relations: set[Relation] = set()
        self.custom_uses: Rendering | None = None  # of the SQL of the custom audit that is being bound

    def bind(self, spec: AuditSpec, index: int) -> None:
        where = self._where(spec, index)
        self.custom_uses = None
        known = registry.names()
        if spec.audit in known:
            bound = self._registered(spec, registry.get(spec.audit), where)
        elif spec.audit in self.draft.project.sql_audits:
            bound = self._custom(spec, where)
        else:
            hint = did_you_mean(spec.audit, {*known, *self.draft.project.sql_audits}, "an audit")
            self.draft.fault(f"there is no audit {spec.audit!r}", where, spec.audit, hint)
            return
        self._check_options(spec, where)
        if spec.store_failures:
            self._check_failures(spec, where)
        if bound is not None:
            self.model.audits.append(bound)
            uses = dict(spec.uses)
            if self.custom_uses is not None:
                uses[("sql",)] = self.custom_uses
            self.model.audit_uses.append(uses)

    def finish(self) -> None:
        own = Relation(self.model.spec.name)
        self.model.audit_relations = tuple(sorted(self.relations - {own}, key=lambda r: r.id))

    def _where(self, spec: AuditSpec, index: int) -> Location:
        if self.model.spec.audits is None:
            return self.model.spec.origin.at()
        if spec.origin.path:
            return spec.origin.at()
        return self.model.spec.origin.at("audits", index)

    def _registered(self, spec: AuditSpec, audit: Audit, where: Location) -> BoundAudit | None:
        given = dict(spec.params)
        if audit.name == "rules":  # what the model keeps, unless the audit says otherwise
            own = {"declared": [str(r.rule) for r in self.model.rules], "found": self.model.rules_found}
            given = {**own, **given}
        rules = self._across(spec, where) if audit.name == "rollup" else None
        if rules is not None:
            given["rules"] = rules
        try:
            params = audit.params.model_validate(given)
        except ValidationError as error:
            faults = parameter_faults(error, audit.params, spec.origin, (), f"audit {audit.name}", fallback=where)
            self.draft.faults.extend(faults)
            return None
        if audit.private and self.model.spec.epsilon is None:
            self.draft.fault(
                f"audit {audit.name!r} judges a training under a budget, but {self.model.spec.name!r} has no epsilon",
                where,
                audit.name,
                "give the model an epsilon, or drop the audit",
            )
            return None
        if audit.stands_on and not audit.stands_on & stands(self.draft, self.model):
            listed = " or ".join(sorted(_STANDS[s] for s in audit.stands_on))
            message = f"audit {audit.name!r} is for {listed}, which {self.model.spec.name!r} is not"
            self.draft.fault(message, where, audit.name, "drop it, or move it to a table that is")
            return None
        if audit.needs and self.model.spec.source is None:
            self.draft.fault(
                f"audit {audit.name!r} compares with real rows, but {self.model.spec.name!r} names no source",
                where,
                audit.name,
                "add source: to the model: the real table that it is held against",
            )
            return None
        if "holdout" in audit.needs and self.model.holdout == 0:
            self.draft.fault(
                f"audit {audit.name!r} needs held-out rows, but the holdout is 0",
                where,
                audit.name,
                'set holdout: "20%" on the model or its source, or drop the audit',
            )
            return None
        if params.trains:
            self._check_trains(audit, where)
        if audit.name == "max_cost":
            self._check_prices(where)
        self._check_columns(spec, audit, params, where)
        self._check_types(spec, audit, params, where)
        self._check_params_sql(spec, params, where)
        for path, relation in registry.relations_named(params):
            location = _location(spec, path, where)
            if isinstance(relation, Relation) and check_relation(self.draft, relation, location):
                self.relations.add(relation)
                self._check_field(spec, relation, params, where)
        return self._bound(spec, audit.name, None, params.model_dump(mode="json"), audit.judged_as, where)

    def _across(self, spec: AuditSpec, where: Location) -> list[str] | None:
        """The rules across tables that the audit is to judge, those of the group first: of each the table that names
        others by its key. None where the table is of no family, or what is written is no list of texts."""
        family = self.draft.families.get(self.model.family or "")
        written = spec.params.get("rules", ())
        texts = isinstance(written, list | tuple) and all(isinstance(text, str) for text in written)
        if family is None or self.model.spec.source is None or not texts:
            return None
        own, group = self.model.spec.source.name, family.spec.group or ""
        kept = [f.rule for f in self.draft.family_rules.get(self.model.family or "", ())]
        found = [str(rule) for rule in kept if belongs_to(rule) == own]
        for index, text in enumerate(written):
            location = _location(spec, f"rules.{index}", where)
            try:
                rule = bind_rule(self.draft, group, text)
            except RuleError as error:
                self.draft.fault(f"audit 'rollup', rule {text!r}: {error.message}", location, text, error.hint)
                continue
            outside = sorted(set(rule.tables) - family.members.keys())
            if outside:
                message = f"audit 'rollup', rule {text!r}: {outside[0]!r} is no table of {self.model.family!r}"
                self.draft.fault(message, location, text, "drop the rule, or add the table to the family")
            elif belongs_to(rule) == own:
                found.append(str(rule))
            elif not self.model.listed:
                message = f"audit 'rollup', rule {text!r}: it goes by a key of {belongs_to(rule)!r}, not of {own!r}"
                self.draft.fault(
                    message, location, text, f"move it to the audits of {belongs_to(rule)}, or of the family"
                )
        return list(dict.fromkeys(found))

    def _check_prices(self, where: Location) -> None:
        """A limit in money needs a price: of machines, or of a teacher, who has his own."""
        found = unpriced(self.model, self.draft.project.prices, self.draft.project.root)
        if found is not None:
            message = f"audit 'max_cost' on {self.model.spec.name!r}: {found[0]}"
            self.draft.fault(message, where, "max_cost", found[1])

    def _check_trains(self, audit: Audit, where: Location) -> None:
        """Training on private rows is charged for, and an audit charges nothing; what is not trained has no shadow."""
        model, generator = self.model.spec, self.model.generator
        if model.epsilon is not None:
            self.draft.fault(
                f"audit {audit.name!r} would train {model.name!r} again on rows that epsilon protects, uncharged",
                where,
                audit.name,
                "drop attack: shadow; empirical_epsilon attacks the training itself, on made-up rows",
            )
        elif generator is not None and not isinstance(generator, Trained):
            self.draft.fault(
                f"audit {audit.name!r} would train {model.name!r} again, but {generator.name!r} is not trained",
                where,
                audit.name,
                "drop attack: shadow, or take attack: distance",
            )

    def _check_columns(self, spec: AuditSpec, audit: Audit, params: BaseModel, where: Location) -> None:
        schema = self.model.schema
        if schema is None:
            return
        for path, column in registry.columns_named(params):
            if column not in schema.by_name:
                hint = did_you_mean(column, schema.names, "a column")
                name = self.model.spec.name
                self.draft.fault(
                    f"audit {audit.name!r} names the column {column!r}, which {name!r} does not have",
                    _location(spec, path, where),
                    column,
                    hint,
                )

    def _check_types(self, spec: AuditSpec, audit: Audit, params: BaseModel, where: Location) -> None:
        """An audit cannot work on columns of some types; it is said before a training, which may take hours."""
        schema, model = self.model.schema, self.model.spec
        if schema is None:
            return
        said = (
            ()
            if model.source is None or model.source.id not in self.draft.tables
            else (self.draft.tables[model.source.id][1].columns)
        )
        declared = {c.name for c in (*said, *model.columns) if c.type is not None}
        for found in misfits(audit, params, schema, declared, self.describer.connection):
            self.draft.fault(found.message, _location(spec, found.path, where), found.value, found.hint)

    def _check_field(self, spec: AuditSpec, relation: Relation, params: BaseModel, where: Location) -> None:
        """A column of the other table, as ``relationships`` names one."""
        field, schema = getattr(params, "field", None), self.draft.schema_of(relation)
        if isinstance(field, str) and schema is not None and field not in schema.by_name:
            hint = did_you_mean(field, schema.names, "a column")
            self.draft.fault(f"{relation} has no column {field!r}", _location(spec, "field", where), field, hint)

    def _check_params_sql(self, spec: AuditSpec, params: BaseModel, where: Location) -> None:
        for path, condition in registry.conditions_named(params):
            self._check_condition(condition, path, _location(spec, path, where))

    def _custom(self, spec: AuditSpec, where: Location) -> BoundAudit | None:
        file = self.draft.project.sql_audits[spec.audit]
        this = Relation(self.model.spec.name)
        try:
            rendered = self.draft.project.renderer.sql(
                file.text, this=this.sql, extra=dict(spec.params), package=file.package
            )
        except SynthError as error:
            self.draft.fault(
                f"audit {spec.audit!r}: {error.message}",
                error.where or Location(file.file, 1, 1),
                hint=error.hint,
            )
            return None
        good = True
        for relation in rendered.relations:
            good &= check_relation(self.draft, relation, Location(file.file, 1, 1))
        if not good:
            return None
        self.custom_uses = rendered.uses
        self.relations |= rendered.relations
        self._check_sql(rendered.text, rendered.relations, Location(file.file, 1, 1), spec.audit)
        return self._bound(spec, None, rendered.text, dict(spec.params), 1, where)

    def _check_sql(self, text: str, relations: frozenset[Relation], where: Location, audit: str) -> None:
        this = Relation(self.model.spec.name)
        schemas: dict[str, Schema | None] = {r.sql: self.draft.schema_of(r) for r in relations}
        schemas[this.sql] = self.model.schema
        if any(schema is None for schema in schemas.values()) or self.model.schema is None:
            return
        for name, schema in schemas.items():
            if schema is not None:
                self.describer.add(name, schema)
        self.describer.side("synthetic", self.model.schema)
        try:
            self.describer.columns(text)
        except ValueError as error:
            self.draft.fault(f"audit {audit!r} on {this.name!r} does not work: {error}", where, hint="mend its SQL")

    def _check_options(self, spec: AuditSpec, where: Location) -> None:
        for key in ("warn_if", "error_if"):
            text = getattr(spec, key)
            if text is None:
                continue
            try:
                check_condition(text)
            except ValueError as error:
                self.draft.fault(f"{key}: {error}", where, text, 'write a comparison such as "> 10"')
        if spec.where is not None:
            self._check_condition(spec.where, "where", _location(spec, "where", where))

    def _check_failures(self, spec: AuditSpec, where: Location) -> None:
        """``store_failures`` keeps synthetic rows alone: what could hold, or tell of, a real one is refused."""
        message = refusal(self.draft, self.model, spec)
        if message is not None:
            location = _location(spec, "store_failures", where)
            self.draft.fault(f"store_failures: {message}", location, spec.audit, "drop store_failures")

    def _check_condition(self, condition: str, what: str, where: Location) -> None:
        """A SQL condition must bind against the model's columns."""
        if self.model.schema is None:
            return
        self.describer.side("synthetic", self.model.schema)
        try:
            self.describer.columns(f"SELECT * FROM synthetic WHERE ({condition})")
        except ValueError as error:
            hint = "write a SQL condition on the model's columns"
            self.draft.fault(f"{what}: {error}", where, condition, hint)

    def _bound(
        self,
        spec: AuditSpec,
        audit: str | None,
        sql: str | None,
        params: dict[str, Any],
        version: int,
        where: Location,
    ) -> BoundAudit:
        inherited = self.model.spec.on_inconclusive or self.draft.project.spec.on_inconclusive
        bound = BoundAudit(
            name=spec.name or spec.audit,
            audit=audit,
            sql=sql,
            params=params,
            severity=spec.severity if audit is None or _says_severity(spec) else registry.get(audit).severity,
            where=spec.where,
            warn_if=spec.warn_if,
            error_if=spec.error_if,
            on_inconclusive=spec.on_inconclusive or inherited,
            location=str(where),
            store_failures=spec.store_failures,
            failures_limit=spec.failures_limit,
        )
        return replace(bound, hash=audit_hash(bound, version))


def _says_severity(spec: AuditSpec) -> bool:
    """Whether the YAML names a severity, so that it is not for the audit to say."""
    return "severity" in spec.model_fields_set


def _location(spec: AuditSpec, path: str, where: Location) -> Location:
    """Where the parameter at ``path`` ("columns.0") was written."""
    if not spec.origin.path:
        return where
    keys = [int(k) if k.isdigit() else k for k in path.split(".")]
    return spec.origin.at(*keys)
