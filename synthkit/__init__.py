"""synthkit: the build tool for synthetic data.

>>> import synthkit
>>> [name for name in ("plan", "build", "open", "fit") if name in dir(synthkit)]
['plan', 'build', 'open', 'fit']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.earlier import install as _find_earlier_names

__version__ = "0.1.0"

if TYPE_CHECKING:
    from synthkit.api import (
        ProbedTable,
        ProbedTables,
        PublishedTable,
        TrainedModel,
        TrainedTables,
        audit,
        build,
        clean,
        compile,
        debug,
        deps,
        diff,
        docs,
        export,
        find_rules,
        fit,
        freshness,
        init,
        k8s,
        ledger,
        load_model,
        load_tables,
        ls,
        open,
        plan,
        preview,
        probe,
        pull,
        push,
        query,
        retry,
        rollback,
        show,
        test,
        versions,
    )

# What synthkit.api gives (all of it is there), but for the names of rooms: verify, report, gc, and schema.
__all__ = [
    "ProbedTable",
    "ProbedTables",
    "PublishedTable",
    "TrainedModel",
    "TrainedTables",
    "__version__",
    "audit",
    "build",
    "clean",
    "compile",
    "debug",
    "deps",
    "diff",
    "docs",
    "export",
    "find_rules",
    "fit",
    "freshness",
    "init",
    "k8s",
    "ledger",
    "load_model",
    "load_tables",
    "ls",
    "open",
    "plan",
    "preview",
    "probe",
    "pull",
    "push",
    "query",
    "retry",
    "rollback",
    "show",
    "test",
    "versions",
]

_find_earlier_names()


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'synthkit' has no attribute {name!r}")
    from synthkit import api  # `import synthkit` must stay cheap: `synth --version` answers in milliseconds

    return getattr(api, name)


def __dir__() -> list[str]:
    return __all__
