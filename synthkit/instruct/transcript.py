"""What was asked for a table, in order, so that other filters can judge the same answers.

A request shows accepted items, so what is asked depends on the filters: with others, other requests would be sent, and
what was paid for would lie unused. So each build notes its requests; a build whose filters differ, and nothing else
that requests are made of, first takes the answers of the build before it again, and asks only for what is then still
missing. Which build that was is noted before the first row, with its requests: the same filters give the same rows
ever after, whatever is built in between.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from synthkit.errors import BuildError
from synthkit.files import replacing
from synthkit.instruct import prompts
from synthkit.instruct.items.item import Item
from synthkit.instruct.topics import Topic
from synthkit.llm.requests import Prompt

if TYPE_CHECKING:
    from synthkit.instruct.params import SelfInstructParams

VERSION = 1
FOLDER = "runs"  # below the folder of the table's kept answers
FORMS = {form.__name__: form for form in (prompts.Drafts, prompts.Tasks, prompts.Responses, prompts.Scores)}
Kind = Literal["generate", "evolve", "respond", "judge"]


@dataclass(frozen=True)
class Heard:
    """A request whose answer was taken.

    Args:
        kind: what it asked for.
        parents: row numbers of the seeds that it showed.
        shown: the items that it is about, in the order in which it lists them; none where it asks for new ones.
    """

    kind: Kind
    topic: Topic
    parents: tuple[int, ...]
    prompt: Prompt
    shown: tuple[Item, ...] = ()

    def to_json(self) -> dict[str, Any]:
        prompt = {**vars(self.prompt), "form": self.prompt.form.__name__}
        kept = {k: prompt[k] for k in ("model", "system", "user", "form", "max_tokens", "label", "nonce")}
        kept |= self.prompt.asked_of
        shown = [asdict(item) for item in self.shown]
        return {"kind": self.kind, "topic": self.topic, "parents": list(self.parents), "prompt": kept, "shown": shown}

    @staticmethod
    def from_json(data: dict[str, Any]) -> Heard:
        prompt = Prompt(**{**data["prompt"], "form": FORMS[data["prompt"]["form"]]})
        shown = tuple(Item(**item) for item in data["shown"])
        return Heard(data["kind"], data["topic"], tuple(data["parents"]), prompt, shown)


class Transcripts:
    """The transcripts of one table's builds, in ``folder``; this one's is named by ``asked`` and ``filters``.

    Args:
        asked: SHA-256 of what requests are made of, but for the filters.
        filters: SHA-256 of all that decides which items stay.
    """

    def __init__(self, folder: Path, asked: str, filters: str) -> None:
        self._others = f"{asked[:16]}-*.json.gz"
        self.path = folder / FOLDER / f"{asked[:16]}-{filters[:16]}.json.gz"
        self._basis: tuple[Heard, ...] = ()

    def begin(self) -> tuple[Heard, ...]:
        """The requests whose answers are to be taken first: those of an earlier build with other filters, if any."""
        if self.path.exists():
            self._basis = _read(self.path)[0]
            return self._basis
        others = [sum(_read(path), ()) for path in sorted(self.path.parent.glob(self._others))]
        self._basis = max(others, key=len, default=())
        self._write(())
        return self._basis

    def end(self, heard: Sequence[Heard]) -> None:
        """Note the requests of this build, those after :meth:`begin`'s."""
        self._write(heard)

    def _write(self, heard: Sequence[Heard]) -> None:
        data = {"version": VERSION, "basis": [h.to_json() for h in self._basis], "heard": [h.to_json() for h in heard]}
        with replacing(self.path) as temporary:
            temporary.write_bytes(gzip.compress(json.dumps(data, ensure_ascii=False).encode("utf-8", "surrogatepass")))


def _read(path: Path) -> tuple[tuple[Heard, ...], tuple[Heard, ...]]:
    """The basis of a build, and what it asked itself."""
    try:
        data = json.loads(gzip.decompress(path.read_bytes()).decode("utf-8", "surrogatepass"))
        basis, heard = (tuple(Heard.from_json(h) for h in data[part]) for part in ("basis", "heard"))
    except (OSError, ValueError, EOFError, KeyError, TypeError, AttributeError) as error:
        hint = "remove it: with other filters, requests are then made anew"
        raise BuildError(f"{path} does not say what was asked: {error}", hint=hint) from error
    return basis, heard


def names_of(
    params: SelfInstructParams, seeds: Sequence[Item], held_out: Sequence[Item], seed: int, filters: str
) -> tuple[str, str]:
    """The two hashes that name a build's transcript. The judge's least score is a filter, too."""
    judge = params.judge
    asked = {
        "version": VERSION,
        "seed": seed,
        "seeds": [asdict(item) for item in seeds],
        "teacher": [params.teacher.model, params.teacher.most, *params.teacher.apart],
        "judge": None if judge is None else [judge.model, judge.max_tokens],
        **{k: getattr(params, k) for k in ("domain", "per_request", "responses", "evolve", "examples")},
        "topics": {topic: float(share) for topic, share in params.topics.items()},
    }
    kept = {
        "filters": filters,
        "min_score": None if judge is None else judge.min_score,
        "held_out": [asdict(item) for item in held_out],
    }
    return _sha256(asked), _sha256(kept)


def _sha256(data: Any) -> str:
    text = json.dumps(data, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
