"""The audits of a model that names none (``audits: []`` says none on purpose).

For a generated model

==========================  ==========================================  ========  ==============================
audit                       parameters                                  severity  when
==========================  ==========================================  ========  ==============================
row_count                   min: 1                                      error     always
unique                      together: the primary key                   error     the source declares one
not_null                    columns that the source declares so         error     there are any
rules                       those declared and found                    error     there may be any
ks                          max: 0.25, combine: mean                    error     there are held-out rows
ks_each_column              max: 0.2                                    warn      there are held-out rows
chi_square                  max: 0.25, combine: mean                    error     there are held-out rows
chi_square_each_column      max: 0.2                                    warn      there are held-out rows
column_pairs                max_excess: 0.05, combine: mean             warn      there are held-out rows
coverage                    min: 1                                      warn      there are held-out rows
detection                   max: 0.6; with epsilon none                 warn      there are held-out rows
membership_inference        max_auc: 0.6, max_tpr: 0.05                 error     there are held-out rows
exact_match                 max: 0.01                                   error     there are held-out rows
value_reuse                 max: 0.05, min_count: 5                     error     there are held-out rows
references                                                              error     of a family: it has foreign keys
cardinality                 of: children, max: 0.25                     error     likewise
rollup                                                                  warn      likewise
parent_child                max: 0.1                                    warn      likewise
joined_detection            max: 0.65                                   warn      likewise
sequence                    max: 0.1                                    warn      order_by, with an owner or entity
entity_membership           max_auc: 0.6, max_tpr: 0.05                 error     a root with children, or an entity
entity_copies               max: 0.01                                   error     likewise
==========================  ==========================================  ========  ==============================

The bounds of ``ks`` and ``chi_square`` were set by looking at Gaussian copulas of fifteen public tables: ten
have both means below 0.25 (at 0.05 to 0.2), the others have columns that came out as constants, zeros and
ones modelled as continuous numbers for the most part. Values drawn evenly between a column's bounds do not
pass. One bad column of many passes with a warning that names it: say ``ks: {max: 0.1}`` to forbid that.

What warns is what a table may lack and still be of use: ties between columns, rare categories, rows that no classifier
tells from real ones. What stops a build is a table that is wrong in most columns, or that gives training rows away.

For an SQL model, whose rows are a matter of its query: ``row_count`` of at least one, and its primary key.
"""

from __future__ import annotations

from typing import Any

from synthkit.audits.contract import Stands
from synthkit.generators.base import Generator, Taught, Trained
from synthkit.project.types import AuditSpec
from synthkit.schema import Schema

MEAN_DISTANCE = 0.25
COLUMN_DISTANCE = 0.2
MAX_AUC = 0.6
PAIRS_EXCESS = 0.05
CHILDREN_DISTANCE = 0.25
MAX_DUPLICATES = 0.02  # of the tasks of an instruction table, near ones included
MAX_REFUSALS = 0.01  # of its responses


def default_audits(
    generator: Generator,
    schema: Schema | None,
    has_holdout: bool,
    has_rules: bool = False,
    stands: frozenset[Stands] = frozenset(),
) -> tuple[AuditSpec, ...]:
    """The default set of a model.

    Args:
        generator: what a trained one draws is held against the held-out rows.
        schema: of the table, as far as it is known.
        has_holdout: whether there are real rows that were held out, to compare with.
        has_rules: whether rules are declared, or looked for in the training rows.
        stands: what the table is among others, of a family or in time.
    """
    specs = [_spec("row_count", min=1), *_declared(schema)]
    if isinstance(generator, Trained) and has_rules:
        specs.append(_spec("rules"))
    if isinstance(generator, Trained) and has_holdout:
        for audit in ("ks", "chi_square"):
            specs.append(_spec(audit, max=MEAN_DISTANCE, combine="mean"))
            each = {"audit": audit, "name": f"{audit}_each_column", "severity": "warn"}
            specs.append(AuditSpec(**each, params={"max": COLUMN_DISTANCE}))
        pairs = {"max_excess": PAIRS_EXCESS, "combine": "mean"}
        for audit, params in (("column_pairs", pairs), ("coverage", {}), ("detection", {})):
            specs.append(AuditSpec(audit=audit, severity="warn", params=params))
        specs += [_spec("membership_inference", max_auc=MAX_AUC)]
        specs += [_spec("exact_match"), _spec("value_reuse"), *_of_several(stands, schema)]
    if isinstance(generator, Taught) and schema is not None and {"instruction", "response"} <= schema.by_name.keys():
        told = {"input": "input"} if "input" in schema.by_name else {}
        specs += [_spec("not_null", columns=["instruction", "response"])]
        specs.append(_spec("text_duplicates", **told, max=MAX_DUPLICATES))
        specs.append(_spec("refusal_rate", max=MAX_REFUSALS))
    return tuple(specs)


def _of_several(stands: frozenset[Stands], schema: Schema | None) -> list[AuditSpec]:
    """What a table must prove as one of several, or as rows that follow one another."""
    specs = []
    if "child" in stands:
        specs += [_spec("references"), _spec("cardinality", of="children", max=CHILDREN_DISTANCE)]
        specs += [AuditSpec(audit=a, severity="warn") for a in ("rollup", "parent_child", "joined_detection")]
    alone = "sequence" in stands and "child" not in stands and schema is not None and schema.entity is not None
    if "sequence" in stands and ("child" in stands or alone):
        specs.append(AuditSpec(audit="sequence", severity="warn"))
    if ("root" in stands and "parent" in stands) or alone:
        specs += [_spec("entity_membership", max_auc=MAX_AUC), _spec("entity_copies")]
    return specs


def _declared(schema: Schema | None) -> list[AuditSpec]:
    """What the source says of its keys and nulls must hold in the synthetic table as well."""
    if schema is None:
        return []
    specs = []
    if schema.primary_key:
        specs.append(_spec("unique", together=list(schema.primary_key)))
    filled = [c.name for c in schema.columns if not c.nullable or c.name in schema.primary_key]
    if filled:
        specs.append(_spec("not_null", columns=filled))
    return specs


def _spec(audit: str, **params: Any) -> AuditSpec:
    return AuditSpec(audit=audit, params=params)
