"""What to try when an audit fails: one sentence per audit."""

from __future__ import annotations

from synthkit.records.audit import AuditRecord

_COPIES = "the table repeats its training rows: train shorter, use a smaller model or more rows, or set epsilon"
_COARSER = "cut the quasi-identifiers into wider bands, or drop the rows of small groups in an SQL model downstream"
_ADVICE = {
    "ks": "train longer, try another generator, or declare the column's type; compare with the floor first",
    "chi_square": "train longer, or try another generator; rare categories need more rows",
    "missingness": "try another generator, or add a column that says why a value is missing",
    "coverage": "balance the column with conditions, or try a generator that trains for rare categories",
    "detection": "look at the columns that it names; train longer, or try another generator",
    "tstr": "train longer, try another generator, or balance the target with conditions",
    "membership_inference": "the table gives its training rows away: train shorter, use a smaller model or more rows",
    "dcr": _COPIES,
    "nndr": _COPIES,
    "exact_match": _COPIES,
    "entity_membership": "the tables give whole entities away: train shorter, use a smaller model or more entities",
    "entity_copies": _COPIES,
    "value_reuse": "min_count: 5 on the generator (circuit, ctgan, tvae) draws between such values; or set epsilon",
    "outlier_similarity": _COPIES,
    "singling_out": _COPIES,
    "linkability": _COPIES,
    "attribute_inference": _COPIES,
    "k_anonymity": _COARSER,
    "k_map": _COARSER,
    "l_diversity": _COARSER,
    "t_closeness": _COARSER,
    "empirical_epsilon": "the training reveals more than its ε allows: do not publish, and report it to its authors",
    "augmentation": "synthetic rows do not help this estimator: try another generator, or fewer of them",
    "not_null": "declare the column nullable: false, or fill it in an SQL model downstream",
    "unique": "declare the column as the source's primary_key, so that it is made up unique",
    "accepted_values": "declare values: for the source's column, or map the others in an SQL model downstream",
    "accepted_range": "clip the column in an SQL model downstream, or keep enforce_min_max_values on",
    "row_count": "set size: to what you need",
    "relationships": "build both tables from one source, or join against the parent in an SQL model",
    "rules": "declare it under rules: of the source, so that every generated row keeps it; rules: none asks for none",
    "inequality": "declare it under constraints: of the source, so that every generated row keeps it",
    "schema": "declare the columns' types in the source, or name the columns in their order in the SQL model's SELECT",
    "cardinality": "declare the column's type, decimals or values in the source; of children per parent, "
    "make both tables as one family, which learns how many a parent has",
    "parent_child": "learn both tables as one family; look at the pairs in the details, and at cardinality first",
    "joined_detection": "look at the columns that it names, and at detection of each table alone",
    "sequence": "declare order_by (and entity, or an owner), so that rows are learnt one after another",
    "rollup": "compute the total in an SQL model downstream, or leave the rule out: leave_out:",
    "references": "make both tables as one family (foreign_keys: of the sources), so that keys name drawn rows",
    "boundary": "declare bounds: on the source's column, or constraints:, or try another generator",
    "max_seconds": "look at synth stats for the phase that takes it: fewer rows, epochs or states, or more --threads",
    "max_cost": "look at synth stats for the phase that costs it; raise max if the price is right",
    "volume": "if the change is meant, raise max_change, or say severity: warn",
    "total_variation": "try another generator or more training, conditions: for shares, or declare the column's type",
    "wasserstein": "declare bounds:, or the column's type; a few far values move it more than ks",
    "column_shapes": "look at ks and total_variation of the columns named; train longer, or try another generator",
    "column_pairs": "try circuit, or aim under epsilon with these columns in its workload:",
    "pair_trends": "look at column_pairs of the pairs named first: one extreme value moves this measure",
    "correlation": "try circuit, or train longer; constraints: hold what is a rule",
    "alpha_precision": "look at detection for the columns that give rows away; train longer, or try another generator",
    "beta_recall": "look at coverage for what is left out; more training, or conditions: for rare classes",
    "trts": "look at tstr too; a generator that copies classes too cleanly passes one and fails the other",
    "feature_importance": "look at column_pairs of the target; try circuit, or train longer",
    "query_workload": "look at the queries in the details, and at column_pairs of the columns that they name",
    "demographic_parity": "look at representation first; conditions: give groups their shares",
    "equalised_odds": "look at representation first; conditions: give groups their shares",
    "representation": "conditions: give groups their shares; rare groups need more real rows, or another generator",
    "rebalance": "conditions: set the shares exactly; circuit draws them without changing the rest of a class",
    "drift": "look for what changed in its source, seed or generator; if it is meant, raise max, or say severity: warn",
    "text_duplicates": "filters: near_duplicates, more seeds and topics, or fewer rows from each request",
    "refusal_rate": "filters: refusals; a topic that the teacher refuses is best left out",
    "contamination": "filters: contamination, with the held-out rows",
    "distinct_n": "more seeds, topics and personas, or a lower threshold of near_duplicates",
    "self_similarity": "more seeds, topics and personas, or a lower threshold of near_duplicates",
    "topic_balance": "topics: of the generator, and enough requests to fill each",
    "text_lengths": "say in the prompt how long a response should be, or give more tokens",
    "instruction_utility": "look at rows by hand: do the responses answer their instructions?",
    "expression": "put the rows right in an SQL model downstream, or take them out with WHERE",
}
OTHERWISE = "see which rows fail: synth compile writes the SQL of custom audits to target/compiled/"


def advice(audit: AuditRecord) -> str | None:
    """What to try about a failed audit; None where its own message says so already."""
    return None if "Try " in audit.message else _ADVICE.get(audit.name, OTHERWISE)
