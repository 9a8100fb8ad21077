"""``llm_columns``: text columns of a table, written by a teacher model to fit each row's other columns.

The rows are those of the source, which is best a synthetic table: what is shown of them goes to the teacher's provider.
"""

from __future__ import annotations

import json
import math
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, create_model, model_validator

from synthkit.errors import BuildError
from synthkit.generators.base import Progress, Taught, Workplace
from synthkit.generators.devices import resolve
from synthkit.instruct.filters import FilterParams
from synthkit.instruct.items.item import Item
from synthkit.llm.answers import numbered
from synthkit.llm.folder import MARK, refuse_unusable
from synthkit.llm.messages import Part
from synthkit.llm.spec import third_party
from synthkit.llm.spending import AHEAD, SpendingParams, model_warnings, without_price
from synthkit.schema import Column, Schema, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from synthkit.instruct.filters import Filters
    from synthkit.llm.answers import Answer
    from synthkit.llm.requests import Prompt

TRIES = 2  # of a row whose text does not come, or passes no filter
ASSUMED_TOKENS = 60  # of one text
OFF: Mapping[str, bool] = {
    "lengths": False,
    "exact": False,
    "near_duplicates": False,
    "domain": False,
    "language": False,
}
SYSTEM = (
    "You write the text columns of a table. For each row you are given its other columns as JSON, and you write what "
    "its text columns would hold if the row were a real one. The texts fit the row's values without repeating them "
    "all, differ from row to row in words, length and tone, and hold nothing but themselves: no remarks, no headings, "
    "no names, numbers or addresses of real persons. Each row has a number before it. Answer with one item for each "
    "row, and give in each item the number of the row that it is for."
)

# To a model on this machine, which is asked for one text at a time.
ALONE = (
    "You write a text that belongs to a row of a table. It fits the row's values, stands in one paragraph, and holds "
    "nothing but itself: no remarks, no headings, no names, numbers or addresses of real persons."
)


class LlmColumnsParams(SpendingParams):
    """Text columns for the rows of another table.

    Args:
        fill: column → what it holds, in words for the teacher.
        show: columns of the source that the teacher sees; default: all.
        rows_per_request: rows that are filled by one request.
        filters: the stages that a text must pass (as a response); those that compare items with one another are off.
    """

    fill: Mapping[str, str] = Field(min_length=1)
    show: tuple[str, ...] | None = None
    rows_per_request: int = Field(default=20, ge=1, le=100)
    filters: FilterParams = FilterParams.model_validate(OFF)

    @model_validator(mode="before")
    @classmethod
    def _off(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("filters"), dict):
            return {**data, "filters": {**OFF, **data["filters"]}}
        return data


def columns(params: LlmColumnsParams, source: Schema) -> Schema:
    """The source's columns and the new ones. Raises ValueError where a name is taken, or one to be shown is unknown."""
    for name in params.fill:
        if name in source.by_name:
            raise ValueError(f"the source has a column {name!r} already; give the new one another name")
    for name in params.show or ():
        if name not in source.by_name:
            raise ValueError(f"there is no column {name!r} to show among {', '.join(source.names)}")
    new = tuple(Column(name, "text", "VARCHAR", description=what) for name, what in params.fill.items())
    return Schema((*source.columns, *new), source.primary_key)


def compose(
    table: Table,
    held_out: Table | None,
    params: LlmColumnsParams,
    rows: int,
    *,
    seed: int,  # decides texts that a model on this machine draws: those of others depend on the rows alone
    place: Workplace,
    progress: Progress,
) -> Iterator[pa.RecordBatch]:
    import pyarrow as pa

    from synthkit.files import replacing
    from synthkit.instruct.filters import Filters
    from synthkit.llm.spending import progress_note, teacher_of, told

    tables = [table] if held_out is None else [table, held_out]
    found = pa.Table.from_batches(chain.from_iterable(t.batches() for t in tables)).slice(0, rows)
    if not found.num_rows:
        raise BuildError("there are no rows to fill", hint="look at the source")
    shown = found.select(list(params.show or found.column_names)).to_pylist()
    with (
        replacing(place.dropped) as path,
        path.open("w", encoding="utf-8") as file,
        teacher_of(params, place.root, place.requests, place.paid, partial(resolve, place.device)) as teacher,
    ):
        filling = _Filling(params, shown, Filters(params.filters, ()), seed)
        for answer in teacher.answers(filling.prompts(), AHEAD):
            filling.take(answer)
            progress(len(filling.texts), len(shown), "rows", progress_note(teacher, params, len(filling.dropped)))
        for line in filling.dropped:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
        done = len(shown) if teacher.stopped is None else filling.answered
        empty = sum(row not in filling.texts for row in range(done))
        place.record.update(
            told(teacher, params),
            counts={"filled": len(filling.texts), "empty": empty, "dropped": len(filling.dropped)},
            filters=json.loads(filling.filters.fingerprint()),
            stopped=teacher.stopped if done < rows else ("the source has no more rows" if len(shown) < rows else None),
        )
    if not filling.texts:
        raise BuildError(f"no row was filled: {teacher.stopped or 'no text passed the filters'}")
    out = found.slice(0, done)
    for name in params.fill:
        out = out.append_column(name, pa.array([filling.texts.get(i, {}).get(name) for i in range(done)], pa.string()))
    yield from out.to_batches()


class _Filling:
    """Which rows have their texts."""

    def __init__(self, params: LlmColumnsParams, shown: Sequence[Part], filters: Filters, seed: int) -> None:
        self.params, self.shown, self.filters, self.seed = params, shown, filters, seed
        # What always takes the likeliest word would say the same again.
        same_again = params.teacher.provider == "local" and not params.teacher.temperature
        self.tries = 1 if same_again else TRIES
        self.texts: dict[int, dict[str, str]] = {}
        self.dropped: list[dict[str, Any]] = []
        self.answered = 0  # rows from the first on whose first request was answered
        self._asked: deque[tuple[int, list[int]]] = deque()  # try, rows
        self._again: list[int] = []
        self._system = SYSTEM + "\nText columns:\n" + "\n".join(f"- {k}: {v}" for k, v in params.fill.items())

    def prompts(self) -> Iterator[Prompt | None]:
        rows = iter(range(len(self.shown)))
        while group := list(islice(rows, self.params.rows_per_request)):
            yield self._prompt(1, group)
        while self._asked or self._again:
            if self._again:
                most = self.params.rows_per_request
                group, self._again = self._again[:most], self._again[most:]
                yield self._prompt(TRIES, group)
            else:
                yield None

    def _prompt(self, number: int, group: list[int]) -> Prompt:
        self._asked.append((number, group))
        rows = [json.dumps(self.shown[i], ensure_ascii=False, default=str) for i in group]
        form = form_of(tuple(self.params.fill))
        label = f"rows {group[0] + 1}–{group[-1] + 1}"
        teacher = self.params.teacher
        if teacher.provider == "local":
            called, said = number_field(tuple(self.params.fill)), self.params.fill
            return teacher.prompt_of_rows(ALONE, rows, said, called, form, label, number, self.seed)
        lines = [f"{number}. {row}" for number, row in enumerate(rows, 1)]
        text = f"Fill {len(group)} items.\n" + "\n".join(lines)
        return teacher.prompt(self._system, text, form, label, number)

    def take(self, answer: Answer) -> None:
        number, group = self._asked.popleft()
        name = number_field(tuple(self.params.fill))
        items = answer.data["items"] if answer.status == "ok" and answer.data is not None else []
        # By the numbers that come back: in another order, each row would get the text of another one.
        found = numbered(items, name, len(group))
        missing = (
            "the answer has no text for the row" if found or not items else "its texts are of rows never asked for"
        )
        if number == 1:
            self.answered = group[-1] + 1
        for position, row in enumerate(group, 1):
            text = None if position not in found else {k: v for k, v in found[position].items() if k != name}
            reason = self._reason(text) if text is not None else (answer.detail or missing)
            if text is not None and reason is None:
                self.texts[row] = text
                continue
            self.dropped.append({"row": row, "texts": text, "reason": reason, "request": answer.key})
            if number < self.tries:
                self._again.append(row)

    def _reason(self, text: Mapping[str, str]) -> str | None:
        for name, value in text.items():
            rejection = self.filters.reject(Item(self.params.fill[name], value))
            if rejection is not None:
                return f"{name}: {rejection.stage}: {rejection.reason}"
        return None


def number_field(names: Collection[str]) -> str:
    """What an item calls the number of its row, beside its texts."""
    name = "row"
    while name in names:
        name += "_number"
    return name


@cache
def form_of(names: tuple[str, ...]) -> type[BaseModel]:
    """What an answer must be: items with the number of their row, and these texts."""
    fields: dict[str, Any] = {number_field(names): (int, ...)}
    fields |= {name: (str, Field(min_length=1)) for name in names}
    texts: Any = create_model("Texts", **fields)
    items: Any = (list[texts], ...)
    return create_model("Filled", items=items)


def estimate(params: LlmColumnsParams, rows: int, root: Path) -> Sequence[str]:
    from synthkit.llm.estimate import estimate as of
    from synthkit.llm.spending import in_words, prices_of

    shown = 200 if params.show is None else 20 * len(params.show)  # bytes of a row
    form, prices = form_of(tuple(params.fill)), prices_of(root, params)
    text = " " * shown * params.rows_per_request
    sample = params.teacher.prompt(SYSTEM, text, form)
    output = ASSUMED_TOKENS * len(params.fill) * params.rows_per_request
    found = of(math.ceil(rows / params.rows_per_request), sample, output, prices, params.batch_api)
    return in_words([found], params, prices, f"{ASSUMED_TOKENS} tokens a text, {shown} bytes shown of a row")


def brought(params: LlmColumnsParams) -> tuple[str, ...]:
    """What else decides texts that a model on this machine writes: its files, and what runs it."""
    teacher = params.teacher
    if teacher.provider != "local":
        return ()
    files = () if teacher.revision is not None else (f"{MARK}{teacher.model}",)
    return ("transformers", "tokenizers", "torch", *files)


def lacks(params: LlmColumnsParams, root: Path) -> BuildError | None:
    if params.teacher.provider == "local":
        try:
            refuse_unusable(params.teacher, root)
        except BuildError as error:
            return error
    return None


def extras(params: LlmColumnsParams) -> tuple[str, ...]:
    return (params.extra, *params.filters.extras)


LLM_COLUMNS = Taught(
    name="llm_columns",
    version=2,
    params=LlmColumnsParams,
    compose=compose,
    columns=columns,
    estimate=estimate,
    warnings=model_warnings,
    summary="text columns for the rows of a table, by a teacher model",
    packages=("py3langid", "rapidfuzz"),
    extras=extras,
    shown_to=third_party,
    without_price=without_price,
    brought=brought,
    lacks=lacks,
)
