#!/bin/sh
# A TIME WITH TIME ZONE says 10:30 at an offset of two hours. Expected on the way to Arrow, which has no such type: text, a struct,
# or an error, as for other types that Arrow lacks.
# What happens: it is exported as time64[us] and the offset is dropped, so two different values become the same one.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1
venv/bin/python - <<'EOF'
import sys, duckdb
print("duckdb", duckdb.__version__)
sql = "select unnest(['10:30:00+02'::timetz, '10:30:00-05'::timetz]) as t"
inside = duckdb.sql(f"select count(distinct t), min(t::varchar), max(t::varchar) from ({sql})").fetchall()[0]
arrow = duckdb.sql(sql).to_arrow_table()
print("DuckDB:", inside)
print("Arrow: ", arrow.schema.types, arrow.column("t").to_pylist())
seen = inside[0] == 2 and str(arrow.schema.types[0]) == "time64[us]" and len(set(arrow.column("t").to_pylist())) == 1
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
