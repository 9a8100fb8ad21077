from __future__ import annotations

import json
from collections.abc import Iterator

import pyarrow as pa
import pytest

from synthkit.errors import SynthError
from synthkit.instruct.export import FORMATS, Format, TextColumns, lines

ROWS = pa.table(
    {
        "instruction": ["Add up.", "Say “hi”."],
        "input": ["1, 2", None],
        "response": ["3", "hi\nthere"],
        "topic": ["sums", "talk"],
    }
)


def exported(style: Format, system: str = "", rows: pa.Table = ROWS) -> list[dict[str, object]]:
    roles = TextColumns().found_in(rows.column_names)
    written = list(lines(rows.to_batches(max_chunksize=1), roles, style, system))
    assert all(line.endswith("\n") and line.count("\n") == 1 for line in written)
    return [json.loads(line) for line in written]


def test_alpaca() -> None:
    assert exported("alpaca") == [
        {"instruction": "Add up.", "input": "1, 2", "output": "3"},
        {"instruction": "Say “hi”.", "input": "", "output": "hi\nthere"},
    ]
    assert exported("alpaca", "Be kind.")[0]["system"] == "Be kind."


def test_messages() -> None:
    assert exported("messages", "Be kind.")[0] == {
        "messages": [
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Add up.\n\n1, 2"},
            {"role": "assistant", "content": "3"},
        ]
    }


def test_sharegpt() -> None:
    assert exported("sharegpt")[1] == {
        "conversations": [{"from": "human", "value": "Say “hi”."}, {"from": "gpt", "value": "hi\nthere"}]
    }


def test_prompt_completion() -> None:
    assert exported("prompt-completion", "Be kind.")[1] == {
        "prompt": "Be kind.\n\nSay “hi”.",
        "completion": "hi\nthere",
    }


def test_letters_of_all_scripts_stay_as_they_are() -> None:
    roles = TextColumns().found_in(ROWS.column_names)
    assert "“hi”" in list(lines(ROWS.to_batches(), roles, "alpaca"))[1]


@pytest.mark.parametrize("style", list(FORMATS))
def test_a_row_without_a_response_is_an_error(style: Format) -> None:
    bare = pa.table({"instruction": ["a", "b"], "response": ["x", " "]})
    with pytest.raises(SynthError, match="row 2 has no text in 'response'"):
        exported(style, rows=bare)


def test_missing_columns_are_all_named() -> None:
    with pytest.raises(SynthError, match="no column 'q' and 'response' and 'i': it has instruction"):
        TextColumns("q", "response", "i").found_in(["instruction"])
    assert TextColumns().found_in(["response", "instruction"]) == {"instruction": "instruction", "response": "response"}


def test_one_batch_at_a_time() -> None:
    """Nothing is read ahead of what is written."""
    read = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal read
        for batch in ROWS.to_batches(max_chunksize=1):
            read += 1
            yield batch

    first = next(lines(batches(), TextColumns().found_in(ROWS.column_names), "messages"))
    assert json.loads(first)["messages"][-1]["content"] == "3"
    assert read == 1
