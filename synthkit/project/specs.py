"""From a parsed YAML value to a frozen spec: render the Jinja, undo the sugar, validate, remember the places."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeVar

from pydantic import ValidationError

from synthkit.errors import Fault, did_you_mean, shortened
from synthkit.project.exposures import ExposureSpec, OwnerSpec
from synthkit.project.faults import key_hint, parameter_faults
from synthkit.project.lookups import Rendering
from synthkit.project.ownership import with_units
from synthkit.project.render import Renderer, RenderError
from synthkit.project.spec import Group
from synthkit.project.types import (
    DEFAULT_SET,
    AuditSpec,
    ColumnSpec,
    ForeignKeySpec,
    GeneratorSpec,
    KeyPath,
    MemberSpec,
    ModelSpec,
    Origin,
    Relation,
    SourceSpec,
    SourceTableSpec,
    Spec,
    Tree,
)
from synthkit.project.unittests import UnitTestSpec

S = TypeVar("S", bound=Spec)

AUDIT_OPTIONS = frozenset(
    {
        "name",
        "severity",
        "where",
        "warn_if",
        "error_if",
        "on_inconclusive",
        "store_failures",
        "failures_limit",
        "enabled",
        "description",
        "tags",
        "meta",
    }
)
_LISTS = frozenset({"tags", "primary_key", "depends_on", "constraints", "rules", "was"})
_LISTS_OF: Mapping[type[Spec], frozenset[str]] = {ForeignKeySpec: frozenset({"columns"})}
_UNRENDERED = frozenset({("generator", "query")})  # SQL: rendered by the compiler, with its references


class SpecBuilder:
    """Builds specs and gathers faults."""

    def __init__(self, renderer: Renderer, faults: list[Fault]) -> None:
        self.renderer, self.faults = renderer, faults
        self.audit_sets: dict[str, tuple[AuditSpec, ...]] = {}
        self.uses: dict[KeyPath, Rendering] = {}  # of what was rendered since it was emptied, by the path in there

    # -- Jinja -------------------------------------------------------------------------------------

    def rendered(self, value: Any, origin: Origin, path: tuple[str | int, ...] = ()) -> Any:
        """``value`` with every string in it rendered; a fault leaves None in its place."""
        if isinstance(value, str):
            try:
                rendered = self.renderer.value(value)
            except RenderError as error:
                self.faults.append(Fault(error.message, error.where or origin.at(*path), value, error.hint))
                return None
            uses = self.renderer.uses_of(value)
            if uses is not None:
                self.uses[path] = uses
            return rendered
        if isinstance(value, Mapping):
            return {
                k: v if (*path, k) in _UNRENDERED else self.rendered(v, origin, (*path, k)) for k, v in value.items()
            }
        if isinstance(value, list):
            return [self.rendered(v, origin, (*path, i)) for i, v in enumerate(value)]
        return value

    # -- specs -------------------------------------------------------------------------------------

    def spec(self, kind: type[S], value: Any, origin: Origin, what: str) -> S | None:
        """Validate ``value`` (rendered) as ``kind``; faults and None where it is not."""
        if not isinstance(value, Mapping):
            hint = "write a mapping (key: value)"
            self.faults.append(Fault(f"{what} must be a mapping", origin.at(), _text(value), hint))
            return None
        lists = _LISTS | _LISTS_OF.get(kind, frozenset())
        data = {k: _as_list(k, v, lists) for k, v in value.items()}
        try:
            built = kind.model_validate(data)
        except ValidationError as error:
            self.faults.extend(parameter_faults(error, kind, origin, (), what))
            # Go on without the faulty keys, so that what else is wrong here comes into the same report.
            faulty = {item["loc"][0] for item in error.errors() if item["loc"]}
            try:
                built = kind.model_validate({k: v for k, v in data.items() if k not in faulty})
            except ValidationError:
                return None
        built._origin = origin
        return built

    def children(self, kind: type[S], value: Any, origin: Origin, what: str) -> list[S]:
        """Validate a list of mappings; the faulty ones are left out."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.faults.append(Fault(f"{what}s must be a list", origin.at(), _text(value), "start each with a dash"))
            return []
        found = (self.spec(kind, v, _below(origin, i), _named(what, v)) for i, v in enumerate(value))
        return [s for s in found if s is not None]

    def source(self, value: Any, origin: Origin) -> SourceSpec | None:
        self.uses = {}
        value = self.rendered(value, origin)
        if not isinstance(value, Mapping):
            return self.spec(SourceSpec, value, origin, "a source")
        data = dict(value)
        tables = []
        raw = data.get("tables")
        for index, table in enumerate(raw if isinstance(raw, list) else []):
            place = _below(origin, "tables", index)
            if isinstance(table, Mapping):  # what the group says of its tables, unless one says otherwise (null: none)
                given = {k: data[k] for k in ("loaded_at_field", "freshness") if k in data and k not in table}
                table = {**table, **given}
                place = replace(place, elsewhere={k: _below(origin, k) for k in given})
            built = self.source_table(table, place, data)
            if built is not None:
                built._uses = self._below("tables", index)
                tables.append(built)
        if isinstance(raw, list):
            data["tables"] = with_units(tables)
        return self.spec(SourceSpec, data, origin, _named("source", data))

    def source_table(self, value: Any, origin: Origin, group: Tree) -> SourceTableSpec | None:
        if not isinstance(value, Mapping):
            return self.spec(SourceTableSpec, value, origin, "a source table")
        data = dict(value)
        what = _named("source table", data)
        if "columns" in data:
            data["columns"] = tuple(self.children(ColumnSpec, data["columns"], _below(origin, "columns"), "column"))
        if data.get("foreign_keys") is not None:
            place = _below(origin, "foreign_keys")
            data["foreign_keys"] = tuple(self.children(ForeignKeySpec, data["foreign_keys"], place, "foreign key"))
        if data.get("connection") is None and group.get("connection") is not None and data.get("path") is None:
            data["connection"] = group["connection"]
        built = self.spec(SourceTableSpec, data, origin, what)
        if built is not None:
            self._check_table(built, what)
        return built

    def _check_table(self, table: SourceTableSpec, what: str) -> None:
        ways = [k for k in ("path", "table", "query") if getattr(table, k) is not None]
        hint = "write path: for files, or connection: with table: or query:"
        if table.path is not None and table.connection is not None:
            self._fault(f"{what} has both a path and a connection", table, "connection", hint)
        elif len(ways) > 1:
            self._fault(f"{what} has {' and '.join(ways)}: keep one", table, ways[1], hint)
        elif not ways and table.connection is None:
            self._fault(f"{what} says not where its rows are", table, "name", hint)
        elif table.connection is None and table.path is None:
            self._fault(f"{what} has a {ways[0]} but no connection", table, ways[0], hint)
        names = [c.name for c in table.columns]
        for index, column in enumerate(table.columns):
            if column.name in names[:index]:
                where = column.origin.at("name")
                self.faults.append(Fault(f"column {column.name!r} is declared twice", where, column.name, "keep one"))

    def _fault(self, message: str, spec: Spec, key: str, hint: str) -> None:
        self.faults.append(Fault(message, spec.origin.at(key), hint=hint))

    def model(self, value: Tree, origin: Origin) -> ModelSpec | None:
        """A model whose values are rendered and whose folder defaults are merged already."""
        data = dict(value)
        what = _named("model", data)
        if "columns" in data:
            data["columns"] = tuple(self.children(ColumnSpec, data["columns"], _below(origin, "columns"), "column"))
        if data.get("generator") is not None:
            generator = self._generator(data["generator"], _below(origin, "generator"), what)
            if generator is None:
                return None
            data["generator"] = generator
        if data.get("audits") is not None:
            data["audits"] = tuple(self._audits(data["audits"], _below(origin, "audits"), what))
        group = data.get("source")
        if isinstance(group, Group):
            data.pop("source")
        elif group is not None and not isinstance(group, Relation):
            self._not_a_relation(data.pop("source"), origin, "source")
        if data.get("tables") is not None:
            data["tables"] = tuple(self._members(data["tables"], _below(origin, "tables"), what))
        built = self.spec(ModelSpec, data, origin, what)
        if built is not None:
            built._group = group.name if isinstance(group, Group) else None
            own = {path: uses for path, uses in self.uses.items() if path[:1] not in (("audits",), ("tables",))}
            built._uses = own
        return built

    def _members(self, value: Any, origin: Origin, what: str) -> list[MemberSpec]:
        """Of a family, what is said of each of its tables; one that is named alone is a table of which nothing is."""
        if not isinstance(value, list):
            hint = "start each with a dash: - {table: orders}"
            self.faults.append(Fault(f"the tables of {what} must be a list", origin.at(), _text(value), hint))
            return []
        found = []
        for index, item in enumerate(value):
            place = _below(origin, index)
            data: Any = {"table": item} if isinstance(item, str) else item
            if isinstance(data, Mapping):
                data = dict(data)
                named = f"table {data.get('table')!r} of {what}"
                if "columns" in data:
                    inner = _below(place, "columns")
                    data["columns"] = tuple(self.children(ColumnSpec, data["columns"], inner, "column"))
                if data.get("audits") is not None:
                    path = ("tables", index, "audits")
                    data["audits"] = tuple(self._audits(data["audits"], _below(place, "audits"), named, path))
            built = self.spec(MemberSpec, data, place, f"a table of {what}")
            if built is not None:
                uses = self._below("tables", index)
                built._uses = {path: used for path, used in uses.items() if path[:1] != ("audits",)}
                found.append(built)
        return found

    def _below(self, *path: str | int) -> dict[KeyPath, Rendering]:
        """Of what was rendered, the part below a path, by the path from there."""
        return {found[len(path) :]: uses for found, uses in self.uses.items() if found[: len(path)] == path}

    def _generator(self, value: Any, origin: Origin, what: str) -> GeneratorSpec | None:
        if isinstance(value, str):
            built = GeneratorSpec(name=value)
        elif isinstance(value, Mapping) and isinstance(value.get("name"), str):
            built = GeneratorSpec(name=value["name"], params={k: v for k, v in value.items() if k != "name"})
        else:
            hint = "write generator: NAME, or generator: {name: NAME, …parameters}"
            self.faults.append(Fault(f"the generator of {what} has no name", origin.at(), _text(value), hint))
            return None
        built._origin = origin
        return built

    def define_audit_sets(self, value: Any, origin: Origin) -> None:
        """Read ``audit_sets:`` of the project file, which stay where they were written: a fault in one points there."""
        if value is None:
            return
        if not isinstance(value, Mapping):
            hint = "write audit_sets: {name: [audits]}"
            self.faults.append(Fault("audit_sets must be a mapping of names", origin.at(), _text(value), hint))
            return
        for name, audits in value.items():
            place = _below(origin, name)
            self.uses = {}
            self.audit_sets[str(name)] = tuple(self._audits(self.rendered(audits, place), place, f"audit set {name!r}"))

    def _audits(self, value: Any, origin: Origin, what: str, path: KeyPath = ("audits",)) -> list[AuditSpec]:
        inside_set = what.startswith("audit set")
        if not isinstance(value, list):
            hint = "start each with a dash"
            if isinstance(value, str) and value in self.audit_sets:
                hint = f"write audits: [{{set: {value}}}]"
            self.faults.append(Fault(f"the audits of {what} must be a list", origin.at(), _text(value), hint))
            return []
        found: list[AuditSpec] = []
        for index, item in enumerate(value):
            place = _below(origin, index)
            if not inside_set and isinstance(item, Mapping) and list(item) == ["set"] and isinstance(item["set"], str):
                found.extend(self._audit_set(item["set"], place))
            elif (audit := self._audit(item, place, what)) is not None:
                audit._uses = self._below(*(() if inside_set else path), index, audit.audit)
                found.append(audit)
        return found

    def _audit_set(self, name: str, origin: Origin) -> tuple[AuditSpec, ...]:
        if name == "default" and name not in self.audit_sets:
            built = AuditSpec(audit=DEFAULT_SET)
            built._origin = origin
            return (built,)
        if name not in self.audit_sets:
            hint = did_you_mean(name, (*self.audit_sets, "default"), "a set")
            self.faults.append(Fault(f"there is no audit set {name!r}", origin.at("set"), name, hint))
        return self.audit_sets.get(name, ())

    def _audit(self, item: Any, origin: Origin, what: str) -> AuditSpec | None:
        name: str
        if isinstance(item, str):
            name, body = item, {}
        elif isinstance(item, Mapping) and len(item) == 1:
            name = str(next(iter(item)))
            origin = _below(origin, name)
            body = item[name]
            body = {} if body is None else body
        else:
            hint = "write `- name` or `- name: {parameter: value}`"
            self.faults.append(Fault(f"an audit of {what} is not understood", origin.at(), _text(item), hint))
            return None
        if not isinstance(body, Mapping):
            hint = f"write `- {name}: {{parameter: value}}`"
            self.faults.append(Fault(f"audit {name!r} takes named parameters", origin.at(), _text(body), hint))
            return None
        options = {k: v for k, v in body.items() if k in AUDIT_OPTIONS}
        params = {k: v for k, v in body.items() if k not in AUDIT_OPTIONS}
        return self.spec(AuditSpec, {"audit": name, "params": params, **options}, origin, f"audit {name}")

    def exposure(self, value: Any, origin: Origin) -> ExposureSpec | None:
        value = self.rendered(value, origin)
        if not isinstance(value, Mapping):
            return self.spec(ExposureSpec, value, origin, "an exposure")
        data = dict(value)
        relations = []
        for index, relation in enumerate(_as_list("depends_on", data.get("depends_on")) or []):
            if isinstance(relation, Relation):
                relations.append(relation)
            else:
                self._not_a_relation(relation, origin, "depends_on", index)
        data["depends_on"] = tuple(relations)
        if "owner" in data:
            data["owner"] = self.spec(OwnerSpec, data["owner"], _below(origin, "owner"), "the owner")
            if data["owner"] is None:
                return None
        return self.spec(ExposureSpec, data, origin, _named("exposure", data))

    def unit_test(self, value: Any, origin: Origin) -> UnitTestSpec | None:
        """A unit test; its ``query`` stays Jinja, for the compiler to render with the relations that it names."""
        if not isinstance(value, Mapping):
            return self.spec(UnitTestSpec, value, origin, "a unit test")
        data = {k: v if k == "query" else self.rendered(v, origin, (k,)) for k, v in value.items()}
        what = _named("unit test", data)
        if isinstance(data.get("given"), list):
            data["given"] = [self._given(g, _below(origin, "given", i)) for i, g in enumerate(data["given"])]
        return self.spec(UnitTestSpec, data, origin, what)

    def _given(self, value: Any, origin: Origin) -> Any:
        """dbt writes the input without braces: ``ref('x')``."""
        written = value.get("input") if isinstance(value, Mapping) else None
        if isinstance(written, str) and written != "this":
            try:
                return {**value, "input": self.renderer.value("{{ " + written + " }}")}
            except RenderError as error:
                self.faults.append(Fault(error.message, origin.at("input"), written, error.hint))
                return {**value, "input": "this"}
        return value

    def _not_a_relation(self, value: Any, origin: Origin, *path: str | int) -> None:
        if value is None:
            return  # its rendering failed, and said so
        if isinstance(value, Group):
            hint = f"name one of its tables: {{{{ source({value.name!r}, 'table') }}}}"
            self.faults.append(Fault(f"{value} is a group of tables: this must be one", origin.at(*path), None, hint))
            return
        example = "\"{{ source('group', 'table') }}\" or \"{{ ref('model') }}\""
        self.faults.append(Fault("this must be a reference", origin.at(*path), _text(value), f"write {example}"))


def known_keys(value: Tree, known: frozenset[str], origin: Origin, what: str, faults: list[Fault]) -> None:
    """A fault for each key of ``value`` that is not known."""
    for key in value:
        if key not in known:
            where = origin.at(key, key=True)
            faults.append(Fault(f"unknown key {key!r} in {what}", where, key, key_hint(key, known)))


def _below(origin: Origin, *keys: str | int) -> Origin:
    if keys and isinstance(keys[0], str) and keys[0] in origin.elsewhere:
        return _below(origin.elsewhere[keys[0]], *keys[1:])
    return Origin(origin.file, (*origin.path, *keys), origin.marks, origin.key_marks)


def _as_list(key: str, value: Any, lists: frozenset[str] = _LISTS) -> Any:
    if key in lists and value is not None and not isinstance(value, list | tuple):
        return [value]
    return value


def _named(what: str, value: Any) -> str:
    name = value.get("name") if isinstance(value, Mapping) else None
    return f"{what} {name!r}" if name is not None else f"a {what}"


def _text(value: Any) -> str:
    return shortened(str(value), 80)
