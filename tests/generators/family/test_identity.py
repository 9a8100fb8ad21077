"""Which row is looked up, where there are few: what holds between the rows that two keys lead to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from synthkit.generators.conditional.params import ConditionalParams
from synthkit.generators.family.generate import fit_tables, sample_tables
from synthkit.generators.family.identity import told
from synthkit.generators.functions import silent
from synthkit.generators.tables import Key, Tables
from tests.generators.family.shop import table


def school(folder: Path, public: bool) -> Tables:
    """Students of six subjects, whose courses are mostly of theirs; a course's teacher is of the course's subject. Of
    subjects nothing but their names is known, and one, of none of the tables' training rows, was held out."""
    rng = np.random.default_rng(2)
    size = {"students": 300, "courses": 36, "teachers": 18}
    names = [f"subject {i}" for i in range(6)]
    of = {name: np.arange(n) % 6 for name, n in size.items()}
    who = np.repeat(np.arange(300), 12)
    course = np.where(rng.random(3_600) < 0.7, rng.integers(0, 6, 3_600) * 6 + of["students"][who], 36)
    course = np.where(course == 36, rng.integers(0, 36, 3_600), course)
    teacher = rng.integers(0, 3, 3_600) * 6 + of["courses"][course]
    kept = np.arange(6) < (6 if public else 5)
    members = {
        "subjects": table(
            folder,
            "subjects",
            {
                "subject": ("id", pa.array(names).filter(kept)),
                "floors": ("integer", pa.array(np.arange(6)).filter(kept)),
            },
            ("subject",),
        )
    }
    for name, rows in size.items():
        columns = {
            "id": ("id", pa.array(np.arange(rows))),
            "subject": ("id", pa.array([names[i] for i in of[name]])),
            "size": ("integer", pa.array(rng.integers(0, 50, rows))),
        }
        members[name] = table(folder, name, columns, ("id",))  # type: ignore[arg-type]
    members["seats"] = table(
        folder,
        "seats",
        {"student": ("id", pa.array(who)), "course": ("id", pa.array(course)), "teacher": ("id", pa.array(teacher))},
        (),
    )
    keys = [Key("seats", ("student",), "students", owner=True)]
    keys += [Key("seats", (one,), f"{one}s") for one in ("course", "teacher")]
    keys += [Key(name, ("subject",), "subjects") for name in size]
    return Tables(members, tuple(keys), "students", frozenset({"subjects"} if public else ()), {"subjects": 6})


@pytest.mark.parametrize("public", [True, False])
def test_rows_that_two_keys_lead_to_are_of_one_subject(tmp_path: Path, public: bool) -> None:
    tables = school(tmp_path, public)
    model = fit_tables(tables, ConditionalParams(), budget=None, seed=1, device="cpu", progress=silent)
    found: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in sample_tables(model, 300, conditions=(), seed=1, progress=silent):
        found.setdefault(name, []).append(batch)
    drawn = {n: pa.Table.from_batches(b).to_pandas() for n, b in found.items()}
    seats: pd.DataFrame = drawn["seats"]
    for one in ("student", "course", "teacher"):
        seats = seats.merge(drawn[f"{one}s"].add_prefix(f"{one}_"), left_on=one, right_on=f"{one}_id")
    assert len(seats) > 2_000
    # Of the real ones all, and three in four; by chance one in six.
    assert (seats.teacher_subject == seats.course_subject).mean() > 0.6
    assert (seats.student_subject == seats.course_subject).mean() > 0.4
    assert drawn["students"].subject.nunique() == 6  # the one that was held out among them, which students name


def test_of_a_large_table_the_rows_that_are_named_are_kept(tmp_path: Path) -> None:
    """Each drawn row is compared with each that is kept, so these are few, however many rows a table has."""
    rng = np.random.default_rng(0)
    who, agent = np.repeat(np.arange(100), 15), rng.integers(0, 20, 1_500)
    staff = {"id": ("id", pa.array(np.arange(900))), "grade": ("integer", pa.array(np.arange(900) % 5))}
    members = {
        "people": table(tmp_path, "people", {"id": ("id", pa.array(np.arange(100)))}, ("id",)),
        "staff": table(tmp_path, "staff", staff, ("id",)),  # type: ignore[arg-type]
        "tickets": table(tmp_path, "tickets", {"p": ("id", pa.array(who)), "agent": ("id", pa.array(agent))}, ()),
    }
    keys = (Key("tickets", ("p",), "people", owner=True), Key("tickets", ("agent",), "staff"))
    tables = Tables(members, keys, "people", whole={"staff": 900})
    family = fit_tables(tables, ConditionalParams(trees=5), budget=None, seed=1, device="cpu", progress=silent)
    short = next(m.short for m in family.members if m.name == "staff")
    assert short is not None
    assert sorted(short.labels) == sorted(str(i) for i in range(20))
    assert len(short.cells) == 20
    drawn: dict[str, list[pa.RecordBatch]] = {}
    for name, batch in sample_tables(family, 100, conditions=(), seed=1, progress=silent):
        drawn.setdefault(name, []).append(batch)
    tickets, every = (pa.Table.from_batches(drawn[n]).to_pandas() for n in ("tickets", "staff"))
    assert len(every) == 900
    assert 15 <= tickets.agent.nunique() <= 25  # of 20 real ones


def test_only_few_rows_that_are_named_often_are_told_apart() -> None:
    labels = np.array(["a", "b", None] * 100, dtype=object)
    assert told(labels)
    assert not told(labels[:30])
    assert not told(np.array([str(i // 100) for i in range(10_000)], dtype=object))  # a hundred
    assert not told(np.array(["a"] * 100, dtype=object))
