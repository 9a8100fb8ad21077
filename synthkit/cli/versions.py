"""``synth versions``: the versions of a published table, from git."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from synthkit.cli.common import place, reader_options
from synthkit.privacy.guarantee import promised

if TYPE_CHECKING:
    from synthkit.store.versions.history import Version


@click.command("versions")
@click.argument("model")
@reader_options
@click.option("--format", "style", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(model: str, project_dir: Path | None, target: str | None, style: str) -> None:
    """List the versions of a published table, from git's history."""
    from synthkit.api.history import versions

    found = versions(model, place(project_dir), target=target)
    known = found.versions
    if style == "json":
        click.echo(json.dumps([_facts(v) for v in known], indent=2, ensure_ascii=False))
        return
    lines = [("version", "committed", "run", "rows", "ε", "audits", "message")]
    for v in known:
        f = _facts(v)
        epsilon = "–" if f["epsilon"] is None else f"{f['epsilon']:g}"
        audits = ", ".join(f"{n} {s}" for s, n in f["audits"].items()) or "none"
        lines.append((v.name, f["committed"] or "–", f["run_id"], f"{f['rows']:,}", epsilon, audits, v.subject))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    for line in lines:
        click.echo("  ".join(f"{cell:<{w}}" for cell, w in zip(line, widths, strict=True)).rstrip())
    if found.outdated:
        click.echo(f"{model} was made from other rows of {', '.join(found.outdated)} than are published now", err=True)


def _facts(version: Version) -> dict[str, Any]:
    receipt = version.receipt
    promise = promised(receipt)
    counts: dict[str, int] = {}
    for audit in receipt.audits:
        counts[audit.status] = counts.get(audit.status, 0) + 1
    return {
        "version": version.commit,
        "committed": version.date[:19].replace("T", " ") if version.commit else None,
        "message": version.subject,
        "run_id": receipt.run_id,
        "published_at": receipt.published_at,
        "rows": receipt.rows,
        "epsilon": promise[0] if promise else None,
        "delta": promise[1] if promise else None,
        "sha256": receipt.sha256,
        "audits": counts,
    }
