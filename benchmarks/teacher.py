"""Requests a second through the teacher, beside the bare SDK in a loop, against a stand-in of the API on loopback.

Each side asks the same kind of prompts; the teacher notes each attempt and keeps each answer on disk before it hands it
on, the bare SDK keeps nothing. The ideal is concurrency / latency.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from synthkit.llm.kept import RequestStore
from synthkit.llm.prices import Prices
from synthkit.llm.requests import Prompt
from synthkit.llm.session import Teacher
from synthkit.llm.spec import TeacherParams

ROOT = Path(__file__).resolve().parent.parent
MODEL, LATENCY, ROUNDS = "claude-sonnet-5-5", 0.05, 5
SIZES = {1: 40, 8: 240, 32: 640}


class _Items(BaseModel):
    items: list[str]


def prompts(count: int, start: int) -> Iterator[Prompt]:
    return (Prompt(MODEL, "s" * 2000, f"Write 5 items. {start + n}", _Items, 2000) for n in range(count))


def through_teacher(url: str, concurrency: int, count: int, start: int) -> float:
    params = TeacherParams(model=MODEL, intended_use="a benchmark", terms_ack=True, base_url=url)
    with tempfile.TemporaryDirectory() as folder, RequestStore(Path(folder)) as store:
        with Teacher(params, store, Prices.load(), concurrency=concurrency) as teacher:
            # The first answer opens the connection and loads the SDK; it is not timed, here as there.
            assert len(list(teacher.answers(prompts(concurrency, start + count), concurrency))) == concurrency
            began = time.perf_counter()
            found = list(teacher.answers(prompts(count, start), ahead=2 * concurrency))
            taken = time.perf_counter() - began
        assert len(found) == count
        assert all(answer.status == "ok" for answer in found)
    return count / taken


def bare(url: str, concurrency: int, count: int, start: int) -> float:
    import anthropic

    async def main() -> float:
        room = asyncio.Semaphore(concurrency)
        async with anthropic.AsyncAnthropic(api_key="test-key", base_url=url) as client:

            async def one(prompt: Prompt) -> None:
                async with room:
                    await client.messages.create(**prompt.payload())

            await asyncio.gather(*map(one, prompts(concurrency, start + count)))
            began = time.perf_counter()
            await asyncio.gather(*map(one, prompts(count, start)))
            return count / (time.perf_counter() - began)

    return asyncio.run(main())


def main() -> None:
    os.environ["ANTHROPIC_API_KEY"] = "test-key"
    command = [sys.executable, "-m", "tests.llm.standin", "--latency", str(LATENCY)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            _report(server.stdout.readline().strip())
        finally:
            server.kill()


def _report(url: str) -> None:
    print(f"Latency {LATENCY * 1000:g} ms; requests a second, medians of {ROUNDS} rounds taken by turns.\n")
    print("| concurrency | ideal | bare SDK | teacher | teacher / ideal | teacher / bare |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for concurrency, count in SIZES.items():
        ideal, theirs, ours = concurrency / LATENCY, [], []
        for turn in range(ROUNDS):
            theirs.append(bare(url, concurrency, count, 100_000 * turn))
            ours.append(through_teacher(url, concurrency, count, 100_000 * turn))
        sdk, own = statistics.median(theirs), statistics.median(ours)
        print(f"| {concurrency} | {ideal:.0f} | {sdk:.0f} | {own:.0f} | {own / ideal:.2f} | {own / sdk:.2f} |")


if __name__ == "__main__":
    main()
