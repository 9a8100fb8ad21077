"""What the documents say is there: files, headings, modules, verbs, options, messages and keys."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import click
import jsonschema
import pytest
import yaml

import synthkit
from synthkit.cli.main import cli
from synthkit.project.yamlfile import Document, parse_text
from synthkit.scaffold.schemas import schema
from tests import keypage

ROOT = Path(synthkit.__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "data" / "README.md"])
HISTORY = ROOT / "CHANGELOG.md"  # speaks of what was
CODE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)|^\[[\w-]+\]: (\S+)$", re.MULTILINE)


def targets(page: Path) -> list[str]:
    """Where the links of a page lead, those of its end, too."""
    return [inline or at_the_end for inline, at_the_end in LINK.findall(CODE.sub("", text_of(page)))]


def text_of(page: Path) -> str:
    return page.read_text("utf-8")


@cache
def anchors(page: Path) -> frozenset[str]:
    """What GitHub names the headings of a page."""
    prose = CODE.sub("", text_of(page))
    return frozenset(keypage.anchor(h) for h in re.findall(r"^#+ (.+)$", prose, re.MULTILINE))


def test_links_lead_somewhere() -> None:
    lost = []
    for page in PAGES:
        for target in targets(page):
            path, _, anchor = target.partition("#")
            if ":" in path:
                continue
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and file.suffix == ".md" and anchor not in anchors(file)):
                lost.append(f"{page.relative_to(ROOT)}: {target}")
    assert lost == []


def test_names_for_links_are_given_at_the_end() -> None:
    text = text_of(ROOT / "docs" / "architecture.md")
    named = set(re.findall(r"\[([a-z-]+)\](?![(:])", text)) | set(re.findall(r"\]\[([a-z-]+)\]", text))
    given = re.findall(r"^\[([a-z-]+)\]: ", text, re.MULTILINE)
    assert named == set(given)
    assert len(given) == len(set(given))


def test_every_room_is_in_the_table_of_rooms() -> None:
    table = text_of(ROOT / "docs" / "architecture.md").partition("\n## ")[0]
    named = set(re.findall(r"`(\w+)`", "".join(re.findall(r"^\|([^|]*)\|", table, re.MULTILINE))))
    assert named == {p.parent.name for p in (ROOT / "synthkit").glob("*/__init__.py")}


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs" / "README.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in targets(index)} | {index}
    pages = {p for p in PAGES if p.is_relative_to(ROOT / "docs")}
    assert {str(p.relative_to(ROOT)) for p in pages - linked} == set()


def test_messages_of_troubleshooting_are_messages() -> None:
    source = "".join(p.read_text("utf-8") for p in (ROOT / "synthkit").rglob("*.py"))
    cells = re.findall(r"^\| `([^`]+)` \|", text_of(ROOT / "docs" / "troubleshooting.md"), re.MULTILINE)
    said = [part for cell in cells for part in cell.split("…") if "command not found" not in part]
    assert len(said) > 5
    assert [part for part in said if part.strip() not in source] == []


def test_modules_that_are_named_are_there() -> None:
    lost = []
    for page in PAGES:
        if page == HISTORY:
            continue
        for path in re.findall(r"(?<![\w/])(?:synthkit|tests|benchmarks)/[\w/.-]*\w", text_of(page)):
            if not (ROOT / path).exists() and not list(ROOT.glob(f"{path}*")):
                lost.append(f"{page.relative_to(ROOT)}: {path}")
        for module in re.findall(r"python -m ((?:synthkit|tests|benchmarks)[\w.]*)", text_of(page)):
            if importlib.util.find_spec(module) is None:
                lost.append(f"{page.relative_to(ROOT)}: {module}")
    assert lost == []


def commands() -> list[tuple[str, str]]:
    """Page and text of each `synth …` in a code block or in backticks."""
    found = []
    for page in PAGES:
        if page != HISTORY:
            text = text_of(page)
            blocks = "\n".join(body for _, _, body in CODE.findall(text))
            lines = re.findall(r"^\s*(?:\$ )?synth (.+)$", blocks, re.MULTILINE)
            lines += re.findall(r"`synth ([^`]+)`", CODE.sub("", text))
            found += [(str(page.relative_to(ROOT)), line) for line in lines]
    return found


def test_commands_that_are_shown_are_commands() -> None:
    wrong = []
    for page, line in commands():
        words = re.sub(r"(\s#| \|).*$", "", re.sub(r"\"[^\"]*\"|'[^']*'", "x", line)).split()
        command: click.Command | None = cli
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            verb = words.pop(0).strip(",.;:)")
            command = command.get_command(click.Context(command), verb)
            if command is None and verb.isalpha():
                wrong.append(f"{page}: synth {line}")
        options = {o for p in (command.params if command else ()) for o in (*p.opts, *p.secondary_opts)} | {"--help"}
        # In a comment behind it, too; what follows a pipe is another program's.
        for word in re.findall(r"(?<!\S)--[a-z][a-z-]*", line.partition(" | ")[0]) if command is not None else ():
            if word not in options:
                wrong.append(f"{page}: synth {line}: {word}")
    assert wrong == []


@cache
def validator(name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema(name))


def blocks() -> list[Any]:
    """The YAML blocks of the documents."""
    found = []
    for page in PAGES:
        for number, (_, language, body) in enumerate(CODE.findall(text_of(page)), 1):
            if language in ("yaml", "yml"):
                found.append(pytest.param(body, id=f"{page.relative_to(ROOT)}-{number}"))
    return found


PROJECT_KEYS = set(keypage.ProjectSpec.model_fields)


@pytest.mark.parametrize("text", blocks())
def test_yaml_that_is_shown_fits(text: str) -> None:
    """As a file of models, of packages, or of a project whose name was left out; what is none is YAML at least."""
    value = parse_text(text, Document(Path("x.yml"))).value
    if (
        isinstance(value, dict)
        and {"sources", "models", "unit_tests", "exposures"} & set(value)
        and not (isinstance(value.get("models"), dict))
    ):
        validator("models").validate(value)
    elif isinstance(value, dict) and set(value) == {"packages"}:
        validator("packages").validate(value)
    elif isinstance(value, dict) and set(value) <= PROJECT_KEYS:
        validator("project").validate({"name": "shop", **value})
    else:
        yaml.safe_load(text)
