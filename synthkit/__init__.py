"""synthkit: the build tool for synthetic data.

>>> import synthkit
>>> sorted(set(synthkit.__all__) - {"__version__"})
['PublishedTable', 'TrainedModel', 'build', 'find_rules', 'fit', 'load_model', 'open', 'plan']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthkit.earlier import install as _find_earlier_names

__version__ = "0.1.0"
__all__ = ["PublishedTable", "TrainedModel", "__version__", "build", "find_rules", "fit", "load_model", "open", "plan"]

if TYPE_CHECKING:
    from synthkit.api.model import TrainedModel, fit, load_model
    from synthkit.api.project import build, plan
    from synthkit.api.rules import find_rules
    from synthkit.store.reader import PublishedTable, open

# `import synthkit` must stay cheap: `synth --version` answers in milliseconds.
_HOMES = {
    "PublishedTable": "store.reader",
    "TrainedModel": "api.model",
    "build": "api.project",
    "find_rules": "api.rules",
    "fit": "api.model",
    "load_model": "api.model",
    "open": "store.reader",
    "plan": "api.project",
}

_find_earlier_names()


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'synthkit' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"synthkit.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
