"""Self-Instruct: examples in, requests out, answers through the filters, until the table is full.

Everything is decided in the order of the requests, never in that of the answers: request i depends on the answers
0 … i − :data:`~synthkit.llm.spending.AHEAD` and on nothing else. So the same seeds, parameters and kept answers
give the same rows, at any concurrency, after any number of interruptions. Before the first request, the answers of an
earlier build with other filters are judged again (:mod:`.transcript`).
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from synthkit.instruct import prompts
from synthkit.instruct.again import known, parts_of, responses_of, scores_of
from synthkit.instruct.filters import Filters
from synthkit.instruct.filters.base import Rejection
from synthkit.instruct.items.item import Item
from synthkit.instruct.params import SelfInstructParams
from synthkit.instruct.rows import Row
from synthkit.instruct.steps import Asked, Asks, Dropped, Group
from synthkit.instruct.topics import Balance, Missing, Topic, quotas
from synthkit.instruct.transcript import Heard, Kind
from synthkit.llm.spending import AHEAD

if TYPE_CHECKING:
    from synthkit.llm.answers import Answer
    from synthkit.llm.requests import Prompt

WINDOW = 10  # requests whose yield is held against the floor
LEAST_YIELD = 0.02  # that is expected, however little came: so that a bad start does not ask for everything at once
FIRST_YIELD = 0.7  # of the items asked for, before any was seen
SHOWN_GENERATED = 4  # one in so many examples is an accepted item


class Pipeline:
    """One table on its way. Iterate over :meth:`rows`; the counts are right at any time."""

    def __init__(
        self,
        params: SelfInstructParams,
        seeds: Sequence[Item],
        filters: Filters,
        rows: int,
        seed: int,
        dropped: Callable[[Dropped], None],
        basis: Sequence[Heard] = (),
    ) -> None:
        self.params, self.seeds, self.filters, self.seed = params, seeds, filters, seed
        self.balance = Balance(quotas(rows, params.topics))
        self.counts: Counter[str] = Counter()
        self.stopped: str | None = None
        self.heard: list[Heard] = []  # whose answers were taken, those of the basis left out
        self._basis, self._dropped = basis, dropped
        self._asked: deque[Asked] = deque()
        self._next: deque[Asked] = deque()
        self._accepted: dict[Topic, list[Item]] = {topic: [] for topic in self.balance.wanted}
        self._pools = {topic: self._pool(topic) for topic in self.balance.wanted}
        self._recent: deque[tuple[int, int]] = deque(maxlen=WINDOW)  # items asked for, items accepted by the filters
        self._number = 0
        self._stages = tuple(name for name in filters.counts if name != "accepted")
        self._system = prompts.system(params.domain)
        self._apart = params.responses == "separate"
        self._form: type[Any] = prompts.Tasks if self._apart else prompts.Drafts
        self._judges = (filters.reject_task, filters.accept_task) if self._apart else (filters.reject, filters.accept)

    def rows(self, teacher: Asks) -> Iterator[Row]:
        """Rows in the order of their acceptance; fewer than wanted where :attr:`stopped` says why."""
        yield from self._again(teacher)
        for answer in () if self.balance.done else teacher.answers(self._prompts(), AHEAD):
            asked = self._asked.popleft()
            kind = asked.heard.kind
            self.heard.append(asked.heard)
            if kind == "generate":
                group = self._generated(asked, answer)
            elif kind == "evolve":
                group = self._evolved(asked, answer)
            elif kind == "respond":
                group = self._responded(asked, answer)
            else:
                group = self._judged(asked, answer)
            if group is not None:
                yield from self._finish(group)
            if self.balance.done:
                return
        if not self.balance.done:
            self.stopped = self.stopped or teacher.stopped or "no request is left to send"

    def _again(self, teacher: Asks) -> Iterator[Row]:
        """Rows from the answers of the basis. What it never asked about an item is not asked now."""
        taken = list(zip(self._basis, teacher.answers(iter([h.prompt for h in self._basis]), AHEAD), strict=False))
        earlier = known(taken)
        for heard, answer in taken:
            self.counts["answers taken again"] += 1
            if heard.kind != "generate":
                self.counts[answer.status] += 1
                continue
            self._number += 1
            if self.balance.done:
                continue
            group = self._new(heard.topic, heard.parents, answer)
            self.balance.expected[group.topic] += len(group.rows)
            judged = self.params.judge is not None
            for index, row in enumerate(group.rows):
                if row.item in earlier.harder and self._chosen(row.item):
                    draft, source = earlier.harder[row.item]
                    if earlier.goes_on(Item.of({**draft, "topic": group.topic}), self._apart, judged):
                        self._replace(group, index, draft, source)
            if self._apart:
                self._take_responses(group, [earlier.responses.get(row.item, ("", answer)) for row in group.rows])
            if judged:
                why = "the judge was not asked about the item: other filters had dropped it"
                self._take_scores(group, [earlier.scores.get(row.item) for row in group.rows], why)
            yield from self._finish(group)

    # -- what is asked -----------------------------------------------------------------------------

    def _prompts(self) -> Iterator[Prompt | None]:
        while not self.balance.done:
            if self._next:
                asked = self._next.popleft()
            else:
                if self.stopped is not None:
                    yield None
                    continue
                topic = self.balance.neediest()
                if isinstance(topic, Missing):
                    yield None
                    continue
                asked = self._generate(topic)
            self._asked.append(asked)
            self.counts[f"{asked.heard.kind} requests"] += 1
            yield asked.heard.prompt

    def _generate(self, topic: Topic) -> Asked:
        rng = random.Random(f"{self.seed}:{self._number}")
        parents, examples = self._examples(topic, rng)
        text = prompts.generation(self._number, topic, self.params.per_request, examples, rng, self._apart)
        expected = self.params.per_request * self._yield()
        self.balance.expected[topic] += expected
        prompt = self._prompt(text, self._form, f"generate {self._number}", self._number)
        self._number += 1
        return Asked(Heard("generate", topic, parents, prompt), expected=expected)

    def _pool(self, topic: Topic) -> Sequence[int]:
        own = [i for i, seed in enumerate(self.seeds) if seed.topic == topic] if topic is not None else []
        return own or range(len(self.seeds))

    def _examples(self, topic: Topic, rng: random.Random) -> tuple[tuple[int, ...], list[Item]]:
        """Seeds of the topic where there are any, and a few accepted items; row numbers of the seeds."""
        pool, accepted = self._pools[topic], self._accepted[topic]
        generated = min(self.params.examples // SHOWN_GENERATED, len(accepted))
        shown = sorted(rng.sample(pool, min(self.params.examples - generated, len(pool))))
        items = [self.seeds[i] for i in shown] + rng.sample(accepted, generated)
        rng.shuffle(items)
        return tuple(shown), items

    def _prompt(self, text: str, form: type[Any], label: str, nonce: int) -> Prompt:
        return self.params.teacher.prompt(self._system, text, form, label, nonce)

    def _yield(self) -> float:
        return max(LEAST_YIELD, self._raw_yield()) if self._recent else FIRST_YIELD

    # -- what comes back ---------------------------------------------------------------------------

    def _generated(self, asked: Asked, answer: Answer) -> Group | None:
        topic = asked.topic
        self.balance.expected[topic] -= asked.expected
        group = self._new(topic, asked.heard.parents, answer)
        if len(self._recent) == WINDOW and self._raw_yield() < self.params.yield_floor:
            self.stopped = (
                f"only {self._raw_yield():.1%} of the items of the last {WINDOW} requests were new and passed the "
                f"filters, less than yield_floor {self.params.yield_floor:g}"
            )
        self.balance.expected[topic] += len(group.rows)
        if not group.rows:
            return None
        group.chosen = [i for i, row in enumerate(group.rows) if self._chosen(row.item)]
        if group.chosen:
            rng = random.Random(f"{self.seed}:evolve:{self._number}:{group.rows[0].item.instruction}")
            about = [group.rows[i] for i in group.chosen]
            text = prompts.evolution([row.item for row in about], topic, rng, self._apart)
            self._ask("evolve", group, about, self._prompt(text, self._form, "evolve", 0))
            return None
        return self._to_respond(group)

    def _new(self, topic: Topic, parents: Sequence[int], answer: Answer) -> Group:
        """The items of an answer that pass the filters."""
        wanted, drafts = self.params.per_request, self._drafts(answer)
        self.counts["items"] += len(drafts)
        group = Group(topic, [])
        for draft in drafts[: 2 * wanted]:  # an answer far longer than what was asked for is not trusted
            item = Item.of({**draft, "topic": topic})
            if self._passes(item, answer, *self._judges):
                group.rows.append(self._row(item, answer, parents))
        self._recent.append((wanted, len(group.rows)))
        return group

    def _raw_yield(self) -> float:
        return sum(k for _, k in self._recent) / sum(a for a, _ in self._recent)

    def _evolved(self, asked: Asked, answer: Answer) -> Group | None:
        """The harder version takes the place of an item if it passes the filters; else the item stays as it was."""
        group = asked.group
        assert group is not None
        drafts = self._drafts(answer)
        for index, draft in zip(group.chosen, drafts, strict=False):
            self._replace(group, index, draft, answer)
        return self._to_respond(group)

    def _replace(self, group: Group, index: int, draft: Mapping[str, str], answer: Answer) -> None:
        item = Item.of({**draft, "topic": group.topic})
        if self._passes(item, answer, *self._judges):
            row = self._row(item, answer, group.rows[index].parents)
            group.rows[index] = replace(row, evolution=1)
            self.counts["evolved"] += 1

    def _to_respond(self, group: Group) -> Group | None:
        """Ask for the responses of a group that has none yet, in the way of the seeds that its tasks came from."""
        if not self._apart:
            return self._to_judge(group)
        shown = [self.seeds[i] for i in sorted({i for row in group.rows for i in row.parents})]
        text = prompts.responding([row.item for row in group.rows], group.topic, shown)
        self._ask("respond", group, group.rows, self._prompt(text, prompts.Responses, "respond", 0))
        return None

    def _ask(self, kind: Kind, group: Group, about: Sequence[Row], prompt: Prompt) -> None:
        shown = tuple(row.item for row in about)
        self._next.append(Asked(Heard(kind, group.topic, (), prompt, shown), group))

    def _responded(self, asked: Asked, answer: Answer) -> Group | None:
        group = asked.group
        assert group is not None
        self.counts[answer.status] += 1
        self._take_responses(group, [(said, answer) for said in responses_of(answer, len(group.rows))])
        return self._to_judge(group) if group.rows else None

    def _take_responses(self, group: Group, said: Sequence[tuple[str, Answer]]) -> None:
        """Give each task its response, and keep those that pass; each with the answer that it came in."""
        self._keep(group, [self._with_response(row, *one) for row, one in zip(group.rows, said, strict=True)])

    def _with_response(self, row: Row, said: str, answer: Answer) -> Row | None:
        item = replace(row.item, response=said)
        if not said:
            reason = answer.detail or "the teacher gave the task no response"
            self._drop(Dropped(item, "response", reason, answer.key))
        elif self._passes(item, answer, self.filters.reject_response, self.filters.accept_response):
            return replace(row, item=item, response_request=answer.key)
        return None

    def _to_judge(self, group: Group) -> Group | None:
        judge = self.params.judge
        if judge is None:
            return group
        text = prompts.judgement([row.item for row in group.rows])
        asked = (judge.model, judge.max_tokens)
        prompt = self.params.teacher.prompt(prompts.JUDGE, text, prompts.Scores, "judge", judge=asked)
        self._ask("judge", group, group.rows, prompt)
        return None

    def _judged(self, asked: Asked, answer: Answer) -> Group:
        group = asked.group
        assert group is not None
        self.counts[answer.status] += 1
        why = answer.detail or "the judge gave the item no score"
        self._take_scores(group, scores_of(answer, len(group.rows)), why)
        return group

    def _take_scores(self, group: Group, said: Sequence[Mapping[str, Any] | None], why: str) -> None:
        """Keep the rows that score enough."""
        self._keep(group, [self._with_score(row, one, why) for row, one in zip(group.rows, said, strict=True)])

    def _with_score(self, row: Row, said: Mapping[str, Any] | None, why: str) -> Row | None:
        """The row with its score, if that is enough; ``why`` it has none where it has none."""
        assert self.params.judge is not None
        if said is not None and said["score"] >= self.params.judge.min_score:
            return replace(row, score=said["score"])
        reason = why if said is None else f"{said['score']}: {said['reason']}"
        self._drop(Dropped(row.item, "judge", reason, row.request))
        return None

    def _keep(self, group: Group, rows: Sequence[Row | None]) -> None:
        kept = [row for row in rows if row is not None]
        self.balance.expected[group.topic] -= len(group.rows) - len(kept)
        group.rows = kept

    def _finish(self, group: Group) -> Iterator[Row]:
        self.balance.expected[group.topic] -= len(group.rows)
        for row in group.rows:
            if self.balance.full(group.topic):
                self._drop(Dropped(row.item, "topic full", f"there are enough of {group.topic or 'all'}", row.request))
                continue
            self.balance.accepted[group.topic] += 1
            self.counts["accepted"] += 1
            self._accepted[group.topic].append(row.item)
            yield row

    @property
    def rejected(self) -> int:
        """Items that were written and did not get into the table."""
        return sum(count for name, count in self.counts.items() if name.startswith("dropped: "))

    # -- items -------------------------------------------------------------------------------------

    def _drafts(self, answer: Answer) -> Sequence[Mapping[str, str]]:
        self.counts[answer.status] += 1
        return parts_of(answer, "items")

    def _passes(
        self,
        item: Item,
        answer: Answer,
        reject: Callable[[Item], Rejection | None],
        accept: Callable[[Item], None],
    ) -> bool:
        rejection = reject(item)
        if rejection is not None:
            self._drop(Dropped(item, rejection.stage, rejection.reason, answer.key))
            return False
        accept(item)  # at once: what comes meanwhile must not be like it
        return True

    def _row(self, item: Item, answer: Answer, parents: Sequence[int]) -> Row:
        return Row(item, answer.model, answer.key, parents, filters=self._stages)

    def _chosen(self, item: Item) -> bool:
        """By the text alone, so that it does not depend on what else is in the answer."""
        digest = hashlib.sha256(f"{self.seed}:{item.task}".encode()).digest()
        return int.from_bytes(digest[:8], "big") / 2**64 < self.params.evolve

    def _drop(self, dropped: Dropped) -> None:
        self.counts[f"dropped: {dropped.stage}"] += 1
        self._dropped(dropped)
