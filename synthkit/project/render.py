"""Sandboxed, strict Jinja for YAML values and SQL: ``ref``, ``source``, ``var``, ``env_var``, macros.

In YAML a string that is one ``{{ expression }}`` becomes the expression's own value (a number stays a number);
anything else becomes text. In SQL, references become quoted relation names and are collected. An undefined
name is an error, and attributes that lead out of the sandbox are refused.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthkit.errors import Location, SynthError, did_you_mean
from synthkit.project.lookups import Lookups, Rendering
from synthkit.project.macrofiles import LoadedMacros, MacroSet, PackageNames
from synthkit.project.macros import MacroSources
from synthkit.project.members import Members
from synthkit.project.spec import Group
from synthkit.project.types import Options, Relation

if TYPE_CHECKING:
    from jinja2 import Template

    from synthkit.project.sandbox import BoundedEnvironment

_REF = re.compile(r"""^\s*\{\{\s*ref\(\s*(['"])([^'"{}\\]+)\1\s*\)\s*\}\}\s*$""")
_SOURCE = re.compile(r"""^\s*\{\{\s*source\(\s*(['"])([^'"{}\\]+)\1\s*,\s*(['"])([^'"{}\\]+)\3\s*\)\s*\}\}\s*$""")
_REFERENCE = re.compile(
    r"""\{\{\s*(?:ref\(\s*(['"])(?P<ref>[^'"{}\\]+)\1\s*\)"""
    r"""|source\(\s*(['"])(?P<group>[^'"{}\\]+)\3\s*,\s*(['"])(?P<table>[^'"{}\\]+)\5\s*\))\s*\}\}"""
)
_MISSING = object()
# Jinja and Python end so where a text is nested too deeply for their parsers, or calls itself for ever.
_TOO_DEEP = (RecursionError, MemoryError, SyntaxError)
# What templates find besides macros; a package of such a name could not be called.
NAMES = frozenset({"ref", "source", "var", "env_var", "target", "range", "dict", "namespace", "this"})


class RenderError(SynthError):
    """Jinja that cannot be rendered; ``line`` counts from 1 within the text."""

    def __init__(self, message: str, line: int = 1, hint: str | None = None, where: Location | None = None) -> None:
        super().__init__(message, where, hint)
        self.line = line


@dataclass(frozen=True)
class RenderedSql:
    """SQL text, the relations that it names, and what else it was made from; None where it has no Jinja but these."""

    text: str
    relations: frozenset[Relation]
    uses: Rendering | None = None


class Renderer:
    """Renders the Jinja of one project.

    Args:
        variables: what ``var`` finds.
        environ: what ``env_var`` finds.
        target: the name of the target, as ``{{ target }}``.
        macros: file → its text; every macro is usable everywhere, in other macros too.
        behind: variable → the environment variables that its value was made from.
        packages: name → its macros, file → text: usable everywhere as ``package.macro``.
    """

    def __init__(
        self,
        variables: Options,
        environ: Mapping[str, str],
        target: str,
        macros: Mapping[Path, str] | None = None,
        behind: Mapping[str, frozenset[str]] | None = None,
        packages: Mapping[str, Mapping[Path, str]] | None = None,
    ) -> None:
        self._variables, self._environ, self._target = variables, environ, target
        self._behind = behind or {}
        self._own = MacroSet(dict(macros or {}))
        self._packages = {name: MacroSet(texts, name) for name, texts in (packages or {}).items()}
        self._values: dict[str, tuple[Any, Rendering]] = {}
        self._lookups = Lookups()
        self._lazy: BoundedEnvironment | None = None
        self._collected: set[Relation] | None = None
        self.members = Members()

    # -- what callers use --------------------------------------------------------------------------

    def value(self, text: str) -> Any:
        """The value of a string in YAML. Raises RenderError."""
        if "{{" not in text and "{%" not in text and "{#" not in text:
            return text
        # Nearly all of a large project's templates are plain references: those need no compilation.
        if match := _REF.match(text):
            return Relation(match[2])
        if match := _SOURCE.match(text):
            return Relation(match[4], match[2])
        if text not in self._values:
            self._lookups = Lookups()
            value = self._value(text)
            self._values[text] = value, self._uses(text)
        return self._values[text][0]

    def uses_of(self, text: str) -> Rendering | None:
        """What a string that :meth:`value` rendered was made from; None where it looked nothing up."""
        return (self._values[text][1] or None) if text in self._values else None

    def sql(
        self, text: str, *, this: str | None = None, extra: Options | None = None, package: str | None = None
    ) -> RenderedSql:
        """Render SQL; ``this`` is the quoted name of the audited model, ``extra`` further names, ``package`` whose
        macros go by their bare names in it."""
        if "{{" not in text and "{%" not in text and "{#" not in text:
            return RenderedSql(text, frozenset())
        plain = self._plain_sql(text)
        if plain is not None:
            return plain
        names: dict[str, Any] = dict(extra or {})
        if this is not None:
            names["this"] = this
        self._collected = set()
        self._lookups = Lookups()
        try:
            rendered = self._guard(lambda: self._template(text, package).render(names), text)
            return RenderedSql(str(rendered), frozenset(self._collected), self._uses(text))
        finally:
            self._collected = None

    @staticmethod
    def _plain_sql(text: str) -> RenderedSql | None:
        """SQL whose only Jinja is ref('…') and source('…', '…'): most of it, and no template need be compiled."""
        relations: set[Relation] = set()

        def replace(match: re.Match[str]) -> str:
            relation = Relation(match["ref"]) if match["ref"] else Relation(match["table"], match["group"])
            relations.add(relation)
            return relation.sql

        rendered = _REFERENCE.sub(replace, text)
        if any(mark in rendered for mark in ("{{", "{%", "{#")):
            return None
        return RenderedSql(rendered, frozenset(relations))

    # -- Jinja -------------------------------------------------------------------------------------

    @property
    def _environment(self) -> BoundedEnvironment:
        if self._lazy is None:
            self._lazy = self._make_environment()
        return self._lazy

    def _make_environment(self) -> BoundedEnvironment:
        from jinja2 import StrictUndefined, TemplateError

        from synthkit.project.sandbox import BoundedEnvironment

        environment = BoundedEnvironment(undefined=StrictUndefined, keep_trailing_newline=True)
        environment.globals = {
            "ref": self._ref,
            "source": self._source,
            "var": self._var,
            "env_var": self._env_var,
            "target": self._target,
            "range": environment.range,
            "dict": environment.globals["dict"],
            "namespace": environment.globals["namespace"],
        }
        environment.finalize = lambda value: _finalize(environment.weighed(value))
        loaded = LoadedMacros(self._note, lambda message, hint: RenderError(message, hint=hint))
        environment.globals |= {name: loaded.package(found) for name, found in self._packages.items()}
        environment.globals |= {name: loaded.named(name) for name in self._own}
        waiting = self._lookups
        for macros, file, text in self._macro_files():
            self._lookups = Lookups()  # what the file looks up outside its macros is theirs who call one
            try:
                _check_length(text)
                module = environment.from_string(text, globals=macros.names).module
            except RenderError as error:
                raise RenderError(error.message, where=Location(file, 1, 1), hint=error.hint) from None
            except (TemplateError, *_TOO_DEEP) as error:
                line = getattr(error, "lineno", None) or 1
                raise RenderError(
                    f"the macro file cannot be read: {error}", line, where=Location(file, line, 1)
                ) from None
            loaded.add(macros, file, module, self._lookups)
        self._lookups = waiting
        return environment

    def _macro_files(self) -> Iterator[tuple[MacroSet, Path, str]]:
        """Those of packages first, which the project's may call."""
        for macros in (*self._packages.values(), self._own):
            for file, text in macros.texts.items():
                yield macros, file, text

    def _template(self, text: str, package: str | None = None) -> Template:
        environment = self._environment  # with the names of packages
        return environment.from_string(text, globals=None if package is None else self._packages[package].names)

    def _note(self, name: str, outside: Lookups) -> None:
        self._lookups.macros.add(name)
        self._lookups.add(outside)

    @cached_property
    def _macro_sources(self) -> MacroSources:
        return MacroSources(self._environment, ((macros.package, text) for macros, _, text in self._macro_files()))

    def _uses(self, text: str) -> Rendering:
        """What was looked up since the rendering of ``text`` began."""
        found = self._lookups
        macros = self._macro_sources.behind(found.macros) if found.macros else {}
        template = hashlib.sha256(text.encode("utf-8")).hexdigest()
        return Rendering(template, dict(found.variables), frozenset(found.env_vars), macros)

    def _value(self, text: str) -> Any:
        from jinja2 import nodes

        def run() -> Any:
            body = self._environment.parse(text).body
            if len(body) == 1 and isinstance(body[0], nodes.Output) and len(body[0].nodes) == 1:
                inner = text.strip()
                if (
                    inner.startswith("{{")
                    and inner.endswith("}}")
                    and not isinstance(body[0].nodes[0], nodes.TemplateData)
                ):
                    expression = inner[2:-2].strip("-+").strip()
                    value = self._environment.compile_expression(expression, undefined_to_none=False)()
                    return _forced(_measured(value))
            return self._template(text).render()

        return self._guard(run, text)

    def _guard(self, run: Callable[[], Any], text: str) -> Any:
        """Run, and turn whatever Jinja raises into a RenderError with a line and a way out."""
        from jinja2 import TemplateSyntaxError, UndefinedError
        from jinja2.exceptions import SecurityError

        from synthkit.project.sandbox import WorkError

        try:
            _check_length(text)
            self._environment.begin()
            return run()
        except RenderError:
            raise
        except WorkError as error:
            smaller = "write it out, or make it smaller: a project's texts are short"
            raise RenderError(f"Jinja: {error}", _line_of(error, text), smaller) from None
        except _TOO_DEEP as error:
            apart = "take it apart: a macro that calls itself, or brackets within brackets, end somewhere"
            raise RenderError(f"Jinja: nested too deeply ({type(error).__name__})", 1, apart) from None
        except SecurityError as error:
            raise RenderError(f"Jinja may not do this: {error}", hint="use plain expressions and macros") from None
        except UndefinedError as error:
            name = _undefined_name(str(error))
            known = [*self._environment.globals, "this"]
            hint = did_you_mean(name, known, "a name") if name else None
            raise RenderError(f"undefined in Jinja: {error}", _line_of(error, text), hint) from None
        except TemplateSyntaxError as error:
            message = f"Jinja syntax: {error.message}"
            raise RenderError(message, error.lineno, "check the {{ braces }} and the quotes") from None
        except (TypeError, ValueError, ZeroDivisionError, LookupError, OverflowError) as error:
            raise RenderError(f"Jinja: {error}", _line_of(error, text)) from None

    # -- the functions that templates call ---------------------------------------------------------

    def _ref(self, name: str, table: str | None = None) -> Relation:
        if table is None:
            return self._collect(Relation(str(name)))
        try:
            return self._collect(Relation(self.members.name_of(str(name), str(table))))
        except LookupError:
            hint = did_you_mean(str(name), self.members.families, "a family")
            raise RenderError(f"there is no family {str(name)!r}", hint=hint) from None

    def _source(self, group: str, table: str | None = None) -> Relation | Group:
        return Group(str(group)) if table is None else self._collect(Relation(str(table), str(group)))

    def _collect(self, relation: Relation) -> Relation:
        if self._collected is not None:
            self._collected.add(relation)
        return relation

    def _var(self, name: str, default: Any = _MISSING) -> Any:
        if name in self._behind:
            self._lookups.env_vars |= self._behind[name]
        elif name in self._variables or default is not _MISSING:
            self._lookups.variables[name] = self._variables.get(name, default)
        if name in self._variables:
            return self._variables[name]
        if default is not _MISSING:
            return default
        hint = did_you_mean(name, self._variables, "a variable")
        raise RenderError(
            f"there is no variable {name!r}",
            hint=f"{hint}; or set it under vars: in synth_project.yml, or by --vars",
        )

    def _env_var(self, name: str, default: Any = _MISSING) -> Any:
        self._lookups.env_vars.add(name)
        if name in self._environ:
            return self._environ[name]
        if default is not _MISSING:
            return default
        raise RenderError(
            f"the environment variable {name!r} is not set",
            hint=f"set it in the environment or in .env, or give a default: env_var({name!r}, '')",
        )


def _finalize(value: Any) -> Any:
    """In text a relation is its quoted SQL name; None is an error waiting to happen, so it stays 'None'."""
    if isinstance(value, Group):
        hint = f"name one of its tables: source({value.name!r}, 'table')"
        raise RenderError(f"{value} is a group of tables, which only the source: of a model can name", hint=hint)
    return value.sql if isinstance(value, Relation) else value


def _check_length(text: str) -> None:
    from synthkit.project.sandbox import TEMPLATE

    if len(text) > TEMPLATE:
        message = f"Jinja: a text of {len(text):,} characters, of which {TEMPLATE:,} are allowed"
        raise RenderError(message, hint="write what is long without {{ and {%, or take it apart")


def _measured(value: Any) -> Any:
    """The value of an expression. Raises RenderError for a number that nothing takes."""
    from synthkit.project.sandbox import BITS

    if isinstance(value, PackageNames):
        str(value)  # raises
    if isinstance(value, int) and value.bit_length() > BITS:
        raise RenderError(f"Jinja: a number of {value.bit_length():,} bits", hint="write a smaller one")
    return value


def _forced(value: Any) -> Any:
    """Make an undefined result raise here; a macro's text loses the white space around it."""
    from jinja2 import Undefined

    if isinstance(value, Undefined):
        str(value)  # StrictUndefined raises with its own message
    if isinstance(value, str):
        return str(value).strip()
    return value


def _undefined_name(message: str) -> str | None:
    match = re.search(r"'([^']+)' is undefined", message)
    return match[1] if match else None


def _line_of(error: BaseException, text: str) -> int:
    """The line within the template: the deepest frame of the traceback that is in it."""
    line, trace = 1, error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    return min(line, text.count("\n") + 1)
