"""What the stand-in writes: a seeded grammar, rich enough that filters, balance and a judge have real work."""

from __future__ import annotations

import random
from typing import Any

SUBJECTS = {
    "billing": (
        "an invoice",
        "a refund",
        "a late fee",
        "a credit note",
        "a data package",
        "a roaming charge",
        "a deposit",
    ),
    "contracts": (
        "a two-year contract",
        "a notice period",
        "a number transfer",
        "a discount",
        "a family plan",
        "a trial",
    ),
    "network": (
        "a dropped call",
        "a slow line",
        "an outage",
        "a router",
        "a new card",
        "wireless calls",
        "a weak signal",
    ),
}
ASKS = (
    "Explain to {who} how {what} works when {when}.",
    "What should {who} do about {what} if {when}?",
    "Write a short note to {who} about {what}, given that {when}.",
    "List the facts that {who} needs on {what} when {when}.",
    "Compare the ways in which {who} can deal with {what} while {when}.",
    "Is {who} right to complain about {what} because {when}? Say why.",
    "Correct the advice that {who} got on {what}, as {when}.",
    "Summarise the rules of {what} for {who}, assuming that {when}.",
    "Draft the question that {who} should ask on {what} before {when}.",
    "Which mistake does {who} make with {what} when {when}?",
)
WHO = (
    "a new customer", "a pensioner", "a student", "a shop owner", "a tenant", "a nurse on night shifts", "a traveller",
    "the parent of a teenager", "a farmer", "a landlord", "an apprentice", "a choir", "a sports club", "a translator",
    "a taxi driver", "an accountant", "a gardener", "a museum", "a school", "a widow", "a delivery firm", "a baker",
)  # fmt: skip
WHEN = (
    "the price went up in spring", "the letter came too late", "nobody signed the form", "the office is closed",
    "the account holder moved abroad", "two people share the phone", "the device was sold", "the bank sent it back",
    "the old provider does not answer", "the limit was reached on Sunday", "the contract is six years old",
    "a neighbour has the same trouble", "the technician did not come", "the text on the page is unclear",
    "the first answer was wrong", "the payment was made twice", "the line was cut by a storm", "the code was lost",
    "the offer named another price", "a child bought something", "the meter was read by a machine", "time is short",
)  # fmt: skip
ANSWERS = (
    "First look at the date, because {when}. Then {who} should write down what was agreed on {what} and send it in.",
    "It depends on the agreement. If {when}, {what} can be changed once without a fee, and {who} gets it in writing.",
    "There are two ways. {who} can wait until the next period, or ask for {what} to be examined, since {when}.",
    "No. That {when} does not change {what} by itself, but {who} may ask for a goodwill decision within a month.",
    "Yes. Because {when}, {who} should keep the letter, name the number of {what}, and set a date for the answer.",
)
GERMAN = "Bitte erklären Sie dem Kunden, warum die Rechnung in diesem Monat höher ist als im letzten Monat ausgewiesen."


def drafts(rng: random.Random, count: int, topic: str | None) -> dict[str, Any]:
    """``count`` items; some are repeated, nearly repeated, refused, cut short, foreign, or hold an address."""
    items: list[dict[str, str]] = []
    for _ in range(count):
        item = _item(rng, topic if topic in SUBJECTS else rng.choice(tuple(SUBJECTS)))
        chance = rng.random()
        if chance < 0.04 and items:
            item = dict(items[-1])
        elif chance < 0.08 and items:
            item["instruction"] = items[-1]["instruction"].replace("?", ", please?").replace(".", ", please.")
        elif chance < 0.10:
            item["response"] = "As an AI language model, I cannot look into your account."
        elif chance < 0.12:
            item["instruction"] = "Help me"
        elif chance < 0.14:
            item = {"instruction": GERMAN, "input": "", "response": f"{GERMAN} Danke. {rng.randrange(10**6)}"}
        elif chance < 0.16:
            item["response"] += f" Write to service{rng.randrange(99)}@telecom-desk.com."
        items.append(item)
    return {"items": items}


def _item(rng: random.Random, topic: str) -> dict[str, str]:
    words = {"who": rng.choice(WHO), "what": rng.choice(SUBJECTS[topic]), "when": rng.choice(WHEN)}
    said = f"Message of {rng.choice(WHO)}: {rng.choice(WHEN)}, and {rng.choice(WHEN)}." if rng.random() < 0.3 else ""
    answer = rng.choice(ANSWERS).format(**words)
    return {"instruction": rng.choice(ASKS).format(**words), "input": said, "response": answer[0].upper() + answer[1:]}


def scores(rng: random.Random, count: int) -> dict[str, Any]:
    return {
        "scores": [
            {"item": i, "score": rng.choices((5, 4, 3, 2), (45, 40, 10, 5))[0], "reason": "It reads like that."}
            for i in range(1, count + 1)
        ]
    }


def filled(rng: random.Random, schema: dict[str, Any], definitions: dict[str, Any], text: str) -> Any:
    """Something of the schema's form, for forms that the grammar has no words for."""
    if "$ref" in schema:
        return filled(rng, definitions[schema["$ref"].rpartition("/")[2]], definitions, text)
    kind = schema.get("type")
    if kind == "object":
        return {k: filled(rng, v, definitions, text) for k, v in schema.get("properties", {}).items()}
    if kind == "array":
        return [filled(rng, schema["items"], definitions, text) for _ in range(3)]
    if kind in ("integer", "number"):
        return rng.randint(1, 5)
    if kind == "boolean":
        return rng.random() < 0.5
    return f"{rng.choice(WHO)} says that {rng.choice(WHEN)}"
