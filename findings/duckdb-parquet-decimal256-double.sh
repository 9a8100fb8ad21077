#!/bin/sh
# A Parquet file with a DECIMAL of more than 38 digits (Arrow's decimal256). DuckDB's own decimals end at 38. Expected: an error, or
# text. What happens: the column is read as DOUBLE, so values that differ behind the 17th digit are the same from then on: keys
# merge, and count(distinct) says 1.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check duckdb==2.0.1 pyarrow==26.0.1
venv/bin/python - <<'EOF'
import decimal, sys, duckdb, pyarrow as pa, pyarrow.parquet as pq
print("duckdb", duckdb.__version__)
values = [decimal.Decimal("12345678901234567890123456789012345678901"), decimal.Decimal("12345678901234567890123456789012345678902")]
pq.write_table(pa.table({"k": pa.array(values, pa.decimal256(41, 0))}), "t.parquet")
found = duckdb.sql("select any_value(typeof(k)), count(distinct k) from 't.parquet'").fetchall()[0]
print(found, "| pyarrow:", len(set(pq.read_table("t.parquet").column("k").to_pylist())), "different values")
seen = found == ("DOUBLE", 1)
print("behaviour seen:", seen)
sys.exit(not seen)
EOF
