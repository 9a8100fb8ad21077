"""Texts of several parts, tags, intervals, yes and no: read and written back, and recognised with evidence."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synthkit.formats.composed import Composed
from synthkit.formats.detect import Detected, candidates, detect
from synthkit.formats.detect_texts import detect_text, looks_written
from synthkit.formats.intervals import Interval
from synthkit.formats.language import parse_form
from synthkit.formats.tags import Tags
from synthkit.formats.words import Words

WORD = st.text("abcdefgh", min_size=1, max_size=6)
LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?", fullmatch=True)
PARTS = {
    "{user}@{domain}": st.builds("{}@{}.{}".format, WORD, LABEL, LABEL),
    "{AA}-{9999}": st.from_regex(r"[A-Z]{2}-[0-9]{4}", fullmatch=True),
    "INV{9999}/{9…}": st.from_regex(r"INV[0-9]{4}/[0-9]{1,6}", fullmatch=True),
    "{site}{path}": st.builds("https://{}.com{}".format, LABEL, st.sampled_from(["", "/", "/a/b?c=1", "#top"])),
    "({area}) {exchange}-{line}": st.from_regex(r"\([2-9][0-9]{2}\) [2-9][0-9]{2}-[0-9]{4}", fullmatch=True),
    "{octet}.{octet}.{octet}.{octet}": st.ip_addresses(v=4).map(str),
}


@settings(deadline=None, max_examples=60)
@given(st.data(), st.sampled_from(sorted(PARTS)))
def test_texts_of_several_parts_are_put_together_again_as_they_were(data: st.DataObject, form: str) -> None:
    texts = data.draw(st.lists(PARTS[form], min_size=1, max_size=5))
    composed = parse_form(form)
    assert isinstance(composed, Composed)
    (shape,) = composed.shapes
    parts, fits = shape.read(pa.array(texts))
    assert all(fits.to_pylist()), texts
    assert shape.write(parts).to_pylist() == texts


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(-900_000, 900_000), st.integers(-1_800_000, 1_800_000)), min_size=1))
def test_coordinates_come_back(places: list[tuple[int, int]]) -> None:
    texts = [f"{lat / 10_000:.4f}, {lon / 10_000:.4f}" for lat, lon in places]
    texts = [t.replace("-0.0000", "0.0000") for t in texts]
    composed = parse_form("{lat 1234.5678}, {lon 1234.5678}")
    assert isinstance(composed, Composed)
    parts, fits = composed.shapes[0].read(pa.array(texts))
    assert all(fits.to_pylist())
    assert parts["lat"].to_pylist() == [lat / 10_000 for lat, _ in places]
    assert composed.shapes[0].write(parts).to_pylist() == texts


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(WORD, min_size=1, max_size=4, unique=True), min_size=1), st.sampled_from([";", ", ", " | "]))
def test_lists_of_tags_come_back(lists: list[list[str]], between: str) -> None:
    form = parse_form(f"{{tag}}{between}…")
    assert isinstance(form, Tags)
    assert [list(form.split(form.joined(tags)) or ()) for tags in lists] == lists


@settings(deadline=None, max_examples=60)
@given(st.sets(st.integers(-(10**6), 10**6), min_size=2, max_size=20), st.sampled_from(["[1234-1234)", "(1234, 1234]"]))
def test_intervals_come_back_from_their_middles(cuts: set[int], form: str) -> None:
    edges = sorted(cuts)
    opening, between, closing = form[0], form[5:-5], form[-1]
    known = [f"{opening}{a}{between}{b}{closing}" for a, b in pairwise(edges)]
    interval = parse_form(form)
    assert isinstance(interval, Interval)
    read = interval.read(pa.array(known))
    assert all(read.fits.to_pylist())
    assert interval.nearest(read.values, known).to_pylist() == known


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("{user}@{domain}", "ada@localhost"),
        ("{AA}-{9999}", "Ab-1234"),
        ("{lat 1234.56}, {lon 1234.56}", "91.00, 3.00"),
        ("{lat 1234.56}, {lon 1234.56}", "40.1, 3.00"),
        ("{octet}.{octet}.{octet}.{octet}", "256.1.1.1"),
        ("({area}) {exchange}-{line}", "(115) 555-0100"),
        ("[1234-1234)", "[80-70)"),
        ("{tag};…", "a;;b"),
        ("{tag};…", "a;a"),
        ("yes/no", "Yes"),
    ],
)
def test_what_does_not_have_the_form_is_not_read(form: str, text: str) -> None:
    assert parse_form(form).read(pa.array([text])).fits.to_pylist() == [False]


@pytest.mark.parametrize("form", ["{AB}", "{user@{domain}", "{9…}{99}", "{lat}", "yes/yes", "[1234-1234"])
def test_what_is_no_form_is_said(form: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_form(form)


def test_the_words_of_yes_and_no() -> None:
    for form, values in (("N/Y", ("N", "Y")), ("ja/nein", ("nein", "ja")), ("0/1", ("0", "1"))):
        words = parse_form(form)
        assert isinstance(words, Words)
        assert words.values == values


# -- recognised ------------------------------------------------------------------------------------------

RNG = random.Random(4)


def found(values: list[str], *, category: bool = False) -> Detected | None:
    counted = pc.value_counts(pa.array(values, pa.string()))
    rows = sorted(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
    rows.sort(key=lambda r: -r[1])
    texts, counts = pa.array([t for t, _ in rows]), pa.array([n for _, n in rows])
    sample = sorted(texts.to_pylist())[:500]
    return detect_text(sample, texts, counts, category=category) if looks_written(sample) else None


def _phone() -> str:
    number = f"{RNG.choice([212, 415, 646])}", f"{RNG.randint(200, 999)}", f"{RNG.randint(0, 9999):04d}"
    return "({}) {}-{}".format(*number) if RNG.random() < 0.6 else "{}-{}-{}".format(*number)


@pytest.mark.parametrize(
    ("form", "written"),
    [
        ("{user}@{domain}", lambda i: f"u{i}@{RNG.choice(['a.org', 'b.com'])}"),
        ("{site}{path}", lambda i: f"https://{RNG.choice(['a.org', 'b.com'])}/{i}"),
        ("{octet}.{octet}.{octet}.{octet}", lambda i: f"10.{i % 3}.{RNG.randint(0, 255)}.{RNG.randint(0, 255)}"),
        ("({area}) {exchange}-{line} | {area}-{exchange}-{line}", lambda _: _phone()),
        ("{lat 1234.567}, {lon 1234.567}", lambda _: f"{RNG.uniform(40, 41):.3f}, {RNG.uniform(-74, -73):.3f}"),
        ("({lon 1234.56};{lat 1234.56})", lambda _: f"({RNG.uniform(100, 141):.2f};{RNG.uniform(30, 45):.2f})"),
        (
            "{lat 1234.56}° {N/S}, {lon 1234.56}° {E/W}",
            lambda _: (
                f"{RNG.uniform(0, 9):.2f}° {RNG.choice('NS')}, {RNG.uniform(0, 99):.2f}° W"[:-1] + RNG.choice("EW")
            ),
        ),
        ("{AA}-{9999}", lambda _: f"{RNG.choice(['AB', 'CD'])}-{RNG.randint(0, 9999):04d}"),
        ("INV{9999}/{9…}", lambda i: f"INV{RNG.randint(2019, 2023)}/{i}"),
        (
            "{tag};…",
            lambda _: ";".join(RNG.sample(["red", "green", "blue", "gold", "pink", "black"], RNG.randint(1, 4))),
        ),
        ("[1234-1234)", lambda i: f"[{i % 9 * 10}-{i % 9 * 10 + 10})"),
        ("(1234.5…, 1234.5…]", lambda i: f"({i % 4 * 0.5:g}, {i % 4 * 0.5 + 0.5:g}]"),
        ("Y/N", lambda _: RNG.choice("YN")),
        ("on/off", lambda _: RNG.choice(["on", "off"])),
    ],
)
def test_what_texts_are(form: str, written: Callable[[int], str]) -> None:
    one = found([written(i) for i in range(600)])
    assert one is not None
    assert (one.form, one.share) == (form, 1.0)


@pytest.mark.parametrize(
    "written",
    [
        lambda i: f"{i} {RNG.choice(['oak', 'elm'])} street",
        lambda _: f"{RNG.choice(['Ada', 'Bob'])} {RNG.choice(['Lee', 'Ray', 'Poe'])}-{RNG.randint(0, 10**6)} said so",
        lambda i: f"Smith{i}, {RNG.choice(['John', 'Ann'])}",
        lambda i: f"{RNG.randint(0, 10**9):09d}",  # one run of digits: nothing tells it from a name
        lambda i: f"{RNG.randint(0, 10**6):06d}-{RNG.randint(0, 10**6):06d}",  # nobody shares a part
    ],
)
def test_what_is_free_text(written: Callable[[int], str]) -> None:
    assert found([written(i) for i in range(600)]) is None


def test_evidence_is_said() -> None:
    values = [f"u{i}@a.org" for i in range(95)] + ["unknown"] * 5
    one = found(values)
    assert one is not None
    assert (one.share, one.odd) == (0.95, ("unknown",))
    assert "95.0% of its values; not 'unknown'" in one.said("mail")
    assert "the rest is made up" in one.said("mail")
    places = found([f"{RNG.uniform(40, 41):.3f}, {RNG.uniform(50, 51):.3f}" for _ in range(100)])
    assert places is not None
    assert places.other == "{lon 1234.567}, {lat 1234.567}"


def test_a_persons_address_is_recognised_among_categories_too() -> None:
    mails = [f"u{i % 20}@a.org" for i in range(600)]
    one = found(mails, category=True)
    assert one is not None
    assert one.form == "{user}@{domain}"
    assert found([f"AB-{i % 20:04d}" for i in range(600)], category=True) is None


@settings(deadline=None, max_examples=150)
@given(st.lists(st.text("{}|/%…1a2B;, -[)(.@", min_size=1, max_size=9), min_size=25, max_size=40, unique=True))
def test_whatever_the_texts_are_what_is_found_can_be_named(texts: list[str]) -> None:
    """A guess is made of signs that stand in the values: it must never be one that nobody can declare."""
    shaped = [f"{texts[0]}{t}{texts[1]}" for t in texts]
    for values in (texts, shaped, [f"{{{i}}}" for i in range(30)], [f"{{{i}" for i in range(30)]):
        array, counts = pa.array(values), pa.array([1] * len(values))
        forms = candidates("x", values, whole=False)
        for one in (detect(forms, array, counts) if forms else None, found(values)):
            assert one is None or parse_form(one.form).text == one.form
