"""``self_instruct``: instruction tables from hand-written seeds and a teacher model (Wang et al. 2023,
https://arxiv.org/abs/2212.10560).

The seeds go to the teacher's provider, the held-out ones never do: they are what contamination and usefulness are
measured against.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from synthkit.errors import BuildError
from synthkit.generators.base import Progress, Taught, Workplace
from synthkit.instruct.params import SelfInstructParams
from synthkit.instruct.rows import schema_of
from synthkit.llm.spec import third_party
from synthkit.llm.spending import model_warnings, without_price
from synthkit.schema import Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa
    from pydantic import BaseModel

    from synthkit.instruct.items.item import Item
    from synthkit.llm.estimate import Estimate

NEEDED = ("instruction", "response")
ASSUMED_TOKENS = 220  # of one item in an answer: Alpaca's items have about 20 + 65 words; answers of today are longer
TASK_TOKENS = 70  # of them, when the response comes by another request
JUDGED_TOKENS = 40  # of a score with its reason
ASSUMED_YIELD = 0.7  # of the items, the share that passes the filters


def columns(params: SelfInstructParams, source: Schema) -> Schema:
    """The table's columns. Raises ValueError where the seeds lack one."""
    for name in NEEDED:
        if name not in source.by_name:
            have = ", ".join(source.names)
            raise ValueError(f"seeds need the columns instruction and response; there is no {name!r} among {have}")
    return schema_of(params.columns)


def compose(
    table: Table,
    held_out: Table | None,
    params: SelfInstructParams,
    rows: int,
    *,
    seed: int,
    place: Workplace,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    from synthkit.files import replacing
    from synthkit.instruct.filters import Filters
    from synthkit.instruct.pipeline import Pipeline
    from synthkit.instruct.rows import Row, batches
    from synthkit.instruct.steps import Dropped
    from synthkit.instruct.transcript import Transcripts, names_of
    from synthkit.llm.spending import progress_note, teacher_of, told

    seeds = items_of(table)
    if not seeds:
        raise BuildError("there are no seeds to learn from", hint="write at least one instruction with its response")
    others = [] if held_out is None else items_of(held_out)
    filters = Filters(params.filters, seeds, others)
    transcripts = Transcripts(place.requests, *names_of(params, seeds, others, seed, filters.fingerprint()))

    with replacing(place.dropped) as path, path.open("w", encoding="utf-8") as file:

        def drop(dropped: Dropped) -> None:
            file.write(json.dumps(asdict(dropped), ensure_ascii=False) + "\n")

        pipeline = Pipeline(params, seeds, filters, rows, seed, drop, transcripts.begin())
        with teacher_of(params, place.root, place.requests, place.paid) as teacher:

            def watched() -> Iterator[Row]:
                for row in pipeline.rows(teacher):
                    yield row
                    note = progress_note(teacher, params, pipeline.rejected)
                    progress(pipeline.counts["accepted"], rows, "items", note)

            yield from batches(watched(), schema_of(params.columns))
            transcripts.end(pipeline.heard)
            place.record.update(
                told(teacher, params),
                counts=dict(sorted(pipeline.counts.items())),
                filters=json.loads(filters.fingerprint()),
                stopped=pipeline.stopped,
                domain=params.domain,
                topics={str(k): v for k, v in pipeline.balance.accepted.items() if k is not None},
            )
    if not pipeline.counts["accepted"]:
        raise BuildError(
            f"no item of the teacher's got into the table: {pipeline.stopped}",
            hint=f"look at the dropped ones and their reasons in {place.dropped}",
        )


def items_of(table: Table) -> list[Item]:
    """The rows as items; those without an instruction or a response are left out."""
    from synthkit.instruct.items.item import Item

    rows = chain.from_iterable(batch.to_pylist() for batch in table.batches())
    found = [Item.of(row) for row in rows]
    return [item for item in found if item.instruction and item.response]


def estimate(params: SelfInstructParams, rows: int, root: Path) -> Sequence[str]:
    """Requests, tokens and money for ``rows`` rows, and the assumptions."""
    from synthkit.instruct import prompts
    from synthkit.instruct.items.item import Item
    from synthkit.llm.estimate import estimate as of
    from synthkit.llm.spending import in_words, prices_of

    teacher, prices, batch = params.teacher, prices_of(root, params), params.batch_api
    typical = Item("word " * 25, "word " * 60)
    topic, shown = next(iter(params.topics), None), [typical] * params.examples
    system, rng = prompts.system(params.domain), random.Random(0)
    requests = math.ceil(rows / ASSUMED_YIELD / params.per_request)

    def part(
        said: str, text: str, form: type[BaseModel], output: int, judge: tuple[str, int] | None = None
    ) -> Estimate:
        return of(requests, teacher.prompt(said, text, form, judge=judge), output, prices, batch)

    apart = params.responses == "separate"
    form = prompts.Tasks if apart else prompts.Drafts
    length = TASK_TOKENS if apart else ASSUMED_TOKENS
    text = prompts.generation(0, topic, params.per_request, shown, rng, apart)
    parts = [part(system, text, form, length * params.per_request)]
    if params.evolve:
        chosen = math.ceil(params.per_request * params.evolve)
        text = prompts.evolution([typical] * chosen, topic, rng, apart)
        parts.append(part(system, text, form, length * chosen))
    if apart:
        passed = math.ceil(params.per_request * ASSUMED_YIELD)
        text = prompts.responding([typical] * passed, topic, shown)
        length = (ASSUMED_TOKENS - TASK_TOKENS) * passed
        parts.append(part(system, text, prompts.Responses, length))
    if params.judge is not None:
        text = prompts.judgement([typical] * params.per_request)
        length = JUDGED_TOKENS * params.per_request
        parts.append(part(prompts.JUDGE, text, prompts.Scores, length, (params.judge.model, params.judge.max_tokens)))
    return in_words(
        parts, params, prices, f"{ASSUMED_TOKENS} tokens an item, {ASSUMED_YIELD:.0%} of them pass the filters"
    )


def extras(params: SelfInstructParams) -> tuple[str, ...]:
    return (params.extra, *params.filters.extras)


SELF_INSTRUCT = Taught(
    name="self_instruct",
    version=2,
    params=SelfInstructParams,
    compose=compose,
    columns=columns,
    estimate=estimate,
    warnings=model_warnings,
    summary="instruction tables from written seeds, by a teacher model",
    packages=("rapidfuzz", "py3langid"),
    extras=extras,
    shown_to=third_party,
    without_price=without_price,
)
