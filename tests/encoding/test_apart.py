"""Texts that are taken apart: what comes back is never the source's, keeps what was learnt, and can be kept as JSON."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from synthkit.encoding.apart import ApartColumn, TakenApart
from synthkit.encoding.steps import view_from_json
from synthkit.encoding.tagged import TagColumn
from synthkit.encoding.takingapart import taken_apart
from synthkit.encoding.view import View
from synthkit.schema import Column, Schema, Table


def table(path: Path, texts: list[str | None], form: str, people: list[int] | None = None) -> Table:
    rows = {"x": pa.array(texts, pa.string())} | ({} if people is None else {"who": pa.array(people)})
    columns = [Column("x", "text", "VARCHAR", format=form), Column("who", "id", "BIGINT")][: len(rows)]
    pq.write_table(pa.table(rows), path / "rows.parquet")
    schema = Schema(tuple(columns), privacy_unit=None if people is None else "who")
    return Table(schema, (path / "rows.parquet",), len(texts))


def back(rows: Table, seed: int = 1) -> list[str | None]:
    """The table's own rows as they are learnt, and restored, with what is kept of the step alone."""
    view = View(taken_apart(rows))
    learnt = list(rows.batches())
    for step in view.steps:
        learnt = [step.learn(batch) for batch in learnt]
    kept = view_from_json(json.loads(json.dumps(view.to_json())))
    (restored,) = kept.restore(iter(learnt), seed)
    assert restored.schema.names == list(rows.schema.names)
    found: list[str | None] = restored.column("x").to_pylist()
    return found


def test_coordinates_and_what_has_no_form_come_back_as_they_were(tmp_path: Path) -> None:
    rng = random.Random(1)
    texts = [f"{rng.uniform(-90, 90):.4f}, {rng.uniform(-180, 180):.4f}" for _ in range(200)]
    texts = [None if i % 20 == 0 else "at sea" if i % 20 == 1 else t for i, t in enumerate(texts)]
    assert back(table(tmp_path, texts, "{lat 1234.5678}, {lon 1234.5678}")) == texts


def test_tags_come_back_as_they_were_where_all_are_frequent(tmp_path: Path) -> None:
    rng = random.Random(2)
    order = ["z", "a", "m", "b", "c"]
    texts = ["|".join(t for t in order if rng.random() < 0.6) or "a" for _ in range(400)]
    rows = table(tmp_path, [*texts], "{tag}|…")
    assert back(rows) == texts


def test_rare_tags_and_rare_domains_never_come_back(tmp_path: Path) -> None:
    lists = [f"a;b{';secret' if i < 4 else ''}{f';rare{i % 3}' if i < 60 else ''}" for i in range(300)]
    tags = back(table(tmp_path, [*lists], "{tag};…"))
    assert not any("secret" in (t or "") for t in tags)
    assert any("rare" in (t or "") for t in tags)
    mails = [f"u{i}@{'my.own' if i < 4 else 'all.org'}" for i in range(300)]
    made = back(table(tmp_path, [*mails], "{user}@{domain}"))
    assert not {*made} & {*mails}
    assert {m.partition("@")[2].split(".")[0] for m in made if m} == {"all", "example"}


def test_rows_of_one_person_are_one_person(tmp_path: Path) -> None:
    people = [i if i >= 50 else 0 for i in range(300)]
    mails = [f"u{i}@{'my.own' if i < 50 else 'all.org'}" for i in range(300)]
    made = back(table(tmp_path, [*mails], "{user}@{domain}", people))
    assert not any("my.own" in (m or "") for m in made)


def test_a_pattern_with_fewer_values_than_rows_ends_and_gives_no_real_one(tmp_path: Path) -> None:
    real = [f"{letter}{n}" for letter in "AB" for n in range(100, 350)]
    made = back(table(tmp_path, [*real], "{A}{999}"))
    assert all(m and len(m) == 4 and m[0] in "AB" for m in made)
    assert not {*made} & {*real}  # 1,500 others are left
    assert len({*made}) > 0.95 * len(made)


@pytest.mark.parametrize("form", ["{user}@{domain}", "{tag};…"])
def test_a_column_that_mostly_has_no_such_form_stays_text(tmp_path: Path, form: str) -> None:
    assert taken_apart(table(tmp_path, ["", ";;", "a b"] * 40, form)) == ()


def test_what_is_learnt_of_a_code_is_told(tmp_path: Path) -> None:
    rng = random.Random(3)
    texts: list[str | None] = [f"{rng.choice(['AB', 'CD'])}-{rng.randint(0, 99_999):05d}" for _ in range(300)]
    (step,) = taken_apart(table(tmp_path, texts, "{AA}-{99999}"))
    assert isinstance(step, TakenApart)
    assert dict(step.said) == {"x": ("in part", "AA learnt, 99999 made up")}
    (column,) = step.columns
    assert isinstance(column, ApartColumn)
    assert column.unique == (len({*texts}) == 300)


def test_lists_without_a_drawn_tag_have_one(tmp_path: Path) -> None:
    (step,) = taken_apart(table(tmp_path, ["a;b", "b", "a"] * 40, "{tag};…"))
    (column,) = step.columns
    assert isinstance(column, TagColumn)
    none = {inner: pa.array([False] * 5) for _, inner in column.tags}
    assert all(column.restore(dict(none), 5, np.random.default_rng(1)).to_pylist())
