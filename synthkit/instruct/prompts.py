"""What the teacher is told: one constant text that is cached, and a short one that changes with every request.

Current models take no temperature, so that variety has to come from the prompts: the examples rotate, and each request
asks for another kind of task from another kind of person (Wang et al. 2023, Self-Instruct,
https://arxiv.org/abs/2212.10560, draw six written and two generated examples; Xu et al. 2023, WizardLM's Evol-Instruct,
https://arxiv.org/abs/2304.12244, rewrite items into harder ones).
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence

from pydantic import BaseModel, Field

from synthkit.instruct.items.item import Item

ASKERS = (
    "someone who meets the subject for the first time",
    "a practitioner in a hurry",
    "a student who prepares for an examination",
    "the owner of a small business",
    "an editor who checks facts",
    "somebody who was given wrong advice before",
    "a manager who has to decide by tomorrow",
    "an expert who wants the exceptions to the rule",
)
KINDS = (
    "questions that ask for an explanation",
    "tasks that sort a given text into one of a few classes",
    "tasks that draw facts out of a given text",
    "tasks that ask for a short draft",
    "comparisons of two things that are easily mixed up",
    "step-by-step instructions",
    "corrections of a text that holds a mistake",
    "summaries of a given text for another reader",
    "hypothetical cases to reason about",
    "checklists",
)
HARDER = (
    "add a constraint or a requirement",
    "ask for a deeper treatment of the same subject",
    "replace general notions by specific ones",
    "ask for the reasoning in several steps",
    "give the task a concrete, slightly unusual input",
)


class Draft(BaseModel):
    """One item as the teacher writes it."""

    instruction: str = Field(min_length=1)
    input: str
    response: str = Field(min_length=1)


class Drafts(BaseModel):
    items: list[Draft]


class Task(BaseModel):
    """An item whose response is written later."""

    instruction: str = Field(min_length=1)
    input: str


class Tasks(BaseModel):
    items: list[Task]


class Response(BaseModel):
    item: int
    response: str


class Responses(BaseModel):
    responses: list[Response]


class Score(BaseModel):
    item: int
    score: int = Field(ge=1, le=5)
    reason: str


class Scores(BaseModel):
    scores: list[Score]


def system(domain: str) -> str:
    """The constant part: what the work is, and what an item must be."""
    return (
        f"You write training examples for a language model that has to follow instructions about {domain}.\n\n"
        "Each example has an instruction, an input and a response. The instruction can be understood by itself. The "
        "input is the text that the instruction is about; leave it empty where the instruction needs none. The "
        "response does what is asked, completely and correctly, and nothing else.\n\n"
        "Rules:\n"
        "- No two instructions of one answer may ask for the same thing, and none may repeat an example.\n"
        "- Vary the verbs, the length and the form: questions, orders, requests.\n"
        "- Write what a person could really ask; no instruction that needs pictures, sound, files or the internet.\n"
        "- Invent persons, firms, numbers and addresses; take none from the real world.\n"
        "- No remarks about yourself, no apologies, no introductions.\n"
        "- Where the facts are uncertain or depend on the place, the response says so."
    )


def generation(
    number: int, topic: str | None, count: int, examples: Sequence[Item], rng: random.Random, tasks: bool = False
) -> str:
    """Ask for ``count`` new items; ``tasks``: without their responses."""
    lines = [f"Write {count} items."]
    if topic is not None:
        lines.append(f"Topic: {topic}")
    if tasks:
        lines.append(LATER)
    lines.append(f"This time write mostly {rng.choice(KINDS)}, as they would come from {rng.choice(ASKERS)}.")
    lines.append("Examples of the form, not to be repeated:")
    lines += [_shown(item, tasks) for item in examples]
    lines.append(f"(request {number + 1})")
    return "\n".join(lines)


def evolution(items: Sequence[Item], topic: str | None, rng: random.Random, tasks: bool = False) -> str:
    """Ask for a harder version of each of ``items``, in their order; ``tasks``: without responses."""
    lines = [f"Write {len(items)} items."]
    if topic is not None:
        lines.append(f"Topic: {topic}")
    if tasks:
        lines.append(LATER)
    lines.append(
        "Rewrite each of the following items into a harder one of the same subject, in the same order"
        f"{'' if tasks else ', with its own response'}. The new instruction may be at most about twenty words longer. "
        "How to make each harder:"
    )
    lines += [f"{rng.choice(HARDER)}: {_shown(item, tasks)}" for item in items]
    return "\n".join(lines)


LATER = "Give instructions and inputs alone; the responses are written later."


def responding(items: Sequence[Item], topic: str | None, examples: Sequence[Item]) -> str:
    """Ask for the response to each of ``items``, numbered from 1."""
    lines = [f"Answer {len(items)} items."]
    if topic is not None:
        lines.append(f"Topic: {topic}")
    lines.append("Examples of the form:")
    lines += [_shown(item) for item in examples]
    lines.append("Write the response to each of the following, by its number:")
    lines += [f"{number}. {_shown(item, task=True)}" for number, item in enumerate(items, 1)]
    return "\n".join(lines)


JUDGE = (
    "You judge training examples for a language model that has to follow instructions. For each item give a score from "
    "1 to 5 and one sentence why. 5: the instruction is clear, and the response is complete, correct and to the point. "
    "4: sound, with a small flaw. 3: usable after a correction. 2: partly wrong, vague, or beside the question. "
    "1: wrong, harmful, or not an answer. Be strict: what you cannot be sure of is no 5."
)


def judgement(items: Sequence[Item]) -> str:
    """Ask for a score of each of ``items``, numbered from 1."""
    lines = [f"Score {len(items)} items."]
    lines += [f"{number}. {_shown(item)}" for number, item in enumerate(items, 1)]
    return "\n".join(lines)


def _shown(item: Item, task: bool = False) -> str:
    fields = {"instruction": item.instruction, "input": item.input}
    if not task:
        fields["response"] = item.response
    return json.dumps(fields, ensure_ascii=False)
