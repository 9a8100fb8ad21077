"""What a table descends from, followed in one way: by declarations in the compiler, by rows that were made in a build.

A training under ε is a release. What is made of released tables, by a generator or by SQL, is post-processing, and
several releases about the same people compose, each counted once however often it is reached. Real rows, or what was
learnt from them without ε, leave no bound: then the path that they take is kept.

To the compiler a release is a model, and what it is about is a source; to a build it is an entry of the ledger, and
what it is about an account, as tables of earlier builds may descend from other entries than the declarations say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Way:
    """How a table descends from one source, or one account.

    Args:
        sources: ids of its real tables.
        releases: what was learnt of them under ε, by name or by hash.
        unprotected: the shortest path of node ids, from what the table reads up to a source, that nothing protects;
            the first by name of several, empty where there is none.
    """

    sources: frozenset[str] = frozenset()
    releases: frozenset[str] = frozenset()
    unprotected: tuple[str, ...] = ()


@dataclass(frozen=True)
class Descent:
    """What a table descends from, all in all.

    Args:
        ways: by the id of a source, or by the name of an account.
        copied: the path of node ids from what the table reads up to real rows that are in it as they are; empty where
            none are.
    """

    ways: Mapping[str, Way] = field(default_factory=dict)
    copied: tuple[str, ...] = ()

    def read_as(self, node: str) -> Descent:
        """As whoever reads the table has it."""
        ways = {
            about: replace(way, unprotected=(node, *way.unprotected)) if way.unprotected else way
            for about, way in self.ways.items()
        }
        return Descent(ways, (node, *self.copied) if self.copied else ())


def released(source: str, release: str, about: str) -> Descent:
    """Of rows that were learnt from a source under ε."""
    return Descent({about: Way(frozenset({source}), frozenset({release}))})


def read(
    nodes: Iterable[str], upstream: Callable[[str], Descent], about: Callable[[str], str] = lambda source: source
) -> Descent:
    """Of rows that are made from tables as these are: a source's rows are real, another table's descend as it does.

    Args:
        nodes: ids of sources and models.
        upstream: how a model's own rows descend.
        about: the key of a source's way.

    >>> read(["model:a", "source:s.t"], {"model:a": released("source:s.t", "a", "source:s.t")}.__getitem__)
    ... # doctest: +NORMALIZE_WHITESPACE
    Descent(ways={'source:s.t': Way(sources=frozenset({'source:s.t'}), releases=frozenset({'a'}),
                                    unprotected=('source:s.t',))}, copied=('source:s.t',))
    """
    parts = [
        Descent({about(n): Way(frozenset({n}), unprotected=(n,))}, (n,))
        if n.startswith("source:")
        else upstream(n).read_as(n)
        for n in nodes
    ]
    ways: dict[str, list[Way]] = {}
    for part in parts:
        for key, way in part.ways.items():
            ways.setdefault(key, []).append(way)
    return Descent({key: united(found) for key, found in ways.items()}, next((p.copied for p in parts if p.copied), ()))


def united(ways: Iterable[Way]) -> Way:
    """All of them: sources and releases add up, and the shortest unprotected path is shown."""
    found = tuple(ways)
    return Way(
        frozenset[str]().union(*(w.sources for w in found)),
        frozenset[str]().union(*(w.releases for w in found)),
        min((w.unprotected for w in found if w.unprotected), key=lambda path: (len(path), path), default=()),
    )
