"""SDV's synthesizer of sequences (PAR, a recurrent network) as a generator (Business Source License 1.1).

It learns a table that says whose rows follow one another (``entity``) and in which order (``order_by``); what is the
same in all rows of each entity is its context. Whole sequences are drawn, the last of which ends where there are
enough rows.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.generators.base import Budget, Progress, Quota, Trained
from synthkit.generators.sdv.frame import Frame, encode
from synthkit.generators.sdv.generator import PACKAGES, extras, quiet, seeded
from synthkit.generators.sdv.params import ParParams
from synthkit.generators.sdv.state import load_state, save_state
from synthkit.schema import Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

KEY = "entity"  # SDV's name of the column that says whose rows they are
SPARE = 1.1  # sequences drawn for those that seem to be needed


@dataclass(frozen=True)
class ParModel:
    """A fitted synthesizer.

    Args:
        entity, kind: the column that says whose rows they are, and its Arrow type.
        names: all columns, in their order.
        each: rows of an entity, on average.
    """

    synthesizer: Any
    frame: Frame
    entity: str
    kind: str
    names: tuple[str, ...]
    each: float


def _fit(
    table: Table, params: ParParams, *, budget: Budget | None, seed: int, device: str, progress: Progress
) -> ParModel:
    if budget is not None:
        raise BuildError("sdv.par gives no differential privacy")
    schema = table.schema
    entity, order = schema.entity, schema.order_by
    if entity is None or entity not in schema.by_name:
        raise BuildError(
            "sdv.par learns sequences, and nothing says whose rows follow one another",
            hint="declare entity: and order_by: of the source table, or choose another generator",
        )
    learnt = [n for n in schema.names if n != entity]
    data, frame = encode(replace(table, schema=schema.select(learnt)))
    ids = table.to_arrow([entity]).column(0)
    data[KEY] = ids.combine_chunks().dictionary_encode().indices.to_pandas()
    if order is not None and order in frame.names():
        data = data.sort_values([KEY, frame.names()[order]], kind="stable", ignore_index=True)
    context = _constants(data, [c for n, c in frame.names().items() if n != order])
    if len(context) == len(learnt):
        raise BuildError(
            "sdv.par learns what changes from row to row, and no column does", hint="choose another generator"
        )
    with quiet():
        from sdv.metadata import Metadata
        from sdv.sequential import PARSynthesizer

        said: dict[str, Any] = {
            "columns": {KEY: {"sdtype": "id"}, **{f"c{i}": {"sdtype": c.kind} for i, c in enumerate(frame.columns)}},
            "sequence_key": KEY,
        }
        if order is not None and order in frame.names():
            said["sequence_index"] = frame.names()[order]
        metadata = Metadata.load_from_dict({"METADATA_SPEC_VERSION": "V1", "tables": {"table": said}})
        synthesizer = PARSynthesizer(
            metadata,
            context_columns=context,
            epochs=params.epochs,
            sample_size=params.sample_size,
            segment_size=params.segment_size,
            enforce_min_max_values=params.enforce_min_max_values,
            enforce_rounding=params.enforce_rounding,
            cuda=params.enable_gpu and device != "cpu",
            verbose=False,
        )
        seeded(seed)
        progress(0, params.epochs, "epochs")
        try:
            synthesizer.fit({"table": data})
        except Exception as error:
            text = " ".join(str(error).split()) or type(error).__name__
            raise BuildError(
                f"sdv.par cannot learn from these {table.rows:,} rows: {text[:300]}",
                hint="give it more rows, declare the types of odd columns, or choose another generator",
            ) from error
        _number_entities(synthesizer)
        progress(params.epochs, params.epochs, "epochs")
    each = table.rows / max(1, int(data[KEY].nunique()))
    return ParModel(synthesizer, frame, entity, str(ids.type), schema.names, each)


def _number_entities(synthesizer: Any) -> None:
    """Have SDV number the entities: the keys that it would make up come from a Faker, which is not kept."""
    import pandas as pd
    from rdt.transformers.id import IndexGenerator

    processor = synthesizer._context_synthesizer._data_processor
    transformer, before = processor._hyper_transformer, processor._hyper_transformer.field_transformers.get(KEY)
    if before is None:
        return
    numbers = IndexGenerator()
    numbers.fit(pd.DataFrame({KEY: [0]}), KEY)
    transformer.field_transformers[KEY] = numbers
    transformer._transformers_sequence = [numbers if t is before else t for t in transformer._transformers_sequence]


def _constants(data: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Columns that have one value in all rows of each entity."""
    different: Any = data.groupby(KEY)[list(columns)].nunique(dropna=False).max() if columns else {}
    return [c for c in columns if different[c] <= 1]


def _sample(
    model: ParModel, rows: int, *, conditions: Sequence[Quota], seed: int, progress: Progress
) -> Iterator[pa.RecordBatch]:
    if conditions:
        raise BuildError("sdv.par keeps no conditions", hint="drop conditions, or choose another generator")
    left, before = rows, 0
    with quiet():
        seeded(seed)
        context = model.synthesizer._context_synthesizer
        model.synthesizer._data_processor.reset_sampling()
        context.reset_sampling()
        if context._model is not None:
            context._set_random_state(seed % 2**32)
        while left > 0:
            many = max(1, int(SPARE * left / model.each) + 1)
            drawn: pd.DataFrame = model.synthesizer.sample_sequences(many)["table"]
            if drawn.empty:
                raise BuildError("sdv.par drew no row", hint="give it more epochs, or choose another generator")
            kept = drawn.iloc[:left].reset_index(drop=True)
            batch, before = _decoded(model, kept, before)
            left -= batch.num_rows
            progress(rows - left, rows, "rows")
            yield batch


def _decoded(model: ParModel, frame: pd.DataFrame, before: int) -> tuple[pa.RecordBatch, int]:
    """Rows in the table's columns, entities numbered from ``before`` + 1; and the last number."""
    import pyarrow as pa

    codes = frame[KEY].factorize()[0] + before + 1
    learnt = model.frame.decode(frame)
    found: dict[str, Any] = {n: learnt.column(n) for n in learnt.schema.names}
    found[model.entity] = pa.array(codes, pa.int64()).cast(_kind(model.kind))
    return pa.record_batch([found[n] for n in model.names], names=list(model.names)), int(codes.max())


def _kind(name: str) -> pa.DataType:
    import pyarrow as pa

    return {"string": pa.string(), "double": pa.float64()}.get(name) or pa.type_for_alias(name)


def _save(model: ParModel, directory: Path) -> None:
    save_state(model.synthesizer, directory)
    record = {
        "frame": model.frame.to_json(),
        "entity": model.entity,
        "kind": model.kind,
        "names": model.names,
        "each": model.each,
    }
    (directory / "sdv.json").write_text(json.dumps(record, ensure_ascii=False, default=str), "utf-8")


def _load(directory: Path) -> ParModel:
    said = json.loads((directory / "sdv.json").read_text("utf-8"))
    with quiet():
        state = load_state(directory)
    frame = Frame.from_json(said["frame"])
    return ParModel(state, frame, said["entity"], said["kind"], tuple(said["names"]), said["each"])


PAR = Trained(
    name="sdv.par",
    version=1,
    params=ParParams,
    fit=_fit,
    sample=_sample,
    save=_save,
    load=_load,
    supports_conditions=False,
    sequences=True,
    summary="a recurrent network over the rows of an entity: minutes; what counts up may fall",
    licence="BUSL-1.1",
    packages=(*PACKAGES, "deepecho"),
    extras=extras,
)
