"""Whether instruction pairs teach what the real ones teach, by a model small enough to train in a second."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.audits.context import AuditContext
from synthkit.audits.contract import AuditResult, ColumnName, audit
from synthkit.audits.gate import Default, Estimate, ShareParams, gated, limit_of, untold
from synthkit.audits.measures.statistics import Z
from synthkit.audits.text.rows import TextParams, items, sampled
from synthkit.instruct.items.item import Item
from synthkit.instruct.items.tokens import tokens

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

FEWEST = 20  # rows on each side
DIMENSIONS = 100  # of the space in which instructions and responses are compared
RIDGE = 0.1


class InstructionUtilityParams(ShareParams, TextParams):
    """Parameters of ``instruction_utility``, beside those of the texts and the gate's.

    Args:
        topic: predict this column from the instruction; without it, find each instruction's response.
        among: how many responses there are to choose from, the right one among them.
        rows_max: at most so many synthetic rows are trained on.
        max_shortfall: so much below the floor, instead. Default: 0.1.
    """

    topic: ColumnName | None = None
    among: int = Field(default=10, ge=2)
    rows_max: int = Field(default=20_000, ge=FEWEST)


@audit("instruction_utility", InstructionUtilityParams, family="text", needs=("train", "holdout"), apart="teaching")
def instruction_utility(context: AuditContext, params: InstructionUtilityParams) -> AuditResult:
    """Does a small model trained on the pairs do as well on held-out real ones as one trained on the seeds? Accuracy

    Without a topic the task is retrieval: a ridge regression from the TF-IDF vector of an instruction to that of its
    response, both reduced to 100 dimensions (latent semantic analysis, Deerwester et al. 1990), names the likeliest of
    ``among`` held-out responses. With a topic it is a logistic regression from the instruction's TF-IDF vector to its
    topic. Each model has the words of its own training rows alone. Value: accuracy of the model of the synthetic rows.
    Floor: of the one of the seeds. Interval: over the held-out rows, paired with the floor's where the limit follows
    from it.

    It measures whether instructions and responses go together in words and whether they are about what the real ones
    are about. It says nothing of whether a response is right, and is no forecast of what a language model would learn.
    """
    default: Default = {"max_shortfall": 0.1}
    threshold = limit_of(params, None, default).text
    fake, real, test = (items(context, s, params, params.topic) for s in ("synthetic", "train", "holdout"))
    fake = sampled(fake, params.rows_max, context.rng("utility"))
    few = [n for n, rows in (("synthetic", fake), ("training", real), ("held-out", test)) if len(rows) < FEWEST]
    if few:
        return untold(f"fewer than {FEWEST} {' and '.join(few)} rows", threshold)
    if params.topic is None:
        among = min(params.among, len(test))
        scores = [retrieved(rows, test, among, context.seed) for rows in (fake, real)]
        task, chance = f"finding the response among {among}", 1 / among
    else:
        scores = [classified(rows, test, context.seed) for rows in (fake, real)]
        task, chance = f"telling {params.topic!r} from the instruction", _commonest(test)
    value, floor = (float(s.mean()) for s in scores)
    half = _half(scores[0] if params.min is not None else scores[0] - scores[1])
    found = Estimate(value, max(0.0, value - half), min(1.0, value + half), floor)
    message = f"{task}, the model trained on the table is right in {value:.1%}, on the seeds in {floor:.1%}"
    details = {"chance": chance, "held_out": len(test), "trained_on": len(fake), "seeds": len(real)}
    advice = "look at rows by hand: do the responses answer their instructions, and are the topics those of the seeds?"
    return gated(params, found, default, message, details=details, advice=advice)


def retrieved(rows: Sequence[Item], test: Sequence[Item], among: int, seed: int) -> Array:
    """For each held-out item, the chance that its response beats ``among`` − 1 others drawn from the held-out ones.

    Exact, not drawn: of n − 1 others, b beaten, it is C(b, among − 1) / C(n − 1, among − 1). A tie is half beaten.
    """
    import numpy as np
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import normalize

    vectorizer = TfidfVectorizer(analyzer=tokens, sublinear_tf=True)
    both = vectorizer.fit_transform([i.task for i in rows] + [i.response for i in rows])
    size = min(DIMENSIONS, min(both.shape) - 1)
    if size < 1:
        return np.full(len(test), 1 / among)
    space = TruncatedSVD(size, random_state=seed % 2**31).fit(both)

    def placed(texts: Sequence[str]) -> Array:
        found: Array = normalize(space.transform(vectorizer.transform(texts)))
        return found

    model = Ridge(alpha=RIDGE).fit(placed([i.task for i in rows]), placed([i.response for i in rows]))
    guessed = normalize(model.predict(placed([i.task for i in test])))
    likeness = guessed @ placed([i.response for i in test]).T
    own = np.diag(likeness)[:, None]
    beaten = (likeness < own - 1e-12).sum(axis=1) + ((np.abs(likeness - own) <= 1e-12).sum(axis=1) - 1) / 2
    # C(b, k) / C(n − 1, k) as a product, which also takes halves
    n = len(test)
    factors = [np.maximum(0.0, beaten - k) / (n - 1 - k) for k in range(among - 1)]
    chances: Array = np.prod(factors, axis=0)
    return chances


def classified(rows: Sequence[Item], test: Sequence[Item], seed: int) -> Array:
    """Whether a logistic regression on the rows names the topic of each held-out item: 1 or 0."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    truth = np.array([i.topic or "" for i in test])
    topics = [i.topic or "" for i in rows]
    if len(set(topics)) == 1:
        return np.asarray(truth == topics[0], dtype=float)
    vectorizer = TfidfVectorizer(analyzer=tokens, sublinear_tf=True)
    model = LogisticRegression(C=10.0, max_iter=500, random_state=seed % 2**31)
    model.fit(vectorizer.fit_transform([i.task for i in rows]), topics)
    named: Array = model.predict(vectorizer.transform([i.task for i in test]))
    return np.asarray(named == truth, dtype=float)


def _half(values: Array) -> float:
    """Half the width of the 95 % interval of a mean; by the rule of three where all values are the same."""
    spread = float(values.std(ddof=1))
    return Z * spread / math.sqrt(len(values)) if spread > 0 else 3 / len(values)


def _commonest(test: Sequence[Item]) -> float:
    """The accuracy of always naming the commonest topic."""
    names = [i.topic or "" for i in test]
    return max(names.count(n) for n in set(names)) / len(names)
