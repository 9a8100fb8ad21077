"""Describing sources: names and types, faults, and a cache that makes the second look free."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from synthkit.errors import Location, SynthError
from synthkit.project.types import Origin
from synthkit.sources.describe import describe
from tests.sources.reading import Reader, settle, source


def test_what_is_declared_and_found(reader: Reader) -> None:
    reader.write("t.csv", "k,age,tier,zip\n1,30,pro,00501\n")
    schema = reader.describe(
        path="t.csv",
        primary_key=["k"],
        privacy_unit="k",
        columns={
            "age": {"type": "float", "bounds": [18, 100], "nullable": False},
            "tier": {"values": ["basic", "pro"], "description": "What they pay for", "pii": "company"},
        },
    )
    assert [(c.name, c.type, c.sql_type) for c in schema.columns] == [
        ("k", "id", "BIGINT"),
        ("age", "float", "DOUBLE"),
        ("tier", "categorical", "VARCHAR"),
        ("zip", "categorical", "VARCHAR"),
    ]
    age, tier = schema.by_name["age"], schema.by_name["tier"]
    assert (age.bounds, age.nullable) == ((18, 100), False)
    assert (tier.values, tier.description, tier.pii) == (("basic", "pro"), "What they pay for", "company")
    assert (schema.primary_key, schema.privacy_unit) == (("k",), "k")


@pytest.mark.parametrize(
    ("given", "hint"),
    [
        ({"columns": {"agee": "integer"}}, "did you mean 'age'?"),
        ({"primary_key": ["idd"]}, "use a column of: age, name"),
        ({"privacy_unit": "nam"}, "did you mean 'name'?"),
    ],
)
def test_columns_that_are_not_there(reader: Reader, given: dict[str, object], hint: str) -> None:
    reader.write("t.csv", "name,age\nx,1\n")
    with pytest.raises(SynthError, match="has no column") as caught:
        reader.describe(path="t.csv", **given)
    assert caught.value.hint == hint


def test_a_fault_points_into_the_yaml(reader: Reader) -> None:
    reader.write("t.csv", "a,b\n1,2\n3\n")
    spec = source(path="t.csv")
    spec._origin = Origin(Path("models/s.yml"), ("sources", 0), {("sources", 0, "path"): (7, 15)})
    with pytest.raises(SynthError) as caught:
        describe(spec, root=reader.root, connections={}, cache=None)
    assert caught.value.where == Location(Path("models/s.yml"), 7, 15)


def test_an_unknown_connection(reader: Reader) -> None:
    with pytest.raises(SynthError, match="no connection 'crm'") as caught:
        reader.describe(connection="crm", table="t")
    assert "synth_project.yml" in (caught.value.hint or "")


def test_the_second_look_opens_nothing(reader: Reader) -> None:
    """Neither duckdb nor pyarrow is imported where the files stand still."""
    reader.write("data/t1.csv", "a,b\n1,x\n")
    reader.write("data/t2.csv", "a,b\n2,y\n")
    code = """
import json, sys
from pathlib import Path
from synthkit.sources.describe import describe
from synthkit.sources.fingerprint import content_hash
from synthkit.project.types import SourceTableSpec
root = Path(sys.argv[1])
spec = SourceTableSpec(name="t", path="data/t*.csv")
schema = describe(spec, root=root, connections={}, cache=root / "cache")
hashed = content_hash(spec, root=root, connections={}, cache=root / "hashes")
print(json.dumps([schema.names, hashed, sorted({"duckdb", "pyarrow", "numpy", "pandas"} & set(sys.modules))]))
"""

    def look() -> list[list[str]]:
        done = subprocess.run(
            [sys.executable, "-c", code, str(reader.root)], capture_output=True, text=True, check=True
        )
        answer: list[list[str]] = json.loads(done.stdout)
        return answer

    names, first_hash, modules = look()
    assert "duckdb" in modules
    assert look() == [["a", "b"], first_hash, []]
    assert names == ["a", "b"]


def test_a_changed_file_is_looked_at_again(reader: Reader) -> None:
    file, cache = reader.write("t.csv", "a\n1\n"), reader.root / "cache"
    assert reader.describe(cache, path="t.csv").names == ("a",)
    stat = file.stat()
    file.write_text("b\n1\n")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert reader.describe(cache, path="t.csv").names == ("b",)


def test_changed_options_are_not_answered_from_the_cache(reader: Reader) -> None:
    reader.write("t.csv", "a;b\n1;yes\n")
    cache = reader.root / "cache"
    assert reader.describe(cache, path="t.csv").names == ("a", "b")
    assert reader.describe(cache, path="t.csv", options={"delimiter": ","}).names == ("a;b",)
    assert reader.describe(cache, path="t.csv").by_name["b"].sql_type == "VARCHAR"
    assert reader.describe(cache, path="t.csv", columns={"b": "boolean"}).by_name["b"].sql_type == "BOOLEAN"


def test_a_cache_that_is_spoilt_or_cannot_be_written_is_done_without(reader: Reader) -> None:
    reader.write("t.csv", "a\n1\n")
    blocked = reader.write("file", "")
    assert reader.describe(blocked, path="t.csv").names == ("a",)
    assert reader.hash(blocked, path="t.csv") == reader.hash(path="t.csv")
    cache = reader.root / "cache"
    settle(reader.root / "t.csv")
    reader.describe(cache, path="t.csv")
    for entry in cache.iterdir():
        entry.write_text("{")
    assert reader.describe(cache, path="t.csv").names == ("a",)
