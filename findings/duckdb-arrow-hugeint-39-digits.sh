#!/bin/sh
# DuckDB's HUGEINT holds 39 digits. Expected on the way to Arrow: a type that holds them, or an error.
# What happens: it is exported as decimal128(38, 0), so values of 39 digits break the promise of the type. pyarrow's own full
# validation refuses the table, while polars turns the value into another number: its last digits are gone.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1 polars==2.1.0
venv/bin/python - <<'EOF'
import sys, duckdb, polars, pyarrow as pa
print("duckdb", duckdb.__version__, "pyarrow", pa.__version__, "polars", polars.__version__)
exact = 170141183460469231731687303715884105727
arrow = duckdb.sql(f"select {exact}::hugeint as n").to_arrow_table()
print("Arrow:", arrow.schema.types, arrow.column("n")[0])
try:
    arrow.validate(full=True)
    invalid = False
except pa.ArrowInvalid as error:
    invalid = True
    print("pyarrow, full validation:", error)
there = polars.from_arrow(arrow)["n"][0]
print("polars:", there)
seen = invalid and int(there) != exact
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
