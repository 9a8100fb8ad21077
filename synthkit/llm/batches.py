"""Prompts sent together as Message Batches, at half the price and within a day.

What waits is sent when somebody needs an answer that is not there. A batch's id is kept before it is polled, so a build
that died goes on with the batch that it had sent (https://docs.anthropic.com/en/docs/build-with-claude/batch-processing).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import CancelledError, Future
from decimal import Decimal
from typing import Any

from synthkit.errors import BuildError
from synthkit.llm.answers import Kept
from synthkit.llm.lanes import Lane, OutOfBudget
from synthkit.llm.requests import Prompt
from synthkit.llm.retrying import persist
from synthkit.llm.transport import BatchItem, Gone, Transient

# Limits of the API: 100,000 requests or 256 MB in a batch.
MOST_REQUESTS = 100_000
MOST_BYTES = 200_000_000
ROUNDS = 5
FIRST_POLL = 0.2
LONGEST_POLL = 60.0
# Kinds of errors that the same request meets again.
FINAL = ("invalid_request_error", "authentication_error", "permission_error", "not_found_error", "request_too_large")


class BatchLane(Lane):
    """A lane whose prompts leave together. ``concurrency`` bounds nothing here: the provider sets the pace."""

    batch = True

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._unsent: dict[str, tuple[Prompt, Future[Kept]]] = {}
        self._resumed: dict[str, dict[str, tuple[Prompt, Future[Kept]]]] = {}
        super().__init__(*arguments, **options)

    def start(self, prompt: Prompt) -> Future[Kept]:
        future: Future[Kept] = Future()
        batch = self.store.open_batch(prompt.key)
        waiting = self._unsent if batch is None else self._resumed.setdefault(batch, {})
        waiting[prompt.key] = (prompt, future)
        return future

    def need(self, key: str) -> None:
        # An answer that is on its way must not send the few prompts that came since in a batch of their own.
        if key not in self._unsent and not any(key in wanted for wanted in self._resumed.values()):
            return
        resumed, self._resumed = self._resumed, {}
        for batch, wanted in resumed.items():
            self._call(self._settled(wanted, self._collect(batch, wanted, {}, ROUNDS)))
        unsent, self._unsent = self._unsent, {}
        for load in _loads(unsent):
            self._call(self._settled(load, self._send(load, ROUNDS)))

    async def _settled(self, wanted: Mapping[str, tuple[Prompt, Future[Kept]]], work: Any) -> None:
        """Whatever ends ``work`` ends the futures that it leaves open."""
        try:
            await work
        except BaseException as error:
            for _, future in wanted.values():
                if not future.done():
                    cancelled = isinstance(error, (asyncio.CancelledError, CancelledError))
                    future.set_exception(CancelledError() if cancelled else error)
            if not isinstance(error, Exception):
                raise

    async def _send(self, wanted: Mapping[str, tuple[Prompt, Future[Kept]]], rounds: int) -> None:
        if rounds == 0:
            raise BuildError(
                f"{len(wanted)} requests had no answer in {ROUNDS} batches",
                hint="build again later, or with batch_api: false; what was answered is kept",
            )
        payloads = {key: prompt.payload() for key, (prompt, _) in wanted.items()}
        worst = {key: prompt.worst_case(self.prices, batch=True) for key, (prompt, _) in wanted.items()}
        task = asyncio.current_task()
        assert task is not None

        async def create() -> tuple[str, list[int]]:
            if self._closing:
                raise CancelledError
            tickets = await asyncio.wrap_future(self.store.sending(worst.items()))
            self._sending.add(task)
            try:
                batch = await self.transport.create_batch(payloads)
                await asyncio.wrap_future(self.store.sent_batch(batch, tickets))
                return batch, tickets
            except Transient as failure:
                if not failure.lost:
                    await asyncio.wrap_future(self.store.returned(tickets))
                elif not self.budget.lose(sum(worst.values(), Decimal(0))):
                    raise OutOfBudget from failure
                raise
            except BuildError:
                await asyncio.wrap_future(self.store.returned(tickets))
                raise
            finally:
                self._sending.discard(task)

        batch, tickets = await persist(create, self.patience, self._failed)
        await self._collect(batch, wanted, dict(zip(wanted, tickets, strict=True)), rounds)

    async def _collect(
        self,
        batch: str,
        wanted: Mapping[str, tuple[Prompt, Future[Kept]]],
        tickets: Mapping[str, int],
        rounds: int,
    ) -> None:
        """Wait for a batch, keep its answers, and ask again for those that have none."""
        try:
            items = await self._results(batch)
        except Gone:
            await asyncio.wrap_future(self.store.end_batch(batch, list(wanted), lost=True))
            worst = sum((p.worst_case(self.prices, batch=True) for p, _ in wanted.values()), Decimal(0))
            if not self.budget.lose(worst):
                raise OutOfBudget from None
            items = []
        answered = [(wanted[item.key], item.reply, tickets.get(item.key)) for item in items if item.key in wanted]
        there = [(prompt, future, reply, ticket) for (prompt, future), reply, ticket in answered if reply is not None]
        kept = await asyncio.gather(*(self.keep(prompt, reply, ticket) for prompt, _, reply, ticket in there))
        for (_, future, _, _), answer in zip(there, kept, strict=True):
            future.set_result(answer)
        for item in items:
            if item.key in wanted and item.reply is None and item.kind in FINAL:
                error = BuildError(
                    f"the teacher refuses a request of the batch ({item.kind}): {item.detail}",
                    hint="see the provider's message; what was answered so far is kept, and is not paid again",
                )
                wanted[item.key][1].set_exception(error)
        await asyncio.wrap_future(self.store.end_batch(batch, list(wanted)))
        again = {key: pair for key, pair in wanted.items() if not pair[1].done()}
        if again:
            await self._send(again, rounds - 1)

    async def _results(self, batch: str) -> Sequence[BatchItem]:
        poll = FIRST_POLL
        while not await persist(lambda: self.transport.batch_ended(batch), self.patience, self._failed):
            await asyncio.sleep(poll)
            poll = min(poll * 1.5, LONGEST_POLL)
        return await persist(lambda: self.transport.batch_results(batch), self.patience, self._failed)


def _loads(
    unsent: Mapping[str, tuple[Prompt, Future[Kept]]],
) -> Sequence[Mapping[str, tuple[Prompt, Future[Kept]]]]:
    """Split into what one batch may carry."""
    loads: list[dict[str, tuple[Prompt, Future[Kept]]]] = []
    size = 0
    for key, pair in unsent.items():
        length = len(json.dumps(pair[0].payload()))
        if not loads or len(loads[-1]) == MOST_REQUESTS or size + length > MOST_BYTES:
            loads.append({})
            size = 0
        loads[-1][key] = pair
        size += length
    return loads
