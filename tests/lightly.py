"""Calls of synth as JSON on the standard input: each is run in a fork of this one Python. See :mod:`tests.light`."""

from __future__ import annotations

import json
import os
import sys
from tempfile import TemporaryFile

# What most verbs import, once.
import duckdb  # noqa: F401
import pyarrow.parquet  # noqa: F401

import synthkit.api.project
import synthkit.building.build
import synthkit.compiler
import synthkit.store.reader
import synthkit.verify.review  # noqa: F401
from synthkit.cli.main import main


def _forked(root: str, words: list[str]) -> tuple[int, str]:
    with TemporaryFile() as output:
        pid = os.fork()
        if pid == 0:
            os.chdir(root)
            for stream in (1, 2):
                os.dup2(output.fileno(), stream)
            sys.argv = ["synth", *words]
            try:
                main()
            except SystemExit as ended:
                sys.stdout.flush()
                os._exit(int(ended.code or 0))
            os._exit(70)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        output.seek(0)
        return status, output.read().decode()


if __name__ == "__main__":
    print(json.dumps([_forked(root, words) for root, words in json.load(sys.stdin)]))
