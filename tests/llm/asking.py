"""Prompts and teachers for tests, and a run that can be killed: `python -m tests.llm.asking FOLDER URL`."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from pydantic import BaseModel, Field

from synthkit.llm.kept import RequestStore
from synthkit.llm.prices import Prices
from synthkit.llm.requests import Prompt
from synthkit.llm.session import Teacher
from synthkit.llm.spec import TeacherParams
from synthkit.llm.transport import BatchItem, Reply

MODEL = "claude-sonnet-5-5"
T = TypeVar("T")


def in_a_loop(work: Coroutine[Any, Any, T]) -> T:
    """Run it in a thread of its own: the drivers of browser tests leave a running loop in the main one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


SYSTEM = "You write training data for a legal help desk. " * 30


class Item(BaseModel):
    instruction: str = Field(min_length=1)
    input: str
    response: str


class Items(BaseModel):
    items: list[Item]


class Note(BaseModel):
    note: str = Field(min_length=3)


def prompt(number: int, max_tokens: int = 2000, model: str = MODEL) -> Prompt:
    topic = ("contracts", "torts", "procedure")[number % 3]
    return Prompt(model, SYSTEM, f"Number {number}.\nTopic: {topic}\nWrite 2 items.", Items, max_tokens, f"p{number}")


def prompts(count: int) -> Iterator[Prompt]:
    return (prompt(number) for number in range(count))


def params(url: str | None = None, **options: Any) -> TeacherParams:
    return TeacherParams(
        model=MODEL, intended_use="tests", terms_ack=True, base_url=url, **{"timeout": 5.0, "patience": 60.0} | options
    )


def teacher(store: RequestStore, url: str | None = None, timeout: float = 5.0, **options: Any) -> Teacher:
    return Teacher(params(url, timeout=timeout), store, Prices.load(), **options)


# USD per million tokens: sent, written to the cache, read from it, generated; said here once more than in prices.yml.
LIST = {
    MODEL: ("2", "2.5", "0.1", "10"),
    "claude-haiku-5-5": ("0.10", "0.125", "0.01", "0.50"),
}
COUNTED = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens", "output_tokens")


def billed(usages: Sequence[tuple[str, Mapping[str, Any], bool]]) -> Decimal:
    """USD that the stand-in charges, worked out here from its usage, by the list prices."""
    total = Decimal(0)
    for model, usage, batch in usages:
        usd = sum((usage[name] * Decimal(price) for name, price in zip(COUNTED, LIST[model], strict=True)), Decimal(0))
        total += usd / 1_000_000 / (2 if batch else 1)
    return total


class Fake:
    """A transport without a network: answers in an order and at a time drawn from ``seed``."""

    def __init__(self, seed: int = 0, output: int = 50) -> None:
        self.random, self.output = Random(seed), output
        self.asked: list[str] = []
        self.paid = Decimal(0)
        self.at_once = self.most_at_once = 0

    async def ask(self, payload: Mapping[str, Any]) -> Reply:
        user = payload["messages"][0]["content"]
        self.asked.append(user)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        for _ in range(self.random.randrange(6)):
            await asyncio.sleep(0)
        self.at_once -= 1
        tokens = Random(user).randrange(1, min(self.output, payload["max_tokens"]) + 1)
        usage = {"input_tokens": 10, "output_tokens": tokens}
        self.paid += (Decimal(10 * 2) + tokens * 10) / 1_000_000
        text = {"type": "text", "text": json.dumps({"note": f"On {user}"})}
        return Reply({"type": "message", "content": [text], "usage": usage, "stop_reason": "end_turn"}, "req")

    async def create_batch(self, requests: Mapping[str, Mapping[str, Any]]) -> str:
        raise NotImplementedError

    async def batch_ended(self, batch: str) -> bool:
        raise NotImplementedError

    async def batch_results(self, batch: str) -> Sequence[BatchItem]:
        raise NotImplementedError

    async def close(self) -> None:
        pass


def run(folder: Path, url: str, count: int, mode: str, max_usd: float | None = None) -> None:
    """Ask ``count`` prompts, singly or as a "batch", and write down the answers, one a line."""
    options: dict[str, Any] = {"batch_api": mode == "batch", "concurrency": 8, "max_usd": max_usd}
    with RequestStore(folder) as store, teacher(store, url, **options) as asked:
        lines = [
            json.dumps([a.key, a.status, a.data, a.request_id, str(a.cost)]) for a in asked.answers(prompts(count), 24)
        ]
    (folder / "answers").write_text("\n".join(lines))


if __name__ == "__main__":
    os.environ["ANTHROPIC_API_KEY_127_0_0_1"] = "test-key"
    run(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), sys.argv[4], *map(float, sys.argv[5:]))
