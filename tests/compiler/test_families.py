"""A family becomes a model for each of its tables; what does not hang together is refused, with its place and a fix."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthkit.compiler import Manifest, compile_project
from synthkit.errors import ConfigurationError, Fault
from synthkit.generators import registry
from synthkit.generators.base import Trained
from synthkit.generators.functions import Related
from synthkit.generators.tables import Key
from synthkit.planning.disclosed import tells_time
from synthkit.planning.fingerprint import Fingerprinter
from synthkit.planning.plan import make_plan
from synthkit.project.project import load_project
from synthkit.rules.across.bound import Compared, Hop, RolledUp

SHOP = Path(__file__).parent.parent / "projects" / "shop_family" / "project"
Edit = Any  # a function that changes the YAML of models/shop.yml in place


def together(*_: Any, **__: Any) -> Any:
    raise AssertionError("nothing is trained here")


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A generator of related tables under the name that ``auto`` looks for."""
    circuit = registry.trained("circuit")
    found = {name: registry.get(name) for name in ("circuit", "sql", "aim")}
    found["conditional"] = replace(
        circuit, name="conditional", related=Related(together, together, sample_asked=together)
    )
    assert isinstance(found["conditional"], Trained)
    monkeypatch.setattr(registry, "names", lambda: tuple(sorted(found)))
    monkeypatch.setattr(registry, "get", lambda name: found[name])


def declared(root: Path, edit: Edit = None, project: str = "name: shop\n") -> Path:
    """The shop, its YAML changed by ``edit(sources' tables by name, family, document)``."""
    shutil.copytree(SHOP, root / "shop")
    file = root / "shop" / "models" / "shop.yml"
    document = yaml.safe_load(file.read_text("utf-8"))
    if edit is not None:
        tables = {t["name"]: t for t in document["sources"][0]["tables"]}
        edit(tables, document["models"][0], document)
        document["sources"][0]["tables"] = list(tables.values())
    file.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
    (root / "shop" / "synth_project.yml").write_text(project, "utf-8")
    return root / "shop"


def compiled(root: Path, edit: Edit = None, project: str = "name: shop\n") -> Manifest:
    return compile_project(load_project(declared(root, edit, project)))


def faults(root: Path, edit: Edit, project: str = "name: shop\n") -> list[Fault]:
    with pytest.raises(ConfigurationError) as caught:
        compiled(root, edit, project)
    return list(caught.value.faults)


def text_at(fault: Fault) -> str:
    """What stands at the fault's place, up to the end of its line."""
    assert fault.where is not None
    assert fault.where.line > 0
    return fault.where.file.read_text("utf-8").splitlines()[fault.where.line - 1][fault.where.column - 1 :]


def test_each_table_is_a_model_and_the_family_says_what_they_share(tmp_path: Path) -> None:
    manifest = compiled(tmp_path)
    family = manifest.families["synthetic_shop"]
    assert dict(family.members) == {
        "customers": "synthetic_shop_customers",
        "orders": "synthetic_orders",
        "products": "synthetic_shop_products",
        "lines": "synthetic_shop_lines",
    }
    assert (family.root, family.kept, family.group) == ("customers", ("products",), "shop")
    assert family.keys == (
        Key("customers", ("referred_by",), "customers"),
        Key("orders", ("customer_id",), "customers", owner=True, max_per_parent=20),
        Key("lines", ("order_id",), "orders", owner=True, max_per_parent=10),
        Key("lines", ("product_id",), "products"),
    )
    assert family.keys[0].inner
    assert family.generator.name == "conditional"
    orders = manifest.models["synthetic_orders"]
    assert orders.family == "synthetic_shop"
    assert orders.source is not None
    assert orders.source.id == "source:shop.orders"
    assert orders.schema.order_by == "ordered_at"
    assert orders.schema.privacy_unit == "customer_id"  # the key of whom it belongs to
    assert orders.spec.description == "What they ordered"
    assert "synthetic_shop" not in manifest.models
    said = manifest.to_json()
    assert said["families"]["synthetic_shop"]["root"] == "customers"
    assert said["models"]["synthetic_orders"]["family"] == "synthetic_shop"


def test_a_public_table_holds_real_rows_and_says_so(tmp_path: Path) -> None:
    manifest = compiled(tmp_path, lambda t, family, d: family.update(privacy="synthetic_only"))
    products, lines = manifest.models["synthetic_shop_products"], manifest.models["synthetic_shop_lines"]
    assert (products.kept, products.lineage.contains_real_rows, products.holdout) == (True, True, 0)
    assert (lines.kept, lines.lineage.contains_real_rows, lines.holdout) == (False, False, 0.2)
    assert tells_time(manifest, products)


def test_what_one_table_tells_of_another_is_told_of_both(tmp_path: Path) -> None:
    """A drawn order was learnt beside its customer: where customers are protected, orders (and what audits find of them,
    which reads customers as well) are not for everybody either."""

    def sensitive(tables: Any, *_: Any) -> None:
        tables["customers"]["sensitive"] = True

    manifest = compiled(tmp_path, sensitive)
    models = manifest.models
    learnt = {"source:shop.customers", "source:shop.orders", "source:shop.lines"}
    for name in ("synthetic_shop_customers", "synthetic_orders", "synthetic_shop_lines", "spending"):
        assert models[name].lineage.sources == learnt
        assert models[name].disclosure == "guarded", name
    assert models["synthetic_shop_products"].lineage.sources == {"source:shop.products"}
    assert models["synthetic_shop_products"].disclosure == "open"
    assert not tells_time(manifest, models["synthetic_shop_products"])  # it is made at once with the others


def test_a_member_is_named_by_family_and_table_wherever_a_table_is(tmp_path: Path) -> None:
    def edit(tables: Any, family: Any, document: Any) -> None:
        document["models"].insert(
            0, {"name": "again", "source": "{{ ref('synthetic_shop', 'orders') }}", "generator": "circuit"}
        )
        document["exposures"] = [{"name": "board", "type": "dashboard", "owner": {"name": "me"}, "depends_on": ["{{ ref('synthetic_shop', 'customers') }}"]}]  # fmt: skip

    manifest = compiled(tmp_path, edit)
    assert manifest.models["again"].parents[0].id == "model:synthetic_orders"
    assert {r.name for r in manifest.models["spending"].sql_relations} == {"synthetic_orders", "synthetic_shop_lines"}
    assert manifest.dag.parents["exposure:board"] == {"model:synthetic_shop_customers"}


def test_the_familys_name_selects_its_members(tmp_path: Path) -> None:
    manifest = compiled(tmp_path)
    plan = make_plan(manifest, select=["synthetic_shop"])
    assert {a.model for a in plan.actions} == set(manifest.families["synthetic_shop"].members.values())


def test_tables_narrow_the_family_and_say_what_is_theirs(tmp_path: Path) -> None:
    def edit(tables: Any, family: Any, document: Any) -> None:
        family["conditions"] = {"tier": "pro"}
        family["size"] = "2x"
        family["tables"] = [
            {
                "table": "customers",
                "name": "people",
                "tags": "x",
                "conditions": {"churned": {"yes": "50%", "no": "50%"}},
            },
            {"table": "orders", "constraints": ["total >= 0"], "materialized": "view"},
        ]
        document["models"].pop()

    manifest = compiled(tmp_path, edit)
    family = manifest.families["synthetic_shop"]
    assert dict(family.members) == {"customers": "people", "orders": "synthetic_shop_orders"}
    assert family.keys == (
        Key("customers", ("referred_by",), "customers"),
        Key("orders", ("customer_id",), "customers", owner=True, max_per_parent=20),
    )
    both = {"tier": "pro", "churned": {"yes": "50%", "no": "50%"}}
    assert family.conditions == {"customers": both}
    assert str(family.size) == "2x"
    people, orders = manifest.models["people"], manifest.models["synthetic_shop_orders"]
    assert (people.spec.conditions, orders.spec.conditions) == (both, {})
    assert people.spec.tags == ("x",)
    assert [str(c.rule) for c in orders.constraints] == ["total >= 0"]
    assert orders.spec.materialized == "view"


def test_the_root_may_look_something_up(tmp_path: Path) -> None:
    def edit(tables: Any, family: Any, document: Any) -> None:
        tables["customers"]["foreign_keys"].append({"column": "tier", "references": "tiers"})
        tables["tiers"] = {"name": "tiers", "path": "data/tiers.csv", "primary_key": "tier"}
        family["tables"].append("tiers")

    root = declared(tmp_path, edit)
    (root / "data" / "tiers.csv").write_text("tier,discount\nbasic,0\nplus,5\npro,10\n")
    family = compile_project(load_project(root)).families["synthetic_shop"]
    assert list(family.members).index("tiers") < list(family.members).index("customers")
    assert family.root == "customers"


def test_keys_in_a_circle_are_cut_where_the_user_says(tmp_path: Path) -> None:
    def edit(tables: Any, family: Any, document: Any) -> None:
        tables["customers"]["foreign_keys"].append({"column": "age", "references": "orders", "cut": True})

    manifest = compiled(tmp_path, edit)
    assert next(iter(manifest.families["synthetic_shop"].members)) == "customers"
    assert Key("customers", ("age",), "orders", cut=True) in manifest.families["synthetic_shop"].keys


def test_a_history_without_a_parent_is_whose_it_is(tmp_path: Path) -> None:
    def edit(tables: Any, family: Any, document: Any) -> None:
        del document["models"][:]
        tables["orders"].update(foreign_keys=[], entity="customer_id")
        del tables["lines"], document["sources"][0]["rules"]
        document["models"].append({"name": "visits", "source": "{{ source('shop', 'orders') }}"})

    visits = compiled(tmp_path, edit).models["visits"]
    assert (visits.schema.entity, visits.schema.order_by) == ("customer_id", "ordered_at")
    assert visits.schema.privacy_unit == "customer_id"
    assert visits.schema.by_name["customer_id"].type == "id"
    assert (visits.generator.name, visits.generator_reason) == (
        "conditional",
        "chosen as the default of rows that follow one another",
    )


def key(table: str, **said: Any) -> Edit:
    """The table's keys are this one."""
    return lambda tables, family, document: tables[table].update(foreign_keys=[said])


def more(table: str, **said: Any) -> Edit:
    return lambda tables, family, document: tables[table]["foreign_keys"].append(said)


def table(name: str, **said: Any) -> Edit:
    return lambda tables, family, document: tables[name].update(said)


def family(**said: Any) -> Edit:
    return lambda tables, family, document: family.update(said)


def entry(index: int, **said: Any) -> Edit:
    return lambda tables, family, document: family["tables"][index].update(said)


def both(*edits: Edit) -> Edit:
    return lambda *given: [edit(*given) for edit in edits]


def learns(name: str, **said: Any) -> Edit:
    """Instead of the family, a model of one of its tables."""

    def edit(tables: Any, family: Any, document: Any) -> None:
        document["models"][:] = [{"name": "alone", "source": f"{{{{ source('shop', '{name}') }}}}", **said}]

    return edit


REFUSED: list[tuple[Edit, str, str, str]] = [
    (key("orders", column="customer_id", references="customer"), "names no table 'customer'", "customer", "customers"),
    (key("orders", column="nobody", references="customers"), "has no column 'nobody'", "nobody", ""),
    (table("customers", primary_key=[]), "customers has no primary_key", "customers", "add primary_key"),
    (more("customers", column="age", references="lines"), "named by 2 columns", "age", "columns"),
    (
        key("orders", columns=["customer_id", "total"], references="customers"),
        "named by 1 column (customer_id), not by 2",
        "- cust",
        "columns",
    ),
    (key("orders", column="total", references="customers", owner=True), "total is DOUBLE", "total", "same type"),
    (more("lines", column="order_id", references="customers", owner=True), "has two owners", "true", "looked up"),
    (key("customers", column="referred_by", references="customers", owner=True), "does not own itself", "true", "drop"),
    (key("lines", column="product_id", references="products", owner=True), "rows are nobody's", "true", "drop owner"),
    (table("products", sensitive=True), "says sensitive, as if they were somebody's", "true", "drop sensitive"),
    (table("products", entity="kind"), "says entity", "kind", "drop entity"),
    (table("orders", public=True), "but a key of it names an owner", "true", "drop public"),
    (
        both(
            table("customers", privacy_unit="customer_id"), key("orders", column="customer_id", references="customers")
        ),
        "but belongs to nobody",
        "customers",
        "add owner: true",
    ),
    (table("lines", privacy_unit="product_id"), "its unit is that of 'customers'", "product_id", "drop privacy_unit"),
    (table("orders", holdout="10%"), "holds out 10%, not 20%", "10%", "say holdout: once"),
    (table("orders", population="others"), "has another population", "others", "the same population"),
    (more("customers", column="age", references="orders"), "keys run in a circle: customers", "", "add cut: true"),
    (more("orders", column="order_id", references="lines", owner=True), "two owners", "true", "looked up"),
    (key("customers", column="referred_by", references="customers", cut=True), "nothing to cut", "true", "drop cut"),
    (more("lines", column="quantity", references="customers", cut=True), "no circle to cut", "true", "drop cut"),
    (key("orders", column="customer_id", references="customers", owner=True, cut=True), "cannot be cut", "true", "cut"),
    (key("orders", column="a", columns=["b"], references="customers"), "one of them", "", ""),
    (table("orders", order_by="channel"), "have no order in time", "channel", "format"),
    (table("products", order_by="price"), "nothing says whose rows", "price", "entity"),
    (table("orders", entity="channel"), "so it has no entity", "channel", "drop entity"),
    (table("orders", order_by="when"), "has no column 'when'", "when", ""),
    (family(source="{{ source('shops') }}"), "there is no source 'shops'", "", "shop"),
    (family(source="{{ source('shop', 'orders') }}"), "is one table, so it takes no tables", "tables", "group alone"),
    (family(generator="circuit"), "learns one table alone", "circuit", "choose conditional"),
    (family(generator={"name": "sql", "query": "select 1"}), "learns one table alone", "", "choose conditional"),
    (family(columns=[{"name": "age"}]), "columns of a family", "columns", "table: NAME"),
    (family(constraints=["age > 0"]), "constraints of a family", "constraints", "table: NAME"),
    (family(rules=["total = age"]), "found or none", "total = age", "table: NAME"),
    (
        both(table("lines", primary_key=["line_no", "quantity"]), family(keys="fresh")),
        "that of 'lines' (line_no, quantity) is not made up",
        "fresh",
        "primary_key of one column",
    ),
    (family(materialized="ephemeral"), "published together", "ephemeral", "parquet"),
    (family(conditions={"colour": "red"}), "colour", "", ""),
    (entry(1, table="orderz"), "has no table 'orderz'", "orderz", "orders"),
    (entry(1, table="lines"), "is named twice", "lines", "keep one"),
    (entry(0, name="spending"), "the name of another", "spending", "name: NAME"),
    (entry(0, name="synthetic_orders"), "the name of another", "", "name: NAME"),
    (entry(0, name="my people"), "no name for a model", "my people", "my_people"),
    (entry(0, at_least=1), "belongs to no other table", "1", "owner: true"),
    (entry(0, at_most=1), "belongs to no other table", "1", "owner: true"),
    (entry(1, at_least=3, at_most=2), "is to have 3 rows of 'orders', and at most 2", "3", "at_most larger"),
    (entry(1, at_least=21), "is to have 21 rows of 'orders', and at most 20", "21", "max_per_parent larger"),
    (
        both(table("lines", primary_key=["order_id"]), entry(2, at_least=2)),
        "is to have 2 rows of 'lines', and its primary key is the key of its owner",
        "2",
        "ask for one",
    ),
    (entry(0, conditions={"count(lines)": 1}), "no rows of 'lines' belong to rows of 'customers'", "count", "orders"),
    (entry(0, conditions={"count(orders)": "some"}), "'some' is no number of rows", "some", "2-5"),
    (entry(0, conditions={"COUNT( orders )": "some"}), "'some' is no number of rows", "some", "2-5"),
    (entry(0, conditions={"count(orders)": "3-2"}), "ends before it begins", "3-2", "2-5"),
    (
        entry(0, conditions={"count(orders)": {"0-2": "50%", "2+": "50%"}}),
        "2+ and 0-2 rows of 'orders' overlap",
        "",
        "apart",
    ),
    (entry(0, conditions={"count(orders)": {0: "50%", 1: "40%"}}), "add up to 90%, not 100%", "", "100%"),
    (
        both(entry(0, conditions={"count(orders)": {0: "50%", "1+": "50%"}}), entry(1, at_least=1)),
        "no row of 'customers' can have 0 rows of 'orders'",
        "50%",
        "drop the one",
    ),
    (
        entry(0, conditions={"count(orders)": "21+"}),
        "can have 21+ rows of 'orders': at most 20 (max_per_parent of its source)",
        "21+",
        "drop the one",
    ),
    (entry(1, conditions={"count(lines)": 1}), "asked of a table that belongs to none", "count", "at_least"),
    (entry(1, conditions={"customer_id": "C0001"}), "'customer_id' of 'orders' is a key", "customer_id", "no key"),
    (entry(2, conditions={"line_no": 1}), "'line_no' of 'lines' is a key", "line_no", "no key"),
    (entry(1, conditions={"ordered_at": "2024-01-01"}), "follow one another by 'ordered_at'", "ordered_at", "another"),
    (entry(1, conditions={"total": 5}), "'total' of 'orders' is computed by the rule", "total", "across tables"),
    (
        both(
            lambda tables, family, document: document["sources"][0]["rules"].append("customers.age = count(orders)"),
            entry(0, conditions={"age": 5}),
        ),
        "'age' of 'customers' is computed by the rule",
        "age",
        "write count(orders)",
    ),
    (entry(1, conditions={"channel": {"web": "50%"}}), "add up to 50%, not 100%", "", "100%"),
    (entry(3, conditions={"kind": "tea"}), "published as it is", "conditions", "drop conditions"),
    (entry(1, columns=[{"name": "nobody"}]), "no column 'nobody'", "nobody", ""),
    (family(tables=["customers", "lines"]), "which the family leaves out", "lines", "add orders"),
    (learns("lines", epsilon=1), "no column of 'lines' says whose a row is", "1", "is a family"),
    (family(tables=["products"]), "every table of 'synthetic_shop' is public", "", "drop public"),
    (family(tables=["lines", "products"]), "can be drawn first: each of lines belongs to another", "", "add its owner"),
    (family(tests=["row_count"]), "unknown key 'tests'", "tests", "it is called audits here"),
    (
        family(audits=[{"rollup": {"rules": ["orders.total = sum(linez.quantity)"]}}]),
        "has no table 'linez'",
        "",
        "lines",
    ),
    (
        entry(2, audits=[{"rollup": {"rules": ["orders.ordered_at >= orders.customer_id.joined"]}}]),
        "it goes by a key of 'orders', not of 'lines'",
        "orders.ordered_at",
        "move it to the audits of orders",
    ),
    (family(audits=[{"rollup": {"rules": "a.b = count(c)"}}]), "rules in audit rollup must be a list", "", "list"),
]


@pytest.mark.parametrize(("edit", "said", "at", "fix"), REFUSED, ids=[said for _, said, _, _ in REFUSED])
def test_what_does_not_hang_together_is_refused(edit: Edit, said: str, at: str, fix: str, tmp_path: Path) -> None:
    found = [f for f in faults(tmp_path, edit) if re.search(re.escape(said), f.message)]
    assert found, "no such fault"
    assert len({f.message for f in found}) == len(found)  # each once, not once for each member
    assert text_at(found[0]).lstrip("'\"").startswith(at)
    assert fix in (found[0].hint or "")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (family(source="{{ source('shops') }}"), {"there is no source 'shops'"}),
        (family(tables=["products"]), {"every table of 'synthetic_shop' is public, so there is nothing to make"}),
    ],
)
def test_what_refers_to_tables_of_a_family_with_faults_has_none_of_its_own(
    edit: Edit, said: set[str], tmp_path: Path
) -> None:
    def without_names(tables: Any, given: Any, document: Any) -> None:
        given["tables"] = [{"table": entry["table"]} for entry in given["tables"]]
        edit(tables, given, document)

    assert {f.message for f in faults(tmp_path, without_names)} == said


def test_rollup_judges_the_rules_of_the_group_and_its_own_each_with_one_table(tmp_path: Path) -> None:
    own = "lines.unit_price <= lines.product_id.price"
    manifest = compiled(tmp_path, family(audits=[{"rollup": {"rules": [own]}}]))
    found = {
        model.source.name: [b.params["rules"] for b in model.audits]
        for model in manifest.models.values()
        if model.source is not None
    }
    assert found["orders"] == [["orders.ordered_at >= orders.customer_id.joined"]]
    assert found["lines"] == [["orders.total = round(sum(lines.unit_price * lines.quantity), 2)", own]]
    assert found["products"] == []


def test_a_table_that_bears_the_name_of_another_model_is_told_that_alone(tmp_path: Path) -> None:
    def edit(tables: Any, family: Any, document: Any) -> None:
        source = "{{ source('shop', 'products') }}"
        document["models"] = [m for m in document["models"] if m["name"] != "spending"]
        document["models"].append({"name": "synthetic_orders", "source": source, "generator": "circuit"})

    (fault,) = faults(tmp_path, edit)
    assert fault.message == "'synthetic_orders', of the family 'synthetic_shop', is the name of another model or family"


def test_days_are_rolled_up_into_days_alone(tmp_path: Path) -> None:
    def rule(text: str) -> Edit:
        def edit(tables: Any, family: Any, document: Any) -> None:
            document["sources"][0]["rules"] = [text]

        return edit

    for at, text in enumerate(
        (
            "customers.age = max(orders.ordered_at)",
            "customers.joined = max(orders.total)",
            "customers.joined = count(orders)",
        )
    ):
        (fault,) = faults(tmp_path / str(at), rule(text))
        assert re.search("no (moment|number)", fault.message), fault.message
    (fault,) = faults(tmp_path / "sum", rule("customers.joined = sum(orders.ordered_at)"))
    assert "sum is of numbers" in fault.message


def test_a_family_is_no_table(tmp_path: Path) -> None:
    def edit(tables: Any, family: Any, document: Any) -> None:
        document["models"].append({"name": "copy", "source": "{{ ref('synthetic_shop') }}"})
        document["models"].append({"name": "other", "source": "{{ ref('shops', 'orders') }}"})
        document["models"].append(
            {"name": "sql", "generator": {"name": "sql", "query": "select * from {{ source('shop') }}"}}
        )

    messages = {f.message: f.hint for f in faults(tmp_path, edit)}
    assert messages["ref('synthetic_shop') names a family of tables"].startswith("name one of its tables")  # type: ignore[union-attr]
    assert "there is no family 'shops'" in messages
    assert any("source('shop') is a group of tables" in m for m in messages)


def test_audits_of_a_family_go_to_the_tables_that_they_are_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from synthkit.audits import registry as audits

    placed = {"unique": {"child"}, "row_count": {"root"}, "not_null": {"sequence"}}
    found = {n: replace(audits.get(n), stands_on=frozenset(placed.get(n, ()))) for n in (*placed, "ks")}
    monkeypatch.setattr(audits, "names", lambda: tuple(found))
    monkeypatch.setattr(audits, "get", lambda name: found[name])

    def edit(tables: Any, family: Any, document: Any) -> None:
        family["audits"] = [{"unique": {"columns": ["order_id"]}}, {"row_count": {"min": 1}}, {"ks": {"max": 0.5}}]
        family["tables"][0]["audits"] = [{"row_count": {"min": 1}}]
        family["tables"][1]["audits"] = []

    models = compiled(tmp_path / "a", edit).models
    bound = {n: [a.name for a in m.audits] for n, m in models.items()}
    assert bound["synthetic_shop_customers"] == ["row_count"]
    assert bound["synthetic_orders"] == []
    assert bound["synthetic_shop_lines"] == ["unique", "ks"]
    assert bound["synthetic_shop_products"] == []  # none of its rows is held out, and it is no child

    def wrong(tables: Any, family: Any, document: Any) -> None:
        family["tables"][3]["audits"] = [{"row_count": {"min": 1}}]

    (fault,) = faults(tmp_path / "b", wrong)
    assert "audit 'row_count' is for the root of a family" in fault.message


def test_other_keys_draw_all_tables_again(tmp_path: Path) -> None:
    def prints(manifest: Manifest) -> list[tuple[str, str]]:
        members = manifest.families["synthetic_shop"].members.values()
        found = [Fingerprinter(manifest).of(manifest.models[name], {}) for name in members]
        return [(f.train, f.sample) for f in found]

    own, fresh = prints(compiled(tmp_path / "a")), prints(compiled(tmp_path / "b", family(keys="fresh")))
    assert [a[0] == b[0] for a, b in zip(own, fresh, strict=True)] == [True] * 4
    assert [a[1] == b[1] for a, b in zip(own, fresh, strict=True)] == [False] * 4


MEMBER_CHANGES: list[tuple[dict[str, Any], str]] = [
    ({"name": "purchases"}, ""),
    ({"columns": [{"name": "channel", "type": "text"}]}, "tsa"),
    ({"rules": ["when total >= 0 then channel is not null"]}, "tsa"),
    ({"constraints": ["total >= 0"]}, "tsa"),
    ({"conditions": {"channel": "web"}}, "sa"),
    ({"at_least": 1}, "sa"),
    ({"at_most": 4}, "sa"),
    ({"audits": [{"row_count": {"min": 2}}]}, "a"),
    ({"on_inconclusive": "fail"}, "a"),
    ({"description": "Other words", "materialized": "parquet", "tags": ["x"], "meta": {"x": 1}}, ""),
    ({"usage": {"licence": "MIT"}}, ""),
]


@pytest.mark.parametrize(("change", "hashes"), MEMBER_CHANGES, ids=[",".join(c) for c, _ in MEMBER_CHANGES])
def test_what_is_said_of_one_table_makes_all_anew_and_judges_one(
    change: dict[str, Any], hashes: str, tmp_path: Path
) -> None:
    def prints(manifest: Manifest) -> dict[str, Any]:
        members = manifest.families["synthetic_shop"].members
        return {t: Fingerprinter(manifest).of(manifest.models[name], {}) for t, name in members.items()}

    before, after = prints(compiled(tmp_path / "a")), prints(compiled(tmp_path / "b", entry(1, **change)))
    changed = {
        table: "".join(
            k[0] for k in ("train", "sample", "audit") if getattr(before[table], k) != getattr(after[table], k)
        )
        for table in before
    }
    assert changed == (
        dict.fromkeys(before, "") | {"orders": hashes} if hashes == "a" else dict.fromkeys(before, hashes)
    )


def across(*rules: str) -> Edit:
    return lambda tables, family, document: document["sources"][0].update(rules=list(rules))


def test_rules_across_tables_reach_the_families_that_have_them(tmp_path: Path) -> None:
    rules = (
        "orders.total = round(sum(lines.unit_price * lines.quantity), 2)",
        "orders.ordered_at >= orders.customer_id.joined",
        "lines.line_no <= lines.order_id.customer_id.age",
        "lines.unit_price <= lines.product_id.price",
    )
    manifest = compiled(tmp_path / "a", across(*rules))
    found = {str(r.rule): r for r in manifest.families["synthetic_shop"].rules}
    assert tuple(found) == rules
    total, deep = found[rules[0]].rule, found[rules[2]].rule
    assert isinstance(total, RolledUp)
    assert (total.child, total.hop, total.decimals) == ("lines", Hop(("order_id",), "orders", ("order_id",)), 2)
    assert isinstance(deep, Compared)
    assert [h.table for h in deep.hops] == ["orders", "customers"]
    assert found[rules[0]].location.startswith("models/shop.yml:")
    assert manifest.to_json()["families"]["synthetic_shop"]["rules"] == list(rules)

    def narrowed(tables: Any, family: Any, document: Any) -> None:
        across(*rules)(tables, family, document)
        family["tables"] = ["customers", "orders"]
        document["models"].pop()

    assert [str(r.rule) for r in compiled(tmp_path / "b", narrowed).families["synthetic_shop"].rules] == [rules[1]]


@pytest.mark.parametrize(
    ("rule", "said", "fix"),
    [
        ("orders.total = sum(lines.cost)", "'lines' has no column 'cost'", "column"),
        ("orders.total = sum(linez.quantity)", "'shop' has no table 'linez'", "lines"),
        ("orders.total = sum(products.price)", "'products' has no key to 'orders'", "declare it"),
        ("orders.channel = count(lines)", "orders.channel is VARCHAR, no number", "into a number"),
        ("orders.total = sum(lines.product_id)", "is of numbers, and this gives a text", "roll up numbers"),
        ("orders.total = orders.channel.age", "'channel' is no foreign key of 'orders'", "customer_id"),
        ("orders.customer_id = orders.customer_id.tier", "is the key that the way begins with", "determined"),
        ("orders.channel = orders.customer_id.age", "orders.channel is VARCHAR", "of one kind"),
        ("orders.channel > orders.customer_id.tier", "has no order", "or write ="),
        ("total = sum(lines.quantity)", "no rule across tables", "write orders.total"),
        ("products.price = max(lines.unit_price)", "'products' is public", "drop the rule"),
    ],
)
def test_rules_across_tables_that_lead_nowhere_are_refused(rule: str, said: str, fix: str, tmp_path: Path) -> None:
    (found,) = faults(tmp_path, across(rule))
    assert said in found.message
    assert fix in (found.hint or "")


def test_a_column_is_computed_by_one_rule(tmp_path: Path) -> None:
    (found,) = faults(tmp_path, across("orders.total = sum(lines.quantity)", "orders.total = count(lines)"))
    assert "orders.total is computed by 'orders.total = sum(lines.quantity)' already" in found.message
    assert text_at(found) == "orders.total = count(lines)"


def test_the_rules_of_the_shop_hold_in_its_rows(tmp_path: Path) -> None:
    """Of the project that other tests build: what it declares is so."""
    import pyarrow.csv as pc

    tables = {n: pc.read_csv(SHOP / "data" / f"{n}.csv") for n in ("customers", "orders", "lines", "products")}
    rules = compiled(tmp_path).families["synthetic_shop"].rules
    assert len(rules) == 2
    for found in rules:
        assert not found.rule.violations(tables).any()
