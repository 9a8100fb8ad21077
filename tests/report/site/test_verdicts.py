"""What became of a table: the last run's word, else the receipt's; the worst audits first."""

from __future__ import annotations

from synthkit.privacy.disclosure import WITHHELD, public_audits
from synthkit.report.site.verdicts import ORDER, SIGNS, WORDS, audit_views, outcome, slug
from synthkit.results import ModelResult
from tests.receipts import receipt
from tests.report.runs import BROKEN, KS, NOT_NULL, REUSED, UNTOLD, WARNED, audit, run
from tests.report.site.inputs import site_input

RECEIPT = receipt(run_id="r0", rows=7, audits=[NOT_NULL, WARNED])


def test_every_verdict_has_a_sign_and_a_word() -> None:
    assert set(SIGNS) == set(WORDS) == set(ORDER) >= {"pass", "warn", "fail", "error", "inconclusive", "skipped"}
    assert len({(SIGNS[s], WORDS[s]) for s in SIGNS}) == len(SIGNS)


def test_the_last_run_decides() -> None:
    found = outcome(site_input(), "churn")
    assert found.verdict.status == "fail"
    assert [a.verdict.status for a in found.audits] == ["fail", "error", "pass"]
    assert not found.published


def test_a_failure_over_a_published_version_says_so() -> None:
    found = outcome(site_input(receipts={"churn": RECEIPT}), "churn")
    assert (found.verdict.status, found.published, found.stale) == ("fail", True, True)


def test_a_table_that_the_run_left_out_stands_as_it_was_published() -> None:
    found = outcome(site_input(run=run(), receipts={"churn": RECEIPT}), "churn")
    assert (found.verdict.status, found.rows, found.run_id) == ("warn", 7, "r0")


def test_a_skipped_table_shows_the_audits_of_its_last_version() -> None:
    found = outcome(site_input(receipts={"report": RECEIPT}), "report")
    assert found.verdict.status == "skipped"
    assert len(found.audits) == 2
    assert found.stale


def test_what_is_unchanged_has_the_verdict_of_its_audits() -> None:
    data = site_input(
        run=run(ModelResult("churn", "reuse", "reused", rows=1, message="nothing changed", audits=(WARNED,)))
    )
    found = outcome(data, "churn")
    assert found.verdict.status == "warn"
    assert found.message == "unchanged: nothing changed"
    assert outcome(site_input(run=run(REUSED)), "churn").verdict.status == "none"


def test_never_built() -> None:
    assert outcome(site_input(run=None), "churn").verdict.status == "none"


def test_two_audits_of_one_name_have_two_anchors() -> None:
    found = audit_views([KS, KS, audit("ks!", "pass")])
    assert len({a.anchor for a in found}) == 3


def test_withheld_figures_are_named_and_nothing_of_them_is_shown() -> None:
    (found,) = audit_views(public_audits([KS], {"ks"}))
    assert found.withheld
    assert found.axis is None
    assert found.message == ""
    assert found.figures == "figures withheld"
    assert WITHHELD not in repr(found.columns)


def test_columns_are_shown_on_the_audits_scale() -> None:
    parts = [
        {"column": c, "value": v, "status": s, "ci_low": v - 0.01, "ci_high": v + 0.01, "floor": 0.03, "message": ""}
        for c, v, s in (("age", 0.182, "fail"), ("spend", 0.02, "pass"))
    ]
    (found,) = audit_views([KS.having(columns=parts)])
    age, spend = found.columns
    assert age.axis is not None
    assert spend.axis is not None
    assert age.axis.limit == spend.axis.limit
    assert spend.axis.value < (spend.axis.limit or 0) < age.axis.value


def test_a_limit_that_follows_the_floor_is_not_the_other_columns() -> None:
    part = {
        "column": "age",
        "value": 0.05,
        "status": "pass",
        "ci_low": 0.04,
        "ci_high": 0.06,
        "floor": 0.03,
        "message": "",
    }
    record = audit("ks", "pass", value=0.1, threshold="within 2x floor", limit=0.12, better="lower", columns=[part])
    (found,) = audit_views([record])
    assert found.axis is not None
    assert found.axis.limit is not None
    assert found.columns[0].axis is not None
    assert found.columns[0].axis.limit is None


def test_advice_is_given_for_failures_alone() -> None:
    failed, broke, untold = audit_views([KS, BROKEN, UNTOLD])
    assert failed.advice
    assert broke.advice is None
    assert untold.advice is None


def test_slugs_are_plain_and_differ_where_names_do() -> None:
    names = ["a", "A", "a_b", "a.b", "a b", "ä", "a/b", "a..b", "a.2e.b", "../../etc", "a-b"]
    slugs = [slug(n) for n in names]
    assert len(set(slugs)) == len(names)
    assert all("/" not in s and not s.startswith(("..", "/")) for s in slugs)
