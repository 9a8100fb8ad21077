"""The benchmark of the generators: ``make bench``, or ``python -m benchmarks.generators --help``.

Prints, as Markdown, every claim about a native generator as a ratio against the peer that ran beside it, each in a
process of its own with the same number of threads. The work folder
keeps the same in ``results.json`` and ``results.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.generators import compare, growth, private, private_circuit, regimes, sampling, steps, tables, values
from benchmarks.generators.datasets import DATASETS, ROOT, SHARED, Dataset, present
from benchmarks.generators.environment import environment, environment_text
from benchmarks.generators.jobs import THREADS, Bench, Outcome, say
from benchmarks.generators.peers import (
    COMPARISONS,
    ELSEWHERE,
    LABELS,
    PRIVATE,
    Comparison,
    chosen,
    fault_of,
)

PARTS = ("quality", "private", "regimes", "private_circuit", "values", "steps", "sampling", "growth")
QUICK_EPOCHS = 3
QUICK_ROWS = 20_000
QUICK_SIZES = (1_000, 4_000)


def main(arguments: Sequence[str] = ()) -> bool:
    """Run the parts named in ``arguments``; returns whether a fit failed."""
    parser = _parser()
    given = parser.parse_args(arguments)
    wrong = [p for p in given.parts if p not in PARTS]
    if wrong:
        parser.error(f"there is no part {wrong[0]!r}; there are {', '.join(PARTS)}")
    started = time.perf_counter()
    bench, comparisons = _bench(given), _comparisons(given)
    record: dict[str, Any] = {"environment": environment(bench.threads)}
    print(f"# Generators\n\n{environment_text(record['environment'])}\n", flush=True)
    report = Report(bench.work, record)
    ours = [c.ours for c in comparisons]
    seeds = range(given.seeds)
    adult = DATASETS["adult"].path(given.data) is not None
    if "quality" in given.parts:
        _quality(bench, comparisons, seeds, given, report)
    if "private" in given.parts:
        _private(bench, seeds, given, report)
    if "regimes" in given.parts:
        _regimes(bench, seeds, given, report)
    if "private_circuit" in given.parts:
        _private_circuit(bench, seeds, given, report)
    if "values" in given.parts:
        _values(seeds, given, report)
    if "steps" in given.parts and "ctgan" in ours and not given.no_peers and adult:
        timed = steps.run(bench, given.data, 1 if given.quick else steps.REPEATS)
        report.add("steps", steps.table(timed, bench.threads), asdict(timed), ())
    if "sampling" in given.parts and adult:
        rows = QUICK_ROWS if given.quick else sampling.ROWS
        drawn = sampling.run(bench, ours, seeds, given.data, rows)
        outcomes = [o for d in drawn for o in d.outcomes.values()]
        report.add("sampling", sampling.table(drawn, rows), [o.to_json() for o in outcomes], outcomes)
    if "growth" in given.parts and adult:
        sizes = QUICK_SIZES if given.quick else given.sizes
        brief = replace(bench, epsilon=given.epsilon)
        points = growth.run(brief, ours, seeds, sizes, given.data)
        outcomes = [p.outcome for p in points]
        report.add("growth", growth.table(points, sizes, given.epsilon), [o.to_json() for o in outcomes], outcomes)
    say(f"{(time.perf_counter() - started) / 60:.1f} minutes; {bench.work / 'results.json'}")
    return report.failed


class Report:
    """Prints each part when it is done, and keeps all of them in the work folder."""

    def __init__(self, work: Path, record: dict[str, Any]) -> None:
        self.work, self.record, self.failed = work, record, False
        self.pages = [f"# Generators\n\n{environment_text(record['environment'])}\n"]
        work.mkdir(parents=True, exist_ok=True)

    def keep(self, part: str, found: Any) -> None:
        """Write what is known so far, so that a run that is cut off has not been for nothing."""
        self.record[part] = found
        (self.work / "results.json").write_text(json.dumps(self.record, indent=1, default=str), "utf-8")

    def add(self, part: str, page: str, found: Any, outcomes: Iterable[Outcome]) -> None:
        """Print a finished part; a fit among ``outcomes`` that failed makes the whole run fail at its end."""
        print(page, flush=True)
        self.pages.append(page)
        self.keep(part, found)
        self.failed = self.failed or any(o.fault is not None for o in outcomes)
        (self.work / "results.md").write_text("\n".join(self.pages), "utf-8")


def _present(names: Iterable[str], given: argparse.Namespace) -> list[Dataset]:
    """The tables that are there; of the others it is said what is missing."""
    found, absent = present(names, given.data)
    for message in absent:
        print(f"- {message}", flush=True)
    return found


def _quality(
    bench: Bench, comparisons: Sequence[Comparison], seeds: Sequence[int], given: argparse.Namespace, report: Report
) -> None:
    names = dict.fromkeys(d for c in comparisons for d in c.datasets)
    found = _present(names, given)
    there = {d.name for d in found}
    kept = [replace(c, datasets=tuple(d for d in c.datasets if d in there)) for c in comparisons]
    results = compare.run(bench, kept, seeds, given.data, lambda r: report.keep("quality", r.to_json()))
    pages = [tables.comparison_table(results, c, d) for c in kept for d in c.datasets]
    report.add("quality", "\n".join(pages), results.to_json(), (j.outcome for j in results.judged))


def _private(bench: Bench, seeds: Sequence[int], given: argparse.Namespace, report: Report) -> None:
    kept = _with_peers(_private_comparisons(given), given)
    found = private.run(
        bench, kept, seeds, given.epsilons, given.data, lambda r: report.keep("private", private.to_json(r))
    )
    outcomes = [j.outcome for results in found.values() for j in results.judged]
    report.add("private", private.table(found, kept, bench.delta), private.to_json(found), outcomes)


def _regimes(bench: Bench, seeds: Sequence[int], given: argparse.Namespace, report: Report) -> None:
    names = regimes.known(given.datasets or (("heart",) if given.quick else ()))
    found = _present(names, given)
    points = regimes.run(
        bench,
        given.generators or regimes.GENERATORS,
        found,
        given.epsilons,
        seeds,
        given.data,
        lambda p: report.keep("regimes", regimes.to_json(p)),
    )
    report.add("regimes", regimes.table(points, len(seeds)), regimes.to_json(points), ())


def _private_circuit(bench: Bench, seeds: Sequence[int], given: argparse.Namespace, report: Report) -> None:
    found = _present(given.datasets or (("heart",) if given.quick else private_circuit.TABLES), given)
    trials = private_circuit.run(
        bench,
        found,
        given.epsilons,
        seeds,
        given.data,
        lambda t: report.keep("private_circuit", private_circuit.to_json(t)),
    )
    report.add("private_circuit", private_circuit.table(trials, len(seeds)), private_circuit.to_json(trials), ())


def _values(seeds: Sequence[int], given: argparse.Namespace, report: Report) -> None:
    found = _present(given.datasets or (("german_credit",) if given.quick else values.TABLES), given)
    names = [n for n in given.generators or ("circuit",) if n in values.GENERATORS]
    points: list[values.Point] = []

    def keep(point: values.Point) -> None:
        points.append(point)
        report.keep("values", [asdict(p) for p in points])

    values.run(names, found, seeds, given.data, done=keep)
    report.add("values", values.table(points, len(seeds)), [asdict(p) for p in points], ())


def _private_comparisons(given: argparse.Namespace) -> list[Comparison]:
    """Those of the named generators that honour a budget, on the tables that are there."""
    from synthkit.generators import registry

    able = [n for n in given.generators or [c.ours for c in PRIVATE] if n in registry.private_names()]
    datasets = given.datasets or (("default",) if given.quick else ())
    comparisons = chosen(able, datasets, with_peers=not given.no_peers, among=PRIVATE) if able else []
    found = _present(dict.fromkeys(d for c in comparisons for d in c.datasets), given)
    there = {d.name for d in found}
    return [replace(c, datasets=tuple(d for d in c.datasets if d in there)) for c in comparisons]


def _with_peers(comparisons: list[Comparison], given: argparse.Namespace) -> list[Comparison]:
    """Without the peers whose own environment is not there, which is said once for each."""
    peers = dict.fromkeys(c.peer for c in comparisons if c.peer is not None)
    absent = {peer: fault for peer in peers if (fault := fault_of(peer, _pythons(given))) is not None}
    for fault in absent.values():
        print(f"- {fault}", flush=True)
    # Whoever loses one of two peers has the other; who loses all runs alone, once.
    left = [replace(c, peer=None) if c.peer in absent else c for c in comparisons]
    beside = {c.ours for c in left if c.peer is not None}
    return list(dict.fromkeys(c for c in left if c.peer is not None or c.ours not in beside))


def _pythons(given: argparse.Namespace) -> dict[str, str]:
    named = {peer: getattr(given, f"{its.key}_python") for peer, its in ELSEWHERE.items()}
    return {peer: python for peer, python in named.items() if python}


def _bench(given: argparse.Namespace) -> Bench:
    epochs = given.peer_epochs if given.peer_epochs or not given.quick else QUICK_EPOCHS
    return Bench(
        work=given.work,
        threads=given.threads,
        device=given.device,
        split_seed=given.split_seed,
        peer_epochs=epochs,
        params=_params(given),
        pythons=_pythons(given),
        reuse=given.reuse,
    )


def _params(given: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """What ``--params`` says, and with ``--quick`` few epochs for every generator that has them."""
    from synthkit.generators import registry

    params: dict[str, dict[str, Any]] = {name: dict(values) for name, values in given.params.items()}
    if given.quick:
        for name in given.generators or [c.ours for c in COMPARISONS]:
            if name in registry.names() and "epochs" in registry.get(name).params.model_fields:
                steps = {"min_steps": 1} if "min_steps" in registry.get(name).params.model_fields else {}
                params[name] = {"epochs": QUICK_EPOCHS, **steps, **params.get(name, {})}
    return params


def _comparisons(given: argparse.Namespace) -> list[Comparison]:
    datasets = given.datasets or (("default",) if given.quick else ())
    unknown = [d for d in datasets if d not in DATASETS]
    if unknown:
        sys.exit(f"there is no table {unknown[0]!r}; there are {', '.join(DATASETS)}")
    try:
        comparisons = chosen(given.generators, datasets, with_peers=not given.no_peers)
    except KeyError as error:
        sys.exit(f"there is no generator {error}")
    return _with_peers(comparisons, given) if "quality" in given.parts else comparisons


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.generators", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    add = parser.add_argument
    add("parts", nargs="*", default=list(PARTS), help=f"of {', '.join(PARTS)}; default: all")
    add("--generators", type=_names, default=(), help="ctgan,tvae,circuit, or any registered name")
    add("--datasets", type=_names, default=(), help=f"of {','.join(DATASETS)}; default: those of the claims")
    add("--seeds", type=int, default=3, help="fits of each (default 3)")
    add("--sizes", type=_sizes, default=growth.SIZES, help="rows of the growth part")
    add("--data", type=Path, default=SHARED, help=f"folder of the tables (default {os.path.relpath(SHARED, ROOT)})")
    add("--work", type=Path, default=ROOT / "target" / "bench", help="folder of samples and results")
    add("--reuse", action="store_true", help="score samples of an earlier run in the work folder without fitting")
    add("--threads", type=int, default=THREADS, help="of each fit (default 2)")
    add("--device", default="cpu", help="cpu or cuda, for ours and the peer")
    add("--split-seed", type=int, default=0, help="of the 80/20 split")
    add("--no-peers", action="store_true", help="only ours")
    add("--peer-epochs", type=int, help="epochs of the peers: to see that all runs, not to measure")
    add("--params", type=json.loads, default={}, help="""of ours, as JSON: '{"ctgan": {"epochs": 50}}'""")
    for peer, its in ELSEWHERE.items():
        help_text = f"interpreter of {LABELS[peer]} ({its.variable})"
        add(its.option, default=os.environ.get(its.variable), help=help_text)
    add("--epsilons", type=_numbers, default=private.EPSILONS, help="of the private part (default 0.5,1,3,8)")
    add("--epsilon", type=float, help="of the growth part: fits under this budget (default: none)")
    add("--quick", action="store_true", help="small tables and few epochs: to see that all runs, not to measure")
    return parser


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _numbers(text: str) -> tuple[float, ...]:
    return tuple(float(number) for number in text.split(","))


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
