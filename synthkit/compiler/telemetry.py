"""Check where telemetry is to go."""

from __future__ import annotations

from urllib.parse import urlsplit

from synthkit.compiler.draft import Draft
from synthkit.project.containment import HINT, outside


def check_telemetry(draft: Draft) -> None:
    """Nowhere to go, an address that is none, a file outside the project; headers are never shown."""
    spec = draft.project.spec.telemetry
    if spec is None or not spec.enabled:
        return
    origin, root = draft.project.spec.origin, draft.project.root
    if spec.url is None and spec.prometheus is None:
        hint = "write url: http://localhost:4318, prometheus: target/metrics.prom, or both"
        draft.fault("telemetry: it says nowhere to go", origin.at("telemetry", key=True), hint=hint)
    if spec.url is not None and not _is_address(spec.url):
        message = "telemetry: the url must be http:// or https:// and a host"
        draft.fault(message, origin.at("telemetry", "url"), hint="write url: http://localhost:4318")
    if spec.prometheus is not None and outside(root / spec.prometheus, root) is not None:
        where = origin.at("telemetry", "prometheus")
        draft.fault("telemetry: the file lies outside the project", where, spec.prometheus, HINT)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:  # a port that is no number
        return False
