"""Check where lineage is to be sent."""

from __future__ import annotations

from urllib.parse import urlsplit

from synthkit.compiler.draft import Draft
from synthkit.project.containment import HINT, outside
from synthkit.project.projectfile import LineageSpec

_KEYS = {"file": ("path",), "http": ("url", "endpoint", "api_key")}
_EXAMPLES = {"file": "path: target/lineage.jsonl", "http": "url: https://lineage.example.org"}


def check_lineage(draft: Draft) -> None:
    """Keys of the other transport, and an address that is none; values may be secrets, so unshown."""
    spec = draft.project.spec.lineage
    if spec is None or not spec.enabled:
        return
    origin = draft.project.spec.origin
    for transport, keys in _KEYS.items():
        for key in keys:
            if transport != spec.transport and getattr(spec, key) is not None:
                message = f"lineage: {key} is a key of transport: {transport}, but this is transport: {spec.transport}"
                draft.fault(message, origin.at("lineage", key, key=True), key, f"drop it, or write {_other(spec)}")
    if spec.transport == "http" and not _is_address(spec.url):
        what = "transport: http needs a url" if spec.url is None else "the url must be http:// or https:// and a host"
        draft.fault(f"lineage: {what}", origin.at("lineage", "url"), hint=f"write {_EXAMPLES['http']}")
    if spec.transport == "file" and spec.path is not None and "://" in spec.path:
        message = "lineage: path must be a file of this machine"
        draft.fault(message, origin.at("lineage", "path"), hint=f"write {_EXAMPLES['file']}, or use transport: http")
    elif spec.transport == "file" and spec.path is not None:
        root = draft.project.root
        if outside(root / spec.path, root) is not None:
            draft.fault("lineage: the file lies outside the project", origin.at("lineage", "path"), spec.path, HINT)


def _other(spec: LineageSpec) -> str:
    return f"transport: {'file' if spec.transport == 'http' else 'http'}"


def _is_address(url: str | None) -> bool:
    try:
        parts = urlsplit(url or "")
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number
        return False
