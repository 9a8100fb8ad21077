"""What a change makes of the audits that guard a table: which are gone or new, and which limits are looser or tighter.

A looser limit lets a worse table through, whether or not this one needed it. So a reviewer sees each, loosened ones
first, also where a build has judged the tables under them already.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synthkit.audits import registry
from synthkit.audits.runner import BoundAudit
from synthkit.compiler.manifest import audit_keys
from synthkit.errors import Location
from synthkit.records.parts import Demand

Turn = Literal["loosened", "changed", "tightened"]
TURNS: tuple[Turn, ...] = ("loosened", "changed", "tightened")  # in the order in which they are told

_SIZES = frozenset({"max_rows", "max_entities", "min_count"})  # of what is looked at: no limits
_SEVERITIES = ("warn", "error")
_UNDECIDED = ("ignore", "warn", "fail")  # on_inconclusive, the strictest last
_CHOICES = frozenset({"columns", "together", "features"})  # of columns: fewer are guarded by fewer
_WORDS = 60  # characters of a value that are shown


@dataclass(frozen=True)
class LimitChange:
    """One demand of one audit that is another one than at the base.

    Args:
        what: the key of the YAML; empty where the whole audit is new or gone.
        before, after: its values, in words; – where it has none.
        where: the audit, where it is there now.
    """

    model: str
    audit: str
    what: str
    before: str
    after: str
    turn: Turn
    where: Location | None = None

    def __str__(self) -> str:
        if not self.what:
            return f"audit {self.audit!r} of {self.model!r} is {'gone' if self.turn == 'loosened' else 'new'}"
        return f"audit {self.audit!r} of {self.model!r}: {self.what} {self.before} → {self.after} ({self.turn})"


def limit_changes(
    model: str, before: Sequence[Demand], now: Sequence[BoundAudit], places: Sequence[Location]
) -> Iterator[LimitChange]:
    """What is demanded otherwise than it was.

    Args:
        before: what a receipt says that the table had to pass.
        now: the audits of the YAML.
        places: where each of them stands.
    """
    old = dict(zip(audit_keys(d.name for d in before), before, strict=True))
    new = dict(zip(audit_keys(b.name for b in now), zip(now, places, strict=True), strict=True))
    for key in old.keys() - new.keys():
        yield LimitChange(model, key, "", _whole(old[key]), "–", "loosened")
    for key, (bound, where) in new.items():
        if key not in old:
            yield LimitChange(model, key, "", "–", _whole(bound), "tightened", where)
        elif old[key].hash != bound.hash:
            for what, was, value, turn in _one(_demands(old[key]), _demands(bound)):
                yield LimitChange(model, key, what, _shown(was), _shown(value), turn, where)


def _demands(audit: Demand | BoundAudit) -> dict[str, Any]:
    said = {k: getattr(audit, k) for k in ("severity", "where", "warn_if", "error_if", "on_inconclusive", "sql")}
    return {**{str(k): v for k, v in audit.params.items()}, **said}


def _one(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any, Turn]]:
    for key in dict.fromkeys((*after, *before)):
        old, new = (_plain(side.get(key)) for side in (before, after))
        if old != new:
            yield key, old, new, _turn(key, old, new)


def _turn(key: str, old: Any, new: Any) -> Turn:
    """Whether a value lets more pass than the other. What nobody can tell from the two alone is ``changed``."""
    if key == "severity":
        return _by_order(_SEVERITIES, old, new)
    if key == "on_inconclusive":
        return _by_order(_UNDECIDED, old, new)
    if key == "where":
        return "loosened" if old is None else "tightened" if new is None else "changed"  # fewer rows are looked at
    if key == "values" and isinstance(old, list) and isinstance(new, list):
        return _by_parts(new, old)  # more are accepted
    if key in _CHOICES:
        if isinstance(old, list) and isinstance(new, list):
            return _by_parts(old, new)
        return "changed" if old is not None and new is not None else "loosened" if old is None else "tightened"
    if key in _SIZES or not (key == "within" or key.startswith(("max", "min"))):
        return "changed"
    was, value = _number(old), _number(new)
    if was is None or value is None:
        return "changed"  # to or from the audit's default, or to another form of the limit
    larger = value > was
    return "tightened" if larger == key.startswith("min") else "loosened"


def _by_order(order: Sequence[str], old: Any, new: Any) -> Turn:
    if old not in order or new not in order:
        return "changed"
    return "loosened" if order.index(new) < order.index(old) else "tightened"


def _by_parts(old: Sequence[Any], new: Sequence[Any]) -> Turn:
    """Of what is guarded: fewer are looser."""
    before, after = {str(v) for v in old}, {str(v) for v in new}
    return "loosened" if after < before else "tightened" if after > before else "changed"


def _number(value: Any) -> float | None:
    """A number, also that of ``2x floor``."""
    if isinstance(value, str):
        value = value.partition("x")[0]
    try:
        return None if value is None or isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _whole(audit: Demand | BoundAudit) -> str:
    """An audit by what it was given."""
    known = registry.get(audit.audit).params.model_fields if audit.audit in registry.names() else {}
    usual = {k: _plain(f.default) for k, f in known.items() if not f.is_required()}
    given = {k: v for k, v in audit.params.items() if v is not None and (k not in usual or _plain(v) != usual[k])}
    return _shown(", ".join(f"{k} {_shown(v)}" for k, v in given.items()) or audit.name)


def _shown(value: Any) -> str:
    if value is None:
        return "–"
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = " ".join(text.split())
    return text if len(text) <= _WORDS else f"{text[: _WORDS - 1]}…"
