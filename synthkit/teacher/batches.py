"""Message batches: half the price, an answer within a day.

A batch's number is on disk before anything is waited for, so a build that ends meanwhile takes in the same batch when
it is started again. Results come in any order, each under the key of its request.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from synthkit.errors import BuildError
from synthkit.teacher.answers import Answer, read
from synthkit.teacher.client import Client, Failed
from synthkit.teacher.kept import RequestStore
from synthkit.teacher.requests import Prompt

FIRST_LOOK, LONGEST_LOOK = 0.5, 60.0  # seconds between two looks at a batch
ROUNDS = 3  # batches in which a request may fail


@dataclass(frozen=True)
class Waiting:
    """A request of a batch, and who waits for its answer."""

    prompt: Prompt
    worst: Decimal
    answer: Future[Answer]


class Batches:
    """Sends what is collected as one batch, and takes in those that an earlier run ``sent`` (number, keys)."""

    def __init__(self, client: Client, store: RequestStore, sent: Sequence[tuple[str, list[str]]]) -> None:
        self.client, self.store = client, store
        self._sent = dict(sent)
        self.of_key = {key: id_ for id_, keys in self._sent.items() for key in keys}

    async def answer(self, waiting: Sequence[Waiting]) -> None:
        """Answer all of ``waiting``; whoever waits gets the error where there is one."""
        try:
            earlier: dict[str, list[Waiting]] = {}
            fresh = []
            for one in waiting:
                if (id_ := self.of_key.get(one.prompt.key)) is None:
                    fresh.append(one)
                else:
                    earlier.setdefault(id_, []).append(one)
            parts = [self._take_in(id_, some) for id_, some in earlier.items()]
            if fresh:
                parts.append(self._send(fresh))
            await asyncio.gather(*parts)
        except BaseException as error:
            for one in waiting:
                if not one.answer.done():
                    one.answer.set_exception(error if isinstance(error, Exception) else BuildError("it was stopped"))
            if not isinstance(error, Exception):
                raise

    async def _send(self, waiting: Sequence[Waiting], round_: int = 1) -> None:
        requests: Any = [{"custom_id": one.prompt.key, "params": one.prompt.payload()} for one in waiting]
        worst = sum((one.worst for one in waiting), Decimal(0))

        def failed(why: Failed) -> None:
            if why.lost:  # it may be on its way all the same
                self.client.may_lose(waiting[0].prompt, worst)

        create = self.client.sdk.messages.batches.create
        batch = await self.client.patiently("the batch", lambda: create(requests=requests), failed)
        keys = [one.prompt.key for one in waiting]
        await asyncio.wrap_future(self.store.batch_sent(batch.id, keys, worst))
        self._sent[batch.id] = keys
        await self._take_in(batch.id, waiting, round_)

    async def _take_in(self, id_: str, waiting: Sequence[Waiting], round_: int = 1) -> None:
        look = FIRST_LOOK
        while True:
            batch = await self.client.patiently("the batch", lambda: self.client.sdk.messages.batches.retrieve(id_))
            if batch.processing_status == "ended":
                break
            await asyncio.sleep(look)
            look = min(LONGEST_LOOK, 2 * look)
        results = await self.client.patiently("the results", lambda: self._results(id_))
        failed = []
        for one in waiting:
            result = results.get(one.prompt.key)
            if result is not None and result.type == "succeeded":
                answer = read(one.prompt, result.message, result.message.id)
                await asyncio.wrap_future(self.store.keep(one.prompt, answer, id_, batch=True))
                one.answer.set_result(answer)
            elif round_ >= ROUNDS:
                kind = "missing" if result is None else result.type
                raise BuildError(
                    f"{one.prompt.label!r} is {kind} in {ROUNDS} batches",
                    hint="what was answered is kept: build again, or without batch_api",
                )
            else:
                failed.append(one)
        await asyncio.wrap_future(self.store.batch_taken(id_))
        for key in self._sent.pop(id_, ()):
            self.of_key.pop(key, None)
        if failed:
            await self._send(failed, round_ + 1)

    async def _results(self, id_: str) -> Mapping[str, Any]:
        found = {}
        async for line in await self.client.sdk.messages.batches.results(id_):
            found[line.custom_id] = line.result
        return found
