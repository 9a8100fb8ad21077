"""What texts are that mean no number and no time: yes and no, cells of a scale, tags, texts of several parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthkit.formats.composed import INVENTED, Composed
from synthkit.formats.detect import LEAST_SHARE, Detected
from synthkit.formats.form import Form
from synthkit.formats.guess_composed import guess_composed
from synthkit.formats.intervals import guess_intervals
from synthkit.formats.language import nameable, parse_form
from synthkit.formats.tags import guess_tags
from synthkit.formats.words import guess_words
from synthkit.schema import MIN_COUNT

if TYPE_CHECKING:
    import pyarrow as pa

MOST_INTERVALS = 1_000
SHARED = 0.5  # of the rows have a value of a code's part that several have: else nothing of it is learnt
REPEATING = 0.9  # different values to one row, at most, of digits that begin with something shared
_ODD = 3


def detect_text(sample: Sequence[str], texts: pa.Array, counts: pa.Array, *, category: bool) -> Detected | None:
    """The form that a column of text is written in; None where it is none of these.

    Args:
        sample: different values.
        texts: all of them, the commonest first.
        counts: how many rows have each.
        category: whether they are few enough to be learnt each: then only what is a person's own is looked for, and
            scales and yes and no.
    """
    if len(texts) == 2 and (found := nameable(guess_words(sorted(texts.to_pylist())))):
        return Detected(found[0], "categorical", 1.0)
    for form in nameable(guess_intervals(sample)):
        detected = _detected(form, texts, counts)
        if detected is not None and len(texts) <= MOST_INTERVALS and _repeats(counts):
            return detected
    if not category:
        for form in nameable(guess_tags(sample)):
            if (detected := _detected(form, texts, counts)) is not None:
                return detected
    guessed = nameable(guess_composed(sample))
    found_forms = [d for form in guessed if (d := _detected(form, texts, counts)) is not None]
    if found_forms and texts[0].as_py().isdigit() and len(texts) > REPEATING * sum(counts.to_pylist()):
        return None  # numbers of which nearly each row has its own: any beginning of them is shared by some
    for detected in found_forms:
        form_ = parse_form(detected.form)
        assert isinstance(form_, Composed)
        if form_.personal or (not category and (form_.plural != "codes" or _tells(form_, texts, counts))):
            others = [d for d in found_forms if d is not detected and d.share == detected.share]
            rows = sum(counts.to_pylist()) if others else 0
            return _with_other(detected, others[0].form if others else None, rows)
    return None


def looks_written(sample: Sequence[str]) -> bool:
    """Whether these different values may have one of these forms, so that all are worth a look."""
    guesses = (guess_words(list(sample)), guess_intervals(sample), guess_tags(sample), guess_composed(sample))
    return any(guesses)


def _with_other(detected: Detected, other: str | None, rows: int) -> Detected:
    return Detected(detected.form, detected.type, detected.share, rows, other, detected.odd)


def _detected(text: str, texts: pa.Array, counts: pa.Array) -> Detected | None:
    import pyarrow.compute as pc

    form: Form = parse_form(text)
    fits = form.read(texts).fits
    share = (pc.sum(pc.if_else(fits, counts, 0)).as_py() or 0) / pc.sum(counts).as_py()
    if share < LEAST_SHARE:
        return None
    return Detected(text, form.type, share, odd=tuple(texts.filter(pc.invert(fits)).to_pylist()[:_ODD]))


def _repeats(counts: pa.Array) -> bool:
    """Whether nearly all rows have a value that several have."""
    import pyarrow.compute as pc

    common = pc.sum(pc.if_else(pc.greater_equal(counts, MIN_COUNT), counts, 0)).as_py() or 0
    return bool(common >= LEAST_SHARE * pc.sum(counts).as_py())


def _tells(form: Composed, texts: pa.Array, counts: pa.Array) -> bool:
    """Whether several rows share a part of a code, so that something of it can be learnt."""
    import pyarrow as pa

    for shape in form.shapes:
        parts, fits = shape.read(texts)
        rows = counts.filter(fits)
        for part in shape.parts:
            if part.said in INVENTED:
                continue
            table = pa.table({"v": parts[part.name].filter(fits), "n": rows}).group_by("v").aggregate([("n", "sum")])
            held = [n for n in table["n_sum"].to_pylist() if n >= MIN_COUNT]
            if sum(held) >= SHARED * sum(rows.to_pylist()):
                return True
    return False
