"""docs/locales.md: what each of Faker's locales has of its own.

``python -m tests.localepage --write`` writes it; ``tests/encoding/test_identities.py`` holds it to the installed Faker.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

from synthkit.encoding.locales import LOCAL, countries, lacking, locales

PAGE = Path(__file__).parents[1] / "docs" / "locales.md"
HEAD = """\
# Locales of made-up personal data

`pii: phone in de_DE` makes a column up as it is in one country, `pii: phone by country` as the row's column `country` says (by two or
three letters, or the English name). What a locale of Faker's lacks is filled with what is everybody's, mostly American: where that is a
kind of this table, the compiler refuses the locale, and rows of such a country are left empty. E-mail addresses and user names are
lacking where names are; other kinds (`job`, `credit_card`) are taken as Faker makes them. Written by `python -m tests.localepage --write`
from what Faker's providers read while they make values.

What agrees in a row: name, first and last name, e-mail and user name are of one person; all are of the row's country. What does
not, as Faker has no gazetteer: the postcode and the area code are of the country's form, and not those of the city or the state.
Addresses of e-mail and user names in scripts other than the Latin one are not of the name.

| locale | countries | not of its own |
| --- | --- | --- |
"""


def page() -> str:
    of: dict[str, set[str]] = defaultdict(set)
    for text, locale in countries().items():
        if len(text) == 2:
            of[locale].add(text.upper())
    lines = []
    for locale in sorted(locales()):
        without = [kind for kind in LOCAL if lacking(locale, kind) is not None]
        lines.append(f"| `{locale}` | {', '.join(sorted(of[locale] - {'UK'}))} | {', '.join(without)} |")
    return HEAD + "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The page of locales.")
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page(), end="")
