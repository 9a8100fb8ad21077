#!/bin/sh
# Casting 2.5 and 3.5 to INTEGER. Expected: one rule of rounding. What happens: decimals (and text) go away from zero, 3 and 4, doubles go
# to the even neighbour, 2 and 4. The same literal read from a CSV as DECIMAL or as DOUBLE gives another whole number.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1
venv/bin/python - <<'EOF'
import sys, duckdb
print("duckdb", duckdb.__version__)
found = duckdb.sql("select 2.5::integer, 3.5::integer, '2.5'::integer, 2.5::double::integer, 3.5::double::integer").fetchall()[0]
print("decimal, decimal, text, double, double:", found)
seen = found == (3, 4, 3, 2, 4)
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
