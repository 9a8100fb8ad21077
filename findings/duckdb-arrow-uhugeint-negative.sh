#!/bin/sh
# DuckDB's UHUGEINT holds 0 to 2^128 - 1. Expected on the way to Arrow: the number, text, or an error.
# What happens: the export is decimal128(38, 0) over the same 128 bits read as signed, so every value of 2^127 or more comes out
# negative, without a word. md5_number(), whose results are spread over the whole range, is negative for half of all inputs.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1
venv/bin/python - <<'EOF'
import sys, duckdb
print("duckdb", duckdb.__version__)
sql = "select 340282366920938463463374607431768211455::uhugeint as most, md5_number('d') as hashed"
inside = duckdb.sql(sql).fetchall()[0]
arrow = duckdb.sql(sql).to_arrow_table()
outside = tuple(arrow.to_pylist()[0].values())
print("types:", arrow.schema.types)
print("DuckDB:", inside)
print("Arrow: ", outside)
seen = inside[0] == 2**128 - 1 and outside[0] == -1 and inside[1] > 2**127 and outside[1] == inside[1] - 2**128
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
