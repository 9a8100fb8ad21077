"""The table of a run, and what of it is wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import torch

from benchmarks.generators.environment import environment
from benchmarks.generators.peers import label
from benchmarks.gpu.agreeing import apart, stated

Record = dict[str, Any]
MB = 10**6
TITLES = (
    "rows",
    "",
    "on",
    "encode s",
    "train s",
    "ms a step",
    "drawn rows/s",
    "peak MB",
    "declared MB",
    "loss",
    "C2ST",
    "",
)
SHOWN = ("log-likelihood", "reconstruction", "pairs")


def header(device: torch.device, threads: int) -> str:
    """What it ran on: device, driver, versions, machine."""
    found = environment(threads)
    named = ", ".join(f"{k} {v}" for k, v in found["versions"].items())
    if device.type == "cuda":
        its = torch.cuda.get_device_properties(device)
        on = (
            f"{its.name}, {its.total_memory / 1e9:.0f} GB, compute capability {its.major}.{its.minor}, "
            f"driver {_driver()}, CUDA {torch.version.cuda}"
        )
    else:
        on = "**not run on a GPU**: a rehearsal on the CPU"
    return (
        f"`python -m benchmarks {' '.join(sys.argv[1:])}` on {found['date']}: {on}; {found['machine']}, load "
        f"{found['load_average'][0]} at the start, {threads} threads on the CPU; Python {found['python']}, {named}."
    )


def _driver() -> str:
    """The version of NVIDIA's driver, as its own command says."""
    call = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        said = subprocess.run(call, capture_output=True, text=True, check=True, timeout=30).stdout.split()
    except (OSError, subprocess.SubprocessError):
        return "unknown (no nvidia-smi)"
    return said[0] if said else "unknown"


def finished(record: Record) -> bool:
    """Whether it came to an end: neither left out, nor ended by an error (one of its ``faults``)."""
    return record.get("left_out") is None and not record.get("faults")


def check(records: Sequence[Record]) -> None:
    """Add to each record, under ``wrong``, what must not be: an error, apart from the first turn, more memory."""
    firsts: dict[tuple[int, str], Record] = {}
    for record in records:
        wrong = list(record.get("faults", ()))
        if record.get("peak") is not None and record.get("declared") and record["peak"] > record["declared"]:
            wrong.append("more memory than declared")
        if record["label"] != "steps" and finished(record):
            first = firsts.setdefault((record["size"], record["name"]), record)
            wrong += apart(first, record)
            twice = [r for r in records if _same_turn(r, record)]
            if twice and record.get("digest"):
                same = all(r.get("digest") == record["digest"] for r in twice)
                record["said"] = f"the same seed again: {'the same' if same else 'other'} bytes"
        record["wrong"] = wrong


def _same_turn(one: Record, other: Record) -> bool:
    """Whether ``other`` is the second training of ``one``."""
    if one is other or not str(other["label"]).endswith("again"):
        return False
    return all(one.get(k) == other.get(k) for k in ("size", "name", "device", "seed"))


def table(records: Sequence[Record]) -> str:
    """Markdown, a row for each training."""
    lines = [f"| {' | '.join(TITLES)} |", f"| ---: | --- | --- |{' ---: |' * 8} --- |"]
    lines += [_row(r) for r in records if r["label"] != "steps"]
    watched = [r for r in records if r["label"] == "steps"]
    lines += [
        "",
        "Steps of each loop that were watched, all but its first: what the host waits for, what is copied.",
        "",
    ]
    lines += ["| | steps | copies to the device a step | held MB | declared MB | |"]
    lines += ["| --- | ---: | ---: | ---: | ---: | --- |"]
    for r in watched:
        sent = f"{r['sent'] / r['watched']:.2f}" if r.get("watched") else "–"
        memory = [_number(r.get(k), ",.0f", MB) for k in ("peak", "declared")]
        cells = [label(r["name"]), str(r["watched"]), sent, *memory, _verdict(r, "waits for nothing")]
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "Two turns of one generator agree where these are no farther apart than", *stated()]
    return "\n".join([*lines, ""])


def _row(r: Record) -> str:
    losses = r.get("losses", {})
    shown = next((f"{name} {losses[name]:.4f}" for name in SHOWN if name in losses), "–")
    drawn = r["rows"] / r["draw_s"] if r.get("draw_s") else None
    cells = [
        f"{r['size']:,}",
        label(r["name"]),
        r["label"],
        _number(r.get("encode_s"), ".1f"),
        _number(r.get("train_s"), ".1f"),
        _number(r.get("step_ms"), ".2f"),
        _number(drawn, ",.0f"),
        _number(r.get("peak"), ",.0f", MB),
        _number(r.get("declared"), ",.0f", MB),
        shown,
        _number(r.get("c2st"), ".4f"),
        _verdict(r, r.get("said", "")),
    ]
    return f"| {' | '.join(cells)} |"


def _verdict(r: Record, well: str) -> str:
    if r.get("left_out"):
        return str(r["left_out"])
    return f"WRONG: {'; '.join(r['wrong'])}" if r.get("wrong") else well


def _number(value: float | None, form: str, unit: float = 1) -> str:
    return "–" if value is None else f"{value / unit:{form}}"
