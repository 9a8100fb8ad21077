"""synthkit: the build tool for synthetic data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "open"]

if TYPE_CHECKING:
    from synthkit.store.reader import open


def __getattr__(name: str) -> Any:
    # `import synthkit` must stay cheap: `synth --version` answers in milliseconds.
    if name == "open":
        from synthkit.store.reader import open as open_warehouse

        return open_warehouse
    raise AttributeError(f"module 'synthkit' has no attribute {name!r}")
