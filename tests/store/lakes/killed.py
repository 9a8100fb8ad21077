"""Publishers of a lake that are killed at each of their steps, those of the library too."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from synthkit.store.lakes.laketarget import LakeTarget
from tests.store.servers.publishing import family

BOTH = ("customers", "orders")
# Imports once, and forks itself for each line, before any thread of the library is there: "<step> <folder>".
KILLED = """
import os, signal, sys
from pathlib import Path
import deltalake.table, deltalake.transaction, pyarrow.parquet, synthkit.objects.folder as f
import pyiceberg.catalog.sql as sql, pyiceberg.io.pyarrow as io
from tests.store.lakes.lake import anothers, somebodys
from tests.store.servers.publishing import family
def around(owner, name):
    does = getattr(owner, name)
    def stepped(*a, **k):
        step()
        found = does(*a, **k)
        step()
        return found
    setattr(owner, name, stepped)
def step():
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
for owner, names in {
    f.Folder: ("upload", "put", "create", "delete"), deltalake.transaction: ("create_table_with_add_actions",),
    deltalake.table.DeltaTable: ("create_write_transaction",),
    sql.SqlCatalog: ("commit_table",), io.PyArrowFile: ("create",),
}.items():
    for name in names:
        around(owner, name)
for line in sys.stdin:
    number, folder = line.split()
    child = os.fork()
    if not child:
        what = family(Path(folder), 9)
        left = [int(number)]
        {'delta': somebodys, 'iceberg': anothers}[sys.argv[2]](Path(sys.argv[1]), Path(folder)).publish_all(what)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


def killed_at_each_step(
    kind: str,
    lake: Path,
    scratch: Path,
    somebodys: Callable[[Path, Path], LakeTarget],
    marks: Callable[..., list[set[int]]],
    every: int = 1,
) -> Iterator[tuple[bool, int]]:
    """Of each step whether the publication was in the log by then, and how many tables of the lake were new.

    Each of the tables is old or new, the log says that all are, and the next build brings them where it says.

    Args:
        every: only each so many-th step.
    """
    somebodys(lake, scratch / "first").publish_all(family(scratch, 3))
    command = [sys.executable, "-c", KILLED, str(lake), kind]
    forker = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert forker.stdin is not None
    assert forker.stdout is not None
    for step in count(1, every):
        forker.stdin.write(f"{step} {scratch / f'killed-{step}'}\n")
        forker.stdin.flush()
        code = int(forker.stdout.readline())
        assert code in (-9, 0)
        reader = somebodys(lake, scratch / f"reader-{step}")
        found = {r.rows for r in reader.all_published().values()}
        assert found in ({3}, {9})
        seen = marks(lake, *BOTH)
        assert all(one in ({3}, {9}) for one in seen)
        if found == {3}:
            assert seen == [{3}, {3}]
        yield found == {9}, sum(one == {9} for one in seen)
        reader.mend()  # as the next build begins
        assert marks(lake, *BOTH) == [found, found]
        receipt = reader.published("orders")
        assert receipt is not None
        assert not list(reader.shown_otherwise(receipt, full=True))
        if code == 0:
            break
        if found == {9}:
            reader.publish_all(family(scratch, 3))
    forker.communicate()
    assert code == 0
