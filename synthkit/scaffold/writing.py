"""Pieces of the YAML that is written about a file."""

from __future__ import annotations

import json
import re

SCHEMA = "# yaml-language-server: $schema=../.synth/schemas/models.schema.json"
_WORDS = ("null", "true", "false", "yes", "no", "on", "off", "y", "n")  # what some reader of YAML takes for no text


def quoted(text: str) -> str:
    """A YAML scalar that is read as ``text``: bare where that is the same string, else in double quotes.

    What Jinja would take for a call is none then: a file's name or a database's comment says nothing to this machine.
    """
    if re.fullmatch(r"[A-Za-z_][\w./-]*", text, re.ASCII) and text.lower() not in _WORDS:
        return text
    return json.dumps(re.sub(r"\{(?=[{%#])", "{{ '{' }}", text), ensure_ascii=False)


def source_lines(group: str, name: str, place: list[str], connection: str | None = None) -> list[str]:
    """The beginning of a source with one table, which may be behind a connection."""
    behind = [] if connection is None else [f"    connection: {connection}"]
    return ["sources:", f"  - name: {group}", *behind, "    tables:", *table_lines(name, place)]


def table_lines(name: str, place: list[str]) -> list[str]:
    """The beginning of a source table.

    Args:
        place: where its rows are, as :func:`place_lines` says it.
    """
    return [f"      - name: {name}", *(f"        {line}" for line in place)]


def place_lines(path: str, options: str | None) -> list[str]:
    """A file, and how it is read."""
    return [f"path: {quoted(path)}", *([] if options is None else [options])]


def model_lines(group: str, name: str, *, history: bool = False) -> list[str]:
    """The model of a table, held to the default set of audits.

    Args:
        history: whether its rows follow one another: then the compiler chooses what learns that.
    """
    return [
        "models:",
        f"  - name: synthetic_{name}",
        f"    description: Synthetic stand-in for {group}.{name}",
        f"    source: \"{{{{ source('{group}', '{name}') }}}}\"",
        *([] if history else ["    generator: circuit"]),
        "    size: 1x",
        "    audits:",
        "      - set: default  # what a model without audits: is held to; add your own below",
    ]
