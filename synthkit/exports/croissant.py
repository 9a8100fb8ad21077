"""Croissant, the metadata of MLCommons: ``croissant.json`` beside the Parquet files (http://mlcommons.org/croissant/1.0).

That rows are synthetic, what they are for and what they must not be used for stands in its vocabulary for responsible
AI (``rai:``). Keys of a family are ``references`` between fields.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from synthkit.exports.card import nature, said, sentence, verdicts, write_card
from synthkit.exports.contract import ExportedTable, Exporter, Package
from synthkit.exports.kinds import Kind, kinds
from synthkit.exports.licences import address
from synthkit.exports.plain import write_parquet

_TYPES: Mapping[Kind, str] = {
    "boolean": "sc:Boolean",
    "integer": "sc:Integer",
    "float": "sc:Float",
    "decimal": "sc:Float",
    "date": "sc:Date",
    "time": "sc:Text",
    "timestamp": "sc:DateTime",
    "instant": "sc:DateTime",
}
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}


def write(package: Package, folder: Path) -> None:
    for table in package.tables:
        write_parquet(table, folder / f"{table.name}.parquet")
    text = json.dumps(_dataset(package), indent=2, ensure_ascii=False)
    (folder / "croissant.json").write_text(text + "\n", "utf-8")
    write_card(package, folder)


def _dataset(package: Package) -> dict[str, Any]:
    usage = package.usage
    owner = usage.owner
    creator = {"name": owner.name or owner.email, "email": owner.email} if owner else {"name": package.project}
    purposes = [use for table in package.tables for use in table.usage.intended]
    barred = [use for table in package.tables for use in table.usage.not_for]
    return {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.0", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": package.name,
        "description": " ".join([sentence(package.description), *(said(table) for table in package.tables)]),
        "datePublished": max(table.receipt.published_at for table in package.tables),
        "version": package.version,
        **({"license": address(usage.licence) or usage.licence} if usage.licence else {}),
        "creator": {"@type": "Organization", **{k: v for k, v in creator.items() if v}},
        "keywords": ["tabular", *package.natures],
        "rai:hasSyntheticData": any(table.synthetic for table in package.tables),
        "rai:dataCollectionType": sorted({"Synthetic" if t.synthetic else "Others" for t in package.tables}),
        "rai:dataCollection": " ".join(f"{t.name}: {nature(t)}" for t in package.tables),
        "rai:personalSensitiveInformation": [f"{t.name}: {t.statement}" for t in package.tables],
        "rai:dataManipulationProtocol": [f"{t.name}: made by {t.receipt.generator.name}" for t in package.tables],
        "rai:dataLimitations": [*dict.fromkeys(f"Not for: {use}" for use in barred)],
        "rai:dataUseCases": [*dict.fromkeys(purposes)],
        "rai:dataAnnotationAnalysis": [f"{t.name}: {verdict}" for t in package.tables for verdict in verdicts(t)],
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": _file(table),
                "name": _file(table),
                "contentUrl": _file(table),
                "contentSize": f"{table.receipt.bytes} B",
                "encodingFormat": "application/x-parquet",
                "sha256": table.receipt.sha256,
            }
            for table in package.tables
        ],
        "recordSet": [_records(table) for table in package.tables],
    }


def _file(table: ExportedTable) -> str:
    return f"{table.name}.parquet"


def _records(table: ExportedTable) -> dict[str, Any]:
    key = [{"@id": f"{table.name}/{column}"} for column in table.primary_key]
    return {
        "@type": "cr:RecordSet",
        "@id": table.name,
        "name": table.name,
        "description": table.description or nature(table),
        **({"key": key if len(key) > 1 else key[0]} if key else {}),
        "field": _fields(table),
    }


def _fields(table: ExportedTable) -> list[dict[str, Any]]:
    leads, words = _leads(table), dict(table.column_descriptions)
    for key in table.keys:
        if len(key.columns) == 1 and key.columns[0] not in leads:
            told = [words.get(key.columns[0]), f"names a row of {key.target}"]
            words[key.columns[0]] = "; ".join(word for word in told if word)
    return [
        {
            "@type": "cr:Field",
            "@id": f"{table.name}/{name}",
            "name": name,
            **({"description": words[name]} if name in words else {}),
            "dataType": _TYPES.get(kind, "sc:Text"),
            "source": {"fileObject": {"@id": _file(table)}, "extract": {"column": name}},
            **({"references": {"field": {"@id": leads[name]}}} if name in leads else {}),
        }
        for name, kind in kinds(table.arrow).items()
    ]


def _leads(table: ExportedTable) -> dict[str, str]:
    """Column → the field that it names. A key within its table, or in a circle of tables, is none: mlcroissant takes
    references for an order in which to read, and finds none then."""
    ordered = [key for key in table.keys if key.kind in ("owner", "looked up")]
    return {c: f"{key.references}/{to}" for key in ordered for c, to in zip(key.columns, key.to, strict=False)}


CROISSANT = Exporter("croissant", write)
