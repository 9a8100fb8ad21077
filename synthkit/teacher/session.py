"""A table's conversation with a teacher: many requests in flight, answers in order, and a limit that holds.

What is decided is decided in the order of the requests, from the answers that were taken and the worst case of those
that were not, whether or not they have come: so the decisions are the same at any speed, and after any interruption.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter, deque
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from synthkit.errors import BuildError
from synthkit.teacher.batches import Batches, Waiting
from synthkit.teacher.kept import FOLDER, RequestStore
from synthkit.teacher.prices import Prices, Usage

if TYPE_CHECKING:
    from synthkit.teacher.answers import Answer
    from synthkit.teacher.client import Client
    from synthkit.teacher.requests import Prompt
    from synthkit.teacher.spec import SpendingParams


@dataclass
class _Outstanding:
    prompt: Prompt
    worst: Decimal
    answer: Future[Answer]


class Teacher:
    """Use it in a ``with`` block.

    Attributes:
        spent: USD for the answers that were taken, those of earlier runs included: what ``max_usd`` limits.
        paid_now: the part of it that this run paid.
        stopped: why no more is asked, in words; None while there is no reason to stop.
    """

    def __init__(self, params: SpendingParams, root: Path) -> None:
        self.params = params
        self.prices = Prices.load(root)
        self.store = RequestStore(root / FOLDER)
        self.spent = self.paid_now = self.uncertain = Decimal(0)
        self.usage, self.counts = Usage(), Counter[str]()
        self.stopped: str | None = None
        self._outstanding: deque[_Outstanding] = deque()
        self._in_flight: dict[str, Future[Answer]] = {}
        self._lost_keys: set[str] = set()
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="teacher", daemon=True)
        self._thread.start()
        self._collected: list[Waiting] = []
        self._batches: Batches | None = None

    def __enter__(self) -> Teacher:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wait for nothing more, keep what has come, and end."""
        for one in self._outstanding:
            one.answer.cancel()
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.store.close()

    def answers(self, prompts: Iterator[Prompt | None], ahead: int) -> Iterator[Answer]:
        """Answers in the order of ``prompts``.

        A prompt is taken from the iterator only when at most ``ahead`` − 1 are outstanding, so it may depend on what
        was done with the answers before those. None means: nothing before the next answer; with none outstanding it
        ends the conversation, as the limits do, which say so in :attr:`stopped`.
        """
        held: Prompt | None = None
        ended = False
        while True:
            while not ended and len(self._outstanding) < ahead:
                prompt = held or next(prompts, None)
                held = None
                if prompt is None:
                    ended = not self._outstanding
                    break
                worst = prompt.worst_case(self.prices, batch=self.params.batch_api)
                if self._committed() + worst > self.params.max_usd:
                    held, ended = prompt, not self._outstanding
                    if ended:
                        self.stopped = (
                            f"max_usd: ${self.spent:.4f} of ${self.params.max_usd} are spent, "
                            f"and one more request may cost ${worst:.4f}"
                        )
                    break
                if self.params.max_requests is not None and self.counts["requests"] >= self.params.max_requests:
                    self.stopped, ended = f"max_requests: {self.params.max_requests:,} were sent", True
                    break
                self._send(prompt, worst)
            if not self._outstanding:
                return
            if self._collected:
                sent = self.store.batches() if self._batches is None else []
                asyncio.run_coroutine_threadsafe(self._answer_batch(self._collected, sent), self._loop)
                self._collected = []
            one = self._outstanding[0]  # it counts as outstanding until it is taken
            answer = one.answer.result()
            self._outstanding.popleft()
            self._take(one, answer)
            yield answer

    def record(self) -> dict[str, Any]:
        """What the receipt says: the same for a build that paid and one that found all kept."""
        teacher = self.params.teacher
        return {
            "provider": teacher.provider,
            "model": teacher.model,
            "intended_use": teacher.intended_use,
            "terms_ack": teacher.terms_ack,
            "usd": str(self.spent),
            "max_usd": str(self.params.max_usd),
            "usage": self.usage.to_json(),
            "requests": self.counts["requests"],
        }

    # -- the money ---------------------------------------------------------------------------------

    def _committed(self) -> Decimal:
        """What is spent, and what the outstanding answers may cost at most."""
        return self.spent + sum((one.worst for one in self._outstanding), Decimal(0))

    def _take(self, one: _Outstanding, answer: Answer) -> None:
        found = self.store.get(one.prompt.key)
        batch = found[1] if found is not None else self.params.batch_api
        cost = self.prices.cost(one.prompt.model, answer.usage, batch=batch)
        self.spent += cost
        self.usage += answer.usage
        self.counts[answer.status] += 1
        if one.prompt.key in self._in_flight:
            self.paid_now += cost

    def _may_lose(self, prompt: Prompt, worst: Decimal) -> None:
        """Count a lost answer at its worst; called by the loop's thread before the request is sent again."""
        with self._lock:
            self.uncertain += worst
            if self._committed() + self.uncertain > self.params.max_usd:
                raise BuildError(
                    f"answers that were lost on the way may have cost up to ${self.uncertain:.4f}; asking for "
                    f"{prompt.label!r} again could pass max_usd {self.params.max_usd}",
                    hint="what was answered is kept: raise max_usd, or lower max_tokens, and build again",
                )

    # -- the requests -------------------------------------------------------------------------------

    def _send(self, prompt: Prompt, worst: Decimal) -> None:
        key = prompt.key
        self.counts["requests"] += 1
        kept = self.store.get(key)
        if kept is not None:
            answer: Future[Answer] = Future()
            answer.set_result(kept[0])
        elif key in self._in_flight:
            answer = self._in_flight[key]
        else:
            for usd in self.store.lost(key):  # by a run that was killed
                with self._lock:
                    self.uncertain += usd
            if self.params.batch_api:
                answer = self._in_flight[key] = Future()
                self._collected.append(Waiting(prompt, worst, answer))
            else:
                answer = self._in_flight[key] = asyncio.run_coroutine_threadsafe(self._ask(prompt, worst), self._loop)
        self._outstanding.append(_Outstanding(prompt, worst, answer))

    async def _ask(self, prompt: Prompt, worst: Decimal) -> Answer:
        return await self._connected().ask(prompt, worst)

    async def _answer_batch(self, waiting: list[Waiting], sent: list[tuple[str, list[str]]]) -> None:
        try:
            if self._batches is None:
                self._batches = Batches(self._connected(), self.store, sent)
        except Exception as error:  # whoever waits must hear of it
            for one in waiting:
                one.answer.set_exception(error)
            return
        await self._batches.answer(waiting)

    def _connected(self) -> Client:
        from synthkit.teacher.client import Client

        if self._client is None:
            self._client = Client(self.params.teacher, self.store, self._may_lose, self.params.concurrency)
        return self._client

    async def _end(self) -> None:
        own = asyncio.current_task()
        waiting: list[Coroutine[Any, Any, Any] | asyncio.Task[Any]] = [t for t in asyncio.all_tasks() if t is not own]
        for task in waiting:
            assert isinstance(task, asyncio.Task)
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
        if self._client is not None:
            await self._client.close()
