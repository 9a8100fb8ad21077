"""Tables of sequences in which something holds in every row: what is drawn from them must hold it, too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

FIRST, LAST = pd.Timestamp("2021-01-04"), pd.Timestamp("2022-12-30")
HOLIDAYS = tuple(pd.Timestamp(d) for d in ("2021-08-02", "2021-12-27", "2022-01-03", "2022-05-02", "2022-12-26"))


@dataclass(frozen=True)
class Planted:
    """A table, and what holds in each entity's rows.

    Args:
        order: the column that the rows of one ``who`` follow one another by.
        kinds: column → logical type.
        holds: name → whether it holds in a frame.
        near: what is measured of a frame, and how far the drawn one may be from the real one.
    """

    name: str
    order: str
    kinds: dict[str, str]
    frame: Callable[[], pd.DataFrame]
    holds: dict[str, Callable[[pd.DataFrame], bool]]
    near: tuple[tuple[str, Callable[[pd.DataFrame], float], float], ...] = ()


def _each(check: Callable[[pd.DataFrame], bool]) -> Callable[[pd.DataFrame], bool]:
    return lambda frame: all(check(part) for _, part in frame.groupby("who", sort=False))


def _rising(column: str) -> Callable[[pd.DataFrame], bool]:
    return _each(lambda part: bool((part[column].diff().dropna() >= 0).all()))


def monthly() -> pd.DataFrame:
    """A row a month of each shop, from its opening to the end of the record or its closing; a level, a season, a
    trend, and for half of the shops a shift."""
    rng = np.random.default_rng(0)
    parts = []
    months = pd.date_range("2019-01-01", "2022-12-01", freq="MS")
    for who in range(150):
        begin = int(rng.integers(0, 24)) if who % 2 else 0
        end = len(months) if rng.random() < 0.8 else int(rng.integers(begin + 6, len(months)))
        t = np.arange(begin, end)
        level = rng.normal(100, 15) + 0.5 * t + 20 * np.sin(2 * np.pi * t / 12) + rng.normal(0, 3, len(t))
        if who % 2:
            level = level + 25 * (t >= 30)
        parts.append(
            pd.DataFrame(
                {
                    "who": f"shop {who}",
                    "month": months[t],
                    "region": "north" if who % 3 else "south",
                    "opened": months[begin] - pd.Timedelta(days=int(rng.integers(1, 28))),
                    "inside": np.round(0.6 * level).astype(int),
                    "outside": np.round(0.4 * level + rng.normal(0, 1, len(t))).astype(int),
                }
            )
        )
    found = pd.concat(parts, ignore_index=True)
    found["total"] = found.inside + found.outside
    return found


def _every_month(part: pd.DataFrame) -> bool:
    number = (part.month.dt.year * 12 + part.month.dt.month).to_numpy()
    return bool((part.month.dt.day == 1).all() and (np.diff(number) == 1).all())


def workdays() -> pd.DataFrame:
    """Payments on days on which banks work, more of them on Fridays and on the last workday of a month."""
    rng = np.random.default_rng(1)
    days = pd.DatetimeIndex([d for d in pd.bdate_range(FIRST, LAST) if d not in HOLIDAYS])
    month = pd.Series(days.month)
    month_end = (month != month.shift(-1, fill_value=0)).to_numpy()
    weight = np.where(days.dayofweek == 4, 2.0, 1.0) * np.where(month_end, 6.0, 1.0)
    parts = []
    for who in range(400):
        begin = int(rng.integers(0, len(days) - 60))
        chance = weight[begin:] / weight[begin:].sum()
        at = begin + np.sort(rng.choice(len(days) - begin, int(rng.integers(3, 25)), replace=False, p=chance))
        amount = np.round(np.exp(rng.normal(3 + who % 3, 0.5, len(at))), 2)
        parts.append(pd.DataFrame({"who": who, "day": days[at], "amount": amount}))
    return pd.concat(parts, ignore_index=True)


def visits() -> pd.DataFrame:
    """Several tests of one patient on a day, each once; the days are irregular."""
    rng = np.random.default_rng(2)
    parts = []
    for who in range(250):
        day, weight = 0, rng.normal(70, 10)
        for _ in range(int(rng.integers(1, 8))):
            tests = np.sort(rng.choice(["blood", "pulse", "sugar", "weight"], int(rng.integers(1, 5)), replace=False))
            values = {"blood": 120, "pulse": 70, "sugar": 90, "weight": weight}
            read = [round(values[t] + float(rng.normal(0, 3)), 1) for t in tests]
            parts.append(pd.DataFrame({"who": who, "day": day, "test": tests, "value": read}))
            day += int(rng.integers(20, 200))
    return pd.concat(parts, ignore_index=True)


def cars() -> pd.DataFrame:
    """A counter that grows, one that only falls, one that counts visits, a state that never goes back, what is the same
    for a car, and a day after which nothing was seen."""
    rng = np.random.default_rng(3)
    states = ("new", "used", "worn", "scrapped")
    parts = []
    for who in range(300):
        day, state, odometer, left = FIRST + pd.Timedelta(days=int(rng.integers(0, 500))), 0, 0, 60
        built = day - pd.Timedelta(days=int(rng.integers(10, 900)))
        rows: list[dict[str, Any]] = []
        while day <= LAST and left > 0 and len(rows) < 30:
            rows.append(
                {
                    "who": f"C-{who:04d}",
                    "day": day,
                    "visit": len(rows) + 1,
                    "make": ("fast", "slow", None)[who % 3],
                    "built": built,
                    "doors": 2 + who % 4,
                    "odometer": odometer,
                    "left": left,
                    "state": states[state],
                    "cost": round(float(rng.gamma(2, 50 * (1 + state))), 2),
                }
            )
            if state == 3:
                break
            state = min(3, state + int(rng.random() < 0.15))
            odometer += int(rng.integers(5, 400))
            left -= int(rng.integers(0, 8))
            day += pd.Timedelta(days=int(rng.integers(10, 90)))
        parts.append(pd.DataFrame(rows))
    return pd.concat(parts, ignore_index=True)


def hourly() -> pd.DataFrame:
    """A reading each quarter of an hour, from a device's own start on."""
    rng = np.random.default_rng(4)
    parts = []
    for who in range(60):
        begin = FIRST + pd.Timedelta(minutes=15 * int(rng.integers(0, 4_000)))
        at = begin + pd.to_timedelta(15 * np.arange(int(rng.integers(30, 90))), unit="min")
        hour = at.hour.to_numpy() + at.minute.to_numpy() / 60
        heat = rng.normal(15, 2) + 5 * np.sin(2 * np.pi * hour / 24) + rng.normal(0, 0.3, len(at))
        parts.append(pd.DataFrame({"who": who, "at": at, "heat": np.round(heat, 1)}))
    return pd.concat(parts, ignore_index=True)


_STATES = {"new": 0, "used": 1, "worn": 2, "scrapped": 3}


def _steps_of_states(part: pd.DataFrame) -> bool:
    step = part.state.map(_STATES).diff().dropna()
    return bool(step.isin((0, 1)).all() and not (part.state.iloc[:-1] == "scrapped").any())


def _same(*columns: str) -> Callable[[pd.DataFrame], bool]:
    return _each(lambda part: all(part[c].nunique(dropna=False) == 1 for c in columns))


def _month_ends(frame: pd.DataFrame) -> float:
    """The share of rows on the last workday of a month."""
    days = pd.Series(sorted(workdays().day.unique()))
    return float(frame.day.isin(set(days.groupby(days.dt.to_period("M")).max())).mean())


def _lag(column: str) -> Callable[[pd.DataFrame], float]:
    return lambda frame: float(frame[column].corr(frame.groupby("who")[column].shift()))


def _season(frame: pd.DataFrame) -> float:
    """How much more there is inside in April than in October, where it stands highest and lowest."""
    months = frame.groupby(frame.month.dt.month).inside.mean()
    return float(months[4] - months[10])


def _trend(frame: pd.DataFrame) -> float:
    """What grows in a year, of shops without a shift."""
    years = frame.groupby(frame.month.dt.year).inside.mean()
    return float((years[2022] - years[2019]) / 3)


def _to_the_end(frame: pd.DataFrame) -> float:
    """The share of shops whose rows go on to the end of the record."""
    return float((frame.groupby("who").month.max() == pd.Timestamp("2022-12-01")).mean())


PLANTED = (
    Planted(
        "monthly",
        "month",
        {"month": "date", "region": "categorical", "opened": "date", "inside": "integer", "outside": "integer"}
        | {"total": "integer"},
        monthly,
        {
            "one row for each month": _each(_every_month),
            "constants": _same("region", "opened"),
            "opened before the first month": _each(lambda p: bool(0 < (p.month.iloc[0] - p.opened.iloc[0]).days < 32)),
            "within the record": lambda f: bool(f.month.between("2019-01-01", "2022-12-01").all()),
        },
        (
            ("season", _season, 6.0),  # of 24
            ("trend", _trend, 2.5),
            ("correlation with the month before", _lag("inside"), 0.1),
            ("rows to the end of the record", _to_the_end, 0.12),
        ),
    ),
    Planted(
        "workdays",
        "day",
        {"day": "date", "amount": "float"},
        workdays,
        {
            "no weekend": lambda f: bool((f.day.dt.dayofweek < 5).all()),
            "no holiday": lambda f: not f.day.isin(HOLIDAYS).any(),
            "no day twice": _each(lambda p: bool(p.day.is_unique)),
            "within the record": lambda f: bool(f.day.between(FIRST, LAST).all()),
        },
        (
            ("Fridays", lambda f: float((f.day.dt.dayofweek == 4).mean()), 0.04),
            ("ends of months", _month_ends, 0.05),
        ),
    ),
    Planted(
        "visits",
        "day",
        {"day": "integer", "test": "categorical", "value": "float"},
        visits,
        {
            "no test twice on a day": lambda f: not f.duplicated(["who", "day", "test"]).any(),
            "days in order": _rising("day"),
            "tests in order": _each(lambda p: all(list(q.test) == sorted(q.test) for _, q in p.groupby("day"))),
        },
    ),
    Planted(
        "cars",
        "day",
        {"day": "date", "visit": "integer", "make": "categorical", "built": "date", "doors": "integer"}
        | {"odometer": "integer", "left": "integer", "state": "categorical", "cost": "float"},
        cars,
        {
            "odometer": _rising("odometer"),
            "left": _each(lambda p: bool((p.left.diff().dropna() <= 0).all())),
            "visit": _each(lambda p: list(p.visit) == list(range(1, len(p) + 1))),
            "constants": _same("make", "built", "doors"),
            "steps of states": _each(_steps_of_states),
            "first state": _each(lambda p: p.state.iloc[0] == "new"),
            "begins at 0": _each(lambda p: p.odometer.iloc[0] == 0),
            "built before": lambda f: bool((f.built < f.day).all()),
            "within the record": lambda f: bool(f.day.between(FIRST, LAST).all()),
            "no day twice": _each(lambda p: bool(p.day.is_unique)),
        },
    ),
    Planted(
        "hourly",
        "at",
        {"at": "datetime", "heat": "float"},
        hourly,
        {"every quarter of an hour": _each(lambda p: bool((p["at"].diff().dropna() == pd.Timedelta("15min")).all()))},
    ),
)
