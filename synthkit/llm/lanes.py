"""The way from prompts to kept answers, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from synthkit.errors import BuildError
from synthkit.llm.answers import Kept
from synthkit.llm.budget import Budget
from synthkit.llm.kept import RequestStore
from synthkit.llm.messages import Payload
from synthkit.llm.prices import Prices
from synthkit.llm.requests import Prompt
from synthkit.llm.retrying import persist
from synthkit.llm.transport import BatchItem, Reply, Transient

_T = TypeVar("_T")

# How long answers that are under way are waited for when nobody wants more: they are paid for, and worth keeping.
GRACE_SECONDS = 30.0


class OutOfBudget(Exception):  # noqa: N818 - it ends an iteration, it is no error
    """A lost answer may have cost what another attempt would need, at least until others are there."""


class Transport(Protocol):
    """One attempt of each call: :class:`.client.Client`, :class:`.chat.ChatClient`, :class:`.local.LocalModel`."""

    async def ask(self, payload: Payload) -> Reply: ...
    async def create_batch(self, requests: Mapping[str, Payload]) -> str: ...
    async def batch_ended(self, batch: str) -> bool: ...
    async def batch_results(self, batch: str) -> Sequence[BatchItem]: ...
    async def close(self) -> None: ...


class Lane:
    """Prompts in, futures of kept answers out; each single prompt is sent as soon as there is room.

    Args:
        connect: makes the transport, inside the event loop.
        concurrency: most requests under way at a time.
        patience: seconds for one request with its retries.
    """

    batch = False

    def __init__(
        self,
        connect: Callable[[], Transport],
        store: RequestStore,
        prices: Prices,
        budget: Budget,
        concurrency: int,
        patience: float,
    ) -> None:
        self.store, self.prices, self.budget, self.patience = store, prices, budget, patience
        self.paid = Decimal(0)
        self.asked = 0
        self._closing = False
        self._connect, self._concurrency = connect, concurrency
        self._sending: set[asyncio.Task[Any]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="teacher", daemon=True)
        self._thread.start()
        self._call(self._open()).result()

    def start(self, prompt: Prompt) -> Future[Kept]:
        """Have ``prompt`` asked."""
        return self._call(self._ask(prompt))

    def need(self, key: str) -> None:
        """Somebody waits for the answer to ``key``: if it is held back, send it, and what is held back with it."""

    def close(self, grace: float = GRACE_SECONDS) -> None:
        """Give up what is not sent, wait for what is, keep what arrives. Can be called twice."""
        if self._loop.is_closed():
            return
        try:
            self._call(self._end(grace)).result()
        except KeyboardInterrupt:
            self._call(self._end(0.0)).result()
            raise
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def _call(self, work: Coroutine[Any, Any, _T]) -> Future[_T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _open(self) -> None:
        self.transport = self._connect()
        self._room = asyncio.Semaphore(self._concurrency)

    async def _ask(self, prompt: Prompt) -> Kept:
        async with self._room:
            return await persist(lambda: self._attempt(prompt), self.patience, self._failed)

    async def _attempt(self, prompt: Prompt) -> Kept:
        if self._closing:
            raise CancelledError
        worst = prompt.worst_case(self.prices)
        task = asyncio.current_task()
        assert task is not None
        (ticket,) = await asyncio.wrap_future(self.store.sending([(prompt.key, worst)]))
        self._sending.add(task)
        try:
            reply = await self.transport.ask(prompt.payload())
            return await self.keep(prompt, reply, ticket)
        except Transient as failure:
            if failure.lost:
                if not self.budget.lose(worst):
                    raise OutOfBudget from failure
            else:
                await asyncio.wrap_future(self.store.returned([ticket]))
            raise
        except asyncio.CancelledError:
            self.budget.lose(worst)
            raise
        except BuildError:
            await asyncio.wrap_future(self.store.returned([ticket]))
            raise
        finally:
            self._sending.discard(task)

    async def keep(self, prompt: Prompt, reply: Reply, ticket: int | None) -> Kept:
        """Put an answer that was just paid for into the store; what the store then has."""
        cost = self.prices.cost(prompt.model, prompt.billed(reply.message), self.batch)
        self.paid += cost
        self.asked += 1
        kept = Kept(prompt.key, reply.message, reply.request_id, cost, self.batch)
        return await asyncio.wrap_future(self.store.put(prompt, kept, ticket))

    def _failed(self, failure: Transient) -> None:
        if self._closing:
            raise CancelledError from failure

    async def _end(self, grace: float) -> None:
        self._closing = True
        own = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not own]
        for task in others:
            if task not in self._sending:
                task.cancel()
        if self._sending and grace:
            await asyncio.wait(self._sending, timeout=grace)
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await self.transport.close()
