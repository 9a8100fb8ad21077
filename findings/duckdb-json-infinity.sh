#!/bin/sh
# JSON has no infinity (RFC 8259, section 6). Expected of DuckDB's to_json(): null, text, or an error; for a date 'infinity' it gives text.
# What happens: it gives the bare words Infinity and NaN, which DuckDB itself reads, and Python's json module by default, while
# strict parsers refuse the whole document. COPY ... (FORMAT json) writes them into files, too.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1
venv/bin/python - <<'EOF'
import json, sys, duckdb
print("duckdb", duckdb.__version__)
found = duckdb.sql("select to_json({'a': 'infinity'::double, 'b': 'nan'::double, 'c': date 'infinity'})::varchar").fetchall()[0][0]
duckdb.sql("copy (select 'infinity'::double as a) to 't.json' (format json)")
written = open("t.json").read().strip()
print(found, "| COPY:", written)

def refuse(word):
    raise ValueError(f"{word} is not JSON")

try:
    json.loads(found, parse_constant=refuse)
    strict = True
except ValueError as error:
    strict = False
    print("a strict parser:", error)
seen = '"a":Infinity' in found and '"b":NaN' in found and '"c":"infinity"' in found and "Infinity" in written and not strict
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
