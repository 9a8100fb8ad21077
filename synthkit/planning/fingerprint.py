"""Train, sample and audit hashes: what decides a model's weights, its rows, and its verdict.

Each hash is the SHA-256 of canonical JSON (sorted keys) of *rendered* inputs, so reformatting YAML, reordering
keys or changing a variable that a model does not use changes nothing. The inputs themselves are kept in the
receipt, so that ``synth plan`` can say which one changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

from pydantic import BaseModel

from synthkit.compiler import Manifest, ModelNode
from synthkit.compiler.familynode import FamilyNode
from synthkit.digests import digest
from synthkit.encoding.identities import IDENTITY_VERSION, agreeing
from synthkit.errors import SynthError
from synthkit.generators.base import Generator, Query, Taught, Trained
from synthkit.llm.folder import MARK, content_of
from synthkit.privacy.hashkey import hash_key, keyed
from synthkit.project.decides import What, deciding, fields_deciding
from synthkit.project.partition import PARTITION_ROWS, partitions_of
from synthkit.project.types import ColumnSpec, Relation
from synthkit.records.parts import Inputs, Made
from synthkit.sources.family import Ownership, owners_read, ownership_of
from synthkit.sources.fingerprint import content_hash
from synthkit.sources.ingest import DERIVED_VERSION
from synthkit.sources.ingest import VERSION as READING_VERSION

PARTITION_VERSION = 1  # of how a table is cut, and its parts are drawn: the same
FILL_VERSION = 1  # of the columns made up by encoding/fill: raise it when the same seed gives other values
ACROSS_VERSION = 2  # of how rules across tables are kept: the same
ABSENT = "absent"  # the version of a package that is not installed
FAMILY_VERSION = 1  # of how tables of a family go to their generator and come back: the same
RULES_VERSION = 5  # of how rules between columns are found and kept: the same
PRIVATE_RULES_VERSION = 3  # of how they are kept under a budget: the same

TRAINED: tuple[What, ...] = ("rows", "split", "train")  # what a key of a source decides that makes another training


@dataclass(frozen=True)
class Fingerprint:
    """The three hashes of a model, and what went into each."""

    train: str
    sample: str
    audit: str
    inputs: Inputs

    def hashes(self) -> dict[str, str]:
        return {"train": self.train, "sample": self.sample, "audit": self.audit}

    @property
    def seed(self) -> int:
        """Of the model's random numbers, privacy noise aside."""
        return int(self.inputs.train["seed"])


def model_seed(project_seed: int, spec_seed: int | None, name: str) -> int:
    """The model's own seed if it has one, else SHA-256 of the project's seed and the model's name."""
    if spec_seed is not None:
        return spec_seed
    return int.from_bytes(hashlib.sha256(f"{project_seed}:{name}".encode()).digest()[:4], "big")


def overrides(columns: Iterable[ColumnSpec]) -> dict[str, dict[str, Any]]:
    """What a model's ``columns:`` say otherwise than its source: by name, the keys that decide what is learnt."""
    keys = [k for k in fields_deciding(ColumnSpec, "train", reader="model") if k != "name"]
    found = {c.name: {k: v for k in keys if (v := getattr(c, k)) is not None} for c in columns}
    return {name: said for name, said in found.items() if said}


@cache
def package_version(name: str) -> str:
    """The installed version of a distribution, or :data:`ABSENT`."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return ABSENT


def packages_of(model: ModelNode) -> tuple[str, ...]:
    """Distributions, and folders of language models, that decide a model's rows."""
    generator = model.generator
    return (*generator.packages, *(generator.brought(model.params) if isinstance(generator, Taught) else ()))


class Fingerprinter:
    """Computes fingerprints along the graph; each source is hashed once."""

    def __init__(self, manifest: Manifest, contents: Mapping[str, str] | None = None) -> None:
        """``contents``: hashes of sources that something was planned under, which it is then done under too."""
        self.manifest = manifest
        self.contents: dict[str, str] = dict(contents or {})
        self._made_by: Mapping[str, Any] = {}

    def take_absent_from(self, made: Made | None) -> None:
        """Take packages that are not installed here to be those that something was made by: who only plans need not
        have what trains, and nothing can be made anew without them."""
        said = () if made is None else (made.inputs.train, made.inputs.sample)
        self._made_by = {name: version for part in said for name, version in mapping_in(part, "packages").items()}

    def content(self, source_id: str) -> str:
        """The hash of a source's rows (cached as long as its files stand as they are) and of how they are read."""
        if source_id not in self.contents:
            node = self.manifest.sources.get(source_id)
            if node is None:
                raise SynthError(f"{source_id.removeprefix('source:')} is not here, so its content is not known")
            project = self.manifest.project
            self.contents[source_id] = content_hash(
                node.spec,
                root=project.root,
                connections=project.spec.connections,
                cache=project.content_cache,
            )
        return self.contents[source_id]

    def ownership(self, relation: Relation) -> Ownership | None:
        """By whose key the rows of a source are divided; None where each is its own."""
        if relation.source is None:
            return None
        tables = self.manifest.tables_of(relation.source)
        return ownership_of(tables, relation.name, lambda name: self.content(Relation(name, relation.source).id))

    def of(self, model: ModelNode, upstream: Mapping[str, str]) -> Fingerprint:
        """The fingerprint of ``model``; ``upstream`` gives the sample hash of each parent model by id."""
        train = self._train_inputs(model, upstream)
        train_hash = digest(train)
        sample = self._sample_inputs(model)
        sample_hash = digest({"train": train_hash, **sample})
        private = model.protected or model.disclosure != "open"
        audit: dict[str, Any] = {
            "audits": {f"{i}:{b.name}": b.hash for i, b in enumerate(model.audits)},
            "tables": {r.id: self._identity(r.id, upstream, private) for r in model.audit_relations},
        }
        if isinstance(model.generator, Query) and model.source is not None:
            audit["reference"] = {
                model.source.id: self._identity(model.source.id, upstream, private),
                "holdout": self._division(model),
            }
        audit_hash = digest({"sample": sample_hash, **audit})
        return Fingerprint(train_hash, sample_hash, audit_hash, Inputs(train=train, sample=sample, audit=audit))

    def package(self, name: str) -> str:
        """The version of a package that decides rows."""
        found = package_version(name)
        if name.startswith(MARK):
            found = content_of(name.removeprefix(MARK), self.manifest.project.root) or ABSENT
        return str(self._made_by.get(name, found)) if found == ABSENT else found

    def _identity(self, node: str, upstream: Mapping[str, str], private: bool) -> str:
        """What stands for the rows of a source or model. It is published, so that of protected rows is keyed."""
        if not node.startswith("source:"):
            return upstream[node]
        content = self.content(node)
        return keyed(content, hash_key(self.manifest.project.root)) if private else content

    def _train_inputs(self, model: ModelNode, upstream: Mapping[str, str]) -> dict[str, Any]:
        if model.family is not None:
            return self._family_inputs(self.manifest.families[model.family])
        project = self.manifest.project
        seed = model_seed(project.seed, model.spec.seed, model.name)
        inputs: dict[str, Any] = {
            "generator": _generator_inputs(model.generator, model.params),
            "packages": {p: self.package(p) for p in packages_of(model)},
            "sources": {r.id: self._identity(r.id, upstream, model.disclosure != "open") for r in model.reads},
            "declared": {r.id: self._declared(r.id) for r in model.reads if r.source is not None},
            "seed": seed,
        }
        if isinstance(model.generator, Query):
            inputs["generator"]["params"] = {"query": model.sql}
            inputs["holdout"] = {r.id: str(self.manifest.holdout_of(r.id)) for r in model.reads if r.source is not None}
        else:
            inputs |= {
                "holdout": self._division(model),
                **self._owners(model),
                "device": project.device,
                "threads": project.spec.model_threads,
                "epsilon": model.spec.epsilon,
                "delta": model.delta,
                "columns": overrides(model.spec.columns),
            }
            if model.budget is not None:
                inputs["budget"] = asdict(model.budget)
            if isinstance(model.generator, Trained) and (model.rules or model.rules_found):
                declared = sorted(str(r.rule) for r in model.rules)
                version = RULES_VERSION if model.budget is None else PRIVATE_RULES_VERSION
                inputs["rules"] = {"version": version, "found": model.rules_found, "declared": declared}
        return inputs

    def _owners(self, model: ModelNode) -> dict[str, Any]:
        """The tables whose rows decide which of the model's own are held out: their content, and how it is read."""
        source = model.source
        if source is None or source.source is None or model.holdout == 0:
            return {}
        names = owners_read(self.manifest.tables_of(source.source), source.name)
        ids = [Relation(name, source.source).id for name in names]
        private = model.disclosure != "open"
        found = {i: [self._identity(i, {}, private), digest(self._split_by(i))] for i in ids}
        return {"owners": found} if found else {}

    def _split_by(self, source_id: str) -> dict[str, Any]:
        decides = deciding(self.manifest.sources[source_id].spec, "rows", "split")
        decides.pop("holdout", None)
        return decides

    def _family_inputs(self, family: FamilyNode) -> dict[str, Any]:
        """What trains a family, the same for each of its tables: which of them changed is told by its name."""
        project, models = self.manifest.project, self.manifest.models
        members = {table: models[name] for table, name in family.members.items()}
        sources = {family.source_of(table): model for table, model in members.items()}
        inputs: dict[str, Any] = {
            "generator": _generator_inputs(family.generator, family.params),
            "packages": {p: self.package(p) for p in family.generator.packages},
            "sources": {id_: self._identity(id_, {}, model.disclosure != "open") for id_, model in sources.items()},
            "declared": {id_: self._declared(id_) for id_ in sources},
            "seed": model_seed(project.seed, family.spec.seed, family.name),
            "family": {"version": FAMILY_VERSION, "root": family.root, "keys": family.to_json()["keys"]},
            "holdout": next((m.holdout for m in members.values() if not m.kept), 0.0),
            "device": project.device,
            "threads": project.spec.model_threads,
            "epsilon": family.spec.epsilon,
            "delta": members[family.root].delta,
            "columns": {table: said for table, m in members.items() if (said := overrides(m.spec.columns))},
        }
        budget = members[family.root].budget
        if budget is not None:
            inputs["budget"] = asdict(budget)
        owners = [self._owners(model).get("owners", {}) for model in members.values() if not model.kept]
        if apart := {id_: said for found in owners for id_, said in found.items() if id_ not in sources}:
            inputs["owners"] = apart  # of tables that the family leaves out
        rules = {
            table: {
                "found": model.rules_found,
                "declared": sorted([str(r.rule) for r in model.rules] + [str(c.rule) for c in model.constraints]),
            }
            for table, model in members.items()
            if model.rules or model.rules_found or model.constraints
        }
        if rules:
            inputs["rules"] = {"version": RULES_VERSION if budget is None else PRIVATE_RULES_VERSION, **rules}
        return inputs

    def _declared(self, source_id: str) -> str:
        """The parts of a source's declaration that decide how its rows are read and learnt."""
        decides = deciding(self.manifest.sources[source_id].spec, *TRAINED)
        decides.pop("holdout", None)  # it stands in the hash as the share that it comes to
        return digest([READING_VERSION, decides])

    def _division(self, model: ModelNode) -> Any:
        """What decides which rows a model learns from and which judge it, beside the rows themselves."""
        if model.source is None or model.source.source is not None:
            return model.holdout
        if model.judged_through:
            return {"share": model.holdout, "through": [r.id for r in model.judged_through]}
        return {"share": model.holdout, "version": DERIVED_VERSION}

    def rows(self, model: ModelNode, upstream: Mapping[str, str]) -> str:
        """The sample hash alone: what decides the rows, whatever the audits are."""
        train = digest(self._train_inputs(model, upstream))
        return digest({"train": train, **self._sample_inputs(model)})

    def _sample_inputs(self, model: ModelNode) -> dict[str, Any]:
        if isinstance(model.generator, Query):
            return {"engine": self.package("duckdb")}
        inputs: dict[str, Any] = {
            "size": str(model.size),
            "conditions": model.spec.conditions,
            "fill": _fill_version(model),
            "packages": {p: self.package(p) for p in ("faker", "pyarrow", "numpy")},
        }
        if model.family is not None:
            family = self.manifest.families[model.family]
            inputs |= {"size": str(family.size), "conditions": {t: c for t, c in family.conditions.items() if c}}
            if family.rules:
                inputs["across"] = {"version": ACROSS_VERSION, "rules": sorted(str(r.rule) for r in family.rules)}
            if family.at_least:
                inputs["at_least"] = dict(family.at_least)
            if family.at_most:
                inputs["at_most"] = dict(family.at_most)
            if family.spec.keys is not None:
                inputs["keys"] = family.spec.keys
            return {**inputs, "member": model.source.name if model.source is not None else model.name}
        rows = self.manifest.declared_rows(model)
        if rows is not None:
            inputs["of"] = rows
        if model.constraints:
            inputs["constraints"] = sorted({str(c.rule) for c in model.constraints})
        if model.spec.keys is not None:
            inputs["keys"] = model.spec.keys
        if (parts := self._partitions(model)) is not None:
            inputs["partitions"] = parts
        return inputs

    def _partitions(self, model: ModelNode) -> dict[str, Any] | None:
        """How a table is cut; None where it is known to be one partition.

        Of a factor of rows that nobody declared, the source's content decides how many there are, and so how many
        partitions: both are the same until the rule is another one, which is in the hash.
        """
        most, known = model.spec.partition_rows, self.manifest.known_rows(model)
        if most is None and known is not None and partitions_of(known, None) == 1:
            return None
        return {"version": PARTITION_VERSION, "rows": PARTITION_ROWS if most is None else most}


def _fill_version(model: ModelNode) -> int | list[int]:
    """That of made-up columns; and of people, where some columns are made as one person's."""
    kinds = [c.pii for c in model.schema.columns if c.pii is not None]
    return [FILL_VERSION, IDENTITY_VERSION] if agreeing(kinds) else FILL_VERSION


def _generator_inputs(generator: Generator, params: BaseModel) -> dict[str, Any]:
    said = params.model_dump(mode="json", exclude=getattr(params, "CHANGES_NO_ROW", None))
    return {"name": generator.name, "version": generator.version, "params": said}


class RecordedFingerprinter(Fingerprinter):
    """Fingerprints without the sources and on any machine: what YAML does not decide is taken from recorded states.

    That is the content of the sources (of a private model its keyed hash), and the versions of packages.

    Args:
        sources: whether the sources are here after all, and their content is what it is now.
    """

    def __init__(self, manifest: Manifest, *, sources: bool = False) -> None:
        super().__init__(manifest)
        self._open = sources
        self._sources: dict[str, str] = {}
        self._packages: dict[str, str] = {}

    def recorded(self, model: ModelNode, upstream: Mapping[str, str], inputs: Inputs) -> Fingerprint:
        """The fingerprint of ``model``, with the ``inputs`` of a receipt for what cannot be computed."""
        train, sample, audit = inputs.train, inputs.sample, inputs.audit
        owners = {i: found[0] for i, found in mapping_in(train, "owners").items() if isinstance(found, list) and found}
        self._sources = {**mapping_in(audit, "tables"), **mapping_in(audit, "reference"), **owners, **inputs.sources}
        self._packages = {**mapping_in(train, "packages"), **mapping_in(sample, "packages")}
        if "engine" in sample:
            self._packages["duckdb"] = sample["engine"]
        return self.of(model, upstream)

    def package(self, name: str) -> str:
        return self._packages.get(name) or super().package(name)

    def _identity(self, node: str, upstream: Mapping[str, str], private: bool) -> str:
        if self._open and node.startswith("source:"):
            return super()._identity(node, upstream, private)
        known = self._sources if node.startswith("source:") else upstream
        return known.get(node, "unknown")


def mapping_in(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A part of recorded inputs; empty where somebody's editor left something else there."""
    found = data.get(key)
    return found if isinstance(found, Mapping) else {}
