"""How good synthetic rows are, judged by real rows that no generator has seen.

``tstr``    train on synthetic, test on real (Esteban, Hyland, Rätsch 2017): what a model learnt from the synthetic rows
            is worth on held-out real ones. ROC AUC in [0, 1] for a class, R² at most 1 for a number; more is better.
``c2st``    classifier two-sample test (Lopez-Paz, Oquab 2017): cross-validated ROC AUC of telling held-out real rows
            from as many synthetic ones; 0.5 means they cannot be told apart, 1 that they always can. Each is given for
            two kinds of classifier, so that a generator cannot win by suiting one of them; ``c2st_between`` is that of
            boosting which is shown differences of columns of like kind, too, chosen on the training rows.
``nearest`` the price of closeness: ROC AUC of telling training rows from held-out ones by how near the nearest
            synthetic row is (Chen et al. 2020, "GAN-Leaks"); 0.5 means that nothing shows who was trained on.
``shapes``, ``trends``   the two properties of the SDMetrics quality report, in [0, 1]; more is better. Trends are
            of the pairs that it scores: ``pairs`` is the likeness of the two-way tables of all pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from benchmarks.generators.between import all_pairs, chosen, with_differences

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from benchmarks.generators.datasets import Dataset, Rows

FOLDS = 5
NEAREST = 2_500  # rows of each side that the nearest synthetic one is sought for
DRAWS = 3  # samples of the synthetic rows that c2st is averaged over
TREES = 100
CATEGORIES = 252  # histogram gradient boosting takes 255: these, the rarer real ones, and invented ones
RARE, INVENTED, MISSING = "\0rare", "\0invented", "\0missing"

Classifier = Literal["boosting", "forest"]


@dataclass(frozen=True)
class Scores:
    """The figures of one synthetic table; the last three are nan where runs of before did not ask for them."""

    tstr: float
    c2st: float
    c2st_forest: float
    shapes: float
    trends: float
    nearest: float = float("nan")
    c2st_between: float = float("nan")
    pairs: float = float("nan")

    def to_json(self) -> dict[str, float]:
        return asdict(self)


def score(synthetic: pd.DataFrame, rows: Rows) -> Scores:
    """Judge ``synthetic`` (any number of rows; as many as training rows by convention) by the held-out rows."""
    import pandas as pd

    drawn = conform(synthetic, rows.test)
    shapes, trends = quality(drawn, rows.test)
    return Scores(
        tstr=tstr(drawn, rows),
        c2st=c2st(drawn, rows),
        c2st_forest=c2st(drawn, rows, classifier="forest"),
        shapes=shapes,
        trends=trends,
        nearest=nearest(drawn, rows),
        c2st_between=c2st(drawn, rows, between=True),
        pairs=all_pairs(drawn, rows.test, pd.concat([rows.train, rows.test], ignore_index=True)),
    )


def conform(synthetic: pd.DataFrame, real: pd.DataFrame) -> pd.DataFrame:
    """The synthetic rows in the columns and pandas types of the real ones.

    Raises ValueError where a column is missing. A value that is no number in a column of numbers becomes missing, and
    so counts against the generator.
    """
    import pandas as pd

    absent = [c for c in real.columns if c not in synthetic.columns]
    if absent:
        raise ValueError(f"the synthetic rows lack the columns {', '.join(map(str, absent))}")
    columns: dict[str, Any] = {}
    for name in real.columns:
        values = synthetic[name]
        kind = kind_of(real[name])
        if kind == "moment":
            values = pd.to_datetime(values, errors="coerce").astype("datetime64[ns]")
        elif kind == "number":
            values = pd.to_numeric(values, errors="coerce").astype("float64")
        else:
            values = values.astype(object).where(values.notna(), None)
        columns[name] = values.to_numpy()
    return pd.DataFrame(columns)


def kind_of(column: pd.Series[Any]) -> Literal["moment", "number", "category"]:
    """What the values of a real column are to a classifier and to SDMetrics."""
    from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

    if is_datetime64_any_dtype(column):
        return "moment"
    return "number" if is_numeric_dtype(column) and not is_bool_dtype(column) else "category"


def features(frames: Sequence[pd.DataFrame], known: pd.DataFrame) -> list[pd.DataFrame]:
    """The frames with numbers as float64 and all else as pandas categories that they share.

    The commonest values of ``known`` (real rows) are categories of their own. A real value beyond them is "rare", one
    that occurs in no known row is "invented": what a generator makes up stays visible.
    """
    import numpy as np
    import pandas as pd

    made: list[dict[str, Any]] = [{} for _ in frames]
    for name in known.columns:
        kind = kind_of(known[name])
        if kind == "category":
            counts = _labels(known[name]).value_counts()
            kept, every = list(counts.index[:CATEGORIES]), set(counts.index)
            dtype = pd.CategoricalDtype([*kept, RARE, INVENTED])
        for frame, columns in zip(frames, made, strict=True):
            if kind == "category":
                labels = _labels(frame[name])
                labels = labels.where(labels.isin(kept), labels.isin(every).map({True: RARE, False: INVENTED}))
                columns[name] = labels.astype(dtype)
            elif kind == "moment":
                moments = pd.to_datetime(frame[name]).astype("datetime64[s]")
                columns[name] = moments.astype("int64").where(moments.notna(), np.nan).astype("float64")
            else:
                columns[name] = frame[name].astype("float64")
    return [pd.DataFrame(columns) for columns in made]


def _labels(column: pd.Series[Any]) -> pd.Series[Any]:
    return column.astype(object).where(column.notna(), MISSING).astype(str)


def tstr(synthetic: pd.DataFrame, rows: Rows) -> float:
    """Train on the synthetic rows, test on the held-out ones: ROC AUC, or R² of a number.

    nan where the synthetic rows hold fewer than two classes, from which nothing can be learnt.
    """
    import pandas as pd
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.metrics import r2_score, roc_auc_score

    dataset = rows.dataset
    known = pd.concat([rows.train, rows.test], ignore_index=True)
    drawn, test = synthetic[synthetic[dataset.target].notna()], rows.test[rows.test[dataset.target].notna()]
    learn, judge = features([drawn, test], known)
    wanted, truth = _target(drawn, dataset, known), _target(test, dataset, known)
    learn, judge = learn.drop(columns=dataset.target), judge.drop(columns=dataset.target)
    if dataset.task == "number":
        regressor = HistGradientBoostingRegressor(random_state=0, categorical_features="from_dtype")
        return float(r2_score(truth, regressor.fit(learn, wanted).predict(judge)))
    if len(set(wanted)) < 2:
        return float("nan")
    classifier = HistGradientBoostingClassifier(random_state=0, categorical_features="from_dtype")
    return float(roc_auc_score(truth, classifier.fit(learn, wanted).predict_proba(judge)[:, 1]))


def _target(frame: pd.DataFrame, dataset: Dataset, known: pd.DataFrame) -> np.ndarray:
    column = frame[dataset.target]
    if dataset.task == "number":
        return column.to_numpy("float64")
    if dataset.task == "above":
        return (column > dataset.threshold).to_numpy()
    return (column.astype(str) == max(known[dataset.target].astype(str))).to_numpy()


def c2st(
    synthetic: pd.DataFrame,
    rows: Rows,
    classifier: Classifier = "boosting",
    draws: int = DRAWS,
    *,
    between: bool = False,
) -> float:
    """Cross-validated ROC AUC of telling held-out rows from as many synthetic ones, mean over ``draws`` of the latter.

    With ``between`` the classifier is shown differences of columns of like kind, too.

    Which categories exist is known from all real rows: if the held-out ones alone said so, then a training row of a
    rare category would look made up, and the floor would lie above 0.5.
    """
    import numpy as np
    import pandas as pd
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold, cross_val_predict

    test, known = rows.test, pd.concat([rows.train, rows.test], ignore_index=True)
    count = min(len(test), len(synthetic))
    pairs = chosen(rows.train) if between else []
    found = []
    for seed in range(draws):
        real = test.sample(count, random_state=seed)
        drawn = synthetic.sample(count, random_state=seed)
        values = with_differences(pd.concat(features([real, drawn], known), ignore_index=True), pairs)
        labels = np.repeat([0, 1], count)
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        model, values = _classifier(classifier, values)
        told = cross_val_predict(model, values, labels, cv=folds, method="predict_proba")[:, 1]
        found.append(roc_auc_score(labels, told))
    return float(np.mean(found))


def _classifier(name: Classifier, values: pd.DataFrame) -> tuple[Any, pd.DataFrame]:
    """An unfitted classifier, and the values as it wants them."""
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

    if name == "boosting":
        return HistGradientBoostingClassifier(random_state=0, categorical_features="from_dtype"), values
    numbers = values.apply(lambda c: c.cat.codes.astype("float64") if c.dtype == "category" else c)
    # Leaves of five rows: fully grown trees follow single rows, and see less of a difference between two tables.
    return RandomForestClassifier(TREES, min_samples_leaf=5, random_state=0, n_jobs=-1), numbers


def nearest(synthetic: pd.DataFrame, rows: Rows, most: int = NEAREST) -> float:
    """ROC AUC of telling ``most`` training rows from as many held-out ones by the nearest synthetic row.

    Distances are sums over columns: of a number or moment the difference of its ranks among all real rows, of a
    category or of being missing 0 or 1.
    """
    import numpy as np
    import pandas as pd
    from sklearn.metrics import roc_auc_score
    from sklearn.neighbors import NearestNeighbors

    known = pd.concat([rows.train, rows.test], ignore_index=True)
    count = min(most, len(rows.train), len(rows.test))
    sides = [side.sample(count, random_state=0) for side in (rows.train, rows.test)]
    *asked, drawn = _placed([*sides, synthetic], known)
    index = NearestNeighbors(n_neighbors=1, metric="manhattan", algorithm="brute").fit(drawn)
    inside, outside = (index.kneighbors(side)[0][:, 0] for side in asked)
    return float(roc_auc_score(np.repeat([1, 0], count), -np.concatenate([inside, outside])))


def _placed(frames: Sequence[pd.DataFrame], known: pd.DataFrame) -> list[np.ndarray]:
    """The rows as points, float32, in which a category has a coordinate of its own."""
    import numpy as np
    import pandas as pd

    *made, whole = features([*frames, known], known)
    parts: list[list[np.ndarray]] = [[] for _ in made]
    for name in whole.columns:
        if isinstance(whole[name].dtype, pd.CategoricalDtype):
            for frame, part in zip(made, parts, strict=True):
                part.append(np.eye(len(whole[name].cat.categories), dtype=np.float32)[frame[name].cat.codes] / 2)
            continue
        values = np.sort(whole[name].dropna().to_numpy())
        for frame, part in zip(made, parts, strict=True):
            absent = frame[name].isna().to_numpy()
            place = np.searchsorted(values, frame[name].fillna(0).to_numpy()) / max(1, len(values))
            part.append(np.stack([np.where(absent, 0.5, place), absent], axis=1).astype(np.float32))
    return [np.concatenate(part, axis=1) for part in parts]


def quality(synthetic: pd.DataFrame, test: pd.DataFrame) -> tuple[float, float]:
    """Column shapes and column pair trends of the SDMetrics quality report, against the held-out rows."""
    import contextlib
    import io
    import warnings

    import numpy as np
    from sdmetrics.reports.single_table import QualityReport

    names = {"moment": "datetime", "number": "numerical", "category": "categorical"}
    metadata = {"columns": {c: {"sdtype": names[kind_of(test[c])]} for c in test.columns}}
    report = QualityReport()
    np.random.seed(0)  # SDMetrics compares pairs on samples of large tables, drawn from the global state
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        report.generate(conform(test, test), synthetic, metadata, verbose=False)
    found = report.get_properties().set_index("Property")["Score"]
    return float(found["Column Shapes"]), float(found["Column Pair Trends"])
