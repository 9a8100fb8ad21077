"""A licence as the standards name it: its SPDX name where it has one, and its address."""

from __future__ import annotations

import re

# Those under which data is given away, as SPDX names them (https://spdx.org/licenses): Hugging Face knows each.
_KNOWN = (
    *("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-4.0"),
    *("PDDL", "ODbL", "ODC-By", "CDLA-Sharing-1.0", "CDLA-Permissive-1.0", "CDLA-Permissive-2.0"),
    *("Apache-2.0", "MIT", "BSD-3-Clause", "GPL-3.0", "AGPL-3.0", "MPL-2.0"),
)
_BY_NAME = {name.casefold(): name for name in _KNOWN}
_ON_SPDX = {"PDDL": "PDDL-1.0", "ODbL": "ODbL-1.0", "ODC-By": "ODC-By-1.0"}
_ON_SPDX |= {"GPL-3.0": "GPL-3.0-only", "AGPL-3.0": "AGPL-3.0-only"}


def spdx(licence: str) -> str | None:
    """The licence's name where it is known; None of an address and of words.

    >>> spdx("cc-by-4.0"), spdx("for our own use alone")
    ('CC-BY-4.0', None)
    """
    return _BY_NAME.get(licence.casefold())


def address(licence: str) -> str | None:
    """Where it can be read, as far as that is known.

    >>> address("MIT"), address("https://example.org/terms"), address("ask us")
    ('https://spdx.org/licenses/MIT.html', 'https://example.org/terms', None)
    """
    if re.match(r"https?://\S+$", licence):
        return licence
    known = spdx(licence)
    return None if known is None else f"https://spdx.org/licenses/{_ON_SPDX.get(known, known)}.html"
