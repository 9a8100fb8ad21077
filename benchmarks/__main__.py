"""Run the benchmarks named on the command line, or all of them."""

from __future__ import annotations

import importlib
import sys

NAMES = ("startup", "thousand_models", "first_build", "generators")


def main() -> None:
    for name in sys.argv[1:] or NAMES:
        print(f"\n## {name}\n")
        if name == "generators":
            importlib.import_module("benchmarks.generators.__main__").main([])
        else:
            importlib.import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
