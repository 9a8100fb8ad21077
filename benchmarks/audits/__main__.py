"""``python -m benchmarks.audits calibration|families|speed``: see ``--help``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks.audits import calibration, family_calibration, speed


def main(arguments: Sequence[str] = ("calibration",)) -> bool:
    """Run one part; returns whether a bar was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.audits", description=__doc__)
    parts = parser.add_subparsers(dest="part", required=True)
    calibrate = parts.add_parser("calibration", help="false alarms and coverage of intervals on real rows")
    calibrate.add_argument("--repeats", type=int, default=200)
    calibrate.add_argument("--audit", action="append", default=[], help="only this one; may be given again")
    calibrate.add_argument("--table", action="append", default=[], help="only this table; may be given again")
    families = parts.add_parser("families", help="the same of the audits of families, on made-up ones")
    families.add_argument("--repeats", type=int, default=200)
    families.add_argument("--audit", action="append", default=[], help="only this one; may be given again")
    timed = parts.add_parser(
        "speed", help="the suite beside SDMetrics' and mostlyai-qa's reports: seconds and peak memory"
    )
    timed.add_argument("--rows", type=int, nargs="+", default=list(speed.ROWS))
    timed.add_argument("--runs", type=int, default=3)
    timed.add_argument("--timeout", type=float, default=3_600)
    timed.add_argument("--qa-python", help="the interpreter of an environment with mostlyai-qa: its report, too")
    given = parser.parse_args(list(arguments))
    if given.part == "speed":
        return speed.main(given.rows, given.runs, given.timeout, given.qa_python)
    if given.part == "families":
        return family_calibration.main(given.repeats, given.audit)
    return calibration.main(given.repeats, given.audit, given.table)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
