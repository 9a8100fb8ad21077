"""Words for the stand-in: answers to a JSON schema, from a seed. Legal questions where the schema asks for pairs.

About a quarter of the pairs have something wrong with them on purpose (:data:`FLAWS`), so that filters have work.
"""

from __future__ import annotations

import re
from random import Random
from typing import Any

PARTIES = [
    "a landlord", "a tenant", "a software supplier", "a hospital", "a contractor", "a small bakery", "a bank",
    "an insurer", "a school district", "a freelance designer", "a shipping company", "a hotel guest", "a city council",
    "an online retailer", "a farmer", "a former employee", "a minority shareholder", "a driver", "a charity",
]  # fmt: skip
MATTERS = {
    "contracts": [
        "a supply agreement without a fixed price", "an option to renew a lease", "a clause on liquidated damages",
        "an oral promise to extend credit", "a non-compete covenant", "an acceptance sent by post",
        "a waiver of warranty", "a mistake about the quantity sold", "a force majeure clause", "a signed term sheet",
        "an exclusion of consequential loss", "a right of first refusal", "a personal guarantee", "a late delivery",
    ],
    "torts": [
        "a fall on an icy staircase", "a defective kitchen appliance", "a misdiagnosed fracture",
        "a false statement in a newspaper", "a dog bite in a public park", "smoke that drifts from a factory",
        "a collapsed scaffold", "negligent advice about an investment", "a trespass during a survey",
        "an injury at a school trip", "a spilled chemical", "a locked emergency exit", "a copied customer list",
    ],
    "procedure": [
        "a motion to dismiss", "a late notice of appeal", "service of process abroad", "a request for documents",
        "a default judgment", "a class certification", "an interim injunction", "a change of venue",
        "an expert's written report", "a settlement offer before trial", "a counterclaim", "costs after withdrawal",
        "a stay pending arbitration", "an amended statement of claim",
    ],
}  # fmt: skip
QUESTIONS = [
    "Which defences can {a} raise against {b} in a dispute over {m}?",
    "Explain how a court would treat {m} between {a} and {b}.",
    "What must {a} prove to succeed against {b} where the claim concerns {m}?",
    "Summarise the risks that {m} creates for {a}.",
    "Draft a short letter in which {a} writes to {b} about {m}.",
    "List the steps that {a} should take within thirty days of {m}.",
    "Compare the position of {a} with that of {b} after {m}.",
    "Is {m} enough for {a} to end the relationship with {b}?",
    "Describe the evidence that {b} should keep because of {m}.",
    "How does the burden of proof fall when {a} relies on {m} against {b}?",
    "Advise {a} whether {m} may be raised for the first time on appeal.",
    "Give an example in which {m} helps {b} rather than {a}.",
]
FACTS = [
    "The parties signed on 3 March, and the dispute arose in June.", "Nothing was put in writing.",
    "The sum in dispute is 48,000 dollars.", "Both sides were represented by counsel.",
    "The event happened on private ground.", "The first instance court found for the defendant.",
    "A notice was sent, but it reached the other side nine days late.", "",
]  # fmt: skip
CIRCUMSTANCES = [
    "the price went up in spring", "the letter came too late", "nobody signed the form", "the office was closed",
    "the owner moved abroad last year", "two people shared the account", "the device had been sold before",
    "the bank sent the money back", "the other side does not answer", "the limit was reached on a Sunday",
    "the agreement is six years old", "a neighbour has the same trouble", "no technician ever came",
    "the text on the page is unclear", "the first answer was wrong", "the payment was made twice",
    "a storm had cut the line", "the offer named another price", "a child had ordered something",
    "the amount was read off by a machine", "time is short", "the witness has changed her mind",
    "part of the file was lost in a move", "an interpreter was needed", "the goods came in three deliveries",
    "one page is in another handwriting", "the date was corrected by hand", "a second buyer appeared",
]  # fmt: skip

OPENINGS = [
    "The starting point is the text that governs {m}.", "A court first asks whether {a} owed {b} a duty.",
    "Everything turns on what {a} knew at the time.", "The general rule favours {b}, with two exceptions.",
    "The answer depends on whether notice was given in time.", "In most jurisdictions {m} is judged by reasonableness.",
    "There is no single test, but three factors recur.", "The claim has two elements, and both need evidence.",
]  # fmt: skip
MIDDLES = [
    "First, {a} should collect every message, invoice and photograph that bears on {m}.",
    "If {b} relied on the statement to its cost, the promise may bind even without consideration.",
    "The loss has to be foreseeable, and it must follow from the breach rather than from a later event.",
    "A judge will weigh the cost of precaution against the probability and the gravity of the harm.",
    "Where the wording is ambiguous, it is read against the side that drafted it.",
    "{b} may answer that the claim is out of time, which is decided before the merits.",
    "Damages put {a} where performance would have put it, less whatever it could reasonably have saved.",
    "Partial fault of {a} reduces the award in proportion and seldom removes it.",
    "A short extension is usually granted when no prejudice to {b} is shown.",
    "Records made at the time carry more weight than recollections given at trial.",
    "An injunction is refused when money is an adequate remedy for {m}.",
    "Courts look behind the label that the parties chose and ask what they really agreed.",
]
ENDINGS = [
    "For these reasons {a} has a fair, though not certain, case.", "It is prudent to settle early.",
    "On balance {b} is likely to prevail.", "Local rules differ, so counsel should check them first.",
    "The better course is to give notice in writing today.", "Costs normally follow the result.",
    "Failing that, mediation offers {a} a quicker end.", "An appeal on this point would rarely succeed.",
]  # fmt: skip
FOREIGN = [
    ("Welche Rechte hat der Mieter, wenn die Heizung im Winter ausfällt?",
     "Der Mieter kann die Miete mindern und den Vermieter schriftlich zur Reparatur auffordern."),
    ("Quels sont les recours du consommateur en cas de livraison tardive ?",
     "Le consommateur peut mettre le vendeur en demeure, puis résoudre le contrat et obtenir le remboursement."),
    ("¿Qué plazo tiene el demandado para contestar la demanda?",
     "El demandado dispone de veinte días hábiles desde la notificación para presentar su contestación."),
]  # fmt: skip
FLAWS = {"repeat": 0.06, "near": 0.06, "boilerplate": 0.03, "short": 0.03, "foreign": 0.03, "email": 0.03}
PAIR = {"instruction", "response"}  # a form that has either is filled from a pair


def pair(random: Random, topic: str = "") -> dict[str, str]:
    """An instruction, its input (often empty) and a response; sometimes flawed."""
    draw = random.random()
    for flaw, share in FLAWS.items():
        if draw < share:
            return _flawed(random, topic, flaw)
        draw -= share
    return _sound(random, topic)


def _sound(random: Random, topic: str) -> dict[str, str]:
    known = [name for name in MATTERS if name in topic.lower()]
    matter = random.choice(MATTERS[known[0] if known else random.choice(sorted(MATTERS))])
    a, b = random.sample(PARTIES, 2)

    def said(text: str) -> str:
        text = text.format(a=a, b=b, m=matter)
        return text[0].upper() + text[1:]

    middles = random.sample(MIDDLES, random.choice([2, 2, 3]))
    response = " ".join(said(s) for s in [random.choice(OPENINGS), *middles, random.choice(ENDINGS)])
    asked = said(random.choice(QUESTIONS)) + f" Note that {random.choice(CIRCUMSTANCES)}."
    facts = random.choice(FACTS) if random.random() < 0.3 else ""
    return {"instruction": asked, "input": facts, "response": response}


def _flawed(random: Random, topic: str, flaw: str) -> dict[str, str]:
    if flaw == "foreign":
        question, answer = random.choice(FOREIGN)
        return {"instruction": question, "input": "", "response": answer}
    # Repeats come from forty pairs that every answer shares.
    made = _sound(Random(f"shared {random.randrange(40)}") if flaw in ("repeat", "near") else random, topic)
    if flaw == "near":
        made["instruction"] = random.choice(["Please: ", "Briefly, ", "In your own words: "]) + made["instruction"]
    elif flaw == "boilerplate":
        made["response"] = "As an AI language model, I cannot give legal advice. " + made["response"]
    elif flaw == "short":
        made["response"] = random.choice(["Yes.", "No.", "It depends."])
    elif flaw == "email":
        made["response"] += f" Write to clerk{random.randrange(900)}@court-office.example.org with questions."
    return made


def fill(schema: dict[str, Any], random: Random, asked: str) -> Any:
    """A value of ``schema``. ``asked``: the user's text, of which `Write N items.` and `Topic: X` are obeyed."""
    return _fill(schema, schema.get("$defs", {}), random, asked, "")


def _fill(node: dict[str, Any], shared: dict[str, Any], random: Random, asked: str, name: str) -> Any:
    if "$ref" in node:
        return _fill(shared[node["$ref"].rsplit("/", 1)[-1]], shared, random, asked, name)
    for combined in ("anyOf", "oneOf", "allOf"):
        if combined in node:
            return _fill(node[combined][0], shared, random, asked, name)
    if "enum" in node:
        return random.choice(node["enum"])
    if "const" in node:
        return node["const"]
    kind = node.get("type")
    if kind == "object":
        fields = node.get("properties", {})
        values: dict[str, Any] = pair(random, _topic(asked)) if PAIR & set(fields) else {}
        return {k: values[k] if k in values else _fill(v, shared, random, asked, k) for k, v in fields.items()}
    if kind == "array":
        wanted = re.search(r"\b(?:[Ww]rite|Score|Fill|Answer) (\d+) items?\b", asked)
        count = int(wanted.group(1)) if wanted else 3
        made = [_fill(node.get("items", {"type": "string"}), shared, random, asked, name) for _ in range(count)]
        for number, value in enumerate(made, 1):
            if isinstance(value, dict) and "item" in value:
                value["item"] = number  # items are judged in their order
            elif isinstance(value, dict) and "row" in value:
                value["row"] = number
        return made
    if kind == "integer":
        return random.choice([1, 2, 3, 4, 4, 4, 5, 5, 5, 5]) if name == "score" else random.randint(1, 5)
    if kind == "number":
        return round(random.uniform(1, 5), 2)
    if kind == "boolean":
        return random.random() < 0.5
    return None if kind == "null" else _words(random, asked, name)


def _topic(asked: str) -> str:
    found = re.search(r"^Topic: *(.+)$", asked, re.MULTILINE)
    return found.group(1) if found else ""


def _words(random: Random, asked: str, name: str) -> str:
    if name == "reason":
        return random.choice(["It is correct and complete.", "It misses an exception.", "The wording is vague."])
    heard = re.findall(r"[A-Za-z]{4,}", asked)[-40:] or ["nothing"]
    return f"A note on {' and '.join(random.sample(heard, min(3, len(heard))))}.".lower().capitalize()
