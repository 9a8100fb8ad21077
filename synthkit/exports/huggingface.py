"""A dataset folder as the Hugging Face hub has it: Parquet below ``data/``, and a card with metadata in YAML.

``datasets.load_dataset(folder, TABLE)`` reads it without a network. Each table is a configuration; the fields of the
card are those of https://huggingface.co/docs/hub/datasets-cards.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from synthkit.exports.card import write_card
from synthkit.exports.contract import Exporter, Package
from synthkit.exports.licences import address, spdx
from synthkit.exports.plain import write_parquet

_SIZES = (  # rows below the number are of the category
    *((10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M")),
    *((10**8, "10M<n<100M"), (10**9, "100M<n<1B"), (10**10, "1B<n<10B"), (10**11, "10B<n<100B")),
    *((10**12, "100B<n<1T"), (float("inf"), "n>1T")),
)


def write(package: Package, folder: Path) -> None:
    import yaml

    for table in package.tables:
        (folder / "data" / table.name).mkdir(parents=True)
        write_parquet(table, folder / "data" / table.name / "train-00000-of-00001.parquet")
    metadata = yaml.safe_dump(_metadata(package), sort_keys=False, allow_unicode=True)
    write_card(package, folder, f"---\n{metadata}---\n\n")


def _metadata(package: Package) -> dict[str, Any]:
    return {
        "pretty_name": package.name,
        **_licence(package.usage.licence),
        "tags": ["tabular", *(nature.replace(" ", "-") for nature in package.natures), "synthkit"],
        "size_categories": [_size(sum(table.rows for table in package.tables))],
        "configs": [
            {
                "config_name": table.name,
                **({"default": True} if index == 0 else {}),
                "data_files": [{"split": "train", "path": f"data/{table.name}/*.parquet"}],
            }
            for index, table in enumerate(package.tables)
        ],
    }


def _licence(licence: str | None) -> dict[str, str]:
    """A name that the hub knows, or ``other`` with the words and, where there is one, the address."""
    if licence is None:
        return {}
    known, link = spdx(licence), address(licence)
    if known is not None:
        return {"license": known.lower()}
    return {"license": "other", "license_name": licence, **({"license_link": link} if link else {})}


def _size(rows: int) -> str:
    return next(name for most, name in _SIZES if rows < most)


HUGGINGFACE = Exporter("huggingface", write)
