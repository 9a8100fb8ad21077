"""What models took of machines and of money, as runs record it: in ``run_results.json``, and a line each in the record
of what builds used."""

from __future__ import annotations

from synthkit.records.record import Count, Record, Several, Size, When


class Consumption(Record):
    """What one phase of a model took of one machine: its jobs there added up.

    Args:
        phase: load, train, sample, assemble, query, ask, audit or publish.
        machine: by name, as it calls itself.
        jobs: how many.
        rows: that they made.
        seconds: that they ran, one after the other: of jobs side by side the sum.
        cpu_seconds: of all cores; null where the runner did not measure it.
        peak_memory: the most bytes that a process of theirs held; null likewise.
        core_seconds: that are to be paid for: of the cores kept for a job, or else what it used.
        memory_seconds: GiB times seconds, of the memory kept for a job, or else the most that it held.
        gpu_seconds: of the GPUs kept for a job, or else of those that it worked on.
        waited: seconds between the jobs' being handed out and their beginning, their transport included.
    """

    phase: str
    machine: str
    jobs: Count = 0
    rows: Count = 0
    seconds: Size = 0
    cpu_seconds: Size | None = None
    peak_memory: Count | None = None
    core_seconds: Size = 0
    memory_seconds: Size = 0
    gpu_seconds: Size = 0
    waited: Size = 0


class ConsumptionEntry(Record):
    """One model in one run. It is for who builds: times and amounts of memory tell of the rows that were learnt from.

    Args:
        at: when it was done, UTC.
        started_at: when it was begun.
        action, status, rows, published, generator: as in ``run_results.json``.
        size: as it was planned: a number of rows, or a factor of the source's.
        source_bytes: of the files that it was made from; null where there are none, or they lie on a server.
        recipe: digest of what is declared of its training and its rows, the source's content and the size aside.
        queued: seconds that it was ready and not begun.
        paid: USD that teachers were paid in this run, exact.
        threads: models that the build made at a time.
        consumed: by phase and machine.
    """

    run_id: str
    at: When
    started_at: When | None = None
    target: str
    command: str
    model: str
    action: str
    status: str
    rows: int | None = None
    published: bool = False
    generator: str | None = None
    family: str | None = None
    size: str | None = None
    source_bytes: Count | None = None
    recipe: str | None = None
    queued: Size | None = None
    paid: str = "0"
    threads: int | None = None
    consumed: Several[Consumption] = ()


class ReusedEntry(Record):
    """The models that a run found as they should be, and did nothing for."""

    run_id: str
    at: When
    target: str
    command: str
    reused: Several[str]
