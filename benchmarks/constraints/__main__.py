"""``python -m benchmarks constraints``: rows that hold together, before and after, and beside SDV's constraints.

Every fit has a process, a thread and four fifths of a table of its own. *Before* is ``rules: none``, *after* what is
done by default. SDV gets each listed rule for which it has a constraint (``Inequality``, ``FixedCombinations``,
``OneHotEncoding``), as far as it accepts them together; for sums, products, dates and what follows from a value it has
none but those that one programs. A row is broken where it breaks one of the listed rules that all real rows keep.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import sys
from collections.abc import Sequence

from benchmarks.constraints.fits import SDV, Fit, run
from benchmarks.constraints.tables import Known, known

AFTER, BEFORE = "circuit found", "circuit none"
BAR_SECONDS, BAR_C2ST, TOLD = 1.3, 0.6, 0.8


def main(arguments: Sequence[str] | None = None) -> bool:
    """Print the tables; returns whether a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks constraints", description=__doc__)
    parser.add_argument("--table", action="append", default=[], help="only this one; may be given again")
    parser.add_argument("--peer", action="append", choices=list(SDV), default=[], help="beside; may be given again")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=300, help="of SDV's CTGAN")
    given = parser.parse_args(sys.argv[2:] if arguments is None else arguments)
    names = [BEFORE, AFTER, *given.peer]
    head = "| table | rules | learnt | rows that break one | C2ST with differences | fit s | draw s | CPU of both |"
    print(f"{head}{' SDV takes |' if given.peer else ''}")
    print(f"| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |{' ---: |' if given.peer else ''}", flush=True)
    missed: list[str] = []
    for table in known(given.table):
        found = {name: _fits(name, table, given.runs, given.epochs) for name in names}
        base = _median(found[BEFORE], "fit") + _median(found[BEFORE], "draw")
        for name, fits in found.items():
            ratio = (_median(fits, "fit") + _median(fits, "draw")) / base if fits else float("nan")
            print(_line(table, name, fits, ratio, bool(given.peer)), flush=True)
            missed += _missed(table.name, fits, found[BEFORE], ratio) if name == AFTER else []
    bars = "no row breaks a rule; CPU at most 1.3 × of before; C2ST at most 0.60 where it was above 0.80"
    print(f"\nbars: {bars}: {'missed' if missed else 'kept'}")
    for text in missed:
        print(f"- {text}")
    return bool(missed)


def _fits(name: str, table: Known, runs: int, epochs: int) -> list[Fit]:
    texts = tuple(str(rule) for rule in table.rules)
    found = []
    for seed in range(1, runs + 1):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            try:
                found.append(pool.apply(run, (name, *table.parts(seed), texts, seed, epochs)))
            except Exception as error:
                print(f"({table.name}, {name}, seed {seed}: {type(error).__name__}: {str(error)[:200]})")
    return found


def _line(table: Known, name: str, fits: list[Fit], ratio: float, peers: bool) -> str:
    label = {BEFORE: "before", AFTER: "after"}.get(name, name)
    if not fits:
        return f"| {table.name}: {label} | {len(table.rules)} | – | – | – | – | – | – |{' – |' if peers else ''}"
    said = f" {fits[0].said} |" if name in SDV else " – |" if peers else ""
    return (
        f"| {table.name}: {label} | {len(table.rules)} | {fits[0].learnt} of {fits[0].columns} "
        f"| {_median(fits, 'broken'):.1%} | {_median(fits, 'c2st'):.3f} | {_median(fits, 'fit'):.1f} "
        f"| {_median(fits, 'draw'):.2f} | {ratio:.2f} × |{said}"
    )


def _missed(name: str, after: list[Fit], before: list[Fit], ratio: float) -> list[str]:
    found = []
    if _median(after, "broken") > 0:
        found.append(f"{name}: {_median(after, 'broken'):.2%} of the rows break a rule")
    if ratio > BAR_SECONDS:
        found.append(f"{name}: {ratio:.2f} × of the CPU time")
    if _median(before, "c2st") > TOLD and _median(after, "c2st") > BAR_C2ST:
        found.append(f"{name}: told with AUC {_median(after, 'c2st'):.3f}, before {_median(before, 'c2st'):.3f}")
    return found


def _median(fits: list[Fit], field: str) -> float:
    return statistics.median(getattr(fit, field) for fit in fits) if fits else float("nan")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
