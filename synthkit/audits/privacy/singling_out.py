"""Do statements that single out a row of the synthetic table single out a person?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import RISK, AuditResult, ColumnNames, audit
from synthkit.audits.gate import Estimate, limit_of, untold
from synthkit.audits.measures.exact import floats
from synthkit.audits.privacy.attacks import DEFAULT, AttackParams, Rates, judged, too_few
from synthkit.audits.privacy.population import FEWEST, attacked_columns, record_keys
from synthkit.audits.rows.features import is_categorical
from synthkit.audits.rows.marginals import category_key, number_key
from synthkit.audits.rows.proportions import Share, clustered, excess

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FIRST = 1_000  # synthetic rows on which most statements already match a second row
BATCH = 2_000  # statements tried at once: bounds the memory
TRIES = 200_000  # statements tried, of which those are kept that single out a synthetic row


class SinglingOutParams(AttackParams):
    """Parameters of ``singling_out``, beside those of all attacks.

    Args:
        attacks: statements made.
        columns: what the statements may speak of; default: all modelled columns.
        size: columns in one statement.
    """

    columns: ColumnNames | None = None
    size: int = Field(default=3, ge=1, le=20)


@dataclass(frozen=True)
class Statements:
    """Conjunctions over the columns of rank-coded tables: column numbers, operators (-1: ≤, 0: =, 1: ≥) and values,
    each of shape (statements, size)."""

    columns: Array
    operators: Array
    values: Array

    def __len__(self) -> int:
        return len(self.columns)


@audit("singling_out", SinglingOutParams, family="privacy", needs=("train", "holdout"), between=RISK, apart="attacks")
def singling_out(context: AuditContext, params: SinglingOutParams) -> AuditResult:
    """Do statements that single out a synthetic row single out a person? Risk beyond the control's (anonymeter)

    Attacker: has the table only. Goal: a statement that is true of exactly one training person (Cohen & Nissim, PNAS
    117, 2020; GDPR, Article 29 Working Party opinion 05/2014). Attack: take three columns of a synthetic row, ask for
    its category, and for numbers as extreme or more so, keep the statement if it singles out that row among the
    synthetic ones. Baseline: random columns, operators and values. Control: the same statements about the held-out
    people.

    Different records are counted once. Of unequally many people the more numerous side is rarefied: a statement true
    of m of n_t training people singles one out of a part f = n_h / n_t with probability m·f·(1 − f)^(m−1), and the
    excess is divided by f, as a part shows only a part of those who are singled out. Risk: (main − control) / (f (1 −
    control)); with equal sizes that is anonymeter's. Rates have Wilson's intervals, for as many statements as people
    singled out.
    """
    if (few := too_few(context, params)) is not None:
        return few
    columns = attacked_columns(context, params.columns)
    if not columns:
        return AuditResult(None, "skipped", message="no column is modelled, so nothing was learnt")
    tables = _tables(context, columns)
    size = min(params.size, len(columns))
    categorical = _categories(context, columns)
    made = _single(context, tables["synthetic"], categorical, size, params.attacks)
    if len(made) < FEWEST:
        told = f"only {len(made)} statements single out a synthetic row, and at least {FEWEST} are needed"
        return untold(told, limit_of(params, 0.0, DEFAULT).text)
    guessed = _random(context.rng("naive statements"), tables["synthetic"], categorical, size, len(made))
    people = {s: len(tables[s][0]) for s in ("train", "holdout")}
    part = min(1.0, people["holdout"] / people["train"])
    main = _rate(tables["train"], made, part)
    control = _rate(tables["holdout"], made, min(1.0, people["train"] / people["holdout"]))
    rates = Rates(main, control, _rate(tables["train"], guessed, part).value)
    details = {"statements": len(made), "different_records": people, "columns": list(columns)}
    return judged(params, rates, _risk(main, control, part), "statements single out one of as many", details)


def _risk(main: Share, control: Share, part: float) -> Estimate | None:
    """(main − control) / (part · (1 − control)); the control's error in the denominator is of second order."""
    return None if control.value >= 1 else excess(main, control, part * (1 - control.value))


def _rate(table: list[Array], made: Statements, part: float) -> Share:
    """How often a statement singles out one of a ``part`` of the records, with the error of as many records."""
    import numpy as np

    count, first = counted(table, made)
    weights = count * part * (1 - part) ** np.maximum(count - 1, 0) if part < 1 else (count == 1).astype(float)
    hit = weights > 0
    return clustered(weights[hit], first[hit], len(made))


# -- tables of ranks -----------------------------------------------------------------------------------


def _tables(context: AuditContext, columns: tuple[str, ...]) -> dict[str, list[Array]]:
    """The different records of each side, column by column, as ranks among all values; -1 where missing."""
    import numpy as np

    sides: tuple[Side, ...] = ("synthetic", "train", "holdout")
    kept = {s: np.sort(np.unique(record_keys(context, s, columns), return_index=True)[1]) for s in sides}
    tables: dict[str, list[Array]] = {s: [] for s in sides}
    for column, categorical in zip(columns, _categories(context, columns), strict=True):
        values = [_column(context, s, column, categorical)[kept[s]] for s in sides]
        together = np.concatenate(values)
        missing = np.isnan(together) if together.dtype == float else np.array([v is None for v in together])
        ranks = np.full(len(together), -1, dtype=np.int32)
        if not missing.all():
            present = together[~missing]
            ranks[~missing] = np.unique(
                present if present.dtype == float else present.astype(str), return_inverse=True
            )[1]
        for side, part in zip(sides, np.split(ranks, np.cumsum([len(v) for v in values])[:-1]), strict=True):
            tables[side].append(part)
    return tables


def _categories(context: AuditContext, columns: tuple[str, ...]) -> list[bool]:
    """Whether statements ask for a column's very value: categories and booleans, not numbers and dates."""
    found = []
    for column in columns:
        kind = context.arrow("synthetic", (column,)).column(column).type
        categorical = is_categorical(context, column, kind) or number_key(context, column) is None
        found.append(categorical)
    return found


def _column(context: AuditContext, side: Side, column: str, categorical: bool) -> Array:
    import numpy as np

    key = category_key(context, column) if categorical else number_key(context, column)
    assert key is not None
    found = context.column(side, key)
    if categorical:
        return np.asarray(found.to_pylist(), dtype=object)
    return floats(found)


def _middle(ranks: Array) -> float:
    import numpy as np

    present = ranks[ranks >= 0]
    return float(np.median(present)) if len(present) else 0.0


# -- statements ----------------------------------------------------------------------------------------


def _pick(random: np.random.Generator, columns: int, size: int, count: int) -> Array:
    """``size`` different columns for each of ``count`` statements, ascending."""
    import numpy as np

    return np.sort(np.argsort(random.random((count, columns)), axis=1)[:, :size], axis=1).astype(np.int32)


def _single(context: AuditContext, table: list[Array], categorical: list[bool], size: int, wanted: int) -> Statements:
    """Statements that single out a synthetic row, no two alike, at most ``wanted``."""
    import numpy as np

    random = context.rng("statements", size)
    rows = len(table[0])
    chosen = _pick(random, len(table), size, TRIES)
    row = random.integers(0, rows, TRIES)
    values = np.stack([c[row] for c in table], axis=1)
    above = np.where(values > np.array([_middle(c) for c in table]), 1, -1)
    above[:, np.array(categorical)] = 0
    above[values < 0] = 0  # missing
    own = np.take_along_axis(values, chosen, axis=1), np.take_along_axis(above, chosen, axis=1)
    _, different = np.unique(np.concatenate([chosen, *own], axis=1), axis=0, return_index=True)
    different = np.sort(different)
    every = Statements(chosen[different], own[1][different], own[0][different])
    kept: list[int] = []
    for index in _rare(table, every):
        if len(kept) >= wanted:
            break
        if np.count_nonzero(matching(table, every, index)) == 1:
            kept.append(index)
    return Statements(every.columns[kept], every.operators[kept], every.values[kept])


def _rare(table: list[Array], made: Statements) -> Iterator[int]:
    """The statements that are true of at most one of a few rows: most others are dropped at little cost."""
    import numpy as np

    step = max(1, len(table[0]) // FIRST)
    some = np.stack([c[::step][:FIRST] for c in table])
    for part in np.array_split(np.arange(len(made)), max(1, len(made) // BATCH)):
        left = part
        for few in (some[:, :50], some[:, :250], some):
            true = np.ones((len(left), few.shape[1]), dtype=bool)
            for place in range(made.columns.shape[1]):
                ranks, value = few[made.columns[left, place]], made.values[left, place, None]
                operator = made.operators[left, place, None]
                # One comparison of signed ranks serves ≥ and ≤; a missing value is neither.
                reached = (ranks * operator >= value * operator) & ((ranks >= 0) | (operator == 0))
                true &= np.where(operator == 0, ranks == value, reached)
            left = left[true.sum(axis=1) <= 1]
        yield from (int(i) for i in left)


def _random(
    random: np.random.Generator, table: list[Array], categorical: list[bool], size: int, count: int
) -> Statements:
    """The naive attack: any columns, one of = ≤ ≥, any value that the table holds."""
    import numpy as np

    chosen = _pick(random, len(table), size, count)
    distinct = [np.unique(c) for c in table]
    drawn = np.stack([random.choice(d, count) for d in distinct], axis=1)
    operators = random.integers(-1, 2, (count, len(table)))
    operators[:, np.array(categorical)] = 0
    operators[drawn < 0] = 0
    return Statements(chosen, np.take_along_axis(operators, chosen, 1), np.take_along_axis(drawn, chosen, 1))


def matching(table: list[Array], made: Statements, index: int) -> Array:
    """Which rows a statement is true of. A missing value is neither ≤ nor ≥ anything."""
    found: Array | None = None
    for column, operator, value in zip(made.columns[index], made.operators[index], made.values[index], strict=True):
        ranks = table[column]
        if operator == 0:
            true = ranks == value
        elif operator > 0:
            true = ranks >= value
        else:
            true = (ranks <= value) & (ranks >= 0)
        found = true if found is None else found & true
    assert found is not None
    return found


def counted(table: list[Array], made: Statements) -> tuple[Array, Array]:
    """For each statement, of how many rows it is true and which of them is the first."""
    import numpy as np

    count, first = np.zeros(len(made), dtype=np.int64), np.zeros(len(made), dtype=np.int64)
    for index in range(len(made)):
        true = matching(table, made, index)
        count[index], first[index] = np.count_nonzero(true), true.argmax()
    return count, first
