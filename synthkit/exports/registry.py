"""Exporters by name, from the entry-point group ``synthkit.exports``."""

from __future__ import annotations

from synthkit.errors import SynthError, did_you_mean
from synthkit.exports.contract import Exporter
from synthkit.extras import refuse_absent
from synthkit.plugins import entries, loaded, no_kind

GROUP = "synthkit.exports"


def exporter_of(name: str) -> Exporter:
    """The exporter of that name.

    Raises:
        SynthError: there is none (the nearest name is in the hint), its package does not load, or what it needs is not
            installed.
    """
    entry = entries(GROUP).get(name)
    if entry is None:
        raise SynthError(f"there is no format {name!r}", hint=did_you_mean(name, entries(GROUP), "a format"))
    found = loaded(entry, "format {name!r} of the package {package!r} does not load")
    if not isinstance(found, Exporter):
        raise no_kind(entry, "exporter")
    if found.needs is not None:
        refuse_absent(f"the format {name!r}", found.extra, found.needs)
    return found
