"""Prompts in, answers out: in order, within the budget, each paid for once."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from decimal import Decimal

from synthkit.llm.answers import Answer, Kept, Status, read_answer
from synthkit.llm.batches import BatchLane
from synthkit.llm.budget import Budget
from synthkit.llm.chat import ChatClient
from synthkit.llm.client import Client
from synthkit.llm.kept import RequestStore
from synthkit.llm.keys import OPENAI, api_key
from synthkit.llm.lanes import Lane, OutOfBudget, Transport
from synthkit.llm.prices import Prices
from synthkit.llm.requests import Prompt
from synthkit.llm.spec import TeacherParams
from synthkit.llm.usage import Usage


@dataclass
class _Slot:
    """A prompt that is out; without a future while it waits for money."""

    prompt: Prompt
    worst: Decimal
    future: Future[Kept] | None = None

    @property
    def pending(self) -> bool:
        return self.future is not None and not self.future.done()

    @property
    def ended(self) -> bool:
        """Whether there is an answer or an error to hand on."""
        return (
            self.future is not None
            and self.future.done()
            and (self.future.cancelled() or not isinstance(self.future.exception(), OutOfBudget))
        )


class Teacher:
    """Asks for one table. A context manager: leaving it ends the connection.

    Args:
        store: answers kept so far, asked before the provider. One store for a table: the attempts lost in it count
            against ``max_usd``.
        concurrency: most requests under way.
        max_usd: what the table may cost, answers from the store included; None is no limit.
        batch_api: send each window as one Message Batch, at the batch price.
        request_limit: most different prompts; None is no limit.
        on_answer: called with each answer before it is handed on.
        connect: makes the transport; the provider's SDK when None.

    Attributes:
        usage: tokens of the answers taken.
        counts: answers taken, by status.
        stopped: why no further prompt was asked, with figures; None when the prompts ran out or the caller left.
    """

    def __init__(
        self,
        params: TeacherParams,
        store: RequestStore,
        prices: Prices,
        *,
        concurrency: int = 8,
        max_usd: Decimal | float | None = None,
        batch_api: bool = False,
        request_limit: int | None = None,
        on_answer: Callable[[Answer], None] | None = None,
        connect: Callable[[], Transport] | None = None,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"concurrency is a number of requests from 1 up, not {concurrency}")
        self.params, self.store, self.prices = params, store, prices
        self.concurrency, self.batch_api = concurrency, batch_api
        limit = None if max_usd is None else Decimal(str(max_usd))
        # What runs that died had under way may have been billed, whichever prompts come first now.
        self.budget = Budget(limit, request_limit, uncertain=store.lost())
        self.usage = Usage()
        self.counts: Counter[Status] = Counter()
        self._on_answer = on_answer
        self._connect = connect
        self._lane: Lane | None = None
        self._paid, self._asked = Decimal(0), 0

    def __enter__(self) -> Teacher:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End the connection; asking again makes a new one. Answers under way are waited for, for a while, and kept."""
        if self._lane is not None:
            lane, self._lane = self._lane, None
            try:
                lane.close()
            finally:
                self._paid += lane.paid
                self._asked += lane.asked

    @property
    def stopped(self) -> str | None:
        return self.budget.stopped

    @property
    def spent(self) -> Decimal:
        """USD that the answers taken have cost, in this run or in those before it."""
        return self.budget.spent

    @property
    def uncertain_usd(self) -> Decimal:
        """USD that lost answers may have cost. Nobody can know; the limit counts it as spent."""
        return self.budget.uncertain

    @property
    def paid_now(self) -> Decimal:
        """USD of the answers that arrived in this run."""
        return self._paid + (self._lane.paid if self._lane else 0)

    @property
    def asked_now(self) -> int:
        """Number of answers that arrived in this run."""
        return self._asked + (self._lane.asked if self._lane else 0)

    def answers(self, prompts: Iterator[Prompt | None], ahead: int) -> Iterator[Answer]:
        """The answers to ``prompts``, in their order.

        At most ``ahead`` prompts are out at a time: prompt i is pulled when the answers 0 … i - ahead were yielded and
        the caller came back for the next. So prompts may depend on those answers, whatever the timing. Near the limit
        of money fewer are out: the next prompt then waits until its worst case fits beside those that are out, and
        the prompts end when it does not fit with none out. Where they wait and end depends on the answers alone. What
        answers lost on the way may have cost holds prompts that are out back from being sent, which changes none of
        them, and at last ends them earlier. A None among the prompts means that the next one cannot be told before the
        next answer; with no answer out it is the end.

        Raises:
            BuildError: the teacher cannot be asked; what was answered is kept.
            SynthError: a model has no price.
        """
        if ahead < 1:
            raise ValueError(f"ahead is a number of prompts from 1 up, not {ahead}")
        window: deque[_Slot] = deque()
        held: Prompt | None = None
        more = True
        try:
            while True:
                while more and len(window) < ahead:
                    prompt = held if held is not None else next(prompts, None)
                    if prompt is None:  # an iterator at its end gives None for ever
                        more = bool(window)
                        break
                    slot, held = self._issue(prompt)
                    if slot is not None:
                        window.append(slot)
                    elif held is not None:
                        break
                    else:
                        more = False
                if not window:
                    return
                # What is there is handed on first: it may be all that the caller wants, as in a replay.
                if not window[0].ended:
                    self._send(window)
                future = window[0].future
                if future is None:
                    if not any(slot.pending for slot in window):
                        self.budget.stop(window[0].worst)
                        return
                    self._await_any(window)
                    continue
                try:
                    answer = self._take(window[0], future)
                except OutOfBudget:
                    continue  # it is sent again when there is money
                window.popleft()
                yield answer
        finally:
            self._give_up(window)

    def _issue(self, prompt: Prompt) -> tuple[_Slot | None, Prompt | None]:
        """A slot when the prompt is out; the prompt when it has to wait; neither when it is the end."""
        slot = _Slot(prompt, prompt.worst_case(self.prices, self.batch_api))
        verdict = self.budget.admit(prompt.key, slot.worst)
        if verdict != "go":
            return None, prompt if verdict == "wait" else None
        self._look(slot)
        return slot, None

    def _look(self, slot: _Slot) -> None:
        """Take the answer from the store, if it is there."""
        kept = self.store.get(slot.prompt.key)
        if kept is not None:
            slot.future = Future()
            slot.future.set_result(kept)
            self.budget.settle(kept.key, kept.cost)

    def _send(self, window: deque[_Slot]) -> None:
        """Send what is out, in order, as far as the money goes."""
        for slot in window:
            if slot.future is not None and slot.future.done() and not slot.future.cancelled():
                failure = slot.future.exception()
                if failure is None:
                    self.budget.settle(slot.prompt.key, slot.future.result().cost)
                elif isinstance(failure, OutOfBudget):
                    self.budget.withdraw(slot.prompt.key)
                    slot.future = None
        futures: dict[str, Future[Kept]] = {}  # a prompt may be out twice
        for slot in window:
            key = slot.prompt.key
            if slot.future is None:
                slot.future = futures.get(key)
            if slot.future is None:
                self._look(slot)
            if slot.future is None:
                if not self.budget.send(key, slot.worst):
                    return
                slot.future = self._open().start(slot.prompt)
            futures[key] = slot.future

    def _await_any(self, window: deque[_Slot]) -> None:
        """Wait for an answer that is under way, as it may cost less than was set aside for it."""
        under_way = [slot for slot in window if slot.pending]
        if self._lane is not None:
            self._lane.need(under_way[0].prompt.key)
        wait([slot.future for slot in under_way if slot.future is not None], return_when=FIRST_COMPLETED)

    def _take(self, slot: _Slot, future: Future[Kept]) -> Answer:
        if not future.done() and self._lane is not None:
            self._lane.need(slot.prompt.key)
        kept = future.result()
        answer = read_answer(slot.prompt, kept)
        if self.budget.take(answer.key, kept.cost):
            self.usage += answer.usage
            self.counts[answer.status] += 1
        if self._on_answer is not None:
            self._on_answer(answer)
        return answer

    def _open(self) -> Lane:
        if self._lane is None:
            kind = BatchLane if self.batch_api else Lane
            connect = self._connect or self._client()
            patience = self.params.patience
            self._lane = kind(connect, self.store, self.prices, self.budget, self.concurrency, patience)
        return self._lane

    def _client(self) -> Callable[[], Transport]:
        said = self.params
        if said.provider == "openai":
            own = api_key(said.base_url, OPENAI)
            return lambda: ChatClient(own, said.base_url, said.timeout, said.patience, said.structured, said.stream)
        if said.provider != "anthropic":
            raise ValueError(f"provider: {said.provider} is asked by what connect= makes")
        key = api_key(said.base_url)
        return lambda: Client(key, said.base_url, said.timeout)

    def _give_up(self, window: deque[_Slot]) -> None:
        """Nobody wants more: keep what arrives, and count what it costs against the limit of later prompts."""
        if any(slot.pending for slot in window):
            self.close()
        for slot in window:
            key = slot.prompt.key
            kept = self.store.get(key)
            risk = kept.cost if kept else Decimal(0)
            if kept is None and self.store.open_batch(key) is not None:
                risk = slot.prompt.worst_case(self.prices, batch=True)
            self.budget.abandon(key, risk)
