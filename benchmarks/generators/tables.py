"""The Markdown of a run: per table the floor, ours, the peer, and ours held against the peer."""

from __future__ import annotations

import math
from collections.abc import Sequence

from benchmarks.generators.compare import Judged, Results
from benchmarks.generators.intervals import Estimate, difference, mean, middle, paired_ratio
from benchmarks.generators.metrics import Scores
from benchmarks.generators.peers import Comparison, label

FIGURES = ("tstr", "c2st", "c2st_forest", "c2st_between", "shapes", "trends", "pairs", "nearest")
TITLES = ("TSTR", "C2ST", "C2ST (forest)", "C2ST (differences)", "shapes", "pair trends", "all pairs", "nearest")
LESS_IS_BETTER = ("c2st", "c2st_forest", "c2st_between", "nearest")
NO_SKILL = 0.5  # the C2ST of rows that cannot be told apart


def comparison_table(results: Results, comparison: Comparison, dataset: str, budget: str = "") -> str:
    """One Markdown table: quality as means with 95 % intervals, seconds as medians with their least and greatest.

    Args:
        budget: what the title says of ε and δ.
    """
    train, test = results.sizes[dataset]
    beside = f" beside {label(comparison.peer)}" if comparison.peer else ""
    ours = results.of(dataset, comparison.ours)
    lines = [
        f"### {label(comparison.ours)}{beside}: {dataset}{budget}",
        "",
        f"{train:,} training rows, {test:,} held out; {_seeds(ours)}.",
        "",
        _row(["", "fit s", *TITLES]),
        "| --- |" + " ---: |" * (1 + len(TITLES)),
        _row(["real training rows (the floor)", "–", *_scores_text(results.floors[dataset])]),
        _generator_row(comparison.ours, ours),
    ]
    if comparison.peer:
        theirs = results.of(dataset, comparison.peer)
        lines.append(_generator_row(comparison.peer, theirs))
        if _good(ours) and _good(theirs):
            lines += _against(ours, theirs, comparison)
    return "\n".join([*lines, "", *_faults(results, comparison, dataset)])


def _against(ours: Sequence[Judged], theirs: Sequence[Judged], comparison: Comparison) -> list[str]:
    """Three rows: ours over the peer's, ours minus the peer's, and the verdict on each."""
    ratio = paired_ratio(_seconds(ours), _seconds(theirs))
    ratios, gaps, verdicts = [ratio.text(".2f", " ×")], ["–"], [_within(ratio, comparison.most)]
    for figure in FIGURES:
        mine, other = _values(ours, figure), _values(theirs, figure)
        gap = difference(mine, other)
        above = NO_SKILL if figure in LESS_IS_BETTER else 0.0
        ratios.append(_quotient(mean(mine).value - above, mean(other).value - above))
        gaps.append(gap.text("+.4f"))
        verdicts.append(verdict(gap, less_is_better=figure in LESS_IS_BETTER))
    return [_row(["ours / peer", *ratios]), _row(["ours − peer", *gaps]), _row(["", *verdicts])]


def verdict(gap: Estimate, *, less_is_better: bool) -> str:
    """ "ahead" or "behind" where the interval of the difference leaves 0 out, else "level"; no word on a single run."""
    if math.isnan(gap.value):
        return "–"
    if math.isnan(gap.low):
        return "one run"
    if gap.low <= 0 <= gap.high:
        return "level"
    return "ahead" if (gap.value < 0) == less_is_better else "behind"


def _within(ratio: Estimate, most: float | None) -> str:
    if most is None or math.isnan(ratio.value):
        return ""
    return f"{'within' if ratio.value <= most else 'OVER'} {most:.2f} ×"


def _generator_row(name: str, judged: Sequence[Judged]) -> str:
    good = _good(judged)
    seconds = middle(list(_seconds(judged).values())).text(".1f")
    return _row([label(name), seconds, *(mean(_values(good, f)).text(".4f") for f in FIGURES)])


def _good(judged: Sequence[Judged]) -> list[Judged]:
    return [j for j in judged if j.scores is not None]


def _values(judged: Sequence[Judged], figure: str) -> list[float]:
    return [float(getattr(j.scores, figure)) for j in _good(judged)]


def _seconds(judged: Sequence[Judged]) -> dict[int, float]:
    return {j.outcome.seed: j.outcome.fit_seconds for j in _good(judged)}


def _seeds(judged: Sequence[Judged]) -> str:
    count = len(_good(judged))
    return "1 seed" if count == 1 else f"{count} seeds"


def _scores_text(scores: Scores) -> list[str]:
    return [f"{getattr(scores, f):.4f}" for f in FIGURES]


def _faults(results: Results, comparison: Comparison, dataset: str) -> list[str]:
    names = (comparison.ours, comparison.peer)
    failed = [j.outcome for n in names if n for j in results.of(dataset, n) if j.outcome.fault]
    return [f"- {label(o.generator)}, seed {o.seed}, failed: {o.fault}" for o in failed]


def _quotient(mine: float, other: float) -> str:
    """No ratio against nothing: a peer at the level of no skill has none."""
    return "–" if not other > 0 else f"{mine / other:.3f} ×"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
