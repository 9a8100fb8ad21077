"""Do the rules between columns hold? The audit's side of ``rules:``, which shapes the rows; here each is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthkit.audits.context import AuditContext, Side
from synthkit.audits.contract import POSITIVE, AuditParams, AuditResult, ColumnResult, Status, audit
from synthkit.audits.counting import listed
from synthkit.audits.rows.links import whose
from synthkit.audits.rows.marginals import sql_types
from synthkit.errors import SynthError
from synthkit.rules.find.linear import MOST_FREE
from synthkit.rules.language import Rule, parse_rule, violations
from synthkit.rules.mostly import Mostly
from synthkit.rules.sets import Combination, Unique
from synthkit.rules.tokens import RuleError
from synthkit.schema import MIN_COUNT, Schema

if TYPE_CHECKING:
    import pyarrow as pa

MOST_ROWS = 500_000  # of training rows that are searched, and of drawn ones that are read at once
SHOWN = 3
WIDE = 120  # columns of which most kinds of rules are looked for, and 30 to 150 of some; of more the first ones


class RulesParams(AuditParams):
    """Which rules must hold.

    Args:
        declared: rules as ``rules:`` has them. Default: those of the model and its source.
        found: also those that the table keeps because its training rows showed them, where held-out rows keep them,
            too. Default: unless the model says ``rules: none``, or lists rules without ``found``.
    """

    declared: tuple[str, ...] = ()
    found: bool = True


@audit("rules", RulesParams, family="integrity", version=3, needs=("train",), between=POSITIVE, as_read=True)
def rules(context: AuditContext, params: RulesParams) -> AuditResult:
    """Rules between columns, declared ones and those that the real rows show, hold in every row.

    The value is the number of rows that break one. A found rule counts where all training and held-out rows keep it and
    the table says that it does; others that the real rows keep and the table breaks are named. Nothing is searched in
    the rows of a table under ``epsilon``.
    """
    import numpy as np

    real, total = _Real.of(context), context.rows("synthetic")
    columns = sql_types(context, "synthetic").keys()
    held: dict[Rule, str] = {_parsed(text): "declared" for text in params.declared}
    others: dict[Rule, str] = {}
    if params.found and real is not None:
        kept = {_parsed(text) for text in context.kept}
        for rule in dict.fromkeys((*_shown(context), *kept)):
            if rule not in held and real.keep(rule):
                (held if rule in kept else others)[rule] = "found"
    if total == 0:
        return AuditResult(None, "skipped", "max 0", message="there are no rows to look at")
    anywhere = np.zeros(total, dtype=bool)
    counts: dict[Rule, int] = {}
    also: dict[Rule, int] = {}
    for rule in (*held, *others):
        if set(rule.columns) <= columns:
            there = real.rows(rule) if real is not None and isinstance(rule, Combination) else None
            mask = violations(rule, _rows(context, rule, total), there)
            (counts if rule in held else also)[rule] = int(mask.sum())
            anywhere |= mask if rule in held else False
    failing = int(anywhere.sum())
    missed = {rule: n for rule, n in also.items() if n}
    results = sorted((_result(rule, n) for rule, n in counts.items()), key=lambda r: -(r.value or 0))
    message = _message(counts, held, total, missed)
    if params.found and real is not None:
        message += _looked_at(context.schema)
    details = {
        "rules": {
            str(rule): {"from": held[rule], "broken": n} | _shares(rule, context, real) for rule, n in counts.items()
        },
        "not kept": {str(rule): n for rule, n in missed.items()},
    }
    status: Status = "fail" if failing else "pass"
    return AuditResult(
        failing, status, "max 0", failing, failing, message=message, columns=tuple(results), details=details
    )


def _looked_at(schema: Schema) -> str:
    """Of a wide table: among which of its columns rules were looked for."""
    looked = [c for c in schema.columns if c.modelled]
    if len(looked) <= WIDE:
        return ""
    numbers = sum(c.numeric for c in looked)
    if numbers <= MOST_FREE:
        return f". Of {len(looked):,} columns sums were looked for among all, other rules among the first"
    return (
        f". Of {len(looked):,} columns sums were looked for among the first {MOST_FREE} numbers and among those near "
        "each other, other rules among the first"
    )


def _rows(context: AuditContext, rule: Rule, total: int) -> pa.Table:
    """The drawn rows, as far as a rule looks at them: of a large table its columns alone, which then are let go."""
    if total <= MOST_ROWS:
        return context.arrow("synthetic")
    return context.passing().arrow("synthetic", tuple(dict.fromkeys(rule.columns)))


def _shares(rule: Rule, context: AuditContext, real: _Real | None) -> dict[str, float]:
    """Of a rule that holds in most rows, in which share of each table it does."""
    if not isinstance(rule, Mostly):
        return {}
    there = None if real is None else real.rows(rule)
    sides = {"synthetic": _rows(context, rule, context.rows("synthetic")), "real": there}
    return {name: float(rule.holds(t).mean()) for name, t in sides.items() if t is not None and t.num_rows}


def _parsed(text: str) -> Rule:
    try:
        return parse_rule(text)
    except RuleError as error:
        raise SynthError(f"rule {text!r}: {error.message}", hint=error.hint) from None


@dataclass(frozen=True)
class _Real:
    """Training and held-out rows together: of large tables the columns that a rule looks at alone, let go after it."""

    context: AuditContext
    columns: frozenset[str]

    @staticmethod
    def of(context: AuditContext) -> _Real | None:
        """None where the table's training may not be looked at."""
        if context.train is None or context.training is not None:
            return None
        return _Real(context, frozenset(sql_types(context, "train")))

    def rows(self, rule: Rule) -> pa.Table:
        import pyarrow as pa

        sides: list[Side] = ["train"] if self.context.holdout is None else ["train", "holdout"]
        if sum(self.context.rows(s) for s in sides) <= MOST_ROWS:
            tables = [self.context.arrow(s) for s in sides]
        else:
            own = self.context.passing()
            tables = [own.arrow(s, tuple(dict.fromkeys(c for c in rule.columns if c in self.columns))) for s in sides]
        if len(tables) == 1:
            return tables[0]
        return pa.concat_tables([tables[0], tables[1].select(tables[0].column_names)], promote_options="permissive")

    def keep(self, rule: Rule) -> bool:
        try:
            return set(rule.columns) <= self.columns and not violations(rule, self.rows(rule)).any()
        except ValueError:
            return False


def _first(context: AuditContext) -> pa.Table:
    """The training rows, of a large table the first ones."""
    if context.rows("train") <= MOST_ROWS:
        return context.arrow("train")
    return context.connection.sql(f"SELECT * FROM {context.scan('train')} LIMIT {MOST_ROWS}").to_arrow_table()


def _shown(context: AuditContext) -> Sequence[Rule]:
    """What the training rows show, between columns that are learnt."""
    import pyarrow as pa

    from synthkit.rules.find.named import shown_rules

    def search() -> tuple[Rule, ...]:
        names = [c.name for c in context.schema.columns if c.modelled]
        train = _first(context)
        here = train.select([n for n in names if n in train.column_names])
        unit = context.schema.privacy_unit
        people = train.column(unit) if unit is not None and unit in train.column_names else None
        if (theirs := whose(context, "train")) is not None:
            people = pa.chunked_array([theirs[:MOST_ROWS]])
        return tuple(rule for rule in shown_rules(here, MIN_COUNT, people) if not isinstance(rule, Unique))

    return context.shared(("rules",), search)


def _result(rule: Rule, broken: int) -> ColumnResult:
    return ColumnResult(str(rule), broken, "fail" if broken else "pass", broken, broken)


def _message(counts: Mapping[Rule, int], held: Mapping[Rule, str], total: int, missed: Mapping[Rule, int]) -> str:
    bad = sorted((rule for rule, n in counts.items() if n), key=lambda rule: -counts[rule])
    many = f"{len(counts)} rule{'s' * (len(counts) != 1)}"
    if bad:
        said = listed([f"'{rule}' ({held[rule]}) in {counts[rule]:,} of {total:,} rows" for rule in bad[:SHOWN]])
        more = f", and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""
        return f"{len(bad)} of {many} broken: {said}{more}"
    said = f"{many} hold in {total:,} rows" if counts else "no rule is declared, and the real rows show none"
    if missed:
        worst = sorted(missed, key=lambda rule: -missed[rule])[:SHOWN]
        shown = listed([f"'{rule}' ({missed[rule]:,})" for rule in worst])
        said += f"; the real rows also keep, and these break: {shown}"
    return said
