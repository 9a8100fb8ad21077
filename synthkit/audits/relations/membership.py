"""An attack on a person with all rows: was this customer, with every order, among those trained on?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

from pydantic import AliasChoices, Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import SHARE, AuditResult, audit
from synthkit.audits.gate import Default, Estimate, GateParams, gated, limit_of, skipped, untold
from synthkit.audits.measures.statistics import auc_by_entity, delong, tpr_at_fpr, tpr_interval
from synthkit.audits.privacy.membership import FEWEST_PEOPLE, attack_scores, halves, one_each, people_of
from synthkit.audits.privacy.population import COPY_LESS
from synthkit.audits.privacy.theory import limits
from synthkit.audits.relations.steps import family_links
from synthkit.audits.relations.views import entity_view, has_entities, kinds, worse

FEWEST = 50  # members (and as many non-members) below which nothing can be told
COIN = 0.5
DEFAULT: Default = {"max": 0.6}


class EntityMembershipParams(GateParams):
    """Parameters of ``entity_membership``, beside the gate's.

    Args:
        max: or ``max_auc``, the largest AUC of the attack that passes; 0.5 is a coin. Default: 0.6.
        max_tpr: the largest share of members that may be found at 1 % false alarms; fails where its interval is above.
        attack: ``distance``; ``density``, a ratio of kernel densities; ``classifier``, a forest (slower).
        max_entities: members (and as many non-members) attacked.
    """

    max: float | None = Field(default=None, ge=0.5, le=1, validation_alias=AliasChoices("max_auc", "max"))
    max_tpr: float = Field(default=0.05, ge=0.01, le=1)
    attack: Literal["distance", "density", "classifier"] = "distance"
    max_entities: int = Field(default=5_000, ge=FEWEST)


@audit(
    "entity_membership",
    EntityMembershipParams,
    version=2,
    family="privacy",
    needs=("train", "holdout"),
    between=SHARE,
    stands_on=("root", "sequence"),
)
def entity_membership(context: AuditContext, params: EntityMembershipParams) -> AuditResult:
    """Can an attacker tell entities that were trained on, with all their rows, from others? AUC of the attack

    Attacker: has the published tables, everything that the tables say of some people (a customer with all orders and
    lines), and such a reference sample of others; wants to know who was trained on. One who is hidden in each row may
    be found by all of them together. An entity is a row of the root; where several are of one ``privacy_unit``, both
    all of a unit's and each of them are attacked, and the audit comes to what is worse. It is its own columns with, of
    every table that belongs to it, how many rows, and their numbers' mean, spread, least and greatest, and the shares
    of their categories. The attack on these is that of ``membership_inference`` (DOMIAS' ratio, with distances):
    members are training entities, non-members and reference the halves of the held-out ones, units whole. Baseline: a
    coin. Interval: DeLong's, or Obuchowski's where several are of one unit. The audit also fails where the share found
    at 1 % false alarms is above ``max_tpr`` for certain. A pass means that *this* attack failed, not that none works.
    """
    threshold = limit_of(params, COIN, DEFAULT).text
    found = family_links(context)
    if not has_entities(found):
        return skipped("its rows belong to no entity, or to those of another table: the audit stands on the root")
    if context.holdout is None:
        return skipped("there are no held-out rows")
    return worse({by: _judged(entity_view(context, by), params, threshold) for by in kinds(found)})


def _judged(view: AuditContext, params: EntityMembershipParams, threshold: str | None) -> AuditResult:
    columns = tuple(c.name for c in view.schema.columns if c.modelled)
    size = min(params.max_entities, view.rows("holdout") // 2, view.rows("train"))
    clause, theory = limits(view.training)
    if size < FEWEST or view.rows("synthetic") < 2 or not len(halves(view, size)[1]):
        halved = f"{view.rows('holdout')} held-out entities are halved into non-members and reference"
        return untold(f"{halved}, and at least {FEWEST} members are needed{clause}", threshold, **theory)
    people = people_of(view, size)
    if people is not None and (many := min(len(set(of.tolist())) for of in people)) < FEWEST_PEOPLE:
        said = f"the entities that are attacked are those of {many} units on a side"
        return untold(f"{said}, and at least {FEWEST_PEOPLE} are needed{clause}", threshold, **theory)
    members, others = attack_scores(view, columns, size, params.attack)
    value, low, high = delong(members, others) if people is None else auc_by_entity(members, others, *people)
    one, other = (members, others) if people is None else (one_each(members, people[0]), one_each(others, people[1]))
    clause, theory = limits(view.training, low)
    details: dict[str, Any] = {
        "members": size,
        "reference": len(halves(view, size)[1]),
        "tpr_at_1_percent_fpr": tpr_at_fpr(members, others, 0.01),
        "tpr_at_1_percent_fpr_interval": tpr_interval(one, other, 0.01),
        "attack": params.attack,
        "columns": list(columns),
        **theory,
    }
    message = f"the attack tells entities that were trained on from others with AUC {value:.3f}, a coin with 0.5"
    result = gated(params, Estimate(value, low, high, COIN), DEFAULT, message, details=details, advice=COPY_LESS)
    sure = details["tpr_at_1_percent_fpr_interval"][0]
    if result.status != "fail" and sure > params.max_tpr:
        why = f"at least {sure:.1%} of the members are found at 1 % false alarms, above {params.max_tpr:g}"
        result = replace(result, status="fail", message=f"{message}, but {why}. Try {COPY_LESS}")
    return replace(result, message=result.message + clause)
