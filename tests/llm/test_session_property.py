"""Order, window and budget for any timing, against a transport without a network."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.llm.kept import RequestStore
from synthkit.llm.prices import Prices
from synthkit.llm.requests import Prompt
from tests.llm.asking import MODEL, Fake, Note, teacher

ONE = Prompt(MODEL, "s", "0", Note, 50).worst_case(Prices.load())


@settings(max_examples=20, deadline=None)
@given(
    count=st.integers(0, 25),
    ahead=st.integers(1, 9),
    concurrency=st.integers(1, 9),
    seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)),
    worsts=st.one_of(st.none(), st.floats(0.0, 8.0)),
    repeats=st.integers(1, 25),
)
def test_the_same_answers_in_order_within_the_limit(
    count: int, ahead: int, concurrency: int, seeds: tuple[int, int], worsts: float | None, repeats: int
) -> None:
    limit = None if worsts is None else Decimal(str(worsts)) * ONE
    runs = []
    for seed in seeds:
        fake, used = Fake(seed), [""]

        def prompts(fake: Fake = fake, used: list[str] = used) -> Iterator[Prompt]:
            for number in range(count):
                # What is asked hangs on what was answered so far.
                yield Prompt(MODEL, "s", f"{number % repeats} {len(used)} {used[-1][-9:]}", Note, 50)

        with tempfile.TemporaryDirectory() as folder, RequestStore(Path(folder)) as store:
            with teacher(store, max_usd=limit, concurrency=concurrency, connect=lambda fake=fake: fake) as asked:
                for answer in asked.answers(prompts(), ahead):
                    assert answer.data is not None
                    used.append(answer.data["note"])
            assert fake.most_at_once <= min(concurrency, ahead)
            assert len(fake.asked) == len(set(fake.asked))
            assert fake.paid == asked.spent == store.spent()
            if limit is None:
                assert len(used) == count + 1
            else:
                assert fake.paid <= limit
        runs.append((used, asked.stopped, fake.paid))
    assert runs[0] == runs[1]
