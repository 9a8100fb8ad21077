from __future__ import annotations

from pathlib import Path

import pytest

from synthkit.errors import BuildError
from synthkit.llm.local import LocalModel
from synthkit.llm.prices import Prices
from synthkit.llm.spec import TeacherParams
from tests.llm.asking import in_a_loop

SPEC = TeacherParams(provider="local", model="lm", intended_use="tests", terms_ack=True)


def test_what_waits_for_its_turn_ends_with_the_build(tmp_path: Path) -> None:
    async def run() -> None:
        model = LocalModel(SPEC, tmp_path, lambda: "cpu")
        await model.close()
        await model.ask({"model": "lm", "messages": []})

    with pytest.raises(BuildError, match="the build ended before the texts were written"):
        in_a_loop(run())


def test_it_costs_nothing_whatever_another_one_of_its_name_does() -> None:
    listed = Prices.load()
    name = next(iter(listed.models))
    free = listed.without([name], known=True)
    assert free.of(name).input == free.of(name).output == 0
    assert not free.unknown
    assert listed.without([name]).of(name) == listed.of(name)
